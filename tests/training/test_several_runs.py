"""Several runs in one process, and evaluations that overlap with training: the same results as one by one, to the bit."""

import functools
import json
import math
import shutil
import signal
import threading

import pytest
import torch
from small_project import CONFIGURATION, SMALL, files, signals_kept, write_project

from selfsparse.config import load_settings
from selfsparse.errors import SettingsError
from selfsparse.metrics.frechet import frechet_distance
from selfsparse.training import evaluation, loop
from selfsparse.training.loop import Interrupted, train_runs
from selfsparse.training.seeds import shares_of, train_configuration
from selfsparse.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("keep_signals")
CPU = torch.device("cpu")
SEEDS = (0, 1, 2)


def train_in(project, seeds=SEEDS) -> dict[str, bytes]:
    """Train in a project, which is the current folder, and return what the runs left.

    Evaluations at 0, 4 and 8; states at 3, 6 and 8, so with and without an evaluation that began at the same step.
    """
    changes = {**SMALL, "suites.quick.train.checkpoint_every": 3}
    settings = load_settings(write_project(project, changes) / "params.yaml")
    train_runs(settings, settings.configuration(CONFIGURATION), seeds, CPU)
    return files(project / f"results/quick/runs/{CONFIGURATION}")


@pytest.fixture
def train(small):
    return functools.partial(train_in, small)


@pytest.fixture(scope="module")
def alone(small_module):
    """What the three runs leave, each in a call of its own."""
    with signals_kept(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(small_module)
        for seed in SEEDS:
            found = train_in(small_module, [seed])
    return found


def overlap(monkeypatch) -> threading.Event:
    """Evaluate as on a GPU: a copy, beside training, collected late. Each evaluation waits until the event is set."""
    gate = threading.Event()
    gate.set()

    class Overlapped(evaluation.OverlappedEvaluation):
        def _distance(self, running, *arguments):
            assert gate.wait(60)
            own = super()._distance(running, *arguments)
            # A CPU's evaluation computes it otherwise; the last digits are those of that one, to compare all the rest.
            distance = frechet_distance(self._reference.gaussian, running.result(), self._reference.factor)
            assert own == pytest.approx(distance, rel=1e-6, abs=1e-6)
            return distance

    original = loop.Run

    def run(*arguments, **keywords):
        return original(*arguments, **{**keywords, "overlaps": True})

    monkeypatch.setattr(loop, "Evaluation", Overlapped)
    monkeypatch.setattr(loop, "Run", run)
    return gate


def status(found: dict[str, bytes]) -> list[str]:
    return [json.loads(found[f"seed{seed}/run.json"])["status"] for seed in SEEDS]


def poison_at(monkeypatch, step: int, seed: int) -> None:
    original = Trainer.generator_step

    def generator_step(trainer):
        if trainer.step + 1 == step and trainer.seed == seed:
            with torch.no_grad():
                next(trainer.generator.parameters()).view(-1)[0] = math.nan
        return original(trainer)

    monkeypatch.setattr(Trainer, "generator_step", generator_step)


def signal_at(monkeypatch, step: int) -> None:
    original = Trainer.generator_step

    def generator_step(trainer):
        losses = original(trainer)
        if trainer.step == step and trainer.seed == 1:
            signal.raise_signal(signal.SIGTERM)
        return losses

    monkeypatch.setattr(Trainer, "generator_step", generator_step)


@pytest.mark.parametrize(
    ("device", "side_by_side", "shares", "at_once"),
    [
        ("cpu", 2, [(0,), (5,), (7,)], 2),
        ("cuda", 2, [(0, 5), (7,)], 1),
        ("cuda", 3, [(0, 5, 7)], 1),
        ("cuda", 1, [(0,), (5,), (7,)], 1),
    ],
)
def test_who_shares_a_process(device, side_by_side, shares, at_once):
    assert shares_of((0, 5, 7), side_by_side, device) == (shares, at_once)


def test_together_is_as_alone(train, alone):
    together = train()
    assert together == alone and len(together) == 3 * 9
    assert together["seed0/last.safetensors"] != together["seed1/last.safetensors"]


def test_one_that_diverges_leaves_the_others_alone(train, alone, monkeypatch):
    poison_at(monkeypatch, 3, seed=1)
    found = train()
    assert status(found) == ["finished", "diverged", "finished"]
    for seed in (0, 2):
        assert {k: v for k, v in found.items() if f"seed{seed}" in k} == {
            k: v for k, v in alone.items() if f"seed{seed}" in k
        }


def test_an_interruption_saves_all_of_them(train, alone, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        signal_at(patch, 3)
        with pytest.raises(Interrupted) as caught:
            train()
    assert str(caught.value).splitlines() == [f"seed {seed}: interrupted, saved at step 3" for seed in SEEDS]
    assert train() == alone
    said = capsys.readouterr().err
    assert all(f"seed {seed}: goes on from step 3" in said for seed in SEEDS)


def test_training_goes_on_while_an_evaluation_is_under_way(train, alone, monkeypatch):
    """The evaluation of step 0 is not let through before step 3 has been taken: nobody waits for it until step 4."""
    gate, original = overlap(monkeypatch), Trainer.generator_step
    gate.clear()

    def generator_step(trainer):
        losses = original(trainer)
        if trainer.step == 3:
            gate.set()
        return losses

    monkeypatch.setattr(Trainer, "generator_step", generator_step)
    assert train([0]) == {k: v for k, v in alone.items() if "seed0" in k}


@pytest.mark.parametrize("step", [3, pytest.param(4, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow)])
def test_an_evaluation_under_way_is_in_the_state(train, alone, monkeypatch, step):
    """Interrupted before, at and after an evaluation: the state waits for it, and the run ends as one unbroken."""
    overlap(monkeypatch)
    with monkeypatch.context() as patch:
        signal_at(patch, step)
        with pytest.raises(Interrupted, match=f"saved at step {step}"):
            train()
    assert train() == alone


@pytest.mark.parametrize("step", [5, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 4, 8))])
def test_a_divergence_found_late_is_the_same_divergence(small, train, monkeypatch, step):
    """Losses that are read with the evaluations alone lead to the results of those that are read at each step."""
    poison_at(monkeypatch, step, seed=1)
    strict = train()
    for name in (".checkpoints", "results"):
        shutil.rmtree(small / name)
    overlap(monkeypatch)
    assert train() == strict
    assert json.loads(strict["seed1/run.json"])["diverged_at"] == step


def test_fewer_images_than_a_batch_are_one_error_before_any_run_starts(small, monkeypatch):
    settings = load_settings(write_project(small, {**SMALL, "suites.quick.train.batch_size": 4096}) / "params.yaml")
    monkeypatch.setattr("selfsparse.training.seeds.run_jobs", lambda *arguments: pytest.fail("a run was started"))
    with pytest.raises(SettingsError, match=r"train.batch_size .* is 4,096, and digits-16 has 1,797 images"):
        train_configuration(settings, settings.configuration(CONFIGURATION))
