"""How often each rule gives which verdict, by the number of runs, where the claim is true and where it is not.

Runs are drawn around a truth and given to the rule itself. Where a claim is about a printed value, the print is drawn
from its truth as well: it is a mean of three runs.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from selfsparse.config import Configuration, load_settings, variation
from selfsparse.paper import paper_moments, reported_sparsity
from selfsparse.paper.printed import claims, printed_table
from selfsparse.results.reading import RunCount
from selfsparse.results.text import group_key
from selfsparse.statistics.moments import Moments, moments
from selfsparse.verdicts.judging import Verdict, verdict_on
from selfsparse.verdicts.measures import Measures, Signs
from selfsparse.verdicts.outcome import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, Case
from selfsparse.verdicts.rules import RULES

WORDS = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE)
RUNS = (1, 2, 3, 5, 10, 20, 50)
TRAININGS = 3  # behind a printed mean
XI_SPREAD, DROP_SPREAD = 0.02, 0.5  # between runs; neither is printed
STAGES = (1, 2, 3, 4, 5)


_printed = cache(paper_moments)


@cache
def _printed_xi() -> dict[str, float]:
    return reported_sparsity()["paper_xi"].to_dict()


class Drawn(Measures):
    """Measures with values in place of a summary's: by quantity, then by configuration; runs that diverged by configuration."""

    def __init__(
        self, values: dict[str, dict[str, Any]], signs: Signs | None = None, diverged: dict[str, int] | None = None
    ):
        super().__init__(results=None)  # nothing is read
        self._given, self._signs, self._lost = values, signs, diverged or {}

    def values(self, c: Configuration, quantity: str) -> np.ndarray:
        """Return the values drawn for a configuration."""
        return np.asarray(self._given[quantity][c.name], dtype=float)

    def count(self, c: Configuration) -> RunCount:
        """Count the values drawn, and the runs that diverged."""
        finished = max(len(own[c.name]) for own in self._given.values() if c.name in own)
        return RunCount(finished, self._lost.get(c.name, 0), 0)

    def log_steps_to_level(self, pair) -> list[np.ndarray]:
        """Return the drawn logs of steps."""
        return [self.values(c, "log_steps_to_level") for c in pair]

    def by_size(self, c: Configuration, quantity: str) -> dict[int, np.ndarray]:
        """Return what was drawn by size of the maps."""
        return self._given[quantity][c.name]

    def by_stage(self, c: Configuration, quantity: str) -> dict[int, np.ndarray]:
        """Return what was drawn by stage."""
        return self._given[quantity][c.name]

    def signs_differing(self, c: Configuration, share: float) -> Signs:
        """Return the drawn shares of signs."""
        return self._signs

    def free_kernel_weights(self, c: Configuration) -> np.ndarray:
        """Return the drawn numbers of free weights."""
        return self.values(c, "free")


@dataclass(frozen=True)
class Truth:
    """A claim under one truth: what is true, in words; whether the claim is; and how a case of n runs is drawn."""

    claim: str
    words: str
    holds: bool | None
    draw: Callable[[np.random.Generator, int], Case]


@cache
def case_of(claim: str) -> Case:
    """Return the paper's own configurations of a claim, with nothing measured."""
    settings, groups = load_settings(), {}
    for name in claims()[claim].names():
        c = settings.configuration(name)
        groups.setdefault(group_key(c), {})[c.model] = c
    return Case(claims()[claim], groups, Drawn({}))


def names_of(case: Case) -> list[tuple[str, str, str]]:
    """Return cell, model and name of every configuration of a case."""
    return [(c.dataset_key, c.model, c.name) for group in case.groups.values() for c in group.values()]


