"""The plots of what happens inside the generators over training: signs (Fig. 7), Eq. 12, zero gradients, weights, |A|."""

from collections.abc import Iterable

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from selfsparse.analysis import style
from selfsparse.analysis.drawing import Drawing
from selfsparse.analysis.mechanism import of_finished
from selfsparse.analysis.sheets import COLOURS, ZERO, bare, show_values
from selfsparse.config import Configuration
from selfsparse.results.reading import Results
from selfsparse.results.text import group_key, group_label, model_label, panel_title, share

MOST_MAPS = 6  # snapshots of beta beside each other
FROM_ZERO = ("alpha_flips", "beta_flips", "dead_share")  # measures whose zero means something
ROW_HEIGHT = 1.55  # inches of one row of panels


def signs(results: Results) -> list[Drawing]:
    """Sign changes of alpha and beta per coefficient and 1,000 generator steps, since the snapshot before."""
    rows = {"alpha_flips": "sign changes of α\nper 1,000 steps", "beta_flips": "sign changes of β\nper 1,000 steps"}
    return _over_training(results, "signs", rows, "sign changes on a fixed probe of latents")


def zero_gradients(results: Results) -> list[Drawing]:
    """Share of positions at which ReLU passes no gradient, behind batch norm."""
    return _over_training(
        results, "zero_gradients", {"zero_gradient": "zero gradients, share"}, "zero gradients after BN and ReLU"
    )


def weights(results: Results) -> list[Drawing]:
    """Share of deconvolution weights below zero, and their mean."""
    rows = {"weight_negative": "weights < 0, share", "weight_mean": "mean weight"}
    return _over_training(results, "weights", rows, "deconvolution weights")


def dead_channels(results: Results) -> list[Drawing]:
    """|A| / C: channels that are zero at every position for every latent of the probe."""
    return _over_training(
        results, "dead_channels", {"dead_share": "|A| / C"}, "channels that are zero for the whole probe"
    )


@style.styled()
def _over_training(results: Results, kind: str, rows: dict[str, str], what: str) -> list[Drawing]:
    """One drawing per group that has such values: a row of panels per measure, a column per stage."""
    drawings = []
    for key, group in results.groups().items():
        tables = {c: _with_shares(of_finished(results, c)) for c in group}
        tables = {c: table for c, table in tables.items() if table[list(rows)].notna().any(axis=None)}
        if not tables:
            continue
        stages = sorted({stage for table in tables.values() for stage in table["stage"]})
        figure = Figure(figsize=(style.TWO_COLUMNS, ROW_HEIGHT * len(rows) + 0.85))
        axes = figure.subplots(len(rows), len(stages), squeeze=False, sharex=True, sharey="row")
        for (measure, label), row in zip(rows.items(), axes, strict=True):
            for stage, axis in zip(stages, row, strict=True):
                for c, table in tables.items():
                    _line(axis, table[table["stage"] == stage], measure, c.model)
            row[0].set_ylabel(label)
            if measure in FROM_ZERO:
                row[0].set_ylim(bottom=0)
        for stage, axis in zip(stages, axes[0], strict=True):
            axis.set_title(f"stage {stage} ({_size(tables, stage)})")
        for axis in axes[-1]:
            step_ticks(axis)
            axis.set_xlabel("generator steps")
        figure.suptitle(f"{group_label(key)}: {what}", fontsize=9)
        runs = [table["seed"].nunique() for table in tables.values()]
        style.legend(figure, [*model_handles(tables), *style.spread_handles(runs)])
        alt = f"{group_label(key)}: {what} over generator steps, one column per stage, {style.spread_words(runs)} of each model."
        drawings.append(Drawing("-".join([kind, *map(str, filter(None, key))]), figure, alt))
    return drawings or [_nothing(kind)]


