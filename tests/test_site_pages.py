"The pages of the site as they are made from notebooks. Sphinx is not needed."

import ast, json, sys, textwrap
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))
import build_site  # noqa: E402
from course_site import contents, library, links, notebooks, reference, sources, symbols  # noqa: E402

SOURCE = textwrap.dedent(
    """
    LIMIT = 0.5  # share of a face
    _HIDDEN = 1

    def locate(
        images: "list",  # uint8 RGB arrays (H, W, 3)
        # an `MTCNN`
        # or another detector
        detector: object,
        *rest: int,
        again: bool = True,  # a second time, enlarged
        _private=None,
        **options,
    ) -> list:  # of `Detections`
        "Return the faces of `LIMIT` or more."

    class BadImage(ValueError):
        "Raise it for a bad image."

    class Box:
        "A box."

        left: int = 3  # in pixels

        def area(self, unit="px") -> float:
            "Return the area."

        @property
        def width(self) -> int:
            "Return the width."

        def _secret(self): ...
    """
)


@pytest.fixture(scope="module")
def course():
    return library.Library(ROOT)


@pytest.fixture(scope="module")
def found():
    return {symbol.name: symbol for symbol in symbols.symbols_of(SOURCE, start=100)}


def test_public_names_in_their_order(found):
    assert list(found) == ["LIMIT", "locate", "BadImage", "Box"]
    kinds = [symbol.kind for symbol in found.values()]
    assert kinds == ["data", "function", "exception", "class"]


def test_docments_of_a_function(found):
    parameters = {p.name: p for p in found["locate"].parameters}
    assert list(parameters) == ["images", "detector", "*rest", "again", "**options"]
    assert parameters["images"].type == "list"
    assert parameters["images"].details == "uint8 RGB arrays (H, W, 3)"
    assert parameters["detector"].details == "an `MTCNN` or another detector"
    assert parameters["again"].default == "True"
    assert found["locate"].returns.details == "of `Detections`"
    signature = "(images, detector, *rest, again=True, _private=None, **options)"
    assert found["locate"].signature == signature


def test_lines_of_a_name_are_those_of_its_file(found):
    text = SOURCE.splitlines()
    assert text[found["locate"].line - 101].startswith("def locate")
    assert text[found["Box"].last - 101].strip() == "def _secret(self): ..."


def test_fields_and_methods_of_a_class(found):
    box = found["Box"]
    assert [(p.name, p.default, p.details) for p in box.parameters] == [("left", "3", "in pixels")]
    assert [(m.name, m.kind) for m in box.members] == [("area", "method"), ("width", "property")]
    assert box.members[0].signature == "(unit='px')"


def test_a_name_is_described_once():
    assert symbols.symbols_of("A = 1\nA = 2")[0].line == 1
    assert len(symbols.symbols_of("A = 1\nA = 2")) == 1
    assert symbols.symbols_of("A = 2", defined=["A"]) == []


def test_every_exported_name_has_an_entry(course):
    missing = []
    for module in course.modules.values():
        tree = ast.parse(module.file.read_text(encoding="utf-8"))
        lists = (n for n in tree.body if isinstance(n, ast.Assign) and "__all__" in ast.unparse(n))
        names = ast.literal_eval(next(lists).value)
        described = {symbol.name for symbol in module.symbols}
        missing += [f"{module.name}.{n}" for n in names if n not in described and n[0] != "_"]
    assert missing == []


def test_source_links_point_at_the_definition(course):
    for module, name in (("align.selection", "locate"), ("align.mtcnn", "MTCNN.detect")):
        first, last = course.line_range(module, name)
        lines = (
            course.modules[module].file.read_text(encoding="utf-8").splitlines()[first - 1 : last]
        )
        assert lines[0].strip().startswith(f"def {name.split('.')[-1]}(")
    assert course.line_range("align.selection", "nothing") is None


def test_lessons_of_a_module(course):
    assert "09_detection" in course.modules["align.mtcnn"].lessons
    assert "17_training" in course.modules["train.runs"].lessons  # imported as a module
    assert "05_evaluation" not in course.modules["align.mtcnn"].lessons


def test_where_a_name_is_imported_from(course):
    assert course.public_path("align.mtcnn", "MTCNN") == "fer_course.align"
    assert course.public_path("core.errors", "CourseError") == "fer_course.core"
    assert course.public_path("facs", "SEVEN") == "fer_course.facs"


