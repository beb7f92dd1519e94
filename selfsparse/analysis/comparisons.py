"""What the tables of FIDs share: comparisons of two models each.

A comparison names the model whose FID is claimed to be lower first. Two models are compared by the primary outcome
(`Results.primary`), so that one comparison has one effect, interval, p and answer in every table: p one-sided for the claim,
p and interval uncorrected.

Self-Sparse GAN against a WGAN-GP, with the same networks or with as many parameters, is a question of the sequential plan
(`decide` in params.yaml): from its first look's runs on the plan answers it (`Standing`). Whatever else is compared, or has
fewer runs, is answered by Welch's test with Holm's correction over such rows of a table.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from selfsparse.analysis.table import (
    Cell,
    Row,
    Table,
    estimated,
    joined,
    mean_std,
    number,
    probability,
    said,
    with_interval,
)
from selfsparse.config import Configuration, Decide, variation
from selfsparse.paper import paper_moments
from selfsparse.registry import BASELINE, SPARSE, variation_label
from selfsparse.results.alternatives import RUNS
from selfsparse.results.comparability import comparable, comparison
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING, group_label, model_label
from selfsparse.statistics.inference import LEVEL, MOST_RUNS, ONE_SIDED, decrease, hedges_g, holm, runs_for_power, welch
from selfsparse.statistics.moments import Moments, moments, relative_decrease
from selfsparse.statistics.sequential import Look, plan_p, take_looks

SKETCHES = ("sketch", "sketch_substitute")
TESTS = (
    'p is Welch\'s, one-sided for lower; p and the 95 % intervals in brackets are uncorrected, and "p, Holm" is corrected'
    " over this table's rows without a plan; g is Hedges'."
)


def rule(plan: Decide) -> str:
    """Say how comparisons are answered, for below a table."""
    return (
        "Self-Sparse GAN against WGAN-GP is answered by the sequential plan from its first look's runs on (looks at"
        f" {listed(plan.looks)} runs of each model, Cochran and Cox's t, in all at most {plan.alpha:g} for telling two equal"
        f" models apart): its two-sided p below {plan.alpha:g}. Any other comparison is answered by Welch's test, one-sided p"
        f" below {ONE_SIDED:g} after Holm's correction."
    )


def listed(numbers: Sequence[int]) -> str:
    """Return `5, 10, 15 and 20`."""
    *others, last = map(str, numbers)
    return f"{', '.join(others)} and {last}" if others else last


def fid_title(results: Results) -> str:
    """Return `FID (lenet)` where the suite has one feature extractor, else `FID`: a column names it in each row."""
    names = results.extractors()
    return f"FID ({names[0]})" if len(names) == 1 else "FID"


# Which configurations are compared


@dataclass(frozen=True)
class Comparison:
    """Two configurations that differ in one thing: the one that is claimed to have the lower FID, and the other."""

    label: str
    lower: Configuration
    higher: Configuration

    @property
    def models(self) -> tuple[str, str]:
        """Their models, in the same order."""
        return self.lower.model, self.higher.model

    @property
    def both(self) -> tuple[Configuration, Configuration]:
        """The two, the one that is claimed to be lower first."""
        return self.lower, self.higher

    @property
    def names(self) -> tuple[str, str]:
        """Their models in words, with the variation where they differ in it: `WGAN-GP (as many parameters)`."""
        varied = variation(self.lower) != variation(self.higher)
        return tuple(  # type: ignore[return-value]
            model_label(c.model) + (f" ({variation_label(variation(c))})" if varied and variation(c) else "")
            for c in self.both
        )


def among(results: Results, wanted: Sequence[tuple[str, str]]) -> list[Comparison]:
    """Return the comparisons of these models, (lower, higher), in every group of configurations that has both."""
    found = []
    for key, group in results.groups().items():
        models = {c.model: c for c in group}
        found += [Comparison(group_label(key), models[a], models[b]) for a, b in wanted if {a, b} <= models.keys()]
    return found


def pairs(results: Results) -> list[Comparison]:
    """Return WGAN-GP and Self-Sparse GAN wherever they differ in nothing else."""
    return among(results, [(SPARSE, BASELINE)])


def main_pairs(results: Results) -> list[Comparison]:
    """Return the pairs of the main table: without those that other tables vary, and without drawings (v2 Table 9)."""
    found = [p for p in pairs(results) if p.lower.dataset.dataset not in SKETCHES]
    plain = {p.lower.dataset_key for p in found if not variation(p.lower)}
    return [p for p in found if not variation(p.lower) or p.lower.dataset_key not in plain]


def matched(results: Results) -> list[Comparison]:
    """Return Self-Sparse GAN against each WGAN-GP with other widths and as many parameters."""
    return [
        Comparison(group_label((c.dataset.dataset, c.dataset.resolution, "")), sparse, c)
        for c in results.configurations
        for sparse in results.configurations
        if is_matched(c, sparse)
    ]


def is_matched(control: Configuration, c: Configuration) -> bool:
    """Whether a WGAN-GP differs from a Self-Sparse GAN in its generator's widths, and in nothing else but the module."""
    same = _all_but_generator(control) == _all_but_generator(c)
    widths = control.network.generator_widths, c.network.generator_widths
    return same and (control.model, c.model) == (BASELINE, SPARSE) and widths[0] != widths[1]


