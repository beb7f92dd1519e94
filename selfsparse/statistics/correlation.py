"""Pearson's r (Eq. 16) of one and of several sets of pairs, and a straight line through points."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from scipy.special import ndtr, ndtri, stdtrit

from selfsparse.statistics.inference import LEVEL, POWER
from selfsparse.statistics.moments import Numbers


@dataclass(frozen=True)
class Correlation:
    """Pearson's r of n pairs (Eq. 16), its two-sided p value, and the 95 % interval of Fisher's z."""

    n: int
    r: float
    p: float
    low: float
    high: float


def pearson(x: Numbers, y: Numbers) -> Correlation:
    """Correlate x (n,) with y (n,), Eq. 16.

    r needs three pairs (two always lie on a line) and values that differ; its interval needs four.
    p is of the t test with n - 2 degrees of freedom.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    n = len(x)
    if n < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(n, math.nan, math.nan, math.nan, math.nan)
    found = scipy.stats.pearsonr(x, y)
    r, p = float(found.statistic), float(found.pvalue)
    if n < 4 or abs(r) == 1:
        return Correlation(n, r, p, math.nan, math.nan)
    low, high = found.confidence_interval()
    return Correlation(n, r, p, float(low), float(high))


def pairs_for_power(r: float) -> float:
    """Return how many pairs a two-sided test needs at 5 % to find a correlation of r with POWER, by Fisher's z."""
    if not 0 < abs(r) < 1:
        return math.nan
    return float(math.ceil(((ndtri(1 - LEVEL / 2) + ndtri(POWER)) / math.atanh(abs(r))) ** 2 + 3))


def correlation_difference(a: Correlation, b: Correlation) -> tuple[float, float]:
    """Return Fisher's z of r_b - r_a between independent sets of pairs, and its one-sided p for r_b > r_a."""
    if min(a.n, b.n) < 4 or max(abs(a.r), abs(b.r)) >= 1:
        return math.nan, math.nan
    z = (math.atanh(b.r) - math.atanh(a.r)) / math.sqrt(1 / (a.n - 3) + 1 / (b.n - 3))
    return z, float(ndtr(-z))


def combined_correlation(found: Sequence[Correlation]) -> Correlation:
    """Combine the r of independent sets of pairs, each with a level of its own, by the weighted mean of Fisher's z.

    n is the number of all pairs; p is two-sided. Needs four pairs in each set.
    """
    n = sum(c.n for c in found)
    if not found or min(c.n for c in found) < 4 or max(abs(c.r) for c in found) >= 1:
        return Correlation(n, math.nan, math.nan, math.nan, math.nan)
    weights = [c.n - 3 for c in found]
    z = sum(w * math.atanh(c.r) for w, c in zip(weights, found, strict=True)) / sum(weights)
    half = float(ndtri(0.975)) / math.sqrt(sum(weights))
    p = float(2 * ndtr(-abs(z) * math.sqrt(sum(weights))))
    return Correlation(n, math.tanh(z), p, math.tanh(z - half), math.tanh(z + half))


def fit_line(x: Numbers, y: Numbers) -> Any:
    """Return SciPy's line of least squares; None for fewer than three points, as two always lie on one, or for one x only."""
    return scipy.stats.linregress(x, y) if len(x) > 2 and np.ptp(x) else None


def line_half_width(line: Any, x: Numbers, at: np.ndarray) -> np.ndarray:
    """Return half the width of the 95 % interval of the mean of y at such places, of a line fitted to points at x."""
    return float(stdtrit(len(x) - 2, 0.975)) * line.stderr * np.hypot(np.std(x), at - np.mean(x))
