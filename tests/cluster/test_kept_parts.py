"""What a stage left before it went out of date, and what is noted beside outputs, on a machine that made neither."""

import json
import shutil

import pytest
from cluster import toy
from small_project import files

from selfsparse.cluster import task
from selfsparse.cluster.head import Head
from selfsparse.recorded import put_back
from selfsparse.stages import Project, note_records

pytestmark = pytest.mark.slow
RUN = "results/quick/runs/a"
DVC_YAML = {
    "stages": {
        "train": {
            "cmd": f"mkdir -p {RUN} results/quick/provenance && cp settings.txt {RUN}/net && date +%N > results/quick/provenance/a.json",
            "deps": ["settings.txt"],
            "outs": [RUN],
        },
        "report": {"cmd": f"cp {RUN}/net report.txt", "deps": [RUN], "outs": [{"report.txt": {"cache": False}}]},
    }
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with one training, which was run here."""
    toy.own_dvc(tmp_path, monkeypatch)
    folder = toy.make(tmp_path / "project")
    (folder / "dvc.yaml").write_text(json.dumps(DVC_YAML))
    (folder / "settings.txt").write_text("1")
    monkeypatch.chdir(folder)
    toy.reproduce(folder)
    toy.git(folder, "add", "--all", ":!results", ":!dvc.lock")
    toy.git(folder, "commit", "--quiet", "--message", "trained")
    return folder


def test_a_node_has_what_a_stage_left_before(project, tmp_path, monkeypatch):
    """In its cache, where the stage's own process looks for it; and the times that belong to it."""
    before, noted = files(project / RUN), (project / "results/quick/provenance/a.json").read_bytes()
    (project / "settings.txt").write_text("2")
    toy.git(project, "commit", "--quiet", "--all", "--message", "more")
    remote = {"url": str(tmp_path / "remote")}
    head = Head(Project(project, remote), "report")
    head.survey()
    assert head.missing == ["train"]
    order = json.loads(json.dumps(head.orders()["train"][0]))
    clone = tmp_path / "node/clone0"
    clone.parent.mkdir()
    toy.git(tmp_path, "clone", "--quiet", str(project), str(clone))
    monkeypatch.chdir(clone)
    found = {}
    original = Project.reproduce

    def reproduce(self, *names, **options):
        for name in names:
            shutil.rmtree(clone / RUN, ignore_errors=True)
            found.update(files(clone / RUN) if put_back(clone / RUN) else {})
            found["noted"] = (clone / "results/quick/provenance/a.json").read_bytes()
            shutil.rmtree(clone / RUN, ignore_errors=True)
            original(self, name, **options)

    monkeypatch.setattr(Project, "reproduce", reproduce)
    record = task.run(clone, **order, remote=remote)
    assert record["deps"] != order["known"]["train"]["deps"]
    assert found == {**before, "noted": noted}
    # And home again: the new result, with its own times.
    monkeypatch.chdir(project)
    note_records(project, {"train": record})
    head.survey()
    assert head.done == {"train"}
    assert files(project / RUN) == {"net": b"2"} == files(clone / RUN)
    times = [(folder / "results/quick/provenance/a.json").read_bytes() for folder in (project, clone)]
    assert times[0] == times[1] != noted


def test_a_remote_without_either_is_no_reason_to_stop(project, tmp_path):
    lost = Project(project, {"url": str(tmp_path / "empty")})
    shutil.rmtree(project / ".dvc/cache")
    with lost.locked():
        lost.fetch_before("train")
