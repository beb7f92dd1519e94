"""A small project with a DVC of its own: two configurations from pixels to report, in about a minute."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from small_project import CONFIGURATION, ROOT, SMALL, params, write_project

from selfsparse.files import read_json, write_json

BASELINE = "digits-16-wgan_gp"
KEPT = {
    "suites": ["quick"],
    "networks": ["tiny_16"],
    "datasets": ["digits-16"],
    "extractors": ["digits-16-lenet"],
    "configurations": [BASELINE, CONFIGURATION],
}
NOTEBOOKS = ("table_fid",)


def cut_down(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Changes to params.yaml that leave two configurations and what they need."""
    whole = params()
    kept = {section: {name: whole[section][name] for name in names} for section, names in KEPT.items()}
    return {**kept, **SMALL, **(changes or {})}


def write_dvc_project(folder: Path, changes: dict[str, Any] | None = None) -> Path:
    """Write settings, code and pipeline into a folder, and make it a DVC project without git."""
    write_project(folder, cut_down(changes))
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, folder)
    for name in ("pipeline", "selfsparse"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "notebooks").mkdir()
    for name in NOTEBOOKS:
        shutil.copy(ROOT / f"notebooks/{name}.ipynb", folder / "notebooks")
    audit = read_json(ROOT / "notebooks/paper_audit/audit.ipynb")  # what of it needs none of the paper's configurations
    audit["cells"] = [c for c in audit["cells"] if re.search(r"open_paper_page|audit\.spread", "".join(c["source"]))]
    write_json(folder / "notebooks/paper_audit/audit.ipynb", audit)
    subprocess.run([*dvc("init"), "--no-scm", "--quiet"], cwd=folder, env=environment(folder), check=True)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """No GPU, the project's own code, and nothing of the user's DVC."""
    own = {name: str(folder.parent / f"dvc_own/{name}") for name in ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR")}
    # The command `python` of dvc.yaml is the Python that runs the tests.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | own | {
        "DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(folder), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "PATH": path,
    }  # fmt: skip


def dvc(*arguments: str) -> list[str]:
    """A command of DVC, called as `make` does."""
    return [sys.executable, "-m", "selfsparse.dvc", *arguments]


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    """Begin a `dvc` command in a process group of its own; what it says goes to a file beside the project."""
    with open(folder.parent / "said", "a", encoding="utf-8") as said:
        return subprocess.Popen(
            dvc(*arguments), cwd=folder, env=environment(folder), stdout=said, stderr=said, start_new_session=True
        )


def said(folder: Path) -> str:
    return (folder.parent / "said").read_text(encoding="utf-8")


def repro(folder: Path, *arguments: str) -> None:
    """`dvc repro` to its end, which has to be a good one."""
    process = start(folder, "repro", *arguments)
    assert process.wait(timeout=300) == 0, said(folder)


def stage_process(process: subprocess.Popen, stage: str, timeout: float = 120) -> psutil.Process:
    """Wait until a `dvc repro` runs `python -m pipeline.<stage>`, and return that process."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        assert process.poll() is None, f"dvc ended with {process.returncode} before {stage}"
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                if f"pipeline.{stage}" in child.cmdline() and "python" in child.name():
                    return child
            except psutil.NoSuchProcess:
                pass
        time.sleep(0.02)
    raise AssertionError(f"{stage} did not run")


def alive(process: psutil.Process) -> bool:
    """Whether a process runs; one that ended and that nobody has collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill(process: subprocess.Popen) -> None:
    """SIGKILL for DVC and the stage at once, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
