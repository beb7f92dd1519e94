"""What the paper says happens inside a generator (Sec. 3.2, Hypothesis 1), from the snapshots of training."""

import math
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from selfsparse.analysis import style, table
from selfsparse.analysis.axes import (
    DIVERGING,
    ZERO,
    by_dataset,
    curves,
    group_drawings,
    group_panels,
    handle,
    model_handles,
    short_step,
    show_values,
    step_ticks,
)
from selfsparse.analysis.comparisons import matched
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table import Table, estimated, joined, said, summarised, with_interval
from selfsparse.analysis.table_compact import measured_stages
from selfsparse.analysis.table_sparsity import STAGE_COLUMNS, stage_rows
from selfsparse.config import Configuration, variation
from selfsparse.registry import BASELINE, Model
from selfsparse.results.mechanism import (
    SETTLING_SHARE,
    last_snapshot,
    late_changes,
    layers,
    of_finished,
    share_of_coefficients,
)
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING, count, group_key, group_label, model_label, number, share
from selfsparse.results.text import with_interval as written
from selfsparse.statistics.correlation import pearson
from selfsparse.statistics.inference import welch
from selfsparse.statistics.moments import moments

MOST_MAPS = 6  # snapshots of beta beside each other
FROM_ZERO = ("alpha_flips", "beta_flips", "dead_share")  # measures whose zero means something
# column of mechanism.csv, or of `with_flips`: its heading and decimals
MEASURES = {
    "alpha_flips": ("Sign changes of α per 1,000 steps", 2),
    "beta_flips": ("of β", 2),
    "xi": ("ξ", 3),
    "negative_given_positive": ("P(s < 0 given x > 0)", 3),
    "zero_gradient": ("Zero gradients", 3),
    "weight_negative": ("Weights < 0", 3),
    "weight_mean": ("Mean weight", 2),
}
ROLES = {name: MEASURES[name][0] for name in ("xi", "negative_given_positive", "zero_gradient", "weight_negative")}
SETTLED_AFTER = 5000  # generator steps after which the paper sees no more changes (Fig. 7)


def overview_table(results: Results) -> Table:
    """What the paper says of the module, in one row per dataset and model: its zeros, signs, dead channels, gradients, weights."""
    rows = []
    dead = measured_stages(results)
    sized = {p.higher.name for p in matched(results)}
    shown = [c for c in results.configurations if not variation(c) or c.name in sized]
    for title, group in by_dataset(shown).items():
        last = {c: last_snapshot(results, c) for c in group}
        baseline = next((c for c in group if c.model == BASELINE and not variation(c)), None)
        for c in group:
            row: dict[str, Any] = {"dataset": title, "configuration": c.name, "_model": style.look_of(c).label}
            row |= {"n": last[c]["seed"].nunique(), "_without": results.count(c).without_value}
            for head in ("alpha", "beta"):
                zero = last[c].groupby("seed")[f"{head}_zero"].mean().dropna()
                differs = share_of_coefficients(last[c], head, f"{head}_differs")
                late, _ = late_changes(results.finished(results.mechanism, c), head, c.train.steps)
                row |= summarised(f"{head}_zero", moments(100 * zero.astype(float)))
                row |= summarised(f"{head}_differs", moments(100 * differs.iloc[-1].dropna() if len(differs) else []))
                row |= summarised(f"{head}_late", moments(100 * late))
            sums = results.finished(dead, c).groupby("seed")[["channels", "proven", "observed"]].sum()
            row |= {name: sums[name].astype(float).mean() for name in ("channels", "proven", "observed")}
            row |= _against_baseline(last[c], last[baseline] if baseline not in (None, c) else last[c][:0])
            rows.append(row)
    pair = {
        name: joined(table.mean_std(f"alpha_{name}", 1), table.mean_std(f"beta_{name}", 1), by="; ")
        for name in ("zero", "late", "differs")
    }
    columns = {
        "Dataset": said("dataset"),
        "Model": said("_model"),
        "Zeros of α; β, %": lambda row: pair["zero"](row) if row["n"] else row["_without"],
        "Signs that change late, α; β, %": pair["late"],
        "Signs at the end unlike the early ones, α; β, %": pair["differs"],
        "Dead channels, proven / observed / all": joined(
            table.number("proven", 1), table.number("observed", 1), table.number("channels", 0)
        ),
        "Zero gradients by stage, %": said("_zero_gradient"),
        "Zero gradients, less WGAN-GP's": said("_zero_gradient_less"),
        "Negative weights, %": table.mean_std("weight_negative", 2),
        "Negative weights, less WGAN-GP's": with_interval("weight_negative_less"),
        "n": said("n"),
    }
    caption = (
        "The mechanism at the last snapshot, over the probe latents: mean ± standard deviation over n runs, of each run's mean over its"
        f" stages where no stage is named. Signs that change late: from one snapshot to the next, after {share(SETTLING_SHARE)} of the"
        " training; early ones are those of the first snapshot from there on. Dead channels of the best generators: zero for every latent,"
        " as the weights' signs prove, or as observed for all latents tried. Zero gradients: where ReLU's input is at most 0."
        " Differences are in percentage points, with 95 % intervals (Welch), uncorrected."
    )
    return Table(rows, columns, caption)


