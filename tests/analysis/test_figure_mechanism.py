"""Inside the generators: rates, dead channels and kernels by hand; tables, figures and sentences on made-up snapshots."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from partly_run import HEADS
from small_project import write_project
from three_datasets import MODELS, changes, made_up

from selfsparse.analysis import figure_mechanism as figures
from selfsparse.analysis.figure_training import training_table
from selfsparse.analysis.style import look_of
from selfsparse.results.arrays import write_arrays
from selfsparse.results.mechanism import layers, share_of_coefficients, with_flips
from selfsparse.results.reading import load_results, summary_path
from selfsparse.results.rows import COLUMNS

SNAPSHOTS = 4


def write_runs(root: Path, suite: str) -> None:
    """Write runs.csv with every run of the suite finished, but for the last configuration."""
    folder = root / "results" / suite / "summary"
    folder.mkdir(parents=True)
    runs = [(c, seed) for c in load_results(suite).configurations[:-1] for seed in c.train.seeds]
    table = pd.DataFrame([{"configuration": c.name, "seed": seed, "status": "finished"} for c, seed in runs])
    table.reindex(columns=COLUMNS["runs"]).assign(sastm_parameters=100).to_csv(folder / "runs.csv", index=False)


def write_snapshots(root: Path, suite: str = "quick") -> None:
    """Add the table of mechanisms and coefficients to the summary: of every run in runs.csv, ResNets without batch norm's rows."""
    rng = np.random.default_rng(1)
    folder = root / "results" / suite / "summary"
    runs = pd.read_csv(folder / "runs.csv")
    configurations = {c.name: c for c in load_results(suite).configurations}
    rows = []
    for run in runs.itertuples():
        c = configurations[run.configuration]
        every = c.train.snapshot_every
        for t, width in enumerate(c.network.generator_widths, 1):
            rows += [_snapshot(c, run.seed, i * every, t, width, i, rng) for i in range(SNAPSHOTS)]
    pd.DataFrame(rows).reindex(columns=COLUMNS["mechanism"]).to_csv(summary_path(folder, "mechanism"), index=False)
    arrays: dict[str, dict] = {}
    for name in dict.fromkeys(runs["configuration"]):
        c = configurations[name]
        for t, width in enumerate(c.network.generator_widths, 1):
            size = _size(c, t)
            for part, shape in (("alpha", (width,)), ("beta", (size, size))):
                if part[0] in HEADS.get(c.model, ""):
                    values = np.maximum(rng.normal(size=(SNAPSHOTS, *shape)), 0)
                    arrays.setdefault(name, {})[f"{part}_{t}"] = values.astype(np.float32)
    write_arrays(folder, "coefficients", arrays)


def _size(c, t: int) -> int:
    return 4 * 2 ** (t - 1)


