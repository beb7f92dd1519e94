"""The questions, answered from results whose answers are plain to see."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from selfsparse.analysis.answers import answers, bullets
from selfsparse.results.reading import load_results
from selfsparse.results.rows import COLUMNS

LOWER, SAME_STEP, READINGS, ORDER, ZERO, DEAD, SETTLED = range(7)
# As printed for Fashion-MNIST and STL-10.
PRINTED = (
    {"self_sparse": 17.67, "wgan_gp": 20.41, "without_psm": 21.51, "without_csm": 163.71},
    {"self_sparse": 56.23, "without_psm": 60.85, "wgan_gp": 63.88, "without_csm": 64.87},
)
HEADS = {"self_sparse": ("alpha", "beta"), "without_psm": ("alpha",), "without_csm": ("beta",), "wgan_gp": ()}


def frame(name: str, rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS[name])


def made_up(fids: dict[str, float] = PRINTED[0], suite: str = "laptop", changed=(np.nan, 0.9, 0.2, 0.1)):
    """Each seed's FID is its number less 0.1, as such, and plus 0.1; snapshots at 0, 250, 500 and 750 of 5,000 steps."""
    results = dataclasses.replace(load_results(suite), folder=Path("/nowhere"))
    runs, fid, mechanism, curves = [], [], [], []
    for c in (c for c in results.configurations if c.model in fids):
        for seed, offset in zip(c.train.seeds, (-0.1, 0.0, 0.1), strict=True):
            row = {"configuration": c.name, "seed": seed}
            runs.append({**row, "status": "finished", "best_fid": 3 * fids[c.model] + offset})
            for n_fake, more in zip(c.extractor.samples, (100, 0), strict=True):
                for generator, factor in (("best", 1), ("last", 2)):
                    value = factor * fids[c.model] + offset + more
                    fid.append({**row, "generator": generator, "n_fake": n_fake, "fid": value})
            for step in (0, 250, 500, 750, 1000):
                behind = {"wgan_gp": 500, "self_sparse": 500 + (250 if step in (250, 1000) else -250)}.get(c.model, 0)
                curves.append({**row, "step": step, "fid": behind})
            for step, change in zip((0, 250, 500, 750), changed, strict=True):
                for stage, size, channels in ((1, 4, 30), (2, 8, 10)):
                    at = {
                        "step": step,
                        "stage": stage,
                        "size": size,
                        "channels": channels,
                        "dead_channels": stage + seed,
                    }
                    for head in HEADS[c.model]:
                        at[f"{head}_zero"] = stage / 4 * (head == "alpha")
                        at[f"{head}_changed"] = change * (stage == 1)
                    mechanism.append({**row, **at})
    frames = {"runs": runs, "fid": fid, "mechanism": mechanism, "curves": curves}
    return dataclasses.replace(results, **{name: frame(name, rows) for name, rows in frames.items()})


def said(results) -> list[list[str]]:
    return list(answers(results).values())


def test_lower_in_each_of_the_three_fids():
    """17.67 and 20.41, standard deviations 0.1: 13.4 % lower, t = -2.74 / sqrt(2 / 300), g = -27.4 times 0.798 (exact for 4)."""
    (text,) = said(made_up())[LOWER]
    assert text.startswith("MNIST 32 × 32: yes. FID (lenet) of the best generators, 50,000 images from fresh latents: ")
    assert "17.67 ± 0.10 against 20.41 ± 0.10 (n = 3 and 3), 13.4 % lower (95 % interval" in text
    assert (
        "Hedges' g −21.86" in text
        and f"p = {stats.t.cdf(-2.74 / np.sqrt(2 / 300), 4):.6f}, one-sided for lower; p and" in text
    )
    assert "Holm" not in text
    assert "the lowest of each training 53.01 ± 0.10 against 61.23 ± 0.10" in text
    assert text.endswith("the last generators 35.34 ± 0.10 against 40.82 ± 0.10.")


def test_higher_or_undecided():
    (text,) = said(made_up(PRINTED[0] | {"self_sparse": 30.0}))[LOWER]
    assert "MNIST 32 × 32: no. FID" in text and "47.0 % higher" in text
    (text,) = said(made_up(PRINTED[0] | {"self_sparse": 20.40}))[LOWER]
    assert "MNIST 32 × 32: undecided, lower in the mean." in text


