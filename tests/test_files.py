"""Files appear whole or not at all."""

import hashlib
import json
import math

import pytest

from selfsparse.files import atomic_path, hash_file, read_json, write_json, write_text


def test_a_file_takes_its_name_at_the_end(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    with atomic_path(path) as partial:
        partial.write_text("whole")
        assert not path.exists() and partial.parent == path.parent  # the same disk, so that renaming is atomic
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(error), atomic_path(path) as partial:
        partial.write_text("ha")
        raise error
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_an_interruption_before_anything_was_written(tmp_path):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "file"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_json_has_no_nan(tmp_path, value):
    path = tmp_path / "file.json"
    write_json(path, {"fid": 1.0})
    with pytest.raises(ValueError):
        write_json(path, {"fid": [value]})
    assert read_json(path) == {"fid": 1.0} and list(tmp_path.iterdir()) == [path]


def test_json_makes_the_round_trip(tmp_path):
    value = {"b": [1, 0.1, None, True], "a": {"ξ": "é"}}
    write_json(tmp_path / "file.json", value)
    assert read_json(tmp_path / "file.json") == value
    text = (tmp_path / "file.json").read_bytes()
    assert text.endswith(b"\n") and b"\r" not in text and list(json.loads(text)) == ["b", "a"]


def test_text_is_utf8_with_unix_line_ends(tmp_path):
    write_text(tmp_path / "file", "ξ\n")
    assert (tmp_path / "file").read_bytes() == b"\xce\xbe\n"


def test_hashes(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    # FIPS 180-2's and RFC 1321's own examples.
    assert hash_file(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_file(tmp_path / "file", "md5") == "900150983cd24fb0d6963f7d28e17f72" == hashlib.md5(b"abc").hexdigest()
