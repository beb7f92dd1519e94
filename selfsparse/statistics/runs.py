"""Tests of one mean, of spreads and of shares, each with the number of runs from which it decides."""

import math
from collections.abc import Sequence

import numpy as np
import scipy
from scipy.special import digamma, nctdtr, ndtri, polygamma, stdtr, stdtrit

from selfsparse.statistics.inference import MOST_RUNS, POWER, welch
from selfsparse.statistics.moments import Estimate, Moments, moments


def ratio_of_logs(a: Moments, b: Moments) -> Estimate:
    """By how many percent the geometric mean of the first lies below that of the second, from logs, with a 95 % interval."""
    found = welch(a, b)
    return Estimate(*(100 * (1 - math.exp(d)) for d in (found.value, found.high, found.low)))


def decrease_moments(baseline: Moments, value: Moments) -> Moments:
    """Return the relative decrease in percent as if it were measured run by run, by the delta method."""
    if not baseline.mean:
        return moments([])
    ratio = value.mean / baseline.mean
    std = 100 * math.hypot(baseline.std * ratio, value.std) / abs(baseline.mean)
    return Moments(min(baseline.n, value.n), 100 * (1 - ratio), std, math.nan, math.nan)


def p_above(m: Moments, value: float) -> float:
    """Return the one-sided p of a mean above a value; without any spread the mean is exact."""
    if m.n < 2 or math.isnan(m.mean):
        return math.nan
    if m.std == 0:
        return 0.0 if m.mean > value else 1.0
    return float(stdtr(m.n - 1, -(m.mean - value) / m.std * math.sqrt(m.n)))


def runs_for_mean(m: Moments, against: float, level: float) -> float:
    """Return how many runs a two-sided t test at `level` needs to tell a mean from a number, were the moments true."""
    if not m.std > 0 or m.mean == against:
        return math.nan
    n = np.arange(2, MOST_RUNS + 1)
    found = 1 - nctdtr(n - 1, abs(m.mean - against) / m.std * np.sqrt(n), stdtrit(n - 1, 1 - level / 2))
    return float(n[np.argmax(found >= POWER)]) if (found >= POWER).any() else math.nan


def log_spread_ratio(pairs: Sequence[tuple[Moments, Moments]]) -> tuple[float, float]:
    """Return the mean log of the ratio of two relative variances, second over first, over pairs, and its standard error.

    The log of a variance over its expectation has mean digamma(k) - log(k) and variance trigamma(k), k half the df.
    """
    value, variance = 0.0, 0.0
    for first, second in pairs:
        halves = [(m.n - 1) / 2 for m in (first, second)]
        bias = [float(digamma(k)) - math.log(k) for k in halves]
        value += 2 * math.log(second.std / second.mean * first.mean / first.std) - (bias[1] - bias[0])
        variance += sum(float(polygamma(1, k)) for k in halves)
    return value / len(pairs), math.sqrt(variance) / len(pairs)


def runs_for_spread(value: float, pairs: int, level: float) -> float:
    """Return the runs that find a mean log ratio of two variances; the variance of a log variance is close to 2 / (n - 1)."""
    n = math.ceil(1 + 4 / pairs * ((ndtri(1 - level / 2) + ndtri(POWER)) / value) ** 2)
    return float(n) if n <= MOST_RUNS else math.nan


def fewer(counts: Sequence[int], every: Sequence[int]) -> tuple[float, float]:
    """Return the one-sided p of Fisher's exact test that the second count of two is the smaller share, and of the reverse."""
    table = [[counts[i], every[i] - counts[i]] for i in (1, 0)]
    less, greater = (float(scipy.stats.fisher_exact(table, alternative=way).pvalue) for way in ("less", "greater"))
    return less, greater


def runs_for_shares(shares: Sequence[float], pairs: int, level: float) -> float:
    """Return the runs in each of so many pairs that tell two shares apart, by the difference of arcsines (Cohen's h)."""
    h = abs(2 * math.asin(math.sqrt(shares[0])) - 2 * math.asin(math.sqrt(shares[1])))
    n = ((ndtri(1 - level / 2) + ndtri(POWER)) / h) ** 2 * 2 / pairs if h else math.inf
    return float(math.ceil(n)) if n <= MOST_RUNS else math.nan
