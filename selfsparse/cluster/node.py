"""What a node of the cluster does for a stage: unpack the project, run the stage in it, pass on what it says.

This module is sent to the nodes as it is, so that it works whatever they have installed: it imports the standard library
alone. The stage itself is run by the project's own code, `python -m selfsparse.cluster.task`.
"""

import contextlib
import fcntl
import importlib.metadata
import io
import itertools
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FAILED = 3  # exit code of a task whose stage failed on its own merits; after any other another attempt may succeed
LAST_LINES = 15  # of what a failed stage has said


def versions() -> dict[str, str]:
    """Return what has to be the same on all machines of a cluster, for equal results and for DVC's files."""
    found = {"python": platform.python_version(), "git": "there" if shutil.which("git") else "missing"}
    for name in ("torch", "dvc"):
        found[name] = "missing"
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def folder_of(job: dict[str, Any]) -> Path:
    """Return where this node keeps the project's cache, raw data and states; `job["scratch"]` may name variables and `~`.

    It ends in the host's name, so that nodes may share the folder above it.
    """
    base = _expanded(job["scratch"]) or Path(tempfile.gettempdir()) / f"selfsparse-{os.getuid()}"
    return base / job["project"] / socket.gethostname()


def _expanded(folder: str | None) -> Path | None:
    return Path(os.path.expandvars(os.path.expanduser(folder))) if folder else None


def run_stage(job: dict[str, Any], source: bytes, order: dict[str, Any]) -> dict[str, Any]:
    """Run one stage in a clone of the project.

    Args:
        job: project, versions, scratch, checkpoints and remote.
        source: the clone, as a tar file.
        order: `stage` and `known`, as `selfsparse.cluster.task` has them.

    Returns:
        What dvc.lock is to say of the stage.

    Raises:
        RuntimeError: the stage failed on its own merits.
        ValueError: this node has other versions than the head.
        ConnectionError: the stage did not end by itself: its process was killed, the remote did not answer, or this node has
            no room, say. Another attempt may succeed, perhaps on another node.
    """
    host, mine, wanted = socket.gethostname(), versions(), job["versions"]
    if different := [f"{n} is {mine[n]} on node {host} and {wanted[n]} here" for n in wanted if mine[n] != wanted[n]]:
        raise ValueError("; ".join(different))
    remote = job["remote"]["url"]
    if "://" not in remote and not Path(remote).is_dir():  # the head has made it
        raise ConnectionError(f"node {host} does not see the remote's folder {remote}; is it mounted there?")
    print(f"begun on {host}", flush=True)
    folder = folder_of(job)
    try:
        with _slot(folder) as (clone, lock):
            shutil.rmtree(clone, ignore_errors=True)
            with tarfile.open(fileobj=io.BytesIO(source)) as archive:
                archive.extractall(clone, filter="data")
            _link(clone / ".checkpoints", _expanded(job["checkpoints"]) or folder.parent / "checkpoints")
            _link(clone / "data" / "raw", folder / "raw")
            return _run_task(clone, {**order, "remote": job["remote"]}, lock)
    except ConnectionError:
        raise
    except OSError as error:  # scratch is full, or may not be written
        raise ConnectionError(f"node {host}: {error}") from None


@contextlib.contextmanager
def _slot(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield a place for a clone that no other task of this node uses, and its lock, which the task's process holds on to."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        with open(folder / f"clone{number}.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder / f"clone{number}", lock.fileno()
            return


def _link(link: Path, goal: Path) -> None:
    goal.mkdir(parents=True, exist_ok=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(goal)


def _run_task(clone: Path, order: dict[str, Any], lock: int) -> dict[str, Any]:
    """Run the clone's own code on the stage, in a session of its own, and read what became of it."""
    ordered, record = clone / ".dvc" / "order.json", clone / ".dvc" / "record.json"
    ordered.write_text(json.dumps({**order, "parent": os.getpid()}))
    process = subprocess.Popen(
        [sys.executable, "-m", "selfsparse.cluster.task", str(ordered), str(record)],
        cwd=clone, env=os.environ | {"PYTHONUNBUFFERED": "1"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True, pass_fds=[lock],
    )  # fmt: skip
    last: deque[str] = deque(maxlen=LAST_LINES)
    try:
        for line in process.stdout or ():
            print(line, end="", flush=True)  # Ray shows it where the suite was started
            last.append(f"    {line}")
        code = process.wait()
    except BaseException:  # told to stop: the training saves its state
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        raise
    if code == 0:
        return json.loads(record.read_text())
    error = RuntimeError if code == FAILED else ConnectionError
    raise error(f"exit code {code} on node {socket.gethostname()}\n{''.join(last)}".rstrip())