def _fids(
    claim: str, mean: Callable[[str, str, str], float] | None = None, factor: float = 1.0, quantities=("best_fid",)
) -> Callable:
    """Draw FIDs with the printed spreads around the printed means, or around others by cell, model and name."""

    def draw(rng: np.random.Generator, n: int) -> Case:
        case, values = case_of(claim), {}
        for quantity in quantities:
            values[quantity] = {}
            for cell, model, name in names_of(case):
                printed = _printed(name)
                middle = mean(cell, model, name) if mean else printed.mean
                values[quantity][name] = rng.normal(middle, factor * printed.std, n)
        return replace(case, measures=Drawn(values))

    return draw


def _baseline(cell: str, model: str, name: str) -> float:
    return _printed(name.replace(model, "wgan_gp")).mean


def _swapped(cell: str, model: str, name: str) -> float:
    other = {"wgan_gp": "self_sparse", "self_sparse": "wgan_gp"}[model]
    return _printed(name.replace(model, other)).mean


def _tenth_less(cell: str, model: str, name: str) -> float:
    return _baseline(cell, model, name) * (0.9 if model == "self_sparse" else 1)


def _beside_print(claim: str, margins_away: float) -> Callable:
    """Draw FIDs, and the print from the same truth, but for ours so many margins further from no effect."""

    def draw(rng: np.random.Generator, n: int) -> Case:
        case, printed, ours = case_of(claim), {}, {}
        margins = case.parameters["margins"]
        for cell, model, name in names_of(case):
            truth = _printed(name)
            theirs = moments(rng.normal(truth.mean, truth.std, TRAININGS))
            printed[name] = Moments(TRAININGS, round(theirs.mean, 2), round(theirs.std, 2), math.nan, math.nan)
            shift = (
                margins_away * margins[cell] / 100 * _printed(f"{cell}-wgan_gp").mean if model == "self_sparse" else 0
            )
            ours[name] = rng.normal(truth.mean - shift, truth.std, n)
        numbers = {
            key: round(100 * (1 - printed[f"{cell}-self_sparse"].mean / printed[f"{cell}-wgan_gp"].mean), 2)
            for cell, key in case.parameters["values"].items()
        }
        stated = case.claim.model_copy(update={"printed": case.claim.printed | numbers})
        return replace(case, claim=stated, measures=Drawn({"best_fid": ours}), paper=printed.__getitem__)

    return draw


def _value(claim: str, quantity: str, spread: float, margins_away: float) -> Callable:
    """Draw a value of each model, and the print from the same truth, but for ours so many margins larger."""

    def draw(rng: np.random.Generator, n: int) -> Case:
        case, numbers, ours = case_of(claim), {}, {}
        (group,) = case.groups.values()
        for model, key in case.parameters["values"].items():
            truth = float(case.claim.printed[key])
            numbers[key] = round(float(rng.normal(truth, spread, TRAININGS).mean()), 2)
            ours[group[model].name] = rng.normal(truth + margins_away * case.parameters["margins"][model], spread, n)
        stated = case.claim.model_copy(update={"printed": case.claim.printed | numbers})
        return replace(case, claim=stated, measures=Drawn({quantity: ours}))

    return draw


def _sparsity(claim: str, mean: Callable[[str, str, str], float] | None = None) -> Callable:
    """Draw FIDs as `_fids`, and ξ̄ around the printed ones."""

    def draw(rng: np.random.Generator, n: int) -> Case:
        case = _fids(claim, mean)(rng, n)
        xi = _printed_xi()
        own = {name: rng.normal(xi[name], XI_SPREAD, n) for _, model, name in names_of(case) if model == "self_sparse"}
        return replace(case, measures=Drawn({"best_fid": case.measures._given["best_fid"], "xi_bar": own}))

    return draw


def _two(claim: str, quantity: str, sparse: float, baseline: float, spread: float) -> Callable:
    """Draw a quantity of both models around two means, with one spread."""

    def draw(rng: np.random.Generator, n: int) -> Case:
        case = case_of(claim)
        means = {"self_sparse": sparse, "wgan_gp": baseline}
        return replace(
            case, measures=Drawn({quantity: {name: rng.normal(means[m], spread, n) for _, m, name in names_of(case)}})
        )

    return draw


