"""The report's sections, from contents.yaml: what of the paper each makes again, and the notebook that shows it."""

import functools
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ruamel.yaml import YAML

VERDICTS = "verdicts"  # the notebook that every claim's verdict is told in


@functools.cache
def items() -> tuple[SimpleNamespace, ...]:
    """Return the sections, with the fields that contents.yaml describes: in the paper's order, then what the paper lacks."""
    text = Path(__file__).with_name("contents.yaml").read_text(encoding="utf-8")
    lacking: dict[str, Any] = {"paper": "", "tables": (), "figures": (), "claims": (), "figures_first": False}
    return tuple(SimpleNamespace(**lacking | entry) for entry in YAML(typ="safe").load(text))


def in_order(notebooks: Iterable[str]) -> list[str]:
    """Return names of notebooks in the order of the report: the verdicts, what it shows, and any other."""
    order = [VERDICTS, *(item.notebook for item in items())]
    return sorted(notebooks, key=lambda name: (order.index(name) if name in order else len(order), name))
