"""The Frechet distance (Eq. 14): by hand, and against torch-fidelity's and SciPy's."""

import numpy as np
import pytest
import torch

from selfsparse.metrics import frechet
from selfsparse.metrics.frechet import (
    Gaussian,
    RunningGaussian,
    frechet_distance,
    frechet_distance_tensors,
    lower_factor,
)


def gaussian(mean, covariance) -> Gaussian:
    return Gaussian(np.asarray(mean, np.float64), np.asarray(covariance, np.float64), 100)


def random_covariance(d: int, seed: int, rank: int | None = None) -> np.ndarray:
    factor = np.random.default_rng(seed).normal(size=(d, rank or d))
    return factor @ factor.T / d


def of(features: np.ndarray) -> Gaussian:
    running = RunningGaussian()
    running.add(torch.from_numpy(features))
    return running.result()


@pytest.mark.parametrize("batch", [1, 7, 250, 499, 501, 1300])
def test_the_size_of_the_batches_does_not_change_a_bit(batch):
    features = torch.from_numpy(np.random.default_rng(0).normal(1e3, 1, size=(1300, 8))).float()
    running = RunningGaussian()
    for part in features.split(batch):
        running.add(part)
    found, whole = running.result(), of(features.numpy())
    assert found.count == 1300 and np.array_equal(found.mean, whole.mean)
    assert np.array_equal(found.covariance, whole.covariance)
    np.testing.assert_allclose(found.covariance, np.cov(features.double().numpy().T), rtol=1e-10, atol=1e-12)


def test_equal_covariances_leave_the_squared_difference_of_means():
    # S_x = S_g = S: Tr(2 S - 2 (S S)^(1/2)) = 0, and |(3, -4)|^2 = 25.
    covariance = [[2.0, 0.5], [0.5, 1.0]]
    found = frechet_distance(gaussian([0, 0], covariance), gaussian([3, -4], covariance))
    assert found == pytest.approx(25.0, abs=1e-12)


def test_diagonal_covariances():
    # Tr(A + B - 2 (A B)^(1/2)) = sum (sqrt(a) - sqrt(b))^2 = (3-1)^2 + (2-5)^2 + (1-1)^2 = 13; means add 1.
    found = frechet_distance(gaussian([0, 0, 0], np.diag([9, 4, 1])), gaussian([1, 0, 0], np.diag([1, 25, 1])))
    assert found == pytest.approx(14.0, abs=1e-12)


def test_covariances_that_do_not_commute():
    # A = diag(4, 1), B = [[2, 1], [1, 2]]. AB has trace 10 and determinant 4 * 3 = 12, and a 2 x 2 matrix's root has
    # the trace sqrt(trace + 2 sqrt(determinant)) = sqrt(10 + 2 sqrt(12)). FID = 5 + 4 - 2 sqrt(10 + 2 sqrt(12)).
    found = frechet_distance(gaussian([0, 0], np.diag([4, 1])), gaussian([0, 0], [[2, 1], [1, 2]]))
    assert found == pytest.approx(9 - 2 * np.sqrt(10 + 2 * np.sqrt(12)), abs=1e-12)


def test_of_itself_is_zero():
    one = gaussian(np.arange(20), random_covariance(20, 0))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-10)


def test_rank_deficient_covariances():
    # Rank one each: S_x = u u', S_g = v v' with u = (3, 4, 0), v = (0, 2, 0). S_x S_g = (u.v) u v' has the single
    # eigenvalue (u.v)^2 = 64, so FID = 25 + 4 - 2 * 8 = 13.
    u, v = np.array([3.0, 4.0, 0.0]), np.array([0.0, 2.0, 0.0])
    found = frechet_distance(gaussian([0] * 3, np.outer(u, u)), gaussian([0] * 3, np.outer(v, v)))
    assert found == pytest.approx(13.0, abs=1e-6)
    # A single point against S: |m|^2 + Tr(S).
    found = frechet_distance(gaussian([1, 2], np.zeros((2, 2))), gaussian([0, 0], [[2, 1], [1, 3]]))
    assert found == pytest.approx(5 + 5, abs=1e-12)


def test_fewer_samples_than_features():
    # 10 samples in 40 dimensions, the other set shifted by 2 in each: equal covariances of rank 9.
    features = np.random.default_rng(0).normal(size=(10, 40))
    found = frechet_distance(of(features), of(features + 2))
    assert found == pytest.approx(4 * 40, rel=1e-6)


def test_it_is_symmetric_and_the_root_may_be_given():
    a, b = gaussian(np.zeros(30), random_covariance(30, 1)), gaussian(np.ones(30), random_covariance(30, 2))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-12)
    assert frechet_distance(a, b, lower_factor(a.covariance)) == frechet_distance(a, b)


