"""Where the user's files are looked for, and that each is found once, by the same name every time."""

import os
from contextlib import ExitStack

import pytest

from selfsparse.config import load_settings
from selfsparse.data.images import image_names
from selfsparse.data.listing import files_below, fingerprint, raw_folder


@pytest.fixture(params=[False, True], ids=["in order", "backwards"])
def scan_order(request, monkeypatch):
    """Disks list a folder in an order of their own."""
    scan = os.scandir

    class Listed(ExitStack):
        def __init__(self, path):
            super().__init__()
            found = self.enter_context(scan(path))
            self.entries = iter(sorted(found, key=lambda entry: entry.name, reverse=request.param))

        def __next__(self):
            return next(self.entries)

    monkeypatch.setattr(os, "scandir", Listed)


def names(folder):
    return sorted(name for name, _ in files_below(folder))


@pytest.mark.parametrize("link", ["a", "z"])
def test_a_link_to_a_sibling_counts_once(tmp_path, scan_order, link):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/1.png").touch()
    (tmp_path / link).symlink_to(tmp_path / "m")
    assert names(tmp_path) == ["m/1.png"] and fingerprint(tmp_path)["files"] == 1


def test_of_two_links_to_one_folder_the_first_is_followed(tmp_path, scan_order):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/1.png").touch()
    (tmp_path / "raw").mkdir()
    for link in ("x", "y"):
        (tmp_path / "raw" / link).symlink_to(tmp_path / "disk")
    assert names(tmp_path / "raw") == ["x/1.png"]


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir/1.png/SYNOPHOTO_THUMB_XL.jpg", "a/@eaDir/1.jpg", "#recycle/1.png", "@Recycle/1.png", ".@__thumb/s1001.jpg",
        ".thumbnails/normal/1.png", ".Trashes/1.png", "Thumbs.db", "a/thumbs.db", "desktop.ini", "$RECYCLE.BIN/1.png",
        "System Volume Information/1.png", ".DS_Store", "._1.png", "__MACOSX/._1.png", "__MACOSX/1.png", "lost+found/1.png",
        "1.png.partial",
    ],
)  # fmt: skip
def test_what_a_system_leaves_is_no_data(tmp_path, name):
    """Thumbnails on a NAS are pictures under the very names of the user's own."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.png").touch()
    before = fingerprint(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    assert names(tmp_path) == ["a/1.png"] and fingerprint(tmp_path) == before


@pytest.mark.parametrize("name", ["thumbs/1.png", "recycle/1.png", "my #recycle/1.png", "macosx/1.png"])
def test_other_folders_of_similar_names_are_the_users(tmp_path, name):
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).touch()
    assert names(tmp_path) == [name]


def test_images_come_in_one_order(tmp_path, scan_order):
    """That of their names' characters, which is the same under every locale; so is what counts as an image's ending."""
    for name in ("b/2.png", "a/10.png", "a/9.PNG", "Z.png", "\u0131.png", "i.TIF", "I.GIF"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert image_names(tmp_path) == ["Z.png", "a/10.png", "a/9.PNG", "b/2.png", "i.TIF", "\u0131.png"]


@pytest.mark.parametrize(
    ("named", "expected"),
    [("~/sets", "home/sets"), ("sets", "project/sets"), ("", "project/data/raw"), (None, "project/data/raw")],
    ids=["home", "relative", "empty", "unset"],
)
def test_the_folder(project, tmp_path, monkeypatch, named, expected):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if named is not None:
        monkeypatch.setenv("SELFSPARSE_RAW_DATA", named)
    (project.root / "below").mkdir()
    monkeypatch.chdir(project.root / "below")
    assert raw_folder(load_settings(project.root / "params.yaml"), "sketch") == tmp_path / expected / "sketch"
