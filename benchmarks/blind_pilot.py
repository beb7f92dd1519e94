"""The blind pilot of docs/protocol.md: which rates, penalty weight and number of steps tell most per core-hour.

    SELFSPARSE_RAW_DATA=... dvc repro reference@mnist-32-lenet && python -m benchmarks.blind_pilot

Trains WGAN-GP and Self-Sparse GAN on MNIST with seeds that no suite counts, under a handful of settings. Of each setting it prints
the spread of the logarithm of the lowest FID between seeds within a model, pooled over both models, and what a run costs. It prints
and keeps no FID, so that no difference between the models is seen before the protocol stands. The score is variance times
core-hours: how long it takes to bring a mean to a given precision. A setting under which some run still has more than a tenth of
its untrained generator's FID is out: networks that learn nothing agree best.
"""

import json
import statistics
import sys
import tempfile
import time
from itertools import product
from math import log
from pathlib import Path

import torch

from benchmarks.harness import write_result
from selfsparse.config import Configuration, Settings, load_settings
from selfsparse.files import write_json
from selfsparse.pool import Job, run_jobs
from selfsparse.processes import usable_cpus
from selfsparse.training.loop import train_runs

PAIR = ("mnist-32-wgan_gp-laptop", "mnist-32-self_sparse-laptop")
SEEDS = (100, 101, 102)
STEPS = (1250, 2500)
# The paper prints the rates of its first row and no penalty weight (U2).
SETTINGS = {
    "rates x 1, lambda 10": {"generator_lr": 0.0001, "discriminator_lr": 0.0003, "penalty_weight": 10.0},
    "rates x 5, lambda 10": {"generator_lr": 0.0005, "discriminator_lr": 0.0015, "penalty_weight": 10.0},
    "rates x 5, lambda 1": {"generator_lr": 0.0005, "discriminator_lr": 0.0015, "penalty_weight": 1.0},
}
FIXED = {
    "steps": STEPS[-1],
    "batch_size": 32,
    "evaluate_every": 250,
    "snapshot_every": STEPS[-1],
    "checkpoint_every": 250,
}
TRAINED = 0.1  # of the untrained generator's FID


def with_setting(configuration: Configuration, number: int) -> Configuration:
    """Return a configuration under one of the settings, by a name of its own."""
    train = configuration.train.model_copy(update=FIXED | list(SETTINGS.values())[number])
    return configuration.model_copy(update={"name": f"pilot-{number}-{configuration.name}", "train": train})


def train(settings: Settings, configuration: Configuration, seed: int, folder: Path) -> None:
    """Train one run, and leave its curve and its CPU time in the folder."""
    before = time.process_time()
    (history,) = train_runs(settings, configuration, [seed], torch.device("cpu"), results=folder / configuration.name)
    curve = {point.step: point.fid for point in history.curve}
    write_json(folder / f"{configuration.name}-{seed}.json", {"curve": curve, "seconds": time.process_time() - before})


def score(folder: Path, number: int, steps: int, settings: Settings) -> dict[str, float | bool]:
    """Return the spread, cost and score of a setting up to a step."""
    variances, seconds, trained = [], [], True
    for name in PAIR:
        configuration, lowest = with_setting(settings.configuration(name), number), []
        for seed in SEEDS:
            run = json.loads((folder / f"{configuration.name}-{seed}.json").read_text(encoding="utf-8"))
            curve = {int(step): fid for step, fid in run["curve"].items()}
            lowest.append(min(fid for step, fid in curve.items() if step <= steps))
            trained &= lowest[-1] < TRAINED * curve[0]
            seconds.append(run["seconds"] * steps / STEPS[-1])
        variances.append(statistics.variance(map(log, lowest)))
    variance, hours = statistics.mean(variances), statistics.mean(seconds) / 3600
    return {"sd_of_log_fid": variance**0.5, "core_minutes": 60 * hours, "score": variance * hours, "trained": trained}


def main() -> int:
    """Train what is missing, then print the table and write it."""
    settings, folder = load_settings(), Path(tempfile.gettempdir()) / "blind_pilot"
    jobs = []
    for number, name, seed in product(range(len(SETTINGS)), PAIR, SEEDS):
        configuration = with_setting(settings.configuration(name), number)
        if not (folder / f"{configuration.name}-{seed}.json").is_file():
            jobs.append(Job(f"{configuration.name}, seed {seed}", train, (settings, configuration, seed, folder)))
    if code := run_jobs(jobs, usable_cpus(), "blind pilot"):
        return code
    rows = []
    for number, steps in product(range(len(SETTINGS)), STEPS):
        found = score(folder, number, steps, settings)
        rows.append({"setting": list(SETTINGS)[number], "steps": steps, **found})
        print(
            f"{rows[-1]['setting']}, {steps} steps: sd of log FID {found['sd_of_log_fid']:.3f}, {found['core_minutes']:.1f}"
            f" core-minutes a run, score {found['score']:.2e}{'' if found['trained'] else ', not trained'}"
        )
    write_result("blind_pilot", {"seeds": SEEDS, "fixed": FIXED, "settings": SETTINGS, "rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
