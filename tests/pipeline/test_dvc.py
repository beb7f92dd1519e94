"""`python -m selfsparse.dvc` leaves what `dvc` leaves."""

import json
import subprocess
import sys

import pytest
from dvc.utils.serialize import modify_yaml
from dvc_project import environment

from selfsparse.stages import note_records, read_records

LONG = "python -m pipeline.train " + " ".join(f"word{i}" for i in range(40))  # DVC folds lines of more than 80 letters


def record(cmd: str, **more) -> dict:
    return {"cmd": cmd, "deps": [{"path": "in", "hash": "md5", "md5": "0" * 32, "size": 3}], **more}


@pytest.fixture
def lock(tmp_path):
    """A dvc.lock as DVC itself writes it."""
    with modify_yaml(tmp_path / "dvc.lock") as data:
        data.update({"schema": "2.0", "stages": {name: record(f"echo {name}") for name in ("a", "b@x-1", "c")}})
    return tmp_path / "dvc.lock"


@pytest.mark.parametrize(
    "records",
    [
        {"b@x-1": record(LONG, params={"params.yaml": {"rates": [1, 2.5], "name": "yes"}})},
        {"d@new.one": record("echo d")},
        {"c": record("echo"), "a": record("two\nlines"), "e": record("#", outs=[{"path": "a: b", "nfiles": 2}])},
    ],
)
def test_dvc_lock_is_that_of_dvc_to_the_byte(lock, records):
    theirs = lock.with_name("theirs.lock")
    theirs.write_bytes(lock.read_bytes())
    with modify_yaml(theirs) as data:
        data["stages"].update(records)
    note_records(lock.parent, records)
    assert lock.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text + "datasets:\n- name: a\n",
        lambda text: text.replace("  c:", "  # a comment\n  c:"),
        lambda text: text.replace("  c:\n", "  'c':\n"),
        lambda text: "schema: '2.0'\nstages: {}\n",
        lambda text: json.dumps({"schema": "2.0", "stages": {"a": record("x")}}),
    ],
)
def test_a_dvc_lock_that_something_else_has_written_keeps_what_it_says(lock, edit):
    lock.write_text(edit(lock.read_text()))
    theirs, new = lock.with_name("theirs.lock"), record("echo new")
    theirs.write_bytes(lock.read_bytes())
    with modify_yaml(theirs) as data:
        data["stages"].update(c=new)
    note_records(lock.parent, {"c": new})
    assert read_records(lock.parent)["c"] == new and lock.read_bytes() == theirs.read_bytes()


def test_the_first_stage_makes_the_file(tmp_path):
    note_records(tmp_path, {"a": record("x")})
    assert read_records(tmp_path) == {"a": record("x")}
    note_records(tmp_path, {})
    assert read_records(tmp_path) == {"a": record("x")}


def test_a_pipeline_ends_as_with_dvc(tmp_path):
    """In files, exit code and what it says; DVC's own writing is taken away, so that it is not what was used."""
    own = """
import runpy, sys
from dvc import dvcfile
def modify_yaml(*_, **__): raise AssertionError("dvc.lock is written as a whole")
dvcfile.modify_yaml = modify_yaml
runpy.run_module("selfsparse.dvc", run_name="__main__", alter_sys=True)
"""
    pipeline = {
        "stages": {"copy": {"foreach": ["x", "y"], "do": {"cmd": "cp in ${item}", "deps": ["in"], "outs": ["${item}"]}}}
    }
    pipeline["stages"]["join"] = {
        "cmd": "cat x y | grep . > all",
        "deps": ["x", "y"],
        "outs": [{"all": {"cache": False}}],
    }
    found = []
    for name, start in (("theirs", ["-m", "dvc"]), ("ours", ["-c", own])):
        folder = tmp_path / name / "project"
        folder.mkdir(parents=True)
        told = {"cwd": folder, "env": environment(folder) | {"PYTHONPATH": ""}}
        subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], **told, check=True)
        (folder / "dvc.yaml").write_text(json.dumps(pipeline))
        found.append([])
        one = ["--single-item", "copy@y"]
        for text, *arguments in (["1"], ["2"], ["3", *one], [""], ["conflict"]):  # "": grep fails
            (folder / "in").write_text(text)
            if text == "conflict":
                with open(folder / "dvc.lock", "a") as lock:
                    lock.write("<<<<<<< HEAD\n")
            done = subprocess.run([sys.executable, *start, "repro", *arguments], capture_output=True, text=True, **told)
            files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
            found[-1].append((done.returncode, done.stdout, done.stderr, files))
    for theirs, ours in zip(*found, strict=True):
        assert ours == theirs
    assert [code for code, *_ in found[1]] == [0, 0, 0, 255, 255]
    assert [files.get("all") for *_, files in found[1]] == [b"11\n", b"22\n", b"22\n", b"", b""]
