"""What DVC costs besides the work of the stages, here and in another checkout: a stage that runs, a run with nothing to do.

    python -m benchmarks.upkeep OTHER [--rounds N]

OTHER is a checkout of another version. Both are brought up to date first (`dvc repro report@quick`), and each stage is the same
command under the same Python. `a stage` is `dvc repro --single-item --force correlation@quick` less the script alone;
`nothing to do` is `dvc repro report@quick`.
"""

import subprocess
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, compare, run

COMMANDS = {
    "forced": ("dvc", "repro", "--single-item", "--force", "correlation@quick"),
    "script": ("python", "-m", "pipeline.correlation", "quick"),
    "idle": ("dvc", "repro", "report@quick"),
}


def measure(other: Path, rounds: int) -> dict[str, Any]:
    """Return, of `a stage` and `nothing to do`, DVC's seconds in both checkouts, the ratio, and how many rounds."""
    folders = {"ours": ROOT, "theirs": other.resolve()}

    def call(kind: str, who: str):
        return lambda: subprocess.run(COMMANDS[kind], cwd=folders[who], check=True, stdout=subprocess.DEVNULL)

    for who in folders:
        call("idle", who)()
    contestants = {(kind, who): call(kind, who) for kind in COMMANDS for who in folders}
    found = {key: row["median_seconds"] for key, row in compare(contestants, rounds, warmup=0).items()}
    stage = {who: found["forced", who] - found["script", who] for who in folders}
    idle = {who: found["idle", who] for who in folders}
    return {
        "cases": {
            name: {"seconds": seconds, "ratio": seconds["theirs"] / seconds["ours"], "rounds": rounds}
            for name, seconds in (("a stage", stage), ("nothing to do", idle))
        }
    }


if __name__ == "__main__":
    run(__doc__, {"upkeep": measure}, other=Path, rounds=5)
