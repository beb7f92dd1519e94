"""All seeds of a configuration, side by side: on a CPU each in a process of its own, on a GPU in one process together."""

import shutil
import sys
import time
from pathlib import Path

from selfsparse.config import Configuration, Settings
from selfsparse.data.packed import load_packed
from selfsparse.device import choose_device
from selfsparse.errors import RunError
from selfsparse.files import read_json, write_json
from selfsparse.kept_seeds import KeptSeeds
from selfsparse.limits import check_batch
from selfsparse.paths import checkpoint_dir, packed_dir, result_dir
from selfsparse.pool import INTERRUPTED, Job, import_meanwhile, run_jobs
from selfsparse.provenance import note_training
from selfsparse.recorded import put_back
from selfsparse.training.fingerprint import fingerprint
from selfsparse.training.lock import hold


def train_configuration(settings: Settings, configuration: Configuration) -> int:
    """Train the seeds of a configuration, `parallel_seeds` at a time, and write results/<suite>/runs/<name>/.

    A seed whose results are there, whole, and as today's settings, data and code would make them, is kept, not trained.

    Returns:
        0, or INTERRUPTED where the runs were asked to stop; they have saved their states then.

    Raises:
        DeviceError: the settings ask for a GPU that is not there.
        DataError, SettingsError: images, extractor or references are not prepared, or the dataset has fewer images than a batch.
        RunError: a run failed; those in other processes were stopped, with their states saved. Or another process is
            training this configuration, or has removed results of it meanwhile.
    """
    put_back(result_dir(configuration.suite, "runs", configuration.name))  # first: whatever comes, it stays then
    import_meanwhile("selfsparse.training.loop")
    device = choose_device(configuration.train.device, configuration.suite)
    check_batch(configuration, len(load_packed(packed_dir(configuration.dataset_key)).images))
    # Beside the folder of the states, which goes at the end. Each run has a lock too: it may outlive this process.
    folder = checkpoint_dir(configuration.name)
    with hold(folder.with_name(f"{folder.name}.lock"), configuration.name):
        shapes = {seed: fingerprint(settings, configuration, seed, device) for seed in configuration.train.seeds}
        kept = KeptSeeds(configuration, "runs", shapes)
        print(kept.describe("trains"), flush=True)
        if kept.reasons and (code := _train_seeds(settings, configuration, kept, device)):
            return code
        _finish(configuration, kept, device)
        return 0


def _train_seeds(settings: Settings, configuration: Configuration, kept: KeptSeeds, device: str) -> int:
    started = time.monotonic()
    shares, at_once = shares_of(tuple(kept.reasons), configuration.train.parallel_seeds, device)
    jobs = []
    for seeds in shares:
        arguments = (settings, configuration, seeds, device, kept.staging, list(kept.reasons).index(seeds[0]))
        jobs.append(Job(f"seed {', '.join(map(str, seeds))}", _train, arguments))
    try:
        return run_jobs(jobs, at_once, configuration.name)
    finally:
        _add_seconds(configuration, time.monotonic() - started)


def shares_of(seeds: tuple[int, ...], side_by_side: int, device: str) -> tuple[list[tuple[int, ...]], int]:
    """Return the seeds of each process, and how many processes run at a time, so that `side_by_side` runs do.

    A GPU is shared best from one process; several would take turns on it. CPU cores are shared best by processes.
    """
    together, at_once = (side_by_side, 1) if device == "cuda" else (1, side_by_side)
    return [seeds[i : i + together] for i in range(0, len(seeds), together)], at_once


def _train(
    settings: Settings, configuration: Configuration, seeds: tuple[int, ...], device: str, results: Path, position: int
) -> int:
    """What a process of one or several runs does; returns its exit code."""
    import torch

    from selfsparse.training.loop import Interrupted, train_runs

    try:
        train_runs(settings, configuration, seeds, torch.device(device), position, results)
    except Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED
    return 0


def _add_seconds(configuration: Configuration, seconds: float) -> None:
    """Add an attempt's wall time to those of the attempts before it; a killed one is not in it."""
    write_json(checkpoint_dir(configuration.name) / "seconds.json", seconds + _seconds(configuration))


def _seconds(configuration: Configuration) -> float:
    path = checkpoint_dir(configuration.name) / "seconds.json"
    return read_json(path) if path.is_file() else 0.0


def _finish(configuration: Configuration, kept: KeptSeeds, device: str) -> None:
    """Put the results in their place, write the provenance of those that are new, and drop the checkpoints.

    Raises:
        RunError: results that were kept are gone meanwhile.
    """
    if kept.new:
        note_training(configuration, device, _seconds(configuration), kept.new)
    # A DVC that is started meanwhile removes the folder before its own training waits for this one's lock.
    if gone := kept.finish():
        raise RunError(
            f"{configuration.name}: results of seed {', '.join(map(str, gone))} are gone from {kept.folder}: a `dvc repro` that"
            " was started meanwhile removed them.\nRun the same command again: it trains what is missing."
        )
    shutil.rmtree(checkpoint_dir(configuration.name), ignore_errors=True)
