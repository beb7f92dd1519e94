"""Feature extractors by name: Inception-v3 of torch-fidelity, and `lenet`, saved, loaded and called alike."""

import os
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
from selfsparse.files import atomic_path, hash_file, read_json, write_json
from selfsparse.metrics.lenet import FEATURES, LeNet, train_lenet
from selfsparse.paths import project_root


def prepare_extractor(settings: Settings, extractor: Extractor, dataset: PackedDataset, folder: Path) -> dict[str, Any]:
    """Train the `lenet`, or find Inception's weights, and describe the extractor in `folder`/extractor.json.

    Raises:
        SettingsError: `lenet` on stand-in labels, or `lenet_standin` on a dataset with labels of its own.
        DataError: Inception's weights are missing and cannot be downloaded.
    """
    if extractor.extractor == "inception":
        weights = find_inception_weights(settings.inception_weights)
        description = {"extractor": "inception", "features": 2048, "sha256": hash_file(weights)}
    else:
        _check_labels(extractor, dataset)
        network, accuracy = train_lenet(dataset, settings.lenet)
        with atomic_path(folder / "lenet.safetensors") as partial:
            save_file(network.state_dict(), partial)
        description = {
            "extractor": extractor.extractor,
            "features": FEATURES,
            "channels": network.channels,
            "classes": network.classes,
            "labels": dataset.manifest["label_kind"],
            "held_out_accuracy": round(accuracy, 4),
            "sha256": hash_file(folder / "lenet.safetensors"),
        }
    write_json(folder / "extractor.json", description)
    return description


def load_extractor(settings: Settings, folder: Path, device: torch.device) -> nn.Module:
    """Return a module that maps uint8 images (N, C, R, R) to features (N, D).

    Raises:
        DataError: the extractor was not prepared, or its weights are not those it was prepared with.
    """
    if not (folder / "extractor.json").is_file():
        raise DataError(f"{folder} holds no feature extractor; make it with: dvc repro -s extractor@{folder.name}")
    description = read_json(folder / "extractor.json")
    inception = description["extractor"] == "inception"
    weights = find_inception_weights(settings.inception_weights) if inception else folder / "lenet.safetensors"
    if hash_file(weights) != description["sha256"]:
        raise DataError(
            f"{weights} is not the file that {folder / 'extractor.json'} was made with; run: dvc repro -f -s extractor@{folder.name}"
        )
    if inception:
        network: nn.Module = Inception(weights)
    else:
        network = LeNet(description["channels"], description["classes"])
        network.load_state_dict(load_file(weights))
    return network.to(device).eval().requires_grad_(False)


class Inception(nn.Module):
    """torch-fidelity's Inception-v3, the features of the original FID: uint8 images (N, 1 or 3, R, R) -> (N, 2048)."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        self.network = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(weights)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Grey images are repeated to three channels (U45)."""
        return self.network(images.expand(-1, 3, -1, -1))[0]


def find_inception_weights(named: str | None) -> Path:
    """Return the file with Inception's weights: the one that the settings name, or torch-fidelity's download."""
    if named is not None:
        path = project_root() / named
        if not path.is_file():
            raise DataError(f"params.yaml: inception_weights: no file {path}")
        return path
    from torch.hub import get_dir, load_state_dict_from_url
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    path = Path(get_dir()) / "checkpoints" / os.path.basename(URL_INCEPTION_V3)
    if not path.is_file():
        try:
            load_state_dict_from_url(URL_INCEPTION_V3, map_location="cpu", progress=True)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"Inception-v3's weights could not be downloaded ({' '.join(str(error).split())[:200]}).\n"
                f"Fetch {URL_INCEPTION_V3}\nelsewhere (95 MB), and name the file as inception_weights in params.yaml,\n"
                "or measure with the lenet extractor: configurations.<name>.extractor: lenet."
            ) from None
    return path


def register_with_torch_fidelity(settings: Settings, folder: Path) -> str:
    """Register a prepared `lenet` as a feature extractor of torch-fidelity; return the name to call it by there.

    With it, torch_fidelity.calculate_metrics(feature_extractor=<name>, ...) measures under the same features.
    """
    from torch_fidelity import register_feature_extractor
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

    layer = str(FEATURES)

    class FeatureExtractorLeNet(FeatureExtractorBase):
        def __init__(self, name: str, features_list: list[str], **kwargs: Any) -> None:
            super().__init__(name, features_list)
            self.network = load_extractor(settings, folder, torch.device("cpu"))

        @staticmethod
        def get_provided_features_list() -> tuple[str, ...]:
            return (layer,)

        @staticmethod
        def get_default_feature_layer_for_metric(metric: str) -> str:
            return layer

        @staticmethod
        def can_be_compiled() -> bool:
            return True

        @staticmethod
        def get_dummy_input_for_compile() -> Tensor:
            description = read_json(folder / "extractor.json")
            return torch.zeros(1, description["channels"], 32, 32, dtype=torch.uint8)

        def forward(self, images: Tensor) -> tuple[Tensor]:
            return (self.network(images[:, : self.network.channels]),)

    FEATURE_EXTRACTORS_REGISTRY.pop(folder.name, None)  # torch-fidelity refuses a name twice; the newer folder counts
    register_feature_extractor(folder.name, FeatureExtractorLeNet)
    return folder.name


@torch.no_grad()
def iterate_features(
    extractor: nn.Module, batches: Iterable[Tensor], device: torch.device, total: int, what: str
) -> Iterable[Tensor]:
    """Yield the features (N, D) of batches of uint8 images, with a progress bar over `total` images."""
    with tqdm(total=total, desc=what, unit="image", mininterval=1, disable=total < 2000) as bar:
        for images in batches:
            yield extractor(images.to(device))
            bar.update(len(images))


def _check_labels(extractor: Extractor, dataset: PackedDataset) -> None:
    expected = "lenet" if dataset.has_own_labels else "lenet_standin"
    if extractor.extractor != expected:
        key = f"{extractor.dataset}-{extractor.resolution}-{extractor.extractor}"
        raise SettingsError(
            f"params.yaml: extractors.{key}: the labels of {extractor.dataset} are '{dataset.manifest['label_kind']}';"
            f" its classifier is named {expected}"
        )
