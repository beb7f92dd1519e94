"""The discriminator's step on the CPU as training takes it, and compiled by PyTorch: whether compiling would pay.

    python -m benchmarks.compiled [--rounds N] [--only CONFIGURATION]

Losses and gradients of one step on one thread, by CPU time: `formulas` are those of training/explicit.py, `compiled formulas`
the same under torch.compile, and `compiled whole` is Eq. 13 with the penalty by torch.func.grad and all gradients by another,
compiled with fullgraph=True. `ratio` is how many times as fast as the formulas each is; `compile seconds`, with whatever
PyTorch has in its cache on the disk, are those of the first call. Generators, Adam and images stay as they are, so that a whole
generator step gains less: at laptop's width two such steps are two thirds of it.

Training compiles nothing: compiling the whole step makes it no faster than the formulas; compiling these would save 7 % of a generator
step at the paper's width, and need a C++ compiler on which results depend.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, grad, grad_and_value

from benchmarks.harness import compare, cpu_seconds, ratio, run
from selfsparse.config import Configuration, load_settings
from selfsparse.models.build import build_discriminator
from selfsparse.training.explicit import ExplicitDiscriminator

CASES = {"digits-16-wgan_gp": 40, "mnist-32-wgan_gp-laptop": 8, "mnist-32-wgan_gp": 1}  # steps a round
FORMULAS = "formulas"


def measure_case(configuration: Configuration, steps: int, rounds: int) -> dict[str, Any]:
    """Time the discriminator of one configuration, the same for all models of its width."""
    dataset, train = configuration.dataset, configuration.train
    discriminator, weight = build_discriminator(configuration), train.penalty_weight
    shape = 3, train.batch_size, dataset.channels, dataset.resolution, dataset.resolution
    real, fake, points = torch.rand(shape, generator=torch.Generator().manual_seed(0)).mul_(2).sub_(1)
    parameters = {name: p.detach() for name, p in discriminator.named_parameters()}

    def formulas() -> None:
        ExplicitDiscriminator(discriminator).backward(real, fake, points, weight)

    def loss(weights: dict[str, Tensor], real: Tensor, fake: Tensor, points: Tensor) -> Tensor:
        slope = grad(lambda x: functional_call(discriminator, weights, (x,)).sum())(points)
        of_fake, of_real = functional_call(discriminator, weights, (torch.cat([fake, real]),)).chunk(2)
        return of_fake.mean() - of_real.mean() + weight * slope.square().sum((1, 2, 3)).mean()

    whole = torch.compile(grad_and_value(loss), fullgraph=True, dynamic=False)
    calls = {
        FORMULAS: formulas,
        "compiled formulas": torch.compile(formulas, dynamic=False),
        "compiled whole": lambda: whole(parameters, real, fake, points),
    }
    seconds: dict[str, float] = {}
    for name, call in calls.items():
        begun = cpu_seconds()
        call()
        seconds[name] = cpu_seconds() - begun
    repeated = {name: partial(lambda call: [call() for _ in range(steps)], call) for name, call in calls.items()}
    found = compare(repeated, rounds, warmup=2)
    others = [name for name in calls if name != FORMULAS]
    return {
        "cpu_seconds_per_step": {name: row["median_cpu_seconds"] / steps for name, row in found.items()},
        "ratio": {name: ratio(found, name, FORMULAS, "median_cpu_seconds") for name in others},
        "compile_seconds": {name: seconds[name] for name in others},
    }


def measure(rounds: int, only: str) -> dict[str, Any]:
    """Time every case, or one."""
    settings = load_settings()
    cases = {name: steps for name, steps in CASES.items() if only in ("", name)}
    return {"cases": {name: measure_case(settings.configuration(name), n, rounds) for name, n in cases.items()}}


if __name__ == "__main__":
    run(__doc__, {"compiled": measure}, cases=CASES, rounds=15, threads=1)
