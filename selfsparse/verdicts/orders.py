"""Rules on which of two means is the lower, or which of two decreases the larger.

A run that diverged has no FID: it ranks behind all that finished, and the comparison is by ranks then.
"""

import math
from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise

import numpy as np
from scipy.special import ndtr, ndtri

from selfsparse.config import Configuration
from selfsparse.paper import reported
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.text import group_label, mean_std, model_label, number, short
from selfsparse.statistics.inference import (
    LEVEL,
    Difference,
    decrease,
    larger_decrease,
    rank_test,
    runs_for_power,
    runs_for_ranks,
    welch,
)
from selfsparse.statistics.moments import Estimate, Moments, moments
from selfsparse.statistics.runs import (
    decrease_moments,
    fewer,
    log_spread_ratio,
    ratio_of_logs,
    runs_for_shares,
    runs_for_spread,
)
from selfsparse.verdicts.case import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOTHING,
    REPRODUCED,
    Case,
    Comparison,
    Group,
    Outcome,
    above_zero,
    decide,
    largest,
    lower,
)

RANKED = {"best_fid", "fid_small", "fid_large", "log_steps_to_level"}  # worst in a run that diverged


def lower_mean_one_sided_welch_holm(case: Case) -> Outcome:
    """The mean of one model is below that of others, in every group and quantity."""
    tests, classes = [], []
    for key, group in case.groups.items():
        for a, b in _comparisons(case, group):
            for quantity in case.parameters["quantities"]:
                tests.append(_lower(case, group_label(key), quantity, group[a], group[b]))
                classes.append(group[a].dataset.channels)
    one_of_each = case.parameters.get("one_of_each") == "channels"
    if one_of_each and len(set(classes)) < 2:
        return Outcome(INCONCLUSIVE, why="there are no grayscale images, or no RGB ones")
    of = "steps saved, %" if "log_steps_to_level" in case.parameters["quantities"] else "decrease, %"
    return decide(tests, of, classes if one_of_each else None, "lower")


def ordering_of_three(case: Case) -> Outcome:
    """The means rise along an order of models, in every group."""
    tests = [
        _lower(case, f"{group_label(key)}, {model_label(a)} and {model_label(b)}", case.parameters["quantity"], group[a], group[b])
        for key, group in case.groups.items()
        for a, b in pairwise(case.parameters["order"])
    ]  # fmt: skip
    return decide(tests, "decrease, %", direction="lower")


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


def _lower(case: Case, label: str, quantity: str, a: Configuration, b: Configuration) -> Comparison:
    label = label if len(case.parameters.get("quantities", [])) < 2 else f"{label}, {quantity.replace('_bar', '')}"
    diverged = [case.evidence.count(c).diverged for c in (a, b)]
    if any(diverged):
        return _lower_rank(case, label, quantity, (a, b), diverged)
    if quantity == "log_steps_to_level":
        ma, mb = (moments(x) for x in case.evidence.log_steps_to_level((a, b)))
        effect = ratio_of_logs(ma, mb)
        values = [short(math.exp(m.mean)) + " steps" if m.n else "nothing" for m in (ma, mb)]
    else:
        ma, mb = (case.evidence.moments(c, quantity) for c in (a, b))
        effect = decrease(mb, ma) if ma.n and mb.n else NOTHING
        values = [mean_std(m, 2 if "fid" in quantity else 3) for m in (ma, mb)]
    ours = f"{model_label(a.model)} {values[0]}, {model_label(b.model)} {values[1]}"
    return lower(label, ma, mb, effect, ours)


def _lower_rank(
    case: Case, label: str, quantity: str, pair: tuple[Configuration, Configuration], diverged: list[int]
) -> Comparison:
    if quantity == "log_steps_to_level":
        finished = case.evidence.log_steps_to_level(pair)
    else:
        finished = [case.evidence.values(c, quantity) for c in pair]
    counted = [np.append(x, [math.inf] * n) for x, n in zip(finished, diverged, strict=True)]
    share, p, reverse = rank_test(*counted)
    values = [
        f"{model_label(c.model)} {mean_std(moments(x)) if len(x) else 'none'} in {len(x)} of {len(every)} runs"
        for c, x, every in zip(pair, finished, counted, strict=True)
    ]
    ours = f"{', '.join(values)}; lower in {100 * share:.0f} % of their pairs"
    same: bool | None = share > 0.5
    if any(len(x) != case.evidence.count(c).finished for x, c in zip(finished, pair, strict=True)):
        same, p, reverse = None, math.nan, math.nan  # a run has finished, and nobody measured it
    return Comparison(label, same, p, NOTHING, ours, lambda level: runs_for_ranks(share, level), reverse=reverse)


