"""Copies of the lessons for Google Colab, and the links that open them there.

A copy installs the package before anything else and has no outputs. The site publishes the copies
as `colab/NN_name.ipynb` in its branch. This module imports neither Sphinx nor the library.
"""

import ast, html, json, os, re, sys
from pathlib import Path
from course_site.sources import ROOT, parsable, settings, text_of, write_if_new

LESSONS = "nbs/[0-9][0-9]_*.ipynb"
PAGES = "gh-pages"  # the branch of the published site
FOLDER = "/content/course"  # of the clone; not named as the package, which would hide it
OF_JUPYTER = {"IPython", "matplotlib_inline", "ipywidgets"}  # what every notebook server has
DISTRIBUTIONS = dict(  # module -> distribution, if the names differ
    PIL="pillow",
    cv2="opencv-python-headless",
    skimage="scikit-image",
    sklearn="scikit-learn",
    yaml="pyyaml",
)
TEXT = """*On Google Colab:* run the next cell first. It fetches the course and installs its
package, which takes a few minutes, once in a session."""
CODE = """# Fetch the course and install its package; done once in a session.
import os, subprocess, sys

folder = {folder}
if not os.path.isfile(folder + "/pyproject.toml"):
    address = {address}
    clone = ["git", "clone", "--quiet", "--depth", "1", "--branch", {branch}, address, folder]
    subprocess.run(clone, check=True)
pip = [sys.executable, "-m", "pip", "install", "--quiet", {packages}]
subprocess.run(pip, check=True)
os.chdir(folder + "/nbs")  # lessons read results/ and images/ from here"""
BADGE = """<p class="colab"><a href="{address}" rel="noopener">Open in Colab</a>
<span>(a copy that first installs the package; it needs a Google account)</span></p>"""
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)")


def colab_address(
    stem: str,  # of a lesson, such as 09_detection
    config: dict,  # settings of the project
) -> str:  # where Colab opens the copy of a lesson
    "Return the address that opens a lesson in Colab, from `git_url`."
    owner, repository = config["git_url"].rstrip("/").split("/")[-2:]
    place = f"{owner}/{repository.removesuffix('.git')}/blob/{PAGES}/colab/{stem}.ipynb"
    return f"https://colab.research.google.com/github/{place}"


def badge(
    stem: str,  # of a lesson, such as 09_detection
    root: Path = ROOT,  # the repository
) -> str:  # HTML for a Markdown cell; the style sheet gives it its looks
    "Return the link of a lesson's page to its copy in Colab."
    return BADGE.format(address=html.escape(colab_address(stem, settings(root))))


def _trees(notebook):
    "Yield the syntax tree of each code cell; lines with magics are left out."
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            yield ast.parse(parsable(text_of(cell["source"])))


def _imports(tree):
    "Return the modules that a syntax tree imports, without their submodules."
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def imported_modules(
    notebook: dict,  # a lesson
    root: Path = ROOT,  # its repository
) -> set[str]:  # such as {"numpy", "sklearn"}
    "Return the third-party modules that a notebook and the experiments behind it import."
    scripts = {path.stem: path for path in (Path(root) / "experiments").glob("*.py")}
    found, waiting = set(), set().union(*map(_imports, _trees(notebook)))
    while waiting:
        module = waiting.pop()
        found.add(module)
        if module in scripts:
            tree = ast.parse(scripts[module].read_text(encoding="utf-8"))
            waiting |= _imports(tree) - found
    return found - sys.stdlib_module_names - set(scripts) - {"fer_course"}


