"""A trained run as a model folder: weights with their configuration inside, and the model card; those that git holds."""

import re
import shutil
from pathlib import Path
from typing import Any

from selfsparse.config import Configuration
from selfsparse.errors import DataError
from selfsparse.files import read_json, reading
from selfsparse.hub.card import FOLDER, Rows, model_card
from selfsparse.hub.generator import WEIGHTS, TrainedGenerator, load_generator
from selfsparse.paths import provenance_file, result_dir, suite_dir
from selfsparse.results.reading import load_results, read_rows
from selfsparse.results.summary import extractor_name


def export_run(
    configuration: Configuration, seed: int, which: str, folder: Path, chosen_from: int = 1
) -> TrainedGenerator:
    """Write model.safetensors and README.md, the card, into `folder`; return the generator.

    Args:
        seed: of the run.
        which: `best` or `last` generator of its training.
        folder: new, empty, or a model folder, which is written anew.
        chosen_from: of how many runs it is the best, for the card.

    Raises:
        DataError: the run or the generator is not there, or the folder holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / WEIGHTS).is_file():
        raise DataError(f"{folder} holds other files and no {WEIGHTS}; name a new folder")
    run_dir = result_dir(configuration.suite, "runs", configuration.name) / f"seed{seed}"
    stage = f"train@{configuration.name}"
    run = _json(run_dir / "run.json", stage)
    if run is None:
        raise DataError(f"{run_dir} holds no run; make it with: dvc repro -s {stage}")
    if which == "last" and run["status"] == "diverged":
        raise DataError(f"{run_dir}: the run diverged and left no last generator; export the best one")
    generator = load_generator(run_dir / f"{which}.safetensors")
    generator.card = model_card(
        generator.configuration,
        where=folder.name if re.fullmatch(r"[\w.-]+", folder.name) else FOLDER,  # it becomes a line of code
        which=which,
        chosen_from=chosen_from,
        run=run,
        extractor=extractor_name(configuration),
        provenance=_json(provenance_file(configuration.suite, configuration.name), stage),
        fid=_rows(configuration, "fid", seed, generator=which),
        # Sparsity is measured on the best generator alone.
        sparsity=_rows(configuration, "sparsity", seed)
        if which == "best" or run["best_step"] == run["steps"]
        else None,
    )
    generator.write(folder)
    return generator


def _json(path: Path, stage: str) -> dict[str, Any] | None:
    with reading(path, stage):
        return read_json(path) if path.is_file() else None


def _rows(configuration: Configuration, kind: str, seed: int, **values: str) -> Rows | None:
    """Return the rows of a run in one of its configuration's CSV files, or None where that was not measured."""
    path = result_dir(configuration.suite, kind, configuration.name) / f"{kind}.csv"
    if not path.is_file():
        return None
    with reading(path, f"measure@{configuration.name}"):
        rows: Rows = read_rows(path).to_dict("records")
        return [row for row in rows if all(row[name] == value for name, value in {"seed": seed, **values}.items())]


def publish(suite: str) -> None:
    """Write the best generators of a suite's main pairs, a model folder with its card each: results/<suite>/generators/<name>/.

    Of a configuration's runs it is the one with the lowest primary outcome (`Results.primary`).

    Raises:
        DataError: no run of these pairs has been measured, or its weights are not on this disk.
    """
    from selfsparse.analysis.comparisons import main_pairs

    results, folder, written = load_results(suite), suite_dir(suite) / "generators", set()
    for c in (c for pair in main_pairs(results) for c in pair.both):
        fids = results.primary(c)
        if len(fids):
            export_run(c, int(fids.idxmin()), "best", folder / c.name, chosen_from=len(fids))
            written.add(c.name)
    if not written:
        raise DataError(
            f"{suite}: no run of its main pairs has been measured; make them with: dvc repro summary@{suite}"
        )
    for old in folder.iterdir():
        if old.name not in written:
            shutil.rmtree(old)