def _against_baseline(own: pd.DataFrame, baseline: pd.DataFrame) -> dict[str, Any]:
    """Return zero gradients stage by stage, and negative weights of all stages, in percent and less those of WGAN-GP."""
    row: dict[str, Any] = {}
    values, differences = [], []
    for t, stage in own.dropna(subset=["zero_gradient"]).groupby("stage"):
        m = moments(100 * stage["zero_gradient"].astype(float))
        other = baseline.loc[baseline["stage"] == t, "zero_gradient"].dropna().astype(float)
        found = welch(m, moments(100 * other))
        row |= summarised(f"zero_gradient_{t}", m) | estimated(f"zero_gradient_{t}_less", found)
        values.append(number(m.mean, 1))
        differences.append(written(found.value, found.low, found.high, digits=1))
    row |= {"_zero_gradient": " / ".join(values)}
    row["_zero_gradient_less"] = " / ".join(differences) if len(baseline) else MISSING
    both = [moments(100 * rows.groupby("seed")["weight_negative"].mean().astype(float)) for rows in (own, baseline)]
    row |= summarised("weight_negative", both[0])
    return row | estimated("weight_negative_less", welch(*both))


def signs(results: Results) -> list[Drawing]:
    """Sign changes of alpha and beta per coefficient and 1,000 generator steps, since the snapshot before."""
    rows = {"alpha_flips": "sign changes of α\nper 1,000 steps", "beta_flips": "sign changes of β\nper 1,000 steps"}
    return _over_training(results, "signs", "sign changes on a fixed probe of latents", rows)


def zero_gradients(results: Results) -> list[Drawing]:
    """Share of positions at which ReLU passes no gradient, after batch norm."""
    rows = {"zero_gradient": "zero gradients, share"}
    return _over_training(results, "zero_gradients", "zero gradients after BN and ReLU", rows)


def weights(results: Results) -> list[Drawing]:
    """Share of deconvolution weights below zero, and their mean."""
    rows = {"weight_negative": "weights < 0, share", "weight_mean": "mean weight"}
    return _over_training(results, "weights", "deconvolution weights", rows)


def dead_channels(results: Results) -> list[Drawing]:
    """|A| / C: channels that are zero at every position for every latent of the probe."""
    return _over_training(
        results, "dead_channels", "channels that are zero for the whole probe", {"dead_share": "|A| / C"}
    )


def _over_training(results: Results, kind: str, what: str, rows: dict[str, str]) -> list[Drawing]:
    """One drawing per group that has such values: a row of panels per measure, a column per stage."""

    def read(c: Configuration) -> pd.DataFrame:
        snapshots = of_finished(results, c)
        dead = snapshots["dead_channels"].astype(float) / snapshots["channels"].astype(float)
        return snapshots.assign(dead_share=dead).dropna(subset=list(rows), how="all")

    def draw(figure: Figure, tables: dict[Configuration, pd.DataFrame]) -> None:
        every = pd.concat(tables.values())
        stages = sorted(every["stage"].unique())
        axes = figure.subplots(len(rows), len(stages), squeeze=False, sharex=True, sharey="row")
        for (measure, label), row in zip(rows.items(), axes, strict=True):
            for stage, axis in zip(stages, row, strict=True):
                for c, snapshots in tables.items():
                    curves(axis, results, c, snapshots[snapshots["stage"] == stage], measure, most_marks=1000)
            row[0].set_ylabel(label)
            if measure in FROM_ZERO:
                row[0].set_ylim(bottom=0)
        for stage, top, bottom in zip(stages, axes[0], axes[-1], strict=True):
            sizes = sorted({int(size) for size in every.loc[every["stage"] == stage, "size"]})
            top.set_title(f"stage {stage} ({', '.join(f'{size} × {size}' for size in sizes)})")
            step_ticks(bottom)

    return group_drawings(results, kind, what, 1.55 * len(rows) + 0.85, read, draw)


