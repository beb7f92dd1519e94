"""table_robustness: Adam's betas (v2 Table 4), architectures (v2 Table 7), and the controls that the paper lacks.

A control differs from the paper's configurations in one thing. It stands in a suite of its own, so that what it is set against
may be another suite's: joined with its results, read from results/<suite>/summary as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from selfsparse.analysis.comparisons import (
    Comparison,
    comparison_table,
    fid_title,
    is_matched,
    matched,
    pairs,
)
from selfsparse.analysis.table import Table, count, joined, number, probability, said
from selfsparse.analysis.table_fid import labelled_fids
from selfsparse.config import Configuration, load_settings, variation
from selfsparse.paper import paper_moments
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.alternatives import RUNS
from selfsparse.results.reading import TABLES, Results, load_results
from selfsparse.results.text import dataset_label, group_key, model_label
from selfsparse.statistics.inference import welch
from selfsparse.statistics.moments import moments

ARCHITECTURE_NAMES = {"dcgan": "DCGAN", "resnet": "ResNet", "sagan": "SAGAN"}


def _all_but_train(c: Configuration, setting: str) -> tuple:
    return c.extractor_key, c.latent_dim, c.network_name, c.train.model_dump_json(exclude={setting, *RUNS})


@dataclass(frozen=True)
class Varied:
    """Both models under several values of one setting.

    Attributes:
        same: what the configurations of one family share, all but that setting.
        value: the setting's value.
        label: the value in words.
    """

    caption: str
    same: Callable[[Configuration], Any]
    value: Callable[[Configuration], Any]
    label: Callable[[Configuration], str]

    def families(self, results: Results) -> list[list[Configuration]]:
        """Return the sets of WGAN-GPs and Self-Sparse GANs that differ in the setting, and in nothing else but the model."""
        groups: dict[Any, list[Configuration]] = {}
        for c in results.configurations:
            if c.model in (BASELINE, SPARSE):
                groups.setdefault(self.same(c), []).append(c)
        return [group for group in groups.values() if len({self.value(c) for c in group}) > 1]

    def table(self, results: Results) -> Table:
        """FIDs of both models under each value."""
        rows = [c for family in self.families(results) for c in family]
        values = {c.name: self.label(c) for c in rows}
        labels = {
            "Dataset": said("_dataset"),
            "Setting": lambda row: values[row["configuration"]],
            "Model": said("_model"),
        }
        return labelled_fids(results, rows, self.caption, labels)

    def tests_table(self, results: Results) -> Table:
        """Self-Sparse GAN against WGAN-GP under each value."""
        return comparison_table(results, self.comparisons(results), self.caption)

    def comparisons(self, results: Results) -> list[Comparison]:
        """Return WGAN-GP and Self-Sparse GAN under each value of the setting."""
        own = {c.name for family in self.families(results) for c in family}
        both = [p for p in pairs(results) if p.lower.name in own]
        return [replace(p, label=f"{dataset_label(*group_key(p.lower)[:2])}, {self.label(p.lower)}") for p in both]


BETAS = Varied(
    "Adam's betas",
    partial(_all_but_train, setting="betas"),
    lambda c: c.train.betas,
    lambda c: f"betas {', '.join(f'{beta:g}' for beta in c.train.betas)}",
)
ARCHITECTURES = Varied(
    "Architectures",
    lambda c: (c.extractor_key, c.latent_dim, c.train.model_dump_json(exclude=RUNS)),
    lambda c: c.network.architecture,
    lambda c: ARCHITECTURE_NAMES[c.network.architecture],
)
PENALTY = Varied(
    "Centre of the gradient penalty",
    partial(_all_but_train, setting="penalty_centre"),
    lambda c: c.train.penalty_centre,
    lambda c: f"penalty centred at {c.train.penalty_centre:g}",
)


def belongs(results: Results) -> bool:
    """Whether a suite has anything for this notebook: a setting or an architecture that varies, or a control."""
    return any(variation(c) for c in results.configurations)


def betas_moves_table(results: Results) -> Table:
    """How far each model's FID moves between two pairs of betas, with Welch's two-sided p (C15)."""
    rows = []
    for family in BETAS.families(results):
        for model in (BASELINE, SPARSE):
            first, *others = [c for c in family if c.model == model] or [None]  # type: ignore[list-item]
            for second in others:
                a, b = moments(results.primary(first)), moments(results.primary(second))
                test = welch(b, a)
                row: dict[str, Any] = {"model": model, "first": first.name, "second": second.name}
                row["paper_move"] = paper_moments(second.name).mean - paper_moments(first.name).mean
                row |= {"move": test.value, "p": test.p, "n_first": a.n, "n_second": b.n}
                row |= {"_dataset": dataset_label(*group_key(first)[:2]), "_model": model_label(model)}
                row |= {
                    "_change": f"{BETAS.label(first)} → {BETAS.label(second)}",
                    "_extractor": first.extractor.extractor,
                }
                rows.append(row | {"_without": results.count(second).without_value})
    columns = {
        "Dataset": said("_dataset"),
        "Model": said("_model"),
        "From, to": said("_change"),
        "Paper, move": number("paper_move"),
        "Ours, move": lambda row: number("move")(row) if row["move"] == row["move"] else row["_without"],
        "n": joined(said("n_first"), said("n_second"), by=", "),
        "p": probability("p"),
        "Extractor": said("_extractor"),
    }
    caption = (
        f"Move of the mean {fid_title(results)} of the best generators, with fresh latents at the larger sample count, between"
        " two settings of one model; the paper's is of the lowest of each training. p is Welch's, two-sided, uncorrected."
    )
    return Table(rows, columns, caption)


# Controls: is it the module, or its parameters, or the penalty?


def with_partners(results: Results) -> Results:
    """Return the results joined with those that its controls are set against, where their own suite has none."""
    plain = [c for c in results.configurations if not variation(c)]
    varied = [c for c in results.configurations if variation(c)]
    controls = [control for control in varied if not any(_partners(control, c) for c in plain)]
    every = [c for c in load_settings().configurations.values() if c.suite != results.suite and not variation(c)]
    wanted = [c for c in every if any(_partners(control, c) for control in controls)]
    joined_results = results
    for suite in dict.fromkeys(c.suite for c in wanted):
        other = load_results(suite)
        tables = {}
        for name in TABLES:
            parts = [part for part in (getattr(joined_results, name), getattr(other, name)) if len(part)]
            tables[name] = pd.concat(parts) if parts else getattr(other, name)
        names = [c for c in wanted if c.suite == suite]
        joined_results = replace(joined_results, configurations=(*joined_results.configurations, *names), **tables)
    return joined_results


def _partners(control: Configuration, c: Configuration) -> bool:
    return _all_but_train(control, "penalty_centre") == _all_but_train(c, "penalty_centre") or is_matched(control, c)


def matched_table(results: Results) -> Table:
    """FIDs of both models with as many parameters, with the number of both generators' parameters."""
    comparisons = matched(results)
    table = comparison_table(results, comparisons, "As many parameters")
    sizes = [
        {f"{side}_parameters": _parameters(c) for side, c in zip(("lower", "higher"), p.both, strict=True)}
        for p in comparisons
    ]
    rows = [row | own for row, own in zip(table.rows, sizes, strict=True)]
    cells = [*table.columns.items()]
    cells.insert(2, ("Generator's parameters", joined(count("lower_parameters"), count("higher_parameters"))))
    return replace(table, rows=rows, columns=dict(cells))


def _parameters(c: Configuration) -> int:
    """Return the number of parameters of a configuration's generator."""
    from selfsparse.models.build import count_parameters  # late: networks take torch
    from selfsparse.models.layers import build_on_meta

    return count_parameters(build_on_meta(c)["generator"][0])
