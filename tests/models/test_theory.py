"""The theory of Sec. 3.2 (v1; Sec. 2.2 of v2) beyond its proofs, in float64, on the project's own generator stage.

What holds, and under which premise, is in selfsparse/paper/proofs.py. Here: that the form as printed, without the sums
over positions and channels or without batch norm's Jacobian (U59), is another number; Eq. 12; and what role 3 reasons from.

Shapes: y (N, M, H', W') in, h, x, s (N, C, H, W), alpha (N, C), beta (N, H, W), kernels v (M, C, k, k).
"""

import itertools

import pytest
import torch
from torch import Tensor, nn

from selfsparse.models import SASTM
from selfsparse.models.dcgan import DCGANGenerator, GeneratorStage
from selfsparse.paper.proofs import (
    LATENT,
    C,
    Centred,
    N,
    batch_norm,
    close_heads,
    draw,
    make_stage,
    run,
)

EXACT = {"rtol": 1e-10, "atol": 1e-13}


def is_none_of(terms: Tensor, gradient: Tensor, over: tuple[int, ...]) -> bool:
    """Whether no single term is the gradient, their sum, wherever that has more than one: what is printed without a sum."""
    gradient = gradient.expand_as(terms)
    several = (terms != 0).sum(over, keepdim=True) > 1
    asked = several & (terms != 0)
    return bool(asked.any()) and not torch.isclose(terms, gradient, rtol=1e-6, atol=0)[asked].any()


# Eq. 6


def test_equation_6_without_sums_is_not_the_gradient():
    # As printed, the gradient by alpha_i is g_ijk h_ijk, one number per position: no position has the true one.
    p = run(make_stage(norm=batch_norm()))
    printed = p.gradient(p.x) * p.h
    assert is_none_of(printed, p.gradient(p.alpha)[:, :, None, None], over=(2, 3))
    assert is_none_of(printed, p.gradient(p.beta)[:, None], over=(1,))


# Eq. 8 to 10


def test_equations_8_to_10_without_sums_are_not_the_gradients():
    # As printed they are one number per image and position (and channel), and none of them is the gradient.
    p = run(make_stage(norm=Centred(), kernel=1))
    before = torch.einsum("mi,nmjk->nijk", p.v[:, :, 0, 0], p.y_before)
    terms = p.gated[:, None] * p.both[:, None] * p.y_before[:, :, None]  # (N, M, C, H, W)
    assert is_none_of(terms, p.gradient(p.v)[None], over=(0, 3, 4))
    assert is_none_of(p.gated * before, p.gradient(p.alpha)[:, :, None, None], over=(2, 3))
    assert is_none_of(p.gated * before, p.gradient(p.beta)[:, None], over=(1,))


def test_batch_norm_leaves_equations_8_to_10_another_gradient_of_x():
    """Batch norm's Jacobian takes out of the gradient its mean and its part along x, per channel.

    So sum g = 0 and sum g x = 0 over images and positions of a channel; the gated gradient of Eq. 8 to 10 has neither.
    Some positions with phi_bn(x) <= 0, to which Eq. 8 to 10 give 0, have a gradient.
    """
    p = run(make_stage(norm=batch_norm()))
    g = p.gradient(p.x)
    zero = torch.zeros(C, dtype=torch.float64)
    torch.testing.assert_close(g.sum((0, 2, 3)), zero, rtol=0, atol=1e-10)
    torch.testing.assert_close((g * p.x).sum((0, 2, 3)), zero, rtol=0, atol=1e-10)
    assert (p.gated.sum((0, 2, 3)).abs() > 1e-3).all() and ((p.gated * p.x).sum((0, 2, 3)).abs() > 1e-3).all()
    shut = (p.y == 0) & (p.x != 0)
    assert shut.any() and (g[shut] != 0).all() and (p.gated[shut] == 0).all()


# Role 1


def test_role_1_with_the_affine_map_a_dead_channel_still_adds_a_constant():
    """Batch norm's bias turns x_i = 0 into max(b_i, 0): what the paper leaves out keeps the next layer's kernels in use."""
    stage = make_stage(norm=batch_norm())
    close_heads(stage, [1, 4], beta=True)
    with torch.no_grad():
        stage.norm.bias[1], stage.norm.bias[4] = 0.7, -0.7
    y = run(stage).y
    assert torch.allclose(y[:, 1], torch.tensor(0.7, dtype=y.dtype)) and (y[:, 4] == 0).all()


# Eq. 12 (claim C23)


def positive_values(n: int = 600) -> Tensor:
    return -torch.rand(n, generator=torch.Generator().manual_seed(5), dtype=torch.float64).clamp(min=1e-12).log()


def with_zeros(values: Tensor, zeros: int) -> Tensor:
    """One map (1, 1, 1, W) of these values and so many zeros: xi grows with them, mu~ stays."""
    return torch.cat([values, torch.zeros(zeros, dtype=values.dtype)])[None, None, None]


def lost(x: Tensor) -> float:
    """P(s < 0 | x > 0), s after mean-only batch norm."""
    s, above = Centred()(x), x > 0
    return float((s[above] < 0).double().mean())


