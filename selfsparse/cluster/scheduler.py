"""Which stage goes to the cluster when: each when what it needs is done, preferably to the node that holds its data."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

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
    """A stage is over: well, or not, with the reason."""

    stage: str
    ok: bool
    text: str = ""


Event = Begun | Said | Ended


class Executor(Protocol):
    """Where stages run: a Ray cluster, or what stands for one in tests and simulations."""

    def submit(self, stage: str, prefer: str | None) -> None:
        """Let a stage run as soon as there is room for it; on the node `prefer`, where that has room."""

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

    @property
    def kind(self) -> str:
        """Return the part before the `@`: stages of a kind take about as long."""
        return self.name.partition("@")[0]


@dataclass
class Schedule:
    """The stages that are to run, and how far they are.

    Args:
        stages: each after those that it needs.
        max_tasks: how many may be with the executor at a time; None for all that can run.
        clock: seconds, for a simulation's own time.
    """

    stages: Mapping[str, Stage]
    max_tasks: int | None = None
    clock: Callable[[], float] = time.monotonic
    _homes: dict[str, set[str]] = field(default_factory=dict)  # of data: the nodes that have it
    _waiting: dict[str, int] = field(default_factory=dict)
    _needed_by: dict[str, list[str]] = field(default_factory=dict)
    _ready: list[str] = field(default_factory=list)
    _submitted: set[str] = field(default_factory=set)
    _load: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for stage in self.stages.values():
            self._waiting[stage.name] = len(stage.needs)
            for needed in stage.needs:
                self._needed_by.setdefault(needed, []).append(stage.name)
        self._ready = [name for name, count in self._waiting.items() if not count]

    def run(self, executor: Executor, shown: Callable[["Schedule", Event | None], None] = lambda *_: None) -> None:
        """Run all stages to their end; `shown` is called for every event, and now and then without one.

        A stage that fails stops those that need it, and no other.
        """
        self._submit(executor)
        shown(self, None)
        while self._submitted:
            for event in executor.events(LOOK_EVERY_SEC):
                self._take(event)
                shown(self, event)
            self._submit(executor)
            shown(self, None)

    def _submit(self, executor: Executor) -> None:
        room = len(self._ready) if self.max_tasks is None else self.max_tasks - len(self._submitted)
        now, self._ready = self._ready[: max(0, room)], self._ready[max(0, room) :]
        for name in now:
            self._submitted.add(name)
            executor.submit(name, self._preferred(self.stages[name]))

    def _preferred(self, stage: Stage) -> str | None:
        """The node that ran what the stage needs, or one that has its data; of several, that with the least to do."""
        nodes = {self.stages[needed].node for needed in stage.needs if self.stages[needed].data}
        nodes = nodes or set().union(*(self._homes.get(data, ()) for data in stage.data))
        return min(sorted(nodes), key=lambda node: self._load[node], default=None)

    def _take(self, event: Event) -> None:
        stage = self.stages[event.stage]
        if stage.name not in self._submitted:
            return
        if isinstance(event, Begun):
            if stage.state == RUNNING:
                self._load[stage.node] -= 1
            stage.state, stage.node, stage.host, stage.attempt = RUNNING, event.node, event.host, event.attempt
            stage.begun = self.clock()
            self._load[stage.node] += 1
        elif isinstance(event, Ended):
            if stage.state == RUNNING:
                self._load[stage.node] -= 1
            self._submitted.remove(stage.name)
            stage.state, stage.text, stage.ended = (DONE if event.ok else FAILED), event.text, self.clock()
            if event.ok:
                self._release(stage)
            else:
                self._skip(stage)

    def _release(self, stage: Stage) -> None:
        for data in stage.data:
            self._homes.setdefault(data, set()).add(stage.node)
        for name in self._needed_by.get(stage.name, ()):
            self._waiting[name] -= 1
            if not self._waiting[name]:
                self._ready.append(name)

    def _skip(self, failed: Stage) -> None:
        unreachable = [failed.name]
        while unreachable:
            for name in self._needed_by.get(unreachable.pop(), ()):
                if self.stages[name].state == WAITING:
                    self.stages[name].state, self.stages[name].text = SKIPPED, f"needs {failed.name}"
                    unreachable.append(name)

    def count(self, state: str) -> int:
        """Return how many stages are in a state."""
        return sum(stage.state == state for stage in self.stages.values())

    def seconds_left(self) -> float | None:
        """Return an estimate from the stages of the same kind that are done; None before there is one of each."""
        took: dict[str, list[float]] = {}
        for stage in self.stages.values():
            if stage.state == DONE:
                took.setdefault(stage.kind, []).append(stage.ended - stage.begun)
        left, running = 0.0, 0
        for stage in self.stages.values():
            if stage.state not in (WAITING, RUNNING):
                continue
            if stage.kind not in took:
                return None
            mean = sum(took[stage.kind]) / len(took[stage.kind])
            left += max(0.0, mean - (self.clock() - stage.begun)) if stage.state == RUNNING else mean
            running += stage.state == RUNNING
        return left / max(1, running)