def _with_shares(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(dead_share=table["dead_channels"].astype(float) / table["channels"].astype(float))


def _line(axis: Axes, rows: pd.DataFrame, measure: str, model: str) -> None:
    """Draw a measure of one stage over training."""
    runs = rows.dropna(subset=[measure]).pivot(index="step", columns="seed", values=measure)
    if len(runs):
        style.mean_and_runs(axis, runs.astype(float), model, marker=style.MARKERS[model], markersize=2.5)


def _size(tables: dict[Configuration, pd.DataFrame], stage: int) -> str:
    sizes = {int(size) for table in tables.values() for size in table.loc[table["stage"] == stage, "size"]}
    return ", ".join(f"{size} × {size}" for size in sorted(sizes))


def model_handles(configurations: Iterable[Configuration], marker: bool = False) -> list[Line2D]:
    """Return the legend of these configurations' models, in the order of the style; `marker`: without lines."""
    models = {c.model for c in configurations}
    return [
        Line2D(
            [], [], color=style.COLOURS[m], linestyle="" if marker else style.LINES[m], marker=style.MARKERS[m],
            markersize=4, label=model_label(m),
        )
        for m in style.COLOURS if m in models
    ]  # fmt: skip


def step_ticks(axis: Axes) -> None:
    """Put few ticks under generator steps, thousands as k."""
    axis.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda step, _: _steps(step)))


def _steps(step: float) -> str:
    """Return a generator step in few letters: `75`, `2.5k`, `100k`."""
    return f"{step / 1000:g}k" if abs(step) >= 1000 else f"{step:g}"


@style.styled()
def equation_12(results: Results) -> Drawing:
    """P(s < 0 | x > 0) over xi: one trail per model and stage through the snapshots, means over the finished runs."""
    groups = results.groups()
    figure, axes = style.panels(len(groups), panel_height=2.3)
    shown = {}
    for axis, (key, group) in zip(axes, groups.items(), strict=True):
        tables = {c: of_finished(results, c).dropna(subset=["negative_given_positive"]) for c in group}
        drawn = {c: table for c, table in tables.items() if len(table)}
        axis.set_title(panel_title(key))
        axis.set_xlabel("position sparsity ξ (Eq. 4)")
        axis.set_ylabel("P(s < 0 | x > 0)")
        for c, table in drawn.items():
            _trails(axis, table, c.model)
        if not drawn:
            style.note(axis, "not measured" if any(results.count(c).finished for c in group) else "not run")
            axis.set_xticks([])
            axis.set_yticks([])
        else:
            axis.set_xlim(left=min(-0.03, axis.get_xlim()[0]))
            axis.set_ylim(bottom=0)
        shown |= drawn
    first = Line2D(
        [], [], color="black", linestyle="", marker="o", markerfacecolor="white", markersize=4, label="first snapshot"
    )
    last = Line2D([], [], color="black", linestyle="", marker="o", markersize=4, label="last, with its stage")
    if shown:
        style.legend(figure, [*model_handles(shown, marker=True), first, last], columns=4)
    alt = (
        f"P(s < 0 given x > 0) over position sparsity, stage by stage and snapshot by snapshot, suite {results.suite}."
    )
    return Drawing("equation_12", figure, alt)


def _trails(axis: Axes, table: pd.DataFrame, model: str) -> None:
    colour, marker = style.COLOURS[model], style.MARKERS[model]
    means = table.groupby(["stage", "step"])[["xi", "negative_given_positive"]].mean()
    for stage, trail in means.groupby("stage"):
        x, y = trail["xi"].to_numpy(), trail["negative_given_positive"].to_numpy()
        axis.plot(x, y, color=colour, linewidth=0.7, alpha=0.45)
        axis.plot(x[:1], y[:1], color=colour, marker=marker, markerfacecolor="white", markersize=3.5, linestyle="")
        axis.plot(x[-1:], y[-1:], color=colour, marker=marker, markersize=8, linestyle="", zorder=3)
        axis.annotate(
            str(stage), (x[-1], y[-1]), color="white", fontsize=6, fontweight="bold", ha="center", va="center", zorder=4
        )


def coefficient_sheets(results: Results) -> list[Drawing]:
    """Alpha and beta of the first probe latent over training, one sheet per configuration with a SASTM (Fig. 7)."""
    found = []
    for c in results.configurations:
        if arrays := coefficient_arrays(results, c):
            found.append(_coefficients(c, arrays))
    return found or [_nothing("coefficients")]


