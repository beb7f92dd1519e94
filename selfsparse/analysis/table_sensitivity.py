"""table_sensitivity: is Self-Sparse GAN below WGAN-GP also under other readings of what the paper leaves open?

The FID is the primary outcome, `Results.primary`. A sign counts where the difference can be told from zero.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from selfsparse.analysis import style
from selfsparse.analysis.comparisons import fid_title
from selfsparse.analysis.open_questions import anchor
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table import (
    Cell,
    Table,
    count,
    estimated,
    joined,
    mean_std,
    probability,
    said,
    summarised,
    with_interval,
)
from selfsparse.config import Configuration
from selfsparse.registry import BASELINE, MODELS, SPARSE
from selfsparse.results.alternatives import TRAIN, Reading, readings
from selfsparse.results.reading import Results
from selfsparse.results.text import dataset_label, model_label
from selfsparse.statistics.inference import ONE_SIDED, Difference, by_t, contrast, hedges_g, holm, welch
from selfsparse.statistics.moments import Estimate, Moments, moments

UNDECIDED = "not distinguishable from zero"
QUESTIONS = "../../../../docs/open_questions.md"  # as seen from an executed notebook's folder
ROW, REST = 0.34, 1.15  # inches: of a reading, of a panel's title and axis


@dataclass(frozen=True)
class Effect:
    """The FIDs of both models under one reading, and their comparison.

    Attributes:
        difference: of the mean FIDs, Self-Sparse GAN less WGAN-GP, by Welch's test.
        ratio: of the geometric mean FIDs, Self-Sparse GAN over WGAN-GP.
        p_holm, p_reverse_holm: one-sided p for Self-Sparse GAN lower and for higher, corrected over all readings.
    """

    reading: Reading
    sparse: Moments
    baseline: Moments
    difference: Difference
    ratio: Estimate
    p_holm: float = math.nan
    p_reverse_holm: float = math.nan

    @property
    def lower(self) -> bool | None:
        """Whether Self-Sparse GAN has the lower mean FID, as claimed; None where one of them is not measured."""
        return None if math.isnan(self.difference.value) else self.difference.value < 0

    @property
    def significant(self) -> bool:
        """Whether the claim, or its reverse, passes its one-sided test after Holm's correction."""
        return (self.p_holm if self.lower else self.p_reverse_holm) < ONE_SIDED

    @property
    def word(self) -> str:
        """How the claim fares: `lower, as claimed`, `higher, the reverse`, or UNDECIDED."""
        if not self.significant:
            return UNDECIDED
        return "lower, as claimed" if self.lower else "higher, the reverse of the claim"

    def flips(self, default: "Effect") -> bool:
        """Whether the difference has another sign than under the defaults, and both of them can be told from zero."""
        return self.significant and default.significant and self.lower != default.lower


def belongs(results: Results) -> bool:
    """Whether a suite has anything for this notebook: another reading of what the paper leaves open."""
    return bool(readings(results))


def effects(results: Results) -> list[list[Effect]]:
    """Return every reading of the suite with its comparison, family by family; Holm's correction is over all of them."""
    families = [[_effect(results, reading) for reading in family] for family in readings(results)]
    flat = [e for family in families for e in family]
    forward, backward = holm([e.difference.p_lower for e in flat]), holm([1 - e.difference.p_lower for e in flat])
    corrected = (replace(e, p_holm=a, p_reverse_holm=b) for e, a, b in zip(flat, forward, backward, strict=True))
    return [[next(corrected) for _ in family] for family in families]


def _fids(results: Results, c: Configuration | None) -> list[float]:
    return [] if c is None else list(results.primary(c))


def _effect(results: Results, reading: Reading) -> Effect:
    values = [_fids(results, c) for c in reading.both]
    a, b = (moments(own) for own in values)
    logs = [moments([math.log(fid) for fid in own if fid > 0]) for own in values]
    of_logs = welch(*logs)
    ratio = Estimate(*(math.exp(x) for x in (of_logs.value, of_logs.low, of_logs.high)))
    return Effect(reading, a, b, welch(a, b), ratio)


def moves(e: Effect, default: Effect) -> dict[str, Difference]:
    """Return by how much a reading raises each model's mean FID, and Self-Sparse GAN's more, each with its two-sided p."""
    sparse, baseline = [(1.0, e.sparse), (-1.0, default.sparse)], [(1.0, e.baseline), (-1.0, default.baseline)]
    if e.reading.baseline_is_the_default:  # WGAN-GP's runs are the same, and cancel out
        nothing = by_t(math.nan, math.nan, math.nan)
        return {"wgan_gp_move": nothing, "self_sparse_move": contrast(sparse), "difference_of_moves": contrast(sparse)}
    more = [*sparse, *((-weight, m) for weight, m in baseline)]
    return {
        "wgan_gp_move": contrast(baseline), "self_sparse_move": contrast(sparse), "difference_of_moves": contrast(more),
    }  # fmt: skip


