"""Looking at growing data several times without erring more often: group-sequential boundaries by alpha spending.

Runs are added until a test decides or the plan ends. Tested at p < 0.05 at each of four looks, two equal models would be told
apart in 13 % of all experiments. Here each look has a smaller level of its own, and over all looks the chance is `alpha`
(Lan and DeMets 1983, with their function of Pocock's kind, which spends about equally at every look).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtr
from scipy.stats import norm

GRID = 2001  # points of the integration; the levels change by less than 1e-6 with twice as many


def spent(share: float, alpha: float) -> float:
    """Return how much of `alpha` may be spent when this share, in [0, 1], of the planned runs is there."""
    return alpha * math.log(1 + (math.e - 1) * share)


@cache
def nominal_levels(looks: tuple[int, ...], alpha: float = 0.05) -> tuple[float, ...]:
    """Return the two-sided level of the test at each look.

    Args:
        looks: the runs of each model at each look, rising; the last is the end of the plan.
        alpha: the chance, over all looks, that two equal models are told apart, either way.

    Raises:
        ValueError: the looks do not rise.
    """
    if not looks or list(looks) != sorted(set(looks)) or looks[0] < 2:
        raise ValueError(f"looks have to rise from 2 on, not {list(looks)}")
    levels: list[float] = []
    # The score S_k = Z_k * sqrt(n_k) grows by independent normal steps of variance n_k - n_(k-1), as long as no look has decided.
    points, density, before, already = np.zeros(1), np.ones(1), 0, 0.0
    for n in looks:
        step, wanted = math.sqrt(n - before), spent(n / looks[-1], alpha) - already
        weights = density * _width(points)
        z = brentq(_excess, 0.0, 10.0, args=(math.sqrt(n), points / step, weights, step, wanted), xtol=1e-10)
        levels.append(float(2 * norm.sf(z)))
        bound = z * math.sqrt(n)
        inside = np.linspace(-bound, bound, GRID)
        density = norm.pdf((inside[:, None] - points[None, :]) / step) @ weights / step
        points, before, already = inside, n, already + wanted
    return tuple(levels)


def _excess(z: float, root: float, before: np.ndarray, weights: np.ndarray, step: float, wanted: float) -> float:
    """Return by how much the chance to leave the bounds of this look, at z standard deviations, exceeds what may be spent."""
    bound = z * root / step
    return float(weights @ (norm.sf(bound - before) + norm.cdf(-bound - before))) - wanted


def _width(points: np.ndarray) -> np.ndarray:
    """Return the weights of the trapezoidal rule; a single point has all the mass."""
    if len(points) == 1:
        return np.ones(1)
    weights = np.full(len(points), points[1] - points[0])
    weights[[0, -1]] /= 2
    return weights


@dataclass(frozen=True)
class Look:
    """One look at the first n values of both samples: mean a - mean b, its two-sided p, and the level that p is held against."""

    n: int
    difference: float
    p: float
    level: float

    @property
    def decides(self) -> bool:
        """Whether the plan ends here."""
        return self.p < self.level


def take_looks(a: Sequence[float], b: Sequence[float], looks: Sequence[int], alpha: float = 0.05) -> list[Look]:
    """Look at two samples as far as both go, and no further than the first look that decides.

    The test is Welch's statistic against Student's t with n - 1 degrees of freedom (Cochran and Cox), which keeps `alpha`
    where spreads differ and n is small; with Welch's own, five runs and spreads of 1 and 3 it would be 1.1 times `alpha`.

    Args:
        a, b: values in the order in which they were to be drawn, as many as there are.
        looks, alpha: as of `nominal_levels`.
    """
    taken: list[Look] = []
    for n, level in zip(looks, nominal_levels(tuple(looks), alpha), strict=True):
        if min(len(a), len(b)) < n or (taken and taken[-1].decides):
            break
        x, y = np.asarray(a[:n], float), np.asarray(b[:n], float)
        difference, error = float(x.mean() - y.mean()), math.sqrt((x.var(ddof=1) + y.var(ddof=1)) / n)
        p = 2 * float(stdtr(n - 1, -abs(difference) / error)) if error > 0 else math.nan
        taken.append(Look(n, difference, p, level))
    return taken
