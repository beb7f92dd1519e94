"""SAGAN's attention and spectral normalisation, against computations of this test's own."""

import math

import pytest
import torch
from small_project import ROOT
from torch import nn

from selfsparse.config import load_settings
from selfsparse.models.build import build_discriminator, build_generator, initialise
from selfsparse.models.sagan import SAGANDiscriminator, SAGANGenerator, SelfAttention


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def convolutions(network: nn.Module) -> list[nn.Module]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


def networks() -> dict[str, nn.Module]:
    return {
        "generator": SAGANGenerator(6, (32, 16), 3, 16, attention_size=8),
        "discriminator": SAGANDiscriminator((16, 32), 3, 16, attention_size=8),
    }


def matrix(layer: nn.Module) -> torch.Tensor:
    """The weight as a matrix of one row per channel out; a deconvolution's weight has these in its second dimension."""
    weight = layer.weight.detach()
    return (weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight).flatten(1)


def attended(module: SelfAttention, y: torch.Tensor) -> torch.Tensor:
    """SAGAN's Eq. 1 to 3 by sums over positions i (looked at) and j (looking), without a softmax layer."""
    q, k, v = (layer.weight[:, :, 0, 0] for layer in (module.query, module.key, module.value))
    x = y.flatten(2)  # (N, C, positions)
    s = torch.einsum("nci,kc,kd,ndj->nij", x, k, q, x)
    weights = s.exp() / s.exp().sum(1, keepdim=True)  # beta_ji: over all i, for each j
    o = torch.einsum("ck,kd,ndi,nij->ncj", module.output.weight[:, :, 0, 0], v, x, weights)
    return y + module.gamma * o.reshape(y.shape)


@pytest.mark.parametrize("gamma", [0.7, -2.0])
def test_attention_is_sagans_equations(gamma):
    torch.manual_seed(0)
    module = SelfAttention(16).double()
    nn.init.constant_(module.gamma, gamma)
    y = torch.randn(3, 16, 4, 5, generator=rng(), dtype=torch.float64)
    assert module.query.weight.shape == (2, 16, 1, 1) and module.output.weight.shape == (16, 2, 1, 1)
    torch.testing.assert_close(module(y), attended(module, y), rtol=1e-11, atol=1e-12)
    assert (module(y) - y).abs().max() > 1e-3


def test_attention_on_two_positions_by_hand():
    # One channel; query, key, value, output 1: position j sees sum_i y_i e^(y_i y_j) / sum_i e^(y_i y_j).
    module = SelfAttention(1).double()
    for layer in (module.query, module.key, module.value, module.output):
        nn.init.ones_(layer.weight)
    nn.init.constant_(module.gamma, 2.0)
    # y = (0, 1): the first sees both alike, 1/2; the second sees e / (1 + e).
    found = module(torch.tensor([[[[0.0, 1.0]]]], dtype=torch.float64)).flatten().tolist()
    assert found == pytest.approx([0 + 2 * 0.5, 1 + 2 * math.e / (1 + math.e)], rel=1e-14)


def test_attention_starts_as_the_identity():
    module = SelfAttention(24)
    y = torch.randn(2, 24, 4, 4, generator=rng(), requires_grad=True)
    out = module(y)
    assert module.gamma.shape == () and module.gamma.item() == 0 and torch.equal(out, y)
    (out * torch.randn(out.shape, generator=rng(1))).sum().backward()
    assert module.gamma.grad.item() != 0
    assert all((layer.weight.grad == 0).all() for layer in convolutions(module))


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_attention_follows_the_layer_of_its_size(name):
    network = networks()[name]
    (attention,) = (m for m in network.modules() if isinstance(m, SelfAttention))
    sizes = []
    attention.register_forward_hook(lambda _, inputs, __: sizes.append(tuple(inputs[0].shape)))
    network(torch.zeros(2, 6) if name == "generator" else torch.zeros(2, 3, 16, 16))
    assert sizes == [(2, 16, 8, 8)]


@pytest.mark.parametrize("gamma", [0.0, 0.7])
def test_the_generator_written_out(gamma):
    """The tables' stages, with attention behind the ReLU of the second: at gamma = 0 only the weights' scale differs."""
    generator = networks()["generator"].eval().double()
    attention = generator.stages[1].activation[1]
    nn.init.constant_(attention.gamma, gamma)
    z = torch.randn(4, 6, generator=rng(), dtype=torch.float64)
    y = z[:, :, None, None]
    for i, stage in enumerate(generator.stages):
        y = nn.functional.conv_transpose2d(y, stage.deconv.weight, stride=1 + (i > 0), padding=int(i > 0))
        y = torch.relu(y / math.sqrt(1 + 1e-5))  # running mean 0 and variance 1
        y = attended(attention, y) if i == 1 else y
    expected = torch.tanh(nn.functional.conv_transpose2d(y, generator.to_image[0].weight, stride=2, padding=1))
    torch.testing.assert_close(generator(z), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.7])
