"""The report's sections, from contents.yaml: what of the paper each makes again, and the notebook that shows it."""

import functools
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

VERDICTS = "verdicts"  # the notebook that every claim's verdict is told in


class Item(BaseModel):
    """One section of the report.

    Attributes:
        id: its anchor on the page.
        paper: what of the paper it regenerates; "" for what the paper lacks.
        notebook: the notebook that shows the tables and figures, and that tells the rest.
        tables: names of tables to show, in this order.
        figures: patterns of figures to show, likewise; one that begins with "!" leaves out.
        claims: the claims whose verdicts rest on this section.
        figures_first: whether the figures stand above the tables.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    paper: str = ""
    title: str
    caption: str
    notebook: str
    tables: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    figures_first: bool = False


@functools.cache
def items() -> tuple[Item, ...]:
    """Return the sections: in the paper's order, then what the paper lacks."""
    text = Path(__file__).with_name("contents.yaml").read_text(encoding="utf-8")
    return tuple(Item(**entry) for entry in YAML(typ="safe").load(text))


def in_order(notebooks: Iterable[str]) -> list[str]:
    """Return names of notebooks in the order of the report: the verdicts, what it shows, and any other."""
    order = [VERDICTS, *(item.notebook for item in items())]
    return sorted(notebooks, key=lambda name: (order.index(name) if name in order else len(order), name))
