"""What a suite on a cluster costs besides its stages, by the number of its configurations: 36, as in the paper, 360 and 3,600.

    python -m benchmarks.cluster [--sizes N ...]

Each size is a project with this one's dvc.yaml, code and settings, but with so many configurations on MNIST, and commands that
only make an empty result; dvc.lock holds them all already. In seconds of a CPU core, as other work does not count in these:
`load graph` is DVC's reading of dvc.yaml, params.yaml and dvc.lock, `schedule` all stages through the scheduler with an executor
that pretends, `single item` a `dvc repro --single-item` of one training, `task` what a node does for a training besides the
training, `collect` what the head does for each result that comes back, and `note` its writing of all of them into dvc.lock
(these three up to 1,000 configurations: first the head asks for every training, which takes hours with more).
`memory` is the most that the head held. Writes benchmarks/results/cluster.json.
"""

import argparse
import copy
import io
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
SIZES = (36, 360, 3600)
SUITE = "paper"
MOST = 1000  # configurations of which trainings are run


def configurations(count: int) -> dict[str, dict[str, Any]]:
    """Return the paper's configurations on MNIST 32 x 32, copied under new names until there are `count`."""
    every = _read(ROOT / "params.yaml")["configurations"]
    paper = {n: c for n, c in every.items() if c["suite"] == SUITE and (c["dataset"], c["resolution"]) == ("mnist", 32)}
    names = list(paper)
    return {
        f"{names[i % len(names)]}{f'-copy{i // len(names)}' if i >= len(names) else ''}": paper[names[i % len(names)]]
        for i in range(count)
    }