def same_order(case: Case) -> Outcome:
    """The difference of means has one sign in both quantities."""
    quantities = case.parameters["quantities"]
    found = [pair for quantity in quantities for pair in case.pairs(quantity)]  # of one cell
    tests = [welch(sparse, baseline) for baseline, sparse in found]
    same = len({t.value < 0 for t in tests}) == 1
    verdict = INCONCLUSIVE
    if all(t.p < LEVEL for t in tests):
        verdict = REPRODUCED if same else NOT_REPRODUCED
    ours = "; ".join(
        f"{count.replace('_', ' ')}: {model_label(SPARSE)} {mean_std(s)}, {model_label(BASELINE)} {mean_std(b)}"
        for count, (b, s) in zip(quantities, found, strict=True)
    ).replace("fid ", "FID, ")
    open_ = [pair for pair, t in zip(found, tests, strict=True) if not t.p < LEVEL]
    return Outcome(
        verdict,
        ours,
        same if all(math.isfinite(t.value) for t in tests) else None,
        decrease(*found[-1]),
        "decrease, %, larger sample",
        largest([t.p for t in tests]),
        lambda: largest([runs_for_power(*pair, LEVEL) for pair in open_]),
        why="" if all(math.isfinite(t.p) for t in tests) else "a test needs two runs that differ",
    )


# Relative decreases


def larger_decrease_one_sided_holm(case: Case) -> Outcome:
    """The relative decrease is larger at the second resolution, for every dataset."""
    tests = []
    for dataset in dict.fromkeys(key[0] for key in case.groups):
        cells = {key[:2]: group for key, group in case.groups.items()}
        pairs = [case.pair(cells[dataset, resolution]) for resolution in case.parameters["resolutions"]]
        label = group_label((dataset, case.parameters["resolutions"][1], ""))
        test, percents = larger_decrease(*pairs), [decrease_moments(*pair) for pair in pairs]
        ours = " and ".join(f"{number(m.mean)} %" for m in percents)
        needed = partial(runs_for_power, percents[0], percents[1])
        tests.append(Comparison(label, test.value < 0, test.p_lower, _growth(test), ours, needed))
    return decide(tests, "growth of the decrease, percentage points", direction="larger")


def _growth(test: Difference) -> Estimate:
    """By how much the second mean of a test is above the first, with a 95 % interval."""
    return Estimate(-test.value, -test.high, -test.low)


def monotone_except(case: Case) -> Outcome:
    """Within each resolution, without the exceptions, a larger sparsity goes with a larger decrease: in every pair of cells."""
    cells: dict[int, list[tuple[str, Moments, tuple[Moments, Moments]]]] = {}
    for key, group in case.groups.items():
        if f"{key[0]}-{key[1]}" not in case.parameters["exceptions"]:
            xi = case.evidence.moments(group[SPARSE], "xi_bar")
            cells.setdefault(key[1], []).append((group_label(key), xi, case.pair(group)))
    sparsest_last = [sorted(found, key=lambda cell: cell[1].mean) for found in cells.values()]
    tests = [
        _one_order(*sorted(couple, key=lambda cell: cell[1].mean))
        for found in cells.values()
        for couple in combinations(found, 2)
    ]
    outcome = decide(tests, "growth of the decrease with ξ̄, percentage points", direction="in one order")
    orders = "; ".join(" < ".join(name for name, *_ in found) for found in sparsest_last)
    chance = "the cells left at each resolution are all in one order by chance in one of 36 cases"
    why = f"{outcome.why}; {chance}" if outcome.why else chance
    return replace(outcome, ours=f"{outcome.ours}; by ξ̄: {orders}", why=why)


def _one_order(less: tuple, more: tuple) -> Comparison:
    """Test that of two cells (label, ξ̄, pair) the sparser has the larger decrease: both differences, with one sign."""
    xi, decreases = welch(less[1], more[1]), larger_decrease(less[2], more[2])
    (xi_rises, xi_falls), (rises, falls) = ((t.p_lower, 1 - t.p_lower) for t in (xi, decreases))
    percents = [decrease_moments(*cell[2]) for cell in (less, more)]
    unknown = math.isnan(xi.value) or math.isnan(decreases.value)
    return Comparison(
        f"{less[0]} and {more[0]}",
        None if unknown else xi.value * decreases.value > 0,
        _smaller_of_larger((xi_rises, rises), (xi_falls, falls)),
        _growth(decreases),
        "",
        lambda level: largest(
            [runs_for_power(less[1], more[1], level), runs_for_power(percents[0], percents[1], level)]
        ),
        reverse=_smaller_of_larger((xi_rises, falls), (xi_falls, rises)),
    )


def _smaller_of_larger(*pairs: tuple[float, float]) -> float:
    return float(np.min([np.max(pair) for pair in pairs]))


# Spread


