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
from selfsparse.verdicts.case import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, Case, Evidence
from selfsparse.verdicts.judging import RULES, Verdict, verdict_on

WORDS = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE)
RUNS = (1, 2, 3, 5, 10, 20, 50)
TRAININGS = 3  # behind a printed mean
XI_SPREAD, DROP_SPREAD = 0.02, 0.5  # between runs; neither is printed
STAGES = (1, 2, 3, 4, 5)

_printed = cache(paper_moments)


@cache
def _printed_xi() -> dict[str, float]:
    return reported_sparsity()["paper_xi"].to_dict()


class Drawn(Evidence):
    """Values in place of a summary's: by quantity, then by configuration, by cell and model, by model or by cell.

    Args:
        diverged: runs that diverged, by the same names.
        runs: how many there are of each configuration; as many as values where it is None.
    """

    def __init__(
        self, values: dict[str, dict[str, Any]], diverged: dict[str, int] | None = None, runs: int | None = None
    ):
        super().__init__(results=None)  # type: ignore[arg-type] # nothing is read
        self._given, self._lost, self._runs = values, diverged or {}, runs

    @staticmethod
    def _of(given: dict[str, Any], c: Configuration, otherwise: Any) -> Any:
        names = (c.name, f"{c.dataset_key}-{c.model}", c.model, c.dataset_key)
        return next((given[name] for name in names if name in given), otherwise)

    def values(self, c: Configuration, quantity: str) -> np.ndarray:
        """Return the values of a configuration; of its first part where they are by parts."""
        found = self._of(self._given.get(quantity, {}), c, ())
        return np.asarray(next(iter(found.values()), ()) if isinstance(found, dict) else found, dtype=float)

    def count(self, c: Configuration) -> RunCount:
        """Count the values, and the runs that diverged."""
        finished = self._runs or max((len(self.values(c, quantity)) for quantity in self._given), default=0)
        return RunCount(finished, self._of(self._lost, c, 0), 0)

    def log_steps_to_level(self, pair) -> list[np.ndarray]:
        """Return the logs of steps."""
        return [self.values(c, "log_steps_to_level") for c in pair]

    def by_part(self, c: Configuration, quantity: str) -> dict[int, np.ndarray]:
        """Return the values by stage, or by size of the maps."""
        return {part: np.asarray(x) for part, x in self._of(self._given.get(quantity, {}), c, {}).items()}


# The mean and the spread of a configuration by its cell, model and name; None where nothing is measured.
Value = Callable[[str, str, str], tuple[float, float] | None]
Draw = Callable[[np.random.Generator, int, Case], Drawn | Case]


@dataclass(frozen=True)
class Truth:
    """A claim under one truth: what is true, in words; whether the claim is; and how a case of n runs is drawn."""

    claim: str
    words: str
    holds: bool | None
    draw: Draw


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


# Means and spreads


def _fid(of: Callable[[str], str] = lambda model: model, factor: float = 1) -> Value:
    """A printed FID, of another model perhaps, and of Self-Sparse GAN times a factor; with its own printed spread."""
    return lambda cell, model, name: (
        _printed(name.replace(model, of(model))).mean * (factor if model == "self_sparse" else 1),
        _printed(name).std,
    )


PRINTED, BASELINE, TENTH_LESS = _fid(), _fid(lambda model: "wgan_gp"), _fid(lambda model: "wgan_gp", 0.9)
SWAPPED = _fid({"wgan_gp": "self_sparse", "self_sparse": "wgan_gp"}.__getitem__)


def _xi(cell: str, model: str, name: str) -> tuple[float, float] | None:
    return (_printed_xi()[name], XI_SPREAD) if model == "self_sparse" else None


# Draws


def _drawn(**quantities: Value) -> Draw:
    """Draw quantities of every configuration around their means; without a spread they are the means."""

    def draw(rng: np.random.Generator, n: int, case: Case) -> Drawn:
        values: dict[str, dict[str, np.ndarray]] = {quantity: {} for quantity in quantities}
        for quantity, of in quantities.items():
            for at in names_of(case):
                if found := of(*at):
                    values[quantity][at[2]] = rng.normal(*found, n) if found[1] else np.full(n, found[0])
        return Drawn(values)

    return draw


def _two(quantity: str, sparse: float, baseline: float, spread: float) -> Draw:
    means = {"self_sparse": sparse, "wgan_gp": baseline}
    return _drawn(**{quantity: lambda cell, model, name: (means[model], spread)})


def _spread(factor: float) -> Draw:
    """Draw FIDs around the printed means with spreads of 2 % and, of Self-Sparse GAN, that times a factor."""
    means = {"self_sparse": 0.02 * factor, "wgan_gp": 0.02}
    return _drawn(best_fid=lambda cell, model, name: (m := _printed(name).mean, means[model] * m))


