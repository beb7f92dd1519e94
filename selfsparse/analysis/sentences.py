"""What we see, in sentences: every number in the prose of a notebook comes from here."""

import math

from IPython.display import Markdown

from selfsparse.analysis.comparison_sentences import compared
from selfsparse.analysis.comparison_tables import main_pairs
from selfsparse.analysis.correlation import correlations
from selfsparse.analysis.overview_tables import curves_table
from selfsparse.analysis.sparsity_tables import sparsity_table
from selfsparse.analysis.tables import ablation_groups
from selfsparse.registry import SASTM_MODELS
from selfsparse.results.comparability import PAPER_EXTRACTOR
from selfsparse.results.reading import Results
from selfsparse.results.text import count, group_label, interval, many, model_label, number, share


def what_ran(results: Results) -> Markdown:
    """Say how much of the suite has run, and whether its FIDs compare with the paper's."""
    runs = [results.count(c) for c in results.configurations]
    finished, diverged, missing = (sum(getattr(r, name) for r in runs) for name in ("finished", "diverged", "not_run"))
    text = f"Suite `{results.suite}` has {many(len(runs), 'configuration')} and {many(finished + diverged + missing, 'run')}: "
    text += f"{finished} finished, {diverged} diverged, {missing} not run."
    others = [name for name in results.extractors() if name != PAPER_EXTRACTOR]
    if others:
        text += f" FIDs under {' and '.join(f'`{name}`' for name in others)} are not comparable with the paper's, which are under Inception-v3."
    return Markdown(text)


def fid(results: Results) -> Markdown:
    """Say in how many pairs of the main table Self-Sparse GAN has the lower mean FID, by how much, and what tests say."""
    return compared(results, main_pairs(results))


def ablation(results: Results) -> Markdown:
    """Say how the models rank by the mean of the primary outcome in each group that leaves a module out."""
    groups = ablation_groups(results)
    if not groups:
        return _nothing("No configuration of this suite leaves a module out")
    lines = []
    for key, group in groups.items():
        means = {model_label(c.model): results.primary(c).mean() for c in group}
        found = sorted((mean, label) for label, mean in means.items() if math.isfinite(mean))
        ranks = " < ".join(f"{label} {number(value)}" for value, label in found)
        lines.append(
            f"{group_label(key)}, mean FID ({group[0].extractor.extractor}) of the best generators with fresh latents, from"
            f" the lowest: {ranks or 'not run'}; which differences can be told from zero, the tests below say."
        )
    return Markdown("\n\n".join(lines))


def sparsity(results: Results) -> Markdown:
    """Say the range of xi-bar and Pearson's r with what it rests on."""
    table = sparsity_table(results).data
    xi = table["xi"].dropna()
    if xi.empty:
        return _nothing("No pair of WGAN-GP and Self-Sparse GAN has been measured")
    found = correlations(results.correlation)["all"]
    text = f"Over {many(len(xi), 'measured pair')}, ξ̄ of Self-Sparse GAN lies between {number(xi.min(), 3)} and {number(xi.max(), 3)}. "
    if not math.isfinite(found.r):
        return Markdown(text + "Pearson's r is not defined: it needs at least three pairs that differ.")
    text += (
        f"Pearson's r between ξ̄ and the FID reduction is {number(found.r)} (n = {found.n}, p = {number(found.p, 3)}, "
    )
    low_high = interval(found.low, found.high)
    return Markdown(text + (f"95 % interval {low_high})." if found.n >= 4 else "too few pairs for an interval)."))


def curves(results: Results) -> Markdown:
    """Say how far FID fell in each configuration, from step 0 to the last evaluation."""
    table = curves_table(results).data.dropna(subset=["first_mean"])
    if table.empty:
        return _nothing("No configuration has run")
    lines = [
        f"- `{r.configuration}`: {number(r.first_mean)} at step 0, {number(r.last_mean)} at the last, {share(r.last_mean / r.first_mean)} of the first (n = {r.n})"
        for r in table.itertuples()
    ]
    return Markdown("Mean FID over the finished runs:\n\n" + "\n".join(lines))


