"The table of contents: lessons in reading order, the reference by package, further pages."

from course_site.library import SiteError
from course_site.reference import role

PARTS = {  # caption -> numbers of the first and last lesson
    "Faces and their labels": (1, 4),
    "Measuring": (5, 6),
    "Data": (7, 13),
    "Networks": (14, 20),
    "In the wild": (21, 25),
}


def toctree(entries, caption="", depth=1, hidden=True):
    "Return MyST text of a table of contents; `entries` are lines such as `title <page>`"
    options = [f":maxdepth: {depth}"]
    if hidden:
        options.append(":hidden:")
    if caption:
        options.append(f":caption: {caption}")
    return "\n".join(["````{toctree}", *options, "", *entries, "````"])


def short_title(stem):
    "Return a lesson's title in the side bar: 09_detection -> 09 · Detection"
    number, _, name = stem.partition("_")
    name = name.replace("_", " ")
    for short, full in (("au cvt", "AU-CVT"), ("au vit", "AU-ViT")):
        name = full if name == short else name
    return f"{number} · {name[0].upper()}{name[1:]}"


def lesson_entries(stems, first, last):
    "Return the entries of the lessons with numbers from `first` to `last`"
    chosen = [stem for stem in sorted(stems) if first <= int(stem[:2]) <= last]
    return [f"{short_title(stem)} <nbs/{stem}>" for stem in chosen]


def check_numbers(stems):
    "Raise `SiteError` if a lesson has a number that no part of the table of contents holds"
    for stem in stems:
        if not any(first <= int(stem[:2]) <= last for first, last in PARTS.values()):
            problem = f"no part of the table of contents holds the number {stem[:2]}"
            remedy = "widen PARTS in docs/course_site/contents.py"
            raise SiteError(f"nbs/{stem}.ipynb", problem, remedy)


def home_contents(
    stems,  # of the lessons
    more,  # {title: page without suffix}
):
    "Return the hidden table of contents of the first page"
    check_numbers(stems)
    start = ["Installation <docs/install>", "All lessons <docs/lessons>"]
    parts = [toctree(start, "Start")]
    for caption, (first, last) in PARTS.items():
        if entries := lesson_entries(stems, first, last):
            parts.append(toctree(entries, caption))
    parts.append(toctree(["The library <docs/reference/index>"], "Reference"))
    parts.append(toctree([f"{title} <{page}>" for title, page in more.items()], "More"))
    return "\n\n".join(parts)


def lessons_page(
    lessons,  # {stem: question below the title}
):
    "Return the page that lists all lessons with the question of each"
    lines = [
        "# The lessons",
        "",
        "> Each states a hypothesis, measures it, and reports the result.",
    ]
    for caption, (first, last) in PARTS.items():
        stems = [s for s in sorted(lessons) if first <= int(s[:2]) <= last]
        if not stems:
            continue
        lines += ["", f"## {caption}"]
        for stem in stems:
            link = f"**[{short_title(stem)}](../nbs/{stem}.ipynb)**"
            lines += ["", f"{link}\\\n{lessons[stem]}"]
    lines += ["", "(Numbers without a lesson are kept for lessons that are being written.)"]
    return "\n".join(lines)


def solutions_page(
    stems,  # of the lessons whose exercises are solved
):
    "Return the page that lists the solutions of exercises"
    lines = [
        "# Solutions",
        "",
        "> Try the exercises of a lesson first. `make test` runs each solution.",
        "",
    ]
    entries = [f"Solutions {short_title(stem)} </nbs/solutions/{stem}>" for stem in stems]
    return "\n".join([*lines, toctree(entries, hidden=False)])


def package_page(package, modules, library):
    "Return the page of a package: its modules with their subtitles and public names"
    lines = [f"# Package {package}", "", f"> {library.subjects[package]}", ""]
    for module in modules:
        names = ", ".join(
            role(f"fer_course.{module.name}.{s.name}", s.name) for s in module.symbols
        )
        lines += [f"## [{module.name}](/nbs/library/{module.name}.ipynb)", "", module.subtitle, ""]
        lines += [f"`````{{container}} names\n{names}\n`````", ""] if names else []
    entries = [f"{m.name} </nbs/library/{m.name}>" for m in modules]
    return "\n".join([*lines, toctree(entries)])


def reference_index(packages, library):
    "Return the first page of the reference: one row for each package"
    count = sum(map(len, packages.values()))
    lines = ["# The library", ""]
    lines += [
        f"> {count} modules in {len(packages)} packages. A package imports only from packages "
        "above it in this table."
    ]
    lines += ["", "| Package | Subject | Modules |", "|---|---|---|"]
    for package, modules in packages.items():
        link = f"[{package}]({package}.md)"
        lines.append(f"| {link} | {library.subjects[package]} | {len(modules)} |")
    lines += ["", "All names in alphabetical order: {ref}`genindex`.", ""]
    return "\n".join([*lines, toctree(list(packages))])
