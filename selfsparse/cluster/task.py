"""Run one stage in a node's clone: get what it needs from the remote, run it, and put its result into the remote.

`selfsparse.cluster.node` starts it, and reads the JSON file that it leaves. An upstream stage is never run here, but those
whose outputs no machine may hand on: these every node makes itself, once.
"""

import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import Timeout

from selfsparse.cluster.node import KILLED
from selfsparse.cluster.stages import Project, StageFailedError, TransferError, WouldRunError, is_local, name_of
from selfsparse.errors import UserError
from selfsparse.files import write_json
from selfsparse.paths import checkpoint_dir
from selfsparse.processes import when_parent_is_gone
from selfsparse.training.lock import acquire

PAUSES_SEC = (10.0, 30.0, 60.0)  # before a remote that failed is asked again; then the attempt is over
OTHER_SEC = 600.0  # for a training whose worker was lost: it ends its step and saves its states, perhaps on a slow disk


def main(order: dict[str, Any]) -> int:
    """Run `order["stage"]` in the current folder, and write to `order["result"]` what became of it."""
    # The worker that started this may die: then the stage is told to stop, saves its state, and is another node's.
    when_parent_is_gone(lambda: os.killpg(0, signal.SIGTERM))
    if os.getppid() != order["parent"]:
        return 1
    found = run(order["stage"], Path.cwd(), order["remote"], json.loads(Path(order["known"]).read_text()))
    write_json(Path(order["result"]), found)
    if found["text"]:
        print(f"error: {found['text']}", flush=True)
    return int(found["status"] != "done")


def run(name: str, clone: Path, remote: dict[str, Any], known: dict[str, Any] | None = None) -> dict[str, str]:
    """Return `status` and `text` as `node.run_stage` describes them.

    Args:
        known: what the head's dvc.lock says of stages that are up to date there.
    """
    from dvc.exceptions import DvcException

    # What the commit's dvc.lock, or a task before, noted is not what counts: the head's results are, then the remote's.
    (clone / "dvc.lock").unlink(missing_ok=True)
    try:
        project = Project(clone, remote, cache=clone.parent / "cache")
        with project.locked():
            *upstream, stage = project.upstream(name)
            for needed in upstream:
                if record := (known or {}).get(name_of(needed)):
                    project.adopt(needed, record)
                if is_local(needed):
                    with acquire(clone.parent / f"{_source_of(name_of(needed))}.lock"):
                        project.bring_up(needed, may_run=True)
                else:
                    _patiently(project.bring_up, needed, may_run=False)
            _wait_for_other(name)
            with states_kept(name):
                _patiently(project.bring_up, stage, may_run=True)
                _patiently(project.push, stage)
    except StageFailedError as error:
        return {"status": KILLED if error.killed else "failed", "text": str(error)}
    except TransferError as error:
        return {"status": KILLED, "text": str(error)}
    except WouldRunError as error:
        return {"status": "failed", "text": f"upstream of {name}, on a node, {error}"}
    except UserError as error:
        return {"status": "refused", "text": str(error)}
    except DvcException as error:  # an output that its command did not make, say
        return {"status": "failed", "text": str(error)}
    except Timeout as error:
        text = f"{name}: another process, which holds {error.lock_file}, has not ended within {OTHER_SEC:.0f} s"
        return {"status": KILLED, "text": text}
    except OSError as error:  # the disk is full, say
        return {"status": KILLED, "text": f"{name}, on node {socket.gethostname()}: {error}"}
    return {"status": "done", "text": ""}


def _patiently(work: Callable[..., object], *arguments: object, **named: object) -> None:
    """Call something that asks the remote, and again after a while where that fails."""
    for pause in PAUSES_SEC:
        try:
            work(*arguments, **named)
            return
        except TransferError as error:
            print(f"warning: {error}; trying again in {pause:.0f} s", flush=True)
            time.sleep(pause)
    work(*arguments, **named)


def _wait_for_other(stage: str) -> None:
    """Wait for another process that trains the same: one whose worker was lost, and that still saves its states.

    The training itself waits for a minute, and then fails on its own merits.

    Raises:
        Timeout: it does not end.
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


def _source_of(stage: str) -> str:
    """What is made one at a time: data of one source at several resolutions comes from the same files."""
    return stage.split("-")[0]


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
    sys.exit(main(json.loads(sys.argv[1])))
