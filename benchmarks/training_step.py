"""A generator step of this suite, its data path included, against a textbook WGAN-GP loop: same networks, batch and device.

    python -m benchmarks.training_step [--rounds N] [--threads N] [--json]

`ratio` is against networks whose convolutions are all PyTorch's, as published ones are; `loop_ratio` is against the same loop
with the two layers that ours compute as matrix products, so that the loop alone differs. Both are ratios of CPU time, as all
train on one thread: other programs on the same cores count less in it.
Writes benchmarks/results/training_step.json.
"""

import argparse
import json
from typing import Any

import torch

from benchmarks.textbook import TextbookTrainer
from benchmarks.timing import compare, matmul_ceiling, print_table, ratio, write_result
from selfsparse.config import Configuration, load_settings
from selfsparse.planning.cost import step_cost
from selfsparse.training.trainer import Trainer

# Configuration -> steps per timed call: the paper's mnist-32 at full width, and the suite quick's width.
CASES = {"mnist-32-wgan_gp": 1, "mnist-32-self_sparse": 1, "digits-16-wgan_gp": 20, "digits-16-self_sparse": 20}
IMAGES = 2048
OURS, TEXTBOOK, LOOP = "ours", "textbook", "textbook with our layers"
# Of the original images, which a textbook loop resizes each time it sees them; ours are resized once, when packed.
ORIGINAL_SIZES = {"mnist": 28, "fashion_mnist": 28, "digits": 8, "cifar10": 32, "stl10": 96, "mini_imagenet": 84}


def random_images(configuration: Configuration, *, original: bool = False, count: int = IMAGES) -> torch.Tensor:
    """Return uint8 noise (count, C, S, S), as packed or as originally: a step's work does not depend on what they show."""
    dataset = configuration.dataset
    size = ORIGINAL_SIZES.get(dataset.dataset, dataset.resolution) if original else dataset.resolution
    shape = (count, dataset.channels, size, size)
    return torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def measure(configuration: Configuration, steps: int, rounds: int) -> dict[str, Any]:
    """Time the loops of one configuration on the CPU, `steps` generator steps a call."""
    cpu = torch.device("cpu")
    ours = Trainer(configuration, 0, random_images(configuration), cpu)
    originals = random_images(configuration, original=True)
    theirs = TextbookTrainer(configuration, originals, cpu)
    loop = TextbookTrainer(configuration, originals, cpu, our_layers=True)

    def repeat(step: Any) -> Any:
        return lambda: [step() for _ in range(steps)]

    def our_step() -> None:
        ours.generator_step().tolist()  # the losses are read, as they are in training

    calls = {OURS: our_step, TEXTBOOK: theirs.generator_step, LOOP: loop.generator_step}
    found = compare({name: repeat(step) for name, step in calls.items()}, rounds)

    def per_step(key: str) -> dict[str, float]:
        return {name: value[key] / steps for name, value in found.items()}

    return {
        "batch_size": configuration.train.batch_size,
        "steps_per_round": steps,
        "rounds": rounds,
        "cpu_seconds_per_step": per_step("median_cpu_seconds"),
        "seconds_per_step": per_step("median_seconds"),
        "iqr_seconds": per_step("iqr_seconds"),
        "ratio": ratio(found, OURS, TEXTBOOK, "median_cpu_seconds"),
        "wall_ratio": ratio(found, OURS, TEXTBOOK),
        "loop_ratio": ratio(found, OURS, LOOP, "median_cpu_seconds"),
        "share_of_ceiling": step_cost(configuration).flops * steps / found[OURS]["median_cpu_seconds"],
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="timed calls of each contestant (default: 15)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads, as train.threads (default: 1)")
    parser.add_argument("--only", help="one configuration instead of all")
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of a table")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settings = load_settings()
    cases = {}
    for name, steps in CASES.items():
        if arguments.only in (None, name):
            cases[name] = measure(settings.configuration(name), steps, arguments.rounds)
    ceiling = matmul_ceiling("cpu")
    for case in cases.values():
        case["share_of_ceiling"] /= ceiling
    result = {"ceiling_flops": ceiling, "cases": cases}
    if arguments.only is None:
        write_result("training_step", result)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    rows = [
        [
            name,
            case["batch_size"],
            *(1000 * case["cpu_seconds_per_step"][k] for k in (OURS, TEXTBOOK)),
            case["ratio"],
            case["loop_ratio"],
            case["share_of_ceiling"],
        ]
        for name, case in cases.items()
    ]
    print_table(
        "One generator step, data path included: CPU time",
        ["configuration", "batch", "ours, ms", "textbook, ms", "ratio", "loop", "of peak"],
        rows,
    )
    print(f"Ceiling of this machine, a matrix product in float32: {result['ceiling_flops'] / 1e9:,.0f} GFLOP/s")


if __name__ == "__main__":
    main()
