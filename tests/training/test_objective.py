"""Eq. 13 on critics whose gradients are known."""

import pytest
import torch
from torch import nn

from selfsparse.training.objective import discriminator_loss, generator_loss, sample_on_lines, zero_centred_penalty


class Linear(nn.Module):
    """D(x) = w . x, so grad D = w everywhere."""

    def __init__(self, w: torch.Tensor) -> None:
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, images):
        return torch.einsum("chw,nchw->n", self.w, images)


class Quadratic(nn.Module):
    """D(x) = a |x|^2 / 2, so grad D = a x."""

    def __init__(self, a: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a, dtype=torch.float64))

    def forward(self, images):
        return self.a * images.square().sum((1, 2, 3)) / 2


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(seed: int, n: int = 6, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand(n, 2, 3, 3, generator=rng(seed), dtype=dtype) * 2 - 1


def test_penalty_of_a_linear_critic_is_the_squared_norm_of_its_weights():
    w = torch.arange(18.0, dtype=torch.float64).reshape(2, 3, 3)
    critic = Linear(w.clone())
    penalty = zero_centred_penalty(critic, images(0, 4, torch.float64))  # means of four are exact
    assert penalty.item() == 1785.0  # 0^2 + ... + 17^2 = 17 * 18 * 35 / 6, wherever the points lie
    # Its double backward: d|w|^2 / dw = 2 w, exactly.
    penalty.backward()
    assert torch.equal(critic.w.grad, 2 * w)


def test_penalty_of_a_quadratic_critic():
    # |a x|^2 = a^2 |x|^2 with a = 3: points of squared norms 4 and 1 have penalties 36 and 9, mean 22.5.
    points = torch.zeros(2, 2, 3, 3, dtype=torch.float64)
    points[0, 0, 0, 0], points[1, 1, 2, 2] = 2.0, -1.0
    critic = Quadratic(3.0)
    penalty = zero_centred_penalty(critic, points)
    assert penalty.item() == 22.5
    penalty.backward()
    assert critic.a.grad.item() == 15.0  # 2 a (4 + 1) / 2


def test_penalty_has_a_finite_gradient_where_the_norm_has_none():
    critic = Quadratic(3.0)  # grad D = 0 at x = 0 (U4)
    penalty = zero_centred_penalty(critic, torch.zeros(2, 1, 2, 2, dtype=torch.float64))
    penalty.backward()
    assert penalty.item() == 0 and critic.a.grad.item() == 0


def test_penalty_is_centred_at_zero_not_at_one():
    w = torch.zeros(2, 3, 3, dtype=torch.float64)
    w[0, 0, 0] = 1.0  # a critic of slope 1: WGAN-GP's own penalty would be 0
    assert zero_centred_penalty(Linear(w), images(0, 6, torch.float64)).item() == 1.0


def test_penalty_leaves_its_points_alone():
    points = images(0, 6, torch.float64)
    zero_centred_penalty(Linear(torch.ones(2, 3, 3, dtype=torch.float64)), points)
    assert not points.requires_grad and points.grad is None


def test_points_lie_on_the_lines_one_position_per_pair():
    real, fake = images(1, 500), images(2, 500) + 3  # at least 1 apart
    points = sample_on_lines(real, fake, rng())
    position = (points - real) / (fake - real)
    first = position.flatten(1)[:, :1]
    torch.testing.assert_close(position.flatten(1), first.expand(-1, 18), rtol=0, atol=1e-5)
    assert first.min() >= 0 and first.max() <= 1
    # Uniform: mean 1/2 and std 1/sqrt(12), each within five of its standard errors.
    assert first.mean().item() == pytest.approx(0.5, abs=5 * 0.2887 / 500**0.5)
    assert first.std().item() == pytest.approx(0.2887, abs=5 * 0.13 / 500**0.5)


def test_points_are_drawn_from_the_given_stream_alone():
    real, fake = images(1), images(2)
    torch.manual_seed(1)
    a = sample_on_lines(real, fake, rng(3))
    torch.manual_seed(2)
    assert torch.equal(a, sample_on_lines(real, fake, rng(3)))
    assert not torch.equal(a, sample_on_lines(real, fake, rng(4)))


def test_discriminator_loss_of_a_linear_critic():
    # E[D(G(z))] - E[D(x)] + lambda |w|^2 with w = 1: mean sums of fake and real, and 18 lambda.
    real, fake = images(1), images(2)
    critic = Linear(torch.ones(2, 3, 3))
    found = discriminator_loss(critic, real, fake, 10.0, rng())
    expected = (fake.sum() - real.sum()).item() / 6 + 180.0
    assert found.loss.item() == pytest.approx(expected, rel=1e-6)
    assert found.penalty.item() == 18.0 and not found.penalty.requires_grad
    # Gradient: E[fake] - E[real] + 2 lambda w.
    found.loss.backward()
    torch.testing.assert_close(critic.w.grad, fake.mean(0) - real.mean(0) + 20.0, rtol=1e-6, atol=0)


def test_without_penalty_weight_the_loss_is_wassersteins():
    real, fake = images(1), images(2)
    critic = Linear(torch.ones(2, 3, 3))
    loss = discriminator_loss(critic, real, fake, 0.0, rng()).loss
    assert loss.item() == pytest.approx((fake.sum() - real.sum()).item() / 6, rel=1e-6)


def test_generator_loss_of_a_linear_critic():
    fake = images(2, 6, torch.float64).requires_grad_()
    w = torch.full((2, 3, 3), 2.0, dtype=torch.float64)
    loss = generator_loss(Linear(w), fake)
    assert loss.item() == pytest.approx(-2 * fake.sum().item() / 6, rel=1e-12)
    loss.backward()
    torch.testing.assert_close(fake.grad, torch.full_like(fake, -2 / 6), rtol=1e-12, atol=0)
