"""Correlations and lines by hand."""

import math

import numpy as np
import pytest

from selfsparse.statistics.correlation import fit_line, line_half_width


def test_a_line_and_its_interval():
    # x 1 2 3, y 1 2 2: slope 1/2, intercept 2/3; residuals -1/6, 1/3, -1/6, their deviation sqrt(1/6 / 1)
    line = fit_line([1, 2, 3], [1, 2, 2])
    assert (line.slope, line.intercept) == pytest.approx((0.5, 2 / 3))
    t = math.tan(math.pi * 0.475)  # Cauchy's 97.5 % quantile: one degree of freedom
    assert line_half_width(line, [1, 2, 3], np.array([2.0])) == pytest.approx(t * math.sqrt(1 / 6 / 3))
    assert line_half_width(line, [1, 2, 3], np.array([3.0])) == pytest.approx(t * math.sqrt(1 / 6 * (1 / 3 + 1 / 2)))


@pytest.mark.parametrize(("x", "y"), [([], []), ([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3])])
def test_no_line(x, y):
    assert fit_line(x, y) is None
