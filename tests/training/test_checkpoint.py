"""States to resume from: one process at a time, and never the state of another run."""

import errno
import fcntl
import hashlib
import json
import os
import subprocess
import sys

import pytest
import torch
from small_project import ROOT, SMALL, write_project

from selfsparse import files
from selfsparse.config import load_settings
from selfsparse.errors import RunError, WriteError
from selfsparse.training import lock
from selfsparse.training.checkpoint import CheckpointStore
from selfsparse.training.fingerprint import fingerprint


@pytest.fixture
def shape(tmp_path, monkeypatch):
    monkeypatch.chdir(write_project(tmp_path))

    def of(changes: dict | None = None, name="digits-16-self_sparse", seed=0, device="cpu", **hashes):
        settings = load_settings(write_project(tmp_path, {**SMALL, **(changes or {})}) / "params.yaml")
        for path in (
            "packed/digits-16/manifest.json", "extractors/digits-16-lenet/extractor.json", "references/digits-16-lenet/reference.json",
        ):  # fmt: skip
            noted = {"sha256": hashes.get({"packed": "images"}.get(path.split("/")[0], path.split("/")[0][:-1]), "x")}
            (tmp_path / "data" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / path).write_text(json.dumps(noted))
        return fingerprint(settings, settings.configuration(name), seed, device)

    return of


@pytest.mark.parametrize(
    "changes",
    [
        {"suites.quick.train.steps": 9},
        {"suites.quick.train.generator_lr": 0.5},
        {"suites.quick.train.threads": 2},
        {"suites.quick.train.evaluate_every": 2},
        {"suites.quick.train.precision": "bf16"},
        {"suites.quick.train.channels_last": True},
        {"suites.quick.train.cuda_graph": False},
        {"suites.quick.train.deterministic": True},
        {"configurations.digits-16-self_sparse.train": {"betas": [0.0, 0.9]}},
        {"configurations.digits-16-self_sparse.latent_dim": 31},
        {"networks.tiny_16.sastm_widths": [9]},
        {"extractors.digits-16-lenet.samples": [81, 120]},
        {"datasets.digits-16.filter": "lanczos"},
        {"fid.precision": "tf32"},
    ],
    ids=str,
)
def test_what_shapes_a_run_is_in_its_fingerprint(shape, changes):
    before, after = shape(), shape(changes)
    (key,) = [k for k in before if before[k] != after[k]]
    # The key that differs is the one that was changed, as far as it is named.
    changed = next(iter(changes)).split(".")[-1]
    assert key.split(".")[-1] == (changed if changed != "train" else "betas")


@pytest.mark.parametrize(
    "difference", [{"seed": 1}, {"device": "cuda"}, {"reference": "y"}, {"images": "y"}, {"extractor": "y"}]
)
def test_seed_device_and_data_are_in_it(shape, difference):
    before, after = shape(), shape(**difference)
    assert [k for k in before if before[k] != after[k]] == list(difference)


@pytest.mark.parametrize(
    "changes",
    [
        {"suites.quick.train.parallel_seeds": 2},
        {"suites.quick.train.checkpoint_every": 1},
        {"suites.quick.train.seeds": [0, 5]},
        {"suites.quick.train.device": "auto"},
        {"configurations.digits-16-wgan_gp.latent_dim": 7},
        {"fid.latent_seed": 4},
        {"fid.batch_size": 40},
    ],
    ids=str,
)
def test_what_does_not_shape_a_run_is_not(shape, changes):
    assert shape() == shape(changes)


def test_under_batch_statistics_the_batch_of_the_measure_shapes_it(shape):
    """The FIDs during training choose the best generator, and each image depends on those beside it (U18)."""
    batch = {"suites.quick.train.sampling_batch_norm": "batch"}
    before, after = shape(batch), shape({**batch, "fid.batch_size": 40})
    assert [key for key in before if before[key] != after[key]] == ["fid.batch_size"]


