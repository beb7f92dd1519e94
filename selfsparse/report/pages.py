"""What each page of the report says, for its template."""

import base64
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pandas as pd

from selfsparse.analysis.answers import answers, answers_table
from selfsparse.analysis.axes import by_dataset
from selfsparse.analysis.figure_samples import samples_table
from selfsparse.analysis.table import Table, said, to_markdown
from selfsparse.config import Configuration, load_settings, variation
from selfsparse.files import to_json
from selfsparse.paths import PAPER_AUDIT, suite_dir
from selfsparse.provenance import commit_text, noted
from selfsparse.registry import variation_label
from selfsparse.report.contents import VERDICTS, items
from selfsparse.report.html import dressed, markdown_html
from selfsparse.report.shown import Figure, Shown
from selfsparse.results.comparability import PAPER_EXTRACTOR
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING, count, duration, model_label, number
from selfsparse.verdicts.case import FAILS, HOLDS, NOT_REPRODUCED, NOT_RUN, REPRODUCED, UNAVAILABLE

TONES = {REPRODUCED: "good", HOLDS: "good", NOT_REPRODUCED: "bad", FAILS: "bad"}
NOT_KEPT = {True: "not made", False: "left out, as params.yaml has figures: false for this suite"}
Entry = dict[str, Any]


def claims(suite: str, on_page: Collection[str]) -> list[Entry]:
    """Return the claims with their verdicts, as the notebook of verdicts saved them; none where it has not.

    Args:
        on_page: ids of the sections that the report has; a claim leads to its own.
    """
    path = suite_dir(suite) / "tables" / VERDICTS / "claims.csv"
    if not path.is_file():
        return []
    places = {claim: item for item in items() if item.id in on_page for claim in item.claims}
    rows = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
    return [r | {"tone": TONES.get(r["verdict"], ""), "item": places.get(r["claim"])} for r in rows]


def opening(results: Results, notebooks: Sequence[Entry], claims: Sequence[Entry]) -> Entry:
    """Return what the opening page shows: facts, links to the rest, answers, and the claims with their verdicts."""
    counts = Counter((claim["verdict"], claim["tone"]) for claim in claims)
    images = {notebook["name"]: notebook["image"] for notebook in notebooks}
    progress = sum(results.sheet(c, "progress") is not None for c in results.configurations)
    executed = [notebook["name"] for notebook in notebooks if notebook["executed"]]

    def address(_: str, name: str) -> str:
        return f"notebooks/{name}.html" if name in executed else ""

    cards = [
        ("results.html", "Tables and figures", "In the paper's order, the paper's numbers beside ours", "figure_fid_curves"),
        ("samples.html", "Images over training", f"{progress} of {len(results.configurations)} configurations, step by step", "figure_samples"),
        ("notebooks.html", "Notebooks", f"{len(executed)} of {len(notebooks)}, as they ran, with their code", "figure_mechanism"),
        ("results.html#audit", "The paper's own arithmetic", "What its printed numbers carry, before any training", "audit"),
    ]  # fmt: skip
    return {
        "facts": _facts(results),
        "ran": not results.runs.empty,
        "answers": markdown_html(to_markdown(answers_table(answers(results), address)), "answers"),
        "cards": [
            {"href": href, "title": title, "text": text, "image": images.get(name, "")}
            for href, title, text, name in cards
        ],
        "explained": VERDICTS in executed,
        "decided": [claim for claim in claims if claim["verdict"] not in (NOT_RUN, UNAVAILABLE)],
        "unanswerable": [claim for claim in claims if claim["verdict"] == UNAVAILABLE],
        "undecided": [claim for claim in claims if claim["verdict"] == NOT_RUN],
        "counts": sorted(
            ((word, n, tone) for (word, tone), n in counts.items()), key=lambda c: (c[0] == NOT_RUN, -c[1])
        ),
    }


def hardware(entry: Entry) -> str:
    """Return what a configuration was trained on, of its provenance."""
    return entry["device"] + (f", {entry['cpu_cores']} CPU cores" if "cpu_cores" in entry else "")


def _facts(results: Results) -> list[tuple[str, str]]:
    """Return when, from which code and on what the suite was trained, and what of it ran."""
    entries = [results.provenance[c.name] for c in results.configurations if c.name in results.provenance]

    days = sorted({str(entry.get("finished", ""))[:10] for entry in entries} - {""})
    others = [name for name in results.extractors() if name != PAPER_EXTRACTOR]
    compares = "; no FID under it compares with the paper's, which are under Inception-v3" if others else ""
    return [
        ("Trained", " to ".join(dict.fromkeys([*days[:1], *days[-1:]])) or "not yet"),
        ("Commit", noted(entries, commit_text) or MISSING),
        ("Hardware", noted(entries, hardware) or MISSING),
        ("Time in training", duration(sum(float(e.get("seconds") or 0) for e in entries)) if entries else MISSING),
        ("Configurations with results", f"{len(entries)} of {len(results.configurations)}"),
        ("Runs", results.runs_text()),
        ("Feature extractor", ", ".join(results.extractors()) + compares),
    ]


