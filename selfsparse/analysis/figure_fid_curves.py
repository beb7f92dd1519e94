"""FID over training (Fig. 4), and how many steps it takes to the baseline's best FID (claim C5)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from selfsparse.analysis import style
from selfsparse.analysis.axes import (
    curves,
    drawn_groups,
    group_panels,
    handle,
    log_ticks,
    model_handles,
    spread_handles,
    spread_words,
)
from selfsparse.analysis.comparisons import Comparison, fid_title, fids, pairs
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table import Table, mean_std, number, said, summarised
from selfsparse.config import Configuration
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.reading import Results
from selfsparse.results.text import model_label
from selfsparse.statistics.moments import Moments, moments

LOG_FROM = 8.0  # largest over smallest FID from which an axis is logarithmic
NEVER = 1.25  # where on the axis of steps a run stands that never gets there, in lengths of a training


@style.styled()
def fid_curves(results: Results) -> Drawing:
    """FID over generator steps: mean of the finished runs, and the runs or their band, one panel per group (Fig. 4)."""

    def draw(axis: Axes, c: Configuration) -> bool:
        rows = results.rows(results.curves, c)
        curves(axis, results, c, rows, "fid")
        return bool(len(rows))

    figure, axes = group_panels(results, draw)
    for axis, group in zip(axes, drawn_groups(results).values(), strict=True):
        axis.set_xlabel("generator steps")
        axis.set_ylabel(f"FID ({group[0].extractor.extractor})")
        values = results.curves.loc[results.curves["configuration"].isin([c.name for c in group]), "fid"]
        if axis.lines:
            axis.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 5, 10]))
            axis.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            if values.min() > 0 and values.max() / values.min() >= LOG_FROM:
                axis.set_yscale("log")
                log_ticks(axis.yaxis)
    runs = [n for c in results.configurations if (n := results.count(c).finished)]
    style.legend(figure, [*model_handles(results.configurations, marker=False), *spread_handles(runs)])
    alt = f"FID curves of suite {results.suite}: {spread_words(runs)}; one panel per dataset and variation."
    return Drawing("fid_curves", figure, alt)


def curves_table(results: Results) -> Table:
    """FID at the first, the best and the last evaluation, and the steps until it is half of the first."""
    rows = []
    for c in results.configurations:
        runs = [run.sort_values("step") for _, run in results.finished(results.curves, c).groupby("seed")]
        found = {
            "first": [run["fid"].iloc[0] for run in runs],
            "best": [run["fid"].min() for run in runs],
            "last": [run["fid"].iloc[-1] for run in runs],
            "best_step": [run.loc[run["fid"].idxmin(), "step"] for run in runs],
            "half_step": [steps_to(run, run["fid"].iloc[0] / 2) for run in runs],
        }
        row = {"configuration": c.name, "n": len(runs), "_missing": results.count(c).without_value}
        for name, values in found.items():
            row |= summarised(name, moments(values))
        rows.append(row | {"extractor": c.extractor.extractor, "runs": results.count(c).text})
    columns = {
        "Configuration": said("configuration"),
        "Step 0": mean_std("first", without="_missing"),
        "Lowest": mean_std("best"),
        "at step": mean_std("best_step", 0),
        "Last": mean_std("last"),
        "Steps to half of step 0": mean_std("half_step", 0),
        "n": said("n"),
        "Extractor": said("extractor"),
        "Runs": said("runs"),
    }
    return Table(
        rows, columns, f"{fid_title(results)} during training, mean ± standard deviation over n finished runs."
    )


def steps_to(run: pd.DataFrame, fid: float) -> float:
    """Return the first evaluated step of one run whose FID is at most `fid`; NaN where there is none."""
    reached = run.loc[run["fid"] <= fid, "step"]
    return float(reached.min()) if len(reached) else math.nan


def steps_of(results: Results, c: Configuration, fid: float) -> list[float]:
    """Return `steps_to` of each finished run of a configuration."""
    return [steps_to(run, fid) for _, run in results.finished(results.curves, c).groupby("seed")]


def reached(steps: Sequence[float]) -> Moments:
    """Summarise the steps of the runs that get there."""
    return moments([step for step in steps if math.isfinite(step)])


def steps_table(results: Results) -> Table:
    """Steps until a run's FID is as low as the mean of WGAN-GP's lowest, one row per pair."""
    rows = []
    for p in pairs(results):
        goal = fids(results, p.higher).mean
        row: dict[str, Any] = {"pair": p.label, "goal": goal, "extractor": p.lower.extractor.extractor}
        steps = {c: steps_of(results, c, goal) for c in (p.higher, p.lower)}
        baseline, sparse = map(reached, steps.values())
        whole = all(runs and all(map(math.isfinite, runs)) for runs in steps.values())
        row["times_sooner"] = baseline.mean / sparse.mean if whole and sparse.mean else math.nan
        for c, runs in steps.items():
            found = reached(runs)
            row |= {f"{c.model}_reached": found.n, f"{c.model}_runs": len(runs)} | summarised(f"{c.model}_steps", found)
            row[f"_{c.model}"] = f"{found.n} of {len(runs)}" if runs else results.count(c).without_value
        rows.append(row)
    columns = {"Pair": said("pair"), "FID to reach": number("goal")}
    for model in (BASELINE, SPARSE):
        columns[f"{model_label(model)}, runs that reach it"] = said(f"_{model}")
        columns[f"{model_label(model)}, steps of these"] = mean_std(f"{model}_steps", 0)
    columns |= {"Times sooner": number("times_sooner"), "Extractor": said("extractor")}
    caption = f"Generator steps until {fid_title(results)} is as low as the mean of WGAN-GP's lowest. Times sooner: the ratio of the mean steps, where every run reaches it."
    return Table(rows, columns, caption)


@style.styled()
def steps_figure(results: Results) -> list[Drawing]:
    """The same, one mark per run: filled where it reaches the FID, hollow beyond the last step where it never does."""
    found = pairs(results)
    if not found:
        return []
    columns = 2 if len(found) > 4 else 1
    each = math.ceil(len(found) / columns)
    figure, axes = style.panels(columns, panel_height=0.5 + 0.5 * each, most=2)
    figure.set_figwidth(style.TWO_COLUMNS)
    for i, axis in enumerate(axes):
        _pairs_rows(axis, results, found[i * each : (i + 1) * each])
    models = model_handles([c for p in found for c in p.both], marker=True)
    style.legend(figure, [*models, handle("never reached", markerfacecolor="white")])
    alt = f"Generator steps until each run of suite {results.suite} has a FID as low as the mean of WGAN-GP's lowest."
    return [Drawing("steps_to_baseline", figure, alt)]


def _pairs_rows(axis: Axes, results: Results, shown: Sequence[Comparison]) -> None:
    for row, p in enumerate(shown):
        goal = fids(results, p.higher).mean
        for c, offset in zip(p.both, (0.21, -0.21), strict=True):
            steps = steps_of(results, c, goal)
            for i, step in enumerate(steps):
                there = math.isfinite(step)
                x, y = (step if there else NEVER * c.train.steps), row + offset + 0.09 * (i - (len(steps) - 1) / 2)
                look = style.look_of(c)
                filled = look.colour if there else "white"
                axis.plot([x], [y], look.marker, color=look.colour, markerfacecolor=filled, markersize=4.5)
        if not any(results.count(c).finished for c in p.both):
            place = {"transform": axis.get_yaxis_transform(), "ha": "center", "va": "center"}
            axis.text(0.5, row, "not run", color=style.GREY, **place)
    axis.set_yticks(range(len(shown)), [p.label.replace(", ", "\n", 1) for p in shown])
    axis.set_ylim(len(shown) - 0.4, -0.6)
    last = max((p.lower.train.steps for p in shown), default=1)
    ticks = np.linspace(0, last, 3)
    axis.set_xticks([*ticks, NEVER * last], [*(f"{x:,.0f}" for x in ticks), "never"])
    axis.set_xlim(0, (NEVER + 0.08) * last)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("generator steps")
