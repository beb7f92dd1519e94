"""Every notebook cell by cell, without its kernel: all tables in all forms, all figures; where nothing, and where part of a suite ran."""

import json
import re
import warnings

import pytest
from small_project import ROOT
from test_figure_mechanism import write_snapshots

from selfsparse.analysis.page import Page
from selfsparse.analysis.style import Drawing, rendered
from selfsparse.analysis.table import Table, to_csv, to_latex, to_markdown
from selfsparse.config import load_settings
from selfsparse.report.notebooks import notebooks_of

OF_SUITES = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
ON_THE_PAPER = sorted((ROOT / "notebooks/paper_audit").glob("*.ipynb"))


class Shown:
    """What a notebook hands to its page."""

    def __init__(self, path, suite, monkeypatch):
        self.tables: list[Table] = []
        self.drawings: list[Drawing] = []
        monkeypatch.setattr(Page, "table", lambda page, name, table: self.tables.append(table))
        monkeypatch.setattr(Page, "figure", lambda page, drawings: self.add(drawings))
        names: dict = {}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                if cell["cell_type"] == "code":
                    is_parameters = "parameters" in cell["metadata"].get("tags", [])
                    exec(f"suite = '{suite}'" if is_parameters else "".join(cell["source"]), names)

    def add(self, drawings):
        self.drawings += [drawings] if isinstance(drawings, Drawing) else drawings

    def check(self) -> str:
        """Each table has all its rows and no NaN in any form, each figure a name of its own and words; return the tables' text."""
        for table in self.tables:
            assert len(table.data) == len(table.text)
            for text in (to_csv(table), to_markdown(table), to_latex(table)):
                assert table.data.empty or text.strip()
                assert not re.search(r"\bnan\b", text), table.caption
        assert len({d.name for d in self.drawings}) == len(self.drawings)
        assert all(d.alt.endswith(".") for d in self.drawings)
        return "".join(map(to_markdown, self.tables))


@pytest.mark.parametrize("name", OF_SUITES)
@pytest.mark.parametrize("suite", load_settings().suites)
def test_where_nothing_ran(project, monkeypatch, suite, name):
    (project / "notebooks").symlink_to(ROOT / "notebooks")
    text = Shown(ROOT / f"notebooks/{name}.ipynb", suite, monkeypatch).check()
    assert "not run" in text or name not in notebooks_of(suite)


@pytest.mark.parametrize("name", OF_SUITES)
def test_where_part_ran(ran, monkeypatch, name):
    write_snapshots(ran)
    assert Shown(ROOT / f"notebooks/{name}.ipynb", "quick", monkeypatch).check()


@pytest.mark.slow
@pytest.mark.parametrize("path", ON_THE_PAPER, ids=lambda path: path.stem)
def test_on_the_paper(project, monkeypatch, path):
    shown = Shown(path, None, monkeypatch)
    assert shown.check() and all(len(table.data) for table in shown.tables)
    assert all(rendered(drawing.figure) for drawing in shown.drawings)
