"""What the pipeline costs besides its work: help, starting a stage, DVC's share of each, and a run with nothing to do.

    python -m benchmarks.pipeline [--rounds N]

`nothing to do` is `dvc repro report@SUITE` of each suite whose trainings all lie here; it is run once before it is timed, and
makes whatever is out of date. For the whole graph it is `dvc status`, which looks at the files of every stage and runs nothing.
A stage's own share of DVC is measured on stages that do nothing, beside this project's params.yaml and dvc.lock: DVC reads the
one and rewrites the other for each stage that runs. It is the median of three runs.

The numbers below are of an earlier version, before `check`, `plan` and the like became `selfsparse check` and so on, and `fid` and
`sparsity` one stage, `measure`.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, compare, run
from selfsparse.config import load_settings
from selfsparse.paths import result_dir

STAGES = sorted(path.stem for path in (ROOT / "pipeline").glob("*.py") if path.stem != "__init__")
# What a stage imports at least.
STARTS = {
    "nothing": "pass",
    "settings": "import selfsparse.config",
    "training": "import selfsparse.training.loop",
    # Which makes PyTorch import its compiler, whether anything is compiled or not.
    "training, and an optimizer": "import selfsparse.training.loop, torch; torch.optim.Adam([torch.zeros(1)])",
    "measures": "import selfsparse.metrics.trained, selfsparse.metrics.kid",
    "summary": "import selfsparse.results.summary",
    "notebooks": "import papermill, nbconvert",
}
EMPTY_STAGES = 12


def command(*arguments: str, folder: Path = ROOT) -> Callable[[], object]:
    """Return a call that runs a command in a folder, without its output, and fails if it does."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return lambda: subprocess.run(arguments, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def nothing_to_do(rounds: int) -> dict[str, dict]:
    """Time DVC on the suites whose trainings lie here, and on the whole graph."""
    settings = load_settings()

    def is_here(suite: str) -> bool:
        runs = (result_dir(suite, "runs", c.name) for c in settings.suite(suite))
        return all(any(folder.glob("seed*/run.json")) for folder in runs)

    reports = [f"report@{suite}" for suite in settings.suites if is_here(suite)]
    contestants = {f"dvc repro {report}": command("dvc", "repro", report) for report in reports}
    return compare(contestants | {"dvc status": command("dvc", "status")}, rounds)


def seconds_per_stage() -> float:
    """DVC's own seconds for a stage that runs: runs of EMPTY_STAGES that do nothing, less those that have nothing to do."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for copied in ("params.yaml", "dvc.lock"):
            (folder / copied).write_bytes((ROOT / copied).read_bytes())
        body = {"cmd": "echo > ${item}", "deps": ["params.yaml"], "outs": ["${item}"]}
        stage = {"foreach": [f"s{i}" for i in range(EMPTY_STAGES)], "do": body}
        (folder / "dvc.yaml").write_text(json.dumps({"stages": {"empty": stage}}))
        command("dvc", "init", "--quiet", "--no-scm", folder=folder)()
        calls = {
            "run": command("dvc", "repro", "--force", folder=folder),
            "idle": command("dvc", "repro", folder=folder),
        }
        found = compare(calls, 3, warmup=0)
    return max(0.0, found["run"]["median_seconds"] - found["idle"]["median_seconds"]) / EMPTY_STAGES


def measure(rounds: int) -> dict[str, Any]:
    """Time all of it."""
    helps = {f"pipeline.{s} --help": command(sys.executable, "-m", f"pipeline.{s}", "--help") for s in STAGES}
    helps["selfsparse --help"] = command(sys.executable, "-m", "selfsparse", "--help")
    return {
        "help": compare(helps, rounds),
        "start": compare({name: command(sys.executable, "-c", code) for name, code in STARTS.items()}, rounds),
        "nothing_to_do": nothing_to_do(min(3, rounds)),
        "dvc_seconds_per_stage": seconds_per_stage(),
    }


if __name__ == "__main__":
    run(__doc__, {"pipeline": measure}, rounds=5)
