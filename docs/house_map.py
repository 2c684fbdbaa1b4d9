"""Draw the map of the library from its imports: packages as rows, imports as arrows.

python docs/house_map.py            writes docs/house.svg
python docs/house_map.py --check    fails if docs/house.svg is not what would be drawn
"""

import ast, sys, textwrap
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fer_course"
PICTURE = Path(__file__).with_name("house.svg")
sys.path.insert(0, str(ROOT / ".ci"))
from house import LAYERS, imported_modules, module_name  # noqa: E402

SUBJECTS = dict(
    facs="expressions, action units, regions",
    core="errors, files, cached steps, workers",
    faces="faces drawn from action units",
    metrics="scores, intervals, comparison",
    data="from photographs to a manifest",
    align="detection, alignment, packed crops",
    augment="batches, balance",
    bias="dataset bias",
    models="AU-CVT and its relatives",
    train="losses, batches, loop",
    evaluate="figures, report",
    tables="the papers' tables",
    app="the verbs of the command line",
    teach="assignments",
)
LEFT, WIDTH, GAP, LANE, LINE = 24, 760, 12, 9, 16  # pixels
COLUMNS = 125  # characters of module names in a line


def packages():
    "Return {package: module names}, in the order of the layers"
    found = {}
    for row in LAYERS:
        for name in row:
            folder = PACKAGE / name
            if folder.is_dir():
                paths = sorted(folder.rglob("*.py"))
                modules = [module_name(p) for p in paths if p.name != "__init__.py"]
                found[name] = [m.removeprefix(f"{name}.") for m in modules]
            elif folder.with_suffix(".py").exists():
                found[name] = []
    return found


def dependencies(names):
    "Return {package: packages that it imports from}, imports inside functions included"
    found = {name: set() for name in names}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name.startswith("_"):
            continue
        package = module_name(path).split(".")[0]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for _, dotted, imported, _ in imported_modules(path, tree):
            targets = [dotted.split(".")[0]] if dotted else imported
            found[package].update(t for t in targets if t in names and t != package)
    return found


def text(x, y, words, *, size=12, weight="normal", colour="#222"):
    "Return an SVG text element"
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}">'
        f"{escape(words)}</text>"
    )


def module_lines(modules):
    "Return the module names as lines that fit into a box"
    return textwrap.wrap(", ".join(modules), COLUMNS, break_on_hyphens=False)


def place(modules):
    "Return {package: (top, height) of its box}, the highest layer first, and the whole height"
    boxes, y = {}, 60
    for name in reversed(modules):
        height = 30 + LINE * len(module_lines(modules[name]))
        boxes[name] = (y, height)
        y += height + GAP
    return boxes, y


def box(name, modules, top, height):
    "Return the SVG elements of one package"
    yield (
        f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{height}" rx="6" fill="#f4f6fa" '
        'stroke="#7a8aa5"/>'
    )
    yield text(LEFT + 12, top + 20, name, size=14, weight="bold")
    yield text(LEFT + 112, top + 20, SUBJECTS.get(name, ""), colour="#555")
    for number, line in enumerate(module_lines(modules)):
        yield text(LEFT + 12, top + 38 + LINE * number, line, size=11, colour="#334")


def arrows(name, lane, needs, boxes):
    "Return the SVG elements of what one package imports, in a lane of its own"
    below = sorted(boxes[other][0] + 10 for other in needs)
    if not below:
        return
    edge = LEFT + WIDTH
    x = edge + 14 + LANE * lane
    start = boxes[name][0] + 20
    yield f'<path d="M {edge} {start} H {x} V {below[-1]}" fill="none" stroke="#9aa7bd"/>'
    for y in below:
        yield (
            f'<path d="M {x} {y} H {edge + 3}" fill="none" stroke="#9aa7bd" '
            'marker-end="url(#arrow)"/>'
        )


def draw(modules, needs):
    "Return the picture as SVG text: the lowest layer at the bottom"
    boxes, height = place(modules)
    width = LEFT + WIDTH + LANE * len(boxes) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="Helvetica, Arial, sans-serif" '
        'role="img" aria-label="Packages of fer_course and their imports">',
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" '
        'markerHeight="6" orient="auto"><path d="M 0 0 L 10 5 L 0 10 z" fill="#7a8aa5"/>'
        "</marker></defs>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        text(LEFT, 26, "fer_course: each package imports only from packages below it", size=16),
        text(LEFT, 44, "Arrows: imports. Drawn by docs/house_map.py from the code.", colour="#666"),
    ]
    for lane, (name, (top, box_height)) in enumerate(boxes.items()):
        parts += box(name, modules[name], top, box_height)
        parts += arrows(name, lane, needs[name], boxes)
    return "\n".join([*parts, "</svg>"]) + "\n"


def main(arguments):
    "Write the picture, or compare it; return 1 if it is out of date"
    modules = packages()
    picture = draw(modules, dependencies(modules))
    if "--check" not in arguments:
        PICTURE.write_text(picture, encoding="utf-8")
        return 0
    if PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == picture:
        return 0
    print("docs/house.svg is out of date. Remedy: make map")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
