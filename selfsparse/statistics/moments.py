"""Summaries of few values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit  # scipy.stats costs a second of import: `scipy.stats.f` loads it where it is called

Numbers = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Moments:
    """Summary of n values: standard deviation with ddof 1 (U43), two-sided 95 % t interval of the mean (U44)."""

    n: int
    mean: float
    std: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


def moments(values: Numbers) -> Moments:
    """Summarise values (n,): the mean needs one value, standard deviation and interval need two."""
    array = np.asarray(values, dtype=np.float64)
    n = len(array)
    if n == 0:
        return Moments(0, math.nan, math.nan, math.nan, math.nan)
    if (array == array[0]).all():  # a sum would round: 0.4 thrice has no spread
        spread = (0.0, float(array[0]), float(array[0])) if n > 1 else (math.nan,) * 3
        return Moments(n, float(array[0]), *spread)
    mean, std = float(array.mean()), float(array.std(ddof=1))
    half = float(stdtrit(n - 1, 0.975)) * std / math.sqrt(n)
    return Moments(n, mean, std, mean - half, mean + half)


def relative_decrease(baseline: float, value: float) -> float:
    """Return by how many percent `value` lies below `baseline` (Sec. 4.3); NaN where the baseline is 0 or missing."""
    if not math.isfinite(baseline) or baseline == 0:
        return math.nan
    return 100.0 * (baseline - value) / baseline
