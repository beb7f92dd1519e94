"""The theory of Sec. 3.2 (v1; Sec. 2.2 of v2) as proofs by test, in float64, on the project's own generator stage.

Eq. 6, 8, 9 and 10 against automatic differentiation; roles 1 to 3; Eq. 11 and 12. The paper prints Eq. 6, 9 and 10
without the sums over positions and channels, and 8 to 10 without batch norm's Jacobian (U59). Both are taken up here:
what holds, under which premise, and that the form as printed is another number.

Shapes: y (N, M, H', W') in, h, x, s (N, C, H, W), alpha (N, C), beta (N, H, W), kernels v (M, C, k, k).
"""

import itertools
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from selfsparse.models import SASTM
from selfsparse.models.dcgan import DCGANGenerator, GeneratorStage
from selfsparse.models.sastm import recombine

N, M, C, LATENT = 4, 3, 6, 5
EXACT = {"rtol": 1e-10, "atol": 1e-13}


class Centred(nn.Module):
    """Sec. 3.2's batch norm: the mean alone, no division, no affine map; as Eq. 8 to 10 have it, not differentiated."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean((0, 2, 3), keepdim=True).detach()


@dataclass
class Pass:
    """A stage's forward pass whose coefficients, maps and kernels keep their gradients."""

    y_before: Tensor
    v: Tensor
    alpha: Tensor
    beta: Tensor
    h: Tensor
    x: Tensor
    s: Tensor  # after batch norm
    y: Tensor  # after ReLU
    by_y: Tensor  # the loss's gradient with respect to y

    def gradient(self, what: Tensor) -> Tensor:
        return torch.autograd.grad(self.y, what, self.by_y, retain_graph=True)[0]

    @property
    def gated(self) -> Tensor:
        """What Eq. 8 to 10 take for the gradient with respect to x: that of y where phi_bn(x) > 0, else 0."""
        return self.by_y * (self.s > 0)


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


def run(stage: GeneratorStage, y_before: Tensor, seed: int = 1, by_y: Tensor | None = None) -> Pass:
    """Run the stage's own layers one after the other, and see that they are its forward pass."""
    z = draw(len(y_before), LATENT, seed=seed)
    alpha, beta = stage.sastm.coefficients(z)
    h = stage.deconv(y_before)
    x = recombine(h, alpha, beta)
    s = stage.norm(x)
    y = stage.activation(s)
    assert torch.equal(y, stage(y_before, z)[0])
    by_y = draw(*y.shape, seed=seed + 1) if by_y is None else by_y
    return Pass(y_before, stage.deconv.weight, alpha, beta, h, x, s, y, by_y)


def make_stage(
    first: bool = False, norm: nn.Module | None = None, kernel: int = 4, heads=(True, True)
) -> GeneratorStage:
    """One stage of the project; kernel 1 is the premise of Sec. 3.2, under which Eq. 7 to 10 are printed."""
    torch.manual_seed(3)
    size = 4 if first or kernel == 1 else 8
    sastm = SASTM(LATENT, C, size, mlp_widths=(7,), position_size=4, channel_head=heads[0], position_head=heads[1])
    stage = GeneratorStage(M, C, first=first, sastm=sastm)
    if kernel == 1:
        stage.deconv = nn.ConvTranspose2d(M, C, 1, bias=False)
    if norm is not None:
        stage.norm = norm
    return stage.double()


def inputs(stage: GeneratorStage, seed: int = 0) -> Tensor:
    """What comes in: the latent itself at the first stage, else what a ReLU hands over, which is never negative."""
    if stage.deconv.stride == (1, 1) and stage.deconv.kernel_size == (4, 4):
        return draw(N, M, 1, 1, seed=seed)
    return draw(N, M, 4, 4, seed=seed).relu()


