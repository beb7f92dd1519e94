"""The parts of a stage side by side on CPU cores: each in a process of its own, forked from one that has imported what they need."""

import multiprocessing
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

from selfsparse.errors import RunError, UserError
from selfsparse.processes import SIGNALS

INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended


@dataclass(frozen=True)
class Job:
    """A part of the work: a call that a process of its own can make, so a function of a module and picklable arguments."""

    name: str
    work: Callable[..., int | None]
    arguments: tuple[Any, ...]


def import_meanwhile(*modules: str) -> None:
    """Start the process from which jobs are forked: it imports these modules while the caller goes on."""
    multiprocessing.set_forkserver_preload(list(modules))
    multiprocessing.resource_tracker.ensure_running()  # started later, it would let signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # it inherits that they wait: they are for its jobs
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run_jobs(jobs: Iterable[Job], at_once: int, what: str, forked: bool = False) -> int:
    """Run jobs, so many at a time, and wait for them. SIGINT and SIGTERM are handed on, and no job begins after them.

    Args:
        what: the jobs are of, for the message.
        forked: from this very process, which has imported what they need, and neither started threads nor touched a GPU.

    Returns:
        0, or INTERRUPTED where they were asked to stop.

    Raises:
        RunError: one failed; the others were asked to stop.
    """
    jobs = list(jobs)
    if not forked:
        import_meanwhile(*{job.work.__module__ for job in jobs})
    context: Any = multiprocessing.get_context("fork" if forked else "forkserver")
    waiting: list[BaseProcess] = [context.Process(target=_work, args=(job,), name=job.name) for job in jobs]
    running: list[BaseProcess] = []
    failed: list[BaseProcess] = []
    stopping = False

    def stop(number: int, frame: object) -> None:
        nonlocal stopping
        stopping = True
        for process in running:
            process.terminate()

    handlers = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        while running or (waiting and not stopping and not failed):
            while waiting and not stopping and not failed and len(running) < at_once:
                signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # they wait until the job listens
                try:
                    process = waiting.pop(0)
                    process.start()
                    running.append(process)
                    if stopping:  # since it was looked at last
                        process.terminate()
                finally:
                    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            wait([process.sentinel for process in running])
            for process in [p for p in running if p.exitcode is not None]:
                running.remove(process)
                if process.exitcode == INTERRUPTED:
                    stopping = True
                elif process.exitcode == -signal.SIGTERM and (stopping or failed):
                    continue  # told to stop before it listened: the server that it was forked from may let signals through
                elif process.exitcode:
                    failed.append(process)
                    for other in running:
                        other.terminate()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if failed:
        names = ", ".join(f"{p.name} (exit code {p.exitcode})" for p in failed)
        raise RunError(
            f"{what}: {names} failed; the reason stands above. The same command goes on from what has been saved."
        )
    return INTERRUPTED if stopping else 0


def _work(job: Job) -> None:
    """What a job's process does; its exit code tells how it ended."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # as they are already, from the server on
    _end_with_parent()
    for number in SIGNALS:
        signal.signal(number, _interrupted)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        sys.exit(job.work(*job.arguments))
    except UserError as error:
        print(f"{job.name}: {error}", file=sys.stderr)
        sys.exit(2)


def _interrupted(number: int, frame: object) -> None:
    for other in SIGNALS:  # Ctrl-C reaches a job itself, and once more through the one that waits for it
        signal.signal(other, lambda number, frame: None)
    sys.exit(INTERRUPTED)


def _end_with_parent() -> None:
    """Send SIGTERM to this process once the one whose job it does is gone: nobody would collect what it makes."""
    parent = multiprocessing.parent_process()

    def look() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    # The thread inherits that signals are blocked in it: they are for the main thread.
    threading.Thread(target=look, name="parent", daemon=True).start()
