"""docs/replication.md: the article on the suite that has most to say, from a template and the committed results.

The template's prose holds for any results; what they say stands in sentences, tables and figures made here.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, replace
from typing import Any

from selfsparse.analysis.answers import turned_round
from selfsparse.analysis.comparisons import (
    comparison_table,
    fid_title,
    fids,
    listed,
    main_pairs,
    matched,
    planned,
)
from selfsparse.analysis.figure_fid_curves import fid_curves, reached, steps_of
from selfsparse.analysis.figure_mechanism import overview_table
from selfsparse.analysis.style import AS_MANY, look_of, rendered
from selfsparse.analysis.table import (
    Cell,
    Table,
    joined,
    mean_std,
    number,
    probability,
    said,
    summarised,
    to_markdown,
    with_interval,
)
from selfsparse.analysis.table_ablation import tests_table
from selfsparse.analysis.table_fid import fid_overview
from selfsparse.analysis.table_sensitivity import readings_table
from selfsparse.config import Configuration, variation
from selfsparse.paper import open_questions
from selfsparse.paper.printed import claims, text_number
from selfsparse.paths import project_root
from selfsparse.provenance import noted
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.report.html import TEMPLATES
from selfsparse.results import text
from selfsparse.results.reading import Results, load_results
from selfsparse.results.text import MISSING, count, dataset_label, duration, group_key, many
from selfsparse.statistics.inference import ONE_SIDED
from selfsparse.statistics.moments import moments
from selfsparse.templates import filled

SUITE, OTHER_READINGS, PAPER = "laptop", "sensitivity", "paper"
SMALL = 5.0  # percent of WGAN-GP's mean, below which docs/protocol.md calls a decided difference small
NOT_STATED = ("batch_size", "penalty_weight")  # by the paper, of the settings of a training that table 1 has
PAGE, FIGURES = "docs/replication.md", "docs/figures"


def article() -> str:
    """Return docs/replication.md as the results have it now."""
    results, sensitivity, paper = (load_results(suite) for suite in (SUITE, OTHER_READINGS, PAPER))
    rows = question_rows(results)
    provenance = list(results.provenance.values())
    values = {
        "results": results,
        "datasets": list(dict.fromkeys(_dataset(c) for c in results.configurations)),
        "models": list(dict.fromkeys(look_of(c).label for c in results.configurations)),
        "runs": sum(sum(astuple(results.count(c))) for c in results.configurations),
        "seconds": sum(p["seconds"] for p in provenance),
        "devices": noted(provenance, "device"),
        "cores": noted(provenance, "cpu_cores"),
        "questions": [row for row in rows if row["answer"]],
        "small": SMALL,
        "pairs": len(main_pairs(paper)),
        "paper_configurations": len(paper.configurations),
        "claims": len(claims().claims),
        "open_questions": len(open_questions().questions),
        "as_many": AS_MANY.label,
        "protocol": (project_root() / "docs/protocol.md").is_file(),
        "settings": to_markdown(settings_table(results, paper)),
        "main": to_markdown(questions_table(results, rows)),
        "outcomes": to_markdown(outcomes_table(results)),
        "ablation": _ablation(results),
        "mechanism": _numbered(5, overview_table(results)) if len(results.mechanism) else "",
        "sensitivity": _readings(sensitivity),
        "flips": list(turned_round(sensitivity)),
    }
    functions = {f.__name__: f for f in (text_number, listed, many)}
    filters = {f.__name__: f for f in (count, duration, first_upper)}
    return filled(TEMPLATES / "replication.md.j2", values | functions, **filters)


def first_upper(words: str) -> str:
    """Return words with a capital first letter."""
    return words[:1].upper() + words[1:]


def article_figures() -> dict[str, bytes]:
    """Return the article's figures as PNG, by their paths in the project."""
    results = load_results(SUITE)
    shown = {
        "replication_fid": fid_overview(results, results.configurations, primary=True)[0],
        "replication_curves": fid_curves(results),
    }
    return {f"{FIGURES}/{name}.png": rendered(d.figure, "png", d.alt) for name, d in shown.items()}


def _dataset(c: Configuration) -> str:
    return dataset_label(*group_key(c)[:2])


# The main questions


