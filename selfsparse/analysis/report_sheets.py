"""The report's images over training: every configuration's sheets, and what each of their rows shows."""

from typing import Any

import pandas as pd
from PIL import Image

from selfsparse.analysis.overview_tables import samples_table
from selfsparse.config import Configuration, variation, variation_label
from selfsparse.results.reading import Results
from selfsparse.results.text import count, dataset_label, model_label, number


def sheets(results: Results) -> list[dict[str, Any]]:
    """Return the sample sheets of every configuration, those of a dataset together."""
    shown = samples_table(results).data.set_index("configuration")
    groups: dict[str, list[dict]] = {}
    for c in results.configurations:
        label = dataset_label(c.dataset.dataset, c.dataset.resolution)
        groups.setdefault(label, []).append(_sheet(results, c, shown.loc[c.name]))
    return [{"title": title, "sheets": sheets} for title, sheets in groups.items()]


def _sheet(results: Results, c: Configuration, best: pd.Series) -> dict[str, Any]:
    runs, size = results.count(c), c.dataset.resolution
    progress, samples = results.progress_sheet(c), results.sample_sheet(c)
    sheet: dict[str, Any] = {
        "name": c.name,
        "title": model_label(c.model) + (f", {variation_label(variation(c))}" if variation(c) else ""),
        "runs": runs.text,
        "missing": "not made" if runs.finished else runs.without_value,
        "progress": f"../summary/progress/{c.name}.png" if progress.is_file() else "",
        "samples": f"../summary/samples/{c.name}.png" if samples.is_file() else "",
        "seed": count(best["seed"]),
        "best": f", step {count(best['best_step'])}, FID {number(best['best_fid'])} ({c.extractor.extractor})",
    }
    if progress.is_file():
        with Image.open(progress) as image:
            width, height = image.size
        sheet |= {"strip": f"{width} / {size}", "steps": _steps(results, c, height // size)}
    return sheet


def _steps(results: Results, c: Configuration, rows: int) -> list[str]:
    """Return what each row of a sheet over training shows: its step, and its FID where one was measured there."""
    curves = results.rows(results.curves, c)
    first = curves[curves["seed"] == curves["seed"].min()].set_index("step")["fid"]  # the sheet is the first seed's
    texts = []
    for step in (row * c.train.snapshot_every for row in range(rows)):
        fid = f": FID {number(first[step])} ({c.extractor.extractor})" if step in first.index else ""
        texts.append(f"Step {count(step)}{fid}")
    return texts
