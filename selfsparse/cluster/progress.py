"""What a user sees of a suite on a cluster: a line for each stage that begins, ends or fails, and a log file of what it says."""

from pathlib import Path

from selfsparse.cluster.scheduler import DONE, FAILED, RUNNING, SKIPPED, WAITING, Begun, Ended, Event, Said, Schedule
from selfsparse.results.text import duration

LAST_LINES = 15  # of a failed stage's log


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
                print(f"{stage.name}: done in {stage.ended - stage.begun:.0f} s. {counts(schedule)}", flush=True)
            case Ended():
                lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
                print(f"{stage.name}: FAILED on {stage.host}: {stage.text}")
                print("\n".join(f"    {line}" for line in [*lines[-LAST_LINES:], f"({log})"]), flush=True)
                if skipped := [s.name for s in schedule.stages.values() if s.text == f"needs {stage.name}"]:
                    print(f"not run, as they need it: {', '.join(skipped)}", flush=True)


def counts(schedule: Schedule) -> str:
    """Return, for example, `3 of 33 done, 2 running, 28 waiting, about 4 min left`."""
    parts = [f"{schedule.count(DONE)} of {len(schedule.stages)} done"]
    parts += [f"{count} {state}" for state in (RUNNING, WAITING, FAILED, SKIPPED) if (count := schedule.count(state))]
    left = schedule.seconds_left()
    return ", ".join([*parts, *([f"about {duration(left)} left"] if left else [])])
