"""table_fid: the paper's main table (v2 Table 2), its comparisons, three FIDs of each run, and KID, precision and recall."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfsparse.analysis import style
from selfsparse.analysis.axes import by_dataset, handle, log_ticks
from selfsparse.analysis.comparisons import (
    comparison_table,
    fid_title,
    fids,
    listed,
    main_pairs,
    planned,
)
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table import (
    Cell,
    Table,
    cell,
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
from selfsparse.registry import variation_label
from selfsparse.results import text
from selfsparse.results.comparability import comparable, comparison
from selfsparse.results.reading import Results
from selfsparse.results.text import dataset_label, group_key, group_label, model_label
from selfsparse.statistics.inference import decrease
from selfsparse.statistics.moments import Moments, moments

NARROW_FROM = 24  # letters of a row's label
RAISED = 0.12  # of a row: how far the mean stands above, and the runs below
LOG_FROM = 8.0  # largest over smallest value from which an axis is logarithmic
SIZES = ("small", "large")
GENERATORS = ("best", "last")
# Three FIDs of one run: as the paper defines it, and with fresh latents the best and the last generator (U42).
FIDS = {"lowest": "Lowest in training", "best": "Best, re-evaluated", "last": "Last, re-evaluated"}


def identity(c: Configuration) -> dict[str, Any]:
    """Return what tells a configuration's row apart from the others of a table."""
    return {"configuration": c.name, "dataset": c.dataset.dataset, "resolution": c.dataset.resolution, "model": c.model}


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
    rows = [fid_row(results, c) for c in configurations]
    caption = f"{caption}: {fid_title(results)}, lowest of each training."
    return Table(rows, labels | fid_columns(results), caption)


def fid_table(results: Results) -> Table:
    """The main table: best FID during training, as the paper defines it, beside the paper's."""
    rows = [fid_row(results, c) for c in results.configurations]
    caption = f"{fid_title(results)}, lowest of each training, mean ± standard deviation over n finished runs."
    return Table(rows, {"Configuration": said("configuration"), **fid_columns(results)}, caption)


def decrease_table(results: Results) -> Table:
    """The relative decrease of the mean FID in every pair of the main table, with its test, which the paper lacks."""
    return comparison_table(results, main_pairs(results), "Self-Sparse GAN against WGAN-GP")


def looks_table(results: Results) -> Table:
    """Every look that the sequential plan has taken at the main question, and at that of as many parameters."""
    plan, rows = results.decide, []
    for s, p_holm in planned(results):
        for look in s.looks:
            row: dict[str, Any] = {"comparison": s.comparison.label, "lower": s.comparison.lower.name}
            row |= {"higher": s.comparison.higher.name, "n": look.n}
            for name, values in (("fid_lower", s.lower), ("fid_higher", s.higher)):
                row |= summarised(name, moments(values[: look.n]))
            row |= {"difference": look.difference, "difference_low": look.low, "difference_high": look.high}
            row |= {"p": look.p, "level": look.level, "_models": " / ".join(s.comparison.names)}
            last = look is s.looks[-1]
            row |= {"p_plan": s.p if last else math.nan, "p_plan_holm": p_holm if last else math.nan}
            row["answer"] = s.answer if last else ""
            row["answer_holm"] = (s.answer if p_holm < plan.alpha else "undecided") if last else ""
            rows.append(row)
    columns = {
        "Comparison": said("comparison"),
        "Lower / other": said("_models"),
        "n": said("n"),
        "FID": joined(mean_std("fid_lower"), mean_std("fid_higher")),
        "Difference": cell(text.with_interval, "difference", "difference_low", "difference_high"),
        "p": probability("p"),
        "decides below": number("level", 4),
        "p, plan": probability("p_plan"),
        "Answer": said("answer"),
        "p, plan, Holm": probability("p_plan_holm"),
        "Answer, Holm": said("answer_holm"),
    }
    caption = (
        f"Looks of the sequential plan, at {listed(plan.looks)} runs of each model: {fid_title(results)} of the best generators"
        " with fresh latents at the larger sample count, over the first n finished runs of each. p is Cochran and Cox's,"
        " two-sided; brackets are intervals at the look's own level, which leave out 0 exactly where it decides. p, plan, is the"
        f" smallest error over all looks with which one of those taken decides; Answer: by p, plan, below {plan.alpha:g}. Holm: over"
        " the datasets of one question."
    )
    return Table(rows, columns, caption)


