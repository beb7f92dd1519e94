"""Comparisons of two models each: the paper's FIDs and ours, decrease, Welch's test, Holm's correction, Hedges' g.

Every table takes its comparisons from the suite by their settings, in the paper's order. A comparison names the model
whose FID is claimed to be lower first. Two models are compared by the primary outcome (`Results.primary`), so that one
comparison has one effect, interval and p in every table: p one-sided for the claim, p and interval uncorrected. Holm's
correction is over the rows of a table that can be tested.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import ablation_groups, fid_title, labelled_fid_table, table_of
from selfsparse.config import Configuration, variation
from selfsparse.data.registry import DATASETS
from selfsparse.paper import paper_moments
from selfsparse.paper.printed import printed_table
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.comparability import comparable, comparison
from selfsparse.results.reading import Results
from selfsparse.results.text import (
    MISSING,
    count,
    dataset_label,
    group_key,
    group_label,
    interval,
    mean_std,
    model_label,
    number,
    probability,
    with_interval,
)
from selfsparse.statistics.inference import decrease, hedges_g, holm, welch
from selfsparse.statistics.moments import Moments, moments, relative_decrease

PRINTED_SAMPLES = "stl10-64"  # what v1's table of sample counts is about, as its caption says
SKETCHES = ("sketch", "sketch_substitute")
ARCHITECTURES = {"dcgan": "DCGAN", "resnet": "ResNet", "sagan": "SAGAN"}
# Three FIDs of one run: as the paper defines it, and with fresh latents the best and the last generator (U42).
TESTS = (
    'p is Welch\'s, one-sided for lower; p and the 95 % intervals in brackets are uncorrected, and "p, Holm" is corrected'
    " over this table; g is Hedges'."
)
FIDS = {"lowest": "Lowest in training", "best": "Best again", "last": "Last again"}


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


def fids(results: Results, c: Configuration, which: str = "lowest") -> Moments:
    """Return one of the three FIDS of a configuration over its finished runs, at the small sample."""
    if which == "lowest":
        return moments(results.best_in_training(c))
    return moments(results.measured(c, which, c.extractor.samples[0]))


# Which configurations are compared


def pairs(results: Results) -> list[Comparison]:
    """Return WGAN-GP and Self-Sparse GAN wherever they differ in nothing else."""
    found = []
    for key, group in results.groups().items():
        models = {c.model: c for c in group}
        if {BASELINE, SPARSE} <= models.keys():
            found.append(Comparison(group_label(key), models[SPARSE], models[BASELINE]))
    return found


def main_pairs(results: Results) -> list[Comparison]:
    """Return the pairs of the main table: without those that other tables vary, and without drawings (v2 Table 9)."""
    found = [p for p in pairs(results) if p.lower.dataset.dataset not in SKETCHES]
    plain = {p.lower.dataset_key for p in found if not variation(p.lower)}
    return [p for p in found if not variation(p.lower) or p.lower.dataset_key not in plain]


def ablation_comparisons(results: Results) -> list[Comparison]:
    """Return what the ablation sets against each other: both modules against one, and each model against WGAN-GP."""
    found = []
    for key, group in ablation_groups(results).items():
        models = {c.model: c for c in group}
        wanted = [(SPARSE, BASELINE), (SPARSE, "without_psm"), (SPARSE, "without_csm"), ("without_psm", "without_csm")]
        wanted += [("without_psm", BASELINE), (BASELINE, "without_csm")]  # C12; of the first the paper has both ways
        found += [Comparison(group_label(key), models[a], models[b]) for a, b in wanted if {a, b} <= models.keys()]
    return found


def betas_families(results: Results) -> list[list[Configuration]]:
    """Return the configurations of both models that differ in Adam's betas alone."""
    return families_of(results, _all_but_betas, lambda c: c.train.betas)


def architecture_families(results: Results) -> list[list[Configuration]]:
    """Return the configurations of both models that differ in their architecture alone."""
    return families_of(results, _all_but_network, lambda c: c.network.architecture)


def families_of(
    results: Results, same: Callable[[Configuration], Any], differs: Callable[[Configuration], Any]
) -> list[list[Configuration]]:
    """Return the sets of WGAN-GPs and Self-Sparse GANs that agree in `same` and are not all alike in `differs`."""
    groups: dict[Any, list[Configuration]] = {}
    for c in results.configurations:
        if c.model in (BASELINE, SPARSE):
            groups.setdefault(same(c), []).append(c)
    return [group for group in groups.values() if len({differs(c) for c in group}) > 1]


def _all_but_betas(c: Configuration) -> tuple:
    return c.extractor_key, c.latent_dim, c.network_name, c.train.model_dump_json(exclude={"betas"})


