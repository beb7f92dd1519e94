"""The training loop of one run, or of several that share a GPU: step by step, each to its own end."""

import os
import signal
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import torch

from selfsparse.config import Configuration, Settings, Train
from selfsparse.data.packed import load_packed
from selfsparse.device import enough_memory
from selfsparse.paths import packed_dir, result_dir
from selfsparse.processes import SIGNALS
from selfsparse.training.evaluation import Evaluation, OverlappedEvaluation
from selfsparse.training.fingerprint import fingerprint
from selfsparse.training.history import History
from selfsparse.training.lock import Interrupted
from selfsparse.training.real_images import images_on_device
from selfsparse.training.run import Run


def train_runs(
    settings: Settings,
    configuration: Configuration,
    seeds: Sequence[int],
    device: torch.device,
    bar_position: int = 0,
    results: Path | None = None,
    until: int | None = None,
) -> list[History]:
    """Train the runs of these seeds to their ends, in turns of a step, and write their results.

    Each goes on from its last checkpoint where there is one, and is the same as alone. One that diverges leaves the others
    alone. Several make sense on a GPU, where the steps of one keep it busy while those of another wait.

    Args:
        until: the step at which they end; their own last one where None.
        results: the folder in which each run leaves its own, seed<seed>; that of the configuration where None.

    Raises:
        Interrupted: on SIGINT or SIGTERM, after the states were saved; the same call goes on from there.
        RunError: another process is at one of these runs, and did not end within the time that this one waits for it.
        DeviceError: memory is used up; the last checkpoints are as they were.
    """
    _set_backends(configuration.train)
    asked: set[int] = set()  # the signals that asked to stop
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: asked.add(number))
    packed = load_packed(packed_dir(configuration.dataset_key))
    overlaps = device.type == "cuda"
    results = results or result_dir(configuration.suite, "runs", configuration.name)
    with ExitStack() as stack:
        stack.enter_context(_enough_memory(settings, configuration, len(seeds)))
        evaluation = (OverlappedEvaluation if overlaps else Evaluation)(settings, configuration, device)
        images = images_on_device(torch.from_numpy(packed.images), device)
        runs = []
        for i, seed in enumerate(seeds):
            shape = fingerprint(settings, configuration, seed, device.type)
            run = Run(
                configuration, seed, shape, images, device, results, evaluation,
                overlaps=overlaps, bar_position=bar_position + i, stopped=lambda: bool(asked), until=until,
            )  # fmt: skip
            runs.append(stack.enter_context(run))
        for run in runs:
            if not run.finished:
                run.trainer.prepare()  # all of them first: while a graph is recorded, nothing else may use the GPU
        waiting = list(runs)
        for run in waiting:
            run.begin()
        while waiting:
            for run in waiting:
                if not run.finished:
                    run.advance()
            for run in [run for run in waiting if run.finished]:
                run.finish()
                waiting.remove(run)
            if asked and waiting:
                for run in waiting:
                    run.save()
                said = [f"seed {run.seed}: interrupted, saved at step {run.trainer.step:,}" for run in waiting]
                raise Interrupted("\n".join(said))
    return [run.history for run in runs]


def _enough_memory(settings: Settings, configuration: Configuration, together: int) -> AbstractContextManager:
    train = configuration.train
    several = f"train.parallel_seeds ({train.parallel_seeds}; no number depends on it), " if together > 1 else ""
    return enough_memory(
        f"{configuration.name}: out of memory in training network {configuration.network_name}, {together} at a time,"
        f" with batches of {train.batch_size} images",
        f"Lower {several}train.batch_size ({train.batch_size}; another training), or, if it was an FID,"
        f" fid.batch_size ({settings.fid.batch_size})",
    )


def _set_backends(train: Train) -> None:
    """What holds for the whole process. Full float32 except inside a training step, which sets its own precision (U13)."""
    torch.set_num_threads(train.threads)
    torch.backends.cudnn.allow_tf32 = False
    if train.deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # read when cuBLAS starts
        torch.use_deterministic_algorithms(True)
