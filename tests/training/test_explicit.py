"""The chain of formulas against automatic differentiation of the same discriminator, and the thin layers against PyTorch's."""

import pytest
import torch
from torch import nn

from selfsparse.models.dcgan import DCGANDiscriminator
from selfsparse.models.sastm import ThinConv, ThinDeconv
from selfsparse.training.explicit import ExplicitDiscriminator
from selfsparse.training.objective import discriminator_loss, generator_loss, sample_on_lines

CASES = [(1, (8, 16), 16), (3, (8, 16), 16), (1, (5, 6, 7), 32), (6, (8, 9), 16)]  # channels, widths, resolution


def discriminator(case, dtype, memory_format=torch.contiguous_format):
    torch.manual_seed(0)
    channels, widths, resolution = case
    return DCGANDiscriminator(widths, channels, resolution).to(dtype=dtype, memory_format=memory_format)


def images(case, dtype, seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(5, case[0], case[2], case[2], generator=rng, dtype=dtype) * 2 - 1


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("penalty_weight", [10.0, 0.0])
@pytest.mark.parametrize(("loss", "centre"), [("wasserstein", 0), ("wasserstein", 1), ("hinge", 0)])
@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_losses_and_gradients_are_those_of_automatic_differentiation(case, penalty_weight, loss, centre, dtype, within):
    network, real, fake = discriminator(case, dtype), images(case, dtype, 1), images(case, dtype, 2)
    settings = {"penalty_weight": penalty_weight, "penalty_centre": centre, "loss": loss}
    points = sample_on_lines(real, fake, torch.Generator().manual_seed(3)) if penalty_weight else None
    expected = discriminator_loss(network, real, fake, points, **settings)
    expected.loss.backward(inputs=list(network.parameters()))
    gradients = [parameter.grad for parameter in network.parameters()]
    found = ExplicitDiscriminator(network).backward(real, fake, points, **settings)
    assert found.loss.item() == pytest.approx(expected.loss.item(), rel=within, abs=within)
    assert found.penalty.item() == pytest.approx(expected.penalty.item(), rel=within)
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        assert (parameter.grad - gradient).norm() <= within * gradient.norm()
        assert parameter.grad.stride() == parameter.stride()  # Adam's kernel reads both by their addresses


def test_a_penalty_around_one_has_a_finite_gradient_where_the_norm_has_none():
    network = discriminator(CASES[0], torch.float64)
    nn.init.zeros_(network.layers[-1].weight)  # every gradient is 0, each penalty 1
    real, fake = images(CASES[0], torch.float64, 1), images(CASES[0], torch.float64, 2)
    found = ExplicitDiscriminator(network).backward(real, fake, (real + fake) / 2, 10.0, 1)
    assert found.penalty.item() == 1
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_scores_and_the_gradient_of_images(case, memory_format):
    network = discriminator(case, torch.float64, memory_format).requires_grad_(False)
    plain, ours = (images(case, torch.float64, 1).to(memory_format=memory_format).requires_grad_() for _ in range(2))
    expected, found = generator_loss(network, plain), generator_loss(ExplicitDiscriminator(network).scores, ours)
    expected.backward()
    found.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    assert (ours.grad - plain.grad).norm() <= 1e-12 * plain.grad.norm()


@pytest.mark.parametrize("settings", [(1, 1, 4, 2, 1), (1, 1, 3, 1, 1), (1, 1, 2, 2), (6, 3, 4, 2, 1)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("thin", "plain"), [(ThinConv, nn.Conv2d), (ThinDeconv, nn.ConvTranspose2d)])
def test_thin_layers_are_pytorchs(settings, bias, thin, plain):
    torch.manual_seed(0)
    layer = thin(*settings, bias=bias).double()
    other = plain(*settings, bias=bias).double()
    other.load_state_dict(layer.state_dict())
    x = torch.randn(3, settings[0], 8, 8, dtype=torch.float64, requires_grad=True)
    outputs = layer(x), other(x)
    assert torch.allclose(*outputs, rtol=0, atol=1e-13)
    cotangent = torch.randn_like(outputs[0])
    found, expected = (
        torch.autograd.grad(y, [x, *m.parameters()], cotangent) for y, m in zip(outputs, (layer, other), strict=True)
    )
    assert all(torch.allclose(a, b, rtol=0, atol=1e-11) for a, b in zip(found, expected, strict=True))
