"""Plans of every suite on a machine of known speed, their table, and what counts as done."""

import json
import os

import pytest
from ruamel.yaml import YAML
from small_project import run, write_project

from selfsparse.config import load_settings
from selfsparse.errors import SettingsError
from selfsparse.files import hash_file
from selfsparse.inputs import write_inputs
from selfsparse.planning import plan as planning
from selfsparse.planning.calibration import Machine, _fitted
from selfsparse.planning.cost import step_cost
from selfsparse.planning.plan import image_count, make_plan, plan_text, si

# A second a TFLOP, half of one for features; a millisecond an operation; starting a process takes three seconds.
MACHINE = Machine(
    "cpu", "CPU (a CPU with a name of some length, for instance)", 2, 1, "fp32", 2e12, 2e12, 1e12, 1e-3, 3.0, ()
)
NAME = "mnist-32-self_sparse-laptop"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.chdir(write_project(tmp_path, {"suites.laptop.train.seeds": [0, 1, 2]}))
    monkeypatch.setattr(planning, "calibrate", lambda configurations, device, feature_precision: MACHINE)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    return load_settings()


def entry(plan, name=NAME):
    return next(c for suite in plan["suites"].values() for c in suite["configurations"] if c["name"] == name)


def put(path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()


@pytest.mark.slow
def test_every_suite_in_80_columns_and_as_json(settings):
    plan = make_plan(settings, settings.suites)
    text = plan_text(plan)
    assert max(map(len, text.splitlines())) <= 80
    names = [c["name"] for suite in plan["suites"].values() for c in suite["configurations"]]
    assert names == list(settings.configurations)
    assert set(names) <= {line.split(" ")[0] for line in text.splitlines()}  # whole
    assert json.loads(json.dumps(plan)) == plan
    assert len(plan["machines"]) == 1 and set(plan["suites"]) == set(settings.suites)
    paper = plan["suites"]["paper"]
    assert "No CUDA GPU here" in " ".join(text.split()) and (paper["device_wanted"], paper["device"]) == ("cuda", "cpu")
    assert paper["total"]["runs"] == 108 and paper["total"]["runs_done"] == 0
    # Ten passes of the discriminator per discriminator step and a linear penalty would make 6.8 EFLOP.
    assert paper["total"]["training_flops"] / 1e18 == pytest.approx(7.75, abs=0.01)
    assert paper["total"]["feature_flops"] / 1e18 == pytest.approx(1.42, abs=0.01)


def test_time_of_a_configuration(settings):
    c, found = settings.configuration(NAME), entry(make_plan(settings, ["laptop"]))
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
    before = entry(make_plan(settings, ["laptop"]))
    for seed in (0, 1):
        put(tmp_path / f"results/laptop/runs/{NAME}/seed{seed}/run.json")
    found = entry(make_plan(settings, ["laptop"]))
    assert found["done"] == {"runs": 2, "measured": False, "changed": False}
    share = found["remaining_seconds"] / before["remaining_seconds"]
    assert 1 / 3 < share < 0.6
    for path in (f"fid/{NAME}/fid.csv", f"sparsity/{NAME}/sparsity.csv", f"runs/{NAME}/seed2/run.json"):
        put(tmp_path / "results/laptop" / path)
    plan = make_plan(settings, ["laptop"])
    assert entry(plan)["remaining_seconds"] == 0 and plan["suites"]["laptop"]["total"]["runs_done"] == 3
    assert " 3 m " in plan_text(plan)


def test_what_was_made_under_other_settings_is_not_done(settings, tmp_path):
    put(tmp_path / f"results/laptop/runs/{NAME}/seed0/run.json")

    def lock(md5: str) -> None:
        stage = {"deps": [{"path": f"data/inputs/train/{NAME}.json", "md5": md5}]}
        with open(tmp_path / "dvc.lock", "w") as file:
            YAML(typ="safe").dump({"stages": {f"train@{NAME}": stage}}, file)

    write_inputs(settings, tmp_path / "inputs")
    lock(hash_file(tmp_path / f"inputs/train/{NAME}.json", "md5"))
    assert entry(make_plan(settings, ["laptop"]))["done"]["changed"] is False
    lock("0" * 32)
    plan = make_plan(settings, ["laptop"])
    assert entry(plan)["done"]["changed"] is True and plan["suites"]["laptop"]["total"]["runs_done"] == 0
    assert " changed " in plan_text(plan)


def test_the_fit_finds_what_made_the_times():
    networks = [{"operations": n, "flops": f, "seconds": n * 2e-5 + f / 3e10} for n, f in ((500, 5e8), (900, 3e10))]
    per_operation, per_flop = _fitted(networks)
    assert (per_operation, 1 / per_flop) == pytest.approx((2e-5, 3e10))
    # One network alone, and one that grows slower with its operations than any fit with positive numbers.
    assert min(_fitted(networks[:1])) >= 0 and min(_fitted([*networks, {**networks[0], "seconds": 1e-5}])) >= 0


def test_amounts():
    assert [si(x) for x in (7.748e18, 999.6e9, 12, 2500)] == ["7.75 E", "1000 G", "12 ", "2.5 k"]


def test_an_unknown_suite(settings):
    with pytest.raises(SettingsError, match="did you mean paper"):
        make_plan(settings, ["papre"])


@pytest.mark.slow
def test_the_script_calibrates_here(tmp_path):
    write_project(tmp_path)
    found = run(tmp_path, "selfsparse", "plan", "quick", "--json")
    assert found.returncode == 0, found.stderr
    plan = json.loads(found.stdout)
    machine = plan["machines"][0]
    assert machine["device"] == "cpu" and machine["cores"] <= os.cpu_count()
    assert 1e8 < machine["ceiling"] < 1e15 and machine["step_rate"] > 0 and machine["start_seconds"] > 0
    assert 2 <= len(machine["networks"]) <= 3
    assert plan["suites"]["quick"]["total"]["remaining_seconds"] > 0
