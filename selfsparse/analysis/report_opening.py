"""The opening page of the report: where and when, what came out, and the verdict on every claim."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from selfsparse.analysis import sentences
from selfsparse.analysis.answers import answers
from selfsparse.analysis.contents import BEYOND, PAPER, VERDICTS
from selfsparse.analysis.html import markdown_html
from selfsparse.analysis.notebooks import executed_path
from selfsparse.paths import tables_dir
from selfsparse.provenance import commit_text
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING, duration
from selfsparse.verdicts.outcome import FAILS, HOLDS, NOT_REPRODUCED, NOT_RUN, REPRODUCED, UNAVAILABLE

TONES = {REPRODUCED: "good", HOLDS: "good", NOT_REPRODUCED: "bad", FAILS: "bad"}


def claims(suite: str) -> list[dict[str, Any]]:
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


def opening(results: Results, notebooks: Sequence[dict], claims: Sequence[dict]) -> dict[str, Any]:
    """Return what the opening page shows: facts, links to the rest, answers, and the claims with their verdicts."""
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
            if found
        ],
        "what_ran": markdown_html(sentences.what_ran(results).data, "ran"),
        "cards": [
            {"href": href, "title": title, "text": text, "image": images.get(notebook, "")}
            for href, title, text, notebook in cards
        ],
        "explained": executed_path(results.suite, VERDICTS).is_file(),
        "decided": [claim for claim in claims if claim["verdict"] not in (NOT_RUN, UNAVAILABLE)],
        "unanswerable": [claim for claim in claims if claim["verdict"] == UNAVAILABLE],
        "undecided": [claim for claim in claims if claim["verdict"] == NOT_RUN],
        "counts": sorted(
            ((word, n, tone) for (word, tone), n in counts.items()), key=lambda c: (c[0] == NOT_RUN, -c[1])
        ),
    }


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _facts(results: Results) -> list[tuple[str, str]]:
    """Return when, from which code and on what the suite was trained."""
    entries = [results.provenance[c.name] for c in results.configurations if c.name in results.provenance]

    def every(text: Any) -> str:
        return ", ".join(dict.fromkeys(text(entry) for entry in entries)) or MISSING

    days = sorted({str(entry.get("finished", ""))[:10] for entry in entries} - {""})
    return [
        ("Trained", " to ".join(dict.fromkeys([*days[:1], *days[-1:]])) or "not yet"),
        ("Commit", every(commit_text)),
        ("Hardware", every(lambda e: e["device"] + (f", {e['cpu_cores']} CPU cores" if "cpu_cores" in e else ""))),
        ("Time in training", duration(sum(float(e.get("seconds") or 0) for e in entries)) if entries else MISSING),
        ("Configurations with results", f"{len(entries)} of {len(results.configurations)}"),
        ("Feature extractor", ", ".join(results.extractors())),
    ]
