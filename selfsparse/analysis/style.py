"""One style for all figures: sizes, colours, and files that are equal byte for byte when the data is equal."""

import io
import math
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from selfsparse.registry import MODELS

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.16  # inches, widths of a journal page
PNG_DPI = 150  # for a screen; print takes svg or pdf
PALETTE = 256  # colours of a figure without photographs: a third of the bytes
SEEN = 0.5  # mean difference, of 255, above which fewer colours would show
GREY = "#767676"
BAND_FROM = 5  # runs; the resamples of three have ten means in all, so that fewer runs show themselves
BOOTSTRAPS = 1000  # resamples behind a band

COLOURS = {name: model.colour for name, model in MODELS.items()}
MARKERS = {name: model.marker for name, model in MODELS.items()}
LINES = {name: model.line for name, model in MODELS.items()}

RC = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so that every machine draws the same
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.3,
    "figure.constrained_layout.use": True,
    "figure.dpi": PNG_DPI,
    "svg.hashsalt": "selfsparse",
}


def styled():
    """Return a context, also a decorator, in which matplotlib draws in this style, whatever a user's settings say."""
    return style.context(RC, after_reset=True)


def panels(count: int, panel_height: float = 2.1, most: int = 3) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` panels (at least one), up to `most` beside each other; one alone fits one column."""
    columns = min(most, max(1, count))
    rows = max(1, math.ceil(count / columns))
    width = TWO_COLUMNS if columns > 1 else ONE_COLUMN
    figure = Figure(figsize=(width, rows * panel_height + 0.4))
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[max(1, count) :]:
        axis.set_visible(False)
    return figure, axes[: max(1, count)]


def mean_and_runs(axis: Axes, table: pd.DataFrame, model: str, **look) -> None:
    """Draw the mean of a table (steps, runs), and the runs: as thin lines below BAND_FROM of them, else as a band."""
    colour = COLOURS[model]
    axis.plot(table.index, table.mean(axis=1), color=colour, linestyle=LINES[model], **look)
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


def _spread(runs: Collection[int]) -> tuple[bool, bool]:
    """Whether thin lines were drawn, and whether bands, for these numbers of runs."""
    return any(n < BAND_FROM for n in runs), any(n >= BAND_FROM for n in runs)


def spread_handles(runs: Collection[int]) -> list[Line2D | Patch]:
    """Return the legend of what mean_and_runs drew of these numbers of runs."""
    lines, bands = _spread(runs)
    line = Line2D([], [], color=GREY, linewidth=0.6, label="one run")
    return [line] * lines + [Patch(color=GREY, alpha=0.3, linewidth=0, label="95 % bootstrap band of the mean")] * bands


def spread_words(runs: Collection[int]) -> str:
    """Say what mean_and_runs drew of these numbers of runs: `mean and each finished run`."""
    lines, bands = _spread(runs)
    each, band = "each finished run", "its 95 % bootstrap band over the finished runs"
    if lines and bands:
        return f"mean and {each}, or from {BAND_FROM} runs on {band}"
    return f"mean and {band if bands else each}"


def note(axis: Axes, text: str) -> None:
    """Write where there is nothing to draw, `not run` for example."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color=GREY, wrap=True)


def blank(axis: Axes, text: str = "") -> None:
    """Make a panel without axes, with a note in the middle."""
    axis.set_axis_off()
    if text:
        note(axis, text)


def legend(figure: Figure, handles: Sequence, columns: int = 5) -> None:
    """Put one legend for all panels under the figure, in as many columns as its width has room for."""
    for n in range(min(columns, len(handles)), 0, -1):
        made = figure.legend(handles=handles, loc="outside lower center", ncols=n)
        if n == 1 or made.get_window_extent().width <= figure.bbox.width:
            break
        made.remove()


@styled()
def rendered(figure: Figure, suffix: str = "png", description: str = "") -> bytes:
    """Return the figure as a file, without date or software, so that equal data gives equal bytes.

    Args:
        suffix: png, svg or pdf.
        description: what it shows, kept inside a PNG.
    """
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        # The layout's solver ends at positions that differ in the last digits, and SVG's ids are hashes of them.
        figure.set_layout_engine("none")
        for axis in figure.axes:
            axis.set_position([round(value, 6) for value in axis.get_position(original=True).bounds])
    buffer = io.BytesIO()
    if suffix == "png":
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # once, where savefig would draw twice
        pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        few = pixels.quantize(PALETTE, dither=Image.Dither.NONE)
        difference = np.subtract(few.convert("RGB"), pixels, dtype=np.int16)
        about = PngInfo()
        about.add_text("Description", description)
        image = few if np.abs(difference).mean() < SEEN else pixels
        image.save(buffer, "PNG", dpi=(PNG_DPI, PNG_DPI), pnginfo=about)
    else:
        unsaid = {"svg": ["Date", "Creator"], "pdf": ["CreationDate", "Creator", "Producer"]}
        figure.savefig(buffer, format=suffix, metadata=dict.fromkeys(unsaid[suffix]))
    return buffer.getvalue()
