"""LSUN's scenes as lmdb, image files and parquet, made here."""

import errno
import os
import shutil
import sys
import zipfile
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest
from image_files import encode, photograph, write_lmdb, write_parquet

from selfsparse.config import load_settings
from selfsparse.data import lsun
from selfsparse.data.downloads import finish
from selfsparse.data.listing import fingerprint
from selfsparse.errors import DataError

COUNT = 7


@pytest.fixture
def rooms(monkeypatch, rng):
    """Photographs by their keys, in no order, and the scene's counts made to fit."""
    monkeypatch.setitem(lsun.SCENES, "lsun_bedroom", replace(lsun.SCENES["lsun_bedroom"], count=COUNT))
    keys = [b"f03a", b"00b1", b"9c44", b"1d7e", b"e2e2", b"4a00", b"7b19"]
    return {key: photograph(rng, 40 + 3 * i, 90 - 10 * i) for i, key in enumerate(keys)}


@pytest.fixture
def encoded(rooms):
    return {key: encode(image, "PNG") for key, image in rooms.items()}


def middle(image):
    side = min(image.shape[:2])
    top, left = ((n - side) // 2 for n in image.shape[:2])
    return image[top : top + side, left : left + side]


@pytest.mark.parametrize("place", ["bedroom_train_lmdb", ""])
@pytest.mark.parametrize("images", [5, 6, "all"])
def test_lmdb(project, rooms, resize, place, images):
    """By key, JPEG and WebP side by side."""
    project.configure(sources__lsun_bedroom__images=images)
    forms = {key: ("JPEG", "WEBP", "PNG")[i % 3] for i, key in enumerate(rooms)}
    write_lmdb(project.raw("lsun_bedroom") / place, {key: encode(rooms[key], forms[key]) for key in rooms})
    packed = project.prepare("lsun_bedroom-64")
    chosen = sorted(rooms)[: COUNT if images == "all" else images]
    assert packed.images.shape == (len(chosen), 3, 64, 64) and not packed.has_own_labels
    for found, key in zip(packed.images, chosen, strict=True):
        # JPEG shrinks the colours' planes, so it strays further.
        assert np.abs(found - resize(middle(rooms[key]), 64)).max() <= (12 if forms[key] == "JPEG" else 1)
    assert packed.manifest["subset"] == f"{len(chosen)} of 7" and packed.manifest["order"] == "by key"


def test_as_torchvision_reads_it(project, rooms, monkeypatch):
    from torchvision.datasets import LSUN

    project.configure(sources__lsun_bedroom__images="all")
    folder = project.raw("lsun_bedroom")
    values = {key: encode(image, ("JPEG", "WEBP")[i % 2]) for i, (key, image) in enumerate(rooms.items())}
    write_lmdb(folder / "bedroom_train_lmdb", values)
    monkeypatch.chdir(project.root)  # where torchvision leaves a list of the keys
    theirs = LSUN(folder, classes=["bedroom_train"])
    expected = [np.asarray(image) for image, _ in theirs]
    theirs.dbs[0].env.close()
    assert all(np.array_equal(*pair) for pair in zip(project.open("lsun_bedroom-64").images, expected, strict=True))


@pytest.mark.parametrize("form", ["image files", "parquet"])
def test_image_files_and_parquet(project, rooms, resize, form, encoded):
    project.configure(sources__lsun_bedroom__images=5)
    folder = project.raw("lsun_bedroom")
    if form == "parquet":
        encoded = [encode(image, "PNG") for image in rooms.values()]
        write_parquet(folder / "data/train-0.parquet", encoded[:3], column="image")
        write_parquet(folder / "data/train-1.parquet", encoded[3:], column="image")
        chosen = list(rooms)[:5]
    else:
        for key, image in rooms.items():
            path = folder / key.decode()[0] / f"{key.decode()}.webp"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encode(image, "PNG"))  # decoded by content, whatever the name says
        chosen = sorted(rooms)[:5]
    packed = project.prepare("lsun_bedroom-64")
    for found, key in zip(packed.images, chosen, strict=True):
        assert np.abs(found - resize(middle(rooms[key]), 64)).max() <= 1


def test_a_value_that_is_no_image(project, encoded):
    project.configure(sources__lsun_bedroom__images="all")
    values = encoded | {b"4a00": b"nothing"}
    write_lmdb(project.raw("lsun_bedroom"), values)
    with pytest.raises(DataError, match="key 4a00: not readable as an image"):
        project.prepare("lsun_bedroom-64")


def test_a_database_that_is_none(project):
    (project.raw("lsun_bedroom") / "data.mdb").write_bytes(b"x" * 9000)
    with pytest.raises(DataError, match="not readable as lmdb"):
        project.open("lsun_bedroom-64")


@pytest.mark.parametrize("left", [0.3, 0.9])
def test_a_database_that_is_cut_off(project, rooms, left):
    """Its header is whole, and lmdb opens it: reading behind its end would kill the process, without a word."""
    folder = project.raw("lsun_bedroom")
    write_lmdb(folder, {key: encode(image, "PNG") * 50 for key, image in rooms.items()})
    size = (folder / "data.mdb").stat().st_size
    os.truncate(folder / "data.mdb", int(size * left))
    with pytest.raises(
        DataError, match=rf"data\.mdb is cut off: it has {int(size * left):,} bytes, .* {size:,}"
    ) as caught:
        project.open("lsun_bedroom-64")
    assert "delete" not in str(caught.value)


def test_without_the_package(project, monkeypatch, encoded):
    write_lmdb(project.raw("lsun_bedroom"), encoded)
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(DataError, match=r"pip install 'selfsparse\[lsun\]'"):
        project.open("lsun_bedroom-64")


