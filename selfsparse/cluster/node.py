"""What a node of the cluster does for a stage: keep a clone of the project at the commit, run the stage in it, pass on what it says.

This module is sent to the nodes as it is, so that it works whatever they have installed: it imports the standard library
alone. The stage itself is run by the clone's own code, `python -m selfsparse.cluster.task`.
"""

import contextlib
import fcntl
import hashlib
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
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

SAY_EVERY_SEC = 1.0  # lines of a stage go to the head together, at most this often
KILLED = "killed"  # a task ended by a signal, or a remote that did not answer: worth another attempt


class TaskLostError(ConnectionError):
    """A stage did not end by itself: its process was killed, the remote did not answer, or this node has no room, say.

    Another attempt may succeed, perhaps on another node.
    """


def versions() -> dict[str, str]:
    """Return what has to be the same on all machines of a cluster, for equal results and for DVC's files."""
    found = {"python": platform.python_version(), "torch": "missing", "dvc": "missing"}
    for name in ("torch", "dvc"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def folder_of(job: dict[str, Any]) -> Path:
    """Return where this node keeps the project's clones, cache and raw data; `job["scratch"]` may name variables and `~`.

    It ends in the host's name, so that nodes may share the folder above it.
    """
    base = _expanded(job["scratch"]) or Path(tempfile.gettempdir()) / f"selfsparse-{os.getuid()}"
    return base / job["project"] / socket.gethostname()


def _expanded(folder: str | None) -> Path | None:
    return Path(os.path.expandvars(os.path.expanduser(folder))) if folder else None


def run_stage(
    job: dict[str, Any], stage: str, made: dict[str, Any], source: Callable[[], bytes], say: Callable[[str], None]
) -> dict[str, Any]:
    """Run one stage in a clone of the project.

    Args:
        job: project, commit, scratch, checkpoints, remote, versions, and `known`, what the head's dvc.lock says of stages; the
            same for all stages of a round.
        stage: its name in dvc.yaml.
        made: what dvc.lock is to say of stages that it needs and that nodes have run in this round.
        source: gives the tar file of a bare clone of the project at the commit.
        say: takes what the stage says, some lines at a time.

    Returns:
        `status`, one of "done", "failed" (on its own merits) and "refused" (this node, or the project as a whole, is not fit
        for it), `text` with the reason, and `record`, what dvc.lock is to say of it.

    Raises:
        TaskLostError: see there.
    """
    host, mine, wanted = socket.gethostname(), versions(), job["versions"]
    if different := [f"{n} is {mine[n]} on node {host} and {wanted[n]} here" for n in wanted if mine[n] != wanted[n]]:
        return {"status": "refused", "text": "; ".join(different)}
    if not shutil.which("git"):
        raise TaskLostError(f"node {host} has no git")
    remote = job["remote"].get("url", "")
    if remote and "://" not in remote and not Path(remote).is_dir():  # the head has made it
        raise TaskLostError(f"node {host} does not see the remote's folder {remote}; is it mounted there?")
    try:
        with _slot(folder_of(job)) as (clone, lock):
            _check_out(clone, job, source)
            if (commit := _git(clone, "rev-parse", "HEAD")) != job["commit"]:
                return {"status": "refused", "text": f"commit is {commit} on node {host} and {job['commit']} here"}
            return _run_task(clone, job["remote"], stage, {**job.get("known", {}), **made}, say, lock)
    except TaskLostError:
        raise
    except OSError as error:  # scratch is full, or may not be written
        raise TaskLostError(f"node {host}: {error}") from None


@contextlib.contextmanager
def _slot(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield a clone that no other task of this node uses, and its lock, which the task's process holds on to."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        with open(folder / f"clone{number}.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder / f"clone{number}", lock.fileno()
            return


def _check_out(clone: Path, job: dict[str, Any], source: Callable[[], bytes]) -> None:
    """Bring a clone to the commit; what lies in it ignored by git, results and data, stays.

    One that a power loss has broken is made anew, with all that lies in it.
    """
    try:
        _bring_to(clone, job["commit"], source)
    except TaskLostError:
        shutil.rmtree(clone, ignore_errors=True)
        _bring_to(clone, job["commit"], source)
    _link(clone / ".checkpoints", _expanded(job["checkpoints"]) or clone.parents[1] / "checkpoints")
    _link(clone / "data" / "raw", clone.parent / "raw")


def _bring_to(clone: Path, commit: str, source: Callable[[], bytes]) -> None:
    if not (clone / ".git").is_dir():
        shutil.rmtree(clone, ignore_errors=True)
        _git(clone.parent, "init", "--quiet", str(clone))
        # Links, where the project has folders, which .gitignore names as such.
        (clone / ".git" / "info" / "exclude").write_text("/.checkpoints\n/data/raw\n")
    # Left by a process that died: no other uses this clone now.
    for pattern in (".git/*.lock", ".dvc/tmp/rwlock*", ".dvc/tmp/lock"):
        for stale in clone.glob(pattern):
            stale.unlink()
    if _git(clone, "rev-parse", "--verify", "--quiet", "HEAD", check=False) != commit:
        with tempfile.TemporaryDirectory(dir=clone.parent) as bare:
            with tarfile.open(fileobj=io.BytesIO(source())) as archive:
                archive.extractall(bare, filter="data")
            _git(clone, "fetch", "--quiet", "--depth", "1", bare, "HEAD")
        commit = "FETCH_HEAD"
    # Also where it is there: what cleans temporary folders removes old files.
    _git(clone, "checkout", "--quiet", "--force", "--detach", commit)


def _link(link: Path, goal: Path) -> None:
    goal.mkdir(parents=True, exist_ok=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    link.symlink_to(goal)


def _git(folder: Path, *arguments: str, check: bool = True) -> str:
    # Never a repository above: one that is no repository any more is an error.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    found = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    if check and found.returncode:
        raise TaskLostError(f"git {arguments[0]} failed on node {socket.gethostname()}: {found.stderr.strip()}")
    return found.stdout.strip()


def _run_task(
    clone: Path, remote: dict[str, Any], stage: str, known: dict[str, Any], say: Callable[[str], None], lock: int
) -> dict[str, Any]:
    """Run the clone's own code on the stage, in a session of its own, and read what became of it."""
    order, result = clone.with_suffix(".order.json"), clone.with_suffix(".result.json")
    result.unlink(missing_ok=True)
    told = {"stage": stage, "remote": remote, "known": known, "result": str(result), "parent": os.getpid()}
    order.write_text(json.dumps(told))
    process = subprocess.Popen(
        [sys.executable, "-m", "selfsparse.cluster.task", str(order)],
        cwd=clone, env=os.environ | {"PYTHONUNBUFFERED": "1"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True, pass_fds=[lock],
    )  # fmt: skip
    try:
        _pass_on(process.stdout or (), say)
        process.wait()
    except BaseException:  # told to stop: the training saves its state
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        raise
    if not result.is_file():
        raise TaskLostError(f"{stage}: its process ended with exit code {process.returncode}")
    found = json.loads(result.read_text())
    if found["status"] == KILLED:
        raise TaskLostError(found["text"])
    return found


def _pass_on(lines: Iterable[str], say: Callable[[str], None]) -> None:
    gathered, said = "", time.monotonic()
    for line in lines:
        gathered += line
        if time.monotonic() - said >= SAY_EVERY_SEC:
            say(gathered)
            gathered, said = "", time.monotonic()
    if gathered:
        say(gathered)


def project_key(root: Path) -> str:
    """Return a name for a project on the nodes: that of its folder, and a few digits of the host and path it has here."""
    digest = hashlib.sha256(f"{socket.gethostname()}:{root}".encode()).hexdigest()
    return f"{root.name}-{digest[:8]}"
