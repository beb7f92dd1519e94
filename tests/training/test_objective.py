"""Eq. 13, the original penalty and the hinge loss on critics whose scores and gradients are known."""

import pytest
import torch
from torch import nn

from selfsparse.training.objective import discriminator_loss, generator_loss, gradient_penalty, sample_on_lines


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
    penalty = gradient_penalty(critic, images(0, 4, torch.float64))  # means of four are exact
    assert penalty.item() == 1785.0  # 0^2 + ... + 17^2 = 17 * 18 * 35 / 6, wherever the points lie
    # Its double backward: d|w|^2 / dw = 2 w, exactly.
    penalty.backward()
    assert torch.equal(critic.w.grad, 2 * w)


def test_penalty_of_a_quadratic_critic():
    # |a x|^2 = a^2 |x|^2 with a = 3: points of squared norms 4 and 1 have penalties 36 and 9, mean 22.5.
    points = torch.zeros(2, 2, 3, 3, dtype=torch.float64)
    points[0, 0, 0, 0], points[1, 1, 2, 2] = 2.0, -1.0
    critic = Quadratic(3.0)
    penalty = gradient_penalty(critic, points)
    assert penalty.item() == 22.5
    penalty.backward()
    assert critic.a.grad.item() == 15.0  # 2 a (4 + 1) / 2


def test_penalty_has_a_finite_gradient_where_the_norm_has_none():
    critic = Quadratic(3.0)  # grad D = 0 at x = 0 (U4)
    penalty = gradient_penalty(critic, torch.zeros(2, 1, 2, 2, dtype=torch.float64))
    penalty.backward()
    assert penalty.item() == 0 and critic.a.grad.item() == 0


@pytest.mark.parametrize(
    ("slope", "zero_centred", "one_centred"), [(1.0, 1.0, 0.0), (3.0, 9.0, 4.0), (0.5, 0.25, 0.25), (0.0, 0.0, 1.0)]
)
def test_where_the_penalty_is_centred(slope, zero_centred, one_centred):
    # D(x) = <w, x> with |w| = slope: |w|^2, and (|w| - 1)^2 of the original WGAN-GP (U3). Eq. 13 prints the first.
    w = torch.zeros(2, 3, 3, dtype=torch.float64)
    w[0, 0, 0], w[1, 2, 1] = 0.6 * slope, -0.8 * slope
    points = images(0, 4, torch.float64)
    assert gradient_penalty(Linear(w), points).item() == pytest.approx(zero_centred, abs=1e-14)
    assert gradient_penalty(Linear(w), points, 0).item() == pytest.approx(zero_centred, abs=1e-14)
    assert gradient_penalty(Linear(w), points, 1).item() == pytest.approx(one_centred, abs=1e-14)


def test_the_one_centred_penaltys_own_gradient():
    # d (|w| - 1)^2 / dw = 2 (|w| - 1) w / |w|; with w = (3, 4, 0, ...): 8 * (0.6, 0.8, 0, ...).
    w = torch.zeros(2, 3, 3, dtype=torch.float64)
    w[0, 0, 0], w[0, 0, 1] = 3.0, 4.0
    critic = Linear(w.clone())
    gradient_penalty(critic, images(0, 4, torch.float64), 1).backward()
    torch.testing.assert_close(critic.w.grad, 1.6 * w, rtol=1e-14, atol=0)


def test_the_one_centred_penalty_is_per_image():
    # |a x| with a = 3 is 6 and 3: ((6 - 1)^2 + (3 - 1)^2) / 2 = 14.5, not (4.5 - 1)^2 = 12.25.
    points = torch.zeros(2, 2, 3, 3, dtype=torch.float64)
    points[0, 0, 0, 0], points[1, 1, 2, 2] = 2.0, -1.0
    critic = Quadratic(3.0)
    penalty = gradient_penalty(critic, points, 1)
    assert penalty.item() == 14.5
    penalty.backward()
    assert critic.a.grad.item() == 12.0  # mean of 2 (6 - 1) 2 and 2 (3 - 1) 1


def test_the_one_centred_penalty_where_the_gradient_is_zero():
    # The root's slope is infinite there; the penalty is 1, and what reaches the weights is 0, not NaN.
    critic = Quadratic(3.0)
    penalty = gradient_penalty(critic, torch.zeros(2, 1, 2, 2, dtype=torch.float64), 1)
    penalty.backward()
    assert penalty.item() == 1.0 and critic.a.grad.item() == 0.0
    flat = Linear(torch.zeros(2, 3, 3))
    gradient_penalty(flat, images(0), 1).backward()
    assert torch.equal(flat.w.grad, torch.zeros(2, 3, 3))


def test_penalty_leaves_its_points_alone():
    points = images(0, 6, torch.float64)
    gradient_penalty(Linear(torch.ones(2, 3, 3, dtype=torch.float64)), points)
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


