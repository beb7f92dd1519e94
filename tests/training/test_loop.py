"""One run from beginning to end, in this process: what it leaves, how it stops, and how it goes on."""

import csv
import json
import math
import shutil
import signal

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from small_project import CONFIGURATION, SMALL, files, params, write_project

from selfsparse.config import load_settings
from selfsparse.models.build import build_generator, count_parameters, count_sastm_parameters
from selfsparse.training.loop import Interrupted, train_runs
from selfsparse.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("keep_signals")
CPU = torch.device("cpu")
LEFT = {
    "best.safetensors", "coefficients.npz", "curves.csv", "made_from.json", "mechanism.csv", "progress.png", "replay.json", "run.json",
}  # fmt: skip


def train(project, changes: dict | None = None, seed: int = 0, name: str = CONFIGURATION):
    settings = load_settings(write_project(project, {**SMALL, **(changes or {})}) / "params.yaml")
    (history,) = train_runs(settings, settings.configuration(name), [seed], CPU)
    return history, project / f"results/quick/runs/{name}/seed{seed}"


@pytest.fixture
def at_step(monkeypatch):
    """Do something before or after one step of every trainer."""
    original = Trainer.generator_step

    def during(step: int, before=lambda trainer: None, after=lambda trainer: None) -> None:
        def generator_step(trainer):
            if trainer.step + 1 == step:
                before(trainer)
            losses = original(trainer)
            if trainer.step == step:
                after(trainer)
            return losses

        monkeypatch.setattr(Trainer, "generator_step", generator_step)

    return during


def rows(folder, name: str = "curves.csv") -> list[dict]:
    with open(folder / name, newline="") as file:
        return list(csv.DictReader(file))


def poison(network) -> None:
    with torch.no_grad():
        next(network.parameters()).view(-1)[0] = math.nan


def test_what_a_run_leaves(small):
    history, folder = train(small)
    assert set(files(folder)) == {*LEFT, "last.safetensors"}
    run = json.loads((folder / "run.json").read_text())
    curve = rows(folder)
    assert [int(row["step"]) for row in curve] == [0, 4, 8]  # evaluate_every 4, and the untrained network
    fids = [float(row["fid"]) for row in curve]
    assert (run["status"], run["steps"], run["diverged_at"], run["seed"]) == ("finished", 8, None, 0)
    assert run["best_fid"] == min(fids) and run["best_step"] == [0, 4, 8][fids.index(min(fids))]
    assert curve[0]["discriminator_loss"] == "" and all(float(curve[i]["gradient_penalty"]) > 0 for i in (1, 2))
    assert history.losses == []
    # Ten latents at steps 0, 4 and 8, one row of 16 x 16 images each.
    with Image.open(folder / "progress.png") as sheet:
        assert sheet.size == (160, 48) and sheet.mode == "L"
    # Two stages, 8 x 4 x 4 and 4 x 8 x 8, at the same steps; sign changes from the second look on.
    looks = rows(folder, "mechanism.csv")
    assert [(row["step"], row["stage"]) for row in looks] == [(str(n), t) for n in (0, 4, 8) for t in "12"]
    assert [bool(row["alpha_changed"]) for row in looks] == [False, False, True, True, True, True]
    with np.load(folder / "coefficients.npz") as coefficients:
        assert {name: array.shape for name, array in coefficients.items()} == {
            "alpha_1": (3, 8), "beta_1": (3, 4, 4), "alpha_2": (3, 4), "beta_2": (3, 8, 8),
        }  # fmt: skip
    assert load_file(folder / "last.safetensors").keys() == load_file(folder / "best.safetensors").keys()
    generator = build_generator(load_settings(small / "params.yaml").configuration(CONFIGURATION))
    assert run["generator_parameters"] == count_parameters(generator)
    assert run["sastm_parameters"] == count_sastm_parameters(generator)
    assert run["discriminator_parameters"] == 704  # 16 (1*4 + 4*8 + 8*1)


def test_the_last_step_is_always_evaluated(small):
    changes = {"suites.quick.train.steps": 6, "suites.quick.train.snapshot_every": 4}
    _, folder = train(small, changes)
    assert [int(row["step"]) for row in rows(folder)] == [0, 4, 6]
    with Image.open(folder / "progress.png") as sheet:
        assert sheet.height == 3 * 16  # snapshots at 0 and 4, and of the end
    assert [row["step"] for row in rows(folder, "mechanism.csv")[::2]] == ["0", "4", "6"]