def _all_but_network(c: Configuration) -> tuple:
    return c.extractor_key, c.latent_dim, c.train.model_dump_json()


def betas_label(c: Configuration) -> str:
    """Return for example `betas 0, 0.9`."""
    return f"betas {', '.join(f'{beta:g}' for beta in c.train.betas)}"


def architecture_label(c: Configuration) -> str:
    """Return for example `ResNet`."""
    return ARCHITECTURES[c.network.architecture]


def within(families: Sequence[Sequence[Configuration]], label: Callable[[Configuration], str]) -> list[Comparison]:
    """Return WGAN-GP and Self-Sparse GAN under each setting of the families."""
    found = []
    for family in families:
        by_setting: dict[str, dict[str, Configuration]] = {}
        for c in family:
            by_setting.setdefault(label(c), {})[c.model] = c
        for setting, models in by_setting.items():
            if {BASELINE, SPARSE} <= models.keys():
                name = f"{dataset_label(*group_key(models[SPARSE])[:2])}, {setting}"
                found.append(Comparison(name, models[SPARSE], models[BASELINE]))
    return found


def sketches(results: Results) -> list[Configuration]:
    """Return the configurations on drawings: the paper's Sketch, or its substitute under a name of its own."""
    return [c for c in results.configurations if c.dataset.dataset in SKETCHES]


def sagan_groups(results: Results) -> dict[tuple, list[Configuration]]:
    """Return the groups that hold SAGAN."""
    return {key: group for key, group in results.groups().items() if any(c.model == "sagan" for c in group)}


def sagan_comparisons(results: Results) -> list[Comparison]:
    """Return Self-Sparse GAN against both others, and WGAN-GP and SAGAN in the order that the paper prints."""
    found = []
    for key, group in sagan_groups(results).items():
        models = {c.model: c for c in group}
        wanted = [(SPARSE, BASELINE), (SPARSE, "sagan")]
        if {BASELINE, "sagan"} <= models.keys():
            printed = {model: paper_moments(models[model].name).mean for model in (BASELINE, "sagan")}
            wanted.append((BASELINE, "sagan") if printed[BASELINE] < printed["sagan"] else ("sagan", BASELINE))
        found += [Comparison(group_label(key), models[a], models[b]) for a, b in wanted if {a, b} <= models.keys()]
    return found


# Tables of configurations


def betas_table(results: Results) -> Table:
    """FIDs of both models under both pairs of Adam's betas (v2 Table 4)."""
    return _varied(results, betas_families(results), betas_label, "Adam's betas")


def architectures_table(results: Results) -> Table:
    """FIDs of both models as DCGAN and as ResNet (v2 Table 7)."""
    return _varied(results, architecture_families(results), architecture_label, "Architectures")


def _varied(
    results: Results,
    families: Sequence[Sequence[Configuration]],
    label: Callable[[Configuration], str],
    caption: str,
) -> Table:
    rows = [
        ({"Dataset": dataset_label(*group_key(c)[:2]), "Setting": label(c), "Model": model_label(c.model)}, c)
        for family in families
        for c in family
    ]
    return labelled_fid_table(results, rows, caption)


def sketch_table(results: Results) -> Table:
    """FIDs on drawings (v2 Table 9)."""
    rows = [({"Dataset": group_label(group_key(c)), "Model": model_label(c.model)}, c) for c in sketches(results)]
    names = dict.fromkeys(DATASETS[c.dataset.dataset].title for c in sketches(results))
    return labelled_fid_table(results, rows, " and ".join(names) or "Sketch")


def sagan_table(results: Results) -> Table:
    """FIDs of WGAN-GP, SAGAN and Self-Sparse GAN (v2 Table 10)."""
    order = (BASELINE, "sagan", SPARSE)
    rows = [
        ({"Dataset": group_label(key), "Model": model_label(c.model)}, c)
        for key, group in sagan_groups(results).items()
        for c in sorted((c for c in group if c.model in order), key=lambda c: order.index(c.model))
    ]
    return labelled_fid_table(results, rows, "WGAN-GP, SAGAN and Self-Sparse GAN")


# Tables of comparisons


