"""What is said before anything starts, and what a node does before a stage."""

import builtins
import io
import os
import re
import shutil
import sys
import tarfile
import types
from unittest.mock import MagicMock

import pytest
from cluster import toy
from small_project import ROOT, write_project

from selfsparse.cluster import node
from selfsparse.cluster.head import Head, clean_commit, distribute, remotes, source_tar
from selfsparse.cluster.task import states_kept
from selfsparse.errors import UserError


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = write_project(tmp_path / "project")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "own"))
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text("")
    (folder / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    toy.git(folder, "init", "--quiet")
    toy.git(folder, "add", "--all")
    toy.git(folder, "commit", "--quiet", "--message", "first")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("suite", "options", "message"),
    [
        ("qick", {}, "did you mean quick"),
        ("quick", {"max_tasks": 0}, "--max-tasks 0: at least one"),
        ("quick", {"address": "auto"}, r"the project has none. Name one.*\n    --remote /shared"),
    ],
)
def test_what_cannot_begin(project, suite, options, message):
    with pytest.raises(UserError, match=message):
        distribute(suite, **options)


def test_changes_that_are_not_committed_are_listed(project):
    (project / "params.yaml").write_text((project / "params.yaml").read_text() + "\n")
    (project / "selfsparse").mkdir()
    (project / "selfsparse/new.py").touch()
    (project / "results").mkdir()
    (project / "results/report.html").touch()  # what a suite itself changes
    (project / "dvc.lock").touch()
    with pytest.raises(UserError, match=r"commit or stash them:\n M params.yaml\n\?\? selfsparse/$"):
        distribute("quick")


def test_without_git(tmp_path):
    with pytest.raises(UserError, match="git does not name one: fatal: not a git repository"):
        clean_commit(write_project(tmp_path / "project"))


def test_without_ray(project, monkeypatch):
    def without(name, *arguments, **named):
        if name.split(".")[0] == "ray":
            raise ModuleNotFoundError("No module named 'ray'", name="ray")
        return real(name, *arguments, **named)

    real = builtins.__import__
    monkeypatch.delitem(sys.modules, "selfsparse.cluster.ray_executor", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="Ray is not installed; install it with `make cluster`"):
        distribute("quick")


