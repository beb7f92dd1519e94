"""What every reader shares: the images of one dataset before they are resized, and how image files are decoded."""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from selfsparse.data.listing import files_below
from selfsparse.errors import DataError

NO_LABELS = "stand-in: none"
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
# What Pillow raises for files that are not, or not wholly, images.
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


@dataclass(frozen=True)
class Source:
    """Images of one dataset before they are resized.

    Attributes:
        count: number of images.
        images: uint8 arrays (H, W) or (H, W, 3) in a fixed order, made one by one as they are asked for.
        labels: int64 (count,).
        label_kind: what the labels mean; begins with "stand-in" where the dataset has none of its own.
        description: source, revision, split and order of the images, for the manifest.
        finish: what is done to an image after it was cropped and resized, uint8 (H, W) or (H, W, 3) in and out.
    """

    count: int
    images: Iterable[np.ndarray]
    labels: np.ndarray
    label_kind: str
    description: dict[str, Any]
    finish: Callable[[np.ndarray], np.ndarray] | None = None


def no_labels(count: int) -> np.ndarray:
    """Return the labels, int64 (count,), of a dataset that has none: zeros, to go with the kind NO_LABELS."""
    return np.zeros(count, np.int64)


def image_names(folder: Path) -> list[str]:
    """Return the image files below a folder by their relative paths with '/', sorted by them."""
    return sorted(name for name, _ in files_below(folder) if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES)


def natural_order(name: str) -> list[str | int]:
    """Sort key that counts: 2.jpg comes before 10.jpg."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def decode(data: bytes | Path, name: str) -> np.ndarray:
    """Decode an image file by its content, whatever its name says.

    Returns:
        uint8 (H, W, 3).

    Raises:
        DataError: not an image, or cut off; it names `name`.
    """
    try:
        with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as image:
            return np.asarray(image.convert("RGB"))
    except UNREADABLE as error:
        raise DataError(f"{name}: not readable as an image ({error}); delete it and fetch it again") from None


def decode_files(folder: Path, names: Iterable[str]) -> Iterator[np.ndarray]:
    """Yield the named image files of a folder, uint8 (H, W, 3)."""
    for name in names:
        yield decode(folder / name, str(folder / name))
