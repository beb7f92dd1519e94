"""What a user sees of a suite on a cluster: one table that renews itself in a terminal, plain lines elsewhere, a log file for each stage."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from selfsparse.cluster.scheduler import (
    DONE,
    FAILED,
    RUNNING,
    SKIPPED,
    WAITING,
    Begun,
    Ended,
    Event,
    Said,
    Schedule,
    Stage,
)

if TYPE_CHECKING:
    from rich.table import Table

LAST_LINES = 15  # of a failed stage's log
ROWS = 20  # of the table: running stages
RENEW_EVERY_SEC = 1.0


class Progress:
    """Shows events as they come. Use it as a context manager, and `take` as what `Schedule.run` calls.

    Args:
        logs: folder of the stages' logs, `<stage>.log` each.
        terminal: whether stdout is one.
    """

    def __init__(self, logs: Path, terminal: bool | None = None) -> None:
        self._logs = logs
        self._terminal = sys.stdout.isatty() if terminal is None else terminal
        self._live, self._renewed = None, 0.0

    def __enter__(self) -> "Progress":
        self._logs.mkdir(parents=True, exist_ok=True)
        if self._terminal:
            from rich.live import Live

            self._live = Live(auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live:
            self._live.stop()

    def log_of(self, stage: str) -> Path:
        """Return the file that holds what a stage has printed, of all its attempts since this suite was last started."""
        return self._logs / f"{stage}.log"

    def take(self, schedule: Schedule, event: Event | None) -> None:
        """Log and show an event; without one, renew the table."""
        match event:
            case Begun():
                self._begin(schedule.stages[event.stage])
            case Said():
                self._log(event)
            case Ended():
                self._end(schedule, schedule.stages[event.stage])
        if self._live and time.monotonic() - self._renewed >= RENEW_EVERY_SEC:  # not for each of hundreds of events
            self._live.update(table(schedule), refresh=True)
            self._renewed = time.monotonic()

    def _log(self, event: Said) -> None:
        with open(self.log_of(event.stage), "a", encoding="utf-8") as log:
            log.write(event.text)

    def _begin(self, stage: Stage) -> None:
        if stage.attempt == 1:
            self.log_of(stage.name).unlink(missing_ok=True)
        again = f", attempt {stage.attempt}" if stage.attempt > 1 else ""
        if again or not self._live:
            self._say(f"{stage.name}: begun on {stage.host}{again}")

    def _end(self, schedule: Schedule, stage: Stage) -> None:
        if stage.state == FAILED:
            self._say(f"{stage.name}: FAILED on {stage.host}: {stage.text}\n{self.last_lines(stage.name)}")
            skipped = [s.name for s in schedule.stages.values() if s.text == f"needs {stage.name}"]
            if skipped:
                self._say(f"not run, as they need it: {', '.join(skipped)}")
        elif not self._live:
            self._say(f"{stage.name}: done in {stage.ended - stage.begun:.0f} s. {counts(schedule)}")

    def last_lines(self, stage: str) -> str:
        """Return the end of a stage's log, indented, and where it lies."""
        path = self.log_of(stage)
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return "\n".join(f"    {line}" for line in [*lines[-LAST_LINES:], f"({path})"])

    def _say(self, text: str) -> None:
        say: Callable[..., None] = self._live.console.print if self._live else print
        say(text, **({"markup": False, "highlight": False} if self._live else {"flush": True}))


def counts(schedule: Schedule) -> str:
    """Return, for example, `3 of 33 done, 2 running, 28 waiting, 4 min left`."""
    parts = [f"{schedule.count(DONE)} of {len(schedule.stages)} done"]
    parts += [f"{count} {state}" for state in (RUNNING, WAITING, FAILED, SKIPPED) if (count := schedule.count(state))]
    left = schedule.seconds_left()
    if left:
        parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return seconds as `40 s`, `12 min` or `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def table(schedule: Schedule) -> "Table":
    """Return the table of a moment: what runs where and since when, and the counts below."""
    from rich.table import Table

    found = Table("stage", "node", "attempt", "since", caption=counts(schedule), caption_justify="left")
    running = [stage for stage in schedule.stages.values() if stage.state == RUNNING]
    for stage in running[:ROWS]:
        since = duration(schedule.clock() - stage.begun)
        found.add_row(stage.name, f"{stage.host} {stage.node[:6]}", str(stage.attempt), since)
    if len(running) > ROWS:
        found.add_row(f"... and {len(running) - ROWS} more", "", "", "")
    return found
