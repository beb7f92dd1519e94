"""FLOPs, operations and memory of one generator step and of one forward pass, counted without computing anything.

The step is the trainer's own arithmetic (Sec. 4.2, Eq. 13) on PyTorch's meta device, which knows shapes and no values.
"""

import functools
from dataclasses import dataclass

import torch
from torch import nn

from selfsparse.config import Configuration
from selfsparse.models.build import build_discriminator, build_generator, count_parameters
from selfsparse.models.counting import Work, counted, forward_flops
from selfsparse.training.objective import discriminator_loss, generator_loss, sample_on_lines

# torch-fidelity's Inception-v3 up to its 2,048 features, one image of 299 x 299; a test counts them.
INCEPTION_FLOPS = 11_422_336_192
# Besides the weights themselves, Adam's two moments, and the generator of the lowest FID so far.
MOMENTS = 2
BYTES = 4  # of a float32


@dataclass(frozen=True)
class StepCost:
    """One run of a configuration: its generator step, a forward pass of its generator, and what it keeps.

    Attributes:
        discriminator: one discriminator step; `generator`: one generator step, without the discriminator's.
        flops, operations: one generator step as the paper counts, `discriminator_steps` discriminator steps included.
        memory_bytes: weights, gradients, moments and the best generator, and what a step holds at its fullest.
        image_flops: the generator's forward pass, per image.
    """

    discriminator: Work
    generator: Work
    flops: int
    operations: int
    memory_bytes: int
    image_flops: float


def step_cost(c: Configuration) -> StepCost:
    """Count one generator step of a configuration, at its batch size."""
    # Of the configuration only these shape the step, so that those that share them are counted once.
    read = {"batch_size", "discriminator_steps", "penalty_weight", "penalty_centre", "loss", "position_layers"}
    shapes = c.network.model_dump_json(), c.train.model_dump_json(include=read)
    key = (*shapes, c.model, c.latent_dim, c.dataset.channels, c.dataset.resolution)
    if key not in _steps:
        _steps[key] = _count_step(c)
    return _steps[key]


_steps: dict[tuple, StepCost] = {}


def _count_step(c: Configuration) -> StepCost:
    train = c.train
    with torch.device("meta"):
        generator, discriminator = build_generator(c), build_discriminator(c)
        z = torch.empty(train.batch_size, c.latent_dim)
        real = torch.empty(train.batch_size, c.dataset.channels, c.dataset.resolution, c.dataset.resolution)
    with counted() as cost:
        with torch.no_grad():
            fake = generator(z)
        points = sample_on_lines(real, fake, None) if train.penalty_weight else None
        settings = train.penalty_weight, train.penalty_centre, train.loss
        one_pass = c.network.architecture != "sagan"
        loss = discriminator_loss(discriminator, real, fake, points, *settings, one_pass=one_pass).loss
        loss.backward(inputs=list(discriminator.parameters()))
    of_discriminator = cost()
    del loss, fake
    discriminator.requires_grad_(False)
    with counted() as cost:
        generator_loss(discriminator, generator(z)).backward()
    of_generator = cost()
    weights = [count_parameters(generator), sum(p.numel() for p in discriminator.parameters())]
    kept = BYTES * ((1 + MOMENTS) * sum(weights) + weights[0])
    n = train.discriminator_steps
    return StepCost(
        discriminator=of_discriminator,
        generator=of_generator,
        flops=n * of_discriminator.flops + of_generator.flops,
        operations=n * of_discriminator.operations + of_generator.operations,
        memory_bytes=kept + max(of_discriminator.peak_bytes, of_generator.peak_bytes + BYTES * weights[1]),
        image_flops=forward_flops(generator.eval(), z) / train.batch_size,
    )


@functools.cache
def extractor_flops(extractor: str, channels: int, resolution: int) -> int:
    """FLOPs of the features of one image under a classifier or `inception`."""
    if extractor == "inception":
        return INCEPTION_FLOPS
    from selfsparse.metrics.classifiers import CLASSIFIERS

    with torch.device("meta"):
        network: nn.Module = CLASSIFIERS[extractor](channels, 10).eval()
        image = torch.empty(1, channels, resolution, resolution, dtype=torch.uint8)
    return forward_flops(network, image)
