"""One style for all figures: sizes, colours, and files that are equal byte for byte when the data is equal."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from selfsparse.config import Configuration, variation
from selfsparse.registry import MODELS, Model

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.16  # inches, widths of a journal page
PNG_DPI = 120  # for a screen, which shows a figure a quarter above its size on paper; print takes svg or pdf
# Numbers of colours: the fewest that do not show, as each halving saves a tenth of the bytes or more.
PALETTES = (16, 32, 64, 128, 256)
SEEN = 0.5  # mean difference, of 255, above which fewer colours would show
GREY = "#767676"

MATCHED = "matched"  # the variation of WGAN-GP with as many parameters, which is drawn beside the models
# In another colour of Okabe and Ito's.
AS_MANY = Model(MATCHED, "WGAN-GP (as many parameters)", "#56B4E9", "P", (0, (3, 1, 1, 1)))

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


@dataclass(frozen=True)
class Drawing:
    """A figure with the name of its files, and the text for those who cannot see it."""

    name: str
    figure: Figure
    alt: str


def look_of(c: Configuration) -> Model:
    """Return how a configuration is named and drawn: as its model, or as WGAN-GP with as many parameters."""
    return AS_MANY if variation(c) == MATCHED else MODELS[c.model]


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
        fewer = (pixels.quantize(n, dither=Image.Dither.NONE) for n in PALETTES)
        image = next((few for few in fewer if _difference(few, pixels) < SEEN), pixels)
        about = PngInfo()
        about.add_text("Description", description)
        image.save(buffer, "PNG", dpi=(PNG_DPI, PNG_DPI), pnginfo=about, optimize=True)
    else:
        unsaid = {"svg": ["Date", "Creator"], "pdf": ["CreationDate", "Creator", "Producer"]}
        figure.savefig(buffer, format=suffix, metadata=dict.fromkeys(unsaid[suffix]))
    return buffer.getvalue()


def _difference(image: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two images' pixels, of 255."""
    return float(np.abs(np.subtract(np.asarray(image.convert("RGB")), np.asarray(other), dtype=np.int16)).mean())
