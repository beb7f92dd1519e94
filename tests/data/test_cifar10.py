"""CIFAR-10 from batches in the official format, made here: dictionaries as Python 2 pickled them."""

import hashlib
import os
import pickle

import numpy as np
import pytest
from image_files import tar_of
from small_project import ROOT

from selfsparse.config import load_settings
from selfsparse.data import cifar10
from selfsparse.data.official import Known
from selfsparse.data.sources import open_source
from selfsparse.errors import DataError

PER_BATCH = 4


class Malicious:
    """What runs a command where it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch ran",)


@pytest.fixture
def batches(monkeypatch, rng):
    """Six batches: rows of 3072 bytes, red, green and blue, each row by row."""
    made = {}
    for name in cifar10.BATCHES:
        data = rng.integers(0, 256, (PER_BATCH, 3072), dtype=np.uint8)
        labels = rng.integers(0, 10, PER_BATCH).tolist()
        content = {b"batch_label": b"", b"labels": labels, b"data": data, b"filenames": [b"a.png"] * PER_BATCH}
        made[name] = (pickle.dumps(content, protocol=2), data, labels)
    register(monkeypatch, {name: data for name, (data, *_) in made.items()})
    monkeypatch.setattr(cifar10, "PER_BATCH", PER_BATCH)
    return made


def register(monkeypatch, contents):
    known = {name: Known(len(data), hashlib.md5(data).hexdigest()) for name, data in contents.items()}
    monkeypatch.setattr(cifar10, "BATCHES", known)


def in_archive(batches):
    """In no order, as in the real one."""
    return tar_of({f"cifar-10-batches-py/{name}": batches[name][0] for name in reversed(batches)})


def place(project, batches, form):
    folder = project.raw("cifar10")
    if form == "archive":
        (folder / cifar10.ARCHIVE).write_bytes(in_archive(batches))
        return folder / cifar10.ARCHIVE
    folder = folder / "cifar-10-batches-py"
    folder.mkdir(exist_ok=True)
    for name, (data, *_) in batches.items():
        (folder / name).write_bytes(data)
    return folder


def test_addresses_and_md5s_are_those_of_torchvision():
    from torchvision.datasets import CIFAR10

    assert (CIFAR10.url, CIFAR10.filename, CIFAR10.tgz_md5) == (cifar10.URL, cifar10.ARCHIVE, cifar10.ARCHIVE_MD5)
    assert CIFAR10.base_folder == cifar10.FOLDER
    known = [*CIFAR10.train_list, *CIFAR10.test_list]
    assert [(name, own.md5) for name, own in cifar10.BATCHES.items()] == [tuple(pair) for pair in known]


@pytest.mark.parametrize("form", ["folder", "archive"])
@pytest.mark.parametrize("split", ["all", "train"])
def test_through_the_stage(project, batches, resize, form, split):
    project.configure(sources__cifar10__split=split)
    place(project, batches, form)
    packed = project.prepare("cifar10-128")
    chosen = list(batches.values())[: 6 if split == "all" else 5]
    rows = np.concatenate([data for _, data, _ in chosen])
    assert packed.images.shape == (len(rows), 3, 128, 128)
    for found, row in zip(packed.images, rows, strict=True):
        red, green, blue = (row[i * 1024 : (i + 1) * 1024].reshape(32, 32) for i in range(3))
        assert np.abs(found - resize(np.stack([red, green, blue], -1), 128)).max() <= 1
    assert packed.labels.tolist() == [label for *_, labels in chosen for label in labels] and packed.has_own_labels
    assert packed.manifest["split"] == ("train and test" if split == "all" else "train")


@pytest.mark.skipif("SELFSPARSE_RAW_DATA" not in os.environ, reason="SELFSPARSE_RAW_DATA names no folder with CIFAR-10")
def test_the_real_one(monkeypatch):
    """As torchvision reads it."""
    from torchvision.datasets import CIFAR10

    folder = os.path.join(os.environ["SELFSPARSE_RAW_DATA"], "cifar10")
    if not os.path.isdir(folder):
        pytest.skip(f"{folder} is not there")
    monkeypatch.chdir(ROOT)
    settings = load_settings()
    source = open_source(settings, settings.dataset("cifar10-128"))
    parts = [CIFAR10(folder, train=train) for train in (True, False)]
    assert source.labels.tolist() == parts[0].targets + parts[1].targets
    assert np.array_equal(np.stack(list(source.images)), np.concatenate([part.data for part in parts]))


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_damaged_batch(project, batches, form):
    changed = {**batches, "data_batch_3": (batches["data_batch_3"][0][:-2] + b"x.",)}
    place(project, changed, form)
    with pytest.raises(DataError, match=r"data_batch_3.* is not CIFAR-10's official file: its md5 is"):
        project.open("cifar10-128")


def test_a_damaged_archive(project, batches):
    path = place(project, batches, "archive")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"cifar-10-python\.tar\.gz is damaged"):
        project.open("cifar10-128")


def test_code_in_a_batch_is_not_run_even_under_the_right_md5(project, batches, monkeypatch):
    contents = {name: data for name, (data, *_) in batches.items()}
    contents["data_batch_2"] = pickle.dumps({b"data": Malicious()}, protocol=2)
    register(monkeypatch, contents)
    place(project, {name: (data,) for name, data in contents.items()}, "folder")
    with pytest.raises(DataError, match=r"data_batch_2: not a pickle of plain arrays \(asks for (posix|nt)\.system\)"):
        project.open("cifar10-128")
    assert not list(project.root.rglob("ran"))


def test_it_is_downloaded_where_it_is_missing(project, batches, monkeypatch):
    project.configure(sources__cifar10__download=True)
    asked = []

    def fetch(urls, path, **checks):
        asked.append((urls, path.name, checks))
        place(project, batches, "archive")

    monkeypatch.setattr(cifar10, "fetch", fetch)
    assert project.open("cifar10-128").count == 6 * PER_BATCH and project.open("cifar10-128").count == 6 * PER_BATCH
    checks = {"size": 170_498_071, "md5": "c58f30108f718f92721af3b95e74349a"}
    assert asked == [(["https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"], "cifar-10-python.tar.gz", checks)]
