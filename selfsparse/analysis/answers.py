"""What a suite has to say on the paper's main questions, in sentences made from its summary."""

import math
from collections.abc import Callable, Sequence

import pandas as pd

from selfsparse.analysis.comparison_tables import Comparison, pairs
from selfsparse.analysis.formatting import count, interval, mean_std, number, probability
from selfsparse.analysis.inference import LEVEL, decrease, hedges_g, holm, welch
from selfsparse.analysis.mechanism import last_snapshot, of_finished
from selfsparse.analysis.names import group_label, model_label
from selfsparse.analysis.results import Results
from selfsparse.analysis.sensitivity_tables import of_families
from selfsparse.analysis.statistics import Moments, moments
from selfsparse.analysis.tables import ablation_groups
from selfsparse.config import Configuration

# The model with the lower FID first, as printed for both datasets of v1's Table 4 (C11, C12). WGAN-GP against the channel
# module alone is not among them: the paper has it both ways (C13).
PRINTED_STEPS = (("self_sparse", "without_psm"), ("without_psm", "without_csm"), ("wgan_gp", "without_csm"))
FIRST_SHARE = 0.05  # of the steps, in which signs may still change (Fig. 7: 5,000 of 100,000)
LETTERS = {"alpha": "α", "beta": "β"}


def answers(results: Results) -> dict[str, list[str]]:
    """Return what the finished runs of a suite answer: questions, each with a sentence per comparison or configuration.

    A question on which nothing has run has no sentence. "Yes" and "no" need a two-sided test below LEVEL after Holm's
    correction over the question's tests.
    """
    return {
        "Is the FID of Self-Sparse GAN lower than that of WGAN-GP?": _lower(results),
        "Is it lower at the same step of the training?": [
            text for p in pairs(results) if (text := _same_step(results, p))
        ],
        "Does it depend on what the paper leaves open?": of_families(results),
        "Does the ablation order the models as the paper does?": [
            text
            for key, group in ablation_groups(results).items()
            if (text := _order(results, group_label(key), group))
        ],
        "Are α and β ever exactly zero?": _per_configuration(results, _zeros),
        "Are there channels that could be removed, as they are zero for every latent of a probe?": [
            text for c in results.configurations if (text := _dead(results, c))
        ],
        "Do the signs of α and β stay after the first 5 % of the steps?": _per_configuration(results, _settled),
    }


def bullets(results: Results) -> str:
    """Return the questions that the suite answers and their answers as a Markdown list; empty where nothing has run."""
    return listed(answers(results))


def listed(found: dict[str, list[str]]) -> str:
    """Return questions and answers as a Markdown list, without the questions that have no answer."""
    lines = []
    for question, sentences in found.items():
        if sentences:
            lines += [f"- {question}", *(f"  - {sentence}" for sentence in sentences)]
    return "\n".join(lines)


def _again(results: Results, c: Configuration, generator: str = "best") -> Moments:
    """FIDs with fresh latents and the larger sample: nothing was chosen by them."""
    return moments(results.measured(c, generator, c.extractor.samples[-1]))


def _lower(results: Results) -> list[str]:
    measured = [(p, *(_again(results, c) for c in p.both)) for p in pairs(results)]
    measured = [(p, ours, baseline) for p, ours, baseline in measured if ours.n and baseline.n]
    adjusted = holm([welch(ours, baseline).p for _, ours, baseline in measured])
    return [_pair(results, *row, p_holm, len(measured)) for row, p_holm in zip(measured, adjusted, strict=True)]


def _pair(results: Results, p: Comparison, ours: Moments, baseline: Moments, p_holm: float, tests: int) -> str:
    change, effect = decrease(baseline, ours), hedges_g(ours, baseline)
    c = p.lower
    text = f"{p.label}: {_verdict(ours.mean < baseline.mean, p_holm)}. FID ({c.extractor.extractor}) of the best generators,"
    text += (
        f" {count(c.extractor.samples[-1])} images from fresh latents: {mean_std(ours)} against {mean_std(baseline)}"
    )
    text += f" (n = {ours.n} and {baseline.n}), {number(abs(change.value), 1)} % {'lower' if change.value > 0 else 'higher'}"
    if math.isfinite(p_holm):
        several = f" after Holm's correction for {tests} pairs" if tests > 1 else ""
        text += f" (95 % interval of the decrease {interval(change.low, change.high, 1)} %), p = {probability(p_holm)}"
        text += f"{several}, Hedges' g {number(effect.value)} {interval(effect.low, effect.high)}"
    others = {
        "the lowest of each training": [moments(results.best_in_training(c)) for c in p.both],
        "the last generators": [_again(results, c, "last") for c in p.both],
    }
    said = [f"{what} {mean_std(a)} against {mean_std(b)}" for what, (a, b) in others.items() if a.n and b.n]
    return text + "".join(f"; {what}" for what in said) + "."