def selection_bias(results: Results, c: Configuration) -> Moments:
    """How much higher the best generators' FID is with fresh latents than when it was chosen, over the finished runs.

    The lowest of many noisy values lies below what the generator deserves (U42); both FIDs are of the small sample.
    """
    again = results.re_evaluated(c, "best", c.extractor.samples[0])
    return moments((again - results.best_in_training(c)).dropna().astype(float))


def measures_table(results: Results) -> Table:
    """The lowest FID of each training, and its best and last generator re-evaluated with fresh latents (U42)."""
    rows = []
    for c in results.configurations:
        bias = selection_bias(results, c)
        row = identity(c) | summarised("lowest", fids(results, c)) | summarised("bias", bias) | {"bias_n": bias.n}
        for generator in GENERATORS:
            for size, n_fake in zip(SIZES, c.extractor.samples, strict=True):
                m = moments(results.re_evaluated(c, generator, n_fake))
                row |= summarised(f"{generator}_{size}", m) | {f"{generator}_{size}_n": m.n}
        row |= {"extractor": c.extractor.extractor, "_without": results.count(c).without_value}
        for size, n_fake in zip(SIZES, c.extractor.samples, strict=True):
            row |= {f"_real_{size}": results.real_images(c, n_fake), f"_fake_{size}": n_fake}
        rows.append(row)
    columns = {
        "Configuration": said("configuration"),
        FIDS["lowest"]: mean_std("lowest", without="_without"),
        "Selection bias": mean_std("bias"),
        **{f"{FIDS[g]}, {size} sample": mean_std(f"{g}_{size}") for g in GENERATORS for size in SIZES},
        "Extractor": said("extractor"),
        "Real / generated, small; large": joined(
            *(joined(count(f"_real_{size}"), count(f"_fake_{size}")) for size in SIZES), by="; "
        ),
    }
    caption = (
        f"{fid_title(results)} of the kept generators, re-evaluated with other latents than those that chose the best."
        " Selection bias: the best generator's, re-evaluated at the small sample, less the lowest in its training."
    )
    return Table(rows, columns, caption)


def quality_table(results: Results) -> Table:
    """KID, precision and recall of the best and the last generators at the small sample, from the features of the FID."""
    rows = []
    for c in results.configurations:
        row = identity(c) | {"_without": results.count(c).without_value}
        for generator in GENERATORS:
            for measure in ("kid", "precision", "recall"):
                m = moments(results.re_evaluated(c, generator, c.extractor.samples[0], measure).dropna().astype(float))
                row |= summarised(f"{generator}_{measure}", m) | {f"{generator}_{measure}_n": m.n}
        rows.append(row | {"extractor": c.extractor.extractor})
    columns: dict[str, Cell] = {"Configuration": said("configuration")}
    for generator in GENERATORS:
        without = "_without" if generator == "best" else ""
        columns[f"{generator.capitalize()}, KID"] = mean_std(f"{generator}_kid", short=True, without=without)
        for measure in ("precision", "recall"):
            columns[f"{generator.capitalize()}, {measure}"] = mean_std(f"{generator}_{measure}", 3)
    caption = (
        "KID, precision and recall with fresh latents, small sample: KID has no bias at small samples; precision falls where"
        " images are poor, recall where they are few of a kind."
    )
    return Table(rows, columns | {"Extractor": said("extractor")}, caption)


def three_fids_table(results: Results) -> Table:
    """The decrease by each of the three FIDs. They are not tested: that the primary outcome is, once."""
    rows = []
    for p in main_pairs(results):
        row: dict[str, Any] = {"comparison": p.label, "lower": p.lower.name, "higher": p.higher.name}
        for which in FIDS:
            a, b = (fids(results, c, which) for c in p.both)
            numbers = estimated(which, decrease(b, a))
            row |= {f"{which}_decrease_percent": numbers.pop(which), **numbers}
        rows.append(row | {"extractor": p.lower.extractor.extractor, "comparable": comparable(p.lower)})
    cells = {f"{label}, decrease %": with_interval(f"{which}_decrease_percent", which) for which, label in FIDS.items()}
    caption = (
        f"Decrease of {fid_title(results)} from WGAN-GP to Self-Sparse GAN by three FIDs of each run, at the small sample;"
        " brackets are 95 % intervals. What is tested is the best generator at the larger sample."
    )
    columns = {"Comparison": said("comparison"), **cells, "Extractor": said("extractor")}
    return Table(rows, columns, caption)


