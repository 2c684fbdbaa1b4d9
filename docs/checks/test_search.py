"""The search of the site finds what readers look for, by address and by typing."""

from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest
import site_browser

WORDS = ("AU12", "MTCNN", "CourseError")
RESULT = "#search-results li a"


def results(page, base):
    "Return the paths of the pages that a search page lists, in order, after it has finished"
    page.wait_for_function("document.body.innerText.includes('Search finished, found')")
    links = page.locator(RESULT).evaluate_all("links => links.map(link => link.href)")
    return [urlsplit(link).path.removeprefix(base) for link in links]


def check_relevant(found, word, pages):
    "Assert that the first three results are pages that hold the word"
    assert found
    for path in found[:3]:
        assert word.lower() in pages[path].text.lower(), f"{path} does not mention {word}"


@pytest.mark.parametrize("word", WORDS)
def test_search_finds(tab, pages, project, word):
    page = tab(f"search.html?q={word}")
    check_relevant(results(page, project.base), word, pages)


@pytest.mark.parametrize("word", WORDS)
def test_typing_into_the_search_field_finds(tab, pages, project, word):
    page = tab("index.html")
    field = page.locator("input[name=q]").first
    field.fill(word)
    field.press("Enter")
    page.wait_for_url("**/search.html?q=*")
    check_relevant(results(page, project.base), word, pages)


def test_a_word_that_no_page_holds_is_answered(tab):
    page = tab("search.html?q=zyzzyvaqq")
    page.wait_for_function("document.body.innerText.includes('did not match any documents')")
    assert page.locator(RESULT).count() == 0


def test_the_definition_is_among_the_first_results(tab, project):
    page = tab("search.html?q=CourseError")
    stems = [PurePosixPath(path).stem for path in results(page, project.base)]
    assert "core.errors" in stems[:5]


@pytest.mark.parametrize("word", WORDS)
def test_a_search_loads_less_than_2_mb(browser, address, word):
    context = site_browser.open_context(browser, address)
    page, visit = context.new_page(), site_browser.Visit(word)
    site_browser.watch(page, visit, address)
    page.goto(f"{address}search.html?q={word}")
    page.wait_for_function("document.body.innerText.includes('Search finished, found')")
    page.wait_for_load_state("networkidle")
    context.close()
    assert visit.size < 2_000_000
    assert not visit.outside
    assert not visit.errors
