"""Sparsity of a generator's feature maps: Eq. 4, 5 and 15."""

import torch
from torch import Tensor, nn

from selfsparse.models.sampling import sampling
from selfsparse.results.rows import StageSparsity


def position_sparsity(x: Tensor) -> Tensor:
    """Eq. 4: xi_i (N, C), the share of positions of x (N, C, H, W) that are exactly zero (U50)."""
    return (x == 0).sum(dim=(2, 3)).double() / (x.shape[2] * x.shape[3])


def channel_sparsity(xi: Tensor, sparse_channel_rate: float = 2 / 3) -> Tensor:
    """Eq. 5: zeta (N,), the share of channels whose xi (N, C) reaches the rate."""
    return (xi >= sparse_channel_rate).double().mean(dim=1)


@torch.no_grad()
def measure_sparsity(
    generator: nn.Module,
    latents: Tensor,
    sparse_channel_rate: float,
    batch_size: int,
    device: torch.device,
    batch_norm: str,
) -> list[StageSparsity]:
    """Rates of every stage, averaged over latents (N, latent_dim) (U49); batch norms as when images are drawn (U18)."""
    totals = torch.zeros(0, 4, dtype=torch.float64)
    shapes: list[tuple[int, ...]] = []
    absent: list[tuple[bool, bool]] = []
    for part in latents.split(batch_size):
        with sampling(generator, batch_norm):
            outputs = generator.sastm_outputs(part.to(device))
        if not shapes:
            totals = torch.zeros(len(outputs), 4, dtype=torch.float64, device=device)
            shapes = [output.x.shape[1:] for output in outputs]
            absent = [(output.alpha is None, output.beta is None) for output in outputs]
        for total, output in zip(totals, outputs, strict=True):
            xi = position_sparsity(output.x)
            rates = [xi.mean(), channel_sparsity(xi, sparse_channel_rate).mean()]
            rates += [xi.new_zeros(()) if c is None else (c == 0).double().mean() for c in (output.alpha, output.beta)]
            total += torch.stack(rates) * len(part)  # where the maps are: a GPU is asked once, at the end
    means = (totals / len(latents)).tolist()
    return [
        StageSparsity(t, shape[1], shape[0], xi, zeta, None if missing[0] else alpha, None if missing[1] else beta)
        for t, (shape, missing, (xi, zeta, alpha, beta)) in enumerate(zip(shapes, absent, means, strict=True), start=1)
    ]
