"""Feed every reader broken copies of its own format.

The result is a clear `CourseError`, or a line that is counted and listed. It is never another
exception, and no line and no image is lost. A new reader is a new row of `FORMATS`; a new fault
is a new function in `SAME`, `COUNTED` or `REFUSED`.
"""

import os, re, tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from fer_course.core.errors import CourseError
from fer_course.data import AFFECTNET_COLUMNS, FERPLUS_ANSWERS, LSD_FOLDERS
from fer_course.data import is_image, list_files, LONGEST, read, read_lines, READERS
from fer_course.facs import AU_VOCABULARIES, EXPRESSIONS

quick = settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
N = range(6)  # numbers of the listed images
RAF_AU_UNITS = len(AU_VOCABULARIES["raf_au"])
EMOTIONET_UNITS = AU_VOCABULARIES["emotionet"]
POINTS = ";".join(f"{i}.5;{i}" for i in range(68))  # AffectNet's landmarks


def votes(label):
    "Return FERPlus' ten vote counts as cells of a csv: nine for one answer."
    return ",".join("9" if answer == label else "0" for answer in range(10))


def units(k, n, *, unknown="0"):
    "Return n cells of action units for image k; some of them are unknown."
    cells = []
    for unit in range(n):
        if unit % 6 == k:
            cells.append("1")
        elif unit % 7 == 3:
            cells.append(unknown)
        else:
            cells.append("0")
    return cells


def emotionet_cells(k, *, quote, n):
    "Return the cells of EmotioNet's line for image k: two addresses and n units."
    addresses = (f"http://x.org/f{k}.jpg", f"http://y.org/g{k}.jpg")
    return [*(f"{quote}{address}{quote}" for address in addresses), *units(k, n, unknown="999")]


@dataclass(frozen=True)
class Format:
    "A small sound dataset of one format, and a wrong label for its list."

    reader: str
    list: str  # path of the list
    line: Callable  # number of an image -> its line
    image: Callable  # number of an image -> its file
    wrong: tuple  # (part of a good line, the same with a wrong label)
    heading: str | None = None
    extra: tuple = ()  # files that no list names


FORMATS = {
    "csv": Format(
        reader="csv",
        list="labels.csv",
        heading="image,emotion",
        line=lambda k: f"p{k}.jpg,{EXPRESSIONS[k]}",
        image=lambda k: f"images/p{k}.jpg",
        wrong=(",fear", ",bored"),
    ),
    "lsd": Format(
        reader="lsd",
        list="LSD_Challenge_test_set_release.txt",
        heading="image,expression",
        line=lambda k: f"{k}.jpg,{k}",
        image=lambda k: f"test_set/{k}.jpg",
        extra=tuple(f"{folder}/ANGRER/1.jpg" for folder in LSD_FOLDERS),
        wrong=(",2", ",77"),
    ),
    "rafdb": Format(
        reader="rafdb",
        list="basic/EmoLabel/list_patition_label.txt",
        line=lambda k: f"train_{k + 1:05}.jpg {k + 1}",
        image=lambda k: f"basic/Image/aligned/train_{k + 1:05}_aligned.jpg",
        wrong=(".jpg 3", ".jpg 9"),
    ),
    "rafdb of APViT": Format(
        reader="rafdb",
        list="EmoLabel/train.txt",
        line=lambda k: f"train_{k + 1:05}_aligned.jpg {k + 1}",
        image=lambda k: f"Image/aligned_224/train_{k + 1:05}.jpg",
        wrong=(".jpg 3", ".jpg 9"),
    ),
    "ferplus": Format(
        reader="ferplus",
        list="fer2013new.csv",
        heading=",".join(("Usage", "Image name", *FERPLUS_ANSWERS)),
        line=lambda k: f"Training,fer{k:07}.png,{votes(k)}",
        image=lambda k: f"FER2013Train/fer{k:07}.png",
        wrong=(",0,9", ",0,many"),
    ),
    "ferplus, generated": Format(
        reader="ferplus",
        list="FER2013Train/label.csv",
        line=lambda k: f'fer{k:07}.png,"(0, 0, 48, 48)",{votes(k)}',
        image=lambda k: f"FER2013Train/fer{k:07}.png",
        wrong=(",0,9", ",0,-9"),
    ),
    "affectnet": Format(
        reader="affectnet",
        list="training.csv",
        heading=",".join(AFFECTNET_COLUMNS),
        line=lambda k: f"{k}/a{k}.jpg,1,2,30,40,{POINTS},{k},0.5,-0.25",
        image=lambda k: f"Manually_Annotated_Images/{k}/a{k}.jpg",
        wrong=(",2,0.5", ",12,0.5"),
    ),
    "raf_au": Format(
        reader="raf_au",
        list="RAFAU_label.txt",
        line=lambda k: f"{k:04}.jpg {k + 1 if k != 2 else 12}+L25",
        image=lambda k: f"aligned/{k:04}_aligned.jpg",
        wrong=("12+", "X12+"),
    ),
    "raf_au of the authors": Format(
        reader="raf_au",
        list="RAFAU_label.txt",
        line=lambda k: f"{k:04}.jpg {' '.join(units(k, RAF_AU_UNITS))}",
        image=lambda k: f"aligned/{k:04}_aligned.jpg",
        wrong=("0002.jpg 0 0 1", "0002.jpg 0 0 7"),
    ),
    "emotionet 1.2": Format(
        reader="emotionet",
        list="dataFile_0001.txt",
        line=lambda k: "\t".join(emotionet_cells(k, quote="", n=60)),
        image=lambda k: f"images/f{k}.jpg",
        wrong=("g2.jpg\t0\t0\t1", "g2.jpg\t0\t0\t5"),
    ),
    "emotionet 2020": Format(
        reader="emotionet",
        list="EmotioNet_FACS.csv",
        heading="URL,URL orig," + ",".join(f"'AU {unit}'" for unit in EMOTIONET_UNITS),
        line=lambda k: ",".join(emotionet_cells(k, quote="'", n=len(EMOTIONET_UNITS))),
        image=lambda k: f"images/f{k}.jpg",
        wrong=("g2.jpg',0,0,1", "g2.jpg',0,0,5"),
    ),
    "openface": Format(
        reader="openface",
        list="units.csv",
        heading="img,confidence,AU01_r,AU12_r",
        line=lambda k: f"p{k}.jpg,0.9,{k / 2},1.5",
        image=lambda k: f"photos/p{k}.jpg",
        wrong=("p2.jpg,0.9", "p2.jpg,high"),
    ),
}
every_format = pytest.mark.parametrize("name", FORMATS)


