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
ELSEWHERE = ("suite", "verdicts", "gpu_session")  # in docs/timings.md, docs/verdicts.md and docs/cluster.md
MARKS = ("<!-- {}: written by `selfsparse docs` from benchmarks/results/, do not edit -->", "<!-- end of {} -->")


def benchmarks_markdown(folder: Path | None = None) -> str:
    """Return docs/benchmarks.md from benchmarks/ (this checkout's): how to run each script, and what it wrote if it ran."""
    folder = folder or project_root() / "benchmarks"
    parts = [INTRODUCTION]
    for script in sorted(folder.glob("*.py")):
        description = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
        if "python -m benchmarks." not in description or script.stem in ELSEWHERE:
            continue
        title, _, text = description.partition("\n")
        # An indented line is a command.
        lines = [f"`{line.strip()}`" if line.startswith("    ") else line for line in text.strip("\n").split("\n")]
        parts += [f"## {title.rstrip('.:')}\n", "\n".join(lines) + "\n"]
        results = [(folder / "results" / f"{script.stem}.json"), *sorted(folder.glob(f"results/{script.stem}_*.json"))]
        shown = [path for path in results if path.is_file()]
        for path in shown:
            parts += [f"### `{path.stem}`\n"] if path.stem != script.stem else []
            parts += [result_markdown(_read(path))]
        parts += [] if shown else ["Not measured yet.\n"]
    return "\n".join(parts).rstrip() + "\n"


def suite_rows(found: dict[str, Any]) -> list[str]:
    """Return the table of where a suite's time goes, from what benchmarks/suite.py wrote."""

    def row(name: str, times: int, seconds: float) -> list[str]:
        return [name, str(times), f"{seconds:.0f}", f"{100 * seconds / found['seconds']:.0f} %"]

    stages = found["stages"]
    rows = [row(k if " " in k else f"`{k}`", own["times"], own["seconds"]) for k, own in stages.items()]
    rows.append(row("all", sum(own["times"] for k, own in stages.items() if " " not in k), found["seconds"]))
    return _table(["stage", "times", "seconds", "share"], rows)


def suite_table(folder: Path, suite: str) -> str:
    """Return that table with its environment, from benchmarks/results/suite_<suite>.json."""
    path = folder / "results" / f"suite_{suite}.json"
    if not path.is_file():
        return "Not measured yet: `python -m benchmarks.suite` measures it."
    found = _read(path)
    load = f"Load of the machine before: {found['load_before']:.1f} (0 is an idle one)."
    return "\n".join([_environment(found["environment"]), "", load, "", *suite_rows(found)])


def timings_markdown(page: str | None = None, folder: Path | None = None) -> str:
    """Return docs/timings.md (this checkout's) with the table of the suite quick renewed."""
    root = project_root()
    page = page or (root / "docs" / "timings.md").read_text(encoding="utf-8")
    return _between(page, "quick", suite_table(folder or root / "benchmarks", "quick"), "docs/timings.md")


def cluster_markdown() -> str:
    """Return docs/cluster.md of this checkout with the table of what grows with the configurations renewed."""
    root = project_root()
    page = (root / "docs" / "cluster.md").read_text(encoding="utf-8")
    path = root / "benchmarks" / "results" / "growth.json"
    table = (
        result_markdown(_read(path)) if path.is_file() else "Not measured yet: `python -m benchmarks.growth` does.\n"
    )
    return _between(page, "growth", table.rstrip(), "docs/cluster.md")


def _between(page: str, name: str, table: str, path: str) -> str:
    """A page with what stands between the marks of a table renewed."""
    begin, end = (mark.format(name) for mark in MARKS)
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{path}: no lines '{begin}' and '{end}'")
    return f"{before}{begin}\n{table}\n{end}{after}"


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _environment(values: dict[str, Any]) -> str:
    """For example `CPU (AMD EPYC), 2 cores, 1 thread; Python 3.11.7, torch 2.11.0.`"""
    hardware = [values["device"]] + ([values["cpu"]] if values["cpu"] != values["device"] else [])
    hardware += [f"{values['cpu_cores']} cores", f"PyTorch's threads: {values['threads']}"]
    shown = ("torch", "torchvision", "torch-fidelity", "numpy", "scipy")
    versions = [f"Python {values['python']}", *(f"{name} {values[name]}" for name in shown if name in values)]
    return f"Measured on {', '.join(hardware)}; {', '.join(versions)}."


def result_markdown(found: dict[str, Any]) -> str:
    """Return a result: scalars as a list, dictionaries and lists of dictionaries as tables, in the order of the file."""
    lines = [_environment(found["environment"])]
    rest = {key: value for key, value in found.items() if key != "environment"}
    if timing := rest.get("timing"):  # what else is said of each contestant stands in the same rows
        own = [
            key
            for key, value in rest.items()
            if key != "timing" and isinstance(value, dict) and value.keys() <= timing.keys()
        ]
        others = {key: rest.pop(key) for key in own}
        rest["timing"] = {n: row | {key: values.get(n) for key, values in others.items()} for n, row in timing.items()}
    scalars = {key: value for key, value in rest.items() if not _is_table(value)}
    lines += ["", *(f"- {_words(key)}: {_shown(value)}" for key, value in scalars.items())] if scalars else []
    for key, value in rest.items():
        if key in scalars or not value:
            continue
        if isinstance(value, dict) and not all(isinstance(item, dict) for item in value.values()):
            value = {key: value}
        named = value if isinstance(value, dict) else {str(i): item for i, item in enumerate(value, 1)}
        rows = {name: _flat(item) for name, item in named.items()}
        columns = list(dict.fromkeys(column for row in rows.values() for column in row))
        # A name that a list's items bring along says more than their number.
        heads = isinstance(value, dict)
        header = [_words(column) for column in ([key] * heads + columns)]
        cells = [[name] * heads + [_shown(row.get(column)) for column in columns] for name, row in rows.items()]
        lines += ["", *_table(header, cells)]
    return "\n".join(lines) + "\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value))


def _flat(item: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(item, dict):
        return {prefix or "value": item}
    flat: dict[str, Any] = {}
    for key, value in item.items():
        flat |= _flat(value, f"{prefix}, {key}" if prefix else key)
    return flat


def _words(key: str) -> str:
    return key.replace("_", " ")


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if abs(value) >= 1e6:
            return f"{value / 1e9:,.1f} G"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
