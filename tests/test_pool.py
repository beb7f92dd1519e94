"""Jobs in processes of their own: all are run, at most so many at a time; one that fails, a signal or a death ends the others."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from selfsparse.errors import DataError, RunError
from selfsparse.pool import INTERRUPTED, Job, run_jobs

ROOT = Path(__file__).resolve().parents[1]
LONG = 60.0  # seconds, none of which is waited for
FORKED = pytest.mark.parametrize("forked", [False, True], ids=["", "forked"])


def note(folder: Path, name: str, seconds: float = 0.0) -> None:
    """Leave a file, wait, and leave another."""
    (folder / f"{name} began").write_text(str(os.getpid()))
    time.sleep(seconds)
    (folder / f"{name} ended").touch()


def complain() -> None:
    raise DataError("photos are gone")


def stop() -> int:
    return INTERRUPTED


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@FORKED
def test_each_is_run_in_a_process_of_its_own(tmp_path, forked):
    assert run_jobs([Job(name, note, (tmp_path, name)) for name in "abc"], 2, "letters", forked) == 0
    assert names(tmp_path) == {f"{name} {what}" for name in "abc" for what in ("began", "ended")}
    processes = {(tmp_path / f"{name} began").read_text() for name in "abc"}
    assert len(processes - {str(os.getpid())}) == 3


def sleep_deaf(folder: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    note(folder, "b", LONG)


def complain_late(folder: Path) -> None:
    while not (folder / "b began").exists():
        time.sleep(0.01)
    complain()


def test_one_that_a_signal_ended_as_another_failed_is_not_named(tmp_path):
    """As a job that is told to stop before it has set its own handlers."""
    jobs = [Job("seed 0", sleep_deaf, (tmp_path,)), Job("seed 1", complain_late, (tmp_path,))]
    with pytest.raises(RunError, match=r"digits: seed 1 \(exit code 2\) failed"):
        run_jobs(jobs, 2, "digits")


@FORKED
def test_one_that_fails_stops_the_others_and_is_named(tmp_path, forked):
    jobs = [
        Job("seed 0", note, (tmp_path, "0", LONG)),
        Job("seed 1", complain, ()),
        Job("seed 2", note, (tmp_path, "2", LONG)),
    ]
    with pytest.raises(RunError, match=r"digits: seed 1 \(exit code 2\) failed; the reason stands above"):
        run_jobs(jobs, 2, "digits", forked)
    assert not names(tmp_path) & {"0 ended", "2 began"}


def test_where_one_was_interrupted_none_begins_after_it(tmp_path):
    assert run_jobs([Job("a", stop, ()), Job("b", note, (tmp_path, "b"))], 1, "letters") == INTERRUPTED
    assert not names(tmp_path)


def test_a_signal_just_before_a_job_starts_stops_it_too(tmp_path, monkeypatch):
    """Between the look at whether any has come and the moment from which they wait: it finds no process that it could stop."""
    mask, sent = signal.pthread_sigmask, []

    def late(how, signals):
        if not sent and getattr(signal.getsignal(signal.SIGTERM), "__name__", "") == "stop":
            sent.append(os.kill(os.getpid(), signal.SIGTERM))
        return mask(how, signals)

    monkeypatch.setattr(signal, "pthread_sigmask", late)
    assert run_jobs([Job("a", note, (tmp_path, "a", LONG))], 1, "letters") == INTERRUPTED
    assert "a ended" not in names(tmp_path)


MAIN = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from selfsparse.pool import Job, run_jobs
from test_pool import LONG, note
if __name__ == "__main__":
    sys.exit(run_jobs([Job(name, note, (Path({folder!r}), name, LONG)) for name in "abc"], 2, "letters", {forked}))
"""


def start(folder: Path, forked: bool) -> tuple[subprocess.Popen, list[int]]:
    """A program of two jobs that run and one that waits; return it with the numbers of the two processes."""
    script = folder.parent / "main.py"
    script.write_text(MAIN.format(tests=str(ROOT / "tests"), folder=str(folder), forked=forked))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    program = subprocess.Popen([sys.executable, script], env=environment, start_new_session=True)
    deadline = time.monotonic() + LONG
    while len(found := [path.read_text() for path in folder.glob("* began")]) < 2 or not all(found):
        assert program.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    return program, [int(number) for number in found]


def wait_for_ends(numbers: list[int]) -> None:
    """Until processes that are no children of this one are gone."""
    deadline = time.monotonic() + 30
    for number in numbers:
        while Path(f"/proc/{number}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "jobs").mkdir()
    return tmp_path / "jobs"


@FORKED
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("whole_group", [False, True], ids=["alone", "with its jobs"])
def test_a_signal_stops_all(folder, number, whole_group, forked):
    program, numbers = start(folder, forked)
    (os.killpg if whole_group else os.kill)(program.pid, number)
    assert program.wait(timeout=30) == INTERRUPTED
    wait_for_ends(numbers)
    assert len(names(folder)) == 2


@FORKED
def test_jobs_end_with_the_program_that_wants_them(folder, forked):
    program, numbers = start(folder, forked)
    program.kill()
    program.wait(timeout=30)
    wait_for_ends(numbers)
    assert len(names(folder)) == 2
