"Entries of the reference: signature, description, parameter table, import."

import json, re, textwrap
from course_site.links import link_names, repository_address, role

FENCE = "`````"
CODE_SPAN = re.compile(r"(`[^`]+`)")
MARKUP = re.compile(r"([<${]|\*(?=\w)|\[(?=\^)|^#(?=#* )|^-(?=--+$)|^=(?==+$))", re.M)
ADDRESS = re.compile(r"(?<![<(\w])(https://[^\s<>()]*[^\s<>().,;:])")
DIRECTIVE = dict(method="method", data="data", property="property", exception="exception")
DIRECTIVE |= {"function": "function", "class": "class"}


def cell_of_table(text):
    "Return a text as one cell of a Markdown table"
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


def code(text):
    "Return a text as inline code, or nothing if it is empty"
    return f"`{text}`" if text else ""


def plain_text(text):
    "Return a docstring or docment as Markdown: what looks like HTML or a formula is neither"
    pieces = CODE_SPAN.split(text)
    pieces[::2] = [MARKUP.sub(r"\\\1", piece) for piece in pieces[::2]]
    return ADDRESS.sub(r"<\1>", "".join(pieces))


def type_and_default(parameter):
    "Return the type of a parameter and its default as one cell"
    default = f"default {code(parameter.default)}" if parameter.default else ""
    return ", ".join(filter(None, [code(parameter.type), default]))


def parameter_table(parameters, scope, library):
    "Return the parameters as a Markdown table; columns that are empty are left out"
    columns = {
        "Parameter": [code(p.name) for p in parameters],
        "Type": [type_and_default(p) for p in parameters],
        "Details": [link_names(plain_text(p.details), scope, library) for p in parameters],
    }
    columns = {title: cells for title, cells in columns.items() if any(cells)}
    rows = [list(columns), ["---"] * len(columns), *zip(*columns.values())]
    return "\n".join(f"| {' | '.join(map(cell_of_table, row))} |" for row in rows)


def description(symbol, scope, library):
    "Return docstring, parameter table and what is returned as Markdown"
    parts = []
    if symbol.bases:
        bases = [link_names(code(base), scope, library) for base in symbol.bases]
        parts.append(f"Bases: {', '.join(bases)}")
    if symbol.text:
        parts.append(link_names(plain_text(textwrap.dedent(symbol.text)), scope, library))
    if symbol.parameters:
        parts.append(parameter_table(symbol.parameters, scope, library))
    if symbol.returns and (symbol.returns.type != "None" or symbol.returns.details):
        details = link_names(plain_text(symbol.returns.details), scope, library)
        text = f"**Returns** {code(symbol.returns.type)}"
        parts.append(f"{text}: {details}" if details else text)
    return parts


def entry(symbol, module, library, owner=""):
    "Return MyST text that describes one public name; methods follow inside their class"
    name = f"{owner}.{symbol.name}" if owner else symbol.name
    scope = library.scope(module)
    lines = [f"{FENCE}{{py:{DIRECTIVE[symbol.kind]}}} {name}"]
    if symbol.kind == "data":
        if symbol.signature:
            value = json.dumps(symbol.signature.removeprefix(" = "), ensure_ascii=False)
            lines.append(f":value: {value}")  # options are YAML
    else:
        lines[0] += symbol.signature
    lines += [f":module: fer_course.{module.name}", ""]
    parts = description(symbol, scope, library)
    if not owner and symbol.kind != "data":
        place = library.public_path(module.name, symbol.name)
        parts.append(f"`from {place} import {symbol.name}`")
    body = "\n\n".join(parts)
    text = "\n".join(lines) + "\n" + body + f"\n{FENCE}\n"
    members = [entry(m, module, library, owner=symbol.name) for m in symbol.members]
    return "\n".join([text, *members])


def title_of_lesson(stem):
    "Return how a lesson is named in a link: 09_detection -> 09 detection"
    return stem.replace("_", " ")


def about(module, library):
    "Return the lines below a module's title: where its file is, which lessons use it"
    root = library.root
    file = module.file.relative_to(root)
    notebook = module.notebook.relative_to(root)
    parts = [
        f"[module file]({repository_address(root, file)})",
        f"[notebook]({repository_address(root, notebook)})",
    ]
    lines = [f"{FENCE}{{py:module}} fer_course.{module.name}\n{FENCE}\n"]
    lines.append(f"{FENCE}{{container}} page-links\nSource: {' · '.join(parts)}")
    if module.lessons:
        links = [f"[{title_of_lesson(s)}](../{s}.ipynb)" for s in module.lessons]
        lines.append(f"\nUsed in lessons: {' · '.join(links)}")
    return "\n".join([*lines, FENCE])


def used_by(stem, library):
    "Return a line of links to the modules of the library that a lesson uses, or nothing"
    links = [role(f"fer_course.{name}", name) for name in sorted(library.modules_of(stem))]
    return f"**In the reference:** {' · '.join(links)}" if links else ""