def _all_but_generator(c: Configuration) -> tuple:
    network = c.network
    train = c.train.model_dump_json(exclude=RUNS)
    return c.extractor_key, c.latent_dim, network.architecture, network.discriminator_widths, train


# How they compare


@dataclass(frozen=True)
class Standing:
    """How a question of the sequential plan stands.

    Attributes:
        lower, higher: the primary outcomes of the finished runs, in the order of the seeds.
        looks: those that were taken; none before there are the first look's runs of both.
        p: of the plan (`plan_p`), two-sided, over all looks; NaN without a look.
        next_look: runs of each model at the next look; None where the question is decided, or the plan has ended.
    """

    comparison: Comparison
    lower: list[float]
    higher: list[float]
    looks: list[Look]
    p: float
    next_look: int | None

    @property
    def answer(self) -> str:
        """`yes` (the one that is claimed to be lower is), `no` (it is the higher) or `undecided`; the first look that decides counts."""
        decided = next((look for look in self.looks if look.decides), None)
        return "undecided" if decided is None else "yes" if decided.difference < 0 else "no"

    @property
    def likely(self) -> str:
        """Say how many runs are likely to decide it, were the difference the one seen so far."""
        if min(len(self.lower), len(self.higher)) < 2:
            return "how many runs it takes cannot be said before there are two of each model"
        n = runs_for_power(moments(self.lower), moments(self.higher), LEVEL)
        seen = "were the difference the one seen,"
        if math.isnan(n):
            return f"{seen} {MOST_RUNS:,} of each would not show it in four of five experiments"
        return f"{seen} about {n:.0f} of each would show it in four of five experiments"


def questions(results: Results) -> list[Comparison]:
    """Return the questions of a suite's sequential plan: every WGAN-GP that Self-Sparse GAN stands against."""
    return pairs(results) + matched(results)


def standing_of(results: Results, p: Comparison) -> Standing:
    """Return where the sequential plan stands with a comparison of Self-Sparse GAN with a WGAN-GP; no look with another."""
    plan, (lower, higher) = results.decide, (results.primary(c).tolist() for c in p.both)
    looks = take_looks(lower, higher, plan.looks, plan.alpha) if p.models == (SPARSE, BASELINE) else []
    decided = any(look.decides for look in looks)
    next_look = None if decided else next(iter(plan.looks[len(looks) :]), None)
    return Standing(p, lower, higher, looks, plan_p(looks, plan.looks), next_look)


def plan_of(results: Results, p: Comparison) -> Standing | None:
    """Return the standing of what the sequential plan answers: a question of which its first look was taken."""
    found = standing_of(results, p)
    return found if found.looks else None


def planned(results: Results) -> list[tuple[Standing, float]]:
    """Return the standing of the main question on each dataset, then that of as many parameters, where looks were taken.

    With each comes its p after Holm's correction over the datasets of its question.
    """
    found = []
    for asked in (main_pairs(results), matched(results)):
        standings = [s for p in asked if (s := plan_of(results, p))]
        found += zip(standings, holm([s.p for s in standings]), strict=True)
    return found


def fids(results: Results, c: Configuration, which: str = "lowest") -> Moments:
    """Return the lowest FID of each training, or that of the `best` or `last` generator with fresh latents, small sample."""
    if which == "lowest":
        return moments(results.best_in_training(c))
    return moments(results.re_evaluated(c, which, c.extractor.samples[0]))


