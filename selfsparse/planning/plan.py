"""What a suite costs, what of it is done, and how long the rest takes on this machine: as numbers, and as a table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import Any

from ruamel.yaml import YAML

from selfsparse.config import Configuration, Settings
from selfsparse.errors import UserError
from selfsparse.inputs import inputs_md5
from selfsparse.paths import project_root, result_dir
from selfsparse.planning.calibration import Machine, calibrate
from selfsparse.planning.cost import extractor_flops, step_cost

WIDTH = 80  # columns of the table
NAME = 28  # of them for a configuration's name; longer ones take several lines
SUSTAINED = 100e12  # FLOP/s, for the arithmetic of a GPU that is not here
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Done:
    """What of a configuration lies in results/: finished or diverged runs, and the final measures.

    `changed`: it was made from other settings or by other code, as dvc.lock recorded them, and does not count.
    """

    runs: int
    measured: bool
    changed: bool

    @property
    def text(self) -> str:
        """For example `3 m`: three runs, FID and sparsity measured; `changed`; `-`."""
        if self.changed:
            return "changed"
        return f"{self.runs} {'m' * self.measured}".strip() if self.runs else "-"


@dataclass(frozen=True)
class Cost:
    """All runs of one configuration.

    Attributes:
        training_flops: of all generator steps; `feature_flops`: of the features of all `images`, their making included.
        memory_bytes: of the runs that train side by side, without the images and what libraries take for themselves.
        images: generated for FIDs, during training and at the end.
        training_seconds, feature_seconds: of all of it; `remaining_seconds`: of what is not done, process starts included.
    """

    name: str
    runs: int
    steps: int
    training_flops: int
    feature_flops: float
    memory_bytes: int
    images: int
    done: Done
    training_seconds: float
    feature_seconds: float
    remaining_seconds: float


def make_plan(settings: Settings, suites: Sequence[str]) -> dict[str, Any]:
    """Return machine(s), configurations and totals of some suites; JSON can hold it.

    Raises:
        SettingsError: for a suite that params.yaml does not have.
        UserError: a suite without configurations.
    """
    import torch

    chosen = {suite: settings.suite(suite) for suite in suites}
    for suite, configurations in chosen.items():
        if not configurations:
            raise UserError(f"params.yaml: suite {suite} has no configurations")
    machines: dict[tuple, Machine] = {}
    locked = _locked()
    plans = {}
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
            "configurations": [asdict(cost) for cost in costs],
            "total": {
                "runs": sum(cost.runs for cost in costs),
                "runs_done": sum(0 if cost.done.changed else cost.done.runs for cost in costs),
                **{
                    name: sum(getattr(cost, name) for cost in costs)
                    for name in (
                        "training_flops", "feature_flops", "images", "training_seconds", "feature_seconds",
                        "remaining_seconds",
                    )
                },
                "memory_bytes": max(cost.memory_bytes for cost in costs),
            },
        }  # fmt: skip
    found = [asdict(machine) | {"networks": list(machine.networks)} for machine in machines.values()]
    return {"machines": found, "suites": plans}


def _runs_like(c: Configuration, train: Any, wanted: str) -> bool:
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


def _cost(c: Configuration, machine: Machine, done: Done) -> Cost:
    step, runs, images = step_cost(c), len(c.train.seeds), image_count(c)
    side_by_side = min(c.train.parallel_seeds, runs)
    # On a GPU the runs share its arithmetic, and are counted one after another; on CPU cores, as many run as find a core.
    at_once = 1 if machine.device == "cuda" else min(side_by_side, max(1, machine.cores // c.train.threads))
    training_seconds = runs * c.train.steps * machine.step_seconds(step) / at_once
    dataset = c.dataset
    per_image = step.image_flops + extractor_flops(c.extractor.extractor, dataset.channels, dataset.resolution)
    small, large = c.extractor.samples
    final = runs * 2 * (small + large) / images  # the share of the images that belongs to stage measure
    measuring = images * per_image / machine.feature_rate
    evaluating, finally_measuring = (1 - final) * measuring / at_once, final * measuring
    kept = Done(0, measured=False, changed=True) if done.changed else done
    left = (1 - kept.runs / runs) * (training_seconds + evaluating)
    left += 0.0 if kept.measured else finally_measuring
    stages = (kept.runs < runs) + (not kept.measured)
    return Cost(
        name=c.name,
        runs=runs,
        steps=c.train.steps,
        training_flops=runs * c.train.steps * step.flops,
        feature_flops=images * per_image,
        memory_bytes=side_by_side * step.memory_bytes,
        images=images,
        done=done,
        training_seconds=training_seconds,
        feature_seconds=evaluating + finally_measuring,
        remaining_seconds=left + stages * machine.start_seconds,
    )


def _done(settings: Settings, c: Configuration, locked: dict) -> Done:
    folders = {kind: result_dir(c.suite, kind, c.name) for kind in ("runs", "fid", "sparsity")}
    runs = sum((folders["runs"] / f"seed{seed}" / "run.json").is_file() for seed in c.train.seeds)
    recorded = {dep["path"]: dep.get("md5") for dep in locked.get(f"train@{c.name}", {}).get("deps", [])}
    known = recorded.get(f"data/inputs/train/{c.name}.json")
    changed = runs > 0 and known not in (None, inputs_md5(settings, "train", c.name))
    return Done(
        runs=runs,
        measured=all((folders[kind] / f"{kind}.csv").is_file() for kind in ("fid", "sparsity")),
        changed=changed,
    )


def _locked() -> dict:
    path = project_root() / "dvc.lock"
    return YAML(typ="safe").load(path.read_text(encoding="utf-8")).get("stages", {}) if path.is_file() else {}


# As a table


def plan_text(plan: dict[str, Any]) -> str:
    """Return a plan as tables of at most WIDTH columns."""
    lines = []
    for suite, found in plan["suites"].items():
        machine = plan["machines"][found["machine"]]
        lines += [f"Suite {suite}", "", *_machine_lines(machine, found)]
        lines += ["", *_row("configuration", "training", "features", "memory", "images", "done", "time")]
        lines.append("-" * WIDTH)
        for c in found["configurations"]:
            lines += _row(c["name"], *_amounts(c), Done(**c["done"]).text, duration(c["remaining_seconds"]))
        total = found["total"]
        lines.append("-" * WIDTH)
        counts = f"{total['runs_done']}/{total['runs']}"
        lines += _row("total", *_amounts(total), counts, duration(total["remaining_seconds"]))
        lines += ["", *wrap(_sum_line(total, found), WIDTH), ""]
    lines += wrap(LEGEND, WIDTH)
    return "\n".join(lines)


LEGEND = (
    "training, features: FLOPs of all runs; memory: of the runs that train side by side, the largest in the total;"
    " images: generated for FIDs; done: runs, f with FIDs, s with sparsity, as results/ has them (`dvc status` also"
    " looks at code and data); time: of what is left on this machine, an estimate. Notebooks and report come on top."
)


def _machine_lines(machine: dict, found: dict) -> list[str]:
    precision = f", {machine['precision']}" if machine["device"] == "cuda" else ""
    text = (
        f"{machine['name']}, {machine['cores']} cores{precision}: matrix product {si(machine['ceiling'])}FLOP/s,"
        f" features {si(machine['feature_rate'])}FLOP/s, training {si(machine['step_rate'])}FLOP/s and"
        f" {machine['seconds_per_operation'] * 1e6:.0f} µs an operation."
    )
    if found["device_wanted"] != "cpu" and found["device"] == "cpu":
        text += " No CUDA GPU here: times are for this CPU."
    return wrap(text, WIDTH)


def _sum_line(total: dict, found: dict) -> str:
    text = (
        f"{total['runs']} runs: {total['training_flops'] / 1e18:.3g} EFLOP of training and"
        f" {total['feature_flops'] / 1e18:.3g} EFLOP of features; all of it takes about"
        f" {duration(total['training_seconds'] + total['feature_seconds'])} here, what is left"
        f" {duration(total['remaining_seconds'])}."
    )
    if found["device_wanted"] == "cuda" and found["device"] == "cpu":
        hours = (total["training_flops"] + total["feature_flops"]) / SUSTAINED / 3600
        text += f" A GPU that sustains {si(SUSTAINED)}FLOP/s would need {hours:.3g} h."
    return text


def _amounts(values: dict) -> list[str]:
    return [
        si(values["training_flops"]) + "F",
        si(values["feature_flops"]) + "F",
        f"{values['memory_bytes'] / 2**30:.2f} GiB",
        si(values["images"]).replace(" ", ""),
    ]


def _row(name: str, *cells: str) -> list[str]:
    """A name of NAME columns, on several lines where it must be, and the cells right of its first line."""
    first, *more = _pieces(name)
    widths = (9, 9, 10, 8, 8, 8)
    line = first.ljust(NAME) + "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return [line, *(f"  {piece}" for piece in more)]


def _pieces(name: str) -> list[str]:
    """Cut a name behind its hyphens into pieces that fit."""
    pieces = [""]
    for part in name.replace("-", "-\n").split("\n"):
        if len(pieces[-1]) + len(part) > NAME - 2 * (len(pieces) > 1) and pieces[-1]:
            pieces.append("")
        pieces[-1] += part
    return pieces


def si(value: float) -> str:
    """Return three digits and a prefix: `7.75 E`, `640 G`."""
    for factor, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{float(f'{value / factor:.3g}'):g} {prefix}"
    return f"{value:.3g} "


def duration(seconds: float) -> str:
    """Return for example `12 s`, `3.4 min`, `5.2 h` or `12 d`."""
    for factor, unit in UNITS:
        if seconds >= factor:
            value = seconds / factor
            return f"{value:.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"
    return "0 s" if seconds == 0 else f"{seconds:.1f} s"
