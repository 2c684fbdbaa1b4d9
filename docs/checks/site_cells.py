"""Compare the notebooks with their pages: `#| export` and `#| test` cells are folded there."""

import json, re
from dataclasses import dataclass
from pathlib import Path

FOLDED = re.compile(r"^#\s?\|\s*(export|exports|exporti|test|testi)\b", re.M)
HIDDEN = re.compile(r"^#\s?\|\s*(hide|default_exp)\b", re.M)
ANY = re.compile(r"^#\s?\|.*$\n?", re.M)


@dataclass
class Cell:
    "A code cell: its code without directives and blanks, and what its directives ask for"

    code: str
    wish: str  # folded, hidden, shown


def squeezed(text):
    "Return a text without white space, so that layout does not matter"
    return re.sub(r"\s+", "", text)


def code_cells(notebook):
    "Return the code cells of a notebook file that hold code"
    cells = []
    for cell in json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        wish = "hidden" if HIDDEN.search(source) else "shown"
        wish = "folded" if FOLDED.search(source) and wish == "shown" else wish
        code = squeezed(ANY.sub("", source))
        if len(code) > 20:
            cells.append(Cell(code, wish))
    return cells


def fold_complaints(page, cells):
    "Return (complaints, number of folded cells seen) for the cells of one page"
    found, seen = [], 0
    shown = {squeezed(block.text): block.fold for block in page.blocks}
    for cell in cells:
        fold = shown.get(cell.code)
        short = cell.code[:50]
        if cell.wish == "folded" and fold in ("none", "open"):
            state = "not folded" if fold == "none" else "unfolded at first"
            found.append(f"{page.path}: an export or test cell is {state}: {short}...")
        elif cell.wish == "hidden" and fold is not None:
            found.append(f"{page.path}: a hidden cell is shown: {short}...")
        elif cell.wish == "shown" and fold is None:
            found.append(f"{page.path}: a cell of the notebook is not on the page: {short}...")
        seen += cell.wish == "folded" and fold == "closed"
    return found, seen
