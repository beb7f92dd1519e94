"""Eq. 4, 5 and 15 on maps whose zeros are counted by hand."""

import pytest
import torch
from torch import nn

from selfsparse.metrics.sparsity import channel_sparsity, measure_sparsity, position_sparsity
from selfsparse.models.dcgan import StageOutput

# Two images of three channels of 2 x 3: zeros 6, 4 and 0 of 6 positions, then 3, 0 and 5.
MAPS = torch.tensor(
    [
        [[[0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, -1, 2]], [[1, 2, 3], [4, 5, 6]]],
        [[[0, 0, 0], [1, 1, 1]], [[1e-30, 1, 1], [1, 1, 1]], [[0, 0, 0], [0, 0, 9]]],
    ]
)


def test_position_sparsity_counts_exact_zeros():
    # 1e-30 is no zero (U50).
    assert position_sparsity(MAPS).flatten().tolist() == pytest.approx([1, 2 / 3, 0, 1 / 2, 0, 5 / 6])


@pytest.mark.parametrize("rate", [2 / 3, 0.6667])
def test_channel_sparsity_counts_channels_from_two_thirds_on(rate):
    xi = torch.tensor([[1.0, 0.75, 0.5, 0.0], [0.0, 0.1, 0.2, 0.66]])
    assert channel_sparsity(xi, rate).tolist() == [0.5, 0.0]


def test_exactly_two_thirds_is_sparse():
    # Eq. 5 has "greater or equal": 4 zeros of 6 count, as do 2/3 of any number of positions that 3 divides.
    assert channel_sparsity(position_sparsity(MAPS)).tolist() == pytest.approx([2 / 3, 1 / 3])


class Normed(nn.Module):
    """A stage whose map is its batch norm's output, of a channel whose running mean is 1: zero for a latent of 1."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.norm.running_mean[:] = 1.0

    def sastm_outputs(self, z):
        x = self.norm(z[:, :, None, None])
        return [StageOutput(None, None, x, x)]


@pytest.mark.parametrize(("batch_norm", "xi"), [("running", 2 / 6), ("batch", 3 / 6)])
def test_batch_norms_are_as_when_images_are_drawn(batch_norm, xi):
    """In batches of three: 1, 1, 4 and 2, 2, 2. Less the running mean, 1, two are zero; less the batch's own, 2, three."""
    latents = torch.tensor([[1.0], [1.0], [4.0], [2.0], [2.0], [2.0]])
    (stage,) = measure_sparsity(Normed(), latents, 2 / 3, 3, torch.device("cpu"), batch_norm)
    assert stage.xi == pytest.approx(xi)


class Fake(nn.Module):
    """A generator whose stages are MAPS, picked by the latent, with alpha in the first and beta in the second."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def sastm_outputs(self, z):
        assert not self.training
        self.batches.append(len(z))
        x = MAPS[z[:, 0].long()]
        alpha = (z[:, :1] > 0).float().expand(-1, 3)  # 0 for the first image, 1 for the second
        beta = torch.ones(len(z), 4, 4)
        beta[:, 0] = 0
        return [StageOutput(alpha, None, x, x), StageOutput(None, beta, x, torch.zeros(len(z), 2, 4, 4))]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_rates_of_a_generator(batch_size):
    # Latents pick the images 0, 0, 1, 0, 1. Means over channels: 5/9 and 4/9, so xi = (3 * 5/9 + 2 * 4/9) / 5 = 23/45.
    # zeta of Eq. 5 at 2/3: 2/3 and 1/3, so (3 * 2/3 + 2 * 1/3) / 5 = 8/15. alpha is zero in 3 of 5.
    latents = torch.tensor([[0.0], [0.0], [1.0], [0.0], [1.0]])
    generator = Fake()
    first, second = measure_sparsity(generator, latents, 2 / 3, batch_size, torch.device("cpu"), "running")
    assert sum(generator.batches) == 5
    assert (first.stage, first.size, first.channels) == (1, 2, 3)
    assert (first.xi, first.zeta) == pytest.approx((23 / 45, 8 / 15))
    assert first.alpha_zero == pytest.approx(0.6) and first.beta_zero is None
    assert (second.stage, second.size, second.channels) == (2, 4, 2)
    assert (second.xi, second.zeta, second.beta_zero) == pytest.approx((1, 1, 0.25)) and second.alpha_zero is None
    # At a rate of 1/2 a third channel is sparse, of the second image: 2/3 of both.
    other, _ = measure_sparsity(Fake(), latents, 1 / 2, batch_size, torch.device("cpu"), "running")
    assert other.zeta == pytest.approx(2 / 3) and other.xi == first.xi
