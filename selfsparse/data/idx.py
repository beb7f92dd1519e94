"""MNIST, Fashion-MNIST and others of their format: the same file names, told apart by their checksums."""

import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from selfsparse.data.archives import Place
from selfsparse.data.downloads import fetch
from selfsparse.data.images import Source
from selfsparse.data.known import Known, find_known
from selfsparse.data.options import Download
from selfsparse.data.parquet import parquet_names, read_digits, read_images
from selfsparse.data.registry import DATASETS, Declared
from selfsparse.errors import DataError

IMAGES, LABELS = FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
SIDE = 28
MAGIC = {IMAGES: 2051, LABELS: 2049}  # what a file begins with, in four bytes; then come the sizes, in four each


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
    """Whether both files of the training set are there, or parquet files of it."""
    return all(_place(name, folder, file) for file in FILES) or bool(_parquet_names(folder))


def known(name: str) -> dict[str, Known]:
    """Return the two files."""
    return SETS[name].contents


def download(name: str, folder: Path, options: Download, by_hand: str) -> None:
    """Fetch what is missing of the training set, as gzip archives."""
    own = SETS[name]
    for file in FILES:
        if _place(name, folder, file) is None:
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


def _place(name: str, folder: Path, file: str) -> Place | None:
    """Where a file is: by its name in torchvision's layout or by itself, gzipped or not, else wherever its bytes are."""
    for place in (folder / SETS[name].folder / "raw", folder):
        if (place / (file + ".gz")).is_file():
            return Place(place / (file + ".gz"), ("",))
        if (place / file).is_file():
            return Place(place / file)
    return find_known(folder, SETS[name].contents).get(file)


def _parquet_names(folder: Path) -> list[str]:
    return [name for name in parquet_names(folder) if PurePosixPath(name).name.startswith("train")]


def _read_checked(name: str, folder: Path, file: str, shape: tuple[int, ...]) -> np.ndarray:
    own, place = SETS[name], _place(name, folder, file)
    header = np.array([MAGIC[file], *shape], ">u4").tobytes()
    if place is not None:
        data = place.read(own.contents[file].size)
    elif names := _parquet_names(folder):  # the official file is made of them, to be checked as such
        place = Place(folder / names[0])
        grey = (image[:, :, 0].tobytes() for image in read_images(folder, names))
        data = header + (b"".join(grey) if file == IMAGES else bytes(read_digits(folder, names)))
    else:
        raise DataError(f"{folder}: {file} is not there")
    problem = own.contents[file].problem(io.BytesIO(data))
    if not problem:
        return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)
    for other, theirs in SETS.items():
        if not theirs.contents[file].problem(io.BytesIO(data)):
            raise DataError(
                f"{place} is {theirs.title}'s, not {own.title}'s: both sets use the same file names.\n"
                f"Have the two folders been swapped? {theirs.title} belongs into {other}/, {own.title} into {name}/."
            )
    raise DataError(f"{place} is not {own.title}'s official file: {problem}. Move it away, and fetch it again.")
