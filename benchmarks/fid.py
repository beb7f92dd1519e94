"""FID on the CPU by the libraries that a user would pick, and by this suite: the features, the distance, and all of it.

    python -m benchmarks.fid [--rounds N] [--threads N] [--part NAME]

All measure the same images under one network, torch-fidelity's Inception-v3 with random weights, as time does not depend on them.

`fid_features`: 64 images through torch-fidelity's own call (its batches of 64, its data loader, in this process), and ours;
`difference` is the largest of two features over the largest feature.
`fid_distance`: the distance of two Gaussians of Inception's width, from covariances of 5,000 random features each, whose standard
deviations spread as eigenvalues of Inception's do. Ours has the factor of the real images' covariance at hand, as the pipeline has.
`fid_libraries`: from images, 64 real and 64 generated, to the distance. Each library is made ready beforehand and called as it comes:
torch-fidelity, torchmetrics and pytorch-ignite on tensors; pytorch-fid and clean-fid, which resizes in its own way, on PNG files, in
this process; the three whose distance is by SciPy's matrix root once. Ours makes the factor as well. Measured
with torchmetrics 1.9.0, lightning-utilities 0.15.3, pytorch-ignite 0.5.5, pytorch-fid 0.3.0 and clean-fid 0.1.35, which are no
dependencies: what is not installed, or does not run, has a row that says so. `ours_is_times_as_fast` and the share of the ceiling, of
the network's FLOPs alone, are by CPU time: it was measured beside other programs on the same core, which the wall time shows.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from scipy.linalg import sqrtm
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.transforms.functional import to_pil_image

from benchmarks.harness import compare, matmul_ceiling, ratio, run, seconds_of
from selfsparse.metrics.frechet import Gaussian, RunningGaussian, frechet_distance, lower_factor
from selfsparse.metrics.inception import Inception
from selfsparse.planning.cost import INCEPTION_FLOPS

OURS, THEIRS, SQRTM = "ours", "torch-fidelity", "SciPy's sqrtm"
TENSOR_OPTIONS = {"cuda": False, "verbose": False, "save_cpu_ram": True}
WIDTH = 2048  # features of Inception-v3
Call = Callable[[], float]


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
        state = own("inception-v3-compat", [str(WIDTH)]).state_dict()
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
        return theirs.FeatureExtractorInceptionV3("inception-v3-compat", [str(WIDTH)])


def features(rounds: int, count: int = 64) -> dict[str, Any]:
    """Time the features of `count` grey images, 32 x 32, and say how far they are apart."""
    from torch_fidelity.utils import extract_featuresdict_from_input_id

    draw = torch.Generator().manual_seed(0)
    images, state = torch.randint(256, (count, 1, 32, 32), dtype=torch.uint8, generator=draw), random_state()
    network, own = torch_fidelity_network(state), Inception(state)
    options = {"input1": Images(images), **TENSOR_OPTIONS}
    calls = {
        THEIRS: lambda: extract_featuresdict_from_input_id(1, network, **options)[str(WIDTH)],
        OURS: lambda: own(images),
    }
    values = {name: call() for name, call in calls.items()}
    found = compare(calls, rounds, warmup=0)
    ceiling, largest = matmul_ceiling("cpu"), values[THEIRS].abs().max()
    rate = {name: count / value["median_seconds"] for name, value in found.items()}
    return {
        "images": count,
        "difference": {OURS: float((values[OURS] - values[THEIRS]).abs().max() / largest)},
        "timing": found,
        "images_per_second": rate,
        "ratio": {name: ratio(found, name, THEIRS) for name in found},
        "flops_per_image": INCEPTION_FLOPS,
        "ceiling_flops": ceiling,
        "share_of_ceiling": {name: value * INCEPTION_FLOPS / ceiling for name, value in rate.items()},
    }


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


def distance(rounds: int, width: int = WIDTH, samples: int = 5000) -> dict[str, Any]:
    """Time the distances, and say how far they are apart."""
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

    real, generated = (random_gaussian(width, samples, seed) for seed in (1, 2))
    factor_seconds, factor = seconds_of(lambda: lower_factor(real.covariance)), lower_factor(real.covariance)
    statistics = [{"mu": g.mean, "sigma": g.covariance} for g in (real, generated)]
    calls: dict[str, Call] = {
        OURS: lambda: frechet_distance(real, generated, factor),
        THEIRS: lambda: fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID],
        SQRTM: lambda: by_sqrtm(real, generated),
    }
    calls[OURS]()  # the others take so long that a first call's cost does not show
    values: dict[str, float] = {}
    found = compare({n: partial(lambda n: values.update({n: calls[n]()}), n) for n in calls}, rounds, warmup=0)
    # Two products that skip zeros, 15/8 D^3 in blocks, and the reduction to a tridiagonal matrix, 4/3 D^3, half of it bound by memory.
    ceiling, flops = matmul_ceiling("cpu", torch.float64), (15 / 8 + 4 / 3) * width**3
    return {
        "width": width,
        "samples": samples,
        "timing": found,
        "ratio": {name: ratio(found, OURS, name) for name in (THEIRS, SQRTM)},
        "distance": values,
        "difference": {name: abs(value - values[OURS]) / values[OURS] for name, value in values.items()},
        "factor_seconds": factor_seconds,
        "ceiling_flops": ceiling,
        "share_of_ceiling": flops / found[OURS]["median_seconds"] / ceiling,
    }


class _Network(nn.Module):
    """torch-fidelity's network as other libraries call one: images of any type in [0, `scale`], features of `shape` each."""

    def __init__(self, state: dict[str, Tensor], scale: float, shape: tuple[int, ...], listed: bool) -> None:
        super().__init__()
        self.network, self._scale, self._shape, self._listed = torch_fidelity_network(state), scale, shape, listed

    def forward(self, images: Tensor) -> Any:
        pixels = images if images.dtype == torch.uint8 else (images * (255 / self._scale)).round().clamp(0, 255).byte()
        found = self.network(pixels)[0].reshape(len(images), *self._shape)
        return [found] if self._listed else found


