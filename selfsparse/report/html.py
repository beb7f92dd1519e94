"""Notebooks and Markdown as HTML in the report's look, by nbconvert: tables in boxes that scroll, code folded away."""

import itertools
import re
from functools import cache
from pathlib import Path

from jupyter_core.paths import ENV_JUPYTER_PATH
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import markdown2html_mistune

from selfsparse.analysis.table import without_html
from selfsparse.report.shown import Shown

TEMPLATES = Path(__file__).parent / "templates"  # templates, style, and the slider's script
ANCHOR_LINK = re.compile(r'<a class="anchor-link" href="[^"]*">[^<]*</a>')
TABLE = re.compile(
    r"(?:<p><strong>(?P<caption>(?:(?!</strong>).)*)</strong></p>\s*)?<table>(?P<rows>.*?)</table>", re.DOTALL
)


class _Exporter(HTMLExporter):
    """Takes the templates that are installed with this Python, and none that a user put elsewhere."""

    def get_prefix_root_dirs(self) -> list[str]:
        return ENV_JUPYTER_PATH


@cache
def _exporter() -> HTMLExporter:
    return _Exporter(raw_template=(TEMPLATES / "cells.html.j2").read_text(encoding="utf-8"))


def notebook_html(notebook: Shown) -> str:
    """Return a notebook's cells as HTML, for the middle of a page; its figures are files of the report."""
    body, _ = _exporter().from_notebook_node(notebook.content, {"name": notebook.name})
    return dressed(body, "table")


def plain_html(markdown: str) -> str:
    """Return Markdown, in which nothing counts as HTML, as HTML."""
    return markdown2html_mistune(without_html(markdown))


def markdown_html(markdown: str, name: str) -> str:
    """Return Markdown as HTML in the report's look; `name` tells its ids apart on the page."""
    return dressed(plain_html(markdown), name)


def dressed(html: str, name: str) -> str:
    """Put each table into a box that scrolls and that keys reach, under its caption; take nbconvert's anchor marks out."""
    numbers = itertools.count(1)

    def boxed(match: re.Match) -> str:
        number = next(numbers)
        rows = match["rows"].replace("<th>", '<th scope="col">')
        if match["caption"] is None:
            return f'<div class="scroll" tabindex="0" role="region" aria-label="Table {number}"><table>{rows}</table></div>'
        return (
            f'<figure class="table"><figcaption id="{name}-{number}">{match["caption"]}</figcaption>'
            f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{name}-{number}"><table>{rows}</table></div></figure>'
        )

    html = TABLE.sub(boxed, ANCHOR_LINK.sub("", html))
    return "\n".join(line.rstrip() for line in html.splitlines() if line.strip()) + "\n"
