"""Numbers as text."""

import math

from selfsparse.results.text import count, interval, mean_std, number, probability, share, short
from selfsparse.statistics.moments import moments


def test_numbers():
    assert (number(1.005, 1), number(-2.5), number(math.nan), number(None)) == ("1.0", "−2.50", "–", "–")
    assert (count(50000), count(math.nan), share(0.125), share(1.0)) == ("50,000", "–", "12 %", "100 %")


def test_a_p_value_has_a_digit_or_a_bound():
    assert [probability(p) for p in (0.0096, 0.000031, 9e-7, math.nan)] == ["0.010", "0.00003", "< 0.000001", "–"]


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