def question_rows(results: Results) -> list[dict[str, Any]]:
    """Return a row per dataset for the question of WGAN-GP, then for that of as many parameters."""
    plans = {(s.comparison.lower.name, s.comparison.higher.name): (s, p) for s, p in planned(results)}
    rows = []
    for asked in (main_pairs(results), matched(results)):
        for p, row in zip(asked, comparison_table(results, asked, "").rows, strict=True):
            standing, p_holm = plans.get((p.lower.name, p.higher.name), (None, math.nan))
            row |= {"p_plan_holm": p_holm, "_answer_holm": MISSING, "_difference": MISSING}
            row |= {"_of": p.names, "_standing": standing}
            row["_fids"] = [mean_std(f"fid_{side}", without=f"_without_{side}")(row) for side in ("lower", "higher")]
            row["_decrease"] = with_interval("decrease_percent", "decrease", 1)(row)
            if standing:
                last = standing.looks[-1]
                row["_difference"] = text.with_interval(last.difference, last.low, last.high)
                row["_answer_holm"] = standing.answer if p_holm < results.decide.alpha else "undecided"
                row["_p"] = text.probability(standing.p)
            rows.append(row)
    return rows


def questions_table(results: Results, rows: Sequence[dict[str, Any]]) -> Table:
    """The main table: each question on each dataset, with the plan's answer."""
    columns: dict[str, Cell] = {
        "Dataset": said("comparison"),
        "Lower / other": said("_models"),
        "FID": lambda row: " / ".join(row["_fids"]),
        "Features": said("extractor"),
        "n": joined(said("n_lower"), said("n_higher"), by=", "),
        "Difference, plan's interval": said("_difference"),
        "Decrease, %": with_interval("decrease_percent", "decrease", 1),
        "p, plan": probability("p_plan"),
        "Answer": said("answer"),
        "p, Holm": probability("p_plan_holm"),
        "Answer, Holm": said("_answer_holm"),
    }
    caption = (
        f"Table 2. {fid_title(results)} of the best generators, mean ± standard deviation; the difference with the interval"
        " of the last look, which leaves out 0 exactly where that look decides; the decrease with its 95 % interval, uncorrected. Yes:"
        " Self-Sparse GAN is lower; no: it is higher. Before the plan's first look the answer is that of Welch's test."
    )
    return Table(rows, columns, caption)


# The other tables


def settings_table(results: Results, paper: Results) -> Table:
    """What of a training is as printed, what the paper leaves open, and what is smaller."""
    open_ = {name: q.id for q in open_questions().questions for name in q.parameters}
    ours, printed = list(results.configurations), next(c for c in paper.configurations if c.model == SPARSE)
    train: dict[str, tuple[str, Callable[[Any], str]]] = {
        "steps": ("Generator steps", count),
        "discriminator_steps": ("Discriminator steps to each", str),
        "batch_size": ("Images in a batch", str),
        "generator_lr": ("Learning rate of the generator", "{:g}".format),
        "discriminator_lr": ("Learning rate of the discriminator", "{:g}".format),
        "betas": ("Adam's betas", lambda betas: ", ".join(f"{beta:g}" for beta in betas)),
        "penalty_weight": ("Weight of the gradient penalty, λ", "{:g}".format),
        "penalty_centre": ("Its centre", str),
        "evaluate_every": ("Steps between FIDs in training", str),
    }
    rows = []
    for name, (label, write) in train.items():
        value = write(getattr(printed.train, name))
        if name in NOT_STATED:
            value = f"not stated ({open_[f'train.{name}']}); at full size we take {value}"
        rows.append((label, value, _each(write(getattr(c.train, name)) for c in ours)))
    plain = [c for c in ours if not variation(c)]
    sizes = results.runs.drop_duplicates("configuration").set_index("configuration")["generator_parameters"]
    by_model: dict[str, list[str]] = {}
    for c in ours:
        if c.name in sizes:
            by_model.setdefault(look_of(c).label, []).append(count(sizes[c.name]))
    rows += [
        ("Widths of the generator", _widths([printed]), _widths(plain)),
        (
            "Parameters of the generator",
            MISSING,
            "; ".join(f"{m}: {_each(own)}" for m, own in by_model.items()) or MISSING,
        ),
        ("Features of the FID", printed.extractor.extractor, _features(results)),
        (
            "Trainings of each model",
            f"{text_number('trainings'):g}",
            _each(str(results.count(c).finished) for c in ours),
        ),
    ]
    columns = {title: said(title) for title in ("Setting", "Paper (MNIST)", "Here")}
    caption = (
        "Table 1. Settings: the paper's for MNIST 32 × 32, and those of these runs; with the features of the FID, how many held-out"
        " images their classifier gets right."
    )
    return Table([dict(zip(columns, row, strict=True)) for row in rows], columns, caption)


def _widths(configurations: Sequence[Configuration]) -> str:
    return _each(", ".join(map(str, c.network.generator_widths)) for c in configurations)