def test_names_in_scope_become_links(course):
    scope = {"locate": "align.selection.locate"}
    text = links.link_names("`locate` and `CourseError`, not `image`", scope, course)
    assert "{py:obj}`locate <fer_course.align.selection.locate>`" in text
    assert "<fer_course.core.errors.CourseError>`" in text
    assert "not `image`" in text


def test_names_in_code_and_links_stay(course):
    scope = {"locate": "align.selection.locate"}
    fenced = "```\n`locate`\n```\n"
    assert links.link_names(fenced, scope, course) == fenced
    linked = "see [`locate`](x.ipynb)"
    assert links.link_names(linked, scope, course) == linked


def test_links_to_files_lead_to_the_repository():
    pages = {"nbs/09_detection.ipynb"}
    text = "[a](../experiments/gap.py) [b](09_detection.ipynb#x) [c](https://a.org) [d](missing.py)"
    changed = links.relink(text, "nbs/10_alignment.ipynb", pages, ROOT)
    address = sources.settings(ROOT)["git_url"]
    assert f"[a]({address}/blob/main/experiments/gap.py)" in changed
    assert "[b](09_detection.ipynb#x)" in changed
    assert "[c](https://a.org)" in changed
    assert "[d](missing.py)" in changed
    assert f"[x]({address}/tree/main/nbs/library)" == links.relink(
        "[x](nbs/library)", "index.ipynb", pages, ROOT
    )


def test_parameter_table(course, found):
    table = reference.parameter_table(found["locate"].parameters, {}, course)
    rows = [line.split(" | ") for line in table.splitlines()]
    assert rows[0] == ["| Parameter", "Type", "Details |"]
    assert rows[2] == ["| `images`", "`list`", "uint8 RGB arrays (H, W, 3) |"]
    assert rows[5] == ["| `again`", "`bool`, default `True`", "a second time, enlarged |"]
    assert "\\|" in reference.cell_of_table("int | None")


def test_docstrings_are_no_html_and_no_formulas():
    assert reference.plain_text("a column p_<class>") == r"a column p_\<class>"
    assert reference.plain_text("$HOME and $TMP") == r"\$HOME and \$TMP"
    assert reference.plain_text("`a < b` and `$x`") == "`a < b` and `$x`"
    assert reference.plain_text("https://a.org/x") == "<https://a.org/x>"
    assert (
        reference.plain_text("# no title\n---\n[^1] {ref}")
        == r"\# no title" + "\n\\---\n\\[^1] \\{ref}"
    )
    assert reference.plain_text("2 * 3, *args, **more") == r"2 * 3, \*args, *\*more"


def test_a_comment_belongs_to_the_last_of_its_line():
    (symbol,) = symbols.symbols_of("def f(a: int, b: int) -> int:  # their sum\n    ...")
    assert [p.details for p in symbol.parameters] == ["", ""]
    assert symbol.returns.details == "their sum"


def test_classes_are_described_whole():
    source = """
class Kind(Enum):
    A = 1  # the first
    B: int = 2

    def __init__(self, size=3):  # pixels
        ...

    async def load(self):
        "Load."

    def __len__(self):
        "Return the number."

    def __repr__(self): ...

    @overload
    def load(self, x): ...
"""
    (kind,) = symbols.symbols_of(source)
    assert kind.bases == ["Enum"]
    assert [p.name for p in kind.parameters] == ["A", "B", "size"]
    assert [m.name for m in kind.members] == ["load", "__len__"]


def test_only_literals_have_their_value_shown():
    found = symbols.symbols_of("A = ' x'\nB = dict(a=1)\nC = (1, 2)")
    assert [s.signature for s in found] == [" = ' x'", "", " = (1, 2)"]


def test_only_names_are_constants():
    assert symbols.symbols_of("torch.backends.x = 3") == []
    assert [s.name for s in symbols.symbols_of("A, (B, _c) = 1, (2, 3)")] == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"cells": [', "no valid notebook"),
        ('{"cells": []}', "the first cell has no title"),
        ('{"cells": [{"cell_type": "code", "source": "x = 1"}]}', "the first cell has no title"),
    ],
)
def test_a_bad_notebook_is_named(tmp_path, text, message):
    path = tmp_path / "bad.ipynb"
    path.write_text(text)
    with pytest.raises(sources.SiteError, match=message) as raised:
        sources.read_notebook(path)
    assert str(path) in str(raised.value)


