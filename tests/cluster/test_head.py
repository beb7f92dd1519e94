"""A suite from the checkout where it is started, through nodes and a remote, and back: a toy project, and folders for nodes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import toy
from dvc.repo import Repo
from ruamel.yaml import YAML

from selfsparse import stages
from selfsparse.cluster import task
from selfsparse.cluster.head import Head
from selfsparse.errors import UserError
from selfsparse.stages import Project

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path, monkeypatch):
    toy.own_dvc(tmp_path, monkeypatch)
    folder = toy.make(tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def remote(tmp_path):
    return {"url": str(tmp_path / "remote")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A project that a cluster has brought up, its remote, and the executor."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        toy.own_dvc(folder, patch)
        project = toy.make(folder / "project")
        patch.chdir(project)
        code, executor = bring_up(project, {"url": str(folder / "remote")}, patch)
    assert code == 0
    return project, executor


def bring_up(project, remote, monkeypatch) -> tuple[int, toy.Folders]:
    executor = toy.Folders(project, remote, monkeypatch)
    return toy.head(project, remote).run(executor), executor


def lock(project):
    return YAML(typ="safe").load((project / "dvc.lock").read_text())


def test_as_if_it_had_run_here(whole, monkeypatch, tmp_path):
    """Every stage once, each where it belongs, and afterwards dvc.lock is that of a serial run."""
    project, _ = whole
    toy.own_dvc(tmp_path, monkeypatch)
    monkeypatch.chdir(project)
    ran = toy.ran(project)
    assert [where for stage, where in ran if stage == "report"] == ["project"]
    assert {where for stage, where in ran if stage == "data"} == {"project", "clone0", "clone1"}
    cluster = [stage for stage, where in ran if "clone" in where and stage != "data"]
    assert sorted(cluster) == ["fid@a", "fid@b", "train@a", "train@b"]
    with Repo(str(project)) as repo:
        assert repo.status() == {}
    serial = toy.make(tmp_path / "project")
    toy.reproduce(serial)
    assert lock(project)["stages"] == {
        name: {**entry, "cmd": entry["cmd"].replace(str(tmp_path), str(project.parent))}
        for name, entry in lock(serial)["stages"].items()
    }
    # Settings that stages share are written out for each, as a serial run does.
    assert not re.search(r"[&*]id\d", (project / "dvc.lock").read_text())


def test_what_may_not_be_copied_never_reaches_the_remote(whole):
    stored = [path.read_bytes() for path in (whole[0].parent / "remote/files").rglob("*") if path.is_file()]
    assert b"pixels\na\ntrained\n" in stored and b"pixels\n" not in stored


def test_done_stages_are_not_run_again(project, remote, monkeypatch):
    """Neither by a second start, nor in another checkout of the same commit, nor after one change more than it touches."""
    bring_up(project, remote, monkeypatch)
    begun = len(toy.ran(project))
    assert bring_up(project, remote, monkeypatch)[0] == 0
    assert toy.ran(project)[begun:] == []
    other = toy.clone_of(project)
    monkeypatch.chdir(other)
    assert bring_up(other, remote, monkeypatch)[0] == 0
    assert {stage for stage, _ in toy.ran(project)[begun:]} == {"data", "report"}


@pytest.mark.parametrize(
    ("name", "before", "after", "again"),
    [
        ("params.yaml", "a: 1", "a: 2", ["train@a"]),  # with the same result as before
        ("settings-a.txt", "a\n", "another\n", ["fid@a", "report", "train@a"]),
    ],
)
def test_a_change_is_seen_where_old_results_lie(project, remote, monkeypatch, name, before, after, again):
    """Though params.yaml is read once as long as it does not change, by the same process here, and old outputs are there."""
    bring_up(project, remote, monkeypatch)
    begun = len(toy.ran(project))
    (project / name).write_text((project / name).read_text().replace(before, after))
    toy.git(project, "commit", "--quiet", "--all", "--message", "changed")
    assert bring_up(project, remote, monkeypatch)[0] == 0
    assert sorted(stage for stage, _ in toy.ran(project)[begun:]) == again
    changed = lock(project)["stages"]["train@a"]["params"]["params.yaml"]["settings.a"] == 2
    assert changed == (name == "params.yaml") and ("another" in (project / "results/runs/a/net").read_text()) != changed


@pytest.fixture
def other(whole, monkeypatch, tmp_path):
    """Another clone of the whole project's commit, with nothing of what was made from it."""
    toy.own_dvc(tmp_path, monkeypatch)
    folder = tmp_path / "other"
    toy.git(tmp_path, "clone", "--quiet", str(whole[0]), str(folder))
    monkeypatch.chdir(folder)
    return folder


def head_of(folder, whole) -> Head:
    """The head in a clone, with the remote of the whole project."""
    return toy.head(folder, {"url": str(whole[0].parent / "remote")})