@pytest.mark.slow
def test_signs_are_compared_with_those_of_the_settling_step_however_often_one_looks(small):
    """After a twentieth of 40 steps, at step 2, which is no snapshot's: the same shares at steps 20 and 40 either way."""
    found = {}
    for every in (4, 20):
        changes = {f"suites.quick.train.{name}": every for name in ("evaluate_every", "snapshot_every")}
        _, folder = train(small, changes | {"suites.quick.train.steps": 40})
        looks = rows(folder, "mechanism.csv")
        assert not any(row["alpha_differs"] for row in looks if int(row["step"]) <= 2)
        found[every] = {(row["step"], row["stage"]): (row["alpha_differs"], row["beta_differs"]) for row in looks if int(row["step"]) in (20, 40)}  # fmt: skip
        write_project(small, SMALL)
    assert found[4] == found[20] and len(found[4]) == 4
    assert all(0 <= float(x) <= 1 for pair in found[4].values() for x in pair)
    assert any(float(x) > 0 for pair in found[4].values() for x in pair)


def test_evaluation_does_not_disturb_training(small):
    often = train(small, {"suites.quick.train.evaluate_every": 1, "suites.quick.train.snapshot_every": 1}, seed=0)[1]
    last = load_file(often / "last.safetensors")
    write_project(small, SMALL)
    _, folder = train(small)
    for name, value in load_file(folder / "last.safetensors").items():
        assert torch.equal(value, last[name]), name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_run_goes_on_to_the_same_end(small, at_step, monkeypatch, capsys, number):
    _, folder = train(small)
    whole = files(folder)
    for path in folder.iterdir():
        path.unlink()
    _clear_checkpoints(small)
    with monkeypatch.context():
        at_step(3, after=lambda trainer: signal.raise_signal(number))
        with pytest.raises(Interrupted, match="seed 0: interrupted, saved at step 3"):
            train(small)
    assert not list(folder.iterdir())
    monkeypatch.undo()
    monkeypatch.chdir(small)
    train(small)
    assert "seed 0: goes on from step 3" in capsys.readouterr().err
    assert files(folder) == whole


def _clear_checkpoints(project) -> None:
    shutil.rmtree(project / ".checkpoints")


def test_a_finished_run_is_not_trained_again(small, at_step):
    _, folder = train(small)
    whole = files(folder)
    for path in folder.iterdir():
        path.unlink()

    def never(trainer):
        raise AssertionError("trained again")

    for step in range(1, 9):
        at_step(step, before=never)
    train(small)
    assert files(folder) == whole


@pytest.mark.slow
def test_a_changed_setting_starts_anew_and_says_what_differs(small, at_step, monkeypatch, capsys):
    before, changed = params()["suites"]["quick"]["train"]["generator_lr"], {"suites.quick.train.generator_lr": 0.25}
    _, folder = train(small, changed)
    whole = files(folder)
    _clear_checkpoints(small)
    with monkeypatch.context():
        at_step(3, after=lambda trainer: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(Interrupted):
            train(small)
    monkeypatch.undo()
    monkeypatch.chdir(small)
    capsys.readouterr()
    train(small, changed)
    said = capsys.readouterr().err
    assert "seed 0: starts anew" in said and f"train.generator_lr: {before} -> 0.25" in said and "goes on" not in said
    assert files(folder) == whole
    # The old state is not lost: going back to the old settings, the run goes on from it.
    train(small)
    assert "seed 0: goes on from step 3" in capsys.readouterr().err


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_a_loss_that_is_not_finite_stops_the_run(small, at_step, capsys, network):
    at_step(6, before=lambda trainer: poison(getattr(trainer, network)))
    _, folder = train(small, seed=3)
    assert "seed 3: DIVERGED: not finite at step 6; the run stops here" in capsys.readouterr().err
    run = json.loads((folder / "run.json").read_text())
    assert (run["status"], run["diverged_at"], run["steps"]) == ("diverged", 6, 6)
    assert run["best_step"] in (0, 4)
    assert set(files(folder)) == LEFT
    assert all(v.isfinite().all() for v in load_file(folder / "best.safetensors").values())
    assert [row["step"] for row in rows(folder)] == ["0", "4"]
    assert all(math.isfinite(float(v)) for row in rows(folder) for v in row.values() if v)


def test_a_diverged_run_stays_diverged(small, at_step, monkeypatch):
    at_step(6, before=lambda trainer: poison(trainer.generator))
    _, folder = train(small)
    whole = files(folder)
    monkeypatch.undo()
    monkeypatch.chdir(small)
    train(small)
    assert files(folder) == whole


@pytest.mark.parametrize("step", [4, 8])
def test_weights_that_are_not_finite_after_a_finite_loss_are_a_divergence_too(small, at_step, step):
    """The loss of the step is finite, its gradient overflows, and the step is the one that is evaluated next."""
    at_step(step, after=lambda trainer: poison(trainer.generator))
    _, folder = train(small)
    run = json.loads((folder / "run.json").read_text())
    assert run["status"] == "diverged" and not (folder / "last.safetensors").exists()
    assert all(v.isfinite().all() for v in load_file(folder / "best.safetensors").values())
