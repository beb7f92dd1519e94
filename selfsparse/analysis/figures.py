"""The plots: FID curves (Fig. 4), FIDs of all configurations, sparsity per stage, sparsity against FID reduction."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from selfsparse.analysis import style
from selfsparse.analysis.correlation import correlations
from selfsparse.analysis.drawing import Drawing
from selfsparse.analysis.tables import fid_title
from selfsparse.config import Configuration, variation, variation_label
from selfsparse.paper import paper_moments, reported
from selfsparse.paper.printed import printed_table
from selfsparse.results.comparability import comparable
from selfsparse.results.reading import Results
from selfsparse.results.text import dataset_label, model_label, number, panel_title
from selfsparse.statistics.correlation import fit_line
from selfsparse.statistics.moments import moments

SHADES = ("#56B4E9", "black", "#767676", "#882255")  # of resolutions; no model's colour: each point is a pair
NARROW_FROM = 24  # letters of a row's label
LOG_FROM = 8.0  # largest over smallest value from which an axis is logarithmic


@style.styled()
def fid_curves(results: Results) -> Drawing:
    """FID over generator steps: mean of the finished runs, and the runs or their band, one panel per group (Fig. 4)."""
    groups = results.groups()
    figure, axes = style.panels(len(groups))
    for axis, (key, group) in zip(axes, groups.items(), strict=True):
        drawn = [c for c in group if _curve(axis, results, c)]
        axis.set_title(panel_title(key))
        axis.set_xlabel("generator steps")
        axis.set_ylabel(f"FID ({group[0].extractor.extractor})")
        axis.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 5, 10]))
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        _name_the_missing(axis, results, group, drawn)
        _log_if_wide(axis, results, drawn)
    runs = [n for c in results.configurations if (n := results.count(c).finished)]
    style.legend(figure, [*_model_handles(results), *style.spread_handles(runs)])
    alt = f"FID curves of suite {results.suite}: {style.spread_words(runs)}; one panel per dataset and variation."
    return Drawing("fid_curves", figure, alt)


def _curve(axis: Axes, results: Results, c: Configuration) -> bool:
    """Draw the finished runs, and each diverged run to the step where it ended."""
    colour, line = style.COLOURS[c.model], style.LINES[c.model]
    rows = results.rows(results.curves, c)
    finished = results.finished(results.curves, c)
    if len(finished):
        style.mean_and_runs(axis, finished.pivot(index="step", columns="seed", values="fid"), c.model)
    for _, run in rows[~rows["seed"].isin(finished["seed"])].groupby("seed"):
        axis.plot(run["step"], run["fid"], color=colour, linestyle=line, linewidth=0.7)
        axis.plot(run["step"].iloc[-1:], run["fid"].iloc[-1:], color=colour, marker="x", markersize=6)
    return bool(len(rows))


def _name_the_missing(
    axis: Axes, results: Results, group: Sequence[Configuration], drawn: Sequence[Configuration]
) -> None:
    lines = [f"{model_label(c.model)}: {results.count(c).text}" for c in group if results.count(c).text != "finished"]
    if not drawn:
        style.note(axis, "not measured" if any(results.count(c).finished for c in group) else "not run")
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
        _log_ticks(axis.yaxis)


def _log_ticks(axis: Axis) -> None:
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_formatter(NullFormatter())


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
    figure, axes = _panels_by_rows(
        [sum(0.4 + 0.6 * len(_row_label(results, c).splitlines()) for c in group) for group in by_dataset.values()]
        or [4]
    )
    for axis, (key, group) in zip(axes, by_dataset.items(), strict=False):
        axis.set_title(dataset_label(*key))
        _fid_rows(axis, results, group)
        rows = [_row_label(results, c) for c in group]
        axis.set_yticks(range(len(group)), rows)
        # Long labels of the rows leave an axis that is narrower than its own label.
        narrow = max(len(line) for row in rows for line in row.splitlines()) > NARROW_FROM
        axis.set_xlabel(
            f"FID ({group[0].extractor.extractor}), lowest of each training", loc="right" if narrow else "center"
        )
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


def _panels_by_rows(rows: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Return panels, two beside each other, as high as their numbers of rows ask for."""
    columns = min(2, len(rows))
    heights = [0.7 + 0.25 * max(rows[i : i + columns]) for i in range(0, len(rows), columns)]
    figure = Figure(figsize=(style.TWO_COLUMNS if columns > 1 else style.ONE_COLUMN, sum(heights) + 0.4))
    axes = list(figure.subplots(len(heights), columns, squeeze=False, height_ratios=heights).flat)
    for axis in axes[len(rows) :]:
        axis.set_visible(False)
    return figure, axes[: len(rows)]


def _row_label(results: Results, c: Configuration) -> str:
    status = results.count(c).text
    rest = [part for part in (variation_label(variation(c)), status if status != "finished" else "") if part]
    return "\n".join([model_label(c.model), *rest])


