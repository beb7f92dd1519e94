"""The tables: joined by exact name, every configuration shown, nothing filled in."""

import re

import pytest

from selfsparse.analysis import (
    figure_feature_maps,
    figure_fid_curves,
    figure_samples,
    table_ablation,
    table_fid,
    table_resolutions,
    table_robustness,
    table_sagan,
    table_samples,
    table_sensitivity,
    table_sparsity,
)
from selfsparse.analysis.answers import answers, answers_table
from selfsparse.analysis.table import to_csv, to_latex, to_markdown
from selfsparse.config import SettingsError, load_settings
from selfsparse.paper import reported
from selfsparse.results.reading import load_results
from selfsparse.statistics.inference import decrease
from selfsparse.statistics.moments import moments

SUITES = load_settings().suites
MAKERS = [
    table_fid.fid_table,
    table_fid.decrease_table,
    table_fid.measures_table,
    table_fid.three_fids_table,
    table_fid.quality_table,
    table_ablation.ablation_table,
    table_ablation.tests_table,
    table_samples.samples_table,
    table_samples.drops_table,
    table_resolutions.resolutions_table,
    table_robustness.BETAS.table,
    table_robustness.BETAS.tests_table,
    table_robustness.betas_moves_table,
    table_robustness.ARCHITECTURES.table,
    table_robustness.ARCHITECTURES.tests_table,
    table_robustness.PENALTY.tests_table,
    table_sagan.sketch_table,
    table_sagan.sketch_tests_table,
    table_sagan.sagan_table,
    table_sagan.sagan_tests_table,
    table_sensitivity.readings_table,
    table_sensitivity.moves_table,
    lambda results: answers_table(answers(results)),
    table_sparsity.sparsity_table,
    table_sparsity.pearson_table,
    table_sparsity.stages_table,
    figure_fid_curves.steps_table,
    figure_fid_curves.curves_table,
    figure_samples.samples_table,
    figure_feature_maps.feature_maps_table,
]


def test_unknown_suite(project):
    with pytest.raises(SettingsError, match="did you mean quick"):
        load_results("qick")


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("make", MAKERS)
def test_every_table_renders_where_nothing_ran(project, suite, make):
    table = make(load_results(suite))
    assert len(table.data) == len(table.text)
    for text in (to_csv(table), to_markdown(table), to_latex(table)):
        assert text.strip() and not re.search(r"\bnan\b", text)


@pytest.mark.parametrize("make", MAKERS)
def test_every_table_renders_where_part_ran(ran, make):
    table = make(load_results("quick"))
    assert not re.search(r"\bnan\b", to_markdown(table) + to_csv(table))


def test_sparsity_and_reduction_have_their_intervals(ran):
    """Those of Student around ξ̄, and of the delta method around the reduction of the best generators' FIDs."""
    results = load_results("quick")
    row = table_sparsity.sparsity_table(results).data.iloc[0]
    baseline, sparse = results.configurations[:2]
    again = [moments(results.re_evaluated(c, "best", c.extractor.samples[0])) for c in (baseline, sparse)]
    expected = decrease(*again)
    assert row["reduction_percent"] == pytest.approx(expected.value, abs=1e-5)
    assert (row["reduction_low_95"], row["reduction_high_95"]) == (expected.low, expected.high)
    xi = results.finished(results.sparsity, sparse).groupby("seed")["xi"].mean()
    assert (row["xi_low_95"] + row["xi_high_95"]) / 2 == pytest.approx(xi.mean())


def test_the_papers_table_is_whole():
    table = reported()
    assert len(table) == 36 and table.index.is_unique
    assert table.loc["fashion_mnist-64-self_sparse", "paper_fid_mean"] == 15.92
