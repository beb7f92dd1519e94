"""MNIST and Fashion-MNIST: the same file names, the same format, told apart by their checksums."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from selfsparse.data.downloads import fetch
from selfsparse.data.images import Source
from selfsparse.errors import DataError
from selfsparse.files import hash_file

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
SIDE = 28
LARGEST = 100_000_000  # bytes read of a file; the larger official ones have 47 million


@dataclass(frozen=True)
class IdxSet:
    """One of the two sets.

    Attributes:
        title: its name for readers.
        folder: its folder in torchvision's layout, above raw/.
        mirrors: addresses that the names of the archives are appended to.
        count: training images.
        label_kind: what its labels mean.
        archives: md5 of each gzip archive, torchvision's.
        contents: md5 of each file after gunzip, where somebody published it.
        statistics: mean and standard deviation of all training pixels, 0 to 1, rounded to four digits, and the number of
            images of each class: what stands in for the md5 of the contents where nobody did.
    """

    title: str
    folder: str
    mirrors: tuple[str, ...]
    count: int
    label_kind: str
    archives: dict[str, str]
    contents: dict[str, str]
    statistics: tuple[float, float, int] | None = None


SETS = {
    "mnist": IdxSet(
        title="MNIST",
        folder="MNIST",
        mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
        count=60_000,
        label_kind="digit",
        archives={IMAGES: "f68b3c2dcbeaaa9fbdd348bbdeb94873", LABELS: "d53e105ee54ea40749a09fcbcd1e9432"},
        contents={IMAGES: "6bbc9ace898e44ae57da46a324031adb", LABELS: "a25bea736e30d166cdddb491f175f624"},
    ),
    "fashion_mnist": IdxSet(
        title="Fashion-MNIST",
        folder="FashionMNIST",
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        count=60_000,
        label_kind="article of clothing",
        archives={IMAGES: "8d4fb7e6c68d591d4c3dfef9ec88bf0d", LABELS: "25c81989df183df01b3e8a0aad5dffbe"},
        contents={},
        statistics=(0.2860, 0.3530, 6000),
    ),
}


def find(name: str, folder: Path) -> bool:
    """Whether both files of the training set are there."""
    return all(_path(name, folder, file) for file in (IMAGES, LABELS))


def download(name: str, folder: Path) -> None:
    """Fetch what is missing of the training set, as gzip archives."""
    known = SETS[name]
    for file in (IMAGES, LABELS):
        if _path(name, folder, file) is None:
            archive = file + ".gz"
            urls = [mirror + archive for mirror in known.mirrors]
            fetch(urls, folder / known.folder / "raw" / archive, md5=known.archives[file])


def read(name: str, folder: Path) -> Source:
    """The 60,000 training images, 28 x 28, grey (the paper's "60K", U32).

    Raises:
        DataError: a file is damaged, or belongs to the other set.
    """
    known = SETS[name]
    images = _read_checked(name, folder, IMAGES, (known.count, SIDE, SIDE))
    labels = _read_checked(name, folder, LABELS, (known.count,))
    description = {"source": known.title, "revision": "the official files", "split": "train", "order": "the files'"}
    return Source(known.count, images, labels.astype(np.int64), known.label_kind, description)


def _path(name: str, folder: Path, file: str) -> Path | None:
    places = (folder / SETS[name].folder / "raw", folder)  # torchvision's layout, or the files themselves
    # The archive first: its checksum is published for both sets.
    candidates = (place / (file + ending) for place in places for ending in (".gz", ""))
    return next((path for path in candidates if path.is_file()), None)


def _read_checked(name: str, folder: Path, file: str, shape: tuple[int, ...]) -> np.ndarray:
    path = _path(name, folder, file)
    if path is None:
        raise DataError(f"{folder}: {file} is not there")
    zipped = path.suffix == ".gz"
    known = SETS[name]
    expected = (known.archives if zipped else known.contents).get(file)
    found = hash_file(path, "md5")
    if expected and found != expected:
        raise _wrong(name, path, file, f"its md5 is {found}, expected {expected}")
    try:
        with gzip.open(path) if zipped else open(path, "rb") as opened:
            data = opened.read(LARGEST)
    except (OSError, EOFError, zlib.error) as error:
        raise _wrong(name, path, file, str(error)) from None
    # Two zeros, the code of unsigned bytes, the number of dimensions, and their sizes.
    header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    if not data.startswith(header) or len(data) != len(header) + np.prod(shape):
        raise _wrong(name, path, file, f"it does not hold unsigned bytes {' x '.join(map(str, shape))}")
    array = np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)
    if not expected and not _TESTS[file](array, *known.statistics):
        raise _wrong(name, path, file, "its content is not what is known of it")
    return array


def _is_images(array: np.ndarray, mean: float, deviation: float, per_class: int) -> bool:
    return abs(array.mean() / 255 - mean) < 1e-4 and abs(array.std() / 255 - deviation) < 1e-4


def _is_labels(array: np.ndarray, mean: float, deviation: float, per_class: int) -> bool:
    return np.bincount(array).tolist() == [per_class] * 10


_TESTS: dict[str, Callable[..., bool]] = {IMAGES: _is_images, LABELS: _is_labels}


def _wrong(name: str, path: Path, file: str, problem: str) -> DataError:
    """The error for a file that is not the right one; says so where it is the other set's."""
    for other, known in SETS.items():
        if other != name and _belongs_to(other, path, file):
            title = SETS[name].title
            return DataError(
                f"{path} is {known.title}'s, not {title}'s: both sets use the same file names.\n"
                f"Have the two folders been swapped? {known.title} belongs into {other}/, {title} into {name}/."
            )
    return DataError(f"{path} is not {SETS[name].title}'s official file: {problem}. Delete it and fetch it again.")


def _belongs_to(name: str, path: Path, file: str) -> bool:
    known = SETS[name]
    expected = (known.archives if path.suffix == ".gz" else known.contents).get(file)
    if expected:
        return hash_file(path, "md5") == expected
    header = 16 if file == IMAGES else 8
    return _TESTS[file](np.frombuffer(path.read_bytes()[header:], np.uint8), *known.statistics)
