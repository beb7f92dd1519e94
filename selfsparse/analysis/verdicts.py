"""The verdict on every claim of the paper from one suite's results, as results/<suite>/verdicts.json and as a page.

claims.yaml says in words which configurations a claim is scored on (`terms`) and by which rule; verdict_rules.py has the
rules.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from IPython.display import Markdown

from selfsparse.analysis.formatting import MISSING, Table, count, number, short
from selfsparse.analysis.names import DATASETS, MODELS, group_key, group_label, variation
from selfsparse.analysis.results import Results, load_results
from selfsparse.analysis.sensitivity import readings
from selfsparse.analysis.tables import table_of, under_the_papers_extractor
from selfsparse.analysis.verdict_measures import Measures
from selfsparse.analysis.verdict_rules import (
    INCONCLUSIVE,
    NOT_RUN,
    RULES,
    UNAVAILABLE,
    WITHOUT_RUNS,
    Case,
    Group,
    Outcome,
)
from selfsparse.config import Configuration
from selfsparse.files import write_json
from selfsparse.paper import reported
from selfsparse.paper.printed import TABLES, TEXT, Claim, claims, text_number
from selfsparse.paths import suite_dir

SAME, MIXED, OPPOSITE = "stand-in: same direction", "stand-in: mixed directions", "stand-in: opposite direction"
PRINTED_NAMES = DATASETS | MODELS | {
    "lsun": DATASETS["lsun_bedroom"], "dcgan": "DCGAN", "resnet": "ResNet", "xi_bar": "ξ̄",
    "betas_0_09": "betas 0, 0.9:", "betas_05_0999": "betas 0.5, 0.999:", "5k": "by 5K", "50k": "by 50K",
    "64": "64 × 64", "128": "128 × 128",
}  # fmt: skip
NO_STAND_IN = ("sketch_substitute",)  # U37
VARIED = {"betas": lambda c: c.train.betas, "architecture": lambda c: c.network.architecture}

Own = dict[tuple[str, int, str, str], Configuration]  # by dataset, resolution, model, variation
Groups = dict[tuple[str, int, str], Group]  # by dataset, resolution, variation


@dataclass(frozen=True)
class Verdict:
    """The verdict on one claim under one reading of U6, with what it rests on.

    Attributes:
        runs: the fewest finished runs among the configurations; 0 where none was read.
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
    def paper(self) -> str:
        """What the paper prints."""
        return paper_text(self.claim.printed)

    @property
    def stands_in(self) -> bool:
        """Whether other configurations than the claim's were compared."""
        return self.word in (SAME, MIXED, OPPOSITE)


def all_verdicts(results: Results) -> list[Verdict]:
    """Return the verdict on every claim, in order, and on some under the second reading of U6."""
    measures, own = Measures(results), own_configurations(results)
    return [
        verdict_on(claim, measures, own, reading, part)
        for part, claims_of_part in claims().by_part().items()
        for claim in claims_of_part
        for reading in (claim.readings if own else (TABLES,))
    ]


def verdict_on(claim: Claim, measures: Measures, own: Own, reading: str = TABLES, part: str = "") -> Verdict:
    """Return the verdict on one claim from whatever has been run; `own` are the paper's own configurations."""
    base = Verdict(claim, reading, part, Outcome(NOT_RUN))
    if claim.rule in WITHOUT_RUNS:
        outcome = RULES[claim.rule](Case(claim, {}, measures))
        return replace(base, outcome=outcome, why=(outcome.why,) if outcome.why else ())
    wanted, unavailable = claim.fields(reading), claims().unavailable
    kept = [fields for fields in wanted if fields[0] not in unavailable]
    present = [own[fields] for fields in kept if fields in own]
    done = [c for c in present if measures.count(c).finished]
    complete = bool(kept) and len(done) == len(kept)
    if len(kept) < len(wanted):
        reasons = [why for dataset, why in unavailable.items() if any(f[0] == dataset for f in wanted)]
        if complete:
            partial = _scored(base, _by_group(done), measures)
            reasons.append(f"on {' and '.join(partial.groups)} alone: {partial.word}, {partial.outcome.ours}")
        return replace(base, outcome=Outcome(UNAVAILABLE), why=tuple(reasons))
    if complete:
        return _scored(base, _by_group(done), measures)
    if not present and claim.stand_in_allowed:
        return _stand_in(base, measures)
    lacking = f"{len(done)} of its {len(kept)} configurations have a finished run"
    return replace(base, why=(lacking if present else "the suite has none of its configurations",))


