"""The sparsity tables: xi-bar beside FID reduction, Pearson's coefficient, and sparsity per stage (v2 Table 8)."""

import math

import pandas as pd

from selfsparse.analysis.correlation import correlations
from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import fid_title, table_of
from selfsparse.config import Configuration
from selfsparse.paper import reported_pearson, reported_sparsity
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.comparability import comparable, comparison
from selfsparse.results.reading import Results, mean_sparsity
from selfsparse.results.rows import COLUMNS
from selfsparse.results.text import MISSING, group_label, interval, mean_std, model_label, number, with_interval
from selfsparse.statistics.inference import decrease
from selfsparse.statistics.moments import moments

STAGE_MEASURES = {"xi": "ξ", "zeta": "ζ", "alpha_zero": "α = 0", "beta_zero": "β = 0"}


def sparsity_table(results: Results) -> Table:
    """One row per pair of WGAN-GP and Self-Sparse GAN: xi-bar (Eq. 15) and FID reduction, the paper's beside ours."""
    rows = []
    for key, group in results.groups().items():
        pair = {c.model: c for c in group}
        if {BASELINE, SPARSE} <= pair.keys():
            rows.append(_pair_row(results, key, pair[BASELINE], pair[SPARSE]))
    columns = [*COLUMNS["correlation"], "paper_xi", "paper_reduction_percent"]
    caption = f"Sparsity ξ̄ of Self-Sparse GAN and reduction of the {fid_title(results)} of the best generators, measured again; brackets are 95 % intervals."
    return table_of(rows, (columns, ["Pair"]), caption)


def _pair_row(results: Results, key: tuple, baseline: Configuration, sparse: Configuration) -> tuple[dict, dict]:
    paper = reported_sparsity()
    paper_xi, paper_reduction = (
        paper.loc[sparse.name, ["paper_xi", "paper_reduction_percent"]]
        if sparse.name in paper.index
        else (math.nan, math.nan)
    )
    table = results.correlation
    same = (table["dataset"] == key[0]) & (table["resolution"] == key[1]) & (table["variation"] == key[2])
    ours = table[same].iloc[0] if same.any() else {}
    values = {name: float(ours.get(name, math.nan)) for name in COLUMNS["correlation"][3:]}
    xi = moments(mean_sparsity(results.finished(results.sparsity, sparse), results.counted_stages))
    data = dict(zip(COLUMNS["correlation"][:3], key, strict=True)) | values
    data |= {"xi_std": xi.std, "n": xi.n, "paper_xi": paper_xi, "paper_reduction_percent": paper_reduction}
    again = [moments(results.measured(c, "best", c.extractor.samples[0])) for c in (baseline, sparse)]
    reduction = decrease(*again)
    data |= {"xi_low_95": xi.low, "xi_high_95": xi.high}
    data |= {"reduction_low_95": reduction.low, "reduction_high_95": reduction.high}
    text = {
        "Pair": group_label(key),
        "Paper, ξ̄": number(paper_xi),
        "Ours, ξ̄": mean_std(xi, 3, results.count(sparse).without_value),
        "n": xi.n,
        "95 % interval": interval(xi.low, xi.high),
        f"WGAN-GP, {fid_title(results)}": number(values["baseline_fid"]),
        f"Self-Sparse GAN, {fid_title(results)}": number(values["self_sparse_fid"]),
        "Paper, reduction %": number(paper_reduction),
        "Ours, reduction %": with_interval(values["reduction_percent"], reduction.low, reduction.high),
        "Extractor": sparse.extractor.extractor,
        "Comparable": "not in the paper" if math.isnan(paper_xi) else comparison(sparse),
    }
    return data | {"extractor": sparse.extractor.extractor, "comparable": comparable(sparse)}, text


def pearson_table(results: Results) -> Table:
    """Pearson's r between xi-bar and FID reduction (Eq. 16): over all pairs, per resolution, and over the paper's own."""
    paper = reported_pearson()
    rows = []
    for scope, found in correlations(results.correlation).items():
        resolution, of_paper = scope.removesuffix("_paper"), scope.endswith("_paper")
        paper_r = float(paper.loc[int(resolution), "paper_r"]) if of_paper else math.nan
        data = {"pairs_of": scope, "n": found.n, "r": found.r, "low_95": found.low, "high_95": found.high, "p": found.p}
        text = {
            "Pairs of": "all resolutions"
            if scope == "all"
            else f"{resolution} × {resolution}" + ", those of the paper" * of_paper,
            "Paper, r": number(paper_r),
            "Ours, r": number(found.r) if found.n >= 3 else f"{MISSING} (needs 3 pairs)",
            "Pairs": found.n,
            "95 % interval": interval(found.low, found.high) if found.n >= 4 else f"{MISSING} (needs 4 pairs)",
            "p": number(found.p, 3),
        }
        rows.append((data | {"paper_r": paper_r}, text))
    return table_of(
        rows,
        ([], []),
        "Pearson's r between ξ̄ and FID reduction over the measured pairs, with the interval of Fisher's z.",
    )


def stages_table(results: Results) -> Table:
    """Sparsity of every stage (Eq. 4, 5): mean over finished runs; a configuration that has not run has one row."""
    rows = []
    for c in results.configurations:
        found = results.finished(results.sparsity, c)
        if found.empty:
            rows.append(_stage_row(results, c, math.nan, found))
        for stage, part in found.groupby("stage"):
            rows.append(_stage_row(results, c, stage, part))
    return table_of(
        rows,
        ([], []),
        "Sparsity of the SASTM's output per stage: shares between 0 and 1, mean ± standard deviation over n runs.",
    )


def _stage_row(results: Results, c: Configuration, stage: float, part: pd.DataFrame) -> tuple[dict, dict]:
    missing = part.empty
    size, channels = (math.nan, math.nan) if missing else (part["size"].iloc[0], part["channels"].iloc[0])
    data = {"configuration": c.name, "stage": stage, "size": size, "channels": channels, "n": len(part)}
    text = {
        "Configuration": c.name,
        "Model": model_label(c.model),
        "Stage": results.count(c).without_value if missing else int(stage),
        "Maps": MISSING if missing else f"{int(channels)} of {int(size)} × {int(size)}",
        "n": len(part),
    }
    for name, label in STAGE_MEASURES.items():
        m = moments(part[name].dropna().astype(float))
        data |= {f"{name}_mean": m.mean, f"{name}_std": m.std}
        text[label] = mean_std(m, 3)
    return data, text
