"The checks of the site find what they are for: tiny broken sites, without a browser."

import json, sys, urllib.error, urllib.request
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs" / "checks"))
import site_browser
import site_cells
import site_links
import site_pages
import site_server

PNG = b"\x89PNG" + bytes(996)
SETTINGS = """[DEFAULT]
doc_host = https://fer-course.github.io
doc_baseurl = /fer_course
git_url = https://github.com/fer-course/fer_course
branch = main
"""
REPOSITORY = "https://github.com/fer-course/fer_course"


def page_of(body, *, title="A page", head=""):
    "Return a small HTML page."
    return f"<html lang=en><head><title>{title}</title>{head}</head><body>{body}</body></html>"


@pytest.fixture
def build(tmp_path):
    "Write a site and a repository; return (site, pages, project)."

    def write(**bodies):
        site, root = tmp_path / "site", tmp_path / "repository"
        (site / "nbs").mkdir(parents=True)
        (root / "nbs").mkdir(parents=True)
        (root / "settings.ini").write_text(SETTINGS)
        (root / "nbs" / "code.py").write_text("first = 1\n\nlast = 3\n")
        (site / "face.png").write_bytes(PNG)
        (site / "nbs" / "lesson.html").write_text(page_of("<h1 id=top-of-it>L</h1>", title="L"))
        for name, body in bodies.items():
            text = body if body.startswith("<html") else page_of(body, title=name)
            (site / f"{name}.html").write_text(text)
        return site, site_pages.read_site(site), site_links.read_project(root)

    return write


@pytest.fixture
def complaints(build):
    "Return what the link checker says about a first page with this body."

    def check(body, sheet=None):
        site, pages, project = build(index=body)
        if sheet is not None:
            (site / "style.css").write_text(sheet)
        return site_links.LinkChecker(site, pages, project).check().complaints

    return check


GOOD = (
    '<a href="nbs/lesson.html#top-of-it">x</a>',
    '<a href="/fer_course/nbs/lesson.html">x</a>',
    '<a href="#">x</a><a href="#here">x</a><p id=here>',
    '<img src="face.png" alt="A face" srcset="face.png 1x, face.png 2x">',
    '<img src="data:image/png;base64,AAAA" alt="A face">',
    '<a href="https://arxiv.org/abs/2207.09777">x</a>',
    f'<a href="{REPOSITORY}/blob/main/nbs/code.py#L1-L3">x</a>',
    f'<dl><dt id="code.last"><a href="{REPOSITORY}/blob/main/nbs/code.py#L3">x</a></dt></dl>',
    f'<a href="{REPOSITORY}/tree/main/nbs">x</a>',
    f'<a href="{REPOSITORY}/issues">x</a>',
    '<a href="https://fer-course.github.io/fer_course/nbs/lesson.html">x</a>',
    '<link rel="canonical" href="https://fer-course.github.io/fer_course/index.html">',
)
BROKEN = {
    '<a href="nbs/no.html">x</a>': "reaches no file",
    '<a href="NBS/lesson.html">x</a>': "reaches no file",
    '<a href="nbs/">x</a>': "reaches no file",
    '<a href="">x</a>': "is empty",
    '<a href="/nbs/lesson.html">x</a>': "outside the base path",
    '<a href="../face.png">x</a>': "outside the base path",
    '<a href="nbs/lesson.html#no">x</a>': "names an id",
    '<a href="#no">x</a>': "names an id",
    '<img src="no.png" alt="A face">': "reaches no file",
    '<img src="face.png" alt="A face" srcset="face.png 1x, no.png 2x">': "reaches no file",
    '<p style="background: url(no.png)">': "reaches no file",
    "<style>p { background: url('no.png') }</style>": "reaches no file",
    '<script src="https://cdn.jsdelivr.net/x.js"></script>': "ask another host",
    '<script src="//cdn.jsdelivr.net/x.js"></script>': "ask another host",
    '<img src="https://img.shields.io/x.svg" alt="A badge">': "ask another host",
    '<iframe src="https://example.org/"></iframe>': "ask another host",
    '<link rel="preconnect" href="https://fonts.example.org">': "ask another host",
    '<script src="data:text/javascript,1"></script>': "code in a data url",
    '<a href="http://example.org/">x</a>': "is http, not https",
    '<a href="javascript:alert(1)">x</a>': "is javascript, not https",
    '<link rel="canonical" href="https://fer-course.github.io/index.html">': "not the address",
    '<a href="https://fer-course.github.io/fer_course/no.html">x</a>': "reaches no file",
    f'<a href="{REPOSITORY}/blob/main/nbs/no.py">x</a>': "which the repository lacks",
    f'<a href="{REPOSITORY}/blob/main/nbs">x</a>': "which the repository lacks",
    f'<a href="{REPOSITORY}/blob/master/nbs/code.py">x</a>': "names the branch 'master'",
    f'<a href="{REPOSITORY}/blob/main/nbs/code.py#L2-L9">x</a>': "names lines outside",
    f'<a href="{REPOSITORY}/blob/main/nbs/code.py#L0">x</a>': "names lines outside",
    f'<a href="{REPOSITORY}/blob/main/nbs/code.py#L2">x</a>': "begins at an empty line",
    f'<dt id="code.other"><a href="{REPOSITORY}/blob/main/nbs/code.py#L3">x</a>': "not begin at",
    f'<a href="{REPOSITORY}/blob/gh-pages/colab/no.ipynb">x</a>': "the published branch lacks",
    f'<a href="{site_links.COLAB}fer-course/fer_course/blob/main/no.ipynb">x</a>': "lacks",
}


