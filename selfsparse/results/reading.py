"""What a suite has measured: its summary, with every configuration of params.yaml, also those that have not run."""

import csv
import lzma
import math
import weakref
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from selfsparse.config import Configuration, Decide, load_settings
from selfsparse.errors import DataError
from selfsparse.files import read_json, reading
from selfsparse.paths import suite_dir
from selfsparse.provenance import read_provenance
from selfsparse.results.arrays import Arrays, arrays_path, read_arrays
from selfsparse.results.rows import COLUMNS, TEXT
from selfsparse.results.sheets import Sheet, read_sheets, sheet_path
from selfsparse.results.text import group_key

NUMBERS = {name for columns in COLUMNS.values() for name in columns} - TEXT
# What tells the rows of a table apart, as far as it has these columns.
KEYS = {"configuration", "seed", "step", "stage", "generator", "n_fake", "kind", "dataset", "resolution", "variation"}
EMPTY = ["", "nan"]  # how pandas and Python write a number that is not there
TABLES = ("runs", "curves", "fid", "sparsity", "mechanism", "correlation")
COMPRESSED = {"mechanism"}  # the largest table, a row for each stage at each snapshot of each run
ACCURACIES = "accuracies.json"  # in summary/, of the feature extractors


@dataclass(frozen=True)
class RunCount:
    """How many of a configuration's runs finished, diverged, or have not run."""

    finished: int
    diverged: int
    not_run: int

    @property
    def text(self) -> str:
        """For example `finished`, `not run`, or `2 finished, 1 diverged`."""
        parts = {"finished": self.finished, "diverged": self.diverged, "not run": self.not_run}
        parts = {name: count for name, count in parts.items() if count}
        if len(parts) == 1:
            return next(iter(parts))
        return ", ".join(f"{count} {name}" for name, count in parts.items())

    @property
    def without_value(self) -> str:
        """What stands where a number would: `not measured` if there is a finished run, else `diverged` or `not run`."""
        if self.finished:
            return "not measured"
        return "diverged" if self.diverged else "not run"


