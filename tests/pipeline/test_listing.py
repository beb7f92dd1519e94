"""The listings that DVC depends on: a change in the user's files shows, nothing else does."""

import json
import os
import subprocess

import pytest
from small_project import command, write_project

from selfsparse.data.listing import fingerprint
from selfsparse.data.options import Sources
from selfsparse.data.registry import DATASETS


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """Run the stage in an empty project; what it wrote, by dataset."""
    monkeypatch.delenv("SELFSPARSE_RAW_DATA", raising=False)
    write_project(tmp_path, {"configurations": {}, "extractors": {}, "networks": {}})
    monkeypatch.chdir(tmp_path)

    def run():
        from pipeline import inputs
        from selfsparse.config import load_settings

        inputs.main(load_settings())
        return {path.stem: path.read_bytes() for path in (tmp_path / "data/listings").iterdir()}

    return run


def put(path, content=b"image", seconds=1_700_000_000):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (seconds, seconds))
    return path


def test_every_dataset_has_one(listed):
    found = listed()
    assert set(found) == set(Sources.model_fields)
    assert all(json.loads(data)["dataset"] == name for name, data in found.items())
    assert json.loads(found["sketch"])["files"] == 0


@pytest.mark.parametrize("dataset", Sources.model_fields)
def test_files_of_a_dataset_show_in_its_listing_only(listed, tmp_path, dataset):
    before = listed()
    put(tmp_path / "data/raw" / dataset / "some/file.jpg")
    after = listed()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == (set() if DATASETS[dataset].fixed else {dataset})


def test_what_has_no_checksums_is_listed():
    assert not any(DATASETS[name].fixed for name in ("mini_imagenet", "celeba_hq", "lsun_bedroom", "sketch"))


def test_the_folder_that_the_environment_names(listed, tmp_path, monkeypatch):
    put(tmp_path / "data/raw/sketch/a/b.png")
    before = listed()
    put(tmp_path / "elsewhere/sketch/a/b.png")
    monkeypatch.setenv("SELFSPARSE_RAW_DATA", str(tmp_path / "elsewhere"))
    assert listed() == before  # the same files in another place are the same files
    put(tmp_path / "elsewhere/sketch/a/c.png")
    assert listed() != before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: put(folder / "b/c.png", b"other"),
        lambda folder: put(folder / "a.png", b"longer than before"),
        lambda folder: put(folder / "a.png", b"image", 1_700_000_001),
        lambda folder: (folder / "a.png").rename(folder / "b.png"),
        lambda folder: (folder / "a.png").unlink(),
    ],
    ids=["added", "size", "time", "renamed", "removed"],
)
def test_a_change_shows(tmp_path, change):
    put(tmp_path / "a.png")
    before = fingerprint(tmp_path)
    assert before["files"] == 1 and before["bytes"] == 5
    change(tmp_path)
    assert fingerprint(tmp_path)["sha256"] != before["sha256"]


def test_locks_of_lmdb_and_fractions_of_a_second_do_not_show(tmp_path):
    put(tmp_path / "a.png")
    before = fingerprint(tmp_path)
    put(tmp_path / "c_lmdb/lock.mdb")
    os.utime(tmp_path / "a.png", ns=(1_700_000_000_900_000_000,) * 2)  # not every disk keeps fractions
    assert fingerprint(tmp_path) == before


def test_no_folder_is_an_empty_one(tmp_path):
    (tmp_path / "empty").mkdir()
    assert fingerprint(tmp_path / "empty") == fingerprint(tmp_path / "missing")


def test_the_script_imports_nothing_heavy(tmp_path):
    write_project(tmp_path)
    options = command(tmp_path, "pipeline.inputs")
    options["args"][1:1] = ["-X", "importtime"]
    found = subprocess.run(**options, capture_output=True)
    assert found.returncode == 0 and (tmp_path / "data/listings/sketch.json").is_file()
    imported = {line.split("|")[-1].strip() for line in found.stderr.splitlines() if line.startswith("import time:")}
    assert not imported & {"torch", "numpy", "PIL", "pandas", "huggingface_hub"}
