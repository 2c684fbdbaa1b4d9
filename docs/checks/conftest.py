"""Options, the built site and the browser, which the checks of the site share."""

from pathlib import Path

import pytest
import site_browser, site_links, site_pages, site_server

ROOT = Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    parser.addoption("--site", default="_docs/html", help="folder of the built site")
    parser.addoption("--tree", default=ROOT, type=Path, help="repository it was built from")


def pytest_terminal_summary(terminalreporter):
    for title, lines in site_pages.NOTES.items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def site(request):
    "Return the folder of the built site"
    folder = Path(request.config.getoption("--site"))
    folder = folder if folder.is_absolute() else ROOT / folder
    if not (folder / "index.html").is_file():
        pytest.exit(f"No built site in {folder}. Remedy: make docs", returncode=1)
    return folder


@pytest.fixture(scope="session")
def project(request):
    "Return the repository and the published address, from settings.ini"
    return site_links.read_project(request.config.getoption("--tree"))


@pytest.fixture(scope="session")
def pages(site):
    "Return {path: Page} of the whole site"
    return site_pages.read_site(site)


@pytest.fixture(scope="session")
def links(site, pages, project):
    "Return the findings of the link checker"
    return site_links.LinkChecker(site, pages, project).check()


@pytest.fixture(scope="session")
def address(site, project):
    "Return the address at which the site is served below its base path"
    with site_server.serve(site, project.base) as served:
        yield served


@pytest.fixture(scope="session")
def browser():
    "Return a headless Chromium; fail with the remedy if it cannot start"
    opened = site_browser.open_browser()
    try:
        chromium = opened.__enter__()
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)
    yield chromium
    opened.__exit__(None, None, None)


@pytest.fixture
def tab(browser, address):
    "Return a function that opens a page of the site in a fresh context"
    contexts = []

    def open_tab(path, **options):
        contexts.append(site_browser.open_context(browser, address, **options))
        page = contexts[-1].new_page()
        page.goto(address + path, wait_until="load")
        return page

    yield open_tab
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def visits(browser, address, pages):
    "Return {path: Visit} of every page, on a phone with every other host blocked"
    size = site_browser.PHONE
    context = site_browser.open_context(browser, address, size=size)
    page = context.new_page()
    found = {path: site_browser.visit_page(page, address, path) for path in pages}
    context.close()
    return found
