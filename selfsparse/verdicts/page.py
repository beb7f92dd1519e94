"""docs/verdicts.md: how good the rules of the verdicts are, and what they make of the paper's own numbers."""

import json
import math

from selfsparse.paper import read_yaml
from selfsparse.paths import project_root
from selfsparse.verdicts.characteristics import WORDS, printed_as_ours

INTRODUCTION = """# Verdicts

Written by `selfsparse docs`. The rules in words, with the margins and their reasons, are in
[claims.yaml](../selfsparse/paper/claims.yaml), in code in [selfsparse/verdicts](../selfsparse/verdicts). A claim is
**reproduced**, **not reproduced**, **inconclusive**, **not run**, or its **data unavailable**; what is proven, or computed
from the print alone, **holds** or **fails**. Where other configurations stand in for the paper's own, only the direction is
shown, and that is no verdict. A run that diverged counts: its FID ranks behind all others, and where a quantity has no worst
value the claim is inconclusive. The lowest FID of a training falls with the number of its evaluations, in both models alike where
their curves fluctuate alike; so both are evaluated equally often, and runs that are evaluated at another interval than the printed
one are not scored.

## How often a rule gives which verdict

"""
WITHOUT = """`share_above` has no claim whose data anyone can have; `proof`, `computed_from_print` and `not_testable` read no run.
A share is of reproduced / not reproduced / inconclusive, in percent.
"""
OURS = """
## The paper's own numbers fed in as ours

Three runs of each configuration with the printed mean and standard deviation; ξ̄, whose spread is not printed, with 0.02.

"""


def verdicts_markdown() -> str:
    """Return docs/verdicts.md from benchmarks/results/verdicts.json and the printed numbers."""
    found = json.loads((project_root() / "benchmarks/results/verdicts.json").read_text(encoding="utf-8"))
    runs = list(found["rows"][0]["shares"])
    said = (
        f"{found['draws']:,} made-up experiments for each truth and number of runs n, given to the rule itself: "
        "`python -m benchmarks.verdicts` makes them again, with fixed seeds. "
        f"A share of 5 % has a standard error of {100 * math.sqrt(0.05 * 0.95 / found['draws']):.1f} points.\n"
    )
    head = ["Rule", "Claim", "Truth", "Claim is", *(f"n = {n}" for n in runs)]
    rows = [
        [
            f"`{row['rule']}`", row["claim"], row["truth"], {True: "true", False: "false", None: "not scored"}[row["holds"]],
            *(" / ".join(f"{100 * row['shares'][n][word]:.0f}" for word in WORDS) for n in runs),
        ]
        for row in found["rows"]
    ]  # fmt: skip
    why = read_yaml("expected_verdicts.yaml")["printed"]
    ours = [[v.claim.id, v.claim.statement, v.word, why[v.claim.id][1]] for v in printed_as_ours()]
    made = _table(head, rows), OURS, _table(["Claim", "Statement", "Verdict", "Why it is right"], ours)
    return "".join([INTRODUCTION, said, WITHOUT, "\n", *made])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
