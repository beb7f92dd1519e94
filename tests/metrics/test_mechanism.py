"""The looks inside a generator, against numpy on its stages' own outputs."""

import copy
from functools import partial

import numpy as np
import pytest
import torch

from selfsparse.metrics.mechanism import measure_mechanism
from selfsparse.models.dcgan import DCGANGenerator, StageOutput
from selfsparse.models.resnet import ResNetGenerator
from selfsparse.models.sastm import SASTM

CPU = torch.device("cpu")
LATENTS = 20
BATCH = 8


def generator(kind=DCGANGenerator, widths=(6, 4), heads=(True, True)):
    torch.manual_seed(0)
    make = partial(SASTM, 5, mlp_widths=(16,), position_size=4, channel_head=heads[0], position_head=heads[1])
    return kind(5, widths, 1, 16, make if any(heads) else None)


@pytest.fixture
def latents():
    return torch.randn(LATENTS, 5, generator=torch.Generator().manual_seed(1))


def test_shares_of_every_stage(latents):
    """Batch norm by hand, with the biased variance of each batch over images and positions, weight 1 and bias 0."""
    network = generator()
    found = measure_mechanism(network, latents, 30, None, BATCH, CPU)
    assert [(row.step, row.stage, row.size, row.channels) for row in found.stages] == [(30, 1, 4, 6), (30, 2, 8, 4)]
    with torch.no_grad():
        network.train()
        parts = [network.sastm_outputs(part) for part in latents.split(BATCH)]
    for i, row in enumerate(found.stages):
        x = [part[i].x.numpy().astype(np.float64) for part in parts]
        s = [(v - v.mean((0, 2, 3), keepdims=True)) / np.sqrt(v.var((0, 2, 3), keepdims=True) + 1e-5) for v in x]
        x, s = np.concatenate(x), np.concatenate(s)
        assert row.xi == pytest.approx((x == 0).mean(), abs=1e-12)
        assert row.negative_given_positive == pytest.approx(((s < 0) & (x > 0)).sum() / (x > 0).sum(), abs=2e-4)
        assert row.zero_gradient == pytest.approx((s <= 0).mean(), abs=2e-4)
        assert row.dead_channels == int((x == 0).all((0, 2, 3)).sum())
        alpha = np.concatenate([part[i].alpha.numpy() for part in parts])
        beta = np.concatenate([part[i].beta.numpy() for part in parts])
        assert (row.alpha_zero, row.beta_zero) == pytest.approx(((alpha == 0).mean(), (beta == 0).mean()))
        np.testing.assert_array_equal(found.coefficients[f"alpha_{i + 1}"].numpy(), alpha[0])
        np.testing.assert_array_equal(found.coefficients[f"beta_{i + 1}"].numpy(), beta[0])
        weight = network.stages[i].deconv.weight.detach().numpy().astype(np.float64)
        assert (row.weight_negative, row.weight_mean) == pytest.approx(((weight < 0).mean(), weight.mean()))
        assert row.alpha_changed is None and row.beta_changed is None


def test_sign_changes_against_the_snapshot_before(latents):
    """Alpha of one channel is switched off for all latents, another one on: the share of those that changed is known."""
    network = generator()
    before = measure_mechanism(network, latents, 0, None, BATCH, CPU)
    linear = network.stages[0].sastm.channel_head[0]
    with torch.no_grad():
        linear.bias[2], linear.bias[4] = -100.0, 100.0
    after = measure_mechanism(network, latents, 10, before.positive, BATCH, CPU)
    was = before.positive["alpha_1"].double()
    expected = (was[:, 2].sum() + (1 - was[:, 4]).sum()) / was.numel()
    assert after.stages[0].alpha_changed == pytest.approx(float(expected)) and expected > 0
    assert after.stages[0].beta_changed == 0 and after.stages[1].alpha_changed == 0


