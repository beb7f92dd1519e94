"""The printed tables against a second transcription, made from the texts apart from the first one.

Rows stand here as a version prints them; what v2 prints of FIDs stands in test_configurations.py once more, by configuration.
"""

import re

import pandas as pd
import pytest
from small_project import ROOT, params

from selfsparse.paper import reported, reported_sparsity
from selfsparse.paper.printed import printed_table, printed_tables, text_number

PAPER = ROOT / "selfsparse" / "paper"
W, S = "WGAN-GP", "Ours"
MODELS = {
    W: "wgan_gp", S: "self_sparse", "Self-Sparse GAN": "self_sparse", "Self-SparseGAN": "self_sparse",
    "Without PSM": "without_psm", "Without CSM": "without_csm", "SAGAN": "sagan",
}  # fmt: skip
DATASETS = {
    "MNIST": "mnist", "Fashion-MNIST": "fashion_mnist", "CIFAR-10": "cifar10", "STL-10": "stl10",
    "mini-ImageNet": "mini_imagenet", "CELEBA-HQ": "celeba_hq", "LSUN bedrooms": "lsun_bedroom", "Sketch": "sketch",
}  # fmt: skip

# v1, Table 2: the left half, then the right one.
V1_MAIN = """
MNIST 32×32×1 WGAN-GP 7.43 ± 0.28
MNIST 32×32×1 Ours 6.26 ± 0.64
MNIST 128×128×1 WGAN-GP 10.42 ± 0.86
MNIST 128×128×1 Ours 8.32 ± 1.03
Fashion-MNIST 64×64×1 WGAN-GP 20.37 ± 0.87
Fashion-MNIST 64×64×1 Ours 15.92 ± 1.10
Fashion-MNIST 128×128×1 WGAN-GP 20.41 ± 0.70
Fashion-MNIST 128×128×1 Ours 17.67 ± 0.87
CIFAR-10 128×128×3 WGAN-GP 43.77 ± 2.10
CIFAR-10 128×128×3 Ours 36.69 ± 1.53
STL-10 64×64×3 WGAN-GP 63.88 ± 1.33
STL-10 64×64×3 Ours 56.23 ± 1.38
mini-ImageNet 32×32×3 WGAN-GP 33.16 ± 0.02
mini-ImageNet 32×32×3 Ours 28.88 ± 0.37
mini-ImageNet 64×64×3 WGAN-GP 58.81 ± 3.28
mini-ImageNet 64×64×3 Ours 54.78 ± 0.28
CELEBA-HQ 64×64×3 WGAN-GP 15.95 ± 0.44
CELEBA-HQ 64×64×3 Ours 15.19 ± 0.18
CELEBA-HQ 128×128×3 WGAN-GP 32.40 ± 2.03
CELEBA-HQ 128×128×3 Ours 27.72 ± 1.54
LSUN bedrooms 64×64×3 WGAN-GP 59.12 ± 0.95
LSUN bedrooms 64×64×3 Ours 55.06 ± 2.00
LSUN bedrooms 128×128×3 WGAN-GP 102.16 ± 0.85
LSUN bedrooms 128×128×3 Ours 84.78 ± 2.89
"""
ABLATION = """
Fashion-MNIST 128×128×1 WGAN-GP 20.41 ± 0.70
Fashion-MNIST 128×128×1 Ours 17.67 ± 0.87
Fashion-MNIST 128×128×1 Without PSM 21.51 ± 0.29
Fashion-MNIST 128×128×1 Without CSM 163.71 ± 3.99
STL-10 64×64×3 WGAN-GP 63.88 ± 1.33
STL-10 64×64×3 Ours 56.23 ± 1.38
STL-10 64×64×3 Without PSM 60.85 ± 0.99
STL-10 64×64×3 Without CSM 64.87 ± 1.71
"""
# Betas as printed, model, mean, standard deviation; alike in both versions.
BETAS = [
    ("0, 0.9", W, 63.88, 1.33),
    ("0, 0.9", S, 56.23, 1.38),
    ("0.5, 0.999", W, 67.13, 0.77),
    ("0.5, 0.999", S, 56.51, 1.62),
]
ARCHITECTURES = [
    ("DCGAN", W, 63.88, 1.33),
    ("DCGAN", S, 56.23, 1.38),
    ("ResNet", W, 65.16, 5.96),
    ("ResNet", S, 60.31, 4.29),
]
SAGAN = """
CELEBA-HQ 128×128×3 WGAN-GP 32.40 ± 2.03
CELEBA-HQ 128×128×3 SAGAN 30.94 ± 1.01
CELEBA-HQ 128×128×3 Self-Sparse GAN 27.72 ± 1.54
Sketch 128×128×1 WGAN-GP 76.68 ± 1.08
Sketch 128×128×1 SAGAN 76.97 ± 1.07
Sketch 128×128×1 Self-Sparse GAN 67.58 ± 0.89
"""
SKETCH = """
Sketch 128×128×1 WGAN-GP 76.68 ± 1.08
Sketch 128×128×1 Self-SparseGAN 67.58 ± 0.89
"""
SPARSITY = [
    ("STL-10", 64, 0.44, 11.97),
    ("mini-ImageNet", 64, 0.47, 6.83),
    ("CELEBA-HQ", 64, 0.26, 4.76),
    ("LSUN bedrooms", 64, 0.39, 6.86),
    ("MNIST", 128, 0.53, 20.21),
    ("CIFAR-10", 128, 0.47, 16.17),
    ("CELEBA-HQ", 128, 0.21, 14.43),
    ("LSUN bedrooms", 128, 0.31, 17.02),
]
SIZES = {  # and how many images
    "MNIST": ("32×32, 128×128", "60K grayscale"),
    "Fashion-MNIST": ("64×64, 128×128", "60K grayscale"),
    "CIFAR-10": ("128×128×3", "60K RGB"),
    "STL-10": ("64×64×3", "100K RGB"),
    "mini-ImageNet": ("32×32×3, 64×64×3", "60K RGB"),
    "CELEBA-HQ": ("64×64×3, 128×128×3", "30K RGB"),
    "LSUN bedrooms": ("64×64×3, 128×128×3", "3M RGB"),
}
NUMBERS = {
    "smallest_decrease_percent": 4.76, "largest_decrease_percent": 21.84, "celeba_hq_64_decrease_percent": 5,
    "trainings": 3, "fid_samples": 5e3, "evaluate_every": 500, "generator_steps": 100e3, "discriminator_steps": 2,
    "generator_lr": 1e-4, "discriminator_lr": 3e-4, "beta_1_most": 0.5, "beta_2_most": 0.999,
    "beta_1_celeba_lsun": 0, "beta_2_celeba_lsun": 0.9, "other_baseline_fid": 55.1, "other_baseline_resolution": 48,
    "other_baseline_samples": 50e3, "signs_unchanged_after": 5000,
}  # fmt: skip
# Which number a table has: v1, v2.
NUMBERED = {
    "resolutions": ("1", "1"), "fid": ("2", "2"), "stl10_samples": ("3", ""), "ablation": ("4", "3"),
    "adam_betas": ("5", "4"), "sastm_stl10": ("", "5"), "resnet": ("", "6"), "architectures": ("6", "7"),
    "sparsity": ("7", "8"), "sketch": ("", "9"), "sagan": ("", "10"),
    **{name: ("", name) for name in ["A1", "A2", "A3", "A4", "B1", "B2", "B3", "C1", "C2", "C3", "D1", "D2", "D3", "D4"]},
}  # fmt: skip
# The appendix, v2: rows "generator | discriminator" as they stand beside each other.
FIRST, NEXT, LAST = "DeConv 4 1 0 SASTM BN-{} ReLU", "DeConv 4 2 1 SASTM BN-{} ReLU", "DeConv 4 2 1 Tanh"
DOWN, SCORE = "Conv 4 2 1 IN-{} LeakyReLU", "Conv 4 1 0"
NETWORKS = {
    "A1": [(256, 64), (128, 128), (64, 256)],
    "A2": [(128, 128), (128, 128), (128, 128), (128, 128)],
    "A3": [(512, 32), (256, 64), (128, 128), (64, 256), (32, 512)],
    "B1": [(128, 128), (128, 128), (128, 128), (128, 128)],
    "B2": [(128, 128), (128, 128), (128, 128), (128, 128), (128, 128)],
    "C1": [(512, 64), (256, 128), (128, 256), (64, 512)],
    "C2": [(512, 32), (256, 64), (128, 128), (64, 256), (32, 512)],
    "D1": [(512, 128), (256, 256), (128, 512)],
    "D2": [(512, 64), (256, 128), (128, 256), (64, 512)],
}
HEAD = "g2 16×16→Mh×Mw"
SASTMS = {
    "A4": ["f z→1024", "f 1024→512", "g1 512→Mc", "g2 512→256", HEAD],
    "B3": ["f z→1024", "f 1024→512", "f 512→256", "g1 256→Mc", HEAD],
    "C3": ["f z→256", "g1 256→Mc", HEAD],
    "D3": ["f z→1024", "f 1024→512", "f 512→256", "g1 512→Mc", "g2 512→256", HEAD],
    "D4": ["f z→256", "g1 256→Mc", HEAD],
    "sastm_stl10": ["f z→256", "g1 256→Mc", HEAD],
}
_A, _128 = "100 on MNIST; 128 on CIFAR-10", "128"
CAPTIONS = {  # image, latent
    "A1": ("32×32", _A), "A2": ("64×64", _A), "A3": ("128×128", _A), "A4": ("", _A),
    "B1": ("64×64×1", "100"), "B2": ("128×128×1", "100"), "B3": ("64×64×1 and 128×128×1", "100"),
    "C1": ("64×64×3", _128), "C2": ("128×128×3", _128), "C3": ("64×64×3 and 128×128×3", _128),
    "D1": ("32×32×3", ""), "D2": ("64×64×3", ""), "D3": ("32×32×3", _128), "D4": ("64×64×3", _128),
    "sastm_stl10": ("128×128×3", _128), "resnet": ("", _128),
}  # fmt: skip
RESNET = """
generator first: DeConv 4×4, stride 1, padding 0 | SASTM
generator ResNet 1: BN-512 | ReLU | Upsample-2 | CONV | BN-256 | ReLU | CONV | SASTM
generator ResNet 2: BN-256 | ReLU | Upsample-2 | CONV | BN-128 | ReLU | CONV | SASTM
discriminator all: Conv 4×4, stride 2, padding 1 | IN-64 | LeakyReLU | CONV | IN-128 | LeakyReLU | CONV | Downsample-0.5 \
| IN-128 | LeakyReLU | CONV | IN-256 | LeakyReLU | CONV | Downsample-0.5
""".replace("CONV", "Conv 3×3, stride 1, padding 1")


