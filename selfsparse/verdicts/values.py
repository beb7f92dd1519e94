"""Rules on values: close to the printed one, above a bound, correlated."""

import math
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from selfsparse.paper.printed import text_number
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.text import group_label, interval, mean_std, model_label, number
from selfsparse.statistics.correlation import Correlation, combined_correlation, correlation_difference, pearson
from selfsparse.statistics.inference import LEVEL, POWER, decrease, hedges_g, power, runs_for_power
from selfsparse.statistics.moments import Estimate, Moments, moments
from selfsparse.statistics.replication import Part, half_width, p_close, runs_to_decide
from selfsparse.statistics.runs import decrease_moments, p_above, runs_for_mean
from selfsparse.verdicts.case import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    REPRODUCED,
    Case,
    Comparison,
    Outcome,
    decide,
    largest,
)

ROUNDING = 0.01  # printed with two decimals, rounded or cut off (U54)
UNITS = {"decrease_percent": "percentage points", "fid_drop": "FID", "xi_bar": "ξ̄"}


# Close to the print


def close_to_printed(case: Case) -> Outcome:
    """Our value is close to the printed one, and not shown to be on the wrong side of the one that means no effect."""
    names = list(case.parameters["values"])
    found = [_beside_print(case, name, LEVEL / len(names)) for name in names]
    words = [outcome.verdict for outcome in found]
    verdict = next((word for word in (NOT_REPRODUCED, INCONCLUSIVE) if word in words), REPRODUCED)
    shown = found[words.index(verdict)]
    several = len(found) > 1
    label = f", {_label(names[words.index(verdict)])}" if several else ""
    ours = "; ".join(f"{_label(n)}: {o.ours}" if several else o.ours for n, o in zip(names, found, strict=True))
    ways = [outcome.same for outcome in found]
    open_ = [outcome for outcome in found if outcome.verdict == INCONCLUSIVE]
    return Outcome(
        verdict,
        ours,
        None if None in ways else all(ways),
        shown.effect,
        shown.of + label,
        shown.p,
        lambda: largest([outcome.needed() for outcome in open_]),
        why=shown.why,
        mixed=None not in ways and any(ways) and not all(ways),
        margin=shown.margin,
    )


def _label(name: str) -> str:
    dataset, _, resolution = name.partition("-")
    return group_label((dataset, int(resolution), "")) if resolution else model_label(name)


def _beside_print(case: Case, name: str, level: float) -> Outcome:
    """Compare one of our values with the printed one; contradiction is at `level`, closeness at LEVEL: all have to be close."""
    quantity, margin = case.parameters["quantity"], case.parameters["margins"][name]
    printed = float(case.claim.printed[case.parameters["values"][name]])
    against = case.parameters.get("against")
    value, parts = _decrease_parts(case, name) if quantity == "decrease_percent" else _mean_part(case, name, printed)
    difference = value.value - printed
    half, p = half_width(parts, level), p_close(parts, difference, margin)
    usual_half = half_width(parts, LEVEL)
    known = math.isfinite(half)
    if known and math.isnan(value.low):  # without any spread the value is exact
        value = Estimate(*[value.value] * 3)
    # Of no effect: ours has to tell itself from it, on the side on which the print is.
    wrong = against is not None and not (value.low > against if printed > against else value.high < against)
    verdict, why = INCONCLUSIVE, ""
    if known and p < LEVEL and not wrong:
        verdict = REPRODUCED
    elif known and not p < LEVEL and abs(difference) - ROUNDING > half:
        verdict = NOT_REPRODUCED
    elif not known:
        why = "an interval needs two runs"
    usual = case.parameters.get("not_significant_with")
    if usual and known and _usually_significant(case, name, usual):
        verdict, why = NOT_REPRODUCED, f"with {usual} runs each the gain would be significant more often than not"
    return Outcome(
        verdict,
        f"{number(value.value)} {interval(value.low, value.high)}" if known else number(value.value),
        _side(value.value, printed, against),
        Estimate(difference, difference - usual_half, difference + usual_half),
        f"difference from the print, {UNITS[quantity]}",
        p,
        lambda: _runs_to_close(case, name, parts, difference, margin, level, wrong),
        why=why,
        margin=margin,
    )


def _side(value: float, printed: float, against: float | None) -> bool | None:
    against = against or 0
    return (value > against) == (printed > against) if math.isfinite(value) else None


def _pair(case: Case, name: str) -> tuple[Moments, Moments]:
    """Return the FIDs of WGAN-GP and Self-Sparse GAN in a cell."""
    return case.pair(next(group for key, group in case.groups.items() if f"{key[0]}-{key[1]}" == name))


def _decrease_parts(case: Case, name: str) -> tuple[Estimate, list[Part]]:
    """Return our relative decrease, and the means that it is made of beside theirs, by the delta method."""
    ours = _pair(case, name)
    theirs = [case.paper(f"{name}-{model}") for model in (BASELINE, SPARSE)]
    weights = [(100 * s.mean / b.mean**2, -100 / b.mean) if b.mean else (math.nan,) * 2 for b, s in (ours, theirs)]
    parts = [Part(*row) for row in zip(ours, theirs, *weights, strict=True)]
    return decrease(*ours), parts


