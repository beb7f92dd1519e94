"""A generator step of this suite, its data path included, against a textbook WGAN-GP loop: same networks, batch and device.

    python -m benchmarks.training_step [--rounds N] [--threads N] [--part NAME]

`ratio` is against networks whose convolutions are all PyTorch's, as published ones are; `loop_ratio` is against the same loop
with the two layers that ours compute as matrix products, so that the loop alone differs. Both are ratios of CPU time, as all
train on one thread: other programs on the same cores count less in it.
The part `training_step_looks` is what a look inside a generator costs, against the generator steps between two looks
(Sec. 3.2, Hypothesis 1).
Training compiles nothing: under PyTorch 2.15 the discriminator's whole step compiled was no faster than the formulas of
training/explicit.py, and these compiled would have saved 7 % of a generator step at the paper's width, for a C++ compiler
on which results depend.
"""

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.harness import compare, matmul_ceiling, ratio, run
from benchmarks.textbook import TextbookTrainer
from selfsparse.config import Configuration, load_settings
from selfsparse.planning.cost import step_cost
from selfsparse.training.trainer import Trainer

# Configuration -> steps per timed call: the paper's mnist-32 at full width, and the suite quick's width.
CASES = {"mnist-32-wgan_gp": 1, "mnist-32-self_sparse": 1, "digits-16-wgan_gp": 20, "digits-16-self_sparse": 20}
LOOKS = ("mnist-32-wgan_gp", "mnist-32-self_sparse", "mnist-128-self_sparse")
OURS, TEXTBOOK, LOOP = "ours", "textbook", "textbook with our layers"
CPU = torch.device("cpu")
# Of the original images, which a textbook loop resizes each time it sees them; ours are resized once, when packed.
ORIGINAL_SIZES = {"mnist": 28, "fashion_mnist": 28, "digits": 8, "cifar10": 32, "stl10": 96, "mini_imagenet": 84}


def random_images(configuration: Configuration, *, original: bool = False, count: int = 2048) -> torch.Tensor:
    """Return uint8 noise (count, C, S, S), as packed or as originally: a step's work does not depend on what they show."""
    dataset = configuration.dataset
    size = ORIGINAL_SIZES.get(dataset.dataset, dataset.resolution) if original else dataset.resolution
    shape = (count, dataset.channels, size, size)
    return torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def repeat(step: Callable[[], Any], times: int) -> Callable[[], None]:
    """Return a call of several steps."""

    def call() -> None:
        for _ in range(times):
            step()

    return call


def against_textbook(configuration: Configuration, steps: int, rounds: int, ceiling: float) -> dict[str, Any]:
    """Time the loops of one configuration on the CPU, `steps` generator steps a call."""
    ours = Trainer(configuration, 0, random_images(configuration), CPU)
    originals = random_images(configuration, original=True)
    calls = {
        OURS: lambda: ours.generator_step().tolist(),  # the losses are read, as they are in training
        TEXTBOOK: TextbookTrainer(configuration, originals, CPU).generator_step,
        LOOP: TextbookTrainer(configuration, originals, CPU, our_layers=True).generator_step,
    }
    found = compare({name: repeat(step, steps) for name, step in calls.items()}, rounds)

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
        "share_of_ceiling": step_cost(configuration).flops * steps / found[OURS]["median_cpu_seconds"] / ceiling,
    }


def measure(rounds: int, only: str) -> dict[str, Any]:
    """Time every case, or one."""
    settings, ceiling = load_settings(), matmul_ceiling("cpu")
    chosen = {name: steps for name, steps in CASES.items() if only in ("", name)}
    cases = {n: against_textbook(settings.configuration(n), steps, rounds, ceiling) for n, steps in chosen.items()}
    return {"ceiling_flops": ceiling, "cases": cases}


def look(configuration: Configuration, rounds: int) -> dict[str, Any]:
    """Time a generator step and a look over the probe latents of one configuration on the CPU."""
    from selfsparse.metrics.mechanism import measure_mechanism
    from selfsparse.models.sampling import draw_latents

    train = configuration.train
    trainer = Trainer(configuration, 0, random_images(configuration, count=256), CPU)
    latents = draw_latents(train.probe_latents, configuration.latent_dim, train.evaluate_latent_seed)
    before = measure_mechanism(trainer.generator, latents, 0, None, train.batch_size, CPU).positive
    calls = {
        "step": trainer.generator_step,
        "look": lambda: measure_mechanism(trainer.generator, latents, 1, before, train.batch_size, CPU),
    }
    seconds = {name: row["median_seconds"] for name, row in compare(calls, rounds).items()}
    return {
        "seconds_per_step": seconds["step"],
        "seconds_per_look": seconds["look"],
        "steps_between_looks": train.snapshot_every,
        "percent_of_training": 100 * seconds["look"] / (seconds["step"] * train.snapshot_every),
    }


def measure_looks(rounds: int, only: str) -> dict[str, Any]:
    """Time the looks into every network of LOOKS, or one."""
    settings = load_settings()
    return {"cases": {n: look(settings.configuration(n), rounds) for n in LOOKS if only in ("", n)}}


if __name__ == "__main__":
    parts = {"training_step": measure, "training_step_looks": measure_looks}
    run(__doc__, parts, cases=dict.fromkeys((*CASES, *LOOKS)), rounds=15, threads=1)
