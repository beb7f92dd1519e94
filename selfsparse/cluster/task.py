"""Run one stage in a node's clone: get what it needs from the remote, run it, and put its result into the remote.

`selfsparse.cluster.node` starts it, and reads the JSON file that it leaves. An upstream stage is never run here, but those
whose outputs no machine may hand on: these every node makes itself, once.
"""

import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import Timeout

from selfsparse.cluster.node import KILLED
from selfsparse.errors import UserError
from selfsparse.files import read_json, write_json, write_text
from selfsparse.paths import checkpoint_dir
from selfsparse.processes import search_path, when_parent_is_gone
from selfsparse.stages import (
    Project,
    Records,
    StageFailedError,
    TransferError,
    is_local,
    name_of,
    read_records,
    write_records,
)
from selfsparse.training.lock import acquire

if TYPE_CHECKING:
    from dvc.stage import Stage

T = TypeVar("T")

PAUSES_SEC = (10.0, 30.0, 60.0)  # before a remote that failed is asked again; then the attempt is over
OTHER_SEC = 600.0  # for a training whose worker was lost: it ends its step and saves its states, perhaps on a slow disk


class UpstreamError(Exception):
    """A stage upstream would have to run."""


def main(order: dict[str, Any]) -> int:
    """Run `order["stage"]` in the current folder, and write to `order["result"]` what became of it."""
    # The worker that started this may die: then the stage is told to stop, saves its state, and is another node's.
    when_parent_is_gone(lambda: os.killpg(0, signal.SIGTERM))
    if os.getppid() != order["parent"]:
        return 1
    os.environ["PATH"] = search_path()
    found = run(order["stage"], Path.cwd(), order["remote"], order["known"])
    write_json(Path(order["result"]), found)
    if found["text"]:
        print(f"error: {found['text']}", flush=True)
    return int(found["status"] != "done")


def run(name: str, clone: Path, remote: dict[str, Any], known: Records) -> dict[str, Any]:
    """Return `status`, `text` and `record` as `node.run_stage` describes them.

    Args:
        known: what dvc.lock is to say of the stages that are done, and of this one, which is not.
    """
    from dvc.exceptions import DvcException

    try:
        return {"status": "done", "text": "", "record": _run(name, clone, remote, known)}
    except StageFailedError as error:
        status, text = KILLED if error.killed else "failed", str(error)
    except UserError as error:
        status, text = "refused", str(error)
    except (UpstreamError, DvcException) as error:  # of DVC: an output that its command did not make, say
        status, text = "failed", str(error)
    except TransferError as error:
        status, text = KILLED, str(error)
    except Timeout as error:
        held = f"another process, which holds {error.lock_file}, has not ended within {OTHER_SEC:.0f} s"
        status, text = KILLED, f"{name}: {held}"
    except OSError as error:  # the disk is full, say
        status, text = KILLED, f"{name}, on node {socket.gethostname()}: {error}"
    return {"status": status, "text": text, "record": {}}


def _run(name: str, clone: Path, remote: dict[str, Any], known: Records) -> dict[str, Any]:
    # For the stage's own process, which looks there for what it made before.
    write_text(clone / ".dvc" / "config.local", f"[cache]\n    dir = {clone.parent / 'cache'}\n")
    write_records(clone, known)  # neither the commit's dvc.lock nor that of a task before
    project = Project(clone, remote, cache=clone.parent / "cache")
    with project.locked():
        *upstream, stage = project.upstream(name)
        for needed in upstream:
            _bring_up_needed(project, needed, clone, name)
        _wait_for_other(name)
        with states_kept(name):
            if name in known:
                project.fetch_before(stage)
            _patiently(lambda: project.bring_up(stage, may_run=True))
            _patiently(lambda: project.push(stage, run_cache=True))
        return read_records(clone)[name]


def _bring_up_needed(project: Project, stage: "Stage", clone: Path, target: str) -> None:
    """Get what a stage needs; what no machine may hand on is made here, data of one source one at a time."""
    name = name_of(stage)
    if is_local(stage):
        with acquire(clone.parent / f"{name.split('-')[0]}.lock"):
            project.bring_up(stage, may_run=True)
    elif stage.changed():
        deps, outs, command = stage.changed_entries()
        changed = ", ".join([*deps, *outs, *["its command"] * bool(command)]) or "nothing"
        if not _patiently(lambda: project.bring_up(stage, may_run=False)):
            held = f"neither the cache nor the remote holds its result (changed: {changed})"
            raise UpstreamError(f"upstream of {target}, on a node, {name}: {held}")


def _patiently(work: Callable[[], T]) -> T:
    """Call something that asks the remote, and again after a while where that fails."""
    for pause in PAUSES_SEC:
        try:
            return work()
        except TransferError as error:
            print(f"warning: {error}; trying again in {pause:.0f} s", flush=True)
            time.sleep(pause)
    return work()


def _wait_for_other(stage: str) -> None:
    """Wait for another process that trains the same: one whose worker was lost, and that still saves its states.

    The training itself waits for a minute, and then fails on its own merits.
    """
    kind, _, configuration = stage.partition("@")
    if kind != "train":
        return
    path = checkpoint_dir(configuration).with_name(f"{configuration}.lock")  # as selfsparse.training.seeds has it
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        acquire(path, timeout=0).lock.release()
    except Timeout:
        print(f"warning: another process holds {path}; waiting up to {OTHER_SEC:.0f} s for its end", flush=True)
        acquire(path, timeout=OTHER_SEC).lock.release()


@contextmanager
def states_kept(stage: str) -> Iterator[None]:
    """Keep the states of a training until its results are in the remote; by itself it drops them when they are written.

    A training removes its folder of states, but no link to it: through one, a node that dies before it has pushed costs no
    more than at any other time.
    """
    kind, _, configuration = stage.partition("@")
    link = checkpoint_dir(configuration)
    if kind != "train" or (link.is_dir() and not link.is_symlink()):
        yield
        return
    states = Path(".states") / configuration
    (link.parent / states).mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(states)
    yield
    link.unlink(missing_ok=True)
    shutil.rmtree(link.parent / states, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(read_json(Path(sys.argv[1]))))
