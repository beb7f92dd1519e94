"""The machine where a suite is started: what of it is out of date goes to the cluster, its results come back, the report is made here."""

import hashlib
import io
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import Timeout

from selfsparse.cluster.node import folder_of, versions
from selfsparse.errors import UserError
from selfsparse.processes import search_path
from selfsparse.provenance import SOURCES, git
from selfsparse.results.text import duration
from selfsparse.stages import Project, StageFailedError, is_head, is_local, name_of, note_records, read_records
from selfsparse.training.lock import acquire

if TYPE_CHECKING:
    from dvc.stage import Stage as DvcStage

    from selfsparse.cluster.on_ray import Cluster

GPUS_PER_TASK = 0.33  # three configurations share a GPU, unless the user says otherwise
# Of Ray itself, read in this process: show every line, try again after 10 s, and three times where memory ran out.
RAY = {"RAY_DEDUP_LOGS": "0", "RAY_task_retry_delay_ms": "10000", "RAY_task_oom_retries": "3"}


class Head:
    """A suite's stages, seen from the checkout in which it was started.

    Args:
        project: that checkout.
        target: the stage to bring up with all that it needs, `report@quick`.
    """

    def __init__(self, project: Project, target: str) -> None:
        self._project, self._target = project, target
        self.failed: dict[str, str] = {}

    def survey(self) -> None:
        """Bring up what every machine makes itself, and what dvc.lock names of the rest; say in `done` and `missing` how far the suite is.

        Raises:
            UserError: the remote does not answer; or dvc.yaml has no such stage.
        """
        self.done: set[str] = set()
        self.missing: list[str] = []
        self.blocked: list[str] = []  # by what failed
        with self._project.locked():
            stages = self._project.upstream(self._target)
            self._needs = self._project.needs(stages)
            for stage in stages:
                name = name_of(stage)
                if is_head(stage) or name in self.failed:
                    continue
                if self._needs[name] & {*self.failed, *self.blocked}:
                    self.blocked.append(name)
                elif self._in_place(name, stage):
                    self.done.add(name)
                elif name not in self.failed:
                    self.missing.append(name)

    def _in_place(self, name: str, stage: "DvcStage") -> bool:
        if not is_local(stage):
            return self._needs[name] <= self.done and self._project.bring_up(stage)
        try:
            self._project.reproduce(name)
        except StageFailedError as error:
            if error.killed:  # Ctrl-C above all, which DVC keeps from this process
                raise UserError(f"{error}: a signal ended it. The same command goes on.") from None
            self.failed[name] = str(error)
        return name not in self.failed

    def orders(self) -> dict[str, tuple[dict[str, Any], set[str]]]:
        """Put into the remote what the missing stages need and this machine has, and what they left before.

        Returns:
            What `Cluster.run` is given: for every missing stage its order, and which other ones it needs.

        Raises:
            UserError: the remote does not take it.
        """
        found: dict[str, tuple[dict[str, Any], set[str]]] = {}
        with self._project.locked():
            stages = {name_of(s): s for s in self._project.upstream(self._target) if not is_local(s)}
            records = read_records(self._project.root)
            needed = set().union(*(self._needs[name] for name in self.missing)) & self.done & stages.keys()
            before = {name for name in self.missing if all(out.hash_info for out in stages[name].outs)}
            for name in [*needed, *(n for n in before if stages[n].outs_cached())]:
                self._project.push(name)
            for name in self.missing:
                known = (self._needs[name] & needed) | ({name} & before)
                order = {"stage": name, "known": {n: records[n] for n in known}}
                found[name] = order, self._needs[name].intersection(self.missing)
        return found

    def run(self, cluster: "Cluster") -> int:
        """Bring the suite up with the help of a cluster; return the exit code.

        Raises:
            UserError: the remote, or one of the stages that run here, failed.
        """
        self.survey()
        if self.missing:
            begun, count = time.monotonic(), 0
            print(f"{len(self.done)} stages are up to date, {len(self.missing)} go to the cluster", flush=True)
            for name, record, reason in cluster.run(self.orders()):
                if record:
                    count += 1
                    with self._project.locked():
                        note_records(self._project.root, {name: record})
                    print(f"{name}: done, {count} of {len(self.missing)}", flush=True)
                elif not self._needs[name] & {*self.failed, *self.blocked}:
                    self.failed[name] = reason
                    print(f"{name}: FAILED: {reason}", flush=True)
                else:
                    self.blocked.append(name)
            print(f"the cluster took {duration(time.monotonic() - begun)}")
            self.survey()
        self.failed |= dict.fromkeys(
            self.missing, "its result is not here, or made from other inputs than those that are"
        )
        if self.failed:
            for name, reason in self.failed.items():
                print(f"failed: {name} ({reason.splitlines()[-1].strip()})")
            if self.blocked:
                print(f"not run, as they need these: {', '.join(sorted(self.blocked))}")
            return 1
        with self._project.locked():  # what goes to git: summary, notebooks, report
            try:
                self._project.reproduce(*(name_of(s) for s in self._project.upstream(self._target) if is_head(s)))
            except StageFailedError as error:
                raise UserError(f"{error}. The same command goes on.") from None
        return 0


