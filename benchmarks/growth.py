"""How the upkeep of a suite grows with the number of its configurations: from 36, as in the paper, to N.

    python -m benchmarks.growth [--most N]

Each size is a project with this one's dvc.yaml, code and settings, but with so many configurations on MNIST, and commands that
only make a small result; all of it is there, and dvc.lock holds it. In seconds of a CPU core, as other work does not count in
these, and the most memory that a process of the command held: `inputs` writes what each stage is made from, `plan` foresees the
suite's costs, `nothing to do` is `dvc repro` of the suite's report where all is current, `report` what `make report` calls of DVC,
`single item` is `dvc repro --single-item` of one training. All but `nothing to do` and `single item, by dvc itself` is called as
`make` does, by `python -m selfsparse.dvc`; the two differ in dvc.lock, which a serial run has written for every stage.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import cycle
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.harness import ROOT, run
from selfsparse.processes import search_path

SUITE = "paper"
# A process starts as a copy of the one that starts it, whose memory counts as its own: a small one comes between.
MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss, flush=True)
sys.exit(code)
"""
# What running all stages would leave, dvc.lock written once and not anew for each of them: DVC would take days.
SETTLED = """
import json
from pathlib import Path
from dvc.repo import Repo
from dvc.stage.serialize import to_single_stage_lockfile
from ruamel.yaml import YAML

repo = Repo()
with repo.lock:
    stages = repo.index.stages
    for out in (out for stage in stages for out in stage.outs if not out.exists):
        Path(out.fs_path).parent.mkdir(parents=True, exist_ok=True)
        Path(out.fs_path).write_text(out.stage.addressing.split("@")[0] + "\\n")
    for stage in stages:
        stage.save()
        stage.commit()
    entries = {stage.addressing: to_single_stage_lockfile(stage) for stage in stages}
with open("dvc.lock", "w") as file:
    YAML(typ="safe").dump({"schema": "2.0", "stages": json.loads(json.dumps(entries))}, file)
"""


def make_project(folder: Path, count: int) -> str:
    """Write a project with `count` configurations, whose stages take no time; return the first's name.

    The configurations are the paper's on MNIST 32 x 32, under new names.
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
    del pipeline["plots"], pipeline["stages"]["generators"]  # which no report needs
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
            os.environ |= {"PYTHONPATH": str(folder), "PATH": search_path()}
            first = make_project(folder, count)
            inputs = measure_command(folder, "pipeline.inputs")
            subprocess.run([sys.executable, "-c", SETTLED], cwd=folder, check=True)
            ours, single = "selfsparse.dvc", ("repro", "-q", "--single-item")
            report = [
                measure_command(folder, ours, *single, *targets)
                for targets in (
                    ["inputs"],
                    ["--allow-missing", *(f"{stage}@{SUITE}" for stage in ("correlation", "summary"))],
                    ["--allow-missing", f"verdicts@{SUITE}", f"notebook@{SUITE}", "paper_audit", f"report@{SUITE}"],
                )
            ]
            sizes[f"{count:,}"] = {
                "inputs": inputs,
                "plan": measure_command(folder, "selfsparse", "plan", SUITE),
                "nothing_to_do": measure_command(folder, "dvc", "repro", f"report@{SUITE}"),
                "report": {
                    "cpu_seconds": sum(part["cpu_seconds"] for part in report),
                    "memory_mb": max(part["memory_mb"] for part in report),
                },
                "single_item": measure_command(folder, ours, *single, "-f", f"train@{first}"),
                "single_item, by dvc itself": measure_command(folder, "dvc", *single, "-f", f"train@{first}"),
            }
            print(f"{count:,}: {sizes[f'{count:,}']}", flush=True)
        count *= 10
    return {"configurations": sizes}


def _read(name: str) -> Any:
    return YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))


def _write(path: Path, value: Any) -> None:
    with open(path, "w", encoding="utf-8") as file:
        YAML(typ="safe").dump(value, file)


if __name__ == "__main__":
    run(__doc__, {"growth": measure}, most=360)
