"""Make coefficients zero for every latent, by the signs of their weights."""

import torch


@torch.no_grad()
def kill_alpha(generator, stage: int, channels) -> None:
    """Weights and biases of these channels of g1 below zero, behind f, which is not below zero."""
    linear = generator.stages[stage].sastm.channel_head[0]
    linear.weight[channels] = -linear.weight[channels].abs()
    linear.bias[channels] = -linear.bias[channels].abs()


@torch.no_grad()
def kill_beta(generator, stage: int) -> None:
    """The last convolution of g2 below zero, behind others that are above."""
    *before, last, _ = generator.stages[stage].sastm.position_head
    for layer, sign in [*((layer, 1) for layer in before[2:]), (last, -1)]:
        for parameter in layer.parameters():
            parameter.copy_(sign * parameter.abs())
