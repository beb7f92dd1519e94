"""Statistics over seeds and configurations: pure functions; what is not defined is NaN."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit  # scipy.stats would cost a second of import time

NORMAL_975 = 1.959963984540054  # the 97.5 % quantile of the standard normal distribution


@dataclass(frozen=True)
class Moments:
    """Summary of n values: standard deviation with ddof 1 (U43), two-sided 95 % t interval of the mean (U44)."""

    n: int
    mean: float
    std: float
    low: float
    high: float


@dataclass(frozen=True)
class Correlation:
    """Pearson's r of n pairs (Eq. 16), its two-sided p value, and the 95 % interval of Fisher's z."""

    n: int
    r: float
    p: float
    low: float
    high: float


def moments(values: Sequence[float]) -> Moments:
    """Summarise values (n,): the mean needs one value, standard deviation and interval need two."""
    array = np.asarray(values, dtype=np.float64)
    n = len(array)
    if n == 0:
        return Moments(0, math.nan, math.nan, math.nan, math.nan)
    mean = float(array.mean())
    if n == 1:
        return Moments(1, mean, math.nan, math.nan, math.nan)
    if (array == array[0]).all():
        return Moments(
            n, float(array[0]), 0.0, float(array[0]), float(array[0])
        )  # a sum would round: 0.4 thrice has none
    std = float(array.std(ddof=1))
    half = float(stdtrit(n - 1, 0.975)) * std / math.sqrt(n)
    return Moments(n, mean, std, mean - half, mean + half)


def relative_decrease(baseline: float, value: float) -> float:
    """Return by how many percent `value` lies below `baseline` (Sec. 4.3); NaN where the baseline is 0 or missing."""
    if not math.isfinite(baseline) or baseline == 0:
        return math.nan
    return 100.0 * (baseline - value) / baseline


def pearson(x: Sequence[float], y: Sequence[float]) -> Correlation:
    """Correlate x (n,) with y (n,), Eq. 16.

    r needs three pairs (two always lie on a line) and values that differ; its interval needs four.
    p is of the t test with n - 2 degrees of freedom.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"expected as many x as y, found {len(x)} and {len(y)}")
    n = len(x)
    undefined = Correlation(n, math.nan, math.nan, math.nan, math.nan)
    if n < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return undefined
    dx, dy = x - x.mean(), y - y.mean()
    r = float(np.clip(dx @ dy / math.sqrt((dx @ dx) * (dy @ dy)), -1.0, 1.0))
    if abs(r) == 1:
        return Correlation(n, r, 0.0, math.nan, math.nan)
    t = abs(r) * math.sqrt((n - 2) / (1 - r * r))
    p = float(2 * stdtr(n - 2, -t))
    if n < 4:
        return Correlation(n, r, p, math.nan, math.nan)
    z, half = math.atanh(r), NORMAL_975 / math.sqrt(n - 3)
    return Correlation(n, r, p, math.tanh(z - half), math.tanh(z + half))


def mean_sparsity(sparsity: pd.DataFrame, counted_stages: str) -> pd.Series:
    """Return xi-bar of Eq. 15 per seed: xi averaged over the stages of a generator.

    Args:
        sparsity: rows of one configuration, columns seed, stage, xi.
        counted_stages: `sastm`: T counts the stages with an SASTM; `all`: also the last one, whose xi is 0 (U48).
    """
    stages = sparsity.groupby("seed")["xi"]
    return stages.sum() / (stages.count() + (counted_stages == "all"))
