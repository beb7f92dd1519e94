"""A rerun of a suite beside the results that git holds: configuration by configuration, are they the same?

A rerun on the same kind of processor gives the same bits; on another, rounding alone makes other trainings of the same seeds, whose
FIDs scatter as those of other seeds do. So what has other bits is held against the spread between the runs of both sides. Tested
are the primary outcome (`Results.primary`), as logs, since the spread of FIDs grows with them, and the mean sparsity of Eq. 15.
Where runs diverged, so is their number, by Fisher's exact test. The chance that a mere repetition is called different is LEVEL over all: half of it for a shift of all FIDs
together, half, by Holm, for the configurations.
"""

import io
import math
import subprocess
import tarfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from selfsparse.config import Configuration
from selfsparse.errors import RunError, printable
from selfsparse.files import read_json
from selfsparse.made_from import differences, flatten
from selfsparse.paths import project_root
from selfsparse.registry import SASTM_MODELS
from selfsparse.results.reading import TABLES, Results, RunCount, read_rows, summary_path
from selfsparse.results.summary import read_table
from selfsparse.statistics.inference import LEVEL, Difference, holm
from selfsparse.statistics.rerun import difference, mean_difference

SAME_BITS, WITHIN, DIFFERENT = "same bits", "within the spread", "different"
OTHER_SETTINGS, TOO_FEW, NOT_COMPARED = "other settings", "too few runs", "not compared"
BITS = ("runs", "curves", "fid", "sparsity", "mechanism")  # whose every number counts for SAME_BITS
# Settings that change no more than rounding, or how many runs there are.
SAME_DISTRIBUTION = {
    f"train.{name}"
    for name in (
        "seeds", "parallel_seeds", "checkpoint_every", "device", "threads", "channels_last", "cuda_graph", "deterministic",
    )
} | {"source.download"}  # fmt: skip


@dataclass(frozen=True)
class Side:
    """What one side has of a configuration: its finished runs' FIDs (primary outcome) and sparsity, and its numbers of runs."""

    fid: np.ndarray
    sparsity: np.ndarray
    runs: RunCount


@dataclass(frozen=True)
class Compared:
    """A configuration of a rerun beside ours.

    Attributes:
        status: one of the constants above.
        fid: log of your FID less that of ours; sparsity: your mean sparsity less ours, NaN for a model without SASTM.
        p: of `fid`, `sparsity` and `diverged`, two-sided, as far as they can be tested; by Holm's correction over all of them.
        same: of your seeds that we have too (`common`), those with the same bits.
        note: what keeps the two from being compared, or what else to know.
    """

    configuration: Configuration
    status: str
    yours: Side
    ours: Side
    fid: Difference
    sparsity: Difference
    same: int
    common: int
    note: str = ""
    p: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rerun:
    """A rerun of a suite beside ours of a revision of git.

    Attributes:
        shift: of all FIDs together that have other bits, as logs.
        provenance: of yours and of ours, by configuration.
    """

    suite: str
    revision: str
    configurations: list[Compared]
    shift: Difference
    provenance: tuple[dict[str, dict], dict[str, dict]]

    @property
    def counts(self) -> Counter[str]:
        """How many configurations have which status."""
        return Counter(found.status for found in self.configurations)

    @property
    def shifted(self) -> bool:
        """Whether all FIDs together are higher than ours, or lower."""
        return self.shift.p < LEVEL / 2

    @property
    def reproduces(self) -> bool:
        """Whether something could be compared, and nothing differs."""
        return bool(self.counts[SAME_BITS] + self.counts[WITHIN]) and not (self.counts[DIFFERENT] or self.shifted)

    def conclusion(self) -> str:
        """Say in a sentence whether the rerun reproduces ours."""
        counts = self.counts
        compared = counts[SAME_BITS] + counts[WITHIN] + counts[DIFFERENT]
        if not compared:
            return f"{self.suite}: your rerun cannot be held against ours: {self._listed()}."
        how = "to the last bit" if counts[SAME_BITS] == compared else "within the spread between runs"
        text = f"reproduces ours {how}" if self.reproduces else "does not reproduce ours"
        text = f"{self.suite}: your rerun {text}: {self._listed()}"
        if math.isfinite(self.shift.error):
            low, high = (math.exp(end) for end in (self.shift.low, self.shift.high))
            text += (
                f"; where bits differ, your FIDs are on average {math.exp(self.shift.value):.2f} times ours"
                f" [{low:.2f}, {high:.2f}]" + (f", p = {self.shift.p:.1g}" if self.shifted else "")
            )
        return text + "."

    def _listed(self) -> str:
        different = [found.configuration.name for found in self.configurations if found.status == DIFFERENT]
        return f"of {len(self.configurations)} configurations " + ", ".join(
            f"{n} {status}" + (f" ({', '.join(different)})" if status == DIFFERENT else "")
            for status, n in self.counts.items()
        )


