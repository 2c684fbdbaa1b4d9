"""The gallery, and the alt texts of figures.

`docs/gallery.yml` names figures among the stored outputs of the lessons. `write_gallery` makes a
page of thumbnails, each with a link to the cell that drew it. It imports neither Sphinx nor the
library.
"""

import ast, base64, html, io, re
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from course_site.sources import ROOT, parsable, read_notebook, text_of, write_if_new

LIST = "docs/gallery.yml"
ALT_TEXTS = "docs/alt_texts.yml"  # of figures that the gallery does not show
PAGE = "docs/gallery.md"
THUMBNAILS = "docs/static/gallery"
STYLE = Path(__file__).with_name("gallery.css")
WIDTH = 480  # pixels of a thumbnail, at most
QUALITY = 78  # of its WebP file
KINDS = ("image/png", "image/jpeg")
GROUPS = dict(
    faces="Faces and their labels",
    measuring="Measuring",
    data="Data",
    networks="Networks",
)
INTRODUCTION = """# Gallery

Figures of the lessons, as their cells drew them. Each leads to its cell. The course rendered all
faces but one: the astronaut is Eileen Collins, photographed by NASA (from scikit-image).
"""
WORDS = {  # methods whose first argument is a text of the figure
    *("suptitle", "supxlabel", "supylabel"),
    *("set_title", "set_xlabel", "set_ylabel"),
    *("title", "xlabel", "ylabel"),
}
KEYWORDS = ("title", "xlabel", "ylabel")  # of `ax.set(...)`, pandas' `plot(...)` and functions


class GalleryError(Exception):
    "An error in the list of figures: the entry, what is wrong, and the remedy."

    def __init__(self, place, problem, remedy):
        super().__init__(f"{LIST}, {place}: {problem}. Remedy: {remedy}.")


@dataclass(frozen=True)
class Entry:
    "A figure of the gallery"

    group: str  # a key of `GROUPS`
    lesson: str  # a notebook below nbs/, without .ipynb
    cell: str  # the id of the cell that drew the figure
    caption: str  # one sentence: what one sees
    alt: str  # the same for readers who do not see the figure
    image: int = 0  # which of the cell's images

    @property
    def place(self) -> str:
        "The words by which errors name this entry"
        return f"{self.lesson}, cell {self.cell}"


def cell_anchor(
    cell_id: str,  # as nbformat stores it
) -> str:  # the target in front of this cell on its page
    "Return the anchor of a cell."
    return "cell-" + cell_id[:8]


def read_gallery(
    path: Path,  # a list such as docs/gallery.yml
) -> list[Entry]:  # in the order of the page
    """Return the figures that a list names.

    Raises `GalleryError` for unknown groups or keys, missing texts, and a figure named twice.
    """
    import yaml

    entries = []
    for group, rows in yaml.safe_load(Path(path).read_text(encoding="utf-8")).items():
        if group not in GROUPS:
            raise GalleryError(group, "unknown group", f"choose one of {', '.join(GROUPS)}")
        entries += [_entry(group, row) for row in rows]
    figures = [(entry.lesson, entry.cell, entry.image) for entry in entries]
    for entry, figure in zip(entries, figures):
        if figures.count(figure) > 1:
            raise GalleryError(entry.place, "the figure is named twice", "remove one entry")
    return entries


