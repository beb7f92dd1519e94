"""The SASTM against Eq. 1 to 3 written out, its gradients against finite differences."""

import ast
from pathlib import Path

import pytest
import torch
from torch import nn

import selfsparse.models.sastm
from selfsparse.models import SASTM
from selfsparse.models.sastm import recombine

HEADS = [(True, True), (True, False), (False, True)]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(channel_head: bool = True, position_head: bool = True, size: int = 8, **options) -> SASTM:
    torch.manual_seed(3)
    sastm = SASTM(
        5,
        6,
        size,
        mlp_widths=(7,),
        position_size=4,
        channel_head=channel_head,
        position_head=position_head,
        **options,
    )
    return sastm.double()


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16])
def test_coefficients_are_never_negative_and_have_the_maps_shape(size):
    sastm = make(size=size)
    z = torch.randn(64, 5, generator=rng(), dtype=torch.float64)
    alpha, beta = sastm.coefficients(z)
    assert alpha.shape == (64, 6) and beta.shape == (64, size, size)
    assert alpha.min() >= 0 and beta.min() >= 0
    # ReLU, not an absolute value or a square: among so many some coefficients are exactly zero, others not.
    assert (alpha == 0).any() and (alpha > 0).any()
    assert sastm(torch.ones(64, 6, size, size, dtype=torch.float64), z).shape == (64, 6, size, size)


def test_recombination_is_equation_3_term_by_term():
    h = torch.randn(2, 3, 4, 5, generator=rng(), dtype=torch.float64)
    alpha = torch.rand(2, 3, generator=rng(1), dtype=torch.float64)
    beta = torch.rand(2, 4, 5, generator=rng(2), dtype=torch.float64)
    by_channel, by_position = torch.einsum("ni,nijk->nijk", alpha, h), torch.einsum("njk,nijk->nijk", beta, h)
    torch.testing.assert_close(recombine(h, alpha, beta), by_channel + by_position, rtol=1e-14, atol=0)
    torch.testing.assert_close(recombine(h, alpha, None), by_channel, rtol=0, atol=0)
    torch.testing.assert_close(recombine(h, None, beta), by_position, rtol=0, atol=0)
    # One number by hand: (0.5 + 2) * 4 = 10.
    number = recombine(torch.full((1, 1, 1, 1), 4.0), torch.tensor([[0.5]]), torch.tensor([[[2.0]]]))
    assert number.item() == 10.0


@pytest.mark.parametrize("heads", HEADS)
def test_forward_recombines_its_own_coefficients(heads):
    sastm = make(*heads)
    z, h = torch.randn(4, 5, dtype=torch.float64), torch.randn(4, 6, 8, 8, dtype=torch.float64)
    alpha, beta = sastm.coefficients(z)
    assert (alpha is not None, beta is not None) == heads
    # A removed head counts as zero in Eq. 3 (U28).
    a = torch.zeros(4, 6) if alpha is None else alpha
    b = torch.zeros(4, 8, 8) if beta is None else beta
    torch.testing.assert_close(sastm(h, z), a[:, :, None, None] * h + b[:, None] * h, rtol=1e-14, atol=0)


def test_a_zero_needs_both_coefficients():
    # U29: alpha_0 = 0 alone empties no channel where beta is positive; where both are zero, x is zero.
    alpha, beta = torch.tensor([[0.0, 1.0]]), torch.tensor([[[0.0, 2.0]]])
    x = recombine(torch.ones(1, 2, 1, 2), alpha, beta)
    assert x.tolist() == [[[[0.0, 2.0]], [[1.0, 3.0]]]]


@pytest.mark.parametrize("heads", HEADS)
def test_gradients_of_every_weight_against_finite_differences(heads):
    sastm = make(*heads, size=4)
    z = torch.randn(3, 5, generator=rng(), dtype=torch.float64)
    h = torch.randn(3, 6, 4, 4, generator=rng(1), dtype=torch.float64)
    g = torch.randn(3, 6, 4, 4, generator=rng(2), dtype=torch.float64)
    sastm(h, z).backward(g)
    step = 1e-6
    for name, weight in sastm.named_parameters():
        before, values = weight.detach().clone(), []
        for sign in (1, -1):
            with torch.no_grad():
                weight.view(-1)[0] = before.view(-1)[0] + sign * step
                values.append((sastm(h, z) * g).sum().item())
        with torch.no_grad():
            weight.copy_(before)
        difference = (values[0] - values[1]) / (2 * step)
        assert weight.grad.view(-1)[0].item() == pytest.approx(difference, rel=1e-5, abs=1e-7), name


def test_removed_heads_leave_no_parameters():
    both, channel, position = (make(*heads) for heads in HEADS)
    assert not any("position_head" in name for name, _ in channel.named_parameters())
    assert not any("channel_head" in name for name, _ in position.named_parameters())
    count = [sum(p.numel() for p in s.parameters()) for s in (both, channel, position)]
    # f: 5 -> 7, 5*7 + 7 = 42. g1: 7 -> 6, 7*6 + 6 = 48.
    # g2: 7 -> 16 = 4 x 4, 7*16 + 16 = 128, and one 4 x 4 deconvolution to 8 x 8, 16 + 1 = 17.
    assert count == [42 + 48 + 145, 42 + 48, 42 + 145]


