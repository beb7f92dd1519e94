"""Run one stage in a node's clone: get what it needs from the remote, run it, and put its result into the remote.

`selfsparse.cluster.node` starts it, and reads the JSON file that it leaves.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selfsparse.cli import guarded
from selfsparse.cluster.node import FAILED
from selfsparse.errors import UserError
from selfsparse.files import read_json, write_json, write_text
from selfsparse.paths import checkpoint_dir
from selfsparse.processes import search_path, when_parent_is_gone
from selfsparse.stages import Project, StageFailedError, is_local, name_of, note_records, read_records
from selfsparse.training.lock import acquire

PAUSES_SEC = (10.0, 30.0, 60.0)  # before a remote that did not take a result is asked again; then the attempt is over


def main(order: dict[str, Any], record: Path) -> int:
    """Run a stage in the current folder, and write to `record` what dvc.lock says of it; return the exit code."""
    # The worker that started this may die: then the stage is told to stop, saves its state, and is another node's.
    when_parent_is_gone(lambda: os.killpg(0, signal.SIGTERM))
    if os.getppid() != order["parent"]:
        return 1
    os.environ["PATH"] = search_path()
    try:
        write_json(record, run(Path.cwd(), order["stage"], order["known"], order["remote"]))
    except StageFailedError as error:
        print(f"error: {error}", flush=True)
        return 1 if error.killed or not error.exit_code else FAILED
    return 0


def run(clone: Path, stage: str, known: dict[str, Any], remote: dict[str, Any]) -> dict[str, Any]:
    """Run a stage; return what dvc.lock says of it then. Upstream only that runs whose outputs no machine may hand on.

    Args:
        known: what dvc.lock is to say of what the stage needs, and of the stage itself, whose last result may be of use.

    Raises:
        StageFailedError: a command failed, or what it needs cannot be had.
        UserError: the remote does not take or give what it should.
    """
    cache = clone.parent / "cache"
    # A file, as the stage's own process looks there for what it made before.
    settings = f"[core]\n    site_cache_dir = {clone / '.dvc' / 'site'}\n[cache]\n    dir = {cache}\n"
    write_text(clone / ".dvc" / "config.local", settings)
    (clone / "dvc.lock").unlink(missing_ok=True)  # the commit's
    note_records(clone, known)
    project = Project(clone, remote)
    with project.locked():
        for local in (name_of(s) for s in project.upstream(stage) if is_local(s)):
            with acquire(clone.parent / f"{local.partition('-')[0]}.lock"):  # data of one source one at a time
                project.reproduce(local)
        if needed := known.keys() - {stage}:
            project.pull(*needed)  # first: where inputs are missing, DVC takes a stage's last result for current
        project.fetch_before(stage)
        with states_kept(stage):
            project.reproduce(stage, pull=True)
            for pause in PAUSES_SEC:
                try:
                    project.push(stage, run_cache=True)
                    break
                except UserError as error:
                    print(f"warning: {error}; trying again in {pause:.0f} s", flush=True)
                    time.sleep(pause)
            else:
                project.push(stage, run_cache=True)
    return read_records(clone)[stage]


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
    states = link.parent / ".states" / configuration
    states.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(Path(".states") / configuration)
    yield
    link.unlink(missing_ok=True)
    shutil.rmtree(states, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(guarded(lambda: main(read_json(Path(sys.argv[1])), Path(sys.argv[2]))))
