"""The stage scripts from their command lines."""

import json
import subprocess
import time

import pytest
from small_project import CONFIGURATION, ROOT, SMALL, command, files, run, write_project

SCRIPTS = sorted(p.stem for p in (ROOT / "pipeline").glob("*.py") if p.stem != "__init__")
# Of the others, test_notebook.py has notebook, report and correlation; readme is no stage.
OWN = [script for script in SCRIPTS if script not in ("notebook", "report", "correlation", "readme")]


@pytest.mark.parametrize("script", OWN)
def test_help_is_quick_and_needs_no_torch(tmp_path, script):
    options = command(tmp_path, f"pipeline.{script}", "--help")
    options["args"][1:1] = ["-X", "importtime"]
    begun = time.monotonic()
    found = subprocess.run(**options, capture_output=True)
    assert found.returncode == 0 and "example: python -m pipeline." + script in found.stdout
    assert time.monotonic() - begun < 5  # 0.3 s alone; other tests may run beside this one
    imported = {line.split("|")[-1].strip() for line in found.stderr.splitlines() if line.startswith("import time:")}
    assert "selfsparse.config" in imported
    assert not imported & {"torch", "torchvision", "sklearn", "scipy", "pandas"}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_short(script):
    lines = (ROOT / f"pipeline/{script}.py").read_text().splitlines()
    assert len(lines) < 60


@pytest.mark.parametrize(
    ("script", "typo", "near"),
    [
        ("check", "qick", "quick"),
        ("data", "digit-16", "digits-16"),
    ],
)
def test_a_misspelt_name_is_one_line(tmp_path, script, typo, near):
    write_project(tmp_path)
    found = run(tmp_path, f"pipeline.{script}", typo)
    assert found.returncode == 2 and len(found.stderr.splitlines()) == 1
    assert found.stderr.startswith("error: ") and f"did you mean {near}" in found.stderr


def test_a_mistake_in_the_settings(tmp_path):
    write_project(tmp_path, {"train.stepz": 3})
    found = run(tmp_path, "pipeline.train", CONFIGURATION)
    assert found.returncode == 2 and found.stderr.startswith("error: params.yaml: train.stepz: unknown key")


@pytest.mark.slow
def test_the_whole_way_from_pixels_to_summary(tmp_path):
    """Every stage of one configuration by its script, in the pipeline's order, in an empty project."""
    write_project(tmp_path, SMALL)
    for script, name in (
        ("check", "quick"),
        ("data", "digits-16"),
        ("extractor", "digits-16-lenet"),
        ("reference", "digits-16-lenet"),
        ("train", CONFIGURATION),
        ("fid", CONFIGURATION),
        ("sparsity", CONFIGURATION),
        ("correlation", "quick"),
        ("summary", "quick"),
    ):
        found = run(tmp_path, f"pipeline.{script}", name)
        assert found.returncode == 0, (script, found.stderr)
        assert "Traceback" not in found.stderr and "Warning" not in found.stderr, script
    summary = json.loads((tmp_path / "results/quick/summary.json").read_text())
    assert list(summary) == [CONFIGURATION] and summary[CONFIGURATION]["runs"] == 1
    assert not [name for name in files(tmp_path) if "partial" in name or name.startswith(".checkpoints")]