def own_configurations(results: Results) -> Own:
    """Return the suite's configurations that are the paper's own, by dataset, resolution, model and variation."""
    names, steps = set(reported().index), text_number("generator_steps")
    return {
        (c.dataset.dataset, c.dataset.resolution, c.model, variation(c)): c
        for c in results.configurations
        if c.name in names and under_the_papers_extractor(c) and c.train.steps >= steps
    }


def _by_group(configurations: Iterable[Configuration]) -> Groups:
    found: Groups = {}
    for c in configurations:
        found.setdefault(group_key(c), {})[c.model] = c
    return found


def _scored(base: Verdict, groups: Groups, measures: Measures) -> Verdict:
    outcome = RULES[base.claim.rule](Case(base.claim, groups, measures))
    if outcome.verdict == INCONCLUSIVE and outcome.same is None:
        return replace(base, why=(outcome.why or "not everything that it needs was measured",))
    needed = outcome.needed() if outcome.verdict == INCONCLUSIVE else math.nan
    return _described(replace(base, outcome=outcome, needed=needed), groups, measures)


def _described(verdict: Verdict, groups: Groups, measures: Measures) -> Verdict:
    used = [c for group in groups.values() for c in group.values()]
    counts = [measures.count(c) for c in used]
    diverged = sum(n.diverged for n in counts)
    why = [verdict.outcome.why] if verdict.outcome.why else []
    why += [f"{diverged} diverged run{'s' if diverged > 1 else ''} left out"] if diverged else []
    return replace(
        verdict,
        runs=min(n.finished for n in counts),
        extractor=", ".join(sorted({c.extractor.extractor for c in used})),
        groups=tuple(group_label(key) for key in groups),
        why=tuple(why),
    )


def _stand_in(base: Verdict, measures: Measures) -> Verdict:
    """Compare directions in whatever groups of the suite have the claim's models, all finished."""
    models = {model for _, _, model, _ in base.claim.fields()}
    done = [c for c in measures.results.configurations if c.model in models and measures.count(c).finished]
    others = _under_other_readings(measures.results)
    done = [c for c in done if c.name not in others]
    groups = {key: group for key, group in _by_group(done).items() if set(group) == models}
    groups = {key: group for key, group in groups.items() if key[0] not in NO_STAND_IN}
    wanted = base.claim.parameters.get("quantities") or [base.claim.parameters.get("quantity")]
    for quantity in filter(None, wanted):
        groups = {key: g for key, g in groups.items() if all(measures.has(c, quantity) for c in g.values())}
    if varied := VARIED.get(base.claim.parameters.get("varies", "")):
        values: dict[tuple[str, int], set] = {}
        for key, group in groups.items():
            values.setdefault(key[:2], set()).update(varied(c) for c in group.values())
        groups = {key: group for key, group in groups.items() if len(values[key[:2]]) > 1}
    if not groups:
        return replace(
            base, why=("the suite has none of its configurations, nor finished and measured ones to stand in",)
        )
    outcome = RULES[base.claim.rule](Case(base.claim, groups, measures, stand_in=True))
    if outcome.same is None:
        why = outcome.why or "what stands in was not measured"
        return replace(base, why=("the suite has none of its configurations", why))
    # No test: a stand-in has a direction and nothing more.
    ours = outcome.ours.partition(", significantly")[0]
    word = SAME if outcome.same else MIXED if outcome.mixed else OPPOSITE
    outcome = Outcome(word, ours, outcome.same, why=outcome.why)
    return _described(replace(base, outcome=outcome), groups, measures)


