"""The paper's tables of networks against built networks, what a network costs, and the diagrams drawn from them."""

import pytest

from selfsparse.analysis import architecture_drawings as drawings
from selfsparse.analysis import table_architectures as tables
from selfsparse.config import load_settings


@pytest.fixture(autouse=True)
def _project(project):
    """params.yaml in the current folder."""


@pytest.mark.slow
def test_every_printed_row_agrees_but_one():
    table = tables.agreement_table().data
    assert list(dict.fromkeys(table["table"])) == [
        *(f"Table {n}" for n in ("5", "6", "A1", "A2", "A3", "A4", "B1", "B2", "B3", "C1", "C2", "C3", "D1", "D2", "D3", "D4"))
    ]  # fmt: skip
    assert table.loc[table["differ"] != "", ["table", "differ"]].values.tolist() == [["Table D3", "f 3"]]  # U22
    assert table.loc[table["not_printed"] > 0, "table"].tolist() == ["Table 6"]  # U27
    for row in table.itertuples():
        assert not row.printed_image or row.table == "Table 5" or row.image.rsplit("×", 1)[0] in row.printed_image
        assert not row.printed_latent or str(row.latent) in row.printed_latent


def test_another_network_does_not_agree():
    def differing(name: str, configuration: str) -> list[str]:
        found = tables.printed_and_built(name, load_settings().configuration(configuration))
        return [row["part"] for row in found if row["agrees"] == "no"]

    assert len(differing("A3", "fashion_mnist-128-self_sparse")) == 8  # four of five widths, in both networks
    assert differing("A3", "mnist-128-wgan_gp") == ["generator"] * 5
    assert differing("C3", "fashion_mnist-128-self_sparse")


def test_what_a1_costs():
    row = tables.network_row(load_settings().configuration("mnist-32-self_sparse"))
    # f: 100*1024 + 1024 + 1024*512 + 512; g1: 512*C + C; g2: 512*256 + 256, and 4 x 4 kernels with a bias: two of them to
    # 4 x 4 maps, one to 8 x 8, none to 16 x 16 but one that keeps the size (3 x 3).
    f = 103_424 + 524_800
    assert row["sastm"] == 3 * (f + 131_328) + 513 * (256 + 128 + 64) + (2 + 1) * 17 + 10
    # 16 (100*256 + 256*128 + 128*64 + 64*1) weights, and 2 (256 + 128 + 64) of batch norms.
    assert row["generator"] - row["sastm"] == 1_066_880
    assert row["discriminator"] == 16 * (64 + 64 * 128 + 128 * 256 + 256)


def test_layers_of_a1():
    c = load_settings().configuration("mnist-32-self_sparse")
    rows = tables.layer_table(c, "generator").text.values.tolist()
    assert rows[1] == [
        "SASTM: f 100 → 1024, 1024 → 512; g1 512 → 256; g2 512 → 256, 16×16 → 4×4",
        "256 × 4 × 4",
        "890,914",
    ]
    assert rows[-1] == ["DeConv 4×4, stride 2, padding 1", "1 × 32 × 32", "1,024"]
    biased = tables.layer_table(load_settings().configuration("photos-16-sagan"), "discriminator").text["Layer"]
    assert biased.str.endswith(", spectral norm").sum() >= 2 and "Self-attention" in biased.tolist()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mini_imagenet-64-self_sparse", "D2 + D4"),
        ("mnist-32-self_sparse-gpu_hour", "A1 + A4"),
        ("mnist-32-self_sparse-laptop", "none"),
        ("mnist-32-wgan_gp-matched", "A1, widths scaled"),
        ("sketch_substitute-128-self_sparse", "B2 + B3"),
        ("celeba_hq-128-sagan", "none (U31)"),
    ],
)
def test_the_tables_that_a_configuration_follows(name, expected):
    assert tables.tables_of(load_settings().configuration(name)) == expected


@pytest.mark.slow
def test_diagrams():
    found = list(drawings.drawn())
    assert [c.suite for c in found] == ["paper", "quick", "laptop"]  # the other suites have no networks of their own
    for c in found:
        diagrams = drawings.diagrams(c)
        assert diagrams[0].alt.count("SASTM") == len(c.network.generator_widths)
        assert diagrams[0].alt.count("DeConv") == len(c.network.generator_widths) + 1