def _spread(factor: float) -> Callable:
    """Draw FIDs around the printed means with spreads of 2 % and, of Self-Sparse GAN, that times a factor."""

    def draw(rng: np.random.Generator, n: int) -> Case:
        case, values = case_of("C7"), {}
        for _, model, name in names_of(case):
            mean = _printed(name).mean
            values[name] = rng.normal(mean, 0.02 * mean * (factor if model == "self_sparse" else 1), n)
        return replace(case, measures=Drawn({"best_fid": values}))

    return draw


def _lost(claim: str, chance: dict[str, float]) -> Callable:
    """Draw FIDs of both models from one distribution, and let each run diverge by chance."""

    def draw(rng: np.random.Generator, n: int) -> Case:
        case, values, diverged = case_of(claim), {}, {}
        for _, model, name in names_of(case):
            diverged[name] = int(rng.binomial(n, chance[model]))
            values[name] = rng.normal(50, 2, n - diverged[name])
        return replace(case, measures=Drawn({"fid_large": values}, diverged=diverged))

    return draw


def _sizes(share: float, spread: float) -> Callable:
    def draw(rng: np.random.Generator, n: int) -> Case:
        case = case_of("C17")
        found = {
            name: {
                size: np.clip(rng.normal(share, spread, n), 0, 1) if model == "self_sparse" else np.zeros(n)
                for size in case.parameters["sizes"]
            }
            for _, model, name in names_of(case)
        }
        return replace(case, measures=Drawn({"zeta": found}))

    return draw


def _stages(claim: str, quantity: str, mean: Callable[[str, int], float], spread: float) -> Callable:
    def draw(rng: np.random.Generator, n: int) -> Case:
        case = case_of(claim)
        found = {name: {t: rng.normal(mean(model, t), spread, n) for t in STAGES} for _, model, name in names_of(case)}
        return replace(case, measures=Drawn({quantity: found}))

    return draw


def _weights(growth: float, baseline: float) -> Callable:
    """Draw the share of negative weights: Self-Sparse GAN's grows so much from a half, and WGAN-GP's ends there."""

    def draw(rng: np.random.Generator, n: int) -> Case:
        case = case_of("C25")
        grown = rng.normal(growth, 0.02, n)
        ends = {"self_sparse": 0.5 + grown, "wgan_gp": rng.normal(baseline, 0.02, n)}
        values = {
            "negative_weight_growth": {name: grown for _, _, name in names_of(case)},
            "negative_weight_share": {name: ends[model] for _, model, name in names_of(case)},
        }
        return replace(case, measures=Drawn(values))

    return draw


def _kernels(saved: float) -> Callable:
    def draw(rng: np.random.Generator, n: int) -> Case:
        case = case_of("C19")
        total = {"wgan_gp": 100.0, "self_sparse": 200.0}
        values = {
            "generator_parameters": {name: np.full(n, total[model]) for _, model, name in names_of(case)},
            "free": {name: rng.normal(100 + saved, 10, n) for _, _, name in names_of(case)},
        }
        return replace(case, measures=Drawn(values))

    return draw


def _signs(share: float) -> Callable:
    def draw(rng: np.random.Generator, n: int) -> Case:
        found = rng.gamma(4, share / 4, n)  # a spread of half the mean, never below 0
        return replace(case_of("C20"), measures=Drawn({}, Signs(found, found)))

    return draw


