"""Statistics of the real images: exact counts, numpy's own numbers, and what they were made from."""

import hashlib
import json

import numpy as np
import pytest
import torch
from torch import nn

from selfsparse.config import RealImages
from selfsparse.data.packed import PackedDataset, real_subset
from selfsparse.errors import DataError
from selfsparse.metrics.reference import load_reference, make_references

CPU = torch.device("cpu")
MATCHED = RealImages(seed=3, count="matched")


class Pixels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def forward(self, images):
        self.seen += len(images)
        return images.flatten(1).float()


@pytest.fixture
def dataset() -> PackedDataset:
    images = np.random.default_rng(0).integers(0, 256, (90, 1, 2, 3), dtype=np.uint8)
    return PackedDataset(images, np.zeros(90, np.int64), {"sha256": "the images' own"})


@pytest.mark.parametrize("batch_size", [1, 32, 1000])
def test_both_sizes(dataset, tmp_path, batch_size):
    pixels = Pixels()
    described = make_references(dataset, pixels, (40, 500), MATCHED, batch_size, CPU, tmp_path)
    assert pixels.seen == 40 + 90  # min(wanted, all) (U39)
    assert described["small"] == {"wanted": 40, "real_images": 40}
    assert described["large"] == {"wanted": 500, "real_images": 90}
    assert (described["seed"], described["count"]) == (3, "matched") and described["images_sha256"] == "the images' own"
    assert described["sha256"] == hashlib.sha256((tmp_path / "small.npz").read_bytes()).hexdigest()
    assert json.loads((tmp_path / "reference.json").read_text()) == described
    flat = dataset.images.reshape(90, 6).astype(np.float64)
    for size, values in (("small", flat[real_subset(90, 40, 3)]), ("large", flat)):
        found = load_reference(tmp_path, size)
        assert (found.wanted, found.gaussian.count) == (described[size]["wanted"], len(values))
        np.testing.assert_allclose(found.gaussian.mean, values.mean(0), rtol=1e-12)
        np.testing.assert_allclose(found.gaussian.covariance, np.cov(values, rowvar=False), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.factor @ found.factor.T, found.gaussian.covariance, rtol=1e-9, atol=1e-7)
        if size == "small":
            np.testing.assert_array_equal(found.features, values.astype(np.float32))
        else:
            assert found.features is None


def test_against_all_real_images(dataset, tmp_path):
    """U39, the other reading: both FIDs against all images; the kernel distance against as many as before."""
    described = make_references(dataset, Pixels(), (40, 500), RealImages(seed=3, count="all"), 32, CPU, tmp_path)
    assert [described[size]["real_images"] for size in ("small", "large")] == [90, 90]
    flat = dataset.images.reshape(90, 6).astype(np.float64)
    small = load_reference(tmp_path, "small")
    assert small.wanted == 40
    np.testing.assert_allclose(small.gaussian.mean, flat.mean(0), rtol=1e-12)
    np.testing.assert_array_equal(small.features, flat[real_subset(90, 40, 3)].astype(np.float32))


def test_the_same_bytes_twice(dataset, tmp_path):
    for name in ("a", "b"):
        make_references(dataset, Pixels(), (40, 50), MATCHED, 32, CPU, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_not_made_yet(tmp_path):
    with pytest.raises(DataError, match="dvc repro -s reference@digits-16-lenet"):
        load_reference(tmp_path / "digits-16-lenet", "small")
