"""What a notebook shows and saves: its tables and figures under results/<suite>/."""

import shutil
from dataclasses import dataclass, replace

from IPython.display import Image, Markdown

from selfsparse.analysis.drawing import Drawing
from selfsparse.analysis.folders import figures_dir, tables_dir
from selfsparse.analysis.formatting import Table, to_csv, to_latex, to_markdown
from selfsparse.analysis.images import image_notes
from selfsparse.analysis.results import Results, load_results
from selfsparse.analysis.style import rendered
from selfsparse.files import atomic_path, write_text

MOST_PIXELS_WIDE = 1000  # of an image on the page; the saved file keeps its own size


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
        """Save a figure as PNG and SVG, and return it for display."""
        folder = figures_dir(self.results.suite, self.notebook)
        files = rendered(drawing.figure)
        for suffix, content in files.items():
            with atomic_path(folder / f"{drawing.name}.{suffix}") as partial:
                partial.write_bytes(content)
        write_text(folder / f"{drawing.name}.txt", drawing.alt + "\n")
        return image(files["png"], drawing.alt, f"{self.notebook}/{drawing.name}.png")


def open_page(suite: str, notebook: str) -> Page:
    """Read the suite's results and empty the notebook's folders, so that nothing of an earlier run stays there."""
    results = load_results(suite)
    for folder in (tables_dir(suite, notebook), figures_dir(suite, notebook)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    return Page(results, notebook)


def image(png: bytes, alt: str, file: str) -> Image:
    """Return an image for display, at two thirds of its pixels: files are drawn for print.

    Args:
        file: where it lies, from results/<suite>/figures/ on; an executed notebook links to it in place of a copy.
    """
    width = min(MOST_PIXELS_WIDE, int.from_bytes(png[16:20], "big") * 2 // 3)  # bytes 16-19 of a PNG are its width
    return Image(data=png, format="png", alt=alt, width=width, metadata={"file": file})
