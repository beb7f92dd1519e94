"""What docs/architectures.md counts, against sums by hand."""

import pytest
import torch
from small_project import ROOT

from selfsparse.analysis.architectures import build_on_meta, layer_rows, network_size
from selfsparse.config import load_settings


@pytest.fixture(scope="module")
def settings():
    return load_settings(ROOT / "params.yaml")


def test_flops_and_parameters_of_a1(settings):
    """A DeConv costs 2 * 16 FLOPs per input position, input and output channel; a Conv per output position.

    Generator: 32 (100*256*1 + 256*128*16 + 128*64*64 + 64*1*256) = 34,897,920.
    Discriminator: 32 (1*64*256 + 64*128*64 + 128*256*16 + 256*1*1) = 34,086,912.
    """
    size = network_size(settings.configuration("mnist-32-wgan_gp"))
    assert (size.generator_flops, size.discriminator_flops) == (34_897_920, 34_086_912)
    # 16 (100*256 + 256*128 + 128*64 + 64*1) weights, and 2 (256 + 128 + 64) of batch norms.
    assert (size.generator, size.sastm, size.discriminator) == (1_066_880, 0, 16 * (64 + 64 * 128 + 128 * 256 + 256))


def test_rows_in_the_order_of_the_forward_pass(settings):
    c = settings.configuration("mnist-32-self_sparse")
    generator, _ = build_on_meta(c)
    rows = layer_rows(generator, torch.empty(1, 100, device="meta"))
    names = [row[0].split(",")[0].split(":")[0] for row in rows]
    stages = [name for width in (256, 128, 64) for name in ("DeConv 4 × 4", "SASTM", f"BN-{width}")]
    assert names == [*stages, "DeConv 4 × 4"]
    # f: 100*1024 + 1024 + 1024*512 + 512; g1: 512*256 + 256; g2: 512*256 + 256, two 4 x 4 kernels and biases.
    count = 103_424 + 524_800 + 131_328 + 131_328 + 2 * 17
    assert rows[1] == [
        "SASTM: f 100 → 1024 → 512; g1 512 → 256; g2 512 → 256, 16 × 16 → 4 × 4", "alpha 256, beta 4 × 4", f"{count:,}",
    ]  # fmt: skip
    assert rows[-1] == ["DeConv 4 × 4, stride 2, padding 1", "1 × 32 × 32", "1,024"]


@pytest.mark.slow
def test_every_parameter_has_a_row(settings):
    for name in ("stl10-64-self_sparse-resnet", "celeba_hq-128-sagan"):
        c = settings.configuration(name)
        size = network_size(c)
        generator, discriminator = build_on_meta(c)
        shape = (1, c.dataset.channels, c.dataset.resolution, c.dataset.resolution)
        for network, entry, total in (
            (generator, torch.empty(1, c.latent_dim, device="meta"), size.generator),
            (discriminator, torch.empty(shape, device="meta"), size.discriminator),
        ):
            assert sum(int(row[2].replace(",", "")) for row in layer_rows(network, entry)) == total
