"""Axe finds no serious or critical violation: desktop and phone, light and dark."""

import pytest
import site_pages
from site_browser import DESKTOP, PHONE, axe_complaints

SIZES = {"desktop": DESKTOP, "phone": PHONE}


def run_axe(page, path):
    "Fail with the serious and critical violations of an open page"
    from axe_playwright_python.sync_playwright import Axe

    results = Axe().run(page).response
    assert len(results["passes"]) > 5
    found = axe_complaints(path, results["violations"])
    if found:
        pytest.fail(f"{len(found)} violations\n" + "\n".join(found[:20]), pytrace=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", [*site_pages.LOOKED_AT, "search.html?q=AU12"])
def test_axe_finds_nothing_serious(tab, path, size, scheme):
    page = tab(path, size=SIZES[size], scheme=scheme)
    if path.startswith("search"):
        page.wait_for_function("document.body.innerText.includes('Search finished')")
    run_axe(page, path)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_folded_cells(tab, scheme):
    path = "nbs/library/align.mtcnn.html"
    page = tab(path, scheme=scheme)
    page.evaluate("() => document.querySelectorAll('details').forEach(fold => (fold.open = true))")
    run_axe(page, path)
