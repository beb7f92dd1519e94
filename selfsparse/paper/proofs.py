"""What the paper proves (Sec. 3.1 and 3.2 of v1, 2.1 and 2.2 of v2) as checks of this library's own code, in float64.

Each proof runs the library's generator stages and compares what they make with the paper's formula written out here, so
that it fails where the code no longer does what the paper proves. `prove(claim)` takes well under a second.

The paper prints Eq. 6, 9 and 10 without the sums over positions and channels, and 8 to 10 without batch norm's Jacobian
(U59): proven is the form with the sums, and with the gradient of x that the paper's premises give it, or with any.

Shapes: y (N, M, H', W') in, h, x, s (N, C, H, W), alpha (N, C), beta (N, H, W), kernels v (M, C, k, k).
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from selfsparse.config import Configuration
from selfsparse.models.build import build_discriminator, build_generator
from selfsparse.models.dcgan import GeneratorStage
from selfsparse.models.sastm import SASTM

N, M, C, LATENT = 4, 3, 6, 5
DEAD = [1, 4]  # the channels of A
ROUNDING = 1e-10  # of float64, relative to the largest number compared

Part = tuple[str, Tensor, Tensor]  # what is compared, as the library has it, as the paper has it


@dataclass(frozen=True)
class Proof:
    """How a proof came out.

    Attributes:
        compared: how many numbers.
        deviation: the largest |ours - the paper's|, in units of the largest number of its equation, if that is above 1;
            NaN where something is not a number, infinity where shapes differ.
        tolerance: what `deviation` may be.
        where: which equation deviates most.
    """

    compared: int
    deviation: float
    tolerance: float
    where: str

    @property
    def holds(self) -> bool:
        """Whether the library does what the paper proves."""
        return self.deviation <= self.tolerance  # False for NaN


def prove(claim: str, configurations: Iterable[Configuration] = ()) -> Proof:
    """Run the proof of a claim: C21, C22, C26 or C27, the last on the networks of these configurations.

    Raises:
        KeyError: for a claim that has no proof.
    """
    parts, tolerance = PROOFS[claim]
    made = parts(configurations) if parts is only_the_generator_changes else parts()
    found = [(where, _deviation(ours, papers), papers.numel()) for where, ours, papers in made]
    nothing = "nothing to compare", math.nan, 0
    where, deviation, _ = max(found, key=lambda part: (math.isnan(part[1]), part[1]), default=nothing)
    return Proof(sum(count for *_, count in found), deviation, tolerance, where)


def _deviation(ours: Tensor, papers: Tensor) -> float:
    if ours.shape != papers.shape:
        return math.inf
    ours, papers = ours.detach(), papers.detach()
    return float((ours - papers).abs().max() / papers.abs().max().clamp(min=1))


# A stage, and one pass through it


class Centred(nn.Module):
    """Sec. 3.2's batch norm: the mean alone, no division, no affine map; as Eq. 8 to 10 have it, not differentiated."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) less the mean of each channel."""
        return x - x.mean((0, 2, 3), keepdim=True).detach()


def batch_norm() -> nn.BatchNorm2d:
    """The stage's own batch norm with an affine map that is not the identity, and without the epsilon of its root."""
    norm = nn.BatchNorm2d(C, eps=1e-30)
    with torch.no_grad():
        norm.weight.copy_(torch.rand(C, generator=_rng(8)) + 0.5)
        norm.bias.copy_(torch.randn(C, generator=_rng(9)))
    return norm


@dataclass
class Pass:
    """What one forward pass of a stage made, with its graph."""

    y_before: Tensor
    v: Tensor
    alpha: Tensor | None
    beta: Tensor | None
    h: Tensor
    x: Tensor
    y: Tensor  # after ReLU
    by_y: Tensor  # the loss's gradient with respect to y

    def gradient(self, what: Tensor) -> Tensor:
        """Return the loss's gradient with respect to what the pass made, or to weights; 0 where y does not depend on it."""
        return torch.autograd.grad(self.y, what, self.by_y, retain_graph=True, materialize_grads=True)[0]

    @property
    def both(self) -> Tensor:
        """alpha_i + beta_jk, a removed head counting as 0 (U28)."""
        alpha = 0 if self.alpha is None else self.alpha[:, :, None, None]
        return alpha + (0 if self.beta is None else self.beta[:, None]) + torch.zeros_like(self.h)

    @property
    def gated(self) -> Tensor:
        """What Eq. 8 to 10 take for the gradient with respect to x: that of y where phi_bn(x) > 0, else 0."""
        return self.by_y * (self.y > 0)


