"""How configurations, models and datasets are called in tables and figures."""

from selfsparse.config import Configuration, variation, variation_label
from selfsparse.data import registry

MODELS = {
    "wgan_gp": "WGAN-GP",
    "self_sparse": "Self-Sparse GAN",
    "without_psm": "without PSM",
    "without_csm": "without CSM",
    "sagan": "SAGAN",
}
DATASETS = {name: declared.title for name, declared in registry.DATASETS.items()}

PANEL_WIDTH = 32  # letters of a title that fit over one of three panels


def group_key(configuration: Configuration) -> tuple[str, int, str]:
    """Return what configurations that are compared with each other share: dataset, resolution, variation."""
    return configuration.dataset.dataset, configuration.dataset.resolution, variation(configuration)


def dataset_label(dataset: str, resolution: int) -> str:
    """Return for example `Digits 16 × 16`."""
    return f"{DATASETS.get(dataset, dataset.replace('_', ' '))} {resolution} × {resolution}"


def group_label(key: tuple[str, int, str]) -> str:
    """Return for example `Digits 16 × 16, betas 0, 0.9`."""
    dataset, resolution, rest = key
    return dataset_label(dataset, resolution) + (f", {variation_label(rest)}" if rest else "")


def panel_title(key: tuple[str, int, str]) -> str:
    """Return a group's label for the head of a panel: on two lines where one is too narrow."""
    label = group_label(key)
    return (
        label
        if len(label) <= PANEL_WIDTH
        else "\n".join(part for part in (dataset_label(*key[:2]), variation_label(key[2])) if part)
    )


def model_label(model: str) -> str:
    """Return the model as tables and legends call it."""
    return MODELS.get(model, model.replace("_", " "))
