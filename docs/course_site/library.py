"The library as its notebooks and package files describe it: modules, public names, users."

import ast, re, sys
from dataclasses import dataclass, field
from pathlib import Path
from course_site.sources import ROOT, SiteError, parsed, read_notebook
from course_site.symbols import symbols_of

sys.path.insert(0, str(ROOT / ".ci"))
from house import LAYERS  # noqa: E402

PACKAGE = "fer_course"
LESSONS = "nbs/[0-9][0-9]_*.ipynb"
LIBRARY = "nbs/library/*.ipynb"
CELL = re.compile(r"^# %% \S+ #(\w+)$")


def directives(source):
    "Return {name: rest of the line} of the directives of a code cell, such as `#| test name`"
    found = re.findall(r"^#\|[ \t]*([\w-]+):?[ \t]*(.*)$", source, re.M)
    return {name: rest.strip() for name, rest in found}


def without_directives(source):
    "Return the source of a code cell without its `#|` lines"
    return re.sub(r"^#\|.*\n?", "", source, flags=re.M).strip("\n")


@dataclass
class Module:
    "A module of the library and the notebook that is its source"

    name: str  # such as `align.boxes`
    notebook: Path
    file: Path
    subtitle: str = ""
    cells: dict = field(default_factory=dict)  # cell id -> list of `Symbol`
    imports: dict = field(default_factory=dict)  # name in scope -> dotted name in the package
    lessons: list = field(default_factory=list)  # stems of the lessons that use it

    @property
    def symbols(self):
        "Return all public names of the module in their order"
        return [symbol for symbols in self.cells.values() for symbol in symbols]


def imported_names(tree):
    "Return {name in scope: (module, name)} of what a syntax tree imports from the package"
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            dotted = node.module.removeprefix(PACKAGE).lstrip(".")
            for alias in node.names:
                found[alias.asname or alias.name] = (dotted, alias.name)
    return found


def first_lines(file):
    "Return {cell id: line of its mark in the exported module}"
    lines = file.read_text(encoding="utf-8").splitlines()
    marks = ((number, CELL.match(line)) for number, line in enumerate(lines, 1))
    return {mark[1]: number for number, mark in marks if mark}


def read_module(root, path):
    "Return the `Module` of a library notebook, or None if it exports nothing"
    cells = read_notebook(path)["cells"]
    named = [directives(c["source"]).get("default_exp") for c in cells if c["cell_type"] == "code"]
    name = next((n for n in named if n), None)
    if name is None:
        return None
    file = root / PACKAGE / Path(*name.split(".")).with_suffix(".py")
    if not file.exists():
        raise SiteError(path, f"{file.relative_to(root)} is missing", "make export")
    module = Module(name, path, file)
    quote = re.search(r"^> (.*)$", cells[0]["source"], re.M)
    module.subtitle = quote[1].strip() if quote else ""
    starts = first_lines(file)
    for cell in cells:
        if cell["cell_type"] == "code" and "export" in directives(cell["source"]):
            source = without_directives(cell["source"])
            tree = parsed(source, path, cell)
            known = {symbol.name for symbol in module.symbols}
            found = symbols_of(source, start=starts.get(cell["id"], 0), defined=known)
            module.cells[cell["id"]] = found
            module.imports |= imported_names(tree)
    return module


def reexports(root):
    "Return {package: {public name: module}} from the tables in the packages' __init__.py"
    found = {}
    for file in sorted((root / PACKAGE).rglob("__init__.py")):
        package = ".".join(file.parent.relative_to(root / PACKAGE).parts)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "lazy_names":
                table = ast.literal_eval(node.args[1])
                found[package] = {k: f"{package}{v}".lstrip(".") for k, v in table.items()}
    return found


class Library:
    "Modules by name, what packages re-export, and which lesson uses which module"

    def __init__(self, root):
        self.root = Path(root)
        read = (read_module(self.root, path) for path in sorted(self.root.glob(LIBRARY)))
        self.modules = {module.name: module for module in read if module}
        self.exports = reexports(self.root)
        self.lessons = {p.stem: self.names_of_lesson(p) for p in sorted(self.root.glob(LESSONS))}
        for stem in self.lessons:
            for module in self.modules_of(stem):
                self.modules[module].lessons.append(stem)
        self.places = self.find_names()
        self.known = {f"{m}.{name}" for name, modules in self.places.items() for m in modules}
        # a name such as CourseError, which cannot be a word of a sentence or another's variable
        self.unique = {
            name: f"{modules[0]}.{name}"
            for name, modules in self.places.items()
            if len(modules) == 1 and name != name.lower()
        }

    def find_names(self):
        "Return {public name: modules that define it}"
        found = {}
        for module in self.modules.values():
            for name in {symbol.name for symbol in module.symbols}:
                found.setdefault(name, []).append(module.name)
        return found

    def line_range(self, module, name):
        "Return first and last line of a name, such as `locate` or `MTCNN.detect`, in its file"
        owner, _, member = name.partition(".")
        for symbol in self.modules[module].symbols:
            if symbol.name == owner:
                inner = [m for m in symbol.members if m.name == member]
                return (inner[0].line, inner[0].last) if inner else (symbol.line, symbol.last)
        return None

    def dotted(self, module, name):
        "Return the dotted name `module.name` of what is imported from a module or a package"
        module = self.exports.get(module, {}).get(name, module)
        return f"{module}.{name}"

    def names_of_lesson(self, path):
        "Return {name in scope: dotted name} of what a lesson imports from the package"
        found = {}
        for cell in read_notebook(path)["cells"]:
            if cell["cell_type"] == "code":
                tree = parsed(cell["source"], path, cell)
                found |= {k: self.dotted(*v) for k, v in imported_names(tree).items()}
        return found

    def modules_of(self, stem):
        "Return the modules from which a lesson imports, or which it imports whole"
        dotted = set(self.lessons[stem].values())
        return (dotted | {name.rpartition(".")[0] for name in dotted}) & set(self.modules)

    def scope(self, module):
        "Return {name in scope: dotted name} of the public names that a module knows"
        found = {k: self.dotted(*v) for k, v in module.imports.items()}
        return found | {s.name: f"{module.name}.{s.name}" for s in module.symbols}

    def packages(self):
        "Return {package: its modules}, the lowest package first; `facs` is a package of its own"
        found = {}
        for package in (name for row in LAYERS for name in row):
            modules = [m for name, m in self.modules.items() if name.split(".")[0] == package]
            if modules:
                found[package] = modules
        return found

    @property
    def subjects(self):
        "Return {package: the docstring of its __init__.py}"
        found = {}
        for package, modules in self.packages().items():
            init = self.root / PACKAGE / package / "__init__.py"
            file = init if init.exists() else modules[0].file
            text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
            found[package] = text.splitlines()[0]
        return found

    def public_path(self, module, name):
        "Return the shortest module or package from which users import a name"
        for package, table in self.exports.items():
            if table.get(name) == module:
                return f"{PACKAGE}.{package}"
        return f"{PACKAGE}.{module}"
