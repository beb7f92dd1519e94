"""STL-10's unlabelled images from the official binary format, made here: colours first, each column by column."""

import hashlib

import numpy as np
import pytest
from image_files import tar_of

from selfsparse.data import stl10
from selfsparse.data.official import Known
from selfsparse.errors import DataError

COUNT = 3


@pytest.fixture
def images(project, monkeypatch, rng):
    """Images (N, H, W, 3), and a function that places them in one of the layouts."""
    made = rng.integers(0, 256, (COUNT, 96, 96, 3), dtype=np.uint8)
    data = b"".join(image[:, column, colour].tobytes() for image in made for colour in range(3) for column in range(96))
    monkeypatch.setattr(stl10, "COUNT", COUNT)
    monkeypatch.setattr(stl10, "KNOWN", Known(len(data), hashlib.md5(data).hexdigest()))

    def place(form):
        path = project.raw("stl10") / (stl10.FILE if form == "folder" else stl10.ARCHIVE)
        path.parent.mkdir(exist_ok=True)
        packed = tar_of({"stl10_binary/test_X.bin": b"other", stl10.FILE: data})
        path.write_bytes(data if form == "folder" else packed)
        return path

    return made, place


def test_addresses_and_md5s_are_those_of_torchvision():
    from torchvision.datasets import STL10

    assert (STL10.url, STL10.filename, STL10.tgz_md5) == (stl10.URL, stl10.ARCHIVE, stl10.ARCHIVE_MD5)
    assert f"{STL10.base_folder}/unlabeled_X.bin" == stl10.FILE
    assert dict(STL10.train_list)["unlabeled_X.bin"] == stl10.KNOWN.md5
    assert stl10.KNOWN.size == 100_000 * 96 * 96 * 3


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_through_the_stage(project, images, resize, form):
    made, place = images
    place(form)
    packed = project.prepare("stl10-64")
    assert packed.images.shape == (COUNT, 3, 64, 64)
    for found, original in zip(packed.images, made, strict=True):
        assert np.abs(found - resize(original, 64)).max() <= 1
    assert not packed.has_own_labels and packed.labels.tolist() == [0] * COUNT
    assert packed.manifest["label_kind"] == "stand-in: none" and packed.manifest["split"] == "unlabeled"


def test_as_torchvision_reads_it(project, images, monkeypatch):
    from torchvision.datasets import STL10

    _, place = images
    place("folder")
    monkeypatch.setattr(STL10, "_check_integrity", lambda self: True)  # the small file has another md5
    (project.raw("stl10") / "stl10_binary/class_names.txt").write_text("airplane\n")
    theirs = STL10(project.raw("stl10"), split="unlabeled")
    ours = project.open("stl10-64")
    assert np.array_equal(np.stack(list(ours.images)), np.stack([np.asarray(image) for image, _ in theirs]))


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_damaged_file(project, images, form):
    path = images[1](form)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        project.open("stl10-64")
    assert str(path) in str(caught.value) and "ove it away, and fetch it again" in str(caught.value)
    if form == "folder":
        assert hashlib.md5(data).hexdigest() in str(caught.value)
