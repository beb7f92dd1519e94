"""The tables: joined by exact name, every configuration shown, nothing filled in."""

import json
import re

import pytest

from selfsparse.analysis import (
    comparison_tables,
    figure_feature_maps,
    figure_fid_curves,
    figure_samples,
    measure_tables,
    resolution_tables,
    table_sparsity,
    tables,
)
from selfsparse.analysis.table import to_csv, to_latex, to_markdown
from selfsparse.config import SettingsError, load_settings
from selfsparse.paper import reported
from selfsparse.results.reading import load_results
from selfsparse.statistics.inference import decrease
from selfsparse.statistics.moments import moments
from selfsparse.verdicts.judging import own_configurations

SUITES = load_settings().suites
COMPARED = [
    lambda results, f=find: comparison_tables.comparison_table(results, f(results), "")
    for find in (
        comparison_tables.main_pairs,
        comparison_tables.ablation_comparisons,
        comparison_tables.sagan_comparisons,
        lambda r: comparison_tables.within(comparison_tables.betas_families(r), comparison_tables.betas_label),
    )
]
MAKERS = [
    tables.fid_table,
    measure_tables.measures_table,
    measure_tables.quality_table,
    resolution_tables.resolutions_table,
    figure_fid_curves.steps_table,
    comparison_tables.samples_table,
    comparison_tables.drops_table,
    comparison_tables.betas_table,
    comparison_tables.architectures_table,
    comparison_tables.sketch_table,
    comparison_tables.sagan_table,
    *COMPARED,
    tables.ablation_table,
    table_sparsity.sparsity_table,
    table_sparsity.pearson_table,
    table_sparsity.stages_table,
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


def test_not_run_and_diverged_are_shown(ran):
    rows = tables.fid_table(load_results("quick")).text.set_index("Configuration")
    assert len(rows) == len(load_results("quick").configurations)
    assert rows.iloc[-1]["Runs"] == "not run" and rows.iloc[-1]["Ours, FID"] == "not run"
    assert (
        rows.loc["digits-16-without_csm", "Runs"] == "2 finished, 1 diverged"
        and rows.loc["digits-16-without_csm", "n"] == 2
    )


def test_all_runs_diverged(ran):
    path = ran / "results/quick/summary/runs.csv"
    path.write_text(path.read_text().replace("finished", "diverged"))
    rows = tables.fid_table(load_results("quick")).text
    assert set(rows["Ours, FID"]) == {"diverged", "not run"}


def test_the_papers_value_stands_beside_the_exact_name_only(project):
    paper = tables.fid_table(load_results("paper")).text.set_index("Configuration")
    assert paper.loc["mnist-32-wgan_gp", ["Paper", "Comparable"]].tolist() == ["7.43 ± 0.28", "yes"]
    laptop = tables.fid_table(load_results("laptop"))
    assert set(laptop.text["Paper"]) == {"–"} and laptop.data["paper_fid_mean"].isna().all()


def test_another_extractor_is_not_comparable(project):
    text = (project / "params.yaml").read_text()
    row = next(line for line in text.splitlines() if line.lstrip().startswith("mnist-32-wgan_gp:"))
    (project / "params.yaml").write_text(text.replace(row, row.replace("extractor: inception", "extractor: lenet")))
    rows = tables.fid_table(load_results("paper")).text.set_index("Configuration")
    assert rows.loc["mnist-32-wgan_gp", "Comparable"] == "no (extractor lenet, not inception)"


def test_sparsity_and_reduction_have_their_intervals(ran):
    """Those of Student around ξ̄, and of the delta method around the reduction of the best generators' FIDs."""
    results = load_results("quick")
    row = table_sparsity.sparsity_table(results).data.iloc[0]
    baseline, sparse = results.configurations[:2]
    again = [moments(results.measured(c, "best", c.extractor.samples[0])) for c in (baseline, sparse)]
    expected = decrease(*again)
    assert row["reduction_percent"] == pytest.approx(expected.value, abs=1e-5)
    assert (row["reduction_low_95"], row["reduction_high_95"]) == (expected.low, expected.high)
    xi = results.finished(results.sparsity, sparse).groupby("seed")["xi"].mean()
    assert (row["xi_low_95"] + row["xi_high_95"]) / 2 == pytest.approx(xi.mean())


def test_custom_inception_weights_are_not_comparable(project):
    """The name that the measures were made under counts, not that of the settings."""
    folder = project / "results/paper/summary"
    folder.mkdir(parents=True)
    name = "inception-custom-0a1b2c3d"
    (folder / "extractors.json").write_text(json.dumps({"mnist-32-wgan_gp": name}))
    results = load_results("paper")
    rows = tables.fid_table(results).text.set_index("Configuration")
    assert rows.loc["mnist-32-wgan_gp", ["Comparable", "Extractor"]].tolist() == [
        f"no (extractor {name}, not inception)",
        name,
    ]
    assert rows.loc["mnist-32-self_sparse", ["Comparable", "Extractor"]].tolist() == ["yes", "inception"]
    assert results.extractors() == ["inception", name]
    own = {c.name for c in own_configurations(results).values()}  # what verdicts are drawn from
    assert "mnist-32-wgan_gp" not in own


def test_the_papers_table_is_whole():
    table = reported()
    assert len(table) == 36 and table.index.is_unique
    assert table.loc["fashion_mnist-64-self_sparse", "paper_fid_mean"] == 15.92
