"""What a look inside a generator costs, against the generator steps between two looks (Sec. 3.2, Hypothesis 1).

    python -m benchmarks.snapshots [--rounds N] [--threads N] [--json]

Writes benchmarks/results/snapshots.json.
"""

import argparse
import json
from typing import Any

import torch

from benchmarks.timing import compare, print_table, write_result
from benchmarks.training_step import random_images
from selfsparse.config import Configuration, load_settings
from selfsparse.metrics.mechanism import measure_mechanism
from selfsparse.models.sampling import draw_latents
from selfsparse.training.trainer import Trainer

CASES = ("mnist-32-wgan_gp", "mnist-32-self_sparse", "mnist-128-self_sparse")


def measure(configuration: Configuration, rounds: int) -> dict[str, Any]:
    """Time a generator step and a look over the probe latents of one configuration on the CPU."""
    cpu, train = torch.device("cpu"), configuration.train
    trainer = Trainer(configuration, 0, random_images(configuration, count=256), cpu)
    latents = draw_latents(train.probe_latents, configuration.latent_dim, train.evaluate_latent_seed)
    before = measure_mechanism(trainer.generator, latents, 0, None, train.batch_size, cpu).positive
    found = compare(
        {
            "step": trainer.generator_step,
            "look": lambda: measure_mechanism(trainer.generator, latents, 1, before, train.batch_size, cpu),
        },
        rounds,
    )
    step, look = (found[name]["median_seconds"] for name in ("step", "look"))
    return {
        "seconds_per_step": step,
        "seconds_per_look": look,
        "steps_between_looks": train.snapshot_every,
        "percent_of_training": 100 * look / (step * train.snapshot_every),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="timed calls of each contestant (default: 5)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads, as train.threads (default: 1)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of a table")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settings = load_settings()
    cases = {name: measure(settings.configuration(name), arguments.rounds) for name in CASES}
    write_result("snapshots", {"cases": cases})
    if arguments.json:
        print(json.dumps(cases, indent=2))
        return
    header = ["configuration", "step, s", "look, s", "steps between", "share, %"]
    print_table("A look inside against training", header, [[name, *case.values()] for name, case in cases.items()])


if __name__ == "__main__":
    main()
