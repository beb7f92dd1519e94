"""Tables of notebooks/table_compact.ipynb: dead channels per stage, and the smaller generators without them."""

import math
from collections.abc import Sequence

import pandas as pd

from selfsparse.analysis.table import Row, Table, cell, count, joined, mean_std, said
from selfsparse.analysis.table_sparsity import STAGE_COLUMNS, stage_rows
from selfsparse.config import Configuration
from selfsparse.files import reading
from selfsparse.paths import latency_file
from selfsparse.registry import SASTM_MODELS
from selfsparse.results.reading import Results, read_rows, summary_table
from selfsparse.results.rows import COLUMNS
from selfsparse.results.text import MISSING, model_label, short
from selfsparse.statistics.moments import moments

KINDS = {"proven": "proven from the weights", "observed": "observed"}
OF_STAGES = ("proven", "observed", "nearest", "alpha_never", "beta_never", "dead_positions")
OF_GENERATORS = (
    "removed", "heads_removed", "latency_ratio", "revived", "heads_revived", "changed_images", "parameters_left", "flops_left",
)  # fmt: skip


def measured_stages(results: Results) -> pd.DataFrame:
    """Return the rows of dead_channels.csv: one per stage of each run."""
    return summary_table(results.folder, "dead_channels")


def measured_generators(results: Results) -> pd.DataFrame:
    """Return the rows of compact.csv with their times and shares: two per run, without what is proven and observed dead."""
    rows = summary_table(results.folder, "compact")
    parts = []
    for c in results.configurations:
        if (path := latency_file(results.suite, c.name)).is_file():
            with reading(path, f"measure@{c.name}", in_git=True):
                parts.append(read_rows(path).assign(configuration=c.name))
    times = pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=COLUMNS["latency"])])
    times = times.astype({"seed": rows["seed"].dtype, "latency_ratio": float})
    rows = rows.merge(times, how="left", on=["configuration", "seed", "kind"], validate="one_to_one")
    shares = {f"{of}_left": rows[f"compact_{of}"] / rows[f"full_{of}"] for of in ("parameters", "flops")}
    return rows.assign(**shares)


def _configurations(results: Results) -> list[Configuration]:
    return [c for c in results.configurations if c.model in SASTM_MODELS]


def _summaries(part: pd.DataFrame, names: Sequence[str]) -> dict[str, float]:
    """Return <name>_mean of each, and what `mean_std` writes of _<name>: NaN without a value."""
    found = {name: moments(part[name].dropna().astype(float)) for name in names if name in part}
    means = {f"{name}_mean": found[name].mean if name in found else math.nan for name in names}
    spreads = {f"_{name}_std": found[name].std if name in found else math.nan for name in names}
    return means | {f"_{name}": value for name, value in means.items()} | spreads


def dead_table(results: Results) -> Table:
    """Channels that are zero for every latent, stage by stage, and what keeps the others alive."""
    measured, rows = measured_stages(results), []
    for c in _configurations(results):
        for row, part in stage_rows(results, c, results.finished(measured, c)):
            rows.append({"configuration": c.name, "model": c.model} | row | _summaries(part, OF_STAGES))
    columns = {
        "Configuration": said("configuration"),
        "Model": cell(model_label, "model"),
        **STAGE_COLUMNS,
        "n": _n,
        "Dead, proven": mean_std("_proven", 1),
        "Dead, observed": mean_std("_observed", 1),
        "Nearest of the others": mean_std("_nearest", 4),
        "α always 0, of C": mean_std("_alpha_never", 1),
        "β always 0, of H × W": mean_std("_beta_never", 1),
        "Positions always 0": mean_std("_dead_positions", 1),
    }
    caption = (
        "Per stage, mean ± standard deviation over n runs: channels of x that are 0 for every latent, proven and observed; of the "
        "other channels, the largest share of latents at which one is 0; coefficients that were 0 for all latents."
    )
    return Table(rows, columns, caption)


def _n(row: Row) -> str:
    return str(row["n"] or MISSING)


