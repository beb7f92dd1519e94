"""Whether a suite can run here, for every suite of params.yaml."""

import re
import shutil
from collections import namedtuple

import pytest
import torch
from small_project import REMOVED, params, write_project

from selfsparse.config import load_settings
from selfsparse.errors import DataError, DeviceError, SettingsError, UserError
from selfsparse.preflight import check_suite

SUITES = list(params()["suites"])
Usage = namedtuple("Usage", ["total", "used", "free"])


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Settings in an empty project, with a GPU or without and as much disk as a test says."""

    def make(changes: dict | None = None, gpu: bool = False, free: float = 1e12):
        monkeypatch.delenv("SELFSPARSE_RAW_DATA", raising=False)
        monkeypatch.chdir(write_project(tmp_path, changes))
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2 * free, free, free))
        return load_settings()

    return make


def packed(root, key: str, manifest: str = "{}") -> None:
    (root / f"data/packed/{key}").mkdir(parents=True)
    (root / f"data/packed/{key}/manifest.json").write_text(manifest)


# Whatever can be downloaded may be; Sketch nobody can.
DOWNLOADS = {f"sources.{name}.download": True for name, value in params()["sources"].items() if "download" in value}


@pytest.mark.parametrize("suite", SUITES)
def test_with_a_gpu_every_suite_can_run(project, tmp_path, suite):
    (tmp_path / "data/raw/sketch").mkdir(parents=True)
    (tmp_path / "data/raw/sketch/a.png").touch()
    settings = project(DOWNLOADS, gpu=True)
    found = check_suite(settings, suite)
    configurations = settings.suite(suite)
    assert len(found.splitlines()) == 1 and found.startswith(f"suite {suite}: {len(configurations)} configurations")
    runs = sum(len(c.train.seeds) for c in configurations)
    assert f"{runs} runs on {'cpu' if suite == 'quick' else 'cuda'}" in found


@pytest.mark.parametrize("suite", SUITES)
def test_without_a_gpu(project, suite):
    settings = project()
    if any(c.train.device == "cuda" for c in settings.suite(suite)):
        with pytest.raises(DeviceError, match=f"suite {suite}"):
            check_suite(settings, suite)
    else:
        assert "runs on cpu" in check_suite(settings, suite)
    assert suite not in ("quick", "laptop") or all(c.train.device != "cuda" for c in settings.suite(suite))


def test_data_that_is_not_there_and_may_not_be_downloaded(project):
    settings = project({"sources.mnist.download": False})
    with pytest.raises(DataError, match="SELFSPARSE_RAW_DATA"):
        check_suite(settings, "laptop")
    check_suite(settings, "quick")  # needs none of it


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"suites.quick.train.batch_size": 4096}, ["train.batch_size", "4,096", "digits-16 has 1,797 images"]),
        (
            {"configurations.photos-16-sagan.train.batch_size": 50, "sources.photos.crops": 49, "lenet.batch_size": 8},
            ["train.batch_size of configurations.photos-16-sagan is 50", "photos-16 has 49 images"],
        ),
        ({"lenet.batch_size": 1619}, ["lenet.batch_size is 1,619", "digits-16 leaves 1,618 images"]),  # 1797 - 179
        ({"lenet.validation_share": 0.0005}, ["lenet.validation_share (0.0005)", "1,797 images of digits-16 is none"]),
    ],
)
def test_counts_that_the_images_do_not_fit(project, changes, parts):
    with pytest.raises(SettingsError) as caught:
        check_suite(project(changes), "quick")
    assert all(part in str(caught.value) for part in parts)


def test_the_images_that_were_prepared_count(project, tmp_path):
    settings = project()
    packed(tmp_path, "digits-16", '{"count": 15}')
    with pytest.raises(SettingsError, match="digits-16 has 15 images"):
        check_suite(settings, "quick")


def test_a_full_disk(project):
    with pytest.raises(DataError, match=r"suite quick needs about \d+\.\d GB of disk, 0\.1 GB are free"):
        check_suite(project(free=1e8), "quick")


def test_the_estimate_covers_the_weights(project):
    # The paper's generator alone: 3,575,421 numbers of four bytes, best and last, times six runs.
    settings = project(gpu=True, free=6 * 2 * 4 * 3_575_421)
    with pytest.raises(DataError):
        check_suite(settings, "paper")


def test_what_has_no_images_is_named_and_the_rest_can_run(project):
    """Sketch cannot be downloaded: its three configurations stay away, the other 33 run."""
    first, *rest = check_suite(project(DOWNLOADS, gpu=True), "paper").splitlines()
    assert first.startswith("suite paper: 33 configurations, 99 runs on cuda")
    assert rest == ["no images of sketch-128: `python -m pipeline.data sketch-128` says what to get"]


def said(settings, suite) -> float:
    return float(re.search(r"about ([\d.]+) GB of disk", check_suite(settings, suite))[1])


def test_the_estimate_covers_images_and_downloads(project, tmp_path):
    changes = {
        name: REMOVED for name in (f"configurations.{n}" for n, c in params()["configurations"].items())
        if not name.startswith("configurations.stl10-64-wgan_gp") or "-wgan_gp-" in name
    }  # fmt: skip
    settings = project(changes, gpu=True)
    # 2.64 GB to download, 100,000 x 3 x 64 x 64 to pack, and 0.5 GB of headroom at least.
    to_download, to_pack = 2.640, 1.229
    whole = said(settings, "paper")
    assert whole > to_download + to_pack + 0.5
    (tmp_path / "data/raw/stl10/stl10_binary").mkdir(parents=True)
    (tmp_path / "data/raw/stl10/stl10_binary/unlabeled_X.bin").touch()
    at_hand = said(settings, "paper")
    assert whole - at_hand == pytest.approx(to_download, abs=0.11)
    packed(tmp_path, "stl10-64")
    assert at_hand - said(settings, "paper") == pytest.approx(to_pack, abs=0.11)


def test_a_suite_without_configurations(project):
    changes = {f"configurations.{n}": REMOVED for n, c in params()["configurations"].items() if c["suite"] == "laptop"}
    with pytest.raises(UserError, match="suite laptop has no configurations"):
        check_suite(project(changes), "laptop")


def test_weights_of_inception_that_are_not_there(project, tmp_path):
    """They are read after data of many GB were fetched and packed."""
    settings = project(DOWNLOADS | {"inception_weights": "weights.pth"}, gpu=True)
    with pytest.raises(DataError, match=r"inception_weights: no file .*weights\.pth"):
        check_suite(settings, "paper")
    assert check_suite(settings, "quick")  # which takes others
    (tmp_path / "weights.pth").touch()
    assert check_suite(settings, "paper")


def test_a_disk_that_says_nothing_of_its_size(project, monkeypatch):
    """As file systems of networks and of programs may: unknown is not full."""
    settings = project()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 0))
    assert check_suite(settings, "quick")
