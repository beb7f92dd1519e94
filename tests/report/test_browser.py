"""Pages opened in a real browser: no script runs, no error on the console, every image loads, whatever names there are.

Needs Chromium, a package of the system: `make browser`.
"""

import base64
import json
import re
import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from chromium import IMAGES, Browser, needs_chromium
from small_project import ROOT

from selfsparse.analysis.table import Table, said, to_latex, to_markdown

# As a folder may be called: no slash in it. Each would change the page's title, were it run.
FOLDER = """<img src=x onerror="parent.document.title='ran'"> & 'x' #%41"""
HOSTILE = [
    FOLDER,
    "<script>parent.document.title='ran'</script>",
    "</td></table><script src=https://example.org/x.js></script>",
    "<svg onload=alert(1)>",
    "<!-- -->",
    "[click](javascript:alert(1))",
    "![image](https://example.org/x.png)",
    "two\n\n<script>alert(1)</script>\nlines | cells",
    "`<script>alert(1)</script>`",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]
STATE = """(() => {
  const every = [...document.querySelectorAll("*")];
  return {
    text: document.body.innerText,
    title: document.title,
    images: document.images.length,
    handlers: every.filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))).map((e) => e.outerHTML.slice(0, 60)),
    scripts: document.scripts.length,
    outside: every.filter((e) => /^https?:/i.test(e.src || "") || /^javascript:/i.test(e.href || "")).map((e) => e.outerHTML),
  };
})()"""


def check_harmless(browser: Browser, page: Path, scripts: int = 0) -> dict:
    browser.open(page.as_uri())
    assert browser.evaluate(IMAGES) == []
    state = browser.evaluate(STATE)
    assert browser.problems == [] and state["title"] != "ran" and state["scripts"] == scripts
    assert state["handlers"] == [] and state["outside"] == []
    return state


def hostile_table() -> Table:
    data = pd.DataFrame({"configuration": HOSTILE})
    rows = data.to_dict("records")
    return Table(rows, {FOLDER: said("configuration"), "FID": lambda row: "p < 0.05"}, f"Images of {FOLDER}.")


@pytest.fixture
def hostile(ran, tmp_path, monkeypatch) -> Path:
    """The report of a project in a folder with a hostile name, whose notebook, table, figure and provenance hold such names."""
    from matplotlib.figure import Figure

    from selfsparse.analysis.page import open_page
    from selfsparse.analysis.style import Drawing
    from selfsparse.report.notebooks import cleaned, executed_path
    from selfsparse.report.site import make_report

    root = tmp_path / FOLDER
    shutil.copytree(ran, root, ignore=lambda folder, names: {FOLDER} & set(names))
    monkeypatch.chdir(root)
    (root / "notebooks").symlink_to(ROOT / "notebooks")
    for path in (root / "results/quick/provenance").iterdir():
        names = {"git_commit": FOLDER, "device": FOLDER, "system": HOSTILE[1], "python": HOSTILE[2]}
        path.write_text(json.dumps(json.loads(path.read_text()) | names))
    page = open_page("quick", "table_fid")
    shown = [page.table("fid", hostile_table()), page.image(Drawing("fid", Figure(), '"' + FOLDER))]
    claims = dict.fromkeys(("statement", "paper", "ours", "n", "verdict", "extractor", "why"), FOLDER)
    rows = [claims | {"claim": "C1", "verdict_other_reading": HOSTILE[1]}]
    for name in ("verdicts", "table_fid"):
        (root / "results/quick/tables" / name).mkdir(parents=True)
    pd.DataFrame(rows).to_csv(root / "results/quick/tables/verdicts/claims.csv", index=False)
    cell = nbformat.v4.new_code_cell(HOSTILE[1])
    cell.outputs = [nbformat.v4.new_output("stream", text="\n".join(HOSTILE))]
    data = format_display_data(shown[0]), format_display_data(shown[1])
    cell.outputs += [nbformat.v4.new_output("display_data", data=d, metadata=m) for d, m in data]
    cells, kind = [nbformat.v4.new_markdown_cell("# Report"), cell], {"language_info": {"name": "python"}}
    notebook = cleaned(nbformat.v4.new_notebook(metadata=kind, cells=cells), root)
    path = executed_path("quick", "table_fid")
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    return make_report("quick").parent


def format_display_data(shown) -> tuple[dict, dict]:
    """What a kernel sends of a table or an Image."""
    if hasattr(shown, "_repr_mimebundle_") and not hasattr(shown, "_repr_png_"):
        return shown._repr_mimebundle_()
    png, metadata = shown._repr_png_()
    return {"image/png": base64.b64encode(png).decode() if isinstance(png, bytes) else png}, {"image/png": metadata}


@needs_chromium
@pytest.mark.parametrize(
    ("page", "images"),
    [
        ("notebooks/table_fid", 1),
        ("index", 0),
        *(
            pytest.param(page, images, marks=pytest.mark.slow)
            for page, images in (("results", 1), ("provenance", 0), ("samples", 14), ("notebooks", 1))
        ),
    ],
)
def test_hostile_names_in_every_kind_of_page(hostile, browser, page, images):
    state = check_harmless(browser, hostile / f"{page}.html", scripts=int(page == "samples"))
    assert state["images"] == images
    # Readers see the names as they are, and the numbers beside them.
    if page in ("notebooks/table_fid", "results"):
        for name in [FOLDER, HOSTILE[1], "<svg onload=alert(1)>", "[click](javascript:alert(1))"]:
            assert name in state["text"], name
        assert state["text"].count("p < 0.05") >= len(HOSTILE)  # a sentence of the page may have one more
    if page in ("index", "provenance"):
        assert FOLDER in state["text"] and HOSTILE[1] in state["text"]


@needs_chromium
def test_this_browser_would_notice(browser, tmp_path):
    """A page that lets names through: its scripts run, its images break, and its console says so."""
    page = tmp_path / "page.html"
    page.write_text(f"<!DOCTYPE html><title>x</title>{FOLDER}{HOSTILE[1]}<svg onload='late()'></svg>", encoding="utf-8")
    browser.open(page.as_uri())
    assert len(browser.evaluate(IMAGES)) == 1
    state = browser.evaluate(STATE)
    assert state["title"] == "ran" and state["scripts"] == 1 and len(state["handlers"]) == 2 and browser.problems


@needs_chromium
@pytest.mark.parametrize(("name", "own"), [("index.html", 0), pytest.param("samples.html", 1, marks=pytest.mark.slow)])
def test_a_page_runs_no_script_even_if_one_gets_into_it(hostile, browser, name, own):
    """The second line of defence: the page's own security policy."""
    page = hostile / name
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("</body>", HOSTILE[1] + "</body>"), encoding="utf-8")
    browser.open(page.as_uri())
    state = browser.evaluate(STATE)
    assert state["scripts"] == 1 + own and state["title"] != "ran"
    assert any("Content Security Policy" in json.dumps(problem) for problem in browser.problems)


def test_markdown_and_latex_hold_no_hostile_name_as_it_is():
    markdown = to_markdown(hostile_table())
    assert not re.findall(r"<[A-Za-z/!?]", markdown) and "](" not in markdown.replace("]\\(", "")
    rows = markdown.splitlines()[2:]
    assert len(rows) == 2 + len(HOSTILE) and all(len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows)
    assert "p < 0.05" in markdown
    latex = to_latex(Table([{"a": r"\input{/etc/passwd} ~^{"}], {"a": said("a")}, "a"))
    assert r"\textbackslash{}input\{/etc/passwd\} \textasciitilde{}\textasciicircum{}\{ \\" in latex
