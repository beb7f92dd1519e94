"""Tables of notebooks/verdicts.ipynb: what a suite's results make of every claim of the paper."""

import math
from collections.abc import Sequence

from IPython.display import Markdown

from selfsparse.analysis.table import Table, count, said
from selfsparse.data.registry import DATASETS
from selfsparse.paper.printed import TABLES, TEXT, claims
from selfsparse.registry import MODELS
from selfsparse.results import text
from selfsparse.results.text import MISSING
from selfsparse.statistics.inference import MOST_RUNS
from selfsparse.verdicts.case import INCONCLUSIVE, NOT_RUN
from selfsparse.verdicts.judging import Verdict, all_verdicts, counts

__all__ = ["all_verdicts"]  # the notebook has one import

TITLES = {name: declared.title for name, declared in DATASETS.items()}
PRINTED_NAMES = TITLES | {name: model.label for name, model in MODELS.items()} | {
    "lsun": TITLES["lsun_bedroom"], "dcgan": "DCGAN", "resnet": "ResNet", "xi_bar": "ξ̄",
    "betas_0_09": "betas 0, 0.9:", "betas_05_0999": "betas 0.5, 0.999:", "5k": "by 5K", "50k": "by 50K",
    "64": "64 × 64", "128": "128 × 128",
}  # fmt: skip


def paper_text(printed: dict[str, float | str]) -> str:
    """Return what a claim prints as text: `WGAN-GP 54.23, Self-Sparse GAN 46.85`."""
    return "; ".join(_printed(name, value) for name, value in printed.items()) or MISSING


def _printed(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    for key, label in PRINTED_NAMES.items():
        if name == key or name.startswith(f"{key}_"):
            rest = name.removeprefix(key).lstrip("_")
            return f"{label} {_printed(rest, value) if rest else text.number(value)}"
    words = name.replace("_", " ").replace("rgb", "RGB")
    if words.endswith("percent"):
        return f"{words.removesuffix('percent')}{value:g} %".strip()
    if float(value).is_integer():
        return f"{text.count(value)} {words}"
    return f"{words} {text.number(value)}"


def effect_text(verdict: Verdict) -> str:
    """Return the comparison that decides: `decrease, %: 4.76 [2.1, 7.4], p = 0.012`."""
    found, parts = verdict.outcome, []
    value, low, high = found.effect.value, found.effect.low, found.effect.high
    if math.isfinite(value):
        written = text.number if 0.1 <= abs(value) < 1000 else text.short
        ends = f" [{written(low)}, {written(high)}]" if math.isfinite(low) and math.isfinite(high) else ""
        parts.append(f"{found.of}: {written(value)}{ends}")
    if math.isfinite(found.p):
        parts.append(f"p = {text.number(found.p, 3)}" if found.p >= 0.0005 else "p < 0.001")
    return ", ".join(parts)


def needed_text(verdict: Verdict) -> str:
    """Return what would decide an inconclusive verdict: `17 runs would decide at 80 % power`; else nothing."""
    if verdict.word != INCONCLUSIVE:
        return ""
    if math.isfinite(verdict.needed):
        return f"{text.count(verdict.needed)} {verdict.outcome.unit} would decide at 80 % power"
    if math.isfinite(verdict.outcome.margin) and math.isfinite(verdict.outcome.p):
        return "no number of our runs would decide at 80 % power: the spread of the printed three is the limit"
    if math.isfinite(verdict.outcome.p):
        return f"no number of runs up to {text.count(MOST_RUNS)} would decide at 80 % power"
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


def _remarks(verdict: Verdict) -> str:
    """Return what a reader of the verdict has to know: what stood in, why it is so, and the claim's own note."""
    parts = [*(verdict.groups if verdict.stands_in else ()), *verdict.why, verdict.claim.note.rstrip(".")]
    return "" if verdict.word == NOT_RUN else "; ".join(filter(None, parts))


def _ours(verdict: Verdict) -> str:
    """Return our value with the comparison that decides, where that says more."""
    ours, effect = verdict.outcome.ours, effect_text(verdict)
    return "; ".join(part for part in (ours, effect) if part and not (part == effect and ours in effect)) if verdict.extractor else ours  # fmt: skip


def verdict_table(found: Sequence[Verdict]) -> Table:
    """Every claim in one line: the paper's value, ours with its interval, n, the verdict, and what would change it."""
    others = {v.claim.id: v.word for v in found if v.reading == TEXT}
    rows = []
    for v in (v for v in found if v.reading == TABLES):
        effect = v.outcome.effect
        rows.append({
            "claim": v.claim.id, "part": v.part, "statement": v.claim.statement, "paper": paper_text(v.claim.printed),
            "ours": v.outcome.ours, "effect_of": v.outcome.of, "effect": effect.value, "low_95": effect.low,
            "high_95": effect.high, "p": v.outcome.p, "n": v.runs, "needed_80": v.needed, "needed_of": v.outcome.unit,
            "margin": v.outcome.margin, "change": change_text(v), "verdict": v.word,
            "verdict_other_reading": others.get(v.claim.id, ""), "extractor": v.extractor, "why": "; ".join(v.why),
            "_claim": f"{v.claim.id}. {v.claim.statement}", "_ours": _ours(v), "_remarks": _remarks(v), "_n": v.runs or "",
        })  # fmt: skip
    columns = {
        "Claim": said("_claim"),
        "Verdict": said("verdict"),
        "Paper": said("paper"),
        "Ours": said("_ours"),
        "n": said("_n"),
        "What would change it": said("change"),
        "Remarks": said("_remarks"),
        "Other reading (U6)": said("verdict_other_reading"),
        "Extractor": said("extractor"),
        "Part": said("part"),
    }
    caption = (
        "The claims of the paper: its value, ours with a 95 % interval, the verdict and what would change it; n is the smallest "
        "number of runs of a configuration."
    )
    return Table(rows, columns, caption)


def counts_table(found: Sequence[Verdict]) -> Table:
    """How many claims have which verdict, under both readings of U6."""
    both = {reading: counts(found, reading) for reading in (TABLES, TEXT)}
    words = sorted({word for own in both.values() for word in own})
    rows = [{"verdict": word} | {reading: own.get(word, 0) for reading, own in both.items()} for word in words]
    columns = {"Verdict": said("verdict"), "Claims": count(TABLES), "Other reading (U6)": count(TEXT)}
    return Table(rows, columns, "Claims by verdict.")


def terms() -> Markdown:
    """Return, from claims.yaml, what a claim is scored on, what stands in, what cannot be had, and the two readings of U6."""
    return Markdown("\n".join(f"- {term}" for term in (*claims().terms.values(), *claims().readings.values())))


def rules_table() -> Table:
    """The rules in words, with the claims that each decides."""
    rows = []
    for name, words in claims().rules.items():
        ids = [claim.id for claim in claims() if claim.rule == name]
        row = {"rule": name, "claims": " ".join(ids), "words": words}
        rows.append(row | {"_rule": name.replace("_", " "), "_claims": ", ".join(ids)})
    columns = {"Rule": said("_rule"), "Claims": said("_claims"), "In words": said("words")}
    return Table(rows, columns, "The rule of each verdict. Tests are at 5 %.")
