"""The first steps of runs taken again by today's code, and held against what the runs have noted of themselves."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open

from selfsparse.config import Configuration, Settings
from selfsparse.device import any_device
from selfsparse.files import read_csv, read_json
from selfsparse.keep.stages import NotKeptError
from selfsparse.metrics.trained import trained_generator
from selfsparse.paths import result_dir
from selfsparse.provenance import device_name, read_provenance
from selfsparse.training.evaluation import Evaluation
from selfsparse.training.history import History
from selfsparse.training.lock import Interrupted
from selfsparse.training.loop import train_runs
from selfsparse.training.run import FIRST_STEPS, is_due

# How far two numbers may lie apart, relative to the larger and at least to 1, where bits cannot agree: on another kind of
# processor, or on a GPU, whose sums have no fixed order unless train.deterministic is set.
TOLERANCE = 1e-3
T = TypeVar("T")


def compare_runs(
    settings: Settings, configuration: Configuration, seeds: Sequence[int], device: str, kept: Path
) -> str:
    """Take the first steps of these runs again, as they were trained side by side, in the current folder; say how they agree.

    Args:
        kept: the folder of the runs' results, made by other code.

    Raises:
        NotKeptError: something differs; it names the first step that does.
    """
    train = configuration.train
    steps = min(FIRST_STEPS, train.steps)
    try:
        train_runs(settings, configuration, seeds, torch.device(device), until=steps)
    except Interrupted:
        raise KeyboardInterrupt from None
    again = result_dir(configuration.suite, "runs", configuration.name)
    noted = read_provenance(configuration.suite, configuration.name).get("runs", {})
    equal = True
    for seed in seeds:
        repeats = device == "cpu" or train.deterministic
        same_kind = noted.get(str(seed), {}).get("device") == device_name(device)
        pair = Pair(seed, kept / f"seed{seed}", again / f"seed{seed}", exact=repeats and same_kind)
        equal &= pair.compare_steps(train, steps)
        pair.compare_best(settings, configuration, device)
    if equal:
        return f"the first {steps} steps are the same to the bit"
    return (
        f"the losses of the first {steps} steps agree within {TOLERANCE:g}. That is weaker than equal bits, which this machine"
        " cannot show: train on it, or keep on the kind that trained"
    )


class Pair:
    """What a run has left, and what its first steps leave now.

    Args:
        exact: whether bits have to agree.
    """

    def __init__(self, seed: int, kept: Path, again: Path, *, exact: bool) -> None:
        self._seed, self._kept, self._again, self._exact = seed, kept, again, exact

    def compare_steps(self, train: Any, steps: int) -> bool:
        """Compare step by step, and what was evaluated within them; return whether all bits agree."""
        before, now = self._both(lambda folder: read_json(folder / "replay.json")[:steps])
        for old, new in zip(before, now, strict=False):
            losses = {key: value for key, value in old.items() if key != "weights"}
            if not self._agree(losses, new) or (self._exact and old["weights"] != new["weights"]):
                self._differs(f"step {old['step']} is the first that differs")
        if len(before) != len(now):
            self._differs(f"step {min(len(before), len(now)) + 1} is the first that differs")
        equal = all([before == now, *(self._compare_table(name, steps) for name in ("curves.csv", "mechanism.csv"))])
        self._compare_images()
        self._compare_form()
        due = [0, *(step for step in range(1, train.steps + 1) if is_due(step, train.evaluate_every, train.steps))]
        shown = [int(row["step"]) for row in read_csv(self._kept / "curves.csv")]
        if shown != due[: len(shown)]:
            self._differs("it would be evaluated at other steps")
        return equal

    def _compare_table(self, name: str, steps: int) -> bool:
        """Compare the rows within the first steps; those of the last one may be there only because the replay ends with it."""
        before, now = self._both(lambda folder: [r for r in read_csv(folder / name) if int(r["step"]) <= steps])
        now = [row for row in now if int(row["step"]) <= max((int(old["step"]) for old in before), default=-1)]
        if [list(row) for row in before] != [list(row) for row in now]:
            self._differs(f"{name} would have other rows or columns")
        for old, new in zip(before, now, strict=True):
            if not self._agree(old, new):
                self._differs(f"step {old['step']} of {name} is the first that differs")
        return before == now

    def _compare_images(self) -> None:
        """Compare the first look inside the generator, before any step."""
        tolerance = 0 if self._exact else TOLERANCE
        with np.load(self._kept / "coefficients.npz") as old, np.load(self._again / "coefficients.npz") as new:
            alike = (np.allclose(old[name][0], new[name][0], tolerance, tolerance) for name in old.files)
            if old.files != new.files or not all(alike):
                self._differs("alpha or beta of step 0 in coefficients.npz differ")
        if self._exact and not self._same(_first_row):
            self._differs("the images of step 0 in progress.png differ")

    def _compare_form(self) -> None:
        """Compare what does not depend on how far a run goes: the names of files, of values and of weights."""
        diverged = {"last.safetensors"}  # which a run that diverged lacks
        files, files_now = self._both(lambda folder: {p.name for p in folder.iterdir()} - diverged)
        if files != files_now:
            self._differs(f"other files would be made: {', '.join(sorted(files ^ files_now))}")
        if not self._same(_fixed_values):
            self._differs("run.json would hold other values")
        if not self._same(_form_of_weights):
            self._differs("the weights' file would have another form")

    def compare_best(self, settings: Settings, configuration: Configuration, device: str) -> None:
        """Choose the best generator again from the curve, and measure its FID again: what first steps say nothing of."""
        run, history = read_json(self._kept / "run.json"), History()
        for row in read_csv(self._kept / "curves.csv"):
            history.add_point(int(row["step"]), float(row["fid"]), [], (0.0, 0.0), torch.nn.Identity())
        if (history.best_step, history.best_fid) != (run["best_step"], run["best_fid"]):
            self._differs(f"the generator of step {history.best_step} would be the best, and not of {run['best_step']}")
        any_device()  # sets full float32
        where = torch.device(device)
        generator = trained_generator(configuration, self._kept / "best.safetensors", where)
        fid = Evaluation(settings, configuration, where).fid(generator)
        exact = self._exact and device == "cpu"  # on a GPU an evaluation during training adds up in another order
        if fid != run["best_fid"] and (exact or not _close(fid, run["best_fid"])):
            self._differs(f"the best generator's FID would be {fid!r}, and not {run['best_fid']!r}")

    def _both(self, look: Callable[[Path], T]) -> tuple[T, T]:
        return look(self._kept), look(self._again)

    def _same(self, look: Callable[[Path], object]) -> bool:
        return look(self._kept) == look(self._again)

    def _agree(self, old: dict[str, Any], new: dict[str, Any]) -> bool:
        """Whether the values of a step, as text, are the same, or close where bits need not agree."""
        return all(old[key] == new[key] or (not self._exact and _close(old[key], new[key])) for key in old)

    def _differs(self, what: str) -> None:
        raise NotKeptError(f"seed {self._seed}: {what}")


def _first_row(folder: Path) -> tuple[str, int, bytes]:
    with Image.open(folder / "progress.png") as sheet:
        return sheet.mode, sheet.width, sheet.crop((0, 0, sheet.width, sheet.width // 10)).tobytes()


def _fixed_values(folder: Path) -> dict[str, Any]:
    """What run.json holds of how the run is named and built, and the names of all else."""
    run = read_json(folder / "run.json")
    return {k: v if k in ("configuration", "seed") or "parameters" in k else None for k, v in run.items()}


def _form_of_weights(folder: Path) -> list[Any]:
    with safe_open(folder / "best.safetensors", "np") as file:
        slices = {name: file.get_slice(name) for name in sorted(file.keys())}
        return [(n, s.get_shape(), s.get_dtype()) for n, s in slices.items()] + sorted(file.metadata())


def _close(a: Any, b: Any) -> bool:
    try:
        a, b = float(a), float(b)
    except ValueError:
        return False
    return abs(a - b) <= TOLERANCE * max(1.0, abs(a), abs(b)) or (math.isnan(a) and math.isnan(b))
