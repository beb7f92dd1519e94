"""The forest plot: both models' FIDs under each reading, and the ratio of the two with its interval."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from selfsparse.analysis import sensitivity, style
from selfsparse.analysis.drawing import Drawing
from selfsparse.analysis.sensitivity import Measured
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.reading import Results
from selfsparse.results.text import dataset_label, model_label

ROW, REST = 0.34, 1.15  # inches: of a reading, of a panel's title and axis


@style.styled()
def forest(results: Results) -> list[Drawing]:
    """A row per reading: left every run's FID and the means, right Self-Sparse GAN over WGAN-GP with its 95 % interval.

    None where the suite has no other reading.
    """
    families = sensitivity.measured(results)
    if not families:
        return []
    heights = [REST + ROW * len(family) for family in families]
    figure = Figure(figsize=(style.TWO_COLUMNS, sum(heights) + 0.3))
    axes = figure.subplots(len(heights), 2, squeeze=False, height_ratios=heights, width_ratios=(1, 1.2))
    for (left, right), family in zip(axes, families, strict=False):
        c = family[0].reading.configuration
        labels = [_label(m) for m in family]
        left.set_yticks(range(len(family)), labels)
        right.set_yticks(range(len(family)), [])
        left.set_title(dataset_label(c.dataset.dataset, c.dataset.resolution))
        left.set_xlabel(f"FID ({c.extractor.extractor}), best generators again")
        right.set_xlabel("Self-Sparse GAN / WGAN-GP, log scale")
        for row, m in enumerate(family):
            _fids(left, results, m, row)
            _ratio(right, m, row, sensitivity.verdict(results, m, family[0]))
        _finish(left, right, family)
    style.legend(figure, _handles())
    alt = (
        f"FID of both models of suite {results.suite} under each reading of what the paper leaves open, and their ratio"
        " with its 95 % interval: left of 1 Self-Sparse GAN is lower, as the paper claims."
    )
    return [Drawing("sensitivity", figure, alt)]


def _label(m: Measured) -> str:
    return f"{m.reading.numbers}: {m.reading.label}" if m.reading.numbers else m.reading.label


def _fids(axis: Axes, results: Results, m: Measured, row: int) -> None:
    for c, model, offset in ((m.reading.baseline, BASELINE, -0.14), (m.reading.sparse, SPARSE, 0.14)):
        values = sensitivity.fids(results, c)
        look = {"color": style.COLOURS[model], "marker": style.MARKERS[model], "linestyle": ""}
        axis.plot(values, [row + offset] * len(values), **look, markersize=3, alpha=0.5)
        if values:
            axis.plot([sum(values) / len(values)], [row + offset], **look, markersize=5.5)


def _ratio(axis: Axes, m: Measured, row: int, verdict: str) -> None:
    found = m.ratio
    if m.lower is None:
        where = {"transform": axis.get_yaxis_transform(), "ha": "center", "va": "center"}
        box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        axis.text(0.5, row, verdict, **where, color=style.GREY, bbox=box, zorder=3)
        return
    colour = style.COLOURS[SPARSE if found.value < 1 else BASELINE]
    if math.isfinite(found.low):
        axis.plot([found.low, found.high], [row, row], color=colour, linewidth=1.3)
    filled = colour if m.significant else "white"
    axis.plot([found.value], [row], marker="D", color=colour, markerfacecolor=filled, markersize=5)


def _finish(left: Axes, right: Axes, family: Sequence[Measured]) -> None:
    ends = [x for m in family for x in (m.ratio.low, m.ratio.value, m.ratio.high) if math.isfinite(x)]
    far = max([1.25, *(max(x, 1 / x) for x in ends)]) ** 1.1
    right.set_xscale("log")
    right.set_xlim(1 / far, far)
    marks = (0.8, 0.9, 1, 1.1, 1.25) if far < 2 else (0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100)
    ticks = [x for x in marks if 1 / far <= x <= far]
    right.set_xticks(ticks, [f"{x:g}" for x in ticks])
    right.minorticks_off()
    right.axvline(1, color="black", linewidth=0.8)
    if math.isfinite(family[0].ratio.value):
        right.axvline(family[0].ratio.value, color=style.GREY, linewidth=0.8, linestyle=":")
    right.set_title("← lower, as claimed", loc="left")
    right.set_title("higher →", loc="right")
    for axis in (left, right):
        axis.set_ylim(len(family) - 0.4, -0.6)
        axis.grid(axis="y", visible=False)
    if not left.has_data() or not any(m.sparse.n or m.baseline.n for m in family):
        left.set_xticks([])


def _handles() -> list[Line2D]:
    models = [
        Line2D([], [], color=style.COLOURS[m], marker=style.MARKERS[m], linestyle="", label=model_label(m))
        for m in (BASELINE, SPARSE)
    ]
    black = {"color": "black", "markersize": 5, "marker": "D"}
    return [
        *models,
        Line2D([], [], **black, markerfacecolor="white", label="ratio, 95 % interval"),
        Line2D([], [], **black, linestyle="", label="significant after Holm"),
        Line2D([], [], color=style.GREY, linestyle=":", label="ratio under the defaults"),
    ]
