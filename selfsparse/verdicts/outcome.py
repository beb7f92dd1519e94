"""What a rule decides on, what it says, and how several comparisons make one verdict. Tests are at LEVEL."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import nctdtr, stdtr, stdtrit

from selfsparse.config import Configuration
from selfsparse.paper import paper_moments
from selfsparse.paper.printed import Claim
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.text import group_label
from selfsparse.statistics.inference import LEVEL, MOST_RUNS, holm, runs_for_power
from selfsparse.statistics.moments import Estimate, Moments
from selfsparse.verdicts.measures import Measures

REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE = "reproduced", "not reproduced", "inconclusive"
NOT_RUN, UNAVAILABLE = "not run", "data unavailable"
HOLDS, FAILS = "holds", "fails"  # of what is proven, or computed from the printed numbers alone

POWER = 0.8
NOTHING = Estimate(math.nan, math.nan, math.nan)

Group = dict[str, Configuration]  # by model


@dataclass(frozen=True)
class Case:
    """What a rule decides on: a claim, the configurations to compare by dataset, resolution and variation, and measures.

    `paper` returns the printed FID of a configuration by its name.
    """

    claim: Claim
    groups: dict[tuple[str, int, str], Group]
    measures: Measures
    stand_in: bool = False
    paper: Callable[[str], Moments] = paper_moments

    @property
    def parameters(self) -> dict:
        """The numbers of the claim's rule."""
        return self.claim.parameters

    def pairs(self) -> list[tuple[str, Configuration, Configuration]]:
        """Return label, WGAN-GP and Self-Sparse GAN of every group."""
        return [(group_label(key), group[BASELINE], group[SPARSE]) for key, group in self.groups.items()]


@dataclass(frozen=True)
class Outcome:
    """What a rule says.

    Attributes:
        verdict: one of the words above.
        ours: what we measured, in words.
        same: whether our means point the claim's way, all that it compares; None where they cannot.
        mixed: whether some of them do and some do not.
        effect: the comparison that decides, with its 95 % interval, in what `of` says.
        p: its p for the claim, one-sided, corrected where several are compared.
        needed: how many runs of each model, or `unit`, would decide an inconclusive verdict at 80 % power.
        margin: how far from the print still counts as close, in the unit of `effect`; NaN where closeness is not asked for.
        why: why it is so, where the numbers do not say it.
    """

    verdict: str
    ours: str = ""
    same: bool | None = None
    effect: Estimate = NOTHING
    of: str = ""
    p: float = math.nan
    needed: Callable[[], float] = field(default=lambda: math.nan, compare=False)
    unit: str = "runs"
    why: str = ""
    mixed: bool = False
    margin: float = math.nan


@dataclass(frozen=True)
class Test:
    """One comparison: the claim's way or not (None: not measured), p for it and for its reverse, and runs for a level."""

    __test__ = False  # nothing for pytest to collect

    label: str
    same: bool | None
    p: float
    p_reverse: float
    effect: Estimate
    ours: str
    needed: Callable[[float], float]
    unit: str = "runs"


def decide(tests: Sequence[Test], of: str, classes: Sequence | None = None, direction: str = "as claimed") -> Outcome:
    """Decide from one-sided tests with Holm's correction: in every class one at least must hold.

    Without classes, each test is its own: all must hold. The reverse counts where no test of its class holds.

    Args:
        tests: the comparisons.
        of: what their effects are in, for the reader.
        classes: the class of each test.
        direction: how the claim's way is called: `lower`.
    """
    if not tests:
        return Outcome(INCONCLUSIVE, why="nothing to compare was measured")
    forward, backward = holm([t.p for t in tests]), holm([t.p_reverse for t in tests])
    members: dict = {}
    for i, name in enumerate(classes if classes is not None else range(len(tests))):
        members.setdefault(name, []).append(i)
    open_classes = [own for own in members.values() if not any(forward[i] < LEVEL for i in own)]
    reversed_ = [i for own in open_classes for i in own if backward[i] < LEVEL]
    best = [min(own, key=lambda i: (math.isnan(forward[i]), forward[i])) for own in members.values()]
    shown = max(best, key=lambda i: (math.isnan(forward[i]), forward[i]))
    verdict = REPRODUCED if not open_classes else INCONCLUSIVE
    if reversed_:
        verdict, shown = NOT_REPRODUCED, min(reversed_, key=lambda i: backward[i])
    agree, hold = sum(t.same is True for t in tests), sum(p < LEVEL for p in forward)
    many = f"{direction} in {agree} of {len(tests)} comparisons, significantly in {hold}"
    ways = [any(tests[i].same for i in own) for own in members.values()]
    return Outcome(
        verdict,
        tests[0].ours if len(tests) == 1 else many,
        None if any(t.same is None for t in tests) else all(ways),
        tests[shown].effect,
        of if len(tests) == 1 else f"{of}, {tests[shown].label}",
        forward[shown],
        lambda: needed_of([[tests[i] for i in own] for own in open_classes], 2 * LEVEL / len(tests)),
        tests[0].unit,
        "" if all(math.isfinite(t.p) for t in tests) else "a test needs two runs that differ",
        any(ways) and not all(ways),
    )


def needed_of(classes: Sequence[Sequence[Test]], level: float) -> float:
    """Return the runs that decide: for all open classes if they point the claim's way, else for one that does not."""
    forward = [least(t.needed(level) for t in own if t.same) for own in classes]
    if all(math.isfinite(n) for n in forward):
        return max(forward, default=math.nan)
    against = [own for own in classes if not any(t.same for t in own)]
    return least(t.needed(level) for own in against for t in own)


def largest(values: Sequence[float]) -> float:
    """Return the largest value, NaN if one is: what is not known may be larger."""
    return float(np.max(values))


def least(values: Iterable[float]) -> float:
    """Return the smallest value that is known."""
    return min((n for n in values if math.isfinite(n)), default=math.nan)


def runs_either_way(a: Moments, b: Moments, level: float) -> float:
    """Return how many runs each tell two means apart, whichever is the lower."""
    a, b = (a, b) if a.mean < b.mean else (b, a)
    return runs_for_power(a, b, POWER, level)


def runs_for_mean(m: Moments, against: float, level: float) -> float:
    """Return how many runs a two-sided t test at `level` needs to tell a mean from a number, were the moments true."""
    if not m.std > 0 or m.mean == against:
        return math.nan
    n = np.arange(2, MOST_RUNS + 1)
    found = 1 - nctdtr(n - 1, abs(m.mean - against) / m.std * np.sqrt(n), stdtrit(n - 1, 1 - level / 2))
    return float(n[np.argmax(found >= POWER)]) if (found >= POWER).any() else math.nan


def p_above(m: Moments, value: float) -> float:
    """Return the one-sided p of a mean above a value; without any spread the mean is exact."""
    if m.n < 2 or math.isnan(m.mean):
        return math.nan
    if m.std == 0:
        return 0.0 if m.mean > value else 1.0
    return float(stdtr(m.n - 1, -(m.mean - value) / m.std * math.sqrt(m.n)))