def rows_of(text):
    """Parse lines `dataset resolution model mean ± std`."""
    pattern = re.compile(r"(.+?) (\d+)×\d+×([13]) (.+?) ([\d.]+) ?± ?([\d.]+)")
    found = [pattern.fullmatch(line).groups() for line in text.strip().splitlines()]
    return [(DATASETS[d], int(r), int(c), MODELS[m], float(a), float(b)) for d, r, c, m, a, b in found]


def fids(table):
    columns = ["dataset", "resolution", "channels", "model", "paper_fid_mean", "paper_fid_std"]
    return list(printed_table(table)[columns].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("fid", V1_MAIN),
        ("ablation", ABLATION),
        ("sagan", SAGAN),
        ("sketch", SKETCH),
    ],
    ids=["fid-v1", "ablation-v1", "sagan-v2", "sketch-v2"],
)
def test_fids_in_printed_order(table, text):
    assert fids(table) == rows_of(text)


@pytest.mark.parametrize(("table", "printed"), [("adam_betas", BETAS), ("architectures", ARCHITECTURES)])
def test_the_tables_on_robustness(table, printed):
    column = {"adam_betas": "adam_betas", "architectures": "architecture"}[table]
    found = printed_table(table)
    assert set(found["dataset"]) == {"stl10"} and set(found["resolution"]) == {64}
    columns = [column, "model", "paper_fid_mean", "paper_fid_std"]
    expected = [(value.replace(",", "").lower(), MODELS[model], mean, std) for value, model, mean, std in printed]
    assert list(found[columns].itertuples(index=False, name=None)) == expected


