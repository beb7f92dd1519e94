"""Which channels of a generator's stages are zero whatever the latent: proven from the weights, or observed.

By Eq. 3 x_ijk = (alpha_i + beta_jk) h_ijk. All channels of a stage share beta, so channel i is dead, x_i = 0 for every latent,
only where alpha_i is always 0 and beta is always 0 at every position, or where h_i is always 0 itself. That is the condition
of the paper's first role of sparsity (Sec. 3.2); alpha_i = 0 alone does not make it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from selfsparse.models.dcgan import Generator, StageOutput
from selfsparse.models.sampling import sampling
from selfsparse.models.sastm import SASTM


@dataclass(frozen=True)
class DeadParts:
    """What of one stage is zero for every latent.

    Attributes:
        channels: (C,) bool, x_i = 0 at every position.
        alpha: (C,) bool, alpha_i = 0; all true without channel head.
        beta: (H, W) bool, beta_jk = 0; all true without position head.
    """

    channels: Tensor
    alpha: Tensor
    beta: Tensor


@dataclass(frozen=True)
class Observed:
    """What one stage did over many latents.

    Attributes:
        dead: what was zero for all of them.
        zero_rate: (C,), the share of latents for which x_i = 0 at every position.
        positions: (H, W) bool, x_jk = 0 in every channel for all latents.
    """

    dead: DeadParts
    zero_rate: Tensor
    positions: Tensor


@torch.no_grad()
def proven_dead(generator: Generator) -> list[DeadParts]:
    """Return per stage what the signs of its weights alone make zero for every latent z.

    A ReLU is always 0 where nothing that reaches it can be positive. In float32 that is exact: a sum of terms <= 0, in
    whatever order, does not round to a positive number.

    Raises:
        ValueError: for a generator without SASTMs.
    """
    found = []
    for stage in generator.stages:
        if stage.sastm is None:
            raise ValueError("a generator without SASTMs has no channels that they could make zero")
        layer = stage.deconv if hasattr(stage, "deconv") else stage.residual[-1]  # that makes h
        weight = layer.weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else layer.weight  # (C, ...)
        alpha = _never_positive(stage.sastm, stage.sastm.channel_head)
        beta = _never_positive(stage.sastm, stage.sastm.position_head)
        alpha = torch.ones(len(weight), dtype=torch.bool, device=weight.device) if alpha is None else alpha
        beta = torch.ones(1, 1, dtype=torch.bool, device=weight.device) if beta is None else beta[0]
        no_map = (weight == 0).flatten(1).all(dim=1)
        found.append(DeadParts((alpha & beta.all()) | no_map, alpha, beta))
    return found


@torch.no_grad()
def observe(
    generator: Generator, latents: Tensor, batch_size: int, device: torch.device, batch_norm: str
) -> list[Observed]:
    """Return per stage what was zero over latents (N, latent_dim); batch norms as when images are drawn (U18)."""
    totals: list[
        list[Tensor]
    ] = []  # per stage, for how many latents each channel, position, alpha and beta was not zero
    for part in latents.split(batch_size):
        with sampling(generator, batch_norm):
            outputs = generator.sastm_outputs(part.to(device))
        counts = [_not_zero(output) for output in outputs]
        totals = [list(map(torch.add, *pair)) for pair in zip(totals, counts, strict=True)] if totals else counts
    return [
        Observed(DeadParts(channels == 0, alpha == 0, beta == 0), 1 - channels / len(latents), positions == 0)
        for channels, positions, alpha, beta in totals
    ]


def _not_zero(output: StageOutput) -> list[Tensor]:
    """Count the latents for which each channel (C,), position (H, W), alpha (C,) and beta (H, W) is not zero."""
    x = output.x != 0
    channels, positions = x.flatten(2).any(dim=2), x.any(dim=1)
    alpha = torch.zeros_like(channels) if output.alpha is None else output.alpha > 0
    beta = torch.zeros_like(positions) if output.beta is None else output.beta > 0
    return [seen.sum(dim=0) for seen in (channels, positions, alpha, beta)]


def _never_positive(sastm: SASTM, head: nn.Module | None) -> Tensor | None:
    """Which outputs of a head (without the batch) no latent can make positive; None without that head."""
    if head is None:
        return None
    positive = negative = torch.ones(
        1, sastm.mlp[0].in_features, dtype=torch.float64, device=sastm.mlp[0].weight.device
    )
    for layer in [*sastm.mlp, *head]:  # z ~ N(0, 1) takes either sign in every element
        positive, negative = _possible_signs(layer, positive, negative)
    return positive[0] == 0


def _possible_signs(layer: nn.Module, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    """Pass 'can be positive' and 'can be negative', 1 or 0 for each element of a layer's input, on to its output."""
    if isinstance(layer, nn.ReLU):
        return positive, torch.zeros_like(negative)
    if isinstance(layer, nn.Unflatten):
        return layer(positive), layer(negative)

    def reached(sign: int, inputs: Tensor, bias: bool) -> Tensor:
        """Count the weights of a sign that lead from marked inputs to each output, and the bias if it has that sign."""
        marks = {name: (sign * p > 0).double() for name, p in layer.named_parameters()}
        if not bias:
            marks["bias"] = torch.zeros_like(marks["bias"])
        return functional_call(layer, marks, inputs)

    return (
        (reached(1, positive, True) + reached(-1, negative, False) > 0).double(),
        (reached(-1, positive, True) + reached(1, negative, False) > 0).double(),
    )
