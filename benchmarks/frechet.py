"""The Fréchet distance of two Gaussians of Inception's width: ours, torch-fidelity's, and by SciPy's matrix root.

The covariances are those of random features, 5,000 of each, with standard deviations that spread as eigenvalues of
Inception's do. Ours has the factor of the real images' covariance at hand, as the pipeline has, which makes it once for each data set.

    python -m benchmarks.frechet [--rounds 3]
"""

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.linalg import sqrtm

from benchmarks.timing import compare, matmul_ceiling, print_table, ratio, seconds_of, write_result
from selfsparse.metrics.frechet import Gaussian, RunningGaussian, frechet_distance, lower_factor

OURS, THEIRS, SQRTM = "ours", "torch-fidelity", "SciPy's sqrtm"


def random_gaussian(width: int, samples: int, seed: int) -> Gaussian:
    """Mean and covariance of random features whose variances fall over five orders of magnitude."""
    rng = np.random.default_rng(seed)
    scales = np.logspace(0, -2.5, width)
    mix, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(width, width)))
    running = RunningGaussian()
    running.add(torch.from_numpy((rng.normal(0.1 * seed, 1, size=(samples, width)) * scales) @ mix))
    return running.result()


def by_sqrtm(real: Gaussian, generated: Gaussian) -> float:
    """Eq. 14 as published implementations of FID write it."""
    difference = real.mean - generated.mean
    root = sqrtm(real.covariance @ generated.covariance)
    return float(difference @ difference + np.trace(real.covariance + generated.covariance - 2 * root.real))


def measure(width: int, samples: int, rounds: int) -> dict[str, Any]:
    """Time the contestants, and say how far their distances are apart."""
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

    real, generated = (random_gaussian(width, samples, seed) for seed in (1, 2))
    factor_seconds = seconds_of(lambda: lower_factor(real.covariance))
    factor = lower_factor(real.covariance)
    calls: dict[str, Callable[[], float]] = {
        OURS: lambda: frechet_distance(real, generated, factor),
        THEIRS: lambda: fid_statistics_to_metric(
            *({"mu": g.mean, "sigma": g.covariance} for g in (real, generated)), verbose=False
        )[KEY_METRIC_FID],
        SQRTM: lambda: by_sqrtm(real, generated),
    }
    distances: dict[str, float] = {}

    def remembered(name: str) -> Callable[[], None]:
        return lambda: distances.update({name: calls[name]()})

    calls[OURS]()  # the others take so long that a first call's cost does not show
    found = compare({name: remembered(name) for name in calls}, rounds, warmup=0)
    ceiling, flops = matmul_ceiling("cpu", torch.float64), (15 / 8 + 4 / 3) * width**3
    return {
        "width": width,
        "samples": samples,
        "timing": found,
        "ratio": {name: ratio(found, OURS, name) for name in (THEIRS, SQRTM)},
        "distance": distances,
        "difference": {name: abs(value - distances[OURS]) / distances[OURS] for name, value in distances.items()},
        "factor_seconds": factor_seconds,
        "ceiling_flops": ceiling,
        # Two products that skip zeros, 15/8 D^3 in blocks, and the reduction to a tridiagonal matrix, 4/3 D^3, half of it bound by memory.
        "share_of_ceiling": flops / found[OURS]["median_seconds"] / ceiling,
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=2048, help="features (default: 2048, Inception's)")
    parser.add_argument("--samples", type=int, default=5000, help="of each Gaussian (default: 5000)")
    parser.add_argument("--rounds", type=int, default=3, help="timed calls of each contestant (default: 3)")
    parser.add_argument("--threads", type=int, help="PyTorch's CPU threads (default: its own)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of a table")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    result = measure(arguments.width, arguments.samples, arguments.rounds)
    write_result("frechet", result)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    rows = [
        [name, value["median_seconds"], result["ratio"].get(name), result["difference"][name]]
        for name, value in result["timing"].items()
    ]
    header = ["", "seconds", "times ours", "difference"]
    print_table(f"Fréchet distance, {result['width']} features", header, rows)
    print(
        f"Ours runs at {100 * result['share_of_ceiling']:.0f} % of this machine's ceiling, a matrix product in float64:"
        f" {result['ceiling_flops'] / 1e9:,.0f} GFLOP/s"
    )


if __name__ == "__main__":
    main()
