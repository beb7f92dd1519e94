"""What sparsity buys: dead channels per stage, the smaller generators without them, and what we see in both."""

import math
from dataclasses import replace

import pandas as pd
from IPython.display import Markdown

from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import table_of
from selfsparse.config import Configuration
from selfsparse.paths import latency_file
from selfsparse.registry import SASTM_MODELS
from selfsparse.results.reading import Results, read_rows
from selfsparse.results.rows import COLUMNS
from selfsparse.results.text import MISSING, count, many, mean_std, model_label, number, share, short
from selfsparse.statistics.moments import moments

KINDS = {"proven": "proven from the weights", "observed": "observed"}


def measured_stages(results: Results) -> pd.DataFrame:
    """Return the rows of dead_channels.csv: one per stage of each run."""
    return _read(results, "dead_channels")


def measured_generators(results: Results) -> pd.DataFrame:
    """Return the rows of compact.csv, with their times: two per run, without what is proven and observed dead."""
    run = ["configuration", "seed", "kind"]
    rows = _read(results, "compact")
    files = {c.name: latency_file(results.suite, c.name) for c in results.configurations}
    parts = [read_rows(path).assign(configuration=name) for name, path in files.items() if path.is_file()]
    times = pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=COLUMNS["latency"])])
    times = times.astype({"seed": rows["seed"].dtype, "latency_ratio": float})
    return rows.merge(times, how="left", on=run, validate="one_to_one")


def _read(results: Results, name: str) -> pd.DataFrame:
    path = results.folder / f"{name}.csv"
    return read_rows(path) if path.is_file() else pd.DataFrame(columns=COLUMNS[name])


def _configurations(results: Results) -> list[Configuration]:
    return [c for c in results.configurations if c.model in SASTM_MODELS]


def dead_table(results: Results) -> Table:
    """Channels that are zero for every latent, stage by stage, and what keeps the others alive."""
    measured, rows = measured_stages(results), []
    for c in _configurations(results):
        found = results.finished(measured, c)
        if found.empty:
            rows.append(_not_measured(results, c, "Stage"))
        for stage, part in found.groupby("stage"):
            size, channels = int(part["size"].iloc[0]), int(part["channels"].iloc[0])
            text = {
                "Configuration": c.name,
                "Model": model_label(c.model),
                "Stage": int(stage),
                "Maps": f"{channels} of {size} × {size}",
                "n": str(len(part)),
                "Dead, proven": _mean(part["proven"], 1),
                "Dead, observed": _mean(part["observed"], 1),
                "Nearest of the others": _mean(part["nearest"], 4),
                "α always 0, of C": _mean(part["alpha_never"], 1),
                "β always 0, of H × W": _mean(part["beta_never"], 1),
                "Positions always 0": _mean(part["dead_positions"], 1),
            }
            names = ("proven", "observed", "nearest", "alpha_never", "beta_never", "dead_positions")
            data = {"configuration": c.name, "model": c.model, "stage": stage, "size": size, "channels": channels}
            rows.append((data | {"n": len(part)} | {f"{n}_mean": part[n].mean() for n in names}, text))
    caption = (
        "Per stage, mean ± standard deviation over n runs: channels of x that are 0 for every latent, proven and observed; of the "
        "other channels, the largest share of latents at which one is 0; coefficients that were 0 for all latents."
    )
    return _filled(table_of(rows, ([], []), caption))


def generators_table(results: Results) -> Table:
    """The generators without their dead channels: what is saved, and what it does to the images."""
    measured, rows = measured_generators(results), []
    for c in _configurations(results):
        found = results.finished(measured, c)
        if found.empty:
            rows.append(_not_measured(results, c, "Removed, because dead"))
        for kind in KINDS:
            part = found[found["kind"] == kind]
            if len(part):
                rows.append(_generators_row(c, kind, part))
    caption = (
        "Best generators without their dead channels, mean ± standard deviation over n runs; parameters, FLOPs and time on one "
        "CPU thread as shares of the full generator's. A dash: nothing was removed."
    )
    return _filled(table_of(rows, ([], []), caption))


def _filled(table: Table) -> Table:
    """Put a dash where a configuration that has not been measured has no cell."""
    return replace(table, text=table.text.fillna(MISSING))


