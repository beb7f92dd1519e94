"""Numbers as text, and one table as CSV (numbers), Markdown and LaTeX (text)."""

import math
import re
from dataclasses import dataclass

import pandas as pd

from selfsparse.analysis.statistics import Moments

MISSING = "–"
EXACT = 2**53  # whole numbers below are exact in a float
LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "–": "--",
    "−": "$-$",
    "ξ̄": r"$\bar{\xi}$",
    "ξ": r"$\xi$",
    "ζ": r"$\zeta$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "→": r"$\rightarrow$",
    "<": "$<$",
    ">": "$>$",
}


@dataclass(frozen=True)
class Table:
    """A table twice, row for row: `data` with unrounded numbers, `text` as it is shown."""

    data: pd.DataFrame
    text: pd.DataFrame
    caption: str


def number(value: float, digits: int = 2) -> str:
    """Return a number with a fixed count of decimals; what is missing is a dash, never a zero."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.{digits}f}".replace("-", "−")


def short(value: float) -> str:
    """Return a number with three significant digits, a large one in whole units."""
    if not math.isfinite(value):
        return MISSING
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return text.replace("-", "−")


def probability(p: float) -> str:
    """Return a p value with three decimals, a smaller one with its first digit, the smallest as a bound."""
    if not math.isfinite(p):
        return MISSING
    if p < 1e-6:
        return "< 0.000001"
    return number(p, 3 if p >= 0.0005 else math.ceil(-math.log10(p)))


def p_value(p: float) -> str:
    """Return a p value as a sentence has it: `p = 0.010`, `p < 0.000001`."""
    text = probability(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def share(value: float) -> str:
    """Return a share in [0, 1] as whole percents."""
    return MISSING if not math.isfinite(value) else f"{100 * value:.0f} %"


def count(value: float) -> str:
    """Return a whole number with thousands separated."""
    return MISSING if not math.isfinite(value) else f"{int(value):,}"


def many(n: int, thing: str) -> str:
    """Return `1 run`, `12 runs`."""
    return f"{count(n)} {thing}" + ("" if n == 1 else "s")


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it: `42 s`, `3.1 min`, `2.4 h`."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def mean_std(m: Moments, digits: int = 2, without_value: str = MISSING) -> str:
    """Return `mean ± std`, the mean alone for one value, and `without_value` for none."""
    if m.n == 0:
        return without_value
    return number(m.mean, digits) if m.n == 1 else f"{number(m.mean, digits)} ± {number(m.std, digits)}"


def interval(low: float, high: float, digits: int = 2) -> str:
    """Return `[low, high]`, or a dash where it is not defined."""
    return (
        MISSING
        if not (math.isfinite(low) and math.isfinite(high))
        else f"[{number(low, digits)}, {number(high, digits)}]"
    )


def with_interval(value: float, low: float, high: float) -> str:
    """Return `1.2 [0.3, 2.1]`, or the value alone."""
    brackets = interval(low, high)
    return number(value) if brackets == MISSING else f"{number(value)} {brackets}"


def to_csv(table: Table) -> str:
    """Return the numbers, whole ones with all their digits and others with six, one line per row."""
    return table.data.to_csv(index=False, float_format=_digits, lineterminator="\n")


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) < EXACT and value == int(value) else f"{value:.6g}"


def to_markdown(table: Table) -> str:
    """Return caption and table in Markdown; a table without rows says so."""
    lines = [f"**{plain_markdown(table.caption)}**", ""]
    if table.text.empty:
        return "\n".join([*lines, "No configuration of this suite belongs here.", ""])
    lines.append(_markdown_row(table.text.columns))
    lines.append(_markdown_row("---" for _ in table.text.columns))
    lines += [_markdown_row(row) for row in table.text.itertuples(index=False)]
    return "\n".join([*lines, ""])


def to_latex(table: Table) -> str:
    """Return a booktabs table that stands in `\\begin{table}`."""
    columns = len(table.text.columns)
    rows = [_latex_row(row) for row in table.text.itertuples(index=False)]
    empty = rf"\multicolumn{{{columns}}}{{l}}{{No configuration of this suite belongs here.}} \\"
    lines = [
        r"\begin{table}",
        rf"\caption{{{latex_text(table.caption)}}}",
        rf"\begin{{tabular}}{{{'l' * columns}}}",
        r"\toprule",
        _latex_row(table.text.columns),
        r"\midrule",
        *(rows or [empty]),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


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


def _markdown_row(cells) -> str:
    return "| " + " | ".join(plain_markdown(str(cell)).replace("|", "\\|") for cell in cells) + " |"


def _latex_row(cells) -> str:
    return " & ".join(latex_text(str(cell)) for cell in cells) + r" \\"
