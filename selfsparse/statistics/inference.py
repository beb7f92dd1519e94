"""Tests, effect sizes and power from n, mean and standard deviation, so that printed and measured numbers go the same way.

SciPy has Welch's test of two means alone; here one function serves weighted sums and ratios of means too.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betaincinv, gammaln, nctdtr, nctdtrinc, ndtri, stdtr, stdtrit

from selfsparse.statistics.moments import Estimate, Moments, Numbers

LEVEL = 0.05
ONE_SIDED = LEVEL / 2  # where the reverse counts too: LEVEL for both, as of a 95 % interval that leaves out 0
MOST_RUNS = 1000  # beyond which no number of runs is named
QUANTILES = 400
POWER = 0.8  # that a number of runs is named for


@dataclass(frozen=True)
class Difference(Estimate):
    """A difference, or another weighted sum, of independent means with its 95 % interval, by Student's t.

    Attributes:
        error, df: its standard error, and the degrees of freedom of t.
        p: of its being 0, two-sided; `p_lower` of its not being below 0.
    """

    error: float
    df: float
    t: float
    p: float
    p_lower: float


def by_t(value: float, error: float, df: float) -> Difference:
    """Return a difference with this standard error; without one, interval and tests are NaN."""
    t = value / error if error > 0 else math.nan
    half = float(stdtrit(df, 0.975)) * error
    return Difference(
        value, value - half, value + half, error, df, t, float(2 * stdtr(df, -abs(t))), float(stdtr(df, t))
    )


def welch(a: Moments, b: Moments) -> Difference:
    """Test whether two means differ, a - b, without assuming equal variances; needs two values in each."""
    return contrast([(1, a), (-1, b)])


def contrast(terms: Sequence[tuple[float, Moments]]) -> Difference:
    """Return a weighted sum of independent means, whose variances may differ as in Welch's test; needs two values in each.

    Args:
        terms: (weight, moments) of each mean.
    """
    enough = all(m.n > 1 for _, m in terms)
    parts = [(weight**2 * m.std**2 / m.n, m.n - 1) for weight, m in terms] if enough else []
    return by_t(sum(weight * m.mean for weight, m in terms), *error_of_sum(parts))


def holm(p: Numbers) -> list[float]:
    """Adjust p values for their number by Holm's step-down method; NaN is no test and stays NaN."""
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(len(p), math.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()


def hedges_g(a: Moments, b: Moments) -> Estimate:
    """Standardised difference (a - b) / pooled standard deviation, corrected for small samples.

    The interval is that of the noncentral t distribution, exact where both variances are equal.
    """
    df = a.n + b.n - 2
    undefined = Estimate(math.nan, math.nan, math.nan)
    if min(a.n, b.n) < 2:
        return undefined
    pooled = math.sqrt(((a.n - 1) * a.std**2 + (b.n - 1) * b.std**2) / df)
    if not pooled > 0:
        return undefined
    scale = math.sqrt(1 / a.n + 1 / b.n)
    correction = math.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / math.sqrt(df / 2)
    t = (a.mean - b.mean) / pooled / scale
    # nctdtrinc is at its best for t >= 0; the distribution of -t mirrors that of t.
    low, high = (float(nctdtrinc(df, level, abs(t))) * scale * correction for level in (0.975, 0.025))
    low, high = (low, high) if t >= 0 else (-high, -low)
    return Estimate(t * scale * correction, low, high)


def decrease(baseline: Moments, value: Moments) -> Difference:
    """By how many percent the mean `value` lies below the mean `baseline`.

    The standard error is that of the delta method for a ratio of means, with Welch's degrees of freedom.
    """
    if not baseline.mean:
        return by_t(math.nan, math.nan, math.nan)
    ratio = value.mean / baseline.mean
    found = welch(replace(baseline, std=baseline.std * abs(ratio)), value)
    return by_t(100 * (1 - ratio), 100 * found.error / abs(baseline.mean), found.df)


def larger_decrease(first: Sequence[Moments], second: Sequence[Moments]) -> Difference:
    """Test whether the relative decrease of the first (baseline, value) is below that of the second; in percent points."""
    a, b = decrease(*first), decrease(*second)
    return by_t(a.value - b.value, *error_of_sum([(a.error**2, a.df), (b.error**2, b.df)]))


def decrease_bounds(baseline: float, value: float, half: float = 0.005) -> tuple[float, float]:
    """Return the smallest and largest relative decrease in percent that FIDs rounded to ± `half` leave possible."""
    return 100 * (1 - (value + half) / (baseline - half)), 100 * (1 - (value - half) / (baseline + half))


def as_sample_std(m: Moments) -> Moments:
    """Return moments whose standard deviation was taken with n in the denominator (ddof 0) with n - 1 instead (U43)."""
    return replace(m, std=m.std * math.sqrt(m.n / (m.n - 1)))


def power(a: Moments, b: Moments, n: int | None = None, level: float = LEVEL) -> float:
    """Return the probability that Welch's two-sided test finds a < b among normal values, were the moments the true ones.

    Args:
        a, b: means and standard deviations; their n counts where n is None.
        n: values in each group.
        level: of the two-sided test.

    With the share B of the first group in the sum Q of both scaled sums of squares, B is Beta and independent of Q, which
    is chi-squared. B alone fixes the test's degrees of freedom, so that given B the power is that of a noncentral t
    distribution; the mean over B is taken at the middles of QUANTILES equal shares of its distribution.
    """
    a, b = (m if n is None else replace(m, n=n) for m in (a, b))
    error = welch(a, b).error
    if not error > 0:
        return math.nan
    df_a, df_b = a.n - 1, b.n - 1
    share = betaincinv(df_a / 2, df_b / 2, (np.arange(QUANTILES) + 0.5) / QUANTILES)
    # Variances of the two means as the test estimates them, divided by Q.
    va, vb = a.std**2 / a.n * share / df_a, b.std**2 / b.n * (1 - share) / df_b
    critical = stdtrit((va + vb) ** 2 / (va**2 / df_a + vb**2 / df_b), 1 - level / 2)
    bound = critical * np.sqrt((va + vb) * (df_a + df_b)) / error
    missed = nctdtr(df_a + df_b, (b.mean - a.mean) / error, bound)
    return float(np.mean(1 - np.nan_to_num(missed)))  # NaN stands for what is too small for a float


def runs_for_power(a: Moments, b: Moments, level: float = LEVEL) -> float:
    """Return the smallest n per group that tells two means apart, whichever is the lower, with POWER; NaN beyond MOST_RUNS."""
    a, b = (a, b) if a.mean < b.mean else (b, a)
    if not a.mean < b.mean or math.isnan(power(a, b, 2, level)):
        return math.nan
    n = bisect_left(range(2, MOST_RUNS + 1), POWER, key=lambda n: power(a, b, n, level)) + 2
    return float(n) if n <= MOST_RUNS else math.nan


def rank_test(a: Numbers, b: Numbers) -> tuple[float, float, float]:
    """Compare two samples by ranks, where a value may be infinite: Mann and Whitney's test, exact, also with ties.

    Returns:
        The share of pairs in which a is the lower (a tie counts half), and the one-sided p of a lower, and of a higher.
    """
    values = np.concatenate([np.asarray(a, dtype=float), np.asarray(b, dtype=float)])
    if not len(a) or not len(b):
        return math.nan, math.nan, math.nan
    # Twice the midranks are whole numbers: the sum over a has a distribution that can be counted out.
    ranks = [int((values < x).sum() + (values <= x).sum() + 1) for x in values]
    found = sum(ranks[: len(a)])
    ways = np.zeros((len(a) + 1, found + 1))  # larger sums are what is left
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : max(0, found + 1 - rank)].copy()
    as_low = ways[-1] / math.comb(len(ranks), len(a))
    higher = (found / 2 - len(a) * (len(a) + 1) / 2) / (len(a) * len(b))
    return 1 - higher, float(as_low.sum()), float(1 - as_low[:found].sum())


def runs_for_ranks(share: float, level: float = LEVEL) -> float:
    """Return the runs of each with which a two-sided rank test finds that share of pairs (Noether 1987); NaN at a half."""
    if share == 0.5 or math.isnan(share):
        return math.nan
    n = math.ceil(((ndtri(1 - level / 2) + ndtri(POWER)) / (share - 0.5)) ** 2 / 6)
    return float(n) if n <= MOST_RUNS else math.nan


def error_of_sum(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the standard error of a sum of independent means and its degrees of freedom, by Welch and Satterthwaite.

    Args:
        parts: (variance of the mean, its degrees of freedom) of each.
    """
    total = sum(variance for variance, _ in parts)
    if not total > 0:
        return math.nan, math.nan
    return math.sqrt(total), total**2 / sum(variance**2 / df for variance, df in parts)
