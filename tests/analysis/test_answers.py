"""The questions, answered from results whose answers are plain to see."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from small_project import write_project
from three_datasets import changes
from three_datasets import made_up as made_up_laptop

from selfsparse.analysis.answers import QUESTIONS, answers, answers_table, best_answers
from selfsparse.analysis.table import to_markdown
from selfsparse.results.reading import load_results
from selfsparse.results.rows import COLUMNS

LOWER, MODULE, SAME_STEP, READINGS, ORDER, ZERO, DEAD, SETTLED = range(8)
# As printed for Fashion-MNIST and STL-10.
PRINTED = (
    {"self_sparse": 17.67, "wgan_gp": 20.41, "without_psm": 21.51, "without_csm": 163.71},
    {"self_sparse": 56.23, "without_psm": 60.85, "wgan_gp": 63.88, "without_csm": 64.87},
)
HEADS = {"self_sparse": ("alpha", "beta"), "without_psm": ("alpha",), "without_csm": ("beta",), "wgan_gp": ()}


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Three seeds of each suite, of which nothing has run."""
    three = {f"suites.{suite}.train.seeds": [0, 1, 2] for suite in ("quick", "laptop", "sensitivity")}
    monkeypatch.chdir(write_project(tmp_path / "project", three))


def frame(name: str, rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS[name])


def made_up(fids: dict[str, float] = PRINTED[0], suite: str = "laptop", changed=(np.nan, 0.9, 0.2, 0.1)):
    """Each seed's FID is its number less 0.1, as such, and plus 0.1; snapshots at 0, 250, 500 and 750 of 5,000 steps."""
    results = dataclasses.replace(load_results(suite), folder=Path("/nowhere"))
    runs, fid, mechanism, curves = [], [], [], []
    for c in (c for c in results.configurations if c.model in fids):
        for seed, offset in zip(c.train.seeds, (-0.1, 0.0, 0.1), strict=False):  # of some suites more
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


def said(results, which: int) -> list[dict]:
    return [row for row in answers(results) if row["question"] == QUESTIONS[which][0]]


def words(results, which: int) -> list[tuple[str, str]]:
    return [(row["of"], row["answer"]) for row in said(results, which)]


def test_lower_by_the_larger_sample_with_fresh_latents():
    """17.67 and 20.41, standard deviations 0.1: 13.4 % lower; the lowest of each training tells another story."""
    (row,) = said(made_up(), LOWER)
    assert (row["dataset"], row["answer"], row["n"], row["notebook"]) == ("MNIST 32 × 32", "yes", 3, "table_fid")
    assert row["effect"] == pytest.approx(100 * 2.74 / 20.41) and row["effect_low_95"] < row["effect"]


def test_higher_or_undecided():
    (row,) = said(made_up(PRINTED[0] | {"self_sparse": 30.0}), LOWER)
    assert row["answer"] == "no" and row["effect"] == pytest.approx(-47.0, abs=0.05)
    assert words(made_up(PRINTED[0] | {"self_sparse": 20.40}), LOWER)[0][1] == "undecided"


def test_several_pairs_are_corrected_for():
    """Quick's main table has two pairs with the same numbers: the smallest p times 2."""
    close = PRINTED[0] | {"self_sparse": 20.13}  # t = -0.28 / sqrt(2 / 300) = -3.43 with 4 degrees of freedom
    p = stats.t.cdf(-0.28 / np.sqrt(2 / 300), 4)
    assert 0.0125 < p < 0.025
    assert [answer for _, answer in words(made_up(close, "quick"), LOWER)] == ["undecided"] * 2
    assert [answer for _, answer in words(made_up(close), LOWER)] == ["yes"]


@pytest.mark.parametrize("fids", PRINTED, ids=["fashion_mnist", "stl10"])
def test_the_printed_numbers_are_in_the_papers_order(fids):
    assert sorted(words(made_up(fids), ORDER)) == [
        ("Self-Sparse GAN below without PSM", "yes"),
        ("WGAN-GP below without CSM", "yes"),
        ("without PSM below without CSM", "yes"),
    ]


def test_another_order():
    found = dict(words(made_up(PRINTED[0] | {"self_sparse": 44.0}), ORDER))
    assert found["Self-Sparse GAN below without PSM"] == "no" and found["WGAN-GP below without CSM"] == "yes"


def test_the_same_step():
    """Lower at 500 and 750, higher at 250 and 1,000; the evaluation before the first step does not count."""
    (row,) = said(made_up(), SAME_STEP)
    assert (row["answer"], row["effect"]) == ("undecided", 50.0) and "4 evaluations" in row["measure"]


def test_zeros_and_signs():
    """α is zero in 25 % of stage 1 and 50 % of stage 2. Of α 30 of 40 lie in stage 1, of β 16 of 80, and there alone signs change.

    5 % of 5,000 steps are 250: what changed up to there does not count, and 0.2 and 0.1 do after it.
    """
    zero = said(made_up(), ZERO)
    assert [(row["of"], row["answer"], row["effect"]) for row in zero] == [
        ("α of Self-Sparse GAN", "yes", 37.5), ("β of Self-Sparse GAN", "no", 0.0),
    ]  # fmt: skip
    settled = said(made_up(), SETTLED)
    assert [(row["of"], row["answer"]) for row in settled] == [
        ("α of Self-Sparse GAN", "no"), ("β of Self-Sparse GAN", "no"),
    ]  # fmt: skip
    assert [row["effect"] for row in settled] == pytest.approx([15 * 0.75, 15 * 0.2])
    assert "within 250 steps" in settled[0]["measure"] and settled[0]["n"] == 3
    assert words(made_up(changed=(np.nan, 0.9, 0.0, 0.0)), SETTLED)[0][1] == "yes"


