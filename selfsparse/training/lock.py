"""One process at a time: a lock that the system frees when its holder dies, and for which others wait a while."""

import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from selfsparse.errors import RunError, WriteError, warn
from selfsparse.files import write_problem

PATIENCE_SEC = 60.0  # a run that was told to stop, or whose parent died, has saved its state and ended by then
LOOK_EVERY_SEC = 0.5


class Interrupted(Exception):
    """The runs were asked to stop, and have saved their states."""


def hold(path: Path, what: str, stopped: Callable[[], bool] = lambda: False) -> FileLock:
    """Take a lock; where another process holds it, say so and wait for PATIENCE_SEC. The caller releases it.

    Args:
        what: what the lock is of, for the messages.
        stopped: whether to give up waiting.

    Raises:
        RunError: the other process did not end.
        Interrupted: `stopped` said so.
        WriteError: the lock's file or its folder could not be made.
    """
    lock, begun = FileLock(path), time.monotonic()
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
            return lock
        except Timeout:
            waited = time.monotonic() - begun
        except OSError as error:
            if (reason := write_problem(error, path.parent)) is None:
                raise
            raise WriteError(f"{path} could not be written: {reason}.") from None
        if waited >= PATIENCE_SEC:
            raise RunError(
                f"another process is training {what} (it holds {path}).\n"
                "Wait for it, or end it, then run the same command again."
            )
        if stopped():
            raise Interrupted(f"{what}: interrupted while it waited for another process")
        if waited < LOOK_EVERY_SEC:
            warn(
                f"another process is training {what} (it holds {path}); waiting up to {PATIENCE_SEC:.0f} s for its end"
            )
        time.sleep(LOOK_EVERY_SEC)