def test_signs_against_those_of_the_settling_step(latents):
    """The same changes against a step long before: what lies between does not count, and a sign that came back is none."""
    network = generator()
    settled = measure_mechanism(network, latents, 5, None, BATCH, CPU).positive
    linear = network.stages[0].sastm.channel_head[0]
    bias = linear.bias.detach().clone()
    with torch.no_grad():
        linear.bias[2], linear.bias[4] = -100.0, 100.0
    away = measure_mechanism(network, latents, 10, settled, BATCH, CPU, settled)
    was = settled["alpha_1"].double()
    expected = (was[:, 2].sum() + (1 - was[:, 4]).sum()) / was.numel()
    assert away.stages[0].alpha_differs == pytest.approx(float(expected)) and expected > 0
    assert away.stages[0].beta_differs == 0
    with torch.no_grad():
        linear.bias.copy_(bias)
    back = measure_mechanism(network, latents, 20, away.positive, BATCH, CPU, settled)
    assert back.stages[0].alpha_differs == 0 < back.stages[0].alpha_changed
    assert measure_mechanism(network, latents, 0, None, BATCH, CPU).stages[0].alpha_differs is None


def test_dead_channels(latents):
    """Role 1 (claim C21): without beta, a channel whose alpha is zero for every latent is zero everywhere."""
    network = generator(heads=(True, False))
    with torch.no_grad():
        network.stages[0].sastm.channel_head[0].bias[1:3] = -100.0
    row = measure_mechanism(network, latents, 0, None, BATCH, CPU).stages[0]
    alpha = torch.stack([network.stages[0].sastm.coefficients(z[None])[0][0] for z in latents])
    assert row.dead_channels == int((alpha == 0).all(0).sum()) >= 2
    assert row.beta_zero is None


def test_a_channel_is_dead_where_no_batch_wakes_it():
    """Batches of two, two and one latent; one channel lives in the first alone, one in the last, one below zero, one never."""
    x = torch.zeros(5, 4, 2, 2)
    x[0, 0, 0, 1], x[4, 1, 1, 1], x[2, 2, 0, 0] = 1.0, 2.0, -1.0

    class Numbered(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            stage = torch.nn.Module()
            stage.deconv = torch.nn.ConvTranspose2d(1, 4, 4)
            self.stages = torch.nn.ModuleList([stage])

        def sastm_outputs(self, z):
            maps = x[z[:, 0].long()]
            return [StageOutput(None, None, maps, maps)]

    (row,) = measure_mechanism(Numbered(), torch.arange(5.0)[:, None], 0, None, 2, CPU).stages
    assert row.dead_channels == 1 and row.xi == pytest.approx(1 - 3 / 80)  # three of 5 * 4 * 4 values are not zero


def test_the_baseline_has_no_coefficients(latents):
    found = measure_mechanism(generator(heads=(False, False)), latents, 0, None, BATCH, CPU)
    assert found.positive == {} and found.coefficients == {}
    for row in found.stages:
        assert (row.alpha_zero, row.beta_zero, row.xi, row.dead_channels) == (None, None, 0, 0)
        assert 0 < row.negative_given_positive < 1


def test_a_resnet_has_no_batch_norm_right_behind(latents):
    network = generator(ResNetGenerator, widths=(6, 4, 4))
    rows = measure_mechanism(network, latents, 0, None, BATCH, CPU).stages
    assert [row.size for row in rows] == [4, 8, 16]
    assert all(row.negative_given_positive is None and row.zero_gradient is None for row in rows)
    assert rows[1].weight_mean == pytest.approx(float(network.stages[1].residual[-1].weight.detach().mean()))


def test_looking_changes_nothing(latents):
    network = generator().train()
    network(latents)
    before = copy.deepcopy(network.state_dict())
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    measure_mechanism(network, latents, 0, None, BATCH, CPU)
    assert torch.equal(torch.rand(2), expected) and network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not network.stages[0].norm._forward_hooks
