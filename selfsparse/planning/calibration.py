"""How fast this machine is: a matrix product, a convolution and a few real training steps, in seconds.

A step is taken to last `operations * seconds_per_operation + flops / step_rate`: small networks wait for operations to
be started, large ones for arithmetic. Both numbers are fitted to the steps of up to three networks.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.benchmark import Timer

from selfsparse.config import Configuration
from selfsparse.device import float32_precision
from selfsparse.planning.cost import StepCost, step_cost
from selfsparse.processes import usable_cpus
from selfsparse.provenance import device_name
from selfsparse.training.trainer import Trainer

SECONDS_A_STEP = {"cpu": 0.2, "cuda": 1.0}  # a step that would last longer at the ceiling is timed at a smaller batch
SECONDS_A_NETWORK = 0.8
CONVOLUTION = (96, 96, 35, 16)  # channels in and out, height and width, batch: the middle of Inception-v3
PRODUCT = {"cpu": 1536, "cuda": 8192}


@dataclass(frozen=True)
class Machine:
    """What the times of a plan come from.

    Attributes:
        device: `cpu` or `cuda`; `name`: of what was measured.
        cores: CPU cores that this process may use.
        ceiling: FLOP/s of a large matrix product with all cores.
        feature_rate: FLOP/s of a convolution of Inception-v3's size, on a CPU with one thread, as measures are made.
        step_rate: FLOP/s of training steps; `seconds_per_operation`: what starting an operation adds.
        start_seconds: until a new Python process can measure a generator.
    """

    device: str
    name: str
    cores: int
    ceiling: float
    feature_rate: float
    step_rate: float
    seconds_per_operation: float
    start_seconds: float

    def step_seconds(self, cost: StepCost) -> float:
        """Seconds of one generator step of one run that is alone."""
        return cost.operations * self.seconds_per_operation + cost.flops / self.step_rate


def calibrate(configurations: Sequence[Configuration], device: torch.device, feature_precision: str) -> Machine:
    """Measure this machine with the cheapest, the dearest and the most finely divided step of some configurations.

    Steps are measured under threads and precision of the first one; features under `fid.precision`, if on a GPU.
    """
    train = configurations[0].train
    cores = usable_cpus()
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(cores)
        with _precision(device, train.precision):
            ceiling = _product_rate(device)
        torch.set_num_threads(1)
        with _precision(device, feature_precision):
            feature_rate = _convolution_rate(device)
        torch.set_num_threads(min(train.threads, cores) if device.type == "cpu" else before)
        times = [_timed(c, device, ceiling) for c in _chosen(configurations)]
    finally:
        torch.set_num_threads(before)
    per_operation, per_flop = _fitted(*zip(*times, strict=True))
    return Machine(
        device.type, device_name(device.type), cores, ceiling, feature_rate,
        step_rate=1 / per_flop, seconds_per_operation=per_operation, start_seconds=_start_seconds(),
    )  # fmt: skip


@contextmanager
def _precision(device: torch.device, precision: str) -> Iterator[None]:
    """What a precision of the settings means on a GPU; features and steps on a CPU are float32 in a plan."""
    if device.type == "cpu":
        yield
        return
    with float32_precision(precision), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        yield


def _chosen(configurations: Sequence[Configuration]) -> list[Configuration]:
    by_flops = sorted(configurations, key=lambda c: step_cost(c).flops)
    finest = max(configurations, key=lambda c: step_cost(c).operations / step_cost(c).flops)
    return list({step_cost(c): c for c in (by_flops[0], by_flops[-1], finest)}.values())


def _timed(c: Configuration, device: torch.device, ceiling: float) -> tuple[int, int, float]:
    """Time real steps on random images, at a batch size whose step takes no longer than SECONDS_A_STEP at the ceiling.

    Returns:
        Operations, FLOPs and seconds of one.
    """
    share = SECONDS_A_STEP[device.type] * ceiling / step_cost(c).flops
    batch_size = max(2, int(c.train.batch_size * min(1.0, share)))
    c = c.model_copy(update={"train": c.train.model_copy(update={"batch_size": batch_size})})
    cost = step_cost(c)
    shape = (2 * batch_size, c.dataset.channels, c.dataset.resolution, c.dataset.resolution)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).to(device)
    trainer = Trainer(c, 0, images, device)
    trainer.prepare()
    return cost.operations, cost.flops, _median_seconds(trainer.generator_step)


def _fitted(operations: Sequence[int], flops: Sequence[int], seconds: Sequence[float]) -> tuple[float, float]:
    """Return seconds per operation and per FLOP, neither negative, of the least relative error."""
    from scipy.optimize import nnls

    rows = np.array([operations, flops]).T / np.array(seconds)[:, None]
    scale = rows.max(axis=0)
    found, _ = nnls(rows / scale, np.ones(len(rows)))
    per_operation, per_flop = found / scale
    if per_flop == 0:  # operations alone explain every network that was timed; larger ones still cost arithmetic
        per_flop = 1 / rows[:, 1].max() / 100
    return float(per_operation), float(per_flop)


def _median_seconds(call: Callable[[], object]) -> float:
    """Seconds of one call, a GPU's work included: the median of as many as fit into SECONDS_A_NETWORK."""
    timer = Timer("call()", globals={"call": call}, num_threads=torch.get_num_threads())
    return timer.blocked_autorange(min_run_time=SECONDS_A_NETWORK).median


def _product_rate(device: torch.device) -> float:
    size = PRODUCT[device.type]
    a, b = torch.randn(2, size, size, device=device)
    return 2 * size**3 / _median_seconds(lambda: a @ b)


@torch.no_grad()
def _convolution_rate(device: torch.device) -> float:
    before, after, size, batch_size = CONVOLUTION
    layer = nn.Conv2d(before, after, 3, padding=1, bias=False).to(device, memory_format=torch.channels_last)
    x = torch.randn(batch_size, before, size, size, device=device).to(memory_format=torch.channels_last)
    return 2 * batch_size * before * after * 9 * size**2 / _median_seconds(lambda: layer(x))


def _start_seconds() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import selfsparse.metrics.trained"], check=True)
    return time.perf_counter() - begun
