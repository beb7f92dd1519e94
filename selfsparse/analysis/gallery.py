"""The figures of a suite at a glance: one thumbnail per figure, and the README's table of them."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from selfsparse.analysis.contents import in_order
from selfsparse.analysis.notebooks import executed_path, notebook_names
from selfsparse.files import read_json
from selfsparse.paths import suite_dir

WIDTH, HEIGHT = 360, 240  # pixels
COLOURS = 64  # enough for a figure this small; a photograph's worth would be three times the bytes
COLUMNS = 4  # of the README's table


@dataclass(frozen=True)
class Figure:
    """A figure of a notebook; of one that comes once per dataset or configuration, the first.

    Attributes:
        file: its path from results/<suite>/figures/ on, `table_fid/fid.png`.
        title: the heading above it, and its kind where others stand under the same.
        alt: the text for those who cannot see it.
    """

    file: str
    title: str
    alt: str


def figures(suite: str) -> list[Figure]:
    """Return the figures of a suite's executed notebooks that exist, in the order of the report."""
    found = []
    for name in in_order(notebook_names()):
        path = executed_path(suite, name)
        if path.is_file():
            found += notebook_figures(read_json(path))
    return [figure for figure in found if (suite_dir(suite) / "figures" / figure.file).is_file()]


def notebook_figures(notebook: Mapping[str, Any]) -> list[Figure]:
    """Return the first figure of every cell of an executed notebook that shows any, each under its heading."""
    title, found = "", []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            lines = "".join(cell["source"]).splitlines()
            title = next((line.lstrip("# ") for line in reversed(lines) if line.startswith("#")), title)
        shown = [output.get("metadata", {}).get("image/png", {}) for output in cell.get("outputs", [])]
        if first := next((figure for figure in shown if "file" in figure), None):
            found.append(Figure(first["file"], title, first["alt"]))
    often = {title for title, n in Counter(figure.title for figure in found).items() if n > 1}
    return [replace(f, title=f"{f.title}: {_kind(f)}") if f.title in often else f for f in found]


def _kind(figure: Figure) -> str:
    """Return what tells a figure from others under the same heading: `coefficients` of coefficients-digits-16.png."""
    return Path(figure.file).stem.partition("-")[0].replace("_", " ")


def thumbnail(path: Path) -> bytes:
    """Return a small PNG of a figure, WIDTH x HEIGHT: all of a wide figure, the top of a tall one."""
    with Image.open(path) as image:
        small = image.convert("RGB")
    small = small.resize((WIDTH, max(1, round(small.height * WIDTH / small.width))), Image.Resampling.LANCZOS)
    small = small.crop((0, 0, WIDTH, min(small.height, HEIGHT)))
    small = ImageOps.pad(small, (WIDTH, HEIGHT), color="white")
    buffer = io.BytesIO()
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def thumbnail_file(figure: Figure) -> str:
    """Return where a figure's thumbnail lies, from results/<suite>/report/ on."""
    return f"thumbnails/{figure.file}"


def readme_gallery(suites: Sequence[str]) -> str:
    """Return a table of linked thumbnails, of the first of these suites that has any, for the README."""
    for suite in suites:
        shown = [f for f in figures(suite) if (suite_dir(suite) / "report" / thumbnail_file(f)).is_file()]
        if shown:
            rows = [shown[i : i + COLUMNS] for i in range(0, len(shown), COLUMNS)]
            cells = ["<tr>\n" + "".join(_cell(suite, figure) for figure in row) + "</tr>\n" for row in rows]
            return f"Figures of suite `{suite}`; each leads to its file.\n\n<table>\n{''.join(cells)}</table>\n"
    return f"No thumbnails yet: `make report SUITE={suites[-1]}` makes them.\n"


def _cell(suite: str, figure: Figure) -> str:
    folder = f"results/{suite}"
    image = f'<img src="{folder}/report/{thumbnail_file(figure)}" alt="{escape(figure.alt)}" width="{WIDTH // 2}">'
    return f'<td><a href="{folder}/figures/{figure.file}">{image}<br>{escape(figure.title)}</a></td>\n'
