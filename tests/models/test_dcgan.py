"""The networks of the appendix tables: shapes, layers and parameter counts worked out by hand, on the meta device."""

from functools import partial

import pytest
import torch
from torch import nn

from selfsparse.models.build import count_parameters, count_sastm_parameters
from selfsparse.models.dcgan import DCGANDiscriminator, DCGANGenerator, GeneratorStage
from selfsparse.models.sastm import SASTM

# name: (generator widths, discriminator widths, z, channels, f of the SASTM, resolution)
TABLES = {
    "A1": ((256, 128, 64), (64, 128, 256), 100, 1, (1024, 512), 32),
    "A2": ((128,) * 4, (128,) * 4, 100, 1, (1024, 512), 64),
    "A3": ((512, 256, 128, 64, 32), (32, 64, 128, 256, 512), 100, 1, (1024, 512), 128),
    "B1": ((128,) * 4, (128,) * 4, 100, 1, (1024, 512, 256), 64),
    "C1": ((512, 256, 128, 64), (64, 128, 256, 512), 128, 3, (256,), 64),
    "D1": ((512, 256, 128), (128, 256, 512), 128, 3, (1024, 512), 32),
}
# Every kernel has 4 x 4 = 16 weights and no bias; a batch norm has 2 per channel.
#
# A1: 16 (100*256 + 256*128 + 128*64 + 64*1) = 409,600 + 524,288 + 131,072 + 1,024 = 1,065,984; + 2 * 448 = 1,066,880.
#   A4, each stage: f 100 -> 1024 -> 512 has 101*1024 + 1025*512 = 103,424 + 524,800 = 628,224; g2's Linear
#   512 -> 256 has 513*256 = 131,328; together 759,552. g1 of all stages: 513 * 448 = 229,824.
#   g2's convolutions: to 4 x 4 two of 16 + 1 = 34, to 8 x 8 one = 17, at 16 x 16 a 3 x 3, 9 + 1 = 10.
#   3 * 759,552 + 229,824 + 61 = 2,508,541, so 3,575,421 with the generator.
# A2: 16 (100*128 + 3*128*128 + 128) = 993,280; + 2*512 = 994,304.
#   4 * 759,552 + 513*512 + (34 + 17 + 10 + 17) = 3,038,208 + 262,656 + 78 = 3,300,942.
# A3: 16 (100*512 + 512*256 + 256*128 + 128*64 + 64*32 + 32) = 3,604,992; + 2*992 = 3,606,976.
#   5 * 759,552 + 513*992 + (34 + 17 + 10 + 17 + 34) = 3,797,760 + 508,896 + 112 = 4,306,768.
# B1: as A2; f ends at 256 = 16 x 16, so g2 needs no Linear, but f has 513*256 more: 759,552 again.
#   4 * 759,552 + 257*512 + 78 = 3,038,208 + 131,584 + 78 = 3,169,870.
# C1: 16 (128*512 + 512*256 + 256*128 + 128*64 + 64*3) = 3,804,160; + 2*960 = 3,806,080.
#   4 * 129*256 + 257*960 + 78 = 132,096 + 246,720 + 78 = 378,894.
# D1: 16 (128*512 + 512*256 + 256*128 + 128*3) = 3,676,160; + 2*896 = 3,677,952.
#   3 * (129*1024 + 1025*512 + 513*256) + 513*896 + 61 = 3 * 788,224 + 459,648 + 61 = 2,824,381.
PARAMETERS = {
    "A1": (1_066_880, 2_508_541),
    "A2": (994_304, 3_300_942),
    "A3": (3_606_976, 4_306_768),
    "B1": (994_304, 3_169_870),
    "C1": (3_806_080, 378_894),
    "D1": (3_677_952, 2_824_381),
}


def make(table: str, *, sparse: bool = True) -> tuple[DCGANGenerator, DCGANDiscriminator]:
    generator, discriminator, latent_dim, channels, f, resolution = TABLES[table]
    make_sastm = partial(SASTM, latent_dim, mlp_widths=f) if sparse else None
    return (
        DCGANGenerator(latent_dim, generator, channels, resolution, make_sastm),
        DCGANDiscriminator(discriminator, channels, resolution),
    )


def tiny(heads: tuple[bool, bool] | None = (True, True)) -> DCGANGenerator:
    torch.manual_seed(0)
    make_sastm = None
    if heads:
        make_sastm = partial(SASTM, 6, mlp_widths=(8,), position_size=4, channel_head=heads[0], position_head=heads[1])
    return DCGANGenerator(6, (5, 4), 3, 16, make_sastm)


@pytest.mark.parametrize("table", TABLES)
def test_parameter_counts(table):
    base, extra = PARAMETERS[table]
    with torch.device("meta"):
        sparse, _ = make(table)
        plain, _ = make(table, sparse=False)
    assert count_parameters(plain) == base and count_sastm_parameters(plain) == 0
    assert count_sastm_parameters(sparse) == extra
    assert count_parameters(sparse) == base + extra


def test_the_figures_of_table_a1_with_a4():
    assert PARAMETERS["A1"][0] == 1_066_880 and sum(PARAMETERS["A1"]) == 3_575_421


@pytest.mark.parametrize("table", TABLES)
def test_shapes_from_latent_to_score(table):
    widths, _, latent_dim, channels, _, resolution = TABLES[table]
    with torch.device("meta"):
        generator, discriminator = make(table)
        z = torch.empty(2, latent_dim)
        stages = generator.sastm_outputs(z)
        images = generator(z)
        scores = discriminator(images)
    sizes = [4 * 2**t for t in range(len(widths))]
    assert [tuple(s.x.shape) for s in stages] == [(2, w, n, n) for w, n in zip(widths, sizes, strict=True)]
    assert [tuple(s.alpha.shape) for s in stages] == [(2, w) for w in widths]
    assert [tuple(s.beta.shape) for s in stages] == [(2, n, n) for n in sizes]
    assert images.shape == (2, channels, resolution, resolution) and scores.shape == (2,)


