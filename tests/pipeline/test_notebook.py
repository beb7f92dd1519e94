"""The notebook, report and correlation scripts from their command lines."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


@pytest.fixture
def project(tmp_path) -> Path:
    """A project in which nothing has run."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    (tmp_path / "dvc.yaml").touch()
    return tmp_path


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def check_stands_alone(executed: Path, empty: Path) -> None:
    """Its figures and tables are in it, and what nbconvert makes of it, with no settings of ours, needs no other file."""
    empty.mkdir()
    outputs = [o for c in json.loads(executed.read_text())["cells"] for o in c.get("outputs", []) if "data" in o]
    shown = [o["data"] for o in outputs if "image/png" in o["metadata"]]
    assert shown and all(base64.b64decode(d["image/png"]).startswith(b"\x89PNG") for d in shown)
    assert not any("<img" in "".join(o["data"].get("text/html", [])) for o in outputs)
    assert any("<table>" in "".join(o["data"].get("text/html", [])) for o in outputs)
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--embed-images", "--output-dir", ".", str(executed)]
    subprocess.run(command, cwd=empty, check=True, capture_output=True)
    (page,) = empty.iterdir()
    sources = re.findall(r"<img[^>]*? src=\"([^\"]*)", page.read_text())
    assert len(sources) == len(shown) and all(source.startswith("data:image/png") for source in sources)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_an_error_that_the_user_can_mend_has_no_traceback_in_a_notebook_either(project):
    summary = project / "results/quick/summary"
    summary.mkdir(parents=True)
    (summary / "fid.csv").write_text("seed\n0\n")
    found = run(project, "pipeline.notebook", "table_ablation", "--suite", "quick")
    assert found.returncode == 2 and len(found.stderr.splitlines()) == 1
    assert found.stderr.startswith("error: notebooks/table_ablation.ipynb: fid.csv: missing columns configuration")
    assert "dvc repro summary@quick" in found.stderr


def test_unknown_notebook_is_one_line(project):
    found = run(project, "pipeline.notebook", "table_fdi", "--suite", "quick")
    assert found.returncode == 2 and "did you mean table_fid" in found.stderr and len(found.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_notebook_from_a_folder_below_the_root(project, tmp_path, monkeypatch):
    long = project / ("x" * 100)  # longer than a path of a kernel's sockets may be
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    found = run(project / "notebooks", "pipeline.notebook", "table_ablation", "--suite", "paper")
    assert (found.returncode, found.stderr) == (0, "")
    executed = (project / "results/paper/notebooks/table_ablation/table_ablation.ipynb").read_text()
    assert str(project) not in executed
    check_stands_alone(project / "results/paper/notebooks/table_ablation/table_ablation.ipynb", tmp_path / "elsewhere")
    assert (project / "results/paper/tables/table_ablation/ablation.csv").is_file()
    assert "## table_ablation\n\n**Ablation" in (project / "results/paper/tables/README.md").read_text()


@pytest.mark.slow
def test_a_failing_cell_and_a_warning_are_errors(project):
    path = project / "notebooks" / "table_ablation.ipynb"
    good = path.read_text()
    path.write_text(good.replace("results = page.results", "results = 1 / 0"))
    found = run(project, "pipeline.notebook", "table_ablation", "--suite", "quick")
    assert found.returncode == 2 and "ZeroDivisionError" in found.stderr
    path.write_text(
        good.replace("results = page.results", "results = page.results; __import__('warnings').warn('look here')")
    )
    found = run(project, "pipeline.notebook", "table_ablation", "--suite", "quick")
    assert found.returncode == 2 and "look here" in found.stderr
    assert not (project / "results/quick/notebooks").exists()


LOUD = """
import matplotlib, pandas, sys, warnings
matplotlib.rcParams.update({"lines.linewidth": 5, "font.size": 30, "text.usetex": True})
pandas.set_option("display.precision", 1)
print("not asked for", file=sys.stderr)
warnings.simplefilter("ignore")
"""


@pytest.mark.slow
def test_what_a_user_has_set_up_for_matplotlib_jupyter_and_python_changes_no_byte(project, tmp_path):
    """A matplotlibrc, wherever one is looked for, start-up scripts, another kernel "python3", and no folder to write into."""
    assert run(project, "pipeline.notebook", "table_ablation", "--suite", "quick").returncode == 0
    plain = files(project / "results")
    home = tmp_path / "home"
    for path, text in {
        ".config/matplotlib/matplotlibrc": "lines.linewidth: 5",
        "elsewhere/matplotlibrc": "text.usetex: True",
        ".ipython/profile_default/startup/loud.py": LOUD,
        ".ipython/profile_default/ipython_config.py": "get_config().InteractiveShellApp.exec_lines = ['1 / 0']",
        "startup.py": LOUD,
        "site/sitecustomize.py": LOUD,
        "jupyter/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "Another", "language": "python"}',
    }.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    (project / "matplotlibrc").write_text("font.size: 20\nno.such.key: 1\n")
    (home / ".cache").touch()  # no folder can be made here, whoever runs the tests
    found = run(
        project,
        *("pipeline.notebook", "table_ablation", "--suite", "quick"),
        HOME=str(home),
        IPYTHONDIR=str(home / ".ipython"),
        JUPYTER_PATH=str(home / "jupyter"),
        MATPLOTLIBRC=str(home / "elsewhere"),
        MPLBACKEND="module://no.such",
        PYTHONPATH=f"{home / 'site'}{os.pathsep}{ROOT}",
        PYTHONSTARTUP=str(home / "startup.py"),
        PYTHONWARNINGS="always",
    )
    assert found.returncode == 0, found.stderr
    assert files(project / "results") == plain


@pytest.mark.slow
def test_every_notebook_and_the_report_run_twice_alike(project):
    def everything() -> dict[str, bytes]:
        for name in NAMES:
            found = run(project, "pipeline.notebook", name, "--suite", "quick")
            assert (found.returncode, found.stderr) == (0, ""), name
        for stage in (("pipeline.paper_audit",), ("pipeline.report", "quick")):
            found = run(project, *stage)
            assert (found.returncode, found.stderr) == (0, ""), stage
        return files(project / "results")

    first = everything()
    assert everything() == first
    for name in ("audit", "table_architectures"):
        assert {f"paper_audit/notebooks/{name}/{name}.ipynb", f"quick/report/notebooks/{name}.html"} <= first.keys()
    for name in NAMES:
        assert any(f"tables/{name}/" in path for path in first), name
        shows = b"image/png" in first[f"quick/notebooks/{name}/{name}.ipynb"]
        assert any(f"report/figures/{name}/" in path for path in first) == shows, name
        assert f'href="notebooks/{name}.html"' in first["quick/report/notebooks.html"].decode()
        assert f"quick/report/notebooks/{name}.html" in first, name
