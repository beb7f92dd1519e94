"""What a suite has measured, as small files for git: all that the notebooks read."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from selfsparse.config import Configuration, Settings
from selfsparse.errors import DataError
from selfsparse.files import atomic_path, read_json, reading, write_json, write_text
from selfsparse.paths import extractor_dir, project_root, result_dir, suite_dir
from selfsparse.results.arrays import arrays_path, write_arrays
from selfsparse.results.reading import ACCURACIES, extractor_names, mean_sparsity, read_rows, summary_path
from selfsparse.results.rows import COLUMNS
from selfsparse.results.sheets import write_sheets

FID_DIGITS, SPARSITY_DIGITS = 2, 4  # of summary.json, which `dvc metrics diff` prints
# file in summary/: the kind of results whose files of this name it joins
TABLES = {"curves": "runs", "mechanism": "runs", "fid": "fid"} | dict.fromkeys(
    ("sparsity", "compact", "dead_channels"), "sparsity"
)
STAGES = {"runs": "train", "fid": "measure", "sparsity": "measure"}  # what makes a kind of results
# in summary/, sheets of images or a file of arrays: kind of results, its file; of several seeds, the first
SHEETS = {"progress": ("runs", "seed*/progress.png"), "samples": ("fid", "samples.png")}
ARRAYS = {"coefficients": ("runs", "seed*/coefficients.npz"), "feature_maps": ("sparsity", "feature_maps.npz")}


def summarise(settings: Settings, suite: str) -> tuple[list[str], list[str]]:
    """Write results/<suite>/summary/ and summary.json from whatever has been run; nothing is filled in.

    The names come from params.yaml: leftovers of renamed configurations are ignored.

    Returns:
        The configurations with results, and those without.

    Raises:
        DataError: dvc.lock records a result that is not on this disk; the committed summary would lose it.
    """
    configurations = settings.suite(suite)
    check_nothing_lost(configurations)
    folder = suite_dir(suite) / "summary"
    tables = {name: read_table(configurations, kind, name) for name, kind in TABLES.items()}
    runs = [_json(path, f"train@{c.name}") for c in configurations for path in _seed_files(c, "run.json").values()]
    tables["runs"] = pd.DataFrame(runs, columns=COLUMNS["runs"])
    for name, table in tables.items():
        with atomic_path(path := summary_path(folder, name)) as partial:
            table.to_csv(partial, index=False, lineterminator="\n", compression="xz" if path.suffix == ".xz" else None)
    own = {summary_path(folder, name) for name in (*tables, "correlation")} | {arrays_path(folder, k) for k in ARRAYS}
    for old in {*folder.glob("*.csv*"), *folder.glob("*.npz*")} - own:
        old.unlink()
    pictured = configurations if settings.figures[suite] else []
    for kind, what in SHEETS.items():
        write_sheets(folder, kind, _first_files(pictured, *what), STAGES[what[0]])
    for kind, what in ARRAYS.items():
        arrays = {}
        for c, path in _first_files(pictured, *what).items():
            with reading(path, f"{STAGES[what[0]]}@{c.name}"), np.load(path) as file:
                arrays[c.name] = dict(file)
        write_arrays(folder, kind, arrays)
    extractors = {c.name: extractor_name(c) for c in configurations if _seed_files(c, "run.json")}
    write_json(folder / "extractors.json", extractors)
    write_json(folder / ACCURACIES, _accuracies(configurations, folder / ACCURACIES))
    correlation = suite_dir(suite) / "correlation.csv"
    if correlation.is_file():
        write_text(folder / "correlation.csv", correlation.read_text(encoding="utf-8"))
    write_json(suite_dir(suite) / "summary.json", _metrics(configurations, tables, settings.sparsity.counted_stages))
    done = set(tables["runs"]["configuration"])
    return [c.name for c in configurations if c.name in done], [c.name for c in configurations if c.name not in done]


def _first_files(configurations: list[Configuration], kind: str, pattern: str) -> dict[Configuration, Path]:
    """Return each configuration's file of this pattern, of several seeds' the first: seed2 before seed10."""
    found = {}
    for c in configurations:
        paths = sorted(result_dir(c.suite, kind, c.name).glob(pattern), key=lambda path: (len(str(path)), path))
        if paths:
            found[c] = paths[0]
    return found


def check_nothing_lost(configurations: Sequence[Configuration]) -> None:
    """Raise DataError where dvc.lock records a result that is not on this disk: what git holds would be overwritten."""
    lock = project_root() / "dvc.lock"
    recorded = (
        set(re.findall(r"^  measure@([^:\s]+):", lock.read_text(encoding="utf-8"), re.M)) if lock.is_file() else set()
    )
    lost = [
        c.name
        for c in configurations
        if c.name in recorded and not (result_dir(c.suite, "fid", c.name) / "fid.csv").is_file()
    ]
    if lost:
        raise DataError(
            f"dvc.lock records results that are not on this disk: {', '.join(lost)}.\n"
            "The summary and the correlation stay as they are. To go on with these:"
            f" dvc repro --allow-missing report@{configurations[0].suite}\n"
            f"Restore the results with `dvc checkout` or `dvc pull`, or make them with `dvc repro measure@{lost[0]}`."
        )


def extractor_name(c: Configuration) -> str:
    """Return the name of the features that a configuration is measured under, as whoever prepared them wrote it.

    That of custom Inception weights is in no setting. Where the extractor is not on this disk, an earlier summary says it.
    """
    path = extractor_dir(c.extractor_key) / "extractor.json"
    if path.is_file():
        return _json(path, f"extractor@{c.extractor_key}")["extractor"]
    return extractor_names(c.suite).get(c.name, c.extractor.extractor)


def _accuracies(configurations: list[Configuration], earlier: Path) -> dict[str, float]:
    """Return the held-out accuracy of each classifier that makes features; of one that is not on this disk, as it was written."""
    found = read_json(earlier) if earlier.is_file() else {}
    for key in dict.fromkeys(c.extractor_key for c in configurations):
        path = extractor_dir(key) / "extractor.json"
        if path.is_file() and (accuracy := _json(path, f"extractor@{key}").get("held_out_accuracy")) is not None:
            found[key] = accuracy
    return {key: found[key] for key in dict.fromkeys(c.extractor_key for c in configurations) if key in found}


def _json(path: Path, stage: str) -> dict:
    with reading(path, stage):
        return dict(read_json(path))


def _csv(path: Path, stage: str) -> pd.DataFrame:
    with reading(path, stage):
        return read_rows(path)


def read_table(configurations: Sequence[Configuration], kind: str, name: str) -> pd.DataFrame:
    """Return <name>.csv of all configurations from a kind of results, of `runs` of all their seeds, as one table."""
    parts = []
    for c in configurations:
        if kind == "runs":
            read = [
                _csv(path, f"train@{c.name}").assign(seed=seed) for seed, path in _seed_files(c, f"{name}.csv").items()
            ]
        else:
            path = result_dir(c.suite, kind, c.name) / f"{name}.csv"
            read = [_csv(path, f"{STAGES[kind]}@{c.name}")] if path.is_file() else []
        # Columns that are empty for one model (alpha_zero of the baseline) would lose their type in a concatenation.
        parts += [
            part.assign(configuration=c.name).astype({k: "float64" for k in part if part[k].isna().all()})
            for part in read
            if len(part)
        ]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return table.reindex(columns=COLUMNS[name])


def _seed_files(c: Configuration, name: str) -> dict[int, Path]:
    paths = {seed: result_dir(c.suite, "runs", c.name) / f"seed{seed}" / name for seed in c.train.seeds}
    return {seed: path for seed, path in paths.items() if path.is_file()}


def sample_label(count: int) -> str:
    """Return a sample count as the field writes it: 5000 -> 5k, 1797 -> 1797."""
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)


def metric_name(c: Configuration) -> str:
    """Return a configuration's name in the metrics of its suite: without the suite, which the file's path says."""
    return c.name.removesuffix(f"-{c.suite}")


def _metrics(
    configurations: list[Configuration], tables: dict[str, pd.DataFrame], counted_stages: str
) -> dict[str, dict[str, float]]:
    """Per configuration: FIDs, their spread over seeds, sparsity, and how many runs these come from."""
    metrics = {}
    rows = {name: dict(iter(table.groupby("configuration"))) for name, table in tables.items()}
    for c in configurations:
        own = {name: rows[name].get(c.name, table[:0]) for name, table in tables.items()}
        if own["runs"].empty:
            continue
        finished = own["runs"][own["runs"]["status"] == "finished"]
        fids: dict[str, float] = {"fid_lowest": finished["best_fid"].mean()}  # of a training: the paper's (U42)
        for count, group in own["fid"][own["fid"]["generator"] == "best"].groupby("n_fake"):
            fids[f"fid_{sample_label(count)}"] = group["fid"].mean()
            fids[f"fid_{sample_label(count)}_std"] = group["fid"].std(ddof=1)
        values = {key: round(float(fid), FID_DIGITS) for key, fid in fids.items() if pd.notna(fid)}
        sparsity = mean_sparsity(own["sparsity"], counted_stages).mean()  # Eq. 15
        values |= {"sparsity": round(float(sparsity), SPARSITY_DIGITS)} if pd.notna(sparsity) else {}
        metrics[metric_name(c)] = values | {"runs": len(own["runs"]), "diverged": len(own["runs"]) - len(finished)}
    return metrics
