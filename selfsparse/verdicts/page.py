"""docs/verdicts.md: how good the rules of the verdicts are, and what they make of the paper's own numbers."""

import math
from pathlib import Path

from selfsparse.files import read_json
from selfsparse.paper import read_yaml
from selfsparse.paths import project_root
from selfsparse.templates import filled
from selfsparse.verdicts.characteristics import WORDS, printed_as_ours


def verdicts_markdown() -> str:
    """Return docs/verdicts.md from benchmarks/results/verdicts.json and the printed numbers."""
    found = read_json(project_root() / "benchmarks/results/verdicts.json")
    error, why = 100 * math.sqrt(0.05 * 0.95 / found["draws"]), read_yaml("expected_verdicts.yaml")["printed"]
    values = {**found, "words": WORDS, "error": error, "ours": printed_as_ours(), "why": why}
    return filled(Path(__file__).with_name("verdicts.md.j2"), values)
