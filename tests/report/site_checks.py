"""What has to hold of every page of a report, read with Python's own HTML parser."""

import re
import shutil
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from small_project import ROOT, params_text

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def committed_quick(root: Path) -> Path:
    """Make a project with notebooks, docs and the committed results of suite quick, all but the report, and of the audit; return quick's."""
    (root / "params.yaml").write_text(params_text(), encoding="utf-8")
    (root / "dvc.yaml").touch()
    for name in ("notebooks", "docs"):
        (root / name).symlink_to(ROOT / name)
    ignore = shutil.ignore_patterns("report", "runs", ".*")
    for name in ("quick", "paper_audit"):
        shutil.copytree(ROOT / "results" / name, root / "results" / name, ignore=ignore)
    return root / "results/quick"


class Page(HTMLParser):
    """A page's links, images, ids, headings and landmarks; an element that is not closed where it should be is an error."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.text = path, path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(self.text)
        self.close()
        assert self.open == [], (path, self.open)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):  # <img/>, as some write
        assert tag in VOID
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (self.path, self.getpos(), tag)

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if attributes.get("id")]


def check_page(path: Path) -> Page:
    page = Page(path)
    assert page.text.startswith("<!DOCTYPE html>") and page.all("html")[0]["lang"] == "en"
    assert any(attributes.get("name") == "viewport" for attributes in page.all("meta"))
    assert len(page.all("main")) == len(page.all("header")) == len(page.all("footer")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1, (path, levels)
    assert all(lower <= higher + 1 for higher, lower in pairwise(levels)), (path, levels)
    assert len(set(page.ids())) == len(page.ids()), (path, sorted(i for i in page.ids() if page.ids().count(i) > 1))
    first_link = page.all("a")[0]
    assert first_link["href"] == "#main" and "main" in page.ids()
    for image in page.all("img"):
        # Only where the link's own text follows may an image be silent.
        assert image.get("alt") is not None and (image["alt"] or image["class"] == "small"), (path, image)
    for scroll in (attributes for _, attributes in page.elements if attributes.get("class") == "scroll"):
        assert scroll["tabindex"] == "0" and (scroll.get("aria-label") or scroll["aria-labelledby"] in page.ids())
    return page


def check_site(report: Path) -> dict[str, Page]:
    """Check every page, and that each link, anchor and image leads to something; return the pages by name."""
    pages = {path.relative_to(report).as_posix(): check_page(path) for path in sorted(report.rglob("*.html"))}
    by_path = {page.path.resolve(): page for page in pages.values()}
    for name, page in pages.items():
        for attributes in page.all("a", "img", "script", "link", "source"):
            target = attributes.get("href") or attributes.get("src")
            if target is None or target.startswith(("data:image/png", "data:text/x-tex")):
                continue
            parts = urlsplit(target)
            if parts.scheme:
                assert target.startswith("https://doi.org/") and "href" in attributes, (name, target)
                continue
            path = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path.resolve()
            homes = (report.parent.resolve(), report.parents[1].resolve() / "paper_audit", ROOT / "docs")
            assert path.is_file() and any(path.is_relative_to(home) for home in homes), (name, target)
            if parts.fragment and path.suffix == ".html":
                assert unquote(parts.fragment) in by_path[path].ids(), (name, target)
    linked = {(page.path.parent / a["href"].split("#")[0]).resolve() for page in pages.values() for a in page.all("a")}
    assert all(page.path.resolve() in linked for page in pages.values())
    return pages
