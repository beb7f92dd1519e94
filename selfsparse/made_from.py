"""What a result was made from, noted beside it: is it what would be made today, or does it have to be made anew?

made_from.json vouches for the other files of its folder: it holds everything that shaped them, and the hash of each.
"""

import json
import os
from pathlib import Path
from typing import Any

from selfsparse.files import hash_file, read_json, write_json

FILE = "made_from.json"
ANEW = (
    "SELFSPARSE_ANEW"  # set in the environment, nothing is kept: `dvc repro --force` does not reach a stage's command
)
SHOWN = 3  # differences that a reason names


def note(folder: Path, shape: dict[str, Any]) -> None:
    """Write made_from.json, the last file of a folder.

    Args:
        shape: flat, of plain values.
    """
    write_json(folder / FILE, {"shape": shape, "files": _hashes(folder)})


def outdated(folder: Path, shape: dict[str, Any]) -> str | None:
    """Return why the files of a folder are not those that would be made today; None where they are.

    Args:
        shape: of today.
    """
    if ANEW in os.environ:
        return f"{ANEW} is set"
    if (reason := damaged(folder)) is not None:
        return reason
    found = differences(read_json(folder / FILE)["shape"], shape)
    return ", ".join([*found[:SHOWN], *(["..."] if len(found) > SHOWN else [])]) or None


def damaged(folder: Path) -> str | None:
    """Return why the files of a folder are not those that its made_from.json vouches for; None where they are."""
    if not (folder / FILE).is_file():
        return f"no {FILE}" if folder.is_dir() else "not there"
    try:
        noted = read_json(folder / FILE)
        files, _ = dict(noted["files"]), dict(noted["shape"])
    except (ValueError, TypeError, KeyError):
        return f"{FILE} is damaged"
    hashes = _hashes(folder)
    changed = sorted(name for name in files.keys() | hashes.keys() if files.get(name) != hashes.get(name))
    return f"{changed[0]} is not as it was made" if changed else None


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what differs between two shapes, one short text each; of code, the file."""
    now = json.loads(json.dumps(now))  # as it is read back: tuples are lists
    keys = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    return [key if is_code(key) else f"{key}: {before.get(key)} -> {now.get(key)}" for key in keys]


def is_code(key: str) -> bool:
    """Whether a key of a shape names a file of code."""
    return key.endswith(".py")


def flatten(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested dictionaries as one, with dotted keys."""
    flat = {}
    for key, item in value.items():
        flat |= flatten(item, f"{prefix}{key}.") if isinstance(item, dict) else {prefix + key: item}
    return flat


def _hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of a folder but made_from.json, and what processes that were killed left."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith(".partial"))
    return {path.relative_to(folder).as_posix(): hash_file(path) for path in paths if path.name != FILE}