def _snapshot(c, seed: int, step: int, t: int, width: int, i: int, rng) -> dict:
    has, deconv = HEADS.get(c.model, ""), c.network.architecture != "resnet"
    row = {"configuration": c.name, "seed": seed, "step": step, "stage": t, "size": _size(c, t), "channels": width}
    for part in ("alpha", "beta"):
        there = part[0] in has
        row |= {f"{part}_zero": rng.uniform(0.3, 0.6) if there else None}
        row |= {f"{part}_changed": rng.uniform(0, 0.5) / (1 + i) if there and i else None}
        row |= {f"{part}_differs": rng.uniform(0, 0.5) if there and i else None}
    row |= {"dead_channels": width // 4 if has == "a" else 0, "xi": rng.uniform(0.2, 0.5) if has else 0.0}
    row |= {"negative_given_positive": rng.uniform(0.1, 0.4) if deconv else None}
    row |= {"zero_gradient": rng.uniform(0.45, 0.6) if deconv else None}
    return row | {"weight_negative": rng.uniform(0.49, 0.55), "weight_mean": rng.normal() * 1e-3}


@pytest.fixture
def measured(ran):
    """The project with suite quick run in part, looks inside the generators included."""
    write_snapshots(ran)
    return ran


def test_sign_changes_per_1000_steps():
    # Two seeds with snapshots 500 and 2,000 steps apart: 0.1 in 500 steps is 0.2 in 1,000; 0.1 in 2,000 is 0.05.
    rows = [(0, 0, None), (0, 500, 0.1), (0, 2500, 0.1), (1, 0, None), (1, 2000, 0.3)]
    table = pd.DataFrame(rows, columns=["seed", "step", "alpha_changed"]).assign(
        configuration="a", stage=1, beta_changed=math.nan
    )
    found = with_flips(table.iloc[::-1])
    assert found["alpha_flips"].tolist() == pytest.approx([math.nan, 0.2, 0.05, math.nan, 0.15], nan_ok=True)
    assert found["beta_flips"].isna().all()


def snapshot(channels, dead) -> pd.DataFrame:
    stages = range(1, len(channels) + 1)
    # In another order than the stages': the layers follow the stages.
    return pd.DataFrame({"stage": stages, "channels": channels, "dead_channels": dead}).iloc[::-1]


def test_the_layers_of_a_dcgan_generator(project):
    c = next(c for c in load_results("quick").configurations if c.name == "digits-16-self_sparse")
    found = layers(c, snapshot([64, 32], [10, 4]))
    shown = found[["layer", "inputs", "outputs", "dead_inputs", "dead", "size"]].itertuples(index=False, name=None)
    assert list(shown) == [(1, 32, 64, 0, 10, 4), (2, 64, 32, 10, 4, 4), ("image", 32, 1, 4, 0, 4)]
    # (64 - 10)(32 - 4) = 1512 of 2048; 536 kernels of 4 x 4 = 8576 weights are saved.
    assert found[["kernels", "effective", "saved"]].loc[1].tolist() == [2048, 1512, 8576]


def test_the_layers_are_those_of_the_built_networks(project):
    """Kernels times their size are the weights of the layers that a built generator has, for every architecture."""
    from selfsparse.models.build import build_generator

    seen = set()
    for c in load_results("paper").configurations:
        kind = (c.network.architecture, c.model)
        if kind in seen or c.network.architecture == "sagan":
            continue
        seen.add(kind)
        widths = list(c.network.generator_widths)
        found = layers(c, snapshot(widths, [0] * len(widths)))
        generator = build_generator(c)
        weights = [s.deconv.weight if hasattr(s, "deconv") else s.residual[-1].weight for s in generator.stages]
        if c.network.architecture == "dcgan":
            weights.append(generator.to_image[0].weight)
        assert (found["kernels"] * found["size"] ** 2).tolist() == [w.numel() for w in weights]
    assert {kind for kind, _ in seen} == {"dcgan", "resnet"}


def test_what_is_saved_is_set_against_what_the_modules_add(measured):
    table = figures.kernels_table(load_results("quick")).data
    rows = table[table["configuration"] == "digits-16-without_psm"].set_index("layer")
    # 16 of 64 and 8 of 32 channels dead: 32 x 48, 48 x 24 and 24 x 1 kernels are left of 32 x 64, 64 x 32 and 32 x 1.
    assert rows["effective_mean"].tolist() == [1536, 1152, 24, 2712]
    saved = 16 * (2048 + 2048 + 32 - 2712)
    assert rows.loc["all", ["parameters_saved", "sastm_parameters", "net"]].tolist() == [saved, 100, saved - 100]
    assert math.isnan(rows.loc[1, "net"])


def test_a_diverged_run_counts_in_the_losses_alone(measured):
    results = load_results("quick")
    table = figures.mechanism_table(results).text
    assert set(table.loc[table["Configuration"] == "digits-16-without_csm", "n"]) == {"2"}
    assert table.iloc[-1]["Stage"] == "not run"
    losses = training_table(results).data.set_index("configuration")["diverged"]
    assert losses[losses > 0].to_dict() == {"digits-16-without_csm": 1}


@pytest.mark.slow
def test_a_resnet_has_no_batch_norm_to_measure(project):
    write_runs(project, "paper")
    write_snapshots(project, "paper")
    results = load_results("paper")
    table = figures.mechanism_table(results).text.set_index("Configuration")
    resnets = [c.name for c in results.configurations[:-1] if c.network.architecture == "resnet"]
    assert resnets and all(set(table.loc[name, "Zero gradients"]) == {"–"} for name in resnets)
    roles = figures.roles_table(results).data.set_index("configuration")
    assert roles.loc[resnets, "zero_gradient_mean"].isna().all() and roles.loc[resnets, "xi_mean"].notna().all()
    assert figures.signs_table(results).data["flips_late"].notna().any()
    panels = {axis.get_title(): axis for axis in figures.equation_12(results).figure.axes}
    notes = [text.get_text() for title, axis in panels.items() if "ResNet" in title for text in axis.texts]
    assert notes == ["not measured"]


def test_the_mechanism_in_one_table_by_hand(tmp_path, monkeypatch):
    """Zeros 10, 20 and 30 % of the stages; changes and differences alike in all; zero gradients 1, 2 and 3 points more."""
    monkeypatch.chdir(write_project(tmp_path, changes()))
    fids = {("", name): [10.0 + i % 3 for i in range(10)] for name in MODELS}
    made = figures.overview_table(made_up(tmp_path, fids))
    assert len(made.data) == 13 and made.text.columns.is_unique
    rows = made.data.set_index("configuration")
    sparse, baseline = rows.loc["cifar10-32-self_sparse-laptop"], rows.loc["cifar10-32-wgan_gp-laptop"]
    assert sparse[["alpha_zero_mean", "alpha_late_mean", "beta_differs_mean"]].tolist() == pytest.approx([20, 10, 20])
    assert [sparse[f"zero_gradient_{t}_less"] for t in (1, 2, 3)] == pytest.approx([1, 2, 3])
    assert sparse["weight_negative_less_low_95"] < sparse["weight_negative_less"] < -1.9 and baseline["n"] == 10
    assert math.isnan(baseline["weight_negative_less"]) and math.isnan(baseline["alpha_zero_mean"])
    # Observed dead: 1 + 2 + 3 channels of 64 + 32 + 16.
    assert rows.loc["mnist-32-without_psm-laptop", ["proven", "observed", "channels"]].tolist() == [0, 6, 112]
    matched = made.text[made.text["Model"] == "WGAN-GP (as many parameters)"]
    assert len(matched) == 3 and set(matched["Zeros of α; β, %"]) == {"–; –"}


def test_coefficients_count_alike_whatever_their_stage():
    """Half of 30 and none of 10 channels are 37.5 %; half of 16 and none of 64 positions are 10 %."""
    rows = pd.DataFrame({"seed": 0, "step": 5, "size": [4, 8], "channels": [30, 10], "x": [0.5, 0.0]})
    assert share_of_coefficients(rows, "alpha", "x").loc[5, 0] == pytest.approx(0.375)
    assert share_of_coefficients(rows, "beta", "x").loc[5, 0] == pytest.approx(0.1)


def test_a_model_has_one_colour(measured):
    results = load_results("quick")
    drawing = figures.weights(results)[0]
    colours = {line.get_color() for axis in drawing.figure.axes for line in axis.lines}
    assert colours == {look_of(c).colour for c in next(iter(results.groups().values()))}


def test_signs_and_roles_are_those_of_the_snapshots(measured):
    """Rates of the first and the last snapshot, and each run's mean over its stages less the baseline's."""
    results = load_results("quick")
    name = "digits-16-self_sparse"
    rows = with_flips(results.mechanism[results.mechanism["configuration"] == name])
    signs = figures.signs_table(results).data.set_index(["configuration", "head"]).loc[(name, "alpha")]
    rates = rows.dropna(subset=["alpha_flips"]).groupby("step")["alpha_flips"].mean()
    assert (signs["flips_first"], signs["flips_last"]) == pytest.approx((rates.iloc[0], rates.iloc[-1]))
    arrays = results.arrays(next(c for c in results.configurations if c.name == name), "coefficients")
    zeros = [np.concatenate([arrays[f"alpha_{t}"][i].ravel() for t in (1, 2)]) == 0 for i in (0, -1)]
    assert (signs["zero_first"], signs["zero_last"]) == pytest.approx(tuple(z.mean() for z in zeros))
    roles = figures.roles_table(results).data.set_index("configuration")["zero_gradient_mean"]
    last = results.mechanism[results.mechanism["step"] == results.mechanism["step"].max()]
    means = last.groupby("configuration")["zero_gradient"].mean()
    found = figures.roles_table(results).data.set_index("configuration")["zero_gradient_less_wgan_gp"]
    assert roles[name] == pytest.approx(means[name])
    assert found[name] == pytest.approx(means[name] - means["digits-16-wgan_gp"]) and math.isnan(
        found["digits-16-wgan_gp"]
    )
