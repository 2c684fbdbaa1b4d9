"""Check the links of the built site: inside it, into the repository, and out of it."""

import re, subprocess
from collections import Counter
from configparser import ConfigParser
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from site_pages import Link, css_urls

HERE = "http://site"  # a host of its own, to tell the site's urls from others
COLAB = "https://colab.research.google.com/github/"
PASSIVE = {"canonical", "license", "author", "help", "nofollow"}  # <link>s without a request
PUBLISHED = "gh-pages"  # the branch that holds the built site


@dataclass
class Project:
    "The repository and the address of the published site, from settings.ini"

    root: Path  # the working tree
    git_url: str = "https://github.com/fer-course/fer_course"
    branch: str = "main"
    address: str = "https://fer-course.github.io/fer_course/"

    @property
    def base(self):
        "Return the path below which the site is published, with / at both ends"
        return urlsplit(self.address).path


@dataclass
class Findings:
    "Complaints, counts of the links that leave the site, and which page links to which"

    complaints: list[str] = field(default_factory=list)
    outside: Counter = field(default_factory=Counter)  # url -> number of links
    edges: dict[str, set[str]] = field(default_factory=dict)
    inside: int = 0
    repository: int = 0


def read_project(root):
    "Return the `Project` whose working tree is `root`, from its settings.ini"
    parser = ConfigParser(interpolation=None)
    parser.read(Path(root) / "settings.ini", encoding="utf-8")
    settings = parser["DEFAULT"]
    address = f"{settings['doc_host']}/{settings['doc_baseurl'].strip('/')}/"
    return Project(Path(root), settings["git_url"].rstrip("/"), settings["branch"], address)


def tracked_files(root):
    "Return the files of a working tree, relative to it, without those that git ignores"
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True)
        names = done.stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = [p.relative_to(root).as_posix() for p in Path(root).rglob("*")]
    return {name for name in names if name and (Path(root) / name).is_file()}


