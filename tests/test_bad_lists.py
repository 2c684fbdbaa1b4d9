"""Every reader fed with broken copies of its own format: a clear `CourseError`, or a line that is counted and listed. Never another exception, never a line or an image lost.

A new reader is a new row of `FORMATS`; a new fault is a new row of `FAULTS`."""

import re
from pathlib import Path
import numpy as np, pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from fer_course.data import AFFECTNET_COLUMNS, FERPLUS_ANSWERS, LSD_FOLDERS
from fer_course.facs import AU_VOCABULARIES, EXPRESSIONS
from fer_course.core.errors import CourseError
from fer_course.data import is_image, list_files, LONGEST, read_lines
from fer_course.data import read, READERS

quick = settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
N = range(6)


def _votes(label):
    return [9 if a == label else 0 for a in range(10)]


def _units(k, n, unknown="0"):
    return ["1" if u % 6 == k else unknown if u % 7 == 3 else "0" for u in range(n)]


POINTS = ";".join(f"{i}.5;{i}" for i in range(68))

#            reader, the list, its heading or None, one good line for image k, the file of image k, further files, a wrong label in that line: (what, instead of what)
FORMATS = {
    "csv": (
        "csv",
        "labels.csv",
        "image,emotion",
        lambda k: f"p{k}.jpg,{EXPRESSIONS[k]}",
        lambda k: f"images/p{k}.jpg",
        (),
        (",fear", ",bored"),
    ),
    "lsd": (
        "lsd",
        "LSD_Challenge_test_set_release.txt",
        "image,expression",
        lambda k: f"{k}.jpg,{k}",
        lambda k: f"test_set/{k}.jpg",
        [f"{f}/ANGRER/1.jpg" for f in LSD_FOLDERS],
        (",2", ",77"),
    ),
    "rafdb": (
        "rafdb",
        "basic/EmoLabel/list_patition_label.txt",
        None,
        lambda k: f"train_{k + 1:05}.jpg {k + 1}",
        lambda k: f"basic/Image/aligned/train_{k + 1:05}_aligned.jpg",
        (),
        (".jpg 3", ".jpg 9"),
    ),
    "rafdb of APViT": (
        "rafdb",
        "EmoLabel/train.txt",
        None,
        lambda k: f"train_{k + 1:05}_aligned.jpg {k + 1}",
        lambda k: f"Image/aligned_224/train_{k + 1:05}.jpg",
        (),
        (".jpg 3", ".jpg 9"),
    ),
    "ferplus": (
        "ferplus",
        "fer2013new.csv",
        ",".join(("Usage", "Image name", *FERPLUS_ANSWERS)),
        lambda k: f"Training,fer{k:07}.png,{','.join(map(str, _votes(k)))}",
        lambda k: f"FER2013Train/fer{k:07}.png",
        (),
        (",0,9", ",0,many"),
    ),
    "ferplus, generated": (
        "ferplus",
        "FER2013Train/label.csv",
        None,
        lambda k: f'fer{k:07}.png,"(0, 0, 48, 48)",{",".join(map(str, _votes(k)))}',
        lambda k: f"FER2013Train/fer{k:07}.png",
        (),
        (",0,9", ",0,-9"),
    ),
    "affectnet": (
        "affectnet",
        "training.csv",
        ",".join(AFFECTNET_COLUMNS),
        lambda k: f"{k}/a{k}.jpg,1,2,30,40,{POINTS},{k},0.5,-0.25",
        lambda k: f"Manually_Annotated_Images/{k}/a{k}.jpg",
        (),
        (",2,0.5", ",12,0.5"),
    ),
    "raf_au": (
        "raf_au",
        "RAFAU_label.txt",
        None,
        lambda k: f"{k:04}.jpg {k + 1 if k != 2 else 12}+L25",
        lambda k: f"aligned/{k:04}_aligned.jpg",
        (),
        ("12+", "X12+"),
    ),
    "raf_au of the authors": (
        "raf_au",
        "RAFAU_label.txt",
        None,
        lambda k: f"{k:04}.jpg {' '.join(_units(k, len(AU_VOCABULARIES['raf_au'])))}",
        lambda k: f"aligned/{k:04}_aligned.jpg",
        (),
        ("0002.jpg 0 0 1", "0002.jpg 0 0 7"),
    ),
    "emotionet 1.2": (
        "emotionet",
        "dataFile_0001.txt",
        None,
        lambda k: "\t".join(
            (f"http://x.org/f{k}.jpg", f"http://y.org/g{k}.jpg", *_units(k, 60, "999"))
        ),
        lambda k: f"images/f{k}.jpg",
        (),
        ("g2.jpg\t0\t0\t1", "g2.jpg\t0\t0\t5"),
    ),
    "emotionet 2020": (
        "emotionet",
        "EmotioNet_FACS.csv",
        "URL,URL orig," + ",".join(f"'AU {u}'" for u in AU_VOCABULARIES["emotionet"]),
        lambda k: ",".join(
            (
                f"'http://x.org/f{k}.jpg'",
                f"'http://y.org/g{k}.jpg'",
                *_units(k, len(AU_VOCABULARIES["emotionet"]), "999"),
            )
        ),
        lambda k: f"images/f{k}.jpg",
        (),
        ("g2.jpg',0,0,1", "g2.jpg',0,0,5"),
    ),
    "openface": (
        "openface",
        "units.csv",
        "img,confidence,AU01_r,AU12_r",
        lambda k: f"p{k}.jpg,0.9,{k / 2},1.5",
        lambda k: f"photos/p{k}.jpg",
        (),
        ("p2.jpg,0.9", "p2.jpg,high"),
    ),
}


