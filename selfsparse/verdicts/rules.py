"""Every rule of the verdicts: claims.yaml says each in words, RULES has each in code by the same name.

A rule takes a Case, all of whose configurations have run, and returns an Outcome. Where a run has diverged, only those
of WITH_DIVERGED that ask for quantities with a worst value decide anything: survivors alone are never scored.
"""

from collections.abc import Callable

from selfsparse.paper.printed import Claim, claims
from selfsparse.results.text import many
from selfsparse.verdicts import mechanism, orders, values
from selfsparse.verdicts.outcome import FAILS, HOLDS, UNAVAILABLE, Case, Outcome

# Proof, print, and what cannot be tested


def proof(case: Case) -> Outcome:
    """The claim's proof, run on the library's own code. Where it holds, no deviation is told: a CPU rounds its own way."""
    from selfsparse.paper.proofs import prove  # late: it imports torch

    found = prove(case.claim.id, case.evidence.results.configurations if case.evidence.results else ())
    if found.holds:
        within = f" within {found.tolerance:g}" if found.tolerance else ""
        return Outcome(HOLDS, f"{many(found.compared, 'comparison')}, all equal{within}")
    ours = f"largest deviation {found.deviation:.2g}, of at most {found.tolerance:g}, in {found.where}"
    return Outcome(FAILS, ours, why="this code does not do what the paper proves")


def computed_from_print(case: Case) -> Outcome:
    """Whether the claim follows from the paper's own numbers, which is the audit's finding; what it leaves out is said."""
    from selfsparse.paper.findings import FOLLOWS, finding  # late: it imports torch

    found = finding(case.parameters["finding"])
    word = HOLDS if found["verdict"] == FOLLOWS else FAILS
    return Outcome(word, found["computed"], why=case.parameters["leaves_out"])


def not_testable(case: Case) -> Outcome:
    """Nothing that anyone can have could decide it."""
    return Outcome(UNAVAILABLE, why=case.parameters["why"])


_NAMED = vars(orders) | vars(values) | vars(mechanism) | globals()
if _missing := claims().rules.keys() - _NAMED:
    raise ImportError(f"claims.yaml has rules of which no module in selfsparse/verdicts has a function: {_missing}")
RULES: dict[str, Callable[[Case], Outcome]] = {name: _NAMED[name] for name in claims().rules}
WITHOUT_RUNS = {"proof", "computed_from_print", "not_testable"}  # rules that read no run
WITH_DIVERGED = {"lower_mean_one_sided_welch_holm", "ordering_of_three"}  # of quantities with a worst value


def quantities_of(claim: Claim) -> list[str]:
    """Return the quantities that a claim names; a rule may read others."""
    p = claim.parameters
    return p.get("quantities") or ([p["quantity"]] if "quantity" in p else [])


def counts_diverged(claim: Claim) -> bool:
    """Whether the rule of a claim counts a run that diverged, as the worst or as what it is about."""
    ranked = claim.rule in WITH_DIVERGED and orders.RANKED.issuperset(quantities_of(claim))
    return claim.rule == "smaller_spread" or ranked
