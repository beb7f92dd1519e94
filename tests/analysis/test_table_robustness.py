"""Controls stand against what they control, wherever that was trained."""

import numpy as np
import pandas as pd
import pytest
from small_project import write_project

from selfsparse.analysis import table_robustness as controls
from selfsparse.registry import variation_label
from selfsparse.results.reading import load_results
from selfsparse.results.rows import COLUMNS
from selfsparse.results.text import panel_title


def write_runs(root, suite: str, fids: dict[str, float]) -> None:
    """Write the runs of some configurations: three each, their FIDs with fresh latents around a mean."""
    folder = root / "results" / suite / "summary"
    folder.mkdir(parents=True)
    again = {"generator": "best", "n_fake": 50_000}
    rows = [
        {"configuration": name, "seed": seed, "fid": fid + seed - 1} for name, fid in fids.items() for seed in (0, 1, 2)
    ]
    for kind, more in (("runs", {"status": "finished", "best_fid": 1.0}), ("fid", again)):
        table = pd.DataFrame([row | more for row in rows]).reindex(columns=COLUMNS[kind])
        table.to_csv(folder / f"{kind}.csv", index=False)


def test_self_sparse_gan_against_as_many_parameters(project):
    write_runs(project, "controls", {"mnist-32-wgan_gp-matched": 10.0})
    write_runs(project, "paper", {"mnist-32-self_sparse": 7.0, "mnist-32-wgan_gp": 12.0})
    joined = controls.with_partners(load_results("controls"))
    found = controls.matched(joined)
    assert [(p.lower.name, p.higher.name) for p in found] == [
        ("mnist-32-self_sparse", "mnist-32-wgan_gp-matched"),
        ("fashion_mnist-128-self_sparse", "fashion_mnist-128-wgan_gp-matched"),
        ("stl10-64-self_sparse", "stl10-64-wgan_gp-matched"),
    ]
    table = controls.matched_table(joined)
    assert table.data.iloc[0]["decrease_percent"] == pytest.approx(30)
    sizes = table.data[["lower_parameters", "higher_parameters"]].to_numpy()
    assert np.abs(sizes[:, 0] / sizes[:, 1] - 1).max() < 0.01
    assert table.text.iloc[1]["Ours"] == "not run / not run"


def test_both_models_under_both_penalties(project):
    joined = controls.with_partners(load_results("controls"))
    found = controls.PENALTY.comparisons(joined)
    assert [p.label for p in found if "MNIST 32" in p.label] == [
        "MNIST 32 × 32, penalty centred at 1", "MNIST 32 × 32, penalty centred at 0",
    ]  # fmt: skip
    assert len(found) == 6


def test_controls_keep_their_partners_where_these_have_more_runs(project):
    """As after `selfsparse decide paper`, which gives the paper's configurations further seeds."""
    write_project(project, {"suites.paper.train.seeds": [0, 1, 2, 3, 4]})
    joined = controls.with_partners(load_results("controls"))
    assert len(controls.PENALTY.comparisons(joined)) == 6 and len(controls.matched(joined)) == 3


@pytest.mark.parametrize("suite", ["quick", "laptop", "paper"])
def test_a_suite_without_controls_joins_nothing(project, suite):
    results = load_results(suite)
    assert controls.with_partners(results).configurations == results.configurations
    assert controls.matched_table(results).data.empty and controls.PENALTY.tests_table(results).data.empty


def test_variations_in_words():
    words = {"betas_0_09": "betas 0, 0.9", "betas_05_0999": "betas 0.5, 0.999", "resnet": "ResNet", "": ""}
    assert {rest: variation_label(rest) for rest in words} == words


def test_a_long_title_of_a_panel_is_on_two_lines():
    assert panel_title(("mnist", 32, "penalty_10")) == "MNIST 32 × 32, penalty weight 10"
    assert panel_title(("mnist", 32, "one_centred")) == "MNIST 32 × 32\npenalty centred at 1"