@style.styled()
def equation_12(results: Results) -> Drawing:
    """P(s < 0 | x > 0) over xi: one trail per model and stage through the snapshots, means over the finished runs."""
    shown = []

    def draw(axis: Axes, c: Configuration) -> bool:
        snapshots = of_finished(results, c).dropna(subset=["negative_given_positive"])
        if measured := bool(len(snapshots)):
            _trails(axis, snapshots, style.look_of(c))
            shown.append(c)
        return measured

    figure, axes = group_panels(results, draw, panel_height=2.3)
    for axis in axes:
        axis.set_xlabel("position sparsity ξ (Eq. 4)")
        axis.set_ylabel("P(s < 0 | x > 0)")
        if axis.lines:
            axis.set_xlim(left=min(-0.03, axis.get_xlim()[0]))
            axis.set_ylim(bottom=0)
    ends = [handle("first snapshot", markerfacecolor="white"), handle("last, with its stage")]
    style.legend(figure, [*model_handles(shown, marker=True), *ends] if shown else [], columns=4)
    alt = (
        f"P(s < 0 given x > 0) over position sparsity, stage by stage and snapshot by snapshot, suite {results.suite}."
    )
    return Drawing("equation_12", figure, alt)


def _trails(axis: Axes, snapshots: pd.DataFrame, drawn: Model) -> None:
    look = {"color": drawn.colour, "marker": drawn.marker, "linestyle": ""}
    means = snapshots.groupby(["stage", "step"])[["xi", "negative_given_positive"]].mean()
    for stage, trail in means.groupby("stage"):
        x, y = trail["xi"].to_numpy(), trail["negative_given_positive"].to_numpy()
        axis.plot(x, y, color=look["color"], linewidth=0.7, alpha=0.45)
        axis.plot(x[:1], y[:1], markerfacecolor="white", markersize=3.5, **look)
        axis.plot(x[-1:], y[-1:], markersize=8, zorder=3, **look)
        place = {"ha": "center", "va": "center", "zorder": 4}
        axis.annotate(str(stage), (x[-1], y[-1]), color="white", fontsize=6, fontweight="bold", **place)


def coefficient_sheets(results: Results) -> list[Drawing]:
    """Alpha and beta of the first probe latent over training, one sheet per configuration with a SASTM (Fig. 7)."""
    found = ((c, results.arrays(c, "coefficients")) for c in results.configurations)
    return [_coefficients(c, arrays) for c, arrays in found if arrays]


