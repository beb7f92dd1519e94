"""MNIST and Fashion-MNIST: the same file names, the same format, told apart by their checksums."""

import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from selfsparse.data.archives import Place
from selfsparse.data.downloads import fetch
from selfsparse.data.images import Source
from selfsparse.data.known import Known, find_known
from selfsparse.data.parquet import parquet_names, read_digits, read_images
from selfsparse.errors import DataError

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
SIDE = 28
MAGIC = {IMAGES: 2051, LABELS: 2049}  # what a file begins with, in four bytes; then come the sizes, in four each


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
        contents: size and md5 of each file after gunzip.
    """

    title: str
    folder: str
    mirrors: tuple[str, ...]
    count: int
    label_kind: str
    archives: dict[str, str]
    contents: dict[str, Known]


SETS = {
    "mnist": IdxSet(
        title="MNIST",
        folder="MNIST",
        mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
        count=60_000,
        label_kind="digit",
        archives={IMAGES: "f68b3c2dcbeaaa9fbdd348bbdeb94873", LABELS: "d53e105ee54ea40749a09fcbcd1e9432"},
        contents={
            IMAGES: Known(47_040_016, "6bbc9ace898e44ae57da46a324031adb"),
            LABELS: Known(60_008, "a25bea736e30d166cdddb491f175f624"),
        },
    ),
    "fashion_mnist": IdxSet(
        title="Fashion-MNIST",
        folder="FashionMNIST",
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        count=60_000,
        label_kind="article of clothing",
        archives={IMAGES: "8d4fb7e6c68d591d4c3dfef9ec88bf0d", LABELS: "25c81989df183df01b3e8a0aad5dffbe"},
        contents={
            IMAGES: Known(47_040_016, "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
            LABELS: Known(60_008, "9018921c3c673c538a1fc5bad174d6f9"),
        },
    ),
}


def find(name: str, folder: Path) -> bool:
    """Whether both files of the training set are there, or parquet files of it."""
    return all(_place(name, folder, file) for file in (IMAGES, LABELS)) or bool(_parquet_names(folder))


def download(name: str, folder: Path) -> None:
    """Fetch what is missing of the training set, as gzip archives."""
    known = SETS[name]
    for file in (IMAGES, LABELS):
        if _place(name, folder, file) is None:
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
    known, place = SETS[name], _place(name, folder, file)
    header = np.array([MAGIC[file], *shape], ">u4").tobytes()
    if place is not None:
        with place.open(known.contents[file].size) as opened:
            data = opened.read(known.contents[file].size + 1)
    elif names := _parquet_names(folder):  # the official file is made of them, to be checked as such
        place = Place(folder / names[0])
        grey = (image[:, :, 0].tobytes() for image in read_images(folder, names))
        data = header + (b"".join(grey) if file == IMAGES else bytes(read_digits(folder, names)))
    else:
        raise DataError(f"{folder}: {file} is not there")
    problem = known.contents[file].problem(io.BytesIO(data))
    if not problem:
        return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)
    for other, theirs in SETS.items():
        if not theirs.contents[file].problem(io.BytesIO(data)):
            raise DataError(
                f"{place} is {theirs.title}'s, not {known.title}'s: both sets use the same file names.\n"
                f"Have the two folders been swapped? {theirs.title} belongs into {other}/, {known.title} into {name}/."
            )
    raise DataError(f"{place} is not {known.title}'s official file: {problem}. Move it away, and fetch it again.")
