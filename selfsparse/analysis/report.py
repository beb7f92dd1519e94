"""The report of a suite as a small site under results/<suite>/report/; index.html is its first page.

It is made of what the notebooks saved, and links to it: results/<suite>/ as a whole is the site, and opens from disk.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import nbformat
import pandas as pd
from PIL import Image

from selfsparse.analysis import gallery, sentences
from selfsparse.analysis.answers import answers
from selfsparse.analysis.contents import BEYOND, PAPER, VERDICTS, Item, in_order
from selfsparse.analysis.folders import figures_dir, tables_dir
from selfsparse.analysis.formatting import MISSING, count, number, to_markdown
from selfsparse.analysis.html import SITE, markdown_html, notebook_html
from selfsparse.analysis.names import dataset_label, model_label, variation, variation_label
from selfsparse.analysis.notebooks import executed_path, heading, notebook_names
from selfsparse.analysis.overview_tables import provenance_table, samples_table
from selfsparse.analysis.page import MOST_PIXELS_WIDE
from selfsparse.analysis.results import Results, load_results
from selfsparse.analysis.verdict_rules import (
    DOES_NOT_FOLLOW,
    FOLLOWS,
    HOLDS_BY_TEST,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
)
from selfsparse.config import Configuration, load_settings
from selfsparse.files import atomic_path, to_json
from selfsparse.paths import suite_dir

TONES = {REPRODUCED: "good", HOLDS_BY_TEST: "good", FOLLOWS: "good", NOT_REPRODUCED: "bad", DOES_NOT_FOLLOW: "bad"}
FILE_TYPES = {"CSV": "csv", "Markdown": "md", "LaTeX": "tex"}


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
    notebooks, claims = _notebooks(suite, figures), _claims(suite)
    slider = (SITE / "slider.js").read_text(encoding="utf-8")
    pages = {
        "index.html": _index(results, notebooks, claims),
        "results.html": {"groups": _groups(results, claims)},
        "samples.html": {"groups": _sheets(results), "slider": slider, "policy": f"script-src '{_sha256(slider)}'"},
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
    template = environment.get_template("notebook_page.html.j2")
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
        sections = [item for item in (*PAPER, *BEYOND) if item.notebook == name]
        papers = ", ".join(item.paper for item in sections if item.paper)
        shown = next((f for f in figures if f.file.startswith(f"{name}/")), None)
        found.append(
            {
                "name": name,
                "title": heading(nbformat.read(path, as_version=4)) if path.is_file() else name,
                "executed": path.is_file(),
                "sections": sections,
                "papers": papers or ("Every claim" if name == VERDICTS else "What the paper lacks"),
                "image": gallery.thumbnail_file(shown) if shown else "",
            }
        )
    return found


# The opening page


def _claims(suite: str) -> list[dict[str, Any]]:
    """Return the claims with their verdicts, as the notebook of verdicts saved them; none where it has not."""
    path = tables_dir(suite, VERDICTS) / "claims.csv"
    if not path.is_file():
        return []
    places = {claim: item for item in (*PAPER, *BEYOND) for claim in item.claims}
    return [
        {
            "id": row["claim"],
            "statement": row["statement"],
            "paper": row["paper"],
            "ours": (row["ours"] if row["extractor"] else row["why"] or row["ours"]) or MISSING,
            "basis": f"{row['extractor']}, n = {row['n']}" if row["extractor"] else "",
            "verdict": row["verdict"],
            "tone": TONES.get(row["verdict"], ""),
            "other": row["verdict_other_reading"] if row["verdict_other_reading"] != row["verdict"] else "",
            "item": places.get(row["claim"]),
        }
        for row in pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
    ]


def _index(results: Results, notebooks: Sequence[dict], claims: Sequence[dict]) -> dict[str, Any]:
    counts = Counter((claim["verdict"], claim["tone"]) for claim in claims)
    images = {notebook["name"]: notebook["image"] for notebook in notebooks}
    sheets = sum(results.progress_sheet(c).is_file() for c in results.configurations)
    executed = sum(notebook["executed"] for notebook in notebooks)
    cards = [
        ("results.html", "Tables and figures", "In the paper's order, the paper's numbers beside ours", "figure_fid_curves"),
        ("samples.html", "Images over training", f"{sheets} of {len(results.configurations)} configurations, step by step", "figure_samples"),
        ("notebooks.html", "Notebooks", f"{executed} of {len(notebooks)}, as they ran, with their code", "figure_mechanism"),
        ("results.html#audit", "The paper's own arithmetic", "What its printed numbers carry, before any training", "audit"),
    ]  # fmt: skip
    return {
        "facts": _facts(results),
        "ran": not results.runs.empty,
        "answers": [
            {"question": question, "html": markdown_html(_bullets(found), f"answer-{place}")}
            for place, (question, found) in enumerate(answers(results).items(), 1)
        ],
        "what_ran": markdown_html(sentences.what_ran(results).data, "ran"),
        "cards": [
            {"href": href, "title": title, "text": text, "image": images.get(notebook, "")}
            for href, title, text, notebook in cards
        ],
        "explained": executed_path(results.suite, VERDICTS).is_file(),
        "decided": [claim for claim in claims if claim["verdict"] != NOT_RUN],
        "undecided": [claim for claim in claims if claim["verdict"] == NOT_RUN],
        "counts": sorted(
            ((word, n, tone) for (word, tone), n in counts.items()), key=lambda c: (c[0] == NOT_RUN, -c[1])
        ),
    }


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences) or "Nothing has run that answers it."


def _facts(results: Results) -> list[tuple[str, str]]:
    """Return when, from which code and on what the suite was trained."""
    entries = [results.provenance[c.name] for c in results.configurations if c.name in results.provenance]

    def every(text: Any) -> str:
        return ", ".join(dict.fromkeys(text(entry) for entry in entries)) or MISSING

    days = sorted({str(entry.get("finished", ""))[:10] for entry in entries} - {""})
    return [
        ("Trained", " to ".join(dict.fromkeys([*days[:1], *days[-1:]])) or "not yet"),
        ("Commit", every(lambda e: e["git_commit"][:10] + (" and changes" if e.get("uncommitted_changes") else ""))),
        ("Hardware", every(lambda e: e["device"] + (f", {e['cpu_cores']} CPU cores" if "cpu_cores" in e else ""))),
        ("Time in training", duration(sum(float(e.get("seconds") or 0) for e in entries)) if entries else MISSING),
        ("Configurations with results", f"{len(entries)} of {len(results.configurations)}"),
        ("Feature extractor", ", ".join(results.extractors())),
    ]


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it: `42 s`, `3.1 min`, `2.4 h`."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


# Tables and figures


def _groups(results: Results, claims: Sequence[dict]) -> list[dict[str, Any]]:
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
        "tables_first": item.id.startswith("table"),
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
        width, height = image.size
    shown = min(MOST_PIXELS_WIDE, width * 2 // 3)
    source = f"../figures/{path.parent.name}/{quote(path.name)}"
    return {
        "src": source,
        "href": source.removesuffix("png") + "svg" if path.with_suffix(".svg").is_file() else source,
        "alt": path.with_suffix(".txt").read_text(encoding="utf-8").strip(),
        "width": shown,
        "height": round(height * shown / width),
    }


# Images over training


def _sheets(results: Results) -> list[dict[str, Any]]:
    """Return the sample sheets of every configuration, those of a dataset together."""
    shown = samples_table(results).data.set_index("configuration")
    groups: dict[str, list[dict]] = {}
    for c in results.configurations:
        label = dataset_label(c.dataset.dataset, c.dataset.resolution)
        groups.setdefault(label, []).append(_sheet(results, c, shown.loc[c.name]))
    return [{"title": title, "sheets": sheets} for title, sheets in groups.items()]


def _sheet(results: Results, c: Configuration, best: pd.Series) -> dict[str, Any]:
    runs, size = results.count(c), c.dataset.resolution
    progress, samples = results.progress_sheet(c), results.sample_sheet(c)
    sheet: dict[str, Any] = {
        "name": c.name,
        "title": model_label(c.model) + (f", {variation_label(variation(c))}" if variation(c) else ""),
        "runs": runs.text,
        "missing": "not made" if runs.finished else runs.without_value,
        "progress": f"../summary/progress/{c.name}.png" if progress.is_file() else "",
        "samples": f"../summary/samples/{c.name}.png" if samples.is_file() else "",
        "seed": count(best["seed"]),
        "best": f", step {count(best['best_step'])}, FID {number(best['best_fid'])} ({c.extractor.extractor})",
    }
    if progress.is_file():
        with Image.open(progress) as image:
            width, height = image.size
        sheet |= {"strip": f"{width} / {size}", "steps": _steps(results, c, height // size)}
    return sheet


def _steps(results: Results, c: Configuration, rows: int) -> list[str]:
    """Return what each row of a sheet over training shows: its step, and its FID where one was measured there."""
    curves = results.curves[results.curves["configuration"] == c.name]
    first = curves[curves["seed"] == curves["seed"].min()].set_index("step")["fid"]  # the sheet is the first seed's
    texts = []
    for step in (row * c.train.snapshot_every for row in range(rows)):
        fid = f": FID {number(first[step])} ({c.extractor.extractor})" if step in first.index else ""
        texts.append(f"Step {count(step)}{fid}")
    return texts


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