def test_equation_12_adding_zeros_loses_fewer_positive_values():
    """P(s < 0 | x > 0) = P(0 < x < (1 - xi) mu~), which falls as xi grows while mu~ is held."""
    values = positive_values()
    mean, found = values.mean(), []
    for zeros in (0, 200, 600, 1800, 6000):
        x = with_zeros(values, zeros)
        xi = zeros / (len(values) + zeros)
        assert lost(x) == float((values < (1 - xi) * mean).double().mean())
        found.append(lost(x))
    assert all(a > b for a, b in itertools.pairwise(found)) and found[-1] < 0.1 < 0.5 < found[0]
    # For exponential values P(x < c mu~) is 1 - exp(-c): 0.632 without zeros, 0.393 at xi = 1/2.
    assert found[0] == pytest.approx(0.632, abs=0.05) and found[2] == pytest.approx(0.393, abs=0.05)


def test_equation_12_is_not_strict_for_every_distribution():
    # Printed with >. Without a value between (1 - xi) mu~ and mu~ nothing changes: 1 and 9, mu~ = 5, (1 - 1/3) 5 = 3.3.
    values = torch.tensor([1.0, 9.0], dtype=torch.float64)
    assert lost(with_zeros(values, 0)) == lost(with_zeros(values, 1)) == 0.5
    assert lost(with_zeros(values, 10)) == 0.0  # 1 > 10 / 12
    # Equal values lie on their mean: none is lost, with or without zeros.
    assert lost(with_zeros(torch.ones(4, dtype=torch.float64), 0)) == 0.0


def test_equation_12_for_maps_of_both_signs():
    """In general x has both signs (U60). Where mu~ <= 0 no positive value is lost, whatever xi; and where mu~ is near 0,
    as in a symmetric map, hardly any is, before any zero is added.
    """
    values = draw(600, seed=6)
    values = values - values.mean()
    assert all(lost(with_zeros(values - 0.3, zeros)) == 0 for zeros in (0, 600))
    assert all(lost(with_zeros(values, zeros)) < 0.01 for zeros in (0, 600))
    assert lost(with_zeros(values.abs(), 0)) > 0.5
    assert lost(with_zeros(values + 0.3, 0)) > lost(with_zeros(values + 0.3, 600)) > 0  # with mu~ > 0, as Eq. 12 says
    p = run(make_stage(norm=Centred()))
    assert (p.x > 0).any() and (p.x < 0).any()


def test_role_2_counts_positive_values_only():
    """The zeros themselves lie below the mean of a map x >= 0, and get no gradient: of all positions more do as xi grows."""
    values, shares = positive_values(), []
    for zeros in (0, 200, 600, 1800):
        s = Centred()(with_zeros(values, zeros))
        shares.append(float((s <= 0).double().mean()))
        xi = zeros / (len(values) + zeros)
        assert shares[-1] == pytest.approx(xi + (1 - xi) * lost(with_zeros(values, zeros)))
    assert all(a < b for a, b in itertools.pairwise(shares))


# Role 3 (claim C25): the signs that it reasons from


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_role_3_signs_under_the_papers_premise(sign):
    """x > 0 and all gradients by y of one sign: those by v, alpha and beta have it too, without a batch norm."""
    stage = make_stage(norm=nn.Identity(), kernel=1)
    with torch.no_grad():
        stage.deconv.weight.abs_()
    by_y = sign * (draw(N, C, 4, 4, seed=4).abs() + 0.1)
    p = run(stage, by_y=by_y)
    assert (p.x >= 0).all()
    for gradient in (p.gradient(p.v), p.gradient(p.alpha), p.gradient(p.beta)):
        assert (sign * gradient >= 0).all() and (gradient != 0).any()


def test_role_3_behind_a_batch_norm_the_kernels_gradient_has_both_signs():
    """Batch norm takes no notice of a channel's scale, so a channel's kernels and their gradient are at right angles:

    sum v dL/dv = 0 over a channel's kernels. Positive kernels cannot all be pushed the same way, as role 3 has it.
    """
    stage = make_stage(norm=batch_norm(), kernel=1)
    with torch.no_grad():
        stage.deconv.weight.abs_()
    p = run(stage, by_y=draw(N, C, 4, 4, seed=4).abs() + 0.1)
    by_v = p.gradient(p.v)[:, :, 0, 0]
    assert (by_v * p.v[:, :, 0, 0]).sum(0).abs().max() < 1e-10
    for i in range(C):
        assert (by_v[:, i] > 0).any() and (by_v[:, i] < 0).any()


def test_a_whole_generator_is_made_of_these_stages():
    """What is proven for a stage is so in a network: its stages are of this class, their maps those of Eq. 3."""
    torch.manual_seed(0)
    network = DCGANGenerator(LATENT, [6, 4], 1, 16, lambda c, size: SASTM(LATENT, c, size, mlp_widths=(7,))).double()
    outputs = network.sastm_outputs(draw(N, LATENT, seed=1))
    assert all(type(stage) is GeneratorStage for stage in network.stages)
    for o in outputs:
        torch.testing.assert_close(o.x, (o.alpha[:, :, None, None] + o.beta[:, None]) * o.h, **EXACT)
