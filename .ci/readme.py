"""Make README.md from index.ipynb, and its figures in nbs/images.

nbdev's cell processors and nbconvert's Markdown exporter do it, without Quarto.
"""

import re
from pathlib import Path
import nbformat
from execnb.nbio import nb2str
from nbconvert import MarkdownExporter
from nbdev.config import get_config
from nbdev.process import NBProcessor
from nbdev.processors import clean_magics, filter_stream_, hide_, hide_line, rm_export, strip_ansi

MARK = "<!-- Made from index.ipynb by `make readme`: edit the notebook, not this file. -->\n\n"
IMAGES = "nbs/images"


def echo_off(cell):
    "Hide the code of a cell that is marked `#| echo: false`; remove directives from the others"
    if cell.cell_type != "code":
        return
    hidden = re.search(r"^#\|\s*echo:\s*false", cell.source, re.M)
    cell.source = "" if hidden else re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M)


def render(source):
    "Return Markdown text and {name: bytes} of the figures"
    notebook = NBProcessor(
        source,
        procs=[strip_ansi, hide_line, filter_stream_, rm_export, hide_, clean_magics, echo_off],
        process=True,
    ).nb
    for cell in notebook.cells:
        for key in [k for k in cell if k.endswith("_")]:
            del cell[key]
    node = nbformat.reads(nb2str(notebook), as_version=4)
    node.metadata["language_info"] = {"name": "python"}
    text, resources = MarkdownExporter().from_notebook_node(
        node, resources={"unique_key": "index", "output_files_dir": IMAGES}
    )
    text = re.sub(r"```python\s*```\n*", "", text)
    text = re.sub(r"!\[(png|svg)\]\(", "![computed in index.ipynb](", text)
    return MARK + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", resources.get("outputs", {})


def main():
    "Write README.md and its figures"
    config = get_config()
    top = Path(config.config_path)
    text, figures = render(Path(config.nbs_path) / config.readme_nb)
    for name, data in figures.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (top / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