def test_the_code_is_in_it(shape):
    """File by file, with what a training imports and without what it does not."""
    code = {key for key in shape() if key.endswith(".py")}
    assert {"selfsparse/training/trainer.py", "selfsparse/models/sastm.py", "selfsparse/metrics/frechet.py"} <= code
    assert not {key for key in code if "analysis" in key or "kid" in key or key == "selfsparse/provenance.py"}


def test_a_state_comes_back_under_its_own_shape_only(tmp_path):
    with CheckpointStore(tmp_path, {"steps": 1}) as store:
        assert store.load() is None and store.differences() == []
        store.save({"x": torch.arange(3)})
    with CheckpointStore(tmp_path, {"steps": 1}) as store:
        assert store.load()["x"].tolist() == [0, 1, 2] and store.differences() == []
    with CheckpointStore(tmp_path, {"steps": 2, "new": "a"}) as store:
        assert store.load() is None
        assert store.differences() == ["new: None -> a", "steps: 1 -> 2"]


def test_an_interrupted_save_leaves_the_state_before(tmp_path, monkeypatch):
    def half(state, file):
        file.write(b"half")
        raise KeyboardInterrupt

    with CheckpointStore(tmp_path, {}) as store:
        store.save({"step": 1})
        with monkeypatch.context() as patch:
            patch.setattr(torch, "save", half)
            with pytest.raises(KeyboardInterrupt):
                store.save({"step": 2})
        assert store.load() == {"step": 1}
    assert not list(tmp_path.rglob("*.partial"))


def saved(folder, count: int) -> list:
    """The states of a run that was saved `count` times, the oldest first."""
    with CheckpointStore(folder, {}) as store:
        for step in range(1, count + 1):
            store.save({"step": step, "weights": torch.full((1000,), float(step))})
    return sorted(folder.glob("*/state-*.pt"))


def test_the_newest_two_are_kept_with_checksums_as_sha256sum_reads_them(tmp_path):
    states = saved(tmp_path, 11)
    assert [path.name for path in states] == ["state-000010.pt", "state-000011.pt"]
    others = sorted(path.name for path in states[0].parent.iterdir() if path not in states)
    assert others == ["fingerprint.json", "lock", "state-000010.pt.sha256", "state-000011.pt.sha256"]
    for path in states:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.with_name(path.name + ".sha256").read_text() == f"{digest}  {path.name}\n"


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # one bit of a weight: torch itself would load it without a word
    path.write_bytes(data)


def lose_its_checksum(path):
    path.with_name(path.name + ".sha256").unlink()


@pytest.mark.parametrize("damage", [cut, empty, flip, lose_its_checksum])
def test_of_a_damaged_state_the_one_before_is_used(tmp_path, capsys, damage):
    states = saved(tmp_path, 3)
    damage(states[-1])
    with CheckpointStore(tmp_path, {}) as store:
        assert store.load()["step"] == 2
        said = capsys.readouterr().err
        assert (
            said.startswith(f"warning: {states[-1]} is damaged") and "from the one before it, state-000002.pt" in said
        )
        assert len(said.splitlines()) == 1 and not states[-1].exists()
        store.save({"step": 3})
        store.save({"step": 4})
        assert store.load() == {"step": 4} and capsys.readouterr().err == ""


