"""Figures: equal byte for byte when the data is equal, and what is drawn in them."""

import io
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from PIL import Image
from scipy import stats
from test_figure_mechanism import write_snapshots

from selfsparse.analysis import (
    axes,
    figure_feature_maps,
    figure_fid_curves,
    figure_mechanism,
    figure_samples,
    figure_training,
    table_sparsity,
)
from selfsparse.analysis.page import open_page
from selfsparse.analysis.style import rendered
from selfsparse.analysis.table_fid import fid_overview
from selfsparse.registry import MODELS
from selfsparse.results.reading import load_results


@pytest.mark.slow
def test_equal_data_gives_equal_bytes(ran):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw = figure_fid_curves.steps_figure, figure_feature_maps.feature_map_sheets, figure_samples.sample_sheets
        first, second = ([rendered(d(load_results("quick"))[-1].figure) for d in draw] for _ in range(2))
    assert first == second
    assert all(png.startswith(b"\x89PNG") and b"Software" not in png for png in first)


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_a_vector_version_on_demand(ran, monkeypatch, suffix):
    monkeypatch.setenv("SELFSPARSE_VECTOR", suffix)
    made = []
    for _ in range(2):
        page = open_page("quick", "table_fid")
        page.figure(table_sparsity.reduction(page.results))
        made.append((ran / f"build/figures/quick/table_fid/reduction.{suffix}").read_bytes())
    assert made[0] == made[1] and made[0].startswith((b"<?xml", b"%PDF")) and b"Date" not in made[0]


def test_photographs_keep_their_colours_and_drawings_need_few():
    def mode(pixels):
        figure = Figure(figsize=(2, 2), layout="none")
        axis = figure.add_axes((0, 0, 1, 1))
        axis.set_axis_off()
        axis.imshow(pixels)
        return Image.open(io.BytesIO(rendered(figure, description="β"))).mode

    assert mode(np.random.default_rng(0).integers(256, size=(300, 300, 3), dtype=np.uint8)) == "RGB"
    assert mode(np.zeros((300, 300, 3), np.uint8)) == "P"


def test_status_is_in_the_figures(ran):
    figure = fid_overview(load_results("quick"), load_results("quick").configurations)[0].figure
    labels = [label.get_text() for axis in figure.axes for label in axis.get_yticklabels()]
    assert "without CSM\n2 finished, 1 diverged" in labels and "Self-Sparse GAN\nnot run" in labels


def test_runs_means_and_intervals_stand_in_their_configurations_row(ran):
    """WGAN-GP on digits: three runs in row 0, their mean, and Student's interval around it."""
    results = load_results("quick")
    axis = fid_overview(results, results.configurations)[0].figure.axes[0]
    values = results.best_in_training(results.configurations[0]).to_numpy()
    mean, runs = (line.get_xdata() for line in axis.lines if abs(line.get_ydata()[0]) < 0.5)
    assert mean == pytest.approx([values.mean()]) and sorted(runs) == pytest.approx(sorted(values))
    half = stats.t.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
    (ends,) = axis.collections[0].get_segments()
    assert ends[:, 0] == pytest.approx([values.mean() - half, values.mean() + half])


def test_the_channel_module_alone_stands_above_both(ran):
    """Figure 5: two rows of the same stages, of one group only, as the others leave no module out."""
    (drawing,) = figure_feature_maps.module_sheets(load_results("quick"))
    assert drawing.name == "csm_alone-digits-16"
    labels = [axis.get_ylabel() for axis in drawing.figure.axes[:4]]
    assert labels == ["CSM alone", "", "CSM and PSM", ""]


def test_what_ran_and_was_not_measured_is_not_called_not_run(ran):
    (ran / "results/quick/summary/sparsity.csv").unlink()
    texts = [t.get_text() for axis in table_sparsity.stages(load_results("quick")).figure.axes for t in axis.texts]
    assert texts[0] == "not measured"