def _beside_print(margins_away: float) -> Draw:
    """Draw FIDs, and the print from the same truth, but for ours so many margins further from no effect."""

    def draw(rng: np.random.Generator, n: int, case: Case) -> Case:
        printed, ours, margins = {}, {}, case.parameters["margins"]
        for cell, model, name in names_of(case):
            truth = _printed(name)
            theirs = moments(rng.normal(truth.mean, truth.std, TRAININGS))
            printed[name] = Moments(TRAININGS, round(theirs.mean, 2), round(theirs.std, 2), math.nan, math.nan)
            away = margins_away * margins[cell] / 100 * _printed(f"{cell}-wgan_gp").mean
            ours[name] = rng.normal(truth.mean - (away if model == "self_sparse" else 0), truth.std, n)
        numbers = {
            key: round(100 * (1 - printed[f"{cell}-self_sparse"].mean / printed[f"{cell}-wgan_gp"].mean), 2)
            for cell, key in case.parameters["values"].items()
        }
        return replace(_printing(case, numbers), evidence=Drawn({"best_fid": ours}), paper=printed.__getitem__)

    return draw


def _value(quantity: str, spread: float, margins_away: float) -> Draw:
    """Draw a value of each model, and the print from the same truth, but for ours so many margins larger."""

    def draw(rng: np.random.Generator, n: int, case: Case) -> Case:
        numbers, ours = {}, {}
        for model, key in case.parameters["values"].items():
            truth = float(case.claim.printed[key])
            numbers[key] = round(float(rng.normal(truth, spread, TRAININGS).mean()), 2)
            ours[model] = rng.normal(truth + margins_away * case.parameters["margins"][model], spread, n)
        return replace(_printing(case, numbers), evidence=Drawn({quantity: ours}))

    return draw


def _printing(case: Case, numbers: dict[str, float]) -> Case:
    return replace(case, claim=case.claim.model_copy(update={"printed": case.claim.printed | numbers}))


def _lost(chance: dict[str, float]) -> Draw:
    """Draw FIDs of both models from one distribution, and let each run diverge by chance."""

    def draw(rng: np.random.Generator, n: int, case: Case) -> Drawn:
        values, diverged = {}, {}
        for _, model, name in names_of(case):
            diverged[name] = int(rng.binomial(n, chance[model]))
            values[name] = rng.normal(50, 2, n - diverged[name])
        return Drawn({"fid_large": values}, diverged=diverged)

    return draw


def _sizes(share: float, spread: float) -> Draw:
    def draw(rng: np.random.Generator, n: int, case: Case) -> Drawn:
        sizes = case.parameters["sizes"]
        some = {s: np.clip(rng.normal(share, spread, n), 0, 1) for s in sizes}
        return Drawn({"zeta": {"self_sparse": some, "wgan_gp": dict.fromkeys(sizes, np.zeros(n))}})

    return draw


def _stages(quantity: str, mean: Callable[[str, int], float], spread: float) -> Draw:
    def draw(rng: np.random.Generator, n: int, case: Case) -> Drawn:
        every = names_of(case)
        return Drawn({quantity: {name: {t: rng.normal(mean(m, t), spread, n) for t in STAGES} for _, m, name in every}})

    return draw


def _weights(growth: float, baseline: float) -> Draw:
    """Draw the share of negative weights: Self-Sparse GAN's grows so much from a half, and WGAN-GP's ends there."""

    def draw(rng: np.random.Generator, n: int, case: Case) -> Drawn:
        grown = rng.normal(growth, 0.02, n)
        ends = {"self_sparse": 0.5 + grown, "wgan_gp": rng.normal(baseline, 0.02, n)}
        return Drawn({"negative_weight_growth": {"self_sparse": grown}, "negative_weight_share": ends})

    return draw


def _kernels(saved: float) -> Draw:
    total = {"self_sparse": (200, 0), "wgan_gp": (100, 0)}
    return _drawn(
        generator_parameters=lambda cell, model, name: total[model], free_weights=lambda *at: (100 + saved, 10)
    )


def _signs(share: float) -> Draw:
    def draw(rng: np.random.Generator, n: int, case: Case) -> Drawn:
        found = rng.gamma(4, share / 4, n)  # a spread of half the mean, never below 0
        return Drawn({key: {"self_sparse": found} for key in ("signs_largest", "signs_last")})

    return draw


