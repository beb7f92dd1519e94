"""The final measures of a configuration's trained generators: a folder for each seed, and tables of all of them."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from selfsparse.config import Configuration, Settings
from selfsparse.device import enough_memory_to_measure, one_thread
from selfsparse.files import atomic_path, read_csv, write_csv
from selfsparse.kept_seeds import KeptSeeds
from selfsparse.made_from import note
from selfsparse.paths import checkpoint_dir
from selfsparse.pool import Job, run_jobs
from selfsparse.training.lock import hold


@dataclass(frozen=True)
class FinalMeasure:
    """What is measured of each run once.

    Attributes:
        kind: its folder, results/<suite>/<kind>/<configuration>/.
        shape: returns everything that shapes the files of a run, as a flat dictionary of plain values.
        write: writes the files of a run into a folder.
        tables: columns by table; <table>.csv holds the rows of one run, and there is one of all runs.
        picture: a file of the first run that has one, which stands for all.
        says: a line about a row of the table named here.
    """

    kind: str
    shape: Callable[[Settings, Configuration, int, torch.device], dict[str, Any]]
    write: Callable[[Settings, Configuration, int, torch.device, Path], None]
    tables: dict[str, list[str]]
    picture: str
    says: tuple[str, Callable[[dict[str, str]], str]]


def measure_configuration(
    settings: Settings, configuration: Configuration, device: torch.device, measures: Sequence[FinalMeasure]
) -> int:
    """Take measures of all seeds of a configuration: on a CPU `parallel_seeds` at a time, each in a process of its own.

    A seed that was measured from the same weights is not measured again.

    Returns:
        0, or INTERRUPTED where it was asked to stop; seeds that were done are kept then.

    Raises:
        DataError: something that they need is missing or damaged.
        DeviceError: memory is used up.
        RunError: a process failed, and has said why; or another one measures this configuration, and did not end.
    """
    lock = checkpoint_dir(configuration.name).with_suffix(".measure.lock")
    with hold(lock, configuration.name, doing="measuring"):
        seeds, jobs = configuration.train.seeds, []
        results = []
        for measure in measures:
            shapes = {seed: measure.shape(settings, configuration, seed, device) for seed in seeds}
            results.append(KeptSeeds(configuration, measure.kind, shapes))
            print(results[-1].describe(f"measures {measure.kind} of"), flush=True)
        for seed in seeds:
            wanted = [
                (measure.write, kept.path(seed), kept.shapes[seed])
                for measure, kept in zip(measures, results, strict=True)
                if seed in kept.reasons
            ]
            if wanted:
                jobs.append(Job(f"seed {seed}", measure_run, (settings, configuration, seed, device, wanted)))
        at_once = min(configuration.train.parallel_seeds, len(jobs)) if device.type == "cpu" else 1
        if at_once > 1:
            if code := run_jobs(jobs, at_once, configuration.name, forked=True):
                return code
        else:
            for job in jobs:
                job.work(*job.arguments)
        for measure, kept in zip(measures, results, strict=True):
            _join(measure, kept, configuration)
        return 0


@one_thread()
def measure_run(
    settings: Settings,
    configuration: Configuration,
    seed: int,
    device: torch.device,
    wanted: Sequence[tuple[Callable[..., None], Path, dict[str, Any]]],
) -> None:
    """Take measures of one run: what writes each, its folder, and its shape, which is noted there at last."""
    what = f"network {configuration.network_name} of {configuration.name}"
    with enough_memory_to_measure(what, settings.fid.batch_size):
        for write, folder, shape in wanted:
            write(settings, configuration, seed, device, folder)
            note(folder, shape)


def _join(measure: FinalMeasure, kept: KeptSeeds, configuration: Configuration) -> None:
    """Write the tables of all seeds, put all in its place, and say what was found."""
    folders = [kept.there(seed) for seed in configuration.train.seeds]
    joined = {name: [row for folder in folders for row in read_csv(folder / f"{name}.csv")] for name in measure.tables}
    for name, rows in joined.items():
        write_csv(kept.staging / f"{name}.csv", measure.tables[name], rows)
    if pictures := [path for folder in folders if (path := folder / measure.picture).is_file()]:
        with atomic_path(kept.staging / measure.picture) as partial:
            shutil.copyfile(pictures[0], partial)
    kept.finish()
    table, line = measure.says
    for row in joined[table]:
        print(f"{configuration.name} seed {row['seed']}{line(row)}")