def _mean_part(case: Case, name: str, printed: float) -> tuple[Estimate, list[Part]]:
    """Return our mean beside a printed one without a spread, which is assumed to be ours."""
    (group,) = case.groups.values()
    m = case.evidence.moments(group[name], case.parameters["quantity"])
    trainings = int(text_number("trainings"))
    return Estimate(m.mean, m.low, m.high), [Part(m, Moments(trainings, printed, math.nan, math.nan, math.nan))]


def _usually_significant(case: Case, name: str, runs: int) -> bool:
    """Whether even the lower 95 % limit of the gain would be significant in most repetitions with so few runs."""
    g = hedges_g(*_pair(case, name))
    if not g.low > 0:
        return False
    unit = Moments(runs, 0.0, 1.0, math.nan, math.nan)
    return power(Moments(runs, -g.low, 1.0, math.nan, math.nan), unit) > 0.5


def _runs_to_close(
    case: Case, name: str, parts: list[Part], difference: float, margin: float, level: float, wrong: bool
) -> float:
    runs = runs_to_decide(parts, difference, margin, (LEVEL, level))
    if not wrong:
        return runs
    if case.parameters["quantity"] == "decrease_percent":
        b, s = _pair(case, name)
        return largest([runs, runs_for_power(s, b, LEVEL)])
    return largest([runs, runs_for_mean(parts[0].ours, case.parameters["against"], LEVEL)])


# Above a bound


def share_above(case: Case) -> Outcome:
    """A share is above a value: by its 95 % interval."""
    value, quantity = case.parameters["value"], case.parameters["quantity"]
    found = [case.evidence.values(c, quantity) for group in case.groups.values() for c in group.values()]
    return by_interval(moments(np.concatenate(found)), value, above=True, of=quantity.replace("_", " "))


def by_interval(m: Moments, value: float, above: bool, of: str) -> Outcome:
    """Decide whether a mean is above (or at most at) a value by the 95 % interval of the mean."""
    over, under = m.low > value, m.high <= value
    claimed, reverse = (over, under) if above else (under, over)
    verdict = REPRODUCED if claimed else NOT_REPRODUCED if reverse else INCONCLUSIVE
    p = p_above(m, value)
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


def _correlation(case: Case, resolution: int) -> Correlation:
    """Correlate sparsity and relative decrease over the pairs of one resolution."""
    points = []
    for key, group in case.groups.items():
        if resolution == key[1]:
            xi, percent = case.evidence.moments(group[SPARSE], "xi_bar"), decrease_moments(*case.pair(group))
            points.append((xi.mean, percent.mean))
    return pearson(*zip(*points, strict=True)) if points else pearson([], [])


def correlation_beside_printed(case: Case) -> Outcome:
    """Our r beside the printed one, without a verdict on its value: the pairs that there are do not carry one."""
    found = _correlation(case, case.parameters["resolution"])
    printed, margin = float(case.claim.printed["r"]), case.parameters["margin"]
    if math.isnan(found.r):
        return Outcome(INCONCLUSIVE, why="too few points that differ")
    # Two sets of n pairs with one true r: 90 % interval of the difference of Fisher's z within the margin, at 80 % power.
    room = min(abs(math.atanh(printed + end) - math.atanh(printed)) for end in (-margin, margin))
    needed = math.ceil(3 + 2 * ((ndtri(1 - LEVEL) + ndtri((1 + POWER) / 2)) / room) ** 2)
    return Outcome(
        INCONCLUSIVE,
        f"r = {number(found.r)} {interval(found.low, found.high)}, in print {number(printed)}",
        found.r > 0,
        Estimate(found.r, found.low, found.high),
        "r",
        found.p,
        lambda: float(needed),
        "pairs in each of both studies",
        f"{found.n} points carry no verdict on the value of r, however many runs are behind each",
        margin=margin,
    )


def correlation_positive(case: Case) -> Outcome:
    """Sparsity and decrease are positively correlated within the resolutions, each with a level of its own."""
    by_resolution = [_correlation(case, resolution) for resolution in sorted({key[1] for key in case.groups})]
    found = combined_correlation(by_resolution)
    p = found.p / 2 if found.r > 0 else 1 - found.p / 2
    k = len(by_resolution)
    each = " and ".join(number(c.r) for c in by_resolution)
    test = Comparison(
        "all pairs",
        found.r > 0,
        p,
        Estimate(found.r, found.low, found.high),
        f"r = {number(found.r)} within the resolutions ({each}), {found.n} pairs",
        lambda level: float(math.ceil(((ndtri(1 - level / 2) + ndtri(POWER)) / math.atanh(found.r)) ** 2 / k + 3)),
        "pairs at each resolution",
    )
    return _named(decide([test], "r"), found.r)


def larger_correlation(case: Case) -> Outcome:
    """The correlation is larger at the second resolution."""
    first, second = (_correlation(case, resolution) for resolution in case.parameters["resolutions"])
    z, p = correlation_difference(first, second)
    change = math.atanh(second.r) - math.atanh(first.r) if math.isfinite(z) else math.nan
    test = Comparison(
        "both resolutions",
        second.r > first.r,
        p,
        Estimate(second.r - first.r, math.nan, math.nan),
        f"r = {number(first.r)} and {number(second.r)}",
        lambda level: float(math.ceil(2 * ((ndtri(1 - level / 2) + ndtri(POWER)) / change) ** 2 + 3)),
        "pairs at each resolution",
    )
    return _named(decide([test], "difference of r"), z)


def _named(outcome: Outcome, r: float) -> Outcome:
    return outcome if math.isfinite(r) else replace(outcome, same=None, why="too few points that differ")
