"""STL-10's unlabelled images: one binary file, or the archive that holds it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from selfsparse.data.downloads import fetch
from selfsparse.data.images import Source
from selfsparse.data.official import Known, not_official, opened
from selfsparse.data.options import Download

URL = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
ARCHIVE = "stl10_binary.tar.gz"
ARCHIVE_SIZE = 2_640_397_119
ARCHIVE_MD5 = "91f7769df0f17e558f3565bffb0c7dfb"
FILE = "stl10_binary/unlabeled_X.bin"
COUNT = 100_000
SIDE = 96
IMAGE_BYTES = 3 * SIDE * SIDE
KNOWN = Known(COUNT * IMAGE_BYTES, "5242ba1fed5e4be9e1e742405eb56ca4")


def find(name: str, folder: Path) -> bool:
    """Whether the file is there, by itself or in the archive."""
    return (folder / FILE).is_file() or (folder / ARCHIVE).is_file()


def download(name: str, folder: Path, options: Download, by_hand: str) -> None:
    """Fetch the archive."""
    fetch([URL], folder / ARCHIVE, size=ARCHIVE_SIZE, md5=ARCHIVE_MD5)


def read(name: str, folder: Path, options: Download) -> Source:
    """The 100,000 unlabelled images, 96 x 96, RGB.

    Raises:
        DataError: file or archive are damaged.
    """
    path, member = (folder / FILE, "") if (folder / FILE).is_file() else (folder / ARCHIVE, FILE)
    with opened(path, member) as file:
        if problem := KNOWN.problem(file):
            raise not_official(path, member, "STL-10", problem)
    description = {"source": "STL-10", "revision": "the official file", "split": "unlabeled", "order": "the file's"}
    return Source.unlabelled(COUNT, _images(path, member), description)


def _images(path: Path, member: str) -> Iterator[np.ndarray]:
    with opened(path, member) as file:
        for _ in range(COUNT):
            data = file.read(IMAGE_BYTES)
            # Colour by colour, each column by column.
            yield np.frombuffer(data, np.uint8).reshape(3, SIDE, SIDE).transpose(2, 1, 0)