@pytest.mark.parametrize(
    ("start", "size", "kinds"),
    [
        (16, 4, [(nn.Conv2d, 4, 2, 1)] * 2),  # Table A4 at 4 x 4: 16 -> 8 -> 4 (U21)
        (16, 8, [(nn.Conv2d, 4, 2, 1)]),
        (16, 16, [(nn.Conv2d, 3, 1, 1)]),
        (16, 64, [(nn.ConvTranspose2d, 4, 2, 1)] * 2),
    ],
)
def test_the_position_head_goes_by_halves_and_doubles(start, size, kinds):
    sastm = SASTM(4, 3, size, mlp_widths=(start * start,), position_size=start)
    found = [
        (nn.Conv2d if isinstance(m, nn.Conv2d) else nn.ConvTranspose2d, m.kernel_size[0], m.stride[0], m.padding[0])
        for m in sastm.position_head
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]
    assert found == kinds
    # f already ends at the square: no Linear in between. ReLU at the end alone.
    assert not any(isinstance(m, nn.Linear) for m in sastm.position_head)
    assert [isinstance(m, nn.ReLU) for m in sastm.position_head] == [False] * (len(sastm.position_head) - 1) + [True]


@pytest.mark.parametrize(
    ("size", "kind", "ratio"),
    # From 16 x 16 in one layer whose kernel is its stride (U21).
    [
        (1, nn.Conv2d, 16),
        (4, nn.Conv2d, 4),
        (8, nn.Conv2d, 2),
        (32, nn.ConvTranspose2d, 2),
        (64, nn.ConvTranspose2d, 4),
    ],
)
def test_a_single_position_layer(size, kind, ratio):
    sastm = SASTM(4, 3, size, mlp_widths=(8,), position_layers="single").double()
    linear, relu, square, layer, last = sastm.position_head
    assert (linear.in_features, linear.out_features) == (8, 256)
    assert [type(m) for m in (relu, square, last)] == [nn.ReLU, nn.Unflatten, nn.ReLU]
    assert isinstance(layer, kind) and (layer.in_channels, layer.out_channels) == (1, 1)
    assert layer.kernel_size == layer.stride == (ratio, ratio) and layer.padding == (0, 0)
    assert layer.weight.numel() == ratio**2 and layer.bias.numel() == 1
    # Values, without convolutions: every block of the larger map is one number of the smaller times the kernel.
    z = torch.randn(5, 4, generator=rng(), dtype=torch.float64)
    _, beta = sastm.coefficients(z)
    square = torch.relu(linear(sastm.mlp(z))).reshape(5, 16, 16)
    if size < 16:
        blocks = square.reshape(5, size, ratio, size, ratio)
        expected = torch.einsum("najbk,jk->nab", blocks, layer.weight[0, 0])
    else:
        expected = torch.einsum("nab,jk->najbk", square, layer.weight[0, 0]).reshape(5, size, size)
    assert beta.shape == (5, size, size)
    torch.testing.assert_close(beta, torch.relu(expected + layer.bias), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("position_layers", "count"), [("chain", 1), ("single", 0)])
def test_position_layers_where_the_sizes_agree(position_layers, count):
    sastm = SASTM(4, 3, 16, mlp_widths=(256,), position_layers=position_layers)
    assert sum(isinstance(m, nn.Conv2d | nn.ConvTranspose2d) for m in sastm.position_head) == count
    z = torch.randn(3, 4)
    _, beta = sastm.coefficients(z)
    if not count:  # f's own output, which its ReLU has already cut off at 0
        assert torch.equal(beta, sastm.mlp(z).reshape(3, 16, 16))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channel_head": False, "position_head": False}, "channel head, the position head or both"),
        ({"size": 6}, "size must be a power of two, got 6"),
        ({"size": 0}, "size must be a power of two, got 0"),
        ({"position_size": 12}, "position_size must be a power of two, got 12"),
        ({"position_layers": "chian"}, "position_layers must be 'chain' or 'single', got 'chian'"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SASTM(**{"latent_dim": 5, "channels": 6, "size": 8, **arguments})


def test_recombination_without_coefficients_is_refused():
    with pytest.raises(ValueError, match="alpha, beta or both"):
        recombine(torch.ones(1, 1, 1, 1), None, None)


def test_the_docstrings_example_runs():
    example = [line.strip() for line in selfsparse.models.sastm.__doc__.splitlines() if "sastm" in line and "=" in line]
    assert len(example) == 2
    names = {"SASTM": SASTM, "h": torch.randn(2, 64, 8, 8), "z": torch.randn(2, 128)}
    exec("\n".join(example), names)
    assert names["x"].shape == (2, 64, 8, 8)


def test_it_stands_alone():
    """The module can be copied into another project: it imports nothing of this one, nor anything but torch."""
    tree = ast.parse(Path(selfsparse.models.sastm.__file__).read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    assert found <= {"torch", "itertools", "math", "collections"}
