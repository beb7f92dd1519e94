"""CIFAR-10: six batches of 10,000 images, pickled as its Python version has them."""

import io
from pathlib import Path

import numpy as np

from selfsparse.data.downloads import fetch
from selfsparse.data.images import Source
from selfsparse.data.official import Known, read_official
from selfsparse.data.options import Cifar10
from selfsparse.data.pickles import load_arrays
from selfsparse.data.registry import DATASETS

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_SIZE = 170_498_071
ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
FOLDER = "cifar-10-batches-py"
PER_BATCH = 10_000
BATCHES = {name: Known(*own) for name, own in DATASETS["cifar10"].facts["python"].items()}  # the test batch comes last


def find(name: str, folder: Path) -> bool:
    """Whether the archive is there, or all six batches."""
    return (folder / ARCHIVE).is_file() or _unpacked(folder)


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
    unpacked, batches = _unpacked(folder), []
    for batch in list(BATCHES)[: 6 if options.split == "all" else 5]:
        path, member = (folder / FOLDER / batch, "") if unpacked else (folder / ARCHIVE, f"{FOLDER}/{batch}")
        batches.append(load_arrays(io.BytesIO(read_official(path, member, BATCHES[batch], "CIFAR-10")), str(path)))
    images = (row.reshape(3, 32, 32).transpose(1, 2, 0) for batch in batches for row in batch["data"])
    description = {
        "source": "CIFAR-10",
        "revision": "the official files",
        "split": "train and test" if options.split == "all" else "train",
        "order": "data_batch_1 to 5, then test_batch",
    }
    labels = np.concatenate([np.array(batch["labels"], np.int64) for batch in batches])
    return Source(len(batches) * PER_BATCH, images, labels, "object", description)


def _unpacked(folder: Path) -> bool:
    return all((folder / FOLDER / name).is_file() for name in BATCHES)
