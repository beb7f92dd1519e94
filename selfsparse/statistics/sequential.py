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
from scipy.special import ndtr, stdtr, stdtrit

LEAST, MOST = 1e-9, 0.999  # the alphas among which the p value of a plan is looked for
NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)  # with twice as many the levels are the same to 1e-10


def spent(share: float, alpha: float) -> float:
    """Return how much of `alpha` may be spent when this share, in [0, 1], of the planned runs is there."""
    return alpha * math.log(1 + (math.e - 1) * share)


@cache
def nominal_levels(looks: tuple[int, ...], alpha: float = 0.05) -> tuple[float, ...]:
    """Return the two-sided level of the test at each look.

    Args:
        looks: the runs of each model at each look, rising from 2 on; the last is the end of the plan.
        alpha: the chance, over all looks, that two equal models are told apart, either way.
    """
    levels: list[float] = []
    # The score S_k = Z_k * sqrt(n_k) grows by independent normal steps of variance n_k - n_(k-1), as long as no look has decided.
    points, weights, before, already = np.zeros(1), np.ones(1), 0, 0.0
    for n in looks:
        step, wanted = math.sqrt(n - before), spent(n / looks[-1], alpha) - already
        z = brentq(_excess, 0.0, 10.0, args=(math.sqrt(n), points / step, weights, step, wanted), xtol=1e-10)
        levels.append(float(2 * ndtr(-z)))
        bound = z * math.sqrt(n)
        inside = bound * NODES
        normal = np.exp(-(((inside[:, None] - points[None, :]) / step) ** 2) / 2) / math.sqrt(2 * math.pi)
        density = normal @ weights / step
        points, weights, before, already = inside, density * bound * WEIGHTS, n, already + wanted
    return tuple(levels)


def _excess(z: float, root: float, before: np.ndarray, weights: np.ndarray, step: float, wanted: float) -> float:
    """Return by how much the chance to leave the bounds of this look, at z standard deviations, exceeds what may be spent."""
    bound = z * root / step
    return float(weights @ (ndtr(before - bound) + ndtr(-bound - before))) - wanted


@dataclass(frozen=True)
class Look:
    """One look at the first n values of both samples.

    Attributes:
        n: values of each sample.
        difference: mean a - mean b.
        low, high: its interval at the look's own level, which leaves out 0 exactly where the look decides. All looks'
            intervals together cover the true difference with a probability of at least 1 - alpha.
        p: of the difference, two-sided.
        level: that p is held against.
    """

    n: int
    difference: float
    low: float
    high: float
    p: float
    level: float

    @property
    def decides(self) -> bool:
        """Whether the two are told apart, so that the plan may end here."""
        return self.p < self.level


def take_looks(a: Sequence[float], b: Sequence[float], looks: Sequence[int], alpha: float = 0.05) -> list[Look]:
    """Look at two samples as far as both go, also beyond a look that decides: levels and intervals hold for all looks together.

    The test is Welch's statistic against Student's t with n - 1 degrees of freedom (Cochran and Cox), which keeps `alpha`
    where spreads differ and n is small; with Welch's own, five runs and spreads of 1 and 3 it would be 1.1 times `alpha`.

    Args:
        a, b: values in the order in which they were to be drawn, as many as there are.
        looks, alpha: as of `nominal_levels`.
    """
    taken: list[Look] = []
    for n, level in zip(looks, nominal_levels(tuple(looks), alpha), strict=True):
        if min(len(a), len(b)) < n:
            break
        x, y = np.asarray(a[:n], float), np.asarray(b[:n], float)
        difference, error = float(x.mean() - y.mean()), math.sqrt((x.var(ddof=1) + y.var(ddof=1)) / n)
        p = 2 * float(stdtr(n - 1, -abs(difference) / error)) if error > 0 else math.nan
        half = float(stdtrit(n - 1, 1 - level / 2)) * error if error > 0 else math.nan
        taken.append(Look(n, difference, difference - half, difference + half, p, level))
    return taken


def plan_p(taken: Sequence[Look], looks: Sequence[int]) -> float:
    """Return the p value of a whole plan: the smallest alpha with which one of the looks taken would have decided.

    Under equal models it is below any alpha with a probability of at most alpha, however many looks were taken, so that
    Holm's correction can go over the p values of several plans. NaN without a look, or without any spread.
    """
    found = [_alpha_of(look.p, tuple(looks), k) for k, look in enumerate(taken) if math.isfinite(look.p)]
    return min(found, default=math.nan)


def _alpha_of(p: float, looks: tuple[int, ...], k: int) -> float:
    """Return the alpha with which the level of look k (from 0) is p, in [LEAST, MOST]."""

    def excess(log_alpha: float) -> float:
        return math.log(nominal_levels(looks, math.exp(log_alpha))[k] / max(p, math.ulp(0.0)))

    if excess(math.log(LEAST)) >= 0:
        return LEAST
    if excess(math.log(MOST)) <= 0:
        return 1.0
    return math.exp(brentq(excess, math.log(LEAST), math.log(MOST), xtol=1e-6))
