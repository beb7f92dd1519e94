"""Peak memory of an FID by the number of generated images: a process of its own for each number.

A small generator and the lenet extractor, so that what is kept shows and not what one batch takes. The latents of all
images, drawn at once, are the one thing that grows with their number; the JSON says how much that is.

    python -m benchmarks.memory [--counts 5000 50000]
"""

import argparse
import resource
import subprocess
import sys

import numpy as np
import torch

from benchmarks.timing import print_table, write_result
from selfsparse.metrics.frechet import Gaussian
from selfsparse.metrics.generated import measure_fid
from selfsparse.metrics.lenet import FEATURES, LeNet
from selfsparse.metrics.reference import Reference
from selfsparse.models.sampling import draw_latents

LATENT_DIM = 128
MIB = 2**20


class Painter(torch.nn.Module):
    """z (N, 128) -> images (N, 1, 16, 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(LATENT_DIM, 256)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return images in [-1, 1]."""
        return torch.tanh(self.layer(z)).view(-1, 1, 16, 16)


def peak_bytes(count: int) -> int:
    """Measure an FID of `count` images in this process; return the process's peak resident memory."""
    reference = Reference(count, Gaussian(np.zeros(FEATURES), np.eye(FEATURES), count), np.eye(FEATURES), None)
    latents = draw_latents(count, LATENT_DIM, 0)
    measure_fid(Painter(), latents, LeNet(1, 10).eval(), reference, 250, torch.device("cpu"), "running")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[5000, 50000], help="(default: 5000 50000)")
    parser.add_argument("--here", type=int, help="measure this count in this process, and print the bytes")
    arguments = parser.parse_args()
    if arguments.here:
        print(peak_bytes(arguments.here))
        return
    result = {}
    for count in arguments.counts:
        command = [sys.executable, "-m", "benchmarks.memory", "--here", str(count)]
        peak = int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        result[str(count)] = {"peak_bytes": peak, "latent_bytes": count * LATENT_DIM * 4}
    write_result("memory", {"fid": result})
    rows = [[n, value["peak_bytes"] / MIB, value["latent_bytes"] / MIB] for n, value in result.items()]
    print_table("Peak memory of an FID, MiB", ["images", "peak", "of which latents"], rows)


if __name__ == "__main__":
    main()
