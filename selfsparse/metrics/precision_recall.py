"""Precision and recall of generated images by nearest neighbours (Kynkäänniemi et al., 2019)."""

import torch
from torch import Tensor

NEIGHBOURS = 3  # as its authors take, and torch-fidelity by default
ROWS = 1000  # features whose distances are held in memory at a time


def precision_recall(real: Tensor, generated: Tensor) -> tuple[float, float]:
    """Share of generated features (M, D) among the real ones (N, D), and of real ones among the generated ones.

    A feature lies among others where it is no farther from one of them than that one's third nearest neighbour. Both
    shares depend on N and M. In float64, as rounding would part a feature from its own copy.
    """
    real, generated = real.double(), generated.double()
    neighbours = min(NEIGHBOURS, len(real) - 1, len(generated) - 1)
    of_real, of_generated = (_radii(features, neighbours) for features in (real, generated))
    precise, recalled = torch.zeros(len(generated), dtype=torch.bool), []
    for part, radii in zip(real.split(ROWS), of_real.split(ROWS), strict=True):
        distances = torch.cdist(part, generated)
        recalled.append((distances <= of_generated).any(dim=1))
        precise |= (distances <= radii[:, None]).any(dim=0)
    return precise.float().mean().item(), torch.cat(recalled).float().mean().item()


def _radii(features: Tensor, neighbours: int) -> Tensor:
    """How far the n-th nearest neighbour of each feature (N, D) is among the others; its own distance, 0, is the first."""
    return torch.cat([torch.cdist(part, features).kthvalue(neighbours + 1).values for part in features.split(ROWS)])
