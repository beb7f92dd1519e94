"""Losses and gradient norms over training, which the paper does not print."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfsparse.analysis.axes import curves, group_drawings, step_ticks
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table import Cell, Table, cell, joined, mean_std, said
from selfsparse.config import Configuration
from selfsparse.results.reading import Results
from selfsparse.results.text import short
from selfsparse.statistics.moments import moments

# column of curves.csv: its name in tables and figures
LOSSES = {
    "discriminator_loss": "discriminator loss",
    "generator_loss": "generator loss",
    "gradient_penalty": "gradient penalty, before λ",
}
NORMS = {"discriminator_gradient_norm": "discriminator, L2 norm", "generator_gradient_norm": "generator, L2 norm"}
WIDE = 20.0  # largest over median magnitude from which an axis is logarithmic
MOST_MARKS = 25  # evaluations up to which each has a mark


def losses(results: Results) -> list[Drawing]:
    """Losses and penalty over generator steps, one drawing per group: means of the steps since the evaluation before."""
    return _drawings(results, "losses", "losses and penalty", LOSSES)


def gradient_norms(results: Results) -> list[Drawing]:
    """L2 norms of both networks' gradients at the evaluated steps, one drawing per group."""
    return _drawings(results, "gradient_norms", "gradient norms", NORMS)


def _drawings(results: Results, kind: str, what: str, columns: dict[str, str]) -> list[Drawing]:
    def draw(figure: Figure, tables: dict[Configuration, pd.DataFrame]) -> None:
        axes = figure.subplots(1, len(columns), squeeze=False)[0]
        for axis, (column, label) in zip(axes, columns.items(), strict=True):
            for c, rows in tables.items():
                curves(axis, results, c, rows, column, MOST_MARKS)
            _scale(axis, pd.concat([rows[column] for rows in tables.values()]))
            step_ticks(axis)
            axis.set_title(label)

    return group_drawings(results, kind, what, 2.5, lambda c: _evaluated(results, c), draw)


def _evaluated(results: Results, c: Configuration) -> pd.DataFrame:
    """Return a configuration's evaluations of all runs, without step 0, before which nothing was trained."""
    return results.rows(results.curves, c).dropna(subset=[*LOSSES, *NORMS], how="all")


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
        table, runs = results.finished(_evaluated(results, c), c).sort_values("step"), results.count(c)
        row = {"configuration": c.name, "n": table["seed"].nunique(), "_missing": runs.without_value}
        for column in LOSSES | NORMS:
            found = table.groupby("seed")[column]
            row |= {f"{column}_first": moments(found.first()).mean, f"{column}_last": moments(found.last()).mean}
            row[f"{column}_last_std"] = moments(found.last()).std
        rows.append(row | {"diverged": runs.diverged})
    columns = {"Configuration": said("configuration")}
    columns |= {label[:1].upper() + label[1:]: _first_and_last(column) for column, label in (LOSSES | NORMS).items()}
    columns |= {"n": said("n"), "Diverged": said("diverged")}
    caption = "Losses and gradient norms, at the first evaluation after step 0 → at the last: mean over n finished runs, ± standard deviation at the last; and the runs whose losses stopped being finite."
    return Table(rows, columns, caption)


def _first_and_last(column: str) -> Cell:
    both = joined(cell(short, f"{column}_first"), mean_std(f"{column}_last", 3), by=" → ")
    return lambda row: both(row) if row["n"] else row["_missing"]
