"""What the weights prove to be zero for every latent, and what is seen to be."""

import itertools

import pytest
import torch
from killing import kill_alpha, kill_beta
from torch import nn

from selfsparse.compact.dead import _never_positive, observe, proven_dead
from selfsparse.models.dcgan import DCGANGenerator
from selfsparse.models.resnet import ResNetGenerator
from selfsparse.models.sampling import draw_latents
from selfsparse.models.sastm import SASTM

CPU = torch.device("cpu")


def dcgan(latent_dim: int, widths: list[int], size: int, **sastm) -> DCGANGenerator:
    """A generator of grey images whose SASTMs have these options."""
    torch.manual_seed(0)
    return DCGANGenerator(latent_dim, widths, 1, size, lambda c, side: SASTM(latent_dim, c, side, **sastm)).eval()


@torch.no_grad()
def fill(layer: nn.Module, weight, bias) -> None:
    """Give a layer these weights and biases: all of them, or one value for all."""
    layer.weight[:], layer.bias[:] = (torch.as_tensor(value, dtype=torch.float32) for value in (weight, bias))


@pytest.mark.parametrize(
    ("rows", "bias", "expected"),
    [
        # f's units 0 and 1 can be positive; unit 2 ignores z and has the bias -1: it never is.
        ([[-1, -2, 0], [1, -2, 0]], [0, 0], [True, False]),
        ([[-1, -2, 5], [-1, -2, 5]], [0, 0.1], [True, False]),  # a weight on unit 2 does not count, a bias does
        ([[0, 0, 0], [0, 0, 1e-30]], [-1, 0], [True, True]),
        ([[-1, 2, 0], [-1, -2, 0]], [0, 0], [False, True]),  # unit 1 is positive where z is negative
    ],
)
def test_a_channel_is_proven_dead_by_signs(rows, bias, expected):
    sastm = SASTM(2, 2, 4, mlp_widths=(3,), position_head=False)  # of z (2,), f of three units and two channels
    fill(sastm.mlp[0], [[1, 0], [0, -1], [0, 0]], [0, 0, -1])
    fill(sastm.channel_head[0], rows, bias)
    assert _never_positive(sastm, sastm.channel_head).tolist() == expected


def test_the_position_head_by_hand():
    """f of one live unit to a 4 x 4 map, one 4 x 4 deconvolution of stride 2: each tap reaches known positions."""
    sastm = SASTM(1, 1, 8, mlp_widths=(1,), position_size=4, channel_head=False)
    linear, deconv = sastm.position_head[0], sastm.position_head[3]
    fill(linear, -1, 0)
    linear.weight.data[5] = 1.0  # row 1, column 1 of the map; all others stay 0
    fill(deconv, -1, 0)
    deconv.weight.data[0, 0, 0, 3] = 1.0  # output (2 * 1 - 1 + 0, 2 * 1 - 1 + 3) = (1, 4)
    found = _never_positive(sastm, sastm.position_head)[0]
    assert (~found).nonzero().tolist() == [[1, 4]]
    deconv.bias.data.fill_(0.5)
    assert not _never_positive(sastm, sastm.position_head).any()


@pytest.mark.parametrize(
    ("signs", "dead"), [((-1, 1, -1), False), ((1, 1, -1), True), ((-1, -1, -1), True), ((1, -1, -1), False)]
)
def test_signs_along_a_chain_of_deconvolutions(signs, dead):
    """Of a map above zero through weights of one sign each: what comes out has the product of the signs."""
    sastm = SASTM(1, 1, 32, mlp_widths=(16,), position_size=4, channel_head=False)
    fill(sastm.mlp[0], 1, 0)
    deconvs = [m for m in sastm.position_head if isinstance(m, nn.ConvTranspose2d)]
    for deconv, sign in zip(deconvs, signs, strict=True):
        fill(deconv, sign, 0)
    assert (_never_positive(sastm, sastm.position_head) == dead).all()
    assert ((sastm.coefficients(torch.ones(1, 1))[1] == 0) == dead).all()


def test_a_channel_lives_where_one_position_does():
    """Without channel head, and with beta proven 0 at all positions but one."""
    generator = dcgan(1, [2, 3], 16, mlp_widths=(1,), position_size=4, channel_head=False)
    linear, deconv = (generator.stages[1].sastm.position_head[i] for i in (0, 3))
    fill(linear, -1, 0)
    fill(deconv, -1, 0)
    linear.weight.data[5] = 1.0
    assert proven_dead(generator)[1].channels.all()
    deconv.weight.data[0, 0, 0, 3] = 1.0  # reaches one position
    found = proven_dead(generator)[1]
    assert not found.channels.any() and (~found.beta).nonzero().tolist() == [[1, 4]]


