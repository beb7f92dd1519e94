"""A suite on a Ray cluster of two nodes on this machine, unbroken and with a worker, a node and the head killed."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster.ray_project import LONG, TwoNodes, distribute, kill, outputs, own_environment, recorded, write_ray_project
from cluster.toy import git
from dvc_project import environment, repro

from selfsparse.cluster.head import RAY
from selfsparse.errors import UserError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: make cluster"),
]
ROOT = Path(__file__).parents[2]
END = 600  # seconds after which a suite hangs


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """The suite as one `dvc repro` makes it."""
    folder = write_ray_project(tmp_path_factory.mktemp("serial") / "project", LONG)
    repro(folder, "report@quick")
    return folder


@pytest.fixture
def cluster():
    nodes = TwoNodes()
    yield nodes
    nodes.close()


@pytest.fixture
def project(tmp_path, serial):
    """The same commit, and nothing of what was made from it."""
    folder = tmp_path / "project"
    shutil.copytree(serial / ".git", folder / ".git")
    git(folder, "checkout", "--quiet", "--force", "HEAD")
    return folder


def said(folder) -> str:
    return (folder.parent / "said").read_text(encoding="utf-8")


def run(folder, cluster) -> str:
    assert distribute(folder, cluster, folder.parent / "said").wait(timeout=END) == 0, said(folder)
    return said(folder)


def test_two_nodes_leave_what_a_serial_run_leaves(serial, project, cluster):
    text = run(project, cluster)
    assert "2 nodes, 2 CPUs, 2 GPUs; a task takes 1 CPUs and 0.33 GPUs" in text
    assert "FAILED" not in text and "(train@digits-16-self_sparse pid=" in text
    assert recorded(project) == recorded(serial)
    assert outputs(project) == outputs(serial)
    for n in (0, 1):  # both took part
        assert list((cluster.folder / f"node{n}").rglob("cache/files"))


def test_a_worker_a_node_and_the_head_killed(serial, project, cluster, moments):
    """At random times of trainings, one after the other; the same command, started again, makes the suite complete."""
    process = distribute(project, cluster, project.parent / "said")
    cluster.training(node=1)
    time.sleep(moments.uniform(0, 1))
    kill(cluster.raylet(1))
    training = cluster.training(node=0)  # from now on, the only node
    time.sleep(moments.uniform(0, 0.5))
    kill(cluster.worker(training) or pytest.fail("the training had ended"))
    cluster.training(node=0)
    begun = time.monotonic()
    while "goes on from step" not in said(project):
        assert process.poll() is None and time.monotonic() - begun < 120, said(project)
        time.sleep(0.1)
    time.sleep(moments.uniform(0, 1))
    kill(process)
    process.wait()
    first = said(project)
    text = run(project, cluster)[len(first) :]
    done = set(re.findall(r"(?m)^(\S+@\S+): done", first))
    assert not [stage for stage in re.findall(r"(?m)^\((\S+@\S+) pid=.*begun on", text) if stage in done]
    assert recorded(project) == recorded(serial)
    assert outputs(project) == outputs(serial)


def test_no_cluster_at_the_address(project):
    options = ["--address", "127.0.0.1:1", "--remote", str(project.parent / "none")]
    command, own = [sys.executable, "-m", "selfsparse", "distribute", "quick"], environment(project) | own_environment()
    found = subprocess.run([*command, *options], cwd=project, env=own, capture_output=True, text=True, timeout=120)
    assert found.returncode == 2 and "error: no Ray cluster answers at 127.0.0.1:1" in found.stderr, found.stderr


def test_attempts_needs_and_room(tmp_path, monkeypatch):
    """A stage waits for room and for what it needs, is tried again where it is lost alone, and fails with what it needs."""
    from selfsparse.cluster import node
    from selfsparse.cluster.on_ray import Cluster

    def stage(job, source, order):
        name, said = order["stage"], tmp_path / order["stage"]
        with open(said, "a") as file:
            print(time.monotonic(), os.environ["CUDA_VISIBLE_DEVICES"], sorted(order["known"]), sep=",", file=file)
        if name == "lost" and len(said.read_text().splitlines()) < 2:
            raise ConnectionError("lost once")
        if name == "broken":
            raise RuntimeError("broken by itself")
        if name == "unfit":
            raise ValueError("torch is missing")
        time.sleep(1)
        return {"by": name}

    stage.__module__ = "__main__"  # sent by value
    monkeypatch.setattr(node, "run_stage", stage)
    for name, value in RAY.items():
        monkeypatch.setenv(name, value.replace("10000", "100"))
    import ray

    with Cluster(None) as cluster:
        with pytest.raises(UserError, match="no node has the 1000 CPUs and 0 GPUs"):
            cluster.open(1000, 0, {}, b"")
        cluster.open(int(ray.cluster_resources()["CPU"]) // 2 + 1, 0, {}, b"")  # one at a time
        needs = {"lost": set(), "broken": set(), "next": {"lost"}, "never": {"broken"}}
        orders = {name: ({"stage": name, "known": {"here": {}}}, needed) for name, needed in needs.items()}
        found = {name: (record, reason) for name, record, reason in cluster.run(orders)}
        assert found["lost"] == ({"by": "lost"}, "") and found["next"] == ({"by": "next"}, "")
        assert found["broken"] == ({}, "broken by itself") and found["never"] == ({}, "broken by itself")
        told = {path.name: path.read_text().splitlines() for path in tmp_path.iterdir()}
        assert [len(told[name]) for name in ("lost", "broken", "next")] == [2, 1, 1] and "never" not in told
        assert told["next"][0].endswith(",,['here', 'lost']")
        with pytest.raises(UserError, match="unfit: torch is missing"):
            list(cluster.run({"unfit": ({"stage": "unfit", "known": {}}, set())}))


def test_a_signal_is_the_programs_own():
    """Ray puts its own handler of SIGTERM in the place of ours, by which a job of Slurm's leaves in order."""
    program = """
import os, signal, sys, time
from selfsparse.cluster.on_ray import Cluster
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(5))
with Cluster(None):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=END).returncode == 5