def ours(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """This suite's."""
    extractor = Inception(state)

    def call() -> float:
        gaussians = []
        for images in (real, fake):
            running = RunningGaussian()
            running.add(extractor(images))
            gaussians.append(running.result())
        return frechet_distance(gaussians[0], gaussians[1], lower_factor(gaussians[0].covariance))

    return call


def torch_fidelity(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """Its call without the reading of weights, which takes part in each `calculate_metrics`."""
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_inputs_to_metric

    network, options = (
        torch_fidelity_network(state),
        {"cache": False, "feature_layer_fid": str(WIDTH), **TENSOR_OPTIONS},
    )
    return lambda: fid_inputs_to_metric(network, input1=Images(real), input2=Images(fake), **options)[KEY_METRIC_FID]


def torchmetrics(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """Its own Inception-v3, which is torch-fidelity's."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    torch.save(state, folder / "weights.pth")
    metric = FrechetInceptionDistance(feature_extractor_weights_path=str(folder / "weights.pth"))

    def call() -> float:
        metric.reset()
        for images in (real, fake):
            metric.update(images.expand(-1, 3, -1, -1), real=images is real)
        return float(metric.compute())

    return call


def pytorch_ignite(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """Its own extractor has another width: the network is handed in."""
    from ignite.metrics import FID

    metric = FID(num_features=WIDTH, feature_extractor=_Network(state, 255, (WIDTH,), listed=False))

    def call() -> float:
        metric.reset()
        metric.update([images.expand(-1, 3, -1, -1) for images in (real, fake)])
        return metric.compute()

    return call


def pytorch_fid(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """On files; the network is handed in."""
    from pytorch_fid.fid_score import calculate_activation_statistics, calculate_frechet_distance

    network = _Network(state, 1, (WIDTH, 1, 1), listed=True)
    files = [sorted((folder / kind).iterdir()) for kind in ("real", "fake")]

    def call() -> float:
        statistics = [calculate_activation_statistics(paths, network, num_workers=0) for paths in files]
        return float(calculate_frechet_distance(*statistics[0], *statistics[1]))

    return call


def clean_fid(state: dict[str, Tensor], real: Tensor, fake: Tensor, folder: Path) -> Call:
    """On files; the network is handed in."""
    from cleanfid.fid import compute_fid

    options = {"num_workers": 0, "device": torch.device("cpu"), "verbose": False, "use_dataparallel": False}
    network = _Network(state, 255, (WIDTH,), listed=False)
    return lambda: compute_fid(str(folder / "real"), str(folder / "fake"), custom_feat_extractor=network, **options)


CONTESTANTS = {
    OURS: ours, THEIRS: torch_fidelity, "torchmetrics": torchmetrics, "pytorch-ignite": pytorch_ignite,
    "pytorch-fid": pytorch_fid, "clean-fid": clean_fid,
}  # fmt: skip
ONCE = ("pytorch-ignite", "pytorch-fid", "clean-fid")  # timed by one call: their matrix root takes most of a minute


def libraries(rounds: int, count: int = 64) -> dict[str, Any]:
    """Time whole FIDs of `count` real and as many generated images, 32 x 32, grey: the generated ones are darker."""
    draw, state = torch.Generator().manual_seed(0), random_state()
    images = tuple(torch.randint(top, (count, 1, 32, 32), dtype=torch.uint8, generator=draw) for top in (256, 192))
    rows: dict[str, dict[str, Any]] = {}
    calls: dict[str, Call] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, batch in zip(("real", "fake"), images, strict=True):
            (Path(folder) / kind).mkdir()
            for i, image in enumerate(batch.expand(-1, 3, -1, -1)):
                to_pil_image(image).save(Path(folder) / kind / f"{i:05}.png")
        for name, make in CONTESTANTS.items():
            values: list[float] = []
            try:
                call = make(state, images[0], images[1], Path(folder))
                first = compare({name: partial(lambda call, values: values.append(call()), call, values)}, 1, warmup=0)
                rows[name] = {"fid": values[0], **first[name]}
                if name not in ONCE:
                    calls[name] = call
            except ImportError:
                rows[name] = {"fid": "not installed"}
            except Exception as error:  # a library that today's versions of its own dependencies broke
                rows[name] = {"fid": f"does not run: {type(error).__name__}: {str(error).splitlines()[0][:100]}"}
        found = compare(calls, rounds, warmup=0)
    ceiling, timed = matmul_ceiling("cpu"), {name: row | found.get(name, {}) for name, row in rows.items()}
    for name, row in timed.items():
        if seconds := row.get("median_cpu_seconds"):
            row["ours_is_times_as_fast"] = ratio(timed, OURS, name, "median_cpu_seconds")
            row["share_of_ceiling"] = 2 * count * INCEPTION_FLOPS / seconds / ceiling
    return {"images": count, "ceiling_flops": ceiling, "libraries": timed}


if __name__ == "__main__":
    run(
        __doc__,
        {"fid_features": features, "fid_distance": distance, "fid_libraries": libraries},
        rounds=3,
        threads=torch.get_num_threads(),
    )