TRUTHS = (
    Truth("C1", "the printed FIDs", True, _drawn(best_fid=PRINTED)),
    Truth("C1", "no cell differs", False, _drawn(best_fid=BASELINE)),
    Truth("C1", "the models exchanged", False, _drawn(best_fid=SWAPPED)),
    Truth("C6", "the printed FIDs", True, _drawn(best_fid=PRINTED)),
    Truth("C6", "no cell differs", False, _drawn(best_fid=BASELINE)),
    Truth("C11", "the printed FIDs", True, _drawn(best_fid=PRINTED)),
    Truth("C11", "no model differs", False, _drawn(best_fid=BASELINE)),
    Truth("C12", "the printed FIDs", True, _drawn(best_fid=PRINTED)),
    Truth("C15", "the printed FIDs", True, _drawn(best_fid=PRINTED)),
    Truth("C5", "half the steps, spread 30 %", True, _two("log_steps_to_level", math.log(5000), math.log(10000), 0.3)),
    Truth("C5", "as many steps", False, _two("log_steps_to_level", math.log(10000), math.log(10000), 0.3)),
    Truth("C8", "alike, and half of WGAN-GP's runs diverge", True, _lost({"wgan_gp": 0.5, "self_sparse": 0})),
    Truth("C8", "alike, and half of both models' runs diverge", False, _lost({"wgan_gp": 0.5, "self_sparse": 0.5})),
    Truth("C4", "the printed FIDs", True, _drawn(best_fid=PRINTED)),
    Truth("C4", "a tenth less at both resolutions", False, _drawn(best_fid=TENTH_LESS)),
    Truth("C2", "one truth, the print drawn too", True, _beside_print(0)),
    Truth("C2", "two margins away", False, _beside_print(2)),
    Truth("C3", "one truth, the print drawn too", True, _beside_print(0)),
    Truth("C3", "two margins away", False, _beside_print(2)),
    Truth("C9", "one truth, the print drawn too", True, _value("fid_drop", DROP_SPREAD, 0)),
    Truth("C9", "two margins away", False, _value("fid_drop", DROP_SPREAD, 2)),
    Truth("C30", "one truth, the print drawn too", True, _value("xi_bar", XI_SPREAD, 0)),
    Truth("C30", "two margins away", False, _value("xi_bar", XI_SPREAD, 2)),
    Truth("C36", "the printed FIDs and ξ̄", True, _drawn(best_fid=PRINTED, xi_bar=_xi)),
    Truth("C36", "a tenth less in every cell", False, _drawn(best_fid=TENTH_LESS, xi_bar=_xi)),
    Truth("C37", "the printed FIDs and ξ̄", None, _drawn(best_fid=PRINTED, xi_bar=_xi)),
    Truth("C39", "the printed FIDs and ξ̄", True, _drawn(best_fid=PRINTED, xi_bar=_xi)),
    Truth("C39", "a tenth less in every cell", False, _drawn(best_fid=TENTH_LESS, xi_bar=_xi)),
    Truth("C40", "the printed FIDs and ξ̄", True, _drawn(best_fid=PRINTED, xi_bar=_xi)),
    Truth("C40", "a tenth less in every cell", False, _drawn(best_fid=TENTH_LESS, xi_bar=_xi)),
    Truth("C45", "the printed order at both counts", True, _drawn(fid_small=PRINTED, fid_large=PRINTED)),
    Truth("C45", "no model differs", False, _drawn(fid_small=BASELINE, fid_large=BASELINE)),
    Truth("C7", "half the spread", True, _spread(0.5)),
    Truth("C7", "the same spread", False, _spread(1)),
    Truth("C7", "twice the spread", False, _spread(2)),
    Truth("C17", "a fifth of the channels at every size", True, _sizes(0.2, 0.05)),
    Truth("C17", "none", False, _sizes(0, 0)),
    Truth("C18", "0.05 grown, spread 0.03", True, _stages("position_zero_growth", lambda m, t: 0.05, 0.03)),
    Truth("C18", "nothing grown", False, _stages("position_zero_growth", lambda m, t: 0, 0.03)),
    Truth("C23", "a fifth less in every stage", True, _stages("bn_negative_share", lambda m, t: (0.2 if m == "wgan_gp" else 0.16) / t, 0.01)),
    Truth("C23", "both fall alike from stage to stage", False, _stages("bn_negative_share", lambda m, t: 0.2 / t, 0.01)),
    Truth("C24", "0.50 against 0.55, spread 0.02", True, _two("zero_gradient_share", 0.50, 0.55, 0.02)),
    Truth("C24", "alike", False, _two("zero_gradient_share", 0.55, 0.55, 0.02)),
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
    rng, case = np.random.default_rng([seed, n, int(truth.claim[1:])]), case_of(truth.claim)

    def verdict() -> str:
        drawn = truth.draw(rng, n, case)
        return RULES[case.claim.rule](drawn if isinstance(drawn, Case) else replace(case, evidence=drawn)).verdict

    found = Counter(verdict() for _ in range(draws))
    return {word: found[word] / draws for word in WORDS}


def simulated(number: int, draws: int, runs: tuple[int, ...] = RUNS) -> dict[str, Any]:
    """Return, of one of TRUTHS, the shares of the verdicts by the number of runs."""
    truth = TRUTHS[number]
    return {
        "claim": truth.claim, "rule": case_of(truth.claim).claim.rule, "truth": truth.words, "holds": truth.holds,
        "shares": {str(n): shares(truth, n, draws) for n in runs},
    }  # fmt: skip


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
    evidence = Drawn(values, runs=TRAININGS)
    evidence.results = SimpleNamespace(configurations=tuple(own.values()))  # type: ignore[assignment] # whose networks C27 compares
    return [verdict_on(claim, evidence, own) for claim in claims()]
