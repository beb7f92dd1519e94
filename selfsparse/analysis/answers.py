"""What a suite has to say on the paper's main questions, by dataset and comparison, or by model and head.

README, results/README.md and the report's opening show these rows. A question on which nothing has run has no row.
"""

import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import pandas as pd

from selfsparse.analysis.comparisons import Comparison, comparison_table, main_pairs, matched
from selfsparse.analysis.table import Link, Row, Table, estimated, said, to_markdown, with_interval
from selfsparse.analysis.table_ablation import PRINTED_STEPS, ablation_comparisons
from selfsparse.analysis.table_compact import measured_stages
from selfsparse.analysis.table_sensitivity import Effect, effects
from selfsparse.config import Configuration, load_settings, variation
from selfsparse.registry import SASTM_MODELS, SPARSE
from selfsparse.results.mechanism import late_changes
from selfsparse.results.reading import Results, load_results
from selfsparse.results.text import MISSING, dataset_label, group_key, group_label, model_label
from selfsparse.statistics.moments import Estimate, moments

SHOWN = ("laptop", "quick")  # suites whose answers the README may show, the best first
LETTERS = {"alpha": "α", "beta": "β"}
CAPTION = (
    "What came out: yes, no or undecided, and the effect with its uncorrected 95 % interval, from at least n runs of a model. FIDs are"
    " those of the best generators, measured again with fresh latents; a negative decrease is an increase. Comparisons of planned"
    " pairs are answered by the sequential plan from its first look on, whose level is stricter than the interval's, others by"
    " Welch's test with Holm's correction; steps, zeros, channels and signs describe these runs, without a test."
)
Found = tuple[str, str, str, str, Estimate, int]  # dataset, of what, answer, measure, effect, n


def answers(results: Results) -> list[dict[str, Any]]:
    """Return a suite's answers, each with its question, dataset, effect, n and the notebook that says more."""
    return [
        {
            "question": question,
            "suite": results.suite,
            "dataset": dataset,
            "of": of,
            "answer": answer,
            "measure": measure,
        }
        | {**estimated("effect", effect), "n": n, "notebook": notebook}
        for question, notebook, find in QUESTIONS
        for dataset, of, answer, measure, effect, n in find(results)
    ]


def answers_table(rows: Sequence[dict[str, Any]], address: Callable[[str, str], str] | None = None) -> Table:
    """Return answers as a table, a line per question and a column per dataset.

    Args:
        rows: of `answers` or `best_answers`; a question's are of one suite.
        address: of an executed notebook, of a suite and a name, from the page on; where there is none, "", it is only named.
    """

    def link(row: Row) -> str:
        where = address(row["suite"], row["notebook"]) if address else ""
        label = f"{row['suite']}: {row['notebook']}"
        return Link(f"[{label}]({where})") if where else label

    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    lines = []
    for question, own in groupby(rows, key=lambda row: row["question"]):
        asked = list(own)
        of = list(dict.fromkeys(row["of"] for row in asked))
        cells = {(row["dataset"], row["of"]): _answer(row) for row in asked}
        measures = "; ".join(dict.fromkeys(row["measure"] for row in asked))
        what = f"{'; '.join(of)}: {measures}" if len(of) > 1 else measures
        line = asked[0] | {"_asked": f"{question} ({what})", "n": _range([row["n"] for row in asked])}
        there = {dataset for dataset, _ in cells}
        line |= {d: "; ".join(cells.get((d, o), MISSING) for o in of) if d in there else MISSING for d in datasets}
        lines.append(line)
    columns = {"Question (effect)": said("_asked")} | {dataset: said(dataset) for dataset in datasets}
    return Table(lines, columns | {"n": said("n"), "More": link}, CAPTION)


def _answer(row: Row) -> str:
    return f"{row['answer']}, {with_interval('effect', digits=1)(row)}"


def _range(numbers: Sequence[int]) -> str:
    """Return `10`, or `9 to 10`."""
    return " to ".join(str(n) for n in dict.fromkeys((min(numbers), max(numbers))))


def best_answers(of_suites: Sequence[Results]) -> list[dict[str, Any]]:
    """Return each question's answers by the first of these suites that answers it."""
    rows: list[dict[str, Any]] = []
    for results in of_suites:
        answered = {row["question"] for row in rows}
        rows += [row for row in answers(results) if row["question"] not in answered]
    order = [question for question, _, _ in QUESTIONS]
    return sorted(rows, key=lambda row: order.index(row["question"]))


def notebook_address(suite: str, notebook: str, folder: str = "") -> str:
    """Return where an answer leads, from above a folder of results: to its notebook; nowhere, "", where a suite has none of figures."""
    figures = not notebook.startswith("figure_") or load_settings().figures[suite]
    return f"{folder}{suite}/notebooks/{notebook}/{notebook}.ipynb" if figures else ""


def updated_readme(text: str) -> str:
    """Return README.md's text with the answers as results/ has them now.

    They are those of the best suite that has any, and larger suites answer what it does not.
    """
    results = {suite: load_results(suite) for suite in (*SHOWN, *(s for s in load_settings().suites if s not in SHOWN))}
    best = next((suite for suite in SHOWN if not results[suite].runs.empty), SHOWN[-1])
    rows = best_answers([results[best], *(found for suite, found in results.items() if suite not in SHOWN)])

    table = to_markdown(answers_table(rows, partial(notebook_address, folder="results/")))
    block = re.compile(r"(<!-- answers:[^\n]*-->\n).*?(<!-- end of answers -->)", re.DOTALL)
    return block.sub(lambda match: match[1] + table + match[2], text)


