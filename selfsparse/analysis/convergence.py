"""Steps to the baseline's best FID (Fig. 4, claim C5): how soon each run of a pair reaches what WGAN-GP reaches at best."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from selfsparse.analysis import style
from selfsparse.analysis.comparison_tables import Comparison, fids, pairs
from selfsparse.analysis.drawing import Drawing
from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import fid_title, table_of
from selfsparse.config import Configuration
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING, mean_std, model_label, number
from selfsparse.statistics.moments import Moments, moments

NEVER = 1.25  # where on the axis of steps a run stands that never gets there


@dataclass(frozen=True)
class Reached:
    """When the finished runs of one configuration first have a FID at most `fid`; NaN for a run that never has."""

    fid: float
    steps: tuple[float, ...]

    @property
    def reached(self) -> Moments:
        """The steps of those runs that reach it."""
        return moments([step for step in self.steps if math.isfinite(step)])

    @property
    def text(self) -> str:
        """For example `2 of 3`."""
        return f"{self.reached.n} of {len(self.steps)}"


def steps_to(run: pd.DataFrame, fid: float) -> float:
    """Return the first evaluated step of one run whose FID is at most `fid`; NaN where there is none."""
    reached = run.loc[run["fid"] <= fid, "step"]
    return float(reached.min()) if len(reached) else math.nan


def reached(results: Results, p: Comparison) -> tuple[Reached, Reached]:
    """Return when the runs of Self-Sparse GAN and of WGAN-GP reach the mean of WGAN-GP's lowest FIDs."""
    goal = fids(results, p.higher).mean
    return tuple(
        Reached(goal, tuple(steps_to(run, goal) for _, run in results.finished(results.curves, c).groupby("seed")))
        for c in p.both
    )


def steps_table(results: Results) -> Table:
    """Steps until a run's FID is as low as the mean of WGAN-GP's lowest, one row per pair."""
    rows = []
    for p in pairs(results):
        sparse, baseline = reached(results, p)
        whole = all(math.isfinite(s) for r in (sparse, baseline) for s in r.steps) and sparse.steps and baseline.steps
        ratio = baseline.reached.mean / sparse.reached.mean if whole and sparse.reached.mean else math.nan
        data = {"pair": p.label, "goal": sparse.fid, "extractor": p.lower.extractor.extractor, "times_sooner": ratio}
        text = {"Pair": p.label, "FID to reach": number(sparse.fid)}
        for c, r in ((p.higher, baseline), (p.lower, sparse)):
            data |= {f"{c.model}_reached": r.reached.n, f"{c.model}_runs": len(r.steps)}
            data |= {f"{c.model}_steps_mean": r.reached.mean, f"{c.model}_steps_std": r.reached.std}
            text[f"{model_label(c.model)}, runs that reach it"] = r.text if r.steps else results.count(c).without_value
            text[f"{model_label(c.model)}, steps of these"] = mean_std(r.reached, 0)
        text["Times sooner"] = number(ratio) if math.isfinite(ratio) else MISSING
        rows.append((data, text | {"Extractor": p.lower.extractor.extractor}))
    caption = f"Generator steps until {fid_title(results)} is as low as the mean of WGAN-GP's lowest. Times sooner: the ratio of the mean steps, where every run reaches it."
    return table_of(rows, (["pair", "goal"], ["Pair"]), caption)


@style.styled()
def steps_figure(results: Results) -> Drawing:
    """The same, one mark per run: filled where it reaches the FID, hollow beyond the last step where it never does."""
    found = pairs(results)
    columns = 2 if len(found) > 4 else 1
    figure, axes = style.panels(columns, panel_height=0.5 + 0.5 * max(1, math.ceil(len(found) / columns)), most=2)
    if columns == 1:
        figure.set_figwidth(style.TWO_COLUMNS)
    share = math.ceil(len(found) / columns) or 1
    for i, axis in enumerate(axes):
        shown = found[i * share : (i + 1) * share]
        for row, p in enumerate(shown):
            for c, r, offset in zip(p.both, reached(results, p), (0.21, -0.21), strict=True):
                _marks(axis, c, r, row + offset)
            if not results.count(p.lower).finished and not results.count(p.higher).finished:
                axis.text(
                    0.5,
                    row,
                    "not run",
                    transform=axis.get_yaxis_transform(),
                    color=style.GREY,
                    ha="center",
                    va="center",
                )
        axis.set_yticks(range(len(shown)), [p.label.replace(", ", "\n", 1) for p in shown])
        axis.set_ylim(len(shown) - 0.4, -0.6)
        last = max((p.lower.train.steps for p in shown), default=1)
        axis.set_xticks(
            [*np.linspace(0, last, 3), NEVER * last], [*(f"{x:,.0f}" for x in np.linspace(0, last, 3)), "never"]
        )
        axis.set_xlim(0, (NEVER + 0.08) * last)
        axis.grid(axis="y", visible=False)
        axis.set_xlabel("generator steps")
    if not found:
        style.blank(axes[0], "no pair of WGAN-GP and Self-Sparse GAN in this suite")
    style.legend(figure, _handles() if found else [])
    alt = f"Generator steps until each run of suite {results.suite} has a FID as low as the mean of WGAN-GP's lowest."
    return Drawing("steps_to_baseline", figure, alt)


def _marks(axis: Axes, c: Configuration, r: Reached, y: float) -> None:
    marks = {"color": style.COLOURS[c.model], "marker": style.MARKERS[c.model], "linestyle": "", "markersize": 4.5}
    for i, step in enumerate(r.steps):
        there = math.isfinite(step)
        x, dy = (step if there else NEVER * c.train.steps), 0.09 * (i - (len(r.steps) - 1) / 2)
        axis.plot([x], [y + dy], markerfacecolor=style.COLOURS[c.model] if there else "white", **marks)


def _handles() -> list[Line2D]:
    models = [
        Line2D([], [], linestyle="", marker=style.MARKERS[m], color=style.COLOURS[m], label=model_label(m))
        for m in ("wgan_gp", "self_sparse")
    ]
    never = Line2D([], [], linestyle="", marker="o", color="black", markerfacecolor="white", label="never reached")
    return [*models, never]
