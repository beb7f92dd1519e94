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

from selfsparse.analysis.formatting import Table, to_latex, to_markdown
from selfsparse.analysis.html import to_html

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: make browser")
ROOT = Path(__file__).resolve().parents[2]
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
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
        "--disable-web-security", "--allow-file-access-from-files",  # so that the frame may look at the page
        "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--virtual-time-budget=20000",
        f"--user-data-dir={folder / 'profile'}", "--dump-dom", frame.as_uri(),
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    dumped = re.search(r"<pre>(.+?)</pre>", found.stdout, re.S)
    assert dumped, (found.stdout[-500:], found.stderr[-2000:])
    state = json.loads(html.unescape(dumped[1])) | {"frame title": re.search("<title>(.*?)</title>", found.stdout)[1]}
    return state, re.findall(r":CONSOLE[(:].*", found.stderr)


def check_harmless(page: Path, folder: Path) -> dict:
    state, console = opened(page, folder)
    assert console == []
    assert state["frame title"] == "untouched" and state["scripts"] == 0
    assert state["broken"] == [] and state["handlers"] == [] and state["outside"] == []
    return state


def hostile_table() -> Table:
    data = pd.DataFrame({"configuration": HOSTILE})
    return Table(data, pd.DataFrame({FOLDER: HOSTILE, "FID": "p < 0.05"}), f"Images of {FOLDER}.")


def hostile_page(folder: Path) -> Path:
    from matplotlib.figure import Figure

    from selfsparse.analysis.style import rendered

    cells = [nbformat.v4.new_markdown_cell("# Report"), nbformat.v4.new_code_cell("1")]
    data = {"text/markdown": to_markdown(hostile_table())}
    png = {"image/png": base64.b64encode(rendered(Figure())["png"]).decode()}
    cells[1].outputs = [
        nbformat.v4.new_output("display_data", data=data),
        nbformat.v4.new_output("display_data", data=png, metadata={"image/png": {"alt": '"' + FOLDER, "width": 200}}),
    ]
    folder.mkdir(parents=True)
    page = folder / "index.html"
    page.write_text(to_html(nbformat.v4.new_notebook(cells=cells), f"Report: {FOLDER}", code=True), encoding="utf-8")
    return page


@needs_chromium
def test_hostile_names_in_a_table(tmp_path):
    state = check_harmless(hostile_page(tmp_path / FOLDER), tmp_path / "browser")
    assert state["images"] == 1 and state["title"] == f"Report: {FOLDER}"
    # Readers see the names as they are, and the numbers beside them.
    for name in [FOLDER, HOSTILE[1], "<svg onload=alert(1)>", "[click](javascript:alert(1))"]:
        assert name in state["text"], name
    assert state["text"].count("p < 0.05") == len(HOSTILE)


@needs_chromium
def test_this_browser_would_notice(tmp_path):
    """A page that lets names through: its scripts run, its images break, and its console says so."""
    page = tmp_path / "page.html"
    page.write_text(f"<!DOCTYPE html><title>x</title>{FOLDER}{HOSTILE[1]}<svg onload='late()'></svg>", encoding="utf-8")
    state, console = opened(page, tmp_path / "browser")
    assert state["frame title"] == "ran" and state["scripts"] == 1
    assert len(state["broken"]) == 1 and len(state["handlers"]) == 2 and console


@needs_chromium
def test_a_page_runs_no_script_even_if_one_gets_into_it(tmp_path):
    """The second line of defence: the page's own security policy."""
    page = hostile_page(tmp_path / "page")
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("</body>", HOSTILE[1] + "</body>"), encoding="utf-8")
    state, console = opened(page, tmp_path / "browser")
    assert state["scripts"] == 1 and state["frame title"] == "untouched"
    assert any("Content Security Policy" in line for line in console)


def test_markdown_and_latex_hold_no_hostile_name_as_it_is():
    markdown = to_markdown(hostile_table())
    assert not re.findall(r"<[A-Za-z/!?]", markdown) and "](" not in markdown.replace("]\\(", "")
    rows = markdown.splitlines()[2:]
    assert len(rows) == 2 + len(HOSTILE) and all(len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows)
    assert "p < 0.05" in markdown
    latex = to_latex(Table(pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [r"\input{/etc/passwd} ~^{"]}), "a"))
    assert r"\textbackslash{}input\{/etc/passwd\} \textasciitilde{}\textasciicircum{}\{ \\" in latex


@needs_chromium
@pytest.mark.slow
def test_the_report_of_a_project_in_a_folder_with_a_hostile_name(ran, tmp_path_factory, monkeypatch):
    """Made by papermill from results whose provenance a stranger wrote, then opened."""
    from selfsparse.analysis.notebooks import make_notebook, make_report

    root = tmp_path_factory.mktemp("hostile") / FOLDER
    shutil.copytree(ran, root)
    shutil.copytree(ROOT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    path = root / "results/quick/summary/provenance.json"
    written = {
        name: entry | {"device": FOLDER, "system": HOSTILE[1], "python": HOSTILE[2]}
        for name, entry in json.loads(path.read_text()).items()
    }
    path.write_text(json.dumps(written))
    monkeypatch.chdir(root)
    notebook = make_notebook("figure_samples", "quick")
    (root / "results/quick/tables/figure_samples/hostile.md").write_text("".join(f"{name}\n\n" for name in HOSTILE[:2]))
    report = make_report("quick")
    state = check_harmless(report, root.parent / "browser")
    assert state["images"] >= 2 and FOLDER in state["text"] and HOSTILE[1] in state["text"]
    assert check_harmless(notebook, root.parent / "browser")["images"] >= 2