@pytest.mark.parametrize("body", GOOD)
def test_a_good_link_is_accepted(complaints, body):
    assert complaints(body) == []


@pytest.mark.parametrize("body", BROKEN)
def test_a_broken_link_is_found(complaints, body):
    found = complaints(body)
    assert len(found) == 1
    assert BROKEN[body] in found[0]
    assert found[0].startswith("index.html:1: <")


SHEETS = {
    "p { background: url(no.png) }": "reaches no file",
    '@import "https://fonts.example.org/x.css";': "ask another host",
    "@import url(no.css);": "reaches no file",
    '@font-face { src: url("https://fonts.example.org/x.woff2") }': "ask another host",
}


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_broken_url_of_a_style_sheet_is_found(complaints, sheet):
    found = complaints("<h1>x</h1>", sheet)
    assert len(found) == 1
    assert SHEETS[sheet] in found[0]


def test_urls_in_comments_of_a_style_sheet_do_not_count(complaints):
    assert complaints("<h1>x</h1>", "/* url(no.png) */ p { background: url(face.png) }") == []


def test_links_that_leave_the_site_are_counted(build):
    link = '<a href="https://arxiv.org/abs/2207.09777">x</a>'
    site, pages, project = build(index=link + link)
    findings = site_links.LinkChecker(site, pages, project).check()
    assert findings.outside == {"https://arxiv.org/abs/2207.09777": 2}


def test_a_page_that_no_link_reaches_is_found(build):
    site, pages, project = build(index='<a href="nbs/lesson.html">x</a>', lost="<h1>x</h1>")
    edges = site_links.LinkChecker(site, pages, project).check().edges
    assert site_links.orphans(pages, edges) == ["lost.html"]


def test_the_weight_of_a_page_holds_what_it_loads_once(build):
    head = '<link rel="stylesheet" href="a.css"><script src="a.js"></script>'
    picture = '<img src="face.png" alt="x">'
    site, pages, _ = build(index=page_of(picture + picture, head=head))
    (site / "a.css").write_text("p { background: url(b.png) }")
    (site / "a.js").write_bytes(bytes(10_000))
    (site / "b.png").write_bytes(bytes(100_000))
    weight = site_links.page_weights(site, pages)["index.html"]
    parts = [(site / name).stat().st_size for name in ("index.html", "a.css", "a.js", "b.png")]
    assert weight == sum(parts) + len(PNG)


def test_a_heavy_page_is_found(build):
    site, pages, _ = build(index='<a href="heavy.bin">x</a>', heavy='<img src="heavy.bin" alt="">')
    (site / "heavy.bin").write_bytes(bytes(2_000_000))
    found = site_links.size_complaints(site_links.page_weights(site, pages))
    assert len(found) == 1
    assert found[0].startswith("heavy.html: 2,000,")


@pytest.mark.parametrize("alt", ["", ' alt=""', ' alt="_images/1f.png"', ' alt="Figure"'])
def test_a_picture_without_a_description_is_found(build, alt):
    _, pages, _ = build(index=f'<img src="face.png"{alt}>')
    assert len(site_pages.picture_complaints(pages)) == 1


def test_a_described_or_decorative_picture_is_accepted(build):
    body = '<img src="face.png" alt="Seven faces"><img src="face.png" alt="" role="presentation">'
    _, pages, _ = build(index=body)
    assert site_pages.picture_complaints(pages) == []


@pytest.mark.parametrize("line", ["#| export", "#|export", "# | test a name", "#| eval: false"])
def test_a_visible_directive_is_found(build, line):
    _, pages, _ = build(index=f"<pre><span>import os</span>\n<span>{line}</span>\nx = 1</pre>")
    assert len(site_pages.directive_complaints(pages)) == 1


def test_a_directive_in_a_sentence_and_a_bar_in_a_comment_are_accepted(build):
    body = "<p>a cell <code>#| export</code></p><pre>#  a\n# |x|; far away\nx = 1  #| y</pre>"
    _, pages, _ = build(index=body)
    assert site_pages.directive_complaints(pages) == []


@pytest.mark.parametrize("text", ["\\(a\\)", "is $$a$$", "a $x_1$ b", "the \\frac of", "$\\mu$"])
def test_visible_tex_is_found(build, text):
    _, pages, _ = build(index=f"<p>{text}</p>")
    assert len(site_pages.raw_maths_complaints(pages)) == 1


