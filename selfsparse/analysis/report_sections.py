"""The report's tables and figures: what the notebooks saved, section by section, with links to its files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from selfsparse.analysis.contents import BEYOND, PAPER, Item
from selfsparse.analysis.html import markdown_html
from selfsparse.analysis.notebooks import executed_path
from selfsparse.analysis.page import shown_width
from selfsparse.paths import figures_dir, tables_dir
from selfsparse.results.reading import Results

FILE_TYPES = {"CSV": "csv", "Markdown": "md", "LaTeX": "tex"}


def sections(results: Results, claims: Sequence[dict]) -> list[dict[str, Any]]:
    """Return the sections in the paper's order and then those that the paper lacks, with whatever of them is there."""
    titles = (("paper", "In the paper's order", PAPER), ("beyond", "What the paper lacks", BEYOND))
    return [
        {"id": name, "title": title, "sections": [_section(results, item, claims) for item in items]}
        for name, title, items in titles
    ]


def _section(results: Results, item: Item, claims: Sequence[dict]) -> dict[str, Any]:
    suite = results.suite
    tables = [tables_dir(suite, item.notebook) / f"{name}.md" for name in item.tables]
    return {
        "item": item,
        "claims": [claim for claim in claims if claim["id"] in item.claims],
        "says": [markdown_html(say(results).data, f"{item.id}-says") for say in item.says],
        "tables": [_table(path, item) for path in tables if path.is_file()],
        "figures": [_figure(path) for path in _shown_figures(suite, item)],
        "executed": executed_path(suite, item.notebook).is_file(),
    }


def _table(path: Path, item: Item) -> dict[str, Any]:
    html = markdown_html(path.read_text(encoding="utf-8"), f"{item.id}-{path.stem}")
    files = [(name, path.with_suffix(f".{suffix}")) for name, suffix in FILE_TYPES.items()]
    return {
        "name": path.stem,
        "html": html,
        "files": [
            (name, f"../tables/{item.notebook}/{quote(file.name)}") for name, file in files if file.is_file()
        ],
    }  # fmt: skip


def _shown_figures(suite: str, item: Item) -> list[Path]:
    folder = figures_dir(suite, item.notebook)
    left_out = {p for pattern in item.figures if pattern[0] == "!" for p in folder.glob(f"{pattern[1:]}.png")}
    wanted = [
        p
        for pattern in item.figures
        if pattern[0] != "!"
        for p in sorted(folder.glob(f"{pattern}.png"), key=lambda path: path.stem)
    ]
    return [path for path in wanted if path not in left_out]


def _figure(path: Path) -> dict[str, Any]:
    with Image.open(path) as image:
        (width, height), alt = image.size, image.info["Description"]
    shown = shown_width(width)
    return {
        "src": f"../figures/{path.parent.name}/{quote(path.name)}",
        "alt": alt,
        "width": shown,
        "height": round(height * shown / width),
    }
