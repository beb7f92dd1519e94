"""The paper's own arithmetic and what follows from it, with the figures that we state about them."""

import math

import numpy as np
import pytest
from scipy import stats
from small_project import ROOT

from selfsparse.paper import arithmetic
from selfsparse.paper.findings import FINDINGS, finding, findings
from selfsparse.paper.printed import claims

FOLLOW = "percentages growth sagan samples baseline betas coefficients"
IN_PART, NOT = "significance power others", "spread correlation parameters"
VERDICTS = {
    **dict.fromkeys(FOLLOW.split(), "follows"), **dict.fromkeys(IN_PART.split(), "follows in part"),
    **dict.fromkeys(NOT.split(), "does not follow"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _project(monkeypatch):
    """params.yaml in the current folder: the count of parameters needs it."""
    monkeypatch.chdir(ROOT)


def test_percentages():
    table = arithmetic.percentages().set_index(["place", "printed_percent"])
    where = "v1 Table 7, v2 Table 8"
    found = table.loc[where, "recomputed_percent"]
    expected = {
        11.97: 11.976, 6.83: 6.853, 4.76: 4.765, 6.86: 6.867, 20.21: 20.154, 16.17: 16.175, 14.43: 14.444, 17.02: 17.013,
    }  # fmt: skip
    assert found.round(3).to_dict() == expected
    assert table.loc[("abstract", 21.84), "recomputed_percent"] == pytest.approx(100 * 4.45 / 20.37)
    bounds = {20.21: (20.07, 20.24), 6.83: (6.836, 6.869), 14.43: (14.42, 14.47), 17.02: (17.004, 17.021)}
    for percent, (low, high) in bounds.items():
        row = table.loc[(where, percent)]
        assert row["lowest_percent"] == pytest.approx(low, abs=0.005)
        assert row["highest_percent"] == pytest.approx(high, abs=0.005)
        assert not row["rounds_to_printed"] and not row["cuts_off_to_printed"]
    for percent in (11.97, 6.86, 16.17):
        row = table.loc[(where, percent)]
        assert row["cuts_off_to_printed"] and not row["rounds_to_printed"]
    assert table["unrounded_may_cut_off"].all() and table["unrounded_may_round"].sum() == 9


def test_the_range_is_that_of_all_cells():
    ends = arithmetic.percentages().set_index("place").loc["abstract", "pair"]
    assert ends.tolist() == ["CelebA-HQ 64 × 64", "Fashion-MNIST 64 × 64"]


def test_gain_and_resolution():
    table = arithmetic.growth().set_index("dataset")
    assert (table["change"] > 0).to_dict() == {
        "mnist": True, "fashion_mnist": False, "mini_imagenet": False, "celeba_hq": True, "lsun_bedroom": True,
    }  # fmt: skip
    both = table[["first_percent", "second_percent"]]
    assert both.loc["celeba_hq"].tolist() == pytest.approx([4.765, 14.444], abs=1e-3)
    assert both.loc["fashion_mnist"].tolist() == pytest.approx([21.85, 13.42], abs=0.01)
    assert table.index[table["named_by_the_paper"]].tolist() == ["celeba_hq", "lsun_bedroom"]


def test_significance_of_the_main_table():
    table = arithmetic.significance()
    assert len(table) == 12 and (table["difference"] < 0).all()
    assert (table["p"] < 0.05).sum() == 7
    assert table.loc[table["p_holm"] < 0.05, "comparison"].tolist() == ["STL-10 64 × 64", "mini-ImageNet 32 × 32"]
    assert (table["p_if_ddof_0"] < 0.05).sum() == 6 and (table["p_holm_if_ddof_0"] < 0.05).sum() == 1
    assert (table["p_one_sided"] < 0.05).sum() == 11 and (table["p_one_sided_holm"] < 0.05).sum() == 5
    p = table.set_index("comparison")["p"]
    assert p["mini-ImageNet 64 × 64"] == pytest.approx(0.17, abs=0.005)
    assert p["CelebA-HQ 64 × 64"] == pytest.approx(0.08, abs=0.005)


def test_the_other_comparisons():
    table = arithmetic.other_comparisons().set_index("comparison")
    assert (table["difference"] < 0).all()
    assert table.loc["STL-10 64, ResNet", "p"] == pytest.approx(0.32, abs=0.005)
    assert table.loc["CelebA-HQ 128, SAGAN", "p"] == pytest.approx(0.047, abs=0.0005)
    assert table.loc["STL-10 64, PSM only", "p"] == pytest.approx(0.475, abs=0.001)
    assert table.loc["Sketch 128, WGAN-GP and SAGAN", "difference"] == pytest.approx(-0.29)


def test_spread_is_larger_for_self_sparse_in_8_of_12_cells():
    table = arithmetic.spread()
    assert (table["larger"] == "Self-Sparse GAN").sum() == 8 and len(table) == 12


def test_correlations():
    found = arithmetic.correlations()
    assert [round(found[k].r, 3) for k in ("64", "128", "all")] == [0.616, 0.791, 0.264]
    assert [round(found[k].p, 2) for k in ("64", "128")] == [0.38, 0.21]
    assert (found["64"].low, found["64"].high) == pytest.approx((-0.85, 0.99), abs=0.005)
    assert (found["128"].low, found["128"].high) == pytest.approx((-0.71, 1.0), abs=0.005)
    z = (math.atanh(found["64"].r) + math.atanh(found["128"].r)) / 2
    assert found["combined"].r == pytest.approx(math.tanh(z)) and found["combined"].p == pytest.approx(0.205, abs=0.001)
    assert arithmetic.correlation_table()["pairs_80"].tolist()[:2] == [19, 10]


def test_the_order_holds_without_the_exceptions_only():
    pairs = arithmetic.sparsity_pairs()
    excepted = pairs[pairs["excepted"]]
    assert excepted["configuration"].tolist() == ["mini_imagenet-64-self_sparse", "cifar10-128-self_sparse"]
    assert arithmetic.ordered(pairs.drop(excepted.index)) and not arithmetic.ordered(pairs)
    assert not any(arithmetic.ordered(pairs.drop(index)) for index in excepted.index)


def test_power_and_runs():
    table = arithmetic.powers().set_index("pair")
    assert table["runs_80"].tolist() == [5, 5, 3, 4, 3, 3, 2, 8, 5, 4, 5, 3]
    assert table["power_3"].min() == pytest.approx(0.25, abs=0.005) and (table["power_3"] < 0.8).sum() == 7
    assert (table["power_10"] >= table["power_5"]).all() and (table["power_5"] >= table["power_3"]).all()


def test_samples_and_baseline():
    table = arithmetic.samples()
    assert table["wgan_gp"].tolist() == pytest.approx([63.88, 54.23, 9.65, 63.88])
    assert table["self_sparse"].tolist() == pytest.approx([56.26, 46.85, 9.41, 56.23])
    assert table["decrease_percent"].dropna().round(2).tolist() == [11.93, 13.61, 11.98]
    assert arithmetic.baseline()["above_the_other"].tolist() == pytest.approx([8.78, -0.87, 0])


def test_betas():
    table = arithmetic.betas()
    assert table["difference"].tolist() == pytest.approx([7.65, 10.62, 0.28, 3.25])
    # (63.88 − 56.23) − (67.13 − 56.51) = −2.97, its error √((1.33² + 1.38² + 0.77² + 1.62²) / 3)
    spreads = np.array([1.33, 1.38, 0.77, 1.62]) ** 2 / 3
    df = spreads.sum() ** 2 / (spreads**2 / 2).sum()
    assert arithmetic.betas_interaction() == pytest.approx(2 * stats.t.sf(2.97 / math.sqrt(spreads.sum()), df))
    assert "0.092" in finding("betas")["computed"]


def test_parameters_are_those_of_the_built_networks():
    table = arithmetic.parameters().set_index("configuration")
    percent = table["added_percent"].round().astype(int)
    assert percent.tolist() == [235, 119, 319, 315, 10, 11, 77, 12]
    # A1 + A4 by hand: deconvolutions of 100-256-128-64-1 channels and two numbers per channel of a batch norm; no biases.
    kernels = 16 * (100 * 256 + 256 * 128 + 128 * 64 + 64)
    assert table.loc["mnist-32-self_sparse", "without"] == kernels + 2 * (256 + 128 + 64)


def test_the_verdicts():
    assert findings().set_index("finding")["verdict"].to_dict() == VERDICTS
    assert not findings()["computed"].str.contains("nan").any()


def test_findings_speak_of_known_claims():
    known = {c.id for c in claims()}
    named = [claim for name in FINDINGS for claim in finding(name)["claims"].split()]
    assert set(named) <= known and len(named) == len(set(named))