def sections(results: Results, notebooks: Collection[str], made: Mapping[str, Shown]) -> list[Entry]:
    """Return the sections in the paper's order and then those that the paper lacks, of this suite's notebooks.

    A section whose notebook has been made and shows nothing of it is left out.
    """
    titles = (("paper", "In the paper's order", True), ("beyond", "What the paper lacks", False))
    return [
        {
            "id": name,
            "title": title,
            "sections": [
                section
                for item in items()
                if bool(item.paper) == of_paper and item.notebook in notebooks
                if (section := _section(item, made.get(item.notebook)))
            ],
        }
        for name, title, of_paper in titles
    ]


def _section(item: SimpleNamespace, notebook: Shown | None) -> Entry | None:
    tables = [_table(item, name, notebook) for name in item.tables if name in notebook.tables] if notebook else []
    figures = [_figure(item, figure) for figure in notebook.chosen(item.figures)] if notebook else []
    if notebook and not tables and not figures:
        return None
    return {"item": item, "tables": tables, "figures": figures, "executed": notebook is not None}


def _table(item: SimpleNamespace, name: str, notebook: Shown) -> Entry:
    shown = notebook.tables[name]
    latex = "data:text/x-tex;base64," + base64.b64encode(shown["text/latex"].encode()).decode()
    folder = f"{'../../paper_audit' if notebook.suite == PAPER_AUDIT else '..'}/tables/{item.notebook}"
    return {
        "name": name,
        "html": dressed(shown["text/html"], f"{item.id}-{name}"),
        "files": [
            ("CSV", f"{folder}/{name}.csv"),
            ("Markdown", f"{folder}/../README.md#{item.notebook}"),
            ("LaTeX", latex),
        ],
    }


def _figure(item: SimpleNamespace, figure: Figure) -> Entry:
    width, height = (int.from_bytes(figure.png[i : i + 4], "big") for i in (16, 20))  # these bytes of a PNG
    return {
        "src": f"figures/{item.notebook}/{figure.name}.png",
        "alt": figure.alt,
        "width": figure.width,
        "height": round(height * figure.width / width),
    }


def sheets(results: Results) -> list[Entry]:
    """Return the sample sheets of every configuration, those of a dataset together, and what each of their rows shows."""
    best = samples_table(results).data.set_index("configuration")
    return [
        {"title": title, "sheets": [_sheet(results, c, best.loc[c.name]) for c in group]}
        for title, group in by_dataset(results.configurations).items()
    ]


def _sheet(results: Results, c: Configuration, best: pd.Series) -> Entry:
    runs, size = results.count(c), c.dataset.resolution
    sheet: Entry = {
        "name": c.name,
        "title": model_label(c.model) + (f", {variation_label(variation(c))}" if variation(c) else ""),
        "runs": runs.text,
        "missing": NOT_KEPT[load_settings().figures[c.suite]] if runs.finished else runs.without_value,
        "seed": count(best["seed"]),
        "best": f", step {count(best['best_step'])}, FID {number(best['best_fid'])} ({c.extractor.extractor})",
    }
    for kind in ("progress", "samples"):
        sheet[kind] = {}
        if found := results.sheet(c, kind):
            height, width = found.pixels.shape[:2]
            place = f"--shape: {width} / {height}; --row: {width} / {size}; --place: {found.place}; --beside: {found.beside}"
            sheet[kind] = {"src": f"../summary/{kind}/{found.path.name}", "place": place}
            if kind == "progress":
                sheet[kind] |= {"rows": found.full_height // size, "steps": _steps(results, c, height // size)}
    return sheet


def _steps(results: Results, c: Configuration, rows: int) -> list[str]:
    """Return what each row of a sheet over training shows: its step, and its FID where one was measured there."""
    curves = results.rows(results.curves, c)
    first = curves[curves["seed"] == curves["seed"].min()].set_index("step")["fid"]  # the sheet is the first seed's
    texts = []
    for step in (row * c.train.snapshot_every for row in range(rows)):
        fid = f": FID {number(first[step])} ({c.extractor.extractor})" if step in first.index else ""
        texts.append(f"Step {count(step)}{fid}")
    return texts


def provenance(results: Results) -> Entry:
    """Return where every configuration's numbers come from: a table, and all that was noted of each."""
    noted = results.provenance
    configurations = [
        {"name": c.name, "runs": results.count(c).text, "text": to_json(noted[c.name]) if c.name in noted else ""}
        for c in results.configurations
    ]
    return {
        "table": markdown_html(to_markdown(provenance_table(results)), "provenance"),
        "configurations": configurations,
    }


def provenance_table(results: Results) -> Table:
    """Where every configuration's numbers come from: commit, device, versions, wall time of its training."""
    names = ("git_commit", "uncommitted_changes", "device", "system", "python", "torch", "torchvision", "seconds")
    rows = []
    for c in results.configurations:
        noted = results.provenance.get(c.name, {})
        row: dict[str, Any] = {"configuration": c.name} | {name: noted.get(name) for name in names}
        row["_commit"] = commit_text(noted) if noted else ""
        row["_time"] = number(row["seconds"], 0) if noted else results.count(c).without_value
        rows.append(row)
    columns = {"Configuration": said("configuration"), "Commit": said("_commit")}
    columns |= {name.capitalize(): said(name) for name in ("device", "system", "python")}
    columns |= {"torch": said("torch"), "torchvision": said("torchvision"), "Wall time, s": said("_time")}
    return Table(rows, columns, "Provenance: what trained each configuration, all its seeds together.")
