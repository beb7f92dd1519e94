"""What a result was made from, and whether it has to be made anew: any doubt is a yes."""

import json

import pytest

from selfsparse.made_from import ANEW, FILE, damaged, flatten, note, outdated

SHAPE = {"seed": 0, "train.betas": [0.0, 0.9], "selfsparse/training/trainer.py": "abc"}


@pytest.fixture
def made(tmp_path):
    folder = tmp_path / "seed0"
    folder.mkdir()
    (folder / "curves.csv").write_text("step\n1\n")
    (folder / "best.safetensors").write_bytes(b"weights")
    note(folder, SHAPE)
    return folder


def test_what_is_as_it_was_made_is_kept(made):
    assert outdated(made, SHAPE) is None and damaged(made) is None
    assert outdated(made, {**SHAPE, "train.betas": (0.0, 0.9)}) is None  # a tuple is a list in JSON
    note(made, SHAPE)  # again: its own hash is not in it
    assert outdated(made, SHAPE) is None


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ({**SHAPE, "seed": 1}, "seed: 0 -> 1"),
        ({**SHAPE, "selfsparse/training/trainer.py": "abd"}, "selfsparse/training/trainer.py"),
        ({**SHAPE, "new": None, "train.betas": [0.5, 0.9]}, "train.betas: [0.0, 0.9] -> [0.5, 0.9]"),
        ({**SHAPE, "threads": 2}, "threads: None -> 2"),
        ({"seed": 0, "train.betas": [0.0, 0.9]}, "selfsparse/training/trainer.py"),
        ({"a": 1, "b": 1, "c": 1}, "a: None -> 1, b: None -> 1, c: None -> 1, ..."),
    ],
)
def test_another_shape(made, shape, reason):
    assert outdated(made, shape) == reason


def test_files_that_are_not_as_they_were_made(made):
    (made / "curves.csv").write_text("step\n2\n")
    assert outdated(made, SHAPE) == "curves.csv is not as it was made"
    (made / "curves.csv").write_text("step\n1\n")
    (made / "more").touch()
    assert outdated(made, SHAPE) == "more is not as it was made"
    (made / "more").unlink()
    (made / ".curves.csv.123.partial").touch()  # of a process that was killed
    assert outdated(made, SHAPE) is None
    (made / "best.safetensors").unlink()
    assert outdated(made, SHAPE) == "best.safetensors is not as it was made"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"shape": {}}', '{"shape": 1, "files": {}}', '{"files": [1], "shape": {}}']
)
def test_a_damaged_note(made, text):
    (made / FILE).write_text(text)
    assert outdated(made, SHAPE) == f"{FILE} is damaged"


def test_nothing_there(made, tmp_path):
    (made / FILE).unlink()
    assert outdated(made, SHAPE) == f"no {FILE}" and outdated(tmp_path / "seed1", SHAPE) == "not there"


def test_nothing_is_kept_where_the_user_says_so(made, monkeypatch):
    monkeypatch.setenv(ANEW, "1")
    assert outdated(made, SHAPE) == f"{ANEW} is set" and damaged(made) is None


def test_the_note_is_the_same_for_equal_files(made, tmp_path):
    (tmp_path / "again").mkdir()
    for name in ("best.safetensors", "curves.csv"):
        (tmp_path / "again" / name).write_bytes((made / name).read_bytes())
    note(tmp_path / "again", SHAPE)
    assert (tmp_path / "again" / FILE).read_bytes() == (made / FILE).read_bytes()
    assert json.loads((made / FILE).read_text())["files"].keys() == {"best.safetensors", "curves.csv"}


def test_nested_settings_become_dotted_keys():
    assert flatten({"a": {"b": 1, "c": {"d": 2}}, "e": [3]}) == {"a.b": 1, "a.c.d": 2, "e": [3]}
