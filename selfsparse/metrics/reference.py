"""Statistics of the real images under a feature extractor: what every FID of a dataset is measured against."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from selfsparse.config import RealImages
from selfsparse.data.packed import PackedDataset, real_subset
from selfsparse.device import one_thread
from selfsparse.errors import DataError
from selfsparse.files import atomic_path, hash_file, read_json, reading, write_json
from selfsparse.metrics.extractors import iterate_features
from selfsparse.metrics.frechet import Gaussian, RunningGaussian, lower_factor


@dataclass(frozen=True)
class Reference:
    """One set of real images under one feature extractor.

    Attributes:
        wanted: sample count that this reference belongs to, e.g. 5,000 or 50,000.
        gaussian: mean, covariance, and the number of real images: min(wanted, all), or all (U39).
        factor: the covariance's lower_factor.
        features: float32 (min(wanted, all), D) for the kernel distance; None for the larger set.
    """

    wanted: int
    gaussian: Gaussian
    factor: np.ndarray
    features: np.ndarray | None


@one_thread()
def make_references(
    dataset: PackedDataset,
    extractor: nn.Module,
    samples: tuple[int, int],
    which: RealImages,
    batch_size: int,
    device: torch.device,
    folder: Path,
) -> dict[str, Any]:
    """Write the references of both sample counts, and reference.json, which names all that shaped them.

    Args:
        samples: numbers of generated images, small and large, that the references will stand against.
        which: whether as many real images (a fixed random subset) or all (U39).
    """
    images = torch.from_numpy(dataset.images)
    counts = {}
    gaussian = None
    for size, wanted in zip(("small", "large"), samples, strict=True):
        matched = torch.from_numpy(real_subset(len(images), wanted, which.seed))
        kept = []
        if which.count == "matched" or gaussian is None:  # against all images both sizes share one Gaussian
            parts = (matched if which.count == "matched" else torch.arange(len(images))).split(batch_size)
            running, total = RunningGaussian(), sum(map(len, parts))
            batches = (images[part] for part in parts)
            features_of = iterate_features(extractor, batches, device, total, f"real {total}")
            for part, features in zip(parts, features_of, strict=True):
                running.add(features)
                if size == "small":  # the kernel distance is always between sets of one size
                    kept.append(features.cpu()[torch.isin(part, matched)])
            gaussian = running.result()
            factor = lower_factor(gaussian.covariance)
        arrays = {"mean": gaussian.mean, "covariance": gaussian.covariance, "factor": factor}
        if kept:
            arrays["features"] = torch.cat(kept).numpy()
        with atomic_path(folder / f"{size}.npz") as partial, open(partial, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        counts[size] = {"wanted": wanted, "real_images": gaussian.count}
    description = {
        **counts,
        **which.model_dump(),
        "images_sha256": dataset.manifest["sha256"],
        "sha256": hash_file(folder / "small.npz"),
    }
    write_json(folder / "reference.json", description)
    return description


def load_reference(folder: Path, size: str) -> Reference:
    """Load the `small` or the `large` reference of a folder.

    Raises:
        DataError: it was not made, or its files are damaged.
    """
    if not (folder / "reference.json").is_file():
        raise DataError(
            f"{folder} holds no statistics of real images; make them with: dvc repro -s reference@{folder.name}"
        )
    stage = f"reference@{folder.name}"
    with reading(folder / "reference.json", stage):
        description = read_json(folder / "reference.json")[size]
        real_images, wanted = description["real_images"], description["wanted"]
    with reading(folder / f"{size}.npz", stage), np.load(folder / f"{size}.npz") as arrays:
        gaussian = Gaussian(arrays["mean"], arrays["covariance"], real_images)
        return Reference(wanted, gaussian, arrays["factor"], arrays.get("features"))
