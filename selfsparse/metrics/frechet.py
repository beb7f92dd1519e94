"""The Frechet distance between two Gaussians, Eq. 14, in float64."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Gaussian:
    """Mean (D,) and covariance (D, D) of features, float64, and how many features they come from."""

    mean: np.ndarray
    covariance: np.ndarray
    count: int


class NotFiniteError(ValueError):
    """Features that are not finite, as those of a generator that has diverged."""


class RunningGaussian:
    """Mean and covariance of features that arrive in batches; memory does not grow with their number.

    Sums are taken in float64 about the first batch's mean, so that a large common offset cancels before squaring.
    """

    def __init__(self) -> None:
        self._shift: Tensor | None = None
        self._count = 0

    def add(self, features: Tensor) -> None:
        """Add features (N, D) of any floating type, on any device."""
        features = features.double()
        if self._shift is None:
            self._shift = features.mean(0)
            self._sum = torch.zeros_like(self._shift)
            self._products = torch.zeros(
                len(self._shift), len(self._shift), dtype=torch.float64, device=features.device
            )
        centred = features - self._shift
        self._sum += centred.sum(0)
        self._products += centred.T @ centred
        self._count += len(features)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Return mean (D,) and unbiased covariance (D, D) where the features are; nothing waits for a GPU.

        Raises:
            ValueError: fewer than two features were added.
        """
        if self._count < 2:
            raise ValueError(f"a covariance needs at least two feature vectors, got {self._count}")
        mean = self._sum / self._count
        covariance = (self._products - self._count * torch.outer(mean, mean)) / (self._count - 1)
        return self._shift + mean, covariance

    def result(self) -> Gaussian:
        """Return the mean and the unbiased covariance of all features added; fewer than two are a ValueError."""
        mean, covariance = self.moments()
        return Gaussian(mean.cpu().numpy(), covariance.cpu().numpy(), self._count)


def symmetric_root(covariance: np.ndarray) -> np.ndarray:
    """Return the symmetric square root of a covariance (D, D); eigenvalues that rounding made negative become 0."""
    values, vectors = torch.linalg.eigh(torch.from_numpy(covariance))
    return ((vectors * values.clamp_min(0).sqrt()) @ vectors.T).numpy()


def frechet_distance(real: Gaussian, generated: Gaussian, real_root: np.ndarray | None = None) -> float:
    """FID, Eq. 14: |mu_x - mu_g|^2 + Tr(S_x + S_g - 2 (S_x S_g)^(1/2)).

    Args:
        real, generated: statistics of features of the same width.
        real_root: symmetric_root(real.covariance), where it is at hand.

    Raises:
        ValueError: widths differ.
        NotFiniteError: a mean or covariance of the generated images is not finite.
    """
    if real.mean.shape != generated.mean.shape:
        raise ValueError(f"features differ in width: {real.mean.shape[0]} and {generated.mean.shape[0]}")
    root = symmetric_root(real.covariance) if real_root is None else real_root
    tensors = [torch.from_numpy(a) for a in (real.mean, real.covariance, root, generated.mean, generated.covariance)]
    distance = float(frechet_distance_tensors(tuple(tensors[:3]), tuple(tensors[3:])))
    if np.isnan(distance):
        raise NotFiniteError("the generated images' features are not finite")
    return distance


def frechet_distance_tensors(real: tuple[Tensor, Tensor, Tensor], generated: tuple[Tensor, Tensor]) -> Tensor:
    """frechet_distance, computed and left on the device that the tensors are on; float64, (). NaN where these are not finite.

    S_x S_g has the eigenvalues of the symmetric S_x^(1/2) S_g S_x^(1/2), so the trace of its root needs one
    symmetric eigenvalue problem and no matrix root, given S_x^(1/2), which belongs to the reference. PyTorch's LAPACK
    solves it several times as fast as NumPy's and SciPy's do (benchmarks/frechet.py).

    Args:
        real: mean (D,), covariance (D, D) and the covariance's symmetric root.
        generated: mean and covariance, as of RunningGaussian.moments.
    """
    (real_mean, real_covariance, root), (mean, covariance) = real, generated
    product = root @ covariance @ root
    finite = product.isfinite().all() & mean.isfinite().all()
    symmetric = torch.where(finite, (product + product.T) / 2, 0)  # an eigenvalue solver may fail on what is not finite
    trace_of_root = torch.linalg.eigvalsh(symmetric).clamp_min(0).sqrt().sum()
    difference = real_mean - mean
    distance = difference @ difference + real_covariance.trace() + covariance.trace() - 2 * trace_of_root
    return torch.where(finite, distance, torch.nan)
