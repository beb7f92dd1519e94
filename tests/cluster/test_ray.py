"""A suite on a Ray cluster of two nodes on this machine, unbroken and with a worker, a node and the head killed."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from cluster.ray_project import LONG, TwoNodes, distribute, kill, outputs, own_environment, recorded, write_ray_project
from cluster.toy import git
from dvc_project import environment, repro

from selfsparse.errors import UserError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: make cluster"),
]
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
    assert "FAILED" not in text and "attempt" not in text
    assert recorded(project) == recorded(serial)
    assert outputs(project) == outputs(serial)
    for n in (0, 1):  # both took part
        assert list((cluster.folder / f"node{n}").rglob("results/quick/runs/*/seed0"))


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
    while "attempt 2" not in said(project):
        assert process.poll() is None and time.monotonic() - begun < 60, said(project)
        time.sleep(0.1)
    time.sleep(moments.uniform(0, 1))
    kill(process)
    process.wait()
    first = said(project)
    text = run(project, cluster)[len(first) :]
    done = set(re.findall(r"(?m)^(\S+@\S+): done", first))
    assert not [stage for stage in re.findall(r"(?m)^(\S+@\S+): begun", text) if stage in done]
    logs = [path.read_text() for path in (project / ".dvc/tmp/distribute/quick").glob("train@*.log")]
    assert "goes on from step" in "".join(logs)
    assert recorded(project) == recorded(serial)
    assert outputs(project) == outputs(serial)


def test_no_cluster_at_the_address(project):
    options = ["--address", "127.0.0.1:1", "--remote", str(project.parent / "none")]
    command, own = [sys.executable, "-m", "selfsparse", "distribute", "quick"], environment(project) | own_environment()
    found = subprocess.run([*command, *options], cwd=project, env=own, capture_output=True, text=True, timeout=120)
    assert found.returncode == 2 and "error: no Ray cluster answers at 127.0.0.1:1" in found.stderr, found.stderr


def test_the_board_dies(tmp_path, monkeypatch):
    """Where stages say how far they are: Ray starts it again, and no stage ends for it. Attempts count for each submission."""
    import ray

    from selfsparse.cluster import ray_executor
    from selfsparse.cluster.node import TaskLostError
    from selfsparse.cluster.scheduler import Begun, Ended, Said

    once, killed = tmp_path / "once", tmp_path / "killed"

    def stage(job, name, made, source, say):
        say(f"CUDA_VISIBLE_DEVICES={os.environ['CUDA_VISIBLE_DEVICES']!r}")
        if name == "lost" and not once.exists():
            once.touch()
            raise TaskLostError("lost once")
        while name == "long" and not killed.exists():
            say("goes on")
            time.sleep(0.1)
        say("the end")
        return {"status": "done", "text": ""}

    stage.__module__ = "__main__"  # sent by value
    monkeypatch.setattr(ray_executor, "run_stage", stage)
    with ray_executor.RayExecutor(None) as executor:
        with pytest.raises(UserError, match="no node has the 1000 CPUs and 0 GPUs"):
            executor.reserve(1000, 0)
        executor.reserve(int(ray.cluster_resources()["CPU"]) // 2 + 1, 0)
        executor.open({}, b"")
        executor.know({})
        found = []

        def until_ended(count):
            begun = time.monotonic()
            while sum(isinstance(event, Ended) for event in found) < count:
                assert time.monotonic() - begun < 120, found
                found.extend(executor.events(0.5))

        executor.submit("lost", None, {})
        until_ended(1)
        assert [e.attempt for e in found if isinstance(e, Begun)] == [1, 2]
        executor.submit("long", None, {})
        executor.submit("second", None, {})  # which has to wait, as each takes more than half of the CPUs
        while not any(isinstance(event, Said) and event.stage == "long" for event in found):
            found.extend(executor.events(0.5))
        for _ in range(20):
            found.extend(executor.events(0.1))
        assert not any(event.stage == "second" for event in found)
        ray.kill(executor._board, no_restart=False)
        killed.touch()
        until_ended(3)
        executor.submit("lost", None, {})
        until_ended(4)
        assert all(event.ok for event in found if isinstance(event, Ended))
        assert [e.text for e in found if isinstance(e, Said)][-2:] == ["CUDA_VISIBLE_DEVICES=''", "the end"]
        assert [e.attempt for e in found if isinstance(e, Begun) and e.stage == "lost"] == [1, 2, 1]
