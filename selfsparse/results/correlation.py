"""The correlation between sparsity and FID reduction over pairs of configurations (Sec. 4.6, Eq. 15 and 16)."""

import math
from collections.abc import Sequence

import pandas as pd

from selfsparse.config import Configuration
from selfsparse.files import write_json, write_text
from selfsparse.paper import reported_sparsity
from selfsparse.paths import suite_dir
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.reading import mean_sparsity
from selfsparse.results.rows import COLUMNS
from selfsparse.results.summary import check_nothing_lost, read_table
from selfsparse.results.text import group_key
from selfsparse.statistics.correlation import Correlation, pearson
from selfsparse.statistics.moments import relative_decrease

DIGITS = 6


def mean_best_fid(fid: pd.DataFrame) -> float:
    """Return the mean over seeds of the best generators' FID at the smaller sample count; NaN without rows."""
    best = fid[fid["generator"] == "best"]
    return float(best.loc[best["n_fake"] == best["n_fake"].min(), "fid"].mean()) if len(best) else math.nan


def pairs(
    configurations: Sequence[Configuration], fid: pd.DataFrame, sparsity: pd.DataFrame, counted_stages: str
) -> pd.DataFrame:
    """Return one row of correlation.csv per measured pair of WGAN-GP and Self-Sparse GAN that differ in nothing else.

    Args:
        fid: rows of all configurations, columns configuration, seed, generator, n_fake, fid.
        sparsity: rows of all configurations, columns configuration, seed, stage, xi.
        counted_stages: as of mean_sparsity.
    """
    groups: dict[tuple, dict[str, str]] = {}
    for c in configurations:
        groups.setdefault(group_key(c), {})[c.model] = c.name
    rows = []
    for key, models in groups.items():
        if {BASELINE, SPARSE} <= models.keys():
            baseline, sparse = (mean_best_fid(fid[fid["configuration"] == models[m]]) for m in (BASELINE, SPARSE))
            stages = sparsity[sparsity["configuration"] == models[SPARSE]]
            xi = float(mean_sparsity(stages, counted_stages).mean())
            rows.append([*key, xi, baseline, sparse, relative_decrease(baseline, sparse)])
    return (
        pd.DataFrame(rows, columns=COLUMNS["correlation"])
        .dropna(subset=["xi", "reduction_percent"])
        .reset_index(drop=True)
    )


def correlations(pairs: pd.DataFrame) -> dict[str, Correlation]:
    """Return Pearson's r between xi-bar and FID reduction by scope: `all`, `<resolution>`, `<resolution>_paper`.

    The last holds only the pairs that the paper's own coefficient is of (v2 Table 8, U52): no others may stand beside it.
    """
    scopes = {"all": pairs}
    names = pairs["dataset"] + "-" + pairs["resolution"].astype(str) + f"-{SPARSE}"
    printed = names.isin(reported_sparsity().index) & (pairs["variation"] == "")
    for resolution, group in pairs.groupby("resolution"):
        scopes[str(resolution)] = group
        if len(of_paper := group[printed[group.index]]):
            scopes[f"{resolution}_paper"] = of_paper
    return {scope: pearson(group["xi"], group["reduction_percent"]) for scope, group in scopes.items()}


def metrics(pairs: pd.DataFrame) -> dict[str, float]:
    """Return the correlations as a flat dictionary of numbers; what is not defined (too few pairs) is left out."""
    numbers: dict[str, float] = {}
    for name, found in correlations(pairs).items():
        end = "" if name == "all" else f"_{name}"
        values = {"pairs": found.n, "r": found.r, "p": found.p, "r_low": found.low, "r_high": found.high}
        numbers |= {key + end: round(value, DIGITS) for key, value in values.items() if math.isfinite(value)}
    return numbers


def write_correlation(suite: str, configurations: Sequence[Configuration], counted_stages: str) -> None:
    """Write results/<suite>/correlation.csv and correlation.json from what the suite has measured so far.

    Raises:
        DataError: dvc.lock records a result that is not on this disk.
    """
    check_nothing_lost(configurations)
    fid, sparsity = (read_table(configurations, kind, kind) for kind in ("fid", "sparsity"))
    table = pairs(configurations, fid, sparsity, counted_stages)
    folder = suite_dir(suite)
    write_text(folder / "correlation.csv", table.round(DIGITS).to_csv(index=False, lineterminator="\n"))
    write_json(folder / "correlation.json", metrics(table))
