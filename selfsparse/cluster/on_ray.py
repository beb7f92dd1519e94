"""Stages on a Ray cluster. The only module that imports Ray.

Ray runs a task when those that it needs are done and its share of CPUs and GPUs is free somewhere, shows here what it says, notices
workers and nodes that die, and tries their tasks again.
"""

import os
import signal
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from selfsparse.cluster import node
from selfsparse.errors import UserError, warn

CONNECT_SEC = 10.0
ATTEMPTS = 4  # of a stage: a first one, and what Ray calls retries

# By value: a node may have no `selfsparse` outside its clone, or another version.
ray.cloudpickle.register_pickle_by_value(node)


class Cluster:
    """A Ray cluster for the stages of one suite. Use it as a context manager.

    Args:
        address: of a cluster, "auto" for the one on this machine; None starts Ray on this machine, until the end.

    Raises:
        UserError: there is no cluster at the address.
    """

    def __init__(self, address: str | None) -> None:
        try:
            if address and ":" in address and "://" not in address:  # Ray itself would wait for minutes
                host, _, port = address.rpartition(":")
                socket.create_connection((host.strip("[]"), int(port)), CONNECT_SEC).close()
            handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
            context = ray.init(address=address or "local", logging_level="ERROR")
            for number, handler in handlers.items():  # Ray puts its own in their place, which end the process at once
                signal.signal(number, handler)
        except Exception as error:  # of several kinds, and where Ray does not start of none in particular
            if "ersion mismatch" in str(error):  # of Ray or Python, and Ray's text names both sides
                raise UserError(f"{address or 'Ray'}: {' '.join(str(error).split())}") from None
            raise UserError(_unreachable(address, str(error).strip().partition("\n")[0])) from None
        self.dashboard = context.dashboard_url
        self._started = address is None

    def __enter__(self) -> "Cluster":
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

    def open(self, cpus: float, gpus: float, job: dict[str, Any], source: bytes) -> None:
        """Say what is the same for all stages: what each takes of its node, fractions allowed, and what `node.run_stage` is given.

        Raises:
            UserError: this machine alone is the cluster, and lacks that.
        """

        def task(job: dict[str, Any], source: bytes, order: dict[str, Any], *needed: dict[str, Any]) -> dict[str, Any]:
            if not gpus:  # Ray leaves all of the node's visible to a task that takes none, and each would use the first
                os.environ["CUDA_VISIBLE_DEVICES"] = ""
            known = dict(order["known"])
            for records in needed:
                known |= records
            return {order["stage"]: node.run_stage(job, source, {**order, "known": known})}

        task.__module__ = "__main__"  # sent by value as well
        self._task = ray.remote(num_cpus=cpus, num_gpus=gpus)(task)
        self._same = ray.put(job), ray.put(source)
        nodes = [n["Resources"] for n in ray.nodes() if n["Alive"]]
        if any(n.get("CPU", 0) >= cpus and n.get("GPU", 0) >= gpus for n in nodes):
            return
        lacking = (
            f"no node has the {cpus:g} CPUs and {gpus:g} GPUs that a task takes (--cpus-per-task, --gpus-per-task)"
        )
        if self._started:
            raise UserError(lacking)
        warn(f"{lacking}; the stages wait for one that has")

    def run(self, orders: Mapping[str, tuple[dict[str, Any], set[str]]]) -> Iterator[tuple[str, dict[str, Any], str]]:
        """Run stages; yield each when it ends, with what dvc.lock is to say of it, or the reason why it failed.

        Args:
            orders: by stage, each after those that it needs: the order of `node.run_stage`, and the others that it needs. Where
                one of these fails, it does as well.

        Raises:
            UserError: no stage can run as things are; each would end in the same way.
        """
        running: dict[str, ray.ObjectRef] = {}
        for name, (order, needs) in orders.items():
            task = self._task.options(name=name, max_retries=ATTEMPTS - 1, retry_exceptions=[ConnectionError])
            running[name] = task.remote(*self._same, order, *(running[needed] for needed in needs))
        while running:
            ray.wait(list(running.values()))
            over, _ = ray.wait(list(running.values()), num_returns=len(running), timeout=0)
            for name in [name for name, reference in running.items() if reference in over]:
                record, reason = {}, ""
                try:
                    record = ray.get(running.pop(name))[name]
                except RayError as error:
                    cause = error.cause if isinstance(error, RayTaskError) else error
                    if isinstance(cause, ValueError):
                        raise UserError(f"{name}: {cause}") from None
                    reason = str(cause).strip() or repr(cause)
                yield name, record, reason


def _unreachable(address: str | None, reason: str) -> str:
    if address is None:
        return f"Ray does not start on this machine ({reason}); its logs lie in /tmp/ray/session_latest/logs"
    where = "on this machine" if address == "auto" else f"at {address}"
    return (
        f"no Ray cluster answers {where} ({reason}).\nStart one with `ray start --head`, or leave out --address to start Ray for"
        " this suite alone. A cluster that asks for a token wants RAY_AUTH_MODE=token here as on its nodes."
    )
