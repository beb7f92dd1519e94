"""Sensitivity: is Self-Sparse GAN below WGAN-GP also under another reading of what the paper leaves open?

A reading is a setting of the training that a configuration has otherwise than the one it is a variation of, and that an
open question of docs/open_questions.md decides. It is found by comparing settings, not by name.

The FID is the primary outcome, `Results.primary`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from selfsparse.config import Configuration, variation
from selfsparse.paper import OpenQuestion, open_questions
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.reading import Results
from selfsparse.statistics.inference import ONE_SIDED, contrast, holm, welch
from selfsparse.statistics.moments import Estimate, Moments, moments

SASTM_SETTINGS = {"position_layers"}  # WGAN-GP, which has no SASTM, is the same under each of their values
DEFAULTS = "defaults"
UNDECIDED = "not distinguishable from zero"
TRAIN = "train."


@dataclass(frozen=True)
class Reading:
    """Both models under one reading.

    Attributes:
        changes: setting of `train`: its default and its value here; empty for the defaults themselves.
        sparse, baseline: Self-Sparse GAN and WGAN-GP; None where the suite has it not.
        default: both models under the defaults; None for the defaults themselves.
        questions: the open questions that the settings belong to.
    """

    changes: dict[str, tuple[Any, Any]]
    sparse: Configuration | None
    baseline: Configuration | None
    default: "Reading | None" = None
    questions: tuple[OpenQuestion, ...] = ()

    @property
    def baseline_is_the_default(self) -> bool:
        """Whether Self-Sparse GAN is set against WGAN-GP under the defaults, as the setting is the SASTM's alone."""
        return self.default is not None and self.baseline is self.default.baseline

    @property
    def both(self) -> tuple[Configuration | None, Configuration | None]:
        """Self-Sparse GAN, which is claimed to be lower, and WGAN-GP."""
        return self.sparse, self.baseline

    @property
    def label(self) -> str:
        """What differs from the defaults: `penalty centre 0 → 1`."""
        return (
            ", ".join(f"{_words(name)} {_value(a)} → {_value(b)}" for name, (a, b) in self.changes.items()) or DEFAULTS
        )

    @property
    def configuration(self) -> Configuration:
        """One of the two, for what they share: dataset, extractor, sample counts."""
        return self.sparse or self.baseline

    @property
    def numbers(self) -> str:
        """The numbers of its questions: `U3`."""
        return ", ".join(q.id for q in self.questions)


@dataclass(frozen=True)
class Measured:
    """The FIDs of both models under one reading, and their comparison.

    Attributes:
        difference: of the mean FIDs, Self-Sparse GAN less WGAN-GP.
        ratio: of the geometric mean FIDs, Self-Sparse GAN over WGAN-GP.
        p, p_reverse: Welch's, one-sided, for Self-Sparse GAN lower and for higher; `_holm` over all readings.
    """

    reading: Reading
    sparse: Moments
    baseline: Moments
    difference: Estimate
    ratio: Estimate
    p: float
    p_reverse: float
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

    def flips(self, default: "Measured") -> bool:
        """Whether the difference has another sign than under the defaults, and both of them can be told from zero."""
        return self.significant and default.significant and self.lower != default.lower


def readings(results: Results) -> list[list[Reading]]:
    """Return, for each dataset and network of which the suite has another reading, the defaults and these readings."""
    families = []
    for own in _families(results).values():
        plain = {c.model: c for c in own if not variation(c)}
        if not {SPARSE, BASELINE} <= plain.keys():
            continue
        default = Reading({}, plain[SPARSE], plain[BASELINE])
        found: dict[str, Reading] = {}
        for c in own:
            changes = _changes(plain[c.model], c)
            if changes and all(_questions(name) for name in changes):
                found.setdefault(repr(changes), _reading(changes, own, plain, default))
        if found:
            families.append([default, *sorted(found.values(), key=lambda r: int(r.questions[0].id[1:]))])
    return families


def _families(results: Results) -> dict[tuple, list[Configuration]]:
    families: dict[tuple, list[Configuration]] = {}
    for c in results.configurations:
        if c.model in (SPARSE, BASELINE):
            families.setdefault((c.extractor_key, c.latent_dim, c.network_name), []).append(c)
    return families


