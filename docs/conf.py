"Configuration of Sphinx, which `docs/build_site.py` calls."

import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))
from course_site.library import Library  # noqa: E402
from course_site.links import repository_address  # noqa: E402

parser = ConfigParser()
parser.read(ROOT / "settings.ini", encoding="utf-8")
settings = parser["DEFAULT"]
library = Library(ROOT)


def linkcode_resolve(domain, info):
    "Return the address of the lines that define a name of the reference"
    module = info["module"].removeprefix("fer_course.")
    if domain != "py" or module not in library.modules:
        return None
    file = library.modules[module].file.relative_to(ROOT)
    lines = library.line_range(module, info["fullname"])
    return repository_address(ROOT, file, lines) if lines else None


project = settings["lib_name"]
author = settings["author"]
copyright = f"2026 onwards, {author}"
release = settings["version"]
html_title = f"{project} {release}"
html_baseurl = f"{settings['doc_host']}{settings['doc_baseurl']}/"
language = "en"
smartquotes = False  # two dashes of an option stay two dashes

extensions = [
    "myst_nb",
    "sphinx_copybutton",
    "sphinx.ext.linkcode",
    "course_site.pages",
]
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # no script from outside
nb_merge_streams = True
nb_number_source_lines = False
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
highlight_language = "none"  # of blocks in texts; cells name theirs
html_math_renderer = "mathml"
suppress_warnings = ["mystnb.unknown_mime_type", "myst.header"]
add_module_names = False
toc_object_entries_show_parents = "hide"
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_favicon = (
    "static/favicon.svg"  # relative to this file; html_static_path comes from build_site.py
)
html_css_files = ["course.css"]
html_js_files = [("course.js", {"defer": "defer"})]
html_domain_indices = False
html_show_search_summary = False  # a search would download every page that it finds
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "navigation_with_keys": True,
    "top_of_page_buttons": [],
    "dark_css_variables": {
        "color-api-name": "#ff9d97",
        "color-api-pre-name": "#ff9d97",
    },
}
