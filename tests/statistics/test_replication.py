"""Ours beside theirs: levels and power by simulation with fixed seeds, and values worked out by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from selfsparse.statistics.inference import rank_test, runs_for_ranks
from selfsparse.statistics.moments import Moments
from selfsparse.statistics.replication import Part, half_width, p_close, runs_to_decide

DRAWS = 1500


def summary(n, mean, std):
    return Moments(n, mean, std, math.nan, math.nan)


def outcomes(n, shift, margin, ratio=1.0, printed=True, seed=0):
    """Shares of close and of different among draws of 3 runs of theirs (spread 1) and n of ours (spread `ratio`)."""
    rng = np.random.default_rng(seed)
    theirs, ours = rng.normal(0, 1, (DRAWS, 3)), rng.normal(shift, ratio, (DRAWS, n))
    close = different = 0
    for t, o in zip(theirs, ours, strict=True):
        spread = t.std(ddof=1) if printed else math.nan
        parts = [Part(summary(n, o.mean(), o.std(ddof=1)), summary(3, t.mean(), spread))]
        difference = o.mean() - t.mean()
        is_close = p_close(parts, difference, margin) < 0.05
        close += is_close
        different += not is_close and abs(difference) > half_width(parts, 0.05)
    return close / DRAWS, different / DRAWS


@pytest.mark.parametrize("printed", [True, False])
@pytest.mark.parametrize("n", [3, 5, 10, 20, 50])
def test_one_truth_is_seldom_called_different(n, printed):
    assert outcomes(n, 0, 2.0, printed=printed)[1] <= 0.065


@pytest.mark.parametrize("ratio", [0.5, 2.0])
@pytest.mark.parametrize("n", [3, 20])
def test_nor_where_the_spreads_differ(n, ratio):
    assert outcomes(n, 0, 2.0, ratio)[1] <= 0.065


@pytest.mark.parametrize("printed", [True, False])
def test_one_truth_is_called_close_once_there_are_enough_runs(printed):
    """With a margin of two standard deviations of a run, beside three printed runs."""
    assert outcomes(3, 0, 2.0, printed=printed)[0] < 0.6
    assert outcomes(20, 0, 2.0, printed=printed)[0] >= 0.8


@pytest.mark.parametrize("n", [3, 10, 50])
def test_two_margins_away_is_seldom_called_close(n):
    assert outcomes(n, 4.0, 2.0)[0] <= 0.065
    assert outcomes(n, 2.0, 2.0)[0] <= 0.065  # nor at the margin itself


def test_different_once_there_are_enough_runs_and_the_distance_is_large():
    assert outcomes(20, 8.0, 2.0)[1] >= 0.8


def test_values_by_hand():
    """Ours 5 runs of 10 ± 2, theirs 3 of 9 ± 1: variances of the means 4/5 and 1/3."""
    parts = [Part(summary(5, 10.0, 2.0), summary(3, 9.0, 1.0))]
    t = (0.8 * stats.t.ppf(0.975, 4) + 1 / 3 * stats.t.ppf(0.975, 2)) / (0.8 + 1 / 3)
    assert half_width(parts, 0.05) == pytest.approx(t * math.sqrt(0.8 + 1 / 3))
    error = math.sqrt((4 * 4 + 2 * 1) / 6 * (1 / 5 + 1 / 3))  # one spread for both, 6 degrees of freedom
    assert p_close(parts, 1.0, 5.0) == pytest.approx(stats.t.sf((5 - 1) / error, 6))
    assert p_close(parts, -1.0, 5.0) == p_close(parts, 1.0, 5.0)
    alone = [Part(summary(5, 10.0, 2.0), summary(3, 9.0, math.nan))]
    error = 2 * math.sqrt(1 / 5 + 1 / 3)
    assert half_width(alone, 0.1) == pytest.approx(stats.t.ppf(0.95, 4) * error)
    assert p_close(alone, 1.0, 5.0) == pytest.approx(stats.t.sf(4 / error, 4))
    # Two means with weights: half of each of both variances, and other weights for theirs.
    two = [
        Part(summary(5, 10.0, 2.0), summary(3, 9.0, 1.0), 0.5, 2.0),
        Part(summary(4, 1.0, 1.0), summary(3, 1.0, 3.0), -1.0, -1.0),
    ]
    terms = [(0.25 * 0.8, 4), (4 / 3, 2), (1 / 4, 3), (9 / 3, 2)]
    total = sum(v for v, _ in terms)
    t = sum(v * stats.t.ppf(0.975, df) for v, df in terms) / total
    assert half_width(two, 0.05) == pytest.approx(t * math.sqrt(total))
    pooled = [(18 / 6 * (0.25 / 5 + 4 / 3), 6), ((3 + 18) / 5 * (1 / 4 + 1 / 3), 5)]
    total = sum(v for v, _ in pooled)
    df = total**2 / sum(v**2 / d for v, d in pooled)
    assert p_close(two, 0.5, 9.0) == pytest.approx(stats.t.sf(8.5 / math.sqrt(total), df))


def test_without_spread_or_runs():
    exact = [Part(summary(3, 1.0, 0.0), summary(3, 1.0, math.nan))]
    assert half_width(exact, 0.05) == 0 and p_close(exact, 0.5, 0.5) == 0 and p_close(exact, 0.6, 0.5) == 1
    assert runs_to_decide(exact, 0.1, 0.5, (0.05, 0.05)) == 2
    single = [Part(summary(1, 1.0, math.nan), summary(3, 1.0, 1.0))]
    for value in (half_width(single, 0.05), p_close(single, 0, 1), runs_to_decide(single, 0, 1, (0.05, 0.05)), half_width([], 0.05)):  # fmt: skip
        assert math.isnan(value)


@pytest.mark.parametrize(("difference", "margin"), [(0.0, 2.0), (0.5, 2.5), (7.0, 2.0)])
def test_runs_that_decide_do(difference, margin):
    """With the named runs four fifths of draws of ours come out, beside the same three of theirs; with two thirds, fewer do."""
    theirs = summary(3, 0.0, 1.0)
    needed = int(runs_to_decide([Part(summary(3, difference, 1.0), theirs)], difference, margin, (0.05, 0.05)))

    def share(n):
        decided, rng = 0, np.random.default_rng(1)
        for _ in range(DRAWS):
            o = rng.normal(difference, 1, n)
            parts = [Part(summary(n, o.mean(), o.std(ddof=1)), theirs)]
            decided += p_close(parts, o.mean(), margin) < 0.05 or abs(o.mean()) > half_width(parts, 0.05)
        return decided / DRAWS

    assert 3 <= needed < 50 and share(needed) > 0.74 and share(max(2, needed * 2 // 3)) < 0.8


def test_runs_where_theirs_are_the_limit():
    parts = [Part(summary(5, 0.0, 1.0), summary(3, 0.0, 1.0))]
    # 1.645 / √3 = 0.95 is more than 0.9, whatever our n.
    assert math.isnan(runs_to_decide(parts, 0.0, 0.9, (0.05, 0.05)))


# Ranks


def test_ranks_are_exact():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=5), rng.normal(0.5, size=7)
    share, p, reverse = rank_test(a, b)
    assert share == pytest.approx((a[:, None] < b).mean())
    assert p == pytest.approx(stats.mannwhitneyu(a, b, alternative="less", method="exact").pvalue)
    assert reverse == pytest.approx(stats.mannwhitneyu(a, b, alternative="greater", method="exact").pvalue)


def test_ranks_with_ties_at_infinity():
    """1, 2, ∞ against 3, ∞, ∞, ∞: of 35 divisions of these ranks, those with a sum as small are counted by hand."""
    share, p, reverse = rank_test([1, 2, math.inf], [3, math.inf, math.inf, math.inf])
    assert share == pytest.approx((4 + 4 + 3 * 0.5) / 12)
    # Ranks 1, 2, 3 and four times 5.5. Sums up to 1 + 2 + 5.5 = 8.5: {1, 2, 3} and {1, 2, one of four}.
    assert p == pytest.approx(5 / 35) and reverse == pytest.approx(34 / 35)
    assert rank_test([math.inf] * 3, [math.inf] * 3) == (0.5, 1.0, 1.0)
    assert all(math.isnan(x) for x in rank_test([], [1.0]))


def test_runs_for_ranks():
    z = 1.959964 + 0.841621
    assert runs_for_ranks(0.8) == runs_for_ranks(0.2) == math.ceil((z / 0.3) ** 2 / 6)  # Noether 1987
    assert runs_for_ranks(1.0, 0.001) == math.ceil((3.290527 + 0.841621) ** 2 / 1.5)
    assert math.isnan(runs_for_ranks(0.5)) and math.isnan(runs_for_ranks(math.nan)) and math.isnan(runs_for_ranks(0.51))
