"""Projects of the repository's own settings, whole or cut down so that a run takes a second.

Of the suites that users add to, they have the configurations that the tests know: whoever adds one changes no test.
"""

import copy
import functools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
REMOVED = object()

PAIR = "mnist-32-(wgan_gp|self_sparse)"
VARIED = "penalty_10|one_centred|pytorch_initialisation|batch_statistics|batch_64"
KNOWN = {
    "quick": "digits-16-((wgan_gp|self_sparse)(-betas_0_09)?|without_[pc]sm)|photos-16-((wgan_gp|self_sparse)(-resnet)?|sagan)",
    "laptop": f"({PAIR}|mnist-32-without_[pc]sm)-laptop",
    "sensitivity": f"{PAIR}(-({VARIED}))?-sensitivity|mnist-32-self_sparse-single_position_layer-sensitivity",
}


def of_quick(**train: Any) -> dict[str, Any]:
    """Changes to the training of the suite quick."""
    return {f"suites.quick.train.{name}": value for name, value in train.items()}


# Eight training steps of four-channel networks, on digits; everything else as in the repository's params.yaml.
SMALL = {
    "networks.tiny_16.generator_widths": [8, 4],
    "networks.tiny_16.discriminator_widths": [4, 8],
    "networks.tiny_16.sastm_widths": [8],
    "networks.tiny_16.position_size": 4,
    **of_quick(steps=8, batch_size=8, evaluate_every=4, snapshot_every=4, checkpoint_every=2, seeds=[0]),
    "fid.batch_size": 50,
    "fid.kid_subsets": 3,
    "suites.quick.fid.kid_subset_size": 20,
    "sparsity.latents": 30,
    "sources.photos.crops": 80,
    "lenet.max_steps": 15,
    "extractors.digits-16-lenet.samples": [80, 120],
}
CONFIGURATION = "digits-16-self_sparse"
FULL_SIZE = "mnist-32-self_sparse"


@functools.cache
def params_text() -> str:
    """The repository's params.yaml; of the suites in KNOWN without the configurations that are not known there."""

    def known(line: str) -> bool:
        row = re.match(r"  (\S+): +\{suite: (\w+),", line)
        return not row or row[2] not in KNOWN or bool(re.fullmatch(KNOWN[row[2]], row[1]))

    return "".join(filter(known, (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines(keepends=True)))


@functools.cache
def _parsed() -> dict:
    return YAML(typ="safe").load(params_text())


def params(changes: dict[str, Any] | None = None) -> dict:
    """The repository's params.yaml with some values, named by their dotted keys, changed or REMOVED."""
    values = copy.deepcopy(_parsed())
    for key, value in (changes or {}).items():
        *parents, last = key.split(".")
        section = values
        for parent in parents:
            section = section.setdefault(parent, {})
        if value is REMOVED:
            del section[last]
        else:
            section[last] = value
    return values


@contextmanager
def signals_kept() -> Iterator[None]:
    """A run in this process takes the signals over; give them back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def write_project(folder: Path, changes: dict[str, Any] | None = None) -> Path:
    """Make `folder` a project's root with these settings; JSON is YAML."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(json.dumps(params(changes)), encoding="utf-8")
    (folder / "dvc.yaml").touch()
    return folder


def command(folder: Path, *arguments: str) -> dict[str, Any]:
    """What subprocess.run or Popen needs to run `python -m <arguments>` in a project, without a GPU."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    return {"args": [sys.executable, "-m", *arguments], "cwd": folder, "env": environment, "text": True}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(**command(folder, *arguments), capture_output=True, timeout=300)


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def results_changed() -> bool:
    """Whether results or settings differ from git's: after `make quick`, another machine's last digits may differ."""
    command = ["git", "status", "--porcelain", "--", "results", "params.yaml"]
    return bool(subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout)
