"""Generated images: a sheet per configuration (Fig. 8), and the same latents over training."""

import math

import numpy as np
from matplotlib.axes import Axes

from selfsparse.analysis import style
from selfsparse.analysis.axes import bare, by_dataset
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table import Table, count, number, said
from selfsparse.config import Configuration, variation
from selfsparse.registry import variation_label
from selfsparse.results.reading import Results
from selfsparse.results.text import model_label

BESIDE = 4  # images in a row and in a column that the figure shows of the 8 × 8 of a sheet; the report has all
LATENTS = 10  # columns of a sheet over training
MOST_ROWS = 4  # snapshots of a sheet over training that the figure shows; the report's slider has all


def sample_sheets(results: Results) -> list[Drawing]:
    """Sheets of generated images, those of one dataset side by side (Fig. 8)."""
    return _sheets(results, "samples", f"{BESIDE**2} images of the first seed's best generator", most=4)


def progress_sheets(results: Results) -> list[Drawing]:
    """Ten fixed latents over training, those of one dataset side by side; every row is a generator step."""
    return _sheets(results, "progress", "ten fixed latents over training", most=3)


@style.styled()
def _sheets(results: Results, kind: str, what: str, most: int) -> list[Drawing]:
    drawings = []
    for title, group in by_dataset(results.configurations).items():
        beside = min(most, max(2, len(group)))
        rows = max(len(shown_rows(c.train.steps // c.train.snapshot_every + 1)) for c in group)
        shape = 1.0 if kind == "samples" else 0.8 * rows / LATENTS  # step labels take the rest
        figure, axes = style.panels(len(group), panel_height=shape * style.TWO_COLUMNS / beside + 0.35, most=beside)
        for axis, c in zip(axes, group, strict=True):
            axis.set_title(model_label(c.model) + (f"\n{variation_label(variation(c))}" if variation(c) else ""))
            _sheet(axis, results, c, kind)
        figure.suptitle(f"{title}: {what}", fontsize=9)
        dataset = group[0].dataset
        alt = f"{title}, suite {results.suite}: {what}, one panel per configuration."
        drawings.append(Drawing(f"{kind}-{dataset.dataset}-{dataset.resolution}", figure, alt))
    return drawings


def shown_rows(rows: int) -> list[int]:
    """Return the rows of a sheet over training that the figure shows: first and last, evenly spaced between."""
    return sorted({round(i) for i in np.linspace(0, rows - 1, min(MOST_ROWS, rows))})


def _sheet(axis: Axes, results: Results, c: Configuration, kind: str) -> None:
    sheet = results.sheet(c, kind)
    if sheet is None:
        style.blank(axis, results.count(c).without_value)
        return
    bare(axis)
    size, pixels = c.dataset.resolution, sheet.pixels
    if kind == "samples":
        pixels = pixels[: BESIDE * size, : BESIDE * size]
    else:
        rows = shown_rows(len(pixels) // size)
        pixels = np.concatenate([pixels[row * size : (row + 1) * size] for row in rows])
        steps = [f"{row * c.train.snapshot_every:,}" for row in rows]
        axis.set_yticks([(i + 0.5) * size for i in range(len(rows))], steps)
        axis.set_ylabel("generator steps")
        axis.tick_params(left=False)
    axis.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")


def samples_table(results: Results) -> Table:
    """Which generator each sample sheet shows: the best of the first seed that finished."""
    rows = []
    for c in results.configurations:
        runs = results.finished(results.runs, c).sort_values("seed")
        shown = runs.iloc[0] if len(runs) and results.sheet(c, "samples") else {}
        row = {"configuration": c.name, "sheet": "shown" if len(shown) else results.count(c).without_value}
        row |= {"extractor": c.extractor.extractor}
        rows.append(row | {name: float(shown.get(name, math.nan)) for name in ("seed", "best_step", "best_fid")})
    columns = {
        "Configuration": said("configuration"),
        "Sheet": said("sheet"),
        "Seed": count("seed"),
        "Best step": count("best_step"),
        "FID of that step": number("best_fid"),
        "Extractor": said("extractor"),
    }
    return Table(rows, columns, "The generators behind the sample sheets.")