@pytest.fixture
def archive(project, tmp_path, monkeypatch, encoded):
    """The official archive, small, in place of what would be downloaded."""
    write_lmdb(tmp_path / "bedroom_train_lmdb", encoded)
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as made:
        made.write(tmp_path / "bedroom_train_lmdb/lock.mdb", "bedroom_train_lmdb/lock.mdb")
        made.write(tmp_path / "bedroom_train_lmdb/data.mdb", "bedroom_train_lmdb/data.mdb")
        made.writestr("../outside.txt", "never unpacked")
    asked = []

    def fetch(urls, path, **checks):
        asked.append((urls, checks))
        if not path.is_file():
            path.parent.mkdir(parents=True)
            path.write_bytes((tmp_path / "made.zip").read_bytes())

    monkeypatch.setattr(lsun, "fetch", fetch)
    return asked


def test_the_whole_archive_is_downloaded_and_unpacked(project, archive, monkeypatch):
    project.configure(sources__lsun_bedroom__images="all", sources__lsun_bedroom__download=True)
    monkeypatch.setitem(lsun.SCENES["lsun_bedroom"].facts, "zip_size", 1000)
    folder = project.raw("lsun_bedroom")
    before = fingerprint(folder)
    packed = project.prepare("lsun_bedroom-64")
    assert len(packed.images) == COUNT
    ((urls, checks),) = archive
    assert urls == ["http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip"]
    assert checks["sha256"] == "a15644c2e7153106867f0adb3491fc41224102d1f01b24494fb47d9f5d1f174e"
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*")) == [
        "download/bedroom_train_lmdb/data.mdb", "download/download.json",
    ]  # fmt: skip
    assert packed.manifest["source"] == urls[0] and checks["sha256"] in packed.manifest["revision"]
    assert fingerprint(folder) == before  # or the stage would look outdated after its own download
    project.prepare("lsun_bedroom-64")
    assert len(archive) == 1


def test_the_disk_is_looked_at_before_the_download(project, archive, monkeypatch):
    project.configure(sources__lsun_bedroom__images="all", sources__lsun_bedroom__download=True)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 9 * 10**11, 10**11))
    with pytest.raises(DataError, match=r"needs 103\.3 GB of disk, 100\.0 GB are free"):
        project.open("lsun_bedroom-64")
    assert not archive


def test_the_smaller_copy_is_downloaded_where_it_suffices(project, monkeypatch):
    project.configure(sources__lsun_bedroom__download=True)
    asked = []
    monkeypatch.setattr(lsun, "fetch_dataset", lambda *arguments, **options: asked.append((arguments, options)))
    with pytest.raises(DataError):  # nothing came
        project.open("lsun_bedroom-64")
    assert asked[0][0][0] == "pcuenq/lsun-bedrooms" and load_settings().sources.lsun_bedroom.images == 303_125


def parquet_from_the_hub(folder, rooms):
    """The smaller copy, with its record, as a download leaves it."""
    name = "data/train-0.parquet"
    write_parquet(folder / ".download" / name, [encode(image, "PNG") for image in rooms.values()])
    finish(folder, [name], "https://huggingface.co/datasets/pcuenq/lsun-bedrooms", "a" * 40 + " (unverified)")


def test_a_record_speaks_of_the_files_that_are_read(project, rooms, encoded):
    """The smaller copy was downloaded; then the user put a database beside it, which is what is read."""
    project.configure(sources__lsun_bedroom__images=5)
    folder = project.raw("lsun_bedroom")
    parquet_from_the_hub(folder, rooms)
    packed = project.prepare("lsun_bedroom-64")
    assert "pcuenq" in packed.manifest["source"] and packed.manifest["revision"] == "a" * 40 + " (unverified)"
    write_lmdb(folder, encoded)
    packed = project.prepare("lsun_bedroom-64")
    assert packed.manifest["source"] == "LSUN bedroom_train, lmdb"
    assert packed.manifest["revision"] == "the user's own files, unverified"


@pytest.mark.parametrize("images", ["all", 8])
@pytest.mark.parametrize("allowed", [True, False])
def test_a_part_at_hand_where_more_is_asked_for(project, rooms, images, allowed):
    project.configure(sources__lsun_bedroom__images=images, sources__lsun_bedroom__download=allowed)
    rooms.popitem()
    parquet_from_the_hub(project.raw("lsun_bedroom"), rooms)
    with pytest.raises(DataError, match=r"images in params\.yaml") as caught:
        project.open("lsun_bedroom-64")
    assert (f"move what is in {project.raw('lsun_bedroom')} away" in str(caught.value)) == allowed


@pytest.fixture
def whole(project, archive, monkeypatch):
    """The folder of a project that asks for all images and may download them."""
    project.configure(sources__lsun_bedroom__images="all", sources__lsun_bedroom__download=True)
    monkeypatch.setitem(lsun.SCENES["lsun_bedroom"].facts, "zip_size", 1000)
    return project.raw("lsun_bedroom")


def test_no_room_to_unpack_the_archive(project, archive, whole, monkeypatch):
    """What was fetched is kept, hidden, and the next try goes on with it."""

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "extract", full)
        with pytest.raises(
            DataError, match=r"bedroom_train_lmdb\.zip could not be unpacked \(No space left on device\)"
        ):
            project.open("lsun_bedroom-64")
    assert (whole / ".download/bedroom_train_lmdb.zip").is_file()
    assert len(project.prepare("lsun_bedroom-64").images) == COUNT and not (whole / ".download").exists()


def test_half_of_an_older_download_is_never_added_to(project, archive, whole):
    (whole / "download").mkdir()
    with pytest.raises(DataError, match=r"lsun_bedroom/download is there, but not all of it; move it away"):
        project.open("lsun_bedroom-64")
    assert not archive