def test_one_module_alone_imports_ray():
    modules = [path for folder in ("selfsparse", "pipeline", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    found = [path.name for path in modules if re.search(r"(?m)^\s*(import|from) ray\b", path.read_text())]
    assert found == ["ray_executor.py"]


def test_secrets_are_not_sent_to_nodes(project):
    config = "[core]\n    remote = s\n['remote \"s\"']\n    url = s3://bucket\n    region = eu\n"
    (project / ".dvc/config").write_text(config)
    (project / ".dvc/config.local").write_text("['remote \"s\"']\n    secret_access_key = abc\n")
    ours, theirs = remotes(project, None, None)
    assert ours["secret_access_key"] == "abc" and theirs == {"url": "s3://bucket", "region": "eu"}


def test_a_remote_by_its_address_and_one_of_the_project_that_is_a_relative_folder(project):
    for named, expected in (("folder", str(project / "folder")), ("s3://bucket/x", "s3://bucket/x")):
        assert remotes(project, named, None) == ({"url": expected}, {"url": expected})
    (project / ".dvc/config").write_text("[core]\n    remote = x\n['remote \"x\"']\n    url = ../../store\n")
    assert remotes(project, None, None)[1] == {"url": str(project.parent / "store")}


@pytest.fixture
def no_cluster(monkeypatch):
    """In place of Ray something that notes its calls, and heads that run nothing."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    executor = MagicMock(gpus=0)
    executor.__enter__.return_value = executor
    module = types.SimpleNamespace(RayExecutor=lambda address: executor)
    monkeypatch.setitem(sys.modules, "selfsparse.cluster.ray_executor", module)
    monkeypatch.setattr(Head, "run", lambda *arguments: 0)
    return executor


def test_folders_of_the_nodes_are_absolute(project, no_cluster, monkeypatch):
    monkeypatch.setattr(Head, "__init__", lambda *arguments: None)
    for folder in ("scratch", "~/scratch", "$PLACE/scratch", "/scratch", None):
        assert distribute("quick", remote="store", scratch=folder, checkpoints=folder) == 0
        job, expected = no_cluster.open.call_args[0][0], str(project / "scratch") if folder == "scratch" else folder
        assert job["scratch"] == job["checkpoints"] == expected
    assert (project / "store").is_dir()


@pytest.mark.parametrize(
    ("device", "there", "share"), [("cuda", 0, 0.33), ("auto", 0, 0.0), ("auto", 2, 0.33), ("cpu", 2, 0.0)]
)
def test_a_task_takes_a_share_of_a_gpu_where_its_suite_uses_one(project, no_cluster, monkeypatch, device, there, share):
    monkeypatch.setattr(Head, "__init__", lambda *arguments: None)
    no_cluster.gpus = there
    write_project(project, {"suites.quick.train.device": device})
    toy.git(project, "commit", "--quiet", "--all", "--allow-empty", "--message", "device")
    assert distribute("quick", remote="store") == 0
    no_cluster.reserve.assert_called_once_with(1.0, share)


def test_a_dvc_lock_with_marks_of_a_merge(project, no_cluster):
    (project / "dvc.lock").write_text("<<<<<<< HEAD\nschema: '2.0'\n=======\n")
    with pytest.raises(UserError, match=r"DVC says: .*dvc\.lock"):
        distribute("quick", remote="s3://bucket")


def test_an_interruption_says_that_the_same_command_goes_on(project, no_cluster, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Head, "__init__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        distribute("quick", remote="s3://bucket")
    assert capsys.readouterr().err == "interrupted; the same command goes on from what is done\n"


def job(project, tmp_path) -> dict:
    return {
        "project": "p", "commit": clean_commit(project), "versions": node.versions(), "scratch": str(tmp_path / "$PLACE"),
        "checkpoints": None, "remote": {},
    }  # fmt: skip


def test_a_node_clones_the_commit_once(project, tmp_path, monkeypatch):
    monkeypatch.setenv("PLACE", "here")
    order = job(project, tmp_path)
    folder = node.folder_of(order)
    assert folder.parent == tmp_path / "here/p"
    with node._slot(folder) as (first, _), node._slot(folder) as (second, _):
        assert [first.name, second.name] == ["clone0", "clone1"]  # two at a time are two clones
        for clone in (first, second):
            node._check_out(clone, order, lambda: source_tar(project))
        assert toy.git(first, "status", "--porcelain") == "" and (second / "dvc.yaml").exists()
        assert (first / ".checkpoints").resolve() == tmp_path / "here/p/checkpoints"
    with node._slot(folder) as (again, _):
        assert again == first
        node._check_out(again, order, lambda: pytest.fail("the node has it"))
        (project / "params.yaml").write_text("{}")
        toy.git(project, "commit", "--quiet", "--all", "--message", "second")
        node._check_out(again, {**order, "commit": clean_commit(project)}, lambda: source_tar(project))
        assert (again / "params.yaml").read_text() == "{}"
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"clone0", "clone1", "raw"}


@pytest.mark.parametrize("broken", ["locks", "files", "objects", "git"])
def test_a_broken_clone_is_mended(project, tmp_path, broken):
    """By a power loss, or what removes old files of temporary folders; never is a repository above the clone touched."""
    scratch = project / "scratch"
    order = {**job(project, tmp_path), "scratch": str(scratch)}
    folder = node.folder_of(order)
    folder.mkdir(parents=True)
    clone = folder / "clone0"
    node._check_out(clone, order, lambda: source_tar(project))
    if broken == "locks":
        (clone / ".git/index.lock").touch()
        (clone / ".dvc/tmp").mkdir()
        for name in ("lock", "rwlock", "rwlock.lock"):
            (clone / ".dvc/tmp" / name).touch()
    elif broken == "git":
        shutil.rmtree(clone / ".git")
        (clone / ".git").mkdir()
    else:
        for path in [*clone.glob(".git/objects/*/*"), *clone.glob(".git/objects/pack/*")]:
            if broken != "files":
                path.chmod(0o644)
                path.write_bytes(b"")
    (clone / "dvc.yaml").unlink()
    (project / "params.yaml").write_text("changed: 1\n")
    node._check_out(clone, order, lambda: source_tar(project))
    assert (clone / "dvc.yaml").is_file() and toy.git(clone, "status", "--porcelain") == ""
    assert toy.git(clone, "rev-parse", "HEAD").strip() == order["commit"]
    assert list(clone.glob(".dvc/tmp/*lock*")) == [] and not (clone / ".git/index.lock").exists()
    assert (project / "params.yaml").read_text() == "changed: 1\n"


def test_versions_that_differ_are_named(project, tmp_path, monkeypatch):
    """And a package that a node lacks."""
    order, mine = job(project, tmp_path), node.versions()["torch"]
    order["versions"] = {**order["versions"], "torch": "0.4.1"}
    found = node.run_stage(order, "train@a", {}, pytest.fail, pytest.fail)
    assert found["status"] == "refused" and f"torch is {mine} on node" in found["text"]
    assert "and 0.4.1 here" in found["text"]
    monkeypatch.setattr(sys, "path", [])
    found = node.run_stage(order, "train@a", {}, pytest.fail, pytest.fail)
    assert found["status"] == "refused" and "dvc is missing on node" in found["text"]


def test_a_node_that_is_not_fit_is_worth_another_attempt(project, tmp_path, monkeypatch):
    """Without room, without git, and where the remote's folder is not mounted; each with the node's name and the reason."""
    (tmp_path / "file").touch()
    order = {**job(project, tmp_path), "scratch": str(tmp_path / "file")}
    host = node.socket.gethostname()
    with pytest.raises(ConnectionError, match=f"node {host}: .*Not a directory: .*file"):
        node.run_stage(order, "train@a", {}, pytest.fail, pytest.fail)
    away = {**order, "remote": {"url": str(tmp_path / "away")}}
    with pytest.raises(ConnectionError, match=f"node {host} does not see the remote's folder .*/away"):
        node.run_stage(away, "train@a", {}, pytest.fail, pytest.fail)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConnectionError, match=f"node {host} has no git"):
        node.run_stage({**order, "scratch": str(tmp_path)}, "train@a", {}, pytest.fail, pytest.fail)


def test_another_commit_is_refused(project, tmp_path):
    order = {**job(project, tmp_path), "scratch": str(tmp_path), "commit": "0" * 40}
    found = node.run_stage(order, "train@a", {}, lambda: source_tar(project), pytest.fail)
    assert found["status"] == "refused" and found["text"].startswith("commit is ") and "0" * 40 in found["text"]


def task_that(tmp_path, code: str):
    """Run `node._run_task` where the clone's task is some Python code."""
    package = tmp_path / "node/clone0/selfsparse/cluster"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "task.py").write_text(f"import json, os, signal, sys\norder = json.load(open(sys.argv[1]))\n{code}\n")
    said = []
    with open(os.devnull) as lock:
        found = node._run_task(tmp_path / "node/clone0", {}, "train@a", {}, said.append, lock.fileno())
    return found, "".join(said)


def test_what_a_stage_says_is_passed_on(tmp_path):
    write = "print('a\\nb'); json.dump({'status': 'done', 'text': ''}, open(order['result'], 'w'))"
    assert task_that(tmp_path, write) == ({"status": "done", "text": ""}, "a\nb\n")


def test_a_process_that_was_killed_is_worth_another_attempt(tmp_path):
    said = "json.dump({'status': 'killed', 'text': 't'}, open(order['result'], 'w'))"
    for number, code in enumerate(("os.kill(os.getpid(), signal.SIGKILL)", said)):
        with pytest.raises(ConnectionError):
            task_that(tmp_path / str(number), code)


def test_a_trainings_states_stay_until_its_results_are_pushed(project, tmp_path):
    """A training drops its folder of states when its results are written; a node may still die before they are pushed."""
    (project / ".checkpoints").symlink_to(tmp_path / "states")
    (tmp_path / "states").mkdir()
    folder = project / ".checkpoints/a"
    with pytest.raises(ZeroDivisionError), states_kept("train@a"):
        (folder / "seed0").mkdir()
        shutil.rmtree(folder, ignore_errors=True)  # what selfsparse.training.seeds does at its end
        1 / 0  # the node dies
    assert (folder / "seed0").is_dir()
    with states_kept("train@a"):
        assert (folder / "seed0").is_dir()
        shutil.rmtree(folder, ignore_errors=True)
    assert list((tmp_path / "states/.states").iterdir()) == [] and not folder.is_symlink()


def test_the_project_travels_as_a_bare_clone_without_history(project):
    (project / "dvc.yaml").write_text("stages: {}\n")
    toy.git(project, "commit", "--quiet", "--all", "--message", "second")
    with tarfile.open(fileobj=io.BytesIO(source_tar(project))) as archive:
        names = archive.getnames()
    assert "./HEAD" in names and "./shallow" in names
