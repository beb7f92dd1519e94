"""The tables and the sentences on other readings of what the paper leaves open."""

import math

from IPython.display import Markdown

from selfsparse.analysis import sensitivity
from selfsparse.analysis.comparison_sentences import NOT_HERE
from selfsparse.analysis.open_questions import anchor
from selfsparse.analysis.sensitivity import TRAIN, Measured
from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import fid_title, table_of
from selfsparse.paper import OpenQuestion
from selfsparse.results.reading import Results
from selfsparse.results.text import (
    MISSING,
    count,
    dataset_label,
    many,
    mean_std,
    model_label,
    number,
    p_value,
    probability,
    with_interval,
)
from selfsparse.statistics.inference import LEVEL, ONE_SIDED, hedges_g
from selfsparse.statistics.moments import Estimate

QUESTIONS = "../../../../docs/open_questions.md"  # as seen from an executed notebook's folder


def readings_table(results: Results) -> Table:
    """Both models under each reading: FIDs, their difference and its test, and whether the claim fares as by default."""
    rows = [_reading_row(results, m, family[0]) for family in sensitivity.measured(results) for m in family]
    columns = ["dataset", "questions", "reading", "difference", "p_lower", "p_lower_holm", "g", "verdict"]
    caption = (
        f"Self-Sparse GAN against WGAN-GP under other readings of what the paper leaves open: {fid_title(results)} of the"
        " best generator of each training, measured again with fresh latents at the larger sample count. The difference is"
        " Self-Sparse GAN less WGAN-GP, the ratio one over the other of the geometric means. p is Welch's, one-sided for"
        " lower; p and the 95 % intervals in brackets are uncorrected. Holm's correction is over this table; g is Hedges'. A"
        f" difference is lower, or higher, where its one-sided p after Holm's correction is below {ONE_SIDED:g}."
    )
    return table_of(rows, (columns, ["Reading"]), caption)


def _reading_row(results: Results, m: Measured, default: Measured) -> tuple[dict, dict]:
    r, c, effect = m.reading, m.reading.configuration, hedges_g(m.sparse, m.baseline)
    n_fake = c.extractor.samples[1]
    n_real = results.real_images(c, n_fake)
    word = sensitivity.verdict(results, m, default)
    data = {"dataset": c.dataset_key, "questions": r.numbers, "reading": r.label}
    data |= {"self_sparse": r.sparse and r.sparse.name, "wgan_gp": r.baseline and r.baseline.name}
    data |= {"wgan_gp_fid_mean": m.baseline.mean, "wgan_gp_fid_std": m.baseline.std, "n_wgan_gp": m.baseline.n}
    data |= {"self_sparse_fid_mean": m.sparse.mean, "self_sparse_fid_std": m.sparse.std, "n_self_sparse": m.sparse.n}
    data |= _numbers("difference", m.difference) | _numbers("ratio", m.ratio)
    data |= {"p_lower": m.p, "p_lower_holm": m.p_holm, "p_higher_holm": m.p_reverse_holm} | _numbers("g", effect)
    data |= {"verdict": word, "n_real": n_real, "n_fake": n_fake, "extractor": c.extractor.extractor}
    without = ["not in the suite" if c is None else results.count(c).without_value for c in r.both]
    text = _label(m) | {
        "WGAN-GP": mean_std(m.baseline, without_value=without[1]) + " (the defaults')" * r.baseline_is_the_default,
        "Self-Sparse GAN": mean_std(m.sparse, without_value=without[0]),
        "n": f"{m.baseline.n}, {m.sparse.n}",
        "Difference": _text(m.difference),
        "Ratio": _text(m.ratio),
        "p": probability(m.p),
        "p, Holm": probability(m.p_holm),
        "p higher, Holm": probability(m.p_reverse_holm),
        "g": _text(effect),
        "Claim": word,
        "Extractor": c.extractor.extractor,
        "Real / generated": f"{count(n_real)} / {count(n_fake)}",
    }
    return data, text


def moves_table(results: Results) -> Table:
    """How far each reading moves each model's mean FID from the defaults, and whether it moves one more than the other."""
    rows = [_move_row(m, family[0]) for family in sensitivity.measured(results) for m in family[1:]]
    columns = ["dataset", "questions", "reading", "wgan_gp_move", "self_sparse_move", "difference_of_moves"]
    caption = (
        f"By how much each reading moves the mean {fid_title(results)} of each model from that of the defaults, and by how"
        " much more Self-Sparse GAN's than WGAN-GP's; brackets are 95 % intervals, p is two-sided, both uncorrected."
    )
    return table_of(rows, (columns, ["Reading"]), caption)


def _move_row(m: Measured, default: Measured) -> tuple[dict, dict]:
    sparse, baseline = sensitivity.moves(m, default)
    found = {
        "wgan_gp_move": ("WGAN-GP", baseline),
        "self_sparse_move": ("Self-Sparse GAN", sparse),
        "difference_of_moves": ("Self-Sparse GAN less WGAN-GP", sensitivity.difference_of_moves(m, default)),
    }
    data = {"dataset": m.reading.configuration.dataset_key, "questions": m.reading.numbers, "reading": m.reading.label}
    text = _label(m)
    for name, (label, (move, p)) in found.items():
        data |= _numbers(name, move) | {f"{name}_p": p}
        text |= {label: _text(move), f"{label}, p": probability(p)}
    return data, text


