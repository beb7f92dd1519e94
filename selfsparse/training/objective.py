"""The objective of Eq. 13: WGAN with a zero-centred gradient penalty.

    min_G max_D  E[D(x)] - E[D(G(z))] - lambda * E[ |grad D(x^)|_2^2 ]

Both networks minimise, so the discriminator's loss is the negative of what it maximises.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class DiscriminatorLoss(NamedTuple):
    """Scalars: what the discriminator minimises, and the penalty in it, before lambda."""

    loss: Tensor
    penalty: Tensor


def sample_on_lines(real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
    """x^ of Eq. 13: one uniform point on the line of each pair of real and fake images (N, C, H, W) (U5)."""
    position = torch.rand(len(real), 1, 1, 1, generator=rng, device=real.device, dtype=real.dtype)  # (N, 1, 1, 1)
    return torch.lerp(real, fake, position)


def zero_centred_penalty(discriminator: nn.Module, points: Tensor) -> Tensor:
    """E[ |grad D(x^)|_2^2 ] over points (N, C, H, W): the squared norm, never its root, which has no gradient at 0 (U3, U4).

    Its own backward pass differentiates through the discriminator's gradient.
    """
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def discriminator_loss(
    discriminator: nn.Module, real: Tensor, fake: Tensor, gradient_penalty: float, rng: torch.Generator
) -> DiscriminatorLoss:
    """What the discriminator minimises: E[D(G(z))] - E[D(x)] + lambda * penalty, for images (N, C, H, W) in [-1, 1].

    Three separate passes: in one pass over all images the penalty's second backward would run over all three.
    """
    penalty = zero_centred_penalty(discriminator, sample_on_lines(real, fake, rng))
    loss = discriminator(fake).mean() - discriminator(real).mean() + gradient_penalty * penalty
    return DiscriminatorLoss(loss, penalty.detach())


def generator_loss(discriminator: nn.Module, fake: Tensor) -> Tensor:
    """What the generator minimises: -E[D(G(z))]."""
    return -discriminator(fake).mean()
