"""Which of the project's code makes the numbers of a stage, read from its imports without running anything.

A stage depends on this code through data/inputs/ (selfsparse/inputs.py). Comments, docstrings and blank lines count for
nothing: an edit of these leaves every result as current as it was.
"""

import ast
import functools
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from selfsparse.errors import UserError
from selfsparse.files import shown_files, write_text

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("selfsparse", "pipeline")
REMEMBERED = "data/code.json"
# What shapes no number: how a command starts, ends and fails, where files lie and how they are written. Settings count by
# their values, not by the code that reads them, and the user's files by data/listings/. What these import alone counts as
# little: how models are called and drawn, which config.py asks for their names, is of tables and figures, and of no training.
SHAPES_NOTHING = frozenset(
    f"selfsparse/{name}.py"
    for name in (
        "__init__", "cli", "code", "config", "data/__init__", "data/downloads", "data/listing", "data/options", "data/registry", "environment", "errors", "files",
        "inputs", "kept_seeds", "made_from", "paths", "plain_yaml", "pool", "processes", "provenance", "recorded", "training/fingerprint", "training/lock",
        "validation",
    )
)  # fmt: skip
FOR_IPYTHON = re.compile(r"(?m)^([ \t]*)[%!].*$")  # lines of a notebook that are no Python
# What modules read beside themselves: printed tables and claims, templates of the report, the notebooks.
READS = {
    "selfsparse/results/text.py": ("selfsparse/data/datasets.toml",),
    "selfsparse/paper/__init__.py": ("selfsparse/paper/**/*.csv", "selfsparse/paper/*.yaml"),
    "selfsparse/paper/printed.py": ("selfsparse/paper/**/*.csv", "selfsparse/paper/*.yaml"),
    "selfsparse/hub/card.py": ("selfsparse/hub/card.md.j2",),
    "selfsparse/report/site.py": ("selfsparse/report/templates/*", "selfsparse/report/contents.yaml"),
    # The second is named for the process that kernels are forked from.
    "pipeline/notebook.py": ("notebooks/*.ipynb", "selfsparse/report/warm.py"),
    "pipeline/paper_audit.py": ("notebooks/paper_audit/*.ipynb", "selfsparse/report/warm.py"),
}


def code_of(stage: str, *more: str) -> list[str]:
    """Return the files that shape what a stage makes, sorted, relative to the project's root: `selfsparse/models/sastm.py`.

    Args:
        stage: `train`, for pipeline/train.py and all that it imports, at its top or later, directly or not; or the file to
            begin with.
        more: further files, with all that these import: the reader of a dataset, which sources.py imports by its name.
    """
    seen = _reached((stage if "/" in stage else f"pipeline/{stage}.py", *more))
    return sorted(seen - SHAPES_NOTHING)


def code_hashes(stage: str, *more: str) -> dict[str, str]:
    """Return what `code_of` returns with a hash of each file: of a module without its comments and docstrings."""
    return {path: _facts(path).hash for path in code_of(stage, *more)}


@functools.cache
def _reached(start: tuple[str, ...]) -> frozenset[str]:
    seen: set[str] = set()
    to_read = list(start)
    while to_read:
        path = to_read.pop()
        if path not in seen:
            seen.add(path)
            to_read += () if path in SHAPES_NOTHING else _read_by(path)
    return frozenset(seen)


@functools.cache
def _read_by(path: str) -> tuple[str, ...]:
    """The project's files that a module or a notebook imports anywhere in it, but for type checkers, or reads."""
    found = [
        file.relative_to(ROOT).as_posix() for pattern in READS.get(path, ()) for file in shown_files(ROOT, pattern)
    ]
    return (*found, *(file for name in _facts(path).imports if (file := _file_of(name))))


class Facts(NamedTuple):
    """What is read out of a file once: the project's modules that it imports, and its hash."""

    imports: list[str]
    hash: str


_used: dict[str, Facts] = {}  # of those that are known, what this process came across


@functools.cache
def _facts(path: str) -> Facts:
    source = (ROOT / path).read_bytes()
    key = hashlib.sha256(source).hexdigest()
    known = _known()
    if key not in known:
        if path.endswith(".py"):
            try:
                tree = ast.parse(source)
            except (SyntaxError, ValueError) as error:  # ValueError: bytes that are no text
                place = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
                raise UserError(f"{path}{place}: no Python ({error}): mend it, or restore it with git") from None
            known[key] = Facts(_imported(tree), hashlib.sha256(bare(source, tree)).hexdigest())
        elif path.endswith(".ipynb"):
            known[key] = Facts([name for cell in _code_cells(source) for name in _imported(cell)], key)
        else:
            known[key] = Facts([], key)
    _used[key] = known[key]
    return known[key]


def _code_cells(source: bytes) -> Iterator[ast.Module]:
    """Yield a notebook's cells of Python; of a file that is no notebook none: whoever runs it says so."""
    try:
        cells = json.loads(source)["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, LookupError, TypeError):
        return
    for text in texts:
        for python in (text, FOR_IPYTHON.sub(r"\1pass", text)):
            with suppress(SyntaxError):  # a draft's, or another language's
                yield ast.parse(python)
                break


def remember(path: Path) -> None:
    """Write what was read out of the files: to read it takes a second, and it is the same until they change."""
    write_text(path, json.dumps([_version(), _used]))


@functools.cache
def _known() -> dict[str, Facts]:
    try:
        version, found = json.loads((ROOT / REMEMBERED).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # what is damaged is read out again
        return {}
    return {key: Facts(*facts) for key, facts in found.items()} if version == _version() else {}


@functools.cache
def _version() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def _imported(tree: ast.Module) -> list[str]:
    names: list[str] = []
    for node in _statements(tree, typing=False):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] in PACKAGES]


def _statements(tree: ast.AST, typing: bool = True) -> Iterator[ast.AST]:
    """Yield a module and every statement in it; those for type checkers only where `typing`."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        yield node
        for_typing = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, part, ())
            if isinstance(inner, list) and not (for_typing and part == "body" and not typing):
                nodes += inner


@functools.cache
def _file_of(module: str) -> str | None:
    stem = module.replace(".", "/")
    return next((name for name in (f"{stem}.py", f"{stem}/__init__.py") if (ROOT / name).is_file()), None)


def bare(source: bytes, tree: ast.Module | None = None) -> bytes:
    """Return a module's source without comments, docstrings, blank lines and spaces at line ends; strings stay whole."""
    source = source.replace(b"\r\n", b"\n")
    lines, tree = source.split(b"\n"), tree or ast.parse(source)
    strings = [
        n for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) or isinstance(getattr(n, "value", 0), str | bytes)
    ]
    spans = [_span(node) for node in strings]
    for row, line in enumerate(lines, 1):
        column = line.find(b"#")
        while column >= 0 and any(start <= (row, column) < end for start, end in spans):
            column = line.find(b"#", column + 1)
        if column >= 0:
            lines[row - 1] = line[:column]
    within = {row for (first, _), (last, _) in spans for row in range(first, last)}  # rows that end inside a string
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in _statements(tree):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            (first, start), (last, end) = _span(node.body[0])
            rest = lines[first - 1][:start] + lines[last - 1][end:]
            lines[first - 1 : last] = [rest] + [b""] * (last - first)
            within -= set(range(first, last))
    kept = (
        line if row in within else line.rstrip() for row, line in enumerate(lines, 1) if row in within or line.strip()
    )
    return b"\n".join(kept)


def _span(node: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
