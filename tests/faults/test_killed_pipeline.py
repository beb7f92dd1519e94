"""`dvc repro` on a small project, killed or told to stop while each kind of stage runs, and started again."""

import os
import re
import shutil
import signal
import time

import psutil
import pytest
from dvc_project import BASELINE, alive, cut_down, kill, repro, said, stage_process, start, write_dvc_project
from small_project import CONFIGURATION, files, of_quick, write_project

pytestmark = pytest.mark.slow
STAGES = (
    "inputs", "data", "extractor", "reference", "train", "measure", "correlation", "summary", "verdicts", "notebook",
    "paper_audit", "report",
)  # fmt: skip
TRIES = 5
LONG = of_quick(steps=600, evaluate_every=50, snapshot_every=50, checkpoint_every=10, seeds=[0, 1], parallel_seeds=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A project that ran from inputs to report with nothing in the way, and how long each kind of stage was seen."""
    folder = write_dvc_project(tmp_path_factory.mktemp("whole") / "project")
    process, seen = start(folder, "repro", "report@quick"), {}
    while process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                if found := re.search(r"pipeline\.(\w+)", " ".join(child.cmdline())):
                    first, _ = seen.get(found[1], (time.monotonic(), 0))
                    seen[found[1]] = first, time.monotonic()
            except psutil.NoSuchProcess:
                pass
        time.sleep(0.05)
    assert process.returncode == 0, said(folder)
    assert seen.keys() == set(STAGES)
    return folder, {stage: last - first for stage, (first, last) in seen.items()}


def outputs(folder) -> dict[str, bytes]:
    """All that the pipeline made, but for times: of trainings, in provenance, and of smaller generators' passes."""
    found = files(folder / "data") | files(folder / "results")
    index = found["quick/report/index.html"]
    found["quick/report/index.html"] = re.sub(rb'<dl class="facts">.*?</dl>', b"", index, flags=re.DOTALL)
    results = found["quick/report/results.html"]
    section = rb'<section aria-labelledby="compact">.*?</section>'
    found["quick/report/results.html"] = re.sub(section, b"", results, flags=re.DOTALL)
    timed = ("quick/provenance/", "quick/report/provenance.html", "quick/latency/")
    return {name: data for name, data in found.items() if not name.startswith(timed) and "/table_compact/" not in name}


def killed_in(folder, stage: str, arguments: tuple[str, ...], after: float) -> bool:
    """Kill a `dvc repro` so many seconds after a stage has begun; return whether that still ran."""
    process = start(folder, "repro", *arguments)
    running = stage_process(process, stage)
    time.sleep(after)
    os.killpg(process.pid, signal.SIGSTOP)  # so that it cannot end between the look and the kill
    ran = alive(running)
    kill(process)
    return ran


def test_killed_in_every_kind_of_stage(whole, tmp_path, moments):
    """Each `dvc repro` goes on where the one before was killed, until none is; the end is that of the unbroken one."""
    unbroken, seconds = whole
    folder = write_dvc_project(tmp_path / "project")
    for stage in STAGES:
        # Of two stages of a kind, the first; of a kind's two configurations the time is that of both.
        latest = 0.8 * seconds[stage] / (2 if stage in ("train", "measure") else 1)
        # The suite's notebooks may be done after those on the paper.
        arguments = ("--force", "--single-item", stage) if stage == "paper_audit" else ("report@quick",)
        for _ in range(TRIES):
            if killed_in(folder, stage, arguments, moments.uniform(0, latest)):
                break
            # It was faster this time, and is done: once more, and sooner.
            target = re.findall(rf"Running stage '({stage}(?:@[^']+)?)'", said(folder))[-1]
            arguments, latest = ("--force", "--single-item", target), latest / 2
        else:
            pytest.fail(f"{stage} had ended before each of {TRIES} kills")
    begun = len(said(folder))
    repro(folder, "report@quick")
    assert outputs(folder) == outputs(unbroken)
    assert "Unable to acquire lock" not in said(folder) and "Traceback" not in said(folder)
    assert "Running stage 'train@" not in said(folder)[begun:]  # what was done before a kill is not done again
    assert not list(folder.rglob("*.partial"))


@pytest.fixture
def training(whole, tmp_path):
    """A copy of the finished project whose settings ask for a longer training, and the results of that, unbroken."""
    folders = [tmp_path / name / "project" for name in ("unbroken", "broken")]
    for folder in folders:
        shutil.copytree(whole[0], folder, symlinks=True)
        write_project(folder, cut_down(LONG))
        repro(folder, "--single-item", "inputs")  # which a single stage does not bring up
    repro(folders[0], "--single-item", f"train@{CONFIGURATION}")
    return folders[1], runs(folders[0])


def runs(folder) -> dict[str, bytes]:
    return files(folder / f"results/quick/runs/{CONFIGURATION}")


def begin_training(folder, resumed: int):
    """Start `dvc repro`, and wait until each run trains: the first time it has saved a state, then it goes on from one."""
    process = start(folder, "repro", "--single-item", f"train@{CONFIGURATION}")
    stage = stage_process(process, "train")
    while True:
        saved = {path.parent for path in folder.glob(".checkpoints/*/seed*/*/state-*.pt")}
        if len(saved) == 2 and said(folder).count("goes on from step") == 2 * resumed:
            return process, stage
        assert process.poll() is None, said(folder)
        time.sleep(0.01)


def test_dvc_told_to_stop(training):
    """DVC dies of SIGTERM and hands nothing on: its training saves and ends, the next one waits for that and goes on."""
    folder, expected = training
    for resumed, number in ((0, signal.SIGTERM), (2, signal.SIGKILL)):
        process, stage = begin_training(folder, resumed)
        process.send_signal(number)  # DVC alone
        assert process.wait(timeout=30) == -number
        assert alive(stage)
        # At once: it goes on when the first has ended, never beside it.
        process, _ = begin_training(folder, resumed + 1)
        assert not alive(stage)
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C in a terminal
        assert process.wait(timeout=60) > 0
        # -2: the shell between DVC and the stage died of the signal itself, as dash does; the stage saves all the same.
        assert re.search(r"exited with (130|-2)$", said(folder), re.MULTILINE)
    repro(folder, "--single-item", f"train@{CONFIGURATION}")
    text = said(folder)
    assert "interrupted, saved at step" in text and "goes on from step" in text
    assert "Traceback" not in text
    assert runs(folder) == expected
    assert not list(folder.glob(".checkpoints/*/"))


def test_the_suite_goes_on_past_a_run_that_diverges_and_one_that_fails(whole, tmp_path):
    """`--keep-going`: one configuration lacks its device, the other diverges, and is measured as such."""
    folder = tmp_path / "project"
    shutil.copytree(whole[0], folder, symlinks=True)
    write_project(folder, cut_down({f"configurations.{BASELINE}.train": {"device": "cuda"}}))
    # No setting makes so small a run overflow: a weight does, in the project's own copy of the code.
    trainer = folder / "selfsparse/training/trainer.py"
    before, line = trainer.read_text(), "        self.step += 1\n"
    assert line in before
    overflow = "        next(self.generator.parameters()).data.fill_(float('nan'))\n"
    trainer.write_text(before.replace(line, line + overflow))
    stages = [f"measure@{name}" for name in (BASELINE, CONFIGURATION)]
    process = start(folder, "repro", "--keep-going", *stages)
    assert process.wait(timeout=300) > 0
    text = said(folder)
    assert "PyTorch finds none on this machine" in text and "seed 0: DIVERGED: not finite at step 2" in text
    assert f"Running stage 'measure@{BASELINE}'" not in text
    for kind in ("fid", "sparsity"):
        assert len((folder / f"results/quick/{kind}/{CONFIGURATION}/{kind}.csv").read_text().splitlines()) == 1
