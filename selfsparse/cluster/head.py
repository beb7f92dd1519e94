"""The machine where a suite is started: what of it is out of date goes to the cluster, its results come back, the report is made here."""

import io
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import Timeout

from selfsparse.cluster.node import folder_of, project_key, versions
from selfsparse.cluster.scheduler import DONE, FAILED, Progress, Schedule, Stage
from selfsparse.errors import UserError
from selfsparse.processes import search_path
from selfsparse.provenance import SOURCES, git
from selfsparse.results.text import duration
from selfsparse.stages import (
    Project,
    Records,
    StageFailedError,
    TransferError,
    is_head,
    is_local,
    name_of,
    read_records,
)
from selfsparse.training.lock import acquire

if TYPE_CHECKING:
    from dvc.stage import Stage as DvcStage

    from selfsparse.cluster.ray_executor import RayExecutor

ROUNDS = 3  # what a node could not hand on after all goes to the cluster again
GPUS_PER_TASK = 0.33  # three configurations share a GPU, unless the user says otherwise


@dataclass
class State:
    """How far a suite is: names of stages. What is missing is up to the cluster, what is blocked needs what failed."""

    done: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)


class Head:
    """A suite's stages, seen from the checkout in which it was started.

    Args:
        project: that checkout.
        target: the stage to bring up with all that it needs, `report@quick`.
    """

    def __init__(self, project: Project, target: str) -> None:
        self._project, self._target = project, target
        with project.locked():
            stages = project.upstream(target)
            self._needs = project.needs(stages)
        self._data: dict[str, frozenset[str]] = {}  # of every stage, each after those that it needs
        for stage in stages:
            name = name_of(stage)
            own = {name} if is_local(stage) and not stage.always_changed else set()
            self._data[name] = frozenset(own.union(*(self._data[needed] for needed in self._needs[name])))

    def restore(self, given_up: dict[str, str] | None = None) -> State:
        """Bring up what every machine makes itself, and all results that the cache or the remote has; run nothing else.

        Args:
            given_up: stages that are not to be asked for again, with the reason.

        Raises:
            TransferError: the remote does not answer.
        """
        state = State()
        with self._project.locked():
            self._project.fetch_run_cache()
            for stage in self._project.upstream(self._target):
                if not is_head(stage):
                    self._restore(stage, state, given_up or {})
        return state

    def _restore(self, stage: "DvcStage", state: State, given_up: dict[str, str]) -> None:
        name = name_of(stage)
        try:
            if self._needs[name] & (state.failed.keys() | state.blocked):
                state.blocked.add(name)
            elif self._needs[name] <= state.done and self._project.bring_up(stage, may_run=is_local(stage)):
                state.done.add(name)
            elif name in given_up:
                state.failed[name] = given_up[name]
            else:
                state.missing.append(name)
        except StageFailedError as error:
            _stop_if_killed(error)
            state.failed[name] = str(error)

    def share(self, state: State) -> Records:
        """Put into the remote what the missing stages need and this machine has, and what they left before.

        Returns:
            What dvc.lock says of both: the nodes are to use the one, and may keep a part of the other.

        Raises:
            TransferError: the remote does not take it.
        """
        wanted = set(state.missing)
        for name in reversed(self._data):
            if name in wanted:
                wanted |= self._needs[name]
        with self._project.locked():
            stages = {name_of(s): s for s in self._project.upstream(self._target) if not is_local(s)}
            before = {n for n in state.missing if all(out.hash_info for out in stages[n].outs)}
            for name, stage in stages.items():
                if name in wanted & state.done or (name in before and stage.outs_cached()):
                    self._project.push(stage)
            records = read_records(self._project.root)
        return {name: records[name] for name in stages if name in (state.done | before) & records.keys()}

    def finish(self) -> None:
        """Run what goes to git: summary, notebooks, report.

        Raises:
            UserError: one of them failed.
        """
        with self._project.locked():
            for stage in self._project.upstream(self._target):
                try:
                    if is_head(stage):
                        self._project.bring_up(stage, may_run=True)
                except StageFailedError as error:
                    _stop_if_killed(error)
                    raise UserError(str(error)) from None

    def run(self, executor: "RayExecutor", progress: Progress, max_tasks: int | None = None) -> int:
        """Bring the suite up with the help of a cluster; return the exit code.

        Raises:
            UserError: the remote, or one of the stages that run here, failed.
        """
        failed: dict[str, str] = {}
        try:
            state = self.restore()
            for _ in range(ROUNDS):
                if not state.missing:
                    break
                print(f"{len(state.done)} stages are up to date or restored, {len(state.missing)} go to the cluster")
                executor.know(self.share(state))
                missing = {n: Stage(n, frozenset(self._needs[n].intersection(state.missing)), self._data[n]) for n in state.missing}  # fmt: skip
                schedule = Schedule(missing, max_tasks)
                begun = schedule.clock()
                try:
                    schedule.run(executor, progress.take)
                finally:
                    with self._project.locked():
                        self._project.note({s.name: dict(s.made[s.name]) for s in schedule.in_state(DONE)})
                print(f"the cluster took {duration(schedule.clock() - begun)}")
                failed |= {stage.name: stage.text for stage in schedule.in_state(FAILED)}
                state = self.restore(failed)
        except TransferError as error:
            raise UserError(f"{error}\nMend that, and run the same command again: it goes on.") from None
        if not state.missing and not state.failed:
            self.finish()
            return 0
        lost = dict.fromkeys(state.missing, f"its result has not arrived, after {ROUNDS} rounds")
        for name, reason in {**state.failed, **lost}.items():
            print(f"failed: {name} ({reason})")
        if state.blocked:
            print(f"not run, as they need these: {', '.join(sorted(state.blocked))}")
        return 1


