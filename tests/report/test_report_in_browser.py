"""The report of the committed results in Chromium: every page, three widths, light and dark, by keyboard and by touch."""

import pytest
from chromium import IMAGES, needs_chromium
from site_checks import committed_quick

from selfsparse.report.site import make_report

pytestmark = [needs_chromium, pytest.mark.slow]

# What is wider than the page, and what reaches out of it without standing in a box that scrolls.
OVERFLOW = """[document.documentElement.scrollWidth - document.documentElement.clientWidth, [
  ...document.querySelectorAll("main *")].filter((e) =>
  e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !e.closest(".scroll, pre, .part, .hidden, thead")
).map((e) => e.outerHTML.slice(0, 80))]"""
# Text whose contrast to the nearest background is below WCAG's AA for its size.
CONTRAST = """(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    throw Error("no background");
  };
  const found = [];
  for (const e of document.querySelectorAll("body, body *")) {
    if (e.closest("script") || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize);
    const [a, b] = [light(rgb(style.color)), light(behind(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < (size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5))
      found.push(`${e.outerHTML.slice(0, 60)}: ${style.color} on ${behind(e)}`);
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = committed_quick(tmp_path_factory.mktemp("report"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parents[1])
        return make_report("quick").parent


def test_every_page_in_three_widths_light_and_dark(report, browser):
    pages = sorted(report.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        browser.open(page.as_uri())
        assert browser.evaluate(IMAGES) == [], page
        backgrounds = set()
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            assert browser.evaluate(CONTRAST) == [], (page, scheme)
            backgrounds.add(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert len(backgrounds) == 2
        for width in (375, 768, 1280):
            browser.size(width)
            assert browser.evaluate(OVERFLOW) == [0, []], (page, width)
        assert browser.problems == [], page
        assert browser.requests and all(url.startswith(("file://", "data:")) for url in browser.requests), page


def test_this_browser_would_notice(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<!DOCTYPE html><body style='background: #fff'><main><p style='color: #aaa; width: 3000px'>wide and pale</p>"
        "<img src=x alt=''><img src='http://127.0.0.1:9/y.png'></main><script>console.error('wrong')</script>"
    )
    browser.size(1280)
    browser.open(page.as_uri())
    assert len(browser.evaluate(IMAGES)) == 2 and len(browser.evaluate(CONTRAST)) == 1
    wider, elements = browser.evaluate(OVERFLOW)
    assert wider > 1000 and len(elements) == 1
    assert browser.problems and any(url.startswith("http:") for url in browser.requests)


def test_the_skip_link_is_the_first_to_be_reached_and_is_seen_then(report, browser):
    browser.size(1280)
    browser.open((report / "index.html").as_uri())
    browser.key("Tab")
    assert browser.evaluate("document.activeElement.className") == "skip"
    assert browser.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    browser.key("Tab")
    # A focus that keys have brought is outlined.
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


STATE = """(() => {
  const box = document.querySelector(".progress"), image = box.querySelector("img"), strip = box.querySelector(".strip");
  const [row, all] = [strip.getBoundingClientRect(), image.getBoundingClientRect()];
  return [box.querySelector("output").textContent, Math.round((row.top - all.top) / row.height * 100) / 100,
    box.querySelector("input").getAttribute("aria-valuetext"), Math.round(all.height / row.height * 100) / 100];
})()"""


def test_the_slider_by_keyboard_and_by_touch(report, browser):
    browser.size(375)
    browser.open((report / "samples.html").as_uri())
    steps = browser.evaluate(
        "[...document.querySelector('.progress').querySelectorAll('li')].map((e) => e.textContent)"
    )
    browser.evaluate(IMAGES)

    def shows(number: int) -> bool:
        said, row, value, rows = browser.evaluate(STATE)
        return said == value == steps[number] and row == number % len(steps) and rows == len(steps)

    assert len(steps) > 2 and shows(len(steps) - 1)
    browser.evaluate("document.querySelector('input').focus()")
    browser.key("ArrowLeft")
    assert shows(len(steps) - 2)
    browser.key("Home")
    assert shows(0)
    browser.key("ArrowRight")
    assert shows(1)
    edge = browser.evaluate(
        "(() => { const e = document.querySelector('input'); e.scrollIntoView(); const r = e.getBoundingClientRect();"
        " return [r.right - 4, r.top + r.height / 2] })()"
    )
    browser.tap(*edge)
    assert shows(len(steps) - 1)


def test_without_scripts_every_row_is_seen(report, browser):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open((report / "samples.html").as_uri())
        assert browser.evaluate("document.querySelector('.live-only').getBoundingClientRect().height") == 0
        assert browser.evaluate("document.querySelector('.plain-only').getBoundingClientRect().height") > 0
        assert browser.evaluate(
            "(() => { const e = document.querySelector('.strip'); return e.clientHeight >= e.firstChild.clientHeight })()"
        )
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
