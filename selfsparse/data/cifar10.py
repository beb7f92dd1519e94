"""CIFAR-10: six batches of 10,000 images, pickled as its Python version has them, or in its binary version."""

import hashlib
import io
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from selfsparse.data.archives import Place
from selfsparse.data.downloads import fetch
from selfsparse.data.images import Source
from selfsparse.data.known import Known, find_known
from selfsparse.data.options import Cifar10
from selfsparse.data.parquet import parquet_names, read_digits, read_images
from selfsparse.data.pickles import load_arrays
from selfsparse.data.registry import DATASETS
from selfsparse.errors import DataError

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_SIZE = 170_498_071
ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
FOLDER = "cifar-10-batches-py"
PER_BATCH = 10_000
FACTS = DATASETS["cifar10"].facts
TRAINING = {name: Known(*own) for name, own in FACTS["python"].items() if name != "test_batch"}
TEST = {"test_batch": Known(*FACTS["python"]["test_batch"])}
# Of a byte of label and 3072 of pixels an image.
BINARY = {name: Known(PER_BATCH * (1 + 3 * 32 * 32), md5) for name, md5 in FACTS["binary"].items()}

Batch = tuple[np.ndarray, np.ndarray]  # pixels (N, 3072) and labels (N,)
Load = Callable[[bytes, str], Batch]


def find(name: str, folder: Path) -> bool:
    """Whether all six batches are there, in the archive or by themselves, or parquet files."""
    return _places(folder) is not None or bool(parquet_names(folder))


def known(name: str) -> dict[str, Known]:
    """Return the batches of the Python version."""
    return TRAINING | TEST


def count(name: str, options: Cifar10) -> int:
    """Return how many images are used."""
    return PER_BATCH * (6 if options.split == "all" else 5)


def download(name: str, folder: Path, options: Cifar10, by_hand: str) -> None:
    """Fetch the archive."""
    fetch([URL], folder / ARCHIVE, size=ARCHIVE_SIZE, md5=ARCHIVE_MD5)


def read(name: str, folder: Path, options: Cifar10) -> Source:
    """The 50,000 training images and, where `split` is all, the 10,000 test images after them; 32 x 32, RGB.

    Raises:
        DataError: a batch is missing, damaged or not the official one.
    """
    wanted = [*TRAINING, *(TEST if options.split == "all" else [])]
    batches = _from_places(wanted, *found) if (found := _places(folder)) else _from_parquet(folder, wanted)
    images = (row.reshape(3, 32, 32).transpose(1, 2, 0) for pixels, _ in batches for row in pixels)
    description = {
        "source": "CIFAR-10",
        "revision": "the official files",
        "split": "train and test" if options.split == "all" else "train",
        "order": "data_batch_1 to 5, then test_batch",
    }
    labels = np.concatenate([own for _, own in batches])
    return Source(len(batches) * PER_BATCH, images, labels, "object", description)


def _places(folder: Path) -> tuple[dict[str, Known], dict[str, Place], Load] | None:
    """What is known of the six batches, where they are, and how they are read.

    They are found by their names, or in the official archive, else wherever their bytes are, or the binary version's.
    """
    python = TRAINING | TEST
    for place in (folder / FOLDER, folder):
        if all((place / name).is_file() for name in python):
            return python, {name: Place(place / name) for name in python}, _load_python
    if (folder / ARCHIVE).is_file():
        return python, {name: Place(folder / ARCHIVE, ("", f"{FOLDER}/{name}")) for name in python}, _load_python
    for version, load in ((python, _load_python), (BINARY, _load_binary)):
        if len(found := find_known(folder, version)) == len(version):
            return version, found, load
    return None


def _from_places(wanted: list[str], version: dict[str, Known], places: dict[str, Place], load: Load) -> list[Batch]:
    batches = []
    for name in wanted:
        data = places[name].read(version[name].size)
        if problem := version[name].problem(io.BytesIO(data)):
            raise DataError(
                f"{places[name]} is not CIFAR-10's official file: {problem}.\n"
                "Move it away, or the archive that holds it, and fetch it again."
            )
        batches.append(load(data, str(places[name])))
    return batches


def _from_parquet(folder: Path, wanted: list[str]) -> list[Batch]:
    """The batches out of parquet files, such as the hub's, which has the official images and labels in another order."""
    names = parquet_names(folder)
    rows = zip(read_images(folder, names), read_digits(folder, names), strict=True)
    official = {own.md5: name for name, own in BINARY.items()}
    found = {}
    while batch := list(islice(rows, PER_BATCH)):
        data = b"".join(bytes([label]) + image.transpose(2, 0, 1).tobytes() for image, label in batch)
        if name := official.get(hashlib.md5(data).hexdigest()):
            found[name] = _load_binary(data, name)
    if lacking := [name for name in wanted if name not in found]:
        raise DataError(
            f"{folder}: the rows of its parquet files, ten thousand by ten thousand, are not CIFAR-10's {', '.join(lacking)}:"
            " other pixels, labels or another order. Move them away, and get the official files"
        )
    return [found[name] for name in wanted]


def _load_python(data: bytes, name: str) -> Batch:
    content = load_arrays(io.BytesIO(data), name)
    return content["data"], np.array(content["labels"], np.int64)


def _load_binary(data: bytes, name: str) -> Batch:
    rows = np.frombuffer(data, np.uint8).reshape(PER_BATCH, 1 + 3 * 32 * 32)
    return rows[:, 1:], rows[:, 0].astype(np.int64)
