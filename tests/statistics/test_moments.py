"""Known answers for the statistics, derived by hand."""

import math
import warnings

import numpy as np
import pytest
from scipy import stats

from selfsparse.statistics.correlation import pearson
from selfsparse.statistics.moments import moments, relative_decrease


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("n", [2, 3, 10])
def test_moments_and_pearson_are_scipys(n):
    x, y = np.random.default_rng(n).normal(50, 3, (2, n))
    found = moments(x)
    interval = stats.t.interval(0.95, n - 1, loc=x.mean(), scale=stats.sem(x))
    assert (found.low, found.high) == pytest.approx(interval)
    if n > 3:
        expected, ours = stats.pearsonr(x, y), pearson(x, y)
        assert (ours.r, ours.p) == pytest.approx((expected.statistic, expected.pvalue))
        assert (ours.low, ours.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_one_value_has_no_spread_and_none_has_nothing():
    one, none = moments([4.0]), moments([])
    assert one.mean == 4.0 and math.isnan(one.std) and math.isnan(one.low)
    assert none.n == 0 and math.isnan(none.mean)


@pytest.mark.parametrize("value", [0.4, 0.1, 54.23])
def test_equal_values_have_no_spread(value):
    """numpy's standard deviation of 0.4 thrice is 7e-17, of which a t test makes p = 0."""
    found = moments([value] * 3)
    assert (found.mean, found.std, found.low, found.high) == (value, 0.0, value, value)


def test_relative_decrease_of_fashion_mnist():
    assert relative_decrease(20.37, 15.92) == pytest.approx(21.85, abs=0.005)
    assert relative_decrease(10.0, 11.0) == pytest.approx(-10.0)
    assert math.isnan(relative_decrease(0.0, 1.0)) and math.isnan(relative_decrease(math.nan, 1.0))


def test_pearson_of_three_pairs():
    # deviations (-1, 0, 1) and (-1, 1, 0): r = 1 / 2; t = 0.5 / sqrt(0.75) = 1 / sqrt(3), Cauchy: p = 2 (1/2 - 1/6) = 2/3
    found = pearson([1, 2, 3], [1, 3, 2])
    assert found.r == pytest.approx(0.5) and found.p == pytest.approx(2 / 3)
    assert math.isnan(found.low)  # Fisher's z needs four pairs


def test_the_papers_coefficients():
    """Table 8 of the journal version: xi-bar and reduction, printed r 0.62 at 64 x 64 and 0.79 at 128 x 128."""
    assert pearson([0.44, 0.47, 0.26, 0.39], [11.97, 6.83, 4.76, 6.86]).r == pytest.approx(0.616, abs=0.0005)
    assert pearson([0.53, 0.47, 0.21, 0.31], [20.21, 16.17, 14.43, 17.02]).r == pytest.approx(0.791, abs=0.0005)


@pytest.mark.parametrize(("x", "y"), [([], []), ([1], [2]), ([1, 2], [3, 5]), ([1, 1, 1], [1, 2, 3])])
def test_pearson_is_undefined(x, y):
    assert math.isnan(pearson(x, y).r) and pearson(x, y).n == len(x)


def test_pearson_of_a_line():
    assert pearson([1, 2, 3, 4], [2, 4, 6, 8]).r == pytest.approx(1.0)
