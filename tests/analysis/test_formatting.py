"""Numbers as text, and the three forms of a table."""

import math

import pandas as pd
import pytest

from selfsparse.analysis.formatting import (
    Table,
    count,
    interval,
    latex_text,
    mean_std,
    number,
    p_value,
    share,
    short,
    to_csv,
    to_latex,
    to_markdown,
)
from selfsparse.analysis.statistics import moments


def test_counts_keep_all_their_digits_in_a_column_of_floats():
    data = pd.DataFrame({"images": [3_033_042.0, math.nan, 12_345_678.0], "fid": [1234567.25, 1 / 3, 2.0]})
    assert to_csv(Table(data, data, "")) == "images,fid\n3033042,1.23457e+06\n,0.333333\n12345678,2\n"


def test_numbers():
    assert (number(1.005, 1), number(-2.5), number(math.nan), number(None)) == ("1.0", "−2.50", "–", "–")
    assert (count(50000), count(math.nan), share(0.125), share(1.0)) == ("50,000", "–", "12 %", "100 %")


def test_a_p_value_is_equal_or_below():
    assert [p_value(p) for p in (0.0096, 0.000031, 9e-7, math.nan)] == [
        "p = 0.010",
        "p = 0.00003",
        "p < 0.000001",
        "p = –",
    ]


def test_three_significant_digits():
    assert [short(value) for value in (0.0012345, 12.345, 5597.4, -0.5, math.nan)] == [
        "0.00123",
        "12.3",
        "5,597",
        "−0.5",
        "–",
    ]


def test_mean_and_spread():
    assert mean_std(moments([1, 2, 3])) == "2.00 ± 1.00"
    assert mean_std(moments([2.0])) == "2.00"
    assert mean_std(moments([]), without_value="not run") == "not run"
    assert interval(1, 2) == "[1.00, 2.00]" and interval(math.nan, 2) == "–"


def test_latex_escapes():
    assert latex_text("ξ̄ of a_b, 5 % ± 1") == r"$\bar{\xi}$ of a\_b, 5 \% $\pm$ 1"


@pytest.fixture
def table() -> Table:
    return Table(pd.DataFrame({"a": [1 / 3]}), pd.DataFrame({"A": ["0.33"], "B|C": ["x & y"]}), "A caption")


def test_forms_of_a_table(table):
    assert to_csv(table) == "a\n0.333333\n"
    assert to_markdown(table) == "**A caption**\n\n| A | B\\|C |\n| --- | --- |\n| 0.33 | x & y |\n"
    assert r"0.33 & x \& y \\" in to_latex(table) and r"\begin{tabular}{ll}" in to_latex(table)


def test_a_table_without_rows_says_so():
    empty = Table(pd.DataFrame(columns=["a"]), pd.DataFrame(columns=["A"]), "Nothing")
    assert to_csv(empty) == "a\n"
    assert "No configuration of this suite" in to_markdown(empty) and "No configuration of this suite" in to_latex(
        empty
    )
