"""What a suite costs, what of it is done, and how long the rest takes on this machine: as numbers, and as a table."""

from collections.abc import Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from selfsparse.config import Configuration, Settings, Train
from selfsparse.errors import UserError
from selfsparse.inputs import inputs_md5
from selfsparse.paths import project_root, result_dir
from selfsparse.planning.calibration import Machine, calibrate
from selfsparse.planning.cost import extractor_flops, step_cost
from selfsparse.results.text import duration
from selfsparse.stages import read_records

WIDTH = 80  # columns of the table
NAME = 27  # of them for a configuration's name; a longer one has a line of its own
CELLS = (9, 9, 10, 8, 8, 9)
SUSTAINED = 100e12  # FLOP/s, for the arithmetic of a GPU that is not here
SUMMED = (
    "runs",
    "training_flops",
    "feature_flops",
    "images",
    "training_seconds",
    "feature_seconds",
    "remaining_seconds",
)
LEGEND = (
    "training, features: FLOPs of all runs; memory: of the runs that train side by side, the largest in the total;"
    " images: generated for FIDs; done: runs, m with FIDs and sparsity, as results/ has them (`dvc status` also looks at code"
    " and data); time: of what is left on this machine, an estimate. Notebooks and report come on top."
)


def make_plan(settings: Settings, suites: Sequence[str]) -> dict[str, Any]:
    """Return machine(s), configurations and totals of some suites; JSON can hold it.

    Of each configuration, all runs together: `training_flops` of all generator steps; `feature_flops` of the features of all
    `images`, their making included; `memory_bytes` of the runs that train side by side, without the images and what libraries
    take for themselves; `images` generated for FIDs, during training and at the end; `training_seconds`, `feature_seconds` of
    all of it, `remaining_seconds` of what is not `done`, process starts included.

    Raises:
        SettingsError: for a suite that params.yaml does not have.
        UserError: a suite without configurations.
    """
    import torch

    chosen = {suite: settings.suite(suite) for suite in suites}
    for suite, configurations in chosen.items():
        if not configurations:
            raise UserError(f"params.yaml: suite {suite} has no configurations")
    machines: dict[tuple[str, int, str], Machine] = {}
    locked, plans = read_records(project_root()), {}
    for suite, configurations in chosen.items():
        train = configurations[0].train
        wanted = "cuda" if torch.cuda.is_available() and train.device != "cpu" else "cpu"
        key = wanted, train.threads, train.precision if wanted == "cuda" else ""
        if key not in machines:
            alike = [c for cs in chosen.values() for c in cs if _runs_like(c, train, wanted)]
            machines[key] = calibrate(alike, torch.device(wanted), settings.fid.precision)
        costs = [_cost(c, machines[key], _done(settings, c, locked)) for c in configurations]
        plans[suite] = {
            "device_wanted": train.device,
            "device": wanted,
            "machine": list(machines).index(key),
            "configurations": costs,
            "total": {
                **{name: sum(cost[name] for cost in costs) for name in SUMMED},
                "runs_done": sum(cost["done"]["runs"] for cost in costs if not cost["done"]["changed"]),
                "memory_bytes": max(cost["memory_bytes"] for cost in costs),
            },
        }
    found = [asdict(machine) | {"networks": list(machine.networks)} for machine in machines.values()]
    return {"machines": found, "suites": plans}


def _runs_like(c: Configuration, train: Train, wanted: str) -> bool:
    """Whether the steps of a configuration are timed together with those of the settings `train`."""
    if (c.train.device == "cpu") != (train.device == "cpu") and wanted == "cuda":
        return False
    return c.train.threads == train.threads and (wanted == "cpu" or c.train.precision == train.precision)


