"""Where the notebooks' tables and figures lie."""

from pathlib import Path

from selfsparse.paths import suite_dir


def tables_dir(suite: str, notebook: str) -> Path:
    """Return where a notebook's tables lie."""
    return suite_dir(suite) / "tables" / notebook


def figures_dir(suite: str, notebook: str) -> Path:
    """Return where a notebook's figures lie."""
    return suite_dir(suite) / "figures" / notebook
