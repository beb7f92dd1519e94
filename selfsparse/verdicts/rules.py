"""Every rule of the verdicts: claims.yaml says each in words, RULES has each in code by the same name.

A rule takes a Case, all of whose configurations have run, and returns an Outcome. Where a run has diverged, only those
of WITH_DIVERGED that ask for quantities with a worst value decide anything: survivors alone are never scored.
"""

from collections.abc import Callable
from pathlib import Path

from selfsparse.paper.printed import Claim
from selfsparse.verdicts.mechanism import net_saving, signs_settle, zero_and_above
from selfsparse.verdicts.orders import (
    RANKED,
    falls_and_is_lower,
    grows_in_a_stage,
    larger_decrease_one_sided_holm,
    lower_in_every_stage,
    lower_mean_one_sided_welch_holm,
    monotone_except,
    ordering_of_three,
    same_order,
    smaller_spread,
)
from selfsparse.verdicts.outcome import FAILS, HOLDS, NOT_RUN, UNAVAILABLE, Case, Outcome
from selfsparse.verdicts.values import (
    close_to_printed,
    correlation_beside_printed,
    correlation_positive,
    larger_correlation,
    share_above,
)

ROOT = Path(__file__).resolve().parents[2]


# Proof, print, and what cannot be tested


def test(case: Case) -> Outcome:
    """The named tests, which `make test` runs; where they are not at hand, nothing holds by them."""
    names = case.parameters["tests"]
    absent = [name for name in names if not _has_test(name)]
    ours = f"{len(names)} test{'s' if len(names) > 1 else ''} of the project"
    return Outcome(NOT_RUN, why=f"no such test: {', '.join(absent)}") if absent else Outcome(HOLDS, ours)


test.__test__ = False


def _has_test(name: str) -> bool:
    path, _, function = name.partition("::")
    file = ROOT / path
    return file.is_file() and f"\ndef {function}(" in file.read_text(encoding="utf-8")


def computed_from_print(case: Case) -> Outcome:
    """Whether the claim follows from the paper's own numbers, which is the audit's finding; what it leaves out is said."""
    from selfsparse.analysis.audit_findings import FOLLOWS, finding  # late: it draws figures

    found = finding(case.parameters["finding"])
    return Outcome(HOLDS if found.verdict == FOLLOWS else FAILS, found.computed, why=found.does_not)


def not_testable(case: Case) -> Outcome:
    """Nothing that anyone can have could decide it."""
    return Outcome(UNAVAILABLE, why=case.parameters["why"])


RULES: dict[str, Callable[[Case], Outcome]] = {
    rule.__name__: rule
    for rule in (
        lower_mean_one_sided_welch_holm, ordering_of_three, larger_decrease_one_sided_holm, close_to_printed,
        correlation_beside_printed, correlation_positive, larger_correlation, monotone_except, same_order, smaller_spread,
        zero_and_above, grows_in_a_stage, lower_in_every_stage, falls_and_is_lower, net_saving, signs_settle, share_above,
        test, computed_from_print, not_testable,
    )
}  # fmt: skip
WITHOUT_RUNS = {"test", "computed_from_print", "not_testable"}  # rules that read no run
WITH_DIVERGED = {"lower_mean_one_sided_welch_holm", "ordering_of_three"}  # of quantities with a worst value


def counts_diverged(claim: Claim) -> bool:
    """Whether the rule of a claim counts a run that diverged, as the worst or as what it is about."""
    quantities = claim.parameters.get("quantities") or [claim.parameters.get("quantity")]
    return claim.rule == "smaller_spread" or (claim.rule in WITH_DIVERGED and RANKED.issuperset(quantities))
