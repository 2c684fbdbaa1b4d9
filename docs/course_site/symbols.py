"""What a library notebook exports, read from its source: names, signatures, docments.

Nothing is imported, so the site is built without PyTorch.
"""

import ast, io, tokenize
from dataclasses import dataclass, field

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


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
    bases: list = field(default_factory=list)  # of a class, as source text


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

    def of(self, node, taken=()):
        """Return the comment behind a parameter or a field, or the ones above it.

        A comment behind a line of several belongs to the last: `taken` are the lines that later
        parameters and the returned type end on.
        """
        line = node.end_lineno
        if line in self.text and line not in taken:
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
    ends = [(default or argument).end_lineno for argument, default, _ in pairs]
    ends.append(node.returns.end_lineno if node.returns else 0)
    for i, (argument, default, stars) in enumerate(pairs):
        is_self = argument.arg in ("self", "cls") and not found
        if is_self or argument.arg.startswith("_"):
            continue
        type_ = ast.unparse(argument.annotation) if argument.annotation else ""
        last = default if default is not None else argument
        place = ast.Pass(lineno=argument.lineno, end_lineno=last.end_lineno)
        details = docments.of(place, taken=ends[i + 1 :])
        value = ast.unparse(default) if default is not None else ""
        name = stars + argument.arg
        found.append(Parameter(name, plain(type_), value, details))
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


def decorators(node):
    "Return the last names of the decorators of a function"
    return {ast.unparse(decorator).split(".")[-1] for decorator in node.decorator_list}


def is_property(node):
    "Return whether a method is used like an attribute"
    return bool(decorators(node) & {"property", "cached_property"})


def is_public(node):
    "Return whether a function or method is described; special methods need a docstring"
    if "overload" in decorators(node) or "setter" in decorators(node):
        return False
    special = node.name.startswith("__") and node.name.endswith("__")
    return bool(ast.get_docstring(node)) if special else not node.name.startswith("_")


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


def class_fields(node, docments):
    "Return the fields of a class: annotated names, and others that have a comment"
    found = []
    for item in node.body:
        if isinstance(item, ast.AnnAssign):
            type_ = plain(ast.unparse(item.annotation))
        elif isinstance(item, ast.Assign) and docments.of(item):
            type_ = ""
        else:
            continue
        default = ast.unparse(item.value) if item.value is not None else ""
        names = [name for name in assigned_names(item) if not name.startswith("_")]
        found += [Parameter(name, type_, default, docments.of(item)) for name in names]
    return found


def class_symbol(node, docments, start):
    "Return the `Symbol` of a class with its fields and the parameters of its `__init__`"
    bases = [ast.unparse(base) for base in node.bases]
    kind = "exception" if any(b.endswith(("Error", "Exception")) for b in bases) else "class"
    found = Symbol(node.name, kind, start + node.lineno, start + node.end_lineno, bases=bases)
    found.text = ast.get_docstring(node) or ""
    found.parameters = class_fields(node, docments)
    for item in node.body:
        if not isinstance(item, FUNCTIONS):
            continue
        if item.name == "__init__":
            found.parameters += parameter_list(item, docments)
            found.signature = signature_of(item)
        elif is_public(item):
            member = "property" if is_property(item) else "method"
            found.members.append(function_symbol(item, docments, start, member))
    return found


def assigned_names(node):
    "Return the names that a statement assigns"
    waiting = list(node.targets) if isinstance(node, ast.Assign) else [node.target]
    found = []
    for target in waiting:
        if isinstance(target, (ast.Tuple, ast.List)):
            waiting += target.elts
        elif isinstance(target, ast.Name):
            found.append(target.id)
    return found


def is_literal(node):
    "Return whether an expression is a constant, or a tuple, list or set of constants"
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError):
        return False
    return True


def data_symbols(node, docments, start, known):
    "Yield a `Symbol` for each constant that a statement defines for the first time"
    for name in assigned_names(node):
        if not name.startswith("_") and name not in known:
            value = ast.unparse(node.value) if is_literal(node.value) else ""
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
        if isinstance(node, FUNCTIONS):
            if is_public(node):
                found.append(function_symbol(node, docments, start))
        elif isinstance(node, ast.ClassDef):
            if not node.name.startswith("_"):
                found.append(class_symbol(node, docments, start))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            known = {symbol.name for symbol in found} | set(defined)
            found += data_symbols(node, docments, start, known)
    return found
