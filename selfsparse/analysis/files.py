"""Where the notebooks' tables and figures lie, and writing a file whole or not at all."""

import os
from pathlib import Path

from selfsparse.paths import suite_dir


def tables_dir(suite: str, notebook: str) -> Path:
    """Return where a notebook's tables lie."""
    return suite_dir(suite) / "tables" / notebook


def figures_dir(suite: str, notebook: str) -> Path:
    """Return where a notebook's figures lie."""
    return suite_dir(suite) / "figures" / notebook


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file beside its place, then move it there: a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".tmp")
    beside.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    os.replace(beside, path)
