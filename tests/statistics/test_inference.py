"""Tests, effect sizes and power against scipy.stats, simulations and values derived by hand."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from selfsparse.statistics.correlation import (
    Correlation,
    combined_correlation,
    correlation_difference,
    pairs_for_power,
    pearson,
)
from selfsparse.statistics.inference import (
    as_sample_std,
    contrast,
    decrease,
    decrease_bounds,
    hedges_g,
    holm,
    larger_decrease,
    power,
    runs_for_power,
    welch,
)
from selfsparse.statistics.moments import Moments, moments


def m(mean, std, n=3):
    return Moments(n, mean, std, math.nan, math.nan)


PAIRS = [
    (m(56.23, 1.38), m(63.88, 1.33)),
    (m(28.88, 0.37), m(33.16, 0.02)),
    (m(5.0, 2.0, 4), m(4.0, 0.5, 9)),
    (m(1.0, 0.0, 2), m(1.5, 0.3, 5)),
]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_welch_is_scipys(a, b):
    found = welch(a, b)
    for alternative, p in (("two-sided", found.p), ("less", found.p_lower)):
        expected = stats.ttest_ind_from_stats(a.mean, a.std, a.n, b.mean, b.std, b.n, False, alternative)
        assert (found.t, p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_a_contrast_of_two_is_welchs_interval():
    a, b = [3.0, 4.5, 5.0], [6.0, 5.5, 9.0, 7.0]
    expected = stats.ttest_ind(a, b, equal_var=False)
    found = contrast([(1, moments(a)), (-1, moments(b))])
    low, high = expected.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((low, high, expected.pvalue))
    assert welch(moments(a), moments(b)) == found


def test_a_contrast_of_four_by_hand():
    """(5 - 9) - (6 - 7) = -3; each variance 3 / 3 = 1, so the error is 2, and df 4² / (4 / 2) = 8."""
    found = contrast([(w, m(mean, math.sqrt(3))) for w, mean in ((1, 5.0), (-1, 9.0), (-1, 6.0), (1, 7.0))])
    assert found.value == -3 and found.high - found.value == pytest.approx(2 * stats.t.ppf(0.975, 8))
    assert found.p == pytest.approx(2 * stats.t.cdf(-1.5, 8))
    found = contrast([(1, m(5.0, 1.0)), (-1, m(4.0, math.nan, 1))])
    assert found.value == 1 and math.isnan(found.low) and math.isnan(found.p)


def test_a_contrast_with_weights_by_hand():
    """2 · 5 − 0.5 · 8 = 6 of 3 ± 1 in three runs and 8 ± 4 in five: variances 4 · 1/3 and 1/4 · 16/5."""
    found = contrast([(2, m(5.0, 1.0, 3)), (-0.5, m(8.0, 4.0, 5))])
    first, second = 4 / 3, 0.8
    df = (first + second) ** 2 / (first**2 / 2 + second**2 / 4)
    error = math.sqrt(first + second)
    assert (found.value, found.low) == pytest.approx((6, 6 - stats.t.ppf(0.975, df) * error))
    assert found.high == pytest.approx(12 - found.low) and found.p == pytest.approx(2 * stats.t.sf(6 / error, df))


def test_welch_by_hand():
    """STL-10: variances 1.9044 and 1.7689, error sqrt(3.6733 / 3), df 3.6733² / ((1.9044² + 1.7689²) / 2)."""
    found = welch(*PAIRS[0])
    assert found.value == pytest.approx(-7.65)
    assert found.t == pytest.approx(-7.65 / math.sqrt(3.6733 / 3))
    assert found.df == pytest.approx(2 * 3.6733**2 / (1.9044**2 + 1.7689**2))


@pytest.mark.parametrize(("a", "b"), [(m(1, 0), m(2, 0)), (m(1, math.nan, 1), m(2, 1))])
def test_no_test_without_a_spread(a, b):
    found = welch(a, b)
    assert found.value == -1 and math.isnan(found.p) and math.isnan(found.t)
    assert all(math.isnan(x) for x in (hedges_g(a, b).value, power(a, b), runs_for_power(a, b)))


def test_holm_by_hand():
    """In order 0.005 × 4, 0.01 × 3, 0.03 × 2, and 0.04 × 1 raised to the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0] and holm([]) == []


