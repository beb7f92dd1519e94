"""CelebA-HQ: 30,000 square faces, as image files or parquet. No copy has published checksums."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from selfsparse.data.downloads import fetch_dataset, provenance
from selfsparse.data.images import NO_LABELS, Source, decode_files, image_names, natural_order, no_labels
from selfsparse.data.parquet import count_rows, image_column, parquet_names, read_images
from selfsparse.errors import DataError

REPOSITORY = "eurecom-ds/celeba-hq-256"
PATTERNS = ("*train*.parquet",)
COUNT = 30_000
SIZES = (128, 256, 512, 1024)


def find(folder: Path) -> bool:
    """Whether parquet files or images are there."""
    return bool(parquet_names(folder) or image_names(folder))


def download(folder: Path, by_hand: str) -> None:
    """Fetch the parquet files of a copy at 256 x 256."""
    fetch_dataset(REPOSITORY, folder, patterns=PATTERNS, by_hand=by_hand)


def read(folder: Path) -> Source:
    """All 30,000 images, RGB, square, of one size.

    Raises:
        DataError: other counts or sizes, or files that cannot be read.
    """
    if names := parquet_names(folder):
        count, images, form, order = count_rows(folder, names), read_images(folder, names), "parquet", "the rows'"
    else:
        names = sorted(image_names(folder), key=natural_order)
        count, images, form, order = len(names), decode_files(folder, names), "image files", "by number"
    if count != COUNT:
        raise DataError(
            f"{folder}: expected exactly {COUNT:,} images, found {count:,}. Copies under the same name hold part of\n"
            "CelebA-HQ, several sizes of it at once, or CelebA itself (202,599), which is another dataset."
        )
    column = {"column": image_column(folder, names)} if form == "parquet" else {}
    description = {**provenance(folder, names, f"CelebA-HQ, {form}"), "split": "all", "order": order, **column}
    return Source(count, _squares_of_one_size(images, folder), no_labels(count), NO_LABELS, description)


def _squares_of_one_size(images: Iterable[np.ndarray], folder: Path) -> Iterator[np.ndarray]:
    first = None
    for number, image in enumerate(images):
        height, width = image.shape[:2]
        first = first or height
        if height != width or height not in SIZES or height != first:
            raise DataError(
                f"{folder}: expected square images, all of one size out of {', '.join(map(str, SIZES))};"
                f" the {number + 1:,}. is {width} x {height}" + (f", the first {first}" if number else "")
            )
        yield image
