"""A second copy of what the paper prints of its 36 configurations, compared with the CSV and with the settings.

Sizes, channels and FIDs: Tables 2, 3, 4, 7, 9 and 10 of the journal version; layers and latents: its appendix, and Table 6.
Adam's betas: Sec. 3.2 (0.5, 0.999, or 0, 0.9 on CelebA-HQ and LSUN) and Table 4 for STL-10, whose rows contradict that
section (U6); nothing is printed for ResNet, Sketch and SAGAN (U7).
"""

import pandas as pd
import pytest
from small_project import ROOT

from selfsparse.config import load_settings

SLOW, FAST = (0.5, 0.999), (0.0, 0.9)  # of Adam

# name: (size, channels, tables, network in params.yaml, z, betas, FID, its deviation)
CONFIGURATIONS = {
    "mnist-32-wgan_gp": (32, 1, "A1+A4", "A1", 100, SLOW, "7.43 ± 0.28"),
    "mnist-32-self_sparse": (32, 1, "A1+A4", "A1", 100, SLOW, "6.26 ± 0.64"),
    "mnist-128-wgan_gp": (128, 1, "A3+A4", "A3", 100, SLOW, "10.42 ± 0.86"),
    "mnist-128-self_sparse": (128, 1, "A3+A4", "A3", 100, SLOW, "8.32 ± 1.03"),
    "fashion_mnist-64-wgan_gp": (64, 1, "B1+B3", "B1", 100, SLOW, "20.37 ± 0.87"),
    "fashion_mnist-64-self_sparse": (64, 1, "B1+B3", "B1", 100, SLOW, "15.92 ± 1.10"),
    "fashion_mnist-128-wgan_gp": (128, 1, "B2+B3", "B2", 100, SLOW, "20.41 ± 0.70"),
    "fashion_mnist-128-self_sparse": (128, 1, "B2+B3", "B2", 100, SLOW, "17.67 ± 0.87"),
    "fashion_mnist-128-without_psm": (128, 1, "B2+B3", "B2", 100, SLOW, "21.51 ± 0.29"),
    "fashion_mnist-128-without_csm": (128, 1, "B2+B3", "B2", 100, SLOW, "163.71 ± 3.99"),
    "cifar10-128-wgan_gp": (128, 3, "A3+A4", "A3", 128, SLOW, "43.77 ± 2.10"),
    "cifar10-128-self_sparse": (128, 3, "A3+A4", "A3", 128, SLOW, "36.69 ± 1.53"),
    "stl10-64-wgan_gp": (64, 3, "C1+C3", "C1", 128, FAST, "63.88 ± 1.33"),
    "stl10-64-self_sparse": (64, 3, "C1+C3", "C1", 128, FAST, "56.23 ± 1.38"),
    "stl10-64-without_psm": (64, 3, "C1+C3", "C1", 128, FAST, "60.85 ± 0.99"),
    "stl10-64-without_csm": (64, 3, "C1+C3", "C1", 128, FAST, "64.87 ± 1.71"),
    "stl10-64-wgan_gp-betas_05_0999": (64, 3, "C1+C3", "C1", 128, SLOW, "67.13 ± 0.77"),
    "stl10-64-self_sparse-betas_05_0999": (64, 3, "C1+C3", "C1", 128, SLOW, "56.51 ± 1.62"),
    "stl10-64-wgan_gp-resnet": (64, 3, "T6+T5", "T6", 128, FAST, "65.16 ± 5.96"),
    "stl10-64-self_sparse-resnet": (64, 3, "T6+T5", "T6", 128, FAST, "60.31 ± 4.29"),
    "mini_imagenet-32-wgan_gp": (32, 3, "D1+D3", "D1", 128, SLOW, "33.16 ± 0.02"),
    "mini_imagenet-32-self_sparse": (32, 3, "D1+D3", "D1", 128, SLOW, "28.88 ± 0.37"),
    # Table D2 prints the layers of C1, Table D4 those of C3.
    "mini_imagenet-64-wgan_gp": (64, 3, "D2+D4", "C1", 128, SLOW, "58.81 ± 3.28"),
    "mini_imagenet-64-self_sparse": (64, 3, "D2+D4", "C1", 128, SLOW, "54.78 ± 0.28"),
    "celeba_hq-64-wgan_gp": (64, 3, "C1+C3", "C1", 128, FAST, "15.95 ± 0.44"),
    "celeba_hq-64-self_sparse": (64, 3, "C1+C3", "C1", 128, FAST, "15.19 ± 0.18"),
    "celeba_hq-128-wgan_gp": (128, 3, "C2+C3", "C2", 128, FAST, "32.40 ± 2.03"),
    "celeba_hq-128-self_sparse": (128, 3, "C2+C3", "C2", 128, FAST, "27.72 ± 1.54"),
    "celeba_hq-128-sagan": (128, 3, "-", "C2_sagan", 128, FAST, "30.94 ± 1.01"),
    "lsun_bedroom-64-wgan_gp": (64, 3, "C1+C3", "C1", 128, FAST, "59.12 ± 0.95"),
    "lsun_bedroom-64-self_sparse": (64, 3, "C1+C3", "C1", 128, FAST, "55.06 ± 2.00"),
    "lsun_bedroom-128-wgan_gp": (128, 3, "C2+C3", "C2", 128, FAST, "102.16 ± 0.85"),
    "lsun_bedroom-128-self_sparse": (128, 3, "C2+C3", "C2", 128, FAST, "84.78 ± 2.89"),
    "sketch-128-wgan_gp": (128, 1, "B2+B3", "B2", 100, SLOW, "76.68 ± 1.08"),
    "sketch-128-self_sparse": (128, 1, "B2+B3", "B2", 100, SLOW, "67.58 ± 0.89"),
    "sketch-128-sagan": (128, 1, "-", "B2_sagan", 100, FAST, "76.97 ± 1.07"),
}
ARCHITECTURES = {"T6": "resnet", "C2_sagan": "sagan", "B2_sagan": "sagan"}
DATASETS = {
    "mnist": {32, 128},
    "fashion_mnist": {64, 128},
    "cifar10": {128},
    "stl10": {64},
    "mini_imagenet": {32, 64},
    "celeba_hq": {64, 128},
    "lsun_bedroom": {64, 128},
    "sketch": {128},
}