def make_stage(
    first: bool = False, norm: nn.Module | None = None, kernel: int = 4, heads=(True, True)
) -> GeneratorStage:
    """Return one stage of the library; kernel 1 is the premise of Sec. 3.2, under which Eq. 7 to 10 are printed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        size = 4 if first or kernel == 1 else 8
        sastm = SASTM(LATENT, C, size, mlp_widths=(7,), position_size=4, channel_head=heads[0], position_head=heads[1])
        stage = GeneratorStage(M, C, first=first, sastm=sastm)
        if kernel == 1:
            stage.deconv = nn.ConvTranspose2d(M, C, 1, bias=False)
    if norm is not None:
        stage.norm = norm
    return stage.double()


def close_heads(stage: GeneratorStage, channels: Iterable[int], *, beta: bool) -> None:
    """Set alpha to 0 in these channels and above 0 in the others, for every latent; and beta to 0, if asked."""
    with torch.no_grad():
        stage.sastm.channel_head[0].bias.fill_(10.0)
        stage.sastm.channel_head[0].bias[list(channels)] = -10.0
        if beta:
            last = [m for m in stage.sastm.position_head if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)][-1]
            last.weight.zero_()
            last.bias.fill_(-1.0)


def draw(*shape: int, seed: int) -> Tensor:
    """Return standard normal numbers of float64."""
    return torch.randn(*shape, generator=_rng(seed), dtype=torch.float64)


def inputs(stage: GeneratorStage, images: int = N) -> Tensor:
    """What comes in: the latent itself at the first stage, else what a ReLU hands over, which is never negative."""
    if stage.deconv.stride == (1, 1) and stage.deconv.kernel_size == (4, 4):
        return draw(images, M, 1, 1, seed=0)
    return draw(images, M, 4, 4, seed=0).relu()


def run(stage: GeneratorStage, images: int = N, by_y: Tensor | None = None) -> Pass:
    """Return what the stage's own forward pass makes of `inputs`, and a loss's gradient with respect to its output."""
    y_before = inputs(stage, images)
    y, output = stage(y_before, draw(images, LATENT, seed=1))
    by_y = draw(*y.shape, seed=2) if by_y is None else by_y
    return Pass(y_before, stage.deconv.weight, output.alpha, output.beta, output.h, output.x, y, by_y)


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# C21: role 1


def role_1() -> Iterator[Part]:
    """alpha_i = 0 for i in A and beta = 0: x_i = 0, its M kernels get no gradient, and (C - |A|) M others do.

    Exactly, and so does the weight of the channel's own coefficient. beta is shared by all channels: one position with
    beta > 0 keeps every kernel of the layer in use (U29).
    """
    alive = [i not in DEAD for i in range(C)]
    for first in (True, False):
        for norm in (Centred(), batch_norm()):
            stage = make_stage(first, norm)
            close_heads(stage, DEAD, beta=True)
            p = run(stage)
            yield "channels of x that are not zero", *_counted(_used(p.x, 1), alive)
            by_kernel = p.gradient(p.v).abs().sum((2, 3))  # (M, C)
            yield "kernels with a gradient", *_counted(by_kernel > 0, [alive] * M)
            by_head = p.gradient(stage.sastm.channel_head[0].weight)
            yield "coefficients that can move", *_counted(_used(by_head, 0), alive)
    stage = make_stage(norm=batch_norm())
    close_heads(stage, range(C), beta=False)
    by_kernel = run(stage).gradient(stage.deconv.weight).abs().sum((2, 3))
    yield "kernels with a gradient where beta > 0", *_counted(by_kernel > 0, [[True] * C] * M)


def _used(values: Tensor, kept: int) -> Tensor:
    """Which entries along one dimension have a number that is not zero."""
    return values.abs().movedim(kept, 0).flatten(1).sum(1) > 0


def _counted(ours: Tensor, expected: list) -> tuple[Tensor, Tensor]:
    return ours.double(), torch.tensor(expected, dtype=torch.float64)


# C22: Eq. 11


def equation_11() -> Iterator[Part]:
    """Batch norm without division and affine map gives s = x - (1 - xi) mu~ (Eq. 11) of x = alpha h + beta h (Eq. 3).

    The stage's own batch norm, its weight undoing the division. For one image, as printed, and for a batch; for x >= 0,
    as the paper has it, and for both signs.
    """
    for images in (1, N):
        for positive in (True, False):
            stage = make_stage(kernel=1)
            if positive:
                with torch.no_grad():
                    stage.deconv.weight.abs_()
            p = run(stage, images)
            with torch.no_grad():
                stage.norm.weight.copy_((p.x.var((0, 2, 3), correction=0) + stage.norm.eps).sqrt())
                stage.norm.bias.zero_()
            signs = "x >= 0" if positive else "x of both signs"
            yield f"Eq. 11 of {images} images, {signs}", stage.norm(p.x), shifted(p.both * p.h)


def shifted(x: Tensor) -> Tensor:
    """The right side of Eq. 11 per channel: x - (1 - xi) mu~, mu~ the mean over what is not zero (0 without any)."""
    zero = x == 0
    xi = zero.double().mean((0, 2, 3), keepdim=True)
    rest = (~zero).sum((0, 2, 3), keepdim=True).clamp(min=1)
    return x - (1 - xi) * x.sum((0, 2, 3), keepdim=True) / rest


# C26: Eq. 6 and 8 to 10


def gradients() -> Iterator[Part]:
    """Eq. 6 and 8 to 10 with their sums, against automatic differentiation."""
    for heads in ((True, True), (True, False), (False, True)):
        for norm in (Centred(), batch_norm()):
            yield from _equation_6(make_stage(norm=norm, heads=heads))
    for norm in (Centred(), nn.Identity()):
        yield from _equations_7_to_10(make_stage(norm=norm, kernel=1))
    for first in (True, False):
        for norm in (Centred(), batch_norm()):
            yield from _from_the_gradient_of_x_on(make_stage(first, norm))


def _equation_6(stage: GeneratorStage) -> Iterator[Part]:
    """With g the gradient with respect to x, whatever comes behind:

    by h_ijk: (alpha_i + beta_jk) g_ijk, as printed; by alpha_i: sum_jk g_ijk h_ijk; by beta_jk: sum_i g_ijk h_ijk; and
    with Eq. 1's ReLU and Linear layer by the weights of g1.
    """
    p = run(stage)
    g = p.gradient(p.x)
    yield "Eq. 6, by h", p.gradient(p.h), p.both * g
    if p.beta is not None:
        yield "Eq. 6, by beta", p.gradient(p.beta), torch.einsum("nijk,nijk->njk", g, p.h)
    if p.alpha is not None:
        by_alpha = torch.einsum("nijk,nijk->ni", g, p.h)
        yield "Eq. 6, by alpha", p.gradient(p.alpha), by_alpha
        shared = stage.sastm.mlp(draw(N, LATENT, seed=1))
        by_weight = (by_alpha * (p.alpha > 0)).T @ shared
        yield "Eq. 6, by the weights of g1", p.gradient(stage.sastm.channel_head[0].weight), by_weight


def _equations_7_to_10(stage: GeneratorStage) -> Iterator[Part]:
    """The paper's premises: 1 x 1 kernels (Eq. 7), and the gradient of x is that of y where phi_bn(x) > 0, else 0.

    Eq. 8, by v_mi: sum over images and positions of gated_ijk (alpha_i + beta_jk) y_mjk.
    Eq. 9 and 10, by alpha_i and beta_jk: gated_ijk sum_m v_mi y_mjk, summed over positions and over channels.
    """
    p = run(stage)
    before = torch.einsum("mi,nmjk->nijk", p.v[:, :, 0, 0], p.y_before)  # sum_m v_mi y_mjk
    yield "Eq. 7", p.x, p.both * before
    by_v = torch.einsum("nijk,nmjk->mi", p.gated * p.both, p.y_before)
    yield "Eq. 8", p.gradient(p.v)[:, :, 0, 0], by_v
    yield "Eq. 9", p.gradient(p.alpha), torch.einsum("nijk,nijk->ni", p.gated, before)
    yield "Eq. 10", p.gradient(p.beta), torch.einsum("nijk,nijk->njk", p.gated, before)


def _from_the_gradient_of_x_on(stage: GeneratorStage) -> Iterator[Part]:
    """With the gradient by x given, Eq. 8's factors are right behind any norm, for the 4 x 4 kernels of the networks too."""
    p = run(stage)
    yield "Eq. 8 from x on", p.gradient(p.v), _kernel_gradient(stage, p.y_before, p.gradient(p.x) * p.both)


