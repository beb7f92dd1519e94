"""The kernel inception distance: unbiased, so fair between sample counts (Binkowski et al., 2018)."""

import numpy as np
from torch import Tensor


def kernel_distance(real: Tensor, generated: Tensor, subsets: int, subset_size: int, seed: int) -> tuple[float, float]:
    """KID of features (N, D) and (M, D): mean and standard deviation over random subsets, in float64.

    Subsets are at most half as large as the smaller set, or their standard deviation would say nothing. They are drawn as
    torch-fidelity draws them: the same seed gives its numbers.
    """
    x, y = real.double().numpy(), generated.double().numpy()
    size = min(subset_size, max(2, min(len(x), len(y)) // 2))
    rng = np.random.RandomState(seed)
    values = []
    for _ in range(subsets):
        chosen = x[rng.choice(len(x), size, replace=False)], y[rng.choice(len(y), size, replace=False)]
        values.append(unbiased_mmd(*chosen))
    return float(np.mean(values)), float(np.std(values))


def unbiased_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimate of the squared maximum mean discrepancy of x and y (N, D) under the kernel (x . y / D + 1)^3."""

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (np.matmul(a, b.T) * (1.0 / a.shape[1]) + 1) ** 3

    def sum_without_diagonal(matrix: np.ndarray) -> float:
        return (matrix.sum(axis=1) - np.diagonal(matrix)).sum()

    n = len(x)
    within = sum_without_diagonal(kernel(x, x)) + sum_without_diagonal(kernel(y, y))
    return within / (n * (n - 1)) - 2 * kernel(x, y).sum(axis=0).sum() / (n * n)
