"""STL-10's unlabelled images: one binary file, or the archive that holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from selfsparse.data.archives import open_tar
from selfsparse.data.downloads import fetch
from selfsparse.data.images import NO_LABELS, Source, no_labels
from selfsparse.errors import DataError
from selfsparse.files import hash_file

URL = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
ARCHIVE = "stl10_binary.tar.gz"
ARCHIVE_SIZE = 2_640_397_119
ARCHIVE_MD5 = "91f7769df0f17e558f3565bffb0c7dfb"
FILE = "stl10_binary/unlabeled_X.bin"
FILE_MD5 = "5242ba1fed5e4be9e1e742405eb56ca4"
COUNT = 100_000
SIDE = 96
IMAGE_BYTES = 3 * SIDE * SIDE
LARGEST_ARCHIVE = 10**10  # bytes; the official one has a third of that


def find(folder: Path) -> bool:
    """Whether the file or the archive is there."""
    return _path(folder) is not None


def download(folder: Path) -> None:
    """Fetch the archive."""
    fetch([URL], folder / ARCHIVE, size=ARCHIVE_SIZE, md5=ARCHIVE_MD5)


def read(folder: Path) -> Source:
    """The 100,000 unlabelled images, 96 x 96, RGB.

    Raises:
        DataError: file or archive are damaged.
    """
    path = _path(folder)
    expected = ARCHIVE_MD5 if path.name == ARCHIVE else FILE_MD5
    found = hash_file(path, "md5")
    if found != expected:
        raise DataError(
            f"{path} is not STL-10's official file: its md5 is {found}, expected {expected}.\n"
            "Delete it and fetch it again."
        )
    description = {"source": "STL-10", "revision": "the official file", "split": "unlabeled", "order": "the file's"}
    return Source(COUNT, _images(path), no_labels(COUNT), NO_LABELS, description)


def _path(folder: Path) -> Path | None:
    candidates = (folder / FILE, folder / Path(FILE).name, folder / ARCHIVE)
    return next((path for path in candidates if path.is_file()), None)


def _images(path: Path) -> Iterator[np.ndarray]:
    with _opened(path) as file:
        for _ in range(COUNT):
            data = file.read(IMAGE_BYTES)
            # Colour by colour, each column by column.
            yield np.frombuffer(data, np.uint8).reshape(3, SIDE, SIDE).transpose(2, 1, 0)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if path.name != ARCHIVE:
        with open(path, "rb") as file:
            yield file
        return
    with open_tar(path, LARGEST_ARCHIVE) as archive, archive.open(FILE, COUNT * IMAGE_BYTES) as file:
        yield file