def image_count(c: Configuration) -> int:
    """Images that all runs of a configuration generate for FIDs.

    A run measures the small sample at step 0, at every `evaluate_every`-th step and at the last one; its best and its
    last generator are measured again at both sample counts.
    """
    small, large = c.extractor.samples
    evaluations = 1 + -(-c.train.steps // c.train.evaluate_every)
    return len(c.train.seeds) * (evaluations * small + 2 * (small + large))


def _cost(c: Configuration, machine: Machine, done: dict[str, Any]) -> dict[str, Any]:
    step, runs, images = step_cost(c), len(c.train.seeds), image_count(c)
    side_by_side = min(c.train.parallel_seeds, runs)
    # On a GPU the runs share its arithmetic, and are counted one after another; on CPU cores, as many run as find a core.
    at_once = 1 if machine.device == "cuda" else min(side_by_side, max(1, machine.cores // c.train.threads))
    training_seconds = runs * c.train.steps * machine.step_seconds(step) / at_once
    per_image = step.image_flops + extractor_flops(c.extractor.extractor, c.dataset.channels, c.dataset.resolution)
    final = runs * 2 * sum(c.extractor.samples) / images  # the share of the images that belongs to stage measure
    measuring = images * per_image / machine.feature_rate / at_once
    runs_done, measured = (0, False) if done["changed"] else (done["runs"], done["measured"])
    left = (1 - runs_done / runs) * (training_seconds + (1 - final) * measuring) + (not measured) * final * measuring
    stages = (runs_done < runs) + (not measured)
    return {
        "name": c.name,
        "runs": runs,
        "steps": c.train.steps,
        "training_flops": runs * c.train.steps * step.flops,
        "feature_flops": images * per_image,
        "memory_bytes": side_by_side * step.memory_bytes,
        "images": images,
        "done": done,
        "training_seconds": training_seconds,
        "feature_seconds": measuring,
        "remaining_seconds": left + stages * machine.start_seconds,
    }


def _done(settings: Settings, c: Configuration, locked: dict[str, Any]) -> dict[str, Any]:
    """What of a configuration lies in results/: finished or diverged runs, and whether they are measured.

    `changed`: it was made from other settings or by other code, as dvc.lock recorded them, and does not count.
    """
    folders = {kind: result_dir(c.suite, kind, c.name) for kind in ("runs", "fid", "sparsity")}
    runs = sum((folders["runs"] / f"seed{seed}" / "run.json").is_file() for seed in c.train.seeds)
    recorded = {dep["path"]: dep.get("md5") for dep in locked.get(f"train@{c.name}", {}).get("deps", [])}
    known = recorded.get(f"data/inputs/train/{c.name}.json")
    return {
        "runs": runs,
        "measured": all((folders[kind] / f"{kind}.csv").is_file() for kind in ("fid", "sparsity")),
        "changed": runs > 0 and known not in (None, inputs_md5(settings, "train", c.name)),
    }


def plan_text(plan: dict[str, Any]) -> str:
    """Return a plan as tables of at most WIDTH columns."""
    lines = []
    for suite, found in plan["suites"].items():
        machine, total = plan["machines"][found["machine"]], found["total"]
        lines += [f"Suite {suite}", "", *wrap(_machine_text(machine, found), WIDTH), ""]
        lines += [*_row("configuration", "training", "features", "memory", "images", "done", "time"), "-" * WIDTH]
        for c in found["configurations"]:
            lines += _row(c["name"], *_amounts(c), _done_text(c["done"]), duration(c["remaining_seconds"]))
        counts = f"{total['runs_done']}/{total['runs']}"
        lines += ["-" * WIDTH, *_row("total", *_amounts(total), counts, duration(total["remaining_seconds"]))]
        lines += ["", *wrap(_sum_text(total, found), WIDTH), ""]
    return "\n".join([*lines, *wrap(LEGEND, WIDTH)])


def _machine_text(machine: dict[str, Any], found: dict[str, Any]) -> str:
    precision = f", {machine['precision']}" if machine["device"] == "cuda" else ""
    text = (
        f"{machine['name']}, {machine['cores']} cores{precision}: matrix product {si(machine['ceiling'])}FLOP/s,"
        f" features {si(machine['feature_rate'])}FLOP/s, training {si(machine['step_rate'])}FLOP/s and"
        f" {machine['seconds_per_operation'] * 1e6:.0f} µs an operation."
    )
    here = found["device_wanted"] == "cpu" or found["device"] == "cuda"
    return text if here else f"{text} No CUDA GPU here: times are for this CPU."


def _sum_text(total: dict[str, Any], found: dict[str, Any]) -> str:
    flops = total["training_flops"], total["feature_flops"]
    text = (
        f"{total['runs']} runs: {flops[0] / 1e18:.3g} EFLOP of training and {flops[1] / 1e18:.3g} EFLOP of features; all of it"
        f" takes about {duration(total['training_seconds'] + total['feature_seconds'])} here, what is left"
        f" {duration(total['remaining_seconds'])}."
    )
    if found["device_wanted"] == "cuda" and found["device"] == "cpu":
        text += f" A GPU that sustains {si(SUSTAINED)}FLOP/s would need {sum(flops) / SUSTAINED / 3600:.3g} h."
    return text


def _amounts(values: dict[str, Any]) -> list[str]:
    flops = [si(values[name]) + "F" for name in ("training_flops", "feature_flops")]
    return [*flops, f"{values['memory_bytes'] / 2**30:.2f} GiB", si(values["images"]).replace(" ", "")]


def _done_text(done: dict[str, Any]) -> str:
    """For example `3 m`: three runs, FID and sparsity measured; `changed`; `-`."""
    if done["changed"]:
        return "changed"
    return f"{done['runs']} {'m' * done['measured']}".strip() if done["runs"] else "-"


def _row(name: str, *cells: str) -> list[str]:
    shown = "".join(cell.rjust(width) for cell, width in zip(cells, CELLS, strict=True))
    return [name.ljust(NAME) + shown] if len(name) <= NAME else [name, " " * NAME + shown]


def si(value: float) -> str:
    """Return three digits and a prefix: `7.75 E`, `640 G`."""
    for factor, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{float(f'{value / factor:.3g}'):g} {prefix}"
    return f"{value:.3g} "
