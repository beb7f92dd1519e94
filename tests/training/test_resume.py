"""Trainings as a user starts them, interrupted at any moment and started again: the same end, bit for bit."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from small_project import CONFIGURATION, FULL_SIZE, SMALL, command, files, of_quick, run, signals_kept, write_project

from selfsparse.errors import RunError

LONG = SMALL | of_quick(
    steps=40, evaluate_every=8, snapshot_every=8, checkpoint_every=2, seeds=[0, 1], parallel_seeds=2
)
TIMEOUT = 120


def results(project) -> dict[str, bytes]:
    """All that the runs left."""
    return files(project / f"results/quick/runs/{CONFIGURATION}")


def reset(project) -> None:
    for folder in (".checkpoints", "results"):
        shutil.rmtree(project / folder, ignore_errors=True)


def start(project) -> subprocess.Popen:
    return subprocess.Popen(
        **command(project, "pipeline.train", CONFIGURATION), stderr=subprocess.PIPE, start_new_session=True
    )


def start_anew(project, **changes) -> subprocess.Popen:
    """Start the training of LONG with nothing there."""
    write_project(project, LONG | of_quick(**changes))
    reset(project)
    return start(project)


def wait_for_state(project, process: subprocess.Popen, beyond: float = 0.0) -> None:
    """Until a state has been saved after the time `beyond`."""
    deadline = time.monotonic() + TIMEOUT
    while not any(p.stat().st_mtime > beyond for p in project.glob(".checkpoints/*/seed*/*/state-*.pt")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill(process: subprocess.Popen) -> None:
    """SIGKILL for the whole family at once, as a power cut would; none gets to save anything."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def unbroken(small_module):
    """A project, the results of runs that nothing interrupted, one after the other, and the seconds each took."""
    import torch

    from selfsparse.config import load_settings
    from selfsparse.training.loop import train_runs

    write_project(small_module, LONG)
    begun = time.monotonic()
    with signals_kept(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(small_module)
        settings = load_settings()
        for seed in LONG["suites.quick.train.seeds"]:
            train_runs(settings, settings.configuration(CONFIGURATION), [seed], torch.device("cpu"))
    seconds = (time.monotonic() - begun) / 2
    found = results(small_module)
    assert len(found) == 2 * 9 and found["seed0/last.safetensors"] != found["seed1/last.safetensors"]
    return small_module, found, seconds


KILLS = 20
# One run, whose time goes about equally into steps, evaluations and states.
KILLED = SMALL | of_quick(steps=240, evaluate_every=4, snapshot_every=8, checkpoint_every=2)


def timed_run(project, monkeypatch) -> dict[str, float]:
    """Train the run of KILLED in this process, unbroken; return the seconds that it spent in what."""
    import torch

    from selfsparse.config import load_settings
    from selfsparse.training.loop import train_runs
    from selfsparse.training.run import Run
    from selfsparse.training.trainer import Trainer

    seconds = dict.fromkeys(("step", "evaluation", "checkpoint"), 0.0)

    def timed(what, method):
        def work(self):
            begun = time.monotonic()
            result = method(self)
            seconds[what] += time.monotonic() - begun
            return result

        return work

    with monkeypatch.context() as patch:
        patch.chdir(project)
        patch.setattr(Trainer, "generator_step", timed("step", Trainer.generator_step))
        patch.setattr(Run, "_evaluate", timed("evaluation", Run._evaluate))
        patch.setattr(Run, "save", timed("checkpoint", Run.save))
        settings = load_settings()
        train_runs(settings, settings.configuration(CONFIGURATION), [0], torch.device("cpu"))
    return seconds


@pytest.mark.slow
def test_killed_at_twenty_random_moments(small, monkeypatch, keep_signals, moments):
    """In a step, in an evaluation, four times as soon as a state is being written, and four while it still starts."""
    write_project(small, KILLED)
    seconds = timed_run(small, monkeypatch)
    whole, expected = sum(seconds.values()), results(small)
    reset(small)
    killed, in_write, starts = 0, 0, []
    while killed < KILLS:
        begun, left = time.monotonic(), half_written(small)
        process = start(small)
        if killed % 5 == 3:
            time.sleep(moments.uniform(0, starts[-1]))
        else:
            read = ""
            while "step/s" not in read:  # the bar, a line without end: the run has its lock, and its state
                read += process.stderr.read(1)
                assert process.poll() is None, read
            starts.append(time.monotonic() - begun)
            time.sleep(moments.uniform(0, 1.4 * whole / KILLS))
            while killed % 5 == 1 and process.poll() is None and not half_written(small) - left:
                pass
        kill(process)
        if process.returncode == 0:  # the machine is faster now: the run was at its end
            reset(small)
        else:
            assert process.returncode == -signal.SIGKILL
            killed += 1
            in_write += bool(half_written(small) - left)
    found = run(small, "pipeline.train", CONFIGURATION)
    shares = ", ".join(f"{value / whole:.0%} {what}" for what, value in seconds.items())
    print(f"{killed} kills; {whole:.1f} s of work: {shares}; {in_write} kills left a half-written file")
    assert in_write
    assert min(seconds.values()) > 0.1 * whole, shares
    assert found.returncode == 0, found.stderr
    assert results(small) == expected
    assert not states(small) and not list(small.rglob("*.partial"))


def half_written(project) -> set:
    """The files of states that have no final name yet; their temporary ones hold the process."""
    return set(project.glob(".checkpoints/*/seed*/*/.*.partial"))


def states(project) -> list:
    return list(project.glob(".checkpoints/*/seed*/*/state-*.pt"))


@pytest.mark.slow
def test_a_second_process_waits_for_one_that_is_told_to_stop(unbroken):
    """As after a DVC that was killed: the first one has to save its state still, and the second goes on from there."""
    project, expected, _ = unbroken
    first, second = start_anew(project), None
    try:
        wait_for_state(project, first)
        os.killpg(first.pid, signal.SIGSTOP)  # so that it cannot finish meanwhile; it holds its locks all the same
        second = start(project)
        said = second.stderr.readline()
        assert said.startswith("warning: another process is training") and "waiting up to 60 s" in said
        os.killpg(first.pid, signal.SIGCONT)
        first.terminate()  # the process alone, as `kill` does it: it passes the signal on
        _, said = first.communicate(timeout=TIMEOUT)
        assert first.returncode == 130, said
        assert "interrupted, saved at step" in said and "Traceback" not in said
        _, said = second.communicate(timeout=TIMEOUT)
        assert second.returncode == 0 and "goes on from step" in said
    finally:
        for process in (first, second):
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)
                kill(process)
    assert results(project) == expected
    assert not states(project)