def test_the_discriminator_has_no_norm_but_biases(gamma):
    discriminator = networks()["discriminator"].eval().double()
    (attention,) = (m for m in discriminator.modules() if isinstance(m, SelfAttention))
    nn.init.constant_(attention.gamma, gamma)
    for layer in discriminator.layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.uniform_(layer.bias, -1, 1, generator=rng())
    images = torch.randn(4, 3, 16, 16, generator=rng(1), dtype=torch.float64)
    first, second, last = (layer for layer in discriminator.layers if isinstance(layer, nn.Conv2d))
    y = images
    for layer in (first, second):
        y = nn.functional.conv2d(y, layer.weight, layer.bias, stride=2, padding=1)
        y = torch.where(y > 0, y, 0.2 * y)
        y = attended(attention, y) if layer is first else y
    scores = torch.einsum("nchw,chw->n", y, last.weight[0]) + last.bias
    torch.testing.assert_close(discriminator(images), scores, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("scheme", ["dcgan", "pytorch"])
@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_the_largest_singular_value_is_one_after_initialisation(name, scheme):
    network = networks()[name]
    initialise(network, scheme, rng(3))
    layers = convolutions(network)
    assert len(layers) == (2 + 1 if name == "generator" else 3) + 4
    network.eval()  # in training mode each look at a weight is one more power iteration
    for layer in layers:
        drawn = layer.parametrizations.weight.original.detach()
        largest = torch.linalg.matrix_norm(matrix(layer), 2)
        # Fifteen power iterations never overestimate the drawn weight's, so what is left is 1 or somewhat more.
        assert 1 - 1e-5 <= largest.item() < 1.1, layer
        # The scheme's scale is that of the weight before it is normalised.
        if scheme == "dcgan" and drawn.numel() > 1000:
            assert drawn.std().item() == pytest.approx(0.02, rel=0.1)
    # More iterations, as in training, close in on 1.
    network.train()
    with torch.no_grad():
        for _ in range(300):
            for layer in layers:
                layer.weight
    network.eval()
    for layer in layers:
        assert torch.linalg.matrix_norm(matrix(layer), 2).item() == pytest.approx(1, rel=1e-3)


def test_a_deconvolution_is_normalised_over_its_channels_out():
    """The matrix of the other dimension has another largest singular value."""
    generator = networks()["generator"]
    initialise(generator, "dcgan", rng())
    generator.eval()
    weight = generator.stages[0].deconv.weight.detach()  # (6, 32, 4, 4)
    by_out, by_in = (torch.linalg.matrix_norm(w.flatten(1), 2).item() for w in (weight.transpose(0, 1), weight))
    assert by_out == pytest.approx(1, abs=0.1) and by_in != pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("scheme", ["dcgan", "pytorch"])
@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_the_generator_of_random_numbers_alone_decides(name, scheme):
    """Of the first weights and of the vectors that the power iteration starts from."""
    states = []
    for world, seed in ((1, 5), (2, 5), (2, 6)):
        torch.manual_seed(world)
        network = networks()[name]
        stream = rng(seed)
        before = torch.get_rng_state()
        initialise(network, scheme, stream)
        assert torch.equal(torch.get_rng_state(), before)  # and the world's are left as they were
        states.append(network.state_dict())
    first, second, third = states
    assert len([key for key in first if key.endswith(("._u", "._v"))]) == 2 * len(convolutions(network))
    assert all(torch.equal(first[key], second[key]) for key in first)
    # A vector of one entry, as of the discriminator's one score, is 1 or -1.
    same = {key for key in first if first[key].shape != (1,) and torch.equal(first[key], third[key])}
    constant = ("gamma", "bias", "running_mean", "running_var", "num_batches_tracked", "norm.weight")
    assert all(key.endswith(constant) for key in same), same


def test_the_power_iteration_starts_from_the_drawn_weight():
    """Initialising twice from the same numbers forgets the first time."""
    network = networks()["discriminator"]
    initialise(network, "dcgan", rng(1))
    first = {key: value.clone() for key, value in network.state_dict().items()}
    initialise(network, "dcgan", rng(9))
    initialise(network, "dcgan", rng(1))
    assert all(torch.equal(value, first[key]) for key, value in network.state_dict().items())
    assert network.state_dict().keys() == networks()["discriminator"].state_dict().keys()


def test_every_convolution_of_the_true_networks_is_normalised():
    settings = load_settings(ROOT / "params.yaml")
    c = settings.configuration("celeba_hq-128-sagan")
    for network, count in ((build_generator(c), 6 + 4), (build_discriminator(c), 6 + 4)):
        layers = convolutions(network)
        assert len(layers) == count
        assert all(hasattr(layer, "parametrizations") for layer in layers)
        assert not any(isinstance(m, nn.InstanceNorm2d) for m in network.modules())