def batch_norm() -> nn.BatchNorm2d:
    """The stage's own batch norm with an affine map that is not the identity, and without the epsilon of its root."""
    norm = nn.BatchNorm2d(C, eps=1e-30)
    with torch.no_grad():
        norm.weight.copy_(torch.rand(C, generator=rng(8)) + 0.5)
        norm.bias.copy_(torch.randn(C, generator=rng(9)))
    return norm


def kernel_gradient(stage: GeneratorStage, y_before: Tensor, by_h: Tensor) -> Tensor:
    """The gradient of a deconvolution's kernels written out: each kernel meets the map at stride * j - padding + a."""
    k, stride, padding = (p[0] for p in (stage.deconv.kernel_size, stage.deconv.stride, stage.deconv.padding))
    patches = F.unfold(by_h, k, padding=padding, stride=stride).reshape(len(by_h), C, k, k, -1)
    return torch.einsum("nml,ncabl->mcab", y_before.flatten(2), patches)


def is_none_of(terms: Tensor, gradient: Tensor, over: tuple[int, ...]) -> bool:
    """Whether no single term is the gradient, their sum, wherever that has more than one: what is printed without a sum."""
    gradient = gradient.expand_as(terms)
    several = (terms != 0).sum(over, keepdim=True) > 1
    asked = several & (terms != 0)
    return bool(asked.any()) and not torch.isclose(terms, gradient, rtol=1e-6, atol=0)[asked].any()


# Eq. 6


@pytest.mark.parametrize("norm", [Centred, batch_norm], ids=["centred", "batch norm"])
def test_equation_6_with_its_sums(norm):
    """With g the gradient with respect to x, whatever comes behind:

    by h_ijk: (alpha_i + beta_jk) g_ijk, as printed; by alpha_i: sum_jk g_ijk h_ijk; by beta_jk: sum_i g_ijk h_ijk.
    """
    p = run(stage := make_stage(norm=norm()), inputs(stage))
    g = p.gradient(p.x)
    torch.testing.assert_close(p.gradient(p.h), (p.alpha[:, :, None, None] + p.beta[:, None]) * g, **EXACT)
    torch.testing.assert_close(p.gradient(p.alpha), torch.einsum("nijk,nijk->ni", g, p.h), **EXACT)
    torch.testing.assert_close(p.gradient(p.beta), torch.einsum("nijk,nijk->njk", g, p.h), **EXACT)


def test_equation_6_without_sums_is_not_the_gradient():
    # As printed, the gradient by alpha_i is g_ijk h_ijk, one number per position: no position has the true one.
    p = run(stage := make_stage(norm=batch_norm()), inputs(stage))
    printed = p.gradient(p.x) * p.h
    assert is_none_of(printed, p.gradient(p.alpha)[:, :, None, None], over=(2, 3))
    assert is_none_of(printed, p.gradient(p.beta)[:, None], over=(1,))


# Eq. 8 to 10


@pytest.mark.parametrize("norm", [Centred, nn.Identity], ids=["centred", "no norm"])
def test_equations_8_to_10_hold_where_batch_norm_is_not_differentiated(norm):
    """The paper's premises: 1 x 1 kernels (Eq. 7), and the gradient of x is that of y where phi_bn(x) > 0, else 0.

    Eq. 8, by v_mi: sum over images and positions of gated_ijk (alpha_i + beta_jk) y_mjk.
    Eq. 9 and 10, by alpha_i and beta_jk: gated_ijk sum_m v_mi y_mjk, summed over positions and over channels.
    """
    p = run(stage := make_stage(norm=norm(), kernel=1), inputs(stage))
    v, both = p.v[:, :, 0, 0], p.alpha[:, :, None, None] + p.beta[:, None]
    before = torch.einsum("mi,nmjk->nijk", v, p.y_before)  # sum_m v_mi y_mjk
    torch.testing.assert_close(p.x, both * before, **EXACT)  # Eq. 7
    assert (p.s > 0).any() and (p.s <= 0).any()
    eq_8 = torch.einsum("nijk,nmjk->mi", p.gated * both, p.y_before)
    torch.testing.assert_close(p.gradient(p.v)[:, :, 0, 0], eq_8, **EXACT)
    torch.testing.assert_close(p.gradient(p.alpha), torch.einsum("nijk,nijk->ni", p.gated, before), **EXACT)
    torch.testing.assert_close(p.gradient(p.beta), torch.einsum("nijk,nijk->njk", p.gated, before), **EXACT)
    # As printed, without sums, they are one number per image and position (and channel), and none of them is the gradient.
    terms = p.gated[:, None] * both[:, None] * p.y_before[:, :, None]  # (N, M, C, H, W)
    assert is_none_of(terms, p.gradient(p.v)[None], over=(0, 3, 4))
    assert is_none_of(p.gated * before, p.gradient(p.alpha)[:, :, None, None], over=(2, 3))
    assert is_none_of(p.gated * before, p.gradient(p.beta)[:, None], over=(1,))


