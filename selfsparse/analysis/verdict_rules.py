"""The rules of the verdicts: selfsparse/paper/claims.yaml says each in words, RULES has each in code by the same name.

A rule takes a Case, all of whose configurations have finished runs, and returns an Outcome. Tests are at LEVEL.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import numpy as np
from scipy.special import nctdtr, ndtri, stdtr, stdtrit

from selfsparse.analysis.correlation import BASELINE, SPARSE
from selfsparse.analysis.formatting import many, mean_std, number, short
from selfsparse.analysis.inference import (
    LEVEL,
    MOST_RUNS,
    Estimate,
    correlation_difference,
    decrease,
    holm,
    larger_decrease,
    pairs_for_power,
    runs_for_power,
    welch,
)
from selfsparse.analysis.names import group_label, model_label
from selfsparse.analysis.statistics import Correlation, Moments, moments, pearson
from selfsparse.analysis.verdict_measures import Measures
from selfsparse.config import Configuration
from selfsparse.paper import reported
from selfsparse.paper.printed import Claim, text_number

REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE = "reproduced", "not reproduced", "inconclusive"
HOLDS, FAILS, NOT_TESTABLE, UNKNOWABLE = "holds", "fails", "not testable", "cannot be known"
FOLLOWS, DOES_NOT_FOLLOW = "follows from the printed numbers", "does not follow from the printed numbers"
NOT_RUN, UNAVAILABLE = "not run", "data unavailable"

ROUNDING = 0.01  # printed with two decimals, rounded or cut off (U54)
POWER = 0.8
NOTHING = Estimate(math.nan, math.nan, math.nan)

Group = dict[str, Configuration]  # by model


@dataclass(frozen=True)
class Case:
    """What a rule decides on: a claim, the configurations to compare by dataset, resolution and variation, and measures."""

    claim: Claim
    groups: dict[tuple[str, int, str], Group]
    measures: Measures
    stand_in: bool = False

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
        lambda: _needed([[tests[i] for i in own] for own in open_classes], 2 * LEVEL / len(tests)),
        tests[0].unit,
        "" if all(math.isfinite(t.p) for t in tests) else "a test needs two runs that differ",
        any(ways) and not all(ways),
    )


def _needed(classes: Sequence[Sequence[Test]], level: float) -> float:
    """Return the runs that decide: for all open classes if they point the claim's way, else for one that does not."""
    forward = [_least(t.needed(level) for t in own if t.same) for own in classes]
    if all(math.isfinite(n) for n in forward):
        return max(forward, default=math.nan)
    against = [own for own in classes if not any(t.same for t in own)]
    return _least(t.needed(level) for own in against for t in own)


def _largest(values: Sequence[float]) -> float:
    """Return the largest value, NaN if one is: what is not known may be larger."""
    return float(np.max(values))


def _least(values: Iterable[float]) -> float:
    """Return the smallest value that is known."""
    return min((n for n in values if math.isfinite(n)), default=math.nan)


def runs_for_mean(m: Moments, against: float, level: float) -> float:
    """Return how many runs a two-sided t test at `level` needs to tell a mean from a number, were the moments true."""
    if not m.std > 0 or m.mean == against:
        return math.nan
    n = np.arange(2, MOST_RUNS + 1)
    found = 1 - nctdtr(n - 1, abs(m.mean - against) / m.std * np.sqrt(n), stdtrit(n - 1, 1 - level / 2))
    return float(n[np.argmax(found >= POWER)]) if (found >= POWER).any() else math.nan


# Orders of means


def lower_mean_one_sided_welch_holm(case: Case) -> Outcome:
    """The mean of one model is below that of others, in every group and quantity."""
    tests, classes = [], []
    for key, group in case.groups.items():
        for lower, higher in _comparisons(case, group):
            for quantity in case.parameters["quantities"]:
                tests.append(_lower(case, group_label(key), quantity, group[lower], group[higher]))
                classes.append(group[lower].dataset.channels)
    one_of_each = case.parameters.get("one_of_each") == "channels"
    if one_of_each and len(set(classes)) < 2:
        return Outcome(INCONCLUSIVE, why="there are no grayscale images, or no RGB ones")
    of = "steps saved, %" if "log_steps_to_level" in case.parameters["quantities"] else "decrease, %"
    return decide(tests, of, classes if one_of_each else None, "lower")


