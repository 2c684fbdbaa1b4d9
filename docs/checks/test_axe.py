"""Axe finds no serious or critical violation: desktop and phone, light and dark."""

import pytest
import site_pages
from site_browser import DESKTOP, PHONE

SIZES = {"desktop": DESKTOP, "phone": PHONE}
BAD = ("serious", "critical")


def complaints(path, violations):
    "Return one complaint for each violation of serious or critical impact"
    found = []
    for violation in violations:
        if violation["impact"] not in BAD:
            continue
        for node in violation["nodes"]:
            target = ", ".join(map(str, node["target"]))
            summary = " ".join(node["failureSummary"].split())
            rule = f"{violation['id']} ({violation['impact']})"
            found.append(f"{rule} on {path}: {target}: {summary[:300]}")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", [*site_pages.LOOKED_AT, "search.html?q=AU12"])
def test_axe_finds_nothing_serious(tab, path, size, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = tab(path, size=SIZES[size], scheme=scheme)
    if path.startswith("search"):
        page.wait_for_selector("#search-results li")
    results = Axe().run(page).response
    assert len(results["passes"]) > 5
    found = complaints(path, results["violations"])
    if found:
        pytest.fail(f"{len(found)} violations\n" + "\n".join(found[:20]), pytrace=False)
