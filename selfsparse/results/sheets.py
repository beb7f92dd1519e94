"""Sheets of generated images in a summary: those of a dataset's configurations side by side in one PNG, which names them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from selfsparse.config import Configuration
from selfsparse.files import atomic_path, reading

HEIGHTS = "Heights"  # a PNG's text: the configurations from left to right, and how many rows of pixels each has
WHITE = 255


@dataclass(frozen=True)
class Sheet:
    """A configuration's sheet, and where it stands in the image of its dataset.

    Attributes:
        place, beside: the how manieth from the left, from 0, of how many.
        pixels: (height, width) or (height, width, 3), uint8.
        full_height: of the dataset's image, which has room for the highest sheet.
    """

    path: Path
    place: int
    beside: int
    pixels: np.ndarray
    full_height: int


def sheet_path(folder: Path, kind: str, c: Configuration) -> Path:
    """Return where a summary has the sheets of one `kind`, `samples` or `progress`, of a configuration's dataset."""
    return folder / kind / f"{c.dataset_key}.png"


def write_sheets(folder: Path, kind: str, sheets: Mapping[Configuration, Path], stage: str) -> None:
    """Write the sheets of configurations, each a PNG of equal width, by dataset; those of other datasets go.

    Args:
        stage: which makes them, `train` or `measure`.
    """
    images: dict[Path, list[Configuration]] = {}
    for c in sheets:
        images.setdefault(sheet_path(folder, kind, c), []).append(c)
    for path, configurations in images.items():
        parts = {}
        for c in configurations:
            with reading(sheets[c], f"{stage}@{c.name}"), Image.open(sheets[c]) as image:
                parts[c.name] = np.asarray(image)
        highest = max(map(len, parts.values()))
        padded = [
            np.pad(p, [(0, highest - len(p)), *[(0, 0)] * (p.ndim - 1)], constant_values=WHITE) for p in parts.values()
        ]
        about = PngInfo()
        about.add_text(HEIGHTS, json.dumps({name: len(part) for name, part in parts.items()}))
        with atomic_path(path) as partial:
            Image.fromarray(np.hstack(padded)).save(partial, "PNG", pnginfo=about, optimize=True)
    for old in set((folder / kind).glob("*")) - images.keys():
        old.unlink()


def read_sheets(path: Path, suite: str) -> dict[str, Sheet]:
    """Return the sheets in an image of a suite's summary by their configurations' names; none where there is no image."""
    if not path.is_file():
        return {}
    with reading(path, f"summary@{suite}", in_git=True), Image.open(path) as image:
        heights, pixels = json.loads(image.info[HEIGHTS]), np.asarray(image)
    parts = zip(heights.items(), np.hsplit(pixels, len(heights)), strict=True)
    return {
        name: Sheet(path, place, len(heights), part[:height], len(pixels))
        for place, ((name, height), part) in enumerate(parts)
    }
