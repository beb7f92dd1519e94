"""What a reader has to be told of the images behind a number, where they are not the paper's."""

from collections.abc import Iterable, Mapping
from typing import Any

from selfsparse.config import Configuration

LSUN_BEDROOM_IMAGES = 3_033_042  # as the paper counts them, and the lmdb holds them


def image_note(dataset: str, source: Mapping[str, Any]) -> str:
    """Return one sentence on how a dataset differs from the paper's, or "" where it does not.

    Args:
        dataset: the dataset's name.
        source: its settings, as in `sources.<dataset>` of params.yaml.
    """
    if dataset == "lsun_bedroom" and source["images"] not in ("all", LSUN_BEDROOM_IMAGES):
        return f"LSUN bedrooms: a subset of {source['images']:,} of {LSUN_BEDROOM_IMAGES:,} images."
    if dataset == "cifar10" and source["split"] == "train":
        return "CIFAR-10: the 50,000 training images only; the paper has 60,000."
    if dataset == "sketch":
        return "Sketch: drawings of one's own, as the paper's are private."
    if dataset == "sketch_substitute":
        return "sketch_substitute: edges of photographs of buildings, not the paper's Sketch."
    return ""


def source_of(configuration: Configuration, provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of the images that a configuration was trained on; today's where it has not run.

    Args:
        provenance: by configuration, as `Results` has it.
    """
    trained = provenance.get(configuration.name, {}).get("settings", {}).get("source")
    return configuration.source.model_dump() if trained is None else trained


def image_notes(configurations: Iterable[Configuration], provenance: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each set of images that is not the paper's, for below a table."""
    notes = (image_note(c.dataset.dataset, source_of(c, provenance)) for c in configurations)
    return [note for note in dict.fromkeys(notes) if note]
