"""Ours beside theirs: whether a printed value and our own can be one truth, and whether they are close.

The printed value is a mean of few runs, not a constant. "Differs" allows each mean a spread of its own, with Cochran and
Cox's t (1957): Welch's is too liberal where one of two spreads comes from three runs (7.6 % in place of 5 % beside 50).
"Close" is two one-sided tests against a margin (TOST), with one spread for both, as one procedure was repeated; where the
original prints no spread, ours stands for both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit

from selfsparse.statistics.inference import MOST_RUNS, POWER
from selfsparse.statistics.moments import Moments


@dataclass(frozen=True)
class Part:
    """One mean of ours and the same of theirs, each with its weight in the value that is compared (its derivative there).

    The standard deviation of `theirs` is NaN where none is printed.
    """

    ours: Moments
    theirs: Moments
    weight_ours: float = 1.0
    weight_theirs: float = 1.0

    def own(self, n: int) -> list[tuple[float, float]]:
        """Return (variance of the mean, degrees of freedom) of ours and theirs, with n runs of ours."""
        if math.isnan(self.theirs.std):
            return [self.pooled(n)]
        return [
            ((self.weight_ours * self.ours.std) ** 2 / n, n - 1),
            ((self.weight_theirs * self.theirs.std) ** 2 / self.theirs.n, self.theirs.n - 1),
        ]

    def pooled(self, n: int) -> tuple[float, float]:
        """Return (variance of the difference, degrees of freedom) where both have one spread."""
        variance, df = self.ours.std**2, n - 1
        if not math.isnan(self.theirs.std):
            df += self.theirs.n - 1
            variance = ((n - 1) * variance + (self.theirs.n - 1) * self.theirs.std**2) / df
        return variance * (self.weight_ours**2 / n + self.weight_theirs**2 / self.theirs.n), df


def half_width(parts: Sequence[Part], level: float, n: int | None = None) -> float:
    """Return half the two-sided interval of the difference at 1 - level, by Cochran and Cox; NaN below two runs.

    Args:
        n: runs of ours; those that there are where it is None.
    """
    terms = [term for part in parts for term in part.own(n or part.ours.n)] if _enough(parts) else []
    total = sum(variance for variance, _ in terms)
    if not terms:
        return math.nan
    if total == 0:
        return 0.0
    t = sum(variance * float(stdtrit(df, 1 - level / 2)) for variance, df in terms) / total
    return t * math.sqrt(total)


def p_close(parts: Sequence[Part], difference: float, margin: float) -> float:
    """Return the p of the two one-sided tests that the difference lies within ± margin; NaN below two runs."""
    if not _enough(parts):
        return math.nan
    error, df = _pooled(parts, None)
    if error == 0:
        return 0.0 if abs(difference) <= margin else 1.0
    return float(stdtr(df, -(margin - abs(difference)) / error))


def runs_to_decide(parts: Sequence[Part], difference: float, margin: float, levels: tuple[float, float]) -> float:
    """Return the least runs of ours that would be called close, or different, with POWER, were our moments true.

    NaN where no number up to MOST_RUNS is enough: then the spread of the original's few runs is the limit.

    Args:
        levels: of "close", tested one-sided twice, and of "different", tested two-sided.
    """
    if not _enough(parts):
        return math.nan
    for n in range(2, MOST_RUNS + 1):
        ours = math.sqrt(sum((part.weight_ours * part.ours.std) ** 2 / n for part in parts))
        error, df = _pooled(parts, n)
        room = margin - float(stdtrit(df, 1 - levels[0])) * error
        different = 1 - _within(difference, ours, half_width(parts, levels[1], n))
        if max(_within(difference, ours, room), different) >= POWER:
            return float(n)
    return math.nan


def _within(difference: float, error: float, room: float) -> float:
    """Return the probability that a normal value around `difference` lies within ± room."""
    if not room > 0:
        return 0.0
    if error == 0:
        return float(abs(difference) < room)
    return float(ndtr((room - difference) / error) - ndtr((-room - difference) / error))


def _pooled(parts: Sequence[Part], n: int | None) -> tuple[float, float]:
    """Return the standard error of the difference and its degrees of freedom (Satterthwaite), one spread for both."""
    terms = [part.pooled(n or part.ours.n) for part in parts]
    total = sum(variance for variance, _ in terms)
    return math.sqrt(total), total**2 / sum(v**2 / df for v, df in terms) if total else math.nan


def _enough(parts: Sequence[Part]) -> bool:
    return bool(parts) and all(part.ours.n > 1 and np.isfinite(part.ours.std) for part in parts)
