"""All seeds of a configuration, side by side: on a CPU each in a process of its own, on a GPU in one process together."""

import multiprocessing
import multiprocessing.resource_tracker
import shutil
import signal
import sys
import time
from multiprocessing.connection import wait

from selfsparse.config import Configuration, Settings
from selfsparse.data.packed import load_packed
from selfsparse.device import choose_device
from selfsparse.errors import RunError, UserError
from selfsparse.files import read_json, write_json
from selfsparse.limits import check_batch
from selfsparse.paths import checkpoint_dir, packed_dir, result_dir
from selfsparse.processes import give_sockets_a_short_place
from selfsparse.provenance import collect_provenance
from selfsparse.training.lock import hold

INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended


def train_configuration(settings: Settings, configuration: Configuration) -> int:
    """Train every seed of a configuration, `parallel_seeds` at a time, and write results/<suite>/runs/<name>/.

    Returns:
        0, or INTERRUPTED where the runs were asked to stop; they have saved their states then.

    Raises:
        DeviceError: the settings ask for a GPU that is not there.
        DataError, SettingsError: the dataset is not prepared, or has fewer images than a batch.
        RunError: a run failed; those in other processes were stopped, with their states saved. Or another process is
            training this configuration, or has removed results of it meanwhile.
    """
    device = choose_device(configuration.train.device, configuration.suite)
    check_batch(configuration, len(load_packed(packed_dir(configuration.dataset_key)).images))
    # Beside the folder of the states, which goes at the end. Each run has a lock too: it may outlive this process.
    folder = checkpoint_dir(configuration.name)
    lock = hold(folder.with_name(f"{folder.name}.lock"), configuration.name)
    try:
        return _train_seeds(settings, configuration, device)
    finally:
        lock.release()


def _train_seeds(settings: Settings, configuration: Configuration, device: str) -> int:
    give_sockets_a_short_place()
    # A server that imports torch once, and from which each run is forked: imports cost seconds, runs as well.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["selfsparse.training.loop"])
    multiprocessing.resource_tracker.ensure_running()  # started later, it would let signals through again
    started = time.monotonic()
    shares, at_once = shares_of(configuration.train.seeds, configuration.train.parallel_seeds, device)
    waiting = []
    for seeds in shares:
        arguments = (settings, configuration, seeds, device, configuration.train.seeds.index(seeds[0]))
        waiting.append(context.Process(target=_run, args=arguments, name=f"seed {', '.join(map(str, seeds))}"))
    running: list[multiprocessing.Process] = []
    failed: list[multiprocessing.Process] = []
    stopping = False

    def stop(number: int, frame: object) -> None:
        nonlocal stopping
        stopping = True
        for process in running:
            process.terminate()

    handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while running or (waiting and not stopping and not failed):
            while waiting and not stopping and not failed and len(running) < at_once:
                # Signals wait while a process starts: the fork server's imports take seconds, and the server and
                # the run inherit that they wait, until the run listens (StopRequest).
                signal.pthread_sigmask(signal.SIG_BLOCK, handlers)
                try:
                    process = waiting.pop(0)
                    process.start()
                    running.append(process)
                    if stopping:  # just before
                        process.terminate()
                finally:
                    signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
            wait([process.sentinel for process in running])
            for process in [p for p in running if p.exitcode is not None]:
                running.remove(process)
                if process.exitcode == INTERRUPTED:
                    stopping = True
                elif process.exitcode:
                    failed.append(process)
                    for other in running:
                        other.terminate()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        seconds = _add_seconds(configuration, time.monotonic() - started)
    if failed:
        names = ", ".join(f"{p.name} (exit code {p.exitcode})" for p in failed)
        raise RunError(
            f"{configuration.name}: {names} failed; the reason stands above. The same command goes on from the last checkpoints."
        )
    if stopping:
        return INTERRUPTED
    _finish(configuration, device, seconds)
    return 0


def shares_of(seeds: tuple[int, ...], side_by_side: int, device: str) -> tuple[list[tuple[int, ...]], int]:
    """Return the seeds of each process, and how many processes run at a time, so that `side_by_side` runs do.

    A GPU is shared best from one process; several would take turns on it. CPU cores are shared best by processes.
    """
    together, at_once = (side_by_side, 1) if device == "cuda" else (1, side_by_side)
    return [seeds[i : i + together] for i in range(0, len(seeds), together)], at_once


def _run(settings: Settings, configuration: Configuration, seeds: tuple[int, ...], device: str, position: int) -> None:
    """What a process of one or several runs does; its exit code tells how it ended."""
    import torch

    from selfsparse.training.loop import Interrupted, train_runs

    try:
        train_runs(settings, configuration, seeds, torch.device(device), position)
    except Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        sys.exit(INTERRUPTED)
    except UserError as error:
        print(f"seed {', '.join(map(str, seeds))}: {error}", file=sys.stderr)
        sys.exit(2)


def _add_seconds(configuration: Configuration, seconds: float) -> float:
    """Add an attempt's wall time to those of the attempts before it, and return the sum; a killed one is not in it."""
    path = checkpoint_dir(configuration.name) / "seconds.json"
    total = seconds + (read_json(path) if path.is_file() else 0.0)
    write_json(path, total)
    return total


def _finish(configuration: Configuration, device: str, seconds: float) -> None:
    """Write the provenance and drop the checkpoints, now that every run's results are written.

    Raises:
        RunError: results of a run are gone again. The states stay, and the results come back from them.
    """
    folder = result_dir(configuration.suite, "runs", configuration.name)
    # A DVC that is started meanwhile removes the folder before its own training waits for this one's lock.
    if gone := [str(seed) for seed in configuration.train.seeds if not (folder / f"seed{seed}/run.json").is_file()]:
        raise RunError(
            f"{configuration.name}: results of seed {', '.join(gone)} are gone from {folder}: a `dvc repro` that was started"
            " meanwhile removed them.\nTheir states are kept: run the same command again, and they are written anew."
        )
    write_json(folder / "provenance.json", collect_provenance(configuration, device, seconds))
    shutil.rmtree(checkpoint_dir(configuration.name), ignore_errors=True)