def test_where_no_state_is_whole_the_run_starts_anew(tmp_path, capsys):
    for path in saved(tmp_path, 3):
        flip(path)
    with CheckpointStore(tmp_path, {}) as store:
        assert store.load() is None
        assert capsys.readouterr().err.splitlines()[-1].endswith("It was deleted; the run starts anew.")
        store.save({"step": 1})
        assert store.load() == {"step": 1}


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_code_in_a_state_is_not_run_even_under_the_right_checksum(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    *_, path = saved(tmp_path, 1)
    torch.save({"step": Malicious()}, path)
    path.with_name(path.name + ".sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest())
    with (
        CheckpointStore(tmp_path, {}) as store,
        pytest.raises(RunError, match=r"is no state of a run(.|\n)*start anew"),
    ):
        store.load()
    assert not (tmp_path / "ran").exists()


def test_what_a_killed_process_left_is_removed(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    (state,) = saved(tmp_path, 1)
    files._sweep.cache_clear()  # as in another process than the one that saved this state
    dead, alive = (state.parent / f".state-000002.pt.{pid}.partial" for pid in (process.pid, os.getppid()))
    dead.write_bytes(b"half")
    alive.write_bytes(b"half")
    with CheckpointStore(tmp_path, {}) as store:
        store.save({})
    assert not dead.exists() and alive.exists()


# Before anything of ours: what a file system without flock, some of NFS's and Lustre's, answers to it.
WITHOUT_FLOCK = """
import errno, fcntl
def refused(*arguments):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = refused
"""


@pytest.fixture(params=["flock", "without flock"])
def without_flock(request, monkeypatch):
    """What another process has to run first so that it is on the same file system."""
    if request.param == "flock":
        return ""
    monkeypatch.setattr(fcntl, "flock", fcntl.flock)  # set back afterwards
    exec(WITHOUT_FLOCK, {})
    return WITHOUT_FLOCK


@pytest.mark.usefixtures("without_flock")
def test_one_at_a_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lock, "PATIENCE_SEC", 0.2)
    folder = tmp_path / "digits" / "seed0"
    with CheckpointStore(folder, {"seed": 0}):
        with (
            pytest.raises(RunError, match="another process is training this run, digits seed0"),
            CheckpointStore(folder, {"seed": 0}),
        ):
            pass
        assert capsys.readouterr().err.startswith("warning: another process is training this run")
        with CheckpointStore(folder, {"seed": 1}):  # another run is free
            pass
    with CheckpointStore(folder, {"seed": 0}):  # and so is this one, afterwards
        pass


def test_who_waits_for_another_process_can_be_told_to_stop(tmp_path):
    with (
        CheckpointStore(tmp_path, {}),
        pytest.raises(lock.Interrupted, match="while it waited"),
        CheckpointStore(tmp_path, {}, stopped=lambda: True),
    ):
        pass


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC])
@pytest.mark.parametrize("call", ["mkdir", "open"])
def test_a_lock_that_cannot_be_written(tmp_path, monkeypatch, call, number):
    """Neither its folder nor its file. As root may write everywhere, the system's answer is made up."""
    path, really = tmp_path / "states/lock", getattr(os, call)

    def refused(name, *arguments, **keywords):
        if str(name).startswith(str(tmp_path)):
            raise OSError(number, os.strerror(number), str(name))
        return really(name, *arguments, **keywords)

    monkeypatch.setattr(os, call, refused)
    with pytest.raises(WriteError) as raised:
        lock.hold(path, "it")
    said = str(raised.value)
    assert said.startswith(f"{path} could not be written: {os.strerror(number)}")
    where = tmp_path if call == "mkdir" else path.parent
    assert (f"Make {where} writable" if number == errno.EACCES else "Make room there") in said


def test_the_lock_of_a_killed_process_is_free(tmp_path, monkeypatch, without_flock):
    monkeypatch.setattr(lock, "PATIENCE_SEC", 0.0)
    code = without_flock + "import sys; from pathlib import Path; from selfsparse.training.lock import hold\n"
    code += "held = hold(Path(sys.argv[1]), 'it'); print('held', flush=True); sys.stdin.read()"
    path = tmp_path / "lock"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(RunError) as raised:
            lock.hold(path, "it")
        # Of a death on another machine a file knows nothing.
        assert (f"remove {path}.soft first" in str(raised.value)) == bool(without_flock)
        process.kill()
    lock.hold(path, "it").lock.release()
