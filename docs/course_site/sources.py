"What the site is made from: settings, notebooks, code cells; how files are written."

import ast, json, os, re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IPYTHON = re.compile(r"\s*([%!?]|\w+\s*=\s*[%!]|.*\?$)")


class SiteError(Exception):
    "An error in a source of the site: the file, what is wrong, and the remedy."

    def __init__(self, path, problem, remedy):
        super().__init__(f"{path}: {problem}. Remedy: {remedy}.")


def read_notebook(path):
    """Return a notebook as a dictionary whose cells hold their source as one text.

    Raises `SiteError` if the file is not a notebook with a title.
    """
    try:
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            cell["source"] = text_of(cell["source"])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise SiteError(path, f"no valid notebook ({error})", "restore it from git") from None
    cells = notebook["cells"]
    if not cells or not cells[0]["source"].startswith("# "):
        raise SiteError(path, "the first cell has no title", 'begin it with "# title"')
    return notebook


def text_of(source):
    "Return a field of a notebook as one text: files hold texts or lists of lines"
    return source if isinstance(source, str) else "".join(source)


def parsable(source):
    "Return a cell's source without the lines that only IPython reads"
    if source.lstrip().startswith("%%"):
        return ""
    return "\n".join("" if IPYTHON.match(line) else line for line in source.splitlines())


def parsed(source, path, cell):
    "Return the syntax tree of a code cell; lines that only IPython reads are left out"
    try:
        return ast.parse(parsable(source))
    except SyntaxError as error:
        problem = f"cell {cell.get('id')} is no Python ({error.msg}, line {error.lineno})"
        raise SiteError(path, problem, "mend the cell; IPython lines begin with % or !") from None


def settings(root=ROOT):
    "Return the settings of the project, from settings.ini"
    parser = ConfigParser()
    parser.read(Path(root) / "settings.ini", encoding="utf-8")
    return dict(parser["DEFAULT"])


def write_if_new(path, content):
    "Write a file, through a temporary name, unless it has this content already"
    content = content if isinstance(content, bytes) else content.encode("utf-8")
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(content)
    os.replace(partial, path)