@pytest.mark.slow
def test_ctrl_c_saves(unbroken):
    project, expected, _ = unbroken
    process = start_anew(project)
    wait_for_state(project, process)
    os.killpg(process.pid, signal.SIGINT)  # a terminal's Ctrl-C reaches every process in it
    _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert run(project, "pipeline.train", CONFIGURATION).returncode == 0
    assert results(project) == expected


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0, 3.0, 4.0])
def test_ctrl_c_while_it_still_starts(unbroken, seconds):
    """The first seconds go into imports; an interruption then is an interruption, not a crash."""
    project, _, _ = unbroken
    process = start_anew(project, steps=100_000)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    try:
        _, said = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        kill(process)
        pytest.fail("still running 30 s after Ctrl-C")
    assert process.returncode == 130, said
    assert "Traceback" not in said


@pytest.mark.slow
def test_the_parent_alone_killed(unbroken):
    """Its runs notice that nobody collects them, save and end; the same command then goes on."""
    project, expected, _ = unbroken
    process = start_anew(project)
    wait_for_state(project, process)
    process.kill()
    process.stderr.read()  # until the last of the family has ended
    process.wait()
    assert run(project, "pipeline.train", CONFIGURATION).returncode == 0
    assert results(project) == expected


@pytest.mark.slow
def test_results_that_a_dvc_started_meanwhile_removed_come_back(small, monkeypatch, keep_signals):
    """It removes the folder first, and waits for the training then: one seed was kept, and another is being trained."""
    from selfsparse.config import load_settings
    from selfsparse.training import seeds

    def configuration(*numbers):
        settings = load_settings(write_project(small, {**SMALL, "suites.quick.train.seeds": numbers}) / "params.yaml")
        return settings, settings.configuration(CONFIGURATION)

    def removed_meanwhile(*arguments):
        code = original(*arguments)
        shutil.rmtree(small / f"results/quick/runs/{CONFIGURATION}")
        return code

    assert seeds.train_configuration(*configuration(0)) == 0
    original = seeds._train_seeds
    with monkeypatch.context() as patch:
        patch.setattr(seeds, "_train_seeds", removed_meanwhile)
        with pytest.raises(RunError, match=r"results of seed 0 are gone(.|\n)*[Rr]un the same command again"):
            seeds.train_configuration(*configuration(0, 1))
    assert seeds.train_configuration(*configuration(0, 1)) == 0
    found = results(small)
    reset(small)
    assert seeds.train_configuration(*configuration(0, 1)) == 0
    assert results(small) == found and not states(small)


@pytest.mark.slow
def test_side_by_side_or_one_by_one_is_the_same(small):
    changes = {**SMALL, "suites.quick.train.seeds": [0, 1, 2]}
    found = []
    for parallel in (1, 3):
        write_project(small, {**changes, "suites.quick.train.parallel_seeds": parallel})
        assert run(small, "pipeline.train", CONFIGURATION).returncode == 0
        found.append(results(small))
        reset(small)
    assert found[0] == found[1] and len(found[0]) == 3 * 9
    assert found[0]["seed0/last.safetensors"] != found[0]["seed1/last.safetensors"]


@pytest.mark.slow
def test_a_gpu_that_is_not_there(tmp_path):
    """The project's own full-size configuration: exit code 2, within a few seconds of the import of torch."""
    write_project(tmp_path)
    begun = time.monotonic()
    found = run(tmp_path, "pipeline.train", FULL_SIZE)
    assert time.monotonic() - begun < 15
    assert found.returncode == 2 and "Traceback" not in found.stderr
    assert found.stderr.startswith("error: ")
    for word in ("CUDA", "quick", "laptop", "train.device"):
        assert word in found.stderr


def test_an_unknown_configuration(tmp_path):
    write_project(tmp_path)
    found = run(tmp_path, "pipeline.train", "digits-16-self_spare")
    assert found.returncode == 2 and len(found.stderr.splitlines()) <= 6
    assert "did you mean digits-16-self_sparse" in found.stderr