TRUTHS = (
    Truth("C1", "the printed FIDs", True, _fids("C1")),
    Truth("C1", "no cell differs", False, _fids("C1", _baseline)),
    Truth("C1", "the models exchanged", False, _fids("C1", _swapped)),
    Truth("C6", "the printed FIDs", True, _fids("C6")),
    Truth("C6", "no cell differs", False, _fids("C6", _baseline)),
    Truth("C11", "the printed FIDs", True, _fids("C11")),
    Truth("C11", "no model differs", False, _fids("C11", _baseline)),
    Truth("C12", "the printed FIDs", True, _fids("C12")),
    Truth("C15", "the printed FIDs", True, _fids("C15")),
    Truth("C5", "half the steps, spread 30 %", True, _two("C5", "log_steps_to_level", math.log(5000), math.log(10000), 0.3)),
    Truth("C5", "as many steps", False, _two("C5", "log_steps_to_level", math.log(10000), math.log(10000), 0.3)),
    Truth("C8", "alike, and half of WGAN-GP's runs diverge", True, _lost("C8", {"wgan_gp": 0.5, "self_sparse": 0})),
    Truth("C8", "alike, and half of both models' runs diverge", False, _lost("C8", {"wgan_gp": 0.5, "self_sparse": 0.5})),
    Truth("C4", "the printed FIDs", True, _fids("C4")),
    Truth("C4", "a tenth less at both resolutions", False, _fids("C4", _tenth_less)),
    Truth("C2", "one truth, the print drawn too", True, _beside_print("C2", 0)),
    Truth("C2", "two margins away", False, _beside_print("C2", 2)),
    Truth("C3", "one truth, the print drawn too", True, _beside_print("C3", 0)),
    Truth("C3", "two margins away", False, _beside_print("C3", 2)),
    Truth("C9", "one truth, the print drawn too", True, _value("C9", "fid_drop", DROP_SPREAD, 0)),
    Truth("C9", "two margins away", False, _value("C9", "fid_drop", DROP_SPREAD, 2)),
    Truth("C30", "one truth, the print drawn too", True, _value("C30", "xi_bar", XI_SPREAD, 0)),
    Truth("C30", "two margins away", False, _value("C30", "xi_bar", XI_SPREAD, 2)),
    Truth("C36", "the printed FIDs and ξ̄", True, _sparsity("C36")),
    Truth("C36", "a tenth less in every cell", False, _sparsity("C36", _tenth_less)),
    Truth("C37", "the printed FIDs and ξ̄", None, _sparsity("C37")),
    Truth("C39", "the printed FIDs and ξ̄", True, _sparsity("C39")),
    Truth("C39", "a tenth less in every cell", False, _sparsity("C39", _tenth_less)),
    Truth("C40", "the printed FIDs and ξ̄", True, _sparsity("C40")),
    Truth("C40", "a tenth less in every cell", False, _sparsity("C40", _tenth_less)),
    Truth("C45", "the printed order at both counts", True, _fids("C45", quantities=("fid_small", "fid_large"))),
    Truth("C45", "no model differs", False, _fids("C45", _baseline, quantities=("fid_small", "fid_large"))),
    Truth("C7", "half the spread", True, _spread(0.5)),
    Truth("C7", "the same spread", False, _spread(1)),
    Truth("C7", "twice the spread", False, _spread(2)),
    Truth("C17", "a fifth of the channels at every size", True, _sizes(0.2, 0.05)),
    Truth("C17", "none", False, _sizes(0, 0)),
    Truth("C18", "0.05 grown, spread 0.03", True, _stages("C18", "position_zero_growth", lambda m, t: 0.05, 0.03)),
    Truth("C18", "nothing grown", False, _stages("C18", "position_zero_growth", lambda m, t: 0, 0.03)),
    Truth("C23", "a fifth less in every stage", True, _stages("C23", "bn_negative_share", lambda m, t: (0.2 if m == "wgan_gp" else 0.16) / t, 0.01)),
    Truth("C23", "both fall alike from stage to stage", False, _stages("C23", "bn_negative_share", lambda m, t: 0.2 / t, 0.01)),
    Truth("C24", "0.50 against 0.55, spread 0.02", True, _two("C24", "zero_gradient_share", 0.50, 0.55, 0.02)),
    Truth("C24", "alike", False, _two("C24", "zero_gradient_share", 0.55, 0.55, 0.02)),
    Truth("C25", "falls to 0.46, WGAN-GP's to 0.50", True, _weights(-0.04, 0.50)),
    Truth("C25", "rises to 0.54, WGAN-GP's to 0.58", False, _weights(0.04, 0.58)),
    Truth("C25", "stays, and both are alike", False, _weights(0, 0.50)),
    Truth("C19", "saves a fifth of what the module adds", True, _kernels(20)),
    Truth("C19", "saves nothing on balance", False, _kernels(0)),
    Truth("C20", "a share of 0.005 differs", True, _signs(0.005)),
    Truth("C20", "a share of 0.05 differs", False, _signs(0.05)),
)  # fmt: skip


