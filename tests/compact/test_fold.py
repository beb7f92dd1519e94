"""The smaller generator draws the full one's images, borders included."""

import copy

import pytest
import torch
from killing import kill_alpha, kill_beta
from torch import nn

from selfsparse.compact.dead import observe, proven_dead
from selfsparse.compact.fold import FoldedDeconv, fold
from selfsparse.models.build import count_parameters
from selfsparse.models.dcgan import DCGANGenerator
from selfsparse.models.resnet import ResNetGenerator
from selfsparse.models.sampling import draw_latents, sampling
from selfsparse.models.sastm import SASTM

WIDTHS, LATENT, F = [6, 5, 4], 7, 8


def build(**heads) -> DCGANGenerator:
    """A double-precision generator whose batch norms have real statistics and biases of both signs."""
    torch.manual_seed(1)
    generator = DCGANGenerator(
        LATENT, WIDTHS, 3, 32, lambda c, size: SASTM(LATENT, c, size, mlp_widths=(F,), position_size=4, **heads)
    ).double()
    for norm in (m for m in generator.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        nn.init.normal_(norm.running_mean, std=0.05)  # as x is small: coefficients below 1 of untrained heads
        nn.init.uniform_(norm.running_var, 0.001, 0.01)
    return generator.eval()


@torch.no_grad()
def draw(generator, mode, count=40):
    with sampling(generator, mode):
        return generator(draw_latents(count, LATENT, 3).double())


def test_a_constant_map_at_the_borders_by_hand():
    """A 4 x 4 kernel of ones, stride 2, padding 1: two inputs reach a position in each direction, one at the border."""
    deconv = nn.ConvTranspose2d(1, 1, 4, 2, 1, bias=False)
    nn.init.zeros_(deconv.weight)
    added = FoldedDeconv(deconv, torch.full((1, 1, 4, 4), 3.0), size=4)(torch.rand(2, 1, 4, 4))
    reach = torch.tensor([1.0, 2, 2, 2, 2, 2, 2, 1])
    assert torch.equal(added, (3.0 * torch.outer(reach, reach)).expand(2, 1, 8, 8))


def test_folding_is_exact_in_whole_numbers():
    """With integers sums have no rounding: constant channels through the kernel of ones equal the full deconvolution."""
    rng = torch.Generator().manual_seed(0)
    weight = torch.randint(-9, 10, (5, 3, 4, 4), generator=rng).float()
    y = torch.randint(0, 10, (2, 5, 8, 8), generator=rng).float()
    y[:, 1], y[:, 4] = 7.0, 2.0  # the same at all positions, for all latents
    full = nn.functional.conv_transpose2d(y, weight, None, 2, 1)
    small = nn.ConvTranspose2d(3, 3, 4, 2, 1, bias=False)
    small.weight.data = weight[[0, 2, 3]]
    folded = FoldedDeconv(small, (7.0 * weight[1] + 2.0 * weight[4])[None], size=8)
    assert torch.equal(folded(y[:, [0, 2, 3]]), full)


@pytest.mark.parametrize("mode", ["running", "batch"])
def test_the_images_stay(mode):
    full = build()
    for stage, channels in ((0, [0, 3]), (1, [1, 2, 4]), (2, [3])):
        kill_alpha(full, stage, channels)
        kill_beta(full, stage)
    dead = proven_dead(full)
    assert [parts.channels.sum().item() for parts in dead] == [2, 3, 1]
    small = fold(full, dead, mode)
    expected = draw(full, mode)
    assert (draw(small, mode) - expected).abs().max() < 1e-12
    assert expected.std(dim=0).max() > 1e-2  # images that differ from each other
    # Were the constants left out, or one number for all positions, the images would be others.
    for wrong in (lambda added: 0 * added, lambda added: added[..., 3:4, 3:4].expand_as(added)):
        other = copy.deepcopy(small)
        for module in (m for m in other.modules() if isinstance(m, FoldedDeconv)):
            module.added = wrong(module.added).clone()
        assert (draw(other, mode) - expected).abs().max() > 1e-3


def test_what_is_left_counted_by_hand():
    full = build()
    kill_alpha(full, 1, [1, 2, 4])
    kill_beta(full, 1)
    small = fold(full, proven_dead(full), "running")
    head = count_parameters(full.stages[1].sastm.position_head)
    # Three of 6 -> 5 kernels, their batch norms and rows of g1; their 5 -> 4 kernels become one; g2 goes.
    gone = 3 * 6 * 16 + 3 * 2 + 3 * (F + 1) + 3 * 4 * 16 - 4 * 16 + head
    assert count_parameters(full) - count_parameters(small) == gone
    assert small.stages[1].sastm.position_head is None and small.stages[0].sastm.position_head is not None
    assert [stage.norm.num_features for stage in small.stages] == [6, 2, 4]


def test_a_head_that_is_always_zero_goes():
    full = build()
    kill_alpha(full, 0, range(6))  # beta lives: no channel is dead
    small = fold(full, proven_dead(full), "running")
    assert small.stages[0].sastm.channel_head is None and small.stages[0].norm.num_features == 6
    assert (draw(small, "running") - draw(full, "running")).abs().max() < 1e-12


def test_a_head_that_is_zero_in_part_stays():
    """alpha of one channel, or beta of one position, is 0 for every latent: the others need their head."""
    full = build()
    kill_alpha(full, 0, [2])
    dead = proven_dead(full)
    assert dead[0].alpha.tolist() == [i == 2 for i in range(6)] and not dead[0].channels.any()
    dead[1].beta[:] = False
    dead[1].beta.view(-1)[0] = True
    small = fold(full, dead, "running")
    assert all(stage.sastm.channel_head is not None and stage.sastm.position_head is not None for stage in small.stages)
    assert torch.equal(draw(small, "running"), draw(full, "running"))


def test_a_whole_dead_stage_leaves_one_channel_and_one_image():
    full = build()
    kill_alpha(full, 1, range(5))
    kill_beta(full, 1)
    small = fold(full, proven_dead(full), "running")
    assert [stage.norm.num_features for stage in small.stages] == [6, 1, 4]
    assert (draw(small, "running") - draw(full, "running")).abs().max() < 1e-12


@pytest.mark.parametrize("heads", [{"position_head": False}, {"channel_head": False}], ids=str)
def test_the_ablated_models(heads):
    full = build(**heads)
    if "position_head" in heads:
        kill_alpha(full, 0, [2])
    else:
        kill_beta(full, 0)
    dead = proven_dead(full)
    assert int(dead[0].channels.sum()) == (1 if "position_head" in heads else 6)
    small = fold(full, dead, "running")
    assert (draw(small, "running") - draw(full, "running")).abs().max() < 1e-12


def test_what_was_observed_is_exact_where_it_stays_so():
    """A channel that is alive for few latents, and dead for all that were tried: equal there, different beyond."""
    full = build(position_head=False)
    linear = full.stages[0].sastm.channel_head[0]
    z = draw_latents(4000, LATENT, 5).double()
    with torch.no_grad():
        units = full.stages[0].sastm.mlp(z)
        linear.weight[2] = 1.0
        linear.bias[2] = -float(units.sum(dim=1).quantile(0.99))  # alpha_2 > 0 for one latent in a hundred
        full.stages[0].norm.bias[2] = 9.0  # so that ReLU lets its changes through
        alive = full.stages[0].sastm.coefficients(z)[0][:, 2] > 0
    tried = z[~alive][:2000]
    observed = observe(full, tried, 500, torch.device("cpu"), "running")
    assert not proven_dead(full)[0].channels.any() and observed[0].dead.channels[2]
    small = fold(full, [stage.dead for stage in observed], "running")
    with torch.no_grad():
        assert (small(tried) - full(tried)).abs().max() < 1e-12
        assert (small(z[alive]) - full(z[alive])).abs().max() > 1e-3


@pytest.mark.parametrize("kind", [DCGANGenerator, ResNetGenerator])
def test_what_cannot_be_folded(kind):
    generator = kind(3, [4, 3] if kind is DCGANGenerator else [4, 3, 2], 1, 16)
    with pytest.raises(ValueError, match=f"only a DCGAN with SASTMs can be made smaller, got {kind.__name__}"):
        fold(generator, [], "running")