def _kernel_gradient(stage: GeneratorStage, y_before: Tensor, by_h: Tensor) -> Tensor:
    """The gradient of a deconvolution's kernels written out: each kernel meets the map at stride * j - padding + a."""
    k, stride, padding = (p[0] for p in (stage.deconv.kernel_size, stage.deconv.stride, stage.deconv.padding))
    patches = F.unfold(by_h, k, padding=padding, stride=stride).reshape(len(by_h), C, k, k, -1)
    return torch.einsum("nml,ncabl->mcab", y_before.flatten(2), patches)


# C27


def only_the_generator_changes(configurations: Iterable[Configuration]) -> Iterator[Part]:
    """Models on one dataset share the discriminator, and their generators all but the SASTMs.

    Compared are names and shapes of all weights, and the layers in words. SAGAN is another network in both.
    """
    discriminators: dict[tuple, list[set]] = {}
    generators: dict[tuple, list[set]] = {}
    for c in configurations:
        if c.model == "sagan":
            continue
        with torch.device("meta"):  # shapes alone
            discriminator, generator = build_discriminator(c), build_generator(c)
        key = c.dataset_key, c.network.architecture
        discriminators.setdefault(key, []).append(_weights(discriminator) | {repr(discriminator)})
        rest = {(name, shape) for name, shape in _weights(generator) if ".sastm." not in name}
        generators.setdefault((*key, c.network_name), []).append(rest)  # a control has a wider generator
    for what, groups in (("discriminator", discriminators), ("generator without SASTM", generators)):
        for (dataset, *_), members in groups.items():
            different = len(set.union(*members) - set.intersection(*members))
            yield f"{what} on {dataset}", *_counted(torch.tensor([different]), [0])


def _weights(network: nn.Module) -> set:
    return {(name, tuple(weight.shape)) for name, weight in network.named_parameters()}


PROOFS: dict[str, tuple[Callable[..., Iterator[Part]], float]] = {
    "C21": (role_1, 0.0),
    "C22": (equation_11, ROUNDING),
    "C26": (gradients, ROUNDING),
    "C27": (only_the_generator_changes, 0.0),
}
