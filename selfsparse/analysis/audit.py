"""The paper's own arithmetic, recomputed from what it prints: the tables and figures of notebooks/audit.ipynb.

Nothing of ours is measured here but the networks' parameters, so that all suites have the same audit. What each table
shows is said in audit_findings.py. Tables are made once, as findings read them too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from matplotlib.lines import Line2D

from selfsparse.analysis import page, style
from selfsparse.analysis.drawing import Drawing
from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import table_of
from selfsparse.config import load_settings
from selfsparse.paper import reported
from selfsparse.paper.printed import printed_table, printed_tables, text_number
from selfsparse.results.comparability import paper_moments
from selfsparse.results.text import MISSING, count, dataset_label, interval, mean_std, model_label, number, probability
from selfsparse.statistics.correlation import Correlation, combined_correlation, pairs_for_power, pearson
from selfsparse.statistics.inference import (
    as_sample_std,
    contrast,
    decrease,
    decrease_bounds,
    hedges_g,
    holm,
    larger_decrease,
    power,
    runs_for_power,
    welch,
)
from selfsparse.statistics.moments import Moments, relative_decrease

GROWING = ("celeba_hq", "lsun_bedroom")  # the datasets that the paper names for C4
EXCEPTIONS = (("mini_imagenet", 64), ("cifar10", 128))  # those that it takes out of C36
OVERHEAD = (
    "mnist-32", "mnist-128", "fashion_mnist-64", "fashion_mnist-128", "stl10-64", "celeba_hq-128", "mini_imagenet-32",
)  # fmt: skip
RUNS = (3, 5, 10)  # for which power is shown


@dataclass(frozen=True)
class Pair:
    """Two printed FIDs: the one that is claimed to be lower, and the other."""

    label: str
    lower: str
    higher: str

    @property
    def a(self) -> Moments:
        """The FID that is claimed to be lower."""
        return _moments(self.lower)

    @property
    def b(self) -> Moments:
        """The other FID."""
        return _moments(self.higher)


@cache
def _moments(name: str) -> Moments:
    return paper_moments(name)


def open_audit(suite: str) -> page.Page:
    """Return the notebook's page without the suite's configurations, as no note on their images belongs here."""
    opened = page.open_page(suite, "audit")
    return replace(opened, results=replace(opened.results, configurations=()))


@cache
def main_pairs() -> dict[tuple[str, int], Pair]:
    """Return WGAN-GP and Self-Sparse GAN of the 12 cells of the main table, in printed order."""
    pairs = {}
    table = printed_table("fid")
    for (dataset, resolution), cell in table.groupby(["dataset", "resolution"], sort=False):
        names = cell.set_index("model")["name"]
        pairs[dataset, resolution] = Pair(dataset_label(dataset, resolution), names["self_sparse"], names["wgan_gp"])
    return pairs


@cache
def other_pairs() -> list[Pair]:
    """Return the printed comparisons beyond the main table, the FID that the paper takes as lower first."""
    stl, fashion, sketch, celeba = "stl10-64", "fashion_mnist-128", "sketch-128", "celeba_hq-128"
    return [
        Pair("Fashion-MNIST 128, both modules", f"{fashion}-self_sparse", f"{fashion}-without_psm"),
        Pair("Fashion-MNIST 128, CSM only", f"{fashion}-wgan_gp", f"{fashion}-without_psm"),
        Pair("Fashion-MNIST 128, PSM only", f"{fashion}-wgan_gp", f"{fashion}-without_csm"),
        Pair("STL-10 64, both modules", f"{stl}-self_sparse", f"{stl}-without_psm"),
        Pair("STL-10 64, CSM only", f"{stl}-without_psm", f"{stl}-wgan_gp"),
        Pair("STL-10 64, PSM only", f"{stl}-wgan_gp", f"{stl}-without_csm"),
        Pair("STL-10 64, betas 0.5, 0.999", f"{stl}-self_sparse-betas_05_0999", f"{stl}-wgan_gp-betas_05_0999"),
        Pair("STL-10 64, ResNet", f"{stl}-self_sparse-resnet", f"{stl}-wgan_gp-resnet"),
        Pair("Sketch 128", f"{sketch}-self_sparse", f"{sketch}-wgan_gp"),
        Pair("Sketch 128, SAGAN", f"{sketch}-self_sparse", f"{sketch}-sagan"),
        Pair("CelebA-HQ 128, SAGAN", f"{celeba}-self_sparse", f"{celeba}-sagan"),
        Pair("CelebA-HQ 128, WGAN-GP and SAGAN", f"{celeba}-sagan", f"{celeba}-wgan_gp"),
        Pair("Sketch 128, WGAN-GP and SAGAN", f"{sketch}-wgan_gp", f"{sketch}-sagan"),
    ]


def _pair_of(sparse: str) -> Pair:
    return next(pair for pair in main_pairs().values() if pair.lower == sparse)


def place(table: str) -> str:
    """Return where a printed table stands: `v1 Table 7, v2 Table 8`."""
    entry = printed_tables().loc[table]
    return ", ".join(f"{version} {entry[version]}" for version in ("v1", "v2") if entry[version])


# Percentages


@cache
def percentages() -> Table:
    """Every printed percentage beside what the printed FIDs give, with the range that their rounding leaves open."""
    printed = [
        (place("sparsity"), row.configuration, row.paper_reduction_percent)
        for row in printed_table("sparsity").itertuples()
    ]
    ends = _ends()
    printed += [("abstract", ends[0].lower, text_number("smallest_decrease_percent"))]
    printed += [("abstract", ends[1].lower, text_number("largest_decrease_percent"))]
    rows = [_percentage_row(where, _pair_of(name), percent) for where, name, percent in printed]
    return table_of(rows, ([], []), "Relative decrease of FID in percent, as printed and from the printed FIDs.")


def _ends() -> tuple[Pair, Pair]:
    """Return the cells of the main table with the smallest and the largest relative decrease."""
    pairs = sorted(main_pairs().values(), key=lambda pair: relative_decrease(pair.b.mean, pair.a.mean))
    return pairs[0], pairs[-1]


def _percentage_row(where: str, pair: Pair, percent: float) -> tuple[dict, dict]:
    found = relative_decrease(pair.b.mean, pair.a.mean)
    low, high = decrease_bounds(pair.b.mean, pair.a.mean)
    data = {
        "place": where,
        "pair": pair.label,
        "printed_percent": percent,
        "recomputed_percent": found,
        "lowest_percent": low,
        "highest_percent": high,
        "rounds_to_printed": round(found, 2) == percent,
        "cuts_off_to_printed": math.floor(100 * found) / 100 == percent,
        "unrounded_may_round": low <= percent + 0.005 and percent - 0.005 <= high,
        "unrounded_may_cut_off": low < percent + 0.01 and percent <= high,
    }
    from_printed = {"rounding": data["rounds_to_printed"], "cutting off": data["cuts_off_to_printed"]}
    from_unrounded = {"rounding": data["unrounded_may_round"], "cutting off": data["unrounded_may_cut_off"]}
    text = {
        "Place": where,
        "Pair": pair.label,
        "Computation": f"({number(pair.b.mean)} − {number(pair.a.mean)}) / {number(pair.b.mean)}",
        "Printed %": number(percent),
        "Recomputed %": number(found, 3),
        "With unrounded FIDs %": interval(low, high, 3),
        "Printed follows by": _ways(from_printed),
        "From unrounded FIDs by": _ways(from_unrounded),
    }
    return data, text


def _ways(possible: dict[str, bool]) -> str:
    return " or ".join(name for name, so in possible.items() if so) or "neither"


# Resolution


@cache
def growth() -> Table:
    """The relative decrease at both resolutions of every dataset that has two."""
    cells: dict[str, list[tuple[int, Pair]]] = {}
    for (dataset, resolution), pair in main_pairs().items():
        cells.setdefault(dataset, []).append((resolution, pair))
    rows = [_growth_row(dataset, *both) for dataset, both in cells.items() if len(both) == 2]
    return table_of(rows, ([], []), "Relative decrease of the printed FID, % with 95 % interval, at two resolutions.")


def _growth_row(dataset: str, first: tuple[int, Pair], second: tuple[int, Pair]) -> tuple[dict, dict]:
    pairs = [(pair.b, pair.a) for _, pair in (first, second)]
    low, high = (decrease(*pair) for pair in pairs)
    test = larger_decrease(*pairs)
    data = {
        "dataset": dataset,
        "first_resolution": first[0],
        "second_resolution": second[0],
        "first_percent": low.value,
        "second_percent": high.value,
        "change": -test.difference,
        "p_one_sided": test.p_lower,
        "named_by_the_paper": dataset in GROWING,
    }
    text = {
        "Dataset": first[1].label.rsplit(" ", 3)[0],
        "Resolutions": f"{first[0]}, {second[0]}",
        "First": f"{number(low.value)} {interval(low.low, low.high)}",
        "Second": f"{number(high.value)} {interval(high.low, high.high)}",
        "Change": number(-test.difference),
        "p, grows": probability(test.p_lower),
        "Named by the paper": "yes" if dataset in GROWING else "no",
    }
    return data, text


# Significance


@cache
def significance() -> Table:
    """Welch's test of every cell of the main table from mean and standard deviation of three trainings."""
    caption = "Self-Sparse GAN against WGAN-GP, from the printed moments. Holm's correction is over the 12 cells."
    return _tests(list(main_pairs().values()), caption)