def _label(m: Measured) -> dict[str, str]:
    c = m.reading.configuration
    dataset = dataset_label(c.dataset.dataset, c.dataset.resolution)
    return {"Dataset": dataset, "Question": m.reading.numbers or MISSING, "Reading": m.reading.label}


def _numbers(name: str, found: Estimate) -> dict[str, float]:
    return {name: found.value, f"{name}_low_95": found.low, f"{name}_high_95": found.high}


def _text(found: Estimate) -> str:
    return with_interval(found.value, found.low, found.high)


# Sentences


def seen(results: Results) -> Markdown:
    """Say how the claim fares under the defaults and the readings, whether a sign flips, and what moves each model most."""
    families = sensitivity.measured(results)
    return Markdown("\n\n".join(_family(results, family) for family in families) if families else NOT_HERE)


def of_families(results: Results) -> list[str]:
    """Return what `seen` says, a text for each dataset and network of which both models ran under the defaults."""
    return [_family(results, family) for family in sensitivity.measured(results) if family[0].lower is not None]


def _family(results: Results, family: list[Measured]) -> str:
    default, others = family[0], family[1:]
    c = default.reading.configuration
    parts = [f"{dataset_label(c.dataset.dataset, c.dataset.resolution)}, FID ({c.extractor.extractor})."]
    if default.lower is None:
        parts.append(f"Under the defaults: {sensitivity.verdict(results, default, default)}.")
    else:
        parts.append(
            f"Under the defaults Self-Sparse GAN has {number(default.sparse.mean)} and WGAN-GP"
            f" {number(default.baseline.mean)}, a difference of {_text(default.difference)}"
            f" ({p_value(default.p)}, one-sided for lower; p and intervals uncorrected):"
            f" {sensitivity.verdict(results, default, default)} after Holm's correction over the readings."
        )
    known = [m for m in others if m.lower is not None]
    missing = [m for m in others if m.lower is None]
    if known and default.lower is not None:
        flips = [m for m in known if m.flips(default)]
        parts.append(f"Under other readings: {'; '.join(_outcome(m) for m in known)}.")
        parts.append(
            f"Of {many(len(known), 'other reading')} that {'has' if len(known) == 1 else 'have'} been measured, the sign"
            f" flips, both differences being distinguishable from zero, under {_listed(flips) or 'none'}."
        )
        more = [m for m in known if sensitivity.difference_of_moves(m, default)[1] < LEVEL]
        parts.append(
            "A reading that moves one model more than the other, by more than the spread of the runs explains"
            f" (p < {LEVEL:g}, uncorrected): {_listed(more) or 'none'}."
        )
        parts += [_largest_move(known, default, i) for i in (1, 0)]
    elif known:
        parts.append(f"Measured without the defaults: {_listed(known)}.")
    if missing:
        parts.append(f"Not measured: {_listed(missing)}.")
    if any(m.reading.baseline_is_the_default for m in others):
        alone = _listed([m for m in others if m.reading.baseline_is_the_default])
        parts.append(f"WGAN-GP has no SASTM, so that under {alone} it is the one of the defaults.")
    return " ".join(parts)


def _largest_move(known: list[Measured], default: Measured, which: int) -> str:
    """Say which reading moves a model's mean FID most; which: 0 Self-Sparse GAN, 1 WGAN-GP."""
    found = [(sensitivity.moves(m, default)[which], m) for m in known]
    found = [(move, p, m) for (move, p), m in found if math.isfinite(move.value)]
    if not found:
        return ""
    move, p, m = max(found, key=lambda row: abs(row[0].value))
    name = model_label((sensitivity.SPARSE, sensitivity.BASELINE)[which])
    of = f", uncorrected, of {many(len(found), 'reading')}" if len(found) > 1 else ""
    return f"{name} moves most under {_listed([m])}, by {_text(move)} ({p_value(p)}, two-sided{of})."


def _outcome(m: Measured) -> str:
    return f"{_listed([m])} {number(m.sparse.mean)} against {number(m.baseline.mean)}, {m.word}"


def _listed(found: list[Measured]) -> str:
    return "; ".join(f"{m.reading.label} ({m.reading.numbers})" for m in found)


def questions(results: Results) -> Markdown:
    """Return the open questions of these readings, each with a link to its section and our choice for the paper."""
    lines = [
        f"- {_linked(q)}: here {reading.label}; our choice for the paper's own configurations: {q.short}."
        for family in sensitivity.readings(results)
        for reading in family
        for q in reading.questions
        if any(TRAIN + name in q.parameters for name in reading.changes)
    ]
    return Markdown("\n".join(dict.fromkeys(lines)) or NOT_HERE)


def _linked(q: OpenQuestion) -> str:
    return f"[{q.id}. {q.title}]({QUESTIONS}#{anchor(q)})"