def _reading(changes: dict, own: Sequence[Configuration], plain: dict[str, Configuration], default: Reading) -> Reading:
    models = {c.model: c for c in own if _changes(plain[c.model], c) == changes}
    if changes.keys() <= SASTM_SETTINGS:
        models.setdefault(BASELINE, plain[BASELINE])
    questions = dict.fromkeys(q.id for name in changes for q in _questions(name))
    by_id = {q.id: q for q in open_questions().questions}
    return Reading(changes, models.get(SPARSE), models.get(BASELINE), default, tuple(by_id[i] for i in questions))


def _changes(default: Configuration, c: Configuration) -> dict[str, tuple[Any, Any]]:
    a, b = default.train.model_dump(), c.train.model_dump()
    return {name: (a[name], b[name]) for name in a if a[name] != b[name]}


def _questions(setting: str) -> list[OpenQuestion]:
    return [q for q in open_questions().questions if TRAIN + setting in q.parameters]


def _words(setting: str) -> str:
    return setting.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"({', '.join(_value(part) for part in value)})"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


# What was measured


def fid_of(results: Results, c: Configuration | None) -> Moments:
    """Return the FID of the best generators, measured again at the larger sample count, over the finished runs."""
    return moments(fids(results, c))


def fids(results: Results, c: Configuration | None) -> list[float]:
    """Return these FIDs run by run."""
    return [] if c is None else list(results.primary(c))


def measured(results: Results) -> list[list[Measured]]:
    """Return every reading of the suite with its comparison, family by family; Holm's correction is over all of them."""
    families = [[_measured(results, reading) for reading in family] for family in readings(results)]
    flat = [m for family in families for m in family]
    forward, backward = holm([m.p for m in flat]), holm([m.p_reverse for m in flat])
    corrected = (replace(m, p_holm=a, p_reverse_holm=b) for m, a, b in zip(flat, forward, backward, strict=True))
    return [[next(corrected) for _ in family] for family in families]


def _measured(results: Results, reading: Reading) -> Measured:
    values = [fids(results, c) for c in reading.both]
    a, b = (moments(own) for own in values)
    logs = tuple(moments([math.log(fid) for fid in own if fid > 0]) for own in values)
    ratio, _ = contrast([(1, logs[0]), (-1, logs[1])])
    test = welch(a, b)
    return Measured(
        reading,
        a,
        b,
        contrast([(1, a), (-1, b)])[0],
        Estimate(*(math.exp(x) for x in (ratio.value, ratio.low, ratio.high))),
        test.p_lower,
        1 - test.p_lower,
    )


def difference_of_moves(m: Measured, default: Measured) -> tuple[Estimate, float]:
    """Return by how much more a reading raises Self-Sparse GAN's mean FID than WGAN-GP's, and the two-sided p."""
    terms = [(1.0, m.sparse), (-1.0, default.sparse)]
    if not m.reading.baseline_is_the_default:  # else WGAN-GP's runs are the same, and cancel out
        terms += [(-1.0, m.baseline), (1.0, default.baseline)]
    return contrast(terms)


def moves(m: Measured, default: Measured) -> tuple[tuple[Estimate, float], tuple[Estimate, float]]:
    """Return by how much a reading raises the mean FID of Self-Sparse GAN, and of WGAN-GP, each with its two-sided p."""
    nothing = Estimate(math.nan, math.nan, math.nan), math.nan
    return (
        contrast([(1, m.sparse), (-1, default.sparse)]),
        nothing if m.reading.baseline_is_the_default else contrast([(1, m.baseline), (-1, default.baseline)]),
    )


def verdict(results: Results, m: Measured, default: Measured) -> str:
    """Say how the claim fares under a reading: a sign counts where the difference can be told from zero."""
    if m.lower is None:
        return _not_measured(results, m.reading)
    if m.reading.default is not None and default.lower is None:
        return f"{m.word}; defaults not measured"
    return f"sign flips: {m.word}" if m.flips(default) else m.word


def _not_measured(results: Results, reading: Reading) -> str:
    why = {}
    for c, name in zip(reading.both, ("Self-Sparse GAN", "WGAN-GP"), strict=True):
        if not fid_of(results, c).n:
            why[name] = "not in the suite" if c is None else results.count(c).without_value
    if len(why) == 2 and len(set(why.values())) == 1:
        return next(iter(why.values()))
    return "; ".join(f"{name} {reason}" for name, reason in why.items())