def _entry(group, row):
    "Return one row of the list as an `Entry`, or raise."
    place = f"{row.get('lesson')}, cell {row.get('cell')}"
    known = {field.name for field in fields(Entry)} - {"group"}
    if unknown := set(row) - known:
        raise GalleryError(place, f"unknown key {min(unknown)}", f"use {', '.join(sorted(known))}")
    for name in ("lesson", "cell", "caption", "alt"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise GalleryError(place, f"{name} is missing or no text", f'write {name}: "..."')
    texts = dict(caption=row["caption"].strip(), alt=row["alt"].strip())
    return Entry(group=group, **{**row, **texts})


def gallery_cells(
    root: Path = ROOT,  # the repository
) -> set[str]:  # ids of the cells that need a target
    "Return the cells to which the gallery links."
    return {entry.cell for entry in read_gallery(Path(root) / LIST)}


def cell_images(
    cell: dict,  # a code cell
) -> list[bytes]:  # PNG or JPEG files
    "Return the images among the stored outputs of a cell, one an output."
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        kind = next((kind for kind in KINDS if kind in data), None)
        if kind:
            found.append(base64.b64decode(text_of(data[kind])))
    return found


def entry_image(
    entry: Entry,
    notebook: dict,  # the lesson of the entry
) -> bytes:  # a PNG or JPEG file
    """Return the stored image that an entry names.

    Raises `GalleryError` if the cell no longer exists or has no such image.
    """
    cells = {cell.get("id"): cell for cell in notebook["cells"]}
    if entry.cell not in cells:
        raise GalleryError(
            entry.place,
            f"nbs/{entry.lesson}.ipynb has no cell with this id",
            "write the id of the cell that draws the figure now, or remove the entry",
        )
    images = cell_images(cells[entry.cell])
    if entry.image >= len(images):
        raise GalleryError(
            entry.place,
            f"the cell has {len(images)} stored images, and image {entry.image} is asked for",
            f'run `make notebooks NB="nbs/{entry.lesson}.ipynb"`, or choose another image',
        )
    return images[entry.image]


def thumbnail(
    image: bytes,  # a PNG or JPEG file
    width: int = WIDTH,  # pixels; smaller images stay as they are
) -> tuple[bytes, tuple[int, int]]:  # a WebP file, (width, height) in pixels
    "Return an image made smaller, on white where it is transparent."
    from PIL import Image

    picture = Image.open(io.BytesIO(image)).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    picture = Image.alpha_composite(ground, picture).convert("RGB")
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=QUALITY, method=6)
    return file.getvalue(), picture.size


def lesson_title(
    notebook: dict,  # a lesson, whose first line is `# 09 · Finding faces: ...`
) -> str:  # such as `09 · Finding faces`
    "Return the title of a lesson up to its colon."
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            first = text_of(cell["source"]).partition("\n")[0]
            return first.lstrip("# ").partition(":")[0].strip()
    return ""


def card(
    entry: Entry,
    title: str,  # of the lesson
    size: tuple[int, int],  # of the thumbnail in pixels
) -> str:  # HTML without blank lines
    "Return a figure of the page: thumbnail, caption, link to the cell."
    target = f"../nbs/{entry.lesson}.html#{cell_anchor(entry.cell)}"
    return (
        "<figure>\n"
        f'<img src="../_static/gallery/{_file_name(entry)}" alt="{html.escape(entry.alt)}"'
        f' width="{size[0]}" height="{size[1]}" loading="lazy">\n'
        f"<figcaption>{html.escape(entry.caption, quote=False)}\n"
        f'<a href="{target}">Lesson {html.escape(title, quote=False)}</a></figcaption>\n'
        "</figure>"
    )


def _file_name(entry):
    "Return the name of the thumbnail's file."
    return f"{entry.lesson}-{entry.cell}-{entry.image}.webp"


def gallery_page(
    entries: list[Entry],
    titles: dict[str, str],  # lesson -> title
    sizes: dict[Entry, tuple[int, int]],  # of the thumbnails in pixels
) -> str:  # Markdown
    "Return the page: a heading for each group, and its figures in a grid."
    parts = [INTRODUCTION, '<link rel="stylesheet" href="../_static/gallery/gallery.css">\n']
    for group, title in GROUPS.items():
        cards = [card(e, titles[e.lesson], sizes[e]) for e in entries if e.group == group]
        if cards:
            parts.append(f"## {title}\n")
            parts.append("\n".join(['<div class="gallery">', *cards, "</div>\n"]))
    return "\n".join(parts)


