"""What a suite has to say on five questions, in sentences: lower FID, other readings, the ablation, zeros, settled signs."""

import math
from collections.abc import Callable
from itertools import pairwise

import pandas as pd

from selfsparse.analysis.comparison_tables import Comparison, pairs
from selfsparse.analysis.formatting import count, interval, mean_std, number, probability
from selfsparse.analysis.inference import LEVEL, decrease, hedges_g, holm, welch
from selfsparse.analysis.mechanism import of_finished
from selfsparse.analysis.names import group_label, model_label
from selfsparse.analysis.results import Results
from selfsparse.analysis.sensitivity_tables import of_families
from selfsparse.analysis.statistics import Moments, moments
from selfsparse.analysis.tables import ablation_groups
from selfsparse.config import Configuration

PRINTED_ORDER = ("self_sparse", "without_psm", "without_csm", "wgan_gp")  # of FID, v1's Table 4
FIRST_SHARE = 0.05  # of the steps, in which signs may still change (Fig. 7: 5,000 of 100,000)
LETTERS = {"alpha": "α", "beta": "β"}


def answers(results: Results) -> dict[str, list[str]]:
    """Return what the finished runs of a suite answer: questions, each with a sentence per comparison or configuration.

    A question on which nothing has run has no sentence. FIDs are those of the best generators, measured again with fresh
    latents and the suite's larger sample.
    """
    return {
        "Is the FID of Self-Sparse GAN lower than that of WGAN-GP?": [
            text for p in pairs(results) if (text := _lower(results, p))
        ],
        "Does it depend on what the paper leaves open?": of_families(results),
        "Does the ablation order the models as the paper does?": [
            text
            for key, group in ablation_groups(results).items()
            if (text := _order(results, group_label(key), group))
        ],
        "Are α and β ever exactly zero?": _per_configuration(results, _zeros),
        "Do their signs stay after the first 5 % of the steps?": _per_configuration(results, _settled),
    }


def _fids(results: Results, c: Configuration) -> Moments:
    return moments(results.measured(c, "best", c.extractor.samples[-1]))


def _lower(results: Results, p: Comparison) -> str:
    ours, baseline = (_fids(results, c) for c in p.both)
    if not (ours.n and baseline.n):
        return ""
    change, test, effect = decrease(baseline, ours), welch(ours, baseline), hedges_g(ours, baseline)
    lower = ours.mean < baseline.mean
    text = f"{p.label}: {'yes' if lower else 'no'}, {mean_std(ours)} against {mean_std(baseline)}"
    text += f" (n = {ours.n} and {baseline.n}), {number(abs(change.value), 1)} % {'lower' if lower else 'higher'}"
    if not math.isfinite(test.p_lower):
        return text + "."
    text += f" (95 % interval of the decrease {interval(change.low, change.high, 1)} %)"
    text += f"; p = {probability(test.p_lower)} for lower, Hedges' g {number(effect.value)} {interval(effect.low, effect.high)}"
    return text + f": {_confidence(test.p_lower)}."


def _confidence(p_lower: float) -> str:
    if p_lower < LEVEL:
        return f"significant at {LEVEL:g}"
    return f"significantly higher at {LEVEL:g}" if 1 - p_lower < LEVEL else f"not significant at {LEVEL:g}"


def _order(results: Results, label: str, group: list[Configuration]) -> str:
    found = {c.model: m for c in group if (m := _fids(results, c)).n}
    printed = [model for model in PRINTED_ORDER if model in found]
    if len(printed) < 3:
        return ""
    ours = sorted(printed, key=lambda model: found[model].mean)
    text = f"{label}: {'yes' if ours == printed else 'no'}, from low to high "
    text += ", ".join(f"{model_label(model)} {mean_std(found[model])}" for model in ours)
    if ours != printed:
        text += f"; the paper has {', '.join(map(model_label, printed))}"
    tests = holm([welch(found[a], found[b]).p_lower for a, b in pairwise(printed)])
    tested = [p for p in tests if math.isfinite(p)]
    sure = sum(p < LEVEL for p in tested)
    verb = "is" if sure == 1 else "are"
    return text + f". Of the paper's {len(tested)} steps from one model to the next, {sure} {verb} significant (Holm)."


def _per_configuration(results: Results, say: Callable[[pd.DataFrame, int, str], str]) -> list[str]:
    lines = []
    for c in results.configurations:
        rows = of_finished(results, c)
        found = [text for name in LETTERS if len(rows) and (text := say(rows, c.train.steps, name))]
        if found:
            lines.append(f"`{c.name}`: {'; '.join(found)}.")
    return lines


def _zeros(rows: pd.DataFrame, steps: int, name: str) -> str:
    shares = rows.dropna(subset=[f"{name}_zero"])
    if shares.empty:
        return ""
    by_stage = shares[shares["step"] == shares["step"].max()].groupby("stage")[f"{name}_zero"].mean()
    if not shares[f"{name}_zero"].any():
        return f"{LETTERS[name]} never"
    where = f"{number(100 * by_stage.min(), 1)} to {number(100 * by_stage.max(), 1)} %"
    return f"{LETTERS[name]} in {where} of all cases at the end, by stage"


def _settled(rows: pd.DataFrame, steps: int, name: str) -> str:
    changed = rows.groupby("step")[f"{name}_changed"].mean()
    before = changed.index.to_series().shift()
    late = changed[before >= FIRST_SHARE * steps].dropna()  # both snapshots lie after the first steps
    if late.empty:
        return ""
    every = late.index[-1] - before[late.index[-1]]
    return (
        f"after step {count(before[late.index[0]])} {number(100 * late.mean(), 1)} % of {LETTERS[name]}'s signs differ from"
        f" those {count(every)} steps before, {number(100 * late.iloc[-1], 1)} % at the end"
    )


def bullets(results: Results) -> str:
    """Return the questions that the suite answers and their answers as a Markdown list; empty where nothing has run."""
    lines = []
    for question, sentences in answers(results).items():
        if sentences:
            lines += [f"- {question}", *(f"  - {sentence}" for sentence in sentences)]
    return "\n".join(lines)
