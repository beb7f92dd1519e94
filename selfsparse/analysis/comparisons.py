"""What the tables of FIDs share: a configuration's FID beside the paper's, and comparisons of two models each.

A comparison names the model whose FID is claimed to be lower first. Two models are compared by the primary outcome
(`Results.primary`), so that one comparison has one effect, interval and p in every table: p one-sided for the claim, p and
interval uncorrected. Holm's correction is over the rows of a table that can be tested.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from selfsparse.analysis.table import (
    Cell,
    Row,
    Table,
    count,
    estimated,
    interval,
    joined,
    mean_std,
    number,
    probability,
    said,
    summarised,
    with_interval,
)
from selfsparse.config import Configuration, variation
from selfsparse.paper import paper_moments
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.comparability import comparable, comparison
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING, dataset_label, group_key, group_label, model_label
from selfsparse.statistics.inference import ONE_SIDED, decrease, hedges_g, holm, welch
from selfsparse.statistics.moments import Moments, moments, relative_decrease

SKETCHES = ("sketch", "sketch_substitute")
TESTS = (
    'p is Welch\'s, one-sided for lower; p and the 95 % intervals in brackets are uncorrected, and "p, Holm" is corrected'
    f" over this table; g is Hedges'. Answer: yes where the corrected p is below {ONE_SIDED:g}, no where that of the reverse is."
)


def fid_title(results: Results) -> str:
    """Return `FID (lenet)` where the suite has one feature extractor, else `FID`: a column names it in each row."""
    names = results.extractors()
    return f"FID ({names[0]})" if len(names) == 1 else "FID"


def identity(c: Configuration) -> dict[str, Any]:
    """Return what tells a configuration's row apart from the others of a table."""
    return {"configuration": c.name, "dataset": c.dataset.dataset, "resolution": c.dataset.resolution, "model": c.model}


# A configuration beside the paper's


def fid_row(results: Results, c: Configuration) -> dict[str, Any]:
    """Return the numbers of a configuration in a table of FIDs: the paper's, and the lowest of each training."""
    runs, paper, ours = results.count(c), paper_moments(c.name), moments(results.best_in_training(c))
    n_fake = c.extractor.samples[0]
    return {
        **identity(c),
        **summarised("paper_fid", paper),
        **summarised("fid", ours),
        "fid_low_95": ours.low,
        "fid_high_95": ours.high,
        "n": ours.n,
        "extractor": c.extractor.extractor,
        "comparable": comparable(c),
        "n_real": results.real_images(c, n_fake),
        "n_fake": n_fake,
        "runs": runs.text,
        "_without": runs.without_value,
        "_comparable": comparison(c) if paper.n else "not in the paper",
        "_group": group_label(group_key(c)),
        "_dataset": dataset_label(*group_key(c)[:2]),
        "_model": model_label(c.model),
    }


def fid_columns(results: Results) -> dict[str, Cell]:
    """Return the columns of such rows, to stand behind those that name the row."""
    return {
        "Paper": mean_std("paper_fid"),
        f"Ours, {fid_title(results)}": mean_std("fid", without="_without"),
        "n": said("n"),
        "95 % interval": interval("fid"),
        "Extractor": said("extractor"),
        "Comparable": said("_comparable"),
        "Real / generated": joined(count("n_real"), count("n_fake")),
        "Runs": said("runs"),
    }


def labelled_fids(
    results: Results, configurations: Sequence[Configuration], caption: str, labels: dict[str, Cell] | None = None
) -> Table:
    """The paper's FIDs and ours of some configurations, each behind labels that say what it stands for."""
    labels = labels or {"Dataset": said("_group"), "Model": said("_model")}
    names = ["configuration", "model", "paper_fid_mean", "fid_mean", "n", "extractor", "comparable", "runs"]
    rows = [fid_row(results, c) for c in configurations]
    caption = f"{caption}: {fid_title(results)}, lowest of each training."
    return Table(rows, labels | fid_columns(results), caption, names)


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


