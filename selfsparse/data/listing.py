"""What lies in the user's folders, as fingerprints that DVC can depend on: a change in them prepares a dataset anew."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfsparse.config import Settings
from selfsparse.data.registry import DATASETS
from selfsparse.errors import DataError, printable
from selfsparse.files import read_json, write_json
from selfsparse.paths import workspace_root

# What a system leaves in any folder, besides hidden files: thumbnails, waste baskets and snapshots; in lower case.
OF_THE_SYSTEM = {
    "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "~snapshot",  # of a NAS
    "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information",  # of Windows
    "__macosx", "network trash folder", "temporary items", "icon\r",  # of macOS
    "lost+found",
}  # fmt: skip
DOWNLOADED = "download"  # the folder, beside the user's own files, in which downloads.py puts what came whole
RECORD = f"{DOWNLOADED}/download.json"


def raw_folder(settings: Settings, dataset: str) -> Path:
    """Return where the user's own files of a dataset lie: SELFSPARSE_RAW_DATA or `raw_data`, then the dataset's name.

    `~` is the user's home; a relative path counts from the workspace_root. An empty variable counts as unset.
    """
    named = os.environ.get("SELFSPARSE_RAW_DATA") or settings.raw_data
    return workspace_root() / os.path.expanduser(named) / dataset


def files_below(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every file below a folder that can be reached, as `_found_below` does."""
    return ((name, found) for name, found in _found_below(folder) if found is not None)


def out_of_reach(folder: Path) -> list[str]:
    """Return what below a folder leads nowhere, or into a folder that may not be entered: relative paths, sorted."""
    return sorted(name for name, found in _found_below(folder) if found is None)


def _found_below(folder: Path) -> Iterator[tuple[str, os.stat_result | None]]:
    """Yield every file below a folder, unordered: its relative path with '/', and its size and times.

    A link that leads nowhere has None. Links are followed, and no folder is entered twice. Hidden files and folders,
    unfinished downloads and what a system leaves in any folder are left out.
    """
    seen: set[tuple[int, int]] = set()
    walk = os.walk(folder, onerror=_unreadable, followlinks=True) if folder.is_dir() else ()
    for place, folders, files in walk:
        found = os.stat(place)
        if (found.st_dev, found.st_ino) in seen:
            folders.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        # Folders before links to some, and sorted, so that of several ways to one the same is taken every time.
        folders[:] = sorted(
            filter(_counts, folders), key=lambda name: (os.path.islink(os.path.join(place, name)), name)
        )
        for path in (Path(place, name) for name in files if _counts(name)):
            try:
                yield path.relative_to(folder).as_posix(), path.stat()
            except OSError:
                yield path.relative_to(folder).as_posix(), None


def _counts(name: str) -> bool:
    return not (name.startswith(".") or name.endswith(".partial") or name.lower() in OF_THE_SYSTEM)


def _unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise DataError(
            f"{printable(str(error.filename))} cannot be read ({error.strerror}); make it readable, or move it away"
        ) from None


def fingerprint(folder: Path) -> dict[str, Any]:
    """Return number, bytes and a hash over path, size and time of the files that the user put into a folder.

    What this project downloaded into it counts only where it was changed since, so that a download does not make the
    stage that ran it look outdated. A folder that is not there counts as an empty one.
    """
    ours = read_record(folder).get("files", {})
    lines = []
    total = 0
    for name, found in files_below(folder):
        entry = [found.st_size, int(found.st_mtime)]
        # lock.mdb belongs to lmdb, which may touch it whenever it reads.
        if name == RECORD or name.endswith("lock.mdb") or ours.get(name) == entry:
            continue
        lines.append(f"{name}\0{entry[0]}\0{entry[1]}\n")
        total += found.st_size
    digest = hashlib.sha256()
    for line in sorted(lines):  # one by one: there may be millions
        digest.update(line.encode("utf-8", "surrogateescape"))
    return {"files": len(lines), "bytes": total, "sha256": digest.hexdigest()}


def read_record(folder: Path) -> dict[str, Any]:
    """Return source, revision and files of what this project downloaded into a folder; nothing where it did not."""
    path = folder / RECORD
    try:
        return read_json(path) if path.is_file() else {}
    except ValueError:
        raise DataError(f"{path} is damaged; remove it: what lies beside it then counts as your own files") from None


def write_listings(settings: Settings, folder: Path) -> None:
    """Write `<dataset>.json` into `folder` for every dataset of `sources`."""
    for dataset, declared in DATASETS.items():
        if declared.fixed:
            content = {"files": "the same for everyone, checked when they are read"}
        else:
            content = fingerprint(raw_folder(settings, dataset))
        write_json(folder / f"{dataset}.json", {"dataset": dataset, **content})