def _compared(
    results: Results, comparisons: Sequence[Comparison], of: Collection[tuple[str, str]] = ()
) -> Iterator[Found]:
    """Yield those that were measured, answered as in a table of all of them; of these models alone, if any are named."""
    for p, row in zip(comparisons, comparison_table(results, comparisons, "").rows, strict=True):
        if row["answer"] and (not of or p.models in of):
            effect = Estimate(*(row[name] for name in ("decrease_percent", "decrease_low_95", "decrease_high_95")))
            n = min(row["n_lower"], row["n_higher"])
            yield p.label, " below ".join(p.names), row["answer"], "decrease of FID, %", effect, n


def _same_step(results: Results) -> Iterator[Found]:
    """At how many evaluations of its training; they are of the same runs and depend on each other, so that there is no test."""
    for p in main_pairs(results):
        curves = [results.finished(results.curves, c) for c in p.both]
        ours, baseline = (own.groupby("step")["fid"].mean().dropna() for own in curves)
        steps = ours.index.intersection(baseline.index)
        steps = steps[steps > 0]
        if len(steps):
            share = float((ours[steps] < baseline[steps]).mean())
            answer = "yes" if share == 1 else "no" if share == 0 else "undecided"
            n = min(own["seed"].nunique() for own in curves)
            of = " below ".join(p.names)
            measure = f"lower at this share of {len(steps)} evaluations, %"
            yield p.label, of, answer, measure, Estimate(100 * share, math.nan, math.nan), n


def turned_round(results: Results) -> Iterator[tuple[Effect, list[Effect], int, str]]:
    """Yield each family's defaults, its other readings with runs, how many turn the defaults' answer round, and whether one does.

    Yes where a reading does, no where every reading is decided as the defaults are. A family without runs is left out.
    """
    for default, *others in effects(results):
        known = [e for e in others if e.lower is not None]
        if default.lower is not None and known:
            flips = sum(e.flips(default) for e in known)
            same = default.significant and all(e.significant for e in known) and len(known) == len(others)
            yield default, known, flips, "yes" if flips else "no" if same else "undecided"


def _readings(results: Results) -> Iterator[Found]:
    for default, known, flips, answer in turned_round(results):
        n = min(m.n for e in (default, *known) for m in (e.sparse, e.baseline))
        measure = f"share of {len(known)} readings that turn the answer round, both told from zero, %"
        label = dataset_label(*group_key(default.reading.configuration)[:2])
        share = Estimate(100 * flips / len(known), math.nan, math.nan)
        yield label, "Self-Sparse GAN below WGAN-GP", answer, measure, share, n


def _of_runs(c: Configuration, of: str, measure: str, by_run: pd.Series, none: str, some: str) -> Found:
    """Return an answer that hangs on whether a share of each run, in percent, is 0 in all of them."""
    m = moments(by_run.astype(float))
    answer = some if (by_run > 0).any() else none
    return group_label(group_key(c)), of, answer, measure, Estimate(m.mean, max(m.low, 0.0), min(m.high, 100.0)), m.n


def _plain(results: Results, models: Sequence[str]) -> list[Configuration]:
    """Return the configurations of these models without a variation; their notebooks have the others too."""
    return [c for c in results.configurations if c.model in models and not variation(c)]


def _heads(results: Results) -> Iterator[tuple[Configuration, str, pd.DataFrame]]:
    for c in _plain(results, (SPARSE,)):
        rows = results.finished(results.mechanism, c)
        for head in LETTERS:
            if rows[f"{head}_zero"].notna().any():
                yield c, head, rows


def _zeros(results: Results) -> Iterator[Found]:
    for c, head, rows in _heads(results):
        last = rows[rows["step"] == rows["step"].max()].dropna(subset=[f"{head}_zero"])
        by_run = 100 * last.groupby("seed")[f"{head}_zero"].mean()
        of = f"{LETTERS[head]} of {model_label(c.model)}"
        if len(by_run):
            yield _of_runs(c, of, "exact zeros at the end, mean of the stages, %", by_run, "no", "yes")


def _dead(results: Results) -> Iterator[Found]:
    found = measured_stages(results)
    for c in _plain(results, SASTM_MODELS):
        stages = results.finished(found, c)
        if len(stages):
            sums = stages.groupby("seed")[["observed", "channels"]].sum()
            by_run = 100 * sums["observed"] / sums["channels"]
            measure = f"share of {int(sums['channels'].max())} channels, %"
            yield _of_runs(c, model_label(c.model), measure, by_run, "no", "yes")


def _settled(results: Results) -> Iterator[Found]:
    for c, head, rows in _heads(results):
        late, interval = late_changes(rows, head, c.train.steps)
        if len(late):
            of = f"{LETTERS[head]} of {model_label(c.model)}"
            yield _of_runs(c, of, f"signs that change within {interval:,} steps, %", 100 * late, "yes", "no")


# question, the notebook that says more, its answers
QUESTIONS: tuple[tuple[str, str, Callable[[Results], Any]], ...] = (
    ("Is the FID of Self-Sparse GAN lower than that of WGAN-GP?", "table_fid", lambda r: _compared(r, main_pairs(r))),
    ("Is it the module, not its parameters: lower than WGAN-GP's with as many?", "table_robustness", lambda r: _compared(r, matched(r))),
    ("Is it lower at the same step of the training?", "figure_fid_curves", _same_step),
    ("Does it depend on what the paper leaves open?", "table_sensitivity", _readings),
    (
        "Does the ablation order the models as the paper does?", "table_ablation",
        lambda r: _compared(r, ablation_comparisons(r), PRINTED_STEPS),
    ),
    ("Are α and β ever exactly zero?", "figure_mechanism", _zeros),
    ("Are there channels that are zero for all latents tried?", "table_compact", _dead),
    (
        "Do the signs of α and β settle early (in the paper, in the first 5 % of the steps)?", "figure_mechanism", _settled,
    ),
)  # fmt: skip
