"""KID against the unbiased MMD written out, and on two halves of one distribution."""

import numpy as np
import pytest
import torch

from selfsparse.metrics.kid import kernel_distance


def features(n: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, 1, (n, 8)))


def unbiased_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """MMD^2 with the kernel (x.y / d + 1)^3, sums over pairs of different vectors written as loops."""

    def kernel(a, b):
        return (a @ b / len(a) + 1) ** 3

    n = len(x)
    within = sum(kernel(z[i], z[j]) for z in (x, y) for i in range(n) for j in range(n) if i != j)
    across = sum(kernel(a, b) for a in x for b in y)
    return within / (n * (n - 1)) - 2 * across / n**2


def test_the_mean_over_subsets_nears_the_mmd():
    """Each subset's is unbiased for that of all vectors: the mean of many is within a few of its standard errors."""
    x, y = features(30, 0), features(30, 1, shift=0.5)
    mean, std = kernel_distance(x, y, subsets=2000, subset_size=15, seed=0)
    assert abs(mean - unbiased_mmd(x.numpy(), y.numpy())) < 4 * std / 2000**0.5 < 0.1 * mean


def test_subsets_of_two_are_the_mmd_written_out():
    # Of four vectors each, two make a subset: every subset's value is one of the 6 x 6 that can be.
    x, y = features(4, 0), features(4, 1)
    pairs = [[a, b] for a in range(4) for b in range(a)]
    values = [unbiased_mmd(x.numpy()[p], y.numpy()[q]) for p in pairs for q in pairs]
    mean, std = kernel_distance(x, y, subsets=2, subset_size=2, seed=0)
    assert min(abs(mean + std - v) for v in values) < 1e-10 and min(abs(mean - std - v) for v in values) < 1e-10


def test_it_is_torch_fidelitys():
    from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric

    x, y = features(80, 0), features(90, 1, shift=0.3)
    theirs = kid_features_to_metric(x, y, kid_subsets=5, kid_subset_size=40, rng_seed=3, verbose=False)
    found = kernel_distance(x, y, subsets=5, subset_size=40, seed=3)
    assert found == (theirs[KEY_METRIC_KID_MEAN], theirs[KEY_METRIC_KID_STD])


def test_two_halves_of_one_distribution_are_near_zero():
    x, y, z = features(600, 0), features(600, 1), features(600, 2, shift=0.3)
    mean, std = kernel_distance(x, y, subsets=20, subset_size=200, seed=0)
    assert abs(mean) < 3 * std < 0.2
    # The kernel tells a shift of 0.3 in each of 8 directions apart from that.
    assert kernel_distance(x, z, subsets=20, subset_size=200, seed=0)[0] > 5 * abs(mean)


@pytest.mark.parametrize(("real", "generated"), [(10, 20), (20, 10), (10, 10)])
def test_subsets_shrink_to_half_of_what_there_is(real, generated):
    x, y = features(real, 0), features(generated, 1)
    found = kernel_distance(x, y, subsets=3, subset_size=500, seed=0)
    assert np.isfinite(found).all() and found[1] > 0.01  # subsets of all ten would be the same, but for the twenty
    assert found == kernel_distance(x, y, subsets=3, subset_size=5, seed=0)


def test_the_seed_decides():
    x, y = features(50, 0), features(50, 1)
    first = kernel_distance(x, y, 4, 20, seed=1)
    assert first == kernel_distance(x, y, 4, 20, seed=1) != kernel_distance(x, y, 4, 20, seed=2)
