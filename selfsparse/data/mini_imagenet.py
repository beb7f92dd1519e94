"""mini-ImageNet, 100 classes of 600 images: three pickles, parquet, or images in a folder for each class or with lists."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from selfsparse.data.downloads import fetch_dataset, provenance
from selfsparse.data.folders import has_images, images_in
from selfsparse.data.images import Source
from selfsparse.data.official import opened
from selfsparse.data.options import Download
from selfsparse.data.parquet import count_rows, parquet_names, read_labels
from selfsparse.data.pickles import load_arrays
from selfsparse.errors import DataError

REPOSITORY = "timm/mini-imagenet"
REVISION = "bd8779f9d33c061ea6e75fdd3bce4e43dd679060"
# Its test images come from ImageNet's validation set: they are none of the 60,000.
PATTERNS = ("*train-*.parquet", "*validation-*.parquet")
CLASSES, PER_CLASS = 100, 600
SPLITS = (("train",), ("validation", "val"), ("test",))


def find(name: str, folder: Path) -> bool:
    """Whether pickles, parquet files or images are there."""
    return _pickles(folder) is not None or has_images(folder)


def download(name: str, folder: Path, options: Download, by_hand: str) -> None:
    """Fetch the training and validation parquet files of a pinned revision: ImageNet's own images at full size."""
    fetch_dataset(REPOSITORY, folder, patterns=PATTERNS, revision=REVISION, by_hand=by_hand)


def read(name: str, folder: Path, options: Download) -> Source:
    """All 60,000 images of all 100 classes, RGB, in the size in which they are stored.

    Raises:
        DataError: other counts than 100 classes of 600 images, or files that cannot be read.
    """
    title, split = "mini-ImageNet", "train, validation and test classes together"
    if pickles := _pickles(folder):
        labels, images = _label_pickles(pickles), _unpickled(pickles)
        source = provenance(folder, [path.name for path in pickles], f"{title}, three pickles, 84 x 84")
        description = {**source, "split": split, "order": "the pickles', train, validation, test"}
    else:
        names, order = parquet_names(folder), "by path"
        if names:
            names, labels = _label_rows(folder, names)
            order = "the rows', file by file"
        found = images_in(folder, names=names)
        if not names:
            labels = _label_files(folder, found.names)
        images, description = found.images(), found.description(title, split=split, order=order)
    counts = Counter(labels.tolist())
    if len(counts) != CLASSES or set(counts.values()) != {PER_CLASS}:
        raise DataError(
            f"{folder}: expected {CLASSES} classes of {PER_CLASS} images, found {len(labels):,} images in"
            f" {len(counts)} classes of {min(counts.values(), default=0)} to {max(counts.values(), default=0)}"
        )
    return Source(len(labels), images, labels, "class", description)


def _pickles(folder: Path) -> list[Path] | None:
    """The three pickles, train, validation and test, where all are there."""
    found = [next((path for word in words for path in sorted(folder.glob(f"*-{word}.pkl"))), None) for words in SPLITS]
    there = [path for path in found if path]
    return there if len(there) == len(SPLITS) else None


def _load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The images of one pickle, uint8 (N, H, W, 3), and their labels (N,), the classes numbered by their sorted names."""
    with opened(path) as file:
        content = load_arrays(file, str(path))
    try:
        images, classes = content["image_data"], content["class_dict"]
        labels = np.full(len(images), -1)
        for number, name in enumerate(sorted(classes)):
            labels[classes[name]] = number
        fits = images.dtype == np.uint8 and images.shape[3:] == (3,) and labels.min() >= 0
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        raise DataError(
            f"{path}: expected image_data, bytes (N, H, W, 3), and class_dict, with a list of image numbers for each class,"
            f" each image in one of them, among its keys: {', '.join(content)}; fetch it again"
        )
    return images, labels


def _label_pickles(paths: list[Path]) -> np.ndarray:
    every: list[np.ndarray] = []
    for path in paths:
        # Only the labels stay: the largest of the three holds 0.8 GB of pixels.
        every.append(_load(path)[1] + (every[-1].max() + 1 if every else 0))
    return np.concatenate(every)


def _unpickled(paths: list[Path]) -> Iterator[np.ndarray]:
    for path in paths:
        # Copies, as a view of the last image would keep all of one pickle in memory while the next is read.
        yield from map(np.copy, _load(path)[0])


def _label_rows(folder: Path, names: list[str]) -> tuple[list[str], np.ndarray]:
    """Choose the parquet files that make 60,000 rows, with the test files or without, and number their classes."""
    without_test = [name for name in names if not PurePosixPath(name).name.startswith("test")]
    chosen = next((c for c in (names, without_test) if count_rows(folder, c) == CLASSES * PER_CLASS), None)
    if chosen is None:
        raise DataError(
            f"{folder}: expected {CLASSES * PER_CLASS:,} rows in its parquet files, with test files or without,"
            f" found {count_rows(folder, names):,}"
        )
    # Either the splits share the classes, or each split counts its own from 0.
    every = [(PurePosixPath(name).name.split("-")[0], label) for name in chosen for label in read_labels(folder / name)]
    try:
        if len({label for _, label in every}) == CLASSES:
            every = [("", label) for _, label in every]
        numbers = {label: number for number, label in enumerate(sorted(set(every)))}
    except TypeError as error:  # lists, or numbers beside text
        raise DataError(
            f"{folder}: labels in its parquet files cannot be told apart ({error}); write numbers"
        ) from None
    return chosen, np.array([numbers[label] for label in every], np.int64)


def _label_files(folder: Path, names: list[str]) -> np.ndarray:
    """Number the classes of images: by the lists `filename,label` (*.csv) where there are some, and by their folders otherwise."""
    listed: dict[str, str] = {}
    for path in sorted(folder.rglob("*.csv")):
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                listed |= {row["filename"]: row["label"] for row in csv.DictReader(file)}
            if not all(listed.values()):
                raise KeyError("label")
        except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
            raise DataError(
                f"{path}: no list with columns filename and label ({error}); mend it, or move it away"
            ) from None
    paths = [PurePosixPath(name) for name in names]
    if listed and (found := listed.keys() ^ {path.name for path in paths}):
        where = "listed but not there" if min(found) in listed else "not listed"
        raise DataError(f"{folder}: its csv lists do not match its images: {min(found)} is {where}; mend or move them")
    return np.unique([listed.get(path.name, path.parent.name) for path in paths], return_inverse=True)[1]
