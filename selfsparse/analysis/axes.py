"""Panels, legends and what figures share: curves over training, maps of values, and a drawing for each group of a suite."""

from collections.abc import Callable, Collection, Iterable

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from selfsparse.analysis.style import (
    AS_MANY,
    GREY,
    MATCHED,
    TWO_COLUMNS,
    Drawing,
    legend,
    look_of,
    note,
    panels,
    styled,
)
from selfsparse.config import Configuration
from selfsparse.registry import MODELS, Model
from selfsparse.results.reading import Results
from selfsparse.results.text import dataset_label, group_label, panel_title

BAND_FROM = 5  # runs; the resamples of three have ten means in all, so that fewer runs show themselves
BOOTSTRAPS = 1000  # resamples behind a band
DIVERGING = "PuOr"  # colours of values: negative, white at 0, positive
ZERO = (0.35, 0.35, 0.35)  # a value that is exactly 0: no colour of the map


def drawn_groups(results: Results) -> dict[tuple[str, int, str], list[Configuration]]:
    """Return what stands in one panel: the groups, a WGAN-GP with as many parameters among the models that it stands against."""
    groups, found = results.groups(), {}
    for key, group in groups.items():
        plain = (*key[:2], "")
        found.setdefault(plain if key[2] == MATCHED and plain in groups else key, []).extend(group)
    return found


def group_panels(results: Results, draw: Callable[[Axes, Configuration], bool], **look) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel per group that draws each of its configurations; what `draw` has nothing of is named."""
    groups = drawn_groups(results)
    figure, axes = panels(len(groups), **look)
    for axis, (key, group) in zip(axes, groups.items(), strict=True):
        axis.set_title(panel_title(key))
        drawn = [draw(axis, c) for c in group]
        missing = [f"{look_of(c).label}: {results.count(c).text}" for c in group if results.count(c).text != "finished"]
        if not any(drawn):
            empty(axis, "not measured" if any(results.count(c).finished for c in group) else "not run")
        elif missing:
            place = {"transform": axis.transAxes, "ha": "right", "va": "top"}
            axis.text(0.97, 0.95, "\n".join(missing), fontsize=6.5, color=GREY, **place)
    return figure, axes


def group_drawings(
    results: Results,
    kind: str,
    what: str,
    height: float,
    read: Callable[[Configuration], pd.DataFrame],
    draw: Callable[[Figure, dict[Configuration, pd.DataFrame]], None],
) -> list[Drawing]:
    """Return a drawing of curves for each group of which `read` finds anything, with one legend under its panels."""
    drawings = []
    for key, group in drawn_groups(results).items():
        tables = {c: table for c in group if len(table := read(c))}
        if not tables:
            continue
        with styled():
            figure = Figure(figsize=(TWO_COLUMNS, height))
            draw(figure, tables)
            figure.suptitle(f"{group_label(key)}: {what}", fontsize=9)
            runs = [n for c in tables if (n := results.count(c).finished)]
            handles = [*model_handles(tables), *spread_handles(runs)]
            if any(results.count(c).diverged for c in tables):
                handles.append(handle("diverged run ends", marker="x", markersize=5))  # as `curves` draws it
            legend(figure, handles, columns=6)
        alt = f"{group_label(key)}: {what} over generator steps, {spread_words(runs)} of each model."
        drawings.append(Drawing("-".join([kind, *map(str, filter(None, key))]), figure, alt))
    return drawings


def curves(
    axis: Axes, results: Results, c: Configuration, rows: pd.DataFrame, column: str, most_marks: int = 0
) -> None:
    """Draw a column of a configuration's runs over `step`: the finished ones as `mean_and_runs`, a diverged one to its end.

    Args:
        rows: columns step, seed and `column`.
        most_marks: steps up to which the mean has a mark at each.
    """
    look, rows = look_of(c), rows.dropna(subset=[column])
    finished = results.finished(rows, c)
    if len(finished):
        runs = finished.pivot(index="step", columns="seed", values=column).astype(float)
        marks = {"marker": look.marker, "markersize": 2.5} if len(runs) <= most_marks else {}
        mean_and_runs(axis, runs, look, **marks)
    for _, run in rows[~rows["seed"].isin(finished["seed"])].groupby("seed"):
        axis.plot(run["step"], run[column], color=look.colour, linestyle=look.line, linewidth=0.7)
        axis.plot(run["step"].iloc[-1:], run[column].iloc[-1:], color=look.colour, marker="x", markersize=5)


def mean_and_runs(axis: Axes, table: pd.DataFrame, look: Model, **marks) -> None:
    """Draw the mean of a table (steps, runs), and the runs: as thin lines below BAND_FROM of them, else as a band."""
    colour = look.colour
    axis.plot(table.index, table.mean(axis=1), color=colour, linestyle=look.line, **marks)
    if table.shape[1] < BAND_FROM:
        axis.plot(table.index, table.to_numpy(), color=colour, linewidth=0.6, alpha=0.5, zorder=1.9)
    else:
        low, high = bootstrap_band(table.to_numpy())
        axis.fill_between(table.index, low, high, color=colour, alpha=0.2, linewidth=0)


def bootstrap_band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % percentile bootstrap interval of the mean over runs, for each row of values (steps, runs)."""
    chosen = np.random.default_rng(0).integers(values.shape[1], size=(BOOTSTRAPS, values.shape[1]))
    means = values[:, chosen].mean(axis=2)  # (steps, bootstraps); whole runs are drawn
    return tuple(np.percentile(means, (2.5, 97.5), axis=1))


