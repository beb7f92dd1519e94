"""Pages opened in a real browser: no script runs, no error on the console, every image loads, whatever names there are.

Needs Chromium, a package of the system: `make browser`.
"""

import base64
import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from chromium import CHROMIUM, FLAGS, needs_chromium
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
# Opens a page in a frame and writes down what became of it. Chromium's --dump-dom prints the document in the end.
FRAME = """<!DOCTYPE html><title>untouched</title><iframe src="{url}" width="1200" height="900"></iframe><pre></pre>
<script>
document.querySelector("iframe").onload = (event) => {{
  const page = event.target.contentDocument;
  const images = [...page.images], every = [...page.querySelectorAll("*")];
  document.querySelector("pre").textContent = JSON.stringify({{
    text: page.body.innerText,
    title: page.title,
    images: images.length,
    broken: images.filter((image) => !image.complete || !image.naturalWidth).map((image) => image.src.slice(0, 60)),
    handlers: every.filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))).map((e) => e.outerHTML.slice(0, 60)),
    scripts: page.scripts.length,
    outside: every.filter((e) => /^https?:/i.test(e.src || "") || /^javascript:/i.test(e.href || "")).map((e) => e.outerHTML),
  }});
}};
</script>
"""


def opened(page: Path, folder: Path) -> tuple[dict, list[str]]:
    """What a browser makes of a page, and what it writes to its console."""
    folder.mkdir(exist_ok=True)
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(url=html.escape(page.as_uri())), encoding="utf-8")
    command = [
        CHROMIUM, *FLAGS,
        "--disable-web-security", "--allow-file-access-from-files",  # so that the frame may look at the page
        "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--virtual-time-budget=20000",
        f"--user-data-dir={folder / 'profile'}", "--dump-dom", frame.as_uri(),
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    dumped = re.search(r"<pre>(.+?)</pre>", found.stdout, re.S)
    assert dumped, (found.stdout[-500:], found.stderr[-2000:])
    state = json.loads(html.unescape(dumped[1])) | {"frame title": re.search("<title>(.*?)</title>", found.stdout)[1]}
    return state, re.findall(r":CONSOLE[(:].*", found.stderr)


def check_harmless(page: Path, folder: Path, scripts: int = 0) -> dict:
    state, console = opened(page, folder)
    assert console == []
    assert state["frame title"] == "untouched" and state["scripts"] == scripts
    assert state["broken"] == [] and state["handlers"] == [] and state["outside"] == []
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
def test_hostile_names_in_every_kind_of_page(hostile, tmp_path, page, images):
    state = check_harmless(hostile / f"{page}.html", tmp_path / "browser", scripts=int(page == "samples"))
    assert state["images"] == images
    # Readers see the names as they are, and the numbers beside them.
    if page in ("notebooks/table_fid", "results"):
        for name in [FOLDER, HOSTILE[1], "<svg onload=alert(1)>", "[click](javascript:alert(1))"]:
            assert name in state["text"], name
        assert state["text"].count("p < 0.05") >= len(HOSTILE)  # a sentence of the page may have one more
    if page in ("index", "provenance"):
        assert FOLDER in state["text"] and HOSTILE[1] in state["text"]


@needs_chromium
def test_this_browser_would_notice(tmp_path):
    """A page that lets names through: its scripts run, its images break, and its console says so."""
    page = tmp_path / "page.html"
    page.write_text(f"<!DOCTYPE html><title>x</title>{FOLDER}{HOSTILE[1]}<svg onload='late()'></svg>", encoding="utf-8")
    state, console = opened(page, tmp_path / "browser")
    assert state["frame title"] == "ran" and state["scripts"] == 1
    assert len(state["broken"]) == 1 and len(state["handlers"]) == 2 and console


@needs_chromium
@pytest.mark.parametrize(("name", "own"), [("index.html", 0), pytest.param("samples.html", 1, marks=pytest.mark.slow)])
def test_a_page_runs_no_script_even_if_one_gets_into_it(hostile, tmp_path, name, own):
    """The second line of defence: the page's own security policy."""
    page = hostile / name
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("</body>", HOSTILE[1] + "</body>"), encoding="utf-8")
    state, console = opened(page, tmp_path / "browser")
    assert state["scripts"] == 1 + own and state["frame title"] == "untouched"
    assert any("Content Security Policy" in line for line in console)


def test_markdown_and_latex_hold_no_hostile_name_as_it_is():
    markdown = to_markdown(hostile_table())
    assert not re.findall(r"<[A-Za-z/!?]", markdown) and "](" not in markdown.replace("]\\(", "")
    rows = markdown.splitlines()[2:]
    assert len(rows) == 2 + len(HOSTILE) and all(len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows)
    assert "p < 0.05" in markdown
    latex = to_latex(Table([{"a": r"\input{/etc/passwd} ~^{"}], {"a": said("a")}, "a"))
    assert r"\textbackslash{}input\{/etc/passwd\} \textasciitilde{}\textasciicircum{}\{ \\" in latex