def comparison_table(results: Results, comparisons: Sequence[Comparison], caption: str) -> Table:
    """One row per comparison by the primary outcome."""
    tested = [(p, *(moments(results.primary(c)) for c in p.both)) for p in comparisons]
    adjusted = holm([welch(a, b).p_lower for _, a, b in tested])
    reverse = holm([1 - welch(a, b).p_lower for _, a, b in tested])
    rows = []
    for (p, a, b), holm_p, reverse_p in zip(tested, adjusted, reverse, strict=True):
        paper = paper_moments(p.lower.name), paper_moments(p.higher.name)
        without = [results.count(c).without_value for c in p.both]
        data, text = compared(a, b, paper, holm_p, without)
        data["p_higher_holm"] = reverse_p
        data = {"comparison": p.label, "lower": p.lower.name, "higher": p.higher.name} | data
        text = {"Comparison": p.label, "Lower / other": _models(p)} | text
        rows.append((data | _standing(p), text | _standing_text(p, bool(paper[0].n and paper[1].n))))
    columns = ["comparison", "lower", "higher", "decrease_percent", "p_lower", "p_lower_holm", "g"]
    return table_of(
        rows,
        (columns, ["Comparison"]),
        f"{caption}: {fid_title(results)} of the best generators, with fresh latents at the larger sample count; the paper's is the lowest of each training. {TESTS}",
    )


def compared(
    a: Moments, b: Moments, paper: tuple[Moments, Moments], holm_p: float, without: Sequence[str] = (MISSING, MISSING)
) -> tuple[dict, dict]:
    """Return numbers and text of one comparison: a is claimed to be lower than b; the paper's two in the same order."""
    found, test, effect = decrease(b, a), welch(a, b), hedges_g(a, b)
    paper_percent = relative_decrease(paper[1].mean, paper[0].mean)
    data = {
        "paper_lower": paper[0].mean,
        "paper_higher": paper[1].mean,
        "paper_decrease_percent": paper_percent,
        "fid_lower": a.mean,
        "fid_lower_std": a.std,
        "fid_higher": b.mean,
        "fid_higher_std": b.std,
        "n_lower": a.n,
        "n_higher": b.n,
        "decrease_percent": found.value,
        "decrease_low_95": found.low,
        "decrease_high_95": found.high,
        "p_lower": test.p_lower,
        "p_lower_holm": holm_p,
        "g": effect.value,
        "g_low_95": effect.low,
        "g_high_95": effect.high,
    }
    text = {
        "Paper": " / ".join(mean_std(m) for m in paper) if paper[0].n else MISSING,
        "Ours": " / ".join(mean_std(m, without_value=w) for m, w in zip((a, b), without, strict=True)),
        "n": f"{a.n}, {b.n}",
        "Paper, decrease %": number(paper_percent),
        "Ours, decrease %": with_interval(found.value, found.low, found.high),
        "p": probability(test.p_lower),
        "p, Holm": probability(holm_p),
        "g": with_interval(effect.value, effect.low, effect.high),
    }
    return data, text


def three_fids_table(results: Results, comparisons: Sequence[Comparison]) -> Table:
    """The decrease by each of the three FIDs. They are not tested: that the primary outcome is, once."""
    rows = []
    for p in comparisons:
        data, text = {"comparison": p.label, "lower": p.lower.name, "higher": p.higher.name}, {"Comparison": p.label}
        for which, label in FIDS.items():
            a, b = (fids(results, c, which) for c in p.both)
            found = decrease(b, a)
            data |= {f"{which}_decrease_percent": found.value, f"{which}_low_95": found.low}
            data |= {f"{which}_high_95": found.high}
            text[f"{label}, decrease %"] = with_interval(found.value, found.low, found.high)
        rows.append((data | _standing(p), text | {"Extractor": p.lower.extractor.extractor}))
    caption = f"Decrease of {fid_title(results)} from WGAN-GP to Self-Sparse GAN by three FIDs of each run, at the small sample; brackets are 95 % intervals. What is tested is the best generator at the larger sample."
    return table_of(rows, (["comparison", "lower", "higher"], ["Comparison"]), caption)


# Two sample counts (v1 Table 3)


def samples_pairs(results: Results) -> list[Comparison]:
    """Return the pairs of the main table, those that v1 prints for two sample counts first."""
    return sorted(main_pairs(results), key=lambda p: p.lower.dataset_key != PRINTED_SAMPLES)


def _printed_samples(c: Configuration, n_fake: int) -> Moments:
    """Return the FID that v1 prints for this configuration and sample count; it has no standard deviation."""
    table = printed_table("stl10_samples").set_index(["model", "samples"])["fid"]
    named = c.name == f"{PRINTED_SAMPLES}-{c.model}" and (c.model, n_fake) in table.index
    return moments([float(table[c.model, n_fake])] if named else [])


