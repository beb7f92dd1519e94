"""CelebA-HQ: 30,000 square faces, as image files or parquet. No copy has published checksums."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from selfsparse.data.downloads import fetch_dataset
from selfsparse.data.folders import has_images, images_in
from selfsparse.data.images import Source, natural_order
from selfsparse.data.options import Download
from selfsparse.errors import DataError

REPOSITORY = "eurecom-ds/celeba-hq-256"
PATTERNS = ("*train*.parquet",)
COUNT = 30_000
SIZES = (128, 256, 512, 1024)


def find(name: str, folder: Path) -> bool:
    """Whether parquet files or images are there."""
    return has_images(folder)


def download(name: str, folder: Path, options: Download, by_hand: str) -> None:
    """Fetch the parquet files of a copy at 256 x 256."""
    fetch_dataset(REPOSITORY, folder, patterns=PATTERNS, by_hand=by_hand)


def read(name: str, folder: Path, options: Download) -> Source:
    """All 30,000 images, RGB, square, of one size.

    Raises:
        DataError: other counts or sizes, or files that cannot be read.
    """
    found = images_in(folder, natural_order)
    if found.count != COUNT:
        raise DataError(
            f"{folder}: expected exactly {COUNT:,} images, found {found.count:,}. Copies under the same name hold part of\n"
            "CelebA-HQ, several sizes of it at once, or CelebA itself (202,599), which is another dataset."
        )
    description = found.description("CelebA-HQ", split="all", order="the rows'" if found.column else "by number")
    return Source.unlabelled(COUNT, _squares_of_one_size(found.images(), folder), description)


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
