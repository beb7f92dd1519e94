"""What the two networks minimise: Eq. 13, WGAN with a zero-centred gradient penalty, and the objectives of the controls.

    min_G max_D  E[D(x)] - E[D(G(z))] - lambda * E[ |grad D(x^)|_2^2 ]

Both networks minimise, so the discriminator's loss is the negative of what it maximises.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import relu

# A discriminator: images (N, C, H, W) to scores (N,).
Scores = Callable[[Tensor], Tensor]


class DiscriminatorLoss(NamedTuple):
    """Scalars: what the discriminator minimises, and the penalty in it, before lambda."""

    loss: Tensor
    penalty: Tensor


def sample_on_lines(real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
    """x^ of Eq. 13: one uniform point on the line of each pair of real and fake images (N, C, H, W) (U5)."""
    position = torch.rand(len(real), 1, 1, 1, generator=rng, device=real.device, dtype=real.dtype)  # (N, 1, 1, 1)
    return torch.lerp(real, fake, position)


def gradient_penalty(discriminator: Scores, points: Tensor, centre: int = 0) -> Tensor:
    """Mean penalty of the discriminator's gradient at points (N, C, H, W) (U3, U4).

    centre 0: E[ |grad D(x^)|_2^2 ] of Eq. 13, the squared norm, never its root, which has no gradient at 0.
    centre 1: E[ (|grad D(x^)|_2 - 1)^2 ] of the original WGAN-GP (Gulrajani et al. 2017, Eq. 3).

    Its own backward pass differentiates through the discriminator's gradient.
    """
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
    if centre == 0:
        return gradient.square().sum(dim=(1, 2, 3)).mean()
    # vector_norm's gradient at 0 is defined as 0; sqrt's is infinite.
    return (torch.linalg.vector_norm(gradient.flatten(1), dim=1) - 1).square().mean()


def discriminator_loss(
    discriminator: Scores,
    real: Tensor,
    fake: Tensor,
    points: Tensor | None,
    penalty_weight: float,
    penalty_centre: int = 0,
    loss: str = "wasserstein",
    one_pass: bool = True,
) -> DiscriminatorLoss:
    """What the discriminator minimises for images (N, C, H, W) in [-1, 1].

    wasserstein: E[D(G(z))] - E[D(x)]; hinge (SAGAN's Eq. 4): E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))];
    each plus penalty_weight times the penalty at `points`; without points it is left out, and 0.

    one_pass: real and fake images go through the discriminator together: the same up to rounding, and faster. Not where a
    pass changes the discriminator, as spectral normalisation does by a step of its power iteration.

    The penalty's points have a pass of their own: in one over all images its second backward would run over all three.
    """
    penalty = real.new_zeros(())
    if points is not None:
        penalty = gradient_penalty(discriminator, points, penalty_centre)
    if one_pass:
        of_fake, of_real = discriminator(torch.cat([fake, real])).split([len(fake), len(real)])
    else:
        of_fake, of_real = discriminator(fake), discriminator(real)
    hinge = loss == "hinge"
    total = relu(1 + of_fake).mean() + relu(1 - of_real).mean() if hinge else of_fake.mean() - of_real.mean()
    return DiscriminatorLoss(total + penalty_weight * penalty, penalty.detach())


def generator_loss(discriminator: Scores, fake: Tensor) -> Tensor:
    """What the generator minimises, under either loss: -E[D(G(z))]."""
    return -discriminator(fake).mean()