def _generators_row(c: Configuration, kind: str, part: pd.DataFrame) -> tuple[dict, dict]:
    parameters = part["compact_parameters"] / part["full_parameters"]
    flops = part["compact_flops"] / part["full_flops"]
    text = {
        "Configuration": c.name,
        "Model": model_label(c.model),
        "Removed, because dead": KINDS[kind],
        "n": str(len(part)),
        "Channels removed": f"{_mean(part['removed'], 1)} of {count(part['channels'].iloc[0])}",
        "Heads removed": _mean(part["heads_removed"], 1),
        "Parameters left": _mean(parameters, 3),
        "FLOPs left": _mean(flops, 3),
        "Time left": _mean(part["latency_ratio"], 2),
        "Channels alive again": _mean(part["revived"], 1),
        "Heads alive again": _mean(part["heads_revived"], 1),
        "Largest difference": short(part["max_difference"].max()),
        "Images changed": _percent(part["changed_images"].mean()),
    }
    data = {"configuration": c.name, "model": c.model, "kind": kind, "n": len(part)}
    for name in ("removed", "heads_removed", "latency_ratio", "revived", "heads_revived", "changed_images"):
        data[f"{name}_mean"] = part[name].mean()
    data |= {"parameters_left_mean": parameters.mean(), "flops_left_mean": flops.mean()}
    return data | {"max_difference": part["max_difference"].max()}, text


def _not_measured(results: Results, c: Configuration, column: str) -> tuple[dict, dict]:
    text = {"Configuration": c.name, "Model": model_label(c.model), column: results.count(c).without_value}
    return {"configuration": c.name, "model": c.model, "n": 0}, text


def seen(results: Results) -> Markdown:
    """Say, model by model, how many channels are dead, and what their removal saves and costs."""
    stages, generators = measured_stages(results), measured_generators(results)
    lines = []
    for model in SASTM_MODELS:
        names = [c.name for c in _configurations(results) if c.model == model]
        own = pd.concat([results.finished(stages, c) for c in _configurations(results) if c.name in names] or [stages])
        if not names or own.empty:
            continue
        runs = own.groupby(["configuration", "seed"]).ngroups
        text = (
            f"**{model_label(model)}**, {_runs(runs)} with {count(own['channels'].sum())} channels: {count(own['proven'].sum())} are "
            f"dead by the signs of the weights, {count(own['observed'].sum())} were 0 for every latent of the measure."
        )
        if own["beta_never"].notna().any() and own["alpha_never"].notna().any():
            lit = int((own["beta_never"] < own["size"] ** 2).sum())
            text += (
                f" α alone was always 0 for {count(own['alpha_never'].sum())} of them, but in {lit} of {len(own)} stages β is "
                "above 0 at some position for some latent, and all channels of a stage share β."
            )
        lines.append(text + _saved(generators[generators["configuration"].isin(names)]))
    if not lines:
        return Markdown("No configuration with a SASTM has been measured.")
    return Markdown("\n\n".join(lines))


def _saved(rows: pd.DataFrame) -> str:
    """Say what removing the observed channels saves, over the runs where something could be removed."""
    found = rows[(rows["kind"] == "observed") & (rows["removed"] + rows["heads_removed"] > 0)]
    if found.empty:
        return " Nothing was removed."
    parameters = (found["compact_parameters"] / found["full_parameters"]).mean()
    flops = (found["compact_flops"] / found["full_flops"]).mean()
    text = (
        f" In {_runs(len(found))} what was observed at 0, which proves nothing for other latents, was taken out: that leaves {share(parameters)} of the parameters, {share(flops)} of the "
        f"FLOPs and {share(found['latency_ratio'].mean())} of the time. On {count(found['fresh_latents'].iloc[0])} fresh latents "
    )
    exact, other = (
        found[found["revived"] + found["heads_revived"] == 0],
        found[found["revived"] + found["heads_revived"] > 0],
    )
    if len(exact):
        text += f"the images of {_runs(len(exact))} are the same up to rounding (a pixel in [−1, 1] moves by {short(exact['max_difference'].max())} at most)"
    if len(other):
        channels, heads = many(other["revived"].sum(), "channel"), many(other["heads_revived"].sum(), "head")
        text += (" and " if len(exact) else "") + (
            f"in {_runs(len(other))} some of it comes alive again, {channels} and {heads} in all: "
            f"{_percent(other['changed_images'].mean())} of the images change, a pixel by {number(other['max_difference'].max(), 3)} at most"
        )
    return text + "."


def _mean(values: pd.Series, digits: int) -> str:
    return mean_std(moments(values.dropna().astype(float)), digits)


def _percent(value: float) -> str:
    return MISSING if not math.isfinite(value) else f"{100 * value:.2f} %"


def _runs(n: int) -> str:
    return many(n, "run")
