"""What the benchmarks measured, as Markdown: every figure comes from benchmarks/results/, none is typed."""

import ast
import json
from pathlib import Path
from typing import Any

from selfsparse.paths import project_root

INTRODUCTION = """# Benchmarks

Written by `selfsparse docs` from `benchmarks/results/`. Each script of `benchmarks/` alternates its contestants in
one process, so that a machine that slows down slows all of them; ratios compare between machines, seconds do not. Medians;
`iqr` is the distance of the quartiles. Rates are in FLOP/s, the ceiling is a large matrix product in the same run.
"""
SUITES = "suite_"  # results of benchmarks/suite.py, which docs/timings.md shows
ELSEWHERE = ("suite", "verdicts", "gpu_session")  # in docs/timings.md, docs/verdicts.md and docs/cluster.md
MARKS = (
    "<!-- {}: written by `selfsparse docs` from benchmarks/results/, do not edit -->",
    "<!-- end of {} -->",
)


def benchmarks_markdown(folder: Path | None = None) -> str:
    """Return docs/benchmarks.md from benchmarks/ (this checkout's): how to run each script, and what it wrote if it ran."""
    folder = folder or project_root() / "benchmarks"
    parts = [INTRODUCTION]
    for script in sorted(folder.glob("*.py")):
        description = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
        if "python -m benchmarks." not in description or script.stem in ELSEWHERE:
            continue
        title, _, text = description.partition("\n")
        parts += [f"## {title.rstrip('.:')}\n", _as_markdown(text) + "\n"]
        found = folder / "results" / f"{script.stem}.json"
        if found.is_file():
            parts += [_result(json.loads(found.read_text(encoding="utf-8")))]
        else:
            parts += ["Not measured yet.\n"]
    return "\n".join(parts).rstrip() + "\n"


def suite_table(folder: Path, suite: str) -> str:
    """Return the table of where a suite's time goes, from benchmarks/results/suite_<suite>.json."""
    path = folder / "results" / f"{SUITES}{suite}.json"
    if not path.is_file():
        return "Not measured yet: `python -m benchmarks.suite` measures it."
    found = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        [
            kind if " " in kind else f"`{kind}`",
            str(row["times"]),
            f"{row['seconds']:.0f}",
            _share(row, found["seconds"]),
        ]
        for kind, row in found["stages"].items()
    ]
    times = sum(row["times"] for kind, row in found["stages"].items() if " " not in kind)
    rows.append(["all", str(times), f"{found['seconds']:.0f}", "100 %"])
    lines = [_environment(found["environment"]), ""]
    lines += [f"Load of the machine before: {found['load_before']:.1f} (0 is an idle one).", ""]
    return "\n".join(lines + _table(["stage", "times", "seconds", "share"], rows))


def with_suite_table(page: str, folder: Path, suite: str) -> str:
    """Return docs/timings.md with the table of a suite between its marks renewed."""
    return _between(page, suite, suite_table(folder, suite), "docs/timings.md")


def _between(page: str, name: str, table: str, path: str) -> str:
    """A page with what stands between the marks of a table renewed."""
    begin, end = (mark.format(name) for mark in MARKS)
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{path}: no lines '{begin}' and '{end}'")
    return f"{before}{begin}\n{table}\n{end}{after}"


def cluster_table(folder: Path) -> str:
    """Return the table of what a suite on a cluster costs besides its stages, from benchmarks/results/cluster.json."""
    path = folder / "results" / "cluster.json"
    if not path.is_file():
        return "Not measured yet: `python -m benchmarks.cluster` measures it."
    found = json.loads(path.read_text(encoding="utf-8"))
    columns = [name for name in next(iter(found["configurations"].values())) if name != "load"]
    rows = [
        [f"{int(n):,}", *(_shown(name, row.get(name)) for name in columns)]
        for n, row in found["configurations"].items()
    ]
    header = ["configurations", *(name.removesuffix("_seconds").replace("_", " ") for name in columns)]
    lines = [_environment(found["environment"]), "", "Seconds of a CPU core, and MB.", ""]
    return "\n".join(lines + _table(header, rows))


def cluster_markdown() -> str:
    """Return docs/cluster.md of this checkout with its table renewed."""
    root = project_root()
    page = (root / "docs" / "cluster.md").read_text(encoding="utf-8")
    return _between(page, "cluster", cluster_table(root / "benchmarks"), "docs/cluster.md")


def timings_markdown() -> str:
    """Return docs/timings.md of this checkout with the table of the suite quick renewed."""
    root = project_root()
    return with_suite_table((root / "docs" / "timings.md").read_text(encoding="utf-8"), root / "benchmarks", "quick")


def _share(row: dict, seconds: float) -> str:
    return f"{100 * row['seconds'] / seconds:.0f} %"


def _as_markdown(text: str) -> str:
    """A docstring's text: an indented line is a command."""
    lines = [f"`{line.strip()}`" if line.startswith("    ") else line for line in text.strip("\n").split("\n")]
    return "\n".join(lines)


def _environment(values: dict[str, Any]) -> str:
    """For example `CPU (AMD EPYC), 2 cores, 1 thread; Python 3.11.7, torch 2.11.0.`"""
    hardware = [values["device"]] + ([values["cpu"]] if values["cpu"] != values["device"] else [])
    hardware += [f"{values['cpu_cores']} cores", f"PyTorch's threads: {values['threads']}"]
    shown = ("torch", "torchvision", "torch-fidelity", "numpy", "scipy")
    versions = [f"Python {values['python']}", *(f"{name} {values[name]}" for name in shown if name in values)]
    return f"Measured on {', '.join(hardware)}; {', '.join(versions)}."


def _result(found: dict[str, Any]) -> str:
    """Scalars as a list, dictionaries and lists of dictionaries as tables, in the order of the file."""
    lines = [_environment(found.pop("environment"))]
    scalars = {key: value for key, value in found.items() if not isinstance(value, dict | list)}
    lines += ["", *(f"- {_words(key)}: {_shown(key, value)}" for key, value in scalars.items())] if scalars else []
    for key, value in found.items():
        if key in scalars or not value:
            continue
        if isinstance(value, dict) and not all(isinstance(item, dict) for item in value.values()):
            value = {key: value}
        named = value if isinstance(value, dict) else {str(i): item for i, item in enumerate(value, 1)}
        rows = {name: _flat(item) for name, item in named.items()}
        columns = list(dict.fromkeys(column for row in rows.values() for column in row))
        # A name that a list's items bring along says more than their number.
        first = [] if isinstance(value, list) else [_words(key)]
        header = first + [_words(column) for column in columns]
        cells = [
            ([] if isinstance(value, list) else [name]) + [_shown(column, row.get(column)) for column in columns]
            for name, row in rows.items()
        ]
        lines += ["", *_table(header, cells)]
    return "\n".join(lines) + "\n"


def _flat(item: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(item, dict):
        return {prefix or "value": item}
    flat: dict[str, Any] = {}
    for key, value in item.items():
        name = f"{prefix}, {key}" if prefix else key
        flat |= _flat(value, name) if isinstance(value, dict) else {name: value}
    return flat


def _words(key: str) -> str:
    return key.replace("_", " ")


def _shown(key: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value != 0 and abs(value) >= 1e6:
            return f"{value / 1e9:,.1f} G"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
