"""The report as a site: whole, readable without a mouse or eyes, and honest about what is not there."""

import base64
import csv
import html
import re
import shutil

import nbformat
import pandas as pd
import pytest
from site_checks import check_site, committed_quick
from small_project import ROOT, write_project

from selfsparse.paper.printed import claims
from selfsparse.paths import PAPER_AUDIT
from selfsparse.report import html as html_of
from selfsparse.report.contents import items
from selfsparse.report.html import dressed, markdown_html, notebook_html
from selfsparse.report.notebooks import cleaned, notebooks_of
from selfsparse.report.shown import Shown, shown
from selfsparse.report.site import make_report
from selfsparse.results.text import duration

ITEMS = items()


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """results/quick as committed, with a report made of it anew, in a project of its own."""
    folder = committed_quick(tmp_path_factory.mktemp("committed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parents[1])
        make_report("quick")
    return folder


def _home(item) -> str:
    """Where a section's notebook and tables lie: below notebooks/ and results/ where it is on the paper itself."""
    return PAPER_AUDIT if item.notebook in notebooks_of(PAPER_AUDIT) else ""


def test_contents_name_every_claim_once_and_notebooks_that_there_are():
    assert sorted(c for item in ITEMS for c in item.claims) == sorted(claim.id for claim in claims())
    assert len({item.id for item in ITEMS}) == len(ITEMS)
    for item in ITEMS:
        assert (ROOT / "notebooks" / _home(item) / f"{item.notebook}.ipynb").is_file()
        assert item.tables or item.figures
    papers = [bool(item.paper) for item in ITEMS]
    assert papers == sorted(papers, reverse=True)


def test_contents_name_every_table_and_figure_of_the_paper():
    tables = [f"Table {n}" for n in (1, 2, "3 of the first version", 3, 4, 7, 8, 9, 10)]
    assert {item.paper for item in ITEMS if item.paper} == {
        "Figures 1 to 3", "Section 2.2", *tables, *(f"Figure {n}" for n in range(4, 9)), "Tables 5, 6 and A1 to D4",
    }  # fmt: skip


@pytest.mark.slow
def test_the_committed_results_as_a_site(committed):
    pages = check_site(committed / "report")
    index, results = pages["index.html"].text, pages["results.html"].text
    for item in ITEMS:
        for table in item.tables:
            place = f"../{_home(item)}/tables" if _home(item) else "tables"
            made = (committed / f"{place}/{item.notebook}/{table}.csv").is_file()
            assert made == (f'href="../{place}/{item.notebook}/{table}.csv"' in results)
    for notebook in (ROOT / "notebooks").rglob("*.ipynb"):
        home = committed.parent / PAPER_AUDIT if notebook.parent.name == PAPER_AUDIT else committed
        made = (home / "notebooks" / notebook.stem).is_dir()
        assert (f"notebooks/{notebook.stem}.html" in pages) == made
    # Each claim once, with the verdict that the notebook saved.
    with open(committed / "tables/verdicts/claims.csv", newline="", encoding="utf-8") as file:
        verdicts = {row["claim"]: row["verdict"] for row in csv.DictReader(file)}
    for claim in claims():
        row = re.search(rf'<tr id="{claim.id}">(.*?)</tr>', index, re.DOTALL)[1]
        assert html.escape(claim.statement, quote=False) in row.replace("&#39;", "'")
        assert f">{verdicts[claim.id]}</span>" in row
    # What is proven or scored has a colour; a stand-in has a direction and none.
    shown = set(re.findall(r'<span class="verdict ?(\w*)">([^<]+)</span>', index + results))
    colours = {"reproduced": "good", "holds": "good", "not reproduced": "bad", "fails": "bad"}
    assert shown == {(colours.get(word, ""), word) for _, word in shown}
    assert {word for _, word in shown if word.startswith("stand-in: ")}
    ids = re.findall(r'<tr id="(C\d+)">', index)
    assert len(ids) == len(set(ids)) == 45 and not re.search(r"(?s)not run</span>.*>holds</span>", index[index.index('id="decided"'):])  # fmt: skip


@pytest.mark.slow
def test_equal_inputs_give_equal_bytes_and_leftovers_go(ran):
    (ran / "notebooks").symlink_to(ROOT / "notebooks")
    report = make_report("quick").parent
    first = files(report)
    for leftover in (report / "notebooks/gone.html", report / "old/page.html"):
        leftover.parent.mkdir(exist_ok=True)
        leftover.write_text("old")
    assert make_report("quick").parent == report
    assert files(report) == first and not (report / "old").exists()


def test_images_over_training_say_the_step_and_its_fid(committed):
    page = (committed / "report/samples.html").read_text()
    curves = pd.read_csv(committed / "summary/curves.csv")
    for name, rows in curves[curves["seed"] == 0].groupby("configuration"):
        sheet = page[page.index(f'<h3 id="{name}">') :]
        said = re.findall(r"<li>Step ([\d,]+): FID ([\d.]+) \(\w+\)</li>", sheet[: sheet.index("</ol>")])
        assert said == [(f"{row.step:,}", f"{row.fid:.2f}") for row in rows.itertuples()]
    assert page.count('type="range"') == curves["configuration"].nunique()


def test_a_suite_without_figures_has_a_way_to_its_pages(ran):
    (ran / "notebooks").symlink_to(ROOT / "notebooks")
    for kind in ("progress", "samples"):
        shutil.rmtree(ran / f"results/quick/summary/{kind}")
    links = {"results.html", "samples.html", "notebooks.html", "results.html#audit"}
    for figures, why in ((True, "not made"), (False, "left out, as params.yaml has figures: false for this suite")):
        write_project(ran, {"suites.quick.figures": figures})
        pages = check_site(make_report("quick").parent)
        cards = re.search(r'<ul class="cards">(.*?)</ul>', pages["index.html"].text, re.S)[1]
        assert set(re.findall('href="(.*?)"', cards)) == links
        assert f"No sample sheet: {why}." in pages["samples.html"].text


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["quick", "paper"])
def test_where_nothing_ran_the_site_says_how_to_make_it(project, suite):
    (project / "notebooks").symlink_to(ROOT / "notebooks")
    pages = check_site(make_report(suite).parent)
    assert set(pages) == {
        "index.html",
        "results.html",
        "samples.html",
        "notebooks.html",
        "provenance.html",
        "compare.html",
    }
    how = f"Not made yet: <code>make report SUITE={suite}</code> makes it from whatever has run."
    assert how in pages["index.html"].text and how in pages["notebooks.html"].text
    own = [*notebooks_of(suite), *notebooks_of(PAPER_AUDIT)]
    assert pages["results.html"].text.count(how) == sum(item.notebook in own for item in ITEMS)
    assert "not run" in pages["index.html"].text and f"dvc repro report@{suite}</code>" in pages["index.html"].text
    assert "No images over training: not run." in pages["samples.html"].text


def executed(root, name: str, outputs: list[dict]) -> None:
    """Write an executed notebook with a heading and one cell of these outputs."""
    cells = [nbformat.v4.new_markdown_cell("# One\n\ntext\n\n## Two"), nbformat.v4.new_code_cell("1")]
    cells[1].outputs = [nbformat.v4.new_output("display_data", **output) for output in outputs]
    path = root / f"results/quick/notebooks/{name}/{name}.ipynb"
    path.parent.mkdir(parents=True)
    kind = {"language_info": {"name": "python"}}
    nbformat.write(cleaned(nbformat.v4.new_notebook(metadata=kind, cells=cells), root), path)


def test_a_suite_that_ran_in_part(ran):
    """without_csm has one diverged run of three; of the photos WGAN-GP alone has run."""
    (ran / "notebooks").symlink_to(ROOT / "notebooks")
    texts = {"text/markdown": "**FID of <script>alert(1)</script>**\n\n| a | b |\n| --- | --- |\n| <b>x | \x07 |\n"}
    texts |= {"text/latex": r"\begin{table}", "text/csv": "a"}
    executed(ran, "table_fid", [{"data": texts, "metadata": {"table": "fid"}}])
    executed(ran, "table_samples", [])
    csv = ran / "results/quick/tables/table_fid/fid.csv"
    csv.parent.mkdir(parents=True)
    csv.touch()
    (csv.parents[1] / "README.md").touch()
    pages = check_site(make_report("quick").parent)
    assert "2 finished, 1 diverged" in pages["samples.html"].text
    assert "No sample sheet: not run." in pages["samples.html"].text
    results = pages["results.html"].text
    assert "FID of &lt;script&gt;alert(1)&lt;/script&gt;</figcaption>" in results and "&lt;b&gt;x" in results
    latex = re.search(r'href="data:text/x-tex;base64,([^"]*)" download="fid.tex"', results)[1]
    assert base64.b64decode(latex).decode() == r"\begin{table}"
    # What has been made and shows nothing of a section leaves it out; what has not been made says so.
    assert 'id="table-3-of-v1"' not in results and 'id="figure-4"' in results


def test_figures_are_chosen_by_patterns(ran):
    def figure(name):
        return {
            "data": {"image/png": base64.b64encode(name.encode()).decode()},
            "metadata": {"image/png": {"name": name, "alt": name, "width": 1}},
        }

    executed(ran, "figure_samples", [figure(name) for name in ("b-2", "a", "b-1", "c")])
    found = shown("quick", "figure_samples")
    assert [f.name for f in found.chosen(["b-*", "a"])] == ["b-1", "b-2", "a"]
    assert [f.name for f in found.chosen(["*", "!b-*"])] == ["a", "c"]
    assert (found.title, found.figures["a"].heading, found.figures["a"].png) == ("One", "Two", b"a")
    assert [f.name for f in found.figures.values() if f.first] == ["b-2"]


def test_markdown_tables_get_captions_and_boxes():
    found = markdown_html("**Numbers.**\n\n| a |\n| --- |\n| 1 |\n", "x")
    assert '<figcaption id="x-1">Numbers.</figcaption>' in found and 'aria-labelledby="x-1"' in found
    assert '<th scope="col">a</th>' in found
    assert 'aria-label="Table 2"' in dressed("<table></table><table></table>", "x")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (42.4, "42 s"),
        (119, "119 s"),
        (150, "2.5 min"),
        (9000, "2.5 h"),
        (60 * 3600, "2.5 d"),
        (1429 * 86400, "1,429 d"),
    ],
)
def test_a_time_in_its_unit(seconds, text):
    assert duration(seconds) == text


def test_templates_of_a_user_change_no_page(tmp_path, monkeypatch):
    """As nbconvert looks for them, in JUPYTER_PATH first."""
    cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="one")]),
    ]
    notebook = Shown("quick", "table_fid", nbformat.v4.new_notebook(cells=cells), {}, {})
    plain = notebook_html(notebook)
    for name in ("display_priority.j2", "null.j2"):
        (tmp_path / "nbconvert/templates/base").mkdir(parents=True, exist_ok=True)
        (tmp_path / "nbconvert/templates/base" / name).write_text("mine")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    html_of._exporter.cache_clear()
    try:
        assert "one" in plain and notebook_html(notebook) == plain
    finally:
        html_of._exporter.cache_clear()
