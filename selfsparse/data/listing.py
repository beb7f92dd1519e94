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
RECORD = "download.json"  # what this project downloaded itself into a folder; downloads.py writes it


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

    What cannot be reached has None: a link that leads nowhere, or what lies behind a folder that may not be entered.

    Links are followed, after all that is really there, and no folder is entered twice: one that is also linked to from
    elsewhere counts once, by its own name. Hidden files and folders, unfinished downloads and what a system leaves in any
    folder are left out.
    """
    seen: set[tuple[int, int]] = set()
    folders, links = ([""] if folder.is_dir() else []), []
    while folders or links:
        prefix = folders.pop() if folders else links.pop(0)
        found = (folder / prefix).stat()
        if (found.st_dev, found.st_ino) in seen:
            continue
        seen.add((found.st_dev, found.st_ino))
        real, linked = [], []
        with _entries(folder / prefix) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.endswith(".partial") or entry.name.lower() in OF_THE_SYSTEM:
                    continue
                try:
                    found = entry.stat()
                except OSError:
                    yield prefix + entry.name, None
                    continue
                if entry.is_dir():
                    (linked if entry.is_symlink() else real).append(f"{prefix}{entry.name}/")
                else:
                    yield prefix + entry.name, found
        # Sorted, so that of several links to one folder the same is followed every time.
        folders += sorted(real, reverse=True)
        links += sorted(linked)


def _entries(folder: Path):
    try:
        return os.scandir(folder)
    except OSError as error:
        raise DataError(
            f"{printable(str(folder))} cannot be read ({error.strerror}); make it readable, or move it away"
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
        if name == RECORD or name.endswith("lock.mdb") or (name in ours and ours[name] in (None, entry)):
            continue
        lines.append(f"{name}\0{entry[0]}\0{entry[1]}\n")
        total += found.st_size
    digest = hashlib.sha256()
    for line in sorted(lines):  # one by one: there may be millions
        digest.update(line.encode("utf-8", "surrogateescape"))
    return {"files": len(lines), "bytes": total, "sha256": digest.hexdigest()}


def read_record(folder: Path) -> dict[str, Any]:
    """Return what download.json in a folder says that this project downloaded there; nothing where there is none."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    try:
        record = read_json(path)
        if {"source", "revision", "verified", "complete", "files"} <= record.keys() and isinstance(
            record["files"], dict
        ):
            return record
        reason = "it is not what this project wrote"
    except (OSError, ValueError, AttributeError) as error:
        reason = str(error)
    raise DataError(
        f"{path} is damaged ({printable(reason)}): move it away. What lies beside it counts as your own files then; where"
        " that was half a download, move it away too"
    )


def write_listings(settings: Settings, folder: Path) -> None:
    """Write `<dataset>.json` into `folder` for every dataset of `sources`."""
    for dataset, declared in DATASETS.items():
        if declared.fixed:
            content = {"files": "the same for everyone, checked when they are read"}
        else:
            content = fingerprint(raw_folder(settings, dataset))
        write_json(folder / f"{dataset}.json", {"dataset": dataset, **content})
