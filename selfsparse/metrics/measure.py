"""The final measures of one configuration: FID, KID, precision and recall, sparsity, and what its sheets and maps show."""

import csv
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from selfsparse.config import Configuration, Settings
from selfsparse.device import one_thread
from selfsparse.errors import DataError, printable
from selfsparse.files import atomic_path, read_json, reading
from selfsparse.metrics.extractors import load_extractor
from selfsparse.metrics.generated import draw_latents, first_images, measure_fid, sampling, tile, to_uint8
from selfsparse.metrics.kid import kernel_distance
from selfsparse.metrics.precision_recall import precision_recall
from selfsparse.metrics.reference import Reference, load_reference
from selfsparse.metrics.sparsity import StageSparsity, measure_sparsity
from selfsparse.models.build import build_generator
from selfsparse.paths import extractor_dir, reference_dir, result_dir

SHEET_SIDE = 8
MAPS_SHOWN = 16
FID_COLUMNS = ["seed", "generator", "n_fake", "n_real", "fid", "kid", "kid_std", "precision", "recall"]


def load_generator(configuration: Configuration, weights: Path, device: torch.device) -> nn.Module:
    """Return a trained generator in evaluation mode.

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


@one_thread()
def measure_configuration_fid(settings: Settings, configuration: Configuration, device: torch.device) -> None:
    """Write fid.csv and samples.png: each seed's best and last generator, with fresh latents, at both sample counts.

    A run that diverged has no rows; run.json says that it did.
    """
    images = sum(configuration.extractor.samples) * len(
        configuration.train.seeds
    )  # as many again where best is not last
    extractor = load_extractor(settings, extractor_dir(configuration.extractor_key), device, images)
    references = [load_reference(reference_dir(configuration.extractor_key), size) for size in ("small", "large")]
    folder = result_dir(configuration.suite, "fid", configuration.name)
    rows: list[dict[str, Any]] = []
    for seed, run, run_dir in finished_runs(configuration):
        generator = load_generator(configuration, run_dir / "best.safetensors", device)
        if not rows:
            _write_sheet(settings, configuration, generator, device, folder / "samples.png")
        measures = [_measure(settings, configuration, generator, extractor, r, device) for r in references]
        rows += [{"seed": seed, "generator": "best", **values} for values in measures]
        if run["best_step"] != run["steps"]:
            generator = load_generator(configuration, run_dir / "last.safetensors", device)
            measures = [_measure(settings, configuration, generator, extractor, r, device) for r in references]
        rows += [{"seed": seed, "generator": "last", **values} for values in measures]
    _write_csv(folder / "fid.csv", FID_COLUMNS, rows)
    for row in rows:
        print(
            f"{configuration.name} seed {row['seed']} {row['generator']}: FID {row['fid']:.4f}"
            f" ({row['n_fake']:,} generated, {row['n_real']:,} real)"
        )


def _measure(
    settings: Settings,
    configuration: Configuration,
    generator: nn.Module,
    extractor: nn.Module,
    reference: Reference,
    device: torch.device,
) -> dict[str, float | int | None]:
    latents = draw_latents(reference.wanted, configuration.latent_dim, settings.fid.latent_seed)
    fid, features = measure_fid(
        generator,
        latents,
        extractor,
        reference,
        settings.fid.batch_size,
        device,
        configuration.train.sampling_batch_norm,
    )
    measures: dict[str, float | None] = dict.fromkeys(("kid", "kid_std", "precision", "recall"))
    if features is not None:
        real, fid_settings = torch.from_numpy(reference.features), settings.fid_of[configuration.suite]
        measures["kid"], measures["kid_std"] = kernel_distance(
            real, features, fid_settings.kid_subsets, fid_settings.kid_subset_size, fid_settings.latent_seed
        )
        measures["precision"], measures["recall"] = precision_recall(real, features)
    return {"n_fake": reference.wanted, "n_real": reference.gaussian.count, "fid": fid, **measures}


def _write_sheet(
    settings: Settings, configuration: Configuration, generator: nn.Module, device: torch.device, path: Path
) -> None:
    count, batch_size = SHEET_SIDE**2, settings.fid.batch_size
    latents = draw_latents(max(count, batch_size), configuration.latent_dim, settings.fid.latent_seed)
    batch_norm = configuration.train.sampling_batch_norm
    images = first_images(generator, latents, count, batch_size, device, batch_norm)
    with atomic_path(path) as partial:
        tile(images, SHEET_SIDE).save(partial, format="PNG")


@one_thread()
def measure_configuration_sparsity(settings: Settings, configuration: Configuration, device: torch.device) -> None:
    """Write sparsity.csv for the best generator of each run that did not diverge, and feature_maps.npz for the first."""
    folder = result_dir(configuration.suite, "sparsity", configuration.name)
    latents = draw_latents(settings.sparsity.latents, configuration.latent_dim, settings.sparsity.latent_seed)
    batch_norm = configuration.train.sampling_batch_norm
    rows: list[dict[str, Any]] = []
    for seed, _, run_dir in finished_runs(configuration):
        generator = load_generator(configuration, run_dir / "best.safetensors", device)
        if not rows:
            with atomic_path(folder / "feature_maps.npz") as partial, open(partial, "wb") as file:
                shown = latents[: 1 if batch_norm == "running" else settings.fid.batch_size].to(device)
                np.savez_compressed(file, **feature_maps(generator, shown, batch_norm))
        stages = measure_sparsity(
            generator, latents, settings.sparsity.sparse_channel_rate, settings.fid.batch_size, device, batch_norm
        )
        rows += [{"seed": seed, **asdict(stage)} for stage in stages]
    _write_csv(folder / "sparsity.csv", ["seed", *(f.name for f in fields(StageSparsity))], rows)


@torch.no_grad()
def feature_maps(generator: nn.Module, latents: torch.Tensor, batch_norm: str) -> dict[str, np.ndarray]:
    """What the first latent of a batch (N, latent_dim) makes in each stage t: h_t, x_t (at most 16, H, W), alpha_t (C,), beta_t (H, W), and the image."""
    with sampling(generator, batch_norm):
        arrays = {"image": to_uint8(generator(latents))[0]}
        outputs = generator.sastm_outputs(latents)
    for t, output in enumerate(outputs, start=1):
        arrays |= {f"h_{t}": output.h[0, :MAPS_SHOWN], f"x_{t}": output.x[0, :MAPS_SHOWN]}
        arrays |= {f"{n}_{t}": getattr(output, n)[0] for n in ("alpha", "beta") if getattr(output, n) is not None}
    return {name: value.cpu().numpy() for name, value in arrays.items()}


def finished_runs(configuration: Configuration) -> Iterator[tuple[int, dict[str, Any], Path]]:
    """Yield seed, run.json and folder of each run that did not diverge."""
    for seed in configuration.train.seeds:
        folder = result_dir(configuration.suite, "runs", configuration.name) / f"seed{seed}"
        if not (folder / "run.json").is_file():
            raise DataError(f"{folder} holds no run; make it with: dvc repro -s train@{configuration.name}")
        with reading(folder / "run.json", f"train@{configuration.name}"):
            run = read_json(folder / "run.json")
            finished = run["status"] == "finished"
        if finished:
            yield seed, run, folder


def _write_csv(path: Path, columns: list[str], rows: list[dict[str, Any]]) -> None:
    with atomic_path(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