def test_holm_is_the_closed_test_of_bonferroni():
    """Its definition: a p is adjusted to the largest of all sets that hold it, |set| times the smallest p in the set."""
    for p in np.random.default_rng(0).uniform(0, 0.3, (50, 5)):
        sets = [s for k in range(1, 6) for s in combinations(range(5), k)]
        closed = [max(min(1, len(s) * p[list(s)].min()) for s in sets if i in s) for i in range(5)]
        assert holm(p) == pytest.approx(closed)


def test_holm_does_not_count_what_was_not_tested():
    found = holm([0.01, math.nan, 0.02])
    assert found[0] == pytest.approx(0.02) and found[2] == pytest.approx(0.02) and math.isnan(found[1])


def test_hedges_g_of_unequal_groups():
    """From the values: the pooled variance over all squared deviations, the interval by the noncentral t of SciPy."""
    a, b = np.array([3.0, 4.5]), np.array([6.0, 5.5, 9.0, 7.0, 2.0, 13.0])
    pooled = math.sqrt((((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()) / 6)
    correction = math.gamma(3) / (math.sqrt(3) * math.gamma(2.5))
    found, scale = hedges_g(moments(a), moments(b)), math.sqrt(1 / 2 + 1 / 6)
    assert found.value == pytest.approx((a.mean() - b.mean()) / pooled * correction)
    t = (a.mean() - b.mean()) / pooled / scale
    for end, share in ((found.low, 0.025), (found.high, 0.975)):  # the deltas under which t lies at these quantiles
        assert stats.nct.cdf(t, 6, end / scale / correction) == pytest.approx(1 - share, abs=1e-6)


def test_hedges_g_is_unbiased_and_its_interval_covers():
    """Three values each around a difference of 1.5 standard deviations; without the correction the mean were 1.88."""
    draws = np.random.default_rng(0).normal(size=(4000, 2, 3))
    found = [hedges_g(moments(a + 1.5), moments(b)) for a, b in draws]
    values = np.array([g.value for g in found])
    assert values.mean() == pytest.approx(1.5, abs=4 * values.std() / math.sqrt(len(values)))
    covered = np.mean([g.low / 0.7979 <= 1.5 <= g.high / 0.7979 for g in found])  # the interval of d, before correction
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / len(found)))


def test_hedges_g_of_the_exchanged_groups():
    a, b = hedges_g(*PAIRS[2]), hedges_g(*reversed(PAIRS[2]))
    assert (a.value, a.low, a.high) == pytest.approx((-b.value, -b.high, -b.low))
    assert a.low < a.value < a.high


def test_decrease_scales_the_baselines_spread():
    """10 ± 1 in four runs to 5 ± 0.5 in three: of 5 / 10 the first adds (0.5 · 1)² / 4, the second 0.5² / 3."""
    found = decrease(m(10, 1, 4), m(5, 0.5, 3))
    first, second = 0.25 / 4, 0.25 / 3
    df = (first + second) ** 2 / (first**2 / 3 + second**2 / 2)
    half = 10 * stats.t.ppf(0.975, df) * math.sqrt(first + second)
    assert (found.value, found.low, found.high) == pytest.approx((50, 50 - half, 50 + half))


def test_decreases_interval_covers_the_truth():
    generator = np.random.default_rng(0)
    covered = 0
    for w, s in zip(generator.normal(50, 3, (2000, 3)), generator.normal(40, 2, (2000, 3)), strict=True):
        found = decrease(moments(w), moments(s))
        covered += found.low <= 20 <= found.high
    assert 0.94 < covered / 2000 < 0.98


@pytest.mark.parametrize("baseline", [m(0, 1), m(10, 1, 1)])
def test_decrease_that_is_not_defined(baseline):
    found = decrease(baseline, m(1, 1))
    assert math.isnan(found.low) and math.isnan(found.value) == (baseline.mean == 0)


def test_larger_decrease_by_hand():
    """Baselines of 1 without spread, values 0.9 ± 0.03 and 0.7 ± 0.04: errors 3 / √3 and 4 / √3 points, together 5 / √3."""
    found = larger_decrease((m(1, 0), m(0.9, 0.03)), (m(1, 0), m(0.7, 0.04)))
    assert found.value == pytest.approx(-20)
    assert found.t == pytest.approx(-20 / (5 / math.sqrt(3)))
    assert found.df == pytest.approx(2 * 625 / (81 + 256))
    assert found.p_lower == pytest.approx(stats.t.cdf(found.t, found.df)) and found.p == pytest.approx(
        2 * found.p_lower
    )
    assert math.isnan(larger_decrease((m(1, 0), m(0.9, 0)), (m(1, 0), m(0.7, 0))).p)