def families_of(
    results: Results, same: Callable[[Configuration], Any], differs: Callable[[Configuration], Any]
) -> list[list[Configuration]]:
    """Return the sets of WGAN-GPs and Self-Sparse GANs that agree in `same` and are not all alike in `differs`."""
    groups: dict[Any, list[Configuration]] = {}
    for c in results.configurations:
        if c.model in (BASELINE, SPARSE):
            groups.setdefault(same(c), []).append(c)
    return [group for group in groups.values() if len({differs(c) for c in group}) > 1]


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


# How they compare


def fids(results: Results, c: Configuration, which: str = "lowest") -> Moments:
    """Return the lowest FID of each training, or that of the `best` or `last` generator with fresh latents, small sample."""
    if which == "lowest":
        return moments(results.best_in_training(c))
    return moments(results.re_evaluated(c, which, c.extractor.samples[0]))


def compared(
    results: Results,
    comparisons: Sequence[Comparison],
    ours: Sequence[tuple[Moments, Moments]],
    papers: Sequence[tuple[Moments, Moments]],
) -> list[dict[str, Any]]:
    """Return the numbers of each comparison: of our FIDs and the paper's, the one that is claimed to be lower first."""
    tests = [welch(a, b) for a, b in ours]
    up, down = holm([test.p_lower for test in tests]), holm([1 - test.p_lower for test in tests])
    return [
        {
            "paper_lower": printed[0].mean,
            "paper_higher": printed[1].mean,
            "paper_decrease_percent": relative_decrease(printed[1].mean, printed[0].mean),
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
            "p_lower_holm": p_lower,
            **estimated("g", hedges_g(a, b)),
            "p_higher_holm": p_higher,
            **standing(p),
            "answer": answer(p_lower, p_higher) if a.n and b.n else None,
            "_models": " / ".join(model_label(c.model) for c in p.both),
            "_comparable": comparison(p.lower) if printed[0].n and printed[1].n else "not in the paper",
            "_paper_lower_std": printed[0].std,
            "_paper_higher_std": printed[1].std,
            "_without_lower": results.count(p.lower).without_value,
            "_without_higher": results.count(p.higher).without_value,
        }
        for p, (a, b), printed, test, p_lower, p_higher in zip(comparisons, ours, papers, tests, up, down, strict=True)
    ]


def answer(p_lower: float, p_higher: float) -> str:
    """Return `yes`, `no` or `undecided` by the corrected p of a claim and of its reverse, at 5 % in all."""
    return "yes" if p_lower < ONE_SIDED else "no" if p_higher < ONE_SIDED else "undecided"


def standing(p: Comparison) -> dict[str, Any]:
    """Return under which extractor a comparison stands, and whether it may stand against the paper's."""
    return {"extractor": p.lower.extractor.extractor, "comparable": comparable(p.lower)}


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
    "g": with_interval("g"),
    "Answer": said("answer"),
    "Extractor": said("extractor"),
    "Comparable": said("_comparable"),
}


def comparison_table(results: Results, comparisons: Sequence[Comparison], caption: str) -> Table:
    """One row per comparison by the primary outcome."""
    ours = [(moments(results.primary(p.lower)), moments(results.primary(p.higher))) for p in comparisons]
    papers = [(paper_moments(p.lower.name), paper_moments(p.higher.name)) for p in comparisons]
    found = compared(results, comparisons, ours, papers)
    rows = [
        {"comparison": p.label, "lower": p.lower.name, "higher": p.higher.name, **row}
        for p, row in zip(comparisons, found, strict=True)
    ]
    columns = {"Comparison": said("comparison"), "Lower / other": said("_models"), **COMPARED}
    names = ["comparison", "lower", "higher", "decrease_percent", "p_lower", "p_lower_holm", "g"]
    caption = (
        f"{caption}: {fid_title(results)} of the best generators, with fresh latents at the larger sample count; the paper's"
        f" is the lowest of each training. {TESTS}"
    )
    return Table(rows, columns, caption, names)
