"""States to resume from: one process at a time, and never the state of another run."""

import pytest
import torch
from small_project import SMALL, write_project

from selfsparse.config import load_settings
from selfsparse.errors import RunError
from selfsparse.training import checkpoint
from selfsparse.training.checkpoint import CheckpointStore, fingerprint


@pytest.fixture
def shape(tmp_path):
    def of(changes: dict | None = None, name="digits-16-self_sparse", seed=0, device="cpu", reference="r", images="i"):
        settings = load_settings(write_project(tmp_path, {**SMALL, **(changes or {})}) / "params.yaml")
        return fingerprint(settings.configuration(name), seed, device, reference, images)

    return of


@pytest.mark.parametrize(
    "changes",
    [
        {"suites.quick.train.steps": 9},
        {"suites.quick.train.generator_lr": 0.5},
        {"suites.quick.train.threads": 2},
        {"suites.quick.train.evaluate_every": 2},
        {"configurations.digits-16-self_sparse.train": {"betas": [0.0, 0.9]}},
        {"configurations.digits-16-self_sparse.latent_dim": 31},
        {"networks.tiny_16.sastm_widths": [9]},
        {"extractors.digits-16-lenet.samples": [81, 120]},
        {"datasets.digits-16.filter": "lanczos"},
    ],
    ids=str,
)
def test_what_shapes_a_run_is_in_its_fingerprint(shape, changes):
    before, after = shape(), shape(changes)
    (key,) = [k for k in before if before[k] != after[k]]
    # The key that differs is the one that was changed, as far as it is named.
    changed = next(iter(changes)).split(".")[-1]
    assert key.split(".")[-1] == (changed if changed != "train" else "betas")


@pytest.mark.parametrize("difference", [{"seed": 1}, {"device": "cuda"}, {"reference": "x"}, {"images": "x"}])
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
    ],
    ids=str,
)
def test_what_does_not_shape_a_run_is_not(shape, changes):
    assert shape() == shape(changes)


def test_the_code_is_in_it(shape, tmp_path, monkeypatch):
    before = shape()
    package = tmp_path / "package"
    for part in ("models", "training", "metrics"):
        (package / part).mkdir(parents=True)
        (package / part / "one.py").write_text("pass\n")
    monkeypatch.setattr(checkpoint.selfsparse, "__file__", str(package / "__init__.py"))
    first = shape()
    (package / "training" / "one.py").write_text("pass  # edited\n")
    assert len({x["code"] for x in (before, first, shape())}) == 3


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
    def half(state, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with CheckpointStore(tmp_path, {}) as store:
        store.save({"step": 1})
        with monkeypatch.context() as patch:
            patch.setattr(torch, "save", half)
            with pytest.raises(KeyboardInterrupt):
                store.save({"step": 2})
        assert store.load() == {"step": 1}
    assert not list(tmp_path.rglob("*.partial"))


def test_one_at_a_time(tmp_path):
    with CheckpointStore(tmp_path, {"seed": 0}):
        with (
            pytest.raises(RunError, match="another process is training this run"),
            CheckpointStore(tmp_path, {"seed": 0}),
        ):
            pass
        with CheckpointStore(tmp_path, {"seed": 1}):  # another run is free
            pass
    with CheckpointStore(tmp_path, {"seed": 0}):  # and so is this one, afterwards
        pass