def ordering_of_three(case: Case) -> Outcome:
    """The means rise along an order of models, in every group."""
    order, quantity = case.parameters["order"], case.parameters["quantity"]
    return decide(
        [
            _lower(case, f"{group_label(key)}, {model_label(a)} and {model_label(b)}", quantity, group[a], group[b])
            for key, group in case.groups.items()
            for a, b in pairwise(order)
        ],
        "decrease, %",
        direction="lower",
    )


def _comparisons(case: Case, group: Group) -> list[tuple[str, str]]:
    """Return the models (lower, higher) to compare in a group; a stand-in takes those of the dataset like it in colour."""
    p = case.parameters
    if "comparisons" not in p:
        return [(p["lower"], higher) for higher in p["higher"]]
    image = next(iter(group.values())).dataset
    if case.stand_in:
        channels = reported().groupby("dataset")["channels"].first()
        return [(row["lower"], row["higher"]) for row in p["comparisons"] if channels[row["dataset"]] == image.channels]
    return [(row["lower"], row["higher"]) for row in p["comparisons"] if row["dataset"] == image.dataset]


def _lower(case: Case, label: str, quantity: str, a: Configuration, b: Configuration) -> Test:
    if quantity == "log_steps_to_level":
        ma, mb = (moments(x) for x in case.measures.log_steps_to_level((a, b)))
        effect = _ratio_of_logs(ma, mb)
        values = [short(math.exp(m.mean)) + " steps" if m.n else "nothing" for m in (ma, mb)]
    else:
        ma, mb = (case.measures.moments(c, quantity) for c in (a, b))
        effect = decrease(mb, ma) if ma.n and mb.n else NOTHING
        digits = 2 if "fid" in quantity else 3
        values = [mean_std(ma, digits), mean_std(mb, digits)]
    test = welch(ma, mb)
    ours = f"{model_label(a.model)} {values[0]}, {model_label(b.model)} {values[1]}"
    return Test(
        label if len(case.parameters.get("quantities", [])) < 2 else f"{label}, {quantity.replace('_bar', '')}",
        ma.mean < mb.mean if ma.n and mb.n else None,
        test.p_lower,
        1 - test.p_lower,
        effect,
        ours,
        lambda level: _runs_either_way(ma, mb, level),
    )


def _runs_either_way(a: Moments, b: Moments, level: float) -> float:
    a, b = (a, b) if a.mean < b.mean else (b, a)
    return runs_for_power(a, b, POWER, level)


def _ratio_of_logs(a: Moments, b: Moments) -> Estimate:
    """By how many percent the geometric mean of the first lies below that of the second, with a 95 % interval."""
    test = welch(a, b)
    half = _half_width(test.difference, test.t, test.df)
    ends = (test.difference, test.difference + half, test.difference - half)
    return Estimate(*(100 * (1 - math.exp(d)) for d in ends))


def _half_width(difference: float, t: float, df: float) -> float:
    return math.nan if math.isnan(t) else float(stdtrit(df, 0.975)) * abs(difference / t) if t else math.nan


def same_order(case: Case) -> Outcome:
    """The difference of means has one sign in both quantities."""
    ((_, baseline, sparse),) = case.pairs()
    found = [[case.measures.moments(c, q) for c in (sparse, baseline)] for q in case.parameters["quantities"]]
    tests = [welch(*pair) for pair in found]
    same = len({t.difference < 0 for t in tests}) == 1
    significant = all(t.p < LEVEL for t in tests)
    verdict = (REPRODUCED if same else NOT_REPRODUCED) if significant else INCONCLUSIVE
    ours = "; ".join(
        f"{count.replace('_', ' ')}: {model_label(SPARSE)} {mean_std(s)}, {model_label(BASELINE)} {mean_std(b)}"
        for count, (s, b) in zip(case.parameters["quantities"], found, strict=True)
    ).replace("fid ", "FID, ")
    return Outcome(
        verdict,
        ours,
        same if all(math.isfinite(t.difference) for t in tests) else None,
        decrease(found[-1][1], found[-1][0]),
        "decrease, %, larger sample",
        _largest([t.p for t in tests]),
        lambda: _largest(
            [_runs_either_way(*pair, LEVEL) for pair, t in zip(found, tests, strict=True) if not t.p < LEVEL]
        ),
    )


# Relative decreases


