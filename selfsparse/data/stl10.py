"""STL-10's unlabelled images: one binary file, or the archive that holds it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from selfsparse.data.archives import Place
from selfsparse.data.downloads import fetch
from selfsparse.data.images import Source
from selfsparse.data.known import Known, find_known
from selfsparse.data.options import Download
from selfsparse.errors import DataError

URL = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
ARCHIVE = "stl10_binary.tar.gz"
ARCHIVE_SIZE = 2_640_397_119
ARCHIVE_MD5 = "91f7769df0f17e558f3565bffb0c7dfb"
FILE = "stl10_binary/unlabeled_X.bin"
COUNT = 100_000
SIDE = 96
IMAGE_BYTES = 3 * SIDE * SIDE
KNOWN = {FILE: Known(COUNT * IMAGE_BYTES, "5242ba1fed5e4be9e1e742405eb56ca4")}


def find(name: str, folder: Path) -> bool:
    """Whether the file is there, by itself or in an archive."""
    return _place(folder) is not None


def known(name: str) -> dict[str, Known]:
    """Return the file."""
    return KNOWN


def download(name: str, folder: Path, options: Download, by_hand: str) -> None:
    """Fetch the archive."""
    fetch([URL], folder / ARCHIVE, size=ARCHIVE_SIZE, md5=ARCHIVE_MD5)


def read(name: str, folder: Path, options: Download) -> Source:
    """The 100,000 unlabelled images, 96 x 96, RGB.

    Raises:
        DataError: file or archive are damaged.
    """
    place = _place(folder)
    assert place, "asked for where it was found"
    with place.open(KNOWN[FILE].size) as file:
        if problem := KNOWN[FILE].problem(file):
            raise DataError(f"{place} is not STL-10's official file: {problem}.\nMove it away, and fetch it again.")
    description = {"source": "STL-10", "revision": "the official file", "split": "unlabeled", "order": "the file's"}
    return Source.unlabelled(COUNT, _images(place), description)


def _place(folder: Path) -> Place | None:
    """Where the file is: by its name, in the official archive, else wherever its bytes are."""
    for path in (folder / FILE, folder / Path(FILE).name):
        if path.is_file():
            return Place(path)
    if (folder / ARCHIVE).is_file():
        return Place(folder / ARCHIVE, ("", FILE))
    return find_known(folder, KNOWN).get(FILE)


def _images(place: Place) -> Iterator[np.ndarray]:
    with place.open(KNOWN[FILE].size) as file:
        for _ in range(COUNT):
            data = file.read(IMAGE_BYTES)
            # Colour by colour, each column by column.
            yield np.frombuffer(data, np.uint8).reshape(3, SIDE, SIDE).transpose(2, 1, 0)
