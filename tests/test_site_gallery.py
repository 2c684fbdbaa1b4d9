"""Test the gallery of the site and the alt texts of figures, without Sphinx."""

import base64
import io
import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))
from course_site import gallery  # noqa: E402

ROW = dict(lesson="09_finding", cell="0a1b2c3d", caption="A face.", alt="A face in a box.")


def image_file(size=(960, 400), mode="RGB", kind="PNG", colour=0):
    "Return the bytes of an image."
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind)
    return file.getvalue()


def image_output(image=None, kind="image/png"):
    "Return an output that shows an image."
    data = {kind: base64.b64encode(image or image_file()).decode(), "text/plain": ["<Figure>"]}
    return dict(output_type="display_data", data=data, metadata={})


def text_cell(source):
    "Return a Markdown cell."
    return dict(cell_type="markdown", id="t", metadata={}, source=source)


def code_cell(source="", *outputs, cell_id="0a1b2c3d"):
    "Return a code cell."
    return dict(cell_type="code", id=cell_id, metadata={}, source=source, outputs=list(outputs))


def notebook(*cells):
    "Return a notebook whose title is that of lesson 09."
    return dict(cells=[text_cell("# 09 · Finding faces: a cascade\n\n> How?"), *cells])


def repository(folder, rows, lesson):
    "Write a list and a lesson below a folder, and return the folder."
    (folder / "docs").mkdir()
    (folder / "nbs").mkdir()
    (folder / gallery.LIST).write_text(json.dumps(dict(data=rows)), encoding="utf-8")
    text = json.dumps(lesson)
    (folder / f"nbs/{ROW['lesson']}.ipynb").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "Write the pages of the real gallery once"
    folder = tmp_path_factory.mktemp("site")
    return folder, gallery.write_gallery(ROOT, folder)


def test_figures_of_the_course(site):
    entries = gallery.read_gallery(ROOT / gallery.LIST)
    assert 24 <= len(entries) <= 36
    assert {entry.group for entry in entries} == set(gallery.GROUPS)
    assert len({entry.lesson for entry in entries}) >= 10


def test_alt_is_no_copy_of_the_caption():
    for entry in gallery.read_gallery(ROOT / gallery.LIST):
        assert len(entry.alt) > len(entry.caption) / 2, entry.place
        assert entry.alt != entry.caption, entry.place


def test_cells_of_the_gallery_have_ids_of_their_own():
    count = Counter()
    for path in sorted((ROOT / "nbs").rglob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        count.update(cell["id"] for cell in cells)
    twice = {cell for cell in gallery.gallery_cells(ROOT) if count[cell] != 1}
    assert not twice


def test_page_is_small(site):
    assert sum(path.stat().st_size for path in site[1]) < 1_000_000


def test_page_shows_each_thumbnail_that_exists(site):
    folder, written = site
    page = (folder / gallery.PAGE).read_text(encoding="utf-8")
    shown = set(re.findall(r'src="\.\./_static/gallery/([^"]+)"', page))
    assert shown == {path.name for path in written if path.suffix == ".webp"}


def test_every_image_has_alt_size_and_loads_late(site):
    page = (site[0] / gallery.PAGE).read_text(encoding="utf-8")
    pattern = r'<img src="[^"]+" alt="[^"]{20,}" width="\d+" height="\d+" loading="lazy">'
    assert len(re.findall(pattern, page)) == page.count("<img")


def test_links_lead_to_cells(site):
    page = (site[0] / gallery.PAGE).read_text(encoding="utf-8")
    links = set(re.findall(r'href="\.\./nbs/\w+\.html#cell-(\w+)"', page))
    assert links == gallery.gallery_cells(ROOT)


def test_html_block_has_no_blank_line(site):
    page = (site[0] / gallery.PAGE).read_text(encoding="utf-8")
    blocks = re.findall(r'<div class="gallery">.*?</div>', page, flags=re.S)
    assert len(blocks) == len(gallery.GROUPS)
    assert not any("\n\n" in block for block in blocks)


def test_second_writing_changes_nothing(site):
    folder, written = site
    before = {path: path.stat().st_mtime_ns for path in written}
    assert gallery.write_gallery(ROOT, folder) == written
    assert {path: path.stat().st_mtime_ns for path in written} == before


def test_anchor():
    assert gallery.cell_anchor("0a1b2c3d-4e5f") == "cell-0a1b2c3d"


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(cell="ffffffff"), "no cell with this id"),
        (dict(image=1), "1 stored images, and image 1 is asked for"),
        (dict(lesson="08_other"), "no such lesson"),
        (dict(cell=80901660), "cell is missing or no text"),
        (dict(alt=" "), "alt is missing or no text"),
        (dict(colour="red"), "unknown key colour"),
    ],
)
def test_wrong_entry_is_named(tmp_path, change, message):
    lesson = notebook(code_cell("", image_output()))
    root = repository(tmp_path, [{**ROW, **change}], lesson)
    with pytest.raises(gallery.GalleryError, match=message) as error:
        gallery.write_gallery(root, tmp_path / "out")
    assert "Remedy: " in str(error.value)
    assert gallery.LIST in str(error.value)


def test_figure_named_twice(tmp_path):
    root = repository(tmp_path, [ROW, ROW], notebook(code_cell("", image_output())))
    with pytest.raises(gallery.GalleryError, match="named twice"):
        gallery.read_gallery(root / gallery.LIST)


def test_unknown_group(tmp_path):
    (tmp_path / "list.yml").write_text("cats: []")
    with pytest.raises(gallery.GalleryError, match="unknown group"):
        gallery.read_gallery(tmp_path / "list.yml")


