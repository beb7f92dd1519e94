"""data/inputs/: which stages an edit of a setting puts out of date, and that no stage reads more than stands there."""

import hashlib
import json
import os
import subprocess

import pytest
from dvc_project import dvc, environment, write_dvc_project
from ruamel.yaml import YAML
from small_project import CONFIGURATION, REMOVED, params, write_project

from selfsparse import inputs
from selfsparse.code import SHAPES_NOTHING, code_of
from selfsparse.config import load_settings
from selfsparse.inputs import OF_SUITES, inputs_md5, inputs_of, write_inputs
from selfsparse.validation import StrictModel

NAMES = params()["configurations"]
QUICK = {f"{stage}/quick" for stage in OF_SUITES}
NOTEBOOKS = {f"notebook/{suite}" for suite in params()["suites"]}
WITH_MNIST = NOTEBOOKS - {"notebook/quick"}  # those that show a configuration of another suite under the same extractor


def of_configurations(names, *stages) -> set[str]:
    return {f"{stage}/{name}" for name in names for stage in (stages or ("train", "measure"))}


def of_suites(names) -> set[str]:
    return {f"{stage}/{NAMES[name]['suite']}" for name in names for stage in OF_SUITES}


@pytest.fixture(scope="module", autouse=True)
def without_code():
    """These edits touch no code, and its hashes take a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "code_hashes", lambda *paths, **options: {})
        yield


def made(folder, changes: dict | None = None) -> dict[str, dict]:
    settings = load_settings(write_project(folder, changes) / "params.yaml")
    return {f"{stage}/{name}": inputs_of(settings, stage, name) for stage, name in inputs._stages(settings)}


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    return made(tmp_path_factory.mktemp("unchanged"))


WITH_A1 = [name for name, row in NAMES.items() if row["network"] == "A1"]
OWN_LRS = [n for n, row in NAMES.items() if "generator_lr" in row.get("train", {})]
BATCH_STATISTICS = [n for n, row in NAMES.items() if row.get("train", {}).get("sampling_batch_norm") == "batch"]
BY_LENET = [f"extractor/{name}" for name, row in params()["extractors"].items() if row["extractor"].startswith("lenet")]
SHARED_SEEDS = [name for name, row in NAMES.items() if "seeds" not in params()["suites"][row["suite"]]["train"]]
ROW = NAMES[CONFIGURATION]
EDITS = {
    "nothing": ({}, set()),
    "where the user's files are": ({"raw_data": "elsewhere"}, set()),
    "how often states are saved": ({"suites.quick.train.checkpoint_every": 20}, set()),
    "how many runs at a time": ({"train.parallel_seeds": 1}, set()),
    "one more seed": (
        {"train.seeds": [0, 1, 2, 3]}, of_configurations(SHARED_SEEDS) | of_suites(SHARED_SEEDS) | NOTEBOOKS,
    ),
    "a suite's steps": (
        {"suites.quick.train.steps": 100},
        of_configurations([n for n, row in NAMES.items() if row["suite"] == "quick"]) | QUICK,
    ),
    # The notebooks of suites under the same extractor show its pair; SAGAN has rates of its own.
    "a rate that suites override": (
        {"train.generator_lr": 0.002},
        of_configurations(own := [n for n, r in NAMES.items() if r["suite"] in ("gpu_hour", "paper", "controls") and n not in OWN_LRS])
        | of_suites(own)
        | WITH_MNIST,
    ),
    "a configuration more": (
        {f"configurations.{CONFIGURATION}-more": ROW | {"train": {"steps": 40}}},
        of_configurations([f"{CONFIGURATION}-more"]) | QUICK | {"paper_audit/all"},
    ),
    "a configuration less": ({f"configurations.{CONFIGURATION}": REMOVED}, of_configurations([CONFIGURATION]) | QUICK | {"paper_audit/all"}),
    "a network's width": (
        {"networks.A1.generator_widths": [256, 128, 32]},
        of_configurations(WITH_A1) | of_suites(WITH_A1) | WITH_MNIST | {"paper_audit/all"},
    ),
    "a network that nobody trains": ({"networks.A2.position_size": 8}, {"paper_audit/all"}),
    "images in a pass": (
        {"fid.batch_size": 125},
        of_configurations(NAMES, "measure") | of_configurations(BATCH_STATISTICS, "train")
        | {f"reference/{name}" for name in params()["extractors"]},
    ),
    "KID's subsets": ({"fid.kid_subsets": 20}, of_configurations(NAMES, "measure")),
    "a suite's own subsets of KID": (
        {"suites.quick.fid.kid_subset_size": 50},
        of_configurations([n for n, row in NAMES.items() if row["suite"] == "quick"], "measure"),
    ),
    "latents of the sparsity": ({"sparsity.latents": 4000}, of_configurations(NAMES, "measure")),
    "which stages count": ({"sparsity.counted_stages": "all"}, {f"{s}/{suite}" for s in OF_SUITES for suite in params()["suites"]}),
    "when the plan looks": ({"decide.looks": [6, 12]}, NOTEBOOKS | {f"report/{suite}" for suite in params()["suites"]}),
    "the classifier": ({"lenet.epochs": 6}, set(BY_LENET)),
    "which real images": ({"real_images.count": "all"}, {f"reference/{name}" for name in params()["extractors"]}),
    "the photographs": (
        {"sources.photos.crops": 4100},
        {"data/photos-16"} | QUICK | NOTEBOOKS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_changes_the_inputs_of_what_it_concerns(unchanged, tmp_path, edit):
    changes, expected = EDITS[edit]
    after = made(tmp_path, changes)
    assert {name for name in unchanged.keys() | after.keys() if unchanged.get(name) != after.get(name)} == expected


def test_what_is_the_same_is_not_written_again(tmp_path):
    settings = load_settings(write_project(tmp_path) / "params.yaml")
    write_inputs(settings, tmp_path / "inputs")
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("inputs/*/*")}
    gone = tmp_path / "inputs/train/renamed.json"
    gone.write_text("{}")
    write_inputs(settings, tmp_path / "inputs")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("inputs/*/*")} == times
    text = (tmp_path / f"inputs/train/{CONFIGURATION}.json").read_text()
    assert inputs_md5(settings, "train", CONFIGURATION) == hashlib.md5(text.encode()).hexdigest()


def test_notebooks_depend_on_the_results_of_other_suites_that_they_show(unchanged, tmp_path, monkeypatch):
    """A control stands against the paper's own configurations, another reading against those of laptop."""
    monkeypatch.chdir(write_project(tmp_path))
    for suite in ("paper", "laptop"):
        (tmp_path / f"results/{suite}/summary").mkdir(parents=True)
        (tmp_path / f"results/{suite}/summary/fid.csv").write_text("x")
    before = {name: value | {"summaries": {}} if "summaries" in value else value for name, value in unchanged.items()}
    after = made(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {
        "notebook/controls", "notebook/sensitivity", "notebook/gpu_hour",
    }  # fmt: skip


def test_every_setting_is_an_input_of_a_stage():
    """One that no stage names could change without anything being run again."""
    settings = load_settings()
    found = [_leaves(inputs_of(settings, stage, name)["settings"]) for stage, name in inputs._stages(settings)]
    of_suites = {"figures": settings.figures["quick"]}  # a stage of a suite has its own alone
    whole = _leaves(settings.model_dump(mode="json", exclude={"raw_data", "suites"}) | of_suites)
    assert whole - set().union(*found) == {"parallel_seeds", "checkpoint_every", "download"}


def _leaves(value: dict) -> set[str]:
    """The names of all values that are no sections."""
    inner = (_leaves(item) if isinstance(item, dict) else {key} for key, item in value.items())
    return set().union(*inner)


# What stages really read


SECTIONS = {
    "train": "Train", "fid": "Fid", "sparsity": "Sparsity", "network": "Network", "dataset": "Dataset", "extractor": "Extractor",
    "real_images": "RealImages", "training": "ClassifierTraining", "configuration": "Configuration",
}  # fmt: skip
NO_NUMBER = {
    ("Train", "parallel_seeds"), ("Train", "checkpoint_every"),
    ("Configuration", "source"),  # what was packed of it is in the manifest
    ("Fid", "batch_size"),  # of no influence on an FID: tests/metrics/test_frechet.py
}  # fmt: skip


def _allowed(value, found: set) -> set:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in SECTIONS and isinstance(inner, dict):
                found |= {(SECTIONS[key], name) for name in inner}
            _allowed(inner, found)
    return found


STAGE_NAMES = {
    "data": "digits-16", "extractor": "digits-16-lenet", "reference": "digits-16-lenet", "train": CONFIGURATION,
    "measure": CONFIGURATION,
}  # fmt: skip


@pytest.fixture(scope="module")
def settings_read(tmp_path_factory):
    """The settings that each stage of the small project reads, in this process: pairs of a model's and a field's name."""
    import importlib

    import torch
    from small_project import SMALL

    from selfsparse.training.loop import train_runs

    folder, read, found = write_project(tmp_path_factory.mktemp("read"), SMALL), set(), {}
    original = StrictModel.__getattribute__

    def recording(self, name):
        if name in type(self).model_fields:
            read.add((type(self).__name__, name))
        return original(self, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = load_settings()
        patch.setattr(StrictModel, "__getattribute__", recording)
        for stage, name in STAGE_NAMES.items():
            read.clear()
            if stage == "train":  # in this process
                train_runs(settings, settings.configuration(name), (0,), torch.device("cpu"), 0)
            else:
                importlib.import_module(f"pipeline.{stage}").main(settings, name)
            found[stage] = set(read)
        patch.undo()
        found["settings"] = settings
    return found


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_a_stage_reads_no_setting_that_is_not_its_input(settings_read, stage):
    allowed = _allowed(inputs_of(settings_read["settings"], stage, STAGE_NAMES[stage])["settings"], set())
    # Those that only lead to others; `download`: how data come here.
    sections = {"Settings", "Sources", "Download", "Embedded"}
    read = {(model, name) for model, name in settings_read[stage] if model not in sections}
    assert read - allowed <= (NO_NUMBER if stage == "train" else NO_NUMBER - {("Fid", "batch_size")})


HOOK = """
import os, sys
if "DVC_STAGE" in os.environ:
    place = os.path.join(os.environ["OPENED"], os.environ["DVC_STAGE"])
    log = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    def hook(event, arguments):
        if event == "open" and isinstance(arguments[0], (str, bytes)) and not (arguments[2] or 0) & (os.O_WRONLY | os.O_CREAT):
            path = os.path.abspath(os.fsdecode(arguments[0]))
            if os.path.isfile(path):  # a folder that is removed is opened too
                os.write(log, path.encode() + b"\\n")
    sys.addaudithook(hook)
"""
# Settings count by value, and dvc.lock says whether a result is missing; states of trainings and times are no stage's.
# The name of a prepared extractor is in data/extractors: another one makes all runs anew, which a summary depends on.
BESIDE = (
    "params.yaml",
    "selfsparse/data/datasets.toml",
    "dvc.lock",
    ".dvc/config",
    ".checkpoints",
    "data/code.json",
    "data/extractors",
    ".matplotlib",
    "notebooks",  # which there are; what they show is in their executed copies
    *(f"results/quick/{k}" for k in ("provenance", "latency")),
)


@pytest.mark.slow
def test_a_stage_reads_no_file_that_it_does_not_depend_on(tmp_path):
    """Every process of every stage under a hook for the files that Python opens, kernels of notebooks included."""
    folder, opened = write_dvc_project(tmp_path / "project"), tmp_path / "opened"
    opened.mkdir()
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook/sitecustomize.py").write_text(HOOK)
    own = environment(folder) | {"OPENED": str(opened)}
    own["PYTHONPATH"] = os.pathsep.join([str(tmp_path / "hook"), str(folder)])
    subprocess.run(
        [*dvc("repro"), "report@quick", "generators@quick"], cwd=folder, env=own, check=True, capture_output=True
    )
    lock = YAML(typ="safe").load((folder / "dvc.lock").read_text())["stages"]
    assert {name.split("@")[0] for name in lock} == {"inputs", *STAGE_NAMES, *OF_SUITES, "paper_audit"}
    for name, entry in lock.items():
        if name == "inputs":
            continue
        read = {os.path.relpath(line, folder) for line in (opened / name).read_text().splitlines()}
        read = {path for path in read if not path.startswith("..") and "__pycache__" not in path}
        read = {path for path in read if not path.endswith(".partial")}  # its own, on their way to their names
        own = name.replace("@", "/") if "@" in name else f"{name}/all"
        code = set(json.loads((folder / f"data/inputs/{own}.json").read_text())["code"]) | SHAPES_NOTHING
        # Settings ask for models' names; test_code says who needs more.
        code |= {"selfsparse/heads.py", "selfsparse/registry.py"}
        if name.startswith("data@"):  # which imports the readers of other datasets too, and uses none of them
            code |= set(code_of("data"))
        named = (*(item["path"] for item in (*entry["deps"], *entry["outs"])), *BESIDE)
        below = {path for path in read - code for item in named if path == item or path.startswith(f"{item}/")}
        assert not {path for path in read - code - below if not path.endswith("__init__.py")}, name
        assert code & read, name  # the hook was there
