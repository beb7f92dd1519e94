"""Rules on which of two means is the lower, or which of two decreases the larger.

A run that diverged has no FID: it ranks behind all that finished, and the comparison is by ranks then.
"""

import math
from itertools import combinations, pairwise

import numpy as np
from scipy.special import digamma, ndtr, ndtri, polygamma, stdtrit

from selfsparse.config import Configuration
from selfsparse.paper import reported
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.text import group_label, mean_std, model_label, number, short
from selfsparse.statistics.inference import (
    LEVEL,
    MOST_RUNS,
    decrease,
    larger_decrease,
    rank_test,
    runs_for_ranks,
    welch,
)
from selfsparse.statistics.moments import Estimate, Moments, moments
from selfsparse.verdicts.outcome import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOTHING,
    POWER,
    REPRODUCED,
    Case,
    Group,
    Outcome,
    Test,
    decide,
    largest,
    p_above,
    runs_either_way,
    runs_for_mean,
)

RANKED = {"best_fid", "fid_small", "fid_large", "log_steps_to_level"}  # worst in a run that diverged


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
    label = label if len(case.parameters.get("quantities", [])) < 2 else f"{label}, {quantity.replace('_bar', '')}"
    diverged = [case.measures.count(c).diverged for c in (a, b)]
    if any(diverged):
        return _lower_rank(case, label, quantity, (a, b), diverged)
    if quantity == "log_steps_to_level":
        ma, mb = (moments(x) for x in case.measures.log_steps_to_level((a, b)))
        effect = _ratio_of_logs(ma, mb)
        values = [short(math.exp(m.mean)) + " steps" if m.n else "nothing" for m in (ma, mb)]
    else:
        ma, mb = (case.measures.moments(c, quantity) for c in (a, b))
        effect = decrease(mb, ma) if ma.n and mb.n else NOTHING
        digits = 2 if "fid" in quantity else 3
        values = [mean_std(ma, digits), mean_std(mb, digits)]
    ours = f"{model_label(a.model)} {values[0]}, {model_label(b.model)} {values[1]}"
    return lower_test(label, ma, mb, effect, ours)


def lower_test(label: str, a: Moments, b: Moments, effect: Estimate, ours: str) -> Test:
    """Welch's test that the mean of a is below that of b."""
    test = welch(a, b)
    return Test(
        label,
        a.mean < b.mean if a.n and b.n else None,
        test.p_lower,
        1 - test.p_lower,
        effect,
        ours,
        lambda level: runs_either_way(a, b, level),
    )


def _lower_rank(
    case: Case, label: str, quantity: str, pair: tuple[Configuration, Configuration], diverged: list[int]
) -> Test:
    if quantity == "log_steps_to_level":
        finished = case.measures.log_steps_to_level(pair)
    else:
        finished = [case.measures.values(c, quantity) for c in pair]
    counted = [np.append(x, [math.inf] * n) for x, n in zip(finished, diverged, strict=True)]
    share, p, p_reverse = rank_test(*counted)
    measured = all(
        len(x) == case.measures.count(c).finished for x, c in zip(finished, pair, strict=True)
    )  # else a run has finished, and nobody measured it
    values = [
        f"{model_label(c.model)} {mean_std(moments(x)) if len(x) else 'none'} in {len(x)} of {len(every)} runs"
        for c, x, every in zip(pair, finished, counted, strict=True)
    ]
    ours = f"{', '.join(values)}; lower in {100 * share:.0f} % of their pairs"
    return Test(
        label,
        share > 0.5 if measured else None,
        p if measured else math.nan,
        p_reverse if measured else math.nan,
        NOTHING,
        ours,
        lambda level: runs_for_ranks(share, POWER, level),
    )


def _ratio_of_logs(a: Moments, b: Moments) -> Estimate:
    """By how many percent the geometric mean of the first lies below that of the second, with a 95 % interval."""
    test = welch(a, b)
    half = half_width_of(test.difference, test.t, test.df)
    ends = (test.difference, test.difference + half, test.difference - half)
    return Estimate(*(100 * (1 - math.exp(d)) for d in ends))


