"""Two sets of runs of one procedure: may they come from one distribution?

Were the second set nothing but a repetition, both would have one mean and one spread, so the test is Student's with a pooled
variance: exact for normal values, however few. Where one side has a single run, it asks whether that run lies in the prediction
interval of the others.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

from selfsparse.statistics.inference import error_of_sum
from selfsparse.statistics.moments import Moments, Numbers, moments


@dataclass(frozen=True)
class Difference:
    """A difference of two means, its variance and degrees of freedom; NaN where there are fewer than three values in all."""

    value: float
    variance: float
    df: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the difference."""
        half = float(stdtrit(self.df, 0.975)) * math.sqrt(self.variance)
        return self.value - half, self.value + half

    @property
    def p(self) -> float:
        """Two-sided p of no difference; without any spread the means are exact."""
        if self.variance == 0:
            return float(self.value == 0)
        return float(2 * stdtr(self.df, -abs(self.value) / math.sqrt(self.variance)))


def difference(a: Numbers, b: Numbers) -> Difference:
    """Return mean a - mean b of two samples, each of at least one value, as of one spread."""
    first, second = moments(a), moments(b)
    df = first.n + second.n - 2
    if df < 1 or not min(first.n, second.n):
        return Difference(first.mean - second.mean, math.nan, math.nan)
    pooled = (_squares(first) + _squares(second)) / df
    return Difference(first.mean - second.mean, pooled * (1 / first.n + 1 / second.n), df)


def mean_difference(found: Sequence[Difference]) -> Difference:
    """Return the mean of independent differences, each with a spread of its own (Satterthwaite); NaN of none."""
    known = [d for d in found if not math.isnan(d.variance)]
    if not known:
        return Difference(math.nan, math.nan, math.nan)
    n = len(known)
    value, spread = sum(d.value for d in known) / n, [(d.variance / n**2, d.df) for d in known]
    if not any(variance for variance, _ in spread):
        return Difference(value, 0.0, math.inf)
    error, df = error_of_sum(spread)
    return Difference(value, error**2, df)


def _squares(m: Moments) -> float:
    return (m.n - 1) * m.std**2 if m.n > 1 else 0.0
