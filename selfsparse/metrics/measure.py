"""The final measures of one configuration: FID and KID, sparsity, and what its sheets and maps show."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from selfsparse.config import Configuration, Settings
from selfsparse.errors import DataError
from selfsparse.files import atomic_path
from selfsparse.metrics.extractors import load_extractor
from selfsparse.metrics.generated import draw_latents, generate, measure_fid, tile, to_uint8
from selfsparse.metrics.kid import kernel_distance
from selfsparse.metrics.reference import load_reference
from selfsparse.metrics.sparsity import measure_sparsity
from selfsparse.models.build import build_generator
from selfsparse.paths import extractor_dir, reference_dir, result_dir

SHEET_SIDE = 8
MAPS_SHOWN = 16


def load_generator(configuration: Configuration, weights: Path, device: torch.device) -> nn.Module:
    """Return a trained generator in evaluation mode.

    Raises:
        DataError: the weights are not there, or belong to another network.
    """
    generator = build_generator(configuration)
    try:
        generator.load_state_dict(load_file(weights))
    except FileNotFoundError:
        raise DataError(f"{weights} is missing; make it with: dvc repro -s train@{configuration.name}") from None
    except RuntimeError as error:
        raise DataError(f"{weights} does not fit {configuration.name}: {str(error).splitlines()[0]}") from None
    return generator.to(device).eval()


def measure_configuration_fid(settings: Settings, configuration: Configuration, device: torch.device) -> None:
    """Write fid.csv and samples.png: each seed's best and last generator, with fresh latents, at both sample counts."""
    extractor = load_extractor(settings, extractor_dir(configuration.extractor_key), device)
    references = [load_reference(reference_dir(configuration.extractor_key), size) for size in ("small", "large")]
    folder = result_dir(configuration.suite, "fid", configuration.name)
    rows, sheet_written = [], False
    for seed, kind, generator in _generators(configuration, ("best", "last"), device):
        for reference in references:
            latents = draw_latents(reference.wanted, configuration.latent_dim, settings.fid.latent_seed)
            fid, features = measure_fid(generator, latents, extractor, reference, settings.fid.batch_size, device)
            kid = kid_std = None
            if features is not None:
                real = torch.from_numpy(reference.features)
                kid, kid_std = kernel_distance(
                    real, features, settings.fid.kid_subsets, settings.fid.kid_subset_size, settings.fid.latent_seed
                )
            real_images = reference.gaussian.count
            rows.append(
                {
                    "seed": seed,
                    "generator": kind,
                    "n_fake": reference.wanted,
                    "n_real": real_images,
                    "fid": fid,
                    "kid": kid,
                    "kid_std": kid_std,
                }
            )
            print(f"{configuration.name} seed {seed} {kind}: FID {fid:.4f} ({reference.wanted:,} generated, {real_images:,} real)")
        if not sheet_written:
            latents = draw_latents(SHEET_SIDE**2, configuration.latent_dim, settings.fid.latent_seed)
            images = torch.cat(list(generate(generator, latents, SHEET_SIDE**2, device)))
            with atomic_path(folder / "samples.png") as partial:
                tile(images, SHEET_SIDE).save(partial, format="PNG")
            sheet_written = True
    _write_csv(folder / "fid.csv", rows)


def measure_configuration_sparsity(settings: Settings, configuration: Configuration, device: torch.device) -> None:
    """Write sparsity.csv for each seed's best generator, and feature_maps.npz for the first seed."""
    folder = result_dir(configuration.suite, "sparsity", configuration.name)
    latents = draw_latents(settings.sparsity.latents, configuration.latent_dim, settings.sparsity.latent_seed)
    rows = []
    for seed, _, generator in _generators(configuration, ("best",), device):
        stages = measure_sparsity(
            generator, latents, settings.sparsity.sparse_channel_rate, settings.fid.batch_size, device
        )
        rows += [{"seed": seed, **asdict(stage)} for stage in stages]
        if not (folder / "feature_maps.npz").exists():
            with atomic_path(folder / "feature_maps.npz") as partial, open(partial, "wb") as file:
                np.savez_compressed(file, **feature_maps(generator, latents[:1].to(device)))
    _write_csv(folder / "sparsity.csv", rows)


@torch.no_grad()
def feature_maps(generator: nn.Module, latent: torch.Tensor) -> dict[str, np.ndarray]:
    """What one latent (1, latent_dim) makes in each stage t: h_t, x_t (at most 16, H, W), alpha_t (C,), beta_t (H, W), and the image."""
    arrays = {"image": to_uint8(generator(latent))[0]}
    for t, output in enumerate(generator.sastm_outputs(latent), start=1):
        arrays |= {f"h_{t}": output.h[0, :MAPS_SHOWN], f"x_{t}": output.x[0, :MAPS_SHOWN]}
        arrays |= {f"{n}_{t}": getattr(output, n)[0] for n in ("alpha", "beta") if getattr(output, n) is not None}
    return {name: value.cpu().numpy() for name, value in arrays.items()}


def _generators(configuration: Configuration, kinds: tuple[str, ...], device: torch.device) -> Iterator[tuple[int, str, nn.Module]]:
    """Each seed's generators. A run that diverged has a best one, and no last."""
    for seed in configuration.train.seeds:
        folder = result_dir(configuration.suite, "runs", configuration.name) / f"seed{seed}"
        for kind in kinds:
            if kind == "last" and not (folder / "last.safetensors").exists() and (folder / "run.json").exists():
                continue
            yield seed, kind, load_generator(configuration, folder / f"{kind}.safetensors", device)


def _write_csv(path: Path, rows: list[Mapping[str, object]]) -> None:
    with atomic_path(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
