"""Repetitions of one procedure: against SciPy's own test, by hand, and by simulation with fixed seeds."""

import math

import numpy as np
import pytest
from scipy import stats

from selfsparse.statistics.inference import by_t
from selfsparse.statistics.rerun import difference, mean_difference


@pytest.mark.parametrize(("a", "b"), [([3.0, 5.0, 4.5], [2.0, 2.5, 7.0, 3.0]), ([1.0, 2.0], [9.0, 11.0, 10.5])])
def test_it_is_students_test(a, b):
    found, expected = difference(a, b), stats.ttest_ind(a, b)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found.value == pytest.approx(np.mean(a) - np.mean(b))


def test_a_single_run_is_held_against_the_prediction_interval_of_the_others():
    others, new = [10.0, 12.0, 14.0], 20.0  # 12 ± 2
    found = difference([new], others)
    assert found.p == pytest.approx(2 * stats.t.sf(8 / (2 * math.sqrt(1 + 1 / 3)), 2))
    half = stats.t.ppf(0.975, 2) * 2 * math.sqrt(4 / 3)
    assert (found.low, found.high) == pytest.approx((8 - half, 8 + half))
    assert difference(others, [new]).p == pytest.approx(found.p)


@pytest.mark.parametrize(("a", "b"), [([1.0], [2.0]), ([], [1.0, 2.0, 3.0]), ([], [])])
def test_too_few_to_tell(a, b):
    found = difference(a, b)
    assert math.isnan(found.p) and all(math.isnan(end) for end in (found.low, found.high))


def test_without_any_spread_the_means_are_exact():
    assert difference([0.4] * 3, [0.4] * 3).p == 1.0
    assert difference([0.4] * 3, [0.5] * 3).p == 0.0
    assert mean_difference([difference([0.4] * 3, [0.4] * 3)]).p == 1.0


def test_the_mean_of_differences_by_hand():
    """1 with variance 4 and 3 df, 3 with 2 and 5: the mean 2 has (4 + 2) / 4, and 1.5^2 / (1^2 / 3 + 0.5^2 / 5) df."""
    found = mean_difference([by_t(1.0, 2.0, 3), by_t(3.0, math.sqrt(2), 5), difference([1.0], [2.0])])
    assert (found.value, found.error**2) == pytest.approx((2.0, 1.5))
    assert found.df == pytest.approx(1.5**2 / (1 / 3 + 0.25 / 5))
    assert math.isnan(mean_difference([]).p)


@pytest.mark.parametrize("sizes", [(3, 3), (1, 3), (10, 3)])
def test_one_distribution_is_called_different_as_often_as_asked_for(sizes):
    rng = np.random.default_rng(0)
    p = [difference(rng.normal(size=sizes[0]), rng.normal(size=sizes[1])).p for _ in range(1000)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.021)  # three standard errors


def test_a_common_shift_shows_where_no_single_difference_does():
    """Eleven configurations of three runs each side: half a standard deviation is seen in the mean, and seldom in one."""
    rng = np.random.default_rng(0)
    together = alone = 0
    for _ in range(100):
        found = [difference(rng.normal(1, 1, 3), rng.normal(0, 1, 3)) for _ in range(11)]
        together += mean_difference(found).p < 0.025
        alone += min(d.p for d in found) * 11 < 0.025
    assert together > 85 and alone < 25
