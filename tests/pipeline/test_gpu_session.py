"""A session on a lent GPU, with a tiny network and without the GPU: its plan, its pieces, and how it goes on."""

import json
import shutil

import pytest
from small_project import CONFIGURATION, ROOT, SMALL, files, of_quick, run, write_project

from benchmarks import gpu_session
from benchmarks.gpu_session import MANIFEST, carried, join, plan, session, split
from selfsparse.errors import DataError

LONG = {
    **SMALL,
    **of_quick(steps=200, evaluate_every=40, snapshot_every=40, checkpoint_every=20),
    "configurations": {
        CONFIGURATION: {
            "suite": "quick", "dataset": "digits", "resolution": 16, "extractor": "lenet", "model": "self_sparse",
            "network": "tiny_16", "latent_dim": 32,
        }
    },
}  # fmt: skip


def test_the_plan_fills_the_time():
    assert plan(660, ("tests", "table", "training")) == {"tests": 132, "table": 330, "training": 198}
    assert plan(3600, ("tests", "table", "training")) == {"tests": 180, "table": 420, "training": 3000}
    assert plan(660, ("tests", "table", "training"), done=["tests", "table"]) == {"training": 660}
    assert plan(660, ("table",)) == {"table": 330}


@pytest.fixture
def states(small, monkeypatch):
    """A project with two states, of which the newest travels, and pieces of 64 KiB."""
    monkeypatch.setattr(gpu_session, "PIECE", 2**16)
    folder = small / ".checkpoints" / CONFIGURATION / "seed0" / "0123"
    folder.mkdir(parents=True)
    for name in ("state-000001.pt", "state-000002.pt", ".state-000003.pt.7.partial", "lock"):
        (folder / name).write_text(name)
    for number in (1, 2):
        (folder / f"state-00000{number}.pt.sha256").write_text("hash")
    return folder


def test_the_newest_state_travels_in_pieces(states, tmp_path):
    split(carried("quick"), tmp_path / "out", ["tests"])
    pieces = sorted((tmp_path / "out").glob("piece-*"))
    assert len(pieces) > 1 and all(path.stat().st_size <= 2**16 for path in pieces)
    before = files(states.parents[2])
    shutil.rmtree(states.parents[2])
    assert join(tmp_path / "out") == ["tests"]
    whole = {
        name: before[f"{CONFIGURATION}/seed0/0123/{name}"] for name in ("state-000002.pt", "state-000002.pt.sha256")
    }
    assert files(states) == whole


def test_a_piece_that_is_damaged_or_missing_changes_nothing(states, tmp_path):
    split(carried("quick"), tmp_path / "out", [])
    shutil.rmtree(states)
    last = max((tmp_path / "out").glob("piece-*"))
    content = last.read_bytes()
    last.write_bytes(b"x" + content[1:])
    with pytest.raises(DataError, match=f"{last.name} does not match its hash; copy it again"):
        join(tmp_path / "out")
    last.unlink()
    with pytest.raises(DataError, match=f"{last.name} is missing"):
        join(tmp_path / "out")
    assert not states.exists()
    last.write_bytes(content)
    assert join(tmp_path / "out") == [] and states.exists()
    with pytest.raises(DataError, match=f"{MANIFEST} is missing"):
        join(tmp_path)


def test_interrupted_while_it_writes_the_pieces_before_count(states, tmp_path, monkeypatch):
    split(carried("quick"), tmp_path, ["tests"])
    before = files(tmp_path)
    (states / "state-000003.pt").write_text("new")

    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(gpu_session, "write_json", stop)
        split(carried("quick"), tmp_path, ["tests", "table"])
    assert before.items() <= files(tmp_path).items() and join(tmp_path) == ["tests"]
    split(carried("quick"), tmp_path, ["tests", "table"])
    named = {piece["name"] for piece in json.loads((tmp_path / MANIFEST).read_text())["pieces"]}
    assert {path.name for path in tmp_path.glob("piece-*")} == named and join(tmp_path) == ["tests", "table"]


@pytest.mark.slow
def test_a_training_that_the_clock_stops_goes_on_in_another_clone_to_the_same_end(small, tmp_path, monkeypatch, capfd):
    """The clock is over once a state has been saved; nothing but the pieces and the packed images is in the other clone."""
    write_project(small, LONG)
    other = tmp_path / "other"
    write_project(other, LONG)
    shutil.copytree(small / "data" / "packed", other / "data" / "packed")
    whole = tmp_path / "whole"
    shutil.copytree(small, whole)
    assert run(whole, "pipeline.train", CONFIGURATION).returncode == 0
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def over_with_the_first_state() -> float:
        return 1e9 if list(small.glob(".checkpoints/*/seed*/*/state-*.pt")) else 0.0

    first, second = tmp_path / "first", tmp_path / "second"
    assert session(first, 12, "quick", ["training"], None, over_with_the_first_state) == 0
    assert "training of quick    at most 660 s" in capfd.readouterr().out
    assert not (small / "results/quick/runs").exists() and len(list(first.glob("piece-*"))) == 1
    monkeypatch.chdir(other)
    assert session(second, 12, "quick", ["training"], first) == 0
    said = capfd.readouterr()
    assert "seed 0: goes on from step" in said.err and "done: training" in said.out
    found = files(other / "results/quick/runs")
    assert found == files(whole / "results/quick/runs") and f"{CONFIGURATION}/seed0/last.safetensors" in found
    shutil.rmtree(other / "results")
    assert join(second) == ["training"] and files(other / "results/quick/runs") == found
