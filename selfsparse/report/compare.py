"""`selfsparse compare`: a rerun beside the committed results, on the terminal and as a page of the report."""

import math
from collections.abc import Callable
from typing import Any

from selfsparse.analysis.answers import answers
from selfsparse.analysis.table import (
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
from selfsparse.paths import suite_dir
from selfsparse.provenance import commit_text, noted
from selfsparse.report.html import TEMPLATES, markdown_html
from selfsparse.report.site import COMPARE, STYLE, rendered, write_files
from selfsparse.results.reading import Results, load_results
from selfsparse.results.rerun import (
    NOT_COMPARED,
    SAME_BITS,
    Compared,
    Rerun,
    check_summarised,
    committed,
    held_against,
)
from selfsparse.results.summary import metric_name
from selfsparse.statistics.inference import LEVEL
from selfsparse.statistics.moments import moments

SHOWN_ON_TERMINAL = ["Configuration", "Result", "Your FID", "Our FID", "Yours / ours"]


def compare(suite: str, revision: str) -> int:
    """Say whether a rerun of a suite reproduces what a revision of git holds, and write the page of its report.

    Returns:
        0 where it does, else 1.
    """
    yours = load_results(suite)
    check_summarised(yours)
    with committed(yours, revision) as (ours, commit):
        found = held_against(yours, ours, f"{revision} ({commit[:10]})")
        answered = answers_of_both(yours, ours)
    table = compared_table(found)
    print(table.text[SHOWN_ON_TERMINAL].to_string(index=False))
    print(found.conclusion())
    print(answered.caption)
    folder = suite_dir(suite) / "report"
    if (folder / "index.html").is_file():
        page = {
            "conclusion": found.conclusion(),
            "table": markdown_html(to_markdown(table), "compare"),
            "answers": markdown_html(to_markdown(answered), "answers"),
            "origins": markdown_html(to_markdown(origins_table(found)), "origins"),
            "level": f"{100 * LEVEL:g}",
        }
        style = (TEMPLATES / STYLE).read_bytes()  # which a report made earlier may lack
        write_files(folder, {STYLE: style, COMPARE: rendered(suite, COMPARE, page)})
        print(f"Page: {folder / COMPARE}")
    else:
        print(f"For the page, make the report first: make report SUITE={suite}")
    return int(not found.reproduces)


def compared_table(found: Rerun) -> Table:
    """One row per configuration: what was found, and the numbers of both sides."""
    columns = {
        "Configuration": said("configuration"),
        "Result": said("result"),
        "Your FID": mean_std("fid_yours"),
        "Our FID": mean_std("fid_ours"),
        "Yours / ours": with_interval("fid_ratio"),
        "p, Holm": probability("p_fid"),
        "ξ̄, yours / ours": joined(number("sparsity_yours_mean", 3), number("sparsity_ours_mean", 3)),
        "p of ξ̄, Holm": probability("p_sparsity"),
        "Runs, yours / ours": joined(said("runs_yours"), said("runs_ours")),
        "Same bits": said("same_bits"),
        "Note": said("note"),
    }
    caption = (
        f"Yours against ours of {found.revision}: FID of the best generators, re-evaluated at the larger sample count, mean ± standard"
        " deviation. The ratio is of geometric means. Brackets are 95 % intervals, uncorrected; p is corrected over this table."
    )
    return Table([_row(compared) for compared in found.configurations], columns, caption)


def _row(found: Compared) -> dict[str, Any]:
    nothing = found.status == SAME_BITS  # to estimate: a ratio of 1 with an interval would say that there is
    ratio, low, high = (math.nan if nothing else math.exp(x) for x in (found.fid.value, found.fid.low, found.fid.high))
    row: dict[str, Any] = {
        "configuration": metric_name(found.configuration),
        "result": found.status,
        "fid_ratio": ratio,
        "fid_ratio_low_95": low,
        "fid_ratio_high_95": high,
        "p_fid": found.p.get("fid", math.nan),
        "p_sparsity": found.p.get("sparsity", math.nan),
        "same_bits": f"{found.same} of {found.common}",
        "note": found.note,
    }
    for name, side in (("yours", found.yours), ("ours", found.ours)):
        for quantity in ("fid", "sparsity"):
            row |= summarised(f"{quantity}_{name}", moments(getattr(side, quantity)))
        runs = side.runs
        row[f"runs_{name}"] = f"{runs.finished}" + (f" and {runs.diverged} diverged" if runs.diverged else "")
    return row


def answers_of_both(yours: Results, ours: Results) -> Table:
    """The main questions, as the results of both sides answer them; those that they answer differently first."""
    rows: dict[tuple, dict[str, Any]] = {}
    for name, results in (("yours", yours), ("ours", ours)):
        for row in answers(results):
            key = {part: row[part] for part in ("question", "dataset", "of")}
            told = f"{row['answer']} ({with_interval('effect', digits=1)(row)})"
            rows.setdefault(tuple(key.values()), key).update({name: row["answer"], f"_{name}": told})
    both = [{"yours": None, "ours": None, "_yours": None, "_ours": None} | row for row in rows.values()]
    same = sum(row["yours"] == row["ours"] for row in both)
    columns = {
        "Question": said("question"),
        "Dataset": said("dataset"),
        "Of": said("of"),
        "Yours": said("_yours"),
        "Ours": said("_ours"),
    }
    caption = f"Answers to the main questions: {same} of {len(both)} are the same."
    return Table(sorted(both, key=lambda row: row["yours"] == row["ours"]), columns, caption)


def origins_table(found: Rerun) -> Table:
    """What both sides were made with, of the configurations that were run anew."""
    names = [row.configuration.name for row in found.configurations if row.status != NOT_COMPARED]

    yours, ours = ([side[name] for name in names if name in side] for side in found.provenance)
    facts: dict[str, str | Callable[[dict[str, Any]], Any]] = {
        "Finished": lambda entry: entry["finished"][:10], "Commit": commit_text, "Device": "device",
        "Python": "python", "PyTorch": "torch",
    }  # fmt: skip
    rows = [{"": name, "Yours": noted(yours, what), "Ours": noted(ours, what)} for name, what in facts.items()]
    return Table(rows, {name: said(name) for name in ("", "Yours", "Ours")}, "What both were made with.")
