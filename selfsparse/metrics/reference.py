"""Statistics of the real images under a feature extractor: what every FID of a dataset is measured against."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from selfsparse.data.packed import PackedDataset, real_subset
from selfsparse.errors import DataError
from selfsparse.files import atomic_path, hash_file, read_json, write_json
from selfsparse.metrics.extractors import iterate_features
from selfsparse.metrics.frechet import Gaussian, RunningGaussian, symmetric_root


@dataclass(frozen=True)
class Reference:
    """One set of real images under one feature extractor.

    Attributes:
        wanted: sample count that this reference belongs to, e.g. 5,000 or 50,000.
        gaussian: mean, covariance, and the number of real images, min(wanted, all).
        root: the covariance's symmetric square root.
        features: float32 (count, D) for the kernel distance; None for the larger set.
    """

    wanted: int
    gaussian: Gaussian
    root: np.ndarray
    features: np.ndarray | None


def make_references(
    dataset: PackedDataset,
    extractor: nn.Module,
    samples: tuple[int, int],
    seed: int,
    batch_size: int,
    device: torch.device,
    folder: Path,
) -> dict[str, Any]:
    """Write the references of both sample counts, and reference.json, which names all that shaped them."""
    images = torch.from_numpy(dataset.images)
    counts = {}
    for size, wanted in zip(("small", "large"), samples, strict=True):
        chosen = torch.from_numpy(real_subset(len(images), wanted, seed))
        running, kept = RunningGaussian(), []
        batches = (images[part] for part in chosen.split(batch_size))
        for features in iterate_features(extractor, batches, device, len(chosen), f"real {len(chosen)}"):
            running.add(features)
            if size == "small":
                kept.append(features.cpu())
        gaussian = running.result()
        arrays = {"mean": gaussian.mean, "covariance": gaussian.covariance, "root": symmetric_root(gaussian.covariance)}
        if kept:
            arrays["features"] = torch.cat(kept).numpy()
        with atomic_path(folder / f"{size}.npz") as partial, open(partial, "wb") as file:
            np.savez(file, **arrays)
        counts[size] = {"wanted": wanted, "real_images": gaussian.count}
    description = {
        **counts,
        "subset_seed": seed,
        "images_sha256": dataset.manifest["sha256"],
        "sha256": hash_file(folder / "small.npz"),
    }
    write_json(folder / "reference.json", description)
    return description


def load_reference(folder: Path, size: str) -> Reference:
    """Load the `small` or the `large` reference of a folder.

    Raises:
        DataError: it was not made.
    """
    if not (folder / "reference.json").is_file():
        raise DataError(
            f"{folder} holds no statistics of real images; make them with: dvc repro -s reference@{folder.name}"
        )
    description = read_json(folder / "reference.json")[size]
    with np.load(folder / f"{size}.npz") as arrays:
        gaussian = Gaussian(arrays["mean"], arrays["covariance"], description["real_images"])
        return Reference(description["wanted"], gaussian, arrays["root"], arrays.get("features"))