def _stop_if_killed(error: StageFailedError) -> None:
    """Stop the suite where a signal ended a command of this machine: Ctrl-C reaches the command alone, as DVC holds it back.

    Raises:
        KeyboardInterrupt: it was Ctrl-C.
        UserError: it was another signal.
    """
    if error.exit_code in (-signal.SIGINT, 128 + signal.SIGINT):
        raise KeyboardInterrupt from None
    if error.killed:
        raise UserError(f"{error}: a signal ended it. The same command goes on.") from None


def clean_commit(root: Path) -> str:
    """Return the commit that the nodes clone.

    Raises:
        UserError: this is no git repository, or something that is not committed would be missing on the nodes. Results and
            dvc.lock may differ: they are what a suite changes.
    """
    try:
        if git(root, "rev-parse", "--show-prefix"):
            raise UserError(f"{root} is a folder of a larger git repository; the nodes clone a repository as a whole")
        changes, commit = git(root, "status", "--porcelain", *SOURCES), git(root, "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError) as error:
        reason = str(getattr(error, "stderr", "") or error).strip()
        raise UserError(f"the nodes clone the project's commit, and git does not name one: {reason}") from None
    if changes:
        raise UserError(f"the nodes clone the last commit, which lacks these changes; commit or stash them:\n{changes}")
    return commit


def source_tar(root: Path) -> bytes:
    """Return a bare clone of the checked-out commit as a tar file: nodes need not reach any git server."""
    with tempfile.TemporaryDirectory() as name:
        bare = Path(name) / "source"
        git(root, "clone", "--quiet", "--bare", "--depth", "1", root.as_uri(), str(bare))
        memory = io.BytesIO()
        with tarfile.open(fileobj=memory, mode="w") as archive:
            archive.add(bare, ".")
        return memory.getvalue()


def remotes(root: Path, named: str | None, fallback: Path | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of the DVC remote for this machine and for the nodes, to whom no secrets are sent.

    Args:
        named: a remote of the project, or an address: a folder, `s3://...`, `ssh://...`.
        fallback: the folder to use where the project names no remote.

    Raises:
        UserError: no remote is named anywhere.
    """
    from dvc.config import Config

    config = Config(str(root / ".dvc"))
    name = named or config["core"].get("remote")
    if ours := config.get("remote", {}).get(name):
        url = str(ours["url"])
        url = url if "://" in url else str((root / ".dvc" / url).resolve())
        return {**ours, "url": url}, {**config.load_one("repo").get("remote", {}).get(name, {}), "url": url}
    if place := named or fallback:
        url = str(place) if "://" in str(place) else str(Path(place).expanduser().resolve())
        return {"url": url}, {"url": url}
    raise UserError(
        "results travel through a DVC remote, and the project has none. Name one, for example a folder that all nodes see:\n"
        "    --remote /shared/selfsparse-dvc\n"
        "or make one the project's own: dvc remote add --default storage s3://bucket/path"
    )


def _absolute(folder: str | None) -> str | None:
    """Return a folder of the nodes, where a relative one would lie in the folder that Ray happens to run in."""
    return folder if not folder or folder.startswith(("~", "$")) else str(Path(folder).absolute())


def distribute(
    suite: str,
    *,
    address: str | None = None,
    cpus_per_task: float = 1.0,
    gpus_per_task: float | None = None,
    max_tasks: int | None = None,
    remote: str | None = None,
    scratch: str | None = None,
    checkpoints: str | None = None,
) -> int:
    """Run a suite on a Ray cluster; `selfsparse distribute --help` says the arguments. Return the exit code.

    Raises:
        UserError: Ray is missing, the suite is unknown, the checkout has changes, or there is no cluster or no remote; or DVC
            cannot read the project.
    """
    from dvc.exceptions import DvcException

    from selfsparse.config import load_settings
    from selfsparse.paths import project_root

    if max_tasks is not None and max_tasks < 1:
        raise UserError(f"--max-tasks {max_tasks}: at least one task has to run at a time")
    configurations = load_settings().suite(suite)
    if not configurations:
        raise UserError(f"params.yaml: suite {suite} has no configurations")
    root = project_root().resolve()
    job = {
        "project": project_key(root), "commit": clean_commit(root), "versions": versions(),
        "scratch": _absolute(scratch), "checkpoints": _absolute(checkpoints),
    }  # fmt: skip
    ours, job["remote"] = remotes(root, remote, None if address else folder_of(job).parent / "remote")
    devices = {c.train.device for c in configurations}
    try:
        from selfsparse.cluster.ray_executor import RayExecutor
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise UserError(
            "Ray is not installed; install it with `make cluster`, or pip install -e '.[cluster]'"
        ) from None
    if "://" not in ours["url"]:  # made here: a node that does not see it has not mounted it
        try:
            Path(ours["url"]).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"the remote's folder cannot be made: {error}") from None
    os.environ["PATH"] = search_path()  # here as on the nodes
    folder = root / ".dvc" / "tmp" / "distribute"
    try:
        with acquire(folder / "lock", timeout=0), RayExecutor(address) as executor:
            if gpus_per_task is None:
                on_gpus = "cuda" in devices or ("auto" in devices and executor.gpus)
                gpus_per_task = GPUS_PER_TASK if on_gpus else 0.0
            executor.reserve(cpus_per_task, gpus_per_task)
            print(f"Ray: {executor.describe()}; a task takes {cpus_per_task:g} CPUs and {gpus_per_task:g} GPUs")
            dashboard = executor.dashboard or "none; pip install ray[default] on the head node brings it"
            print(f"Ray's dashboard: {dashboard}")
            print(f"results travel through {ours['url']}; logs: {folder / suite}", flush=True)
            executor.open(job, source_tar(root))
            code = Head(Project(root, ours), f"report@{suite}").run(executor, Progress(folder / suite), max_tasks)
    except Timeout:
        raise UserError(f"another process distributes a suite of this project (it holds {folder / 'lock'})") from None
    except DvcException as error:  # marks of a merge in dvc.lock, say
        raise UserError(f"DVC says: {error}") from None
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from what is done", file=sys.stderr)
        raise
    if code:
        print(f"The same command tries again; `make report SUITE={suite}` reports on what there is.")
    else:
        print(f"Report: {root / 'results' / suite / 'report' / 'index.html'}")
    return code
