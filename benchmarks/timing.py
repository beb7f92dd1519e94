"""What every benchmark shares: alternating contestants, the machine's own ceiling, a table, and a JSON file."""

import platform
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from selfsparse.files import write_json
from selfsparse.processes import usable_cpus
from selfsparse.provenance import device_name

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("torch", "torchvision", "torch-fidelity", "numpy", "scipy")
WIDTH = 80  # columns of a printed table


def synchronize() -> None:
    """Wait until a GPU has done what it was given; nothing on a CPU."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds_of(call: Callable[[], Any]) -> float:
    """Wall time of one call, a GPU's work included."""
    return _wall_and_cpu_seconds(call)[0]


def _wall_and_cpu_seconds(call: Callable[[], Any]) -> tuple[float, float]:
    synchronize()
    begun, worked = time.perf_counter(), _cpu_seconds()
    call()
    synchronize()
    return time.perf_counter() - begun, _cpu_seconds() - worked


def _cpu_seconds() -> float:
    """Of this process, and of those that it has started and that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def compare(
    contestants: dict[str, Callable[[], Any]], rounds: int, *, warmup: int = 1, budget: float | None = None
) -> dict[str, dict[str, float]]:
    """Call each contestant once per round, in turn and from round to round in reversed order.

    A machine that slows down meanwhile slows all of them down alike, so that ratios hold where seconds do not.

    Args:
        contestants: what to time, by name.
        rounds: how often, after `warmup` calls of each that are not counted.
        budget: seconds after which no further round starts; the first is always finished.

    Returns:
        Of each name `median_seconds`, `iqr_seconds` (the distance of the quartiles), `median_cpu_seconds` (of all threads of
        this process and of its children that ended; where other programs share the cores, it tells more of a single
        thread's work) and `rounds`.
    """
    for call in contestants.values():
        for _ in range(warmup):
            call()
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    begun = time.perf_counter()
    for i in range(rounds):
        for name in list(contestants)[:: 1 if i % 2 == 0 else -1]:
            seconds[name].append(_wall_and_cpu_seconds(contestants[name]))
        if budget is not None and time.perf_counter() - begun > budget:
            break
    return {name: _summary(found) for name, found in seconds.items()}


def _summary(seconds: list[tuple[float, float]]) -> dict[str, float]:
    wall, cpu = zip(*seconds, strict=True)
    iqr = 0.0
    if len(wall) > 1:
        low, _, high = statistics.quantiles(wall, n=4, method="inclusive")
        iqr = high - low
    return {
        "median_seconds": statistics.median(wall),
        "iqr_seconds": iqr,
        "median_cpu_seconds": statistics.median(cpu),
        "rounds": len(wall),
    }


def ratio(found: dict[str, dict[str, float]], ours: str, theirs: str, by: str = "median_seconds") -> float:
    """How many times as fast as `theirs` `ours` is, by medians."""
    return found[theirs][by] / found[ours][by]


def matmul_ceiling(device: torch.device | str, dtype: torch.dtype = torch.float32, size: int | None = None) -> float:
    """FLOP/s of a large square matrix product (2 n^3 FLOPs), the best of a few: what this machine can do at most.

    Under the precision that holds at the time of the call (torch.set_float32_matmul_precision), with the threads at hand.
    """
    device = torch.device(device)
    size = size or (8192 if device.type == "cuda" else 2048)
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    a @ b
    found = [_wall_and_cpu_seconds(lambda: a @ b) for _ in range(5)]
    cpu = device.type == "cpu"  # whose threads all work: where they are kept from it, that is not the ceiling
    return 2 * size**3 / min(worked / torch.get_num_threads() if cpu else wall for wall, worked in found)


def environment(device: torch.device | str = "cpu") -> dict[str, Any]:
    """Return hardware, versions and threads; no name of a machine or person."""
    return {
        "device": device_name(torch.device(device).type),
        "cpu": device_name("cpu"),
        "cpu_cores": usable_cpus(),
        "threads": torch.get_num_threads(),
        "cuda": torch.version.cuda,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def write_result(name: str, result: dict[str, Any], device: torch.device | str = "cpu") -> Path:
    """Write benchmarks/results/<name>.json: the environment, and what was measured."""
    path = RESULTS / f"{name}.json"
    write_json(path, {"environment": environment(device), **result})
    return path


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under a header, the first column left and the others right aligned, in at most 80 columns.

    Floats are shown with three digits, None as a dash; a longer first column is cut.
    """
    cells = [list(map(str, header)), *([_shown(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    widths[0] = min(widths[0], WIDTH - sum(width + 2 for width in widths[1:]))
    print(f"\n{title}")
    for n, (first, *others) in enumerate(cells):
        line = first[: widths[0]].ljust(widths[0])
        print(line + "".join("  " + value.rjust(w) for value, w in zip(others, widths[1:], strict=True)))
        if n == 0:
            print("-" * (sum(widths) + 2 * (len(widths) - 1)))


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)
