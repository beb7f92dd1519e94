"""A whole FID on the CPU, from images to the distance, by the libraries that a user would pick, and by this suite.

    python -m benchmarks.fid [--images 8] [--rounds 3]

All measure the same images under one network, torch-fidelity's Inception-v3 with random weights, as time does not depend on
them; clean-fid resizes to it in its own way. So what is compared is each library's way of running the network, its statistics and its
distance. Each is made ready beforehand, and called as it comes: torch-fidelity, torchmetrics and pytorch-ignite on tensors, 64 at
a time at most; pytorch-fid and clean-fid on PNG files, in this process. The three whose distance is by SciPy's matrix root are called once. Ours is not compiled, and includes the factor of the real images, which
the pipeline makes once. Measured with torchmetrics 1.9.0, lightning-utilities 0.15.3, pytorch-ignite 0.5.5, pytorch-fid 0.3.0 and clean-fid 0.1.35,
which are no dependencies: what is not installed, or does not run, has a row that says so. `images` are as many real ones as generated.
The share of the ceiling is of the network's FLOPs alone. Writes benchmarks/results/fid.json.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.transforms.functional import to_pil_image

from benchmarks.features import Images, random_state, torch_fidelity_network
from benchmarks.timing import compare, matmul_ceiling, print_table, ratio, seconds_of, write_result
from selfsparse.metrics.frechet import RunningGaussian, frechet_distance, lower_factor
from selfsparse.metrics.inception import Inception
from selfsparse.planning.cost import INCEPTION_FLOPS

OURS = "ours"
Call = Callable[[], float]


class _Network(nn.Module):
    """torch-fidelity's network as other libraries call one: images of any type in [0, `scale`], features of `shape` each."""

    def __init__(self, state: dict[str, Tensor], scale: float, shape: tuple[int, ...], listed: bool) -> None:
        super().__init__()
        self.network, self._scale, self._shape, self._listed = torch_fidelity_network(state), scale, shape, listed

    def forward(self, images: Tensor) -> Any:
        pixels = images if images.dtype == torch.uint8 else (images * (255 / self._scale)).round().clamp(0, 255).byte()
        features = self.network(pixels)[0].reshape(len(images), *self._shape)
        return [features] if self._listed else features