def outcome(results: Results, e: Effect, default: Effect) -> str:
    """Say how the claim fares under a reading."""
    if e.lower is None:
        why = {}
        for c, name in zip(e.reading.both, ("Self-Sparse GAN", "WGAN-GP"), strict=True):
            if not _fids(results, c):
                why[name] = _without(results, c)
        if len(why) == 2 and len(set(why.values())) == 1:
            return next(iter(why.values()))
        return "; ".join(f"{name} {reason}" for name, reason in why.items())
    if e.reading.default is not None and default.lower is None:
        return f"{e.word}; defaults not measured"
    return f"turned round: {e.word}" if e.flips(default) else e.word


def _without(results: Results, c: Configuration | None) -> str:
    return "not in the suite" if c is None else results.count(c).without_value


# The tables


def readings_table(results: Results) -> Table:
    """Both models under each reading: FIDs, their difference and its test, and whether the claim fares as by default."""
    columns = {
        **LABELS,
        "WGAN-GP": lambda row: mean_std("wgan_gp_fid", without="_without_baseline")(row) + row["_of"],
        "Self-Sparse GAN": mean_std("self_sparse_fid", without="_without_sparse"),
        "n": joined(said("n_wgan_gp"), said("n_self_sparse"), by=", "),
        "Difference": with_interval("difference"),
        "Ratio": with_interval("ratio"),
        "p": probability("p_lower"),
        "p, Holm": probability("p_lower_holm"),
        "p higher, Holm": probability("p_higher_holm"),
        "g": with_interval("g"),
        "Claim": said("verdict"),
        "Extractor": said("extractor"),
        "Real / generated": joined(count("n_real"), count("n_fake")),
    }
    caption = (
        f"Self-Sparse GAN against WGAN-GP under other readings of what the paper leaves open: {fid_title(results)} of the"
        " best generator of each training, re-evaluated with fresh latents at the larger sample count. The difference is"
        " Self-Sparse GAN less WGAN-GP, the ratio one over the other of the geometric means. p is Welch's, one-sided for"
        " lower; p and the 95 % intervals in brackets are uncorrected. Holm's correction is over this table; g is Hedges'. A"
        f" difference is lower, or higher, where its one-sided p after Holm's correction is below {ONE_SIDED:g}."
    )
    rows = [_reading_row(results, e, family[0]) for family in effects(results) for e in family]
    return Table(rows, columns, caption)


def _reading_row(results: Results, e: Effect, default: Effect) -> dict[str, Any]:
    r, c = e.reading, e.reading.configuration
    n_fake = c.extractor.samples[1]
    return {
        **_label(e),
        "self_sparse": r.sparse and r.sparse.name,
        "wgan_gp": r.baseline and r.baseline.name,
        **summarised("wgan_gp_fid", e.baseline),
        "n_wgan_gp": e.baseline.n,
        **summarised("self_sparse_fid", e.sparse),
        "n_self_sparse": e.sparse.n,
        **estimated("difference", e.difference),
        **estimated("ratio", e.ratio),
        "p_lower": e.difference.p_lower,
        "p_lower_holm": e.p_holm,
        "p_higher_holm": e.p_reverse_holm,
        **estimated("g", hedges_g(e.sparse, e.baseline)),
        "verdict": outcome(results, e, default),
        "n_real": results.real_images(c, n_fake),
        "n_fake": n_fake,
        "extractor": c.extractor.extractor,
        "_without_sparse": _without(results, r.sparse),
        "_without_baseline": _without(results, r.baseline),
        "_of": " (the defaults')" * r.baseline_is_the_default,
    }


def moves_table(results: Results) -> Table:
    """How far each reading moves each model's mean FID from the defaults, and whether it moves one more than the other."""
    rows = []
    for family in effects(results):
        for e in family[1:]:
            row = _label(e)
            for name, move in moves(e, family[0]).items():
                row |= estimated(name, move) | {f"{name}_p": move.p}
            rows.append(row)
    titles = {
        "wgan_gp_move": "WGAN-GP",
        "self_sparse_move": "Self-Sparse GAN",
        "difference_of_moves": "Self-Sparse GAN less WGAN-GP",
    }
    columns = dict(LABELS)
    for name, title in titles.items():
        columns |= {title: with_interval(name), f"{title}, p": probability(f"{name}_p")}
    caption = (
        f"By how much each reading moves the mean {fid_title(results)} of each model from that of the defaults, and by how"
        " much more Self-Sparse GAN's than WGAN-GP's; brackets are 95 % intervals, p is two-sided, both uncorrected."
    )
    return Table(rows, columns, caption)


LABELS: dict[str, Cell] = {"Dataset": said("_dataset"), "Question": said("questions"), "Reading": said("reading")}


def _label(e: Effect) -> dict[str, Any]:
    c = e.reading.configuration
    names = {"dataset": c.dataset_key, "questions": e.reading.numbers, "reading": e.reading.label}
    return names | {"_dataset": dataset_label(c.dataset.dataset, c.dataset.resolution)}


