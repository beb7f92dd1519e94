"""Where the time of a suite goes, stage by stage, when nothing of it is cached.

    python -m benchmarks.suite [SUITE] [--force]

Runs `python -m selfsparse.dvc repro --no-run-cache report@SUITE` (quick by default) in an empty clone, or with --force where results
lie already. A stage lasts from the line in which DVC announces it to the next such line, so that DVC's own work is in it. Writes
benchmarks/results/suite_SUITE.json; `selfsparse docs` shows it in docs/timings.md.
"""

import argparse
import os
import re
import subprocess
import sys
import time

from benchmarks.harness import ROOT, write_result
from benchmarks.page import suite_rows
from selfsparse.made_from import ANEW
from selfsparse.processes import search_path

ANNOUNCED = re.compile(r"^Running stage '([a-z]+)(?:@[^']*)?'")
BEFORE = "DVC, before the first stage"


def run_suite(suite: str, force: bool) -> tuple[list[tuple[str, float]], float]:
    """Run a suite; return each stage that ran with its seconds, in their order, and the wall time of all.

    Raises:
        SystemExit: DVC failed, or there was nothing to run.
    """
    arguments = [sys.executable, "-m", "selfsparse.dvc", "repro", "--no-run-cache", f"report@{suite}"]
    arguments += ["--force"] * force
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "PATH": search_path()}
    if force:  # which does not reach the commands of stages: they would keep the seeds that are there
        environment[ANEW] = "1"
    marks = [(BEFORE, time.perf_counter())]
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            sys.stdout.write(line)
            if found := ANNOUNCED.match(line):
                marks.append((found[1], time.perf_counter()))
    end = time.perf_counter()
    if process.returncode:
        raise SystemExit(f"error: dvc ended with exit code {process.returncode}; its reason stands above")
    if [kind for kind, _ in marks] in ([BEFORE], [BEFORE, "inputs"]):
        raise SystemExit(f"error: nothing of suite {suite} had to be run; time it in an empty clone, or with --force")
    ends = [mark for _, mark in marks[1:]] + [end]
    return [(kind, after - begun) for (kind, begun), after in zip(marks, ends, strict=True)], end - marks[0][1]


def by_kind(stages: list[tuple[str, float]]) -> dict[str, dict[str, float]]:
    """Add up the stages of one name: how many, and their seconds together."""
    found: dict[str, dict[str, float]] = {}
    for kind, seconds in stages:
        row = found.setdefault(kind, {"times": 0, "seconds": 0.0})
        row["times"] += 1
        row["seconds"] += seconds
    return found


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", nargs="?", default="quick")
    parser.add_argument("--force", action="store_true", help="run every stage, also those that have results")
    arguments = parser.parse_args()
    busy = os.getloadavg()[0]
    stages, seconds = run_suite(arguments.suite, arguments.force)
    result = {"suite": arguments.suite, "seconds": seconds, "load_before": busy, "stages": by_kind(stages)}
    write_result(f"suite_{arguments.suite}", result)
    print("\n".join(suite_rows(result)))


if __name__ == "__main__":
    main()
