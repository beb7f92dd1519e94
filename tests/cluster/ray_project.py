"""A small project in git, its suite run serially and on a Ray cluster of two nodes on this machine, and what both leave."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from cluster.toy import git
from dvc_project import environment, write_dvc_project
from ruamel.yaml import YAML
from small_project import ROOT, files, of_quick

LONG = of_quick(steps=300, evaluate_every=100, snapshot_every=100, checkpoint_every=5)
TRIES = 3  # of starting a node: Ray gives its helpers 15 seconds, which a busy machine may not have


def write_ray_project(folder: Path, changes: dict | None = None) -> Path:
    """A small project as a git repository, whose notebooks and report are empty folders: they are not what is tested."""
    write_dvc_project(folder, changes)
    text = (folder / "dvc.yaml").read_text()
    text = re.sub(
        r"cmd: python -m pipeline.notebook .*", "cmd: cd results/${key} && mkdir -p notebooks tables figures", text
    )
    empty = "cmd: mkdir -p results/paper_audit/notebooks results/paper_audit/tables"
    text = text.replace("cmd: python -m pipeline.paper_audit", empty)
    text = re.sub(r"cmd: python -m pipeline.report .*", "cmd: mkdir -p results/${key}/report", text)
    (folder / "dvc.yaml").write_text(text)
    shutil.copy(ROOT / ".gitignore", folder)
    shutil.copy(ROOT / ".dvc/.gitignore", folder / ".dvc")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "small")
    return folder


def recorded(folder: Path) -> dict:
    """What dvc.lock says."""
    return YAML(typ="safe").load((folder / "dvc.lock").read_text())["stages"]


def outputs(folder: Path) -> dict[str, bytes]:
    """Every file that the pipeline made, but for times."""
    found = files(folder / "data") | files(folder / "results")
    return {name: data for name, data in found.items() if not name.startswith(("quick/provenance/", "quick/latency/"))}


class TwoNodes:
    """Ray's own processes for two nodes of one CPU each, started as a user would start them. Ended by their numbers."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # sockets' names have to be short
        self.processes: list[list[psutil.Process]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._start(
            "--head", f"--port={self.address.split(':')[1]}", f"--temp-dir={self.folder}", "--include-dashboard=false"
        )
        self._start(f"--address={self.address}", "--include-log-monitor=false")  # the head's reads the logs of both

    def _start(self, *arguments: str) -> None:
        number = len(self.processes)
        environment = own_environment() | {"SELFSPARSE_TEST_SCRATCH": str(self.folder / f"node{number}")}
        environment |= {name: str(self.folder / "dvc_own") for name in ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR")}
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, "--num-cpus=1", "--num-gpus=1"]
        command += ["--node-ip-address=127.0.0.1", "--object-store-memory=80000000"]
        for attempt in range(TRIES):
            found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
            if found.returncode == 0:
                break
            self._end(self._mine())
            assert attempt + 1 < TRIES, found.stdout + found.stderr
        self.processes.append(self._mine())

    def _mine(self) -> list[psutil.Process]:
        """Processes of the cluster that belong to no node yet."""
        known = {process.pid for node in self.processes for process in node}
        every = psutil.process_iter(["cmdline"])
        return [p for p in every if p.pid not in known and str(self.folder) in " ".join(p.info["cmdline"] or [])]

    @staticmethod
    def _end(processes: list[psutil.Process]) -> None:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def raylet(self, node: int) -> psutil.Process:
        return next(p for p in self.processes[node] if p.name() == "raylet")

    def training(self, node: int | None = None, timeout: float = 300) -> psutil.Process:
        """Wait until a training has saved a state on a node, or on any, and return the process of its stage."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for process in psutil.process_iter(["cmdline"]):
                with contextlib.suppress(psutil.Error):
                    if "pipeline.train" in (process.info["cmdline"] or []) and self._saved(process, node):
                        return process
            time.sleep(0.1)
        raise AssertionError("no training was seen")

    def _saved(self, process: psutil.Process, node: int | None) -> bool:
        folder = self.folder if node is None else self.folder / f"node{node}"
        states = (self.folder / "states").glob(f".states/{process.info['cmdline'][-1]}/seed*/*/state-*.pt")
        return Path(process.cwd()).is_relative_to(folder) and any(states)

    @staticmethod
    def worker(training: psutil.Process) -> psutil.Process | None:
        """Ray's process above a stage; None where that is gone, and the stage about to end."""
        return next((p for p in training.parents() if "".join(p.cmdline()[:1]).startswith("ray::")), None)

    def close(self) -> None:
        self._end([process for node in self.processes for process in node])
        self._end(self._mine())
        shutil.rmtree(self.folder, ignore_errors=True)


def own_environment() -> dict[str, str]:
    return os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "OMP_NUM_THREADS": "1"}


def distribute(folder: Path, cluster: TwoNodes, said: Path) -> subprocess.Popen:
    """Start `selfsparse distribute quick`; what it prints is added to a file."""
    with open(said, "a", encoding="utf-8") as out:
        return subprocess.Popen(
            [
                sys.executable, "-m", "selfsparse", "distribute", "quick", "--address", cluster.address,
                "--remote", str(folder.parent / "remote"), "--scratch", "$SELFSPARSE_TEST_SCRATCH",
                "--checkpoints", str(cluster.folder / "states"), "--gpus-per-task", "0.33",
            ],
            cwd=folder, env=environment(folder) | own_environment() | {"PYTHONPATH": str(folder)}, stdout=out, stderr=out,
        )  # fmt: skip


def kill(process: psutil.Process | subprocess.Popen) -> None:
    os.kill(process.pid, signal.SIGKILL)
