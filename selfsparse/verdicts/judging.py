"""The verdict on every claim of the paper from one suite's results, as results/<suite>/verdicts.json.

claims.yaml says in words which configurations a claim is scored on (`terms`) and by which rule; RULES has each rule in code
by the same name. A rule takes a Case, all of whose configurations have run, and returns an Outcome. Where a run has diverged, only
those of WITH_DIVERGED that ask for quantities with a worst value decide anything: survivors alone are never scored.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from selfsparse.config import Configuration, variation
from selfsparse.files import write_json
from selfsparse.paper.printed import TABLES, Claim, claims
from selfsparse.paths import suite_dir
from selfsparse.results.alternatives import readings
from selfsparse.results.comparability import differences
from selfsparse.results.reading import Results, load_results
from selfsparse.results.text import group_key, group_label, many, model_label
from selfsparse.verdicts import mechanism, orders, values
from selfsparse.verdicts.case import FAILS, HOLDS, INCONCLUSIVE, NOT_RUN, UNAVAILABLE, Case, Evidence, Group, Outcome

SAME, MIXED, OPPOSITE = "stand-in: same direction", "stand-in: mixed directions", "stand-in: opposite direction"
NO_STAND_IN = ("sketch_substitute",)  # U37
NONE_OWN = "the suite has none of its configurations"
VARIED = {"betas": lambda c: c.train.betas, "architecture": lambda c: c.network.architecture}

Own = dict[tuple[str, int, str, str], Configuration]  # by dataset, resolution, model, variation
Groups = dict[tuple[str, int, str], Group]  # by dataset, resolution, variation


# The rules: these of proof, of print and of what cannot be tested, and those of the modules beside


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


# The judging


@dataclass(frozen=True)
class Verdict:
    """The verdict on one claim under one reading of U6, with what it rests on.

    Attributes:
        runs: the fewest runs among the configurations, diverged ones included; 0 where none was read.
        needed: how many of outcome.unit would decide an inconclusive verdict at 80 % power; NaN for others.
        extractor: of the FIDs; "" where no run was read.
        why: what the reader of the verdict has to know, in sentences without a full stop.
    """

    claim: Claim
    reading: str
    part: str
    outcome: Outcome
    runs: int = 0
    needed: float = math.nan
    extractor: str = ""
    groups: tuple[str, ...] = ()
    why: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The verdict itself."""
        return self.outcome.verdict

    @property
    def stands_in(self) -> bool:
        """Whether other configurations than the claim's were compared."""
        return self.word in (SAME, MIXED, OPPOSITE)


def all_verdicts(results: Results) -> list[Verdict]:
    """Return the verdict on every claim, in order, and on some under the second reading of U6."""
    evidence, own = Evidence(results), own_configurations(results)
    return [
        verdict_on(claim, evidence, own, reading, part)
        for part, claims_of_part in claims().by_part().items()
        for claim in claims_of_part
        for reading in (claim.readings if own else (TABLES,))
    ]


def verdict_on(claim: Claim, evidence: Evidence, own: Own, reading: str = TABLES, part: str = "") -> Verdict:
    """Return the verdict on one claim from whatever has been run; `own` are the paper's own configurations."""
    base = Verdict(claim, reading, part, Outcome(NOT_RUN))
    if claim.rule in WITHOUT_RUNS:
        outcome = RULES[claim.rule](Case(claim, {}, evidence))
        return replace(base, outcome=outcome, why=(outcome.why,) if outcome.why else ())
    wanted, unavailable = claim.fields(reading), claims().unavailable
    kept = [fields for fields in wanted if fields[0] not in unavailable]
    present = [own[fields] for fields in kept if fields in own]
    done = [c for c in present if _has_run(evidence, c)]
    scored = _scored(base, _by_group(done), evidence) if done and len(done) == len(kept) else None
    if len(kept) < len(wanted):
        reasons = [why for dataset, why in unavailable.items() if any(f[0] == dataset for f in wanted)]
        if scored:
            reasons.append(f"on {' and '.join(scored.groups)} alone: {scored.word}, {scored.outcome.ours}")
        return replace(base, outcome=Outcome(UNAVAILABLE), why=tuple(reasons))
    if scored:
        return scored
    if not present and claim.stand_in_allowed:
        return _stand_in(base, evidence)
    lacking = f"{len(done)} of its {len(kept)} configurations have run"
    return replace(base, why=(lacking if present else _no_own(claim, evidence, reading),))


