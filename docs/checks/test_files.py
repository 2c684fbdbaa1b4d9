"""Checks of the files of the built site: links, sizes, alternative texts, folded cells."""

from collections import Counter
from urllib.parse import urlsplit

import pytest
import site_cells, site_links, site_pages


def fail_with(complaints, most=60):
    "Fail with the complaints, if there are any"
    more = f"\n... and {len(complaints) - most} more" if len(complaints) > most else ""
    if complaints:
        pytest.fail(f"{len(complaints)} complaints\n" + "\n".join(complaints[:most]) + more, False)


def test_the_site_has_forty_pages_or_more(pages):
    assert len(site_pages.content_pages(pages)) >= 40


def test_the_site_has_the_pages_that_are_looked_at(pages):
    expected = (*site_pages.LOOKED_AT, "docs/errata.html", "search.html", "CONTRIBUTING.html")
    fail_with([path for path in expected if path not in pages])


def test_every_lesson_and_every_module_has_a_page(pages, project):
    root = project.root
    notebooks = [*root.glob("nbs/*.ipynb"), *root.glob("nbs/library/*.ipynb")]
    expected = {f.relative_to(root).with_suffix(".html").as_posix() for f in notebooks}
    fail_with(sorted(expected - set(pages)))


def test_every_link_reaches_its_target(site, links):
    hosts = Counter()
    for url, count in links.outside.items():
        hosts[urlsplit(url).netloc or urlsplit(url).scheme] += count
    lines = [f"{count}\t{url}" for url, count in links.outside.most_common()]
    (site.parent / "outside_links.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    site_pages.NOTES["Links"] = [
        f"{links.inside:,} inside the site, {sum(hosts.values()):,} that leave it,"
        f" of these {links.repository:,} into the repository",
        *(f"{count:6,}  {host}" for host, count in hosts.most_common()),
        f"Each of them: {site.parent / 'outside_links.tsv'}",
    ]
    assert links.inside > 1000
    fail_with(links.complaints)


def test_every_page_is_reached_from_the_first_page(pages, links):
    lost = site_links.orphans(pages, links.edges)
    fail_with([path for path in lost if path not in ("404.html", "search.html")])


def test_every_page_is_under_2_mb(site, pages, project):
    weights = site_links.page_weights(site, pages, project.base)
    heavy = sorted(weights.items(), key=lambda item: -item[1])
    site_pages.NOTES["Largest pages, with all they name (bytes)"] = [
        f"{size:10,}  {path} (HTML alone: {pages[path].size:,})" for path, size in heavy[:10]
    ]
    complaints = site_links.size_complaints(weights)
    fail_with(complaints)


def test_every_picture_has_a_description(pages):
    assert sum(len(page.pictures) for page in pages.values()) > 100
    complaints = site_pages.picture_complaints(pages)
    fail_with(complaints)


def test_no_directive_of_nbdev_is_visible(pages):
    complaints = site_pages.directive_complaints(pages)
    fail_with(complaints)


def test_no_tex_is_visible_outside_code(pages):
    complaints = site_pages.raw_maths_complaints(pages)
    fail_with(complaints)


def test_no_option_of_the_command_line_became_a_dash(pages):
    fail_with(site_pages.dash_complaints(pages))


def test_every_page_has_one_heading_and_a_title_of_its_own(pages):
    complaints = site_pages.heading_complaints(pages)
    fail_with(complaints)


def test_no_id_is_used_twice(pages):
    complaints = site_pages.id_complaints(pages)
    fail_with(complaints)


def test_export_and_test_cells_are_folded(pages, project):
    complaints, folded = [], 0
    for path, page in pages.items():
        notebook = project.root / path.replace(".html", ".ipynb")
        if notebook.is_file():
            cells = site_cells.code_cells(notebook)
            found, seen = site_cells.fold_complaints(page, cells)
            complaints += found
            folded += seen
    assert folded > 100
    fail_with(complaints)
