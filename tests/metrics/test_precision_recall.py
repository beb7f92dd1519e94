"""Precision and recall against nearest neighbours counted by hand."""

import numpy as np
import pytest
import torch

from selfsparse.metrics.precision_recall import precision_recall


def by_hand(real: np.ndarray, generated: np.ndarray, k: int = 3) -> tuple[float, float]:
    """Both shares in plain loops: a ball about each feature, as wide as its k-th neighbour of the same set is far."""

    def covered(points, centres) -> float:
        radii = [
            sorted(np.linalg.norm(c - o) for j, o in enumerate(centres) if j != i)[k - 1] for i, c in enumerate(centres)
        ]
        inside = [any(np.linalg.norm(p - c) <= r for c, r in zip(centres, radii, strict=True)) for p in points]
        return float(np.mean(inside))

    return covered(generated, real), covered(real, generated)


def points(n: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, scale, (n, 4))


@pytest.mark.parametrize(("n", "m", "shift", "scale"), [(60, 60, 0.0, 1.0), (40, 70, 1.0, 1.0), (70, 40, 0.0, 0.3)])
def test_it_is_what_counting_gives(n, m, shift, scale):
    real, generated = points(n, 0), points(m, 1, shift, scale)
    found = precision_recall(torch.from_numpy(real), torch.from_numpy(generated))
    assert found == pytest.approx(by_hand(real, generated))


def test_too_alike_images_have_precision_without_recall():
    precision, recall = precision_recall(torch.from_numpy(points(300, 0)), torch.from_numpy(points(300, 1, scale=0.05)))
    assert precision > 0.99 and recall < 0.05


@pytest.mark.parametrize("rows", [10_000, 400])
def test_the_same_features_cover_each_other(monkeypatch, rows):
    monkeypatch.setattr("selfsparse.metrics.precision_recall.ROWS", rows)
    features = torch.from_numpy(points(1000, 0)).float()
    assert precision_recall(features, features) == (1.0, 1.0)


@pytest.mark.parametrize(("real", "generated"), [(3, 10), (10, 3)])
def test_few_features_take_fewer_neighbours(real, generated):
    found = precision_recall(torch.from_numpy(points(real, 0)), torch.from_numpy(points(generated, 1)))
    assert found == pytest.approx(by_hand(points(real, 0), points(generated, 1), k=2))


def test_it_is_torch_fidelitys():
    from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

    real, generated = (torch.from_numpy(points(n, seed, shift)) for n, seed, shift in ((120, 0, 0.0), (90, 1, 0.5)))
    theirs = prc_features_to_metric(
        generated, real, prc_neighborhood=3, prc_batch_size=10_000, save_cpu_ram=False, verbose=False
    )
    assert precision_recall(real, generated) == (theirs[KEY_METRIC_PRECISION], theirs[KEY_METRIC_RECALL])
