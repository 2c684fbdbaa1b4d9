"""Checks in headless Chromium: requests, errors, width, formulas, no JavaScript, dark."""

import pytest
import site_pages
from site_browser import DESKTOP, MEASURE, PHONE
from site_pages import lessons

CONTRAST = """() => {
  const channel = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const opaque = e => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$|^transparent$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const text = document.querySelector("article p, article li");
  return {ground: channel(opaque(text)), text: channel(getComputedStyle(text).color)};
}"""


def by_page(visits, what):
    "Return lines `page: entry` of a list that each visit has; empty if all are empty"
    return "\n".join(f"{v.page}: {entry}" for v in visits.values() for entry in getattr(v, what))


def measured(visits, what):
    "Return lines `page: entry` of a list measured on each page; empty if all are empty"
    return "\n".join(f"{v.page}: {entry}" for v in visits.values() for entry in v.measured[what])


def luminance(colour):
    "Return the relative luminance of an RGB colour (WCAG 2.2), 0 to 1"
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (value / 255 for value in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_forty_pages_or_more_were_opened(visits):
    assert len(visits) >= 40
    assert len(lessons(visits)) >= 20


def test_no_request_leaves_the_site(visits):
    found = by_page(visits, "outside")
    assert not found, found


def test_every_request_is_answered(visits):
    found = by_page(visits, "failed")
    assert not found, found


def test_no_page_logs_an_error(visits):
    found = by_page(visits, "errors")
    assert not found, found


def test_every_picture_loads(visits):
    assert sum(visit.measured["pictures"] for visit in visits.values()) > 100
    found = measured(visits, "broken")
    assert not found, found


def test_every_page_as_loaded_is_under_2_mb(visits):
    heavy = sorted(visits.values(), key=lambda visit: -visit.size)
    site_pages.NOTES["Largest pages as loaded by the browser (bytes)"] = [
        f"{visit.size:10,}  {visit.page}" for visit in heavy[:10]
    ]
    assert not [f"{v.page}: {v.size:,} bytes" for v in heavy if v.size >= 2_000_000]


def test_no_page_scrolls_sideways_on_a_phone(visits):
    wide = {
        path: (visit.measured["width"], visit.measured["culprits"])
        for path, visit in visits.items()
        if visit.measured["width"] > PHONE["width"] + 1
    }
    assert not wide, "\n" + "\n".join(f"{p}: {w} px, {c}" for p, (w, c) in wide.items())


def test_every_formula_is_rendered(visits):
    assert visits[site_pages.MATHS].measured["formulas"] > 3
    found = measured(visits, "unrendered")
    assert not found, found


def test_no_tex_is_visible_on_the_page_with_maths(visits):
    text = visits[site_pages.MATHS].measured["text"]
    for raw in ("\\(", "\\)", "$$", "\\frac", "\\mathrm", "\\mathbf"):
        assert raw not in text, raw


@pytest.mark.parametrize("path", ["index.html", site_pages.LESSON])
def test_a_page_is_readable_without_javascript(tab, path):
    page = tab(path, javascript=False)
    assert len(page.locator("article").inner_text()) > 1500
    assert page.locator("h1").first.is_visible()
    picture = page.locator("article img").first
    picture.scroll_into_view_if_needed()
    assert picture.is_visible()
    assert picture.evaluate("e => e.decode().then(() => e.naturalWidth)") > 0
    assert page.locator("h1").first.evaluate("e => getComputedStyle(e).opacity") == "1"


@pytest.mark.parametrize("path", ["index.html", site_pages.LESSON])
def test_navigation_works_without_javascript(tab, path):
    page = tab(path, javascript=False)
    page.locator(
        "aside a[href$='09_detection.html'], nav a[href$='09_detection.html']"
    ).first.click()
    page.wait_for_url("**/nbs/09_detection.html")
    assert page.locator("h1").first.inner_text().startswith("09")


def test_the_menu_of_a_phone_works_without_javascript(tab):
    page = tab("index.html", size=PHONE, javascript=False)
    link = page.locator("aside a[href$='09_detection.html']").first
    assert not link.is_visible() or link.bounding_box()["x"] < 0
    page.locator("label[for='__navigation']:visible").first.click()
    link.click()
    page.wait_for_url("**/nbs/09_detection.html")
    assert page.locator("h1").first.is_visible()


def test_a_folded_cell_opens_on_a_click(tab):
    page = tab("nbs/library/align.mtcnn.html")
    fold = page.locator("article details:has(pre)").first
    assert fold.get_attribute("open") is None
    assert not fold.locator("pre").first.is_visible()
    fold.locator("summary").first.click()
    assert fold.locator("pre").first.is_visible()


@pytest.mark.parametrize("path", [site_pages.LESSON, "nbs/library/app.verbs.html"])
def test_the_side_bar_shows_the_present_page(tab, path):
    page = tab(path)
    page.wait_for_function(  # the side bar may scroll smoothly
        "() => { const entry = document.querySelector('.sidebar-tree .current-page > a');"
        " const box = entry.getBoundingClientRect();"
        " return box.top > 0 && box.bottom < innerHeight; }"
    )
    assert page.locator(".sidebar-tree .current-page > a").count() == 1


@pytest.mark.parametrize("path", site_pages.LOOKED_AT)
def test_dark_and_light_have_colours_of_their_own(tab, path):
    light = tab(path, scheme="light").evaluate(CONTRAST)
    dark = tab(path, scheme="dark").evaluate(CONTRAST)
    assert luminance(light["ground"]) > 0.8
    assert luminance(light["text"]) < 0.2
    assert luminance(dark["ground"]) < 0.1
    assert luminance(dark["text"]) > 0.4


@pytest.mark.parametrize("path", site_pages.LOOKED_AT)
def test_no_page_scrolls_sideways_on_a_desktop(tab, path):
    found = tab(path, size=DESKTOP).evaluate(MEASURE)
    assert found["width"] <= DESKTOP["width"] + 1, found["culprits"]