def test_tex_in_code_and_formulas_is_accepted(build):
    body = (
        "<p><code>$x$</code> costs $5, byte \\udcff, <math><mi>\\frac</mi></math></p>"
        '<div class="math notranslate">\\[a\\]</div><pre>\\(</pre><script>"\\(a"</script>'
    )
    _, pages, _ = build(index=body)
    assert site_pages.raw_maths_complaints(pages) == []


def test_an_option_that_became_a_dash_is_found(build):
    body = (
        "<p>given to \u2013attach-units; a range 2\u2013b, a dash \u2013 here, <code>--out</code>"
    )
    _, pages, _ = build(index=body)
    assert site_pages.dash_complaints(pages) == [
        "index.html: an option became a dash: \u2013attach-units"
    ]


def test_pages_need_one_heading_and_titles_of_their_own(build):
    two = page_of("<h1>a</h1><h1>b</h1>", title="Same")
    _, pages, _ = build(index=two, other=page_of("<h1>a</h1>", title="Same"), third="<p>x</p>")
    found = site_pages.heading_complaints(pages)
    assert found[0] == "index.html: 2 headings <h1>, exactly one expected"
    assert "is that of index.html" in found[1]
    assert found[2] == "third.html: 0 headings <h1>, exactly one expected"
    assert len(found) == 3


def test_an_id_used_twice_is_found(build):
    _, pages, _ = build(index="<p id=a><p id=a><p id=b>")
    assert site_pages.id_complaints(pages) == ["index.html: the id 'a' is used more than once"]


EXPORT = "#| export\ndef add(a, b):\n    return a + b"
FOLDS = {
    "<details><summary>x</summary><pre>{}</pre></details>": "closed",
    "<details open><summary>x</summary><pre>{}</pre></details>": "open",
    "<details><details open><pre>{}</pre></details></details>": "closed",
    "<details>x</details><pre>{}</pre>": "none",
}


@pytest.mark.parametrize("html", FOLDS)
def test_the_fold_of_a_cell_is_read(build, tmp_path, html):
    notebook = tmp_path / "one.ipynb"
    notebook.write_text(json.dumps({"cells": [{"cell_type": "code", "source": [EXPORT]}]}))
    cells = site_cells.code_cells(notebook)
    shown = EXPORT.partition("\n")[2].replace("a + b", "<span>a</span> + b")
    _, pages, _ = build(index=html.format(shown))
    found, seen = site_cells.fold_complaints(pages["index.html"], cells)
    assert pages["index.html"].blocks[0].fold == FOLDS[html]
    assert len(found) == (FOLDS[html] != "closed")
    assert seen == (FOLDS[html] == "closed")


def test_a_cell_that_the_page_lacks_and_a_hidden_one_that_it_shows_are_found(build, tmp_path):
    sources = ["print('a lesson shows this cell')", "#| hide\nimport a_module_to_hide_from_view"]
    cells = [{"cell_type": "code", "source": source} for source in sources]
    (tmp_path / "one.ipynb").write_text(json.dumps({"cells": cells}))
    _, pages, _ = build(index="<pre>import a_module_to_hide_from_view</pre>")
    found, _ = site_cells.fold_complaints(
        pages["index.html"], site_cells.code_cells(tmp_path / "one.ipynb")
    )
    assert "is not on the page" in found[0]
    assert "a hidden cell is shown" in found[1]


def test_the_server_serves_below_the_base_path_only(build):
    site, _, project = build(index="<h1>x</h1>")
    with site_server.serve(site, project.base) as address:
        assert address.endswith("/fer_course/")
        assert urllib.request.urlopen(address).status == 200
        assert urllib.request.urlopen(address + "face.png").read() == PNG
        for outside in ("", "index.html", "fer_course/nbs/", "fer_course/no.html"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(address.removesuffix("fer_course/") + outside)


def test_the_address_of_the_site_comes_from_the_settings():
    project = site_links.read_project(ROOT)
    assert project.base == "/fer_course/"
    assert project.address.startswith("https://")


def test_the_browser_is_the_one_that_the_user_chose(monkeypatch, tmp_path):
    mine, own = tmp_path / "mine", tmp_path / "own"
    mine.touch()
    own.touch()
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert site_browser.browser_path(own) == own
    monkeypatch.setenv("CHROMIUM", str(mine))
    assert site_browser.browser_path(own) == str(mine)


def test_a_missing_browser_is_named_with_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(RuntimeError, match="none is not a file. No browser. Remedy: install"):
        site_browser.browser_path("own")


def test_only_serious_and_critical_violations_count():
    node = {"target": ["pre"], "failureSummary": "Fix this:\n  it should be focusable"}
    impacts = ("minor", "moderate", "serious", "critical")
    violations = [{"id": "a-rule", "impact": impact, "nodes": [node]} for impact in impacts]
    assert site_browser.axe_complaints("index.html", violations) == [
        "a-rule (serious) on index.html: pre: Fix this: it should be focusable",
        "a-rule (critical) on index.html: pre: Fix this: it should be focusable",
    ]
