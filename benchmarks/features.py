"""Inception-v3's features on the CPU: torch-fidelity's own call, ours, and ours compiled, on the same images.

The weights are random, as time does not depend on them. torch-fidelity is called as it comes: its batches of 64, its
data loader, in this process. Equality is the largest difference of two features over the largest feature.

    python -m benchmarks.features [--images 64] [--rounds 5] [--no-compile]
"""

import argparse
import json
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from benchmarks.timing import compare, matmul_ceiling, print_table, ratio, seconds_of, write_result
from selfsparse.metrics import inception
from selfsparse.metrics.inception import Inception
from selfsparse.models.counting import forward_flops

THEIRS, OURS, COMPILED = "torch-fidelity", "ours", "ours, compiled"


class Images(Dataset):
    """What torch-fidelity measures: uint8 images with three channels."""

    def __init__(self, images: Tensor) -> None:
        self._images = images.expand(-1, 3, -1, -1)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, i: int) -> Tensor:
        return self._images[i]


def random_state(seed: int = 0) -> dict[str, Tensor]:
    """Weights in the official layout with random values: batch norms that do something, a signal that keeps its size."""
    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    own = theirs.FeatureExtractorInceptionV3
    nothing = patch.object(theirs, "load_state_dict_from_url", lambda *arguments, **options: {})
    with torch.random.fork_rng(), nothing, patch.object(own, "load_state_dict", lambda self, state: None):
        torch.manual_seed(seed)
        state = own("inception-v3-compat", ["2048"]).state_dict()
        for name, value in state.items():
            if value.dim() == 4:
                nn.init.kaiming_normal_(value, nonlinearity="relu")
            elif name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif name.endswith(("running_mean", "bn.bias")):
                value.normal_(0, 0.1)
    return state


def torch_fidelity_network(state: dict[str, Tensor]) -> nn.Module:
    """torch-fidelity's own network under these weights."""
    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    with patch.object(theirs, "load_state_dict_from_url", lambda *arguments, **options: state):
        return theirs.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])


def measure(count: int, side: int, channels: int, rounds: int, compiling: bool) -> dict[str, Any]:
    """Time the contestants on `count` images, and say how far their features are apart."""
    from torch_fidelity.utils import extract_featuresdict_from_input_id

    shape, seed = (count, channels, side, side), torch.Generator().manual_seed(0)
    images = torch.randint(256, shape, dtype=torch.uint8, generator=seed)
    state = random_state()
    network, ours = torch_fidelity_network(state), Inception(state)

    def own_call() -> Tensor:
        options = {"input1": Images(images), "cuda": False, "verbose": False, "save_cpu_ram": True}
        return extract_featuresdict_from_input_id(1, network, **options)["2048"]

    contestants = {THEIRS: own_call, OURS: lambda: ours(images)}
    result: dict[str, Any] = {"images": count, "side": side, "channels": channels}
    if compiling:
        compiled = Inception(state, images=10**9)
        contestants[COMPILED] = lambda: compiled(images)
        few = images[: inception.MICRO_BATCH]
        result["compile_seconds"] = seconds_of(lambda: compiled(few)) - min(
            seconds_of(lambda: compiled(few)) for _ in range(3)
        )
    features = {name: call() for name, call in contestants.items()}
    result["difference"] = {
        name: float((value - features[THEIRS]).abs().max() / features[THEIRS].abs().max())
        for name, value in features.items()
        if name != THEIRS
    }
    found = compare(contestants, rounds, warmup=0)
    flops = forward_flops(ours.layers, torch.zeros(1, 3, inception.SIDE, inception.SIDE))
    ceiling = matmul_ceiling("cpu")
    rate = {name: count / value["median_seconds"] for name, value in found.items()}
    result |= {
        "timing": found,
        "images_per_second": rate,
        "ratio": {name: ratio(found, name, THEIRS) for name in found},
        "flops_per_image": flops,
        "ceiling_flops": ceiling,
        "share_of_ceiling": {name: value * flops / ceiling for name, value in rate.items()},
    }
    if compiling and rate[COMPILED] > rate[OURS]:
        result["break_even_images"] = result["compile_seconds"] / (1 / rate[OURS] - 1 / rate[COMPILED])
    return result


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=64, help="images a call (default: 64, torch-fidelity's batch)")
    parser.add_argument("--side", type=int, default=32, help="their height and width (default: 32)")
    parser.add_argument("--channels", type=int, default=1, choices=(1, 3), help="1: grey, as MNIST (default), or 3")
    parser.add_argument("--rounds", type=int, default=5, help="timed calls of each contestant (default: 5)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: PyTorch's own)")
    parser.add_argument("--no-compile", action="store_true", help="leave the compiled network out")
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of a table")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    result = measure(arguments.images, arguments.side, arguments.channels, arguments.rounds, not arguments.no_compile)
    write_result("features", result)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    rows = [
        [name, rate, result["ratio"][name], f"{100 * result['share_of_ceiling'][name]:.0f} %", result["difference"].get(name)]
        for name, rate in result["images_per_second"].items()
    ]  # fmt: skip
    print_table("Inception-v3's features", ["", "images/s", "ratio", "of ceiling", "difference"], rows)
    print(f"Ceiling of this machine, a matrix product in float32: {result['ceiling_flops'] / 1e9:,.0f} GFLOP/s")
    if "compile_seconds" in result:
        even = result.get("break_even_images")
        pays = f"pays from {even:,.0f} images on" if even else "does not pay"
        print(f"Compiling took {result['compile_seconds']:.0f} s, and {pays}.")


if __name__ == "__main__":
    main()
