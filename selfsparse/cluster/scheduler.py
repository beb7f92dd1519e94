"""Which stage goes to the cluster when: each when what it needs is done, preferably to the node that holds its data."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from selfsparse.results.text import duration

if TYPE_CHECKING:
    from selfsparse.cluster.ray_executor import RayExecutor

WAITING, RUNNING, DONE, FAILED, SKIPPED = "waiting", "running", "done", "failed", "skipped"
LOOK_EVERY_SEC = 0.5
LAST_LINES = 15  # of a failed stage's log
Record = Mapping[str, Any]  # what dvc.lock says of a stage


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
    record: Record = field(default_factory=dict)


Event = Begun | Said | Ended


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
    begun: float = 0.0
    ended: float = 0.0
    text: str = ""
    made: dict[str, Record] = field(default_factory=dict)  # its own record, and those of what it needs

    @property
    def kind(self) -> str:
        """The part before the `@`: stages of a kind take about as long."""
        return self.name.partition("@")[0]


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
        self.stages, self.clock, self._max_tasks = stages, clock, max_tasks or len(stages)
        self._order = TopologicalSorter({name: stage.needs for name, stage in stages.items()})
        self._order.prepare()
        self._ready: list[str] = []
        self._submitted: set[str] = set()
        self._homes: dict[str, set[str]] = defaultdict(set)  # of data: the nodes that have it

    def run(self, executor: "RayExecutor", shown: Callable[["Schedule", Event], None] = lambda *_: None) -> None:
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

    def _submit(self, executor: "RayExecutor") -> None:
        self._ready += self._order.get_ready()
        while self._ready and len(self._submitted) < self._max_tasks:
            stage = self.stages[self._ready.pop(0)]
            for needed in stage.needs:
                stage.made |= self.stages[needed].made
            self._submitted.add(stage.name)
            executor.submit(stage.name, self._preferred(stage), stage.made)

    def _preferred(self, stage: Stage) -> str | None:
        """The node that ran what the stage needs, or one that has its data; of several, that with the least to do."""
        nodes = {self.stages[needed].node for needed in stage.needs if self.stages[needed].data}
        nodes = nodes or set().union(*(self._homes[data] for data in stage.data))
        load = Counter(other.node for other in self.in_state(RUNNING))
        return min(sorted(nodes), key=load.__getitem__, default=None)

    def _take(self, event: Event) -> None:
        stage = self.stages[event.stage]
        if isinstance(event, Begun):
            stage.state, stage.node, stage.host, stage.begun = RUNNING, event.node, event.host, self.clock()
        elif isinstance(event, Ended):
            self._submitted.remove(stage.name)
            stage.state, stage.text, stage.ended = (DONE if event.ok else FAILED), event.text, self.clock()
            if event.ok:
                stage.made = {**stage.made, stage.name: event.record}
                for data in stage.data:
                    self._homes[data].add(stage.node)
                self._order.done(stage.name)
            else:
                self._skip_what_needs(stage)

    def _skip_what_needs(self, failed: Stage) -> None:
        lost = {failed.name}
        for stage in self.in_state(WAITING):
            if stage.needs & lost:
                stage.state, stage.text = SKIPPED, f"needs {failed.name}"
                lost.add(stage.name)

    def in_state(self, *states: str) -> list[Stage]:
        """Return the stages in one of some states, each after those that it needs."""
        return [stage for stage in self.stages.values() if stage.state in states]

    def seconds_left(self) -> float | None:
        """Return an estimate from the stages of the same kind that are done; None before there is one of each."""
        took: dict[str, list[float]] = defaultdict(list)
        for stage in self.in_state(DONE):
            took[stage.kind].append(stage.ended - stage.begun)
        left, running = self.in_state(WAITING, RUNNING), self.in_state(RUNNING)
        if not all(took[stage.kind] for stage in left):
            return None
        gone = {stage.name: self.clock() - stage.begun for stage in running}
        return sum(max(0.0, fmean(took[s.kind]) - gone.get(s.name, 0.0)) for s in left) / max(1, len(running))

    def text(self) -> str:
        """Return, for example, `3 of 33 done, 2 running, 28 waiting, about 4 min left`."""
        counts = Counter(stage.state for stage in self.stages.values())
        parts = [f"{counts[DONE]} of {len(self.stages)} done"]
        parts += [f"{counts[state]} {state}" for state in (RUNNING, WAITING, FAILED, SKIPPED) if counts[state]]
        left = self.seconds_left()
        return ", ".join([*parts, *([f"about {duration(left)} left"] if left else [])])


class Progress:
    """Shows events as they come: `take` is what `Schedule.run` calls.

    Args:
        logs: folder of the stages' logs, `<stage>.log` each, of all its attempts since the suite was last started.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)

    def take(self, schedule: Schedule, event: Event) -> None:
        """Log and show an event."""
        stage, log = schedule.stages[event.stage], self._logs / f"{event.stage}.log"
        match event:
            case Begun():
                if event.attempt == 1:
                    log.unlink(missing_ok=True)
                again = f", attempt {event.attempt}" if event.attempt > 1 else ""
                print(f"{stage.name}: begun on {stage.host}{again}", flush=True)
            case Said():
                with open(log, "a", encoding="utf-8") as file:
                    file.write(event.text)
            case Ended(ok=True):
                print(f"{stage.name}: done in {stage.ended - stage.begun:.0f} s. {schedule.text()}", flush=True)
            case Ended():
                lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
                print(f"{stage.name}: FAILED on {stage.host}: {stage.text}")
                print("\n".join(f"    {line}" for line in [*lines[-LAST_LINES:], f"({log})"]), flush=True)
                if skipped := [s.name for s in schedule.in_state(SKIPPED) if s.text == f"needs {stage.name}"]:
                    print(f"not run, as they need it: {', '.join(skipped)}", flush=True)
