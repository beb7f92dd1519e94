"""Readings: the configurations of a suite that decide an open question otherwise than its defaults do.

A reading is a setting of the training that a configuration has otherwise than the one it is a variation of, and that an
open question of docs/open_questions.md decides. It is found by comparing settings, not by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from selfsparse.config import Configuration, variation
from selfsparse.paper import OpenQuestion, open_questions
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.reading import Results

RUNS = {"seeds"}  # how many runs there are, and which: no reading
SASTM_SETTINGS = {"position_layers"}  # WGAN-GP, which has no SASTM, is the same under each of their values
DEFAULTS = "defaults"
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
        return self.sparse or self.baseline  # type: ignore[return-value]

    @property
    def numbers(self) -> str:
        """The numbers of its questions: `U3`."""
        return ", ".join(q.id for q in self.questions)


def readings(results: Results) -> list[list[Reading]]:
    """Return, for each dataset and network of which the suite has another reading, the defaults and these readings."""
    together: dict[tuple, list[Configuration]] = {}
    for c in results.configurations:
        if c.model in (SPARSE, BASELINE):
            together.setdefault((c.extractor_key, c.latent_dim, c.network_name), []).append(c)
    families = []
    for own in together.values():
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


def _reading(changes: dict, own: Sequence[Configuration], plain: dict[str, Configuration], default: Reading) -> Reading:
    models = {c.model: c for c in own if _changes(plain[c.model], c) == changes}
    if changes.keys() <= SASTM_SETTINGS:
        models.setdefault(BASELINE, plain[BASELINE])
    questions = dict.fromkeys(q.id for name in changes for q in _questions(name))
    by_id = {q.id: q for q in open_questions().questions}
    return Reading(changes, models.get(SPARSE), models.get(BASELINE), default, tuple(by_id[i] for i in questions))


def _changes(default: Configuration, c: Configuration) -> dict[str, tuple[Any, Any]]:
    a, b = default.train.model_dump(), c.train.model_dump()
    return {name: (a[name], b[name]) for name in a if a[name] != b[name] and name not in RUNS}


def _questions(setting: str) -> list[OpenQuestion]:
    return [q for q in open_questions().questions if TRAIN + setting in q.parameters]


def _words(setting: str) -> str:
    return setting.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"({', '.join(_value(part) for part in value)})"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