def check_commit(root: Path) -> None:
    """See that the commit, which the nodes clone, is all that there is.

    Raises:
        UserError: this is no git repository, or something that is not committed would be missing on the nodes. Results and
            dvc.lock may differ: they are what a suite changes.
    """
    try:
        if git(root, "rev-parse", "--show-prefix"):
            raise UserError(f"{root} is a folder of a larger git repository; the nodes clone a repository as a whole")
        changes = git(root, "status", "--porcelain", *SOURCES)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = str(getattr(error, "stderr", "") or error).strip()
        raise UserError(f"the nodes clone the project's commit, and git does not name one: {reason}") from None
    if changes:
        raise UserError(f"the nodes clone the last commit, which lacks these changes; commit or stash them:\n{changes}")


def source_tar(root: Path) -> bytes:
    """Return a clone of the checked-out commit as a tar file: nodes need not reach any git server."""
    with tempfile.TemporaryDirectory() as name, io.BytesIO() as memory:
        git(root, "clone", "--quiet", "--depth", "1", root.as_uri(), str(Path(name) / "source"))
        with tarfile.open(fileobj=memory, mode="w") as archive:
            archive.add(Path(name) / "source", ".")
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
    remote: str | None = None,
    scratch: str | None = None,
    checkpoints: str | None = None,
) -> int:
    """Run a suite on a Ray cluster; `selfsparse distribute --help` says the arguments. Return the exit code.

    Raises:
        UserError: Ray is missing, the suite is unknown, the checkout has changes, or there is no cluster or no remote.
    """
    from selfsparse.config import load_settings
    from selfsparse.paths import project_root

    configurations = load_settings().suite(suite)
    if not configurations:
        raise UserError(f"params.yaml: suite {suite} has no configurations")
    root = project_root().resolve()
    check_commit(root)
    key = hashlib.sha256(f"{socket.gethostname()}:{root}".encode()).hexdigest()[:8]
    job = {
        "project": f"{root.name}-{key}", "versions": versions(),
        "scratch": _absolute(scratch), "checkpoints": _absolute(checkpoints),
    }  # fmt: skip
    ours, job["remote"] = remotes(root, remote, None if address else folder_of(job).parent / "remote")
    os.environ.update(RAY)
    try:
        from selfsparse.cluster.on_ray import Cluster
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
    lock = root / ".dvc" / "tmp" / "distribute.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with acquire(lock, timeout=0), Cluster(address) as cluster:
            if gpus_per_task is None:
                devices = {c.train.device for c in configurations}
                on_gpus = "cuda" in devices or ("auto" in devices and cluster.gpus)
                gpus_per_task = GPUS_PER_TASK if on_gpus else 0.0
            cluster.open(cpus_per_task, gpus_per_task, job, source_tar(root))
            print(f"Ray: {cluster.describe()}; a task takes {cpus_per_task:g} CPUs and {gpus_per_task:g} GPUs")
            dashboard = cluster.dashboard or "none; pip install ray[default] on the head node brings it"
            print(f"Ray's dashboard: {dashboard}")
            print(f"results travel through {ours['url']}", flush=True)
            code = Head(Project(root, ours), f"report@{suite}").run(cluster)
    except Timeout:
        raise UserError(f"another process distributes a suite of this project (it holds {lock})") from None
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from what is done", file=sys.stderr)
        raise
    if code:
        print(f"The same command tries again; `make report SUITE={suite}` reports on what there is.")
    else:
        print(f"Report: {root / 'results' / suite / 'report' / 'index.html'}")
    return code