def larger_decrease_one_sided_holm(case: Case) -> Outcome:
    """The relative decrease is larger at the second resolution, for every dataset."""
    tests = []
    for dataset in dict.fromkeys(key[0] for key in case.groups):
        pairs = [
            [case.measures.moments(group[model], "best_fid") for model in (BASELINE, SPARSE)]
            for resolution in case.parameters["resolutions"]
            for key, group in case.groups.items()
            if key[:2] == (dataset, resolution)
        ]
        test = larger_decrease(*pairs)
        percents = [decrease_moments(*pair) for pair in pairs]
        half = _half_width(test.difference, test.t, test.df)
        tests.append(
            Test(
                group_label((dataset, case.parameters["resolutions"][1], "")),
                test.difference < 0,
                test.p_lower,
                1 - test.p_lower,
                Estimate(-test.difference, -test.difference - half, -test.difference + half),
                " and ".join(f"{number(m.mean)} %" for m in percents),
                lambda level, percents=percents: _runs_either_way(*percents, level),
            )
        )
    return decide(tests, "growth of the decrease, percentage points", direction="larger")


def decrease_moments(baseline: Moments, value: Moments) -> Moments:
    """Return the relative decrease in percent as if it were measured run by run, by the delta method."""
    if not baseline.mean:
        return moments([])
    ratio = value.mean / baseline.mean
    std = 100 * math.hypot(baseline.std * ratio, value.std) / abs(baseline.mean)
    return Moments(min(baseline.n, value.n), 100 * (1 - ratio), std, math.nan, math.nan)


def monotone_except(case: Case) -> Outcome:
    """Within each resolution, without the exceptions, a larger sparsity goes with a larger decrease."""
    cells: dict[int, list[tuple[str, Moments, Moments, list[Moments]]]] = {}
    for key, group in case.groups.items():
        if f"{key[0]}-{key[1]}" not in case.parameters["exceptions"]:
            pair = [case.measures.moments(group[model], "best_fid") for model in (BASELINE, SPARSE)]
            xi = case.measures.moments(group[SPARSE], "xi_bar")
            cells.setdefault(key[1], []).append((group_label(key), xi, decrease_moments(*pair), pair))
    couples = [couple for found in cells.values() for couple in combinations(found, 2)]
    reverse = [not (a[1].mean - b[1].mean) * (a[2].mean - b[2].mean) > 0 for a, b in couples]
    # A reversed pair counts where both of its differences do: the larger p of the two.
    p = [
        _largest([welch(a[1], b[1]).p, larger_decrease(a[3], b[3]).p]) if wrong else 1.0
        for (a, b), wrong in zip(couples, reverse, strict=True)
    ]
    differs = [x < LEVEL for x in holm(p)]
    verdict = NOT_REPRODUCED if any(differs) else INCONCLUSIVE if any(reverse) else REPRODUCED
    orders = [" < ".join(name for name, *_ in sorted(found, key=lambda cell: cell[1].mean)) for found in cells.values()]
    return Outcome(
        verdict,
        f"{len(couples) - sum(reverse)} of {len(couples)} pairs of cells in one order; by ξ̄: {'; '.join(orders)}",
        None
        if np.isnan([cell[i].mean for couple in couples for cell in couple for i in (1, 2)]).any()
        else not any(reverse),
        p=min(p) if any(reverse) else math.nan,
        needed=lambda: _least(
            _largest([_runs_either_way(a[i], b[i], LEVEL) for i in (1, 2)])
            for (a, b), wrong in zip(couples, reverse, strict=True)
            if wrong
        ),
        why="three cells of a resolution are in one order by chance in one of six cases",
    )


# Values