@pytest.mark.parametrize("first", [True, False], ids=["stride 1", "stride 2"])
@pytest.mark.parametrize("norm", [Centred, batch_norm], ids=["centred", "batch norm"])
def test_equations_8_to_10_hold_behind_any_batch_norm_from_the_gradient_of_x_on(norm, first):
    """With the gradient by x given, the factors of Eq. 8 to 10 are right, for the 4 x 4 kernels of the networks too."""
    p = run(stage := make_stage(first, norm()), inputs(stage))
    g = p.gradient(p.x)
    both = p.alpha[:, :, None, None] + p.beta[:, None]
    torch.testing.assert_close(p.gradient(p.v), kernel_gradient(stage, p.y_before, g * both), **EXACT)
    torch.testing.assert_close(p.gradient(p.alpha), (g * p.h).sum((2, 3)), **EXACT)
    torch.testing.assert_close(p.gradient(p.beta), (g * p.h).sum(1), **EXACT)


def test_batch_norm_leaves_equations_8_to_10_another_gradient_of_x():
    """Batch norm's Jacobian takes out of the gradient its mean and its part along x, per channel.

    So sum g = 0 and sum g x = 0 over images and positions of a channel; the gated gradient of Eq. 8 to 10 has neither.
    Some positions with phi_bn(x) <= 0, to which Eq. 8 to 10 give 0, have a gradient.
    """
    p = run(stage := make_stage(norm=batch_norm()), inputs(stage))
    g = p.gradient(p.x)
    zero = torch.zeros(C, dtype=torch.float64)
    torch.testing.assert_close(g.sum((0, 2, 3)), zero, rtol=0, atol=1e-10)
    torch.testing.assert_close((g * p.x).sum((0, 2, 3)), zero, rtol=0, atol=1e-10)
    assert (p.gated.sum((0, 2, 3)).abs() > 1e-3).all() and ((p.gated * p.x).sum((0, 2, 3)).abs() > 1e-3).all()
    shut = (p.s <= 0) & (p.x != 0)
    assert shut.any() and (g[shut] != 0).all() and (p.gated[shut] == 0).all()


# Role 1 (claim C21)


@pytest.mark.parametrize("norm", [Centred, batch_norm], ids=["centred", "batch norm"])
@pytest.mark.parametrize("first", [True, False], ids=["stride 1", "stride 2"])
def test_role_1_leaves_c_minus_a_times_c_kernels(first, norm):
    """alpha_i = 0 for i in A and beta = 0: x_i = 0, its M kernels get no gradient, and (C - |A|) M others do."""
    stage, dead = make_stage(first, norm()), [1, 4]
    close_heads(stage, dead, beta=True)
    p = run(stage, inputs(stage))
    alive = [i for i in range(C) if i not in dead]
    assert (p.alpha[:, dead] == 0).all() and (p.alpha[:, alive] > 0).all() and (p.beta == 0).all()
    assert (p.x[:, dead] == 0).all() and (p.x[:, alive] != 0).any((0, 2, 3)).all()
    by_kernel = p.gradient(p.v).abs().sum((2, 3))  # (M, C)
    assert (by_kernel[:, dead] == 0).all()
    assert int((by_kernel > 0).sum()) == (C - len(dead)) * M
    # Neither does the channel move its own coefficient: ReLU is closed there.
    weight = stage.sastm.channel_head[0].weight
    by_head = torch.autograd.grad(p.y, weight, p.by_y)[0]
    assert (by_head[dead] == 0).all() and (by_head[alive] != 0).any(1).all()