def test_what_is_proven_is_never_seen_alive():
    rng = torch.Generator().manual_seed(0)
    proven_count = 0
    for trial in range(60):
        sastm = SASTM(3, 6, 8, mlp_widths=(4, 3), position_size=(4, 8, 16)[trial % 3])
        for parameter in sastm.parameters():  # mostly negative, so that something can be proven
            parameter.data = torch.randn(parameter.shape, generator=rng) - 1.5
        z = torch.randn(4000, 3, generator=rng)
        for head, seen in zip((sastm.channel_head, sastm.position_head), sastm.coefficients(z), strict=True):
            never = _never_positive(sastm, head)
            never = never[0] if head is sastm.position_head else never
            assert not (seen > 0).any(dim=0)[never].any()
            proven_count += int(never.sum())
    assert proven_count > 100


@pytest.fixture
def generator() -> DCGANGenerator:
    return dcgan(5, [4, 3], 16, mlp_widths=(6,), position_size=4)


@pytest.mark.parametrize(("alpha", "beta"), list(itertools.product([True, False], repeat=2)))
def test_a_channel_dies_where_alpha_and_beta_both_do(generator, alpha, beta):
    if alpha:
        kill_alpha(generator, 0, [1, 2])
    if beta:
        kill_beta(generator, 0)
    proven = proven_dead(generator)
    seen = observe(generator, draw_latents(500, 5, 0), 100, CPU, "running")
    expected = [False, alpha and beta, alpha and beta, False]
    assert proven[0].channels.tolist() == expected
    assert proven[0].alpha.tolist() == [False, alpha, alpha, False] and bool(proven[0].beta.all()) == beta
    assert not proven[1].channels.any()
    for t, stage in enumerate(seen):
        assert not (proven[t].channels & ~stage.dead.channels).any()
        assert stage.zero_rate[proven[t].channels].tolist() == [1.0] * int(proven[t].channels.sum())
        assert stage.positions.shape == stage.dead.beta.shape == (4 * 2**t, 4 * 2**t)


def test_a_channel_without_a_map_is_dead(generator):
    with torch.no_grad():
        generator.stages[1].deconv.weight[:, 2] = 0
    assert proven_dead(generator)[1].channels.tolist() == [False, False, True]
    assert observe(generator, draw_latents(50, 5, 0), 50, CPU, "running")[1].dead.channels.tolist() == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]], ids=["lit last", "lit first"])
def test_rates_and_positions_by_hand(order):
    """x = beta h with beta = relu(z_0 at one position, -1 elsewhere): zero for half of four latents, lit at one position."""
    generator = dcgan(16, [2], 8, mlp_widths=(16,), position_size=4, channel_head=False)
    sastm = generator.stages[0].sastm
    conv = sastm.position_head[1]
    assert isinstance(conv, nn.Conv2d) and conv.kernel_size == (3, 3)
    for layer in (sastm.mlp[0], conv):
        fill(layer, 0, 0)
    sastm.mlp[0].weight.data[6, 0] = 1.0  # row 1, column 2 of the 4 x 4 map
    conv.weight.data[0, 0, 1, 1] = 1.0
    z = torch.ones(4, 16)
    z[:2, 0] = -1.0
    found = observe(generator, z[order], 3, CPU, "running")[0]
    assert found.zero_rate.tolist() == [0.5, 0.5] and not found.dead.channels.any()
    assert (~found.positions).nonzero().tolist() == [[1, 2]] and (~found.dead.beta).nonzero().tolist() == [[1, 2]]
    assert found.dead.alpha.all()  # without channel head


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]], ids=["lit last", "lit first"])
def test_channels_by_hand(order):
    """alpha = relu(z_0) and relu(-2): the first channel lives for half of four latents, the second for none."""
    generator = dcgan(3, [2], 8, mlp_widths=(1,), position_head=False)
    sastm = generator.stages[0].sastm
    fill(sastm.mlp[0], [[1.0, 0.0, 0.0]], [0.0])
    fill(sastm.channel_head[0], [[1.0], [0.0]], [0.0, -2.0])
    z = torch.ones(4, 3)
    z[:2, 0] = -1.0
    found = observe(generator, z[order], 3, CPU, "running")[0]
    assert found.zero_rate.tolist() == [0.5, 1.0] and found.dead.channels.tolist() == [False, True]
    assert found.dead.alpha.tolist() == [False, True]
    assert found.dead.beta.all() and not found.positions.any()


def test_the_stages_of_a_resnet():
    """Dead in x; the skip path beside it is no part of it."""
    torch.manual_seed(0)
    generator = ResNetGenerator(
        5, [4, 3, 3], 1, 16, lambda channels, size: SASTM(5, channels, size, mlp_widths=(6,), position_size=4)
    ).eval()
    kill_alpha(generator, 1, [0, 2])
    kill_beta(generator, 1)
    with torch.no_grad():
        generator.stages[2].residual[-1].weight[1] = 0
    expected = [[False] * 4, [True, False, True], [False, True, False]]
    assert [parts.channels.tolist() for parts in proven_dead(generator)] == expected
    seen = observe(generator, draw_latents(300, 5, 0), 100, CPU, "running")
    assert [stage.dead.channels.tolist() for stage in seen] == expected


def test_a_generator_without_sastm():
    with pytest.raises(ValueError, match="without SASTMs"):
        proven_dead(DCGANGenerator(5, [4], 1, 8))