@cache
def other_comparisons() -> Table:
    """The same for the tables beyond the main one; Holm's correction is over the rows."""
    return _tests(
        other_pairs(), "The other printed comparisons, lower FID first. Holm's correction is over these rows."
    )


def _tests(pairs: Sequence[Pair], caption: str) -> Table:
    tests = [welch(pair.a, pair.b) for pair in pairs]
    tests_n = [welch(as_sample_std(pair.a), as_sample_std(pair.b)) for pair in pairs]
    adjusted, adjusted_n = holm([t.p for t in tests]), holm([t.p for t in tests_n])
    adjusted_lower = holm([t.p_lower for t in tests])
    rows = []
    for i, pair in enumerate(pairs):
        effect = hedges_g(pair.a, pair.b)
        data = {
            "comparison": pair.label,
            "lower": pair.lower,
            "higher": pair.higher,
            "difference": tests[i].difference,
            "t": tests[i].t,
            "df": tests[i].df,
            "p": tests[i].p,
            "p_holm": adjusted[i],
            "p_one_sided": tests[i].p_lower,
            "p_one_sided_holm": adjusted_lower[i],
            "p_if_ddof_0": tests_n[i].p,
            "p_holm_if_ddof_0": adjusted_n[i],
            "g": effect.value,
            "g_low_95": effect.low,
            "g_high_95": effect.high,
        }
        text = {
            "Comparison": pair.label,
            "Lower": f"{_model_of(pair.lower)} {mean_std(pair.a)}",
            "Higher": f"{_model_of(pair.higher)} {mean_std(pair.b)}",
            "t (df)": f"{number(tests[i].t)} ({number(tests[i].df, 1)})",
            "p": probability(tests[i].p),
            "p, Holm": probability(adjusted[i]),
            "p one-sided": probability(tests[i].p_lower),
            "one-sided, Holm": probability(adjusted_lower[i]),
            "p, if ± divides by n": probability(tests_n[i].p),
            "Hedges' g": f"{number(effect.value)} {interval(effect.low, effect.high)}",
        }
        rows.append((data, text))
    return table_of(rows, ([], []), caption)


