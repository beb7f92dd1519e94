"""How fast a CUDA GPU trains and measures the paper's networks, without any dataset.

    python -m benchmarks.cuda [--seconds N]

Training steps a second of every distinct network of the suite paper, launched one by one and as a recorded graph, one seed
and three at once; the ratio to a textbook loop, its convolutions all PyTorch's, at 32 and at 128 pixels; images a second
through Inception-v3 (of random weights: time does not depend on them); and, from these, the hours that the suite paper
takes. Images are noise.

Writes benchmarks/results/cuda.json after each part, so that nothing measured is lost. Exit code 2 without a GPU.
Not yet run by us.
"""

import argparse
import gc
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from benchmarks.fid import random_state
from benchmarks.harness import compare, environment, matmul_ceiling, ratio, seconds_of, write_result
from benchmarks.page import result_markdown
from benchmarks.textbook import TextbookTrainer
from benchmarks.training_step import random_images, repeat
from selfsparse.config import Configuration, Settings, load_settings
from selfsparse.device import float32_precision
from selfsparse.planning.cost import step_cost
from selfsparse.planning.plan import image_count
from selfsparse.training.trainer import Trainer

DEVICE = torch.device("cuda")
TEXTBOOK = ("mnist-32-self_sparse", "mnist-128-self_sparse")
TIMED_AGAINST_TEXTBOOK = 15.0  # seconds, both contestants together
MODES = {
    "graph, 3 seeds": (True, 3),
    "graph, 1 seed": (True, 1),
    "eager, 1 seed": (False, 1),
    "eager, 3 seeds": (False, 3),
}
MOST_SECONDS = 1.5  # of timing a network in one mode
IMAGES_TIMED = 2500
VARIED = ("mnist-32-self_sparse", "stl10-64-self_sparse", "celeba_hq-128-self_sparse")
VARIATIONS: dict[str, dict[str, Any]] = {
    "as set": {},
    "channels last": {"channels_last": True},
    "bf16": {"precision": "bf16"},
    "bf16, channels last": {"precision": "bf16", "channels_last": True},
    "fp32": {"precision": "fp32"},
}
PRECISIONS = ("fp32", "tf32", "bf16")


def distinct_networks(settings: Settings) -> dict[str, list[str]]:
    """Return the configurations of the suite paper by the first of those that train alike, up to what the images show."""
    found: dict[tuple, list[str]] = {}
    for c in settings.suite("paper"):
        t = c.train
        key = (
            c.network_name, c.model, c.latent_dim, c.dataset.channels, c.dataset.resolution, t.batch_size,
            t.discriminator_steps, t.loss, t.penalty_weight > 0, t.precision,
        )  # fmt: skip
        found.setdefault(key, []).append(c.name)
    return {names[0]: names for names in found.values()}


def with_train(c: Configuration, **changes: Any) -> Configuration:
    """Return the configuration with some settings of its training changed."""
    return c.model_copy(update={"train": c.train.model_copy(update=changes)})


def steps_per_second(c: Configuration, graph: bool, seeds: int, seconds: float) -> float:
    """Return the generator steps a second of all seeds together."""
    images = random_images(c).to(DEVICE)
    trainers = [Trainer(with_train(c, cuda_graph=graph), seed, images, DEVICE) for seed in range(seeds)]
    for trainer in trainers:
        trainer.prepare()

    def rounds(count: int) -> float:
        return seconds_of(repeat(lambda: [trainer.generator_step() for trainer in trainers], count)) / count

    rounds(3)
    count = max(3, min(2000, int(seconds / rounds(3))))
    return seeds / rounds(count)


def textbook_ratio(c: Configuration) -> dict[str, Any]:
    """Time one seed of ours, recorded, against the textbook loop, under full float32, as the loop trains by default."""
    c = with_train(c, precision="fp32")
    ours = Trainer(c, 0, random_images(c).to(DEVICE), DEVICE)
    ours.prepare()
    theirs = TextbookTrainer(c, random_images(c, original=True), DEVICE)
    with float32_precision("fp32"):
        calls = {"ours": repeat(ours.generator_step, 10), "textbook": repeat(theirs.generator_step, 10)}
        found = compare(calls, 30, budget=TIMED_AGAINST_TEXTBOOK)
    rates = {name: 10 / value["median_seconds"] for name, value in found.items()}
    return {"steps_per_second": rates, "ratio": ratio(found, "ours", "textbook"), "rounds": found["ours"]["rounds"]}


def evaluation_rates(settings: Settings, configurations: Sequence[Configuration]) -> dict[str, Any]:
    """Return the images a second from latents to sums of features, by generator and precision, and the seconds of a distance."""
    from selfsparse.metrics.frechet import RunningGaussian, frechet_distance_tensors
    from selfsparse.metrics.inception import Inception
    from selfsparse.models.sampling import draw_latents, generate

    state = random_state()
    rates: dict[str, dict[str, float]] = {c.name: {} for c in configurations}
    for precision in PRECISIONS:
        extractor = Inception(state, precision).to(DEVICE).eval().requires_grad_(False)
        for c in configurations:
            generator = Trainer(c, 0, random_images(c).to(DEVICE), DEVICE).generator
            latents = draw_latents(IMAGES_TIMED, c.latent_dim, 0)
            running = RunningGaussian()

            def images(generator=generator, latents=latents, extractor=extractor, running=running) -> None:
                for batch in generate(generator, latents, settings.fid.batch_size, DEVICE, "running"):
                    running.add(extractor(batch))

            rates[c.name][precision] = IMAGES_TIMED / compare({"images": images}, 3)["images"]["median_seconds"]
    moments = running.moments()
    factor = torch.eye(len(moments[0]), dtype=torch.float64, device=DEVICE)
    call = {"distance": lambda: frechet_distance_tensors((*moments, factor), moments)}
    return {"images_per_second": rates, "distance_seconds": compare(call, 3)["distance"]["median_seconds"]}