@pytest.fixture(scope="module")
def reported():
    table = pd.read_csv(ROOT / "selfsparse/paper/configurations.csv", keep_default_na=False)
    assert table["name"].is_unique
    return table.set_index("name")


@pytest.fixture(scope="module")
def settings():
    return load_settings(ROOT / "params.yaml")


def test_there_are_36_on_13_sizes_of_8_datasets(reported, settings):
    assert len(CONFIGURATIONS) == 36
    assert list(reported.index) == list(CONFIGURATIONS)
    assert {c.name for c in settings.suite("paper")} == set(CONFIGURATIONS) and len(settings.suite("paper")) == 36
    sizes: dict[str, set] = {}
    for name, (size, *_) in CONFIGURATIONS.items():
        dataset, printed, *_ = name.split("-")
        assert printed == str(size)
        sizes.setdefault(dataset, set()).add(size)
    assert sizes == DATASETS and sum(map(len, sizes.values())) == 13


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_table_of_the_package(name, reported):
    size, channels, tables, network, z, betas, fid = CONFIGURATIONS[name]
    row = reported.loc[name]
    mean, deviation = fid.split(" ± ")
    assert (row["dataset"], row["model"]) == tuple(name.split("-")[i] for i in (0, 2))
    assert (row["resolution"], row["channels"], row["latent_dim"]) == (size, channels, z)
    assert (row["architecture"], row["appendix_tables"]) == (ARCHITECTURES.get(network, "dcgan"), tables)
    assert tuple(float(beta) for beta in row["adam_betas"].split()) == betas
    assert (f"{row['paper_fid_mean']:.2f}", f"{row['paper_fid_std']:.2f}") == (mean, deviation)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_settings(name, settings):
    size, channels, _, network, z, betas, _ = CONFIGURATIONS[name]
    c, train = settings.configuration(name), settings.configuration(name).train
    dataset, _, model, *_ = name.split("-")
    assert (c.suite, c.model, c.network_name, c.latent_dim) == ("paper", model, network, z)
    assert (c.dataset.dataset, c.dataset.resolution, c.dataset.channels) == (dataset, size, channels)
    assert c.network.resolution == size and c.network.architecture == ARCHITECTURES.get(network, "dcgan")
    # Sec. 3.2 and 3.3: 100K generator steps, an FID of 5K images every 500, three trainings; 50K images: v1's Table 3.
    assert (train.steps, train.evaluate_every, len(train.seeds)) == (100_000, 500, 3)
    assert (c.extractor.extractor, c.extractor.samples) == ("inception", (5000, 50000))
    assert (c.extractor.dataset, c.extractor.resolution) == (dataset, size)
    assert train.betas == betas
    sagan = model == "sagan"  # nothing of it is printed: SAGAN's own protocol (U31)
    assert train.generator_lr == 1e-4 and train.discriminator_lr == (4e-4 if sagan else 3e-4)
    assert train.discriminator_steps == (1 if sagan else 2)
    assert (train.loss, train.penalty_weight) == (("hinge", 0.0) if sagan else ("wasserstein", 10.0))
    assert train.penalty_centre == 0  # as Eq. 13 prints
    assert train.batch_size == 64  # U1


def test_models_of_a_dataset_train_alike(settings):
    """Nothing but the model differs between WGAN-GP, Self-Sparse GAN and the ablations."""
    for name in CONFIGURATIONS:
        if "-self_sparse" not in name and "-without_" not in name:
            continue
        own = settings.configuration(name).model_dump()
        baseline = name
        for model in ("self_sparse", "without_psm", "without_csm"):
            baseline = baseline.replace(model, "wgan_gp")
        other = settings.configuration(baseline).model_dump()
        assert {key for key in own if own[key] != other[key]} == {"name", "model"}, name