def own_configurations(results: Results) -> Own:
    """Return the suite's configurations that are the paper's own in every printed setting, by their fields."""
    return {_fields(c): c for c in results.configurations if not differences(c)}


def _fields(c: Configuration) -> tuple[str, int, str, str]:
    return c.dataset.dataset, c.dataset.resolution, c.model, variation(c)


def _no_own(claim: Claim, evidence: Evidence, reading: str) -> str:
    """Say that the suite has none of a claim's configurations, or what keeps those that it has from being the paper's."""
    wanted = set(claim.fields(reading))
    alike = [c for c in evidence.results.configurations if _fields(c) in wanted]
    other = "; ".join(dict.fromkeys(what for c in alike for what in differences(c)))
    return f"{NONE_OWN} as printed: {other}" if alike else NONE_OWN


def _has_run(evidence: Evidence, c: Configuration) -> bool:
    count = evidence.count(c)
    return count.finished + count.diverged > 0


def _by_group(configurations: Iterable[Configuration]) -> Groups:
    found: Groups = {}
    for c in configurations:
        found.setdefault(group_key(c), {})[c.model] = c
    return found


def _scored(base: Verdict, groups: Groups, evidence: Evidence) -> Verdict:
    if _diverged(groups, evidence) and not counts_diverged(base.claim):
        return _described(replace(base, outcome=Outcome(INCONCLUSIVE)), groups, evidence)
    outcome = RULES[base.claim.rule](Case(base.claim, groups, evidence))
    if outcome.verdict == INCONCLUSIVE and outcome.same is None:
        return replace(base, why=(outcome.why or "not everything that it needs was measured",))
    needed = outcome.needed() if outcome.verdict == INCONCLUSIVE else math.nan
    return _described(replace(base, outcome=outcome, needed=needed), groups, evidence)


def _diverged(groups: Groups, evidence: Evidence) -> list[str]:
    """Say of each configuration with diverged runs how many of its runs these are."""
    every = [(model, key, evidence.count(c)) for key, group in groups.items() for model, c in group.items()]
    return [
        f"{model_label(model)} on {group_label(key)} diverged in {n.diverged} of {n.finished + n.diverged} runs"
        for model, key, n in every
        if n.diverged
    ]


def _described(verdict: Verdict, groups: Groups, evidence: Evidence) -> Verdict:
    used = [c for group in groups.values() for c in group.values()]
    counts = [evidence.count(c) for c in used]
    why = [verdict.outcome.why] if verdict.outcome.why else []
    if diverged := _diverged(groups, evidence):
        counted = "counted as worse than any that finished" if counts_diverged(verdict.claim) else "the others alone are not scored"  # fmt: skip
        why.append(f"{'; '.join(diverged)}: {counted}")
    return replace(
        verdict,
        runs=min(n.finished + n.diverged for n in counts),
        extractor=", ".join(sorted({c.extractor.extractor for c in used})),
        groups=tuple(group_label(key) for key in groups),
        why=tuple(why),
    )


