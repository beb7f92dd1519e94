"""The report of a suite as a small site under results/<suite>/report/; index.html is its first page.

It is made of what the notebooks show, and links to the tables and images in results/<suite>/, which opens from disk.
"""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfsparse.config import load_settings
from selfsparse.files import atomic_path
from selfsparse.paths import PAPER_AUDIT, suite_dir
from selfsparse.report.contents import VERDICTS, in_order, items
from selfsparse.report.html import TEMPLATES, notebook_html
from selfsparse.report.notebooks import notebooks_of
from selfsparse.report.pages import claims, opening, provenance, sections, sheets
from selfsparse.report.shown import shown
from selfsparse.results.reading import load_results
from selfsparse.templates import filled

STYLE = "style.css"  # of every page
COMPARE = "compare.html"  # not hashed by DVC (.dvcignore): what it shows depends on git


def make_report(suite: str) -> Path:
    """Write results/<suite>/report/ from whatever is there; return its first page.

    Equal inputs give equal bytes. What an earlier report left and this one lacks is removed at the end.

    Raises:
        SettingsError: for a suite that params.yaml does not have.
    """
    load_settings().suite(suite)
    folder = suite_dir(suite) / "report"
    files = dict(_files(suite))
    write_files(folder, files)
    for old in sorted(folder.rglob("*"), reverse=True):
        if old.is_dir() and not any(old.iterdir()):
            old.rmdir()
        elif old.is_file() and old.relative_to(folder).as_posix() not in files:
            old.unlink()
    return folder / "index.html"


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files of a report, by their paths in its folder."""
    for name, content in files.items():
        with atomic_path(folder / name) as partial:
            partial.write_bytes(content)


def _files(suite: str) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the report by its path."""
    results, of_suite = load_results(suite), notebooks_of(suite)
    names = in_order([*of_suite, *notebooks_of(PAPER_AUDIT)])
    made = {name: found for name in names if (found := shown(suite if name in of_suite else PAPER_AUDIT, name))}
    for name, executed in made.items():
        for figure in executed.figures.values():
            yield f"figures/{name}/{figure.name}.png", figure.png
    groups = sections(results, names, made)
    on_page = {section["item"].id for group in groups for section in group["sections"]}
    verdicts = claims(suite, on_page)
    for section in (section for group in groups for section in group["sections"]):
        section["claims"] = [claim for claim in verdicts if claim["claim"] in section["item"].claims]
    listed: list[dict[str, Any]] = []
    for name in names:
        own = [item for item in items() if item.notebook == name and item.id in on_page]
        papers = ", ".join(item.paper for item in own if item.paper)
        papers = papers or ("Every claim" if name == VERDICTS else "What the paper lacks")
        entry = {"name": name, "title": name, "executed": name in made, "sections": own, "papers": papers, "image": ""}
        if name in made:
            entry["title"] = made[name].title
            entry["image"] = next((f"figures/{name}/{figure}.png" for figure in made[name].figures), "")
        listed.append(entry)
    yield STYLE, (TEMPLATES / STYLE).read_bytes()
    slider = (TEMPLATES / "slider.js").read_text(encoding="utf-8")
    script = base64.b64encode(hashlib.sha256(slider.encode()).digest()).decode()
    pages = {
        "index.html": opening(results, listed, verdicts),
        "results.html": {"groups": groups},
        "samples.html": {"groups": sheets(results), "slider": slider, "policy": f"script-src 'sha256-{script}'"},
        "notebooks.html": {"notebooks": listed},
        "provenance.html": provenance(results),
        COMPARE: {"table": ""},  # `selfsparse compare` writes it again, with what it has found
    }
    for name, content in pages.items():
        yield name, rendered(suite, name, content)
    ran = [notebook for notebook in listed if notebook["executed"]]
    for before, notebook, after in zip([None, *ran], ran, [*ran[1:], None], strict=False):
        page = notebook_html(made[notebook["name"]])
        turn = {"page": "", "root": "../", "notebook": notebook, "content": page, "before": before, "after": after}
        yield f"notebooks/{notebook['name']}.html", rendered(suite, "notebook.html", turn)


def rendered(suite: str, name: str, content: dict[str, Any]) -> bytes:
    """Return a page of a suite's report, by its template's name, with this content."""
    common = {"suite": suite, "policy": "script-src 'none'", "page": name, "root": ""}
    return filled(TEMPLATES / f"{name}.j2", {**common, **content}).encode()