def test_what_was_made_before_an_error_is_in_dvc_lock(project, remote, monkeypatch):
    """Ctrl-C as well; the same command goes on."""
    executor = toy.Folders(project, remote, monkeypatch)
    run = executor._run

    def stopped(order):
        if order["stage"] == "fid@a":
            raise KeyboardInterrupt
        return run(order)

    monkeypatch.setattr(executor, "_run", stopped)
    with pytest.raises(KeyboardInterrupt):
        toy.head(project, remote).run(executor)
    assert "train@a" in lock(project)["stages"] and "fid@a" not in lock(project)["stages"]
    assert bring_up(project, remote, monkeypatch)[0] == 0
    assert [stage for stage, _ in toy.ran(project)].count("train@a") == 1


def test_dvc_lock_stays_whole_where_its_writing_ends_early(whole, monkeypatch):
    project, text = whole[0], (whole[0] / "dvc.lock").read_text()
    write = Path.write_text

    def stopped(path, written, **options):
        write(path, written[:99], **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", stopped)
    with pytest.raises(KeyboardInterrupt):
        stages.note_records(project, {"train@a": {"cmd": "another"}})
    assert (project / "dvc.lock").read_text() == text


def test_a_stage_that_fails_stops_no_other(project, remote, monkeypatch, capsys):
    executor = toy.Folders(project, remote, monkeypatch)
    (project.parent / "fail-a").touch()
    assert toy.head(project, remote).run(executor) == 1
    said = capsys.readouterr().out
    for text in ("train@a: FAILED", "train@a ended with exit code 1", "not run, as they need these: fid@a"):
        assert text in said
    assert (project / "results/fid/b").exists() and not (project / "results/fid/a").exists()
    assert [stage for stage, _ in toy.ran(project)].count("train@a") == 1  # tried once
    assert not (project / "results/report.txt").exists()
    (project.parent / "fail-a").unlink()
    assert bring_up(project, remote, monkeypatch)[0] == 0
    assert [stage for stage, _ in toy.ran(project)].count("train@b") == 1


@pytest.mark.parametrize("name", ["INT", "KILL"])
def test_a_signal_to_a_command_of_the_head_stops_the_suite(project, remote, name):
    """Ctrl-C above all, which DVC holds back while a command runs."""
    text = (project / "dvc.yaml").read_text()
    (project / "dvc.yaml").write_text(text.replace("cp raw.txt packed.txt", f"kill -{name} $$"))
    with pytest.raises(UserError, match=r"data ended with exit code -.*: a signal ended it\. The same command goes on"):
        toy.head(project, remote).run(None)


def test_results_that_only_the_head_has_are_shared(project, remote, monkeypatch):
    """What `dvc repro --no-run-cache` made here has no entry in any run cache; the nodes need it all the same."""
    toy.reproduce(project, "train@a", "train@b", run_cache=False)
    begun = len(toy.ran(project))
    assert bring_up(project, remote, monkeypatch)[0] == 0
    assert not [stage for stage, _ in toy.ran(project)[begun:] if stage.startswith("train")]


def test_old_results_in_dvc_lock_do_not_hide_the_new_ones(project, remote, monkeypatch):
    """The commit's dvc.lock names outputs that no remote has, as after `make quick` and `git commit` on another machine."""
    toy.reproduce(project)
    text = (project / "dvc.lock").read_text()
    for out in lock(project)["stages"]["train@a"]["outs"]:
        text = text.replace(out["md5"], "f" * 32 + ".dir")
    (project / "dvc.lock").write_text(text)
    toy.git(project, "add", "--force", "dvc.lock")
    toy.git(project, "commit", "--quiet", "--message", "results of elsewhere")
    other = toy.clone_of(project)
    monkeypatch.chdir(other)
    assert bring_up(other, remote, monkeypatch)[0] == 0
    assert "f" * 32 not in (other / "dvc.lock").read_text()


def trained_elsewhere(project, luck) -> Path:
    """Another checkout, which has trained by itself; its results differ, though their inputs are the same."""
    folder = toy.clone_of(project, f"luck{luck.strip()}")
    (project.parent / toy.LUCK).write_text(luck)
    toy.reproduce(folder, "train@a", "train@b")
    return folder


def pushed(folder, remote) -> None:
    mine = Project(folder, remote)
    with mine.locked():
        for name in ("train@a", "train@b"):
            mine.push(name, run_cache=True)


def merged(folders, remote) -> None:
    """A remote with the results of all these checkouts, several for the same inputs."""
    for folder in folders:
        pushed(folder, {"url": f"{folder}-remote"})
        shutil.copytree(f"{folder}-remote", remote["url"], dirs_exist_ok=True)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("both", [False, True])
def test_what_the_head_has_is_what_counts(project, remote, monkeypatch, number, both):
    """The remote has other results of the same inputs, alone or with those of the head."""
    folders = [trained_elsewhere(project, luck) for luck in ("1\n", "22\n")]
    merged(folders if both else [folders[1 - number]], remote)
    mine = folders[number]
    before = (mine / "results/runs/a/net").read_text()
    begun = len(toy.ran(project))
    monkeypatch.chdir(mine)
    assert bring_up(mine, remote, monkeypatch)[0] == 0
    assert (mine / "results/runs/a/net").read_text() == before
    assert int((mine / "results/fid/a").read_text()) == len(before)
    assert sorted(stage for stage, where in toy.ran(project)[begun:] if stage != "data") == ["fid@a", "fid@b", "report"]


@pytest.mark.parametrize("number", [0, 1])
def test_several_results_that_the_head_does_not_know(project, remote, monkeypatch, number):
    """Head and nodes take the same one, whatever a node has in its own cache."""
    folders = [trained_elsewhere(project, luck) for luck in ("1\n", "22\n")]
    merged(folders, remote)
    executor = toy.Folders(project, remote, monkeypatch)
    for clone in executor.clones:
        shutil.copytree(folders[number] / ".dvc/cache", clone.parent / "cache")
    begun = len(toy.ran(project))
    assert bring_up(project, remote, monkeypatch)[0] == 0
    assert sorted(stage for stage, _ in toy.ran(project)[begun:] if stage != "data") == ["fid@a", "fid@b", "report"]


def test_a_second_result_that_comes_late_does_not_count(project, remote, monkeypatch):
    """Of two nodes that ran the same stage, as one seemed lost."""
    bring_up(project, remote, monkeypatch)
    pushed(trained_elsewhere(project, "22\n"), remote)
    begun = len(toy.ran(project))
    assert bring_up(project, remote, monkeypatch)[0] == 0
    assert toy.ran(project)[begun:] == []


@pytest.mark.parametrize("luck", ["1\n", "22\n"])
def test_entries_whose_outputs_are_gone_do_not_count(project, remote, monkeypatch, luck):
    """As after `dvc gc --cloud`, whether the stages, run again, make the same as before or not."""
    pushed(trained_elsewhere(project, "1\n"), remote)
    shutil.rmtree(Path(remote["url"]) / "files")
    (project.parent / toy.LUCK).write_text(luck)
    assert bring_up(project, remote, monkeypatch)[0] == 0
    ran = [stage for stage, where in toy.ran(project) if "clone" in where]
    assert ran.count("train@a") == ran.count("fid@a") == 1


def test_a_node_never_runs_what_is_upstream(project, remote, monkeypatch):
    record, reason = toy.Folders(project, remote, monkeypatch).one("fid@a")
    assert not record and "fid@a: " in reason and "results/runs/a" in reason
    assert not [stage for stage, _ in toy.ran(project) if stage.startswith(("train", "fid"))]


@pytest.mark.parametrize("times", [3, 4])
def test_a_remote_that_is_away_for_a_while(project, remote, monkeypatch, times):
    monkeypatch.setattr(task, "PAUSES_SEC", (0, 0, 0))
    real, calls = Project.push, []

    def away(self, name, **named):
        calls.append(name)
        if len(calls) <= times:
            raise UserError("away")
        return real(self, name, **named)

    monkeypatch.setattr(Project, "push", away)
    record, reason = toy.Folders(project, remote, monkeypatch, nodes=1).one("train@a")
    assert (bool(record), reason) == ((True, "") if times == 3 else (False, "away"))
    assert [stage for stage, _ in toy.ran(project)].count("train@a") == 1


def test_a_result_that_has_not_come_is_said(project, remote, monkeypatch, capsys):
    """As where a node makes another dataset of the same files: dvc.lock would say what is not so here."""
    executor = toy.Folders(project, remote, monkeypatch)
    run = executor.run

    def elsewhere(orders):
        for name, record, reason in run(orders):
            deps = [{**dep, "md5": "0" * 32} if dep["path"] == "packed.txt" else dep for dep in record["deps"]]
            yield name, {**record, "deps": deps}, reason

    monkeypatch.setattr(executor, "run", elsewhere)
    assert toy.head(project, remote).run(executor) == 1
    assert "failed: train@a (its result is not here, or made from other inputs" in capsys.readouterr().out
    assert not (project / "results/report.txt").exists()


def test_an_unknown_target(project, remote, monkeypatch):
    monkeypatch.chdir(project / "results")  # in a folder below, names are the same
    head = toy.head(project, remote)
    head.survey()
    assert head.done == {"data"} and sorted(head.missing) == ["fid@a", "fid@b", "train@a", "train@b"]
    with pytest.raises(UserError, match="no stage report@nix"):
        Head(Project(project, remote), "report@nix").survey()


HOLDS = """
import time
from dvc.repo import Repo, lock_repo
with Repo(".") as repo, lock_repo(repo):
    print("held", flush=True)
    time.sleep(8)
"""


def test_another_dvc_is_waited_for(project):
    """Longer than the three seconds that DVC waits by itself, and also when a stage's command has ended."""
    with subprocess.Popen([sys.executable, "-c", HOLDS], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        mine = Project(project)
        with mine.locked():
            assert len(mine.upstream("report")) == 6
            assert other.wait(timeout=10) == 0
