"""Links in texts: names in code become links to the reference, files become addresses.

A link to a page of the site stays as it is; a link to another file of the repository leads to the
file in the project's public repository, which is not fetched when a page is shown.
"""

import os, re
from pathlib import Path
from urllib.parse import unquote
from course_site.sources import settings

CODE = re.compile(r"(?<![`\w}\]])`([A-Za-z_][\w.]*)(?:\(\))?`(?!`)")
LINKED = re.compile(r"(!?\[[^\]]*\]\([^)]*\))")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^\s*(```|~~~)")


def repository_address(
    root,
    path,  # relative to the root
    lines=None,  # (first, last), from 1
):
    "Return the address of a file or folder in the project's repository, or of its lines"
    config = settings(root)
    kind = "tree" if (Path(root) / path).is_dir() else "blob"
    place = f"#L{lines[0]}-L{lines[1]}" if lines else ""
    return f"{config['git_url']}/{kind}/{config['branch']}/{Path(path).as_posix()}{place}"


def role(dotted, label):
    "Return MyST text of a link to a name or a module of the reference"
    return f"{{py:obj}}`{label} <{dotted}>`"


def prose_lines(text):
    "Yield (line, whether it is text) of a Markdown source: fenced blocks are not"
    inside = False
    for line in text.splitlines(keepends=True):
        fence = bool(FENCE.match(line))
        yield line, not (inside or fence)
        inside ^= fence


def link_names(
    text,  # Markdown
    scope,  # {name: dotted name in the package}
    library,
):
    "Return a text whose names in backticks lead to the reference, if they are in scope"

    def linked(match):
        name = match[1]
        if name in library.modules:
            return role(f"fer_course.{name}", name)
        dotted = scope.get(name) or library.unique.get(name)
        return role(f"fer_course.{dotted}", name) if dotted in library.known else match[0]

    found = []
    for line, is_prose in prose_lines(text):
        if is_prose:
            pieces = LINKED.split(line)
            pieces[::2] = [CODE.sub(linked, piece) for piece in pieces[::2]]
            line = "".join(pieces)
        found.append(line)
    return "".join(found)


def relink(
    text,  # Markdown
    page,  # path of the page relative to the root, such as nbs/09_detection.ipynb
    pages,  # set of all pages as such paths
    root,
):
    "Return a text whose links to files that are no pages lead to the project's repository"
    folder = Path(page).parent

    def changed(match):
        mark, label, target = match.groups()
        path, _, _ = target.partition("#")
        if mark or "://" in target or target.startswith(("mailto:", "#")) or not path:
            return match[0]
        place = os.path.normpath(folder / unquote(path))
        if Path(place).as_posix() in pages or not (Path(root) / place).exists():
            return match[0]
        return f"[{label}]({repository_address(root, place)})"

    lines = [LINK.sub(changed, line) if prose else line for line, prose in prose_lines(text)]
    return "".join(lines)
