"""What a rule decides on, what it says, and how several comparisons make one verdict. Tests are at LEVEL.

The evidence is each quantity that claims.yaml names, run by run, from a suite's summary.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.core.groupby import SeriesGroupBy

from selfsparse.config import Configuration
from selfsparse.paper import paper_moments
from selfsparse.paper.printed import Claim
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.mechanism import last_snapshot, layers
from selfsparse.results.reading import Results, RunCount
from selfsparse.statistics.inference import LEVEL, holm, runs_for_power, welch
from selfsparse.statistics.moments import Estimate, Moments, moments
from selfsparse.statistics.runs import p_above, runs_for_mean

REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE = "reproduced", "not reproduced", "inconclusive"
NOT_RUN, UNAVAILABLE = "not run", "data unavailable"
HOLDS, FAILS = "holds", "fails"  # of what is proven, or computed from the printed numbers alone

NOTHING = Estimate(math.nan, math.nan, math.nan)

Group = dict[str, Configuration]  # by model

# Evidence

# Column of mechanism.csv, and whether its growth over training is meant; else its value at the last snapshot.
FINALS = {
    "zero_gradient_share": ("zero_gradient", False),
    "negative_weight_share": ("weight_negative", False),
    "negative_weight_growth": ("weight_negative", True),
}
OF_STAGES = {"bn_negative_share": ("negative_given_positive", False), "position_zero_growth": ("beta_zero", True)}


class Evidence:
    """The finished runs of one suite; what has not been measured has no values."""

    def __init__(self, results: Results):
        self.results = results
        self._moments: dict[tuple[str, str], Moments] = {}
        self._counts: dict[str, RunCount] = {}

    def count(self, c: Configuration) -> RunCount:
        """Count a configuration's finished, diverged and missing runs."""
        if c.name not in self._counts:
            self._counts[c.name] = self.results.count(c)
        return self._counts[c.name]

    def moments(self, c: Configuration, quantity: str) -> Moments:
        """Summarise a quantity over a configuration's finished runs."""
        key = c.name, quantity
        if key not in self._moments:
            self._moments[key] = moments(self.values(c, quantity))
        return self._moments[key]

    def has(self, c: Configuration, quantity: str) -> bool:
        """Whether a quantity was measured in a configuration, which may have no such part: a ResNet's stages end in no BN."""
        return len(self.by_part(c, quantity) if quantity in OF_STAGES else self.values(c, quantity)) > 0

    def values(self, c: Configuration, quantity: str) -> np.ndarray:
        """Return a quantity of each finished run, in the order of the seeds."""
        if quantity == "best_fid":
            found = self.results.best_in_training(c)
        elif quantity in ("fid_small", "fid_large"):
            found = self._fid(c, quantity == "fid_large")
        elif quantity == "fid_drop":
            found = self._fid(c, large=False) - self._fid(c, large=True)
        elif quantity == "xi_bar":
            found = self.results.sparsity_of(c)
        elif quantity == "zeta":
            found = self._finished("sparsity", c).groupby("seed")["zeta"].mean()
        elif quantity in FINALS:
            column, growth = FINALS[quantity]
            found = self._at_end(c, column, growth).groupby("seed")[column].mean()
        elif quantity == "signs_largest":  # share of signs that differ: the most at any snapshot after the claimed step
            found = self._signs(c).max()
        elif quantity == "signs_last":
            found = self._signs(c).last()
        elif quantity == "free_weights":  # of kernels to or from channels that are zero for the whole probe
            runs = last_snapshot(self.results, c).groupby("seed")
            found = pd.Series([layers(c, run)["saved"].sum() for _, run in runs], dtype=float)
        elif quantity in ("generator_parameters", "sastm_parameters"):
            found = self._finished("runs", c).sort_values("seed")[quantity]
        else:
            found = pd.Series(dtype=float)  # nothing in a summary tells
        return found.astype(float).dropna().to_numpy()

    def log_steps_to_level(self, pair: Sequence[Configuration]) -> list[np.ndarray]:
        """Return, per configuration, log of the first step at which a run's FID is at the level that all runs reach."""
        curves = [self._finished("curves", c).dropna(subset=["fid"]) for c in pair]
        lows = [run["fid"].min() for table in curves for _, run in table.groupby("seed")]
        reached = [table[table["fid"] <= max(lows, default=math.nan)] for table in curves]
        return [np.log(np.maximum(t.groupby("seed")["step"].min().to_numpy(float), 1)) for t in reached]

    def by_part(self, c: Configuration, quantity: str) -> dict[int, np.ndarray]:
        """Return a quantity of each finished run by stage: at the end of training, or its growth; xi and zeta by the maps' size."""
        if quantity in OF_STAGES:
            column, growth = OF_STAGES[quantity]
            rows, part = self._at_end(c, column, growth), "stage"
        else:
            rows, column, part = self._finished("sparsity", c), quantity, "size"
        parts = rows.dropna(subset=[column]).groupby(part)
        return {int(name): own.sort_values("seed")[column].to_numpy(float) for name, own in parts}

    def _at_end(self, c: Configuration, column: str, growth: bool) -> pd.DataFrame:
        """Return, per seed and stage, a column at the last snapshot, or how much larger it is there than at the first."""
        if not growth:
            return last_snapshot(self.results, c)
        runs = self._finished("mechanism", c).sort_values("step").groupby(["seed", "stage"])[column]
        return (runs.last().astype(float) - runs.first().astype(float)).reset_index()

    def _signs(self, c: Configuration) -> SeriesGroupBy:
        """Return, per seed, how many signs of alpha and beta, as a share, differ from those at the step by which they should have settled.

        One value for each later snapshot. Training notes the signs at that step (SETTLING_SHARE of its steps), on the probe
        latents of every run.
        """
        rows = self._finished("mechanism", c)
        weights = {"alpha": rows["channels"], "beta": rows["size"] ** 2}  # coefficients per latent
        known = {head: rows[f"{head}_differs"].astype(float) for head in weights}
        signs = sum(n.where(known[head].notna(), 0) for head, n in weights.items())
        changed = sum((n * known[head]).fillna(0) for head, n in weights.items())
        sums = pd.DataFrame({"seed": rows["seed"], "step": rows["step"], "signs": signs, "changed": changed})
        sums = sums.groupby(["seed", "step"]).sum().query("signs > 0")
        return (sums["changed"] / sums["signs"]).groupby("seed")

    def _finished(self, table: str, c: Configuration) -> pd.DataFrame:
        return self.results.finished(getattr(self.results, table), c)

    def _fid(self, c: Configuration, large: bool) -> pd.Series:
        return self.results.re_evaluated(c, "best", c.extractor.samples[large])


