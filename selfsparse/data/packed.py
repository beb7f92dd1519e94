"""The packed form of a dataset: one memory-mapped uint8 array N x C x H x W, its labels, and a manifest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image

from selfsparse.config import Dataset
from selfsparse.data.sources import Source
from selfsparse.errors import DataError
from selfsparse.files import atomic_path, hash_file, read_json, write_json


@dataclass(frozen=True)
class PackedDataset:
    """Prepared images.

    Attributes:
        images: uint8 (N, C, H, W), memory-mapped.
        labels: int64 (N,).
        manifest: count, shape, source, sha256 and how the images were prepared.
    """

    images: np.ndarray
    labels: np.ndarray
    manifest: dict[str, Any]

    @property
    def has_own_labels(self) -> bool:
        """Whether the labels are the dataset's own, not stand-ins."""
        return not self.manifest["label_kind"].startswith("stand-in")


def pack(source: Source, dataset: Dataset, folder: Path) -> dict[str, Any]:
    """Resize a source's images and write `images.npy`, `labels.npy` and `manifest.json` into `folder`.

    Images are resized by PIL (antialiased) to the resolution less twice the border, and framed by a black border.
    Only one image is in memory at a time. The manifest comes last: without it nothing counts as prepared.

    Returns:
        The manifest.
    """
    side, inner = dataset.resolution, dataset.resolution - 2 * dataset.border
    shape = (source.count, dataset.channels, side, side)
    resample = Image.Resampling[dataset.filter.upper()]
    mode = {1: "L", 3: "RGB"}[dataset.channels]
    (folder / "manifest.json").unlink(missing_ok=True)  # an old one would vouch for the new images
    with atomic_path(folder / "images.npy") as partial:
        packed = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
        written = 0
        for i, pixels in enumerate(source.images):
            image = Image.fromarray(pixels).convert(mode).resize((inner, inner), resample)
            channels_first = np.asarray(image).reshape(inner, inner, dataset.channels).transpose(2, 0, 1)
            packed[i, :, dataset.border : side - dataset.border, dataset.border : side - dataset.border] = (
                channels_first
            )
            written += 1
        packed.flush()
        del packed
        if written != source.count:
            raise DataError(f"{dataset.dataset}: expected {source.count} images, the source held {written}")
    with atomic_path(folder / "labels.npy") as partial, open(partial, "wb") as file:
        np.save(file, source.labels)
    manifest = {
        "count": source.count,
        "shape": list(shape),
        **source.description,
        "filter": dataset.filter,
        "border": dataset.border,
        "label_kind": source.label_kind,
        "pillow": PIL.__version__,
        "sha256": hash_file(folder / "images.npy"),
    }
    write_json(folder / "manifest.json", manifest)
    return manifest


def load_packed(folder: Path) -> PackedDataset:
    """Open a packed dataset; its images stay on disk until they are read.

    Raises:
        DataError: it was not prepared, or not to the end.
    """
    if not (folder / "manifest.json").is_file():
        raise DataError(f"{folder} holds no prepared images; make them with: dvc repro -s data@{folder.name}")
    # Copy-on-write, as torch warns of arrays that it cannot write to; nothing is ever written.
    images = np.load(folder / "images.npy", mmap_mode="c")
    return PackedDataset(images, np.load(folder / "labels.npy"), read_json(folder / "manifest.json"))


def real_subset(count: int, wanted: int, seed: int) -> np.ndarray:
    """Return the indices of the first `min(wanted, count)` images of a fixed shuffle, in ascending order (U39)."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:wanted])