def variations(settings: Settings, name: str) -> dict[str, float]:
    """Return the steps a second of three recorded seeds under other precisions and layouts."""
    found = {}
    for variation, changes in VARIATIONS.items():
        found[variation] = steps_per_second(with_train(settings.configuration(name), **changes), True, 3, 0.7)
        gc.collect()
        torch.cuda.empty_cache()
    return found


def hours_of_paper(settings: Settings, networks: dict[str, list[str]], result: dict[str, Any]) -> dict[str, Any]:
    """Add up what the suite paper takes: all steps of all seeds, then all images and distances of all FIDs, one by one."""
    rates = result["networks"]
    training, images, distances, missing = 0.0, 0, 0, []
    for first, names in networks.items():
        rate = rates.get(first, {}).get("graph, 3 seeds")
        for c in map(settings.configuration, names):
            images += image_count(c)
            distances += len(c.train.seeds) * (1 + math.ceil(c.train.steps / c.train.evaluate_every))
            if rate is None:
                missing.append(c.name)
            else:
                training += c.train.steps * len(c.train.seeds) / rate
    precision = settings.fid.precision
    measured = result.get("evaluation", {})
    # The slowest of the generators that were timed stands for all: the features cost more than any of them.
    per_second = min((rates[precision] for rates in measured.get("images_per_second", {}).values()), default=None)
    evaluation = images / per_second + distances * measured["distance_seconds"] if per_second else None
    return {
        "training_hours": training / 3600,
        "images": images,
        "image_precision": precision,
        "images_per_second": per_second,
        "distances": distances,
        "evaluation_hours": None if evaluation is None else evaluation / 3600,
        "hours": None if evaluation is None or missing else (training + evaluation) / 3600,
        "evaluation_share": None if evaluation is None or missing else evaluation / (training + evaluation),
        "not_measured": missing,
    }


@contextmanager
def part(result: dict[str, Any], name: str) -> Iterator[None]:
    """Go on with what follows where a part fails; what failed is in the result, and said. What is left is freed."""
    try:
        yield
    except Exception as error:  # a network that fails must not cost the figures of the others
        message = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        result.setdefault("failed", {})[name] = message
        print(f"{name}: {message}", file=sys.stderr)
    gc.collect()
    torch.cuda.empty_cache()
    write_result("cuda", result, DEVICE)


def measure(settings: Settings, seconds: float) -> dict[str, Any]:
    """Measure everything, in the order of what would be missed most, and stop before the time is over."""
    end = time.monotonic() + seconds
    networks = distinct_networks(settings)
    result: dict[str, Any] = {"networks": {name: {"configurations": len(v)} for name, v in networks.items()}}
    with part(result, "ceiling"):
        ceilings = {}
        for precision in PRECISIONS:
            with float32_precision(precision):
                ceilings[precision] = matmul_ceiling(DEVICE, torch.bfloat16 if precision == "bf16" else torch.float32)
        result["ceiling_flops"] = ceilings
    left = [(mode, name) for mode in MODES for name in networks]
    textbook: dict[str, Any] = {}
    for i, (mode, name) in enumerate(left):
        if i == len(networks):  # after the first mode, from which the hours follow
            with part(result, "evaluation"):
                result["evaluation"] = evaluation_rates(settings, [*map(settings.configuration, TEXTBOOK)])
            for case in TEXTBOOK:
                with part(result, f"textbook, {case}"):
                    result["textbook"] = textbook
                    textbook[case] = textbook_ratio(settings.configuration(case))
            for case in VARIED:
                with part(result, f"variations, {case}"):
                    result.setdefault("variations", {})[case] = variations(settings, case)
        rest = end - time.monotonic()
        if rest < 0:
            result.setdefault("no_time_left", []).append(f"{name}, {mode}")
            continue
        with part(result, f"{name}, {mode}"):
            graph, seeds = MODES[mode]
            # A third of a fair share: building, recording and the first steps take time as well.
            timed = min(MOST_SECONDS, max(0.2, rest / (len(left) - i) / 3))
            rate = steps_per_second(settings.configuration(name), graph, seeds, timed)
            result["networks"][name][mode] = rate
            print(f"{name}, {mode}: {rate:,.1f} steps/s", file=sys.stderr)
    for name in networks:
        rate = result["networks"][name].get("graph, 3 seeds")
        if rate is not None:
            c = settings.configuration(name)
            flops = step_cost(c).flops * rate
            peak = result.get("ceiling_flops", {}).get(c.train.precision)
            result["networks"][name] |= {"flops": flops, "share_of_ceiling": peak and flops / peak}
    with part(result, "hours"):
        result["paper"] = hours_of_paper(settings, networks, result)
    return result


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=400, help="stop measuring after so many (default: 400)")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("error: PyTorch finds no CUDA GPU on this machine; there is nothing to measure", file=sys.stderr)
        return 2
    torch.backends.cudnn.allow_tf32 = False  # as in training, which sets its own precision for each step
    result = measure(load_settings(), arguments.seconds)
    print(result_markdown({"environment": environment("cuda"), **result}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
