"""The Frechet distance between two Gaussians, Eq. 14, in float64."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from selfsparse.errors import NotFiniteError

BLOCK = 512  # rows and columns of a matrix product that skips zeros
ROWS = 500  # features that are summed at a time, whatever the batches that they come in


@dataclass(frozen=True)
class Gaussian:
    """Mean (D,) and covariance (D, D) of features, float64, and how many features they come from."""

    mean: np.ndarray
    covariance: np.ndarray
    count: int


class RunningGaussian:
    """Mean and covariance of features that arrive in batches; memory does not grow with their number.

    Sums are taken in float64 about the mean of the first ROWS, so that a large common offset cancels before squaring, and of
    ROWS at a time, so that the last digit does not depend on the size of the batches.
    """

    def __init__(self) -> None:
        self._shift: Tensor | None = None
        self._count = 0
        self._waiting: list[Tensor] = []

    def add(self, features: Tensor) -> None:
        """Add features (N, D) of any floating type, on any device."""
        features = features.to(torch.float64, copy=True)  # a graph on a GPU writes its next ones to the same place
        while (room := ROWS - sum(map(len, self._waiting))) <= len(features):
            self._waiting.append(features[:room])
            self._sum_up()
            features = features[room:]
        self._waiting.append(features)

    def _sum_up(self) -> None:
        """Take what waits into the sums."""
        features, self._waiting = torch.cat(self._waiting), []
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
        if any(map(len, self._waiting)):
            self._sum_up()
        if self._count < 2:
            raise ValueError(f"a covariance needs at least two feature vectors, got {self._count}")
        mean = self._sum / self._count
        covariance = (self._products - self._count * torch.outer(mean, mean)) / (self._count - 1)
        return self._shift + mean, covariance

    def result(self) -> Gaussian:
        """Return the mean and the unbiased covariance of all features added; fewer than two are a ValueError."""
        mean, covariance = self.moments()
        return Gaussian(mean.cpu().numpy(), covariance.cpu().numpy(), self._count)


def lower_factor(covariance: np.ndarray) -> np.ndarray:
    """Return a lower triangular F (D, D) with F F^T = covariance, of any rank; eigenvalues below 0 by rounding become 0."""
    values, vectors = torch.linalg.eigh(torch.from_numpy(covariance))
    root = vectors * values.clamp_min(0).sqrt()  # root root^T = covariance, and root^T = Q R
    return torch.linalg.qr(root.T).R.T.contiguous().numpy()


def frechet_distance(real: Gaussian, generated: Gaussian, real_factor: np.ndarray | None = None) -> float:
    """FID, Eq. 14: |mu_x - mu_g|^2 + Tr(S_x + S_g - 2 (S_x S_g)^(1/2)).

    Args:
        real, generated: statistics of features of the same width.
        real_factor: lower_factor(real.covariance), where it is at hand.

    Raises:
        ValueError: widths differ.
        NotFiniteError: a mean or covariance of the generated images is not finite.
    """
    if real.mean.shape != generated.mean.shape:
        raise ValueError(f"features differ in width: {real.mean.shape[0]} and {generated.mean.shape[0]}")
    factor = lower_factor(real.covariance) if real_factor is None else real_factor
    tensors = [torch.from_numpy(a) for a in (real.mean, real.covariance, factor, generated.mean, generated.covariance)]
    distance = float(frechet_distance_tensors(tuple(tensors[:3]), tuple(tensors[3:])))
    if np.isnan(distance):
        raise NotFiniteError("the generated images' features are not finite")
    return distance


def frechet_distance_tensors(real: tuple[Tensor, Tensor, Tensor], generated: tuple[Tensor, Tensor]) -> Tensor:
    """frechet_distance, computed and left on the device that the tensors are on; float64, (). NaN where these are not finite.

    With S_x = F F^T, S_x S_g has the eigenvalues of the symmetric F^T S_g F, so the trace of its root needs one symmetric
    eigenvalue problem and no matrix root, given F, which belongs to the reference. PyTorch's LAPACK solves it several
    times as fast as NumPy's and SciPy's do (benchmarks/fid.py).

    Args:
        real: mean (D,), covariance (D, D) and its lower_factor.
        generated: mean and covariance, as of RunningGaussian.moments.
    """
    (real_mean, real_covariance, factor), (mean, covariance) = real, generated
    product = _lower_part_of_product(factor, covariance)
    finite = product.isfinite().all() & mean.isfinite().all()
    product = torch.where(finite, product, 0)  # an eigenvalue solver may fail on what is not finite
    trace_of_root = torch.linalg.eigvalsh(product, UPLO="L").clamp_min(0).sqrt().sum()
    difference = real_mean - mean
    distance = difference @ difference + real_covariance.trace() + covariance.trace() - 2 * trace_of_root
    return torch.where(finite, distance, torch.nan)


def _lower_part_of_product(factor: Tensor, covariance: Tensor) -> Tensor:
    """The lower triangle of F^T S F for a lower triangular F, block by block: half the work of two whole products."""
    product = torch.zeros_like(covariance)
    for j in range(0, len(factor), BLOCK):
        columns = covariance[:, j:] @ factor[j:, j : j + BLOCK]  # of S F; F is zero above row j
        for i in range(j, len(factor), BLOCK):
            product[i : i + BLOCK, j : j + BLOCK] = factor[i:, i : i + BLOCK].T @ columns[i:]
    return product
