import math

import numpy as np
import pytest
from scipy.stats import norm, t

from selfsparse.statistics.sequential import Look, nominal_levels, plan_p, take_looks

LOOKS = (5, 10, 15, 20)


@pytest.mark.parametrize(
    ("looks", "z"),
    [
        # The boundaries of Lan and DeMets' function of Pocock's kind, as published tables and the R package ldbounds have them.
        (LOOKS, [2.3683, 2.3675, 2.3582, 2.3500]),
        ((2, 4, 6, 8, 10), [2.4380, 2.4268, 2.4102, 2.3966, 2.3860]),
        ((7,), [1.9600]),
    ],
)
def test_the_boundaries_are_the_published_ones(looks, z):
    assert norm.isf(np.array(nominal_levels(looks)) / 2) == pytest.approx(z, abs=1e-4)


@pytest.mark.parametrize(("spread", "least"), [(1.0, 0.025), (3.0, 0.030)])
def test_equal_models_are_told_apart_in_at_most_five_percent_over_all_looks(spread, least):
    """20,000 experiments of 20 runs: the standard error of the share is 0.0015. Tested at 0.05 each time it were above 0.12."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20_000, 20)), spread * rng.normal(size=(20_000, 20))
    decided = np.mean([any(k.decides for k in take_looks(x, y, LOOKS)) for x, y in zip(a, b, strict=True)])
    assert least < decided < 0.05


def test_a_look_by_hand():
    """Means 2 and 4, both variances 2.5: t = 2 / sqrt(5 / 5) = 2 with 4 degrees of freedom, whose two-sided p is 0.116."""
    (look,) = take_looks([0, 1, 2, 3, 4], [2, 3, 4, 5, 6], (5, 10))
    assert (look.n, look.difference) == (5, -2.0) and look.p == pytest.approx(0.1161, abs=1e-4)
    assert not look.decides
    # The error of the difference is 1, so that half the interval is t's quantile.
    half = t.isf(nominal_levels((5, 10))[0] / 2, 4)
    assert (look.low, look.high) == pytest.approx((-2 - half, -2 + half))


def test_looks_go_as_far_as_both_samples():
    a = np.arange(20) % 2 * 0.1
    assert [look.n for look in take_looks(a, a + 9, LOOKS)] == [5, 10, 15, 20]
    assert [look.n for look in take_looks(a, a[:12], LOOKS)] == [5, 10]
    assert take_looks(a[:4], a, LOOKS) == []


def test_equal_values_decide_nothing():
    looks = take_looks([1.0] * 5, [1.0] * 5, LOOKS)
    assert not looks[-1].decides and math.isnan(plan_p(looks, LOOKS)) and math.isnan(plan_p([], LOOKS))


def test_a_plan_of_one_look_has_the_p_of_its_test():
    (look,) = looks = take_looks([0, 1, 2, 3, 4], [2, 3, 4, 5, 6], (5,))
    assert plan_p(looks, (5,)) == pytest.approx(look.p, rel=1e-4)


@pytest.mark.parametrize("alpha", [0.001, 0.05 / 3, 0.05, 0.3])
def test_the_p_of_a_plan_is_the_alpha_at_which_a_look_would_just_decide(alpha):
    levels = nominal_levels(LOOKS, alpha)
    looks = [Look(n, 1.0, 0.0, 2.0, 2 * p, 0.05) for n, p in zip(LOOKS, levels, strict=True)]
    looks[2] = Look(15, 1.0, 0.0, 2.0, levels[2], 0.05)
    assert plan_p(looks, LOOKS) == pytest.approx(alpha, rel=1e-4)


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 3])
def test_the_p_of_a_plan_lies_below_alpha_exactly_where_a_look_decides(alpha):
    """So that its error is that of the looks, at any alpha."""
    samples = np.random.default_rng(1).normal(size=(100, 2, 20)) + np.array([[[0.0], [0.8]]])
    found = [take_looks(x, y, LOOKS, alpha) for x, y in samples]
    decided = [any(look.decides for look in looks) for looks in found]
    assert [plan_p(looks, LOOKS) < alpha for looks in found] == decided and 20 < sum(decided) < 80