def shares(truth: Truth, n: int, draws: int, seed: int = 0) -> dict[str, float]:
    """Return how often a rule gives which verdict on n runs of each configuration."""
    rng = np.random.default_rng([seed, n, int(truth.claim[1:])])
    rule = RULES[case_of(truth.claim).claim.rule]
    found = Counter(rule(truth.draw(rng, n)).verdict for _ in range(draws))
    return {word: found[word] / draws for word in WORDS}


def simulated(number: int, draws: int, runs: tuple[int, ...] = RUNS) -> dict[str, Any]:
    """Return, of one of TRUTHS, the shares of the verdicts by the number of runs."""
    truth = TRUTHS[number]
    return {
        "claim": truth.claim, "rule": case_of(truth.claim).claim.rule, "truth": truth.words, "holds": truth.holds,
        "shares": {str(n): shares(truth, n, draws) for n in runs},
    }  # fmt: skip


class _Printed(Drawn):
    """The paper's numbers as if they were ours: what it does not print has no values."""

    def values(self, c: Configuration, quantity: str) -> np.ndarray:
        return np.asarray(self._given.get(quantity, {}).get(c.name, []), dtype=float)

    def count(self, c: Configuration) -> RunCount:
        return RunCount(TRAININGS, 0, 0)

    def log_steps_to_level(self, pair) -> list[np.ndarray]:
        return [np.empty(0) for _ in pair]

    def by_size(self, c: Configuration, quantity: str) -> dict[int, np.ndarray]:
        return {}

    def by_stage(self, c: Configuration, quantity: str) -> dict[int, np.ndarray]:
        return {}


def printed_as_ours() -> list[Verdict]:
    """Return the verdict on every claim from the paper's own numbers: three runs with the printed mean and spread.

    ξ̄, whose spread is not printed, has XI_SPREAD; the FIDs by 5K and 50K of v1's table are one run each.
    """
    settings, three = load_settings(), np.array([-1.0, 0.0, 1.0])
    xi, samples = _printed_xi(), printed_table("stl10_samples").set_index(["model", "samples"])["fid"]
    values: dict[str, dict] = {name: {} for name in ("best_fid", "xi_bar", "fid_small", "fid_large", "fid_drop")}
    own = {}
    for c in settings.suite("paper"):
        own[c.dataset.dataset, c.dataset.resolution, c.model, variation(c)] = c
        values["best_fid"][c.name] = _printed(c.name).mean + _printed(c.name).std * three
        if c.name in xi:
            values["xi_bar"][c.name] = xi[c.name] + XI_SPREAD * three
        if c.name in ("stl10-64-wgan_gp", "stl10-64-self_sparse"):
            small, large = (samples[c.model, count] for count in (5000, 50000))
            values["fid_small"][c.name], values["fid_large"][c.name] = [small], [large]
            values["fid_drop"][c.name] = [small - large]
    measures = _Printed(values, Signs(np.empty(0), np.empty(0)))
    measures.results = SimpleNamespace(configurations=tuple(own.values()))  # whose networks C27 compares
    return [verdict_on(claim, measures, own) for claim in claims()]
