"""results/README.md: of every suite when, where and from which commit it was trained, what came out, what was not run."""

from html import escape
from pathlib import Path
from typing import Any

from selfsparse.analysis.answers import answers, answers_table, notebook_address
from selfsparse.analysis.table import to_markdown
from selfsparse.analysis.table_fid import fid_table
from selfsparse.config import load_settings
from selfsparse.files import read_json, reading
from selfsparse.paths import suite_dir
from selfsparse.provenance import commit_text, noted
from selfsparse.report.contents import in_order
from selfsparse.report.notebooks import notebooks_of
from selfsparse.report.shown import shown
from selfsparse.results.reading import Results, load_results
from selfsparse.results.text import count, duration, many
from selfsparse.templates import filled

SITE = "laptop"  # the suite whose report is in git
MACHINE = ("device", "cpu_cores", "system")
VERSIONS = ("python", "torch", "torchvision", "torch-fidelity", "dvc")
LINKS = {
    "verdict on each claim": "tables/README.md#verdicts",
    "FIDs": "tables/README.md#table_fid",
    "notebooks": "notebooks",
    "tables": "tables",
}


def results_page() -> str:
    """Return results/README.md as the results have it now."""
    settings = load_settings()
    suites = [load_results(suite) for suite in settings.suites]
    printed = next(results for results in suites if results.suite == "paper")
    values = {
        "suites": [suite_facts(results) for results in suites],
        "printed_steps": settings.suite("paper")[0].train.steps,
        "fids": to_markdown(fid_table(printed)),
        "site": SITE,
        "versions": VERSIONS,
        "figures": [
            (name, figure)
            for name in in_order(notebooks_of(SITE))
            if (notebook := shown(SITE, name))
            for figure in notebook.figures.values()
            if figure.first
        ],
    }
    template = Path(__file__).with_name("results.md.j2")
    return filled(template, values, count=count, duration=duration, escaped=escape, many=many)


def suite_facts(results: Results) -> dict[str, Any]:
    """Return what the page says of a suite; of one that has not run `trained` is empty."""
    found = list(results.provenance.values())
    every = {name: noted(found, name) for name in (*MACHINE, *VERSIONS)}
    lacking = {
        label: [(c.name, n) for c in results.configurations if (n := getattr(results.count(c), field))]
        for field, label in (("not_run", "Not run"), ("diverged", "Diverged"))
    }
    return {
        "results": results,
        "trained": found,
        "days": sorted({p["finished"][:10] for p in found}),
        "commits": noted(found, lambda p: commit_text(p, quote="`")),
        "seconds": sum(p["seconds"] for p in found),
        "every": every,
        "steps": sorted({c.train.steps for c in results.configurations}),
        "networks": list(dict.fromkeys(c.network_name for c in results.configurations)),
        "seeds": sorted({len(c.train.seeds) for c in results.configurations}),
        "needs_gpu": any(c.train.device == "cuda" for c in results.configurations),
        "lacking": {label: runs for label, runs in lacking.items() if runs},
        "verdicts": _verdicts(results.suite) if found else {},
        "links": {k: v for k, v in LINKS.items() if (suite_dir(results.suite) / v.split("#")[0]).exists()},
        "answers": to_markdown(answers_table(answers(results), notebook_address)),
    }


def _verdicts(suite: str) -> dict[str, int]:
    """Return the claims by verdict, as the stage wrote them."""
    path = suite_dir(suite) / "verdicts.json"
    with reading(path, f"verdicts@{suite}", in_git=True):
        return read_json(path)["claims"]