def held_against(yours: Results, ours: Results, revision: str) -> Rerun:
    """Hold results against others of the same suite, which are called by their revision.

    Raises:
        RunError: none of these runs is another than ours.
    """
    same = _same_runs(yours, ours)
    found = [row for c in yours.configurations if (row := _compared(c, yours, ours, same))]
    if not any(row.status != NOT_COMPARED for row in found):
        raise RunError(
            f"results/{yours.suite}: no run of your own beside those of {revision}, all are as committed there. Make some with: make"
            f" {yours.suite}. Where yours are committed already, name the commit before them: --against"
        )
    tested = [(row, name) for row in found if row.status == WITHIN for name in row.p]
    corrected = holm([row.p[name] for row, name in tested])
    for (row, name), p in zip(tested, corrected, strict=True):
        row.p[name] = p
    found = [replace(row, status=DIFFERENT) if min(row.p.values(), default=1.0) < LEVEL / 2 else row for row in found]
    shift = mean_difference([row.fid for row in found if row.status in (WITHIN, DIFFERENT)])
    return Rerun(yours.suite, revision, found, shift, (yours.provenance, ours.provenance))


def check_summarised(results: Results) -> None:
    """Raise RunError where runs or measures on this disk are others than those of the summary: it is still of earlier ones."""
    for name, kind in {"curves": "runs", "fid": "fid", "sparsity": "sparsity"}.items():
        summary = _by_run(getattr(results, name))
        for run, rows in _by_run(read_table(results.configurations, kind, name)).items():
            if rows != summary.get(run):
                raise RunError(
                    f"results/{results.suite}/summary is not of the results beside it: {name} of {run[0]}, seed {run[1]}, differ."
                    f" Renew it with: dvc repro summary@{results.suite}"
                )


