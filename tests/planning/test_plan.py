"""Plans of every suite on a machine of known speed, their table, and what counts as done."""

import os
import re

import pytest
import torch
from ruamel.yaml import YAML
from small_project import run, write_project

from selfsparse.config import load_settings
from selfsparse.errors import SettingsError
from selfsparse.files import hash_file
from selfsparse.inputs import write_inputs
from selfsparse.planning import plan as planning
from selfsparse.planning.calibration import Machine, _fitted, calibrate
from selfsparse.planning.cost import step_cost
from selfsparse.planning.plan import costs, image_count, plan_text, si

# A second a TFLOP, half of one for features; a millisecond an operation; starting a process takes three seconds.
MACHINE = Machine("cpu", "CPU (a CPU with a name of some length, for instance)", 2, 2e12, 2e12, 1e12, 1e-3, 3.0)
NAME = "mnist-32-self_sparse-laptop"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.chdir(write_project(tmp_path, {"suites.laptop.train.seeds": [0, 1, 2]}))
    monkeypatch.setattr(planning, "calibrate", lambda configurations, device, feature_precision: MACHINE)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    return load_settings()


def entry(settings, name=NAME):
    return costs(settings, settings.suite("laptop"), MACHINE).loc[name]


def put(path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()


@pytest.mark.slow
def test_every_suite(settings):
    text = plan_text(settings, list(settings.suites))
    assert [name for name in settings.configurations if not re.search(rf"(?m)^{re.escape(name)} ", text)] == []
    prose = " ".join(text.split())
    assert "No CUDA GPU here" in prose
    # Ten passes of the discriminator per discriminator step and a linear penalty would make 6.8 EFLOP.
    assert "108 runs: 7.75 EFLOP of training and 1.42 EFLOP of features" in prose
    (total,) = (
        line for line in text.partition("Suite paper")[2].partition("Suite ")[0].splitlines() if "total" in line
    )
    assert re.fullmatch(r"total +7\.75 EF +1\.42 EF +\S+ GiB +\S+M +0/108 +\S+ d", total)


def test_time_of_a_configuration(settings):
    c, found = settings.configuration(NAME), entry(settings)
    cost, train = step_cost(c), c.train
    step = cost.operations * 1e-3 + cost.flops / 1e12
    assert found["training_flops"] == 3 * train.steps * cost.flops
    assert found["training_seconds"] == pytest.approx(3 * train.steps * step / 2)  # two cores for three runs
    # Two of the runs are measured at a time, while they train and at the end.
    assert found["feature_seconds"] == pytest.approx(found["feature_flops"] / 2e12 / 2)
    assert found["remaining_seconds"] == pytest.approx(found["training_seconds"] + found["feature_seconds"] + 2 * 3)
    assert found["memory_bytes"] == 3 * cost.memory_bytes


def test_images_of_the_papers_configurations(settings):
    """201 FIDs of 5,000 images while it trains, then the best and the last generator with 5,000 and 50,000; three runs."""
    assert image_count(settings.configuration("mnist-32-self_sparse")) == 3 * (201 * 5000 + 2 * 55000)


def test_what_is_done_is_taken_off(settings, tmp_path):
    before = entry(settings)
    for seed in (0, 1):
        put(tmp_path / f"results/laptop/runs/{NAME}/seed{seed}/run.json")
    found = entry(settings)
    assert (found["runs_done"], found["done"]) == (2, "2")
    share = found["remaining_seconds"] / before["remaining_seconds"]
    assert 1 / 3 < share < 0.6
    for path in (f"fid/{NAME}/fid.csv", f"sparsity/{NAME}/sparsity.csv", f"runs/{NAME}/seed2/run.json"):
        put(tmp_path / "results/laptop" / path)
    assert entry(settings)["remaining_seconds"] == 0 and entry(settings)["runs_done"] == 3
    assert re.search(rf"(?m)^{NAME} .* 3 m +0 s$", plan_text(settings, ["laptop"]))


def test_what_was_made_under_other_settings_is_not_done(settings, tmp_path):
    put(tmp_path / f"results/laptop/runs/{NAME}/seed0/run.json")

    def lock(md5: str) -> None:
        stage = {"deps": [{"path": f"data/inputs/train/{NAME}.json", "md5": md5}]}
        with open(tmp_path / "dvc.lock", "w") as file:
            YAML(typ="safe").dump({"stages": {f"train@{NAME}": stage}}, file)

    write_inputs(settings, tmp_path / "inputs")
    lock(hash_file(tmp_path / f"inputs/train/{NAME}.json", "md5"))
    assert (entry(settings)["runs_done"], entry(settings)["done"]) == (1, "1")
    lock("0" * 32)
    assert (entry(settings)["runs_done"], entry(settings)["done"]) == (0, "changed")


def test_the_fit_finds_what_made_the_times():
    operations, flops = (500, 900), (5e8, 3e10)
    seconds = [n * 2e-5 + f / 3e10 for n, f in zip(operations, flops, strict=True)]
    per_operation, per_flop = _fitted(operations, flops, seconds)
    assert (per_operation, 1 / per_flop) == pytest.approx((2e-5, 3e10))
    # One network alone, and one that grows slower with its operations than any fit with positive numbers.
    assert min(_fitted(operations[:1], flops[:1], seconds[:1])) >= 0
    assert min(_fitted((*operations, 500), (*flops, 5e8), (*seconds, 1e-5))) >= 0


def test_amounts():
    assert [si(x) for x in (7.748e18, 999.6e9, 12, 2500)] == ["7.75 E", "1000 G", "12 ", "2.5 k"]


def test_an_unknown_suite(settings):
    with pytest.raises(SettingsError, match="did you mean paper"):
        plan_text(settings, ["papre"])


@pytest.mark.slow
def test_the_script_calibrates_here(tmp_path):
    write_project(tmp_path)
    found = run(tmp_path, "selfsparse", "plan", "quick")
    assert found.returncode == 0, found.stderr
    text = " ".join(found.stdout.split())
    cores, product = re.search(r"CPU \(.*\), (\d+) cores: matrix product (\S+ [GT])FLOP/s, features", text).groups()
    assert 1 <= int(cores) <= os.cpu_count() and float(product.split()[0]) > 0
    assert re.search(r"what is left \S+ (s|min|h)\.", text)


def test_this_machine_in_numbers(settings):
    machine = calibrate(settings.suite("quick")[:1], torch.device("cpu"), "fp32")
    assert machine.device == "cpu" and 1e8 < machine.ceiling < 1e15 and 1e8 < machine.feature_rate < 1e15
    assert machine.step_rate > 0 and machine.seconds_per_operation >= 0 and machine.start_seconds > 0