def build(root, name):
    "A small sound dataset of a format; returns the path of its list"
    _, listed, heading, line, image, more, _ = FORMATS[name]
    for file in (*map(image, N), *more):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    (root / listed).parent.mkdir(parents=True, exist_ok=True)
    (root / listed).write_text("\n".join([*([heading] if heading else []), *map(line, N)]) + "\n")
    return root / listed


def take(root, name):
    return read(FORMATS[name][0], root, "x", expressions=EXPRESSIONS)


def labels(table):
    return table.drop(columns="dataset").to_json(orient="records")


def check_accounts(root, name):
    "A `CourseError` that names a file or folder of the dataset, or tables in which each image stands once and each line of the list is kept or listed; returns (table, gone) or the error"
    try:
        table, gone = take(root, name)
    except CourseError as error:
        assert str(root) in str(error) and len(str(error)) < 2000, error
        return error
    images = [n for n in list_files(root) if is_image(n)]
    kept = table.image.tolist()
    assert len(kept) == len(set(kept)) and set(kept) <= set(images), (
        "an image is kept once, and is one of the folder"
    )
    assert set(images) - set(kept) <= set(gone.image), "every other image is listed with its reason"
    reasons = gone.reason.tolist()
    assert all(0 < len(r) < 600 for r in reasons) and all(len(i) < 600 for i in gone.image)
    path = root / FORMATS[name][1]
    lines = sum(1 for _ in read_lines(path))
    by_line = sum(bool(re.search(r"(?:line|row) \d+ of", r)) for r in reasons)
    listed = len(set(kept) & {*map(FORMATS[name][4], N)})
    assert listed + by_line in (lines, lines - 1), (
        f"{lines} lines, {listed} kept, {by_line} listed as dropped"
    )
    return table, gone


@pytest.mark.parametrize("name", FORMATS)
def test_the_sound_copy_is_read_whole(name, tmp_path):
    build(tmp_path, name)
    table, gone = take(tmp_path, name)
    assert len(table) == 6 + len(FORMATS[name][5]) and gone.empty
    check_accounts(tmp_path, name)