@contextmanager
def committed(results: Results, revision: str) -> Iterator[tuple[Results, str]]:
    """Have what a revision of git holds of the same suite, and the commit that it names.

    Raises:
        RunError: there is no git, no such revision, or nothing of this suite in it.
    """
    suite = f"results/{results.suite}"
    command = ["git", "archive", "--format=tar", revision, "--", f"{suite}/summary", f"{suite}/provenance"]
    try:
        archive = subprocess.run(command, cwd=project_root(), capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", None) or str(error).encode()).decode(errors="replace")
        raise RunError(
            f"{suite} as committed in {printable(revision)} is not to be had from git: {printable(' '.join(said.split()))[:300]}."
            " compare needs a git repository with committed results of this suite."
        ) from None
    with TemporaryDirectory() as name, tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(name, filter="data")
        folder = Path(name) / suite
        paths = {table: summary_path(folder / "summary", table) for table in TABLES}
        tables = {
            table: read_rows(path) if path.is_file() else getattr(results, table)[:0] for table, path in paths.items()
        }
        provenance = {path.stem: read_json(path) for path in folder.glob("provenance/*.json")}
        yield replace(results, provenance=provenance, folder=folder / "summary", **tables), tar.pax_headers["comment"]


def _compared(c: Configuration, yours: Results, ours: Results, same_runs: set[tuple[str, int]]) -> Compared | None:
    """Compare a configuration, without the tests' correction: what it has to be held against the spread is WITHIN so far."""
    seeds, theirs = _seeds(yours, c), _seeds(ours, c)
    if not seeds and not theirs:
        return None
    common = seeds & theirs
    same = {seed for seed in common if (c.name, seed) in same_runs}
    own = {seed for seed in seeds if seed not in same or _noted(yours, c, seed) != _noted(ours, c, seed)}
    a, b = _side(yours, c, own), _side(ours, c, theirs)
    fid = difference(np.log(a.fid), np.log(b.fid))
    sparsity = difference(a.sparsity, b.sparsity) if c.model in SASTM_MODELS else difference([], [])
    status, note, p = WITHIN, "", {}
    if not own or not theirs:
        status, note = NOT_COMPARED, "not run here" if not seeds else "not in ours" if not theirs else "as committed"
    elif changed := _other_settings(yours, ours, c):
        status, note = OTHER_SETTINGS, ", ".join(changed)
    elif own & common and own & common <= same:
        status = SAME_BITS
    else:
        counts = [[side.runs.diverged, side.runs.finished] for side in (a, b)]
        diverged = float(fisher_exact(counts).pvalue) if a.runs.diverged + b.runs.diverged else math.nan
        p = {"fid": fid.p, "sparsity": sparsity.p, "diverged": diverged}
        p = {name: value for name, value in p.items() if not math.isnan(value)}
        status = WITHIN if p else TOO_FEW
    if more := sorted(own - theirs) if theirs else []:
        note = "; ".join(filter(None, [note, f"seeds of yours alone: {', '.join(map(str, more))}"]))
    return Compared(c, status, a, b, fid, sparsity, len(same & own), len(own & common), note, p)


def _seeds(results: Results, c: Configuration) -> set[int]:
    return {int(seed) for seed in results.rows(results.runs, c)["seed"]}


def _same_runs(yours: Results, ours: Results) -> set[tuple[str, int]]:
    """Return the runs, as configuration and seed, that have every number alike, in the columns that both sides have."""
    same = set(_by_run(yours.runs)) & set(_by_run(ours.runs))
    for name in BITS:
        tables = getattr(yours, name), getattr(ours, name)
        columns = [column for column in tables[0] if column in tables[1]]
        a, b = (_by_run(table[columns]) for table in tables)
        same = {run for run in same if a.get(run) == b.get(run)}
    return same


def _by_run(table: pd.DataFrame) -> dict[tuple[str, int], list[tuple]]:
    """Return the rows of each run; a number that is not there is None, which is equal to itself."""
    rows = table.astype(object).where(table.notna(), None).itertuples(index=False, name=None)
    found: dict[tuple[str, int], list[tuple]] = {}
    for configuration, seed, row in zip(table["configuration"], table["seed"], rows, strict=True):
        found.setdefault((configuration, int(seed)), []).append(row)
    return found


def _noted(results: Results, c: Configuration, seed: int) -> Any:
    """When and where a run was made, as far as its provenance says."""
    noted = results.provenance.get(c.name, {})
    return noted.get("runs", {}).get(str(seed)) or noted.get("finished")


def _side(results: Results, c: Configuration, seeds: Collection[int]) -> Side:
    runs = results.rows(results.runs, c)
    own = replace(results, runs=runs[runs["seed"].isin(seeds)])  # which of a table's rows count, the runs say
    return Side(own.primary(c).to_numpy(float), own.sparsity_of(c).to_numpy(float), own.count(c))


def _other_settings(yours: Results, ours: Results, c: Configuration) -> Sequence[str]:
    noted = (flatten(r.provenance.get(c.name, {}).get("settings", {})) for r in (ours, yours))
    return differences(*({k: v for k, v in of.items() if k not in SAME_DISTRIBUTION} for of in noted))