@pytest.mark.parametrize("one_pass", [True, False])
def test_discriminator_loss_of_a_linear_critic(one_pass):
    # E[D(G(z))] - E[D(x)] + lambda |w|^2 with w = 1: mean sums of fake and real, and 18 lambda.
    real, fake = images(1), images(2)
    critic = Linear(torch.ones(2, 3, 3))
    points = sample_on_lines(real, fake, rng())
    found = discriminator_loss(critic, real, fake, points, 10.0, one_pass=one_pass)
    expected = (fake.sum() - real.sum()).item() / 6 + 180.0
    assert found.loss.item() == pytest.approx(expected, rel=1e-6)
    assert found.penalty.item() == 18.0 and not found.penalty.requires_grad
    # Gradient: E[fake] - E[real] + 2 lambda w.
    found.loss.backward()
    torch.testing.assert_close(critic.w.grad, fake.mean(0) - real.mean(0) + 20.0, rtol=1e-6, atol=0)


class Counted(Linear):
    """How many images each call scores."""

    def __init__(self, w: torch.Tensor) -> None:
        super().__init__(w)
        self.calls: list[int] = []

    def forward(self, images):
        self.calls.append(len(images))
        return super().forward(images)


@pytest.mark.parametrize("loss", ["wasserstein", "hinge"])
@pytest.mark.parametrize(
    ("weight", "one_pass", "calls"),
    [(0.0, True, [12]), (0.0, False, [6, 6]), (10.0, True, [6, 12]), (10.0, False, [6, 6, 6])],
)
def test_the_critic_scores_fakes_reals_and_only_if_needed_the_lines(loss, weight, one_pass, calls):
    critic, points = Counted(torch.ones(2, 3, 3)), images(3) if weight else None
    found = discriminator_loss(critic, images(1), images(2), points, weight, loss=loss, one_pass=one_pass)
    assert critic.calls == calls
    assert found.penalty.item() == (18.0 if weight else 0.0) and found.penalty.shape == ()


def test_without_points_the_loss_is_wassersteins():
    real, fake = images(1), images(2)
    critic = Linear(torch.ones(2, 3, 3))
    loss = discriminator_loss(critic, real, fake, None, 0.0).loss
    assert loss.item() == pytest.approx((fake.sum() - real.sum()).item() / 6, rel=1e-6)
    loss.backward()
    torch.testing.assert_close(critic.w.grad, fake.mean(0) - real.mean(0), rtol=1e-6, atol=1e-7)


def points_of(values: list[float]) -> torch.Tensor:
    """Images of one pixel, so that D(x) = w x."""
    return torch.tensor(values, dtype=torch.float64)[:, None, None, None]


def unit_critic(w: float = 1.0) -> Linear:
    return Linear(torch.full((1, 1, 1), w, dtype=torch.float64))


@pytest.mark.parametrize("one_pass", [True, False])
def test_hinge_loss_by_hand(one_pass):
    # Reals score 2, 0.5, -1: max(0, 1 - D) = 0, 0.5, 2. Fakes score -3, -0.5, 1: max(0, 1 + D) = 0, 0.5, 2. Means 2.5 / 3.
    real, fake = points_of([2.0, 0.5, -1.0]), points_of([-3.0, -0.5, 1.0])
    critic = unit_critic()
    found = discriminator_loss(critic, real, fake, None, 0.0, loss="hinge", one_pass=one_pass)
    assert found.loss.item() == pytest.approx(5 / 3, rel=1e-14)
    # Only scores inside the margin pull: -(0.5 - 1) / 3 from the reals, (-0.5 + 1) / 3 from the fakes.
    found.loss.backward()
    assert critic.w.grad.item() == pytest.approx(1 / 3, rel=1e-14)


def test_hinge_loss_rests_beyond_the_margin():
    # Reals above 1, fakes below -1: the loss is 0 and moves nothing. The Wasserstein loss would go on.
    real, fake = points_of([2.0, 3.0]), points_of([-2.0, -3.0])
    critic = unit_critic()
    found = discriminator_loss(critic, real, fake, None, 0.0, loss="hinge")
    found.loss.backward()
    assert found.loss.item() == 0 and critic.w.grad.item() == 0
    assert discriminator_loss(critic, real, fake, None, 0.0).loss.item() == -5.0


@pytest.mark.parametrize(
    ("loss", "centre", "expected"),
    # w = 3, lambda = 10. Wasserstein: D(fake) - D(real) = -3 - 6 = -9; hinge: max(0, 1 - 6) + max(0, 1 - 3) = 0.
    # Penalties: |w|^2 = 9, (|w| - 1)^2 = 4.
    [("wasserstein", 0, 81.0), ("wasserstein", 1, 31.0), ("hinge", 0, 90.0), ("hinge", 1, 40.0)],
)
def test_each_loss_with_each_penalty(loss, centre, expected):
    found = discriminator_loss(
        unit_critic(3.0),
        points_of([2.0, 2.0]),
        points_of([-1.0, -1.0]),
        points_of([0.5, 1.0]),
        penalty_weight=10.0,
        penalty_centre=centre,
        loss=loss,
    )
    assert found.loss.item() == pytest.approx(expected, rel=1e-14)
    assert found.penalty.item() == pytest.approx([9.0, 4.0][centre], rel=1e-14)


def test_generator_loss_of_a_linear_critic():
    fake = images(2, 6, torch.float64).requires_grad_()
    w = torch.full((2, 3, 3), 2.0, dtype=torch.float64)
    loss = generator_loss(Linear(w), fake)
    assert loss.item() == pytest.approx(-2 * fake.sum().item() / 6, rel=1e-12)
    loss.backward()
    torch.testing.assert_close(fake.grad, torch.full_like(fake, -2 / 6), rtol=1e-12, atol=0)