def generators_table(results: Results) -> Table:
    """The generators without their dead channels: what is saved, and what it does to the images."""
    measured, rows = measured_generators(results), []
    for c in _configurations(results):
        found = results.finished(measured, c)
        parts = [(kind, found[found["kind"] == kind]) for kind in KINDS]
        for kind, part in [pair for pair in parts if len(pair[1])] or [("", found)]:
            row: Row = {"configuration": c.name, "model": c.model, "kind": kind or math.nan, "n": len(part)}
            row |= {"_kind": KINDS.get(kind, results.count(c).without_value), "_channels": part["channels"].max()}
            rows.append(row | _summaries(part, OF_GENERATORS) | {"max_difference": part["max_difference"].max()})
    columns = {
        "Configuration": said("configuration"),
        "Model": cell(model_label, "model"),
        "Removed, because dead": said("_kind"),
        "n": _n,
        "Channels removed": lambda row: joined(mean_std("_removed", 1), count("_channels"), by=" of ")(row) if row["n"] else MISSING,
        "Heads removed": mean_std("_heads_removed", 1),
        "Parameters left": mean_std("_parameters_left", 3),
        "FLOPs left": mean_std("_flops_left", 3),
        "Time left": mean_std("_latency_ratio", 2),
        "Channels alive again": mean_std("_revived", 1),
        "Heads alive again": mean_std("_heads_revived", 1),
        "Largest difference": cell(short, "max_difference"),
        "Images changed": cell(_percent, "changed_images_mean"),
    }  # fmt: skip
    caption = (
        "Best generators without their dead channels, mean ± standard deviation over n runs; parameters, FLOPs and time on one "
        "CPU thread as shares of the full generator's. A dash: nothing was removed."
    )
    return Table(rows, columns, caption)


def models_table(results: Results) -> Table:
    """Model by model, over all runs: how many channels are dead, and what taking out the observed ones saves and costs."""
    stages, generators, rows = measured_stages(results), measured_generators(results), []
    for model in SASTM_MODELS:
        own = [c for c in _configurations(results) if c.model == model]
        found, smaller = (pd.concat([results.finished(of, c) for c in own] or [of[:0]]) for of in (stages, generators))
        if found.empty:
            continue
        smaller = smaller[(smaller["kind"] == "observed") & (smaller["removed"] + smaller["heads_removed"] > 0)]
        counted = ("channels", "proven", "observed", "alpha_never")
        row: Row = {"model": model, "runs": found.groupby(["configuration", "seed"]).ngroups}
        row |= {name: found[name].sum(min_count=1) for name in counted} | {"stages": len(found)}
        row["stages_with_beta"] = (found["beta_never"] < found["size"] ** 2).sum()
        row |= {"smaller": len(smaller), "exact": (smaller["revived"] + smaller["heads_revived"] == 0).sum()}
        row |= {f"{name}_mean": smaller[name].mean() for name in ("parameters_left", "flops_left", "latency_ratio")}
        row |= {name: smaller[name].sum() for name in ("revived", "heads_revived")}
        row |= {"changed_images_mean": smaller["changed_images"].mean()}
        rows.append(row | {"max_difference": smaller["max_difference"].max()})
    columns = {
        "Model": cell(model_label, "model"),
        "Runs": count("runs"),
        "Channels": count("channels"),
        "Dead, proven": count("proven"),
        "Dead, observed": count("observed"),
        "α always 0": count("alpha_never"),
        "Stages with β > 0": joined(count("stages_with_beta"), count("stages"), by=" of "),
        "Smaller generators": count("smaller"),
        "same images": count("exact"),
        "Parameters left": cell(_percent, "parameters_left_mean"),
        "FLOPs left": cell(_percent, "flops_left_mean"),
        "Time left": cell(_percent, "latency_ratio_mean"),
        "Channels alive again": count("revived"),
        "Heads alive again": count("heads_revived"),
        "Images changed": cell(_percent, "changed_images_mean"),
        "Largest difference": cell(short, "max_difference"),
    }
    caption = (
        "By model, over all finished runs: channels that are 0 for every latent, and the generators without the observed ones, "
        "where there are any. Same images: up to rounding, on fresh latents. A difference is of pixels in [−1, 1]."
    )
    return Table(rows, columns, caption)


def _percent(value: float) -> str:
    return MISSING if value != value else f"{100 * value:.2f} %"
