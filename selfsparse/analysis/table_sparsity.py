"""Sparsity beside FID reduction (v2 Table 8, Sec. 3.6), Pearson's r between the two (Eq. 16), and sparsity per stage."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from selfsparse.analysis import style, table
from selfsparse.analysis.axes import empty, group_panels, handle, model_handles
from selfsparse.analysis.comparisons import fid_title, pairs
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table import Table, interval, number, said, summarised
from selfsparse.config import Configuration
from selfsparse.paper import reported, reported_sparsity
from selfsparse.paper.printed import printed_table
from selfsparse.results import text
from selfsparse.results.comparability import comparable, comparison
from selfsparse.results.correlation import correlations
from selfsparse.results.reading import Results
from selfsparse.results.rows import COLUMNS
from selfsparse.results.text import MISSING, dataset_label, group_key, group_label, mean_std, model_label
from selfsparse.statistics.correlation import fit_line, line_half_width
from selfsparse.statistics.inference import decrease
from selfsparse.statistics.moments import moments

STAGE_MEASURES = {"xi": "ξ", "zeta": "ζ", "alpha_zero": "α = 0", "beta_zero": "β = 0"}
SHADES = ("#56B4E9", "black", "#767676", "#882255")  # of resolutions; no model's colour: each point is a pair
STAGE_COLUMNS = {"Configuration": said("configuration"), "Stage": said("_stage"), "Maps": said("_maps"), "n": said("n")}


def sparsity_table(results: Results) -> Table:
    """One row per pair of WGAN-GP and Self-Sparse GAN: xi-bar (Eq. 15) and FID reduction, the paper's beside ours."""
    rows = [_pair_row(results, group_key(p.lower), p.higher, p.lower) for p in pairs(results)]
    columns = {
        "Pair": said("_pair"),
        "Paper, ξ̄": number("paper_xi", 3),
        "Ours, ξ̄": said("_xi"),
        "n": said("n"),
        "95 % interval": interval("xi"),
        f"WGAN-GP, {fid_title(results)}": number("baseline_fid"),
        f"Self-Sparse GAN, {fid_title(results)}": number("self_sparse_fid"),
        "Paper, reduction %": number("paper_reduction_percent"),
        "Ours, reduction %": table.cell(
            text.with_interval, "reduction_percent", "reduction_low_95", "reduction_high_95"
        ),
        "Extractor": said("extractor"),
        "Comparable": said("_comparable"),
    }
    caption = f"Sparsity ξ̄ of Self-Sparse GAN and reduction of the {fid_title(results)} of the best generators, re-evaluated; brackets are 95 % intervals."
    return Table(rows, columns, caption)


def _pair_row(results: Results, key: tuple, baseline: Configuration, sparse: Configuration) -> dict:
    printed = reported_sparsity().reindex([sparse.name])[["paper_xi", "paper_reduction_percent"]].iloc[0].astype(float)
    found = results.correlation.set_index(COLUMNS["correlation"][:3])
    ours = found.loc[key] if key in found.index else {}
    row = dict(zip(COLUMNS["correlation"][:3], key, strict=True))
    row |= {name: float(ours.get(name, math.nan)) for name in COLUMNS["correlation"][3:]}
    xi = moments(results.sparsity_of(sparse))
    reduction = decrease(
        *(moments(results.re_evaluated(c, "best", c.extractor.samples[0])) for c in (baseline, sparse))
    )
    row |= {"xi_std": xi.std, "n": xi.n, **printed, "xi_low_95": xi.low, "xi_high_95": xi.high}
    row |= {"reduction_low_95": reduction.low, "reduction_high_95": reduction.high}
    row |= {"_pair": group_label(key), "_xi": mean_std(xi, 3, results.count(sparse).without_value)}
    row["_comparable"] = "not in the paper" if math.isnan(printed["paper_xi"]) else comparison(sparse)
    return row | {"extractor": sparse.extractor.extractor, "comparable": comparable(sparse)}


