"""Everything that shapes a run: what an interrupted one goes on under, and a finished one is kept under."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from selfsparse.code import code_hashes
from selfsparse.config import Configuration, Settings
from selfsparse.files import read_json, reading
from selfsparse.made_from import flatten
from selfsparse.paths import extractor_dir, packed_dir, reference_dir

# What only says how fast or how often; a run may go on under other values of these.
NOT_SHAPING = {"device", "parallel_seeds", "checkpoint_every", "seeds"}


def fingerprint(settings: Settings, configuration: Configuration, seed: int, device_type: str) -> dict[str, Any]:
    """Return everything that shapes a run, as a flat dictionary of plain values; of code and data, hashes.

    Args:
        device_type: `cuda` or `cpu`.

    Raises:
        DataError: images, extractor or references were not prepared, or what they say of themselves is damaged.
    """
    shape = configuration.model_dump(mode="json", exclude={"train", "name", "suite", "network_name", "source"})
    shape["train"] = configuration.train.model_dump(mode="json", exclude=NOT_SHAPING)
    flat = {"seed": seed, "device": device_type, "torch": version("torch"), **code_hashes("train")}
    flat |= {
        "images": _sha256(packed_dir(configuration.dataset_key) / "manifest.json"),
        "extractor": _sha256(extractor_dir(configuration.extractor_key) / "extractor.json"),
        "reference": _sha256(reference_dir(configuration.extractor_key) / "reference.json"),
    }
    # Of the FIDs during training, which choose the best generator.
    flat["fid.precision"] = settings.fid.precision
    if configuration.train.sampling_batch_norm == "batch":  # else an image does not depend on those beside it (U18)
        flat["fid.batch_size"] = settings.fid.batch_size
    return flat | flatten(shape)


def _sha256(path: Path) -> str:
    """What a stage before has noted as the hash of its output."""
    kind = {"manifest.json": "data", "extractor.json": "extractor", "reference.json": "reference"}[path.name]
    with reading(path, f"{kind}@{path.parent.name}"):
        return read_json(path)["sha256"]
