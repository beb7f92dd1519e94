"""One comparison has one effect, one interval and one p wherever it is told, here computed again by scipy and by hand."""

import math
import re
from dataclasses import dataclass
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from small_project import ROOT
from test_answers import made_up
from verdict_results import paper_results

from selfsparse.analysis import comparison_tables as tables
from selfsparse.analysis import sensitivity, sensitivity_tables
from selfsparse.analysis.answers import answers
from selfsparse.analysis.table import to_csv
from selfsparse.analysis.verdicts import verdict_table
from selfsparse.results.reading import load_results
from selfsparse.results.text import interval, number, probability
from selfsparse.verdicts.judging import all_verdicts


@dataclass
class Expected:
    """Welch's one-sided p for a < b, and the decrease from b to a in percent with the delta method's 95 % interval."""

    p: float
    decrease: float
    low: float
    high: float


def expected(a, b) -> Expected:
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    p = stats.ttest_ind(a, b, equal_var=False, alternative="less").pvalue
    ratio = a.mean() / b.mean()
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b) * ratio**2
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    half = 100 * stats.t.ppf(0.975, df) * math.sqrt(va + vb) / b.mean()
    change = 100 * (1 - ratio)
    return Expected(p, change, change - half, change + half)


def fids(results, c):
    """The best generators' FIDs with fresh latents at the larger sample count, from the summary's own rows."""
    t = results.fid
    own = t[(t["configuration"] == c.name) & (t["generator"] == "best") & (t["n_fake"] == max(c.extractor.samples))]
    return own["fid"].to_numpy(float)


def check(row, found: Expected) -> None:
    numbers = row["p_lower"], row["decrease_percent"], row["decrease_low_95"], row["decrease_high_95"]
    assert numbers == pytest.approx((found.p, found.decrease, found.low, found.high), rel=1e-9)


@pytest.mark.parametrize("suite", ["laptop", "quick", "sensitivity"])
def test_the_main_comparison_in_answers_and_tables(suite):
    results = load_results(suite)
    said = next(iter(answers(results).values()))
    rows = tables.comparison_table(results, tables.main_pairs(results), "").data
    assert len(said) == len(rows) > 0
    holm = np.minimum(1, np.maximum.accumulate(sorted(rows["p_lower"]) * np.arange(len(rows), 0, -1)))
    for p, text, (_, row) in zip(tables.main_pairs(results), said, rows.iterrows(), strict=True):
        found = expected(*(fids(results, c) for c in p.both))
        check(row, found)
        assert f"(95 % interval of the decrease {interval(found.low, found.high, 1)} %)" in text
        assert f"p = {probability(found.p)}, one-sided for lower; p and intervals are uncorrected" in text
        assert f"{number(abs(found.decrease), 1)} % {'lower' if found.decrease > 0 else 'higher'}" in text
        corrected = re.search(r"after Holm's correction over (\d+) pairs p = ([\d.]+)", text)
        assert (corrected is not None) == (len(rows) > 1)
        if corrected:
            at = sorted(rows["p_lower"]).index(row["p_lower"])
            assert corrected.groups() == (str(len(rows)), probability(holm[at]))
        if suite == "sensitivity":  # the same pair as the defaults of the readings
            ((default, *_),) = sensitivity.measured(results)
            table = sensitivity_tables.readings_table(results).data.iloc[0]
            assert default.p == table["p_lower"] == pytest.approx(found.p, rel=1e-9)
            assert (
                f"(p = {probability(found.p)}, one-sided for lower; p and intervals uncorrected)"
                in (sensitivity_tables.of_families(results)[0])
            )


@pytest.mark.parametrize("suite", ["laptop", "quick"])
def test_the_ablation_in_answers_and_its_tables_file(suite):
    results = load_results(suite)
    (text,) = answers(results)["Does the ablation order the models as the paper does?"]
    compared = tables.ablation_comparisons(results)
    rows = pd.read_csv(StringIO(to_csv(tables.comparison_table(results, compared, "Ablation"))))
    assert len(rows) == 6
    told = 0
    for p, (_, row) in zip(compared, rows.iterrows(), strict=True):
        found = expected(*(fids(results, c) for c in p.both))
        numbers = row["p_lower"], row["decrease_percent"], row["decrease_low_95"], row["decrease_high_95"]
        assert numbers == pytest.approx((found.p, found.decrease, found.low, found.high), rel=1e-5)  # as written
        names = [{"wgan_gp": "WGAN-GP", "self_sparse": "Self-Sparse GAN"}.get(m, m.replace("_psm", " PSM").replace("_csm", " CSM")) for m in p.models]  # fmt: skip
        if m := re.search(rf"{names[0]} below {names[1]} [^(]*\(p = ([\d.]+), corrected ([\d.]+)\)", text):
            assert m.groups() == (probability(found.p), probability(row["p_lower_holm"]))
            told += 1
    assert told == 3
    assert "p is one-sided for lower; corrected: by Holm's method over the 6 comparisons of the table." in text