@pytest.mark.parametrize("table", TABLES)
def test_discriminator_layers(table):
    _, widths, _, channels, _, resolution = TABLES[table]
    with torch.device("meta"):
        _, discriminator = make(table)
        size, x = resolution, torch.empty(2, channels, resolution, resolution)
        for width, before in zip(widths, (channels, *widths[:-1]), strict=True):
            (conv, norm, activation), discriminator.layers = discriminator.layers[:3], discriminator.layers[3:]
            assert (conv.in_channels, conv.out_channels, conv.bias) == (before, width, None)
            assert (conv.kernel_size, conv.stride, conv.padding) == ((4, 4), (2, 2), (1, 1))
            assert isinstance(norm, nn.InstanceNorm2d) and norm.num_features == width and not norm.affine
            assert isinstance(activation, nn.LeakyReLU) and activation.negative_slope == 0.2
            x, size = conv(x), size // 2
            assert x.shape == (2, width, size, size)
    (last,) = discriminator.layers
    assert (last.out_channels, last.kernel_size, last.stride, last.padding) == (1, (4, 4), (1, 1), (0, 0))


def test_discriminator_parameters_of_table_a1():
    # 16 (1*64 + 64*128 + 128*256 + 256*1) = 1,024 + 131,072 + 524,288 + 4,096, and instance norms without weights.
    with torch.device("meta"):
        assert count_parameters(make("A1")[1]) == 660_480


def test_generator_layers():
    generator = tiny()
    for t, (stage, width) in enumerate(zip(generator.stages, (5, 4), strict=True)):
        assert isinstance(stage, GeneratorStage) and isinstance(stage.sastm, SASTM)
        expected = ((4, 4), (1, 1), (0, 0)) if t == 0 else ((4, 4), (2, 2), (1, 1))
        assert (stage.deconv.kernel_size, stage.deconv.stride, stage.deconv.padding) == expected
        assert stage.deconv.bias is None and stage.norm.num_features == width
    deconv, tanh = generator.to_image
    assert (deconv.out_channels, deconv.stride, deconv.bias) == (3, (2, 2), None) and isinstance(tanh, nn.Tanh)
    # f of every stage is its own (U20).
    assert generator.stages[0].sastm.mlp[0].weight is not generator.stages[1].sastm.mlp[0].weight


@pytest.mark.parametrize("heads", [(True, True), (True, False), (False, True), None])
@pytest.mark.parametrize("training", [False, True])
def test_forward_is_the_tables_written_out(heads, training):
    """Independent: functional calls in the tables' order, Eq. 3 by broadcasting."""
    generator = tiny(heads).train(training).double()
    z = torch.randn(7, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y = z.reshape(7, 6, 1, 1)
    for t, stage in enumerate(generator.stages):
        h = nn.functional.conv_transpose2d(y, stage.deconv.weight, stride=1 + (t > 0), padding=int(t > 0))
        x = h
        if heads:
            shared = torch.relu(z @ stage.sastm.mlp[0].weight.T + stage.sastm.mlp[0].bias)
            alpha = beta = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
            if heads[0]:
                linear = stage.sastm.channel_head[0]
                alpha = torch.relu(shared @ linear.weight.T + linear.bias)[:, :, None, None]
            if heads[1]:
                beta = stage.sastm.position_head(shared)  # (N, 1, H, W)
            x = (alpha + beta) * h
        if training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        else:
            mean, variance = stage.norm.running_mean, stage.norm.running_var
        s = (x - mean[:, None, None]) / torch.sqrt(variance[:, None, None] + 1e-5)
        y = torch.relu(s * stage.norm.weight[:, None, None] + stage.norm.bias[:, None, None])
    expected = torch.tanh(nn.functional.conv_transpose2d(y, generator.to_image[0].weight, stride=2, padding=1))
    torch.testing.assert_close(generator(z), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("heads", [(True, True), (True, False), (False, True), None])
def test_sastm_outputs_are_the_forward_pass(heads):
    generator = tiny(heads).eval()
    z = torch.randn(3, 6)
    outputs, seen = generator.sastm_outputs(z), []
    hooks = [
        stage.norm.register_forward_hook(lambda module, inputs, _: seen.append(inputs[0])) for stage in generator.stages
    ]
    images = generator(z)
    for hook in hooks:
        hook.remove()
    for output, x in zip(outputs, seen, strict=True):
        assert torch.equal(output.x, x)  # what the batch norm gets in forward, bit for bit
        assert (output.alpha is not None, output.beta is not None) == (heads or (False, False))
        a = 0 if output.alpha is None else output.alpha[:, :, None, None]
        b = 0 if output.beta is None else output.beta[:, None]
        torch.testing.assert_close(output.x, output.h if heads is None else (a + b) * output.h)
    assert torch.equal(generator(z), images)
    assert images.min() >= -1 and images.max() <= 1


@pytest.mark.parametrize("resolution", [16, 64, 24])
def test_widths_must_lead_to_the_resolution(resolution):
    message = rf"widths \[8, 4, 2\] make 32 x 32 images, not {resolution} x {resolution}"
    with pytest.raises(ValueError, match="generator " + message):
        DCGANGenerator(4, [8, 4, 2], 1, resolution)
    with pytest.raises(ValueError, match="discriminator " + message):
        DCGANDiscriminator([8, 4, 2], 1, resolution)