# The figure


@style.styled()
def fid_overview(
    results: Results, configurations: Sequence[Configuration], name: str = "fid", primary: bool = False
) -> list[Drawing]:
    """Every run's FID, their mean and 95 % t interval, one panel per dataset; the paper's value where comparable.

    Args:
        primary: the best generators' with fresh latents at the larger sample count, in place of the lowest of each training.
    """
    which = "best generators" if primary else "lowest of each training"
    if not configurations:
        return []
    groups = by_dataset(configurations)
    labels = {title: [_row_label(results, c) for c in group] for title, group in groups.items()}
    heights = [sum(0.4 + 0.6 * len(label.splitlines()) for label in rows) for rows in labels.values()]
    figure, axes = _panels_by_rows(heights)
    for axis, (title, group) in zip(axes, groups.items(), strict=True):
        axis.set_title(title)
        _fid_rows(axis, group, results.primary if primary else results.best_in_training)
        axis.set_yticks(range(len(group)), labels[title])
        # Long labels of the rows leave an axis that is narrower than its own label.
        narrow = max(len(line) for label in labels[title] for line in label.splitlines()) > NARROW_FROM
        place = "right" if narrow else "center"
        axis.set_xlabel(f"FID ({group[0].extractor.extractor}), {which}", loc=place)
        axis.set_ylim(len(group) - 0.4, -0.6)
        axis.grid(axis="y", visible=False)
    handles = [handle("one run", markersize=2.5), handle("mean, 95 % t interval", linestyle="-")]
    if any(comparable(c) and paper_moments(c.name).n for c in configurations):
        handles.append(handle("paper", marker="D", markerfacecolor="white"))
    style.legend(figure, handles)
    alt = f"FID, {which}, in suite {results.suite}, with mean and 95 % interval per configuration."
    return [Drawing(name, figure, alt)]


def _panels_by_rows(rows: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Return panels, two beside each other, as high as their numbers of rows ask for."""
    columns = min(2, len(rows))
    heights = [0.7 + 0.25 * max(rows[i : i + columns]) for i in range(0, len(rows), columns)]
    figure = Figure(figsize=(style.TWO_COLUMNS if columns > 1 else style.ONE_COLUMN, sum(heights) + 0.4))
    axes = list(figure.subplots(len(heights), columns, squeeze=False, height_ratios=heights).flat)
    for axis in axes[len(rows) :]:
        axis.set_visible(False)
    return figure, axes[: len(rows)]


def _row_label(results: Results, c: Configuration) -> str:
    status = results.count(c).text
    rest = [part for part in (variation_label(variation(c)), status if status != "finished" else "") if part]
    return "\n".join([model_label(c.model), *rest])


def _fid_rows(axis: Axes, group: Sequence[Configuration], fids_of: Callable[[Configuration], pd.Series]) -> None:
    """Draw a row per configuration: its runs, their mean and t interval, and the paper's value where comparable."""
    every: list[float] = []
    for row, c in enumerate(group):
        look, runs = style.look_of(c), fids_of(c).tolist()
        ours = moments(runs)
        if ours.n:
            half = [[ours.mean - ours.low], [ours.high - ours.mean]] if ours.n > 1 else None
            axis.errorbar([ours.mean], [row - RAISED], xerr=half, fmt=look.marker, color=look.colour, markersize=6)
            mark = {"color": look.colour, "markersize": 3.5, "markeredgecolor": "white", "markeredgewidth": 0.5}
            axis.plot(runs, [row + RAISED] * len(runs), "o", **mark, zorder=4)
        paper = paper_moments(c.name)
        if paper.n and comparable(c):
            axis.plot([paper.mean], [row], marker="D", markerfacecolor="white", color="black", markersize=5, zorder=5)
        every += runs
    if not axis.has_data():
        axis.set_xticks([])
    if every and max(every) >= LOG_FROM * min(every):
        left = axis.dataLim.intervalx[0]
        axis.set_xscale("log", nonpositive="clip")
        if left < min(every) / 2:  # the interval of few runs can reach to 0 and below, which would be empty decades
            axis.set_xlim(left=min(every) / 2)
        log_ticks(axis.xaxis)