@dataclass(frozen=True)
class Results:
    """The summary of one suite. A configuration that has not run has no rows; a diverged run has status `diverged`."""

    suite: str
    configurations: tuple[Configuration, ...]
    counted_stages: str  # of Eq. 15 (U48)
    decide: Decide
    accuracies: dict[str, float]  # of classifiers that make features, on held-out images; by extractor key
    runs: pd.DataFrame
    curves: pd.DataFrame
    fid: pd.DataFrame
    sparsity: pd.DataFrame
    mechanism: pd.DataFrame
    correlation: pd.DataFrame
    provenance: dict[str, dict]
    folder: Path
    _sheets: dict[Path, dict[str, Sheet]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _arrays: dict[Path, dict[str, Arrays]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _positions: dict[int, tuple[weakref.ref, dict]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def rows(self, table: pd.DataFrame, c: Configuration) -> pd.DataFrame:
        """Return a configuration's rows of a table, which is gone through once for all configurations, not for each."""
        known, positions = self._positions.get(id(table), (lambda: None, {}))
        if known() is not table:
            positions = table.groupby("configuration").indices
            self._positions[id(table)] = weakref.ref(table), positions
        return table.iloc[positions.get(c.name, [])]

    def groups(self) -> dict[tuple[str, int, str], list[Configuration]]:
        """Return the configurations that are compared with each other, by dataset, resolution and variation."""
        found: dict[tuple[str, int, str], list[Configuration]] = {}
        for c in self.configurations:
            found.setdefault(group_key(c), []).append(c)
        return found

    def extractors(self) -> list[str]:
        """Return the names of the feature extractors that this suite measures with."""
        return sorted({c.extractor.extractor for c in self.configurations})

    def count(self, c: Configuration) -> RunCount:
        """Count the runs of a configuration against the seeds that params.yaml asks for."""
        status = self.rows(self.runs, c)["status"]
        finished, diverged = int((status == "finished").sum()), int((status == "diverged").sum())
        return RunCount(finished, diverged, max(0, len(c.train.seeds) - finished - diverged))

    def runs_text(self) -> str:
        """Say how many of all runs have which status: `20 finished, 1 diverged, 12 not run`."""
        found = [self.count(c) for c in self.configurations]
        counted = {name: sum(getattr(count, name) for count in found) for name in ("finished", "diverged", "not_run")}
        return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counted.items() if n)

    def finished(self, table: pd.DataFrame, c: Configuration) -> pd.DataFrame:
        """Return the rows of a configuration's finished runs: statistics are over these, and n says how many."""
        runs, rows = self.rows(self.runs, c), self.rows(table, c)
        return rows[rows["seed"].isin(runs.loc[runs["status"] == "finished", "seed"])]

    def best_in_training(self, c: Configuration) -> pd.Series:
        """Return each finished run's lowest FID during training, by its seed: the paper's number (U42)."""
        return self.finished(self.runs, c).set_index("seed")["best_fid"].sort_index()

    def re_evaluated(self, c: Configuration, generator: str, n_fake: int, measure: str = "fid") -> pd.Series:
        """Return FID, KID, precision or recall of each finished run's `best` or `last` generator with fresh latents, by its seed."""
        rows = self.finished(self.fid, c).set_index("seed").sort_index()
        return rows.loc[(rows["generator"] == generator) & (rows["n_fake"] == n_fake), measure]

    def sparsity_of(self, c: Configuration) -> pd.Series:
        """Return each finished run's mean sparsity ξ̄ (Eq. 15), by its seed."""
        return mean_sparsity(self.finished(self.sparsity, c), self.counted_stages)

    def primary(self, c: Configuration) -> pd.Series:
        """Return each finished run's primary outcome, by which our comparisons are decided.

        It is the FID of the best generator with fresh latents at the larger sample count: nothing was chosen by it, unlike
        by the lowest FID of a training, which is the paper's number and too low.
        """
        return self.re_evaluated(c, "best", c.extractor.samples[-1]).astype(float)

    def real_images(self, c: Configuration, n_fake: int) -> float:
        """Return how many real images stand against n_fake generated ones; NaN where nothing was measured."""
        rows = self.rows(self.fid, c)
        rows = rows[rows["n_fake"] == n_fake]
        return float(rows["n_real"].max()) if len(rows) else math.nan

    def sheet(self, c: Configuration, kind: str) -> Sheet | None:
        """Return the sheet of generated images (`samples`) or of images over training (`progress`), if there is one."""
        path = sheet_path(self.folder, kind, c)
        if path not in self._sheets:  # an image has the sheets of all configurations of a dataset
            self._sheets[path] = read_sheets(path, self.suite)
        return self._sheets[path].get(c.name)

    def arrays(self, c: Configuration, kind: str) -> Arrays:
        """Return a configuration's `feature_maps` or `coefficients` of one latent; nothing where there are none."""
        path = arrays_path(self.folder, kind)
        if path not in self._arrays:
            self._arrays[path] = read_arrays(path, self.suite)
        return self._arrays[path].get(c.name, {})


def load_results(suite: str) -> Results:
    """Read results/<suite>/summary, and beside it when and on what it was trained; what is not there is empty.

    Raises:
        SettingsError: for a suite that params.yaml does not have.
    """
    settings = load_settings()
    folder = suite_dir(suite) / "summary"
    configurations = settings.suite(suite)
    names = extractor_names(suite)
    provenance = {c.name: read_provenance(suite, c.name) for c in configurations}
    return Results(
        suite=suite,
        configurations=tuple(_measured_under(c, names.get(c.name)) for c in configurations),
        counted_stages=settings.sparsity.counted_stages,
        decide=settings.decide,
        accuracies=read_json(accuracies) if (accuracies := folder / ACCURACIES).is_file() else {},
        provenance={name: found for name, found in provenance.items() if found},
        folder=folder,
        **{name: summary_table(folder, name) for name in TABLES},
    )


def extractor_names(suite: str) -> dict[str, str]:
    """Return what features each configuration of a suite's summary was measured under; nothing where there is none."""
    path = suite_dir(suite) / "summary/extractors.json"
    if not path.is_file():
        return {}
    with reading(path, f"summary@{suite}", in_git=True):
        return dict(read_json(path))


def _measured_under(c: Configuration, name: str | None) -> Configuration:
    """Return a configuration with the name of the extractor that it was measured under: of custom weights, no setting's."""
    if name in (None, c.extractor.extractor):
        return c
    return c.model_copy(update={"extractor": c.extractor.model_copy(update={"extractor": name})})


def summary_path(folder: Path, name: str) -> Path:
    """Return where results/<suite>/summary has a table."""
    return folder / f"{name}.csv{'.xz' if name in COMPRESSED else ''}"


def summary_table(folder: Path, name: str) -> pd.DataFrame:
    """Return a CSV of results/<suite>/summary with at least its columns; a missing file is an empty table."""
    path, columns, stage = summary_path(folder, name), COLUMNS[name], f"summary@{folder.parent.name}"
    if not path.is_file():
        return pd.DataFrame(columns=columns)
    with reading(path, stage, in_git=True):
        table = read_rows(path)
    if missing := [name for name in columns if name not in table]:
        raise DataError(f"{path.name}: missing columns {', '.join(missing)}; write it again with `dvc repro {stage}`")
    return table


def read_rows(path: Path) -> pd.DataFrame:
    """Read such a file. Text is what stands there: a variation may be called `64`, `null` or `true`.

    Raises:
        ValueError: a line is cut off or no row at all, or a row is there twice: after a merge the two sides may both be.
    """
    opened = lzma.open if path.suffix == ".xz" else open
    with opened(path, "rt", newline="", encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    if wrong := next((n for n, line in enumerate(lines, 2) if len(line) != len(header)), None):
        raise ValueError(f"line {wrong} is no row of {len(header)} values")
    table = pd.read_csv(
        path, dtype=dict.fromkeys(TEXT, str), keep_default_na=False, na_values=dict.fromkeys(NUMBERS, EMPTY)
    )
    if (twice := table.duplicated([name for name in table if name in KEYS])).any():
        raise ValueError(f"the row of line {int(twice.argmax()) + 2} is there twice")
    return table


def mean_sparsity(sparsity: pd.DataFrame, counted_stages: str) -> pd.Series:
    """Return xi-bar of Eq. 15 per seed: xi averaged over the stages of a generator.

    Args:
        sparsity: rows of one configuration, columns seed, stage, xi.
        counted_stages: `sastm`: T counts the stages with an SASTM; `all`: also the last one, whose xi is 0 (U48).
    """
    stages = sparsity.groupby("seed")["xi"]
    return stages.sum() / (stages.count() + (counted_stages == "all"))
