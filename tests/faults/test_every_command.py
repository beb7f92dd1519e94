"""Every command of the project answers malformed settings with one error and no traceback."""

import pytest
from small_project import ROOT, run, write_project

STAGES = sorted(path.stem for path in (ROOT / "pipeline").glob("*.py") if path.stem != "__init__")
ARGUMENTS = {"inputs": [], "paper_audit": [], "notebook": ["--suite", "quick"]}
COMMANDS = [(f"pipeline.{stage}", *ARGUMENTS.get(stage, ["quick"])) for stage in STAGES]
COMMANDS += [("selfsparse", name, "quick") for name in ("check", "plan", "keep", "decide", "compare", "distribute")]
COMMANDS += [
    ("selfsparse", *rest) for rest in (("export", "digits-16-wgan_gp", "folder"), ("docs",), ("readme",), ("status",))
]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_malformed_settings(tmp_path, command):
    write_project(tmp_path, {"train.stepz": 1})
    (tmp_path / "README.md").write_text("<!-- paper-vs-ours: -->\n<!-- end of paper-vs-ours -->\n")
    found = run(tmp_path, *command)
    assert found.returncode == 2 and "Traceback" not in found.stderr, found.stderr
    assert found.stderr.startswith("error: params.yaml: train.stepz: unknown key (did you mean steps?)")
    assert len(found.stderr.splitlines()) <= 2
