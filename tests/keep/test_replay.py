"""The first steps of a run, taken again: an edit that changes nothing passes, and whatever an edit changes is named."""

import pytest
import torch
from small_project import CONFIGURATION, SMALL, files, signals_kept, write_project

from selfsparse.config import load_settings
from selfsparse.keep import replay
from selfsparse.keep.stages import DATA, EXTRACTORS, REFERENCES, NotKeptError, copy_of_project
from selfsparse.provenance import note_training
from selfsparse.training import evaluation, history, outputs, run, trainer
from selfsparse.training.loop import train_runs

SEEDS = (0, 3)


@pytest.fixture(scope="module")
def trained(small_module):
    """A project with two runs of a configuration, in which the last generator is the best."""
    with signals_kept(), pytest.MonkeyPatch.context() as patch:
        runs = {"suites.quick.train.seeds": SEEDS, "suites.quick.train.penalty_weight": 10.0}
        patch.chdir(write_project(small_module, SMALL | runs))
        settings = load_settings()
        configuration = settings.configuration(CONFIGURATION)
        train_runs(settings, configuration, SEEDS, torch.device("cpu"))
        note_training(configuration, "cpu", 1.0, SEEDS)
    return small_module


@pytest.fixture
def replayed(trained, monkeypatch, keep_signals):
    """Take the first steps of both runs again, under whatever code a test has put in place."""
    monkeypatch.chdir(trained)
    monkeypatch.setattr(replay, "FIRST_STEPS", 4)
    settings = load_settings()
    kept = trained / f"results/quick/runs/{CONFIGURATION}"

    def again() -> str:
        before = files(trained)
        noted = f"results/quick/provenance/{CONFIGURATION}.json"
        try:
            with copy_of_project(settings, DATA, EXTRACTORS, REFERENCES, noted):
                return replay.compare_runs(settings, settings.configuration(CONFIGURATION), SEEDS, "cpu", kept)
        finally:
            assert files(trained) == before

    return again


@pytest.mark.slow
def test_the_same_code(replayed):
    assert replayed() == "the first 4 steps are the same to the bit"


def step(monkeypatch, number: int, change: float) -> None:
    """Let the weights of seed 3 differ a little from a step on."""
    original = trainer.Trainer._take_step

    def take_step(self):
        losses = original(self)
        if self.step + 1 == number and self.seed == 3:
            next(self.discriminator.parameters()).data.mul_(1 + change)
        return losses

    monkeypatch.setattr(trainer.Trainer, "_take_step", take_step)


@pytest.mark.parametrize("number", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_the_first_step_that_differs_is_named(replayed, monkeypatch, number):
    step(monkeypatch, number, 1e-6)
    with pytest.raises(NotKeptError, match=rf"^seed 3: step {number} is the first that differs$"):
        replayed()


@pytest.mark.slow
def test_on_another_kind_of_machine_losses_are_compared(replayed, monkeypatch):
    monkeypatch.setattr(replay, "device_name", lambda device: "CPU (abacus)")
    with monkeypatch.context() as patch:
        step(patch, 2, 1e-6)
        assert "agree within 0.001. That is weaker than equal bits" in replayed()
    step(monkeypatch, 2, 0.5)
    with pytest.raises(NotKeptError, match=r"^seed 3: step 3 is the first that differs$"):
        replayed()


def _patched(module, name: str, change):
    original = getattr(module, name)
    return module, name, lambda *arguments, **named: change(original(*arguments, **named))


def _first_is_best(self, step, fid, *others):
    """Of History.add_point."""
    self.best_fid = float("inf") if not self.curve else -1.0
    _add_point(self, step, fid, *others)
    self.best_fid = self.curve[0].fid


_add_point = history.History.add_point


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patched", "message"),
    [
        (_patched(evaluation, "measure_fid", lambda found: (found[0] + 1e-9, None)), "step 0 of curves.csv is the first"),
        (_patched(evaluation, "first_images", lambda images: images // 2), "the images of step 0 in progress.png differ"),
        (_patched(run, "is_due", lambda due: True), "evaluated at other steps|would have other rows"),
        (_patched(outputs, "count_parameters", lambda count: count + 1), "run.json would hold other values"),
        ((history.History, "add_point", _first_is_best), "the generator of step 0 would be the best, and not of 8"),
    ],
    ids=["FID", "images", "schedule", "parameters", "choice"],
)  # fmt: skip
def test_what_steps_say_nothing_of(replayed, monkeypatch, patched, message):
    """What is measured and chosen on the way, and how it is written."""
    monkeypatch.setattr(*patched)
    with pytest.raises(NotKeptError, match=message):
        replayed()
