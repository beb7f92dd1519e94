"""A generator step on the CPU, its data path included, here and in another checkout.

    python -m benchmarks.steps OTHER [--rounds N] [--only CONFIGURATION]

OTHER is a checkout of another version. A process of each trains the same configuration on one thread, under the same Python, on
noise in place of images; they take turns, one round each, and nothing else of theirs runs meanwhile. `ratio` is that of the
medians of CPU time, in which other programs on the same cores count less, `low` and `high` the quartiles of the rounds' own
ratios; `memory` is each process's peak.
"""

import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, run

# Configuration -> steps of a round: the widths of quick and laptop, and the paper's for mnist-32.
CASES = {
    "digits-16-wgan_gp": 20,
    "digits-16-self_sparse": 20,
    "mnist-32-wgan_gp-laptop": 6,
    "mnist-32-self_sparse-laptop": 6,
    "mnist-32-wgan_gp": 1,
    "mnist-32-self_sparse": 1,
}
# What a process of either checkout does: a line in, the seconds of a round out; at the end of the lines, its peak in bytes.
WORKER = """
import resource, sys, time
import torch
from selfsparse.config import load_settings
from selfsparse.training.trainer import Trainer
torch.set_num_threads(1)
configuration = load_settings().configuration(sys.argv[1])
dataset = configuration.dataset
images = torch.randint(256, (2048, dataset.channels, dataset.resolution, dataset.resolution), dtype=torch.uint8)
trainer = Trainer(configuration, 0, images, torch.device("cpu"))
for line in sys.stdin:
    begun = time.process_time()
    for _ in range(int(sys.argv[2])):
        trainer.generator_step().tolist()
    print(time.process_time() - begun, flush=True)
print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
"""


def measure_case(folders: dict[str, Path], name: str, steps: int, rounds: int) -> dict[str, Any]:
    """Time `steps` steps a round of a configuration in each checkout, after a round that does not count."""
    command = [sys.executable, "-c", WORKER, name, str(steps)]
    pipes: Any = {"text": True, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    workers = {who: subprocess.Popen(command, cwd=folder, **pipes) for who, folder in folders.items()}
    seconds: dict[str, list[float]] = {who: [] for who in workers}
    for i in range(rounds + 1):
        for who in list(workers)[:: 1 if i % 2 else -1]:
            workers[who].stdin.write("\n")
            workers[who].stdin.flush()
            seconds[who].append(float(workers[who].stdout.readline()) / steps)
    memory = {who: int(worker.communicate()[0]) for who, worker in workers.items()}
    ours, theirs = (seconds[who][1:] for who in ("ours", "theirs"))
    low, _, high = statistics.quantiles([b / a for a, b in zip(ours, theirs, strict=True)], n=4, method="inclusive")
    medians = {"ours": statistics.median(ours), "theirs": statistics.median(theirs)}
    ratio = medians["theirs"] / medians["ours"]
    return {
        "cpu_seconds_per_step": medians,
        "ratio": ratio,
        "low": low,
        "high": high,
        "memory": memory,
        "rounds": rounds,
    }


def measure(other: Path, rounds: int, only: str) -> dict[str, Any]:
    """Time every case, or one."""
    folders = {"ours": ROOT, "theirs": other.resolve()}
    return {
        "cases": {
            name: measure_case(folders, name, steps, rounds) for name, steps in CASES.items() if only in ("", name)
        }
    }


if __name__ == "__main__":
    run(__doc__, {"steps": measure}, cases=CASES, other=Path, rounds=9)
