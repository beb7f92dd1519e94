"""results/README.md: of every suite when, where and from which commit it was trained, what came out, what was not run."""

from html import escape

from selfsparse.analysis.answers import answers, answers_table
from selfsparse.analysis.table import to_markdown
from selfsparse.analysis.table_fid import fid_table
from selfsparse.config import load_settings
from selfsparse.paths import suite_dir
from selfsparse.provenance import commit_text
from selfsparse.report.contents import in_order
from selfsparse.report.notebooks import notebooks_of
from selfsparse.report.shown import Figure, shown
from selfsparse.results.reading import Results, load_results
from selfsparse.results.text import duration, many
from selfsparse.verdicts.judging import all_verdicts, counts

INTRODUCTION = """\
# Results

What the pipeline made, suite by suite: small files, tracked by git. The weights of a few generators are in `generators/`, with their
cards ([how to load them](../docs/use.md)); all others are in the DVC cache of the machine that trained them, and no remote is published.
Written by `selfsparse readme` from the files themselves; a test compares it with them.

In a suite's folder: `report/` (open `index.html`; git has that of `laptop` alone, `make report SUITE=quick` makes another in seconds),
`tables/` (CSV, and all of them on a page), `notebooks/` (executed, figures and tables inside), `summary/` (the numbers of each run,
from which all of these are made), `provenance/` (when, where and from which commit), and
`summary.json`, `verdicts.json` and `correlation.json`, which `dvc metrics show` and `dvc metrics diff` read.
"""
SITE, COLUMNS = "laptop", 4  # the suite whose report is in git; figures in a row
VERSIONS = ("python", "torch", "torchvision", "torch-fidelity", "dvc")
LINKS = {
    "verdict on each claim": "tables/README.md#verdicts",
    "FIDs": "tables/README.md#table_fid",
    "notebooks": "notebooks",
    "tables": "tables",
}


def results_page() -> str:
    """Return results/README.md as the results have it now."""
    suites = [load_results(suite) for suite in load_settings().suites]
    rows = ["| suite | trained | on | wall time of training | runs |", "| --- | --- | --- | --- | --- |"]
    rows += [_overview(results) for results in suites]
    printed = next(results for results in suites if results.suite == "paper")
    tables = ["## The paper's tables of FIDs\n", to_markdown(fid_table(printed))]
    return "\n".join([INTRODUCTION, *rows, "", *map(_section, suites), *tables, gallery(SITE)])


def gallery(suite: str) -> str:
    """Return a table of a suite's figures as its report has them, each with its heading: of each cell the first."""
    found = [(name, figure) for name in in_order(notebooks_of(suite)) for figure in _first_figures(suite, name)]
    if not found:
        return ""
    rows = "".join(
        "<tr>\n" + "".join(_cell(suite, *shown) for shown in found[i : i + COLUMNS]) + "</tr>\n"
        for i in range(0, len(found), COLUMNS)
    )
    return (
        f"## Figures of {suite}\n\nEach links to its file; the notebooks have all figures.\n\n<table>\n{rows}</table>\n"
    )


def _first_figures(suite: str, name: str) -> list[Figure]:
    notebook = shown(suite, name)
    return [figure for figure in notebook.figures.values() if figure.first] if notebook else []


def _cell(suite: str, name: str, figure: Figure) -> str:
    file = f"{suite}/report/figures/{name}/{figure.name}.png"
    return f'<td><a href="{file}"><img src="{file}" alt="{escape(figure.alt)}" width="180"><br>{escape(figure.heading)}</a></td>\n'


def _overview(results: Results) -> str:
    link = f"[`{results.suite}`](#{results.suite})"
    found = list(results.provenance.values())
    if not found:
        return f"| {link} | not run | – | – | {results.runs_text()} |"
    return f"| {link} | {_dates(found)} | {_listed(found, 'device')} | {_duration(found)} | {results.runs_text()} |"


def _section(results: Results) -> str:
    found = list(results.provenance.values())
    title = f"## {results.suite}\n"
    if not found:
        n = len(results.configurations)
        needs = " It needs a CUDA GPU." if any(c.train.device == "cuda" for c in results.configurations) else ""
        return f"{title}\nNone of its {n} configurations has been run: `make {results.suite}` runs them.{needs}\n"
    verdicts = counts(all_verdicts(results))
    lines = [
        f"- Trained {_dates(found)} from commit {_commits(found)}.",
        f"- On {_listed(found, 'device')}, {_listed(found, 'cpu_cores')} CPU cores, {_listed(found, 'system')};"
        f" {', '.join(f'{name} {_listed(found, name)}' for name in VERSIONS if _listed(found, name))}.",
        f"- Wall time of training: {_duration(found)} for {many(len(found), 'configuration')}, the seeds of each side by"
        " side; without measures, notebooks and report.",
        f"- Limits: {_limits(results)}.",
        f"- Runs: {results.runs_text()}.",
        f"- The paper's {sum(verdicts.values())} claims: {'; '.join(f'{n} {word}' for word, n in verdicts.items())}.",
        f"- Look at: {', '.join(_links(results.suite))}.",
    ]
    return "\n".join([title, *lines, *_not_run(results), "", _answers(results)])


def _answers(results: Results) -> str:
    return to_markdown(answers_table(answers(results), lambda suite, name: f"{suite}/notebooks/{name}/{name}.ipynb"))


def _limits(results: Results) -> str:
    """Say what keeps the numbers from being the paper's: steps, networks, extractor, seeds."""
    printed = load_settings().suite("paper")[0].train.steps
    steps = sorted({c.train.steps for c in results.configurations})
    networks = ", ".join(f"`{name}`" for name in dict.fromkeys(c.network_name for c in results.configurations))
    seeds = ", ".join(str(n) for n in sorted({len(c.train.seeds) for c in results.configurations}))
    text = f"{' and '.join(f'{n:,}' for n in steps)} of the paper's {printed:,} generator steps; networks {networks}; {seeds} seeds"
    if "inception" not in results.extractors():
        text += f"; FID under {', '.join(f'`{name}`' for name in results.extractors())}, which compares with no FID under Inception-v3"
    return text


def _not_run(results: Results) -> list[str]:
    """Return a line for the configurations that lack runs, each with what it has, and one for runs that diverged."""
    lines = []
    for field, label in (("not_run", "Not run"), ("diverged", "Diverged")):
        found = [(c, getattr(results.count(c), field)) for c in results.configurations]
        if any(n for _, n in found):
            lines.append(f"- {label}: {', '.join(f'`{c.name}` ({n})' for c, n in found if n)}.")
    return lines or ["- Not run: nothing; every configuration has all its runs."]


def _links(suite: str) -> list[str]:
    return [
        f"[{label}]({suite}/{path})"
        for label, path in LINKS.items()
        if (suite_dir(suite) / path.split("#")[0]).exists()
    ]


def _dates(found: list[dict]) -> str:
    days = sorted({p["finished"][:10] for p in found})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _commits(found: list[dict]) -> str:
    return ", ".join(dict.fromkeys(commit_text(p, quote="`") for p in found))


def _listed(found: list[dict], name: str) -> str:
    return ", ".join(dict.fromkeys(str(p[name]) for p in found if name in p))


def _duration(found: list[dict]) -> str:
    return duration(sum(p["seconds"] for p in found))
