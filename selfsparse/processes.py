"""Processes: how many CPUs they may use, and ending in order on SIGTERM and when the one that started them is gone."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TERMINATED = 128 + signal.SIGTERM  # the exit code that a shell gives a program that SIGTERM ended
LOOK_EVERY_SEC = 0.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)
SHELLS = {"sh", "ash", "bash", "dash", "fish", "ksh", "zsh"}


def usable_cpus() -> int:
    """Return how many CPUs this process may use: its affinity, and the quota of its container, rounded up."""
    import joblib  # late: few of those that import this module ask

    return joblib.cpu_count()


def search_path() -> str:
    """Return a PATH on which `python`, as dvc.yaml has it, is the Python that runs this."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


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
        main = threading.get_ident()
        # To the thread itself: only then does a system call end in which it waits.
        when_parent_is_gone(lambda: signal.pthread_kill(main, signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def when_parent_is_gone(then: Callable[[], object]) -> None:
    """Call `then`, in a thread of its own, soon after the process that started this one has ended.

    Where that is a shell, it is the shell's own parent that counts too: DVC starts stages through one, and not every shell
    makes way for its last command. A parent that has ended before this call is not noticed.
    """
    family = _family()

    def look() -> None:
        while _family() == family:
            time.sleep(LOOK_EVERY_SEC)
        then()

    # The thread inherits that signals are blocked in it: they are for the main thread, which may hold them back.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=look, name="parent", daemon=True).start()
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _family() -> tuple[int, int | None]:
    """The process that started this one and, where that is a shell, the one that started the shell."""
    import psutil  # comes with DVC

    parent = os.getppid()
    try:
        shell = psutil.Process(parent)
        return parent, shell.ppid() if shell.name() in SHELLS else None
    except psutil.Error:  # it ends just now
        return parent, None


def _leave(number: int, frame: object) -> None:
    raise SystemExit(TERMINATED)
