"""Ending in order: on SIGTERM, and when the process that started this one is gone."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TERMINATED = 128 + signal.SIGTERM  # the exit code that a shell gives a program that SIGTERM ended
LOOK_EVERY_SEC = 0.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """On SIGTERM leave by way of SystemExit, so that temporary files are removed; and so where DVC dies above a stage.

    DVC hands no signal on, and its own death leaves the stage's process running: the next `dvc repro` would start a second
    one beside it. A process that a user started by hand may outlive its shell.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _leave)
    if "DVC_STAGE" in os.environ:  # DVC's name for the stage whose command this is
        main = threading.main_thread().ident
        # To the thread itself: only then does a system call end in which it waits.
        when_parent_is_gone(lambda: signal.pthread_kill(main, signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def when_parent_is_gone(then: Callable[[], object]) -> None:
    """Call `then`, in a thread of its own, soon after the process that started this one has ended."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY_SEC)
        then()

    # The thread inherits that signals are blocked in it: they are for the main thread, which may hold them back.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=look, name="parent", daemon=True).start()
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _leave(number: int, frame: object) -> None:
    raise SystemExit(TERMINATED)
