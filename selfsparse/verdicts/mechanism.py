"""Rules on what the module does inside a generator."""

from dataclasses import replace

import numpy as np

from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.text import model_label, number, short
from selfsparse.statistics.moments import moments
from selfsparse.verdicts.case import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, Case, Outcome, above_zero, decide
from selfsparse.verdicts.values import by_interval


def zero_and_above(case: Case) -> Outcome:
    """A quantity is exactly zero in one model and above zero in the other, at every size."""
    p, failed, every, ours, compared = case.parameters, [], True, [], 0
    for group in case.groups.values():
        zero, above = (case.evidence.by_part(group[p[role]], p["quantity"]) for role in ("zero", "above"))
        sizes = [size for size in p["sizes"] if size in above or not case.stand_in]
        if not all(size in zero and size in above for size in sizes) or not sizes:
            return Outcome(INCONCLUSIVE, why="not every size was measured")
        compared += len(sizes)
        failed += [size for size in sizes if not above[size].mean() > 0 or zero[size].mean() > 0]
        every = every and all((above[size] > 0).all() for size in sizes)
        ours.append(", ".join(f"{number(above[size].mean(), 3)} at {size}" for size in sizes))
    verdict = NOT_REPRODUCED if failed else REPRODUCED if every else INCONCLUSIVE
    sizes_failed = ", ".join(map(str, dict.fromkeys(failed)))
    why = f"not at {sizes_failed} pixels" if failed else "" if every else "not in every run"
    ours_text = f"ζ of {model_label(p['above'])}: {'; '.join(ours)}"
    return Outcome(verdict, ours_text, not failed, why=why, mixed=0 < len(failed) < compared)


def net_saving(case: Case) -> Outcome:
    """The generator without the kernels of dead channels has fewer parameters than the baseline's."""
    (group,) = case.groups.values()
    total, free = (case.evidence.values(group[SPARSE], name) for name in ("generator_parameters", "free_weights"))
    if len(total) != len(free) or not len(free):
        return Outcome(INCONCLUSIVE, why="dead channels were not counted in every run")
    reference = case.evidence.moments(group[BASELINE], "generator_parameters").mean
    ours = f"{model_label(SPARSE)} {short((total - free).mean())} of {short(total.mean())} parameters"
    ours += f", {model_label(BASELINE)} {short(reference)}"
    return decide([above_zero("parameters", moments(reference - (total - free)), ours)], "parameters saved")


def signs_settle(case: Case) -> Outcome:
    """At no later snapshot do more signs of alpha and beta differ from those at the claimed step than `most`."""
    configurations = [c for group in case.groups.values() for c in group.values()]
    largest, last = ([case.evidence.values(c, f"signs_{name}") for c in configurations] for name in ("largest", "last"))
    if not all(map(len, largest)):
        return Outcome(INCONCLUSIVE, why="the signs at the claimed step were not kept beside those at later snapshots")
    m, end = moments(np.concatenate(largest)), moments(np.concatenate(last))
    outcome = by_interval(m, case.parameters["most"], above=False, of="share of signs that differ")
    return replace(outcome, ours=f"{outcome.ours} of the signs differ at most, {number(end.mean, 4)} at the end")
