"""The notebooks are thin, and their parameters are checked."""

import ast
import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from small_project import params

from selfsparse.analysis import notebooks
from selfsparse.analysis.notebooks import (
    NotebookError,
    check_parameters,
    cleaned,
    make_notebook,
    make_notebooks,
    notebook_names,
)
from selfsparse.config import SettingsError

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_thin(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if "parameters" in cell.metadata.get("tags", [])] == ['suite = "quick"']
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in code:
        assert cell.outputs == [] and cell.execution_count is None and len(cell.source.splitlines()) <= 15
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.Import)
            if isinstance(node, ast.ImportFrom):
                assert node.module == "IPython.display" or node.module.startswith("selfsparse.analysis")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_figure_is_introduced_and_followed_by_what_we_see(path):
    """Prose or another part of the page stands before a figure; the next cell that is no figure says something of it."""
    cells = nbformat.read(path, as_version=4).cells
    shows = [cell.cell_type == "code" and "page.figure(" in cell.source for cell in cells]
    for i, figure in enumerate(shows):
        if figure:
            assert any(cell.cell_type == "markdown" for cell in cells[:i])
            following = next(cell for cell, shown in zip(cells[i + 1 :], shows[i + 1 :], strict=True) if not shown)
            assert following.cell_type == "code" and re.search(
                r"sentences\.|seen\(|findings\.shown\(", following.source
            )


def test_unknown_parameter():
    with pytest.raises(SettingsError, match=r"no parameter .*'siute' .*did you mean suite"):
        check_parameters("table_fid", {"siute": "quick"}, {"suite": {}})


def test_missing_parameter():
    with pytest.raises(SettingsError, match="no value for parameter 'seed'"):
        check_parameters("table_fid", {"suite": "quick"}, {"suite": {}, "seed": {}})


def test_unknown_notebook(project):
    write(project, "table_fid")
    with pytest.raises(SettingsError, match="did you mean table_fid"):
        make_notebook("table_fdi", "quick")


def write(project: Path, name: str, tags=("parameters",), page: str | None = None, last: str = "1") -> None:
    """Write a notebook into notebooks/."""
    cells = [nbformat.v4.new_code_cell('suite = "quick"', metadata={"tags": list(tags)})]
    opened = f'from selfsparse.analysis.page import open_page\npage = open_page(suite, "{page or name}")'
    cells += [nbformat.v4.new_code_cell(source) for source in (opened, last)]
    (project / "notebooks").mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), project / "notebooks" / f"{name}.ipynb")


def test_a_draft_and_a_copy_are_passed_by_and_said(project, capsys, monkeypatch):
    """As Jupyter makes them: an untitled notebook, and a copy that would write where its original does at the same time."""
    write(project, "table_fid")
    write(project, "Untitled", tags=[])
    write(project, "table_fid-Copy1", page="table_fid")
    assert notebook_names() == ["table_fid"]
    monkeypatch.setattr(notebooks.ThreadPoolExecutor, "map", lambda self, work, names, suites: names)
    assert make_notebooks("quick") == ["table_fid"]
    said = capsys.readouterr().err.splitlines()
    assert [line.split(".ipynb is passed by: ")[0] for line in said] == [
        "notebooks/Untitled",
        "notebooks/table_fid-Copy1",
    ]
    assert "parameters" in said[0] and "'table_fid'" in said[1]
    with pytest.raises(NotebookError, match=r"Untitled\.ipynb is not run: .*'parameters'"):
        make_notebook("Untitled", "quick")


@pytest.mark.parametrize("content", ["", "<<<<<<< HEAD", "[]", '{"cells": [1]}'])
def test_a_file_that_is_no_notebook_is_named(project, content):
    write(project, "table_fid")
    (project / "notebooks/table_ablation.ipynb").write_text(content)
    with pytest.raises(NotebookError, match=r"notebooks/table_ablation\.ipynb is no notebook .* restore it"):
        make_notebooks("quick")


@pytest.mark.slow
def test_a_notebook_that_names_no_kernel_in_a_folder_with_braces(tmp_path, project, monkeypatch):
    """As editors other than Jupyter save it, and as a template's name is left in a path."""
    folder = shutil.copytree(project, tmp_path / "{name}")
    monkeypatch.chdir(folder)
    write(folder, "table_fid", last="page.results.suite")
    assert json.loads(make_notebook("table_fid", "laptop").read_text())["cells"][-1]["outputs"][0]["data"] == {
        "text/plain": ["'laptop'"]
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("import os; os.kill(os.getpid(), 9)", "Kernel died, as where memory runs out"),
        ("import sys; sys.exit(0)", "a cell ended the notebook before its last cell"),
    ],
)
def test_a_notebook_that_ends_early_is_one_error(project, last, said):
    write(project, "table_fid", last=last)
    with pytest.raises(NotebookError, match=rf"^notebooks/table_fid\.ipynb: {said}"):
        make_notebook("table_fid", "quick")


@pytest.mark.slow
def test_a_notebook_that_fails_leaves_what_an_earlier_run_made(project):
    kept = project / "results/quick/figures/table_fid/fid.png"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"kept")
    write(project, "table_fid", last="page.table('fid', page.results.no_such)")
    with pytest.raises(NotebookError, match="no_such"):
        make_notebook("table_fid", "quick")
    left = [path for path in (project / "results").rglob("*") if path.is_file()]
    assert left == [kept] and kept.read_bytes() == b"kept"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_opened_by_hand_with_a_suite_that_does_not_exist(project, path):
    """As in Jupyter: cell after cell, until one fails. It names the suites that there are, before anything is written."""
    kept = project / "results/quick/tables/table_fid/fid.md"
    kept.parent.mkdir(parents=True)
    kept.write_text("kept")
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    names: dict = {}
    with pytest.raises(SettingsError) as caught:
        for cell in code:
            is_parameters = "parameters" in cell.metadata.get("tags", [])
            exec('suite = "../quick"' if is_parameters else cell.source, names)
    message = str(caught.value)
    assert "no suite '../quick'" in message and f"suites has {', '.join(params()['suites'])}" in message
    assert len(message.splitlines()) == 1
    found = {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}
    assert found == {"dvc.yaml", "params.yaml", "results/quick/tables/table_fid/fid.md"}


def test_cleaning_takes_out_times_versions_and_paths(tmp_path):
    cell = nbformat.v4.new_code_cell("1", metadata={"papermill": {"duration": 1.5}, "tags": ["injected-parameters"]})
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=f"{tmp_path}/results/x.csv")]
    notebook = nbformat.v4.new_notebook(
        cells=[cell],
        metadata={"papermill": {"start_time": "now"}, "language_info": {"name": "python", "version": "3.11.7"}},
    )
    found = cleaned(notebook, tmp_path)
    assert found.metadata.keys() == {"kernelspec", "language_info"} and found.metadata.language_info == {
        "name": "python"
    }
    assert found.cells[0].metadata == {"tags": ["injected-parameters"]} and found.cells[0].id == "injected-parameters"
    assert found.cells[0].outputs[0].text == "results/x.csv"


def test_markdown_that_a_cell_puts_out_gets_its_html(tmp_path):
    cell = nbformat.v4.new_code_cell("page.table(fid)")
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/markdown": "| a |\n| --- |\n| <b>1 |\n"})]
    (output,) = cleaned(nbformat.v4.new_notebook(cells=[cell]), tmp_path).cells[0].outputs
    assert "<td>&lt;b&gt;1</td>" in output.data["text/html"]
