"""The report of a suite as a small site under results/<suite>/report/; index.html is its first page.

It is made of what the notebooks saved, and links to it: results/<suite>/ as a whole is the site, and opens from disk.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jinja2
import nbformat

from selfsparse.analysis import gallery
from selfsparse.analysis.contents import BEYOND, PAPER, VERDICTS, in_order
from selfsparse.analysis.html import SITE, markdown_html, notebook_html
from selfsparse.analysis.notebooks import executed_path, heading, notebook_names
from selfsparse.analysis.overview_tables import provenance_table
from selfsparse.analysis.report_opening import claims, opening
from selfsparse.analysis.report_sections import sections
from selfsparse.analysis.report_sheets import sheets
from selfsparse.analysis.table import to_markdown
from selfsparse.config import load_settings
from selfsparse.files import atomic_path, to_json
from selfsparse.paths import suite_dir
from selfsparse.results.reading import Results, load_results


def make_report(suite: str) -> Path:
    """Write results/<suite>/report/ from whatever is there; return its first page.

    Equal inputs give equal bytes. What an earlier report left and this one lacks is removed at the end.

    Raises:
        SettingsError: for a suite that params.yaml does not have.
    """
    load_settings().suite(suite)
    folder = suite_dir(suite) / "report"
    files = dict(_files(load_results(suite)))
    for name, content in files.items():
        with atomic_path(folder / name) as partial:
            partial.write_bytes(content)
    for old in sorted(folder.rglob("*"), reverse=True):
        if old.is_dir() and not any(old.iterdir()):
            old.rmdir()
        elif old.is_file() and old.relative_to(folder).as_posix() not in files:
            old.unlink()
    return folder / "index.html"


def _files(results: Results) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the report by its path."""
    suite = results.suite
    figures = gallery.figures(suite)
    for figure in figures:
        yield gallery.thumbnail_file(figure), gallery.thumbnail(suite_dir(suite) / "figures" / figure.file)
    notebooks, found = _notebooks(suite, figures), claims(suite)
    slider = (SITE / "slider.js").read_text(encoding="utf-8")
    pages = {
        "index.html": opening(results, notebooks, found),
        "results.html": {"groups": sections(results, found)},
        "samples.html": {"groups": sheets(results), "slider": slider, "policy": f"script-src '{_sha256(slider)}'"},
        "notebooks.html": {"notebooks": notebooks},
        "provenance.html": _provenance(results),
    }
    common = {"suite": suite, "style": (SITE / "style.css").read_text(encoding="utf-8"), "policy": "script-src 'none'"}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(SITE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    for name, content in pages.items():
        template = environment.get_template(f"{name}.j2")
        yield name, template.render({"page": name, "root": "", **common, **content}).encode()
    template = environment.get_template("notebook.html.j2")
    made = [notebook for notebook in notebooks if notebook["executed"]]
    for before, notebook, after in zip([None, *made], made, [*made[1:], None], strict=False):
        content = notebook_html(nbformat.read(executed_path(suite, notebook["name"]), as_version=4))
        turn = {"notebook": notebook, "content": content, "before": before, "after": after}
        page = template.render({"page": "", "root": "../", **common, **turn})
        yield f"notebooks/{notebook['name']}.html", page.encode()


def _sha256(script: str) -> str:
    """Return a script's hash as a security policy wants it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _notebooks(suite: str, figures: Sequence[gallery.Figure]) -> list[dict[str, Any]]:
    """Return the notebooks in the order of the report."""
    found = []
    for name in in_order(notebook_names()):
        path = executed_path(suite, name)
        items = [item for item in (*PAPER, *BEYOND) if item.notebook == name]
        papers = ", ".join(item.paper for item in items if item.paper)
        shown = next((f for f in figures if f.file.startswith(f"{name}/")), None)
        found.append(
            {
                "name": name,
                "title": heading(nbformat.read(path, as_version=4)) if path.is_file() else name,
                "executed": path.is_file(),
                "sections": items,
                "papers": papers or ("Every claim" if name == VERDICTS else "What the paper lacks"),
                "image": gallery.thumbnail_file(shown) if shown else "",
            }
        )
    return found


def _provenance(results: Results) -> dict[str, Any]:
    configurations = [
        {
            "name": c.name,
            "runs": results.count(c).text,
            "text": to_json(results.provenance[c.name]) if c.name in results.provenance else "",
        }
        for c in results.configurations
    ]
    return {
        "table": markdown_html(to_markdown(provenance_table(results)), "provenance"),
        "configurations": configurations,
    }