# Case and outcome


@dataclass(frozen=True)
class Case:
    """What a rule decides on: a claim, the configurations to compare by dataset, resolution and variation, and the evidence.

    `paper` returns the printed FID of a configuration by its name.
    """

    claim: Claim
    groups: dict[tuple[str, int, str], Group]
    evidence: Evidence
    stand_in: bool = False
    paper: Callable[[str], Moments] = paper_moments

    @property
    def parameters(self) -> dict:
        """The numbers of the claim's rule."""
        return self.claim.parameters

    def pairs(self, quantity: str) -> list[tuple[Moments, Moments]]:
        """Return a quantity of WGAN-GP and of Self-Sparse GAN in every group."""
        return [self.pair(group, quantity) for group in self.groups.values()]

    def pair(self, group: Group, quantity: str = "best_fid") -> tuple[Moments, Moments]:
        """Return a quantity of WGAN-GP and of Self-Sparse GAN in one group."""
        return self.evidence.moments(group[BASELINE], quantity), self.evidence.moments(group[SPARSE], quantity)


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
class Comparison:
    """One comparison: the claim's way or not (None: not measured), its one-sided p, and the runs that a level needs.

    `reverse` is the p of the other way, 1 - p where it is None.
    """

    label: str
    same: bool | None
    p: float
    effect: Estimate
    ours: str
    needed: Callable[[float], float]
    unit: str = "runs"
    reverse: float | None = None

    @property
    def p_reverse(self) -> float:
        """The p of the other way."""
        return 1 - self.p if self.reverse is None else self.reverse


def lower(label: str, a: Moments, b: Moments, effect: Estimate, ours: str) -> Comparison:
    """Welch's test that the mean of a is below that of b."""
    same = a.mean < b.mean if a.n and b.n else None
    return Comparison(label, same, welch(a, b).p_lower, effect, ours, lambda level: runs_for_power(a, b, level))


def above_zero(label: str, m: Moments, ours: str) -> Comparison:
    """A t test that a mean is above zero."""
    effect, same = Estimate(m.mean, m.low, m.high), m.mean > 0 if m.n else None
    return Comparison(label, same, p_above(m, 0), effect, ours, lambda level: runs_for_mean(m, 0, level))


def decide(
    tests: Sequence[Comparison], of: str, classes: Sequence | None = None, direction: str = "as claimed"
) -> Outcome:
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


def needed_of(classes: Sequence[Sequence[Comparison]], level: float) -> float:
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
