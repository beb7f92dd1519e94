"""MNIST from files in the official format, made here; and what is said where they are missing or damaged."""

import gzip
import hashlib
import os
import struct

import numpy as np
import pytest
from small_project import FULL_SIZE, ROOT, SMALL, write_project

from selfsparse.config import load_settings
from selfsparse.data import sources
from selfsparse.data.packed import load_packed, pack
from selfsparse.errors import DataError

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
COUNT = 12


@pytest.fixture
def idx():
    """Twelve images and labels as idx files: big-endian magic number, sizes, bytes."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)
    labels = rng.integers(0, 10, COUNT, dtype=np.uint8)
    return (
        {
            IMAGES: struct.pack(">iiii", 2051, COUNT, 28, 28) + images.tobytes(),
            LABELS: struct.pack(">ii", 2049, COUNT) + labels.tobytes(),
        },
        images,
        labels,
    )


def place(contents: dict[str, bytes], folder, zipped: bool, monkeypatch) -> None:
    folder.mkdir(parents=True)
    known = {}
    for name, data in contents.items():
        archive = gzip.compress(data, mtime=0)
        (folder / (name + (".gz" if zipped else ""))).write_bytes(archive if zipped else data)
        known[name] = (hashlib.md5(archive).hexdigest(), hashlib.md5(data).hexdigest())
    monkeypatch.setattr(sources, "MNIST_FILES", known)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.delenv("SELFSPARSE_RAW_DATA", raising=False)
    write_project(tmp_path, {**SMALL, "datasets.mnist-32.download": False})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened():
    settings = load_settings()
    return sources.open_source(settings, settings.dataset("mnist-32"))


def test_the_official_md5s():
    # torchvision's for the archives; for their contents, md5sum of the gunzipped files.
    from torchvision.datasets import MNIST

    known = {os.path.basename(url): md5 for url, md5 in MNIST.resources}
    for name, (archive, _) in sources.MNIST_FILES.items():
        assert known[name + ".gz"] == archive
    assert sources.MNIST_FILES[IMAGES][1] == "6bbc9ace898e44ae57da46a324031adb"
    assert sources.MNIST_FILES[LABELS][1] == "a25bea736e30d166cdddb491f175f624"


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("layout", ["", "MNIST/raw"])
def test_files_at_hand_are_read(project, idx, monkeypatch, zipped, layout):
    contents, images, labels = idx
    place(contents, project / "data/raw/mnist" / layout, zipped, monkeypatch)
    source = opened()
    assert source.count == COUNT and np.array_equal(np.stack(list(source.images)), images)
    assert source.labels.tolist() == labels.tolist() and source.label_kind == "digit"


def test_packed_at_32_by_32(project, idx, monkeypatch):
    contents, images, _ = idx
    place(contents, project / "data/raw/mnist", True, monkeypatch)
    settings = load_settings()
    pack(opened(), settings.dataset("mnist-32"), project / "mnist-32")
    packed = load_packed(project / "mnist-32")
    assert packed.images.shape == (COUNT, 1, 32, 32)
    # Bilinear, 28 -> 32: the corner lies at 28/32 * 0.5 - 0.5 < 0, so it is the original's corner.
    assert np.array_equal(packed.images[:, 0, 0, 0], images[:, 0, 0])
    assert np.abs(packed.images.mean((1, 2, 3)) - images.mean((1, 2))).max() < 3


def test_the_environment_overrides_the_folder(project, idx, monkeypatch, tmp_path):
    place(idx[0], tmp_path / "elsewhere/mnist/MNIST/raw", False, monkeypatch)
    with pytest.raises(DataError):
        opened()
    monkeypatch.setenv("SELFSPARSE_RAW_DATA", str(tmp_path / "elsewhere"))
    assert opened().count == COUNT
    monkeypatch.setenv("SELFSPARSE_RAW_DATA", "elsewhere")  # relative to the project, wherever one stands in it
    assert opened().count == COUNT


@pytest.mark.parametrize("zipped", [False, True])
def test_a_damaged_file_is_named_with_the_remedy(project, idx, monkeypatch, zipped):
    place(idx[0], project / "data/raw/mnist", zipped, monkeypatch)
    path = project / "data/raw/mnist" / (LABELS + (".gz" if zipped else ""))
    path.write_bytes(path.read_bytes()[:-1] + b"\x63")
    with pytest.raises(DataError) as caught:
        opened()
    found = hashlib.md5(path.read_bytes()).hexdigest()
    for part in (str(path), found, "Delete it and fetch it again"):
        assert part in str(caught.value)


def test_missing_files_say_where_to_put_them(project):
    with pytest.raises(DataError) as caught:
        opened()
    message = str(caught.value)
    assert len(message.splitlines()) <= 6
    for part in (IMAGES, str(project / "data/raw/mnist"), "SELFSPARSE_RAW_DATA", "download", "true"):
        assert part in message


def test_labels_missing_beside_images(project, idx, monkeypatch):
    place(idx[0], project / "data/raw/mnist", False, monkeypatch)
    (project / "data/raw/mnist" / LABELS).unlink()
    with pytest.raises(DataError, match=LABELS):
        opened()


@pytest.mark.parametrize("error", [RuntimeError("Error downloading " + IMAGES), OSError("Network is unreachable")])
def test_a_download_that_fails(project, monkeypatch, error):
    import torchvision.datasets

    def fail(*arguments, **options):
        raise error

    write_project(project, {**SMALL, "datasets.mnist-32.download": True})
    monkeypatch.setattr(torchvision.datasets, "MNIST", fail)
    with pytest.raises(DataError) as caught:
        opened()
    assert str(error) in str(caught.value) and "SELFSPARSE_RAW_DATA" in str(caught.value)


def test_what_is_at_hand_is_not_downloaded(project, idx, monkeypatch):
    import torchvision.datasets

    write_project(project, {**SMALL, "datasets.mnist-32.download": True})
    place(idx[0], project / "data/raw/mnist", False, monkeypatch)
    monkeypatch.setattr(torchvision.datasets, "MNIST", None)
    assert opened().count == COUNT


@pytest.mark.parametrize("missing", [IMAGES, LABELS])
def test_half_a_download_is_completed(project, idx, monkeypatch, missing):
    """A folder that holds one of the two files, and a setting that allows a download: the other one is fetched."""
    import torchvision.datasets

    write_project(project, {**SMALL, "datasets.mnist-32.download": True})
    folder = project / "data/raw/mnist/MNIST/raw"
    place(idx[0], folder, False, monkeypatch)
    (folder / missing).unlink()
    monkeypatch.setattr(
        torchvision.datasets, "MNIST", lambda root, download: (folder / missing).write_bytes(idx[0][missing])
    )
    assert opened().count == COUNT


@pytest.mark.skipif("SELFSPARSE_RAW_DATA" not in os.environ, reason="SELFSPARSE_RAW_DATA names no folder with MNIST")
def test_the_real_mnist(monkeypatch):
    monkeypatch.chdir(ROOT)
    settings = load_settings()
    dataset = settings.dataset("mnist-32").model_copy(update={"download": False})
    source = sources.open_source(settings, dataset)
    assert source.count == 60_000 and settings.configuration(FULL_SIZE).dataset.resolution == 32
    # The counts of the digits 0 to 9 in the training set, and the mean grey level, 33.318 (0.1307 of 255).
    assert np.bincount(source.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert source.images.mean() == pytest.approx(33.318, abs=0.001)
