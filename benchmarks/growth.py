"""How the upkeep of a suite grows with the number of its configurations: 36, as in the paper, and ten times as many.

    python -m benchmarks.growth [--most N]

Each size is a project with this one's dvc.yaml, code and settings, but with so many configurations on MNIST, and commands that
only make an empty result; dvc.lock holds them all. In seconds of a CPU core, as other work does not count in these, and the most
memory that a process of the command held: `inputs` writes what each stage is made from, `plan` foresees the suite's costs,
`graph` is DVC's look at every stage of the suite (`dvc status --with-deps`), `single item` is `dvc repro --single-item` of one training,
which a serial run pays for every stage, on a cluster as well as here.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from copy import deepcopy
from itertools import cycle
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.harness import ROOT, run

SUITE = "paper"
# A process starts as a copy of the one that starts it, whose memory counts as its own: a small one comes between.
MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss, flush=True)
sys.exit(code)
"""


def make_project(folder: Path, count: int) -> str:
    """Write a project with `count` configurations, whose stages take no time, and its dvc.lock; return the first's name.

    The configurations are the paper's on MNIST 32 x 32, under new names; the entries of dvc.lock those of the suite quick.
    """
    params, pipeline = _read("params.yaml"), _read("dvc.yaml")
    paper = {n: c for n, c in params.pop("configurations").items() if c["suite"] == SUITE and n.startswith("mnist-32-")}
    own = {f"{name}-copy{i}": c for i, (name, c) in zip(range(count), cycle(paper.items()), strict=False)}
    params["suites"] = {SUITE: params["suites"][SUITE]}
    params["datasets"] = {name: d for name, d in params["datasets"].items() if name == "mnist-32"}
    params["extractors"] = {name: e for name, e in params["extractors"].items() if name.startswith("mnist-32-")}
    _write(folder / "params.yaml", params)
    with open(folder / "params.yaml", "a") as file:  # one configuration a line, as in the repository's own
        file.writelines(["configurations:\n", *(f"  {name}: {json.dumps(c)}\n" for name, c in own.items())])
    del pipeline["plots"]
    for name, stage in pipeline["stages"].items():
        body = stage.get("do", stage)
        outs = [
            next(iter(out)) if isinstance(out, dict) else out for out in body.get("outs", []) + body.get("metrics", [])
        ]
        body["cmd"] = " && ".join(f"mkdir -p $(dirname {out}) && echo {name} > {out}" for out in outs)
    pipeline["stages"]["inputs"]["cmd"] = "python -m pipeline.inputs"
    _write(folder / "dvc.yaml", pipeline)
    for name in ("pipeline", "selfsparse", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".dvcignore", folder)
    inputs = [
        "data/packed/mnist-32",
        *(f"data/{k}/{n}" for k in ("extractors", "references") for n in params["extractors"]),
    ]
    for path in inputs:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], cwd=folder, check=True)
    known = _read("dvc.lock")["stages"]
    entries = {
        kind: next(v for name, v in known.items() if name.startswith(f"{kind}@")) for kind in ("train", "measure")
    }
    _write(
        folder / "dvc.lock",
        {"schema": "2.0", "stages": {f"{k}@{n}": deepcopy(e) for k, e in entries.items() for n in own}},
    )
    return next(iter(own))


def measure_command(folder: Path, *command: str) -> dict[str, float]:
    """Run `python -m command` in a project; return the CPU seconds and megabytes of it and its children."""
    arguments = [sys.executable, "-c", MEASURED, sys.executable, "-m", *command]
    found = subprocess.run(arguments, cwd=folder, capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{(found.stdout + found.stderr)[-3000:]}")
    seconds, kilobytes = found.stdout.split()[-2:]
    return {"cpu_seconds": float(seconds), "memory_mb": int(kilobytes) / 1024}


def measure(most: int) -> dict[str, Any]:
    """Measure 36 configurations, and ten times as many until there would be more than `most`."""
    sizes, count = {}, 36
    while count <= most:
        with tempfile.TemporaryDirectory() as name:
            os.environ |= {
                "DVC_SITE_CACHE_DIR": f"{name}/site", "DVC_GLOBAL_CONFIG_DIR": f"{name}/own", "DVC_NO_ANALYTICS": "1",
            }  # fmt: skip
            folder = Path(name) / "project"
            folder.mkdir()
            os.environ["PYTHONPATH"] = str(folder)
            first = make_project(folder, count)
            sizes[f"{count:,}"] = {
                "inputs": measure_command(folder, "pipeline.inputs"),
                "plan": measure_command(folder, "selfsparse", "plan", SUITE),
                "graph": measure_command(folder, "dvc", "status", "--with-deps", f"report@{SUITE}"),
                "single_item": measure_command(folder, "dvc", "repro", "-q", "-f", "--single-item", f"train@{first}"),
            }
        count *= 10
    return {"configurations": sizes}


def _read(name: str) -> Any:
    return YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))


def _write(path: Path, value: Any) -> None:
    with open(path, "w", encoding="utf-8") as file:
        YAML(typ="safe").dump(value, file)


if __name__ == "__main__":
    run(__doc__, {"growth": measure}, most=360)
