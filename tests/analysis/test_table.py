"""The one table: its cells, and its three forms."""

import math

from selfsparse.analysis.table import (
    Table,
    count,
    estimated,
    interval,
    joined,
    latex_text,
    mean_std,
    number,
    said,
    summarised,
    to_csv,
    to_latex,
    to_markdown,
    with_interval,
)
from selfsparse.statistics.moments import Estimate, moments


def test_counts_keep_all_their_digits_in_a_column_of_floats():
    values = [(3_033_042.0, 1234567.25), (math.nan, 1 / 3), (12_345_678.0, 2.0)]
    table = Table([{"images": a, "fid": b} for a, b in values], {"Images": count("images")}, "")
    assert to_csv(table) == "images,fid\n3033042,1.23457e+06\n,0.333333\n12345678,2\n"
    assert list(table.text["Images"]) == ["3,033,042", "–", "12,345,678"]


def test_the_cells_write_the_numbers_of_the_row():
    row = {"name": "a", "none": None, "_without": "not run", "n": 3} | summarised("fid", moments([1, 2, 3]))
    row |= summarised("one", moments([2.0])) | summarised("no", moments([])) | estimated("g", Estimate(1, 0.5, 1.5))
    cells = {
        "Name": said("name"), "None": said("none"), "n": said("n"), "FID": mean_std("fid"), "1": mean_std("one", 1),
        "0": mean_std("no", without="_without"), "–": mean_std("no"), "g": with_interval("g"), "95": interval("g", 1),
        "Both": joined(said("name"), number("g")), "Short": mean_std("fid", short=True),
    }  # fmt: skip
    table = Table([row], cells, "")
    shown = [
        "a",
        "–",
        "3",
        "2.00 ± 1.00",
        "2.0",
        "not run",
        "–",
        "1.00 [0.50, 1.50]",
        "[0.5, 1.5]",
        "a / 1.00",
        "2 ± 1",
    ]
    assert table.text.iloc[0].to_list() == shown
    assert "_without" not in to_csv(table) and "g_low_95" in to_csv(table)


def test_latex_escapes():
    assert latex_text("ξ̄ of a_b, 5 % ± 1") == r"$\bar{\xi}$ of a\_b, 5 \% $\pm$ 1"


def test_forms_of_a_table():
    table = Table([{"a": 1 / 3, "_b": "x & y"}], {"A": number("a"), "B|C": said("_b")}, "A caption")
    assert to_csv(table) == "a\n0.333333\n"
    assert to_markdown(table) == "**A caption**\n\n| A | B\\|C |\n| --- | --- |\n| 0.33 | x & y |\n"
    assert r"0.33 & x \& y \\" in to_latex(table) and r"\begin{tabular}{ll}" in to_latex(table)


def test_a_table_without_rows_says_so():
    empty = Table([], {"A": number("a"), "B": number("b")}, "Nothing")
    assert "No configuration of this suite" in to_markdown(empty)