def half_width_of(difference: float, t: float, df: float) -> float:
    """Return half the 95 % interval of a difference that a t test found."""
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
        largest([t.p for t in tests]),
        lambda: largest(
            [runs_either_way(*pair, LEVEL) for pair, t in zip(found, tests, strict=True) if not t.p < LEVEL]
        ),
        why="" if all(math.isfinite(t.p) for t in tests) else "a test needs two runs that differ",
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
        half = half_width_of(test.difference, test.t, test.df)
        tests.append(
            Test(
                group_label((dataset, case.parameters["resolutions"][1], "")),
                test.difference < 0,
                test.p_lower,
                1 - test.p_lower,
                Estimate(-test.difference, -test.difference - half, -test.difference + half),
                " and ".join(f"{number(m.mean)} %" for m in percents),
                lambda level, percents=percents: runs_either_way(*percents, level),
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
    """Within each resolution, without the exceptions, a larger sparsity goes with a larger decrease: in every pair of cells."""
    cells: dict[int, list[tuple[str, Moments, list[Moments]]]] = {}
    for key, group in case.groups.items():
        if f"{key[0]}-{key[1]}" not in case.parameters["exceptions"]:
            pair = [case.measures.moments(group[model], "best_fid") for model in (BASELINE, SPARSE)]
            xi = case.measures.moments(group[SPARSE], "xi_bar")
            cells.setdefault(key[1], []).append((group_label(key), xi, pair))
    tests = [
        _one_order(*sorted(couple, key=lambda cell: cell[1].mean))
        for found in cells.values()
        for couple in combinations(found, 2)
    ]
    outcome = decide(tests, "growth of the decrease with ξ̄, percentage points", direction="in one order")
    orders = [" < ".join(name for name, *_ in sorted(found, key=lambda cell: cell[1].mean)) for found in cells.values()]
    chance = "the cells left at each resolution are all in one order by chance in one of 36 cases"
    why = f"{outcome.why}; {chance}" if outcome.why else chance
    return Outcome(**{**vars(outcome), "ours": f"{outcome.ours}; by ξ̄: {'; '.join(orders)}", "why": why})


def _one_order(less: tuple[str, Moments, list[Moments]], more: tuple[str, Moments, list[Moments]]) -> Test:
    """Test that of two cells the sparser has the larger decrease: both differences have to hold, with one sign."""
    xi, decreases = welch(less[1], more[1]), larger_decrease(less[2], more[2])
    rises, falls = (xi.p_lower, 1 - xi.p_lower), (decreases.p_lower, 1 - decreases.p_lower)
    half = half_width_of(decreases.difference, decreases.t, decreases.df)
    percents = [decrease_moments(*cell[2]) for cell in (less, more)]
    unknown = math.isnan(xi.difference) or math.isnan(decreases.difference)
    return Test(
        f"{less[0]} and {more[0]}",
        None if unknown else xi.difference * decreases.difference > 0,
        _smaller_of_larger((rises[0], falls[0]), (rises[1], falls[1])),
        _smaller_of_larger((rises[0], falls[1]), (rises[1], falls[0])),
        Estimate(-decreases.difference, -decreases.difference - half, -decreases.difference + half),
        "",
        lambda level: largest([runs_either_way(less[1], more[1], level), runs_either_way(*percents, level)]),
    )


def _smaller_of_larger(*pairs: tuple[float, float]) -> float:
    return float(np.min([np.max(pair) for pair in pairs]))


# Spread


def smaller_spread(case: Case) -> Outcome:
    """Over seeds, Self-Sparse GAN's FIDs spread less than WGAN-GP's, relative to their means: the logs of both, over all groups.

    Where runs have diverged, that is the instability: fewer of Self-Sparse GAN's have to, by Fisher's exact test.
    """
    counts = [[case.measures.count(c) for c in pair] for _, *pair in case.pairs()]
    diverged = [sum(pair[i].diverged for pair in counts) for i in (0, 1)]
    if any(diverged):
        every = [sum(pair[i].finished + pair[i].diverged for pair in counts) for i in (0, 1)]
        return decide(
            [_fewer(diverged, every, len(counts))], "diverged runs fewer, percentage points", direction="fewer"
        )
    found = [[case.measures.moments(c, "best_fid") for c in pair] for _, *pair in case.pairs()]
    usable = all(m.n > 1 and m.std > 0 for pair in found for m in pair)
    if not usable:
        return Outcome(INCONCLUSIVE, same=False, why="a spread needs two runs that differ in every cell")
    value, variance = 0.0, 0.0
    for baseline, sparse in found:
        halves = [(m.n - 1) / 2 for m in (baseline, sparse)]
        # The log of a variance over its expectation has mean digamma(k) - log(k) and variance trigamma(k), k half the df.
        bias = [float(digamma(k)) - math.log(k) for k in halves]
        value += 2 * math.log(sparse.std / sparse.mean * baseline.mean / baseline.std) - (bias[1] - bias[0])
        variance += sum(float(polygamma(1, k)) for k in halves)
    value, error = value / len(found), math.sqrt(variance) / len(found)
    p = float(ndtr(value / error))
    ends = (value, value + float(ndtri(0.975)) * error, value - float(ndtri(0.975)) * error)
    smaller = sum(sparse.std / sparse.mean < baseline.std / baseline.mean for baseline, sparse in found)
    test = Test(
        "spread", value < 0, p, 1 - p, Estimate(*(100 * (1 - math.exp(x / 2)) for x in ends)),
        f"smaller in {smaller} of {len(found)} cells",
        lambda level: _runs_for_spread(value, len(found), level),
    )  # fmt: skip
    return decide([test], "relative standard deviation smaller, %", direction="smaller")


def _runs_for_spread(value: float, cells: int, level: float) -> float:
    """Return the runs that find a mean log ratio of two variances; the variance of a log variance is close to 2 / (n - 1)."""
    n = math.ceil(1 + 4 / cells * ((ndtri(1 - level / 2) + ndtri(POWER)) / value) ** 2)
    return float(n) if n <= MOST_RUNS else math.nan


def _fewer(diverged: list[int], every: list[int], cells: int) -> Test:
    """Fisher's exact test that fewer of the second have diverged, from (WGAN-GP, Self-Sparse GAN) over so many cells."""
    total, among = sum(diverged), sum(every)
    ways = [math.comb(every[1], k) * math.comb(every[0], total - k) for k in range(min(total, every[1]) + 1)]
    p, reverse = (sum(part) / math.comb(among, total) for part in (ways[: diverged[1] + 1], ways[diverged[1] :]))
    shares = [d / n for d, n in zip(diverged, every, strict=True)]
    ours = f"diverged: {model_label(SPARSE)} {diverged[1]} of {every[1]}, {model_label(BASELINE)} {diverged[0]} of {every[0]}"
    effect = Estimate(100 * (shares[0] - shares[1]), math.nan, math.nan)
    return Test(
        "diverged", shares[1] < shares[0], p, reverse, effect, ours, lambda level: _runs_for_shares(shares, cells, level)
    )  # fmt: skip


def _runs_for_shares(shares: list[float], cells: int, level: float) -> float:
    """Return the runs in each cell that tell two shares apart, by the difference of their arcsines (Cohen's h)."""
    h = abs(2 * math.asin(math.sqrt(shares[0])) - 2 * math.asin(math.sqrt(shares[1])))
    n = ((ndtri(1 - level / 2) + ndtri(POWER)) / h) ** 2 * 2 / cells if h else math.inf
    return float(math.ceil(n)) if n <= MOST_RUNS else math.nan


# Changes over training


def lower_in_every_stage(case: Case) -> Outcome:
    """In every stage of the generators the mean of one model is below the other's: stages are not compared with each other.

    A stage in which both are exactly zero in every run has nothing to compare.
    """
    tests = []
    for key, group in case.groups.items():
        lower, higher = (case.measures.by_stage(group[case.parameters[k]], case.parameters["quantity"]) for k in ("lower", "higher"))  # fmt: skip
        for stage in sorted(lower.keys() & higher.keys()):
            if lower[stage].any() or higher[stage].any():
                a, b = moments(lower[stage]), moments(higher[stage])
                ours = f"{mean_std(a, 3)} against {mean_std(b, 3)}"
                tests.append(lower_test(f"{group_label(key)}, stage {stage}", a, b, decrease(b, a), ours))
    return decide(tests, "decrease, %", direction="lower")


def grows_in_a_stage(case: Case) -> Outcome:
    """In one stage at least, a share is larger at the end of training than at its start, in the same runs."""
    tests, classes = [], []
    for key, group in case.groups.items():
        for c in group.values():
            for stage, values in case.measures.by_stage(c, case.parameters["quantity"]).items():
                m = moments(values)
                tests.append(above_test(f"{group_label(key)}, stage {stage}", m, f"{m.mean:+.3f}"))
                classes.append(key)
    return decide(tests, "growth of the share", classes, "larger")


def falls_and_is_lower(case: Case) -> Outcome:
    """A share falls during the training of one model, and ends below the other's."""
    tests = []
    for key, group in case.groups.items():
        lower, higher = group[case.parameters["lower"]], group[case.parameters["higher"]]
        quantity = case.parameters["quantity"]
        growth = case.measures.moments(lower, quantity.replace("_share", "_growth"))
        fallen = Moments(growth.n, -growth.mean, growth.std, -growth.high, -growth.low)
        tests.append(above_test(f"{group_label(key)}, from start to end", fallen, f"{growth.mean:+.3f}"))
        a, b = (case.measures.moments(c, quantity) for c in (lower, higher))
        effect = Estimate(b.mean - a.mean, math.nan, math.nan)
        ours = f"{mean_std(a, 3)} against {mean_std(b, 3)}"
        tests.append(lower_test(f"{group_label(key)}, both models at the end", a, b, effect, ours))
    outcome = decide(tests, "fall of the share", direction="lower")
    told = "; ".join(f"{test.label}: {test.ours}" for test in tests)
    return Outcome(**{**vars(outcome), "ours": f"{outcome.ours}: {told}"})


def above_test(label: str, m: Moments, ours: str) -> Test:
    """A t test that a mean is above zero."""
    p = p_above(m, 0)
    return Test(
        label, m.mean > 0 if m.n else None, p, 1 - p, Estimate(m.mean, m.low, m.high), ours,
        lambda level: runs_for_mean(m, 0, level),
    )  # fmt: skip