def make_project(folder: Path, count: int) -> None:
    """Write a project with `count` configurations, whose stages take no time, and its dvc.lock."""
    params = _read(ROOT / "params.yaml")
    params.pop("configurations")
    names = configurations(count)
    params["suites"] = {SUITE: params["suites"][SUITE]}
    datasets = {f"{c['dataset']}-{c['resolution']}" for c in names.values()}
    params["datasets"] = {n: d for n, d in params["datasets"].items() if n in datasets}
    params["extractors"] = {
        n: e for n, e in params["extractors"].items() if f"{e['dataset']}-{e['resolution']}" in datasets
    }
    with open(folder / "params.yaml", "w") as file:
        YAML(typ="safe").dump(params, file)
        file.write("configurations:\n")  # one a line, as in the repository's own
        file.writelines(f"  {name}: {json.dumps(settings)}\n" for name, settings in names.items())
    pipeline = _read(ROOT / "dvc.yaml")
    pipeline.pop("plots")
    for name, stage in pipeline["stages"].items():
        body = stage.get("do", stage)
        made = [
            next(iter(out)) if isinstance(out, dict) else out
            for out in [*body.get("outs", []), *body.get("metrics", [])]
        ]
        body["cmd"] = " && ".join(f"mkdir -p $(dirname {out}) && echo {name} > {out}" for out in made)
        if name == "inputs":
            body["cmd"] = "python -m pipeline.inputs"
        elif name == "data":
            body["cmd"] = f"mkdir -p {made[0]} && touch {made[0]}/images"
    with open(folder / "dvc.yaml", "w") as file:
        YAML(typ="safe").dump(pipeline, file)
    shutil.copy(ROOT / ".dvcignore", folder)
    for name in ("pipeline", "selfsparse", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    inputs = [f"data/packed/{n}" for n in params["datasets"]]  # of a training
    inputs += [f"data/{kind}/{n}" for kind in ("extractors", "references") for n in params["extractors"]]
    for path in inputs:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    _dvc(folder, "init", "--quiet", "--no-scm")
    _write_lock(folder, list(names))


def _write_lock(folder: Path, names: list[str]) -> None:
    """Entries as long as real ones, under other hashes: those of this repository's suite quick."""
    known = _read(ROOT / "dvc.lock")["stages"]
    with open(folder / "dvc.lock", "w") as file:
        file.write("schema: '2.0'\nstages:\n")
        for kind in ("train", "measure"):
            text = io.StringIO()
            YAML(typ="safe").dump(next(value for name, value in known.items() if name.startswith(f"{kind}@")), text)
            entry = textwrap.indent(text.getvalue(), "    ")
            file.writelines(f"  {kind}@{name}:\n{entry}" for name in names)


def measure(folder: Path, sample: int) -> dict[str, float]:
    """Measure in this process, whose memory counts: a fresh one for each size."""
    from selfsparse.cluster.head import Head, State
    from selfsparse.cluster.stages import Project, name_of
    from selfsparse.cluster.task import run

    found: dict[str, float] = {}
    remote = {"url": str(folder.parent / "remote")}
    node = folder.parent / "node" / "clone0"
    shutil.copytree(folder, node)
    project = Project(folder, remote)
    begun = _cpu_seconds()
    with project.locked():
        stages = len(project.upstream(f"report@{SUITE}"))
    found |= {"stages": stages, "load_graph_seconds": _cpu_seconds() - begun}

    head = Head(project, f"report@{SUITE}")
    state = State(missing=[name for name in head.names if name.startswith(("train@", "measure@"))])
    begun = _cpu_seconds()
    schedule = head.schedule(state, None)
    schedule.run(_Pretended())
    found |= {"scheduled": schedule.count("done"), "schedule_seconds": _cpu_seconds() - begun}
    found["memory_mb"] = _most_memory_mb()
    if not sample:
        return found
    state = head.restore()

    trains = [name for name in state.missing if name.startswith("train@")]
    first = trains[:sample]
    for name in (name for name in state.missing if name.startswith(("extractor@", "reference@"))):
        assert run(name, node, remote)["status"] == "done", name
    head.restore()  # extractors and references
    begun = _cpu_seconds()
    for name in first:
        result = run(name, node, remote)
        assert result["status"] == "done", result
    found["task_seconds"] = (_cpu_seconds() - begun) / sample
    with project.locked():
        stages = [stage for stage in project.upstream(*first) if name_of(stage) in first]
        begun = _cpu_seconds()
        for stage in stages:
            project.bring_up(stage, may_run=False)
        found["collect_seconds"] = (_cpu_seconds() - begun) / sample
        begun = _cpu_seconds()
    found["note_seconds"] = _cpu_seconds() - begun
    return found


class _Pretended:
    """An executor in which every stage is over at once."""

    def __init__(self) -> None:
        self._queue: list[str] = []

    def submit(self, stage: str, prefer: str | None) -> None:
        self._queue.append(stage)

    def events(self, seconds: float) -> list:
        from selfsparse.cluster.scheduler import Begun, Ended

        queue, self._queue = self._queue, []
        return [event for stage in queue for event in (Begun(stage, "node", "host", 1), Ended(stage, True))]


def _most_memory_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def _cpu_seconds() -> float:
    """Seconds of a core that this process and those that it started and that have ended took: other work does not count."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def single_item(folder: Path) -> float:
    """Return the seconds of `dvc repro --single-item` of a training whose inputs are there and changed."""
    name = next(iter(_read(folder / "params.yaml")["configurations"]))
    begun = _cpu_seconds()
    _dvc(folder, "repro", "--quiet", "--force", "--single-item", f"train@{name}")
    return _cpu_seconds() - begun


def _read(path: Path) -> Any:
    return copy.deepcopy(YAML(typ="safe").load(path.read_text(encoding="utf-8")))


def _dvc(folder: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, check=True, env=os.environ | {"PYTHONPATH": ""}
    )


def main() -> None:
    """Measure each size in a process of its own, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of configurations")
    parser.add_argument(
        "--sample",
        type=int,
        default=3,
        help="trainings of each size that are run and collected; with 0, no `task`, `collect` and `note`",
    )
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.sample)))
        return
    from benchmarks.timing import print_table, write_result  # not where memory is measured: it imports PyTorch

    sizes = {}
    for count in arguments.sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "project"
            folder.mkdir()
            make_project(folder, count)
            os.environ |= {
                "DVC_SITE_CACHE_DIR": f"{name}/site",
                "DVC_GLOBAL_CONFIG_DIR": f"{name}/own",
                "DVC_NO_ANALYTICS": "1",
            }
            command = [
                sys.executable,
                "-m",
                "benchmarks.cluster",
                "--measure",
                str(folder),
                "--sample",
                str(arguments.sample if count <= MOST else 0),
            ]
            ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if ended.returncode:
                raise SystemExit(ended.stdout + ended.stderr)
            sizes[str(count)] = json.loads(ended.stdout.splitlines()[-1]) | {"single_item_seconds": single_item(folder)}
            sizes[str(count)]["load"] = os.getloadavg()[0]
        print(count, sizes[str(count)], flush=True)
        write_result("cluster", {"configurations": sizes})
    columns = list(next(iter(sizes.values())))
    rows = [[count, *map(found.get, columns)] for count, found in sizes.items()]
    print_table("A suite on a cluster", ["configurations", *columns], rows)


if __name__ == "__main__":
    main()
