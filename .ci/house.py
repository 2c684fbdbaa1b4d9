"""Check the structure of the library: sizes, imports, names, docstrings, types.

python .ci/house.py                    every rule, for the whole library and the scripts
python .ci/house.py fer_course/faces   the modules of one folder
python .ci/house.py --types            also list public arguments without a type
"""

import ast, re, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCREEN, MODULE, WIDTH = 50, 350, 90
# A package imports only from packages in rows above its own: the lower floors of docs/house.svg.
LAYERS = (
    ("facs",),
    ("core",),
    ("faces",),
    ("metrics",),
    ("data",),
    ("augment",),
    ("align",),
    ("models",),
    ("train",),
    ("evaluate",),
    ("bias",),
    ("tables",),
    ("app",),
    ("teach",),
)
# name -> the reason why it may be longer than a screen, or than a module
EXCEPTIONS = {}
SLIPS = re.compile(
    r"\b(somebody|nobody|whoever|a training(?! (?:run|batch|set|image|step|loop|split|example))"
    r"|trainings|is none|that is none|are told|says so|hears?|whose own|ours|theirs"
    r"|stands? (?:in|for|there|at)|is no [a-z]+|whether this is|where one is|gone|judged"
    r"|on foot|of their own)\b",
    re.I,
)


def module_name(path):
    "Return the dotted name of a module inside the package, such as `faces.renderer`"
    parts = path.relative_to(ROOT / "fer_course").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(module):
    "Return the row of a module in `LAYERS`"
    first = module.split(".")[0]
    return next((row for row, names in enumerate(LAYERS) if first in names), None)


def imported_modules(path, tree):
    "Yield (line, module inside the package, names, whether at module level) of each import"
    here = ("fer_course." + module_name(path)).split(".")
    if path.name != "__init__.py":
        here = here[:-1]
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = here[: len(here) - node.level + 1] if node.level else []
        dotted = ".".join([*base, *([node.module] if node.module else [])])
        if dotted.split(".")[0] == "fer_course":
            names = [alias.name for alias in node.names]
            yield node.lineno, dotted.removeprefix("fer_course").lstrip("."), names, id(node) in top


def is_module(dotted):
    "Return whether a dotted name inside the package is a module or a package"
    path = ROOT / "fer_course" / Path(*dotted.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def check_imports(path, tree):
    "Yield complaints about imports that run upward or take a private name"
    me = module_name(path)
    for line, dotted, names, _ in imported_modules(path, tree):
        for name in names:
            target = f"{dotted}.{name}".lstrip(".")
            target = target if is_module(target) else dotted
            if name.startswith("_") and not name.startswith("__"):
                yield line, f"takes the private name {name} of {dotted}"
            mine, other = layer(me), layer(target)
            if None not in (mine, other) and other > mine:
                yield line, f"imports {target}, which is above it"


def check_sizes(path, tree, text):
    "Yield complaints about long functions and long modules"
    lines = len(text.splitlines())
    inside = ROOT / "fer_course" in path.parents
    name = module_name(path) if inside else path.relative_to(ROOT).with_suffix("").as_posix()
    if inside and lines > MODULE and name not in EXCEPTIONS:
        yield 1, f"{lines} lines, at most {MODULE}"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            size = node.end_lineno - node.lineno + 1
            if size > SCREEN and f"{name}.{node.name}" not in EXCEPTIONS:
                yield node.lineno, f"{node.name} has {size} lines, at most {SCREEN}"


def check_docstrings(path, tree):
    "Yield complaints about first lines that are too long and about phrases that STYLE refuses"
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    for node in ast.walk(tree):
        if not isinstance(node, kinds) or not (doc := ast.get_docstring(node)):
            continue
        line, first = getattr(node, "lineno", 1), doc.splitlines()[0]
        if len(first) > WIDTH:
            yield line, f"the first line of the docstring has {len(first)} characters"
        for found in SLIPS.findall(doc):
            yield line, f'the docstring says "{found}"'


def public_functions(tree):
    "Yield the functions and methods whose names have no leading underscore"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def check_types(path, tree):
    "Yield public arguments without a type, and functions without a return type"
    for node in public_functions(tree):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        bare = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
        if bare:
            yield node.lineno, f"{node.name}: no type for {', '.join(bare)}"
        if node.returns is None and node.name != "__init__":
            yield node.lineno, f"{node.name}: no return type"


def check_names(modules):
    "Yield (path, line, complaint) for functions that bear a module's name"
    nouns = {part for path in modules for part in module_name(path).split(".")}
    for path, tree in modules.items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name in nouns:
                yield path, node.lineno, f"the function {node.name} bears a module's name"


def main(arguments):
    "Print every complaint; return 1 if there is one"
    types = "--types" in arguments
    chosen = [ROOT / a for a in arguments if not a.startswith("--")] or [ROOT / "fer_course"]
    paths = sorted({p for c in chosen for p in ([c] if c.is_file() else c.rglob("*.py"))})
    paths = [p for p in paths if p.name != "_modidx.py"]
    every = [p for p in sorted((ROOT / "fer_course").rglob("*.py")) if p.name != "_modidx.py"]
    trees = {p: ast.parse(p.read_text(encoding="utf-8")) for p in {*every, *paths}}
    found = [(p, *c) for p, *c in check_names({p: trees[p] for p in every}) if p in paths]
    for path in paths:
        text, tree = path.read_text(encoding="utf-8"), trees[path]
        checks = [check_sizes(path, tree, text), check_docstrings(path, tree)]
        if path in every:
            checks.append(check_imports(path, tree))
        if types:
            checks.append(check_types(path, tree))
        found += [(path, *complaint) for check in checks for complaint in check]
    for path, line, complaint in sorted(found):
        print(f"{path.relative_to(ROOT)}:{line}: {complaint}")
    print(f"{len(paths)} files, {len(found)} complaints")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
