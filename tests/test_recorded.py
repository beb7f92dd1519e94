"""A stage's last result, put back from DVC's cache as dvc.lock names it, or not at all."""

import hashlib
import json

import pytest
from small_project import files, write_project

from selfsparse.recorded import put_back

FILES = {"seed0/run.json": b"{}", "seed0/best.safetensors": b"weights", "fid.csv": b"fid\n"}


def entry(path: str, md5: str) -> str:
    return f"    - path: {path}\n      hash: md5\n      md5: {md5}.dir\n      size: 10\n      nfiles: 3\n"


# As DVC writes it.
LOCK = "schema: '2.0'\nstages:\n  measure@a:\n    cmd: python -m pipeline.measure a\n    deps:\n"
LOCK += entry("results/quick/runs/a", "0" * 32) + "    outs:\n" + entry("results/quick/fid/a", "1" * 32)
LOCK += "  train@a:\n    cmd: python -m pipeline.train a\n    outs:\n" + entry("results/quick/runs/aa", "2" * 32)
LOCK += entry("results/quick/runs/a", "{md5}")


@pytest.fixture
def output(tmp_path, monkeypatch):
    """A project whose dvc.lock names a folder that lies in its cache alone."""
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "own"))
    project = write_project(tmp_path / "project")
    monkeypatch.chdir(project)
    (project / ".dvc").mkdir()
    (project / ".dvc/config").write_text("")
    entries = [{"md5": store(project, data), "relpath": name} for name, data in FILES.items()]
    (project / "dvc.lock").write_text(LOCK.replace("{md5}", store(project, json.dumps(entries).encode(), ".dir")))
    return project / "results/quick/runs/a"


def store(project, data: bytes, suffix: str = "") -> str:
    md5 = hashlib.md5(data).hexdigest()
    path = project / f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return md5


@pytest.mark.parametrize(
    "types", ["", '[cache]\n    type = "reflink,hardlink,symlink"\n', "[cache]\n    dir = cache\n"]
)
def test_it_comes_back_whole(output, types):
    (output.parents[3] / ".dvc/config").write_text(types)
    assert put_back(output) and files(output) == FILES
    (output / "fid.csv").unlink()
    assert not put_back(output) and "fid.csv" not in files(output)  # what is there stays as it is


@pytest.mark.parametrize("broken", ["no lock", "another folder", "a file", "a file's list", "a damaged list", "no DVC"])
def test_or_not_at_all(output, broken):
    root = output.parents[3]
    cached = sorted((root / ".dvc/cache").rglob("*"), key=lambda path: len(path.name))
    if broken == "no lock":
        (root / "dvc.lock").unlink()
    elif broken == "another folder":
        output = output.with_name("b")
    elif broken == "a file":
        next(path for path in cached if path.is_file() and path.suffix != ".dir").unlink()
    elif broken == "a file's list":
        next(path for path in cached if path.suffix == ".dir").unlink()
    elif broken == "a damaged list":
        next(path for path in cached if path.suffix == ".dir").write_text("[{")
    else:
        (root / ".dvc").rename(root / "dvc")
    assert not put_back(output) and not output.exists() and not list(root.rglob("*.partial"))