def _under_other_readings(results: Results) -> set[str]:
    """Return the configurations under another reading of an open question, but for the betas: the paper has both pairs."""
    return {
        c.name
        for default, *others in readings(results)
        for reading in others
        for c in reading.both
        if c is not None and c not in default.both and reading.changes.keys() != {"betas"}
    }


# Words


def paper_text(printed: dict[str, float | str]) -> str:
    """Return what a claim prints as text: `WGAN-GP 54.23, Self-Sparse GAN 46.85`."""
    return "; ".join(_printed(name, value) for name, value in printed.items()) or MISSING


def _printed(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    for key, label in PRINTED_NAMES.items():
        if name == key or name.startswith(f"{key}_"):
            rest = name.removeprefix(key).lstrip("_")
            return f"{label} {_printed(rest, value) if rest else number(value)}"
    words = name.replace("_", " ").replace("rgb", "RGB")
    if words.endswith("percent"):
        return f"{words.removesuffix('percent')}{value:g} %".strip()
    if float(value).is_integer():
        return f"{count(value)} {words}"
    return f"{words} {number(value)}"


def effect_text(verdict: Verdict) -> str:
    """Return the comparison that decides: `decrease, %: 4.76 [2.1, 7.4], p = 0.012`."""
    found, parts = verdict.outcome, []
    value, low, high = found.effect.value, found.effect.low, found.effect.high
    if math.isfinite(value):
        written = number if 0.1 <= abs(value) < 1000 else short
        ends = f" [{written(low)}, {written(high)}]" if math.isfinite(low) and math.isfinite(high) else ""
        parts.append(f"{found.of}: {written(value)}{ends}")
    if math.isfinite(found.p):
        parts.append(f"p = {number(found.p, 3)}" if found.p >= 0.0005 else "p < 0.001")
    return ", ".join(parts)


def needed_text(verdict: Verdict) -> str:
    """Return how many runs or pairs would decide, for an inconclusive verdict: `17 runs`."""
    if verdict.word != INCONCLUSIVE or not math.isfinite(verdict.needed):
        return ""
    return f"{count(verdict.needed)} {verdict.outcome.unit}"


def sentence(verdict: Verdict, other: Verdict | None = None) -> str:
    """Return one verdict in words, with its extractor and number of runs; `other` is that of the second reading."""
    basis = [verdict.extractor, f"n = {verdict.runs}"] if verdict.extractor else []
    if verdict.stands_in:
        basis.insert(0, "; ".join(verdict.groups))
    if needed := needed_text(verdict):
        basis.append(f"{needed} would decide at 80 % power")
    text = f"**{verdict.claim.id}, {verdict.word}**" + (f" ({'; '.join(basis)})" if basis else "")
    text += f": {verdict.claim.statement}"
    effect = effect_text(verdict)
    ours = "" if f": {verdict.outcome.ours} " in effect else verdict.outcome.ours
    told = [ours, effect, *verdict.why, verdict.claim.note]
    text += "".join(f" {_capital(part.rstrip('.'))}." for part in told if part)
    if other and other.word != verdict.word:
        text += f" Under the other reading of Adam's betas on STL-10 (U6): {other.word}."
    return text


def _capital(text: str) -> str:
    return text if text[:1] in "ξζαβr" else text[:1].upper() + text[1:]


# The page


def verdict_table(found: Sequence[Verdict]) -> Table:
    """Every claim with the paper's value, ours, and the verdict, in the paper's order."""
    rows = []
    for v, other in _with_other(found):
        effect = v.outcome.effect
        data = {
            "claim": v.claim.id, "part": v.part, "statement": v.claim.statement, "paper": v.paper, "ours": v.outcome.ours,
            "effect_of": v.outcome.of, "effect": effect.value, "low_95": effect.low, "high_95": effect.high,
            "p": v.outcome.p, "n": v.runs, "needed_80": v.needed, "needed_of": v.outcome.unit, "verdict": v.word,
            "verdict_other_reading": other.word if other else "", "extractor": v.extractor, "why": "; ".join(v.why),
        }  # fmt: skip
        text = {
            "Claim": f"{v.claim.id}. {v.claim.statement}",
            "Verdict": v.word + (f"; {needed_text(v)} would decide" if needed_text(v) else ""),
            "Paper": v.paper,
            "Ours": v.outcome.ours if v.extractor else "; ".join(v.why) or v.outcome.ours,
            "n": v.runs or MISSING,
            "Other reading (U6)": other.word if other else MISSING,
            "Extractor": v.extractor or MISSING,
            "Part": v.part,
        }
        rows.append((data, text))
    caption = (
        "The claims of the paper: its value, ours, and the verdict; n finished runs of each configuration at least."
    )
    return table_of(rows, ([], []), caption)


def counts_table(found: Sequence[Verdict]) -> Table:
    """How many claims have which verdict, under both readings of U6."""
    both = {reading: counts(found, reading) for reading in (TABLES, TEXT)}
    rows = []
    for word in sorted({word for own in both.values() for word in own}):
        data = {"verdict": word} | {reading: own.get(word, 0) for reading, own in both.items()}
        rows.append((data, {"Verdict": word, "Claims": data[TABLES], "Other reading (U6)": data[TEXT]}))
    return table_of(rows, ([], []), "Claims by verdict.")


def counts(found: Sequence[Verdict], reading: str = TABLES) -> dict[str, int]:
    """Count the claims by verdict under one reading; a claim that the reading leaves alone counts as under the other."""
    words = {v.claim.id: v.word for v in found if v.reading == TABLES}
    words |= {v.claim.id: v.word for v in found if v.reading == reading}
    return dict(sorted(Counter(words.values()).items()))


def overview(found: Sequence[Verdict]) -> Markdown:
    """Say how many claims have which verdict, and what a claim is scored on."""
    parts = [f"{n} {word}" for word, n in counts(found).items()]
    return Markdown(f"Of {sum(counts(found).values())} claims: {', '.join(parts)}. {claims().terms['own']}")


def sentences(found: Sequence[Verdict]) -> list[Markdown]:
    """Return, part by part, a sentence for every claim that something was measured or computed for."""
    shown: dict[str, list[str]] = {}
    for v, other in _with_other(found):
        if v.word != NOT_RUN:
            shown.setdefault(v.part, []).append(f"- {sentence(v, other)}")
    return [Markdown("\n".join([f"### {part}", "", *lines])) for part, lines in shown.items()]


def terms() -> Markdown:
    """Say, from claims.yaml, what stands in, what cannot be had, and the two readings of U6."""
    found = claims()
    return Markdown(
        "\n".join(
            f"- {text}" for text in (found.terms["stand_in"], found.terms["unavailable"], *found.readings.values())
        )
    )


def rules_table() -> Table:
    """The rules in words, with the claims that each decides."""
    rows = []
    for name, words in claims().rules.items():
        ids = [claim.id for claim in claims() if claim.rule == name]
        data = {"rule": name, "claims": " ".join(ids), "words": words}
        rows.append((data, {"Rule": name.replace("_", " "), "Claims": ", ".join(ids), "In words": words}))
    return table_of(rows, ([], []), "The rule of each verdict. Tests are at 5 %.")


def _with_other(found: Sequence[Verdict]) -> list[tuple[Verdict, Verdict | None]]:
    others = {v.claim.id: v for v in found if v.reading == TEXT}
    return [(v, others.get(v.claim.id)) for v in found if v.reading == TABLES]


# The metric


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
            row = {"verdict": v.word, "effect": effect, "p": p, f"{v.outcome.unit}_needed": v.needed}
        for key, value in row.items():
            if isinstance(value, str) or math.isfinite(value):
                values.setdefault(key, {})[name] = value
    return values


def write_verdicts(suite: str) -> dict[str, int]:
    """Write results/<suite>/verdicts.json from whatever has been run; return the claims by verdict."""
    found = all_verdicts(load_results(suite))
    write_json(suite_dir(suite) / "verdicts.json", metrics(found))
    return counts(found)
