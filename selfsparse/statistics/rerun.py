"""Two sets of runs of one procedure: may they come from one distribution?

Were the second set nothing but a repetition, both would have one mean and one spread, so the test is Student's with a pooled
variance: exact for normal values, however few. Where one side has a single run, it asks whether that run lies in the prediction
interval of the others.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from selfsparse.statistics.inference import Difference, by_t, error_of_sum
from selfsparse.statistics.moments import Numbers, moments


def difference(a: Numbers, b: Numbers) -> Difference:
    """Return mean a - mean b of two samples as of one spread; needs a value in each, and three in all."""
    both = [moments(a), moments(b)]
    n, df, value = [m.n for m in both], sum(m.n for m in both) - 2, both[0].mean - both[1].mean
    if df < 1 or not min(n):
        return by_t(value, math.nan, math.nan)
    pooled = sum((m.n - 1) * m.std**2 for m in both if m.n > 1) / df
    return _exact(by_t(value, math.sqrt(pooled * (1 / n[0] + 1 / n[1])), df))


def mean_difference(found: Sequence[Difference]) -> Difference:
    """Return the mean of independent differences, each with a spread of its own (Satterthwaite); NaN of none."""
    known = [d for d in found if not math.isnan(d.error)]
    value = sum(d.value for d in known) / len(known) if known else math.nan
    if known and not any(d.error for d in known):
        return _exact(by_t(value, 0.0, math.inf))
    return by_t(value, *error_of_sum([((d.error / len(known)) ** 2, d.df) for d in known]))


def _exact(found: Difference) -> Difference:
    """Without any spread the means are exact: their difference is 0, or it is not."""
    return found if found.error else replace(found, p=float(found.value == 0))