def test_role_1_needs_beta_to_be_zero_everywhere():
    # U29: beta is shared by all channels; one position with beta > 0 keeps every kernel of the layer in use.
    stage = make_stage(norm=batch_norm())
    close_heads(stage, range(C), beta=False)
    p = run(stage, inputs(stage))
    assert (p.alpha == 0).all() and (p.beta > 0).any()
    assert (p.gradient(p.v).abs().sum((2, 3)) > 0).all()


def test_role_1_with_the_affine_map_a_dead_channel_still_adds_a_constant():
    """Batch norm's bias turns x_i = 0 into max(b_i, 0): what the paper leaves out keeps the next layer's kernels in use."""
    stage = make_stage(norm=batch_norm())
    close_heads(stage, [1, 4], beta=True)
    with torch.no_grad():
        stage.norm.bias[1], stage.norm.bias[4] = 0.7, -0.7
    y = run(stage, inputs(stage)).y
    assert torch.allclose(y[:, 1], torch.tensor(0.7, dtype=y.dtype)) and (y[:, 4] == 0).all()


def close_heads(stage: GeneratorStage, channels, *, beta: bool) -> None:
    """Set alpha to 0 in these channels and above 0 in the others, for every latent; and beta to 0, if asked."""
    with torch.no_grad():
        stage.sastm.channel_head[0].bias.fill_(10.0)
        stage.sastm.channel_head[0].bias[list(channels)] = -10.0
        if beta:
            last = [m for m in stage.sastm.position_head if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)][-1]
            last.weight.zero_()
            last.bias.fill_(-1.0)


# Eq. 11 and 12 (claims C22, C23)


def shifted(x: Tensor) -> Tensor:
    """The right side of Eq. 11 per channel: x - (1 - xi) mu~, mu~ the mean over what is not zero (0 without any)."""
    zero = x == 0
    xi = zero.double().mean((0, 2, 3), keepdim=True)
    rest = (~zero).sum((0, 2, 3), keepdim=True).clamp(min=1)
    return x - (1 - xi) * x.sum((0, 2, 3), keepdim=True) / rest


@pytest.mark.parametrize("images", [1, N], ids=["one image, as printed", "a batch"])
@pytest.mark.parametrize("signs", ["positive", "both"])
def test_equation_11_is_an_identity(images, signs):
    """Mean-only batch norm is x - (1 - xi) mu~; exact for both signs, of which the paper takes x >= 0 alone."""
    p = run(stage := make_stage(norm=Centred(), kernel=1), inputs(stage)[:images])
    x = p.x.detach().abs() if signs == "positive" else p.x.detach()
    assert 0 < (x == 0).double().mean() < 1
    torch.testing.assert_close(Centred()(x), shifted(x), rtol=0, atol=1e-15)
    # And with zeros in some channels only, all zeros among them.
    x = x.clone()
    x[:, 0], x[:, 1, :2] = 0.0, 0.0
    torch.testing.assert_close(Centred()(x), shifted(x), rtol=0, atol=1e-15)


def positive_values(n: int = 600) -> Tensor:
    return -torch.rand(n, generator=rng(5), dtype=torch.float64).clamp(min=1e-12).log()


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
    p = run(stage := make_stage(norm=Centred()), inputs(stage))
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
    p = run(stage, inputs(stage), by_y=by_y)
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
    p = run(stage, inputs(stage), by_y=draw(N, C, 4, 4, seed=4).abs() + 0.1)
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
