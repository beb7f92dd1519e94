"""Pairs of a suite, xi-bar, and the metrics file."""

import json

import pandas as pd
import pytest
from small_project import params, write_project

from selfsparse.analysis.table_sparsity import sparsity_table
from selfsparse.config import load_settings
from selfsparse.results.correlation import correlations, mean_best_fid, metrics, write_correlation
from selfsparse.results.reading import load_results, mean_sparsity
from selfsparse.results.rows import COLUMNS


def test_xi_is_averaged_over_stages():
    # seed 0: (0.2 + 0.4) / 2 = 0.3; seed 1 has one stage, 0.5
    table = pd.DataFrame({"seed": [0, 0, 1], "stage": [1, 2, 1], "xi": [0.2, 0.4, 0.5]})
    assert mean_sparsity(table, "sastm").to_dict() == pytest.approx({0: 0.3, 1: 0.5})
    # U48: with the last stage, whose xi is 0: 0.6 / 3 and 0.5 / 2.
    assert mean_sparsity(table, "all").to_dict() == pytest.approx({0: 0.2, 1: 0.25})


def test_fid_is_of_the_best_generators_at_the_smaller_count():
    table = pd.DataFrame(
        {"generator": ["best", "best", "last", "best"], "n_fake": [100, 500, 100, 100], "fid": [4.0, 1.0, 9.0, 6.0]}
    )
    assert mean_best_fid(table) == pytest.approx(5.0)


def _measure(root, name: str, fid: float, xi: float) -> None:
    for kind, row in (
        ("fid", f"seed,generator,n_fake,fid\n0,best,1000,{fid}\n"),
        ("sparsity", f"seed,stage,xi\n0,1,{xi}\n"),
    ):
        folder = root / "results" / "quick" / kind / name
        folder.mkdir(parents=True)
        (folder / f"{kind}.csv").write_text(row)


def test_written_from_the_stages_results(project):
    _measure(project, "digits-16-wgan_gp", 10.0, 0.0)
    _measure(project, "digits-16-self_sparse", 8.0, 0.5)
    _measure(project, "photos-16-self_sparse", 8.0, 0.5)  # its baseline has not run: no pair
    write_correlation("quick", load_settings().suite("quick"), "sastm")
    table = pd.read_csv(project / "results/quick/correlation.csv", keep_default_na=False)
    assert table.to_dict("records") == [
        dict(zip(COLUMNS["correlation"], ["digits", 16, "", 0.5, 10.0, 8.0, 20.0], strict=True))
    ]
    assert json.loads((project / "results/quick/correlation.json").read_text()) == {"pairs": 1, "pairs_16": 1}


@pytest.mark.parametrize("variations", [["64"], ["64", "128"], ["1e5"], ["null"], ["nan", "wide"], ["true"], ["007"]])
def test_a_variation_named_like_a_number_or_a_missing_value(variations, project):
    rows = {}
    for place, variation in enumerate(variations):
        for model, fid, xi in (("wgan_gp", 10.0, 0.0), ("self_sparse", 8.0 - place, 0.5)):
            name = f"digits-16-{model}-{variation}"
            rows[f"configurations.{name}"] = params()["configurations"][f"digits-16-{model}"]
            _measure(project, name, fid, xi)
    write_project(project, rows)
    write_correlation("quick", load_settings().suite("quick"), "sastm")
    summary = project / "results/quick/summary"
    summary.mkdir()
    (project / "results/quick/correlation.csv").rename(summary / "correlation.csv")
    table = sparsity_table(load_results("quick")).data.set_index("variation")
    assert table.loc[variations, "self_sparse_fid"].tolist() == [8.0 - place for place in range(len(variations))]
    assert table["self_sparse_fid"].notna().sum() == len(variations)  # and no other pair takes them


def test_nothing_measured(project):
    write_correlation("quick", load_settings().suite("quick"), "sastm")
    assert json.loads((project / "results/quick/correlation.json").read_text()) == {"pairs": 0}
    assert (project / "results/quick/correlation.csv").read_text() == ",".join(COLUMNS["correlation"]) + "\n"


def test_metrics_leave_out_what_is_not_defined():
    names = {"dataset": "digits", "variation": ""}
    table = pd.DataFrame(
        {**names, "resolution": [16, 16, 32], "xi": [1.0, 2.0, 3.0], "reduction_percent": [1.0, 3.0, 2.0]}
    )
    assert metrics(table) == {"pairs": 3, "r": 0.5, "p": pytest.approx(2 / 3, abs=1e-6), "pairs_16": 2, "pairs_32": 1}


def test_the_papers_own_pairs_are_a_scope_of_their_own():
    """The paper's r at 64 is of STL-10, mini-ImageNet, CelebA-HQ and LSUN: neither Fashion-MNIST nor a variation is in it."""
    names = ["stl10", "mini_imagenet", "celeba_hq", "lsun_bedroom", "fashion_mnist", "stl10"]
    table = pd.DataFrame(
        {
            "dataset": names,
            "resolution": 64,
            "variation": ["", "", "", "", "", "resnet"],
            "xi": [0.44, 0.47, 0.26, 0.39, 0.9, 0.9],
            "reduction_percent": [11.97, 6.83, 4.76, 6.86, 1.0, 1.0],
        }
    )
    found = correlations(table)
    assert list(found) == ["all", "64", "64_paper"] and (found["64"].n, found["64_paper"].n) == (6, 4)
    assert found["64_paper"].r == pytest.approx(0.616, abs=0.001)  # of the printed values; the paper prints 0.62
    assert "64_paper" not in correlations(table[4:])