def test_no_printed_fid_is_missing_or_made_up():
    used = {name for names in printed_tables()["configurations"] for name in names.split()}
    assert used == set(reported().index) and len(used) == 36


def test_stl10_by_sample_count():
    table = printed_table("stl10_samples").pivot(index="samples", columns="model", values="fid")
    assert table.loc[5000].to_dict() == {"wgan_gp": 63.88, "self_sparse": 56.26}
    assert table.loc[50_000].to_dict() == {"wgan_gp": 54.23, "self_sparse": 46.85}


def test_sparsity():
    expected = [(f"{DATASETS[d]}-{r}-self_sparse", r, xi, percent) for d, r, xi, percent in SPARSITY]
    columns = ["configuration", "resolution", "paper_xi", "paper_reduction_percent"]
    assert list(printed_table("sparsity")[columns].itertuples(index=False, name=None)) == expected
    assert reported_sparsity().index.tolist() == [name for name, *_ in expected]


def test_pearson():
    assert printed_table("pearson").set_index("resolution")["paper_r"].to_dict() == {64: 0.62, 128: 0.79}
    assert printed_table("pearson")["paper_r"].tolist() == [0.62, 0.79]


def test_resolutions():
    expected = [(DATASETS[d], printed) for d, (line, _) in SIZES.items() for printed in line.split(", ")]
    table = printed_table("resolutions")
    assert list(zip(table["dataset"], table["printed"], strict=True)) == expected
    assert table["resolution"].tolist() == [int(printed.split("×")[0]) for _, printed in expected]
    cells = printed_table("fid")[["dataset", "resolution"]].drop_duplicates()
    assert {*table[["dataset", "resolution"]].itertuples(index=False)} == {*cells.itertuples(index=False)}


