"""The scheduler with an executor that only pretends, in a time of its own."""

import heapq

import pytest

from selfsparse.cluster.scheduler import DONE, FAILED, SKIPPED, Begun, Ended, Progress, Said, Schedule, Stage


class Pretended:
    """A cluster of some nodes with one place each: a stage takes as many seconds as `seconds` says, 10 by default."""

    def __init__(self, nodes: int, seconds: dict[str, float] | None = None, failing: tuple[str, ...] = ()) -> None:
        self.time, self.order, self.at_once = 0.0, [], 0
        self.preferred = {}
        self._free = [f"node{n}" for n in range(nodes)]
        self._seconds, self._failing, self._queue, self._running = seconds or {}, failing, [], []

    def clock(self) -> float:
        return self.time

    def submit(self, stage: str, prefer: str | None, made: dict) -> None:
        self.preferred[stage] = prefer
        self._queue.append((stage, prefer))
        self.at_once = max(self.at_once, len(self._queue) + len(self._running))

    def events(self, seconds: float):
        found = []
        while self._queue and self._free:
            stage, prefer = self._queue.pop(0)
            node = prefer if prefer in self._free else self._free[0]
            self._free.remove(node)
            self.order.append((stage, node))
            heapq.heappush(self._running, (self.time + self._seconds.get(stage, 10.0), stage, node))
            found.append(Begun(stage, node, "host", 1))
        if found:
            return found
        self.time, stage, node = heapq.heappop(self._running)
        self._free.append(node)
        broken = stage in self._failing
        return [Said(stage, f"{stage} speaks\n"), Ended(stage, not broken, "broken" * broken)]


def configurations(count: int, datasets: int = 1) -> dict[str, Stage]:
    stages = {}
    for number in range(datasets):
        stages[f"extractor@{number}"] = Stage(f"extractor@{number}", data=frozenset({f"data@{number}"}))
    for number in range(count):
        data = number % datasets
        train = Stage(f"train@{number}", frozenset({f"extractor@{data}"}), frozenset({f"data@{data}"}))
        fid = Stage(f"fid@{number}", frozenset({train.name}), train.data)
        stages |= {train.name: train, fid.name: fid}
    return stages


def test_every_stage_once_and_after_what_it_needs():
    executor = Pretended(3)
    schedule = Schedule(configurations(4), clock=executor.clock)
    schedule.run(executor)
    names = [stage for stage, _ in executor.order]
    assert sorted(names) == sorted(schedule.stages) and len(schedule.in_state(DONE)) == 9
    assert all(names.index(f"train@{n}") < names.index(f"fid@{n}") for n in range(4)) and names[0] == "extractor@0"
    # Nine stages of 10 s on three nodes, the first alone: 10 s, then eight in three rounds.
    assert executor.time == 40.0


def test_stages_prefer_the_node_that_has_their_dataset():
    executor = Pretended(2)
    Schedule(configurations(6, datasets=2), clock=executor.clock).run(executor)
    ran = dict(executor.order)
    for stage, prefer in executor.preferred.items():
        kind, number = stage.split("@")
        # The first has the dataset, the second the generator as well.
        where = {"extractor": None, "train": ran[f"extractor@{int(number) % 2}"], "fid": ran.get(f"train@{number}")}
        assert prefer == where[kind], stage


def test_a_failure_stops_what_needs_it_and_nothing_else():
    executor = Pretended(2, failing=("train@1",))
    schedule = Schedule(configurations(3), clock=executor.clock)
    schedule.run(executor)
    states = {name: stage.state for name, stage in schedule.stages.items()}
    assert states == {
        **dict.fromkeys(("extractor@0", "train@0", "fid@0", "train@2", "fid@2"), DONE), "train@1": FAILED, "fid@1": SKIPPED,
    }  # fmt: skip
    assert schedule.stages["fid@1"].text == "needs train@1"


@pytest.mark.parametrize(("max_tasks", "expected"), [(1, 1), (2, 2), (None, 5)])
def test_no_more_tasks_at_a_time_than_asked_for(max_tasks, expected):
    executor = Pretended(4)
    Schedule(configurations(5), max_tasks, clock=executor.clock).run(executor)
    assert executor.at_once == expected


def test_an_attempt_more_is_no_stage_more():
    """A node dies: Ray begins the stage again elsewhere, and nothing else has changed."""
    schedule = Schedule({"train@0": Stage("train@0")})

    class Twice:
        def submit(self, stage, prefer, made):
            self._news = iter(([Begun(stage, "a", "h", 1)], [Begun(stage, "b", "h", 2)], [Ended(stage, True)]))

        def events(self, seconds):
            return next(self._news)

    schedule.run(Twice())
    assert (schedule.stages["train@0"].state, schedule.stages["train@0"].node) == (DONE, "b")


def test_the_time_left_is_that_of_stages_of_a_kind():
    executor = Pretended(1, {"extractor@0": 4.0})
    schedule, seen = Schedule(configurations(2), clock=executor.clock), []
    schedule.run(executor, lambda s, event: seen.append((event, s.seconds_left())))
    assert all(left is None for _, left in seen[:-1] if left is None) and seen[0][1] is None
    # After extractor, train@0 and train@1, and the first fid: one more fid of 10 s.
    after = [left for event, left in seen if isinstance(event, Ended)]
    assert after == [None, None, None, 10.0, 0.0]


def test_what_is_shown(tmp_path, capsys):
    executor = Pretended(2, failing=("train@1",))
    schedule = Schedule(configurations(2), clock=executor.clock)
    progress = Progress(tmp_path / "logs")
    schedule.run(executor, progress.take)
    said = capsys.readouterr().out
    assert "train@0: begun on host\n" in said and "train@0: done in 10 s. " in said
    assert "train@1: FAILED on host: broken\n    train@1 speaks\n" in said and "not run, as they need it: fid@1" in said
    assert (tmp_path / "logs/fid@0.log").read_text() == "fid@0 speaks\n"
    assert schedule.text() == "3 of 5 done, 1 failed, 1 skipped"