def write_gallery(
    root: Path,  # the repository
    source: Path,  # the folder of the pages that Sphinx reads
) -> list[Path]:  # what was written, or is there unchanged
    """Write the page of the gallery, its style sheet and its thumbnails.

    Raises `GalleryError` if a cell or an image no longer exists.
    """
    root, source = Path(root), Path(source)
    entries = read_gallery(root / LIST)
    files, sizes, titles = {}, {}, {}
    for entry in entries:
        notebook = root / f"nbs/{entry.lesson}.ipynb"
        if not notebook.is_file():
            raise GalleryError(entry.place, "no such lesson", "name a notebook below nbs/")
        lesson = read_notebook(notebook)
        file, sizes[entry] = thumbnail(entry_image(entry, lesson))
        files[source / THUMBNAILS / _file_name(entry)] = file
        titles[entry.lesson] = lesson_title(lesson)
    files[source / THUMBNAILS / STYLE.name] = STYLE.read_bytes()
    files[source / PAGE] = gallery_page(entries, titles, sizes).encode("utf-8")
    for path, content in files.items():
        write_if_new(path, content)
    return list(files)


def describe_output(
    notebook: dict,  # any notebook of the course
    cell_index: int,  # of a code cell that draws
) -> str:  # the alt text of its figure
    """Return what a figure shows, by the best source that exists.

    These are: the cell's `#| fig-alt:`; the text of the gallery, if the cell has one image; that of
    docs/alt_texts.yml; the nearest heading with the titles and axes that the source names.
    """
    cell = notebook["cells"][cell_index]
    source = text_of(cell["source"])
    if given := re.search(r"^#\|\s*fig-alt:\s*(.+)$", source, flags=re.M):
        return given[1].strip().strip("\"'")
    if texts := written_texts(notebook, cell):
        return _numbered(texts)
    heading = _nearest_heading(notebook, cell_index)
    place = f"Figure in section '{heading}'" if heading else "Figure"
    words = figure_words(source)
    return f"{place}: {'; '.join(words)}" if words else place


def written_texts(
    notebook: dict,
    cell: dict,  # one of its code cells
) -> list[str]:  # one for each image of the cell, or none
    "Return the alt texts that the gallery or docs/alt_texts.yml has for a cell."
    title = lesson_title(notebook)
    gallery, others = _own_texts()
    if len(cell_images(cell)) == 1:
        for entry in gallery:
            if entry.cell == cell.get("id") and entry.lesson[:2] == title[:2]:
                return [entry.alt]
    for beginning, cells in others.items():
        if title.startswith(beginning) and cell.get("id") in cells:
            texts = cells[cell["id"]]
            return [texts] if isinstance(texts, str) else texts
    return []


def _numbered(texts):
    "Return several texts as one, which all images of a cell share."
    if len(texts) == 1:
        return texts[0]
    return " ".join(f"Image {i} of {len(texts)}: {text}" for i, text in enumerate(texts, 1))


@lru_cache(maxsize=1)
def _own_texts():
    "Return the gallery and the other alt texts of this repository."
    import yaml

    others = yaml.safe_load((ROOT / ALT_TEXTS).read_text(encoding="utf-8"))
    return read_gallery(ROOT / LIST), others


def _nearest_heading(notebook, cell_index):
    "Return the last heading above a cell, as plain text, or nothing."
    for cell in reversed(notebook["cells"][:cell_index]):
        if cell["cell_type"] == "markdown":
            fenced = re.sub(r"^```.*?^```", "", text_of(cell["source"]), flags=re.M | re.S)
            if found := re.findall(r"^#+ +(.+?)\s*$", fenced, flags=re.M):
                return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", found[-1]).replace("`", "")
    return ""


def figure_words(
    source: str,  # of a code cell
) -> list[str]:  # in the order of the source, each once
    "Return the titles and axes that a cell writes into its figure as fixed strings."
    try:
        tree = ast.parse(parsable(source))
    except SyntaxError:
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = []
    for call in sorted(calls, key=lambda call: (call.end_lineno, call.end_col_offset)):
        texts = [keyword.value for keyword in call.keywords if keyword.arg in KEYWORDS]
        if getattr(call.func, "attr", None) in WORDS:
            texts += call.args[:1]
        found += [node.value for node in texts if isinstance(node, ast.Constant)]
    words = [" ".join(text.split()) for text in found if isinstance(text, str) and text.strip()]
    return list(dict.fromkeys(words))
