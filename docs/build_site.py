"""Build the site from the notebooks with their stored outputs.

python docs/build_site.py                  writes the pages to _docs/html
python docs/build_site.py --out FOLDER     writes them to FOLDER/html

The notebooks become pages in FOLDER/source, from which Sphinx makes the site. No notebook is run
and the library is not imported.
"""

import argparse, hashlib, json, shutil, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))
from course_site import colab, contents, gallery, notebooks  # noqa: E402
from course_site.library import LESSONS, LIBRARY, Library  # noqa: E402
from course_site.sources import SiteError, read_notebook, write_if_new  # noqa: E402

SOLUTIONS = "nbs/solutions/*.ipynb"
NOTEBOOKS = ("index.ipynb", LESSONS, SOLUTIONS, LIBRARY)
TEXTS = ("docs/*.md", "CONTRIBUTING.md", "CHANGELOG.md")
MORE = {
    "Solutions of exercises": "docs/solutions",
    "Gallery": "docs/gallery",
    "Errata": "docs/errata",
    "Changelog": "CHANGELOG",
    "Contributing": "CONTRIBUTING",
}
RECORD = "made_from.json"  # in the folder of the site: what an earlier build was made from
STATIC = Path("docs/static")  # of the generated files that pages load
FILES = ("docs/house.svg",)


def found_files(patterns):
    "Return the files of the repository that match one of the patterns"
    return [path for pattern in patterns for path in sorted(ROOT.glob(pattern)) if path.is_file()]


def describe_site():
    "Return the `Site`: library, pages, cells that the gallery shows"
    paths = found_files((*NOTEBOOKS, *TEXTS))
    return notebooks.Site(
        root=ROOT,
        library=Library(ROOT),
        pages={path.relative_to(ROOT).as_posix() for path in paths},
        named_cells=gallery.gallery_cells(ROOT),
        describe=gallery.describe_output,
        badge=colab.badge,
        anchor=gallery.cell_anchor,
    )


def notebook_pages(site):
    "Yield (path relative to the source folder, content) of each notebook"
    by_notebook = {module.notebook: module for module in site.library.modules.values()}
    entries = contents.home_contents(site.library.lessons, MORE)
    for path in found_files(NOTEBOOKS):
        notebook = read_notebook(path)
        if path.name == "index.ipynb":
            page = notebooks.home_page(notebook, site, entries)
        elif path in by_notebook:
            page = notebooks.library_page(notebook, by_notebook[path], site)
        else:
            page = notebooks.lesson_page(notebook, path, site)
        yield path.relative_to(ROOT), json.dumps(page)


def question_of(stem):
    "Return the line below the title of a lesson"
    first = read_notebook(ROOT / "nbs" / f"{stem}.ipynb")["cells"][0]["source"]
    return " ".join(line[2:] for line in first.splitlines() if line.startswith("> "))


def subtitles(site):
    "Return a script with the line below the title of each page, which the search shows"
    found = {f"nbs/{stem}": question_of(stem) for stem in site.library.lessons}
    found |= {f"nbs/library/{m.name}": m.subtitle for m in site.library.modules.values()}
    return f"window.PAGE_SUBTITLES = {json.dumps(found, ensure_ascii=False)};\n"


def text_pages(site):
    "Yield (path relative to the source folder, content) of each Markdown page and file"
    for path in found_files(TEXTS):
        page = path.relative_to(ROOT)
        yield page, notebooks.text_page(path.read_text(encoding="utf-8"), page.as_posix(), site)
    questions = {stem: question_of(stem) for stem in site.library.lessons}
    solutions = [path.stem for path in found_files((SOLUTIONS,))]
    yield Path("docs/lessons.md"), contents.lessons_page(questions)
    yield Path("docs/solutions.md"), contents.solutions_page(solutions)
    packages = site.library.packages()
    reference = Path("docs/reference")
    yield reference / "index.md", contents.reference_index(packages, site.library)
    for package, modules in packages.items():
        text = contents.package_page(package, modules, site.library)
        yield reference / f"{package}.md", text
    yield STATIC / "subtitles.js", subtitles(site)
    for path in found_files(FILES):
        yield path.relative_to(ROOT), path.read_bytes()


def check_folder(out):
    "Raise `SiteError` if a folder holds files that no earlier build wrote"
    if out.is_dir() and any(out.iterdir()) and not (out / RECORD).exists():
        raise SiteError(out, "the folder holds other files", "choose an empty folder")


def write_sources(source):
    "Write all pages as Sphinx reads them, remove earlier ones, and return the pages"
    site = describe_site()
    written = set()
    for page, content in [*notebook_pages(site), *text_pages(site)]:
        write_if_new(source / page, content)
        written.add(source / page)
    written |= set(gallery.write_gallery(ROOT, source))
    for path in source.rglob("*"):
        if path.is_file() and path not in written:
            path.unlink()
    return sorted(path.relative_to(source).as_posix() for path in written)


def forget_other_sites(out, pages):
    """Remove an earlier build if its pages or the code that makes them were different.

    Every page lists others, so a page that is new or removed changes all of them.
    """
    code = [*found_files(("docs/course_site/*", "docs/conf.py")), Path(__file__)]
    now = {"pages": pages, "code": [hashlib.sha256(p.read_bytes()).hexdigest() for p in code]}
    record = out / RECORD
    if not record.exists() or json.loads(record.read_text(encoding="utf-8")) != now:
        for folder in ("html", "doctrees"):
            shutil.rmtree(out / folder, ignore_errors=True)
        write_if_new(record, json.dumps(now))


def sphinx_command(out, jobs):
    "Return the command that makes the pages from their sources"
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-j", jobs]
    static = f"html_static_path={ROOT / 'docs/static'},{out / 'source' / STATIC}"
    command += ["-c", str(ROOT / "docs"), "-D", static, "-d", str(out / "doctrees")]
    return [*command, str(out / "source"), str(out / "html")]


def main():
    "Build the site; exit with the status of Sphinx"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "_docs", help="folder of the site")
    parser.add_argument("--jobs", default="auto", help="processes that read and write pages")
    arguments = parser.parse_args()
    out = arguments.out.absolute()
    try:
        check_folder(out)
        if not (out / RECORD).exists():
            write_if_new(out / RECORD, "{}")
        pages = write_sources(out / "source")
    except (SiteError, gallery.GalleryError) as error:
        sys.exit(str(error))
    forget_other_sites(out, pages)
    if status := subprocess.call(sphinx_command(out, arguments.jobs), cwd=ROOT):
        sys.exit(status)
    colab.write_copies(ROOT, out / "html" / "colab")
    (out / "html" / ".nojekyll").touch()
    print(f"{len(list((out / 'html').rglob('*.html')))} pages: {out / 'html' / 'index.html'}")


if __name__ == "__main__":
    main()
