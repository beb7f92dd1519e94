"""mini-ImageNet, 100 classes of 600 images, in the forms in which it is passed around."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from selfsparse.data.archives import unreadable
from selfsparse.data.downloads import fetch_dataset, provenance
from selfsparse.data.folders import has_images, images_in
from selfsparse.data.images import Source
from selfsparse.data.listing import files_below
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


def _load(path: Path) -> tuple[np.ndarray, list[np.ndarray]]:
    """The images of one pickle, and the numbers of those of each class, the classes sorted by their names."""
    try:
        with open(path, "rb") as file:
            content = load_arrays(file, str(path))
    except OSError as error:
        raise unreadable(path, error) from None
    images, classes = content.get("image_data"), content.get("class_dict") or {}
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise DataError(f"{path}: expected image_data, bytes (N, H, W, 3), among its keys: {', '.join(content)}")
    try:
        numbers = [np.asarray(classes[name]) for name in sorted(classes)]
        every = np.sort(np.concatenate(numbers))
        fits = every.dtype.kind in "iu" and np.array_equal(every, np.arange(len(images)))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        raise DataError(
            f"{path}: expected class_dict, with a list of image numbers for each class, each of the {len(images):,} images"
            " in one of them; fetch it again"
        )
    return images, numbers


def _label_pickles(paths: list[Path]) -> np.ndarray:
    every = []
    first = 0
    for path in paths:
        # Only the labels stay: the largest of the three holds 0.8 GB of pixels.
        images, classes = _load(path)
        labels = np.zeros(len(images), np.int64)
        for i, numbers in enumerate(classes):
            labels[numbers] = first + i
        del images
        every.append(labels)
        first += len(classes)
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
    labels = {name: read_labels(folder, name) for name in chosen}
    if any(found is None for found in labels.values()):
        raise DataError(f"{folder}: expected a column 'label' in {chosen[0]}")
    # Either the splits share the classes, or each split counts its own from 0.
    every = [(PurePosixPath(name).name.split("-")[0], label) for name in chosen for label in labels[name]]
    if len({label for _, label in every}) == CLASSES:
        every = [("", label) for _, label in every]
    try:
        numbers = {label: number for number, label in enumerate(sorted(set(every)))}
    except TypeError:
        kinds = ", ".join(sorted({type(label).__name__ for _, label in every}))
        raise DataError(f"{folder}: the labels in its parquet files are of several kinds: {kinds}; use one") from None
    return chosen, np.array([numbers[label] for label in every], np.int64)


def _label_files(folder: Path, names: list[str]) -> np.ndarray:
    """Classes from lists `filename,label`, where there are such, and from the names of the folders otherwise."""
    listed: dict[str, str] = {}
    for name in sorted(name for name, _ in files_below(folder) if name.endswith(".csv")):
        listed |= _read_list(folder / name)
    paths = [PurePosixPath(name) for name in names]
    missing = listed.keys() - {path.name for path in paths}
    unlisted = [str(path) for path in paths if path.name not in listed] if listed else []
    if missing or unlisted:
        example = f"{min(missing)} is listed but not there" if missing else f"{unlisted[0]} is not listed"
        raise DataError(f"{folder}: its csv lists do not match its images: {example}")
    words = [listed.get(path.name, path.parent.name) for path in paths]
    return np.unique(words, return_inverse=True)[1]


def _read_list(path: Path) -> dict[str, str]:
    """The labels of a csv list by file names; nothing where it has no column `filename` and is about something else."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.DictReader(file) if "filename" in row]
    except OSError as error:
        raise unreadable(path, error) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not readable as a csv list in UTF-8 ({error}); mend it, or move it away") from None
    unlabelled = next((row["filename"] for row in rows if not row.get("label")), None)
    if unlabelled is not None:
        raise DataError(
            f"{path}: expected columns filename and label, found no label of {unlabelled}; mend it, or move it away"
            " where folders name the classes"
        )
    return {row["filename"]: row["label"] for row in rows}
