"""What we see, in sentences: every number in the prose of a notebook comes from here."""

import math

from IPython.display import Markdown

from selfsparse.analysis.comparison_sentences import compared
from selfsparse.analysis.comparison_tables import main_pairs
from selfsparse.analysis.tables import ablation_groups
from selfsparse.results.comparability import PAPER_EXTRACTOR
from selfsparse.results.reading import Results
from selfsparse.results.text import group_label, many, model_label, number


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


def _nothing(why: str) -> Markdown:
    return Markdown(f"{why}.")
