"""How the upkeep of a suite grows with its configurations: 36, as in the paper, 360 and 3,600.

    python -m benchmarks.growth [--sizes N ...] [--only COMMAND ...]

Wall seconds and peak memory of `dvc repro report@paper` with nothing to do, of what each command of `make report` does besides DVC,
and of `plan`, on projects as benchmarks.cluster makes them: so many configurations on MNIST, all trained, with curves and measures
of one run of suite quick. `exponent` is that of the growth from the size before: 1 is linear, and what each start costs
makes it less. A command is given up after three minutes. Writes benchmarks/results/growth.json.
"""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.cluster import ROOT, SIZES, SUITE, configurations, make_project

LIMIT = 180.0  # seconds
NOTHING = "dvc repro, nothing to do"
# A process starts as a copy of the one that starts it, whose memory counts as its own: a small one comes between.
MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, flush=True)
sys.exit(code)
"""
COMMANDS = {
    "plan": ("selfsparse", "plan", SUITE),
    "inputs": ("pipeline.inputs",),
    "correlation": ("pipeline.correlation", SUITE),
    "summary": ("pipeline.summary", SUITE),
    "verdicts": ("pipeline.verdicts", SUITE),
    "notebook": ("pipeline.notebook", "--suite", SUITE),
    "report": ("pipeline.report", SUITE),
    NOTHING: ("dvc", "repro", "--quiet", f"report@{SUITE}"),
}
TRAINED = "digits-16-self_sparse"  # of suite quick, whose summary git holds


def add_results(folder: Path, count: int) -> None:
    """Write the results of all configurations: the rows that the summary of suite quick has of one, sample counts as in paper."""
    import pandas as pd

    from selfsparse.results.reading import read_rows

    (folder / "dvc.lock").unlink()  # which knows results of other stages

    def own(name: str) -> pd.DataFrame:
        rows = read_rows(ROOT / "results/quick/summary" / f"{name}.csv")
        return rows[rows["configuration"] == TRAINED].drop(columns="configuration")

    fid = own("fid")
    fid["n_fake"] = fid["n_fake"].map(dict(zip(sorted(set(fid["n_fake"])), (5000, 50000), strict=True)))
    once = {"fid/{}/fid.csv": fid, "sparsity/{}/sparsity.csv": own("sparsity")}
    for name in ("curves", "mechanism"):
        once |= {
            f"runs/{{}}/seed{seed}/{name}.csv": rows.drop(columns="seed") for seed, rows in own(name).groupby("seed")
        }
    texts: dict[str, str] = {path: rows.to_csv(index=False) for path, rows in once.items()}
    runs = json.loads(own("runs").to_json(orient="records"))
    for name in configurations(count):
        files = texts | {
            f"runs/{{}}/seed{run['seed']}/run.json": json.dumps({"configuration": name, **run}) for run in runs
        }
        for path, text in files.items():
            place = folder / "results" / SUITE / path.format(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)


def bring_up(folder: Path, count: int) -> None:
    """Let DVC's lock file say that all stages are done: as `dvc commit` would, which rewrites the file for each of them."""
    from selfsparse.cluster.stages import Project, name_of

    subprocess.run([sys.executable, "-m", "pipeline.inputs"], cwd=folder, check=True)
    (folder / "dvc.lock").unlink()
    project, records = Project(folder), {}
    with project.locked():
        for stage in project.upstream(f"report@{SUITE}"):
            for out in stage.outs:
                path = Path(out.fs_path)
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists() or not path.stat().st_size:
                    path.write_text(f"{stage.name.split('@')[0]}\n")
            stage.save(run_cache=False)
            stage.commit()
            records[name_of(stage)] = project.record(stage)
    (folder / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": records}))  # which is YAML
    measure(folder, COMMANDS[NOTHING])  # DVC notes the times of files


def measure(folder: Path, command: tuple[str, ...]) -> dict[str, Any]:
    """Run `python -m command` in a project; return seconds and megabytes, or nothing but why there are none."""
    with tempfile.TemporaryFile("w+") as said:
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-c", MEASURED, sys.executable, "-m", *command], cwd=folder, stdout=said, stderr=said,
            start_new_session=True, env=os.environ | {"PYTHONPATH": str(folder)},
        )  # fmt: skip
        try:
            code = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return {"seconds": f"over {LIMIT:.0f}", "memory_mb": None}
        seconds = time.monotonic() - begun
        said.seek(0)
        text = said.read()
    if code:
        raise SystemExit(f"{' '.join(command)} failed:\n{text[-3000:]}")
    return {"seconds": seconds, "memory_mb": int(text.split()[-1]) / 1024}


def rows_of(found: dict[str, dict[str, dict]]) -> list[dict[str, Any]]:
    """Return a row for each command and size, with the exponent of the growth from the size before."""
    rows = []
    for key, sizes in found.items():
        before = None
        for count, row in sorted(sizes.items(), key=lambda item: int(item[0])):
            seconds, exponent = row["seconds"], None
            if before and not isinstance(seconds, str):
                exponent = math.log(seconds / before[1]) / math.log(int(count) / before[0])
            rows.append({"command": key, "configurations": int(count), **row, "exponent": exponent})
            before = None if isinstance(seconds, str) else (int(count), seconds)
    return rows


def main() -> None:
    """Measure each size, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of configurations")
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS), help="(default: all)")
    arguments = parser.parse_args()
    from benchmarks.timing import RESULTS, print_table, write_result

    path = RESULTS / "growth.json"
    found: dict[str, dict[str, dict]] = {}
    for row in json.loads(path.read_text())["commands"] if path.is_file() else ():
        values = {name: row[name] for name in ("seconds", "memory_mb")}
        found.setdefault(row["command"], {})[str(row["configurations"])] = values
    for count in arguments.sizes:
        for with_dvc in (False, True):
            keys = [key for key in arguments.only if (key == NOTHING) == with_dvc]
            with tempfile.TemporaryDirectory() as name:
                os.environ |= {
                    "DVC_SITE_CACHE_DIR": f"{name}/site", "DVC_GLOBAL_CONFIG_DIR": f"{name}/own", "DVC_NO_ANALYTICS": "1",
                }  # fmt: skip
                folder = Path(name) / "project"
                folder.mkdir()
                if keys:
                    make_project(folder, count)
                    (bring_up if with_dvc else add_results)(folder, count)
                for key in keys:  # in the order of `make report`
                    found.setdefault(key, {})[str(count)] = measure(folder, COMMANDS[key])
                    print(key, count, found[key][str(count)], flush=True)
                    write_result("growth", {"commands": rows_of(found)})
    print_table(
        "Growth",
        ["command", "configurations", "seconds", "MB", "exponent"],
        [list(row.values()) for row in rows_of(found)],
    )


if __name__ == "__main__":
    main()