def _stand_in(base: Verdict, evidence: Evidence) -> Verdict:
    """Compare directions in whatever groups of the suite have the claim's models, all finished."""
    models, others = {model for _, _, model, _ in base.claim.fields()}, _under_other_readings(evidence.results)
    done = [c for c in evidence.results.configurations if c.model in models and _has_run(evidence, c)]
    done = [c for c in done if c.name not in others and c.dataset.dataset not in NO_STAND_IN]
    quantities = quantities_of(base.claim)
    groups = {
        key: group
        for key, group in _by_group(done).items()
        if set(group) == models and not any(_unmeasured(evidence, c, quantities) for c in group.values())
    }
    if varied := VARIED.get(base.claim.parameters.get("varies", "")):
        values: dict[tuple[str, int], set] = {}
        for key, group in groups.items():
            values.setdefault(key[:2], set()).update(varied(c) for c in group.values())
        groups = {key: group for key, group in groups.items() if len(values[key[:2]]) > 1}
    if not groups:
        return replace(base, why=(f"{NONE_OWN}, nor finished and measured ones to stand in",))
    if (diverged := _diverged(groups, evidence)) and not counts_diverged(base.claim):
        return replace(base, why=(NONE_OWN, f"{'; '.join(diverged)}: the others alone do not stand in"))
    outcome = RULES[base.claim.rule](Case(base.claim, groups, evidence, stand_in=True))
    if outcome.same is None:
        return replace(base, why=(NONE_OWN, outcome.why or "what stands in was not measured"))
    # No test: a stand-in has a direction and nothing more.
    ours = outcome.ours.partition(", significantly")[0]
    word = SAME if outcome.same else MIXED if outcome.mixed else OPPOSITE
    outcome = Outcome(word, ours, outcome.same, why=outcome.why)
    return _described(replace(base, outcome=outcome), groups, evidence)


def _unmeasured(evidence: Evidence, c: Configuration, quantities: Sequence[str]) -> bool:
    return evidence.count(c).finished > 0 and not all(evidence.has(c, quantity) for quantity in quantities)


def _under_other_readings(results: Results) -> set[str]:
    """Return the configurations under another reading of an open question, but for the betas: the paper has both pairs."""
    return {
        c.name
        for default, *others in readings(results)
        for reading in others
        for c in reading.both
        if c is not None and c not in default.both and reading.changes.keys() != {"betas"}
    }


# The metric


def counts(found: Sequence[Verdict], reading: str = TABLES) -> dict[str, int]:
    """Count the claims by verdict under one reading; a claim that the reading leaves alone counts as under the other."""
    words = {v.claim.id: v.word for v in found if v.reading == TABLES}
    words |= {v.claim.id: v.word for v in found if v.reading == reading}
    return dict(sorted(Counter(words.values()).items()))


def metrics(found: Sequence[Verdict]) -> dict[str, dict[str, Any]]:
    """Return the verdicts as `dvc metrics diff` compares them, so short that those of a suite fit on a screen.

    Claims by verdict, then claim by claim what was measured: the verdict with its effect, its p and the runs or pairs
    that would decide, or the direction of what stands in. `C8_text` is C8 under the second reading of U6, where it differs.
    """
    values: dict[str, dict[str, Any]] = {"claims": counts(found)}
    first = {v.claim.id: v.word for v in found if v.reading == TABLES}
    for v in found:
        same = v.reading != TABLES and v.word == first[v.claim.id]
        if same or (not v.extractor and v.reading == TABLES):
            continue  # where no run was read, a verdict changes with the code alone
        name = v.claim.id if v.reading == TABLES else f"{v.claim.id}_{v.reading}"
        if v.stands_in:
            row: dict[str, Any] = {"stand-in": v.word.split()[1]}
        else:
            effect, p = (float(f"{x:.3g}") for x in (v.outcome.effect.value, v.outcome.p))
            row = {"verdict": v.word, "effect": effect, "p": p, f"{v.outcome.unit.split()[0]}_needed": v.needed}
        for key, value in row.items():
            if isinstance(value, str) or math.isfinite(value):
                values.setdefault(key, {})[name] = value
    return values


def write_verdicts(suite: str) -> dict[str, int]:
    """Write results/<suite>/verdicts.json from whatever has been run; return the claims by verdict."""
    found = all_verdicts(load_results(suite))
    write_json(suite_dir(suite) / "verdicts.json", metrics(found))
    return counts(found)
