"""A straight line through points, with the 95 % interval of its mean: pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit


@dataclass(frozen=True)
class Line:
    """Least squares y = intercept + slope x through n points."""

    n: int
    slope: float
    intercept: float
    mean_x: float
    spread_x: float  # sum of squared deviations of x from its mean
    residual: float  # standard deviation of the residuals, n - 2 in the denominator

    def at(self, x: np.ndarray) -> np.ndarray:
        """Return the line at x."""
        return self.intercept + self.slope * x

    def half_width(self, x: np.ndarray) -> np.ndarray:
        """Return half the width of the 95 % interval of the mean of y at x."""
        error = self.residual * np.sqrt(1 / self.n + (x - self.mean_x) ** 2 / self.spread_x)
        return float(stdtrit(self.n - 2, 0.975)) * error


def fit_line(x: Sequence[float], y: Sequence[float]) -> Line | None:
    """Fit a line by least squares; None for fewer than three points, as two always lie on one, or for one x only."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    n = len(x)
    if n < 3 or np.ptp(x) == 0:
        return None
    dx = x - x.mean()
    slope = float(dx @ (y - y.mean()) / (dx @ dx))
    intercept = float(y.mean() - slope * x.mean())
    residuals = y - intercept - slope * x
    return Line(n, slope, intercept, float(x.mean()), float(dx @ dx), math.sqrt(residuals @ residuals / (n - 2)))