def interval_contains(case: Case) -> Outcome:
    """Our 95 % interval holds the printed value, and not the one that stands for no effect."""
    against, found = case.parameters["against"], []
    for name, printed in case.parameters["values"].items():
        estimate, p, needed, unit = _value(case, name, against)
        value = case.claim.printed[printed]
        contains = [
            estimate.low <= x + width and estimate.high >= x - width for x, width in ((value, ROUNDING), (against, 0))
        ]
        known = math.isfinite(estimate.low)
        word = INCONCLUSIVE if not known or all(contains) else REPRODUCED if contains[0] else NOT_REPRODUCED
        found.append((word, name, estimate, p, needed, unit))
    words = [word for word, *_ in found]
    verdict = next((word for word in (NOT_REPRODUCED, INCONCLUSIVE) if word in words), REPRODUCED)
    _, name, estimate, p, _, unit = found[words.index(verdict)]
    quantity = {"decrease_percent": "decrease, %", "fid_drop": "drop of FID", "xi_bar": "ξ̄", "pearson_r": "r"}
    of = quantity[case.parameters["quantity"]] + (f", {_label(name)}" if len(found) > 1 else "")
    ours = "; ".join(f"{_label(n)}: {number(e.value)}" if len(found) > 1 else number(e.value) for _, n, e, *_ in found)
    printed = {n: case.claim.printed[case.parameters["values"][n]] for n in case.parameters["values"]}
    same = all((e.value > against) == (printed[n] > against) for _, n, e, *_ in found)
    same = same if all(math.isfinite(e.value) for _, _, e, *_ in found) else None
    open_ = [needed for word, _, _, _, needed, _ in found if word == INCONCLUSIVE]
    why = "" if all(math.isfinite(e.low) for _, _, e, *_ in found) else "an interval needs more runs or pairs"
    return Outcome(verdict, ours, same, estimate, of, p, lambda: _largest([n() for n in open_]), unit, why)


def _label(name: str) -> str:
    dataset, _, resolution = name.partition("-")
    return group_label((dataset, int(resolution), "")) if resolution else model_label(name)


def _value(case: Case, name: str, against: float) -> tuple[Estimate, float, Callable[[], float], str]:
    """Return one of our values by its name in the claim, its p against `against`, and what would tell them apart."""
    quantity = case.parameters["quantity"]
    if quantity == "pearson_r":
        found = _correlation(case, int(name))
        return Estimate(found.r, found.low, found.high), found.p, lambda: pairs_for_power(found.r), "pairs"
    if quantity == "decrease_percent":
        group = next(group for key, group in case.groups.items() if f"{key[0]}-{key[1]}" == name)
        b, s = (case.measures.moments(group[model], "best_fid") for model in (BASELINE, SPARSE))
        return decrease(b, s), welch(s, b).p, lambda: _runs_either_way(s, b, LEVEL), "runs"
    (group,) = case.groups.values()
    m = case.measures.moments(group[name], quantity)
    p = _one_sample(m, against)
    return Estimate(m.mean, m.low, m.high), 2 * min(p, 1 - p), lambda: runs_for_mean(m, against, LEVEL), "runs"


def _one_sample(m: Moments, value: float) -> float:
    """Return the one-sided p of a mean above a value; without any spread the mean is exact."""
    if m.n < 2 or math.isnan(m.mean):
        return math.nan
    if m.std == 0:
        return 0.0 if m.mean > value else 1.0
    return float(stdtr(m.n - 1, -(m.mean - value) / m.std * math.sqrt(m.n)))


def share_above(case: Case) -> Outcome:
    """A share is above a value: by its 95 % interval."""
    value, quantity = case.parameters["value"], case.parameters["quantity"]
    found = [case.measures.values(c, quantity) for group in case.groups.values() for c in group.values()]
    return _by_interval(moments(np.concatenate(found)), value, above=True, of=quantity.replace("_", " "))


def signs_settle(case: Case) -> Outcome:
    """After a step, few signs of alpha and beta change; of a stand-in, after the same share of its own steps."""
    step, most = case.parameters["step"], case.parameters["most"]
    later = []
    for c in (c for group in case.groups.values() for c in group.values()):
        after = step / text_number("generator_steps") * c.train.steps if case.stand_in else step
        flips = case.measures.flips_per_1000(c)
        later.append(flips[flips["since"] >= after])
    if not all(len(t) for t in later):
        return Outcome(INCONCLUSIVE, why="no two snapshots were taken late enough")
    m = moments(np.concatenate([t.groupby("seed")["rate"].mean() for t in later]))
    outcome = _by_interval(m, most, above=False, of="share of signs per 1,000 steps")
    apart = max(float((t["until"] - t["since"]).max()) for t in later)
    why = f"snapshots are {apart:,.0f} steps apart, so that this is a lower bound" if apart > 1000 else ""
    ours = f"{outcome.ours} of the signs per 1,000 steps" if case.stand_in else outcome.ours
    return Outcome(**{**vars(outcome), "ours": ours, "why": why})