def _fid_rows(axis: Axes, results: Results, group: Sequence[Configuration]) -> None:
    """Draw a row per configuration: its runs, their mean and t interval, and the paper's value where comparable."""
    import seaborn  # late: of all figures, this one alone pays its second of import

    rows = range(len(group))
    values = [results.best_in_training(c) for c in group]
    runs = pd.DataFrame(
        [(row, c.model, fid) for row, c, own in zip(rows, group, values, strict=True) for fid in own],
        columns=["row", "model", "fid"],
    )
    if len(runs):
        models = list(dict.fromkeys(c.model for c in group))
        shared = {
            "data": runs, "x": "fid", "y": "row", "hue": "model", "order": rows, "hue_order": models,
            "palette": style.COLOURS, "orient": "h", "legend": False, "ax": axis,
        }  # fmt: skip
        marks = {"markers": [style.MARKERS[m] for m in models], "markersize": 5, "err_kws": {"linewidth": 1.3}}
        seaborn.pointplot(**shared, **marks, errorbar=_t_interval, linestyle="none")
        seaborn.stripplot(**shared, jitter=False, size=3.5, edgecolor="white", linewidth=0.5, zorder=4)
    for row, c in zip(rows, group, strict=True):
        paper = paper_moments(c.name)
        if paper.n and comparable(c):
            axis.plot([paper.mean], [row], marker="D", markerfacecolor="white", color="black", markersize=5, zorder=5)
    axis.set_ylabel("")
    if not axis.has_data():
        axis.set_xticks([])
    # By the runs: the interval of three of them can reach near 0, where a logarithmic axis would end in empty decades.
    wide = len(runs) and runs["fid"].max() >= LOG_FROM * runs["fid"].min()
    if wide and axis.dataLim.intervalx[0] > 0:
        axis.set_xscale("log")
        _log_ticks(axis.xaxis)


def _t_interval(values: np.ndarray) -> tuple[float, float]:
    found = moments(values)
    return found.low, found.high


def _overview_handles(configurations: Sequence[Configuration]) -> list[Line2D]:
    handles = [
        Line2D([], [], color="black", linestyle="", marker="o", markersize=2.5, label="one run"),
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
        axis.set_title(panel_title(key))
        axis.set_xlabel("stage, by the height of its maps")
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
    axis.set_xticks(mean.index, [f"{int(size)}" for size in mean["size"]])
    axis.set_xlim(mean.index.min() - 0.4, mean.index.max() + 0.4)
    return True


@style.styled()
def reduction(results: Results) -> Drawing:
    """FID reduction over xi-bar, one point per pair, ours beside the paper's, with regression lines (v2 Sec. 3.6).

    A line per resolution with at least three pairs, as the paper groups them, and the 95 % interval of its mean.
    """
    figure, axes = style.panels(2, panel_height=2.6, most=2)
    paper = _printed_pairs()
    keys = list(dict.fromkeys((r.dataset, r.resolution) for t in (results.correlation, paper) for r in t.itertuples()))
    shades = {r: SHADES[i % len(SHADES)] for i, r in enumerate(sorted({resolution for _, resolution in keys}))}
    markers = {name: "osD^vP*Xhp"[i % 10] for i, name in enumerate(dict.fromkeys(name for name, _ in keys))}
    for axis, table, title in zip(axes, (results.correlation, paper), (_our_title(results), "Printed"), strict=True):
        axis.set_title(title)
        axis.set_xlabel("sparsity ξ̄ of Self-Sparse GAN (Eq. 15)")
        axis.set_ylabel("reduction of the mean FID, %")
        for row in table.itertuples():
            axis.plot(row.xi, row.reduction_percent, markers[row.dataset], color=shades[row.resolution], markersize=5)
        if table.empty:
            style.note(axis, "not run")
            axis.set_xticks([])
            axis.set_yticks([])
            continue
        axis.axhline(0, color=style.GREY, linewidth=0.8)
        axis.margins(0.12)
        _lines(axis, table, shades)
    handles = [
        Line2D([], [], linestyle="", marker=markers[d], color=shades[r], markersize=5, label=dataset_label(d, r))
        for d, r in keys
    ]
    style.legend(figure, handles, columns=4)
    alt = f"FID reduction over sparsity with regression lines: the pairs of suite {results.suite} beside the paper's."
    return Drawing("reduction", figure, alt)


def _printed_pairs() -> pd.DataFrame:
    """Return the printed pairs with the columns of the measured ones."""
    table = printed_table("sparsity").merge(reported()["dataset"], left_on="configuration", right_index=True)
    return table.rename(columns={"paper_xi": "xi", "paper_reduction_percent": "reduction_percent"})


def _our_title(results: Results) -> str:
    found = correlations(results.correlation)["all"]
    r = number(found.r) if math.isfinite(found.r) else "not defined"
    return f"Ours, {fid_title(results)}: {found.n} pair{'' if found.n == 1 else 's'}, Pearson's r {r}"


def _lines(axis: Axes, table: pd.DataFrame, shades: dict[int, str]) -> None:
    """Draw each resolution's line and interval within the range of its points; the points alone set the axis."""
    limits = axis.get_ylim()
    for resolution, group in table.groupby("resolution"):
        line = fit_line(group["xi"], group["reduction_percent"])
        if line is None:
            continue
        x = np.linspace(group["xi"].min(), group["xi"].max(), 50)
        axis.plot(x, line.at(x), color=shades[resolution], linewidth=1)
        low, high = line.at(x) - line.half_width(x), line.at(x) + line.half_width(x)
        axis.fill_between(x, low, high, color=shades[resolution], alpha=0.13, linewidth=0)
    axis.set_ylim(limits)
