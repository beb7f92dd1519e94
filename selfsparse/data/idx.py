"""MNIST, Fashion-MNIST and others of their format: the same file names, told apart by their checksums."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from selfsparse.data.downloads import fetch
from selfsparse.data.images import Source
from selfsparse.data.official import Known, opened, read_official
from selfsparse.data.options import Download
from selfsparse.data.registry import DATASETS, Declared
from selfsparse.errors import DataError

IMAGES, LABELS = FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
SIDE = 28


@dataclass(frozen=True)
class IdxSet:
    """One of the sets, as datasets.toml declares it."""

    title: str
    count: int  # of training images
    folder: str  # in torchvision's layout, above raw/
    mirrors: list[str]  # addresses that the names of the archives are appended to
    label_kind: str  # what its labels mean
    archives: dict[str, str]  # md5 of each gzip archive, torchvision's
    contents: dict[str, Known]  # of each file after gunzip


def _declared(entry: Declared) -> IdxSet:
    facts = dict(entry.facts)
    archives = dict(zip(FILES, facts.pop("archives"), strict=True))
    sizes = (16 + entry.count * SIDE**2, 8 + entry.count)
    contents = {file: Known(*own) for file, *own in zip(FILES, sizes, facts.pop("contents"), strict=True)}
    return IdxSet(title=entry.title, count=entry.count, archives=archives, contents=contents, **facts)


SETS = {name: _declared(entry) for name, entry in DATASETS.items() if entry.reader == "idx"}


def find(name: str, folder: Path) -> bool:
    """Whether both files of the training set are there."""
    return all(_path(name, folder, file) for file in FILES)


def download(name: str, folder: Path, options: Download, by_hand: str) -> None:
    """Fetch what is missing of the training set, as gzip archives."""
    own = SETS[name]
    for file in FILES:
        if _path(name, folder, file) is None:
            archive = file + ".gz"
            urls = [mirror + archive for mirror in own.mirrors]
            fetch(urls, folder / own.folder / "raw" / archive, md5=own.archives[file])


def read(name: str, folder: Path, options: Download) -> Source:
    """The training images, 28 x 28, grey: 60,000 (the paper's "60K", U32).

    Raises:
        DataError: a file is damaged, or belongs to another set.
    """
    own = SETS[name]
    images = _read_checked(name, folder, IMAGES, (own.count, SIDE, SIDE))
    labels = _read_checked(name, folder, LABELS, (own.count,))
    description = {"source": own.title, "revision": "the official files", "split": "train", "order": "the files'"}
    return Source(own.count, images, labels.astype(np.int64), own.label_kind, description)


def _path(name: str, folder: Path, file: str) -> Path | None:
    """Where a file is, in torchvision's layout or by itself, gzipped or not."""
    names = [f"{place}{file}{end}" for place in (f"{SETS[name].folder}/raw/", "") for end in (".gz", "")]
    return next((path for own in names if (path := folder / own).is_file()), None)


def _read_checked(name: str, folder: Path, file: str, shape: tuple[int, ...]) -> np.ndarray:
    own, path = SETS[name], _path(name, folder, file)
    assert path, "asked for where it was found"
    for other, theirs in SETS.items():
        with opened(path) as content:
            if other != name and not theirs.contents[file].problem(content):
                raise DataError(
                    f"{path} is {theirs.title}'s, not {own.title}'s: both sets use the same file names.\n"
                    f"Have the two folders been swapped? {theirs.title} belongs into {other}/, {own.title} into {name}/."
                )
    data = read_official(path, "", own.contents[file], own.title)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)