def pearson_table(results: Results) -> Table:
    """Pearson's r between xi-bar and FID reduction (Eq. 16): over all pairs, per resolution, and over the paper's own."""
    paper = printed_table("pearson").set_index("resolution")
    rows = []
    for scope, found in correlations(results.correlation).items():
        resolution, of_paper = scope.removesuffix("_paper"), scope.endswith("_paper")
        row = {"pairs_of": scope, "n": found.n, "r": found.r, "low_95": found.low, "high_95": found.high, "p": found.p}
        row["paper_r"] = float(paper.loc[int(resolution), "paper_r"]) if of_paper else math.nan
        label = f"{resolution} × {resolution}" + ", those of the paper" * of_paper
        row["_scope"] = "all resolutions" if scope == "all" else label
        row["_r"] = text.number(found.r) if found.n >= 3 else f"{MISSING} (needs 3 pairs)"
        row["_interval"] = text.interval(found.low, found.high) if found.n >= 4 else f"{MISSING} (needs 4 pairs)"
        rows.append(row)
    columns = {
        "Pairs of": said("_scope"),
        "Paper, r": number("paper_r"),
        "Ours, r": said("_r"),
        "Pairs": said("n"),
        "95 % interval": said("_interval"),
        "p": number("p", 3),
    }
    caption = "Pearson's r between ξ̄ and FID reduction over the measured pairs, with the interval of Fisher's z."
    return Table(rows, columns, caption)


@style.styled()
def reduction(results: Results) -> Drawing:
    """FID reduction over xi-bar, one point per pair, ours beside the paper's, with regression lines (v2 Sec. 3.6).

    A line per resolution with at least three pairs, as the paper groups them, and the 95 % interval of its mean.
    """
    figure, axes = style.panels(2, panel_height=2.6, most=2)
    printed = printed_table("sparsity").merge(reported()["dataset"], left_on="configuration", right_index=True)
    paper = printed.rename(columns={"paper_xi": "xi", "paper_reduction_percent": "reduction_percent"})
    found = correlations(results.correlation)["all"]
    r = text.number(found.r) if math.isfinite(found.r) else "not defined"
    titles = f"Ours, {fid_title(results)}: {text.many(found.n, 'pair')}, Pearson's r {r}", "Printed"
    keys = list(dict.fromkeys((r.dataset, r.resolution) for t in (results.correlation, paper) for r in t.itertuples()))
    shades = {r: SHADES[i % len(SHADES)] for i, r in enumerate(sorted({resolution for _, resolution in keys}))}
    markers = {name: "osD^vP*Xhp"[i % 10] for i, name in enumerate(dict.fromkeys(name for name, _ in keys))}
    for axis, points, title in zip(axes, (results.correlation, paper), titles, strict=True):
        axis.set_title(title)
        axis.set_xlabel("sparsity ξ̄ of Self-Sparse GAN (Eq. 15)")
        axis.set_ylabel("reduction of the mean FID, %")
        for row in points.itertuples():
            axis.plot(row.xi, row.reduction_percent, markers[row.dataset], color=shades[row.resolution], markersize=5)
        if points.empty:
            empty(axis, "not run")
            continue
        axis.axhline(0, color=style.GREY, linewidth=0.8)
        axis.margins(0.12)
        _lines(axis, points, shades)
    handles = [handle(dataset_label(d, r), shades[r], markers[d], markersize=5) for d, r in keys]
    style.legend(figure, handles, columns=4)
    alt = f"FID reduction over sparsity with regression lines: the pairs of suite {results.suite} beside the paper's."
    return Drawing("reduction", figure, alt)


def _lines(axis: Axes, points: pd.DataFrame, shades: dict[int, str]) -> None:
    """Draw each resolution's line and interval within the range of its points; the points alone set the axis."""
    limits = axis.get_ylim()
    for resolution, group in points.groupby("resolution"):
        line = fit_line(group["xi"], group["reduction_percent"])
        if line is None:
            continue
        x = np.linspace(group["xi"].min(), group["xi"].max(), 50)
        y, half = line.intercept + line.slope * x, line_half_width(line, group["xi"], x)
        axis.plot(x, y, color=shades[resolution], linewidth=1)
        axis.fill_between(x, y - half, y + half, color=shades[resolution], alpha=0.13, linewidth=0)
    axis.set_ylim(limits)