def dependencies(
    root: Path = ROOT,  # the repository
) -> set[str]:  # names of distributions, normalised
    "Return what an installation of the package brings, from pyproject.toml."
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib
    project = tomllib.loads((Path(root) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {_distribution(requirement) for requirement in project["dependencies"]}


def _distribution(requirement):
    "Return the normalised name of a requirement such as `fastai>=2.8,<3`."
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-").replace(".", "-")


def further_packages(
    notebook: dict,  # a lesson
    root: Path = ROOT,  # the repository
) -> list[str]:  # names of distributions, sorted
    "Return the packages that a lesson imports and that neither the package nor Jupyter brings."
    needed = imported_modules(notebook, root) - OF_JUPYTER
    known = dependencies(root)
    names = {DISTRIBUTIONS.get(module, module) for module in needed}
    return sorted(name for name in names if _distribution(name) not in known)


def trains(
    notebook: dict,  # a lesson
) -> bool:
    "Return whether a cell keeps what `fit` returns and leaves the choice of the device to it."
    return any(
        isinstance(node, ast.Assign) and _calls_fit(node.value) and not _on_cpu(tree)
        for tree in _trees(notebook)
        for node in ast.walk(tree)
    )


def _calls_fit(value):
    "Return whether an expression is a call of `fit` by its name, the course's training loop."
    return isinstance(value, ast.Call) and getattr(value.func, "id", None) == "fit"


def _on_cpu(tree):
    "Return whether something in a cell is given `device='cpu'`."
    keywords = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    return any(k.arg == "device" and getattr(k.value, "value", None) == "cpu" for k in keywords)


def install_source(
    config: dict,  # settings of the project
    packages: list[str] = (),  # what a lesson needs besides the package
    folder: str = FOLDER,  # of the clone
) -> str:  # Python without magics
    "Return the source of the cell that fetches and installs the course."
    return CODE.format(
        folder=json.dumps(folder),
        address=json.dumps(config["git_url"]),
        branch=json.dumps(config["branch"]),
        packages=", ".join(["folder", *map(json.dumps, packages)]),
    )


def _with_addresses(text, config):
    "Return a text whose links to pages and files of the repository are addresses."
    site = f"{config['doc_host']}{config['doc_baseurl']}".rstrip("/")
    files = f"{config['git_url']}/blob/{config['branch']}"

    def address(match):
        label, target = match.groups()
        path = os.path.normpath(f"nbs/{target}").replace(os.sep, "/")
        page, count = re.subn(r"\.(ipynb|md)(?=#|$)", ".html", path)
        return f"[{label}]({site}/{page})" if count else f"[{label}]({files}/{path})"

    return LINK.sub(address, text)


def colab_copy(
    notebook: dict,  # a lesson
    root: Path = ROOT,  # the repository
) -> dict:  # a notebook for Colab
    """Return a lesson that installs the package in its first code cell.

    Code stays as it is, outputs leave, links in texts become addresses of the site. The copy asks
    for a GPU if the lesson trains.
    """
    config = settings(root)
    cells = [_colab_cell(cell, config) for cell in notebook["cells"]]
    code = install_source(config, further_packages(notebook, root))
    start = dict(cell_type="markdown", id="colab-start", metadata={}, source=TEXT)
    install = dict(id="colab-install", source=code, cell_type="code", metadata={})
    cells[1:1] = [start, {**install, "outputs": [], "execution_count": None}]
    metadata = dict(
        kernelspec=dict(display_name="Python 3", language="python", name="python3"),
        language_info=dict(name="python"),
        colab=dict(provenance=[]),
    )
    if trains(notebook):
        metadata |= dict(accelerator="GPU")
        metadata["colab"] |= dict(gpuType="T4")
    return dict(cells=cells, metadata=metadata, nbformat=4, nbformat_minor=5)


def _colab_cell(cell, config):
    "Return a cell of a lesson as its copy has it."
    source = text_of(cell["source"])
    if cell["cell_type"] != "code":
        return {**cell, "source": _with_addresses(source, config)}
    return {**cell, "source": source, "outputs": [], "execution_count": None}


def write_copies(
    root: Path,  # the repository
    folder: Path,  # such as _docs/html/colab
) -> list[Path]:  # the copies
    "Write a copy of each lesson for Colab."
    Path(folder).mkdir(parents=True, exist_ok=True)
    written = []
    for path in sorted(Path(root).glob(LESSONS)):
        copy = colab_copy(json.loads(path.read_text(encoding="utf-8")), root)
        written.append(Path(folder) / path.name)
        write_if_new(written[-1], json.dumps(copy, indent=1, ensure_ascii=False) + "\n")
    return written
