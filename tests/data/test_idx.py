"""MNIST and Fashion-MNIST from files in the official format, made here; and what is said where they are not right."""

import gzip
import hashlib
import os
import struct
from dataclasses import replace

import numpy as np
import pytest
from small_project import ROOT

from selfsparse.config import load_settings
from selfsparse.data import idx
from selfsparse.data.sources import open_source
from selfsparse.errors import DataError

COUNT = 12
FOLDERS = {"mnist": "MNIST/raw", "fashion_mnist": "FashionMNIST/raw"}
NAMES = {"mnist": "mnist-32", "fashion_mnist": "fashion_mnist-64"}


class Files:
    """Twelve images and labels as idx files: big-endian magic number, sizes, bytes."""

    def __init__(self, seed, highest):
        rng = np.random.default_rng(seed)
        self.images = rng.integers(0, highest, (COUNT, 28, 28), dtype=np.uint8)
        self.labels = rng.permutation(np.arange(COUNT) % 10).astype(np.uint8)
        self.contents = {
            idx.IMAGES: struct.pack(">iiii", 2051, COUNT, 28, 28) + self.images.tobytes(),
            idx.LABELS: struct.pack(">ii", 2049, COUNT) + self.labels.tobytes(),
        }
        self.archives = {name: gzip.compress(data, mtime=0) for name, data in self.contents.items()}

    def md5s(self, which):
        return {name: hashlib.md5(data).hexdigest() for name, data in which.items()}

    def place(self, folder, zipped):
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.contents:
            data = self.archives[name] if zipped else self.contents[name]
            (folder / (name + ".gz" * zipped)).write_bytes(data)


@pytest.fixture
def files(monkeypatch):
    """Small sets in the places of the real ones; as in these, nobody published the md5 of Fashion-MNIST's contents."""
    made = {"mnist": Files(0, 256), "fashion_mnist": Files(1, 100)}
    for name, own in made.items():
        known = {"count": COUNT, "archives": own.md5s(own.archives)}
        if name == "mnist":
            known["contents"] = own.md5s(own.contents)
        else:
            known["statistics"] = (own.images.mean() / 255, own.images.std() / 255, 0)
        monkeypatch.setitem(idx.SETS, name, replace(idx.SETS[name], **known))
    # Twelve labels cannot be spread evenly over ten classes.
    expected = np.bincount(made["fashion_mnist"].labels).tolist()
    monkeypatch.setitem(idx._TESTS, idx.LABELS, lambda array, *known: np.bincount(array).tolist() == expected)
    return made


def opened(name):
    settings = load_settings()
    return open_source(settings, settings.dataset(NAMES[name]))


def test_addresses_and_md5s_are_those_of_torchvision():
    from torchvision.datasets import MNIST, FashionMNIST

    for name, theirs in {"mnist": MNIST, "fashion_mnist": FashionMNIST}.items():
        ours = idx.SETS[name]
        assert list(ours.mirrors) == theirs.mirrors and ours.folder == theirs.__name__
        known = dict(theirs.resources)
        assert ours.archives == {file: known[file + ".gz"] for file in (idx.IMAGES, idx.LABELS)}


def test_the_md5s_of_the_unzipped_mnist():
    assert idx.SETS["mnist"].contents[idx.IMAGES] == "6bbc9ace898e44ae57da46a324031adb"
    assert idx.SETS["mnist"].contents[idx.LABELS] == "a25bea736e30d166cdddb491f175f624"


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("layout", ["flat", "torchvision's"])
@pytest.mark.parametrize("name", FOLDERS)
def test_files_at_hand_are_read(project, files, name, zipped, layout):
    files[name].place(project.raw(name) / (FOLDERS[name] if layout != "flat" else ""), zipped)
    source = opened(name)
    assert source.count == COUNT and np.array_equal(np.stack(list(source.images)), files[name].images)
    assert source.labels.tolist() == files[name].labels.tolist() and not source.label_kind.startswith("stand-in")


@pytest.mark.parametrize(
    ("name", "key", "size"), [("mnist", "mnist-32", 32), ("fashion_mnist", "fashion_mnist-64", 64)]
)
def test_through_the_stage(project, files, resize, name, key, size):
    files[name].place(project.raw(name), True)
    packed = project.prepare(key)
    assert packed.images.shape == (COUNT, 1, size, size)
    for found, original in zip(packed.images, files[name].images, strict=True):
        assert np.abs(found - resize(original, size)).max() <= 1
    assert packed.labels.tolist() == files[name].labels.tolist() and packed.has_own_labels
    assert packed.manifest["split"] == "train" and packed.manifest["revision"] == "the official files"


