"""The ResNet's blocks against functional calls in the printed order, at small sizes."""

from functools import partial

import pytest
import torch
from torch.nn.functional import avg_pool2d, conv2d, conv_transpose2d, leaky_relu

from selfsparse.models.resnet import DownBlock, ResNetDiscriminator, ResNetGenerator, UpBlock
from selfsparse.models.sastm import SASTM


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_norm(x: torch.Tensor, norm) -> torch.Tensor:
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5) * norm.weight[:, None, None] + norm.bias[:, None, None]


def instance_norm(x: torch.Tensor) -> torch.Tensor:
    mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5)


def twice(x: torch.Tensor) -> torch.Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def sparse(x: torch.Tensor, z: torch.Tensor, sastm: SASTM | None) -> torch.Tensor:
    if sastm is None:
        return x
    alpha, beta = sastm.coefficients(z)
    return torch.einsum("nc,nchw->nchw", alpha, x) + torch.einsum("nhw,nchw->nchw", beta, x)


def up(block: UpBlock, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """BN - ReLU - Upsample - Conv - BN - ReLU - Conv - SASTM, plus the upsampled input, through 1 x 1 if widths differ."""
    first_norm, _, _, first, second_norm, _, second = block.residual
    x = conv2d(twice(torch.relu(batch_norm(y, first_norm))), first.weight, padding=1)
    x = conv2d(torch.relu(batch_norm(x, second_norm)), second.weight, padding=1)
    skip = twice(y)
    if y.shape[1] != x.shape[1]:
        skip = torch.einsum("oc,nchw->nohw", block.skip[1].weight[:, :, 0, 0], skip)
    return sparse(x, z, block.sastm) + skip


def down(block: DownBlock, y: torch.Tensor) -> torch.Tensor:
    _, _, first, _, _, second, _ = block.residual
    x = conv2d(leaky_relu(instance_norm(y), 0.2), first.weight, padding=1)
    x = conv2d(leaky_relu(instance_norm(x), 0.2), second.weight, padding=1)
    skip = y
    if y.shape[1] != x.shape[1]:
        skip = torch.einsum("oc,nchw->nohw", block.skip[0].weight[:, :, 0, 0], y)
    return avg_pool2d(x, 2) + avg_pool2d(skip, 2)


def randomise(network: torch.nn.Module) -> None:
    """Norms' scales and shifts too, which start as 1 and 0."""
    stream = rng(8)
    for parameter in network.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=stream, dtype=torch.float64) / 2)


@pytest.mark.parametrize("with_sastm", [False, True])
@pytest.mark.parametrize(("before", "width"), [(6, 4), (4, 4)])
def test_an_up_block_written_out(before, width, with_sastm):
    sastm = SASTM(5, width, 8, mlp_widths=(7,), position_size=4).double() if with_sastm else None
    block = UpBlock(before, width, sastm).double()
    randomise(block)
    y, z = torch.randn(3, before, 4, 4, generator=rng(), dtype=torch.float64), torch.randn(3, 5, dtype=torch.float64)
    found, output = block(y, z)
    expected = up(block, y, z)
    assert found.shape == (3, width, 8, 8)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    # What the analysis sees is before the skip path is added.
    torch.testing.assert_close(output.x, sparse(output.h, z, sastm), rtol=1e-12, atol=1e-14)
    assert not torch.equal(output.x, found)
    if sastm is None:
        assert output.alpha is None and output.beta is None and output.x is output.h


@pytest.mark.parametrize(("before", "width"), [(4, 6), (4, 4)])
def test_a_down_block_written_out(before, width):
    block = DownBlock(before, width).double()
    randomise(block)
    y = torch.randn(3, before, 8, 8, generator=rng(), dtype=torch.float64)
    found = block(y)
    assert found.shape == (3, width, 4, 4)
    torch.testing.assert_close(found, down(block, y), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("with_sastm", [False, True])
def test_a_generator_written_out(with_sastm):
    make_sastm = partial(SASTM, 6, mlp_widths=(8,), position_size=4) if with_sastm else None
    generator = ResNetGenerator(6, (7, 5, 5), 3, 16, make_sastm).double()
    randomise(generator)
    z = torch.randn(4, 6, generator=rng(), dtype=torch.float64)
    first, *blocks = generator.stages
    y = sparse(conv_transpose2d(z[:, :, None, None], first.deconv.weight), z, first.sastm)
    for block in blocks:
        y = up(block, y, z)
    norm, _, conv, _ = generator.to_image
    expected = torch.tanh(conv2d(torch.relu(batch_norm(y, norm)), conv.weight, padding=1))
    images = generator(z)
    assert images.shape == (4, 3, 16, 16)
    torch.testing.assert_close(images, expected, rtol=1e-9, atol=1e-11)
    outputs = generator.sastm_outputs(z)
    assert [tuple(o.x.shape[1:]) for o in outputs] == [(7, 4, 4), (5, 8, 8), (5, 16, 16)]
    assert all((o.alpha is not None) == (o.beta is not None) == with_sastm for o in outputs)


def test_a_discriminator_written_out():
    discriminator = ResNetDiscriminator((4, 6), 3, 16).double()
    randomise(discriminator)
    images = torch.randn(5, 3, 16, 16, generator=rng(), dtype=torch.float64)
    first, block, _, _, last = discriminator.layers
    y = down(block, conv2d(images, first.weight, stride=2, padding=1))
    expected = torch.einsum("nchw,chw->n", leaky_relu(instance_norm(y), 0.2), last.weight[0])
    torch.testing.assert_close(discriminator(images), expected, rtol=1e-10, atol=1e-12)


def test_widths_must_lead_to_the_resolution():
    with pytest.raises(ValueError, match=r"generator widths \[8, 4, 2\] make 16 x 16 images, not 32 x 32"):
        ResNetGenerator(4, (8, 4, 2), 1, 32)
    with pytest.raises(ValueError, match=r"discriminator widths \[8, 4, 2\] make 32 x 32 images, not 16 x 16"):
        ResNetDiscriminator((8, 4, 2), 1, 16)