def samples_table(results: Results) -> Table:
    """The best generators' FIDs by both sample counts (v1 Table 3): the paper's, ours, and their comparison."""
    cells = [(p, size) for p in samples_pairs(results) for size in (0, 1)]
    ours = [tuple(moments(results.measured(c, "best", c.extractor.samples[size])) for c in p.both) for p, size in cells]
    adjusted = holm([welch(a, b).p_lower for a, b in ours])
    rows = []
    for (p, size), (a, b), holm_p in zip(cells, ours, adjusted, strict=True):
        n_fake = p.lower.extractor.samples[size]
        paper = tuple(_printed_samples(c, n_fake) for c in p.both)
        data, text = compared(a, b, paper, holm_p, [results.count(c).without_value for c in p.both])
        n_real = results.real_images(p.lower, n_fake)
        label = {"Comparison": p.label, "Generated": count(n_fake), "Real": count(n_real)}
        rows.append(
            (
                {"comparison": p.label, "n_fake": n_fake, "n_real": n_real} | data | _standing(p),
                label | text | _standing_text(p, bool(paper[0].n)),
            )
        )
    columns = ["comparison", "n_fake", "decrease_percent", "p_lower", "p_lower_holm", "g"]
    return table_of(
        rows,
        (columns, ["Comparison"]),
        f"{fid_title(results)} of the best generators with fresh latents by two sample counts, Self-Sparse GAN / WGAN-GP. {TESTS}",
    )


def drops_table(results: Results) -> Table:
    """By how much the larger sample lowers each model's FID, run by run (C9)."""
    rows = []
    for p in samples_pairs(results):
        for c in reversed(p.both):
            few, many = c.extractor.samples
            best = results.finished(results.fid, c)
            best = best[best["generator"] == "best"].set_index("seed")
            drop = best.loc[best["n_fake"] == few, "fid"] - best.loc[best["n_fake"] == many, "fid"]
            m = moments(drop.dropna().astype(float))
            paper = _printed_samples(c, few).mean - _printed_samples(c, many).mean
            data = {"configuration": c.name, "small": few, "large": many, "paper_drop": paper}
            data |= {"drop_mean": m.mean, "drop_std": m.std, "n": m.n, "extractor": c.extractor.extractor}
            text = {
                "Pair": p.label,
                "Model": model_label(c.model),
                "Samples": f"{count(few)} → {count(many)}",
                "Paper, drop": number(paper),
                "Ours, drop": mean_std(m, without_value=results.count(c).without_value),
                "n": m.n,
                "95 % interval": interval(m.low, m.high),
                "Extractor": c.extractor.extractor,
            }
            rows.append((data, text))
    columns = ["configuration", "paper_drop", "drop_mean", "n"]
    return table_of(
        rows, (columns, ["Pair"]), f"Drop of the {fid_title(results)} of the best generators by the larger sample."
    )


# What changes between two settings of one model


def moves_table(
    results: Results, families: Sequence[Sequence[Configuration]], label: Callable[[Configuration], str]
) -> Table:
    """How far each model's FID moves between the settings of a family, with Welch's two-sided p (C15)."""
    rows = []
    for family in families:
        for model in (BASELINE, SPARSE):
            first, *others = [c for c in family if c.model == model] or [None]
            for other in others:
                rows.append(_move_row(results, first, other, label))
    columns = ["model", "first", "second", "paper_move", "move", "p"]
    caption = f"Move of the mean {fid_title(results)} of the best generators, with fresh latents at the larger sample count, between two settings of one model; the paper's is of the lowest of each training. p is Welch's, two-sided, uncorrected."
    return table_of(rows, (columns, ["Model"]), caption)


def _move_row(
    results: Results, first: Configuration, second: Configuration, label: Callable[[Configuration], str]
) -> tuple[dict, dict]:
    a, b = moments(results.primary(first)), moments(results.primary(second))
    test = welch(b, a)
    paper = paper_moments(second.name).mean - paper_moments(first.name).mean
    data = {"model": first.model, "first": first.name, "second": second.name, "paper_move": paper}
    data |= {"move": test.difference, "p": test.p, "n_first": a.n, "n_second": b.n}
    text = {
        "Dataset": dataset_label(*group_key(first)[:2]),
        "Model": model_label(first.model),
        "From, to": f"{label(first)} → {label(second)}",
        "Paper, move": number(paper),
        "Ours, move": number(test.difference) if a.n and b.n else results.count(second).without_value,
        "n": f"{a.n}, {b.n}",
        "p": probability(test.p),
        "Extractor": first.extractor.extractor,
    }
    return data, text


def _models(p: Comparison) -> str:
    return " / ".join(model_label(c.model) for c in p.both)


def _standing(p: Comparison) -> dict:
    return {"extractor": p.lower.extractor.extractor, "comparable": comparable(p.lower)}


def _standing_text(p: Comparison, printed: bool) -> dict:
    return {
        "Extractor": p.lower.extractor.extractor,
        "Comparable": comparison(p.lower) if printed else "not in the paper",
    }
