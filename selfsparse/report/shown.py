"""What an executed notebook shows: its tables and figures, by their names, from its outputs."""

import base64
import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from selfsparse.files import reading
from selfsparse.paths import PAPER_AUDIT, suite_dir


@dataclass(frozen=True)
class Figure:
    """A figure as a PNG.

    Attributes:
        heading: the one above it in the notebook.
        first: whether it is the first of its cell, of one that comes once per dataset or configuration.
        width: as it is shown, in pixels of CSS.
    """

    name: str
    png: bytes
    alt: str
    width: int
    heading: str
    first: bool


@dataclass(frozen=True)
class Shown:
    """A notebook as it ran for a suite, or for PAPER_AUDIT."""

    suite: str
    name: str
    content: nbformat.NotebookNode
    tables: dict[str, dict[str, str]]  # by name, by MIME type
    figures: dict[str, Figure]

    @property
    def title(self) -> str:
        """The notebook's first heading."""
        return next((text for cell in self.content.cells for text in _headings(cell)), "Notebook")

    def chosen(self, patterns: Sequence[str]) -> list[Figure]:
        """Return the figures that these patterns name, in their order; one that begins with "!" leaves out."""
        without = {name for p in patterns if p[0] == "!" for name in fnmatch.filter(self.figures, p[1:])}
        wanted = [name for p in patterns if p[0] != "!" for name in sorted(fnmatch.filter(self.figures, p))]
        return [self.figures[name] for name in dict.fromkeys(wanted) if name not in without]


def executed_path(suite: str, name: str) -> Path:
    """Return where an executed notebook lies."""
    return suite_dir(suite) / "notebooks" / name / f"{name}.ipynb"


def shown(suite: str, name: str) -> Shown | None:
    """Read an executed notebook; None where there is none."""
    path = executed_path(suite, name)
    if not path.is_file():
        return None
    with reading(path, PAPER_AUDIT if suite == PAPER_AUDIT else f"notebook@{suite}", in_git=True):
        notebook = nbformat.read(path, as_version=4)
    tables, figures, heading = {}, {}, ""
    for cell in notebook.cells:
        heading = [heading, *_headings(cell)][-1]
        first = True
        for output in cell.get("outputs", []):
            about: dict[str, Any] = output.get("metadata", {})
            if figure := about.get("image/png", {}):
                png = base64.b64decode(output.data["image/png"])
                figures[figure["name"]] = Figure(figure["name"], png, figure["alt"], figure["width"], heading, first)
                first = False
            elif "table" in about:
                tables[about["table"]] = output.data
    return Shown(suite, name, notebook, tables, figures)


def _headings(cell: nbformat.NotebookNode) -> list[str]:
    lines = cell.source.splitlines() if cell.cell_type == "markdown" else []
    return [line.lstrip("# ") for line in lines if line.startswith("#")]