def test_a_cell_that_is_no_python_is_named():
    cell = dict(id="a1")
    assert sources.parsed("%time x\ny = !ls\nprint?\nz = 1", "a.ipynb", cell).body
    assert not sources.parsed("%%bash\nls |", "a.ipynb", cell).body
    with pytest.raises(sources.SiteError, match="a.ipynb: cell a1 is no Python"):
        sources.parsed("def f(:", "a.ipynb", cell)


def test_a_lesson_outside_the_contents_is_named():
    contents.check_numbers(["02_action_units"])
    with pytest.raises(sources.SiteError, match="26_more"):
        contents.check_numbers(["26_more"])


def test_addresses_in_docstrings_become_links():
    assert reference.ADDRESS.sub(r"<\1>", "see https://a.org/b.") == "see <https://a.org/b>."
    assert reference.ADDRESS.sub(r"<\1>", "[x](https://a.org)") == "[x](https://a.org)"


def code(source, **outputs):
    return dict(cell_type="code", id="abc", source=source, metadata={}, outputs=[], **outputs)


def test_folded_cells():
    for source, title in (
        ("#| export\nx = 1", "Source code"),
        ("#| export\nimport os", "Imports"),
        ("#| test it_holds\nassert True", "Test: it holds"),
        ("#| testi\nx = 1", "What the tests use"),
    ):
        cell = notebooks.code_cell(code(source), "")
        assert cell["metadata"]["tags"] == ["hide-input"]
        assert cell["metadata"]["mystnb"]["code_prompt_show"] == title
        assert "#|" not in cell["source"]


def test_cells_that_readers_do_not_see():
    assert notebooks.code_cell(code("#| default_exp a.b"), "") is None
    assert notebooks.code_cell(code("#| hide\nx = 1"), "") is None
    assert notebooks.code_cell(code(""), "") is None
    assert notebooks.code_cell(code("x = 1"), "")["metadata"] == {"tags": []}


def test_outputs_that_readers_see():
    streams = [dict(output_type="stream", name=name, text="t") for name in ("stdout", "stderr")]
    picture = dict(output_type="display_data", data={"image/png": "AA=="}, metadata={})
    cell = code("x")
    cell["outputs"] = [*streams, picture]
    shown = notebooks.code_cell(cell, "a face")
    assert shown["outputs"] == [streams[0], picture]
    assert shown["metadata"]["mystnb"]["image"] == {"alt": "a face"}


def test_every_page_is_in_the_contents(course):
    text = contents.home_contents(course.lessons, {"Gallery": "docs/gallery"})
    assert all(f"<nbs/{stem}>" in text for stem in course.lessons)
    packages = course.packages()
    index = contents.reference_index(packages, course)
    assert all(f"[{package}]({package}.md)" in index for package in packages)
    pages = "".join(contents.package_page(p, m, course) for p, m in packages.items())
    assert all(f"</nbs/library/{name}>" in pages for name in course.modules)


def test_all_pages_are_written_and_no_other_file_is_touched(tmp_path):
    pages = build_site.write_sources(tmp_path / "source")
    assert {"index.ipynb", "docs/lessons.md", "docs/gallery.md", "nbs/09_detection.ipynb"} <= set(
        pages
    )
    assert (tmp_path / "source/nbs/library/align.mtcnn.ipynb").exists()
    with pytest.raises(sources.SiteError, match="other files"):
        build_site.check_folder(tmp_path)
    (tmp_path / build_site.RECORD).write_text("{}")
    build_site.check_folder(tmp_path)
    build_site.check_folder(tmp_path / "new")


@pytest.mark.filterwarnings("ignore:Found cells containing imports")
def test_notebooks_suit_nbdev_docs():
    """nbdev_docs, which needs Quarto, begins with these processors; they take every notebook."""
    from nbdev.process import NBProcessor
    from nbdev.processors import FilterDefaults

    paths = ["index.ipynb", "nbs/09_detection.ipynb", "nbs/library/align.mtcnn.ipynb"]
    for path in paths:
        processor = NBProcessor(ROOT / path, procs=FilterDefaults().procs(), rm_directives=False)
        processor.process()
        assert json.dumps(processor.nb["cells"][0]["source"])