def test_four_rows_of_a_sheet_over_training_stand_for_all():
    assert [figure_samples.shown_rows(rows) for rows in (1, 5, 9, 11, 41)] == [
        [0], [0, 1, 3, 4], [0, 3, 5, 8], [0, 3, 7, 10], [0, 13, 27, 40],
    ]  # fmt: skip


def test_the_band_is_that_of_the_mean_over_whole_runs():
    # Two runs, all resamples of the mean: both the lower run (1/4), both the upper (1/4), one of each (1/2).
    low, high = axes.bootstrap_band(np.array([[1.0, 3.0], [5.0, 5.0]]))
    assert low.tolist() == [1.0, 5.0] and high.tolist() == [3.0, 5.0]
    low, high = axes.bootstrap_band(np.random.default_rng(1).normal(size=(1, 400)))
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)


# Runs below five of them, a band from there on


def seeded(results, runs):
    """The results with so many finished runs of every configuration that has one, each of its own FIDs and shares."""

    def again(table):
        of_one = table[table["seed"] == 0]
        number = of_one.select_dtypes("float").columns
        return pd.concat(
            [of_one.assign(seed=i, **{n: of_one[n] * (1 + 0.01 * i) for n in number}) for i in range(runs)]
        )

    tables = {name: again(getattr(results, name)) for name in ("runs", "curves", "mechanism")}
    return replace(results, **tables)


def over_training(results):
    """Each figure over training with the handles of its legend."""
    drawings = [figure_fid_curves.fid_curves(results)]
    drawings += [*figure_training.losses(results), *figure_training.gradient_norms(results)]
    drawings += [*figure_mechanism.signs(results), *figure_mechanism.weights(results)]
    return [(d, [text.get_text() for text in d.figure.legends[0].get_texts()]) for d in drawings]


def bands(axis):
    return [c for c in axis.collections if isinstance(c, PolyCollection)]


@pytest.mark.parametrize("runs", [3, 4, 5])
def test_few_runs_are_drawn_themselves_and_five_have_a_band(ran, runs):
    write_snapshots(ran)
    results = seeded(load_results("quick"), runs)
    shown = over_training(results)
    assert len(shown) >= 5
    for drawing, legend in shown:
        assert ("one run" in legend) == (runs < 5) and ("95 % bootstrap band of the mean" in legend) == (runs >= 5)
        assert ("mean and each finished run" in drawing.alt) == (runs < 5)
        assert ("mean and its 95 % bootstrap band" in drawing.alt) == (runs >= 5)
        for axis in drawing.figure.axes:
            thick = [line for line in axis.lines if line.get_linewidth() > 1]
            thin = [line for line in axis.lines if line.get_linewidth() < 1]
            assert len(thin) == (runs * len(thick) if runs < 5 else 0)
            assert len(bands(axis)) == (len(thick) if runs >= 5 else 0)
    drawn = [axis for axis in shown[0][0].figure.axes if axis.lines]
    assert len(drawn) >= 2


def test_the_thin_lines_are_the_runs_and_the_thick_one_their_mean(ran):
    results = load_results("quick")
    c = results.configurations[0]  # WGAN-GP on digits, three finished runs
    runs = results.finished(results.curves, c).pivot(index="step", columns="seed", values="fid").to_numpy()
    axis = figure_fid_curves.fid_curves(results).figure.axes[0]
    own = [line for line in axis.lines if line.get_color() == MODELS[c.model].colour]
    found = [line.get_ydata() for line in own]
    assert len(found) == 4 and not bands(axis)
    assert np.allclose(found[0], runs.mean(axis=1)) and np.allclose(np.transpose(found[1:]), runs)


def test_the_caption_says_both_where_both_are_drawn():
    assert axes.spread_words([3, 5]) == (
        "mean and each finished run, or from 5 runs on its 95 % bootstrap band over the finished runs"
    )
    assert [h.get_label() for h in axes.spread_handles([3, 5])] == ["one run", "95 % bootstrap band of the mean"]
    assert axes.spread_handles([]) == []