def every_fault(faults):
    "Return the mark that runs a test for each fault."
    return pytest.mark.parametrize("fault", faults, ids=lambda fault: fault.__name__)


def build(root, name):
    "Write a small sound dataset of a format; return the path of its list."
    form = FORMATS[name]
    for file in (*map(form.image, N), *form.extra):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    path = root / form.list
    path.parent.mkdir(parents=True, exist_ok=True)
    heading = [form.heading] if form.heading else []
    write_lines(path, [*heading, *map(form.line, N)])
    return path


def read_set(root, name):
    "Return (manifest, dropped) of a dataset in some format."
    return read(FORMATS[name].reader, root, dataset="x", expressions=EXPRESSIONS)


def root_of(path, name):
    "Return the folder of the dataset whose list is `path`."
    return path.parents[len(Path(FORMATS[name].list).parts) - 1]


def labels(table):
    "Return everything that a reader found, as text."
    return table.drop(columns="dataset").to_json(orient="records")


def cell_lines(path):
    "Return the lines of a list."
    return path.read_text().rstrip("\n").split("\n")


def write_lines(path, lines):
    "Write the lines of a list."
    path.write_text("\n".join(lines) + "\n")


def check_accounts(root, name):
    """Check that no image and no line is lost; return (manifest, dropped) or the error.

    An error names a file or folder of the dataset. Otherwise each image is in one of the tables
    once, and each line of the list is kept or listed.
    """
    try:
        table, dropped = read_set(root, name)
    except CourseError as error:
        assert str(root) in str(error)
        assert len(str(error)) < 2000
        return error
    images = {file for file in list_files(root) if is_image(file)}
    kept = set(table.image)
    assert len(table) == len(kept), "an image is kept once"
    assert kept <= images, "a kept image is one of the folder"
    assert images - kept <= set(dropped.image), "every other image is listed with its reason"
    assert dropped.reason.str.len().between(1, 599).all()
    assert dropped.image.str.len().lt(600).all()
    lines = sum(1 for _ in read_lines(root / FORMATS[name].list))
    by_line = sum(bool(re.search(r"(?:line|row) \d+ of", reason)) for reason in dropped.reason)
    listed = len(kept & set(map(FORMATS[name].image, N)))
    accounts = f"{lines} lines, {listed} kept, {by_line} listed as dropped"
    assert listed + by_line in (lines, lines - 1), accounts
    return table, dropped


