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
from verdict_results import paper_results

from selfsparse.analysis import table_ablation, table_fid, table_robustness, table_samples, table_sensitivity
from selfsparse.analysis.answers import answers
from selfsparse.analysis.comparisons import comparison_table, main_pairs
from selfsparse.analysis.table import to_csv
from selfsparse.analysis.verdicts import verdict_table
from selfsparse.config import variation
from selfsparse.results.reading import load_results
from selfsparse.results.text import interval, model_label, number
from selfsparse.statistics.sequential import nominal_levels
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


def answered(results, question: str) -> list[dict]:
    return [row for row in answers(results) if question in row["question"]]


def check_answer(row, found: Expected, p_holm: float, p_higher_holm: float) -> None:
    numbers = row["effect"], row["effect_low_95"], row["effect_high_95"]
    assert numbers == pytest.approx((found.decrease, found.low, found.high), rel=1e-9)
    assert row["answer"] == ("yes" if p_holm < 0.025 else "no" if p_higher_holm < 0.025 else "undecided")


def by_the_plan(a, b, looks, levels) -> str:
    """Cochran and Cox's t by hand, at every look that both samples reach, in the order of the seeds."""
    for n, level in zip(looks, levels, strict=True):
        x, y = a[:n], b[:n]
        if min(len(x), len(y)) == n:
            t = (x.mean() - y.mean()) / math.sqrt((x.var(ddof=1) + y.var(ddof=1)) / n)
            if 2 * stats.t.sf(abs(t), n - 1) < level:
                return "yes" if t < 0 else "no"
    return "undecided"


@pytest.mark.parametrize("suite", ["laptop", "quick", "sensitivity"])
def test_the_main_comparison_in_answers_and_tables(suite):
    results = load_results(suite)
    said = answered(results, "lower than that of WGAN-GP")
    rows = comparison_table(results, main_pairs(results), "").data
    measured = [p for p, n in zip(main_pairs(results), rows["n_lower"] * rows["n_higher"], strict=True) if n]
    rows = rows[rows["answer"].notna()]
    assert len(said) == len(rows) == len(measured) > 0
    levels = nominal_levels(results.decide.looks, results.decide.alpha)
    by_plan = [min(row["n_lower"], row["n_higher"]) >= results.decide.looks[0] for _, row in rows.iterrows()]
    tested = sorted(rows.loc[[not planned for planned in by_plan], "p_lower"])
    holm = np.minimum(1, np.maximum.accumulate(tested * np.arange(len(tested), 0, -1)))
    for p, own, planned, (_, row) in zip(measured, said, by_plan, rows.iterrows(), strict=True):
        values = [fids(results, c) for c in p.both]
        found = expected(*values)
        check(row, found)
        if planned:
            assert own["answer"] == row["answer"] == by_the_plan(*values, results.decide.looks, levels)
            assert math.isnan(row["p_lower_holm"])
        else:
            at = tested.index(row["p_lower"])
            assert row["p_lower_holm"] == pytest.approx(holm[at])
            check_answer(own, found, holm[at], row["p_higher_holm"])
        if suite == "sensitivity":  # the same pair as the defaults of the readings
            ((default, *_),) = table_sensitivity.effects(results)
            table = table_sensitivity.readings_table(results).data.iloc[0]
            assert default.difference.p_lower == table["p_lower"] == pytest.approx(found.p, rel=1e-9)


@pytest.mark.parametrize("suite", ["laptop", "quick"])
def test_the_ablation_in_answers_and_its_tables_file(suite):
    results = load_results(suite)
    compared = table_ablation.ablation_comparisons(results)
    rows = pd.read_csv(StringIO(to_csv(table_ablation.tests_table(results))))
    assert len(rows) == len(compared) >= 6
    measured = rows["answer"].notna()
    compared = [p for p, there in zip(compared, measured, strict=True) if there]
    rows = rows[measured]
    said = {(row["dataset"], row["of"]): row for row in answered(results, "ablation")}
    assert len(said) == sum(p.models in table_ablation.PRINTED_STEPS for p in compared)
    for p, (_, row) in zip(compared, rows.iterrows(), strict=True):
        found = expected(*(fids(results, c) for c in p.both))
        numbers = row["p_lower"], row["decrease_percent"], row["decrease_low_95"], row["decrease_high_95"]
        assert numbers == pytest.approx((found.p, found.decrease, found.low, found.high), rel=1e-5)  # as written
        if own := said.pop((p.label, " below ".join(model_label(m) for m in p.models)), None):
            check_answer(own, found, row["p_lower_holm"], row["p_higher_holm"])
    assert not said


def test_the_readme_and_the_results_page_say_the_same():
    """Once in README.md, for the FIDs that the main table is made of; sensitivity's defaults are the same runs."""
    results = load_results("laptop")
    found = {
        c.model: fids(results, c) for c in results.configurations if c.name.startswith("mnist") and not variation(c)
    }
    e = expected(found["self_sparse"], found["wgan_gp"])
    effect = re.escape(f"{number(e.decrease, 1)} {interval(e.low, e.high, 1)}")
    said = re.compile(rf"[|] (yes|no|undecided), {effect} [|]")
    lines = [said.findall((ROOT / page).read_text(encoding="utf-8")) for page in ("README.md", "results/README.md")]
    assert len(lines[0]) == 1 and lines[0] * 2 == lines[1]


def test_the_verdicts_page_has_the_numbers_of_answers_and_tables():
    """C8, whose measure is the primary outcome, on the paper's own pair on STL-10."""
    results = paper_results()
    (p,) = [p for p in main_pairs(results) if p.lower.name == "stl10-64-self_sparse"]
    found = expected(*(fids(results, c) for c in p.both))
    verdicts = verdict_table(all_verdicts(results)).data.set_index("claim").loc["C8"]
    numbers = verdicts["p"], verdicts["effect"], verdicts["low_95"], verdicts["high_95"]
    assert numbers == pytest.approx((found.p, found.decrease, found.low, found.high), rel=1e-9)
    rows = comparison_table(results, [p], "").data
    check(rows.iloc[0], found)
    assert rows.iloc[0]["p_lower_holm"] == rows.iloc[0]["p_lower"]  # of one comparison


def test_two_tables_of_one_suite_tell_one_comparison_alike():
    """Digits: in the main table, in the ablation, among the betas, and by the larger of both sample counts."""
    results = load_results("quick")
    made = table_fid.decrease_table, table_ablation.tests_table, table_robustness.BETAS.tests_table
    found = [make(results).data for make in made]
    found.append(
        table_samples.samples_table(results).data.query("n_fake == 1000").assign(lower="digits-16-self_sparse")
    )
    rows = [t[(t["lower"] == "digits-16-self_sparse")].iloc[0] for t in found]
    names = ["decrease_percent", "decrease_low_95", "decrease_high_95", "p_lower", "g", "g_low_95", "g_high_95"]
    assert [row["higher"] for row in rows[:3]] == ["digits-16-wgan_gp"] * 3
    for row in rows[1:]:
        assert row[names].tolist() == rows[0][names].tolist()
    # How far one model moves between the betas, in the robustness table and among the open questions.
    moves = table_robustness.betas_moves_table(results).data.set_index("model")
    ((default, other),) = table_sensitivity.effects(results)
    found = table_sensitivity.moves(other, default)
    for model in ("self_sparse", "wgan_gp"):
        move = found[f"{model}_move"]
        assert abs(moves.loc[model, "move"]) == pytest.approx(abs(move.value)) and moves.loc[
            model, "p"
        ] == pytest.approx(move.p)
