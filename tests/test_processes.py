"""Processes that end in order: on SIGTERM, and with the DVC that runs them, but not with a user's shell."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from dvc_project import alive
from small_project import ROOT

# A stage that writes a file, and is at it for long.
STAGE = """
import sys, time
from pathlib import Path
from selfsparse.cli import guarded
from selfsparse.files import atomic_path

def work():
    with atomic_path(Path("made")) as partial:
        partial.write_text("half")
        print("begun", flush=True)
        time.sleep(60)

sys.exit(guarded(work))
"""
# What starts it and goes: as DVC does when it is killed.
PARENT = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', sys.argv[1]]); print(child.pid, flush=True); child.wait()"


def start(folder, *arguments: str, stage: bool) -> subprocess.Popen:
    environment = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"} | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        cwd=folder,
        env=environment | ({"DVC_STAGE": "fid@x"} if stage else {}),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_sigterm_ends_a_stage_in_order(tmp_path):
    with start(tmp_path, STAGE, stage=False) as process:
        assert process.stdout.readline() == "begun\n"
        process.terminate()
        assert process.wait(timeout=30) == 143
    assert not list(tmp_path.iterdir())  # not even the temporary file


def family(folder, *, stage: bool) -> tuple[subprocess.Popen, psutil.Process]:
    parent = start(folder, PARENT, STAGE, stage=stage)
    child = psutil.Process(int(parent.stdout.readline()))
    assert parent.stdout.readline() == "begun\n"
    return parent, child


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stage_ends_with_its_dvc(tmp_path, number):
    parent, child = family(tmp_path, stage=True)
    with parent:
        parent.send_signal(number)
        parent.wait(timeout=30)
        deadline = time.monotonic() + 30
        while alive(child):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert not list(tmp_path.iterdir())


def test_a_process_started_by_hand_outlives_its_shell(tmp_path):
    parent, child = family(tmp_path, stage=False)
    try:
        parent.kill()
        parent.wait(timeout=30)
        time.sleep(1.2)  # twice as long as it takes a stage to notice
        assert alive(child)
    finally:
        child.kill()
        parent.stdout.close()
    assert list(tmp_path.glob(".made.*.partial"))  # until the next one that writes the file