def _model_of(name: str) -> str:
    return model_label(reported().loc[name, "model"])


@style.styled()
def decreases() -> Drawing:
    """The relative decrease of the 12 cells with 95 % intervals, from the printed moments."""
    pairs = list(main_pairs().values())
    figure, (axis,) = style.panels(1, panel_height=3.0)
    colour, marker = style.COLOURS["self_sparse"], style.MARKERS["self_sparse"]
    for row, pair in enumerate(pairs):
        found = decrease(pair.b, pair.a)
        axis.plot([found.low, found.high], [row, row], color=colour)
        axis.plot([found.value], [row], color=colour, marker=marker, markersize=4)
    axis.axvline(0, color=style.GREY, linewidth=0.8)
    axis.set_yticks(range(len(pairs)), [pair.label for pair in pairs])
    axis.set_ylim(len(pairs) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("decrease of FID, %, 95 % interval")
    return Drawing("decreases", figure, "Relative decrease of FID in the 12 printed cells, with 95 % intervals.")


# Power


@cache
def power_table() -> Table:
    """The power of Welch's two-sided test, were the printed moments the true ones, and the runs for 80 %."""
    rows = []
    for pair in main_pairs().values():
        found, needed = [power(pair.a, pair.b, n) for n in RUNS], runs_for_power(pair.a, pair.b)
        data = {"pair": pair.label, **{f"power_{n}": p for n, p in zip(RUNS, found, strict=True)}, "runs_80": needed}
        text = {"Pair": pair.label, **{f"Power, n = {n}": number(p) for n, p in zip(RUNS, found, strict=True)}}
        rows.append((data, text | {"n for 80 %": count(needed)}))
    return table_of(
        rows,
        ([], []),
        "Power at the printed means and standard deviations, two-sided at 5 %, n trainings of each model.",
    )


@style.styled()
def power_figure() -> Drawing:
    """The same power, one row per cell."""
    pairs = list(main_pairs().values())
    figure, (axis,) = style.panels(1, panel_height=3.0)
    shades, markers = ("black", style.GREY, "#B8B8B8"), ("o", "s", "D")
    for n, shade, marker in zip(RUNS, shades, markers, strict=True):
        found = [power(pair.a, pair.b, n) for pair in pairs]
        axis.plot(found, range(len(pairs)), color=shade, linestyle="", marker=marker, markersize=4, label=f"n = {n}")
    axis.axvline(0.8, color=style.GREY, linewidth=0.8, linestyle="--")
    axis.set_yticks(range(len(pairs)), [pair.label for pair in pairs])
    axis.set_ylim(len(pairs) - 0.4, -0.6)
    axis.set_xlim(0, 1.03)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("power of Welch's test")
    style.legend(figure, axis.get_legend_handles_labels()[0])
    return Drawing("power", figure, "Power of Welch's test in the 12 printed cells with 3, 5 and 10 trainings.")


# Spread


@cache
def spread() -> Table:
    """The printed standard deviations across seeds, side by side."""
    rows = []
    for pair in main_pairs().values():
        larger = "Self-Sparse GAN" if pair.a.std > pair.b.std else "WGAN-GP"
        data = {"pair": pair.label, "wgan_gp_std": pair.b.std, "self_sparse_std": pair.a.std, "larger": larger}
        data |= {"wgan_gp_percent": 100 * pair.b.std / pair.b.mean}
        data |= {"self_sparse_percent": 100 * pair.a.std / pair.a.mean}
        text = {
            "Pair": pair.label,
            "WGAN-GP, std": number(pair.b.std),
            "Self-Sparse GAN, std": number(pair.a.std),
            "Ratio": number(pair.a.std / pair.b.std),
            "WGAN-GP, std in % of mean": number(data["wgan_gp_percent"]),
            "Self-Sparse GAN, std in % of mean": number(data["self_sparse_percent"]),
            "Larger std": larger,
        }
        rows.append((data, text))
    return table_of(rows, ([], []), "Standard deviation of the printed FIDs across three trainings.")


# Sparsity


@cache
def correlations() -> dict[str, Correlation]:
    """Return Pearson's r of printed sparsity and FID reduction: per resolution, of all pairs, and both r combined."""
    table = printed_table("sparsity")
    found = {
        str(resolution): pearson(group["paper_xi"], group["paper_reduction_percent"])
        for resolution, group in table.groupby("resolution")
    }
    combined = combined_correlation(list(found.values()))
    return found | {"all": pearson(table["paper_xi"], table["paper_reduction_percent"]), "combined": combined}


@cache
def correlation_table() -> Table:
    """Pearson's r of the printed sparsity and FID reduction, as the paper groups the pairs, and of both groups."""
    printed = printed_table("pearson").set_index("resolution")["paper_r"].to_dict()
    labels = {"all": "both resolutions in one", "combined": "both, each with its own level"}
    rows = []
    for scope, found in correlations().items():
        paper_r = printed.get(int(scope), math.nan) if scope.isdigit() else math.nan
        needed = pairs_for_power(found.r) if scope != "combined" else math.nan
        data = {"pairs_of": scope, "n": found.n, "paper_r": paper_r, "r": found.r}
        data |= {"low_95": found.low, "high_95": found.high, "p": found.p, "pairs_80": needed}
        text = {
            "Pairs of": labels.get(scope) or f"{scope} × {scope}",
            "Pairs": found.n,
            "Printed r": number(paper_r),
            "Recomputed r": number(found.r, 3),
            "95 % interval": interval(found.low, found.high),
            "p": probability(found.p),
            "Pairs for 80 % power": count(needed),
        }
        rows.append((data, text))
    return table_of(rows, ([], []), f"Pearson's r of the printed ξ̄ and FID reduction ({place('sparsity')}).")


def ordered(exceptions: Sequence[tuple[str, int]] = EXCEPTIONS) -> bool:
    """Whether a larger printed sparsity goes with a larger printed reduction within each resolution."""
    table = printed_table("sparsity").merge(reported()["dataset"], left_on="configuration", right_index=True)
    kept = [cell not in exceptions for cell in zip(table["dataset"], table["resolution"], strict=True)]
    groups = (group.sort_values("paper_xi") for _, group in table[kept].groupby("resolution"))
    return all(group["paper_reduction_percent"].is_monotonic_increasing for group in groups)


@style.styled()
def sparsity_figure() -> Drawing:
    """The printed FID reduction over the printed sparsity, by resolution."""
    figure, (axis,) = style.panels(1, panel_height=2.6)
    figure.set_figwidth(style.TWO_COLUMNS)  # names stand beside the points
    table = printed_table("sparsity").merge(reported()["dataset"], left_on="configuration", right_index=True)
    marks = {64: ("o", "black"), 128: ("s", style.GREY)}  # no model's colours: each point is a pair
    for row in table.itertuples():
        marker, colour = marks[row.resolution]
        excepted = (row.dataset, row.resolution) in EXCEPTIONS
        axis.plot(
            row.paper_xi, row.paper_reduction_percent, linestyle="", marker=marker, color=colour,
            markerfacecolor="white" if excepted else colour,
        )  # fmt: skip
        label = dataset_label(row.dataset, row.resolution).rsplit(" ", 3)[0]
        axis.annotate(
            label, (row.paper_xi, row.paper_reduction_percent), (0, 6), textcoords="offset points", fontsize=6.5,
            ha="center",
        )  # fmt: skip
    axis.margins(0.15)
    axis.set_xlabel("printed sparsity ξ̄ (Eq. 15)")
    axis.set_ylabel("printed FID reduction, %")
    handles = [Line2D([], [], linestyle="", marker=m, color=c, label=f"{r} × {r}") for r, (m, c) in marks.items()]
    handles.append(
        Line2D([], [], linestyle="", marker="o", color="black", markerfacecolor="white", label="excepted by the paper")
    )
    style.legend(figure, handles)
    return Drawing("sparsity", figure, "Printed FID reduction over printed sparsity, eight points by resolution.")


# STL-10 at two sample counts, and the FID of another paper


@cache
def samples_table() -> Table:
    """The printed FIDs on STL-10 by 5K and 50K samples, and what follows from them."""
    table = printed_table("stl10_samples").pivot(index="samples", columns="model", values="fid")
    rows = []
    for samples, fid in table.iterrows():
        data = {"samples": samples, "wgan_gp": fid["wgan_gp"], "self_sparse": fid["self_sparse"]}
        data["decrease_percent"] = relative_decrease(data["wgan_gp"], data["self_sparse"])
        rows.append((data, _samples_text(f"{count(samples)} samples", data, number(data["decrease_percent"]))))
    few, many = rows[0][0], rows[1][0]
    drop = {"samples": math.nan} | {model: few[model] - many[model] for model in ("wgan_gp", "self_sparse")}
    rows.append((drop | {"decrease_percent": math.nan}, _samples_text("difference", drop, MISSING)))
    main = {"samples": few["samples"], "wgan_gp": _stl10().b.mean, "self_sparse": _stl10().a.mean}
    main["decrease_percent"] = relative_decrease(main["wgan_gp"], main["self_sparse"])
    rows.append((main, _samples_text("the same by the main table", main, number(main["decrease_percent"]))))
    return table_of(rows, ([], []), f"FID on STL-10 at 64 × 64 ({place('stl10_samples')}).")


def _stl10() -> Pair:
    return main_pairs()["stl10", 64]


def _samples_text(label: str, data: dict, percent: str) -> dict:
    return {
        "FID by": label,
        "WGAN-GP": number(data["wgan_gp"]),
        "Self-Sparse GAN": number(data["self_sparse"]),
        "Relative decrease %": percent,
    }


@cache
def baseline_table() -> Table:
    """WGAN-GP's FIDs on STL-10 that the first version compares, with how each was measured."""
    fid = printed_table("stl10_samples").set_index(["model", "samples"])["fid"]["wgan_gp"]
    other = text_number("other_baseline_fid")
    stated = [(f"{place('stl10_samples')}, this paper", 64, n, fid[n]) for n in fid.index]
    resolution, samples = int(text_number("other_baseline_resolution")), int(text_number("other_baseline_samples"))
    stated.append(("v1 Sec. 4.3, of its reference [36]", resolution, samples, other))
    rows = []
    for where, size, n, value in stated:
        data = {"place": where, "resolution": size, "stated_samples": n, "fid": value, "above_the_other": value - other}
        text = {"Place": where, "Resolution": f"{size} × {size}", "Samples, as stated": count(n), "FID": number(value)}
        rows.append((data, text | {f"FID − {other:g}": number(value - other)}))
    return table_of(rows, ([], []), "FIDs of WGAN-GP on STL-10.")


# Robustness


@cache
def betas_table() -> Table:
    """What the table of Adam's betas implies: gains within a pair of betas, moves between the pairs."""
    first, second = _stl10(), next(pair for pair in other_pairs() if "betas" in pair.label)
    rows = []
    for label, a, b in (
        ("gain of Self-Sparse GAN, betas 0, 0.9", first.a, first.b),
        ("gain of Self-Sparse GAN, betas 0.5, 0.999", second.a, second.b),
        ("move of Self-Sparse GAN between the pairs", first.a, second.a),
        ("move of WGAN-GP between the pairs", first.b, second.b),
    ):
        test = welch(a, b)
        data = {"what": label, "first": a.mean, "second": b.mean, "difference": -test.difference, "p": test.p}
        text = {
            "What": label,
            "Computation": f"{number(b.mean)} − {number(a.mean)}",
            "Difference": number(-test.difference),
            "p": probability(test.p),
        }
        rows.append((data, text))
    return table_of(rows, ([], []), f"Adam's betas on STL-10 ({place('adam_betas')}).")


def betas_interaction() -> float:
    """Return the two-sided p that both models move alike between the pairs of betas: Welch's for four means."""
    first, second = _stl10(), next(pair for pair in other_pairs() if "betas" in pair.label)
    _, p = contrast([(1, first.a), (-1, second.a), (-1, first.b), (1, second.b)])
    return p


# Parameters


@cache
def parameters_table() -> Table:
    """How many parameters the module adds to the baseline's generator, counted in the networks as we build them."""
    settings = load_settings()
    rows = []
    for name in [*(f"{cell}-self_sparse" for cell in OVERHEAD), "stl10-64-self_sparse-resnet"]:
        total, added = _parameters(settings.configuration(name))
        data = {"configuration": name, "without": total - added, "added": added}
        data["added_percent"] = 100 * added / (total - added)
        text = {
            "Configuration": name,
            "Paper's tables": reported().loc[name, "appendix_tables"].replace("+", " + "),
            "Generator of WGAN-GP": count(total - added),
            "SASTM": count(added),
            "Adds %": number(data["added_percent"], 0),
        }
        rows.append((data, text))
    return table_of(rows, ([], []), "Parameters of the generators, as built by this project (U20, U21).")


def _parameters(configuration) -> tuple[int, int]:
    """Return the parameters of a generator and of its SASTMs."""
    import torch  # late: nothing else here needs it

    from selfsparse.models.build import build_generator, count_parameters, count_sastm_parameters

    with torch.device("meta"):
        generator = build_generator(configuration)
    return count_parameters(generator), count_sastm_parameters(generator)
