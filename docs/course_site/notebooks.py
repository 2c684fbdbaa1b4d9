"""A notebook of the course as a page of the site.

Directives become tags that myst-nb reads: exported code and tests are folded, `default_exp` is left
out. In a library notebook, the entry of the reference precedes the code that it describes.
"""

import ast, re
from dataclasses import dataclass
from pathlib import Path
from course_site.library import directives, without_directives
from course_site.links import link_names, relink
from course_site.reference import about, entry, used_by

FOLDED = "hide-input"
SMALL = re.compile(r"\*Code of this section:\*.*$")
HIDDEN = ("default_exp", "hide")
IMAGES = ("image/png", "image/jpeg", "image/svg+xml")


@dataclass
class Site:
    "What the pages need to know of each other"

    root: Path
    library: object  # a `Library`
    pages: set  # paths of all pages relative to the root
    named_cells: set  # ids of the cells that the gallery links to
    describe: object  # function of (notebook, index of a cell) that returns the alt text
    badge: object  # function of a lesson's stem that returns the link to Colab
    anchor: object  # function of a cell's id that returns its target


def markdown(source):
    "Return a new text cell"
    return dict(cell_type="markdown", metadata={}, source=source)


def only_imports(source):
    "Return whether a source has no other statements than imports"
    return all(isinstance(n, (ast.Import, ast.ImportFrom)) for n in ast.parse(source).body)


def fold_title(source):
    "Return the line that opens a folded cell, or nothing if the cell is not folded"
    found = directives(source)
    if "export" in found:
        return "Imports" if only_imports(without_directives(source)) else "Source code"
    if "test" in found:
        return "Test: " + found["test"].replace("_", " ")
    if "testi" in found:
        return "What the tests use"
    return "Code" if found.get("code-fold") == "true" else ""


def code_cell(cell, alt):
    "Return a code cell with tags in place of directives, or None if readers do not need it"
    found = directives(cell["source"])
    source = without_directives(cell["source"])
    if found.get("include") == "false" or set(HIDDEN) & set(found) or not source.strip():
        return None
    tags, mystnb = [], {}
    if found.get("echo") == "false":
        tags.append("remove-input")
    elif title := fold_title(cell["source"]):
        tags.append(FOLDED)
        mystnb |= dict(code_prompt_show=title, code_prompt_hide=title)
    outputs = [o for o in cell["outputs"] if o.get("name") != "stderr"]
    if found.get("output") == "false":
        outputs = []
    if any(kind in o.get("data", {}) for o in outputs for kind in IMAGES):
        mystnb["image"] = dict(alt=alt)
    metadata = dict(tags=tags)
    if mystnb:
        metadata["mystnb"] = mystnb
    return {**cell, "source": source, "outputs": outputs, "metadata": metadata}


def page_cells(notebook, change_text, site):
    "Yield (cell as readers see it, original cell) of a notebook"
    for index, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "markdown":
            text = change_text(cell["source"])
            yield {**cell, "source": small(text) if SMALL.match(text) else text}, cell
        elif cell["cell_type"] == "code":
            alt = site.describe(notebook, index) if has_image(cell) else ""
            if shown := code_cell(cell, alt):
                if cell["id"] in site.named_cells:
                    yield markdown(f"({site.anchor(cell['id'])})="), cell
                yield shown, cell


def small(text):
    "Return a text in the small grey letters of links"
    return f"`````{{container}} page-links\n{text}\n`````"


def has_image(cell):
    "Return whether a code cell shows a picture"
    kinds = {kind for output in cell["outputs"] for kind in output.get("data", {})}
    return bool(kinds & set(IMAGES))


def finished(notebook, cells):
    "Return a notebook with other cells, each with an id"
    for number, cell in enumerate(cells):
        cell.setdefault("id", f"site-{number}")
    metadata = {**notebook["metadata"], "language_info": {"name": "python"}}
    return {**notebook, "cells": cells, "metadata": metadata}


def text_changer(site, page, scope):
    "Return the function that links names and files in the texts of a page"

    def change(text):
        named = link_names(text, scope, site.library)
        return relink(named, page, site.pages, site.root)

    return change


def library_page(notebook, module, site):
    "Return the notebook of a module as its page of the reference"
    page = module.notebook.relative_to(site.root).as_posix()
    change = text_changer(site, page, site.library.scope(module))
    cells = []
    for shown, cell in page_cells(notebook, change, site):
        symbols = module.cells.get(cell.get("id"), [])
        for symbol in symbols if shown["cell_type"] == "code" else []:
            cells.append(markdown(entry(symbol, module, site.library)))
        cells.append(shown)
    cells.insert(1, markdown(about(module, site.library)))
    return finished(notebook, cells)


def lesson_page(notebook, path, site):
    "Return a lesson as a page: links to Colab and to the notebook, and what it uses at the end"
    stem = path.stem
    page = path.relative_to(site.root).as_posix()
    change = text_changer(site, page, site.library.lessons.get(stem, {}))
    cells = [shown for shown, _ in page_cells(notebook, change, site)]
    if stem in site.library.lessons:
        cells.insert(1, markdown(site.badge(stem)))
        cells.append(markdown("---\n\n" + used_by(stem, site.library)))
    return finished(notebook, cells)


def home_page(notebook, site, contents):
    "Return index.ipynb as the first page, with the hidden table of contents at its end"
    change = text_changer(site, "index.ipynb", {})
    cells = [shown for shown, _ in page_cells(notebook, change, site)]
    return finished(notebook, [*cells, markdown(contents)])


def text_page(text, page, site):
    "Return a Markdown file of the repository as a page"
    text = re.sub(r"^<!--.*?-->\s*", "", text, flags=re.S)
    return relink(text, page, site.pages, site.root)
