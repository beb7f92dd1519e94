"""The packed form of a dataset: one memory-mapped uint8 array N x C x H x W, its labels, and a manifest."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image
from tqdm import tqdm

from selfsparse.config import Dataset
from selfsparse.data.downloads import require_space
from selfsparse.data.images import Source
from selfsparse.errors import DataError, printable, warn
from selfsparse.files import atomic_paths, hash_file, read_json, reading, to_json, write_json

SHOWN = 5  # files left out that stderr names


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
    """Crop and resize a source's images; write `images.npy`, `labels.npy` and `manifest.json` into `folder`.

    Images become square as `crop` says, are resized by PIL (antialiased) to the resolution less twice the border, and
    framed by a black border. No more than a few MB of them are in memory at a time. The manifest comes last: without it
    nothing counts as prepared.

    Files that the source left out are listed in `left_out.json`, by name, and said on stderr.

    Returns:
        The manifest.

    Raises:
        DataError: images that the source refuses; no room on the disk, said before anything is written; or another number
            of images than announced.
    """
    _report(source, folder / "left_out.json")
    if source.refusal:
        raise DataError(source.refusal)
    shape = (source.count, dataset.channels, dataset.resolution, dataset.resolution)
    require_space(folder, math.prod(shape) + 8 * source.count, f"{dataset.dataset}-{dataset.resolution}")
    with atomic_paths(*(folder / name for name in ("images.npy", "labels.npy", "manifest.json"))) as partials:
        images, labels, manifest_path = partials
        _write_images(images, source, dataset, shape)
        with open(labels, "wb") as file:
            np.save(file, source.labels)
        manifest = _manifest(source, dataset, shape, images)
        manifest_path.write_text(to_json(manifest), encoding="utf-8")
    return manifest


def _report(source: Source, path: Path) -> None:
    """Write which files were left out, and say the first few; where there are none, remove an older list."""
    if not source.left_out:
        path.unlink(missing_ok=True)
        return
    left_out = sorted(source.left_out.items())
    write_json(path, [{"file": name, "reason": reason} for name, reason in left_out])
    lines = [f"{len(left_out):,} files were left out; {path} lists them"]
    lines += [f"  {printable(name)}: {reason}" for name, reason in left_out[:SHOWN]]
    warn("\n".join([*lines, *(["  ..."] if len(left_out) > SHOWN else [])]))


def _manifest(source: Source, dataset: Dataset, shape: tuple[int, ...], images: Path) -> dict[str, Any]:
    return {
        "count": source.count,
        "shape": list(shape),
        **source.description,
        "filter": dataset.filter,
        "crop": dataset.crop,
        "border": dataset.border,
        "label_kind": source.label_kind,
        "pillow": PIL.__version__,
        "sha256": hash_file(images),
    }


def _write_images(path: Path, source: Source, dataset: Dataset, shape: tuple[int, ...]) -> None:
    """Write the images as NumPy's format has them, one by one.

    Not through a memory map: the pages written there would count as this process's memory until the system had put all
    of them on the disk.
    """
    framed = np.zeros(shape[1:], np.uint8)
    inner = slice(dataset.border, dataset.resolution - dataset.border)
    name, written = f"{dataset.dataset}-{dataset.resolution}", 0
    options = {"desc": name, "total": source.count, "unit": "image", "mininterval": 1, "disable": source.count < 2000}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for written, pixels in enumerate(tqdm(source.images, **options), 1):
            if written > source.count:
                raise DataError(f"{name}: expected {source.count:,} images, the source holds more")
            framed[:, inner, inner] = prepare(pixels, dataset, source.finish)
            file.write(framed.data)
    if written != source.count:
        raise DataError(f"{name}: expected {source.count:,} images, the source held {written:,}")


def prepare(
    pixels: np.ndarray, dataset: Dataset, finish: Callable[[np.ndarray], np.ndarray] | None = None
) -> np.ndarray:
    """Convert, crop and resize one image, without its border.

    Args:
        pixels: uint8 (H, W) or (H, W, 3).
        dataset: channels, crop, filter, resolution and border.
        finish: applied to the resized image, uint8 (H, W) or (H, W, 3).

    Returns:
        uint8 (C, R, R), where R is the resolution less twice the border.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels)).convert({1: "L", 3: "RGB"}[dataset.channels])
    width, height = image.size
    if width != height and dataset.crop == "centre":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    elif width != height and dataset.crop == "pad":
        side = max(width, height)
        square = Image.new(image.mode, (side, side), "white")
        square.paste(image, ((side - width) // 2, (side - height) // 2))
        image = square
    size = dataset.resolution - 2 * dataset.border
    resized = np.asarray(image.resize((size, size), Image.Resampling[dataset.filter.upper()]))
    if finish is not None:
        resized = finish(resized)
    return resized.reshape(size, size, dataset.channels).transpose(2, 0, 1)


def load_packed(folder: Path) -> PackedDataset:
    """Open a packed dataset; its images stay on disk until they are read.

    Raises:
        DataError: it was not prepared, or not to the end, or its files are damaged.
    """
    stage = f"data@{folder.name}"
    if not (folder / "manifest.json").is_file():
        raise DataError(f"{folder} holds no prepared images; make them with: dvc repro -s {stage}")
    with reading(folder / "manifest.json", stage):
        manifest = read_json(folder / "manifest.json")
        shape = tuple(manifest["shape"])
        if not {"sha256", "label_kind"} <= manifest.keys():
            raise ValueError("it lacks the hash or the kind of labels")
    with reading(folder / "images.npy", stage):
        # Copy-on-write, as torch warns of arrays that it cannot write to; nothing is ever written.
        images = np.load(folder / "images.npy", mmap_mode="c")
        _require(images, np.uint8, shape)
    with reading(folder / "labels.npy", stage):
        labels = np.load(folder / "labels.npy")
        _require(labels, np.int64, shape[:1])
    return PackedDataset(images, labels, manifest)


def _require(array: np.ndarray, dtype: type, shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"it holds {array.dtype} {array.shape}, the manifest says {np.dtype(dtype)} {shape}")


def real_subset(count: int, wanted: int, seed: int) -> np.ndarray:
    """Return the indices of the first `min(wanted, count)` images of a fixed shuffle, in ascending order (U39)."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:wanted])