def test_the_readme_and_the_results_page_say_the_same():
    """0.010 and, over six comparisons, 0.059: once, in both files, for the FIDs that the ablation's table is made of."""
    results = load_results("laptop")
    found = {c.model: fids(results, c) for c in results.configurations}
    p = expected(found["without_psm"], found["without_csm"]).p
    said = f"without PSM below without CSM undecided, lower in the mean (p = {probability(p)}, corrected {probability(6 * p)})"
    assert probability(p) == "0.010" and probability(6 * p) == "0.059"
    for page in ("README.md", "results/README.md"):
        assert said in (ROOT / page).read_text(encoding="utf-8"), page


def test_the_verdicts_page_has_the_numbers_of_answers_and_tables():
    """C8, whose measure is the primary outcome, on the paper's own pair on STL-10."""
    results = paper_results()
    (p,) = [p for p in tables.main_pairs(results) if p.lower.name == "stl10-64-self_sparse"]
    found = expected(*(fids(results, c) for c in p.both))
    verdicts = verdict_table(all_verdicts(results)).data.set_index("claim").loc["C8"]
    numbers = verdicts["p"], verdicts["effect"], verdicts["low_95"], verdicts["high_95"]
    assert numbers == pytest.approx((found.p, found.decrease, found.low, found.high), rel=1e-9)
    rows = tables.comparison_table(results, [p], "").data
    check(rows.iloc[0], found)
    assert rows.iloc[0]["p_lower_holm"] == rows.iloc[0]["p_lower"]  # of one comparison


def test_two_tables_of_one_suite_tell_one_comparison_alike():
    """Digits: in the main table, in the ablation, among the betas, and by the larger of both sample counts."""
    results = load_results("quick")
    betas = tables.within(tables.betas_families(results), tables.betas_label)
    found = [
        tables.comparison_table(results, compared, "").data
        for compared in (tables.main_pairs(results), tables.ablation_comparisons(results), betas)
    ]
    found.append(tables.samples_table(results).data.query("n_fake == 1000").assign(lower="digits-16-self_sparse"))
    rows = [t[(t["lower"] == "digits-16-self_sparse")].iloc[0] for t in found]
    names = ["decrease_percent", "decrease_low_95", "decrease_high_95", "p_lower", "g", "g_low_95", "g_high_95"]
    assert [row["higher"] for row in rows[:3]] == ["digits-16-wgan_gp"] * 3
    for row in rows[1:]:
        assert row[names].tolist() == rows[0][names].tolist()
    # How far one model moves between the betas, in the robustness table and among the open questions.
    families = tables.betas_families(results)
    moves = tables.moves_table(results, families, tables.betas_label).data.set_index("model")
    ((default, other),) = sensitivity.measured(results)
    for model, (move, p) in zip(("self_sparse", "wgan_gp"), sensitivity.moves(other, default), strict=True):
        assert abs(moves.loc[model, "move"]) == pytest.approx(abs(move.value)) and moves.loc[
            model, "p"
        ] == pytest.approx(p)


def test_no_p_goes_without_its_side_or_its_correction():
    for suite in ("laptop", "quick", "sensitivity"):
        for sentences in answers(load_results(suite)).values():
            for text in sentences:
                if re.search(r"\bp = ", text):
                    assert "one-sided for lower" in text and ("uncorrected" in text or "corrected:" in text)


@pytest.mark.parametrize(("sparse", "word"), [(17.0, "yes"), (20.40, "undecided, lower"), (23.0, "no")])
def test_the_answer_is_that_of_a_two_sided_test(sparse, word):
    """At 5 % in all, so that an interval without 0 and a decided answer go together."""
    results = made_up({"self_sparse": sparse, "wgan_gp": 20.41})
    (text,) = answers(results)["Is the FID of Self-Sparse GAN lower than that of WGAN-GP?"]
    assert text.startswith(f"MNIST 32 × 32: {word}")
    p = stats.ttest_ind(*([v - 0.1, v, v + 0.1] for v in (sparse, 20.41)), equal_var=False).pvalue
    assert (p < 0.05) == (word in ("yes", "no"))
