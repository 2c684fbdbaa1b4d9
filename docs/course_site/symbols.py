"""What a library notebook exports, read from its source: names, signatures, docments.

Nothing is imported, so the site is built without PyTorch.
"""

import ast, io, tokenize
from dataclasses import dataclass, field

INDENT = 4  # columns


@dataclass
class Parameter:
    "A parameter of a function, or a field of a dataclass"

    name: str  # with its stars, such as `**options`
    type: str = ""  # its annotation
    default: str = ""  # its default as source text; empty = required
    details: str = ""  # its docment


@dataclass
class Symbol:
    "A public name of a module"

    name: str
    kind: str  # 'function', 'class', 'exception', 'data', 'method', 'property'
    line: int  # first and last line in the module's file, from 1
    last: int
    signature: str = ""  # names and defaults in brackets
    text: str = ""  # its docstring
    parameters: list = field(default_factory=list)  # of `Parameter`
    returns: Parameter | None = None
    members: list = field(default_factory=list)  # of `Symbol`: methods and properties of a class


def comments(source):
    "Return {line: text} of the comments of a source, and the lines that hold nothing else"
    found, alone = {}, set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            found[line] = token.string.lstrip("# ").rstrip()
            if not token.line[: token.start[1]].strip():
                alone.add(line)
    return found, alone


class Docments:
    "The comments that document the parameters of one source text"

    def __init__(self, source):
        self.text, self.alone = comments(source)

    def of(self, node):
        "Return the comment behind a parameter or a field, or the ones above it"
        if (line := node.end_lineno) in self.text:
            return self.text[line]
        above = []
        line = node.lineno - 1
        while line in self.alone:
            above.insert(0, self.text[line])
            line -= 1
        return " ".join(above)


def parameter_list(node, docments):
    "Return the parameters of a function in their order, `self` and `cls` left out"
    arguments = node.args
    positional = arguments.posonlyargs + arguments.args
    missing = [None] * (len(positional) - len(arguments.defaults))
    pairs = list(zip(positional, missing + arguments.defaults, [""] * len(positional)))
    if arguments.vararg:
        pairs.append((arguments.vararg, None, "*"))
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, [""] * len(arguments.kwonlyargs))
    if arguments.kwarg:
        pairs.append((arguments.kwarg, None, "**"))
    found = []
    for argument, default, stars in pairs:
        is_self = argument.arg in ("self", "cls") and not found
        if is_self or argument.arg.startswith("_"):
            continue
        type_ = ast.unparse(argument.annotation) if argument.annotation else ""
        last = default if default is not None else argument
        place = ast.Pass(lineno=argument.lineno, end_lineno=last.end_lineno)
        value = ast.unparse(default) if default is not None else ""
        name = stars + argument.arg
        found.append(Parameter(name, plain(type_), value, docments.of(place)))
    return found


def plain(annotation):
    "Return an annotation without the quotes of a forward reference"
    quoted = len(annotation) > 1 and annotation[0] == annotation[-1] and annotation[0] in "'\""
    return annotation[1:-1] if quoted else annotation


def signature_of(node):
    "Return names and defaults of a function in brackets, without types"
    bare = ast.parse(ast.unparse(node)).body[0]
    every = bare.args.posonlyargs + bare.args.args + bare.args.kwonlyargs
    for argument in [*every, bare.args.vararg, bare.args.kwarg]:
        if argument is not None:
            argument.annotation = None
    arguments = bare.args.posonlyargs or bare.args.args
    if arguments and arguments[0].arg in ("self", "cls"):
        del arguments[0]
    return f"({ast.unparse(bare.args)})"


def returned(node, docments):
    "Return the type and docment of what a function returns, or None"
    if node.returns is None:
        return None
    details = docments.text.get(node.returns.end_lineno, "")
    return Parameter("returns", plain(ast.unparse(node.returns)), details=details)


def is_property(node):
    "Return whether a method is used like an attribute"
    names = {ast.unparse(d).split(".")[-1] for d in node.decorator_list}
    return bool(names & {"property", "cached_property"})


def function_symbol(node, docments, start, kind="function"):
    "Return the `Symbol` of a function or method"
    return Symbol(
        node.name,
        kind,
        start + node.lineno,
        start + node.end_lineno,
        "" if kind == "property" else signature_of(node),
        ast.get_docstring(node) or "",
        [] if kind == "property" else parameter_list(node, docments),
        returned(node, docments),
    )


def class_symbol(node, docments, start):
    "Return the `Symbol` of a class with its fields or the parameters of its `__init__`"
    bases = [ast.unparse(base) for base in node.bases]
    kind = "exception" if any(b.endswith(("Error", "Exception")) for b in bases) else "class"
    found = Symbol(node.name, kind, start + node.lineno, start + node.end_lineno)
    found.text = ast.get_docstring(node) or ""
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            if not item.target.id.startswith("_"):
                default = ast.unparse(item.value) if item.value is not None else ""
                type_ = plain(ast.unparse(item.annotation))
                details = docments.of(item)
                found.parameters.append(Parameter(item.target.id, type_, default, details))
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            found.parameters = parameter_list(item, docments)
            found.signature = signature_of(item)
        elif isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
            member = "property" if is_property(item) else "method"
            found.members.append(function_symbol(item, docments, start, member))
    return found


def assigned_names(node):
    "Return the names that a statement assigns"
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]


def data_symbols(node, docments, start, known):
    "Yield a `Symbol` for each constant that a statement defines for the first time"
    for name in assigned_names(node):
        if not name.startswith("_") and name not in known:
            value = ast.unparse(node.value) if node.value is not None else ""
            signature = f" = {value}" if 0 < len(value) <= 60 else ""
            text = docments.of(node)
            yield Symbol(
                name, "data", start + node.lineno, start + node.end_lineno, signature, text
            )


def symbols_of(
    source,  # of one code cell
    start=0,  # lines of the module's file before the cell
    defined=(),  # names that earlier cells define
):
    "Return the public names that a cell defines, as a list of `Symbol`, in their order"
    docments = Docments(source)
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if not node.name.startswith("_"):
                found.append(function_symbol(node, docments, start))
        elif isinstance(node, ast.ClassDef):
            if not node.name.startswith("_"):
                found.append(class_symbol(node, docments, start))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            known = {symbol.name for symbol in found} | set(defined)
            found += data_symbols(node, docments, start, known)
    return found
