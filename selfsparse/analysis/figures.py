"""The plots: FID curves (Fig. 4), FIDs of all configurations, sparsity per stage, sparsity against FID reduction."""

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from selfsparse.analysis import style
from selfsparse.analysis.correlation import correlations
from selfsparse.analysis.drawing import Drawing
from selfsparse.analysis.formatting import number
from selfsparse.analysis.names import dataset_label, group_label, model_label, variation
from selfsparse.analysis.results import Results
from selfsparse.analysis.statistics import moments
from selfsparse.analysis.tables import comparable, fid_title, paper_moments
from selfsparse.config import Configuration

LOG_FROM = 20.0  # largest over smallest value from which an axis is logarithmic


@style.styled()
def fid_curves(results: Results) -> Drawing:
    """FID over generator steps: mean of the finished runs and its 95 % bootstrap band, one panel per group (Fig. 4)."""
    groups = results.groups()
    figure, axes = style.panels(len(groups))
    for axis, (key, group) in zip(axes, groups.items(), strict=True):
        drawn = [c for c in group if _curve(axis, results, c)]
        # After drawing: seaborn names the axes by the columns.
        axis.set_title(group_label(key))
        axis.set_xlabel("generator steps")
        axis.set_ylabel(f"FID ({group[0].extractor.extractor})")
        _name_the_missing(axis, results, group, drawn)
        _log_if_wide(axis, results, drawn)
    style.legend(figure, _model_handles(results))
    alt = f"FID curves of suite {results.suite}: mean and 95 % bootstrap band over seeds, one panel per dataset and variation."
    return Drawing("fid_curves", figure, alt)


def _curve(axis: Axes, results: Results, c: Configuration) -> bool:
    """Draw mean and band of the finished runs, and each diverged run to the step where it ended."""
    colour, line = style.COLOURS[c.model], style.LINES[c.model]
    rows = results.curves[results.curves["configuration"] == c.name]
    finished = results.finished(results.curves, c)
    if len(finished):
        import seaborn  # late: it takes seconds, and no other figure needs it

        seaborn.lineplot(
            finished, x="step", y="fid", errorbar=("ci", 95), seed=0, legend=False, ax=axis,
            color=colour, linestyle=line, err_kws={"alpha": 0.2, "linewidth": 0},
        )  # fmt: skip
    for _, run in rows[~rows["seed"].isin(finished["seed"])].groupby("seed"):
        axis.plot(run["step"], run["fid"], color=colour, linestyle=line, linewidth=0.7)
        axis.plot(run["step"].iloc[-1:], run["fid"].iloc[-1:], color=colour, marker="x", markersize=6)
    return bool(len(rows))


def _name_the_missing(
    axis: Axes, results: Results, group: Sequence[Configuration], drawn: Sequence[Configuration]
) -> None:
    lines = [f"{model_label(c.model)}: {results.count(c).text}" for c in group if results.count(c).text != "finished"]
    if not drawn:
        style.note(axis, "not run")
        axis.set_xticks([])
        axis.set_yticks([])
    elif lines:
        axis.text(
            0.97, 0.95, "\n".join(lines), transform=axis.transAxes, ha="right", va="top", fontsize=6.5, color=style.GREY
        )


def _log_if_wide(axis: Axes, results: Results, drawn: Sequence[Configuration]) -> None:
    values = results.curves.loc[results.curves["configuration"].isin([c.name for c in drawn]), "fid"]
    if len(values) and values.min() > 0 and values.max() / values.min() >= LOG_FROM:
        axis.set_yscale("log")


def _model_handles(results: Results, marker: bool = False) -> list[Line2D]:
    """Return the legend of the suite's models, in the order of the style."""
    models = [m for m in style.COLOURS if any(c.model == m for c in results.configurations)]
    return [
        Line2D(
            [],
            [],
            color=style.COLOURS[m],
            linestyle="" if marker else style.LINES[m],
            marker=style.MARKERS[m] if marker else "",
            label=model_label(m),
        )
        for m in models
    ]


@style.styled()
def fid_overview(results: Results, configurations: Sequence[Configuration] | None = None, name: str = "fid") -> Drawing:
    """Every run's lowest FID, its mean and 95 % t interval, one panel per dataset; the paper's value where comparable."""
    by_dataset: dict[tuple, list[Configuration]] = {}
    for c in results.configurations if configurations is None else configurations:
        by_dataset.setdefault((c.dataset.dataset, c.dataset.resolution), []).append(c)
    tallest = max((len(group) for group in by_dataset.values()), default=4)
    figure, axes = style.panels(len(by_dataset), panel_height=0.7 + 0.3 * tallest, most=2)
    for axis, (key, group) in zip(axes, by_dataset.items(), strict=False):
        axis.set_title(dataset_label(*key))
        axis.set_xlabel(f"FID ({group[0].extractor.extractor}), lowest of each training")
        for row, c in enumerate(group):
            _fid_row(axis, results, c, row)
        axis.set_yticks(range(len(group)), [_row_label(results, c) for c in group])
        axis.set_ylim(len(group) - 0.4, -0.6)
        axis.grid(axis="y", visible=False)
    if not by_dataset:
        style.blank(axes[0], "no configuration of this suite belongs here")
    style.legend(figure, _overview_handles([c for group in by_dataset.values() for c in group]))
    return Drawing(
        name,
        figure,
        f"Lowest FID of each training in suite {results.suite}, with mean and 95 % interval per configuration.",
    )