def questions(results: Results) -> Markdown:
    """Return the open questions of these readings, each with a link to its section and our choice for the paper."""
    lines = [
        f"- [{q.id}. {q.title}]({QUESTIONS}#{anchor(q)}): here {reading.label}; our choice for the paper's own"
        f" configurations: {q.short}."
        for family in readings(results)
        for reading in family
        for q in reading.questions
        if any(TRAIN + name in q.parameters for name in reading.changes)
    ]
    return Markdown("\n".join(dict.fromkeys(lines)) or "This suite has no other reading.")


# The forest plot


@style.styled()
def forest(results: Results) -> list[Drawing]:
    """A row per reading: left every run's FID and the means, right Self-Sparse GAN over WGAN-GP with its 95 % interval.

    None where the suite has no other reading.
    """
    families = effects(results)
    if not families:
        return []
    heights = [REST + ROW * len(family) for family in families]
    figure = Figure(figsize=(style.TWO_COLUMNS, sum(heights) + 0.3))
    axes = figure.subplots(len(heights), 2, squeeze=False, height_ratios=heights, width_ratios=(1, 1.2))
    for (left, right), family in zip(axes, families, strict=True):
        c = family[0].reading.configuration
        labels = [": ".join(part for part in (e.reading.numbers, e.reading.label) if part) for e in family]
        left.set_yticks(range(len(family)), labels)
        right.set_yticks(range(len(family)), [])
        left.set_title(dataset_label(c.dataset.dataset, c.dataset.resolution))
        left.set_xlabel(f"FID ({c.extractor.extractor}), re-evaluated, log scale")
        right.set_xlabel("Self-Sparse GAN / WGAN-GP, log scale")
        for row, e in enumerate(family):
            for own, model, offset in ((e.reading.baseline, BASELINE, -0.14), (e.reading.sparse, SPARSE, 0.14)):
                values, look = _fids(results, own), _look(model)
                left.plot(values, [row + offset] * len(values), **look, markersize=3, alpha=0.5)
                if values:
                    left.plot([sum(values) / len(values)], [row + offset], **look, markersize=5.5)
            _ratio(right, e, row, outcome(results, e, family[0]))
        _finish(left, right, family)
    style.legend(figure, _handles())
    alt = (
        f"FID of both models of suite {results.suite} under each reading of what the paper leaves open, and their ratio"
        " with its 95 % interval: left of 1 Self-Sparse GAN is lower, as the paper claims."
    )
    return [Drawing("sensitivity", figure, alt)]


def _look(model: str) -> dict[str, Any]:
    return {"color": MODELS[model].colour, "marker": MODELS[model].marker, "linestyle": ""}


def _ratio(axis: Axes, e: Effect, row: int, said_instead: str) -> None:
    found = e.ratio
    if e.lower is None:
        where = {"transform": axis.get_yaxis_transform(), "ha": "center", "va": "center"}
        box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        axis.text(0.5, row, said_instead, **where, color=style.GREY, bbox=box, zorder=3)
        return
    colour = MODELS[SPARSE if found.value < 1 else BASELINE].colour
    if math.isfinite(found.low):
        axis.plot([found.low, found.high], [row, row], color=colour, linewidth=1.3)
    filled = colour if e.significant else "white"
    axis.plot([found.value], [row], marker="D", color=colour, markerfacecolor=filled, markersize=5)


def _finish(left: Axes, right: Axes, family: Sequence[Effect]) -> None:
    ends = [x for e in family for x in (e.ratio.low, e.ratio.value, e.ratio.high) if math.isfinite(x)]
    far = max([1.25, *(max(x, 1 / x) for x in ends)]) ** 1.1
    right.set_xscale("log")
    right.set_xlim(1 / far, far)
    marks = (0.8, 0.9, 1, 1.1, 1.25) if far < 2 else (0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100)
    ticks = [x for x in marks if 1 / far <= x <= far]
    right.set_xticks(ticks, [f"{x:g}" for x in ticks])
    right.minorticks_off()
    right.axvline(1, color="black", linewidth=0.8)
    if math.isfinite(family[0].ratio.value):
        right.axvline(family[0].ratio.value, color=style.GREY, linewidth=0.8, linestyle=":")
    right.set_title("← lower, as claimed", loc="left")
    right.set_title("higher →", loc="right")
    for axis in (left, right):
        axis.set_ylim(len(family) - 0.4, -0.6)
        axis.grid(axis="y", visible=False)
    if left.has_data() and any(e.sparse.n or e.baseline.n for e in family):
        left.set_xscale("log")  # runs under one reading may hardly train, a hundred times above those under another
        left.xaxis.set_major_formatter("{x:g}")
    else:
        left.set_xticks([])


def _handles() -> list[Line2D]:
    black = {"color": "black", "markersize": 5, "marker": "D"}
    return [
        *(Line2D([], [], **_look(m), label=model_label(m)) for m in (BASELINE, SPARSE)),
        Line2D([], [], **black, markerfacecolor="white", label="ratio, 95 % interval"),
        Line2D([], [], **black, linestyle="", label="significant after Holm"),
        Line2D([], [], color=style.GREY, linestyle=":", label="ratio under the defaults"),
    ]
