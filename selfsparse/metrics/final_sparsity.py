"""The sparsity of a trained generator, and what one latent makes in each of its stages."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from selfsparse.config import Configuration, Settings
from selfsparse.files import atomic_path, write_csv
from selfsparse.metrics.sparsity import measure_sparsity
from selfsparse.models.sampling import draw_latents, sampling, to_uint8
from selfsparse.results.rows import StageSparsity, columns

MAPS_SHOWN = 16
SPARSITY_COLUMNS = ["seed", *columns(StageSparsity)]


def write_sparsity(
    settings: Settings,
    configuration: Configuration,
    seed: int,
    generator: nn.Module,
    device: torch.device,
    folder: Path,
) -> None:
    """Write sparsity.csv of a run's best generator, and feature_maps.npz."""
    latents = draw_latents(settings.sparsity.latents, configuration.latent_dim, settings.sparsity.latent_seed)
    batch_norm = configuration.train.sampling_batch_norm
    with atomic_path(folder / "feature_maps.npz") as partial, open(partial, "wb") as file:
        shown = latents[: 1 if batch_norm == "running" else settings.fid.batch_size].to(device)
        np.savez_compressed(file, **feature_maps(generator, shown, batch_norm))
    stages = measure_sparsity(
        generator, latents, settings.sparsity.sparse_channel_rate, settings.fid.batch_size, device, batch_norm
    )
    write_csv(folder / "sparsity.csv", SPARSITY_COLUMNS, [{"seed": seed, **asdict(stage)} for stage in stages])


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
