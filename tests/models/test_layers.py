"""The walk over built networks and the counter of FLOPs, against sums by hand."""

import pytest
import torch
from small_project import ROOT

from selfsparse.config import load_settings
from selfsparse.models.build import count_parameters
from selfsparse.models.counting import forward_flops
from selfsparse.models.layers import build_on_meta, layers


@pytest.fixture(scope="module")
def settings():
    return load_settings(ROOT / "params.yaml")


def test_flops_of_a1(settings):
    """A DeConv costs 2 * 16 FLOPs per input position, input and output channel; a Conv per output position.

    Generator: 32 (100*256*1 + 256*128*16 + 128*64*64 + 64*1*256) = 34,897,920.
    Discriminator: 32 (1*64*256 + 64*128*64 + 128*256*16 + 256*1*1) = 34,086,912.
    """
    built = build_on_meta(settings.configuration("mnist-32-wgan_gp"))
    assert {part: forward_flops(*pair) for part, pair in built.items()} == {
        "generator": 34_897_920, "discriminator": 34_086_912,
    }  # fmt: skip


def test_they_are_the_same_with_values_on_a_cpu(settings):
    """There, convolutions of few channels go another way (ThinConv)."""
    c = settings.configuration("digits-16-self_sparse")
    on_meta, entry = build_on_meta(c)["generator"]
    on_cpu = on_meta.to_empty(device="cpu")
    found = forward_flops(on_cpu, torch.zeros(entry.shape))
    assert found == forward_flops(*build_on_meta(c)["generator"]) > 0


def test_layers_in_the_order_of_the_forward_pass(settings):
    found = layers(*build_on_meta(settings.configuration("mnist-32-self_sparse"))["generator"])
    stages = [text for width in (256, 128, 64) for text in ("DeConv 4×4", "SASTM", f"BN-{width}", "ReLU")]
    assert [layer.text.split(",")[0] for layer in found] == [*stages, "DeConv 4×4", "Tanh"]
    assert [layer.shape for layer in found[:3]] == [(256, 4, 4)] * 3 and found[-1].shape == (1, 32, 32)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stl10-64-self_sparse-resnet", "celeba_hq-128-sagan"])
def test_every_parameter_is_of_one_layer(settings, name):
    for network, entry in build_on_meta(settings.configuration(name)).values():
        assert sum(count_parameters(layer.module) for layer in layers(network, entry)) == count_parameters(network)
    if "resnet" in name:
        assert any(layer.skip for layer in layers(*build_on_meta(settings.configuration(name))["generator"]))
