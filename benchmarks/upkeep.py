"""What DVC costs besides the work of the stages, here and in another checkout: a stage that runs, a run with nothing to do.

    python -m benchmarks.upkeep OTHER [--rounds N]

OTHER is a checkout of another version. Both are brought up to date first (`dvc repro report@quick`), and each stage is the same
command under the same Python. `a stage` is `dvc repro --single-item --force correlation@quick` less the script alone;
`nothing to do` is `dvc repro report@quick`. Writes benchmarks/results/upkeep.json.
"""

import argparse
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.pipeline import ROOT
from benchmarks.timing import compare, print_table, write_result

FORCED = ("dvc", "repro", "--single-item", "--force", "correlation@quick")
SCRIPT = ("python", "-m", "pipeline.correlation", "quick")
IDLE = ("dvc", "repro", "report@quick")


def call(folder: Path, command: tuple[str, ...]) -> Callable[[], None]:
    """Return a call that runs a command in a checkout, on the code of that checkout."""
    return lambda: subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def measure(ours: Path, theirs: Path, rounds: int) -> dict[str, dict]:
    """Return, of `a stage` and `nothing to do`, DVC's seconds in both checkouts, the ratio, and how many rounds."""
    folders = {"ours": ours, "theirs": theirs}
    for folder in folders.values():
        call(folder, IDLE)()
    commands = {"forced": FORCED, "script": SCRIPT, "idle": IDLE}
    contestants = {(kind, who): call(folders[who], command) for kind, command in commands.items() for who in folders}
    found = {key: row["median_seconds"] for key, row in compare(contestants, rounds, warmup=0).items()}
    stage = {who: found["forced", who] - found["script", who] for who in folders}
    idle = {who: found["idle", who] for who in folders}
    return {
        name: {"seconds": seconds, "ratio": seconds["theirs"] / seconds["ours"], "rounds": rounds}
        for name, seconds in (("a stage", stage), ("nothing to do", idle))
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", metavar="OTHER", type=Path, help="a checkout of another version")
    parser.add_argument("--rounds", type=int, default=5, help="timed calls of each (default: 5)")
    arguments = parser.parse_args()
    cases = measure(ROOT, arguments.other.resolve(), arguments.rounds)
    rows = [[name, case["seconds"]["ours"], case["seconds"]["theirs"], case["ratio"]] for name, case in cases.items()]
    print_table("DVC's seconds", ["", "here", "there", "ratio"], rows)
    write_result("upkeep", {"cases": cases})


if __name__ == "__main__":
    main()
