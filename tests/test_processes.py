"""Processes that end in order: on SIGTERM, and with the DVC that runs them, but not with a user's shell."""

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from dvc_project import alive
from small_project import ROOT, write_project

from selfsparse.environment import LONGEST_TMPDIR, OF_PRECISION
from selfsparse.processes import usable_cpus

# A stage that writes a file, and is at it for long.
STAGE = """
import os, sys, time
from pathlib import Path
from selfsparse.cli import guarded
from selfsparse.files import atomic_path

def work():
    with atomic_path(Path("made")) as partial:
        partial.write_text("half")
        print(os.getpid(), flush=True)
        time.sleep(60)

sys.exit(guarded(work))
"""
# What starts it and goes: as DVC does when it is killed.
PARENT = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', sys.argv[1]]); child.wait()"
# The same through a shell that stays, as dash does also for a single command.
PARENT_OF_SHELL = """
import subprocess, sys
subprocess.run(["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, sys.argv[1]])
"""


def start(folder, *arguments: str, stage: bool) -> subprocess.Popen:
    environment = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"} | {"PYTHONPATH": str(ROOT)}
    environment |= {"DVC_STAGE": "measure@x"} if stage else {}
    command = [sys.executable, "-c", *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def test_sigterm_ends_a_stage_in_order(tmp_path):
    with start(tmp_path, STAGE, stage=False) as process:
        assert int(process.stdout.readline()) == process.pid
        process.terminate()
        assert process.wait(timeout=30) == 143
    assert not list(tmp_path.iterdir())  # not even the temporary file


def family(folder, code: str = PARENT, *, stage: bool) -> tuple[subprocess.Popen, psutil.Process]:
    parent = start(folder, code, STAGE, stage=stage)
    return parent, psutil.Process(int(parent.stdout.readline()))


@pytest.mark.parametrize(
    ("code", "number"), [(PARENT, signal.SIGTERM), (PARENT, signal.SIGKILL), (PARENT_OF_SHELL, signal.SIGKILL)]
)
def test_a_stage_ends_with_its_dvc(tmp_path, code, number):
    parent, child = family(tmp_path, code, stage=True)
    assert (child.ppid() == parent.pid) == (code is PARENT)
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


FORKED = """
import multiprocessing, sys
from selfsparse.environment import ignore_user_settings
ignore_user_settings()
process = multiprocessing.get_context("forkserver").Process(target=print, args=("there",))
process.start()
process.join()
sys.exit(process.exitcode)
"""


@pytest.mark.parametrize("length", [LONGEST_TMPDIR, LONGEST_TMPDIR + 1, 200])
def test_sockets_where_tmpdir_is_long(length):
    """The longest path that they may lie in, one byte more, and more."""
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    folder = base / ("x" * (length - len(str(base)) - 1))
    folder.mkdir()
    try:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
        found = subprocess.run([sys.executable, "-c", FORKED], env=environment, capture_output=True, text=True)
        assert (found.returncode, found.stdout) == (0, "there\n"), found.stderr
    finally:
        shutil.rmtree(base)


def test_a_process_that_is_allowed_one_cpu_of_many(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {5}, raising=False)
    assert usable_cpus() == 1


def test_a_containers_quota_of_cpus_is_rounded_up(monkeypatch):
    """As the library that counts reads it, from the file of the second version of control groups."""
    from joblib.externals.loky.backend import context

    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)
    monkeypatch.setattr(os.path, "exists", lambda path: str(path).endswith("cpu.max"))
    monkeypatch.setattr(context, "open", lambda path: io.StringIO("150000 100000\n"), raising=False)
    assert usable_cpus() == 2


def test_nobody_else_counts_cpus():
    modules = (*ROOT.glob("selfsparse/**/*.py"), *ROOT.glob("pipeline/*.py"))
    assert [path.name for path in modules if "cpu_count" in path.read_text()] == ["processes.py"]


def test_another_python_that_lacks_packages_is_one_error():
    """As where dvc is run by its path, and PATH has the system's Python, or conda's."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-S", "-m", "pipeline.inputs"]  # -S: no packages
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert found.returncode == 2 and "Traceback" not in found.stderr
    assert f" is not installed in {sys.executable}. Run `make install`" in found.stderr


def test_no_variable_decides_how_exact_float32_is():
    """NVIDIA's containers set the first: products of matrices would be TF32's, whatever params.yaml says."""
    code = "import os, sys, torch; print(torch.get_float32_matmul_precision(), *(n for n in sys.argv[1:] if n in os.environ))"
    set_by_user = dict.fromkeys(OF_PRECISION, "1")
    command = f"import subprocess, sys; from selfsparse.cli import guarded; guarded(lambda: subprocess.call({[sys.executable, '-c', code, *OF_PRECISION]!r}))"
    found = {}
    for name, start in (("alone", [sys.executable, "-c", code]), ("a stage's", [sys.executable, "-c", command])):
        done = subprocess.run(start, cwd=ROOT, env=os.environ | set_by_user, capture_output=True, text=True, check=True)
        found[name] = done.stdout.split()
    assert found == {"alone": ["high"], "a stage's": ["highest"]}


@pytest.mark.parametrize("work", ["Project(Path()).names()", "read_records(Path())"])
def test_marks_of_a_merge_in_dvc_lock_are_one_error(tmp_path, work):
    """Read through DVC's own pipeline, and without it."""
    write_project(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages:\n  a:\n    cmd: echo\n")
    (tmp_path / "dvc.lock").write_text("<<<<<<< HEAD\nschema: '2.0'\n=======\n")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], cwd=tmp_path, check=True)
    code = f"""
import sys
from pathlib import Path
from selfsparse.cli import guarded
from selfsparse.stages import Project, read_records
sys.exit(guarded(lambda: {work} and None))"""
    with_ours = os.environ | {"PYTHONPATH": str(ROOT)}
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=with_ours, capture_output=True, text=True)
    assert found.returncode == 2 and "Traceback" not in found.stderr
    assert "error: DVC says: " in found.stderr and "git checkout HEAD -- dvc.lock" in found.stderr
