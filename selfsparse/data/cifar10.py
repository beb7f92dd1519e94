"""CIFAR-10 in its Python format: six pickled batches of 10,000 images."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from selfsparse.config import Cifar10
from selfsparse.data.archives import open_tar
from selfsparse.data.downloads import fetch
from selfsparse.data.images import Source
from selfsparse.data.pickles import load_arrays
from selfsparse.errors import DataError

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_SIZE = 170_498_071
ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
FOLDER = "cifar-10-batches-py"
TRAINING = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
}
TEST = {"test_batch": "40351d587109b95175f43aff81a1287e"}
PER_BATCH = 10_000
LARGEST_BATCH, LARGEST_ARCHIVE = 40_000_000, 400_000_000  # bytes; the official ones have 31 and 186 million


def find(folder: Path) -> bool:
    """Whether the archive or all six batches are there."""
    return (folder / ARCHIVE).is_file() or _unpacked(folder) is not None


def download(folder: Path) -> None:
    """Fetch the archive."""
    fetch([URL], folder / ARCHIVE, size=ARCHIVE_SIZE, md5=ARCHIVE_MD5)


def read(folder: Path, options: Cifar10) -> Source:
    """The 50,000 training images and, where `split` is all, the 10,000 test images after them; 32 x 32, RGB.

    Raises:
        DataError: a batch is missing, damaged or not the official one.
    """
    batches = TRAINING | (TEST if options.split == "all" else {})
    images, labels = [], []
    for name, data in _contents(folder, batches):
        found = hashlib.md5(data).hexdigest()
        if found != batches[name]:
            raise DataError(
                f"{folder}: {name} is not CIFAR-10's official file: its md5 is {found}, expected {batches[name]}.\n"
                "Delete it, or the archive that holds it, and fetch it again."
            )
        content = load_arrays(io.BytesIO(data), f"{folder}: {name}")
        images.append(content["data"].reshape(PER_BATCH, 3, 32, 32))
        labels.append(np.array(content["labels"], np.int64))
    split = "train and test" if options.split == "all" else "train"
    description = {
        "source": "CIFAR-10",
        "revision": "the official files",
        "split": split,
        "order": "data_batch_1 to 5, then test_batch",
    }
    every = (image.transpose(1, 2, 0) for batch in images for image in batch)
    return Source(len(batches) * PER_BATCH, every, np.concatenate(labels), "object", description)


def _unpacked(folder: Path) -> Path | None:
    names = [*TRAINING, *TEST]
    return next((p for p in (folder / FOLDER, folder) if all((p / name).is_file() for name in names)), None)


def _contents(folder: Path, batches: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield the batches, in order, from the unpacked folder or out of the archive."""
    unpacked = _unpacked(folder)
    if unpacked is not None:
        for name in batches:
            yield name, (unpacked / name).read_bytes()
        return
    with open_tar(folder / ARCHIVE, LARGEST_ARCHIVE) as archive:
        for name in batches:
            with archive.open(f"{FOLDER}/{name}", LARGEST_BATCH) as file:
                yield name, file.read()
