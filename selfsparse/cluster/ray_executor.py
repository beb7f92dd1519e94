"""Stages on a Ray cluster. The only module that imports Ray.

Ray places tasks where their share of CPUs and GPUs is free, notices workers and nodes that die, and tries their tasks again.
"""

import contextlib
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from selfsparse.cluster import node
from selfsparse.cluster.node import TaskLostError, run_stage
from selfsparse.cluster.scheduler import Begun, Ended, Event, Record, Said
from selfsparse.errors import UserError, warn

CONNECT_SEC = 10.0
ATTEMPTS = 4  # of a stage: a first one, and what Ray calls retries
AGAIN_SEC = 5.0  # before the second attempt, twice that before the third

# By value: a node may have no `selfsparse` outside its clone, or another version.
ray.cloudpickle.register_pickle_by_value(node)


@ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)
class _Board:
    """Where running stages say how far they are; it lies on the node of the process that shows it.

    Its process may die, or not be reached for a while: Ray starts it again, empty, and calls it again.
    """

    def __init__(self) -> None:
        self._news: list[tuple[Any, ...]] = []
        self._attempts: Counter[tuple[str, int]] = Counter()

    def begin(self, stage: str, submission: int, node_id: str, host: str) -> int:
        self._attempts[stage, submission] += 1
        self._news.append(("begun", stage, node_id, host, self._attempts[stage, submission]))
        return self._attempts[stage, submission]

    def say(self, stage: str, text: str) -> None:
        self._news.append(("said", stage, text))

    def take(self) -> list[tuple]:
        news, self._news = self._news, []
        return news


def _make_task(run: Callable[..., dict[str, Any]], attempts: int, gpus: float) -> Callable[..., dict[str, Any]]:
    """The function that Ray sends to a node; a closure, and so sent by value as well."""

    def _result(reference: ray.ObjectRef) -> Any:
        # Not ray.get: while a task waits in that, Ray counts its CPU as free, and starts another task beside it.
        return reference.future().result()

    def task(
        job: dict[str, Any], stage: str, made: dict[str, Any], submission: int, source: list, board: Any
    ) -> dict[str, Any]:
        if not gpus:  # Ray leaves all of the node's visible to a task that takes none, and each would use the first
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        node_id, host = ray.get_runtime_context().get_node_id(), socket.gethostname()
        try:
            attempt = _result(board.begin.remote(stage, submission, node_id, host))
        except RayError as error:
            raise TaskLostError(f"{stage}: {host} does not reach the head: {error}") from None
        if attempt > attempts:  # Ray tries again without end where memory ran out
            return {"status": "failed", "text": f"{stage}: given up after {attempts} attempts"}
        time.sleep(AGAIN_SEC * (attempt - 1))  # what was wrong may pass

        def say(text: str) -> None:
            with contextlib.suppress(RayError):  # what is not seen is in no log, and costs no training
                _result(board.say.remote(stage, text))  # waited for, so that all is on the board when the stage ends

        return run(job, stage, made, lambda: _result(source[0]), say)

    task.__module__ = "__main__"
    return task


class RayExecutor:
    """The stages of one suite on a cluster. Use it as a context manager.

    Args:
        address: of a cluster, "auto" for the one on this machine; None starts Ray on this machine, until the end.

    Raises:
        UserError: there is no cluster at the address.
    """

    def __init__(self, address: str | None) -> None:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        try:
            if address and ":" in address and "://" not in address:  # Ray itself would wait for minutes
                host, _, port = address.rpartition(":")
                socket.create_connection((host.strip("[]"), int(port)), CONNECT_SEC).close()
            context = ray.init(address=address or "local", **quiet)
        except Exception as error:  # of several kinds, and where Ray does not start of none in particular
            if "ersion mismatch" in str(error):  # of Ray or Python, and Ray's text names both sides
                raise UserError(f"{address or 'Ray'}: {' '.join(str(error).split())}") from None
            raise UserError(_unreachable(address, _first_line(error))) from None
        self.dashboard = context.dashboard_url
        self._started = address is None
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._board = _Board.options(scheduling_strategy=here).remote()  # type: ignore[attr-defined]
        self._stages: dict[ray.ObjectRef, str] = {}
        self._submissions: Counter[str] = Counter()

    def __enter__(self) -> "RayExecutor":
        return self

    def __exit__(self, *exception: object) -> None:
        ray.shutdown()

    def describe(self) -> str:
        """Return what the cluster has, in a few words."""
        found = ray.cluster_resources()
        nodes = sum(n["Alive"] for n in ray.nodes())
        return f"{nodes} node{'s' * (nodes != 1)}, {found.get('CPU', 0):g} CPUs, {found.get('GPU', 0):g} GPUs"

    @property
    def gpus(self) -> float:
        """Return how many GPUs the cluster has now."""
        return ray.cluster_resources().get("GPU", 0)

    def reserve(self, cpus: float, gpus: float) -> None:
        """Say what each task takes of its node, fractions allowed; one that takes no share of a GPU sees none.

        Raises:
            UserError: this machine alone is the cluster, and lacks that.
        """
        self._resources = {"num_cpus": cpus, "num_gpus": gpus}
        self._task = ray.remote(_make_task(run_stage, ATTEMPTS, gpus))
        nodes = [n["Resources"] for n in ray.nodes() if n["Alive"]]
        if any(n.get("CPU", 0) >= cpus and n.get("GPU", 0) >= gpus for n in nodes):
            return
        lacking = (
            f"no node has the {cpus:g} CPUs and {gpus:g} GPUs that a task takes (--cpus-per-task, --gpus-per-task)"
        )
        if self._started:
            raise UserError(lacking)
        warn(f"{lacking}; the stages wait for one that has")

    def open(self, job: dict[str, Any], source: bytes) -> None:
        """Say what is the same for all stages: the job of `node.run_stage` but for `known`, and the project as a tar file."""
        self._job, self._source = job, ray.put(source)

    def know(self, records: Mapping[str, Record]) -> None:
        """Say what dvc.lock says of the results that are here, before any stage is submitted."""
        self._known = ray.put({**self._job, "known": records})

    def submit(self, stage: str, prefer: str | None, made: dict[str, Record]) -> None:
        """Let Ray run a stage when there is room; on the preferred node, unless that is busy or gone.

        Args:
            made: the records of what it needs.
        """
        strategy = "DEFAULT"
        if prefer:
            strategy = NodeAffinitySchedulingStrategy(prefer, soft=True, _spill_on_unavailable=True)
        task = self._task.options(
            name=stage, max_retries=ATTEMPTS - 1, retry_exceptions=[ConnectionError], scheduling_strategy=strategy,
            **self._resources,
        )  # fmt: skip
        self._submissions[stage] += 1
        # In a list, Ray hands the project on by reference: only a node that lacks it fetches it.
        reference = task.remote(self._known, stage, made, self._submissions[stage], [self._source], self._board)
        self._stages[reference] = stage

    def events(self, seconds: float) -> Iterable[Event]:
        """Return what has happened since the last call, in its order; wait up to so many seconds for it.

        Raises:
            UserError: no stage can run as things are; each would end in the same way.
        """
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
        return Ended(stage, found["status"] == "done", found["text"], found.get("record", {}))


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