@pytest.mark.parametrize("block", [512, 16])
def test_against_scipys_matrix_root(block, monkeypatch):
    """Also where the product is made of several blocks, and above its diagonal not made at all."""
    from scipy.linalg import sqrtm

    monkeypatch.setattr(frechet, "BLOCK", block)
    a, b = gaussian(np.zeros(50), random_covariance(50, 1)), gaussian(np.full(50, 0.1), random_covariance(50, 2))
    trace = np.trace(a.covariance + b.covariance - 2 * sqrtm(a.covariance @ b.covariance).real)
    assert frechet_distance(a, b) == pytest.approx(50 * 0.01 + trace, rel=1e-10)


@pytest.mark.parametrize(("n", "d"), [(300, 64), (500, 200)])
def test_against_torch_fidelity(n, d):
    from torch_fidelity.metric_fid import (
        KEY_METRIC_FID,
        fid_features_to_statistics,
        fid_statistics_to_metric,
    )

    rng = np.random.default_rng(n)
    mix = rng.normal(size=(d, d)) / np.sqrt(d)
    real, generated = rng.normal(size=(n, d)) @ mix, rng.normal(0.2, 1.3, size=(n, d))
    theirs = fid_statistics_to_metric(
        *(fid_features_to_statistics(torch.from_numpy(x)) for x in (real, generated)), verbose=False
    )[KEY_METRIC_FID]
    assert frechet_distance(of(real), of(generated)) == pytest.approx(theirs, rel=1e-6)


def test_on_tensors_it_is_the_same():
    rng = np.random.default_rng(4)
    real, generated = of(rng.normal(size=(300, 40))), rng.normal(0.2, 1.3, size=(300, 40))
    running = RunningGaussian()
    running.add(torch.from_numpy(generated))
    reference = tuple(map(torch.from_numpy, (real.mean, real.covariance, lower_factor(real.covariance))))
    found = frechet_distance_tensors(reference, running.moments())
    assert found.shape == () and found.dtype == torch.float64
    assert float(found) == pytest.approx(frechet_distance(real, of(generated)), rel=1e-12)
    mean, covariance = running.moments()
    for value in (torch.nan, torch.inf):
        mean[3] = value
        assert not frechet_distance_tensors(reference, (mean, covariance)).isfinite()
        mean[3], covariance[1, 2] = 0, value
        assert not frechet_distance_tensors(reference, (mean, covariance)).isfinite()
        covariance[1, 2] = 0


def test_factor():
    covariance = random_covariance(20, 3, rank=7)
    factor = lower_factor(covariance)
    np.testing.assert_allclose(factor @ factor.T, covariance, atol=1e-12)
    np.testing.assert_array_equal(factor, np.tril(factor))
    np.testing.assert_allclose(abs(lower_factor(np.diag([4.0, 9.0]))), np.diag([2.0, 3.0]), atol=1e-12)


@pytest.mark.parametrize("block", [1, 7, 20, 64])
def test_the_product_by_blocks_is_the_product(block, monkeypatch):
    monkeypatch.setattr(frechet, "BLOCK", block)
    factor, covariance = (torch.from_numpy(random_covariance(20, seed)) for seed in (3, 4))
    factor = factor.tril()
    found = frechet._lower_part_of_product(factor, covariance)
    torch.testing.assert_close(found.tril(), (factor.T @ covariance @ factor).tril(), rtol=1e-12, atol=1e-12)


def test_widths_must_agree():
    with pytest.raises(ValueError, match="2 and 3"):
        frechet_distance(gaussian([0, 0], np.eye(2)), gaussian([0, 0, 0], np.eye(3)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_must_be_finite(value):
    with pytest.raises(ValueError, match="not finite"):
        frechet_distance(gaussian([0, 0], np.eye(2)), gaussian([0, value], np.eye(2)))
    with pytest.raises(ValueError, match="not finite"):
        frechet_distance(gaussian([0, 0], np.eye(2)), gaussian([0, 0], [[1, 0], [0, value]]))


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_statistics_are_numpys(offset, dtype):
    features = (np.random.default_rng(0).normal(size=(1003, 5)) * [1, 2, 3, 0.1, 10] + offset).astype(dtype)
    running = RunningGaussian()
    for part in np.split(features, [1, 8, 500, 501, 1000]):  # uneven batches, one of a single vector
        running.add(torch.from_numpy(part))
    found = running.result()
    exact = features.astype(np.float64)
    assert found.count == 1003 and found.mean.dtype == found.covariance.dtype == np.float64
    np.testing.assert_allclose(found.mean, exact.mean(0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(exact, rowvar=False), rtol=1e-9, atol=1e-9)


def test_running_statistics_by_hand():
    # 1, 2, 6: mean 3, deviations -2, -1, 3, unbiased variance 14 / 2 = 7.
    running = RunningGaussian()
    for value in (1.0, 2.0, 6.0):
        running.add(torch.tensor([[value]]))
    found = running.result()
    assert found.mean.tolist() == pytest.approx([3.0]) and found.covariance.tolist() == [[pytest.approx(7.0)]]


@pytest.mark.parametrize("count", [0, 1])
def test_one_vector_has_no_covariance(count):
    running = RunningGaussian()
    if count:
        running.add(torch.ones(1, 3))
    with pytest.raises(ValueError, match=f"at least two feature vectors, got {count}"):
        running.result()
