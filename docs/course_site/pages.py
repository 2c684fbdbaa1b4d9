"Hooks of Sphinx: formulas as MathML; tables and code that scroll by keyboard."

import re
from docutils import nodes

SCROLLING = re.compile(r"<(pre|div class=\"(?:cell_output|table-wrapper)[^\"]*\")(?=[ >])")
IMAGE = re.compile(r"<img (?![^>]*loading=)")


def formula(self, node, display):
    "Write a formula as MathML, which browsers draw without a script"
    from latex2mathml.converter import convert

    text = convert(node.astext(), display="block" if display else "inline")
    if display:
        text = f'<div class="math-block" tabindex="0">{text}</div>'
    self.body.append(text)
    raise nodes.SkipNode


def inline_formula(self, node):
    "Write a formula that is part of a line"
    formula(self, node, display=False)


def block_formula(self, node):
    "Write a formula on lines of its own"
    formula(self, node, display=True)


def accessible(app, pagename, templatename, context, doctree):
    "Make what scrolls sideways reachable by keyboard; load figures when they come into view"
    body = context.get("body")
    if body:
        body = SCROLLING.sub(r'<\1 tabindex="0"', body)
        context["body"] = IMAGE.sub('<img loading="lazy" ', body)


def setup(app):
    "Register the hooks"
    app.add_html_math_renderer("mathml", (inline_formula, None), (block_formula, None))
    app.connect("html-page-context", accessible)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
