"""Steps to the baseline's best FID."""

import math

import pandas as pd
import pytest
from small_project import write_project
from three_datasets import MODELS, changes, made_up

from selfsparse.analysis.axes import drawn_groups
from selfsparse.analysis.figure_fid_curves import fid_curves, steps_table, steps_to
from selfsparse.results.reading import load_results


def test_the_first_step_at_or_below():
    run = pd.DataFrame({"step": [0, 10, 20, 30], "fid": [9.0, 5.0, 6.0, 4.0]})
    assert [steps_to(run, fid) for fid in (9, 5, 4.5)] == [0, 10, 30] and math.isnan(steps_to(run, 3))


def test_a_run_that_never_gets_there_is_counted_and_has_no_step(ran):
    path = ran / "results/quick/summary/curves.csv"
    curves = pd.read_csv(path)
    sparse = (curves["configuration"] == "digits-16-self_sparse") & (curves["seed"] == 1)
    curves.loc[sparse, "fid"] = 1e6
    curves.to_csv(path, index=False)
    results = load_results("quick")
    row = steps_table(results).data.iloc[0]
    assert tuple(row[["self_sparse_reached", "self_sparse_runs", "wgan_gp_runs"]]) == (2, 3, 3)
    assert math.isnan(row["times_sooner"])
    assert row["goal"] == pytest.approx(results.best_in_training(results.configurations[0]).mean())


def test_as_many_parameters_stand_in_the_panel_of_what_they_stand_against(tmp_path, monkeypatch):
    """Three panels of five, five and three curves, each of its own colour; alone, in suite controls, it has a panel."""
    monkeypatch.chdir(write_project(tmp_path, changes()))
    results = made_up(tmp_path, {("", name): [10.0 + i % 3 for i in range(10)] for name in MODELS})
    panels = fid_curves(results).figure.axes
    assert [len({line.get_color() for line in axis.lines}) for axis in panels] == [5, 5, 3]
    assert [axis.get_title() for axis in panels] == [
        f"{name} 32 × 32" for name in ("MNIST", "Fashion-MNIST", "CIFAR-10")
    ]
    assert ("mnist", 32, "matched") in drawn_groups(load_results("controls"))
