"""What sparsity saves, from made-up measurements whose means are known."""

import re
from dataclasses import fields

import pytest

from selfsparse.analysis import table_compact
from selfsparse.analysis.table import to_csv, to_markdown
from selfsparse.results.reading import load_results
from selfsparse.results.rows import CompactRow, LatencyRow, StageRow

STAGES = """configuration,seed,stage,size,channels,proven,observed,nearest,alpha_never,beta_never,dead_positions
digits-16-self_sparse,0,1,4,64,0,0,0.25,10,3,0
digits-16-self_sparse,1,1,4,64,0,0,0.75,20,5,0
digits-16-self_sparse,0,2,8,32,0,0,0.0,4,64,1
digits-16-without_psm,0,1,4,64,2,8,0.5,8,,0
digits-16-without_csm,0,1,4,64,0,0,0.0,,0,0
digits-16-without_csm,2,1,4,64,9,9,,,9,0
"""
COMPACT = """configuration,seed,kind,channels,removed,heads_removed,full_parameters,compact_parameters,full_flops,compact_flops,latents,fresh_latents,revived,heads_revived,max_difference,changed_images
digits-16-self_sparse,0,proven,96,0,0,1000,1000,500,500,30,40,,,,
digits-16-self_sparse,0,observed,96,0,0,1000,1000,500,500,30,40,,,,
digits-16-without_psm,0,proven,64,2,0,1000,950,500,450,30,40,0,0,2e-07,0.0
digits-16-without_psm,0,observed,64,8,0,1000,700,500,300,30,40,0,0,3e-07,0.0
digits-16-without_psm,1,proven,64,0,0,1000,1000,500,500,30,40,,,,
digits-16-without_psm,1,observed,64,10,0,1000,500,500,200,30,40,3,0,0.125,0.05
"""
LATENCY = """seed,kind,latency_ratio
0,proven,0.99
0,observed,0.8
1,observed,0.6
"""


@pytest.fixture
def measured(ran):
    """The suite with these measurements; seed 2 of without_csm diverged and counts nowhere."""
    (ran / "results/quick/summary/dead_channels.csv").write_text(STAGES)
    (ran / "results/quick/summary/compact.csv").write_text(COMPACT)
    (ran / "results/quick/latency").mkdir()
    (ran / "results/quick/latency/digits-16-without_psm.csv").write_text(LATENCY)
    return load_results("quick")


def test_the_columns_are_those_that_the_stage_writes():
    for text, kind, more in (
        (STAGES, StageRow, ["configuration"]),
        (COMPACT, CompactRow, ["configuration"]),
        (LATENCY, LatencyRow, []),
    ):
        assert text.splitlines()[0].split(",") == [*more, *(field.name for field in fields(kind))]


def test_dead_channels_are_means_over_finished_runs(measured):
    table = table_compact.dead_table(measured)
    assert not re.search(r"\bnan\b", to_markdown(table) + to_csv(table))
    row = table.text[(table.text["Configuration"] == "digits-16-self_sparse")].iloc[0]
    assert row["n"] == "2" and row["Maps"] == "64 of 4 × 4" and row["Nearest of the others"] == "0.5000 ± 0.3536"
    assert row["α always 0, of C"] == "15.0 ± 7.1" and row["β always 0, of H × W"] == "4.0 ± 1.4"
    psm = table.text[table.text["Configuration"] == "digits-16-without_psm"].iloc[0]
    assert (psm["Dead, proven"], psm["Dead, observed"], psm["β always 0, of H × W"]) == ("2.0", "8.0", "–")
    csm = table.text[table.text["Configuration"] == "digits-16-without_csm"].iloc[0]
    assert csm["n"] == "1" and csm["Dead, proven"] == "0.0"
    assert table.text.iloc[-1]["Stage"] == "not run"  # the last configuration


def test_what_is_left_is_a_share_of_the_full_generator(measured):
    table = table_compact.generators_table(measured)
    rows = table.text[table.text["Configuration"] == "digits-16-without_psm"].set_index("Removed, because dead")
    observed = rows.loc["observed"]
    assert observed["Parameters left"] == "0.600 ± 0.141" and observed["FLOPs left"] == "0.500 ± 0.141"
    assert observed["Time left"] == "0.70 ± 0.14" and observed["Channels removed"] == "9.0 ± 1.4 of 64"
    assert observed["Largest difference"] == "0.125" and observed["Images changed"] == "2.50 %"
    nothing = table.text[table.text["Configuration"] == "digits-16-self_sparse"].iloc[0]
    assert nothing["Time left"] == nothing["Largest difference"] == nothing["Images changed"] == "–"
    assert not re.search(r"\bnan\b", to_markdown(table) + to_csv(table))


def test_models_over_all_runs(measured):
    table = table_compact.models_table(measured).text.set_index("Model")
    sparse, psm, csm = (table.loc[model] for model in ("Self-Sparse GAN", "without PSM", "without CSM"))
    assert (sparse["Runs"], sparse["Channels"], sparse["Dead, proven"], sparse["Dead, observed"]) == (
        "2",
        "160",
        "0",
        "0",
    )
    # beta is always 0 at all 64 positions of one stage of three.
    assert (
        sparse["α always 0"] == "34" and sparse["Stages with β > 0"] == "2 of 3" and sparse["Smaller generators"] == "0"
    )
    assert (psm["Runs"], psm["Channels"], psm["Dead, proven"], psm["Dead, observed"]) == ("1", "64", "2", "8")
    left = (psm["Parameters left"], psm["FLOPs left"], psm["Time left"])
    assert left == ("60.00 %", "50.00 %", "70.00 %") and (psm["Smaller generators"], psm["same images"]) == ("2", "1")
    assert (psm["Channels alive again"], psm["Heads alive again"], psm["Largest difference"]) == ("3", "0", "0.125")
    assert csm["Dead, proven"] == "0" and csm["α always 0"] == "–"  # the diverged run's 9 count nowhere
    assert not re.search(r"\bnan\b", to_markdown(table_compact.models_table(measured)))


def test_a_head_that_comes_alive_again_is_not_exact(measured, ran):
    """Not even where no channel was removed."""
    lines = [line for line in COMPACT.splitlines() if "self_sparse,0,observed" not in line]
    lines.append("digits-16-self_sparse,0,observed,96,0,1,1000,900,500,490,30,40,0,1,0.25,0.5")
    (ran / "results/quick/summary/compact.csv").write_text("\n".join(lines) + "\n")
    sparse = table_compact.models_table(load_results("quick")).text.set_index("Model").loc["Self-Sparse GAN"]
    assert (sparse["Smaller generators"], sparse["same images"], sparse["Heads alive again"]) == ("1", "0", "1")
    row = table_compact.generators_table(load_results("quick")).text.query("Configuration == 'digits-16-self_sparse'")
    assert row["Heads alive again"].tolist() == ["–", "1.0"]
