"""What a notebook shows and saves: its tables and figures under results/<suite>/."""

import os
import shutil
from dataclasses import dataclass, replace

from IPython.display import Image, Markdown

from selfsparse.analysis.drawing import Drawing
from selfsparse.analysis.style import PNG_DPI, rendered
from selfsparse.analysis.table import Table, to_csv, to_latex, to_markdown
from selfsparse.files import atomic_path, write_text
from selfsparse.paths import figures_dir, project_root, tables_dir
from selfsparse.results.comparability import image_notes
from selfsparse.results.reading import Results, load_results

VECTOR = "SELFSPARSE_VECTOR"  # a variable that names a further format, svg or pdf, for figures in build/figures/


@dataclass(frozen=True)
class Page:
    """A notebook's results, and the folders of its tables and figures."""

    results: Results
    notebook: str

    def table(self, name: str, table: Table) -> Markdown:
        """Save a table as CSV, Markdown and LaTeX, with what is to be known of its images, and return it for display."""
        folder = tables_dir(self.results.suite, self.notebook)
        table = replace(
            table, caption=" ".join([table.caption, *image_notes(self.results.configurations, self.results.provenance)])
        )
        texts = {"csv": to_csv(table), "md": to_markdown(table), "tex": to_latex(table)}
        for suffix, text in texts.items():
            write_text(folder / f"{name}.{suffix}", text)
        return Markdown(texts["md"])

    def figure(self, drawing: Drawing) -> Image:
        """Save a figure as PNG, and as what VECTOR names beside, and return it for display."""
        suite = self.results.suite
        folders = {"png": figures_dir(suite, self.notebook)}
        if suffix := os.environ.get(VECTOR):
            folders[suffix] = project_root() / "build/figures" / suite / self.notebook
        files = {suffix: rendered(drawing.figure, suffix, drawing.alt) for suffix in folders}
        for suffix, folder in folders.items():
            with atomic_path(folder / f"{drawing.name}.{suffix}") as partial:
                partial.write_bytes(files[suffix])
        return Shown(files["png"], drawing.alt, f"{self.notebook}/{drawing.name}.png")


def open_page(suite: str, notebook: str) -> Page:
    """Read the suite's results and empty the notebook's folders, so that nothing of an earlier run stays there."""
    results = load_results(suite)
    for folder in (tables_dir(suite, notebook), figures_dir(suite, notebook)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    return Page(results, notebook)


class Shown(Image):
    """A figure on the page.

    Args:
        file: where it lies, from results/<suite>/figures/ on.
    """

    def __init__(self, png: bytes, alt: str, file: str):
        width = shown_width(int.from_bytes(png[16:20], "big"))  # these bytes of a PNG are its width
        super().__init__(png, format="png", alt=alt, width=width, metadata={"file": file})

    def __repr__(self) -> str:
        return self.alt


def shown_width(pixels: int) -> int:
    """Return how wide a figure is shown, in pixels of CSS: a third above its size on paper, and no more than a page is."""
    return min(1000, round(pixels * 4 / 3 * 100 / PNG_DPI))