def compared(
    results: Results, cells: Sequence[tuple[Comparison, int]], printed: Callable[[Configuration, int], Moments]
) -> list[dict[str, Any]]:
    """Return the numbers of each comparison, the FID that is claimed to be lower first; the sequential plan answers the primary ones.

    Args:
        cells: a comparison, and the sample count of its FIDs: those of the best generators with fresh latents.
        printed: the paper's FID of a configuration by a sample count.
    """
    primary = [n_fake == p.lower.extractor.samples[-1] for p, n_fake in cells]
    plans = [plan_of(results, p) if is_primary else None for (p, _), is_primary in zip(cells, primary, strict=True)]
    ours = [[moments(results.re_evaluated(c, "best", n_fake)) for c in p.both] for p, n_fake in cells]
    papers = [[printed(c, n_fake) for c in p.both] for p, n_fake in cells]
    tests = [welch(a, b) for a, b in ours]
    p_lower = [math.nan if plan else test.p_lower for test, plan in zip(tests, plans, strict=True)]
    up, down = holm(p_lower), holm([1 - p for p in p_lower])
    return [
        {
            "paper_lower": lower.mean,
            "paper_higher": higher.mean,
            "paper_decrease_percent": relative_decrease(higher.mean, lower.mean),
            "fid_lower": a.mean,
            "fid_lower_std": a.std,
            "fid_higher": b.mean,
            "fid_higher_std": b.std,
            "n_lower": a.n,
            "n_higher": b.n,
            "decrease_percent": (found := decrease(b, a)).value,
            "decrease_low_95": found.low,
            "decrease_high_95": found.high,
            "p_lower": test.p_lower,
            "p_lower_holm": p_up,
            **estimated("g", hedges_g(a, b)),
            "p_higher_holm": p_down,
            "extractor": p.lower.extractor.extractor,
            "comparable": comparable(p.lower),
            "p_plan": plan.p if plan else math.nan,
            "answer": plan.answer if plan else answer(p_up, p_down) if a.n and b.n else None,
            "_models": " / ".join(p.names),
            "_comparable": comparison(p.lower) if lower.n and higher.n else "not in the paper",
            "_paper_lower_std": lower.std,
            "_paper_higher_std": higher.std,
            "_without_lower": results.count(p.lower).without_value,
            "_without_higher": results.count(p.higher).without_value,
        }
        for (p, _), (a, b), (lower, higher), test, plan, p_up, p_down in zip(
            cells, ours, papers, tests, plans, up, down, strict=True
        )
    ]


def answer(p_lower: float, p_higher: float) -> str:
    """Return `yes`, `no` or `undecided` by the corrected p of a claim and of its reverse, at 5 % in all."""
    return "yes" if p_lower < ONE_SIDED else "no" if p_higher < ONE_SIDED else "undecided"


def _printed(row: Row) -> str:
    if row["paper_lower"] != row["paper_lower"]:
        return MISSING
    cells = mean_std("paper_lower", std="_paper_lower_std"), mean_std("paper_higher", std="_paper_higher_std")
    return joined(*cells)(row)


COMPARED: dict[str, Cell] = {
    "Paper": _printed,
    "Ours": joined(mean_std("fid_lower", without="_without_lower"), mean_std("fid_higher", without="_without_higher")),
    "n": joined(said("n_lower"), said("n_higher"), by=", "),
    "Paper, decrease %": number("paper_decrease_percent"),
    "Ours, decrease %": with_interval("decrease_percent", "decrease"),
    "p": probability("p_lower"),
    "p, Holm": probability("p_lower_holm"),
    "p, plan": probability("p_plan"),
    "g": with_interval("g"),
    "Answer": said("answer"),
    "Extractor": said("extractor"),
    "Comparable": said("_comparable"),
}


def comparison_table(results: Results, comparisons: Sequence[Comparison], caption: str) -> Table:
    """One row per comparison by the primary outcome."""
    cells = [(p, p.lower.extractor.samples[-1]) for p in comparisons]
    found = compared(results, cells, lambda c, _: paper_moments(c.name))
    rows = [
        {"comparison": p.label, "lower": p.lower.name, "higher": p.higher.name, **row}
        for p, row in zip(comparisons, found, strict=True)
    ]
    columns = {"Comparison": said("comparison"), "Lower / other": said("_models"), **COMPARED}
    caption = (
        f"{caption}: {fid_title(results)} of the best generators, with fresh latents at the larger sample count; the paper's"
        f" is the lowest of each training. {TESTS} {rule(results.decide)}"
    )
    return Table(rows, columns, caption)