def test_texts_are_escaped(tmp_path):
    row = {**ROW, "alt": 'less < more & "quoted"', "caption": "a < b"}
    root = repository(tmp_path, [row], notebook(code_cell("", image_output())))
    gallery.write_gallery(root, tmp_path / "out")
    page = (tmp_path / "out" / gallery.PAGE).read_text(encoding="utf-8")
    assert 'alt="less &lt; more &amp; &quot;quoted&quot;"' in page
    assert "<figcaption>a &lt; b" in page


def test_large_image_is_made_smaller():
    file, size = gallery.thumbnail(image_file((960, 400)))
    assert size == (480, 200)
    assert Image.open(io.BytesIO(file)).size == size


def test_small_image_keeps_its_size():
    assert gallery.thumbnail(image_file((120, 40)))[1] == (120, 40)


def test_transparent_becomes_white():
    file, _ = gallery.thumbnail(image_file((8, 8), "RGBA", colour=(0, 0, 0, 0)))
    assert Image.open(io.BytesIO(file)).convert("RGB").getpixel((4, 4)) == (255, 255, 255)


def test_images_of_a_cell_in_order():
    jpeg = image_file((4, 4), kind="JPEG")
    text = dict(output_type="stream", name="stdout", text="no image")
    cell = code_cell("", text, image_output(), image_output(jpeg, "image/jpeg"))
    images = gallery.cell_images(cell)
    assert len(images) == 2
    assert images[1] == jpeg


def test_title_ends_at_the_colon():
    assert gallery.lesson_title(notebook()) == "09 · Finding faces"


def test_directive_is_the_alt_text():
    cell = code_cell('#| fig-alt: "A cascade"\nax.set_title("boxes")', image_output())
    assert gallery.describe_output(notebook(cell), 1) == "A cascade"


def test_alt_text_of_the_gallery():
    entry = next(e for e in gallery.read_gallery(ROOT / gallery.LIST) if e.lesson[:2] == "09")
    cell = code_cell("", image_output(), cell_id=entry.cell)
    assert gallery.describe_output(notebook(cell), 1) == entry.alt


def test_gallery_describes_no_cell_with_two_images():
    entry = next(e for e in gallery.read_gallery(ROOT / gallery.LIST) if e.lesson[:2] == "09")
    cell = code_cell("", image_output(), image_output(), cell_id=entry.cell)
    assert (
        gallery.describe_output(notebook(cell), 1)
        == "Figure in section '09 · Finding faces: a cascade'"
    )


def test_gallery_describes_no_cell_of_another_notebook():
    entry = next(e for e in gallery.read_gallery(ROOT / gallery.LIST) if e.lesson[:2] == "23")
    cell = code_cell("", image_output(), cell_id=entry.cell)
    assert gallery.describe_output(notebook(cell), 1) != entry.alt


def test_heading_and_words_of_the_source():
    source = 'ax.set_title("Loss")\nax.set(xlabel="epoch", ylabel=f"{x}")\nplt.suptitle(name)'
    cells = [text_cell("## Curves of `fit`\n\ntext"), text_cell("no heading"), code_cell(source)]
    text = gallery.describe_output(notebook(*cells), 3)
    assert text == "Figure in section 'Curves of fit': Loss; epoch"


def test_comment_in_a_code_block_is_no_heading():
    cells = [text_cell("## Real\n\n```\n# not a heading\n```\n"), code_cell("show()")]
    assert gallery.describe_output(notebook(*cells), 2) == "Figure in section 'Real'"


def test_source_with_magics_and_errors():
    assert gallery.figure_words('%matplotlib inline\nplt.title("a")') == ["a"]
    assert gallery.figure_words("def broken(") == []


def test_words_come_once_in_the_order_of_the_source():
    source = 'a.set_title("b")\nb.set_title("a")\nc.set_title("b")\ndraw(title="c\\nd")'
    assert gallery.figure_words(source) == ["b", "a", "c d"]


def test_other_texts_belong_to_cells_with_as_many_images():
    _, others = gallery._own_texts()
    wrong = {(title, cell) for title, cells in others.items() for cell in cells}
    for path in [ROOT / "index.ipynb", *(ROOT / "nbs").rglob("*.ipynb")]:
        found = json.loads(path.read_text(encoding="utf-8"))
        title = gallery.lesson_title(found)
        for cell in found["cells"]:
            for beginning in others:
                if title.startswith(beginning) and cell["id"] in others[beginning]:
                    texts = others[beginning][cell["id"]]
                    texts = [texts] if isinstance(texts, str) else texts
                    if len(texts) == len(gallery.cell_images(cell)):
                        wrong.discard((beginning, cell["id"]))
    assert wrong == set()


def test_texts_of_several_images_are_numbered():
    assert gallery._numbered(["a.", "b."]) == "Image 1 of 2: a. Image 2 of 2: b."


def test_figures_of_lessons_are_described_by_hand():
    bare = []
    for path in sorted((ROOT / "nbs").glob("*.ipynb")):
        lesson = json.loads(path.read_text(encoding="utf-8"))
        for index, cell in enumerate(lesson["cells"]):
            if gallery.cell_images(cell) and not gallery.written_texts(lesson, cell):
                bare.append(f"{path.name} {index}: {gallery.describe_output(lesson, index)}")
    assert len(bare) <= 20, bare  # new figures have the text of their section at first


def test_every_stored_figure_has_an_alt_text():
    for path in sorted((ROOT / "nbs").glob("*.ipynb")):
        lesson = json.loads(path.read_text(encoding="utf-8"))
        for index, cell in enumerate(lesson["cells"]):
            if gallery.cell_images(cell):
                assert len(gallery.describe_output(lesson, index)) > 12, f"{path.name} {index}"
