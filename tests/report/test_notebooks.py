"""The notebooks are thin, and are run one by one or all of a suite."""

import ast
import json
import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from small_project import params, write_project

from selfsparse.analysis.answers import notebook_address
from selfsparse.config import SettingsError
from selfsparse.report import notebooks
from selfsparse.report.notebooks import (
    NotebookError,
    cleaned,
    make_notebook,
    make_notebooks,
    notebook_names,
    notebooks_of,
)
from selfsparse.report.shown import shown as found
from selfsparse.results.reading import load_results

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
ON_THE_PAPER = sorted((Path(__file__).resolve().parents[2] / "notebooks/paper_audit").glob("*.ipynb"))


@pytest.mark.parametrize("path", [*NOTEBOOKS, *ON_THE_PAPER], ids=lambda path: path.stem)
def test_notebook_is_thin(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    parameters = [cell.source for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert parameters == ([] if path in ON_THE_PAPER else ['suite = "quick"'])
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in code:
        assert cell.outputs == [] and cell.execution_count is None and len(cell.source.splitlines()) <= 15
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.Import)
            if isinstance(node, ast.ImportFrom):
                assert node.module == "IPython.display" or node.module.startswith("selfsparse.analysis")


def test_a_notebook_stands_where_its_suite_has_something_for_it(project, monkeypatch):
    """By the rule of the module of its name; one without a rule belongs to every suite."""
    for name in ("table_fid", "figure_feature_maps", "verdicts"):
        write(project, name)
    import selfsparse.analysis.figure_feature_maps as module

    expected = ["figure_feature_maps", "table_fid", "verdicts"]
    assert [notebooks_of(suite) for suite in ("quick", "paper")] == [expected] * 2
    results = load_results("quick")
    assert not module.belongs(replace(results, configurations=results.configurations[:1]))  # of WGAN-GP
    monkeypatch.setattr(module, "belongs", lambda results: len(results.configurations) < 5)
    assert [len(notebooks_of(suite)) for suite in ("quick", "laptop")] == [2, 3]


def test_a_suite_without_figures_has_the_tables_notebooks_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(write_project(tmp_path, {"suites.quick.figures": False}))
    for name in ("table_fid", "figure_feature_maps", "verdicts"):
        write(tmp_path, name)
    assert notebooks_of("quick") == ["table_fid", "verdicts"] and "figure_feature_maps" in notebooks_of("paper")
    assert [notebook_address(suite, "figure_feature_maps") for suite in ("quick", "paper")] == [
        "", "paper/notebooks/figure_feature_maps/figure_feature_maps.ipynb",
    ]  # fmt: skip


def test_the_suites_have_the_notebooks_that_belong(project):
    (project / "notebooks").symlink_to(NOTEBOOKS[0].parent)
    lacks = {
        suite: {path.stem for path in NOTEBOOKS} - set(notebooks_of(suite))
        for suite in ("quick", "laptop", "sensitivity", "paper")
    }
    figures = {path.stem for path in NOTEBOOKS if path.stem.startswith("figure_")}
    assert lacks == {
        "quick": set(),
        "laptop": {"table_robustness", "table_sagan", "table_sensitivity"},
        "sensitivity": {"table_ablation", "table_sagan"} | figures,  # params.yaml: figures: false
        "paper": set(),
    }


def test_unknown_notebook(project):
    write(project, "table_fid")
    with pytest.raises(SettingsError, match="did you mean table_fid"):
        make_notebook("table_fdi", "quick")


def write(project: Path, name: str, last: str = "1", opened: str = "") -> None:
    """Write a notebook into notebooks/, which opens the page of its name or of another."""
    cells = [nbformat.v4.new_code_cell('suite = "quick"', metadata={"tags": ["parameters"]})]
    opened = f'from selfsparse.analysis.page import open_page\npage = open_page(suite, "{opened or name}")'
    cells += [nbformat.v4.new_code_cell(source) for source in (opened, last)]
    (project / "notebooks").mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), project / "notebooks" / f"{name}.ipynb")