@every_format
def test_the_sound_copy_is_read_whole(name, tmp_path):
    build(tmp_path, name)
    table, dropped = read_set(tmp_path, name)
    assert len(table) == 6 + len(FORMATS[name].extra)
    assert dropped.empty
    check_accounts(tmp_path, name)


# Faults that change nothing. Each takes (path of the list, name of the format).


def bom(path, name):
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def crlf(path, name):
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def utf16(path, name):
    path.write_bytes(path.read_text().encode("utf-16"))


def no_last_end(path, name):
    path.write_bytes(path.read_bytes().rstrip(b"\n"))


def blank_lines(path, name):
    path.write_bytes(path.read_bytes().replace(b"\n", b"\n\n  \n"))


def loops(path, name):
    root = root_of(path, name)
    (root / "again").symlink_to(root, target_is_directory=True)
    (root / "images2").symlink_to(root / "images2")


SAME = (bom, crlf, utf16, no_last_end, blank_lines, loops)


@every_fault(SAME)
@every_format
def test_what_changes_nothing(name, fault, tmp_path):
    path = build(tmp_path, name)
    before, _ = read_set(tmp_path, name)
    fault(path, name)
    after, dropped = read_set(tmp_path, name)
    assert labels(after) == labels(before)
    assert dropped.empty


# Faults that are counted or refused.


def wrong_label(path, name):
    good, bad = FORMATS[name].wrong
    text = path.read_text()
    assert good in text
    path.write_text(text.replace(good, bad, 1))


def extra_column(path, name):
    lines = cell_lines(path)
    delimiter = "\t" if "\t" in lines[-1] else ","
    delimiter = {"raf_au": " ", "rafdb": " "}.get(FORMATS[name].reader, delimiter)
    write_lines(path, [*lines[:-1], f"{lines[-1]}{delimiter}1"])


def cut_line(path, name):
    lines = cell_lines(path)
    write_lines(path, [*lines[:-1], re.split(r"[\s,]", lines[-1])[0]])


def duplicate_line(path, name):
    lines = cell_lines(path)
    write_lines(path, [*lines, lines[-1]])


def missing_image(path, name):
    (root_of(path, name) / FORMATS[name].image(3)).unlink()


def unlisted_image(path, name):
    write_lines(path, cell_lines(path)[:-1])


def leaves_the_folder(path, name):
    (root_of(path, name).parent / "secret.jpg").touch()
    lines = cell_lines(path)
    image = re.findall(r'[^\s,\'"]+\.(?:jpg|png)', lines[-1])[0]
    write_lines(path, [*lines[:-1], lines[-1].replace(image, "../secret.jpg")])


COUNTED = (
    wrong_label,
    extra_column,
    cut_line,
    duplicate_line,
    missing_image,
    unlisted_image,
    leaves_the_folder,
)
# One more cell is no fault in a csv. A name without a label is an unlabelled image.
FINE = {("extra_column", "csv"), ("cut_line", "lsd"), ("cut_line", "csv")}


@every_fault(COUNTED)
@every_format
def test_what_is_counted_or_refused(name, fault, tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    path = build(root, name)
    fault(path, name)
    found = check_accounts(root, name)
    if isinstance(found, CourseError):
        assert re.search(r"line \d+", str(found))
        assert path.name in str(found)
        return
    table, dropped = found
    assert "secret.jpg" not in " ".join(table.image)
    if (fault.__name__, name) in FINE:
        return
    most = 6 + len(FORMATS[name].extra)
    if fault is not duplicate_line:
        most -= 1
    assert len(table) <= most
    assert len(dropped)
    if fault is not unlisted_image:
        by_line = dropped.reason.str.contains(r"(?:line|row) \d+ of")
        assert by_line.any(), dropped.reason.tolist()


# Faults that are refused.


def no_list(path, name):
    path.unlink()


def empty(path, name):
    path.write_bytes(b"")


def white(path, name):
    path.write_bytes(b"\n \r\n\t\n")


def a_photograph(path, name):
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(200))


def long_line(path, name):
    path.write_bytes(path.read_bytes() + b"x" * (LONGEST + 9) + b"\n")


def a_folder(path, name):
    path.unlink()
    path.mkdir()


def prose(path, name):
    path.write_text("Dear reader, this is a letter.\nIt has no table.\n")


REFUSED = (no_list, empty, white, a_photograph, long_line, a_folder, prose)
# Without the list of its test set, LSD is still LSD: its six listed images have no labels.
PARTLY = {(no_list, "lsd"), (a_folder, "lsd"), (prose, "lsd")}