def samples(results: Results) -> Markdown:
    """Say how many sheets there are."""
    shown = sum(results.sample_sheet(c).is_file() for c in results.configurations)
    return Markdown(
        f"{count(shown)} of {many(len(results.configurations), 'configuration')} have a sample sheet; a panel without one says why."
    )


def progress(results: Results) -> Markdown:
    """Say how many sheets over training there are, and which steps they show."""
    shown = [c for c in results.configurations if results.progress_sheet(c).is_file()]
    if not shown:
        return _nothing("No configuration has a sheet over training")
    steps = sorted({(c.train.snapshot_every, c.train.steps) for c in shown})
    rows = "; ".join(f"every {count(every)} generator steps up to {count(last)}" for every, last in steps)
    return Markdown(f"{many(len(shown), 'sheet')} over training, of the first seed: {rows}.")


def feature_maps(results: Results) -> Markdown:
    """Say, per configuration with a SASTM, how sparse its maps are over all latents (Eq. 4)."""
    lines = []
    for c in results.configurations:
        found = results.finished(results.sparsity, c)
        if c.model not in SASTM_MODELS or found.empty:
            continue
        stages = found.groupby("stage")["xi"].mean()
        lines.append(f"- `{c.name}`: ξ is {', '.join(f'{number(xi, 3)} at stage {t}' for t, xi in stages.items())}")
    if not lines:
        return _nothing("No configuration with a SASTM has run")
    return Markdown("Over all latents and finished runs:\n\n" + "\n".join(lines))


def csm_alone(results: Results) -> Markdown:
    """Say how sparse the maps are with the channel module alone and with both, over all latents (Eq. 4 and 5, C14)."""
    lines = []
    for key, group in results.groups().items():
        means = {c.model: results.finished(results.sparsity, c)[["xi", "zeta"]].mean() for c in group}
        if {"without_psm", "self_sparse"} <= means.keys():
            alone, both = means["without_psm"], means["self_sparse"]
            if alone.notna().all() and both.notna().all():
                lines.append(
                    f"- {group_label(key)}: ξ {number(alone['xi'], 3)} with the channel module alone, {number(both['xi'], 3)} with"
                    f" both; ζ {number(alone['zeta'], 3)} and {number(both['zeta'], 3)}"
                )
    if not lines:
        return _nothing("Nowhere have both models been measured")
    return Markdown(
        "Over all latents, stages and finished runs (ξ: share of zeros; ζ: share of channels that are mostly zero):\n\n"
        + "\n".join(lines)
    )


def stages(results: Results) -> Markdown:
    """Say how sparsity goes from the first stage to the last, and whether models without a SASTM have any zeros."""
    lines, zeros, others = [], 0, 0
    for c in results.configurations:
        found = results.finished(results.sparsity, c)
        if found.empty:
            continue
        if c.model not in SASTM_MODELS:
            others, zeros = others + 1, zeros + bool((found["xi"] > 0).any())
            continue
        means = found.groupby("size")[["xi", "zeta"]].mean()
        ends = means.iloc[0], means.iloc[-1]
        sizes = [f"{size} × {size}" for size in (means.index[0], means.index[-1])]
        lines.append(
            f"- `{c.name}`: ξ {number(ends[0]['xi'], 3)} at {sizes[0]} and {number(ends[1]['xi'], 3)} at {sizes[1]},"
            f" ζ {number(ends[0]['zeta'], 3)} and {number(ends[1]['zeta'], 3)}"
        )
    if not lines and not others:
        return _nothing("No configuration has been measured")
    parts = ["At the first and the last stage:\n\n" + "\n".join(lines)] if lines else []
    if others:
        parts.append(f"Without a SASTM, {zeros} of {many(others, 'configuration')} have exact zeros at some stage.")
    return Markdown("\n\n".join(parts))


def _nothing(why: str) -> Markdown:
    return Markdown(f"{why}.")
