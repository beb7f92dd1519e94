"""Networks of the configurations, and how their first weights are drawn."""

import copy
import math
import re
from typing import get_args

import pytest
import torch
from small_project import ROOT
from torch import nn

from selfsparse.config import ModelName, load_settings
from selfsparse.heads import HEADS
from selfsparse.models.build import build_discriminator, build_generator, initialise
from selfsparse.models.sastm import SASTM
from selfsparse.registry import SASTM_MODELS

MODELS = ("wgan_gp", "self_sparse", "without_psm", "without_csm")


@pytest.fixture(scope="module")
def settings():
    return load_settings(ROOT / "params.yaml")


def drawn(configuration, scheme: str, seed: int) -> nn.Module:
    generator = build_generator(configuration)
    initialise(generator, scheme, torch.Generator().manual_seed(seed))
    return generator


def test_every_small_configuration_builds(settings):
    """Those of the suites paper and controls are in test_paper_networks.py."""
    found = [c for c in settings.configurations.values() if c.suite not in ("paper", "controls")]
    assert len(found) >= 30
    for c in found:
        with torch.no_grad():
            images = build_generator(c)(torch.zeros(2, c.latent_dim))
            assert images.shape == (2, c.dataset.channels, c.dataset.resolution, c.dataset.resolution), c.name
            assert build_discriminator(c)(images).shape == (2,), c.name


@pytest.mark.parametrize(
    ("model", "channel_head", "position_head"),
    [("self_sparse", True, True), ("without_psm", True, False), ("without_csm", False, True)],
)
def test_which_heads_a_model_has(settings, model, channel_head, position_head):
    generator = build_generator(settings.configuration(f"digits-16-{model}"))
    sastms = [m for m in generator.modules() if isinstance(m, SASTM)]
    assert len(sastms) == len(generator.stages)
    for sastm in sastms:
        assert (sastm.channel_head is not None, sastm.position_head is not None) == (channel_head, position_head)


def test_the_models_with_a_sastm_are_those_that_are_listed():
    assert tuple(model for model in get_args(ModelName) if HEADS[model]) == SASTM_MODELS
    assert HEADS.keys() == set(get_args(ModelName))


def test_the_baseline_has_no_sastm(settings):
    generator = build_generator(settings.configuration("digits-16-wgan_gp"))
    assert not any(isinstance(m, SASTM) for m in generator.modules())


def test_only_the_generator_differs_between_models(settings):
    """The discriminator is the same network in all four (claim C27), and starts alike from the same random numbers."""
    found = [build_discriminator(settings.configuration(f"digits-16-{model}")) for model in MODELS]
    assert len({str(d) for d in found}) == 1
    for d in found:
        initialise(d, "dcgan", torch.Generator().manual_seed(1))
    for other in found[1:]:
        for a, b in zip(found[0].parameters(), other.parameters(), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("scheme", ["dcgan", "pytorch"])
def test_the_generator_of_random_numbers_alone_decides(settings, scheme):
    c = settings.configuration("digits-16-self_sparse")
    torch.manual_seed(1)
    first = drawn(c, scheme, 5).state_dict()
    torch.manual_seed(2)
    second, third = drawn(c, scheme, 5).state_dict(), drawn(c, scheme, 6).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    # With another seed every weight differs, except those that neither scheme draws.
    same = {name for name in first if torch.equal(first[name], third[name])}
    assert all(".norm." in name or re.search(r"position_head\.\d+\.bias$", name) for name in same), same


def test_dcgan_initialisation(settings):
    # 409,600 weights of the first deconvolution: the sample's std is 0.02 within 0.02 / sqrt(2 * 409600) = 0.11 %.
    generator = drawn(settings.configuration("mnist-32-self_sparse"), "dcgan", 0)
    for stage in generator.stages:
        weights = stage.deconv.weight
        tolerance = 5 / math.sqrt(2 * weights.numel())
        assert weights.std().item() == pytest.approx(0.02, rel=tolerance)
        assert weights.mean().item() == pytest.approx(0, abs=5 * 0.02 / math.sqrt(weights.numel()))
        assert stage.norm.weight.mean().item() == pytest.approx(1, abs=5 * 0.02 / math.sqrt(len(stage.norm.weight)))
        assert stage.norm.weight.std().item() == pytest.approx(0.02, rel=5 / math.sqrt(2 * len(stage.norm.weight)))
        assert (stage.norm.bias == 0).all()
    assert generator.to_image[0].weight.std().item() == pytest.approx(0.02, rel=5 / math.sqrt(2 * 1024))


@pytest.mark.parametrize("scheme", ["dcgan", "pytorch"])
def test_the_sastm_keeps_pytorchs_default(settings, scheme):
    """U14: N(0, 0.02) there would start all coefficients near zero."""
    generator = drawn(settings.configuration("mnist-32-self_sparse"), scheme, 0)
    layers = [m for s in generator.modules() if isinstance(s, SASTM) for m in s.modules() if hasattr(m, "weight")]
    assert len(layers) == 3 * (2 + 1 + 1) + (2 + 1 + 1)  # f, g1 and g2's Linear of three stages; g2's convolutions
    for layer in layers:
        if scheme == "dcgan" and not isinstance(layer, nn.Linear):
            assert (layer.bias == 0).all()
            layer.bias = None
        assert_uniform(layer)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_position_head_is_shut_at_the_start(settings, seed):
    """U14: with PyTorch's biases in g2, one of five heads or more is zero for every latent in each of these three seeds.

    The generator without CSM then makes constant images, and no gradient reaches its weights.
    """
    generator = drawn(settings.configuration("fashion_mnist-128-without_csm"), "dcgan", seed).train()
    with torch.no_grad():
        outputs = generator.sastm_outputs(torch.randn(4, 100, generator=torch.Generator().manual_seed(0)))
    assert len(outputs) == 5
    for output in outputs:
        assert (output.beta > 0).any() and (output.x != 0).any()


def test_pytorch_initialisation(settings):
    generator = drawn(settings.configuration("mnist-32-wgan_gp"), "pytorch", 0)
    for module in generator.modules():
        if isinstance(module, nn.ConvTranspose2d):
            assert_uniform(module)
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all() and (module.bias == 0).all()


def assert_uniform(layer: nn.Module) -> None:
    """Weights and biases are U(-b, b) with b = 1 / sqrt(fan in), as reset_parameters() of these layers draws them.

    Fan in is the weight's second size times the kernel's, for a deconvolution too.
    """
    bound = 1 / math.sqrt(layer.weight[0].numel())
    reference = copy.deepcopy(layer)
    reference.reset_parameters()
    for name in ("weight", "bias"):
        values, known = getattr(layer, name), getattr(reference, name)
        if values is None:
            continue
        values, known = values.detach(), known.detach()
        assert values.abs().max() <= bound and known.abs().max() <= bound
        if values.numel() < 100:
            continue
        n = values.numel()
        # Of a uniform: the largest of n is within 10 / n of the bound (but for e^-10), the std is b / sqrt(3).
        assert values.abs().max().item() == pytest.approx(bound, rel=20 / n)
        assert values.std().item() == pytest.approx(bound / math.sqrt(3), rel=5 / math.sqrt(n))
        assert known.std().item() == pytest.approx(values.std().item(), rel=10 / math.sqrt(n))
