"""A run that was trained, as what measures it reads it."""

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from selfsparse.config import Configuration
from selfsparse.errors import DataError, printable
from selfsparse.files import hash_file, read_json, reading
from selfsparse.made_from import flatten
from selfsparse.models.build import build_generator
from selfsparse.paths import result_dir


def trained_generator(configuration: Configuration, weights: Path, device: torch.device) -> nn.Module:
    """Return a generator of a run in evaluation mode.

    Raises:
        DataError: the weights are not there, are damaged, or belong to another network.
    """
    generator = build_generator(configuration)
    try:
        generator.load_state_dict(load_file(weights))
    except FileNotFoundError:
        raise DataError(f"{weights} is missing; make it with: dvc repro -s train@{configuration.name}") from None
    except SafetensorError as error:
        raise DataError(
            f"{weights} is damaged ({printable(str(error))}); restore it with: dvc checkout train@{configuration.name}, or"
            f" make it anew with: dvc repro -s train@{configuration.name}"
        ) from None
    except RuntimeError as error:
        raise DataError(f"{weights} does not fit {configuration.name}: {str(error).splitlines()[0]}") from None
    return generator.to(device).eval()


def read_run(configuration: Configuration, seed: int) -> tuple[dict[str, Any], Path]:
    """Return run.json and folder of a run.

    Raises:
        DataError: there is no such run, or run.json is damaged.
    """
    folder = result_dir(configuration.suite, "runs", configuration.name) / f"seed{seed}"
    if not (folder / "run.json").is_file():
        raise DataError(f"{folder} holds no run; make it with: dvc repro -s train@{configuration.name}")
    with reading(folder / "run.json", f"train@{configuration.name}"):
        run = read_json(folder / "run.json")
        run["status"], run["best_step"], run["steps"]  # what is asked of it
    return run, folder


def run_shape(configuration: Configuration, seed: int, device: torch.device, weights: Iterable[str]) -> dict[str, Any]:
    """Return what shapes any measure of a run: the run's network, weights and fate, device and torch. Flat, of plain values.

    Args:
        weights: `best`, `last`, as far as the measure reads them.
    """
    run, folder = read_run(configuration, seed)
    shape = {
        "seed": seed,
        "device": device.type,
        "torch": version("torch"),
        "status": run["status"],
        "model": configuration.model,
        "latent_dim": configuration.latent_dim,
        "sampling_batch_norm": configuration.train.sampling_batch_norm,
        **flatten({"network": configuration.network.model_dump(mode="json")}),
    }
    for which in weights:
        path = folder / f"{which}.safetensors"
        shape[f"{which} generator"] = hash_file(path) if path.is_file() else None
    return shape