class LinkChecker:
    "Check every link of the pages and style sheets of a site against its files"

    def __init__(self, site, pages, project):
        self.site, self.pages, self.project = Path(site), pages, project
        found = (p.relative_to(site).as_posix() for p in self.site.rglob("*") if p.is_file())
        self.files = set(found)
        self.repository = tracked_files(project.root)
        self.findings = Findings()
        self.lengths = {}  # lines of the files that links with line numbers point to

    def check(self):
        "Return the `Findings` of the whole site"
        for page in self.pages.values():
            for link in page.links:
                self.check_link(page.path, link)
        for sheet in sorted(f for f in self.files if f.endswith(".css")):
            text = (self.site / sheet).read_text(encoding="utf-8")
            for url, imported in css_urls(text):
                self.check_link(sheet, Link(url, "@import" if imported else "css", "url"))
        return self.findings

    def complain(self, path, link, words):
        "Add a complaint that names the file, the line, the element and the url"
        element = f"{link.tag} {link.attribute}"
        where = f"{path}:{link.line}" if link.line else path
        self.findings.complaints.append(f"{where}: <{element}={link.url[:120]!r}> {words}")

    def check_link(self, path, link):
        "Decide what kind of link this is, and check it"
        if not link.url:
            return self.complain(path, link, "is empty")
        if link.url.startswith("data:"):
            if link.tag in ("script", "iframe"):
                self.complain(path, link, "is code in a data url")
            return
        address = urljoin(HERE + self.project.base + path, link.url)
        if address.startswith(HERE + "/"):
            self.findings.inside += 1
            self.check_inside(path, link, address)
        else:
            self.check_outside(path, link, address)

    def check_inside(self, path, link, address):
        "Check that a link inside the site reaches a file, and an id if it names one"
        parts = urlsplit(address)
        if not parts.path.startswith(self.project.base):
            return self.complain(path, link, f"is outside the base path {self.project.base}")
        name = unquote(parts.path[len(self.project.base) :])
        name = name + "index.html" if name.endswith("/") or not name else name
        if name not in self.files:
            return self.complain(path, link, "reaches no file of the site")
        if link.tag == "a":
            self.findings.edges.setdefault(path, set()).add(name)
        fragment = unquote(parts.fragment)
        if name in self.pages and fragment not in ("", "top"):
            if fragment not in self.pages[name].ids:
                self.complain(path, link, f"names an id that {name} does not have")

    def check_outside(self, path, link, address):
        "Check a link that leaves the site: only <a href>, only https, and into our repository"
        if link.tag == "link" and PASSIVE & set(link.rel.split()):
            if link.rel == "canonical" and address != self.project.address + path:
                self.complain(path, link, "is not the address of this page")
            return
        if link.tag != "a":
            return self.complain(path, link, "makes the browser ask another host")
        self.findings.outside[address] += 1
        scheme = urlsplit(address).scheme
        if scheme not in ("https", "mailto"):
            return self.complain(path, link, f"is {scheme}, not https")
        if address.startswith(self.project.address):
            inside = HERE + self.project.base + address[len(self.project.address) :]
            return self.check_inside(path, link, inside)
        repository = self.project.git_url.removeprefix("https://github.com/")
        address = address.replace(COLAB + repository, self.project.git_url)
        if address.startswith(self.project.git_url + "/"):
            self.findings.repository += 1
            self.check_repository(path, link, address[len(self.project.git_url) + 1 :])

    def check_repository(self, path, link, place):
        "Check a link into the project's repository: the file exists, and has these lines"
        kind, _, rest = place.partition("/")
        if kind not in ("blob", "tree", "edit", "raw"):
            return
        branch, _, rest = rest.partition("/")
        name, _, fragment = rest.partition("#")
        name = unquote(name.partition("?")[0]).rstrip("/")
        if branch == PUBLISHED:
            if name not in self.files:
                self.complain(path, link, "names a file that the published branch lacks")
            return
        if branch != self.project.branch:
            return self.complain(path, link, f"names the branch {branch!r}")
        folder = any(file.startswith(name + "/") for file in self.repository) or not name
        if name not in self.repository and not (folder and kind == "tree"):
            return self.complain(path, link, f"names {name!r}, which the repository lacks")
        if lines := re.fullmatch(r"L(\d+)(?:-L(\d+))?", fragment):
            self.check_lines(path, link, name, lines)

    def check_lines(self, path, link, name, lines):
        "Check that a range of lines is inside its file and begins with what it documents"
        if name not in self.lengths:
            text = (self.project.root / name).read_text(encoding="utf-8")
            self.lengths[name] = text.splitlines()
        first, last = int(lines[1]), int(lines[2] or lines[1])
        texts = self.lengths[name]
        if not 1 <= first <= last <= len(texts):
            self.complain(path, link, f"names lines outside {name}, which has {len(texts)}")
        elif not texts[first - 1].strip():
            self.complain(path, link, "begins at an empty line")
        elif link.name.rpartition(".")[2] not in " ".join(texts[first - 1 : first + 4]):
            self.complain(path, link, f"does not begin at {link.name}")


def orphans(pages, edges, start="index.html"):
    "Return the pages that no chain of links reaches from the first page"
    reached, waiting = {start}, [start]
    while waiting:
        for name in edges.get(waiting.pop(), ()):
            if name in pages and name not in reached:
                reached.add(name)
                waiting.append(name)
    return sorted(set(pages) - reached)


def page_weights(site, pages, base="/fer_course/"):
    "Return {page: bytes} of each HTML file and of all that it makes the browser load"
    sizes, sheets = {}, {}

    def local(path, url):
        "Return the file of the site that a url means, or None"
        address = urlsplit(urljoin(HERE + base + path, url))
        name = unquote(address.path.removeprefix(base))
        return name if address.netloc == "site" and (Path(site) / name).is_file() else None

    def parts(name):
        "Return a resource and what its style sheet names"
        if name not in sheets:
            sheets[name] = {name}
            if name.endswith(".css"):
                text = (Path(site) / name).read_text(encoding="utf-8")
                named = {local(name, url) for url, _ in css_urls(text)}
                sheets[name] |= named - {None}
        return sheets[name]

    weights = {}
    for page in pages.values():
        named = {
            local(page.path, link.url)
            for link in page.links
            if link.tag not in ("a", "form")
            and not (link.tag == "link" and not {"stylesheet", "preload"} & set(link.rel.split()))
        }
        files = {part for name in named - {None, page.path} for part in parts(name)}
        for file in files:
            sizes.setdefault(file, (Path(site) / file).stat().st_size)
        weights[page.path] = page.size + sum(sizes[file] for file in files)
    return weights


def size_complaints(weights, limit=2_000_000):
    "Return a complaint for each page of `limit` bytes or more"
    heavy = sorted(weights.items(), key=lambda item: -item[1])
    return [
        f"{path}: {size:,} bytes, fewer than {limit:,} expected"
        for path, size in heavy
        if size >= limit
    ]
