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
    before, new = read_records(lock.parent), record("echo new")
    note_records(lock.parent, {"c": new})
    assert read_records(lock.parent) == before | {"c": new}


def test_the_first_stage_makes_the_file(tmp_path):
    note_records(tmp_path, {"a": record("x")})
    assert read_records(tmp_path) == {"a": record("x")}
    note_records(tmp_path, {})
    assert read_records(tmp_path) == {"a": record("x")}


def test_a_pipeline_ends_as_with_dvc(tmp_path):
    """A first run, one after an edit, and one of a single stage; DVC's own writing is taken away, so that it is not what was used."""
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
    pipeline["stages"]["join"] = {"cmd": "cat x y > all", "deps": ["x", "y"], "outs": [{"all": {"cache": False}}]}
    found = []
    for name, start in (("theirs", ["-m", "dvc"]), ("ours", ["-c", own])):
        folder = tmp_path / name / "project"
        folder.mkdir(parents=True)
        told = {"cwd": folder, "env": environment(folder) | {"PYTHONPATH": ""}, "check": True}
        subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], **told)
        (folder / "dvc.yaml").write_text(json.dumps(pipeline))
        for text, arguments in (("1", []), ("2", []), ("3", ["--single-item", "copy@y"])):
            (folder / "in").write_text(text)
            subprocess.run([sys.executable, *start, "repro", "--quiet", *arguments], **told)
        found.append({path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()})
    assert found[0] == found[1] and found[0]["all"] == b"22" and found[0]["y"] == b"3"
