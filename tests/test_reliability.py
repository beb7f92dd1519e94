"""docs/reliability.md names tests that exist, and all of tests/faults."""

import ast
import re

from small_project import ROOT

PAGE = ROOT / "docs/reliability.md"
NAMED = re.findall(r"\[(test_\w+)\]\(\.\./(tests/[\w/]+\.py)\)", PAGE.read_text(encoding="utf-8"))


def defined(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_it_names_exists():
    assert len(NAMED) > 40
    assert not [f"{path}::{name}" for name, path in NAMED if name not in defined(path)]


def test_every_row_names_a_test():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    faults = [row for row in rows if not row.startswith(("| fault", "| ---"))]
    assert len(faults) > 20 and not [row for row in faults if "[test_" not in row]


def test_every_injected_fault_is_on_the_page():
    paths = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests/faults").glob("test_*.py")}
    assert paths <= {path for _, path in NAMED}