def test_channels_that_are_dead_in_some_run(tmp_path):
    """Three runs of 24 channels: observed dead 6, 9 and 0, which is 62.5 / 3 percent on average.

    The t interval, 20.8 ± 47.4, ends where a share does.
    """
    sparse, psm = "mnist-32-self_sparse-laptop", "mnist-32-without_psm-laptop"
    dead = []
    for seed, observed in enumerate((6, 9, 0)):
        run = {"configuration": sparse, "seed": seed}
        dead += [run | {"stage": 1, "channels": 16, "proven": 0, "observed": 0}]
        dead += [run | {"stage": 2, "channels": 8, "proven": 1, "observed": observed}]
        dead += [{"configuration": psm, "seed": seed, "stage": 1, "channels": 10, "proven": 0, "observed": 0}]
    frame("dead_channels", dead).to_csv(tmp_path / "dead_channels.csv", index=False)
    first, second = said(dataclasses.replace(made_up(), folder=tmp_path), DEAD)
    assert (first["answer"], first["effect"]) == ("yes", pytest.approx(62.5 / 3)) and "24 channels" in first["measure"]
    assert first["effect_low_95"] == 0 and first["effect_high_95"] == pytest.approx(68.2, abs=0.1)
    assert (second["of"], second["answer"], second["effect"]) == ("without PSM", "no", 0.0)


def test_only_what_is_answered_is_shown_and_the_first_suite_answers():
    found = made_up()
    assert said(found, READINGS) == []
    markdown = to_markdown(answers_table(answers(found), lambda suite, name: f"{suite}/{name}.ipynb"))
    assert markdown.count("Is the FID of Self-Sparse GAN lower") == 1 and "leaves open" not in markdown
    assert "| [laptop: table_fid](laptop/table_fid.ipynb) |" in markdown
    rows = best_answers([found, made_up(suite="sensitivity")])
    assert {row["suite"] for row in rows if "leaves open" in row["question"]} == {"sensitivity"}
    assert {row["suite"] for row in rows if row["question"] == QUESTIONS[LOWER][0]} == {"laptop"}


NEAR, FAR = [20.0 + i % 3 for i in range(10)], [24.0 + i % 3 for i in range(10)]


@pytest.fixture
def three(tmp_path, monkeypatch):
    """MNIST: lower than both; Fashion-MNIST: higher than both; CIFAR-10: lower than WGAN-GP, as low as with as many parameters."""
    others = {("", "without_psm"): NEAR, ("", "without_csm"): FAR}
    fids = {("mnist", "self_sparse"): NEAR, ("mnist", "wgan_gp"): FAR, ("mnist", "wgan_gp-matched"): FAR}
    fids |= {("fashion_mnist", name): [9.0 + i % 3 for i in range(10)] for name in ("wgan_gp", "wgan_gp-matched")}
    fids |= {("fashion_mnist", "self_sparse"): FAR, ("cifar10", "self_sparse"): NEAR, ("cifar10", "wgan_gp"): FAR}
    folder = write_project(tmp_path / "three", changes())
    monkeypatch.chdir(folder)
    return made_up_laptop(folder, fids | others | {("cifar10", "wgan_gp-matched"): NEAR})


def test_ten_runs_are_answered_by_the_plan_on_each_dataset(three):
    rows = [row for row in answers(three) if row["question"] in {QUESTIONS[i][0] for i in (LOWER, MODULE)}]
    datasets = ["MNIST 32 × 32", "Fashion-MNIST 32 × 32", "CIFAR-10 32 × 32"]
    assert [(row["dataset"], row["answer"]) for row in rows] == [
        *zip(datasets, ("yes", "no", "yes"), strict=True), *zip(datasets, ("yes", "no", "undecided"), strict=True),
    ]  # fmt: skip
    assert {row["n"] for row in rows} == {10}
    assert [row["of"] for row in rows[2:4]] == [
        "Self-Sparse GAN below WGAN-GP", "Self-Sparse GAN below WGAN-GP (as many parameters)",
    ]  # fmt: skip


def test_a_line_for_each_question_and_a_column_for_each_dataset(three):
    text = answers_table(answers(three)).text
    asked = text["Question (effect)"]
    assert len(text) == len(set(asked)) == 7
    lower, order = text.iloc[0], text[asked.str.contains("ablation")].iloc[0]
    # (25 - 21) / 25 = 16 %: FIDs are 20, 21, 22, 20 ... and 4 more, with means 20.9 and 24.9.
    assert lower["MNIST 32 × 32"].startswith(f"yes, {100 * 4 / 24.9:.1f} [") and lower["n"] == "10"
    assert order.iloc[0].count("; ") == 2 == order["MNIST 32 × 32"].count(";") and order["CIFAR-10 32 × 32"] == "–"


def test_the_plan_leaves_open_what_welchs_test_would_decide(three):
    """Five runs of each, 1.6 apart, both variances 0.7: t = 3.02, of which Welch's has 8 degrees of freedom, the plan's 4."""
    five = {("", name): NEAR[:5] for name in ("self_sparse", "without_psm", "without_csm", "wgan_gp-matched")}
    baseline = [fid + 1.6 for fid in NEAR[:5]]
    assert 3 * stats.ttest_ind(NEAR[:5], baseline, equal_var=False, alternative="less").pvalue < 0.025
    results = made_up_laptop(Path.cwd(), five | {("", "wgan_gp"): baseline})
    assert [answer for _, answer in words(results, LOWER)] == ["undecided"] * 3


def test_nothing_has_run():
    assert answers(load_results("paper")) == []
