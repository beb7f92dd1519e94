"""The tables: the paper's value and ours side by side, one row per configuration, also for those that have not run."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from selfsparse.analysis.table import Table
from selfsparse.config import Configuration
from selfsparse.paper import paper_moments
from selfsparse.results.comparability import comparable, comparison
from selfsparse.results.reading import Results
from selfsparse.results.text import count, group_label, interval, mean_std, model_label
from selfsparse.statistics.moments import moments


@dataclass(frozen=True)
class WrittenTable:
    """A table twice, row for row, as those of this kind were made: to be replaced by Table, which writes its text itself."""

    data: pd.DataFrame
    text: pd.DataFrame
    caption: str


ABLATIONS = ("without_psm", "without_csm")


def table_of(
    rows: Sequence[tuple[dict, dict]], columns: tuple[Sequence[str], Sequence[str]], caption: str
) -> WrittenTable:
    """Make a table of (numbers, text) rows; the columns count only where there are no rows."""
    data, text = [row[0] for row in rows], [row[1] for row in rows]
    return WrittenTable(
        pd.DataFrame(data, columns=None if data else columns[0]),
        pd.DataFrame(text, columns=None if text else columns[1]),
        caption,
    )


def fid_title(results: Results) -> str:
    """Return `FID (lenet)` where the suite has one feature extractor, else `FID`: a column names it in each row."""
    names = results.extractors()
    return f"FID ({names[0]})" if len(names) == 1 else "FID"


def fid_table(results: Results, configurations: Sequence[Configuration] | None = None) -> Table:
    """The main table (v2 Table 2): best FID during training, as the paper defines it, beside the paper's."""
    rows = [_fid_row(results, c) for c in configurations or results.configurations]
    caption = f"{fid_title(results)}, lowest of each training, mean ± standard deviation over n finished runs."
    return table_of(rows, ([], []), caption)


def _fid_row(results: Results, c: Configuration) -> tuple[dict, dict]:
    runs, paper, ours = results.count(c), paper_moments(c.name), moments(results.best_in_training(c))
    n_fake = c.extractor.samples[0]
    n_real = results.real_images(c, n_fake)
    data = identity(c) | {
        "paper_fid_mean": paper.mean,
        "paper_fid_std": paper.std,
        "fid_mean": ours.mean,
        "fid_std": ours.std,
        "fid_low_95": ours.low,
        "fid_high_95": ours.high,
        "n": ours.n,
        "extractor": c.extractor.extractor,
        "comparable": comparable(c),
        "n_real": n_real,
        "n_fake": n_fake,
        "runs": runs.text,
    }
    text = {
        "Configuration": c.name,
        "Paper": mean_std(paper),
        f"Ours, {fid_title(results)}": mean_std(ours, without_value=runs.without_value),
        "n": ours.n,
        "95 % interval": interval(ours.low, ours.high),
        "Extractor": c.extractor.extractor,
        "Comparable": comparison(c) if paper.n else "not in the paper",
        "Real / generated": f"{count(n_real)} / {count(n_fake)}",
        "Runs": runs.text,
    }
    return data, text


def labelled_fid_table(results: Results, rows: Sequence[tuple[dict[str, str], Configuration]], caption: str) -> Table:
    """The paper's FIDs and ours of some configurations, each behind labels that say what it stands for."""
    made = []
    for labels, c in rows:
        data, text = _fid_row(results, c)
        made.append((data, labels | {name: cell for name, cell in text.items() if name != "Configuration"}))
    columns = ["configuration", "model", "paper_fid_mean", "fid_mean", "n", "extractor", "comparable", "runs"]
    return table_of(made, (columns, ["Model"]), f"{caption}: {fid_title(results)}, lowest of each training.")


def ablation_groups(results: Results) -> dict[tuple, list[Configuration]]:
    """Return the groups in which a module is left out."""
    return {key: group for key, group in results.groups().items() if any(c.model in ABLATIONS for c in group)}


def ablation_table(results: Results) -> Table:
    """The FIDs with both modules, with one, and without (v2 Table 3)."""
    rows = [
        ({"Dataset": group_label(key), "Model": model_label(c.model)}, c)
        for key, group in ablation_groups(results).items()
        for c in group
    ]
    return labelled_fid_table(results, rows, "Ablation")


def identity(c: Configuration) -> dict:
    """Return what tells a configuration's row apart from the others of a table."""
    return {"configuration": c.name, "dataset": c.dataset.dataset, "resolution": c.dataset.resolution, "model": c.model}