def test_image_counts():
    found = printed_table("datasets").set_index("dataset")
    units = {"K": 1000, "M": 1_000_000}
    for dataset, (_, text) in SIZES.items():
        number, colour = text.split()
        row = found.loc[DATASETS[dataset]]
        assert (row["images"], row["colour"]) == (int(number[:-1]) * units[number[-1]], colour)
    assert len(found) == len(SIZES)


def test_numbers_of_the_text():
    table = printed_table("text_numbers")
    assert {name: text_number(name) for name in table["name"]} == pytest.approx(NUMBERS)
    assert (table[["v1", "v2"]] != "").any(axis=1).all()


def test_the_settings_are_those_of_the_text():
    train = params()["train"]
    assert train["steps"] == text_number("generator_steps")
    for name in ("discriminator_steps", "generator_lr", "discriminator_lr", "evaluate_every"):
        assert train[name] == text_number(name)
    assert train["betas"] == [text_number("beta_1_most"), text_number("beta_2_most")]
    assert len(train["seeds"]) == text_number("trainings")


def test_numbers_of_the_tables():
    index = printed_tables()
    for name, numbers in NUMBERED.items():
        assert tuple(index.loc[name, ["v1", "v2"]]) == tuple(f"Table {n}" if n else "" for n in numbers)
    assert set(index.index) - set(NUMBERED) == {"datasets", "pearson", "text_numbers"}
    assert index.loc["datasets", ["v1", "v2"]].tolist() == ["Sec. 4.2", "Sec. 3.2"]
    assert index.loc["pearson", ["v1", "v2"]].tolist() == ["Sec. 4.6", "Sec. 3.6"]


@pytest.mark.parametrize("name", NETWORKS)
def test_generators_and_discriminators(name):
    widths = NETWORKS[name]
    generator = [(FIRST if i == 0 else NEXT).format(g) for i, (g, _) in enumerate(widths)] + [LAST]
    discriminator = [DOWN.format(d) for _, d in widths] + [SCORE]
    table = printed_table(name)
    for network, expected in (("generator", generator), ("discriminator", discriminator)):
        part = table[table["network"] == network]
        assert part["layer"].tolist() == list(range(1, len(expected) + 1))
        found = part.assign(sastm=part["sastm"].replace({"yes": "SASTM", "no": ""}))
        words = found[["operator", "kernel", "stride", "padding", "sastm", "norm", "activation"]].astype(str)
        assert [" ".join(" ".join(row).split()) for row in words.itertuples(index=False)] == expected


@pytest.mark.parametrize("name", SASTMS)
def test_sastm_layers(name):
    table = printed_table(name)
    found = [f"{r.part} {r.input}→{r.output}" for r in table.itertuples()]
    assert found == SASTMS[name]
    assert set(table["activation"]) == {"ReLU"}
    operators = ["Conv or DeConv" if row == HEAD else "Linear" for row in found]
    assert table["operator"].tolist() == operators
    assert table["step"].tolist() == (table.groupby("part").cumcount() + 1).tolist()


def test_the_resnet():
    groups = printed_table("resnet").groupby(["network", "block"], sort=False)
    found = [f"{network} {block}: {' | '.join(rows['item'])}" for (network, block), rows in groups]
    assert found == RESNET.strip().splitlines()
    assert all(rows["position"].tolist() == list(range(1, len(rows) + 1)) for _, rows in groups)


def test_captions():
    index = printed_tables()
    for name, caption in CAPTIONS.items():
        assert tuple(index.loc[name, ["image", "latent"]]) == caption
    others = index.drop([*CAPTIONS, "stl10_samples"])
    assert (others[["image", "latent"]] == "").all(axis=None)


def test_every_file_is_read_and_no_value_stands_twice():
    index = printed_tables()
    own = sorted(f"tables/{path.name}" for path in (PAPER / "tables").iterdir())
    assert sorted(index["file"][index["file"].str.startswith("tables/")]) == own
    assert all((PAPER / file).is_file() for file in index["file"])
    assert (index["configurations"] != "").tolist() == (index["file"] == "configurations.csv").tolist()
    for name in index.index:
        assert isinstance(printed_table(name), pd.DataFrame) and len(printed_table(name))


def test_an_unknown_table():
    with pytest.raises(KeyError):
        printed_table("Table 11")