def slopes_table(results: Results) -> Table:
    """The lines of the figure: per resolution with three pairs or more, the change of FID reduction with xi-bar."""
    rows = []
    for resolution, group in results.correlation.groupby("resolution"):
        if line := fit_line(group["xi"], group["reduction_percent"]):
            row = {"resolution": resolution, "pairs": len(group), "points_per_tenth_xi": line.slope / 10}
            rows.append(row | {"_resolution": f"{resolution} × {resolution}"})
    columns = {
        "Resolution": said("_resolution"),
        "Pairs": said("pairs"),
        "Percentage points of FID reduction for 0.1 of ξ̄": number("points_per_tenth_xi"),
    }
    return Table(rows, columns, "Slope of the regression line at each resolution with three measured pairs or more.")


def stage_rows(results: Results, c: Configuration, found: pd.DataFrame) -> list[tuple[dict, pd.DataFrame]]:
    """Return the beginning of a row per stage, for STAGE_COLUMNS, each with the stage's part of what was found.

    A configuration of which nothing was found has one row.
    """
    rows = []
    for t, part in found.groupby("stage") if len(found) else [(math.nan, found)]:
        size, channels = part[["size", "channels"]].iloc[0] if len(part) else (math.nan, math.nan)
        row = {"configuration": c.name, "stage": t, "size": size, "channels": channels, "n": len(part)}
        row["_stage"] = int(t) if len(part) else results.count(c).without_value
        row["_maps"] = f"{int(channels)} of {int(size)} × {int(size)}" if len(part) else MISSING
        rows.append((row, part))
    return rows


def stages_table(results: Results) -> Table:
    """Sparsity of every stage (Eq. 4, 5): mean over finished runs; a configuration that has not run has one row."""
    rows = []
    for c in results.configurations:
        for row, part in stage_rows(results, c, results.finished(results.sparsity, c)):
            row["_model"] = model_label(c.model)
            for name in STAGE_MEASURES:
                row |= summarised(name, moments(part[name].dropna().astype(float)))
            rows.append(row)
    columns = {"Configuration": said("configuration"), "Model": said("_model"), **STAGE_COLUMNS}
    columns |= {label: table.mean_std(name, 3) for name, label in STAGE_MEASURES.items()}
    caption = "Sparsity of the SASTM's output per stage: shares between 0 and 1, mean ± standard deviation over n runs."
    return Table(rows, columns, caption)


@style.styled()
def stages(results: Results) -> Drawing:
    """Sparsity xi (Eq. 4) and share of sparse channels zeta (Eq. 5) per stage, one panel per group."""

    def draw(axis: Axes, c: Configuration) -> bool:
        mean = results.finished(results.sparsity, c).groupby("stage")[["size", "xi", "zeta"]].mean()
        if mean.empty:
            return False
        look = style.look_of(c)
        marks = {"color": look.colour, "marker": look.marker, "markersize": 4}
        axis.plot(mean.index, mean["xi"], **marks)
        axis.plot(mean.index, mean["zeta"], linestyle=":", markerfacecolor="white", **marks)
        axis.set_xticks(mean.index, [f"{int(size)}" for size in mean["size"]])
        axis.set_xlim(mean.index.min() - 0.4, mean.index.max() + 0.4)
        return True

    figure, axes = group_panels(results, draw)
    for axis in axes:
        axis.set_xlabel("stage, by the height of its maps")
        axis.set_ylabel("share")
        if axis.lines:
            axis.set_ylim(-0.04, 1.16)
            axis.set_yticks([0, 0.25, 0.5, 0.75, 1])
    lines = [
        handle("ξ, zero elements", linestyle="-"),
        handle("ζ, sparse channels", linestyle=":", markerfacecolor="white"),
    ]
    style.legend(figure, [*model_handles(results.configurations, marker=True), *lines], columns=4)
    alt = f"Sparsity per stage of the generators of suite {results.suite}, mean over finished runs."
    return Drawing("stages", figure, alt)