def test_a_draft_and_a_copy_are_passed_by_and_said(project, capsys, monkeypatch):
    """As Jupyter makes them: an untitled notebook, and a copy."""
    for name in ("table_fid", "Untitled.1", "table_fid-Copy1"):
        write(project, name)
    assert notebook_names() == ["table_fid"]
    monkeypatch.setattr(notebooks.ThreadPoolExecutor, "map", lambda self, work, names, suites: names)
    assert make_notebooks("quick") == ["table_fid"]
    said = capsys.readouterr().err.splitlines()
    assert [line.split(".ipynb is passed by: ")[0] for line in said] == [
        "notebooks/Untitled.1",
        "notebooks/table_fid-Copy1",
    ]
    with pytest.raises(SettingsError, match=r"no notebook 'Untitled\.1'; there is table_fid"):
        make_notebook("Untitled.1", "quick")


def test_a_draft_named_like_a_module_that_is_no_notebooks_is_passed_by(project, capsys, monkeypatch):
    write(project, "table_fid")
    write(project, "answers", opened="table_fid")
    nbformat.write(nbformat.v4.new_notebook(), project / "notebooks/style.ipynb")
    assert notebook_names() == ["table_fid"]
    monkeypatch.setattr(notebooks.ThreadPoolExecutor, "map", lambda self, work, names, suites: names)
    assert make_notebooks("quick") == ["table_fid"]
    said = [f'{n}.ipynb is passed by: no cell calls open_page(suite, "{n}").' for n in ("answers", "style")]
    assert capsys.readouterr().err.splitlines() == [f"notebooks/{line}" for line in said]


@pytest.mark.parametrize("content", ["", "<<<<<<< HEAD", "[]", '{"cells": [1]}', "\x1b[2J" + 500 * "x"])
def test_a_file_that_is_no_notebook_is_named(project, content):
    write(project, "table_fid")
    (project / "notebooks/table_fid.ipynb").write_text(content)
    with pytest.raises(
        NotebookError, match=r"notebooks/table_fid\.ipynb is no notebook .*: restore it, or move it"
    ) as caught:
        make_notebook("table_fid", "quick")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400


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
def test_tables_are_saved_once_a_notebook_has_ended_well(project):
    """All of one run, and what an earlier one left goes; a notebook that fails changes nothing."""
    folder = project / "results/quick/tables/figure_samples"
    page = folder.parent / "README.md"
    folder.mkdir(parents=True)
    (folder / "old.csv").write_text("kept")
    table = "from selfsparse.analysis.figure_samples import samples_table; page.table('sheets', samples_table(page.results))"
    write(project, "figure_samples", last=f"{table}; page.results.no_such")
    with pytest.raises(NotebookError, match="no_such"):
        make_notebook("figure_samples", "quick")
    assert [path for path in (project / "results").rglob("*") if path.is_file()] == [folder / "old.csv"]
    write(project, "figure_samples", last=table)
    executed = make_notebook("figure_samples", "quick")
    assert [path.name for path in folder.iterdir()] == ["sheets.csv"]
    (output,) = json.loads(executed.read_text())["cells"][-1]["outputs"]
    assert output["data"].keys() == {"text/html", "text/latex", "text/plain"} and output["metadata"] == {
        "table": "sheets"
    }
    shown = found("quick", "figure_samples")
    assert "<td>digits-16-wgan_gp</td>" in shown.tables["sheets"]["text/html"] and not shown.figures
    said = page.read_text()
    assert said.startswith("# Tables\n\n## figure_samples\n\n**The generators behind the sample sheets.**")
    page.write_text(said + "\n## table_other\n\n**Other.**\n")
    make_notebook("figure_samples", "quick")  # leaves the sections of others
    assert page.read_text() == said + "\n## table_other\n\n**Other.**\n"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_opened_by_hand_with_a_suite_that_does_not_exist(project, path):
    """As in Jupyter: cell after cell, until one fails. It names the suites that there are, before anything is written."""
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    names: dict = {}
    with pytest.raises(SettingsError) as caught:
        for cell in code:
            is_parameters = "parameters" in cell.metadata.get("tags", [])
            exec('suite = "../quick"' if is_parameters else cell.source, names)
    message = str(caught.value)
    assert "no suite '../quick'" in message and f"suites has {', '.join(params()['suites'])}" in message
    assert len(message.splitlines()) == 1
    left = {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}
    assert left == {"dvc.yaml", "params.yaml"}


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
