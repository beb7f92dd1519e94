"""Controls: is it the module, or its parameters, or the penalty? What differs from the paper's configurations in one thing.

A control stands in a suite of its own, so that what it is set against may be another suite's: joined with its results,
read from results/<suite>/summary as they are.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from IPython.display import Markdown

from selfsparse.analysis.comparison_sentences import NOT_HERE, compared
from selfsparse.analysis.comparison_tables import Comparison, comparison_table, families_of, within
from selfsparse.analysis.page import Page
from selfsparse.analysis.table import Table
from selfsparse.analysis.table_architectures import network_row
from selfsparse.config import Configuration, load_settings, variation
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.reading import TABLES, Results, load_results
from selfsparse.results.text import count, group_label


def with_partners(results: Results) -> Results:
    """Return the results joined with those that its controls are set against, wherever these were trained."""
    controls = [c for c in results.configurations if variation(c)]
    every = [c for c in load_settings().configurations.values() if c.suite != results.suite and not variation(c)]
    wanted = [c for c in every if any(_partners(control, c) for control in controls)]
    joined = results
    for suite in dict.fromkeys(c.suite for c in wanted):
        other = load_results(suite)
        tables = {
            name: pd.concat([own, new]) if len(own) and len(new) else (own if len(own) else new)
            for name in TABLES
            for own, new in [(getattr(joined, name), getattr(other, name))]
        }
        names = [c for c in wanted if c.suite == suite]
        joined = replace(joined, configurations=(*joined.configurations, *names), **tables)
    return joined


def _partners(control: Configuration, c: Configuration) -> bool:
    return _all_but_penalty(control) == _all_but_penalty(c) or _matched(control, c)


def _matched(control: Configuration, c: Configuration) -> bool:
    """Whether a WGAN-GP differs from a Self-Sparse GAN in its generator's widths, and in nothing else but the module."""
    same = _all_but_generator(control) == _all_but_generator(c)
    widths = control.network.generator_widths, c.network.generator_widths
    return same and (control.model, c.model) == (BASELINE, SPARSE) and widths[0] != widths[1]


def _all_but_generator(c: Configuration) -> tuple:
    network = c.network
    return (
        c.extractor_key, c.latent_dim, network.architecture, network.discriminator_widths, c.train.model_dump_json(),
    )  # fmt: skip


def _all_but_penalty(c: Configuration) -> tuple:
    return c.extractor_key, c.latent_dim, c.network_name, c.train.model_dump_json(exclude={"penalty_centre"})


def matched(results: Results) -> list[Comparison]:
    """Return Self-Sparse GAN against each WGAN-GP with other widths and as many parameters."""
    return [
        Comparison(group_label((c.dataset.dataset, c.dataset.resolution, "")), sparse, c)
        for c in results.configurations
        for sparse in results.configurations
        if _matched(c, sparse)
    ]


def penalty_families(results: Results) -> list[list[Configuration]]:
    """Return the configurations of both models that differ in the centre of the gradient penalty alone."""
    return families_of(results, _all_but_penalty, lambda c: c.train.penalty_centre)


def penalty_label(c: Configuration) -> str:
    """Return for example `penalty centred at 1`."""
    return f"penalty centred at {c.train.penalty_centre:g}"


def matched_table(results: Results, comparisons: Sequence[Comparison]) -> Table:
    """One or more comparisons of FIDs, with both generators' parameters."""
    table = comparison_table(results, comparisons, "As many parameters")
    sizes = [tuple(network_row(c)["generator"] for c in p.both) for p in comparisons]
    table.data["lower_parameters"], table.data["higher_parameters"] = zip(*sizes, strict=True)
    table.text.insert(2, "Generator's parameters", [f"{count(a)} / {count(b)}" for a, b in sizes])
    return table


def shown(page: Page) -> list[Markdown]:
    """Save and return the tables of controls, each with what we see; a suite without controls has a sentence."""
    joined = with_partners(page.results)
    same_size, penalties = matched(joined), within(penalty_families(joined), penalty_label)
    parts = []
    if same_size:
        parts += [page.table("matched", matched_table(joined, same_size)), compared(joined, same_size)]
    if penalties:
        table = comparison_table(joined, penalties, "Centre of the gradient penalty")
        parts += [page.table("penalty", table), compared(joined, penalties)]
    return parts or [Markdown(NOT_HERE)]