def coefficient_arrays(results: Results, c: Configuration) -> dict[str, np.ndarray]:
    """Return alpha_<t> (snapshots, C) and beta_<t> (snapshots, H, W) of one latent; nothing where there are none."""
    if not results.coefficients(c).is_file():
        return {}
    with np.load(results.coefficients(c)) as file:
        return dict(file)


@style.styled()
def _coefficients(c: Configuration, arrays: dict[str, np.ndarray]) -> Drawing:
    stages = sorted({int(name.split("_")[1]) for name in arrays})
    snapshots = len(next(iter(arrays.values())))
    steps = [i * c.train.snapshot_every for i in range(snapshots)]
    chosen = sorted({round(i) for i in np.linspace(0, snapshots - 1, min(MOST_MAPS, snapshots))})
    has_alpha, has_beta = (any(name.startswith(part) for name in arrays) for part in ("alpha", "beta"))
    widths = [2.4] * has_alpha + [1.0] * len(chosen) * has_beta
    figure = Figure(figsize=(style.TWO_COLUMNS, 1.3 * len(stages) + 0.75))
    axes = figure.subplots(len(stages), len(widths), squeeze=False, width_ratios=widths)
    for row, t in zip(axes, stages, strict=True):
        if has_alpha:
            _alpha(row[0], arrays[f"alpha_{t}"], steps)
        if has_beta:
            _betas(row[int(has_alpha) :], arrays[f"beta_{t}"], [(i, steps[i]) for i in chosen])
        row[0].set_ylabel(f"stage {t}\n{row[0].get_ylabel()}".strip())
    axes[-1][0].set_xlabel("channel" if has_alpha else "")
    figure.suptitle(f"{group_title(c)}, first seed, one latent: {_what(has_alpha, has_beta)} over training", fontsize=9)
    figure.legend(handles=_colours(), loc="outside lower center", ncols=2)
    alt = f"{c.name}: {_what(has_alpha, has_beta)} of one latent at the snapshots of training, zeros in grey."
    return Drawing(f"coefficients-{c.name}", figure, alt)


def group_title(c: Configuration) -> str:
    """Return for example `Digits 16 × 16: Self-Sparse GAN`."""
    return f"{group_label(group_key(c))}: {model_label(c.model)}"


def _what(has_alpha: bool, has_beta: bool) -> str:
    return " and ".join(["α"] * has_alpha + ["β"] * has_beta)


def _alpha(axis: Axes, alpha: np.ndarray, steps: list[int]) -> None:
    """Draw alpha (snapshots, C): a row per snapshot, a column per channel."""
    show_values(axis, alpha, alpha)
    axis.set_aspect("auto")
    bare(axis)
    every = max(1, -(-len(steps) // 6))
    axis.set_yticks(range(0, len(steps), every), [_steps(step) for step in steps[::every]], fontsize=6.5)
    axis.tick_params(left=False, pad=1)
    axis.set_title(f"α, zero {share(np.mean(alpha[0] == 0))} to {share(np.mean(alpha[-1] == 0))}", fontsize=7)
    axis.set_ylabel("steps")


def _betas(axes: np.ndarray, beta: np.ndarray, chosen: list[tuple[int, int]]) -> None:
    """Draw beta (H, W) at the chosen snapshots, in one scale."""
    for axis, (i, step) in zip(axes, chosen, strict=True):
        show_values(axis, beta[i], beta)
        bare(axis)
        axis.set_title(f"β, step {_steps(step)}", fontsize=7)
        axis.set_xlabel(f"zero {share(np.mean(beta[i] == 0))}", fontsize=6.5)


def _colours() -> list[Patch]:
    largest = Patch(
        color=mpl.colormaps[COLOURS](1.0), label="the largest of a stage's α, or of its β; white is above 0, but close"
    )
    return [Patch(color=ZERO, label="exactly 0"), largest]


@style.styled()
def _nothing(kind: str) -> Drawing:
    figure, (axis,) = style.panels(1)
    style.blank(axis, "not run")
    return Drawing(kind, figure, "Nothing of this has run.")
