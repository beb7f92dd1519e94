"""Writing files so that an interruption or a full disk leaves the old one or the new one, never half of one."""

import csv
import errno
import functools
import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from selfsparse.errors import DataError, UserError, WriteError, printable

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # full disk, used-up quota, limit on a file's size
NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; what was written there takes its name at the end, if all went well.

    Raises:
        WriteError: no room on the disk, or no permission; what was there before is unchanged.
    """
    with atomic_paths(path) as (partial,):
        yield partial


@contextmanager
def atomic_paths(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Yield temporary names beside files that belong together; they take their names at the end, if all went well.

    Of several files the last vouches for the others, as a manifest does: its old version goes before the first of them
    takes its name, and its new one comes when all have.

    Raises:
        WriteError: no room on the disk, or no permission; what was there before is unchanged.
    """
    with ExitStack() as stack:
        try:
            partials = tuple(_partial(path) for path in paths)
            for partial in partials:
                stack.callback(partial.unlink, missing_ok=True)
            partials[0].touch()
            allowed = (
                partials[0].stat().st_mode
            )  # what the umask leaves; some libraries make files for their owner alone
            partials[0].unlink()
            yield partials
            for partial in partials:
                if partial.stat().st_mode != allowed:
                    partial.chmod(allowed)
                with open(partial, "rb") as file:
                    os.fsync(file.fileno())  # otherwise a power cut can leave the new name on an empty file
        except Exception as error:
            if isinstance(error, WriteError) or (reason := write_problem(error, paths[0].parent)) is None:
                raise
            names = ", ".join(str(path) for path in paths)
            raise WriteError(f"{names} could not be written: {reason}. What was there before is unchanged.") from None
        if len(paths) > 1:
            paths[-1].unlink(missing_ok=True)
        for path, partial in zip(paths, partials, strict=True):
            os.replace(partial, path)


def write_problem(error: BaseException, folder: Path) -> str | None:
    """Return why a file could not be written into a folder, with the remedy; None for an error of another kind.

    Libraries wrap what the system said, in Python's way or, like safetensors, as text.
    """
    cause: BaseException | None = error
    while cause is not None:
        number = cause.errno if isinstance(cause, OSError) else _number_in_text(cause)
        if number in NO_ROOM:
            free = free_bytes(folder)
            room = f"{free / 1e9:.1f} GB are" if free < math.inf else "an unknown number of bytes is"
            return (
                f"{os.strerror(number)} ({room} free at {folder}; a quota or a limit on a"
                " file's size may allow less). Make room there, then run the same command again"
            )
        if number in NOT_ALLOWED and isinstance(cause, OSError) and _concerns(cause.filename, folder):
            return f"{os.strerror(number)}. Make {existing_parent(folder)} writable, then run the same command again"
        cause = cause.__cause__ or cause.__context__
    return None


def _concerns(name: str | None, folder: Path) -> bool:
    """Whether an error about the file `name` is one about a folder, or a file in it, that could not be made."""
    return name is not None and (Path(name).parent == folder or folder.is_relative_to(name))


def _number_in_text(error: BaseException) -> int | None:
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def _partial(path: Path) -> Path:
    """Return the temporary name of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


@functools.cache
def _sweep(folder: Path) -> None:
    """Remove what processes that were killed left under such names; once, as each look goes through the whole folder."""
    for left in folder.glob(".*.partial"):
        if left.is_file() and not _runs(left.name.split(".")[-2]):
            left.unlink(missing_ok=True)


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, as UTF-8 with Unix line ends on every system."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, indented, with a last line end; NaN is an error, as JSON has none."""
    write_text(path, to_json(value))


def to_json(value: Any) -> str:
    """Return JSON as `write_json` writes it."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, as text."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, columns: list[str], rows: list[dict[str, Any]]) -> None:
    """Write a CSV file; without rows, its header alone."""
    with atomic_path(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@contextmanager
def reading(path: Path, stage: str, in_git: bool = False) -> Iterator[None]:
    """Read, inside the `with`, a file that a stage of the pipeline made.

    Args:
        in_git: whether git may hold it, and so have written both sides of a merge into it.

    Raises:
        DataError: it is missing, cut off, or holds something else; it says how to make it anew.
    """
    restore = f"restore it with: git checkout HEAD -- {path}, or " if in_git else ""
    try:
        yield
    except (MemoryError, UserError):
        raise
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {restore}make it anew with: dvc repro -f -s {stage}") from None
    except Exception as error:  # what a damaged file raises depends on its format's library
        reason = printable(" ".join(str(error).split())[:200]) or type(error).__name__
        raise DataError(f"{path} is damaged ({reason}); {restore}make it anew with: dvc repro -f -s {stage}") from None


def shown_files(folder: Path, pattern: str) -> Iterator[Path]:
    """Yield what a pattern finds in a folder but for hidden files, those that editors and systems leave beside others."""
    return (path for path in folder.glob(pattern) if not path.name.startswith("."))


def hash_file(path: Path, algorithm: str = "sha256") -> str:
    """Return the hex digest of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def free_bytes(folder: Path) -> float:
    """Return the free bytes of the disk on which `folder` lies or would lie; inf where it says that it has no size at all.

    So do some file systems of networks and of programs: how much is free there is not known.
    """
    usage = shutil.disk_usage(existing_parent(folder))
    return usage.free if usage.total else math.inf


def existing_parent(folder: Path) -> Path:
    """Return the folder itself, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())
