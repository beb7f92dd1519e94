"""The page of the verdicts: what a suite's results make of every claim of the paper, in tables and sentences."""

import math
from collections.abc import Sequence

from IPython.display import Markdown

from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import table_of
from selfsparse.data.registry import DATASETS
from selfsparse.paper.printed import TABLES, TEXT, claims
from selfsparse.registry import MODELS
from selfsparse.results.text import MISSING, count, number, short
from selfsparse.statistics.inference import MOST_RUNS
from selfsparse.verdicts.judging import Verdict, all_verdicts, counts
from selfsparse.verdicts.outcome import INCONCLUSIVE, NOT_RUN

__all__ = ["all_verdicts"]  # the notebook has one import

PRINTED_NAMES = {name: declared.title for name, declared in DATASETS.items()} | {name: model.label for name, model in MODELS.items()} | {
    "lsun": DATASETS["lsun_bedroom"].title, "dcgan": "DCGAN", "resnet": "ResNet", "xi_bar": "ξ̄",
    "betas_0_09": "betas 0, 0.9:", "betas_05_0999": "betas 0.5, 0.999:", "5k": "by 5K", "50k": "by 50K",
    "64": "64 × 64", "128": "128 × 128",
}  # fmt: skip


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
    """Return what would decide an inconclusive verdict: `17 runs would decide at 80 % power`; else nothing."""
    if verdict.word != INCONCLUSIVE:
        return ""
    if math.isfinite(verdict.needed):
        return f"{count(verdict.needed)} {verdict.outcome.unit} would decide at 80 % power"
    if math.isfinite(verdict.outcome.margin) and math.isfinite(verdict.outcome.p):
        return "no number of our runs would decide at 80 % power: the spread of the printed three is the limit"
    if math.isfinite(verdict.outcome.p):
        return f"no number of runs up to {count(MOST_RUNS)} would decide at 80 % power"
    return ""


def change_text(verdict: Verdict) -> str:
    """Return what would change a verdict: the runs still needed, the margin, or the configurations that have not run."""
    if verdict.word == NOT_RUN:
        return "; ".join(verdict.why)
    if verdict.stands_in:
        return "runs of the paper's own configurations"
    parts = [needed_text(verdict)]
    margin = verdict.outcome.margin
    if math.isfinite(margin):
        parts.append(f"close is within ± {margin:g}")
    return "; ".join(part for part in parts if part) or MISSING


def sentence(verdict: Verdict, other: Verdict | None = None) -> str:
    """Return one verdict in words, with its extractor and number of runs; `other` is that of the second reading."""
    basis = [verdict.extractor, f"n = {verdict.runs}"] if verdict.extractor else []
    if verdict.stands_in:
        basis.insert(0, "; ".join(verdict.groups))
    if needed := needed_text(verdict):
        basis.append(needed)
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
    """Every claim in one line: the paper's value, ours with its interval, n, the verdict, and what would change it."""
    rows = []
    for v, other in _with_other(found):
        effect = v.outcome.effect
        data = {
            "claim": v.claim.id, "part": v.part, "statement": v.claim.statement, "paper": paper_text(v.claim.printed),
            "ours": v.outcome.ours, "effect_of": v.outcome.of, "effect": effect.value, "low_95": effect.low,
            "high_95": effect.high, "p": v.outcome.p, "n": v.runs, "needed_80": v.needed, "needed_of": v.outcome.unit,
            "margin": v.outcome.margin, "change": change_text(v), "verdict": v.word,
            "verdict_other_reading": other.word if other else "", "extractor": v.extractor, "why": "; ".join(v.why),
        }  # fmt: skip
        effect_shown = "" if v.outcome.ours in effect_text(v) else effect_text(v)
        text = {
            "Claim": f"{v.claim.id}. {v.claim.statement}",
            "Verdict": v.word,
            "Paper": paper_text(v.claim.printed),
            "Ours": "; ".join(x for x in (v.outcome.ours, effect_shown) if x)
            if v.extractor
            else v.outcome.ours or MISSING,
            "n": v.runs or MISSING,
            "What would change it": change_text(v),
            "Other reading (U6)": other.word if other else MISSING,
            "Extractor": v.extractor or MISSING,
            "Part": v.part,
        }
        rows.append((data, text))
    caption = (
        "The claims of the paper: its value, ours with a 95 % interval, the verdict and what would change it; n runs of each "
        "configuration at least."
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
