"""docs/verdicts.md: how good the rules of the verdicts are, and what they make of the paper's own numbers."""

import math
from pathlib import Path

import jinja2

from selfsparse.files import read_json
from selfsparse.paper import read_yaml
from selfsparse.paths import project_root
from selfsparse.verdicts.characteristics import WORDS, printed_as_ours


def verdicts_markdown() -> str:
    """Return docs/verdicts.md from benchmarks/results/verdicts.json and the printed numbers."""
    found = read_json(project_root() / "benchmarks/results/verdicts.json")
    page = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), trim_blocks=True, undefined=jinja2.StrictUndefined
    ).get_template("verdicts.md.j2")
    error, why = 100 * math.sqrt(0.05 * 0.95 / found["draws"]), read_yaml("expected_verdicts.yaml")["printed"]
    return page.render(**found, words=WORDS, error=error, ours=printed_as_ours(), why=why)
