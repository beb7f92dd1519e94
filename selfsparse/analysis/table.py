"""The one table: a frame of numbers, and for each shown column how its cell is written from a row of them.

CSV has the numbers, Markdown and LaTeX the text; HTML is made from the Markdown, where a page or a notebook needs it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import pandas as pd

from selfsparse.results import text
from selfsparse.results.text import MISSING
from selfsparse.statistics.moments import Moments

Row = dict[str, Any]
Cell = Callable[[Row], str]
EXACT = 2**53  # whole numbers below are exact in a float
EMPTY = "No configuration of this suite belongs here."
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "×": r"$\times$", "–": "--", "−": "$-$",
    "ξ̄": r"$\bar{\xi}$", "ξ": r"$\xi$", "ζ": r"$\zeta$", "α": r"$\alpha$", "β": r"$\beta$", "→": r"$\rightarrow$",
    "<": "$<$", ">": "$>$",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table of numbers with its columns.

    Attributes:
        rows: the numbers of each row, not rounded; a name that begins with "_" is of the text alone, and not in the CSV.
        columns: title of each shown column: its cell's text, from a row.
    """

    rows: Sequence[Row]
    columns: Mapping[str, Cell]
    caption: str

    @cached_property
    def data(self) -> pd.DataFrame:
        """The numbers, as the CSV has them."""
        frame = pd.DataFrame(self.rows)
        return frame[[name for name in frame if not str(name).startswith("_")]]

    @cached_property
    def text(self) -> pd.DataFrame:
        """The cells as they are shown."""
        return pd.DataFrame(
            [[cell(row) for cell in self.columns.values()] for row in self.rows],
            columns=list(self.columns),
            dtype=object,
        )


class Link(str):
    """A cell that is Markdown already: a link of ours, in which no name from outside stands."""


# The cells: each takes names of numbers, and returns what writes them


def cell(function: Callable[..., str], *names: str, **options: Any) -> Cell:
    """Return what writes the numbers of these names by a function."""
    return lambda row: function(*(row[name] for name in names), **options)


def said(name: str) -> Cell:
    """Return what writes a value as it is, and a dash where there is none."""
    return cell(lambda value: MISSING if value is None or value != value or value == "" else str(value), name)


def number(name: str, digits: int = 2) -> Cell:
    """Return what writes a number with so many decimals."""
    return cell(text.number, name, digits=digits)


count = partial(cell, text.count)  # a whole number with its thousands separated
share = partial(cell, text.share)  # a share in [0, 1] as whole percents
probability = partial(cell, text.probability)  # a p value


def mean_std(name: str, digits: int = 2, without: str = "", short: bool = False, std: str = "") -> Cell:
    """Return what writes `mean ± std` of <name>_mean, or <name> where there is no such number, and <name>_std.

    Args:
        without: the name of what is written where there is no mean; a dash without it.
        short: three significant digits in place of fixed decimals.
        std: the name of the standard deviation, where it is another.
    """

    def written(row: Row) -> str:
        mean = row[f"{name}_mean"] if f"{name}_mean" in row else row[name]
        if mean != mean:
            return row[without] if without else MISSING
        parts = [x for x in (mean, row[std or f"{name}_std"]) if x == x]
        return " ± ".join(text.short(x) if short else text.number(x, digits) for x in parts)

    return written


def interval(name: str, digits: int = 2) -> Cell:
    """Return what writes the 95 % interval [<name>_low_95, <name>_high_95]."""
    return cell(text.interval, f"{name}_low_95", f"{name}_high_95", digits=digits)


def with_interval(name: str, of: str = "", digits: int = 2) -> Cell:
    """Return what writes a number with its 95 % interval, where it has one: <name>_low_95 or <of>_low_95, and so on."""
    return cell(text.with_interval, name, f"{of or name}_low_95", f"{of or name}_high_95", digits=digits)


def joined(*cells: Cell, by: str = " / ") -> Cell:
    """Return what writes several cells as one."""
    return lambda row: by.join(part(row) for part in cells)


# The numbers: what the cells above take from a row


def summarised(name: str, m: Moments) -> dict[str, float]:
    """Return <name>_mean and <name>_std."""
    return {f"{name}_mean": m.mean, f"{name}_std": m.std}


def estimated(name: str, found: Any) -> dict[str, float]:
    """Return <name>, <name>_low_95 and <name>_high_95 of an Estimate."""
    return {name: found.value, f"{name}_low_95": found.low, f"{name}_high_95": found.high}


# The formats


def to_csv(table: Table) -> str:
    """Return the numbers, whole ones with all their digits and others with six, one line per row."""
    return table.data.to_csv(index=False, float_format=_digits, lineterminator="\n")


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) < EXACT and value == int(value) else f"{value:.6g}"


def to_markdown(table: Table) -> str:
    """Return caption and table in Markdown; a table without rows says so."""
    lines = [f"**{plain_markdown(table.caption)}**", ""]
    if table.text.empty:
        return "\n".join([*lines, EMPTY, ""])
    rows = [table.text.columns, ["---"] * len(table.text.columns), *table.text.itertuples(index=False)]
    for row in rows:
        cells = (x if isinstance(x, Link) else plain_markdown(str(x)).replace("|", "\\|") for x in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def to_latex(table: Table) -> str:
    """Return a booktabs table that stands in `\\begin{table}`."""
    shown = table.text.astype(str).map(latex_text).rename(columns=latex_text)
    return shown.to_latex(index=False, column_format="l" * len(shown.columns), caption=latex_text(table.caption))


def latex_text(text: str) -> str:
    """Return text with LaTeX's special characters and our Greek letters written for LaTeX."""
    text = text.replace("ξ̄", "\0")  # a letter with a combining bar: two code points
    return "".join(LATEX["ξ̄"] if c == "\0" else LATEX.get(c, c) for c in text)


def plain_markdown(text: str) -> str:
    """Return text, which may hold names from folders and files, without HTML, links, images or further lines."""
    return without_html(" ".join(text.split("\n"))).replace("](", "]\\(")


def without_html(markdown: str) -> str:
    """Return Markdown in which nothing is a tag of HTML; a lone "<", as in p < 0.05, stays."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", markdown)
