"""Stages on a Ray cluster. The only module that imports Ray.

Ray places tasks where their share of CPUs and GPUs is free, notices workers and nodes that die, and tries their tasks again.
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from selfsparse.cluster import node
from selfsparse.cluster.node import run_stage
from selfsparse.cluster.scheduler import Begun, Ended, Event, Said
from selfsparse.errors import UserError, warn

CONNECT_SEC = 10.0
ATTEMPTS = 4  # of a stage: a first one, and what Ray calls retries

# By value: a node may have no `selfsparse` outside its clone, or another version.
ray.cloudpickle.register_pickle_by_value(node)


@ray.remote(num_cpus=0)
class _Board:
    """Where running stages say how far they are; it lies on the node of the process that shows it."""

    def __init__(self) -> None:
        self._news: list[tuple[str, ...]] = []
        self._attempts: Counter[str] = Counter()

    def begin(self, stage: str, node_id: str, host: str) -> int:
        self._attempts[stage] += 1
        self._news.append(("begun", stage, node_id, host, self._attempts[stage]))
        return self._attempts[stage]

    def say(self, stage: str, text: str) -> None:
        self._news.append(("said", stage, text))

    def take(self) -> list[tuple]:
        news, self._news = self._news, []
        return news


def _make_task(run: Callable[..., dict[str, Any]], attempts: int) -> Callable[..., dict[str, Any]]:
    """The function that Ray sends to a node; a closure, and so sent by value as well."""

    def task(job: dict[str, Any], stage: str, source: list, board: Any) -> dict[str, Any]:
        attempt = ray.get(board.begin.remote(stage, ray.get_runtime_context().get_node_id(), socket.gethostname()))
        if attempt > attempts:  # Ray tries again without end where memory ran out
            return {"status": "failed", "text": f"{stage}: given up after {attempts} attempts"}
        # Waited for, so that all that it said is on the board when it ends.
        return run(job, stage, lambda: ray.get(source[0]), lambda text: ray.get(board.say.remote(stage, text)))

    task.__module__ = "__main__"
    return task


class RayExecutor:
    """The stages of one suite on a cluster; an executor as the scheduler wants it. Use it as a context manager.

    Args:
        address: of a cluster, "auto" for the one on this machine; None starts Ray on this machine, until the end.
        cpus, gpus: what each task takes of its node, fractions allowed.

    Raises:
        UserError: there is no cluster at the address, or this machine lacks what a task takes.
    """

    def __init__(self, address: str | None, cpus: float, gpus: float) -> None:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        try:
            if address and ":" in address and "://" not in address:  # Ray itself would wait for minutes
                host, _, port = address.rpartition(":")
                socket.create_connection((host.strip("[]"), int(port)), CONNECT_SEC).close()
            context = ray.init(address=address or "local", **quiet)
        except Exception as error:  # of several kinds, and where Ray does not start of none in particular
            raise UserError(_unreachable(address, _first_line(error))) from None
        self.dashboard = context.dashboard_url
        self._resources = {"num_cpus": cpus, "num_gpus": gpus}
        self._check_room(address, cpus, gpus)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._board = _Board.options(scheduling_strategy=here).remote()
        self._task = ray.remote(_make_task(run_stage, ATTEMPTS))
        self._stages: dict[ray.ObjectRef, str] = {}

    def __enter__(self) -> "RayExecutor":
        return self

    def __exit__(self, *exception: object) -> None:
        ray.shutdown()

    def _check_room(self, address: str | None, cpus: float, gpus: float) -> None:
        nodes = [n["Resources"] for n in ray.nodes() if n["Alive"]]
        if any(n.get("CPU", 0) >= cpus and n.get("GPU", 0) >= gpus for n in nodes):
            return
        problem = f"no node has the {cpus:g} CPUs and {gpus:g} GPUs that a task takes"
        if address is None:
            ray.shutdown()
            raise UserError(f"{problem}: see --cpus-per-task and --gpus-per-task")
        warn(f"{problem} (--cpus-per-task, --gpus-per-task); the stages wait for one that has")

    def describe(self) -> str:
        """Return what the cluster has, in a few words."""
        found = ray.cluster_resources()
        nodes = sum(n["Alive"] for n in ray.nodes())
        return f"{nodes} node{'s' * (nodes != 1)}, {found.get('CPU', 0):g} CPUs, {found.get('GPU', 0):g} GPUs"

    def open(self, job: dict[str, Any], source: bytes) -> None:
        """Say what is the same for all stages: the job of `node.run_stage`, and the project as a tar file."""
        self._job, self._source = ray.put(job), ray.put(source)

    def submit(self, stage: str, prefer: str | None) -> None:
        """Let Ray run a stage when there is room; on the preferred node, unless that is busy or gone."""
        strategy = "DEFAULT"
        if prefer:
            strategy = NodeAffinitySchedulingStrategy(prefer, soft=True, _spill_on_unavailable=True)
        task = self._task.options(
            name=stage, max_retries=ATTEMPTS - 1, retry_exceptions=[ConnectionError], scheduling_strategy=strategy,
            **self._resources,
        )  # fmt: skip
        # In a list, Ray hands the project on by reference: only a node that lacks it fetches it.
        self._stages[task.remote(self._job, stage, [self._source], self._board)] = stage

    def events(self, seconds: float) -> Iterable[Event]:
        """Return what has happened; see `scheduler.Executor`."""
        over, _ = ray.wait(list(self._stages), num_returns=1, timeout=seconds)
        if over:
            over, _ = ray.wait(list(self._stages), num_returns=len(self._stages), timeout=0)
        ended = [self._ended(reference) for reference in over]
        # After: what a stage has said before it ended is on the board by now.
        news = [Begun(*n[1:]) if n[0] == "begun" else Said(*n[1:]) for n in ray.get(self._board.take.remote())]
        return news + ended

    def _ended(self, reference: "ray.ObjectRef") -> Ended:
        stage = self._stages.pop(reference)
        try:
            found = ray.get(reference)
        except RayTaskError as error:
            return Ended(stage, False, f"given up: {error.cause}")
        except RayError as error:
            return Ended(stage, False, f"given up after {ATTEMPTS} attempts: {_first_line(error)}")
        if found["status"] == "refused":
            raise UserError(f"{stage}: {found['text']}")
        return Ended(stage, found["status"] == "done", found["text"])


def _unreachable(address: str | None, reason: str) -> str:
    if address is None:
        return f"Ray does not start on this machine ({reason}); its logs lie in /tmp/ray/session_latest/logs"
    where = "on this machine" if address == "auto" else f"at {address}"
    return (
        f"no Ray cluster answers {where} ({reason}).\nStart one with `ray start --head`, or leave out --address to start Ray for"
        " this suite alone. A cluster that asks for a token wants RAY_AUTH_MODE=token here as on its nodes."
    )


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
