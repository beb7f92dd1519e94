"""One process at a time: a lock that the system frees when its holder dies, and for which others wait a while."""

import errno
import time
from collections.abc import Callable
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock, SoftFileLock, Timeout

from selfsparse.errors import RunError, WriteError, warn
from selfsparse.files import write_problem

PATIENCE_SEC = 60.0  # a run that was told to stop, or whose parent died, has saved its state and ended by then
LOOK_EVERY_SEC = 0.5
NO_FLOCK = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}  # as some NFS and Lustre say of flock


class Interrupted(Exception):
    """The runs were asked to stop, and have saved their states."""


def acquire(path: Path, timeout: float = -1) -> AcquireReturnProxy:
    """Take a lock within so many seconds, or whenever it is free (-1), for use in a `with`; or release its `lock`.

    On a file system without locks it is a file beside `path`, `<path>.soft`, that is there while it is held. Its holder's death is
    noticed on the same machine only.

    Raises:
        Timeout: another process holds it; `lock_file` of the error is the file that says so.
    """
    try:
        return FileLock(path, fallback_to_soft=False).acquire(timeout=timeout)
    except OSError as error:
        if error.errno not in NO_FLOCK:
            raise
        # FileLock leaves its own file behind, and its being there means nothing.
        return SoftFileLock(f"{path}.soft").acquire(timeout=timeout)


def hold(
    path: Path, what: str, stopped: Callable[[], bool] = lambda: False, doing: str = "training"
) -> AcquireReturnProxy:
    """Take a lock; where another process holds it, say so and wait for PATIENCE_SEC. For use as `acquire`'s.

    Args:
        what: what the lock is of, for the messages.
        doing: what the other process does to it, for the messages.
        stopped: whether to give up waiting.

    Raises:
        RunError: the other process did not end.
        Interrupted: `stopped` said so.
        WriteError: the lock's file or its folder could not be made.
    """
    begun = time.monotonic()
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return acquire(path, timeout=0)
        except Timeout as error:
            held, waited = error.lock_file, time.monotonic() - begun
        except OSError as error:
            if (reason := write_problem(error, path.parent)) is None:
                raise
            raise WriteError(f"{path} could not be written: {reason}.") from None
        if waited >= PATIENCE_SEC:
            raise RunError(
                f"another process is {doing} {what} (it holds {held}).\n"
                "Wait for it, or end it, then run the same command again."
                + (f" If it died on another machine, remove {held} first." if held.endswith(".soft") else "")
            )
        if stopped():
            raise Interrupted(f"{what}: interrupted while it waited for another process")
        if waited < LOOK_EVERY_SEC:
            warn(f"another process is {doing} {what} (it holds {held}); waiting up to {PATIENCE_SEC:.0f} s for its end")
        time.sleep(LOOK_EVERY_SEC)
