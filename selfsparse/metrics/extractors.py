"""Feature extractors by name: Inception-v3 of torch-fidelity, and small classifiers, saved, loaded and called alike."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from selfsparse.config import Extractor, Settings
from selfsparse.data.packed import PackedDataset
from selfsparse.errors import DataError, SettingsError
from selfsparse.files import atomic_path, hash_file, read_json, reading, write_json
from selfsparse.metrics.classifiers import CLASSIFIERS, train_classifier
from selfsparse.metrics.inception import FEATURES as INCEPTION_FEATURES
from selfsparse.metrics.inception import NAME, Inception, find_inception_weights, read_inception_weights


def prepare_extractor(settings: Settings, extractor: Extractor, dataset: PackedDataset, folder: Path) -> dict[str, Any]:
    """Train the classifier, or find Inception's weights, and describe the extractor in `folder`/extractor.json.

    Raises:
        SettingsError: `lenet` or `convnet` on stand-in labels, or `lenet_standin` on a dataset with labels of its own.
        DataError: the classifier has learnt nothing, or too little; Inception's weights are missing and cannot be downloaded, or are not what the settings ask for.
    """
    if extractor.extractor == NAME:
        weights = find_inception_weights(settings.inception_weights)
        _, sha256, name = read_inception_weights(weights, settings.inception_custom)
        description = {"extractor": name, "features": INCEPTION_FEATURES, "sha256": sha256}
    else:
        _check_labels(extractor, dataset)
        try:
            kind = CLASSIFIERS[extractor.extractor]
            network, accuracy = train_classifier(kind, dataset, settings.classifier_training(extractor.extractor))
        except DataError as error:
            raise DataError(f"{folder.name} cannot measure anything: {error}") from None
        weights = _weights(folder, extractor.extractor)
        with atomic_path(weights) as partial:
            save_file(network.state_dict(), partial)
        description = {
            "extractor": extractor.extractor,
            "features": kind.FEATURES,
            "channels": network.channels,
            "classes": network.classes,
            "labels": dataset.manifest["label_kind"],
            "held_out_accuracy": round(accuracy, 4),
            "sha256": hash_file(weights),
        }
    write_json(folder / "extractor.json", description)
    return description


def load_extractor(settings: Settings, folder: Path, device: torch.device) -> nn.Module:
    """Return a module that maps uint8 images (N, C, R, R) to features (N, D).

    Raises:
        DataError: the extractor was not prepared, or its weights are not those it was prepared with.
    """
    stage, path = f"extractor@{folder.name}", folder / "extractor.json"
    if not path.is_file():
        raise DataError(f"{folder} holds no feature extractor; make it with: dvc repro -s {stage}")
    with reading(path, stage):
        description = read_json(path)
        name, expected = description["extractor"], description["sha256"]
        inception = name.startswith(NAME)
        network = None if inception else CLASSIFIERS[name](description["channels"], description["classes"])
    if inception:
        weights = find_inception_weights(settings.inception_weights)
        state, sha256, _ = read_inception_weights(weights, settings.inception_custom)
    else:
        weights = _weights(folder, name)
        with reading(weights, stage):
            sha256 = hash_file(weights)
    if sha256 != expected:
        raise DataError(f"{weights} is not the file that {path} was made with; run: dvc repro -f -s {stage}")
    if inception:
        network = Inception(state, settings.fid.precision)
    else:
        with reading(weights, stage):
            network.load_state_dict(load_file(weights))
    return network.to(device).eval().requires_grad_(False)


@torch.no_grad()
def iterate_features(
    extractor: nn.Module, batches: Iterable[Tensor], device: torch.device, total: int, what: str | None
) -> Iterable[Tensor]:
    """Yield the features (N, D) of batches of uint8 images, with a bar over `total` images, named `what` where there is one."""
    with tqdm(total=total, desc=what, unit="image", mininterval=1, disable=what is None or total < 2000) as bar:
        for images in batches:
            yield extractor(images.to(device))
            bar.update(len(images))


def _weights(folder: Path, extractor: str) -> Path:
    return folder / f"{CLASSIFIERS[extractor].__name__.lower()}.safetensors"


def _check_labels(extractor: Extractor, dataset: PackedDataset) -> None:
    if (extractor.extractor == "lenet_standin") == dataset.has_own_labels:
        key = f"{extractor.dataset}-{extractor.resolution}-{extractor.extractor}"
        raise SettingsError(
            f"params.yaml: extractors.{key}: the labels of {extractor.dataset} are '{dataset.manifest['label_kind']}';"
            f" its classifier is named {'lenet or convnet' if dataset.has_own_labels else 'lenet_standin'}"
        )