def test_the_manifest_does_not_depend_on_how_the_files_lie(project, files):
    files["mnist"].place(project.raw("mnist"), True)
    zipped = project.prepare("mnist-32").manifest
    for path in project.raw("mnist").iterdir():
        path.unlink()
    files["mnist"].place(project.raw("mnist") / "MNIST/raw", False)
    assert project.prepare("mnist-32").manifest == zipped


def test_the_environment_overrides_the_folder(project, files, monkeypatch):
    files["mnist"].place(project.root / "elsewhere/mnist/MNIST/raw", False)
    with pytest.raises(DataError):
        opened("mnist")
    monkeypatch.setenv("SELFSPARSE_RAW_DATA", str(project.root / "elsewhere"))
    assert opened("mnist").count == COUNT
    monkeypatch.setenv("SELFSPARSE_RAW_DATA", "elsewhere")  # relative to the project, wherever one stands in it
    assert opened("mnist").count == COUNT


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("file", [idx.IMAGES, idx.LABELS])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_damaged_file_is_named_with_the_remedy(project, files, name, file, zipped):
    files[name].place(project.raw(name), zipped)
    path = project.raw(name) / (file + ".gz" * zipped)
    data = bytearray(path.read_bytes())
    for place in [len(data) // 2] if zipped or name == "mnist" else range(len(data) // 2, len(data)):
        data[place] ^= 0x77  # without a published md5 only what shows in the statistics is found
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        opened(name)
    assert str(path) in str(caught.value) and "Delete it and fetch it again" in str(caught.value)
    if name == "mnist" or zipped:
        assert hashlib.md5(data).hexdigest() in str(caught.value)


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0", lambda data: b"\1" + data[1:]])
def test_a_file_of_the_wrong_size_or_kind(project, files, change):
    files["fashion_mnist"].place(project.raw("fashion_mnist"), False)
    path = project.raw("fashion_mnist") / idx.IMAGES
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match="does not hold unsigned bytes 12 x 28 x 28"):
        opened("fashion_mnist")


@pytest.mark.parametrize("zipped", [False, True])
def test_swapped_folders_are_noticed(project, files, zipped):
    files["mnist"].place(project.raw("fashion_mnist"), zipped)
    files["fashion_mnist"].place(project.raw("mnist"), zipped)
    with pytest.raises(DataError, match=r"is Fashion-MNIST's, not MNIST's(.|\n)*swapped"):
        opened("mnist")
    with pytest.raises(DataError, match=r"is MNIST's, not Fashion-MNIST's(.|\n)*swapped"):
        opened("fashion_mnist")


def test_labels_missing_beside_images(project, files):
    files["mnist"].place(project.raw("mnist"), False)
    (project.raw("mnist") / idx.LABELS).unlink()
    with pytest.raises(DataError, match=idx.LABELS):
        opened("mnist")


@pytest.mark.parametrize("missing", [idx.IMAGES, idx.LABELS])
def test_only_what_is_missing_is_downloaded(project, files, monkeypatch, missing):
    project.configure(sources__mnist__download=True)
    folder = project.raw("mnist") / "MNIST/raw"
    files["mnist"].place(folder, False)
    (folder / missing).unlink()
    asked = []

    def fetch(urls, path, **checks):
        asked.append((urls, checks))
        path.write_bytes(files["mnist"].archives[missing])

    monkeypatch.setattr(idx, "fetch", fetch)
    assert opened("mnist").count == COUNT and opened("mnist").count == COUNT
    ((urls, checks),) = asked
    assert urls[0] == f"https://ossci-datasets.s3.amazonaws.com/mnist/{missing}.gz"
    assert checks == {"md5": idx.SETS["mnist"].archives[missing]}


@pytest.mark.skipif("SELFSPARSE_RAW_DATA" not in os.environ, reason="SELFSPARSE_RAW_DATA names no folder with MNIST")
def test_the_real_mnist(monkeypatch):
    monkeypatch.chdir(ROOT)
    source = opened("mnist")
    assert source.count == 60_000
    # The counts of the digits 0 to 9 in the training set, and the mean grey level, 33.318 (0.1307 of 255).
    assert np.bincount(source.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert source.images.mean() == pytest.approx(33.318, abs=0.001)
