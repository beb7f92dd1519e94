"""What we see in the comparisons, in sentences made from their tables."""

import math
from collections.abc import Sequence

from IPython.display import Markdown

from selfsparse.analysis import comparison_tables as comparisons
from selfsparse.analysis.comparison_tables import Comparison, comparison_table
from selfsparse.analysis.measure_tables import bias
from selfsparse.analysis.resolution_tables import resolutions_table
from selfsparse.analysis.table import Table
from selfsparse.results.reading import Results
from selfsparse.results.text import many, model_label, number, p_value
from selfsparse.statistics.inference import ONE_SIDED

NOT_HERE = "This suite has nothing for this table."


def compared(results: Results, pairs: Sequence[Comparison]) -> Markdown:
    """Say how many comparisons go as claimed, how many are significant, and what each one's decrease is."""
    if not pairs:
        return Markdown(NOT_HERE)
    table = comparison_table(results, pairs, "").data
    measured = table.dropna(subset=["decrease_percent"])
    if measured.empty:
        return Markdown(f"None of the {many(len(table), 'comparison')} has run.")
    lower = int((measured["decrease_percent"] > 0).sum())
    tested = measured["p_lower"].notna().sum()
    alone, adjusted = (int((measured[name] < ONE_SIDED).sum()) for name in ("p_lower", "p_lower_holm"))
    text = f"The mean FID is lower as claimed in {lower} of {many(len(measured), 'measured comparison')}"
    if len(measured) < len(table):
        text += f" ({len(table) - len(measured)} not run)"
    text += f"; the one-sided p is below {ONE_SIDED:g} in {alone} of {tested} tests, and in {adjusted} after Holm's correction. "
    named = {(p.label, p.lower.name, p.higher.name): p for p in pairs}
    changes = []
    for row in measured.itertuples():
        p = named[row.comparison, row.lower, row.higher]
        models = f" ({model_label(p.lower.model)} against {model_label(p.higher.model)})"
        changes.append(f"{row.comparison}{models if _several_models(pairs) else ''} {number(row.decrease_percent)} %")
    return Markdown(text + f"Relative decrease: {'; '.join(changes)}.")


def _several_models(pairs: Sequence[Comparison]) -> bool:
    return len({(p.lower.model, p.higher.model) for p in pairs}) > 1


def biases(results: Results) -> Markdown:
    """Say by how much the lowest FID of a training is too low, over the configurations."""
    found = {c.name: bias(results, c) for c in results.configurations}
    found = {name: m for name, m in found.items() if m.n}
    if not found:
        return Markdown("No configuration has run.")
    means = {name: m.mean for name, m in found.items()}
    up = sum(mean > 0 for mean in means.values())
    smallest, largest = min(means, key=means.get), max(means, key=means.get)
    return Markdown(
        f"With fresh latents the best generators' mean FID is higher than when they were chosen in {up} of"
        f" {many(len(means), 'configuration')}. The difference, again less lowest, lies between"
        f" {number(means[smallest])} (`{smallest}`) and {number(means[largest])} (`{largest}`)."
    )


def samples(results: Results) -> Markdown:
    """Say whether the order of the two models is the same at both sample counts (C45), and what the larger one changes."""
    table = comparisons.samples_table(results).data
    if table.empty:
        return Markdown(NOT_HERE)
    wide = table.dropna(subset=["decrease_percent"]).groupby("comparison", sort=False)["decrease_percent"]
    both = [group for _, group in wide if len(group) == 2]
    if not both:
        return Markdown("No pair has been measured at both sample counts.")
    same = sum((group > 0).nunique() == 1 for group in both)
    drops = comparisons.drops_table(results).data["drop_mean"].dropna()
    return Markdown(
        f"The same model has the lower mean FID at both sample counts in {same} of {many(len(both), 'pair')}; both FIDs are of"
        " the same generators, so that they depend on each other."
        f" The larger sample lowers the mean FID by {number(drops.min())} to {number(drops.max())}."
    )


def moves(table: Table) -> Markdown:
    """Say how far each model moves between two settings."""
    measured = table.data.dropna(subset=["move"]) if len(table.data) else table.data
    if not len(table.data):
        return Markdown(NOT_HERE)
    if measured.empty:
        return Markdown("None of these configurations has run.")
    lines = [
        f"{model_label(r.model)} moves by {number(r.move)}{_printed(r.paper_move)} ({p_value(r.p)}, two-sided, uncorrected)"
        for r in measured.itertuples()
    ]
    return Markdown("Between the settings the mean FID of " + "; that of ".join(lines) + ".")


def _printed(move: float) -> str:
    return f", in the paper by {number(move)}" if math.isfinite(move) else ""


def quality(results: Results) -> Markdown:
    """Say in how many pairs KID, precision and recall of the best generators favour Self-Sparse GAN."""
    counts = []
    for measure, label, sign in (
        ("kid", "lower KID", -1),
        ("precision", "higher precision", 1),
        ("recall", "higher recall", 1),
    ):
        differences = []
        for p in comparisons.pairs(results):
            a, b = (results.measured(c, "best", c.extractor.samples[0], measure).dropna().mean() for c in p.both)
            differences.append(sign * (a - b))
        known = [d for d in differences if math.isfinite(d)]
        if known:
            counts.append(f"{label} in {sum(d > 0 for d in known)} of {many(len(known), 'pair')}")
    if not counts:
        return Markdown("No pair of WGAN-GP and Self-Sparse GAN has been measured.")
    return Markdown(f"By the means alone, which are not tested, Self-Sparse GAN has the {', the '.join(counts)}.")


def resolutions(results: Results) -> Markdown:
    """Say in how many cells the number of images is the printed one."""
    table = resolutions_table(results).data
    printed = table.dropna(subset=["paper_images"])
    if printed.empty:
        return Markdown("The paper has none of this suite's datasets.")
    same = int((printed["images"] == printed["paper_images"]).sum())
    text = f"The number of images is the printed one in {same} of {many(len(printed), 'row')} that the paper has."
    notes = dict.fromkeys(note for note in table["note"] if note)
    return Markdown(" ".join([text, *notes]))
