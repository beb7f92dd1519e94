"""Every command of the project answers malformed settings with one error and no traceback."""

import pytest
from small_project import ROOT, run, write_project

COMMANDS = sorted(path.stem for path in (ROOT / "pipeline").glob("*.py") if path.stem != "__init__")
ARGUMENTS = {
    "docs": [],
    "export": ["digits-16-wgan_gp", "folder"],
    "inputs": [],
    "notebook": ["--suite", "quick"],
    "readme": [],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_malformed_settings(tmp_path, name):
    write_project(tmp_path, {"train.stepz": 1})
    (tmp_path / "README.md").write_text("<!-- paper-vs-ours: -->\n<!-- end of paper-vs-ours -->\n")
    found = run(tmp_path, f"pipeline.{name}", *ARGUMENTS.get(name, ["quick"]))
    assert found.returncode == 2 and "Traceback" not in found.stderr, found.stderr
    assert found.stderr.startswith("error: params.yaml: train.stepz: unknown key (did you mean steps?)")
    assert len(found.stderr.splitlines()) <= 2