def _row_label(results: Results, c: Configuration) -> str:
    status = results.count(c).text
    rest = [part for part in (variation(c), status if status != "finished" else "") if part]
    return "\n".join([model_label(c.model), *rest])


def _fid_row(axis: Axes, results: Results, c: Configuration, row: int) -> None:
    colour, values = style.COLOURS[c.model], results.best_in_training(c)
    ours, paper = moments(values), paper_moments(c.name)
    if ours.n:
        axis.plot(values, [row] * len(values), linestyle="", marker=".", color=colour, alpha=0.5, markersize=5)
        axis.plot([ours.mean], [row], marker=style.MARKERS[c.model], color=colour, markersize=5)
    if ours.n > 1:
        axis.plot([ours.low, ours.high], [row, row], color=colour)
    if paper.n and comparable(c):
        axis.plot([paper.mean], [row], marker="D", markerfacecolor="white", color="black", markersize=5)


def _overview_handles(configurations: Sequence[Configuration]) -> list[Line2D]:
    handles = [
        Line2D([], [], color="black", linestyle="", marker=".", alpha=0.5, label="one run"),
        Line2D([], [], color="black", marker="o", markersize=4, label="mean, 95 % t interval"),
    ]
    if any(comparable(c) and paper_moments(c.name).n for c in configurations):
        handles.append(Line2D([], [], color="black", linestyle="", marker="D", markerfacecolor="white", label="paper"))
    return handles


@style.styled()
def stages(results: Results) -> Drawing:
    """Sparsity xi (Eq. 4) and share of sparse channels zeta (Eq. 5) per stage, one panel per group."""
    groups = results.groups()
    figure, axes = style.panels(len(groups))
    for axis, (key, group) in zip(axes, groups.items(), strict=True):
        axis.set_title(group_label(key))
        axis.set_xlabel("stage (maps)")
        axis.set_ylabel("share")
        axis.set_ylim(-0.04, 1.16)
        axis.set_yticks([0, 0.25, 0.5, 0.75, 1])
        drawn = [c for c in group if _stage_lines(axis, results.finished(results.sparsity, c), c.model)]
        _name_the_missing(axis, results, group, drawn)
    handles = [
        Line2D([], [], color="black", marker="o", markersize=4, label="ξ, zero elements"),
        Line2D(
            [],
            [],
            color="black",
            linestyle=":",
            marker="o",
            markerfacecolor="white",
            markersize=4,
            label="ζ, sparse channels",
        ),
    ]
    style.legend(figure, [*_model_handles(results, marker=True), *handles], columns=4)
    return Drawing(
        "stages", figure, f"Sparsity per stage of the generators of suite {results.suite}, mean over finished runs."
    )


def _stage_lines(axis: Axes, rows: pd.DataFrame, model: str) -> bool:
    if rows.empty:
        return False
    mean = rows.groupby("stage")[["size", "xi", "zeta"]].mean()
    marks = {"color": style.COLOURS[model], "marker": style.MARKERS[model], "markersize": 4}
    axis.plot(mean.index, mean["xi"], **marks)
    axis.plot(mean.index, mean["zeta"], linestyle=":", markerfacecolor="white", **marks)
    axis.set_xticks(mean.index, [f"{stage} ({int(size)} × {int(size)})" for stage, size in mean["size"].items()])
    axis.set_xlim(mean.index.min() - 0.4, mean.index.max() + 0.4)
    return True


@style.styled()
def reduction(results: Results) -> Drawing:
    """FID reduction over xi-bar, one point per pair, with Pearson's r (v2 Sec. 3.6)."""
    figure, (axis,) = style.panels(1, panel_height=2.9)
    table = results.correlation
    axis.set_xlabel("sparsity ξ̄ of Self-Sparse GAN (Eq. 15)")
    axis.set_ylabel("reduction of the mean FID, %")
    for i, ((dataset, resolution), rows) in enumerate(table.groupby(["dataset", "resolution"], sort=False)):
        axis.plot(
            rows["xi"],
            rows["reduction_percent"],
            linestyle="",
            marker="osD^vP*Xhp"[i % 10],
            color=f"C{i % 10}",
            label=dataset_label(dataset, resolution),
        )
    if table.empty:
        style.note(axis, "not run")
        axis.set_xticks([])
        axis.set_yticks([])
    else:
        axis.axhline(0, color=style.GREY, linewidth=0.8)
        axis.margins(0.15)
        style.legend(figure, axis.get_legend_handles_labels()[0], columns=3)
    found = correlations(table)["all"]
    r = number(found.r) if math.isfinite(found.r) else "not defined"
    axis.set_title(f"{fid_title(results)}, {found.n} pair{'' if found.n == 1 else 's'}, Pearson's r: {r}")
    return Drawing("reduction", figure, f"FID reduction over sparsity, one point per pair of suite {results.suite}.")
