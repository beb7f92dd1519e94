"""Memory that is used up, on a GPU or not: one message that names the network, the batch and the setting to lower."""

import re

import pytest
import torch
from small_project import CONFIGURATION, SMALL, files, write_project

from selfsparse.config import load_settings
from selfsparse.device import enough_memory
from selfsparse.errors import DeviceError
from selfsparse.training.loop import train_runs
from selfsparse.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("keep_signals")
ERRORS = [
    torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.11 GiB\nmore"
    ),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to allocate"
    ),
    MemoryError(),
]
IDS = ["cuda", "cublas", "cudnn", "cpu", "python"]


def fails_with(error):
    def work(*arguments, **keywords):
        raise error

    return work


@pytest.mark.parametrize("error", ERRORS, ids=IDS)
def test_it_is_known_by_every_name(error):
    with pytest.raises(DeviceError, match=r"^work: "), enough_memory("work", "Lower it"):
        raise error


def test_in_training(small, monkeypatch):
    error = ERRORS[0]
    settings, original = load_settings(), Trainer._take_step

    def take_step(trainer):
        return fails_with(error)() if trainer.step == 5 else original(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_take_step", take_step)
        with pytest.raises(DeviceError) as caught:
            train_runs(settings, settings.configuration(CONFIGURATION), (0, 1), torch.device("cpu"))
    message = str(caught.value)
    assert message.startswith(
        f"{CONFIGURATION}: out of memory in training network tiny_16, 2 at a time, with batches of 8"
    )
    for setting in ("train.parallel_seeds (3;", "train.batch_size (8;", "fid.batch_size (50)"):
        assert setting in message
    assert len(message.splitlines()) == 2 and (str(error).split("\n")[0] in message)
    # Nothing is lost: with fewer at a time the runs go on from step 4.
    states = sorted(path.name for path in small.rglob("state-*.pt"))
    assert states == ["state-000001.pt", "state-000001.pt", "state-000002.pt", "state-000002.pt"]
    changed = load_settings(write_project(small, {**SMALL, "suites.quick.train.parallel_seeds": 1}) / "params.yaml")
    (history,) = train_runs(changed, changed.configuration(CONFIGURATION), (0,), torch.device("cpu"))
    assert [point.step for point in history.curve] == [0, 4, 8]


def test_in_recording_a_step(monkeypatch):
    """A step that is recorded as a CUDA graph: the message is that about memory, not that about graphs."""
    configuration = load_settings().configuration(CONFIGURATION)
    trainer = Trainer(configuration, 0, torch.zeros(16, 1, 16, 16, dtype=torch.uint8), torch.device("cpu"))
    trainer._gpu.records = True
    monkeypatch.setattr(Trainer, "_take_step", fails_with(ERRORS[0]))
    with pytest.raises(torch.OutOfMemoryError):
        trainer.prepare()


@pytest.mark.parametrize("stage", ["measure", "reference"])
def test_in_measuring(small, monkeypatch, stage):
    import importlib

    settings = load_settings()
    train_runs(settings, settings.configuration(CONFIGURATION), (0,), torch.device("cpu"))
    before = files(small)
    script = importlib.import_module(f"pipeline.{stage}")
    monkeypatch.setattr("selfsparse.models.dcgan.DCGANGenerator.forward", fails_with(ERRORS[0]))
    monkeypatch.setattr("selfsparse.metrics.classifiers.LeNet.forward", fails_with(ERRORS[0]))
    name = "digits-16-lenet" if stage == "reference" else CONFIGURATION
    with pytest.raises(DeviceError) as caught:
        script.main(settings, name)
    message = str(caught.value)
    assert re.match(r"out of memory in measuring (network tiny_16 of|the real images of) digits-16-", message)
    assert (
        "batches of 50 images: CUDA out of memory." in message and "Lower fid.batch_size (50) in params.yaml" in message
    )
    assert {name: data for name, data in files(small).items() if not name.endswith(".measure.lock")} == before


def test_another_error_stays_what_it_is(small, monkeypatch):
    settings = load_settings()
    monkeypatch.setattr(Trainer, "_take_step", fails_with(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match="shapes differ"):
        train_runs(settings, settings.configuration(CONFIGURATION), (0,), torch.device("cpu"))