def _features(results: Results) -> str:
    """Return each dataset's extractor, with the share of held-out images that it classifies right."""
    own = dict.fromkeys(c.extractor_key for c in results.configurations)
    names = {c.extractor_key: f"{_dataset(c)}: {c.extractor.extractor}" for c in results.configurations}
    accuracy = results.accuracies
    return "; ".join(names[key] + (f", {100 * accuracy[key]:.1f} %" if key in accuracy else "") for key in own)


def _each(values: Iterable[str]) -> str:
    """Return different values once each, in order."""
    return " or ".join(dict.fromkeys(values))


def outcomes_table(results: Results) -> Table:
    """The secondary outcomes of each model on each dataset."""
    goals = {
        _dataset(c): fids(results, c).mean for c in results.configurations if c.model == BASELINE and not variation(c)
    }
    rows = []
    for c in results.configurations:
        small, large = c.extractor.samples
        found = {
            "fid": results.primary(c),
            "lowest": results.best_in_training(c),
            "last": results.re_evaluated(c, "last", large),
            **{name: results.re_evaluated(c, "best", small, name) for name in ("kid", "precision", "recall")},
            "xi": results.sparsity_of(c),
        }
        row: dict[str, Any] = {"dataset": _dataset(c), "model": look_of(c).label, "runs": results.count(c).text}
        row |= {"n": results.count(c).finished, "_without": results.count(c).without_value}
        for name, values in found.items():
            row |= summarised(name, moments(values.dropna().astype(float)))
        steps = steps_of(results, c, goals.get(_dataset(c), math.nan))
        found_steps = reached(steps)
        row |= {**summarised("steps", found_steps), "reached": found_steps.n}
        row["median"] = found["fid"].median()
        row["_reached"] = f"{mean_std('steps', 0)(row)} ({found_steps.n} of {len(steps)})" if steps else MISSING
        rows.append(row)
    columns: dict[str, Cell] = {
        "Dataset": said("dataset"),
        "Model": said("model"),
        "FID, best": mean_std("fid", without="_without"),
        "its median": number("median"),
        "lowest in training": mean_std("lowest"),
        "last generator": mean_std("last"),
        "KID": mean_std("kid", short=True),
        "Precision": mean_std("precision", 3),
        "Recall": mean_std("recall", 3),
        "Sparsity ξ̄": mean_std("xi", 3),
        "Steps to WGAN-GP's FID": said("_reached"),
        "Runs": joined(said("n"), said("runs"), by=", "),
    }
    caption = (
        "Table 3. Secondary outcomes, mean ± standard deviation over finished runs, without a test: the FID of the best generator"
        " and of the last one, both with fresh latents at the larger sample count; KID, precision and recall of the best at the smaller one;"
        " sparsity (Eq. 15); and the steps until a run is as low as the mean of WGAN-GP's lowest, with how many runs ever are."
    )
    return Table(rows, columns, caption)


def _numbered(n: int, table: Table, columns: Sequence[str] = ()) -> str:
    """Return a notebook's table as a numbered one of the article, with some of its columns."""
    chosen = {title: table.columns[title] for title in columns or table.columns}
    return to_markdown(replace(table, columns=chosen, caption=f"Table {n}. {table.caption}"))


def _ablation(results: Results) -> str:
    table = tests_table(results)
    rows = [row for row in table.rows if row["_models"] not in {row["_models"] for row in question_rows(results)}]
    wanted = ("Comparison", "Lower / other", "Ours", "n", "Ours, decrease %", "p, Holm", "Answer")
    columns = {title.removeprefix("Ours, "): table.columns[title] for title in wanted}
    caption = (
        f"Table 4. The ablation: {fid_title(results)} of the best generators; decrease with its 95 % interval, uncorrected;"
        " Welch's test, one-sided for lower, with Holm's correction over this table."
    )
    return to_markdown(Table(rows, columns, caption)) if rows else ""


def _readings(sensitivity: Results) -> str:
    if sensitivity.runs.empty:
        return ""
    columns = (
        "Question",
        "Reading",
        "WGAN-GP",
        "Self-Sparse GAN",
        "n",
        "Difference",
        "p, Holm",
        "p higher, Holm",
        "Claim",
    )
    caption = (
        f"Self-Sparse GAN against WGAN-GP under other readings: {fid_title(sensitivity)} of the best generators. The difference is"
        " Self-Sparse GAN less WGAN-GP, with its 95 % interval (Welch), uncorrected; p is one-sided, for lower and for higher, with"
        f" Holm's correction over this table: a difference is told where one is below {ONE_SIDED:g}."
    )
    return _numbered(6, replace(readings_table(sensitivity), caption=caption), columns)