def test_several_pairs_are_corrected_for():
    """Quick's main table has two pairs with the same numbers: the smallest p times 2."""
    close = PRINTED[0] | {"self_sparse": 20.13}  # t = -0.28 / sqrt(2 / 300) = -3.43 with 4 degrees of freedom
    p = stats.t.cdf(-0.28 / np.sqrt(2 / 300), 4)
    found = said(made_up(close, "quick"))[LOWER]
    assert len(found) == 2 and 0.0125 < p < 0.025
    for text in found:
        assert "undecided" in text and f"p = {p:.3f}, one-sided for lower" in text
        assert f"and after Holm's correction over 2 pairs p = {2 * p:.3f}" in text
    (alone,) = said(made_up(close))[LOWER]
    assert ": yes. " in alone


@pytest.mark.parametrize("fids", PRINTED, ids=["fashion_mnist", "stl10"])
def test_the_printed_numbers_are_in_the_papers_order(fids):
    (text,) = said(made_up(fids))[ORDER]
    for a, b in (("Self-Sparse GAN", "without PSM"), ("without PSM", "without CSM"), ("WGAN-GP", "without CSM")):
        assert f"{a} below {b} yes (p " in text
    assert "From low to high: Self-Sparse GAN" in text


def test_another_order():
    (text,) = said(made_up(PRINTED[0] | {"self_sparse": 44.0}))[ORDER]
    assert "Self-Sparse GAN below without PSM no (p" in text and "WGAN-GP below without CSM yes" in text


def test_the_same_step():
    """Lower at 500 and 750, higher at 250 and 1,000; the evaluation before the first step does not count."""
    (text,) = said(made_up())[SAME_STEP]
    assert text.endswith(
        "lower at 2 of 4 evaluations (of the same runs, so that they depend on each other: no test); longest without a break"
        " from step 500 to 750."
    )


def test_zeros_dead_channels_and_signs():
    found = said(made_up())
    assert found[ZERO] == [
        "`mnist-32-self_sparse-laptop`: α in 25.0 to 50.0 % of all cases at the end, by stage; β never.",
        "`mnist-32-without_psm-laptop`: α in 25.0 to 50.0 % of all cases at the end, by stage.",
        "`mnist-32-without_csm-laptop`: β never.",
    ]
    # 5 % of 5,000 steps are 250: what changed up to there does not count. Of α 30 of 40 lie in stage 1, of β 16 of 80.
    assert found[SETTLED][0] == (
        "`mnist-32-self_sparse-laptop`: those of α go on changing: after step 250 on average 11.2 % from one snapshot to the"
        " next, 7.5 % in the last 250 steps; those of β go on changing: after step 250 on average 3.0 % from one snapshot to"
        " the next, 2.0 % in the last 250 steps."
    )
    assert "those of α stay: after step 250" in said(made_up(changed=(np.nan, 0.9, 0.0, 0.0)))[SETTLED][1]


def test_dead_channels_are_proven_observed_or_awake_again(tmp_path):
    """Three runs of 24 channels: proven 1 a run, observed 6, 9 and 0; of these 3 of one run woke, which is 1 a run."""
    sparse, psm = "mnist-32-self_sparse-laptop", "mnist-32-without_psm-laptop"
    dead, compact = [], []
    for seed, (observed, woke) in enumerate(((6, 0), (9, 3), (0, None))):
        run = {"configuration": sparse, "seed": seed}
        dead += [run | {"stage": 1, "channels": 16, "proven": 0, "observed": 0}]
        dead += [run | {"stage": 2, "channels": 8, "proven": 1, "observed": observed}]
        compact += [run | {"kind": "proven", "removed": 1, "revived": 0, "fresh_latents": 40, "latents": 30}]
        compact += [
            run | {"kind": "observed", "removed": observed, "revived": woke, "fresh_latents": 40, "latents": 30}
        ]
        dead += [{"configuration": psm, "seed": seed, "stage": 1, "channels": 10, "proven": 0, "observed": 0}]
    pd.DataFrame(dead).to_csv(tmp_path / "dead_channels.csv", index=False)
    pd.DataFrame(compact).to_csv(tmp_path / "compact.csv", index=False)
    found = said(dataclasses.replace(made_up(), folder=tmp_path))[DEAD]
    assert found == [
        f"`{sparse}`: 1.0 of 24 proven from the weights, 5.0 observed, at 0 for every latent tried; of these 1.0 woke on 40 fresh"
        " latents; means over 3 runs.",
        f"`{psm}`: 0.0 of 10 proven from the weights, 0.0 observed, at 0 for every latent tried; means over 3 runs.",
    ]


def test_only_what_is_answered_is_listed():
    found = bullets(made_up())
    assert said(made_up())[READINGS] == [] and "leaves open" not in found
    assert found.startswith("- Is the FID of Self-Sparse GAN lower than that of WGAN-GP?\n  - MNIST 32 × 32: yes")
    assert found.count("\n- ") == 4


def test_nothing_has_run():
    assert said(load_results("paper")) == [[]] * 7
    assert bullets(load_results("paper")) == ""