def spread_handles(runs: Collection[int]) -> list[Line2D | Patch]:
    """Return the legend of what mean_and_runs drew of these numbers of runs."""
    line = Line2D([], [], color=GREY, linewidth=0.6, label="one run")
    band = Patch(color=GREY, alpha=0.3, linewidth=0, label="95 % bootstrap band of the mean")
    return [line] * any(n < BAND_FROM for n in runs) + [band] * any(n >= BAND_FROM for n in runs)


def spread_words(runs: Collection[int]) -> str:
    """Say what mean_and_runs drew of these numbers of runs: `mean and each finished run`."""
    each, band = "each finished run", "its 95 % bootstrap band over the finished runs"
    if runs and min(runs) < BAND_FROM <= max(runs):
        return f"mean and {each}, or from {BAND_FROM} runs on {band}"
    return f"mean and {band if runs and min(runs) >= BAND_FROM else each}"


def model_handles(configurations: Iterable[Configuration], marker: bool | None = None) -> list[Line2D]:
    """Return the legend of these configurations' models: lines with markers, markers alone (True), or lines alone (False)."""
    looks = {look_of(c) for c in configurations}
    return [
        handle(
            label=look.label,
            color=look.colour,
            linestyle="" if marker else look.line,
            marker="" if marker is False else look.marker,
        )
        for look in (*MODELS.values(), AS_MANY)
        if look in looks
    ]


def handle(label: str, color: str = "black", marker: str = "o", linestyle: str | tuple = "", **look) -> Line2D:
    """Return an entry of a legend: a marker without a line, unless said otherwise."""
    return Line2D([], [], label=label, color=color, marker=marker, linestyle=linestyle, **({"markersize": 4} | look))


def empty(axis: Axes, text: str) -> None:
    """Leave a panel without values: its frame, and a note in the middle."""
    note(axis, text)
    axis.set_xticks([])
    axis.set_yticks([])


def bare(axis: Axes) -> None:
    """Take grid, ticks and frame off a picture."""
    axis.grid(visible=False)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)


def step_ticks(axis: Axes) -> None:
    """Put few ticks under generator steps, thousands as k."""
    axis.set_xlabel("generator steps")
    axis.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short_step(step)))


def short_step(step: float) -> str:
    """Return a generator step in few letters: `75`, `2.5k`, `100k`."""
    return f"{step / 1000:g}k" if abs(step) >= 1000 else f"{step:g}"


def log_ticks(axis: Axis) -> None:
    """Put ticks at 1, 2 and 5 of every decade of a logarithmic axis."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_formatter(NullFormatter())


def show_values(axis: Axes, picture: np.ndarray, values: np.ndarray) -> float:
    """Draw values in [-largest, largest]; exactly 0 in grey, NaN (the gaps) in white. Return the largest magnitude."""
    largest = float(np.abs(values).max()) or 1.0
    colours = mpl.colormaps[DIVERGING](np.nan_to_num(picture) / largest / 2 + 0.5)[..., :3]
    colours[picture == 0] = ZERO
    colours[np.isnan(picture)] = 1.0
    bare(axis)
    axis.imshow(colours, interpolation="nearest")
    return largest


def by_dataset(configurations: Iterable[Configuration]) -> dict[str, list[Configuration]]:
    """Return the configurations of each dataset at a resolution, by its label: `Digits 16 × 16`."""
    found: dict[str, list[Configuration]] = {}
    for c in configurations:
        found.setdefault(dataset_label(c.dataset.dataset, c.dataset.resolution), []).append(c)
    return found
