"""The dots and intervals of FIDs, one panel per dataset, of the main table and of the ablation."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfsparse.analysis import style
from selfsparse.analysis.axes import by_dataset, handle, log_ticks
from selfsparse.analysis.drawing import Drawing
from selfsparse.config import Configuration, variation, variation_label
from selfsparse.paper import paper_moments
from selfsparse.results.comparability import comparable
from selfsparse.results.reading import Results
from selfsparse.results.text import model_label
from selfsparse.statistics.moments import moments

NARROW_FROM = 24  # letters of a row's label
LOG_FROM = 8.0  # largest over smallest value from which an axis is logarithmic


@style.styled()
def fid_overview(results: Results, configurations: Sequence[Configuration], name: str = "fid") -> list[Drawing]:
    """Every run's lowest FID, its mean and 95 % t interval, one panel per dataset; the paper's value where comparable."""
    if not configurations:
        return []
    groups = by_dataset(configurations)
    labels = {title: [_row_label(results, c) for c in group] for title, group in groups.items()}
    heights = [sum(0.4 + 0.6 * len(label.splitlines()) for label in rows) for rows in labels.values()]
    figure, axes = _panels_by_rows(heights)
    for axis, (title, group) in zip(axes, groups.items(), strict=True):
        axis.set_title(title)
        _fid_rows(axis, results, group)
        axis.set_yticks(range(len(group)), labels[title])
        # Long labels of the rows leave an axis that is narrower than its own label.
        narrow = max(len(line) for label in labels[title] for line in label.splitlines()) > NARROW_FROM
        place = "right" if narrow else "center"
        axis.set_xlabel(f"FID ({group[0].extractor.extractor}), lowest of each training", loc=place)
        axis.set_ylim(len(group) - 0.4, -0.6)
        axis.grid(axis="y", visible=False)
    handles = [handle("one run", markersize=2.5), handle("mean, 95 % t interval", linestyle="-")]
    if any(comparable(c) and paper_moments(c.name).n for c in configurations):
        handles.append(handle("paper", marker="D", markerfacecolor="white"))
    style.legend(figure, handles)
    alt = f"Lowest FID of each training in suite {results.suite}, with mean and 95 % interval per configuration."
    return [Drawing(name, figure, alt)]


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
    every: list[float] = []
    for row, c in enumerate(group):
        colour, runs = style.COLOURS[c.model], results.best_in_training(c).tolist()
        ours = moments(runs)
        if ours.n:
            half = [[ours.mean - ours.low], [ours.high - ours.mean]] if ours.n > 1 else None
            axis.errorbar([ours.mean], [row], xerr=half, fmt=style.MARKERS[c.model], color=colour, markersize=6)
            axis.plot(
                runs,
                [row] * len(runs),
                "o",
                color=colour,
                markersize=3.5,
                markeredgecolor="white",
                markeredgewidth=0.5,
                zorder=4,
            )
        paper = paper_moments(c.name)
        if paper.n and comparable(c):
            axis.plot([paper.mean], [row], marker="D", markerfacecolor="white", color="black", markersize=5, zorder=5)
        every += runs
    if not axis.has_data():
        axis.set_xticks([])
    # By the runs: the interval of three of them can reach near 0, where a logarithmic axis would end in empty decades.
    if every and max(every) >= LOG_FROM * min(every) and axis.dataLim.intervalx[0] > 0:
        axis.set_xscale("log")
        log_ticks(axis.xaxis)