@every_fault(REFUSED)
@every_format
def test_what_is_refused(name, fault, tmp_path):
    path = build(tmp_path, name)
    fault(path, name)
    if (fault, name) in PARTLY:
        table, _ = read_set(tmp_path, name)
        assert set(FORMATS[name].extra) <= set(table.image)
        return
    with pytest.raises(CourseError) as caught:
        read_set(tmp_path, name)
    message = str(caught.value)
    assert str(tmp_path) in message
    if fault is long_line:
        assert re.search(r"line \d+ has more than", message)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("place", ("none", "file", "empty"))
def test_no_folder_a_file_and_no_image(reader, place, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match=re.escape(str(tmp_path / place))):
        read(reader, tmp_path / place)


def test_a_gigabyte_in_one_line_is_refused_in_little_memory(tmp_path):
    path = build(tmp_path, "rafdb")
    os.truncate(path, 1 << 30)  # a sparse file: a gigabyte of zero bytes
    message = "list_patition_label.txt: line 7 (has more than|holds a zero byte)"
    tracemalloc.start()
    try:
        with pytest.raises(CourseError, match=message):
            read_set(tmp_path, "rafdb")
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


BYTES = (
    *(b"\n", b"\r", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xe4"),
    *(b'"', b",", b";", b"\t", b" ", b"../", b"/", b"C:\\", b".jpg"),
    *(b"0", b"-1", b"999", b"1e999", b"nan", b"train_00001.jpg 3\n"),
)
PIECES = st.one_of(st.sampled_from(BYTES), st.binary(max_size=4))
# (place, 0-1; bytes to cut out; bytes to put in)
MUTATIONS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    "Build each format once: name -> (root, list, its bytes)."
    built = {}
    for name in FORMATS:
        root = tmp_path_factory.mktemp("sound")
        path = build(root, name)
        built[name] = root, path, path.read_bytes()
    return built


@every_format
def test_any_mutated_list_is_an_error_or_accounted_for(name, sound):
    root, path, whole = sound[name]

    @quick
    @given(MUTATIONS)
    def mutated(changes):
        data = whole
        for place, cut, piece in changes:
            start = int(place * len(data))
            data = data[:start] + piece + data[start + cut :]
        path.write_bytes(data)
        check_accounts(root, name)

    mutated()
    path.write_bytes(whole)


@every_format
def test_any_order_of_lines_gives_the_same(name, sound):
    root, path, whole = sound[name]
    lines = whole.rstrip(b"\n").split(b"\n")
    start = 1 if FORMATS[name].heading else 0

    def found():
        table, _ = read_set(root, name)
        return labels(table.drop(columns="line", errors="ignore"))

    before = found()

    @settings(quick, max_examples=8)
    @given(st.permutations(lines[start:]))
    def shuffled(order):
        path.write_bytes(b"\n".join([*lines[:start], *order]))
        assert found() == before

    shuffled()
    path.write_bytes(whole)


@pytest.fixture
def annotations(tmp_path):
    "Write two images of AffectNet with their ids as npy files; return the folder of the files."
    folder = tmp_path / "train_set" / "annotations"
    folder.mkdir(parents=True)
    (tmp_path / "train_set" / "images").mkdir()
    for i in (0, 1):
        (tmp_path / "train_set" / "images" / f"{i}.jpg").touch()
        np.save(folder / f"{i}_exp.npy", str(i))
    return folder


def test_any_mutated_npy_is_an_id_or_a_counted_fault(annotations, tmp_path):
    path = annotations / "1_exp.npy"
    whole = path.read_bytes()

    @quick
    @given(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=20)))
    def mutated(change):
        place, cut, piece = change
        start = int(place * len(whole))
        path.write_bytes(whole[:start] + piece + whole[start + cut :])
        table, dropped = read("affectnet", tmp_path, dataset="x")
        assert len(table) + len(dropped) == 2
        assert "train_set/images/0.jpg" in set(table.image)

    mutated()


NOT_AN_ID = dict(
    pickle=np.array([{}], object),
    matrix=np.zeros((3, 3)),
    large=np.array("12"),
    text=np.array("x"),
    nan=np.array(np.nan),
    empty=np.zeros(0),
    bool=np.array(True),
)


@pytest.mark.parametrize("kind", NOT_AN_ID)
def test_an_npy_that_is_no_id_is_counted(kind, annotations, tmp_path):
    np.save(annotations / "1_exp.npy", NOT_AN_ID[kind], allow_pickle=True)
    table, dropped = read("affectnet", tmp_path, dataset="x")
    assert len(table) == 1
    assert dropped.image.tolist() == ["train_set/images/1.jpg"]
