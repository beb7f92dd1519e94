"""What a suite costs, what of it is done, and how long the rest takes on this machine, as a table."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import pandas as pd

from selfsparse.config import Configuration, Settings, Train
from selfsparse.errors import UserError
from selfsparse.inputs import inputs_md5
from selfsparse.paths import project_root, result_dir
from selfsparse.planning.calibration import Machine, calibrate
from selfsparse.planning.cost import extractor_flops, step_cost
from selfsparse.results.text import duration
from selfsparse.stages import read_records

WIDTH = 80  # columns of the text around the tables
SUSTAINED = 100e12  # FLOP/s, for the arithmetic of a GPU that is not here
LEGEND = (
    "training, features: FLOPs of all runs; memory: of the runs that train side by side, the largest in the total;"
    " images: generated for FIDs; done: runs, m with FIDs and sparsity, as results/ has them (`dvc status` also looks at code"
    " and data); time: of what is left on this machine, an estimate. Notebooks and report come on top."
)


def plan_text(settings: Settings, suites: Sequence[str]) -> str:
    """Return what some suites cost: of each a table, what its times come from, and the sum.

    Raises:
        SettingsError: for a suite that params.yaml does not have.
        UserError: a suite without configurations.
    """
    import torch

    chosen = {suite: settings.suite(suite) for suite in suites}
    if empty := [suite for suite, configurations in chosen.items() if not configurations]:
        raise UserError(f"params.yaml: suite {empty[0]} has no configurations")
    machines: dict[tuple[str, int, str], Machine] = {}
    lines = []
    for suite, configurations in chosen.items():
        train = configurations[0].train
        device = "cuda" if torch.cuda.is_available() and train.device != "cpu" else "cpu"
        key = device, train.threads, train.precision if device == "cuda" else ""
        if key not in machines:
            alike = [c for cs in chosen.values() for c in cs if _runs_like(c, train, device)]
            machines[key] = calibrate(alike, torch.device(device), settings.fid.precision)
        table = costs(settings, configurations, machines[key])
        lines += [f"Suite {suite}", "", *wrap(_machine_text(machines[key], train), WIDTH), ""]
        lines += [_shown(table).to_string(), "", *wrap(_sum_text(table, device, train.device), WIDTH), ""]
    return "\n".join([*lines, *wrap(LEGEND, WIDTH)])


def _runs_like(c: Configuration, train: Train, device: str) -> bool:
    """Whether the steps of a configuration are timed together with those of the settings `train`."""
    if (c.train.device == "cpu") != (train.device == "cpu") and device == "cuda":
        return False
    return c.train.threads == train.threads and (device == "cpu" or c.train.precision == train.precision)


def costs(settings: Settings, configurations: Sequence[Configuration], machine: Machine) -> pd.DataFrame:
    """Return a row for each configuration.

    Of each, all runs together: `training_flops` of all generator steps; `feature_flops` of the features of all `images`, their
    making included; `memory_bytes` of the runs that train side by side, without the images and what libraries take for
    themselves; `images` generated for FIDs, during training and at the end; `runs_done`, in words `done`; `training_seconds`,
    `feature_seconds` of all of it, `remaining_seconds` of what is not done, process starts included.
    """
    locked = read_records(project_root())
    rows = [_cost(c, machine, *_done(settings, c, locked)) for c in configurations]
    return pd.DataFrame(rows, index=[c.name for c in configurations])


def image_count(c: Configuration) -> int:
    """Images that all runs of a configuration generate for FIDs.

    A run measures the small sample at step 0, at every `evaluate_every`-th step and at the last one; its best and its
    last generator are measured again at both sample counts.
    """
    small, large = c.extractor.samples
    evaluations = 1 + -(-c.train.steps // c.train.evaluate_every)
    return len(c.train.seeds) * (evaluations * small + 2 * (small + large))


def _cost(c: Configuration, machine: Machine, runs_done: int, measured: bool, done: str) -> dict[str, Any]:
    step, runs, images = step_cost(c), len(c.train.seeds), image_count(c)
    side_by_side = min(c.train.parallel_seeds, runs)
    # On a GPU the runs share its arithmetic, and are counted one after another; on CPU cores, as many run as find a core.
    at_once = 1 if machine.device == "cuda" else min(side_by_side, max(1, machine.cores // c.train.threads))
    training_seconds = runs * c.train.steps * machine.step_seconds(step) / at_once
    per_image = step.image_flops + extractor_flops(c.extractor.extractor, c.dataset.channels, c.dataset.resolution)
    final = runs * 2 * sum(c.extractor.samples) / images  # the share of the images that belongs to stage measure
    measuring = images * per_image / machine.feature_rate / at_once
    left = (1 - runs_done / runs) * (training_seconds + (1 - final) * measuring) + (not measured) * final * measuring
    stages = (runs_done < runs) + (not measured)
    return {
        "runs": runs,
        "training_flops": float(runs * c.train.steps * step.flops),  # a suite's sum may be beyond 64 bits
        "feature_flops": images * per_image,
        "memory_bytes": side_by_side * step.memory_bytes,
        "images": images,
        "runs_done": runs_done,
        "done": done,
        "training_seconds": training_seconds,
        "feature_seconds": measuring,
        "remaining_seconds": left + stages * machine.start_seconds,
    }


def _done(settings: Settings, c: Configuration, locked: Mapping[str, Any]) -> tuple[int, bool, str]:
    """What of a configuration lies in results/: finished or diverged runs, whether they are measured, and both in words.

    What was made from other settings or by other code, as dvc.lock recorded them, is `changed`, and does not count.
    """
    folders = {kind: result_dir(c.suite, kind, c.name) for kind in ("runs", "fid", "sparsity")}
    runs = sum((folders["runs"] / f"seed{seed}" / "run.json").is_file() for seed in c.train.seeds)
    recorded = {dep["path"]: dep.get("md5") for dep in locked.get(f"train@{c.name}", {}).get("deps", [])}
    known = recorded.get(f"data/inputs/train/{c.name}.json")
    if runs and known not in (None, inputs_md5(settings, "train", c.name)):
        return 0, False, "changed"
    measured = all((folders[kind] / f"{kind}.csv").is_file() for kind in ("fid", "sparsity"))
    return runs, measured, f"{runs}{' m' * measured}" if runs else "-"


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """A table with its total, in words."""
    whole = table.copy()
    whole.loc["total"] = table.sum()
    whole.loc["total", "memory_bytes"] = table.memory_bytes.max()
    whole.loc["total", "done"] = f"{table.runs_done.sum()}/{table.runs.sum()}"
    shown = {
        "training": [f"{si(flops)}F" for flops in whole.training_flops],
        "features": [f"{si(flops)}F" for flops in whole.feature_flops],
        "memory": [f"{size / 2**30:.2f} GiB" for size in whole.memory_bytes],
        "images": [si(count).replace(" ", "") for count in whole.images],
        "done": whole.done,
        "time": whole.remaining_seconds.map(duration),
    }
    return pd.DataFrame(shown, whole.index).rename_axis(columns="configuration")


def _machine_text(machine: Machine, train: Train) -> str:
    precision = f", {train.precision}" if machine.device == "cuda" else ""
    text = (
        f"{machine.name}, {machine.cores} cores{precision}: matrix product {si(machine.ceiling)}FLOP/s,"
        f" features {si(machine.feature_rate)}FLOP/s, training {si(machine.step_rate)}FLOP/s and"
        f" {machine.seconds_per_operation * 1e6:.0f} µs an operation."
    )
    here = train.device == "cpu" or machine.device == "cuda"
    return text if here else f"{text} No CUDA GPU here: times are for this CPU."


def _sum_text(table: pd.DataFrame, device: str, wanted: str) -> str:
    training, features = table.training_flops.sum(), table.feature_flops.sum()
    text = (
        f"{table.runs.sum()} runs: {training / 1e18:.3g} EFLOP of training and {features / 1e18:.3g} EFLOP of features; all of it"
        f" takes about {duration(table.training_seconds.sum() + table.feature_seconds.sum())} here, what is left"
        f" {duration(table.remaining_seconds.sum())}."
    )
    if wanted == "cuda" and device == "cpu":
        hours = (training + features) / SUSTAINED / 3600
        text += f" A GPU that sustains {si(SUSTAINED)}FLOP/s would need {hours:.3g} h."
    return text


def si(value: float) -> str:
    """Return three digits and a prefix: `7.75 E`, `640 G`."""
    for factor, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{float(f'{value / factor:.3g}'):g} {prefix}"
    return f"{value:.3g} "
