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
from selfsparse.cluster.head import Head, check_commit, distribute, remotes, source_tar
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
        check_commit(write_project(tmp_path / "project"))


def test_without_ray(project, monkeypatch):
    def without(name, *arguments, **named):
        if name.split(".")[0] == "ray":
            raise ModuleNotFoundError("No module named 'ray'", name="ray")
        return real(name, *arguments, **named)

    real = builtins.__import__
    monkeypatch.delitem(sys.modules, "selfsparse.cluster.on_ray", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="Ray is not installed; install it with `make cluster`"):
        distribute("quick")


def test_one_module_alone_imports_ray():
    modules = [path for folder in ("selfsparse", "pipeline", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    found = [path.name for path in modules if re.search(r"(?m)^\s*(import|from) ray\b", path.read_text())]
    assert found == ["on_ray.py"]


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
    module = types.SimpleNamespace(Cluster=lambda address: executor)
    monkeypatch.setitem(sys.modules, "selfsparse.cluster.on_ray", module)
    monkeypatch.setattr(Head, "run", lambda *arguments: 0)
    return executor


def test_folders_of_the_nodes_are_absolute(project, no_cluster, monkeypatch):
    monkeypatch.setattr(Head, "__init__", lambda *arguments: None)
    for folder in ("scratch", "~/scratch", "$PLACE/scratch", "/scratch", None):
        assert distribute("quick", remote="store", scratch=folder, checkpoints=folder) == 0
        job, expected = no_cluster.open.call_args[0][2], str(project / "scratch") if folder == "scratch" else folder
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
    assert no_cluster.open.call_args[0][:2] == (1.0, share)


def test_an_interruption_says_that_the_same_command_goes_on(project, no_cluster, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Head, "__init__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        distribute("quick", remote="s3://bucket")
    assert capsys.readouterr().err == "interrupted; the same command goes on from what is done\n"


def job(project, tmp_path) -> dict:
    return {
        "project": "p", "versions": node.versions(), "scratch": str(tmp_path / "$PLACE"), "checkpoints": None,
        "remote": {"url": str(tmp_path)},
    }  # fmt: skip


ORDER = {"stage": "train@a", "known": {}}
SAYS = "print('a\\nb'); json.dump(sorted(os.listdir()), open(sys.argv[2], 'w'))"


def run_on_node(project, tmp_path, code: str, **changes) -> dict:
    """Run `node.run_stage` where the project's task is some Python code."""
    package = project / "selfsparse/cluster"
    package.mkdir(parents=True, exist_ok=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "task.py").write_text(f"import json, os, signal, sys\norder = json.load(open(sys.argv[1]))\n{code}\n")
    toy.git(project, "add", "--all")
    toy.git(project, "commit", "--quiet", "--allow-empty", "--message", "task")
    return node.run_stage({**job(project, tmp_path), **changes}, source_tar(project), ORDER)


def test_a_node_has_the_commit_and_what_the_stage_says_is_passed_on(project, tmp_path, monkeypatch, capsys):
    """Whatever a task before has left in the clone."""
    monkeypatch.setenv("PLACE", "here")
    left = tmp_path / "here/p" / node.socket.gethostname() / "clone0/left/behind"
    left.mkdir(parents=True)
    found = run_on_node(project, tmp_path, SAYS)
    assert {".git", ".checkpoints", "params.yaml", "dvc.yaml"} <= set(found) and "left" not in found
    assert capsys.readouterr().out.endswith("\na\nb\n")
    clone = left.parents[1]
    assert toy.git(clone, "rev-parse", "HEAD") == toy.git(project, "rev-parse", "HEAD")
    assert (clone / ".checkpoints").resolve() == tmp_path / "here/p/checkpoints"


def test_two_tasks_at_a_time_have_a_clone_each(tmp_path):
    with node._slot(tmp_path) as (first, _), node._slot(tmp_path) as (second, _):
        assert [first.name, second.name] == ["clone0", "clone1"]
    with node._slot(tmp_path) as (again, _):
        assert again == first


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", ConnectionError),
        ("print('away'); sys.exit(2)", ConnectionError),
        ("1 / 0", ConnectionError),
        (f"print('broken'); sys.exit({node.FAILED})", RuntimeError),
    ],
)
def test_all_but_a_failure_of_its_own_is_worth_another_attempt(project, tmp_path, code, error):
    with pytest.raises(error, match="(?s)exit code .*" + ("broken" if error is RuntimeError else "")):
        run_on_node(project, tmp_path, code)


def test_versions_that_differ_are_named(project, tmp_path, monkeypatch):
    """And what a node lacks."""
    wanted, mine = node.versions(), node.versions()["torch"]
    with pytest.raises(ValueError, match=rf"torch is {re.escape(mine)} on node .* and 0\.4\.1 here"):
        run_on_node(project, tmp_path, "", versions={**wanted, "torch": "0.4.1"})
    source = source_tar(project)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=r"git is missing on node .* and there here; .*dvc is missing on node"):
        node.run_stage({**job(project, tmp_path), "versions": wanted}, source, ORDER)


def test_a_node_that_is_not_fit_is_worth_another_attempt(project, tmp_path):
    """Where nothing can be written, and where the remote's folder is not mounted; each with the node's name and the reason."""
    (tmp_path / "file").touch()
    host = node.socket.gethostname()
    with pytest.raises(ConnectionError, match=f"node {host}: .*Not a directory: .*file"):
        run_on_node(project, tmp_path, "", scratch=str(tmp_path / "file"))
    with pytest.raises(ConnectionError, match=f"node {host} does not see the remote's folder .*/away"):
        run_on_node(project, tmp_path, "", remote={"url": str(tmp_path / "away")})


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


def test_the_project_travels_without_history(project):
    (project / "dvc.yaml").write_text("stages: {}\n")
    toy.git(project, "commit", "--quiet", "--all", "--message", "second")
    with tarfile.open(fileobj=io.BytesIO(source_tar(project))) as archive:
        names = archive.getnames()
    assert "./.git/HEAD" in names and "./.git/shallow" in names and "./dvc.yaml" in names
