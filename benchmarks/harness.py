"""What every benchmark shares: options, alternating contestants, the machine's own ceiling, a JSON file and its tables."""

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks.page import result_markdown
from selfsparse.files import write_json
from selfsparse.provenance import device_name, machine

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("torch", "torchvision", "torch-fidelity", "numpy", "scipy")


def run(
    document: str, parts: dict[str, Callable[..., dict[str, Any]]], cases: Collection[str] = (), **options: Any
) -> None:
    """Measure, print and write each part of a script: its `main`.

    Args:
        document: the script's docstring, for --help.
        parts: what measures, by the name of its file below benchmarks/results/; of several, --part takes one.
        cases: what --only takes one of, which the parts get as `only` ("" for all); nothing is written then.
        options: what all parts are called with, by its default; a type in place of a value is an argument that must be given.
    """
    parser = argparse.ArgumentParser(description=document, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in options.items():
        if isinstance(default, type):
            parser.add_argument(name, metavar=name.upper(), type=default)
        else:
            parser.add_argument(f"--{name}", type=type(default), default=default, help=f"(default: {default})")
    if len(parts) > 1:
        parser.add_argument("--part", choices=parts, help="one part instead of all")
    if cases:
        parser.add_argument(
            "--only", choices=cases, default="", help="one case instead of all; nothing is written then"
        )
    arguments = vars(parser.parse_args())
    part = arguments.pop("part", None)
    torch.set_num_threads(arguments.pop("threads", torch.get_num_threads()))
    for name, measure in parts.items():
        if part in (None, name):
            result = measure(**arguments)
            if not arguments.get("only"):
                write_result(name, result)
            print(f"\n{name}\n{result_markdown({'environment': environment(), **result})}")


def seconds_of(call: Callable[[], Any]) -> float:
    """Wall time of one call, a GPU's work included."""
    return _wall_and_cpu_seconds(call)[0]


def _wall_and_cpu_seconds(call: Callable[[], Any]) -> tuple[float, float]:
    _synchronize()
    begun, worked = time.perf_counter(), cpu_seconds()
    call()
    _synchronize()
    return time.perf_counter() - begun, cpu_seconds() - worked


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def cpu_seconds() -> float:
    """Seconds of a core that this process took, and those that it has started and that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def compare(
    contestants: Mapping[Any, Callable[[], Any]], rounds: int, *, warmup: int = 1, budget: float | None = None
) -> dict[Any, dict[str, float]]:
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
    seconds: dict[Any, list[tuple[float, float]]] = {name: [] for name in contestants}
    begun = time.perf_counter()
    for i in range(rounds):
        for name in list(contestants)[:: 1 if i % 2 == 0 else -1]:
            seconds[name].append(_wall_and_cpu_seconds(contestants[name]))
        if budget is not None and time.perf_counter() - begun > budget:
            break
    return {name: _summary(found) for name, found in seconds.items()}


def _summary(seconds: list[tuple[float, float]]) -> dict[str, float]:
    wall, cpu = zip(*seconds, strict=True)
    low, _, high = statistics.quantiles(wall, n=4, method="inclusive") if len(wall) > 1 else (0.0,) * 3
    return {
        "median_seconds": statistics.median(wall),
        "iqr_seconds": high - low,
        "median_cpu_seconds": statistics.median(cpu),
        "rounds": len(wall),
    }


def ratio(found: dict[Any, dict[str, float]], ours: Any, theirs: Any, by: str = "median_seconds") -> float:
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
    own = {"cpu": device_name("cpu"), "threads": torch.get_num_threads(), "cuda": torch.version.cuda}
    return own | machine(torch.device(device).type, PACKAGES)


def write_result(name: str, result: dict[str, Any], device: torch.device | str = "cpu") -> None:
    """Write benchmarks/results/<name>.json: the environment, and what was measured."""
    write_json(ROOT / "benchmarks" / "results" / f"{name}.json", {"environment": environment(device), **result})
