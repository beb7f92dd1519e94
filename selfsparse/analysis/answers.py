"""What a suite has to say on the paper's main questions, in sentences made from its summary."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from selfsparse.analysis.comparison_tables import (
    Comparison,
    ablation_comparisons,
    comparison_table,
    main_pairs,
    pairs,
)
from selfsparse.analysis.sensitivity_tables import of_families
from selfsparse.analysis.table_compact import measured_generators, measured_stages
from selfsparse.analysis.tables import ablation_groups
from selfsparse.config import Configuration
from selfsparse.results.mechanism import of_finished
from selfsparse.results.reading import Results
from selfsparse.results.text import (
    count,
    group_label,
    interval,
    many,
    mean_std,
    model_label,
    number,
    p_value,
    probability,
)
from selfsparse.statistics.inference import ONE_SIDED
from selfsparse.statistics.moments import Moments, moments

# The model with the lower FID first, as printed for both datasets of v1's Table 4 (C11, C12). WGAN-GP against the channel
# module alone is not among them: the paper has it both ways (C13).
PRINTED_STEPS = (("self_sparse", "without_psm"), ("without_psm", "without_csm"), ("wgan_gp", "without_csm"))
FIRST_SHARE = 0.05  # of the steps, in which signs may still change (Fig. 7: 5,000 of 100,000)
LETTERS = {"alpha": "α", "beta": "β"}


def answers(results: Results) -> dict[str, list[str]]:
    """Return what the finished runs of a suite answer: questions, each with a sentence per comparison or configuration.

    A question on which nothing has run has no sentence. "Yes" needs the one-sided test of the comparison below ONE_SIDED
    after Holm's correction over its table, "no" that of the reverse.
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
        "Are there channels that are zero for every latent, so that they could be removed?": [
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


def _last(results: Results, c: Configuration) -> Moments:
    """FIDs of the last generators, with fresh latents and the larger sample."""
    return moments(results.measured(c, "last", c.extractor.samples[-1]))


def _lower(results: Results) -> list[str]:
    compared = main_pairs(results)
    table = comparison_table(results, compared, "").data
    rows = [row for row in table.itertuples() if row.n_lower and row.n_higher]
    tests = int(table["p_lower"].notna().sum())
    return [_pair(results, compared[row.Index], row, tests) for row in rows]


def _pair(results: Results, p: Comparison, row: Any, tests: int) -> str:
    """Say how one pair compares, from its row of the comparisons' table."""
    c = p.lower
    ours, baseline = (moments(results.primary(own)) for own in p.both)
    text = f"{p.label}: {_verdict(row)}. FID ({c.extractor.extractor}) of the best generators,"
    text += (
        f" {count(c.extractor.samples[-1])} images from fresh latents: {mean_std(ours)} against {mean_std(baseline)}"
    )
    change = row.decrease_percent
    text += f" (n = {ours.n} and {baseline.n}), {number(abs(change), 1)} % {'lower' if change > 0 else 'higher'}"
    if math.isfinite(row.p_lower):
        text += f" (95 % interval of the decrease {interval(row.decrease_low_95, row.decrease_high_95, 1)} %)"
        text += f", Hedges' g {number(row.g)} {interval(row.g_low_95, row.g_high_95)}"
        text += f", {p_value(row.p_lower)}, one-sided for lower; p and intervals are uncorrected"
        if tests > 1:
            text += f", and after Holm's correction over {tests} pairs {p_value(row.p_lower_holm)}"
    others = {
        "the lowest of each training": [moments(results.best_in_training(own)) for own in p.both],
        "the last generators": [_last(results, own) for own in p.both],
    }
    said = [f"{what} {mean_std(a)} against {mean_std(b)}" for what, (a, b) in others.items() if a.n and b.n]
    return text + "".join(f"; {what}" for what in said) + "."


def _verdict(row: Any) -> str:
    """Answer a comparison by its corrected p, and by that of its reverse."""
    if row.p_lower_holm < ONE_SIDED:
        return "yes"
    if row.p_higher_holm < ONE_SIDED:
        return "no"
    return f"undecided, {'lower' if row.fid_lower < row.fid_higher else 'higher'} in the mean"


def _same_step(results: Results, p: Comparison) -> str:
    ours, baseline = (results.finished(results.curves, c).groupby("step")["fid"].mean().dropna() for c in p.both)
    steps = ours.index.intersection(baseline.index)
    steps = steps[steps > 0]
    lower = ours[steps] < baseline[steps]
    if lower.empty:
        return ""
    text = f"{p.label}: its mean FID is lower at {lower.sum()} of {len(lower)} evaluations (of the same runs, so that they depend on each other: no test)"
    if not lower.any() or lower.all():
        return text + "."
    in_a_row = [part.index for _, part in lower[lower].groupby((~lower).cumsum()[lower])]
    longest = max(in_a_row, key=len)
    several = f"; longest without a break from step {count(longest[0])} to {count(longest[-1])}"
    return text + several * (len(longest) > 1) + "."


def _order(results: Results, label: str, group: Sequence[Configuration]) -> str:
    compared = ablation_comparisons(results)
    table = comparison_table(results, compared, "").data
    tests = int(table["p_lower"].notna().sum())
    rows = {p.models: row for p, row in zip(compared, table.itertuples(), strict=True) if p.lower in group}
    rows = {models: row for models, row in rows.items() if row.n_lower and row.n_higher}
    tested = [
        f"{model_label(a)} below {model_label(b)} {_verdict(row)}"
        + (
            f" ({p_value(row.p_lower)}, corrected {probability(row.p_lower_holm)})"
            if math.isfinite(row.p_lower)
            else ""
        )
        for a, b in PRINTED_STEPS
        if (row := rows.get((a, b)))
    ]
    if not tested:
        return ""
    means = {c.model: m for c in group if (m := moments(results.primary(c))).n}
    ranks = ", ".join(
        f"{model_label(model)} {mean_std(m)}" for model, m in sorted(means.items(), key=lambda item: item[1].mean)
    )
    return (
        f"{label}, of what it says of both its datasets, by the same FIDs: {'; '.join(tested)}. p is one-sided for lower;"
        f" corrected: by Holm's method over the {tests} comparisons of the table. From low to high: {ranks}."
    )


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
    stages = results.finished(measured_stages(results), c)
    if stages.empty:
        return ""
    by_run = stages.groupby("seed")[["proven", "observed", "channels"]].sum()
    total = count(by_run["channels"].max())
    text = f"`{c.name}`: {number(by_run['proven'].mean(), 1)} of {total} proven from the weights"
    text += f", {number(by_run['observed'].mean(), 1)} observed, at 0 for every latent tried"
    removed = results.finished(measured_generators(results), c)
    removed = removed[(removed["kind"] == "observed") & (removed["removed"] > 0)]
    if len(removed):
        woke = removed["revived"].sum() / len(by_run)
        text += f"; of these {number(woke, 1)} woke on {count(removed['fresh_latents'].iloc[0])} fresh latents"
    return f"{text}; means over {many(len(by_run), 'run')}."


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