def smaller_spread(case: Case) -> Outcome:
    """Over seeds, Self-Sparse GAN's FIDs spread less than WGAN-GP's, relative to their means: the logs of both, over all groups.

    Where runs have diverged, that is the instability: fewer of Self-Sparse GAN's have to, by Fisher's exact test.
    """
    counts = [[case.evidence.count(group[m]) for group in case.groups.values()] for m in (BASELINE, SPARSE)]
    diverged = [sum(n.diverged for n in own) for own in counts]
    if any(diverged):
        every = [sum(n.finished + n.diverged for n in own) for own in counts]
        of = "diverged runs fewer, percentage points"
        return decide([_fewer_diverged(diverged, every, len(case.groups))], of, direction="fewer")
    found = case.pairs("best_fid")
    if not all(m.n > 1 and m.std > 0 for pair in found for m in pair):
        return Outcome(INCONCLUSIVE, same=False, why="a spread needs two runs that differ in every cell")
    value, error = log_spread_ratio(found)
    half = float(ndtri(0.975)) * error
    effect = Estimate(*(100 * (1 - math.exp(x / 2)) for x in (value, value + half, value - half)))
    smaller = sum(sparse.std / sparse.mean < baseline.std / baseline.mean for baseline, sparse in found)
    ours, p = f"smaller in {smaller} of {len(found)} cells", float(ndtr(value / error))
    test = Comparison("spread", value < 0, p, effect, ours, lambda level: runs_for_spread(value, len(found), level))
    return decide([test], "relative standard deviation smaller, %", direction="smaller")


def _fewer_diverged(diverged: list[int], every: list[int], cells: int) -> Comparison:
    """Test that fewer of the second have diverged, from (WGAN-GP, Self-Sparse GAN) over so many cells."""
    p, reverse = fewer(diverged, every)
    shares = [d / n for d, n in zip(diverged, every, strict=True)]
    ours = f"diverged: {model_label(SPARSE)} {diverged[1]} of {every[1]}, {model_label(BASELINE)} {diverged[0]} of {every[0]}"
    effect = Estimate(100 * (shares[0] - shares[1]), math.nan, math.nan)
    needed = lambda level: runs_for_shares(shares, cells, level)  # noqa: E731
    return Comparison("diverged", shares[1] < shares[0], p, effect, ours, needed, reverse=reverse)


# Changes over training


def lower_in_every_stage(case: Case) -> Outcome:
    """In every stage of the generators the mean of one model is below the other's: stages are not compared with each other.

    A stage in which both are exactly zero in every run has nothing to compare.
    """
    tests, p = [], case.parameters
    for key, group in case.groups.items():
        less, more = (case.evidence.by_part(group[p[role]], p["quantity"]) for role in ("lower", "higher"))
        for stage in sorted(less.keys() & more.keys()):
            if less[stage].any() or more[stage].any():
                a, b = moments(less[stage]), moments(more[stage])
                ours = f"{mean_std(a, 3)} against {mean_std(b, 3)}"
                tests.append(lower(f"{group_label(key)}, stage {stage}", a, b, decrease(b, a), ours))
    return decide(tests, "decrease, %", direction="lower")


def grows_in_a_stage(case: Case) -> Outcome:
    """In one stage at least, a share is larger at the end of training than at its start, in the same runs."""
    tests, classes = [], []
    for key, group in case.groups.items():
        for c in group.values():
            for stage, values in case.evidence.by_part(c, case.parameters["quantity"]).items():
                m = moments(values)
                tests.append(above_zero(f"{group_label(key)}, stage {stage}", m, f"{m.mean:+.3f}"))
                classes.append(key)
    return decide(tests, "growth of the share", classes, "larger")


def falls_and_is_lower(case: Case) -> Outcome:
    """A share falls during the training of one model, and ends below the other's."""
    tests, p = [], case.parameters
    for key, group in case.groups.items():
        growth = case.evidence.moments(group[p["lower"]], p["quantity"].replace("_share", "_growth"))
        fallen = Moments(growth.n, -growth.mean, growth.std, -growth.high, -growth.low)
        tests.append(above_zero(f"{group_label(key)}, from start to end", fallen, f"{growth.mean:+.3f}"))
        a, b = (case.evidence.moments(group[p[role]], p["quantity"]) for role in ("lower", "higher"))
        effect = Estimate(b.mean - a.mean, math.nan, math.nan)
        ours = f"{mean_std(a, 3)} against {mean_std(b, 3)}"
        tests.append(lower(f"{group_label(key)}, both models at the end", a, b, effect, ours))
    outcome = decide(tests, "fall of the share", direction="lower")
    told = "; ".join(f"{test.label}: {test.ours}" for test in tests)
    return replace(outcome, ours=f"{outcome.ours}: {told}")
