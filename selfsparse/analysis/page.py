"""What a notebook shows: its tables, each in every format, and its figures."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from IPython.display import Image, Markdown, display

from selfsparse.analysis.style import Drawing, rendered
from selfsparse.analysis.table import Table, to_csv, to_latex, to_markdown
from selfsparse.files import atomic_path
from selfsparse.paths import PAPER_AUDIT, project_root
from selfsparse.results.comparability import image_notes
from selfsparse.results.reading import Results, load_results

VECTOR = "SELFSPARSE_VECTOR"  # a variable that names a further format, svg or pdf, for figures in build/figures/
NOTHING = Markdown("This suite has nothing of this.")


@dataclass(frozen=True)
class Page:
    """A notebook's results, or None. Whoever runs it saves what it shows by the names given here."""

    results: Results | None
    notebook: str

    def table(self, name: str, table: Table) -> "ShownTable | Markdown":
        """Return a table for display, with what is to be known of its images."""
        if table.data.empty:
            return NOTHING
        notes = image_notes(self.results.configurations, self.results.provenance) if self.results else []
        return ShownTable(name, replace(table, caption=" ".join([table.caption, *notes])))

    def figure(self, drawings: Drawing | Iterable[Drawing]) -> None:
        """Show a figure, or several."""
        images = [self.image(d) for d in ([drawings] if isinstance(drawings, Drawing) else drawings)]
        display(*images or [NOTHING])

    def image(self, drawing: Drawing) -> Image:
        """Return a figure as PNG for display; write it as what VECTOR names beside."""
        png = rendered(drawing.figure, "png", drawing.alt)
        if suffix := os.environ.get(VECTOR):
            folder = (
                project_root() / "build/figures" / (self.results.suite if self.results else PAPER_AUDIT) / self.notebook
            )
            with atomic_path(folder / f"{drawing.name}.{suffix}") as partial:
                partial.write_bytes(rendered(drawing.figure, suffix))
        width = int.from_bytes(png[16:20], "big")  # these bytes of a PNG
        return Image(png, format="png", alt=drawing.alt, width=width, metadata={"name": drawing.name})


@dataclass(frozen=True)
class ShownTable:
    """A table on the page."""

    name: str
    table: Table

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, str]]:
        texts = {"text/markdown": to_markdown(self.table), "text/latex": to_latex(self.table)}
        return texts | {"text/csv": to_csv(self.table), "text/plain": self.table.caption}, {"table": self.name}


def open_page(suite: str, notebook: str) -> Page:
    """Read a suite's results for a notebook.

    Raises:
        SettingsError: for a suite that params.yaml does not have.
    """
    return Page(load_results(suite), notebook)


def open_paper_page(notebook: str) -> Page:
    """Open a notebook on the paper itself, which reads no results."""
    return Page(None, notebook)