def test_decrease_bounds_by_hand():
    low, high = decrease_bounds(10.42, 8.32)
    assert (low, high) == pytest.approx((100 * (1 - 8.325 / 10.415), 100 * (1 - 8.315 / 10.425)))
    assert low < 100 * 2.10 / 10.42 < high


def test_a_standard_deviation_that_divides_by_n():
    values = np.array([1.0, 4.0, 7.0])
    assert as_sample_std(m(4, values.std())).std == pytest.approx(values.std(ddof=1)) == 3
    assert as_sample_std(m(0, 1)).std == pytest.approx(math.sqrt(1.5))


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("std", [1.0, 3.0, 0.1])
def test_power_is_that_of_simulations(n, std):
    generator, draws = np.random.default_rng(n), 20_000
    a, b = generator.normal(0, 1, (draws, n)), generator.normal(2.5, std, (draws, n))
    found = stats.ttest_ind(a, b, axis=1, equal_var=False)
    share = ((found.pvalue < 0.05) & (found.statistic < 0)).mean()
    assert power(m(0, 1, n), m(2.5, std, n)) == pytest.approx(share, abs=4 * math.sqrt(0.25 / draws))


def test_power_of_many_values_is_that_of_the_normal_test():
    """z = 0.1255 √500 = 2.8063, power Φ(2.8063 − 1.96)."""
    assert power(m(0, 1), m(0.1255, 1), n=1000) == pytest.approx(stats.norm.cdf(2.8063 - 1.96), abs=1e-3)


def test_power_beyond_what_a_float_holds():
    assert power(m(28.88, 0.37), m(33.16, 0.02), n=10) == 1
    assert power(m(33.16, 0.02), m(28.88, 0.37), n=10) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("level", [0.05, 0.01, 0.2])
@pytest.mark.parametrize(("a", "b"), [*PAIRS[:2], (m(0, 1), m(1, 1))])
def test_runs_for_power_are_the_fewest(a, b, level):
    n = int(runs_for_power(a, b, level))
    assert power(a, b, n, level) >= 0.8 and (n == 2 or power(a, b, n - 1, level) < 0.8)


@pytest.mark.parametrize(("level", "runs"), [(0.05, 17), (0.01, 26)])
def test_runs_for_power_of_the_textbooks(level, runs):
    """d = 1 at 80 %: Cohen's tables have 17 in each group at 5 %, two-sided, and 26 at 1 %."""
    assert runs_for_power(m(0, 1), m(1, 1), level) == runs_for_power(m(1, 1), m(0, 1), level) == runs


def test_no_number_of_runs():
    assert math.isnan(runs_for_power(m(1, 1), m(1, 2))) and math.isnan(runs_for_power(m(0, 1), m(1e-4, 1)))


def test_pairs_for_power():
    """For r = 0.3 the textbooks have 85: (1.960 + 0.842)² / 0.3095² + 3 = 84.9."""
    assert pairs_for_power(0.3) == pairs_for_power(-0.3) == 85
    assert math.isnan(pairs_for_power(0.0)) and math.isnan(pairs_for_power(1.0))


def test_correlation_difference_by_hand():
    low, high = (Correlation(4, r, 0.5, -1, 1) for r in (0.6, 0.8))
    z, p = correlation_difference(low, high)
    assert z == pytest.approx((0.5 * math.log(9) - 0.5 * math.log(4)) / math.sqrt(2))
    assert p == pytest.approx(stats.norm.sf(z))
    assert all(math.isnan(x) for x in correlation_difference(pearson([1, 2], [1, 2]), high))


def test_combined_correlations_by_hand():
    """Seven and ten pairs weigh 4 and 7; z = (4 · 0.5 log 9 + 7 · 0.5 log 4) / 11, its error 1 / √11."""
    found = combined_correlation([Correlation(7, 0.8, 0, 0, 0), Correlation(10, 0.6, 0, 0, 0)])
    z = (4 * 0.5 * math.log(9) + 7 * 0.5 * math.log(4)) / 11
    assert found.n == 17 and found.r == pytest.approx(math.tanh(z))
    assert found.p == pytest.approx(2 * stats.norm.sf(z * math.sqrt(11)))
    assert found.low == pytest.approx(math.tanh(z - 1.959964 / math.sqrt(11)))
    one = pearson([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])
    again = combined_correlation([one])
    assert (again.r, again.low, again.high) == pytest.approx((one.r, one.low, one.high))
    assert math.isnan(combined_correlation([]).r)