def lines_of(path):
    return path.read_text().rstrip("\n").split("\n")


def put(path, lines):
    path.write_text("\n".join(lines) + "\n")


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
    root = path.parents[len(Path(FORMATS[name][1]).parts) - 1]
    (root / "again").symlink_to(root, target_is_directory=True)
    (root / "images2").symlink_to(root / "images2")


SAME = (bom, crlf, utf16, no_last_end, blank_lines, loops)


@pytest.mark.parametrize("fault", SAME, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", FORMATS)
def test_what_changes_nothing(name, fault, tmp_path):
    path = build(tmp_path, name)
    before, _ = take(tmp_path, name)
    fault(path, name)
    after, gone = take(tmp_path, name)
    assert labels(after) == labels(before) and gone.empty


def wrong_label(path, name):
    old, new = FORMATS[name][6]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def extra_column(path, name):
    lines = lines_of(path)
    tab = {"raf_au": " ", "rafdb": " "}.get(FORMATS[name][0], "\t" if "\t" in lines[-1] else ",")
    put(path, [*lines[:-1], f"{lines[-1]}{tab}1"])


def cut_line(path, name):
    lines = lines_of(path)
    put(path, [*lines[:-1], re.split(r"[\s,]", lines[-1])[0]])


def duplicate_line(path, name):
    lines = lines_of(path)
    put(path, [*lines, lines[-1]])


def missing_image(path, name):
    (path.parents[len(Path(FORMATS[name][1]).parts) - 1] / FORMATS[name][4](3)).unlink()


def unlisted_image(path, name):
    put(path, lines_of(path)[:-1])


def leaves_the_folder(path, name):
    root = path.parents[len(Path(FORMATS[name][1]).parts) - 1]
    (root.parent / "secret.jpg").touch()
    names = re.findall(r'[^\s,\'"]+\.(?:jpg|png)', lines_of(path)[-1])
    put(path, [*lines_of(path)[:-1], lines_of(path)[-1].replace(names[0], "../secret.jpg")])


COUNTED = (
    wrong_label,
    extra_column,
    cut_line,
    duplicate_line,
    missing_image,
    unlisted_image,
    leaves_the_folder,
)
FINE = {
    ("extra_column", "csv"),
    ("cut_line", "lsd"),
    ("cut_line", "csv"),
}  # a further cell is no fault there; a name without label is an unlabelled image


@pytest.mark.parametrize("fault", COUNTED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_counted_or_refused(name, fault, tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    path = build(root, name)
    fault(path, name)
    got = check_accounts(root, name)
    if isinstance(got, CourseError):
        assert re.search(r"line \d+", str(got)) and path.name in str(got), got
    elif (fault.__name__, name) not in FINE:
        table, gone = got
        assert len(gone) and len(table) <= 6 + len(FORMATS[name][5]) - (
            fault.__name__ != "duplicate_line"
        )
        assert (
            fault.__name__ == "unlisted_image"
            or gone.reason.str.contains(r"(?:line|row) \d+ of").any()
        ), gone.reason.tolist()
    assert isinstance(got, CourseError) or "secret.jpg" not in " ".join(got[0].image)


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
PARTLY = {
    (fault, "lsd") for fault in ("no_list", "a_folder", "prose")
}  # without its list of tests, LSD is still LSD


@pytest.mark.parametrize("fault", REFUSED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_refused(name, fault, tmp_path):
    path = build(tmp_path, name)
    fault(path, name)
    if (fault.__name__, name) in PARTLY:
        take(tmp_path, name)
        return
    with pytest.raises(CourseError) as caught:
        take(tmp_path, name)
    assert str(tmp_path) in str(caught.value) and (
        fault is not long_line or re.search(r"line \d+ has more than", str(caught.value))
    )


def test_no_folder_a_file_and_no_image(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for reader in READERS:
        for where in (tmp_path / "none", tmp_path / "file", tmp_path / "empty"):
            with pytest.raises(CourseError, match=re.escape(str(where))):
                read(reader, where)


def test_a_gigabyte_in_one_line_is_refused_in_little_memory(tmp_path):
    import os, tracemalloc

    path = build(tmp_path, "rafdb")
    os.truncate(path, 1 << 30)
    tracemalloc.start()  # a sparse file: a gigabyte of zero bytes
    try:
        with pytest.raises(
            CourseError, match="list_patition_label.txt: line 7 (has more than|holds a zero byte)"
        ):
            take(tmp_path, "rafdb")
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


PIECES = st.one_of(
    st.sampled_from(
        [
            b"\n",
            b"\r",
            b"\r\n",
            b"\xef\xbb\xbf",
            b"\xff\xfe",
            b'"',
            b",",
            b";",
            b"\t",
            b" ",
            b"0",
            b"-1",
            b"999",
            b"1e999",
            b"nan",
            b"../",
            b"/",
            b"C:\\",
            b".jpg",
            b"\x00",
            b"\xe4",
            b"train_00001.jpg 3\n",
        ]
    ),
    st.binary(max_size=4),
)
MUTATIONS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    "format -> (root, list, its bytes), built once"
    made = {}
    for name in FORMATS:
        root = tmp_path_factory.mktemp("sound")
        path = build(root, name)
        made[name] = root, path, path.read_bytes()
    return made


@pytest.mark.parametrize("name", FORMATS)
def test_any_mutated_list_is_an_error_or_accounted_for(name, sound):
    root, path, whole = sound[name]

    @quick
    @given(MUTATIONS)
    def mutated(changes):
        data = whole
        for place, cut, piece in changes:
            i = int(place * len(data))
            data = data[:i] + piece + data[i + cut :]
        path.write_bytes(data)
        check_accounts(root, name)

    mutated()
    path.write_bytes(whole)


@pytest.mark.parametrize("name", FORMATS)
def test_any_order_of_lines_gives_the_same(name, sound):
    root, path, whole = sound[name]
    heading, lines = (
        whole.split(b"\n")[: bool(FORMATS[name][2])],
        whole.rstrip(b"\n").split(b"\n")[bool(FORMATS[name][2]) :],
    )
    before = labels(take(root, name)[0].drop(columns=["line"], errors="ignore"))

    @settings(quick, max_examples=8)
    @given(st.permutations(lines))
    def shuffled(order):
        path.write_bytes(b"\n".join([*heading, *order]))
        assert labels(take(root, name)[0].drop(columns=["line"], errors="ignore")) == before

    shuffled()
    path.write_bytes(whole)


def test_any_npy_is_an_id_or_a_counted_fault(tmp_path):
    folder = tmp_path / "train_set" / "annotations"
    folder.mkdir(parents=True)
    (tmp_path / "train_set" / "images").mkdir()
    for i in (0, 1):
        (tmp_path / "train_set" / "images" / f"{i}.jpg").touch()
        np.save(folder / f"{i}_exp.npy", str(i))
    whole = (folder / "1_exp.npy").read_bytes()

    @quick
    @given(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=20)))
    def mutated(change):
        i = int(change[0] * len(whole))
        (folder / "1_exp.npy").write_bytes(whole[:i] + change[2] + whole[i + change[1] :])
        table, gone = read("affectnet", tmp_path, "x")
        assert len(table) + len(gone) == 2 and "train_set/images/0.jpg" in set(table.image)

    mutated()
    for array in (
        np.array([{}], object),
        np.zeros((3, 3)),
        np.array("12"),
        np.array("x"),
        np.array(np.nan),
        np.zeros(0),
        np.array(True),
    ):
        np.save(folder / "1_exp.npy", array, allow_pickle=True)
        table, gone = read("affectnet", tmp_path, "x")
        assert len(table) == 1 and gone.image.tolist() == ["train_set/images/1.jpg"]
