"""The stage scripts and the command `selfsparse` from their command lines."""

import json
import re
import subprocess

import pytest
from small_project import CONFIGURATION, ROOT, SMALL, command, files, run, write_project

SCRIPTS = sorted(p.stem for p in (ROOT / "pipeline").glob("*.py") if p.stem != "__init__")
HEAVY = {
    "torch", "torchvision", "torch_fidelity", "matplotlib", "pandas", "scipy", "sklearn", "papermill",
    "nbconvert", "pydantic",
}  # fmt: skip
# What a stage uses of these, besides pydantic, on digits under lenet. scikit-learn brings the digits, and imports pandas.
USED = {
    "data": {"sklearn", "scipy", "pandas"},
    "extractor": {"torch"},
    "reference": {"torch"},
    "train": {"torch"},
    "measure": {"torch", "torchvision", "torch_fidelity"},  # KID, precision and recall are torch-fidelity's
    "correlation": {"pandas", "scipy"},
    "summary": {"pandas", "scipy"},
    "verdicts": {"pandas", "scipy", "matplotlib", "torch"},
}


def run_and_list_imports(folder, *arguments: str) -> tuple[subprocess.CompletedProcess, set[str], str]:
    """Run `python -m <arguments>`; return how it ended, the HEAVY packages it imported, and its own part of stderr."""
    options = command(folder, *arguments)
    options["args"][1:1] = ["-X", "importtime"]
    found = subprocess.run(**options, capture_output=True, timeout=300)
    lines = found.stderr.splitlines()
    imported = {line.split("|")[-1].strip().split(".")[0] for line in lines if line.startswith("import time:")}
    return found, imported & HEAVY, "\n".join(line for line in lines if not line.startswith("import time:"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_needs_none_of_what_a_stage_needs(tmp_path, script):
    found, imported, _ = run_and_list_imports(tmp_path, f"pipeline.{script}", "--help")
    assert found.returncode == 0 and f"example: python -m pipeline.{script}" in found.stdout
    assert imported == set()


COMMANDS = ("check", "plan", "export", "keep", "status", "decide", "compare", "distribute", "docs", "readme")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_shows_an_example(tmp_path, name):
    found, imported, _ = run_and_list_imports(tmp_path, "selfsparse", name, "--help")
    assert found.returncode == 0 and f"example: selfsparse {name}" in found.stdout
    assert imported <= {"pydantic"}  # which typer reads arguments with


def test_the_command_lists_what_it_can_do(tmp_path):
    found, imported, _ = run_and_list_imports(tmp_path, "selfsparse", "--help")
    listed = re.findall(r"(?m)^  ([a-z]+)  +[A-Z].*[a-z0-9/]\.$", found.stdout)  # with a whole sentence each
    assert tuple(listed) == COMMANDS and imported <= {"pydantic"}


def test_a_shell_completes_suites_and_configurations(tmp_path):
    write_project(tmp_path)
    for line, names in (
        ("selfsparse plan gpu", ["gpu_hour"]),
        ("selfsparse export digits-16-self_sparse-b", ["digits-16-self_sparse-betas_0_09"]),
    ):
        options = command(tmp_path, "selfsparse")
        options["env"] |= {
            "_SELFSPARSE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "2"
        }  # fmt: skip
        assert subprocess.run(**options, capture_output=True, timeout=60).stdout.split() == names


@pytest.mark.parametrize(
    "arguments", [("chek",), ("check", "--quik"), ("check",), ("export", "a", "b", "--generator", "x")]
)
def test_a_command_that_is_misused_says_so(tmp_path, arguments):
    found = run(tmp_path, "selfsparse", *arguments)
    assert (
        found.returncode == 2
        and found.stderr.splitlines()[-1].startswith("Error: ")
        and "Traceback" not in found.stderr
    )


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("selfsparse", "check", "qick"), "quick"),
        (("selfsparse", "plan", "qick"), "quick"),
        (("pipeline.data", "digit-16"), "digits-16"),
        (("pipeline.notebook", "table_fid", "--suite", "qick"), "quick"),
        (("pipeline.notebook", "--suite", "qick"), "quick"),
        (("pipeline.report", "qick"), "quick"),
    ],
)
def test_a_misspelt_name_is_one_line(tmp_path, arguments, near):
    write_project(tmp_path)
    found = run(tmp_path, *arguments)
    assert found.returncode == 2 and len(found.stderr.splitlines()) == 1
    assert found.stderr.startswith("error: ") and f"did you mean {near}" in found.stderr
    assert not (tmp_path / "results").exists()


def test_a_mistake_in_the_settings(tmp_path):
    write_project(tmp_path, {"train.stepz": 3})
    found = run(tmp_path, "pipeline.train", CONFIGURATION)
    assert found.returncode == 2 and found.stderr.startswith("error: params.yaml: train.stepz: unknown key")


@pytest.mark.slow
def test_the_whole_way_from_pixels_to_summary(tmp_path):
    """Every stage of one configuration by its script, in the pipeline's order, in an empty project."""
    write_project(tmp_path, SMALL)
    assert run(tmp_path, "selfsparse", "check", "quick").returncode == 0
    for script, name in (
        ("data", "digits-16"),
        ("extractor", "digits-16-lenet"),
        ("reference", "digits-16-lenet"),
        ("train", CONFIGURATION),
        ("measure", CONFIGURATION),
        ("correlation", "quick"),
        ("summary", "quick"),
        ("verdicts", "quick"),
    ):
        found, imported, said = run_and_list_imports(tmp_path, f"pipeline.{script}", name)
        assert found.returncode == 0, (script, said)
        assert "Traceback" not in said and "Warning" not in said, script
        assert imported <= USED[script] | {"pydantic"}, script
    summary = json.loads((tmp_path / "results/quick/summary.json").read_text())
    assert list(summary) == [CONFIGURATION] and summary[CONFIGURATION]["runs"] == 1
    assert not [
        name
        for name in files(tmp_path)
        if "partial" in name or (name.startswith(".checkpoints") and not name.endswith(".lock"))
    ]