@style.styled()
def _coefficients(c: Configuration, arrays: dict[str, np.ndarray]) -> Drawing:
    """Draw alpha_<t> (snapshots, C), a row per snapshot and a column per channel, and beta_<t> (snapshots, H, W)."""
    stages = sorted({int(name.split("_")[1]) for name in arrays})
    snapshots = len(next(iter(arrays.values())))
    steps = [short_step(i * c.train.snapshot_every) for i in range(snapshots)]
    chosen = sorted({round(i) for i in np.linspace(0, snapshots - 1, min(MOST_MAPS, snapshots))})
    has_alpha, has_beta = (any(name.startswith(part) for name in arrays) for part in ("alpha", "beta"))
    widths = [2.4] * has_alpha + [1.0] * len(chosen) * has_beta
    figure = Figure(figsize=(style.TWO_COLUMNS, 1.3 * len(stages) + 0.75))
    axes = figure.subplots(len(stages), len(widths), squeeze=False, width_ratios=widths)
    every = max(1, -(-snapshots // 6))
    for row, t in zip(axes, stages, strict=True):
        if has_alpha:
            alpha, axis = arrays[f"alpha_{t}"], row[0]
            show_values(axis, alpha, alpha)
            axis.set_aspect("auto")
            axis.set_yticks(range(0, snapshots, every), steps[::every], fontsize=6.5)
            axis.tick_params(left=False, pad=1)
            axis.set_title(f"α, zero {share(np.mean(alpha[0] == 0))} to {share(np.mean(alpha[-1] == 0))}", fontsize=7)
        if has_beta:
            beta = arrays[f"beta_{t}"]
            for axis, i in zip(row[int(has_alpha) :], chosen, strict=True):
                show_values(axis, beta[i], beta)
                axis.set_title(f"β, step {steps[i]}", fontsize=7)
                axis.set_xlabel(f"zero {share(np.mean(beta[i] == 0))}", fontsize=6.5)
        row[0].set_ylabel(f"stage {t}" + "\nsteps" * has_alpha)
    axes[-1][0].set_xlabel("channel" if has_alpha else axes[-1][0].get_xlabel())
    what = " and ".join(["α"] * has_alpha + ["β"] * has_beta)
    title = f"{group_label(group_key(c))}: {model_label(c.model)}"
    figure.suptitle(f"{title}, first seed, one latent: {what} over training", fontsize=9)
    largest = "the largest of a stage's α, or of its β; white is above 0, but close"
    colours = {"exactly 0": ZERO, largest: mpl.colormaps[DIVERGING](1.0)}
    figure.legend(handles=[Patch(color=v, label=k) for k, v in colours.items()], loc="outside lower center", ncols=2)
    alt = f"{c.name}: {what} of one latent at the snapshots of training, zeros in grey."
    return Drawing(f"coefficients-{c.name}", figure, alt)


def signs_table(results: Results) -> Table:
    """How often alpha and beta change their sign after the first and up to the last snapshot, and after 5,000 steps (Fig. 7)."""
    rows = []
    for c in results.configurations:
        snapshots, arrays = of_finished(results, c), results.arrays(c, "coefficients")
        for head, letter in (("alpha", "α"), ("beta", "β")):
            flips, changed = f"{head}_flips", f"{head}_changed"
            by_step = snapshots.dropna(subset=[flips]).groupby("step")[[flips, changed]].mean()
            shown = [values.reshape(len(values), -1) for name, values in arrays.items() if name.startswith(head)]
            if by_step.empty:
                continue
            row = {"configuration": c.name, "head": head, "_head": letter}
            row |= {"first_step": by_step.index[0], "last_step": by_step.index[-1]}
            row |= {"flips_first": by_step[flips].iloc[0], "flips_last": by_step[flips].iloc[-1]}
            row |= {"flips_late": by_step.loc[by_step.index > SETTLED_AFTER, flips].mean()}
            row |= {"changed_last": by_step[changed].iloc[-1]}
            zero = np.concatenate(shown, axis=1) == 0 if shown else np.full((1, 1), math.nan)
            rows.append(row | {"zero_first": zero[0].mean(), "zero_last": zero[-1].mean()})
    columns = {
        "Configuration": said("configuration"),
        "Head": said("_head"),
        "Snapshots, steps": joined(table.count("first_step"), table.count("last_step"), by=" to "),
        "Changes per 1,000 steps, first snapshot": table.number("flips_first"),
        "last snapshot": table.number("flips_last"),
        f"after step {count(SETTLED_AFTER)}": table.number("flips_late", 3),
        "Signs unlike the snapshot before, at the last": table.share("changed_last"),
        "Zeros of the latent shown, at step 0": table.share("zero_first"),
        "at the last snapshot": table.share("zero_last"),
    }
    caption = (
        "Sign changes per coefficient and 1,000 generator steps, mean over stages and finished runs; a dash where no"
        f" training goes beyond step {count(SETTLED_AFTER)}."
    )
    return Table(rows, columns, caption)


def roles_table(results: Results) -> Table:
    """What roles 2 and 3 are about at the last snapshot, each run's mean over its stages, and its difference to WGAN-GP's."""
    rows = []
    for group in results.groups().values():
        snapshots = {c: last_snapshot(results, c) for c in group}
        means = {c: found.groupby("seed")[list(ROLES)].mean().astype(float) for c, found in snapshots.items()}
        baseline = next((means[c].mean() for c in group if c.model == BASELINE), pd.Series(math.nan, ROLES))
        for c in group:
            r = pearson(*snapshots[c][["xi", "negative_given_positive"]].dropna().astype(float).to_numpy().T)
            row = {"configuration": c.name, "n": len(means[c]), "r_with_xi": r.r, "r_points": r.n}
            row["_missing"] = MISSING if len(means[c]) else results.count(c).without_value
            for name in ROLES:
                m = moments(means[c][name].dropna())
                row |= summarised(name, m)
                row[f"{name}_less_wgan_gp"] = m.mean - baseline[name] if c.model != BASELINE else math.nan
            rows.append(row)
    columns = {"Configuration": said("configuration")}
    for name, label in ROLES.items():
        columns[label] = table.mean_std(name, 3, without="_missing")
        if name != "xi":
            columns[f"{label}, less WGAN-GP"] = table.number(f"{name}_less_wgan_gp", 3)
    columns |= {"Pearson's r of P with ξ": table.number("r_with_xi"), "n": said("n")}
    caption = (
        "At the last snapshot: each run's mean over stages, then mean ± standard deviation over n runs. Differences to WGAN-GP are of"
        " the means, not tested; r is over stages and runs, and the stages of one run depend on each other."
    )
    return Table(rows, columns, caption)


def mechanism_table(results: Results) -> Table:
    """What is measured at the last snapshot, per stage: mean over finished runs; a configuration not run has one row."""
    rows = []
    for c in results.configurations:
        for row, part in stage_rows(results, c, last_snapshot(results, c)):
            row["step"] = part["step"].max() if len(part) else math.nan
            for name in MEASURES:
                row |= summarised(name, moments(part[name].dropna().astype(float)))
            thousandfold = moments(part["weight_mean"].dropna().astype(float) * 1000)
            rows.append(row | summarised("_weight_mean", thousandfold))
    columns = STAGE_COLUMNS | {"Step": table.count("step")}
    columns |= {
        label: table.mean_std(name, digits) for name, (label, digits) in MEASURES.items() if name != "weight_mean"
    }
    columns["Mean weight × 1,000"] = table.mean_std("_weight_mean")
    caption = "Inside the generators at the last snapshot of training, over the probe latents: mean ± standard deviation over n runs."
    return Table(rows, columns, caption)


def kernels_table(results: Results) -> Table:
    """Dead channels and effective kernels of every layer at the last snapshot, and what is left of them per generator."""
    rows = []
    for c in results.configurations:
        runs = [layers(c, part) for _, part in last_snapshot(results, c).groupby("seed")]
        for name, same in pd.concat(runs).groupby("layer", sort=False) if runs else ():
            row = _kernels_row(results, c, name, same)
            rows.append(
                row | {"_kernels": "{} × {}".format(*same[["inputs", "outputs"]].iloc[0]), "_added": "", "_net": ""}
            )
        added = float(results.finished(results.runs, c)["sastm_parameters"].max()) if runs else math.nan
        sums = ["kernels", "dead", "effective", "saved"]
        row = _kernels_row(results, c, "all", pd.DataFrame([run[sums].sum() for run in runs], columns=sums), added)
        texts = {"_kernels": count(row["kernels"]), "_added": count(added), "_net": count(row["net"])}
        rows.append(row | texts)
    columns = {
        "Configuration": said("configuration"),
        "Layer": said("_layer"),
        "Kernels": said("_kernels"),
        "Dead channels": table.mean_std("dead", 1),
        "Effective kernels": table.mean_std("effective", 0),
        "Share": table.share("effective_share"),
        "Parameters saved": table.count("parameters_saved"),
        "SASTMs add": table.cell(str, "_added"),
        "Net": table.cell(str, "_net"),
        "n": said("n"),
    }
    caption = (
        "Effective kernels at the last snapshot, (C_in − |A_in|) × (C − |A|), |A| being the channels that are zero for every "
        "latent of the probe; and the generator's parameters saved thereby, less those that its SASTMs add. Mean ± standard deviation over n runs."
    )
    return Table(rows, columns, caption)


def _kernels_row(results: Results, c: Configuration, name: Any, runs: pd.DataFrame, added: float = math.nan) -> dict:
    """One row of the table: a layer, or all of a generator, in every run; `added` are the parameters of its SASTMs."""
    total, effective = runs["kernels"].max(), moments(runs["effective"])
    saved = moments(runs["saved"]).mean
    row = {"configuration": c.name, "layer": name, "kernels": total, **summarised("dead", moments(runs["dead"]))}
    row |= {**summarised("effective", effective), "effective_share": effective.mean / total}
    row |= {"parameters_saved": saved, "sastm_parameters": added, "net": saved - added, "n": len(runs)}
    return row | {"_layer": name if len(runs) else results.count(c).without_value}