def _verdict(as_claimed: bool, p: float) -> str:
    if p < LEVEL:
        return "yes" if as_claimed else "no"
    return f"undecided, {'lower' if as_claimed else 'higher'} in the mean"


def _same_step(results: Results, p: Comparison) -> str:
    ours, baseline = (results.finished(results.curves, c).groupby("step")["fid"].mean().dropna() for c in p.both)
    steps = ours.index.intersection(baseline.index)
    steps = steps[steps > 0]
    lower = ours[steps] < baseline[steps]
    if lower.empty:
        return ""
    text = f"{p.label}: its mean FID is lower at {lower.sum()} of {len(lower)} evaluations"
    if not lower.any() or lower.all():
        return text + "."
    in_a_row = [part.index for _, part in lower[lower].groupby((~lower).cumsum()[lower])]
    longest = max(in_a_row, key=len)
    several = f", longest without a break from step {count(longest[0])} to {count(longest[-1])}"
    return text + several * (len(longest) > 1) + "."


def _order(results: Results, label: str, group: Sequence[Configuration]) -> str:
    found = {c.model: m for c in group if (m := _again(results, c)).n}
    steps = [(a, b) for a, b in PRINTED_STEPS if a in found and b in found]
    if not steps:
        return ""
    adjusted = holm([welch(found[a], found[b]).p for a, b in steps])
    tested = [
        f"{model_label(a)} below {model_label(b)} {_verdict(found[a].mean < found[b].mean, p)}"
        + (f" (p = {probability(p)})" if math.isfinite(p) else "")
        for (a, b), p in zip(steps, adjusted, strict=True)
    ]
    ours = sorted(found, key=lambda model: found[model].mean)
    means = ", ".join(f"{model_label(model)} {mean_std(found[model])}" for model in ours)
    return f"{label}, of what it says of both its datasets: {'; '.join(tested)}. From low to high: {means}."


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
    if not shares[f"{name}_zero"].any():
        return f"{LETTERS[name]} never"
    by_stage = shares[shares["step"] == shares["step"].max()].groupby("stage")[f"{name}_zero"].mean()
    return f"{LETTERS[name]} in {number(100 * by_stage.min(), 1)} to {number(100 * by_stage.max(), 1)} % of all cases at the end, by stage"


def _dead(results: Results, c: Configuration) -> str:
    rows = last_snapshot(results, c)
    if rows.empty or rows[["alpha_zero", "beta_zero"]].isna().all(axis=None):
        return ""
    by_run = rows.groupby("seed")[["dead_channels", "channels"]].sum()
    return f"`{c.name}`: {number(by_run['dead_channels'].mean(), 1)} of {count(by_run['channels'].max())}, mean over the runs."


def _settled(rows: pd.DataFrame, steps: int, name: str) -> str:
    rows = rows.dropna(subset=[f"{name}_changed"])
    weights = rows["channels"] if name == "alpha" else rows["size"] ** 2  # one alpha a channel, one beta a position
    sums = (
        pd.DataFrame({"step": rows["step"], "changed": rows[f"{name}_changed"] * weights, "all": weights})
        .groupby("step")
        .sum()
    )
    changed = (sums["changed"] / sums["all"]).astype(float)
    before = pd.Series(changed.index, changed.index).shift(fill_value=0)
    late = changed[before >= FIRST_SHARE * steps]  # both snapshots lie after the first steps
    if late.empty:
        return ""
    stay = "stay" if not late.any() else "go on changing"
    return (
        f"those of {LETTERS[name]} {stay}: after step {count(before[late.index[0]])} on average"
        f" {number(100 * late.mean(), 1)} % from one snapshot to the next, {number(100 * late.iloc[-1], 1)} % in the last"
        f" {count(late.index[-1] - before[late.index[-1]])} steps"
    )
