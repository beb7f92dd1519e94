"""Which suites are current, in a small DVC project that is changed in one way after the other."""

import json
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from dvc_project import dvc, environment

from selfsparse import current

RUNS, SUMMARY = "results/quick/runs", "results/quick/summary"


def stage(command: str, deps: list, out: str, kept: str = "", names: tuple = ("quick",)) -> dict:
    """A stage whose output goes to git, or to DVC's cache where it is `kept`."""
    body = {"cmd": command, "deps": deps, "outs": [out if kept else {out: {"cache": False}}]}
    return {"foreach": list(names), "do": body}


def made_from(kind: str, before: str, made: str) -> dict:
    return stage(f"cp -r {before} {made}", [f"data/inputs/{kind}/quick.json", SUMMARY], made)


own = RUNS + "/${item}"
deps = ["data/inputs/train/${item}.json", "data/listings/${item}.json"]
STAGES = {
    "train": stage(f"mkdir -p {own} && cp {deps[0]} {own}/weights", deps, own, kept="in the cache", names=("x", "y")),
    "summary": stage(
        f"mkdir -p {SUMMARY} && cat {RUNS}/*/weights > {SUMMARY}/all", ["data/inputs/summary/quick.json", RUNS], SUMMARY
    ),
    "generators": made_from("generators", RUNS, "results/quick/generators"),
    "report": made_from("report", SUMMARY, "results/quick/report"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with its report, and no generators exported yet."""
    folder = tmp_path_factory.mktemp("made") / "project"
    names = [
        f"{kind}/{name}"
        for kind, name in (("inputs/train", "x"), ("inputs/train", "y"), ("listings", "x"), ("listings", "y"))
    ]
    for name in (*names, *(f"inputs/{stage}/quick" for stage in ("summary", "generators", "report"))):
        path = folder / f"data/{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (folder / "dvc.yaml").write_text(json.dumps({"stages": STAGES}))
    (folder / "params.yaml").touch()
    for arguments in (("init", "--no-scm", "--quiet"), ("repro", "--quiet", "report@quick")):
        subprocess.run(dvc(*arguments), cwd=folder, env=environment(folder), check=True)
    return folder


@pytest.fixture
def status(made, tmp_path, monkeypatch, capsys):
    """A copy of the project as the current folder, and what is said of it."""
    folder = tmp_path / "project"
    shutil.copytree(made, folder, symlinks=True)
    monkeypatch.chdir(folder)
    for name, value in environment(made).items():
        if name.startswith("DVC_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(current, "write_inputs", lambda settings, place: None)

    def said():
        code = current.status(SimpleNamespace(suites=("quick", "paper")))
        return code, capsys.readouterr().out.splitlines()

    def repro():
        subprocess.run(dvc("repro", "--quiet"), cwd=folder, env=environment(made), check=True)

    return SimpleNamespace(folder=folder, said=said, repro=repro)


def test_what_was_never_made(status):
    assert status.said() == (1, ["quick: NOT current", "  export of generators: not made yet", "paper: not run"])
    status.repro()
    assert status.said() == (0, ["quick: current", "paper: not run"])


def test_other_code_and_what_is_not_on_this_disk(status):
    status.repro()
    shutil.rmtree(status.folder / "results/quick/runs")
    shutil.rmtree(status.folder / "results/quick/report")
    (status.folder / "data/listings/x.json").write_text("other files of the user's")
    missing = "  2 trainings, report: not on this disk and taken as recorded"
    assert status.said() == (0, ["quick: current", missing, "paper: not run"])
    for name in ("train/x", "train/y", "generators/quick"):
        (status.folder / f"data/inputs/{name}.json").write_text("other code")
    code, (first, *lines, last) = status.said()
    assert (code, first, last) == (1, "quick: NOT current", "paper: not run")
    assert set(lines) == {"  2 trainings, export of generators: made with other code or settings", missing}


def test_results_that_are_not_those_of_dvcs_record(status):
    status.repro()
    (status.folder / "results/quick/summary/all").write_text("edited")
    code, (first, *lines, _) = status.said()
    assert (code, first) == (1, "quick: NOT current")
    assert set(lines) == {
        "  summary: not as recorded in dvc.lock",
        "  report, export of generators: made from other results than those that are here",
    }
