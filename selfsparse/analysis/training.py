"""Losses and gradient norms over training: figures, table and sentence."""

import math

import pandas as pd
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from selfsparse.analysis import style
from selfsparse.analysis.drawing import Drawing
from selfsparse.analysis.mechanism_figures import model_handles, step_ticks
from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import table_of
from selfsparse.config import Configuration
from selfsparse.results.reading import Results
from selfsparse.results.text import count, group_label, mean_std, short
from selfsparse.statistics.moments import Moments, moments

# column of curves.csv: its name in tables and figures
LOSSES = {
    "discriminator_loss": "discriminator loss",
    "generator_loss": "generator loss",
    "gradient_penalty": "gradient penalty, before λ",
}
NORMS = {"discriminator_gradient_norm": "discriminator, L2 norm", "generator_gradient_norm": "generator, L2 norm"}
WIDE = 20.0  # largest over median magnitude from which an axis is logarithmic


def losses(results: Results) -> list[Drawing]:
    """Losses and penalty over generator steps, one drawing per group: means of the steps since the evaluation before."""
    return _drawings(results, "losses", LOSSES, "losses")


def gradient_norms(results: Results) -> list[Drawing]:
    """L2 norms of both networks' gradients at the evaluated steps, one drawing per group."""
    return _drawings(results, "gradient_norms", NORMS, "gradient norms")


@style.styled()
def _drawings(results: Results, kind: str, columns: dict[str, str], what: str) -> list[Drawing]:
    drawings = []
    for key, group in results.groups().items():
        tables = {c: _evaluated(results, c) for c in group}
        tables = {c: table for c, table in tables.items() if len(table)}
        if not tables:
            continue
        figure = Figure(figsize=(style.TWO_COLUMNS, 2.5))
        axes = figure.subplots(1, len(columns), squeeze=False)[0]
        for axis, (column, label) in zip(axes, columns.items(), strict=True):
            for c, table in tables.items():
                _lines(axis, results, c, table, column)
            _scale(axis, pd.concat([table[column] for table in tables.values()]))
            step_ticks(axis)
            axis.set_title(label)
            axis.set_xlabel("generator steps")
        figure.suptitle(f"{group_label(key)}: {what}", fontsize=9)
        ended = [Line2D([], [], color="black", linestyle="", marker="x", markersize=5, label="diverged run ends")]
        diverged = any(results.count(c).diverged for c in tables)
        runs = [n for c in tables if (n := results.count(c).finished)]
        style.legend(figure, [*model_handles(tables), *style.spread_handles(runs), *ended * diverged], columns=6)
        alt = f"{group_label(key)}: {', '.join(columns.values())} over generator steps, {style.spread_words(runs)} of each model."
        drawings.append(Drawing("-".join([kind, *map(str, filter(None, key))]), figure, alt))
    if drawings:
        return drawings
    figure, (axis,) = style.panels(1)
    style.blank(axis, "not run")
    return [Drawing(kind, figure, "Nothing of this has run.")]


def _evaluated(results: Results, c: Configuration) -> pd.DataFrame:
    """Return a configuration's evaluations of all runs, without step 0, before which nothing was trained."""
    rows = results.rows(results.curves, c)
    return rows.dropna(subset=[*LOSSES, *NORMS], how="all")


def _lines(axis: Axes, results: Results, c: Configuration, table: pd.DataFrame, column: str) -> None:
    """Draw the finished runs, and each diverged run to where it ended."""
    colour, line = style.COLOURS[c.model], style.LINES[c.model]
    finished = results.finished(table, c)
    runs = finished.pivot(index="step", columns="seed", values=column)
    few = style.MARKERS[c.model] if len(runs) <= 25 else ""
    if len(runs):
        style.mean_and_runs(axis, runs, c.model, marker=few, markersize=2.5)
    for _, run in table[~table["seed"].isin(finished["seed"])].groupby("seed"):
        axis.plot(run["step"], run[column], color=colour, linestyle=line, linewidth=0.7)
        axis.plot(run["step"].iloc[-1:], run[column].iloc[-1:], color=colour, marker="x", markersize=5)


def _scale(axis: Axes, values: pd.Series) -> None:
    """Make the axis logarithmic where a few values would flatten all others; where values are negative, linear around 0."""
    values = values[values.map(math.isfinite)]
    middle = float(values.abs().median()) if len(values) else 0.0
    if not middle or values.abs().max() / middle < WIDE:
        return
    if values.min() > 0:
        axis.set_yscale("log")
    else:
        axis.set_yscale("symlog", linthresh=10.0 ** math.ceil(math.log10(middle)))


def training_table(results: Results) -> Table:
    """Losses, penalty and gradient norms in the first and the last interval between evaluations."""
    rows = []
    for c in results.configurations:
        table = results.finished(_evaluated(results, c), c).sort_values("step")
        data = {"configuration": c.name, "n": table["seed"].nunique()}
        text: dict = {"Configuration": c.name}
        for column, label in (LOSSES | NORMS).items():
            first, last = _first_and_last(table, column)
            data |= {f"{column}_first": first.mean, f"{column}_last": last.mean, f"{column}_last_std": last.std}
            text[label[:1].upper() + label[1:]] = _change(first, last) if last.n else results.count(c).without_value
        rows.append((data, text | {"n": data["n"]}))
    caption = "Losses and gradient norms, at the first evaluation after step 0 → at the last: mean over n finished runs, ± standard deviation at the last."
    return table_of(rows, ([], []), caption)


def _first_and_last(table: pd.DataFrame, column: str) -> tuple[Moments, Moments]:
    runs = table.groupby("seed")[column]
    return moments(runs.first()), moments(runs.last())


def _change(first: Moments, last: Moments) -> str:
    return f"{short(first.mean)} → {mean_std(last, 3)}"


def losses_seen(results: Results) -> Markdown:
    """Say where losses and penalty stand at the last evaluation."""
    table = training_table(results).data
    table = table[table["n"] > 0]
    if table.empty:
        return Markdown("No configuration has run.")
    lines = [
        f"- `{r.configuration}`: discriminator {short(r.discriminator_loss_last)}, generator {short(r.generator_loss_last)}, "
        f"penalty {short(r.gradient_penalty_last)} (n = {r.n})"
        for r in table.itertuples()
    ]
    return Markdown("Losses at the last evaluation, means over the finished runs:\n\n" + "\n".join(lines))


def seen(results: Results) -> Markdown:
    """Say how the gradient norms went, and whether a run diverged."""
    table = training_table(results).data
    table = table[table["n"] > 0]
    if table.empty:
        return Markdown("No configuration has run.")
    lines = [
        f"- `{r.configuration}`: discriminator {short(r.discriminator_gradient_norm_first)} → {short(r.discriminator_gradient_norm_last)}, "
        f"generator {short(r.generator_gradient_norm_first)} → {short(r.generator_gradient_norm_last)} (n = {r.n})"
        for r in table.itertuples()
    ]
    diverged = sum(results.count(c).diverged for c in results.configurations)
    text = (
        "Gradient norms at the first evaluation after step 0 → at the last, means over the finished runs:\n\n"
        + "\n".join(lines)
    )
    return Markdown(text + f"\n\nRuns whose losses stopped being finite: {count(diverged)}.")
