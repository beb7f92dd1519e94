"""Images in exact counts, and a FID that does not depend on how they are batched."""

import numpy as np
import pytest
import torch
from torch import nn

from selfsparse.errors import NotFiniteError
from selfsparse.metrics.frechet import Gaussian, RunningGaussian, frechet_distance, lower_factor
from selfsparse.metrics.generated import first_images, measure_fid, tile
from selfsparse.metrics.reference import Reference
from selfsparse.models.sampling import draw_latents, generate, sampling, to_uint8

CPU = torch.device("cpu")


class Painter(nn.Module):
    """z (N, 12) -> images (N, 3, 2, 2); without batch norm, each image from its latent alone."""

    def forward(self, z):
        return torch.tanh(z).reshape(-1, 3, 2, 2)


class Counter(nn.Module):
    """Features are the pixels; it counts the images that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def forward(self, images):
        assert images.dtype == torch.uint8
        self.batches.append(len(images))
        return images.flatten(1).float() / 255


def reference(features: bool = False) -> Reference:
    rng = np.random.default_rng(0)
    values = rng.random((200, 12)).astype(np.float32)
    covariance = np.cov(values.astype(np.float64), rowvar=False)
    gaussian = Gaussian(values.mean(0, dtype=np.float64), covariance, 200)
    return Reference(100, gaussian, lower_factor(covariance), values if features else None)


@pytest.mark.parametrize("batch_size", [1, 7, 50, 101, 1000])
def test_exactly_as_many_images_as_latents(batch_size):
    counter = Counter()
    measure_fid(Painter(), draw_latents(101, 12, 0), counter, reference(), batch_size, CPU, "running")
    assert sum(counter.batches) == 101  # no dropped remainder, no filled-up last batch
    assert max(counter.batches) <= batch_size


def test_fid_does_not_depend_on_the_batch_size():
    found = [
        measure_fid(Painter(), draw_latents(101, 12, 0), Counter(), reference(), batch_size, CPU, "running")[0]
        for batch_size in (101, 50, 7)
    ]
    assert found[1:] == pytest.approx([found[0]] * 2, rel=1e-9)


def test_fid_is_that_of_the_pixels():
    latents = draw_latents(150, 12, 3)
    fid, features = measure_fid(Painter(), latents, Counter(), reference(features=True), 40, CPU, "running")
    pixels = np.round((np.tanh(latents.numpy()) + 1) * 127.5) / 255
    np.testing.assert_allclose(features.numpy(), pixels, atol=1.01 / 255)  # float32 may round a half otherwise
    assert (np.abs(features.numpy() - pixels) > 1e-6).mean() < 0.01
    running = RunningGaussian()
    running.add(features)
    assert fid == pytest.approx(frechet_distance(reference().gaussian, running.result()), rel=1e-9)
    assert measure_fid(Painter(), latents, Counter(), reference(), 40, CPU, "running")[1] is None


def test_scaling_makes_the_round_trip():
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(pixels.float() / 127.5 - 1), pixels)
    assert to_uint8(torch.tensor([-1.0, 1.0, 0.0, -9.0, 9.0])).tolist() == [0, 255, 128, 0, 255]


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 100, 4999])
def test_latent_k_does_not_depend_on_the_count(count):
    """A larger sample begins with the smaller one, so 5K and 50K FIDs share their first images."""
    assert torch.equal(draw_latents(count, 7, 5), draw_latents(5000, 7, 5)[:count])


def test_latents_are_standard_normal_and_the_seeds_own():
    z = draw_latents(20_000, 4, 1)
    assert z.mean().item() == pytest.approx(0, abs=5 / 80_000**0.5)
    assert z.std().item() == pytest.approx(1, abs=5 / 160_000**0.5)
    torch.manual_seed(7)
    assert torch.equal(z, draw_latents(20_000, 4, 1)) and not torch.equal(z, draw_latents(20_000, 4, 2))


@pytest.mark.parametrize("training", [False, True])
def test_generating_uses_running_statistics_and_leaves_the_mode(training):
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(4, affine=False)
            self.norm.running_mean[:] = 1.0  # far from any batch's

        def forward(self, z):
            return self.norm(z[:, :, None, None]).reshape(-1, 1, 2, 2)

    generator = Normed().train(training)
    latents = draw_latents(6, 4, 0)
    images = torch.cat(list(generate(generator, latents, 4, CPU, "running")))
    # (z - 1) / sqrt(1 + 1e-5), by the running mean 1 and variance 1.
    assert torch.equal(images.flatten(1), to_uint8((latents - 1) / (1 + 1e-5) ** 0.5))
    assert generator.training == training and (generator.norm.running_mean == 1).all()


def test_generating_with_batch_statistics():
    """U18, the other reading: every batch is normalised by itself, and running statistics stay as they were."""

    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(1)

        def forward(self, z):
            return self.norm(z.reshape(-1, 1, 2, 2))

    generator = Normed().train()
    generator(torch.randn(8, 4))
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    latents = draw_latents(6, 4, 0)
    images = torch.cat(list(generate(generator, latents, 4, CPU, "batch")))
    expected = [(part - part.mean()) / (part.var(correction=0) + 1e-5).sqrt() for part in (latents[:4], latents[4:])]
    assert (images.flatten(1).int() - to_uint8(torch.cat(expected)).int()).abs().max() <= 1  # rounding of a half
    assert generator.training and generator.norm.training and generator.norm.track_running_stats
    assert all(torch.equal(before[name], value) for name, value in generator.state_dict().items())
    with pytest.raises(RuntimeError), sampling(generator, "batch"):
        raise RuntimeError
    assert generator.norm.track_running_stats


@pytest.mark.parametrize("batch_norm", ["running", "batch"])
def test_the_first_images_are_those_of_the_whole_batch(batch_norm):
    """Under the statistics of a batch an image depends on those beside it: three are drawn as they are among eight."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Unflatten(1, (3, 2, 2)), nn.BatchNorm2d(3))
    latents = draw_latents(20, 12, 0)
    found = first_images(generator, latents, 3, 8, CPU, batch_norm)
    assert torch.equal(found, next(generate(generator, latents, 8, CPU, batch_norm))[:3])
    alone = next(generate(generator, latents[:3], 8, CPU, batch_norm))
    assert torch.equal(found, alone) == (batch_norm == "running")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("position", [0, 5, 9])
def test_images_that_are_not_finite_are_no_black_ones(value, position):
    latents = draw_latents(10, 12, 0)
    latents[position, 3] = value
    identity = nn.Unflatten(1, (3, 2, 2))
    with pytest.raises(NotFiniteError, match="the generated images are not finite"):
        list(generate(identity, latents, 4, CPU, "running"))
    with pytest.raises(NotFiniteError, match="the generated images are not finite"):
        measure_fid(identity, latents, Counter(), reference(), 4, CPU, "running")


def test_a_sheet_reads_row_by_row():
    images = torch.zeros(5, 3, 2, 2, dtype=torch.uint8)
    for i in range(5):
        images[i] = torch.tensor([10 * i + 10, 1, 2])[:, None, None]
    sheet = np.asarray(tile(images, 3))
    assert sheet.shape == (4, 6, 3)
    assert sheet[::2, ::2, 0].tolist() == [[10, 20, 30], [40, 50, 0]]
    assert sheet[0, 0].tolist() == [10, 1, 2] and sheet[3, 5].tolist() == [0, 0, 0]
    grey = np.asarray(tile(torch.arange(4, dtype=torch.uint8).reshape(1, 1, 2, 2), 1))
    assert grey.tolist() == [[0, 1], [2, 3]]
