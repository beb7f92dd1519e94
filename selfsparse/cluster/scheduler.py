"""Which stage goes to the cluster when: each when what it needs is done, preferably to the node that holds its data."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

WAITING, RUNNING, DONE, FAILED, SKIPPED = "waiting", "running", "done", "failed", "skipped"
LOOK_EVERY_SEC = 0.5


@dataclass(frozen=True)
class Begun:
    """A node has begun a stage; `attempt` counts from 1."""

    stage: str
    node: str
    host: str
    attempt: int


@dataclass(frozen=True)
class Said:
    """Lines that a stage has printed."""

    stage: str
    text: str


@dataclass(frozen=True)
class Ended:
    """A stage is over: well, and `record` is what dvc.lock is to say of it, or not, and `text` is the reason."""

    stage: str
    ok: bool
    text: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)


Event = Begun | Said | Ended


class Executor(Protocol):
    """Where stages run: a Ray cluster, or what stands for one in tests and simulations."""

    def submit(self, stage: str, prefer: str | None, made: dict[str, Mapping[str, Any]]) -> None:
        """Let a stage run as soon as there is room for it; on the node `prefer`, where that has room.

        Args:
            made: the records of those stages of the schedule that it needs, directly or not.
        """

    def events(self, seconds: float) -> Iterable[Event]:
        """Return what has happened since the last call, in its order; wait up to so many seconds for it.

        Raises:
            UserError: no stage can run as things are; each would end in the same way.
        """


@dataclass
class Stage:
    """One stage on its way through the cluster.

    Args:
        needs: other stages of the schedule that have to be done before.
        data: what it reads that every node makes itself; a node that has run a stage with the same has it.
    """

    name: str
    needs: frozenset[str] = frozenset()
    data: frozenset[str] = frozenset()
    state: str = WAITING
    node: str = ""
    host: str = ""
    attempt: int = 0
    begun: float = 0.0
    ended: float = 0.0
    text: str = ""
    made: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # its own record, and those of what it needs


class Schedule:
    """The stages that are to run, and how far they are.

    Args:
        stages: each after those that it needs.
        max_tasks: how many may be with the executor at a time; None for all that can run.
        clock: seconds, for a simulation's own time.
    """

    def __init__(
        self, stages: Mapping[str, Stage], max_tasks: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.stages, self.clock, self._max_tasks = stages, clock, max_tasks
        self._waits_for = {stage.name: set(stage.needs) for stage in stages.values()}
        self._needed_by: dict[str, list[str]] = defaultdict(list)
        for stage in stages.values():
            for needed in stage.needs:
                self._needed_by[needed].append(stage.name)
        self._ready = [name for name, needed in self._waits_for.items() if not needed]
        self._submitted: set[str] = set()
        self._homes: dict[str, set[str]] = defaultdict(set)  # of data: the nodes that have it

    def run(self, executor: Executor, shown: Callable[["Schedule", Event], None] = lambda *_: None) -> None:
        """Run all stages to their end; `shown` is called for every event.

        A stage that fails stops those that need it, and no other.
        """
        self._submit(executor)
        while self._submitted:
            for event in executor.events(LOOK_EVERY_SEC):
                if event.stage in self._submitted:
                    self._take(event)
                    shown(self, event)
            self._submit(executor)

    def _submit(self, executor: Executor) -> None:
        while self._ready and (self._max_tasks is None or len(self._submitted) < self._max_tasks):
            stage = self.stages[self._ready.pop(0)]
            for needed in stage.needs:
                stage.made |= self.stages[needed].made
            self._submitted.add(stage.name)
            executor.submit(stage.name, self._preferred(stage), stage.made)

    def _preferred(self, stage: Stage) -> str | None:
        """The node that ran what the stage needs, or one that has its data; of several, that with the least to do."""
        nodes = {self.stages[needed].node for needed in stage.needs if self.stages[needed].data}
        nodes = nodes or set().union(*(self._homes[data] for data in stage.data))
        load = Counter(other.node for other in self.stages.values() if other.state == RUNNING)
        return min(sorted(nodes), key=load.__getitem__, default=None)

    def _take(self, event: Event) -> None:
        stage = self.stages[event.stage]
        if isinstance(event, Begun):
            stage.state, stage.node, stage.host, stage.attempt = RUNNING, event.node, event.host, event.attempt
            stage.begun = self.clock()
        elif isinstance(event, Ended):
            self._submitted.remove(stage.name)
            stage.state, stage.text, stage.ended = (DONE if event.ok else FAILED), event.text, self.clock()
            if event.ok:
                stage.made = {**stage.made, stage.name: event.record}
                self._release(stage)
            else:
                self._skip(stage)

    def _release(self, stage: Stage) -> None:
        for data in stage.data:
            self._homes[data].add(stage.node)
        for name in self._needed_by[stage.name]:
            self._waits_for[name].remove(stage.name)
            if not self._waits_for[name]:
                self._ready.append(name)

    def _skip(self, failed: Stage) -> None:
        unreachable = [failed.name]
        while unreachable:
            for name in self._needed_by[unreachable.pop()]:
                if self.stages[name].state == WAITING:
                    self.stages[name].state, self.stages[name].text = SKIPPED, f"needs {failed.name}"
                    unreachable.append(name)

    def count(self, state: str) -> int:
        """Return how many stages are in a state."""
        return sum(stage.state == state for stage in self.stages.values())

    def seconds_left(self) -> float | None:
        """Return an estimate from the stages of the same kind that are done; None before there is one of each."""
        took: dict[str, list[float]] = defaultdict(list)
        for stage in self.stages.values():
            if stage.state == DONE:
                took[_kind(stage)].append(stage.ended - stage.begun)
        left = 0.0
        for stage in self.stages.values():
            if stage.state in (WAITING, RUNNING):
                if not (known := took[_kind(stage)]):
                    return None
                gone = self.clock() - stage.begun if stage.state == RUNNING else 0.0
                left += max(0.0, sum(known) / len(known) - gone)
        return left / max(1, self.count(RUNNING))


def _kind(stage: Stage) -> str:
    """The part before the `@`: stages of a kind take about as long."""
    return stage.name.partition("@")[0]
