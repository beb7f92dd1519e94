"""The one-page report of a suite: what its notebooks saved, and links to them."""

from IPython.display import Image, Markdown

from selfsparse.analysis.folders import figures_dir, tables_dir
from selfsparse.analysis.formatting import without_html
from selfsparse.analysis.page import image
from selfsparse.paths import suite_dir


def section(suite: str, notebook: str) -> list[Markdown | Image]:
    """Return a notebook's saved tables and figures with a link to it; where there are none, how to make them."""
    tables = sorted(tables_dir(suite, notebook).glob("*.md"))
    figures = sorted(figures_dir(suite, notebook).glob("*.png"))
    if not tables and not figures:
        return [Markdown(f"Not made yet: `make report SUITE={suite}` makes it from whatever has run.")]
    shown: list[Markdown | Image] = [Markdown(without_html(path.read_text(encoding="utf-8"))) for path in tables]
    shown += [
        image(path.read_bytes(), path.with_suffix(".txt").read_text(encoding="utf-8").strip()) for path in figures
    ]
    return [*shown, link(suite, notebook)]


def link(suite: str, notebook: str) -> Markdown:
    """Return a link to the executed notebook, as seen from results/<suite>/report/."""
    executed = suite_dir(suite) / "notebooks" / notebook / f"{notebook}.html"
    if not executed.is_file():
        return Markdown(f"The executed notebook `{notebook}` is not there.")
    return Markdown(
        f"[The executed notebook](../notebooks/{notebook}/{notebook}.html), with the files in `results/{suite}/tables/{notebook}` and `results/{suite}/figures/{notebook}`."
    )
