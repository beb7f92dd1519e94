"""MNIST, Fashion-MNIST and others of their format: the same file names, told apart by their checksums."""

from pathlib import Path

import numpy as np

from selfsparse.data.downloads import fetch
from selfsparse.data.images import Source
from selfsparse.data.official import Known, opened, read_official
from selfsparse.data.options import Download
from selfsparse.data.registry import DATASETS
from selfsparse.errors import DataError

IMAGES, LABELS = FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
SIDE = 28


SETS = {name: entry for name, entry in DATASETS.items() if entry.reader == "idx"}


def find(name: str, folder: Path) -> bool:
    """Whether both files of the training set are there."""
    return all(_path(name, folder, file) for file in FILES)


def download(name: str, folder: Path, options: Download, by_hand: str) -> None:
    """Fetch what is missing of the training set, as gzip archives."""
    facts = SETS[name].facts
    for file in FILES:
        if _path(name, folder, file) is None:
            archive = file + ".gz"
            urls = [mirror + archive for mirror in facts["mirrors"]]
            fetch(urls, folder / facts["folder"] / "raw" / archive, md5=facts["archives"][file])


def read(name: str, folder: Path, options: Download) -> Source:
    """The training images, 28 x 28, grey: 60,000 (the paper's "60K", U32).

    Raises:
        DataError: a file is damaged, or belongs to another set.
    """
    own = SETS[name]
    images = _read_checked(name, folder, IMAGES, (own.count, SIDE, SIDE))
    labels = _read_checked(name, folder, LABELS, (own.count,))
    description = {"source": own.title, "revision": "the official files", "split": "train", "order": "the files'"}
    return Source(own.count, images, labels.astype(np.int64), own.facts["label_kind"], description)


def _path(name: str, folder: Path, file: str) -> Path | None:
    """Where a file is, in torchvision's layout or by itself, gzipped or not."""
    names = [f"{place}{file}{end}" for place in (f"{SETS[name].facts['folder']}/raw/", "") for end in (".gz", "")]
    return next((path for own in names if (path := folder / own).is_file()), None)


def _read_checked(name: str, folder: Path, file: str, shape: tuple[int, ...]) -> np.ndarray:
    own, path = SETS[name], _path(name, folder, file)
    assert path, "asked for where it was found"
    for other, theirs in SETS.items():
        with opened(path) as content:
            if other != name and not Known(*theirs.facts["contents"][file]).problem(content):
                raise DataError(
                    f"{path} is {theirs.title}'s, not {own.title}'s: both sets use the same file names.\n"
                    f"Have the two folders been swapped? {theirs.title} belongs into {other}/, {own.title} into {name}/."
                )
    data = read_official(path, "", Known(*own.facts["contents"][file]), own.title)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)
