"""The questions, answered from results whose answers are plain to see."""

import dataclasses

import numpy as np
import pandas as pd

from selfsparse.analysis.answers import answers, bullets
from selfsparse.analysis.results import COLUMNS, load_results

LOWER, READINGS, ORDER, ZERO, SETTLED = range(5)
FIDS = {"self_sparse": 10.0, "without_psm": 20.0, "without_csm": 30.0, "wgan_gp": 40.0}


def frame(name: str, rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS[name].split(","))


def made_up(fids: dict[str, float] = FIDS, changed=(np.nan, 0.9, 0.2, 0.1)):
    """Suite laptop: each seed's FID is its number less 1, as such, and plus 1; snapshots at 0, 250, 500 and 750 of 5,000 steps."""
    results = load_results("laptop")
    runs, fid, mechanism = [], [], []
    for c in results.configurations:
        for seed, offset in zip(c.train.seeds, (-1, 0, 1), strict=True):
            row = {"configuration": c.name, "seed": seed}
            runs.append({**row, "status": "finished"})
            for n_fake, more in ((5000, 100), (50000, 0)):
                for generator in ("best", "last"):
                    wrong = 1000 * (generator == "last")
                    value = fids[c.model] + offset + more + wrong
                    fid.append({**row, "generator": generator, "n_fake": n_fake, "fid": value})
            for step, change in zip((0, 250, 500, 750), changed, strict=True):
                for stage, zero in ((1, 0.25), (2, 0.5)):
                    heads = {"self_sparse": "alpha beta", "without_psm": "alpha", "without_csm": "beta"}.get(
                        c.model, ""
                    )
                    values = {f"{name}_zero": zero * (name == "alpha") for name in heads.split()}
                    values |= {f"{name}_changed": change for name in heads.split()}
                    mechanism.append({**row, "step": step, "stage": stage, **values})
    frames = {"runs": runs, "fid": fid, "mechanism": mechanism}
    return dataclasses.replace(results, **{name: frame(name, rows) for name, rows in frames.items()})


def said(results) -> list[list[str]]:
    return list(answers(results).values())


def test_lower_everywhere():
    """Means 10 and 40, standard deviations 1: t = -30 / sqrt(2/3), g = -30 times 1 - 3/15, about, and 75 % lower."""
    (text,) = said(made_up())[LOWER]
    assert text.startswith("MNIST 32 × 32: yes, 10.00 ± 1.00 against 40.00 ± 1.00 (n = 3 and 3), 75.0 % lower")
    assert "g −23.9" in text and text.endswith("significant at 0.05.")
    (order,) = said(made_up())[ORDER]
    assert order.startswith("MNIST 32 × 32: yes, from low to high Self-Sparse GAN 10.00 ± 1.00, without PSM 20.00")
    assert order.endswith("Of the paper's 3 steps from one model to the next, 3 are significant (Holm).")


def test_higher_and_another_order():
    (text,) = said(made_up(FIDS | {"self_sparse": 44.0}))[LOWER]
    assert "no, 44.00 ± 1.00 against 40.00 ± 1.00" in text and "10.0 % higher" in text
    assert text.endswith("significantly higher at 0.05.")
    (order,) = said(made_up(FIDS | {"self_sparse": 44.0}))[ORDER]
    assert ": no, from low to high without PSM" in order
    assert "the paper has Self-Sparse GAN, without PSM, without CSM, WGAN-GP. Of the paper's 3 steps" in order
    assert "2 are significant" in order


def test_zeros_and_signs():
    found = said(made_up())
    zero, settled = found[ZERO], found[SETTLED]
    assert zero == [
        "`mnist-32-self_sparse-laptop`: α in 25.0 to 50.0 % of all cases at the end, by stage; β never.",
        "`mnist-32-without_psm-laptop`: α in 25.0 to 50.0 % of all cases at the end, by stage.",
        "`mnist-32-without_csm-laptop`: β never.",
    ]
    # 5 % of 5,000 steps are 250: what changed up to there does not count, 20 % and 10 % after that do.
    assert settled[1] == (
        "`mnist-32-without_psm-laptop`: after step 250 15.0 % of α's signs differ from those 250 steps before, 10.0 % at the end."
    )


def test_only_what_is_answered_is_listed():
    found = bullets(made_up())
    assert said(made_up())[READINGS] == [] and "leaves open" not in found
    assert found.startswith("- Is the FID of Self-Sparse GAN lower than that of WGAN-GP?\n  - MNIST 32 × 32: yes")
    assert found.count("\n- ") == 3


def test_nothing_has_run():
    assert said(load_results("paper")) == [[], [], [], [], []]
    assert bullets(load_results("paper")) == ""
