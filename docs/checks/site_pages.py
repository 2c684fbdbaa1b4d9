"""Read the pages of the built site: links, ids, pictures, code blocks, prose."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

LESSON = "nbs/23_rendered_to_real.html"  # a long one
MATHS = "nbs/14_parts.html"
LOOKED_AT = ("index.html", LESSON, MATHS, "nbs/library/align.mtcnn.html", "docs/gallery.html")
NOTES = {}  # title -> lines, which pytest prints below the results
VOID = set("area base br col embed hr img input link meta param source track wbr".split())
URL_ATTRIBUTES = set("href src srcset xlink:href poster data action formaction background".split())
SILENT = {"script", "style", "template", "title", "svg", "math"}  # hold no prose
LISTING = {"genindex.html", "search.html", "py-modindex.html", "404.html"}  # made by Sphinx
FILE_NAME = re.compile(r"^[\w./-]+\.(png|jpe?g|svg|gif|webp)$|^_images/|^[0-9a-f]{16,}", re.I)
EMPTY_WORDS = {"image", "figure", "picture", "plot", "output", "png", "svg", "photo", "alt"}
DIRECTIVE = re.compile(r"^\s*#\s?\|\s*[a-z_]+(?=[\s:]|$)", re.M)
OPTION = re.compile(r"(?<![\w\u2013])\u2013[a-z][\w-]*")
RAW_MATHS = re.compile(r"\\\(|\\\[|\$\$|\\(?!u)[a-zA-Z]{3,}|(?<![\w$])\$[^$\n]{1,60}\$(?!\w)")


@dataclass
class Link:
    "A url on a page: its tag and attribute, its line, `rel`, and the name it documents"

    url: str
    tag: str
    attribute: str
    line: int = 0
    rel: str = ""
    name: str = ""  # the id of the <dt> around it, such as fer_course.align.mtcnn.MTCNN


@dataclass
class Picture:
    "An <img>: its source, its alternative text (None: no attribute), whether it is decorative"

    source: str
    alt: str | None
    line: int = 0
    decorative: bool = False


@dataclass
class Block:
    "The text of a <pre>, and the folds around it: none, closed, or open"

    text: str
    fold: str = "none"


@dataclass
class Page:
    "What the checks need of one HTML file"

    path: str  # relative to the site, with /
    size: int = 0  # bytes
    title: str = ""
    links: list[Link] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    repeated_ids: set[str] = field(default_factory=set)
    pictures: list[Picture] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    prose: str = ""  # text outside code, scripts and formulas
    text: str = ""  # all text except scripts and styles
    headings: list[str] = field(default_factory=list)  # texts of <h1>


def srcset_urls(value):
    "Return the urls of a `srcset` attribute"
    return [part.split()[0] for part in re.split(r",\s+|,$", value.strip()) if part.split()]


def css_urls(text):
    "Yield (url, whether it is an @import) of a style sheet"
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for found in re.finditer(r"@import\s+(?:url\()?\s*['\"]?([^'\")\s;]+)", text):
        yield found[1], True
    text = re.sub(r"@import[^;]*;", "", text)
    for found in re.finditer(r"url\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^'\")\s]+))\s*\)", text):
        yield next(part for part in found.groups() if part is not None), False


class PageReader(HTMLParser):
    "Fill a `Page` from HTML"

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.page = Page(path)
        self.stack = []  # (tag, attributes) of the open elements
        self.texts, self.prose = [], []
        self.pre = self.heading = None

    def handle_starttag(self, tag, attributes):
        found = {name: value or "" for name, value in attributes}
        self.read_ids(tag, found)
        self.read_links(tag, found)
        if tag == "img":
            decorative = found.get("role") in ("presentation", "none")
            decorative |= found.get("aria-hidden") == "true"
            alt = found.get("alt")
            picture = Picture(found.get("src", ""), alt, self.getpos()[0], decorative)
            self.page.pictures.append(picture)
        if tag == "pre" and self.pre is None:
            self.pre = []
        if tag == "h1":
            self.heading = []
        if tag not in VOID:
            self.stack.append((tag, found))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag not in [name for name, _ in self.stack]:
            return
        if tag == "pre" and self.pre is not None:
            self.page.blocks.append(Block("".join(self.pre), self.fold()))
            self.pre = None
        if tag == "h1" and self.heading is not None:
            self.page.headings.append(" ".join("".join(self.heading).split()))
            self.heading = None
        while self.stack.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tags = [name for name, _ in self.stack]
        if tags and tags[-1] == "style":
            for url, imported in css_urls(data):
                self.add(url, "@import" if imported else "css", "style")
        if "title" in tags and "svg" not in tags:
            self.page.title += data
        if "script" in tags or "style" in tags:
            return
        self.texts.append(data)
        if self.pre is not None:
            self.pre.append(data)
        if self.heading is not None:
            self.heading.append(data)
        if not SILENT & set(tags) and not {"pre", "code"} & set(tags) and not self.in_maths():
            self.prose.append(data)

    def in_maths(self):
        "Return whether the present element is inside one of class `math`"
        return any("math" in found.get("class", "").split() for _, found in self.stack)

    def fold(self):
        "Return the state of the <details> around the present element"
        details = [found for tag, found in self.stack if tag == "details"]
        if not details:
            return "none"
        return "closed" if any("open" not in found for found in details) else "open"

    def read_ids(self, tag, found):
        "Note the targets of fragments that an element offers"
        if identifier := found.get("id"):
            if identifier in self.page.ids:
                self.page.repeated_ids.add(identifier)
            self.page.ids.add(identifier)
        if tag == "a" and found.get("name"):
            self.page.ids.add(found["name"])

    def read_links(self, tag, found):
        "Note the urls in the attributes of an element"
        for name, value in found.items():
            if name == "style":
                for url, _ in css_urls(value):
                    self.add(url, "css", "style")
            elif name == "srcset":
                for url in srcset_urls(value):
                    self.add(url, tag, name)
            elif name in URL_ATTRIBUTES:
                self.add(value, tag, name, found.get("rel", ""))
        if tag == "meta" and found.get("http-equiv", "").lower() == "refresh":
            self.add(found.get("content", "").partition("=")[2], "meta", "refresh")

    def add(self, url, tag, attribute, rel=""):
        "Note a url at the present place"
        names = [found.get("id", "") for name, found in self.stack if name == "dt"]
        line, name = self.getpos()[0], names[-1] if names else ""
        self.page.links.append(Link(url.strip(), tag, attribute, line, rel, name))


def read_page(file, site):
    "Return the `Page` of one HTML file of the folder `site`"
    reader = PageReader(Path(file).relative_to(site).as_posix())
    reader.feed(Path(file).read_text(encoding="utf-8"))
    reader.close()
    page = reader.page
    page.size = Path(file).stat().st_size
    page.prose = "".join(reader.prose)
    page.text = " ".join("".join(reader.texts).split())
    page.title = " ".join(page.title.split())
    return page


def read_site(site):
    "Return {path: Page} of every HTML file of a built site, without `_static`"
    files = sorted(Path(site).rglob("*.html"))
    pages = [read_page(f, site) for f in files if "_static" not in f.relative_to(site).parts]
    return {page.path: page for page in pages}


def content_pages(pages):
    "Return the paths of the pages that people wrote, without indexes and code listings"
    return [p for p in pages if p not in LISTING and not p.startswith("_")]


def lessons(pages):
    "Return the paths of the lessons, `nbs/NN_name.html`"
    return [p for p in pages if re.fullmatch(r"nbs/\d\d_\w+\.html", p)]


def picture_complaints(pages):
    "Return a complaint for each picture that its alternative text does not describe"
    found = []
    for page in pages.values():
        for picture in page.pictures:
            alt = (picture.alt or "").strip()
            where = f"{page.path}:{picture.line}: {picture.source[:80]}"
            if picture.decorative:
                continue
            if picture.alt is None:
                found.append(f"{where} has no alt attribute")
            elif not alt:
                found.append(f"{where} has an empty alt text and is not marked as decorative")
            elif FILE_NAME.search(alt) or alt.lower().rstrip(".") in EMPTY_WORDS:
                found.append(f"{where} has an alt text that does not describe it: {alt!r}")
    return found


def directive_complaints(pages):
    "Return a complaint for each code block that shows an nbdev directive such as `#| export`"
    found = []
    for page in pages.values():
        for block in page.blocks:
            if hit := DIRECTIVE.search(block.text):
                line = block.text[hit.start() :].strip().splitlines()[0]
                found.append(f"{page.path}: a code block shows {line!r}")
        for line in page.prose.splitlines():
            if DIRECTIVE.search(line):
                found.append(f"{page.path}: the text shows {line.strip()!r}")
    return found


def raw_maths_complaints(pages):
    "Return a complaint for each piece of TeX that a page shows outside code and formulas"
    found = []
    for page in pages.values():
        for line in page.prose.splitlines():
            if hit := RAW_MATHS.search(line):
                start = max(hit.start() - 20, 0)
                found.append(f"{page.path}: TeX in the text: ...{line[start : hit.end() + 30]}")
    return found


def dash_complaints(pages):
    "Return a complaint for each `--option` that became a dash in the text of a page"
    return [
        f"{page.path}: an option became a dash: {hit[0]}"
        for page in pages.values()
        for hit in OPTION.finditer(page.prose)
    ]


def heading_complaints(pages):
    "Return complaints about pages without a title or one <h1>, and about titles used twice"
    found, titles = [], {}
    for page in map(pages.get, content_pages(pages)):
        if len(page.headings) != 1:
            found.append(f"{page.path}: {len(page.headings)} headings <h1>, exactly one expected")
        if not page.title:
            found.append(f"{page.path}: no <title>")
        elif page.title in titles:
            found.append(f"{page.path}: the title {page.title!r} is that of {titles[page.title]}")
        titles.setdefault(page.title, page.path)
    return found


def id_complaints(pages):
    "Return a complaint for each id that a page uses twice: a link reaches only the first"
    return [
        f"{page.path}: the id {name!r} is used more than once"
        for page in pages.values()
        for name in sorted(page.repeated_ids)
    ]
