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


def opened(name):
    settings = load_settings()
    return open_source(settings, settings.dataset(NAMES[name]))


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
    """Small sets in the places of the real ones."""
    made = {"mnist": Files(0, 256), "fashion_mnist": Files(1, 100)}
    for name, own in made.items():
        contents = {file: (len(data), hashlib.md5(data).hexdigest()) for file, data in own.contents.items()}
        facts = idx.SETS[name].facts | {"archives": own.md5s(own.archives), "contents": contents}
        monkeypatch.setitem(idx.SETS, name, replace(idx.SETS[name], count=COUNT, facts=facts))
    return made


def test_addresses_and_md5s_are_those_of_torchvision():
    from torchvision.datasets import MNIST, FashionMNIST

    for name, theirs in {"mnist": MNIST, "fashion_mnist": FashionMNIST}.items():
        ours = idx.SETS[name].facts
        assert ours["mirrors"] == theirs.mirrors and ours["folder"] == theirs.__name__
        known = dict(theirs.resources)
        assert ours["archives"] == {file: known[file + ".gz"] for file in (idx.IMAGES, idx.LABELS)}


def test_the_md5s_of_the_unzipped_files():
    """As published; the sizes follow from the format: 60,000 of 28 x 28 after 16 bytes, and 60,000 after 8."""
    images, labels = 16 + 60_000 * 28 * 28, 8 + 60_000
    assert idx.SETS["mnist"].facts["contents"] == {
        idx.IMAGES: [images, "6bbc9ace898e44ae57da46a324031adb"],
        idx.LABELS: [labels, "a25bea736e30d166cdddb491f175f624"],
    }
    assert idx.SETS["fashion_mnist"].facts["contents"] == {
        idx.IMAGES: [images, "f4a8712d7a061bf5bd6d2ca38dc4d50a"],
        idx.LABELS: [labels, "9018921c3c673c538a1fc5bad174d6f9"],
    }


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


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("file", [idx.IMAGES, idx.LABELS])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_damaged_file_is_named_with_the_remedy(project, files, name, file, zipped):
    files[name].place(project.raw(name), zipped)
    path = project.raw(name) / (file + ".gz" * zipped)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x77
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        opened(name)
    assert str(path) in str(caught.value) and "ove it away, and fetch it again" in str(caught.value)
    if not zipped:
        assert hashlib.md5(data).hexdigest() in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d[:-1], "it has 9,423 bytes"),
        (lambda d: d + b"\0", "more than 9,424"),
        (lambda d: b"\1" + d[1:], "md5"),
    ],
)
def test_a_file_of_the_wrong_size_or_kind(project, files, change, said):
    files["fashion_mnist"].place(project.raw("fashion_mnist"), False)
    path = project.raw("fashion_mnist") / idx.IMAGES
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=rf"is not Fashion-MNIST's official file: .*{said}"):
        opened("fashion_mnist")


@pytest.mark.parametrize("zipped", [False, True])
def test_swapped_folders_are_noticed(project, files, zipped):
    files["mnist"].place(project.raw("fashion_mnist"), zipped)
    files["fashion_mnist"].place(project.raw("mnist"), zipped)
    with pytest.raises(DataError, match=r"is Fashion-MNIST's, not MNIST's(.|\n)*swapped"):
        opened("mnist")
    with pytest.raises(DataError, match=r"is MNIST's, not Fashion-MNIST's(.|\n)*swapped"):
        opened("fashion_mnist")


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
    assert checks == {"md5": idx.SETS["mnist"].facts["archives"][missing]}


def flat(folder, files, zipped):
    files.place(folder, zipped)


def as_torchvision(folder, files, zipped):
    files.place(folder / FOLDERS[folder.name], zipped)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("layout", [flat, as_torchvision])
@pytest.mark.parametrize("name", FOLDERS)
def test_files_by_themselves_and_in_the_layout_of_torchvision(project, files, name, layout, zipped):
    folder = project.raw(name)
    layout(folder, files[name], zipped)
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    source = opened(name)
    assert np.array_equal(np.stack(list(source.images)), files[name].images)
    assert source.count == COUNT and source.labels.tolist() == files[name].labels.tolist()
    assert not source.label_kind.startswith("stand-in")
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_what_is_there_where_a_file_is_lacking(project, files):
    folder = project.raw("mnist")
    files["mnist"].place(folder, True)
    (folder / f"{idx.LABELS}.gz").rename(folder / "labels.gz")
    with pytest.raises(DataError, match=r"there:   2 files: labels\.gz, train-images-idx3-ubyte\.gz"):
        opened("mnist")


def test_what_is_there_where_the_download_fails(project, monkeypatch):
    def fail(*arguments, **checks):
        raise DataError("it could not be downloaded.")

    project.configure(sources__mnist__download=True)
    (project.raw("mnist") / "train-images.idx3-ubyte").write_bytes(b"half of it")
    monkeypatch.setattr(idx, "fetch", fail)
    with pytest.raises(DataError, match=r"could not be downloaded\.(.|\n)*there:   1 files: train-images\.idx3-ubyte"):
        opened("mnist")


# Per set: images of each class, and mean and deviation of all pixels, 0 to 1, as the field normalises by them.
REAL = {
    "mnist": ([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], 0.1307, 0.3081),
    "fashion_mnist": ([6000] * 10, 0.2860, 0.3530),
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_ones(monkeypatch, name):
    folder = os.path.join(os.environ.get("SELFSPARSE_RAW_DATA", ""), name)
    if "SELFSPARSE_RAW_DATA" not in os.environ or not os.path.isdir(folder):
        pytest.skip(f"SELFSPARSE_RAW_DATA names no folder with {name}")
    monkeypatch.chdir(ROOT)
    source, (counts, mean, deviation) = opened(name), REAL[name]
    assert source.count == 60_000 and np.bincount(source.labels).tolist() == counts
    assert source.images.mean() / 255 == pytest.approx(mean, abs=5e-5)
    assert source.images.std() / 255 == pytest.approx(deviation, abs=5e-5)