def _by_interval(m: Moments, value: float, above: bool, of: str) -> Outcome:
    """Decide whether a mean is above (or at most at) a value by the 95 % interval of the mean."""
    over, under = m.low > value, m.high <= value
    verdict = (
        REPRODUCED if (over if above else under) else NOT_REPRODUCED if (under if above else over) else INCONCLUSIVE
    )
    p = _one_sample(m, value)
    return Outcome(
        verdict,
        mean_std(m, 4),
        (m.mean > value) == above if m.n else None,
        Estimate(m.mean, m.low, m.high),
        of,
        p if above else 1 - p,
        lambda: runs_for_mean(m, value, LEVEL),
        why="" if m.n > 1 else "an interval needs two runs",
    )


# Correlations


def _correlation(case: Case, resolution: int | None = None) -> Correlation:
    """Correlate sparsity and relative decrease over the pairs of one resolution, or of all."""
    points = []
    for key, group in case.groups.items():
        if resolution in (None, key[1]):
            b, s = (case.measures.moments(group[model], "best_fid") for model in (BASELINE, SPARSE))
            points.append((case.measures.moments(group[SPARSE], "xi_bar").mean, decrease_moments(b, s).mean))
    return pearson(*zip(*points, strict=True)) if points else pearson([], [])


def correlation_positive(case: Case) -> Outcome:
    """Two quantities are correlated with the claim's sign."""
    sign, quantities = case.parameters.get("sign", 1), case.parameters["quantities"]
    if "decrease_percent" in quantities:
        found = _correlation(case)
    else:
        cells = [case.measures.stage_means(c, quantities) for group in case.groups.values() for c in group.values()]
        if len(cells) > 1:  # what differs between generators is not what differs between stages
            cells = [stages - stages.mean(axis=0) for stages in cells if len(stages)]
        found = pearson(*np.concatenate(cells).T) if cells else pearson([], [])
    p = found.p / 2 if sign * found.r > 0 else 1 - found.p / 2
    test = Test(
        "all pairs",
        sign * found.r > 0,
        p,
        1 - p,
        Estimate(found.r, found.low, found.high),
        f"r = {number(found.r)} over {found.n} points",
        lambda level: pairs_for_power(found.r, POWER, level),
        "points",
    )
    return _named(decide([test], "r"), found.r)


def larger_correlation(case: Case) -> Outcome:
    """The correlation is larger at the second resolution."""
    first, second = (_correlation(case, resolution) for resolution in case.parameters["resolutions"])
    z, p = correlation_difference(first, second)
    change = math.atanh(second.r) - math.atanh(first.r) if math.isfinite(z) else math.nan
    test = Test(
        "both resolutions",
        second.r > first.r,
        p,
        1 - p,
        Estimate(second.r - first.r, math.nan, math.nan),
        f"r = {number(first.r)} and {number(second.r)}",
        lambda level: float(math.ceil(2 * ((ndtri(1 - level / 2) + ndtri(POWER)) / change) ** 2 + 3)),
        "pairs at each resolution",
    )
    return _named(decide([test], "difference of r"), z)


def _named(outcome: Outcome, r: float) -> Outcome:
    return (
        outcome if math.isfinite(r) else Outcome(**{**vars(outcome), "same": None, "why": "too few points that differ"})
    )


# What the module does


def zero_and_above(case: Case) -> Outcome:
    """A quantity is exactly zero in one model and above zero in the other, at every size."""
    p, failed, every, ours, compared = case.parameters, [], True, [], 0
    for group in case.groups.values():
        zero, above = (case.measures.by_size(group[p[role]], p["quantity"]) for role in ("zero", "above"))
        sizes = [size for size in p["sizes"] if size in above or not case.stand_in]
        if not all(size in zero and size in above for size in sizes) or not sizes:
            return Outcome(INCONCLUSIVE, why="not every size was measured")
        compared += len(sizes)
        failed += [size for size in sizes if not above[size].mean() > 0 or zero[size].mean() > 0]
        every = every and all((above[size] > 0).all() for size in sizes)
        ours.append(", ".join(f"{number(above[size].mean(), 3)} at {size}" for size in sizes))
    verdict = NOT_REPRODUCED if failed else REPRODUCED if every else INCONCLUSIVE
    why = (
        f"not at {', '.join(map(str, dict.fromkeys(failed)))} pixels" if failed else "" if every else "not in every run"
    )
    ours_text = f"ζ of {model_label(p['above'])}: {'; '.join(ours)}"
    return Outcome(verdict, ours_text, not failed, why=why, mixed=0 < len(failed) < compared)


