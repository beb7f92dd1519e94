"""Files appear whole or not at all."""

import errno
import hashlib
import json
import math
import os
import tempfile

import pytest
import torch
from safetensors.torch import save_file

from selfsparse.errors import WriteError, printable
from selfsparse.files import atomic_path, atomic_paths, hash_file, read_json, write_json, write_text


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


def test_files_that_belong_together_take_their_names_together(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("images", "labels", "manifest")]
    for path in paths:
        path.write_text("old")
    seen = []
    replace = os.replace

    def watched(source, target):
        seen.append({path.name: path.read_text() for path in paths if path.exists()})
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    with atomic_paths(*paths) as partials:
        for partial in partials:
            partial.write_text("new")
        assert all(path.read_text() == "old" for path in paths)
    # The manifest never stands beside files that it does not describe.
    assert seen == [
        {"images": "old", "labels": "old"},
        {"images": "new", "labels": "old"},
        {"images": "new", "labels": "new"},
    ]
    assert all(path.read_text() == "new" for path in paths)


def test_of_files_that_belong_together_none_changes_where_one_fails(tmp_path):
    paths = [tmp_path / name for name in ("images", "manifest")]
    for path in paths:
        path.write_text("old")
    with pytest.raises(RuntimeError), atomic_paths(*paths) as partials:
        partials[0].write_text("new")
        raise RuntimeError
    assert [path.read_text() for path in paths] == ["old", "old"] and sorted(tmp_path.iterdir()) == paths


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "full"),
        OSError(errno.EDQUOT, "full"),
        OSError(errno.EFBIG, "full"),
        RuntimeError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        ),  # as safetensors says it
    ],
)
def test_no_room_is_known_however_a_library_wraps_it(tmp_path, error):
    with pytest.raises(WriteError) as caught, atomic_path(tmp_path / "file"):
        try:
            raise error
        except Exception as reason:
            raise RuntimeError("unexpected pos 576 vs 534") from reason  # as torch hides it
    message = str(caught.value)
    assert (
        message.startswith(f"{tmp_path / 'file'} could not be written: ") and f"GB are free at {tmp_path};" in message
    )
    assert "Make room there, then run the same command again" in message and caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("ein Bild ξ.png", "ein Bild ξ.png"),
        ("two\nlines", r"two\nlines"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\udcff", r"\udcff"),
    ],
)
def test_names_as_they_may_be_printed(name, printed):
    assert printable(name) == printed


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


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o027, 0o640)])
def test_who_may_read_a_file_is_the_umasks_choice(tmp_path, mask, mode):
    """safetensors and tempfile make files that their owner alone may read."""
    before = os.umask(mask)
    try:
        write_text(tmp_path / "text", "1")
        with atomic_paths(tmp_path / "weights", tmp_path / "own") as (weights, own):
            save_file({"a": torch.zeros(1)}, weights)
            with tempfile.NamedTemporaryFile(dir=tmp_path, delete=False) as file:
                os.replace(file.name, own)
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == dict.fromkeys(
        ("text", "weights", "own"), mode
    )
