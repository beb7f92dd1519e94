"""Where images come from: each source yields its images one by one, with labels and a description."""

import gzip
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from selfsparse.config import Dataset, Settings
from selfsparse.errors import DataError
from selfsparse.files import hash_file
from selfsparse.paths import project_root


@dataclass(frozen=True)
class Source:
    """Images of one dataset before they are resized.

    Attributes:
        count: number of images.
        images: uint8 arrays (H, W) or (H, W, 3), square, in a fixed order.
        labels: int64 (count,).
        label_kind: what the labels mean; begins with "stand-in" where the dataset has none of its own.
        description: where the images come from, for the manifest.
    """

    count: int
    images: Iterable[np.ndarray]
    labels: np.ndarray
    label_kind: str
    description: dict[str, Any]


def raw_folder(settings: Settings, dataset: str) -> Path:
    """Return where the user's own files of a dataset lie: SELFSPARSE_RAW_DATA or `raw_data`, then the dataset's name."""
    return project_root() / os.environ.get("SELFSPARSE_RAW_DATA", settings.raw_data) / dataset


def open_source(settings: Settings, dataset: Dataset) -> Source:
    """Return the source of a dataset.

    Raises:
        DataError: files are missing, damaged, or could not be downloaded; it says what to put where.
    """
    return _SOURCES[dataset.dataset](settings, dataset)


def raw_files_present(settings: Settings, dataset: Dataset) -> None:
    """Raise DataError, with the remedy, where a dataset's files are neither at hand nor allowed to be downloaded."""
    if dataset.dataset == "mnist" and not dataset.download:
        for name in MNIST_FILES:
            _checked_mnist(raw_folder(settings, "mnist"), name)


def _digits(settings: Settings, dataset: Dataset) -> Source:
    """The 1,797 handwritten digits of UCI's optdigits test set, 8 x 8 with 17 grey levels, inside scikit-learn."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    description = {"source": "scikit-learn, sklearn.datasets.load_digits", "split": "all"}
    return Source(len(images), images, digits.target.astype(np.int64), "digit", description)


def _photos(settings: Settings, dataset: Dataset) -> Source:
    """Random crops of scikit-learn's two sample photographs (china.jpg, flower.jpg, CC BY 2.0), RGB.

    It exercises colour. Two photographs are no distribution to judge a generator by.
    """
    from sklearn.datasets import load_sample_images

    cut, rng = settings.photos, np.random.default_rng(settings.photos.seed)
    photos = []
    for pixels in load_sample_images().images:
        image = Image.fromarray(pixels)
        photos.append(np.asarray(image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)))
    crops, labels = [], []
    while len(crops) < cut.crops:
        which = int(rng.integers(len(photos)))
        photo = photos[which]
        top, left = (int(rng.integers(n - cut.crop_size + 1)) for n in photo.shape[:2])
        crop = photo[top : top + cut.crop_size, left : left + cut.crop_size]
        if np.asarray(Image.fromarray(crop).convert("L")).std() < cut.min_contrast:
            continue
        centre = top + cut.crop_size // 2, left + cut.crop_size // 2
        quadrant = 2 * (centre[0] >= photo.shape[0] // 2) + (centre[1] >= photo.shape[1] // 2)
        crops.append(crop)
        labels.append(4 * which + quadrant)
    description = {
        "source": "scikit-learn, sklearn.datasets.load_sample_images (CC BY 2.0)",
        "split": "all",
        **cut.model_dump(),
    }
    return Source(len(crops), crops, np.array(labels, np.int64), "stand-in: photograph and quadrant", description)


# file: (md5 of the gzip archive, md5 of the file itself). The first are torchvision's, the second their content's.
MNIST_FILES = {
    "train-images-idx3-ubyte": ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": ("d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
}


def _mnist(settings: Settings, dataset: Dataset) -> Source:
    """The 60,000 training images of MNIST, 28 x 28 (the paper's "60K", U32)."""
    folder = raw_folder(settings, "mnist")
    if dataset.download and any(_find_mnist(folder, name) is None for name in MNIST_FILES):
        _download_mnist(folder)
    images = _read_idx(_checked_mnist(folder, "train-images-idx3-ubyte"), 16).reshape(-1, 28, 28)
    labels = _read_idx(_checked_mnist(folder, "train-labels-idx1-ubyte"), 8)
    return Source(len(images), images, labels.astype(np.int64), "digit", {"source": "MNIST", "split": "train"})


def _find_mnist(folder: Path, name: str) -> Path | None:
    places = (folder / "MNIST" / "raw", folder)  # torchvision's layout, or the files themselves
    candidates = (place / (name + ending) for place in places for ending in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _checked_mnist(folder: Path, name: str) -> Path:
    path = _find_mnist(folder, name)
    if path is None:
        raise DataError(
            f"{name} not found. Put MNIST's files, gzipped or not, into {folder}, or into MNIST/raw/ in it,\n"
            "or set SELFSPARSE_RAW_DATA to a folder that holds them as mnist/MNIST/raw/,\n"
            "or set datasets.<name>.download to true in params.yaml."
        )
    expected = MNIST_FILES[name][0 if path.suffix == ".gz" else 1]
    found = hash_file(path, "md5")
    if found != expected:
        raise DataError(
            f"{path} is not MNIST's official file: its md5 is {found}, expected {expected}. Delete it and fetch it again."
        )
    return path


def _read_idx(path: Path, header: int) -> np.ndarray:
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def _download_mnist(folder: Path) -> None:
    from torchvision.datasets import MNIST

    try:
        MNIST(str(folder), download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"MNIST could not be downloaded ({' '.join(str(error).split())[:200]}).\n"
            f"Put its four files, gzipped or not, into {folder / 'MNIST' / 'raw'},\n"
            "or set SELFSPARSE_RAW_DATA to a folder that holds them as mnist/MNIST/raw/."
        ) from None


_SOURCES: dict[str, Callable[[Settings, Dataset], Source]] = {"digits": _digits, "photos": _photos, "mnist": _mnist}
