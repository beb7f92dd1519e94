"""Numbers of single tables; test_notebook_cells.py makes all of them."""

import pytest

from selfsparse.analysis.table_sparsity import sparsity_table
from selfsparse.config import SettingsError
from selfsparse.paper import reported
from selfsparse.results.reading import load_results
from selfsparse.statistics.inference import decrease
from selfsparse.statistics.moments import moments


def test_unknown_suite(project):
    with pytest.raises(SettingsError, match="did you mean quick"):
        load_results("qick")


def test_sparsity_and_reduction_have_their_intervals(ran):
    """Those of Student around ξ̄, and of the delta method around the reduction of the best generators' FIDs."""
    results = load_results("quick")
    row = sparsity_table(results).data.iloc[0]
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