def shared_zero_mask(case: Case) -> Outcome:
    """Channels of one layer are zero at the same positions, at one size at least."""
    runs, shared = [], []
    for group in case.groups.values():
        for c in group.values():
            maps = case.measures.maps(c)
            sizes = [size for size in case.parameters["sizes"] if size in maps and _same_zeros(maps[size])]
            runs += [bool(sizes)] if maps else []
            shared += sizes
    if not runs:
        return Outcome(INCONCLUSIVE, why="no feature maps were kept")
    verdict = REPRODUCED if all(runs) else INCONCLUSIVE if any(runs) else NOT_REPRODUCED
    at = f"at {', '.join(str(size) for size in sorted(set(shared)))} pixels" if shared else "at no size"
    return Outcome(
        verdict, f"zeros shared by channels {at}", any(runs), why="the maps kept are those of one latent and run"
    )


def _same_zeros(x: np.ndarray) -> bool:
    """Whether two channels of x (channels, H, W) have zeros at the same positions, neither none nor all."""
    masks = [(channel == 0).tobytes() for channel in x if 0 < (channel == 0).mean() < 1]
    return len(set(masks)) < len(masks)


def net_saving(case: Case) -> Outcome:
    """The generator without the kernels of dead channels has fewer parameters than the baseline's."""
    ((_, baseline, sparse),) = case.pairs()
    total, free = case.measures.values(sparse, "generator_parameters"), case.measures.free_kernel_weights(sparse)
    if len(total) != len(free) or not len(free):
        return Outcome(INCONCLUSIVE, why="dead channels were not counted in every run")
    reference = case.measures.moments(baseline, "generator_parameters").mean
    m = moments(reference - (total - free))
    p = _one_sample(m, 0)
    test = Test(
        "parameters", m.mean > 0, p, 1 - p, Estimate(m.mean, m.low, m.high),
        f"{model_label(SPARSE)} {short((total - free).mean())} of {short(total.mean())} parameters, "
        f"{model_label(BASELINE)} {short(reference)}",
        lambda level: runs_for_mean(m, 0, level),
    )  # fmt: skip
    return decide([test], "parameters saved")


# Proof, print, and what cannot be tested


def proof(case: Case) -> Outcome:
    """The claim's proof, run on the library's own code. Where it holds, no deviation is told: a CPU rounds its own way."""
    from selfsparse.paper.proofs import prove  # late: it imports torch

    found = prove(case.claim.id, case.measures.results.configurations if case.measures.results else ())
    if found.holds:
        within = f" within {found.tolerance:g}" if found.tolerance else ""
        return Outcome(HOLDS, f"{many(found.compared, 'comparison')}, all equal{within}")
    ours = f"largest deviation {found.deviation:.2g}, of at most {found.tolerance:g}, in {found.where}"
    return Outcome(FAILS, ours, why="this code does not do what the paper proves")


def computed_from_print(case: Case) -> Outcome:
    """Whether the claim follows from the paper's own numbers: the audit's finding."""
    from selfsparse.analysis.audit_findings import FOLLOWS as AUDIT_FOLLOWS
    from selfsparse.analysis.audit_findings import finding  # late: it draws figures

    found = finding(case.parameters["finding"])
    words = {AUDIT_FOLLOWS: FOLLOWS, UNKNOWABLE: UNKNOWABLE}
    return Outcome(words.get(found.verdict, DOES_NOT_FOLLOW), found.computed)


def not_testable(case: Case) -> Outcome:
    """Nothing could decide it."""
    return Outcome(NOT_TESTABLE, why=case.parameters["why"])


RULES: dict[str, Callable[[Case], Outcome]] = {
    rule.__name__: rule
    for rule in (
        lower_mean_one_sided_welch_holm, ordering_of_three, larger_decrease_one_sided_holm, interval_contains,
        correlation_positive, larger_correlation, monotone_except, same_order, zero_and_above, shared_zero_mask,
        net_saving, signs_settle, share_above, proof, computed_from_print, not_testable,
    )
}  # fmt: skip
WITHOUT_RUNS = {"proof", "computed_from_print", "not_testable"}  # rules that read no run