def ours(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """This suite's."""
    extractor = Inception(state)

    def call() -> float:
        gaussians = []
        for images in (real, fake):
            running = RunningGaussian()
            running.add(extractor(images))
            gaussians.append(running.result())
        return frechet_distance(*gaussians, lower_factor(gaussians[0].covariance))

    return call


def torch_fidelity(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """Its call without the reading of weights, which takes part in each `calculate_metrics`."""
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_inputs_to_metric

    network = torch_fidelity_network(state)
    options = {"cuda": False, "verbose": False, "save_cpu_ram": True, "cache": False, "feature_layer_fid": "2048"}
    return lambda: fid_inputs_to_metric(network, input1=Images(real), input2=Images(fake), **options)[KEY_METRIC_FID]


def torchmetrics(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """Its own Inception-v3, which is torch-fidelity's."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    torch.save(state, folder / "weights.pth")
    metric = FrechetInceptionDistance(feature_extractor_weights_path=str(folder / "weights.pth"))

    def call() -> float:
        metric.reset()
        for images in (real, fake):
            for batch in images.expand(-1, 3, -1, -1).split(64):
                metric.update(batch, real=images is real)
        return float(metric.compute())

    return call


def pytorch_ignite(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """Its own extractor has another width: the network is handed in."""
    from ignite.metrics import FID

    metric = FID(num_features=2048, feature_extractor=_Network(state, 255, (2048,), listed=False))

    def call() -> float:
        metric.reset()
        for batches in zip(*(images.expand(-1, 3, -1, -1).split(64) for images in (real, fake)), strict=True):
            metric.update(batches)
        return metric.compute()

    return call


def pytorch_fid(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """On files; the network is handed in."""
    from pytorch_fid.fid_score import calculate_activation_statistics, calculate_frechet_distance

    network = _Network(state, 1, (2048, 1, 1), listed=True)
    files = [sorted((folder / kind).iterdir()) for kind in ("real", "fake")]

    def call() -> float:
        statistics = [calculate_activation_statistics(paths, network, num_workers=0) for paths in files]
        return float(calculate_frechet_distance(*statistics[0], *statistics[1]))

    return call


def clean_fid(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """On files; the network is handed in."""
    from cleanfid.fid import compute_fid

    options = {"num_workers": 0, "device": torch.device("cpu"), "verbose": False, "use_dataparallel": False}
    network = _Network(state, 255, (2048,), listed=False)
    return lambda: compute_fid(str(folder / "real"), str(folder / "fake"), custom_feat_extractor=network, **options)


CONTESTANTS = {
    OURS: ours, "torch-fidelity": torch_fidelity, "torchmetrics": torchmetrics, "pytorch-ignite": pytorch_ignite,
    "pytorch-fid": pytorch_fid, "clean-fid": clean_fid,
}  # fmt: skip
ONCE = ("pytorch-ignite", "pytorch-fid", "clean-fid")  # timed by one call: their matrix root takes most of a minute


def _ready(images: tuple[Tensor, Tensor], folder: Path, rows: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Call]]:
    """Yield what is to be timed; note of each its value and the seconds of a first call, or why there are none."""
    state = random_state()
    for name, make in CONTESTANTS.items():
        try:
            call = make(state, *images, folder)
            values: list[float] = []
            rows[name] = {
                "median_seconds": seconds_of(lambda call=call, values=values: values.append(call())),
                "rounds": 1,
            }
            rows[name]["fid"] = values[0]
            if name not in ONCE:
                yield name, call
        except ImportError:
            rows[name] = {"fid": "not installed"}
        except Exception as error:  # a library that today's versions of its own dependencies broke
            rows[name] = {"fid": f"does not run: {type(error).__name__}: {str(error).splitlines()[0][:100]}"}


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Time whole FIDs of `count` real and as many generated images, 32 x 32, grey: the generated ones are darker."""
    draw = torch.Generator().manual_seed(0)
    images = tuple(torch.randint(top, (count, 1, 32, 32), dtype=torch.uint8, generator=draw) for top in (256, 192))
    libraries: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        for kind, batch in zip(("real", "fake"), images, strict=True):
            (Path(name) / kind).mkdir()
            for i, image in enumerate(batch.expand(-1, 3, -1, -1)):
                to_pil_image(image).save(Path(name) / kind / f"{i:05}.png")
        found = compare(dict(_ready(images, Path(name), libraries)), rounds, warmup=0)
    ceiling = matmul_ceiling("cpu")
    timed = {name: row | found.get(name, {}) for name, row in libraries.items()}
    for name, row in timed.items():
        if "median_seconds" in row:
            row["ours_is_times_as_fast"] = ratio(timed, OURS, name)
            row["share_of_ceiling"] = 2 * count * INCEPTION_FLOPS / row["median_seconds"] / ceiling
    return {"images": count, "ceiling_flops": ceiling, "libraries": timed}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=8, help="real images, and as many generated ones (default: 8)")
    parser.add_argument("--rounds", type=int, default=3, help="timed calls of each library (default: 3)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="CPU threads (default: all)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    result = measure(arguments.images, arguments.rounds)
    write_result("fid", result)
    keys = ("median_seconds", "iqr_seconds", "ours_is_times_as_fast", "share_of_ceiling", "fid")
    rows = [[name, *(row.get(key) for key in keys)] for name, row in result["libraries"].items()]
    print_table("A whole FID", ["", "seconds", "iqr", "ours faster", "of ceiling", "FID"], rows)


if __name__ == "__main__":
    main()
