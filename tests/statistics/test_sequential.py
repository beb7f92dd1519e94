import numpy as np
import pytest
from scipy.stats import norm

from selfsparse.statistics.sequential import Look, nominal_levels, take_looks

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


@pytest.mark.parametrize("looks", [(), (5, 5), (10, 5), (1, 2)])
def test_looks_have_to_rise(looks):
    with pytest.raises(ValueError, match="rise"):
        nominal_levels(looks)


@pytest.mark.parametrize(("spread", "least"), [(1.0, 0.025), (3.0, 0.030)])
def test_equal_models_are_told_apart_in_at_most_five_percent_over_all_looks(spread, least):
    """20,000 experiments of 20 runs: the standard error of the share is 0.0015. Tested at 0.05 each time it were above 0.12."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20_000, 20)), spread * rng.normal(size=(20_000, 20))
    decided = np.mean([take_looks(x, y, LOOKS)[-1].decides for x, y in zip(a, b, strict=True)])
    assert least < decided < 0.05


def test_a_look_by_hand():
    """Means 2 and 4, both variances 2.5: t = 2 / sqrt(5 / 5) = 2 with 4 degrees of freedom, whose two-sided p is 0.116."""
    (look,) = take_looks([0, 1, 2, 3, 4], [2, 3, 4, 5, 6], (5, 10))
    assert (look.n, look.difference) == (5, -2.0) and look.p == pytest.approx(0.1161, abs=1e-4)
    assert not look.decides


def test_no_look_after_the_one_that_decides_and_none_beyond_the_values():
    a = np.arange(20) % 2 * 0.1
    assert [look.n for look in take_looks(a, a + 9, LOOKS)] == [5]
    assert [look.n for look in take_looks(a, a[:12], LOOKS)] == [5, 10]
    assert take_looks(a[:4], a, LOOKS) == []


def test_equal_values_decide_nothing():
    assert not take_looks([1.0] * 5, [1.0] * 5, LOOKS)[-1].decides
    assert not Look(5, 0.0, float("nan"), 0.02).decides
