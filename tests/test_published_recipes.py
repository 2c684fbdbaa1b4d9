"The reports' splits and AU-CVT's recipe by command, on small trees as published."

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fer_course.align.boxes import Detections
from fer_course.align.mtcnn import MTCNN
from fer_course.app import main_job
from fer_course.app.cli import main
from fer_course.augment.balance import balance_table, plan
from fer_course.data import drop_duplicates, make_manifest, split, split_table
from fer_course.facs import au_columns

CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
FOLDERS = dict(zip(CLASSES, ("ANGRER", "DISGUST", "FEAR", "HAPPINESS", "SADNESS", "SURPRISE")))
FILES = dict(zip(CLASSES, (8228, 2651, 2985, 9113, 13040, 7418)))  # of reports S and K
COPIES = dict(disgust=193, fear=2, surprise=1)
QUICK = ("--device", "cpu", "--workers", "0", "--size", "32")


@pytest.fixture(autouse=True)
def no_face_is_searched(monkeypatch):
    "Every image is kept unaligned: no test here depends on a face."
    nothing = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))
    monkeypatch.setattr(MTCNN, "detect", lambda self, images: [nothing] * len(images))


def write_image(path, number):
    "Write an image whose bytes depend on its number."
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def table_of(out):
    return pd.read_parquet(out / "manifest.parquet")


def notes_of(out):
    return " ".join(json.loads((out / "prepare.json").read_text())["notes"])


def counts_of(table, name):
    "Return the images of a split for each class."
    counts = split_table(table).loc[name]
    return [int(counts[c]) for c in CLASSES]


# --- the reports ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def lsd_manifest():
    "Return the rows of the reports' 43,435 files, of which 196 have the bytes of another one."
    rows = []
    for name, n in FILES.items():
        for number in range(n):
            first = number - COPIES.get(name, 0) if number >= n - COPIES.get(name, 0) else number
            image = f"{FOLDERS[name]}/{number:05}.jpg"
            rows.append(dict(image=image, expression=name, sha1=f"{name} {first}"))
    return make_manifest(rows, "lsd")


def test_report_s_has_its_counts_and_its_table_5(lsd_manifest):
    table, dropped = drop_duplicates(lsd_manifest, conflicts="first")
    assert len(dropped) == 196
    assert len(table) == 43239
    table = split(table, by="report_s")
    assert counts_of(table, "train") == [6582, 1967, 2386, 7290, 10432, 5934]
    assert counts_of(table, "test") == [1646, 491, 597, 1823, 2608, 1483]
    assert len(table[table.split == "train"]) == 34591
    assert len(table[table.split == "test"]) == 8648
    balanced = balance_table(table, plan(table, "report_s")).after
    assert balanced[list(CLASSES)].tolist() == [9543, 7868, 9544, 9477, 10432, 9492]
    assert balanced["total"] == 56356


def test_report_k_has_its_counts(lsd_manifest):
    table = split(lsd_manifest, by="report_k")
    assert counts_of(table, "train") == [6171, 1988, 2238, 6834, 9780, 5563]
    assert counts_of(table, "test") == [2057, 663, 747, 2279, 3260, 1855]
    assert table.split.value_counts().to_dict() == dict(train=32574, test=10861)


@pytest.fixture(scope="module")
def small_lsd(tmp_path_factory):
    "Return a hundredth of the reports' files in six folders; four files are there twice."
    root = tmp_path_factory.mktemp("reports") / "lsd"
    number = 0
    for name, n in FILES.items():
        for k in range(n // 100):
            number += 1
            write_image(root / FOLDERS[name] / f"{k:04}.png", number)
    for k in range(3):
        copy = root / "DISGUST" / f"copy{k}.png"
        copy.write_bytes((root / "DISGUST" / f"{k:04}.png").read_bytes())
    # the bytes of an angry image again as fear
    conflict = root / "FEAR" / "conflict.png"
    conflict.write_bytes((root / "ANGRER" / "0000.png").read_bytes())
    return root


def prepare(root, out, *options, reader="lsd"):
    "Prepare a folder by the command line."
    where = ("--target", str(root), "--reader", reader, "--out", str(out))
    assert main(["prepare", *where, *QUICK, *map(str, options)]) == 0
    return table_of(out)


def test_report_s_by_command(small_lsd, tmp_path):
    table = prepare(small_lsd, tmp_path / "s", "--split", "report_s", "--balance", "report_s")
    own = table[table.change.eq("") | (table.expression == "sadness")]
    # 82, 26, 29, 91, 130, 74 images, one fifth for the test as scikit-learn rounds it
    assert len(own) == 432
    assert (own.split == "test").sum() == 87
    assert set(own.split) == {"train", "test"}
    train = own[own.split == "train"]
    counts = train.expression.value_counts()[list(CLASSES)].tolist()
    assert np.abs(np.array(counts) - 0.8 * np.array([82, 26, 29, 91, 130, 74])).max() < 1
    after = table[table.split == "train"].expression.value_counts()[list(CLASSES)].tolist()
    shares = (0.15, 1, 1, 0.1, 0, 0.2)
    assert after == [n + 3 * int(round(share * n, 9)) for n, share in zip(counts, shares)]
    dropped = pd.read_parquet(tmp_path / "s" / "dropped.parquet")
    assert dropped.image.tolist() == [*(f"DISGUST/copy{k}.png" for k in range(3))] + [
        "FEAR/conflict.png"
    ]
    reason = "the same bytes as ANGRER/0000.png, which is labelled anger"
    assert dropped.reason.iloc[-1] == reason, "one of each hash stays"
    assert "the bytes of a file that has a different label: 1." in notes_of(tmp_path / "s")
    assert "The classes range from" in notes_of(tmp_path / "s")


def test_report_k_by_command(small_lsd, tmp_path):
    table = prepare(small_lsd, tmp_path / "k", "--split", "report_k")
    files = (82, 29, 30, 91, 130, 74)
    assert len(table) == sum(files)
    assert counts_of(table, "train") == [n * 3 // 4 for n in files]
    assert set(table.split) == {"train", "test"}
    leaks = pd.read_parquet(tmp_path / "k" / "leaks.parquet")
    spread = table.groupby("sha1").split.nunique()
    assert set(leaks.group) == set(spread.index[spread > 1])
    assert leaks.empty or "Copies (the same bytes) stand in several splits" in notes_of(
        tmp_path / "k"
    )


def test_a_validation_set_is_cut_from_training_only_if_asked(small_lsd, tmp_path):
    options = ("--split", "report_k", "--exact-duplicates", "drop")
    plain = prepare(small_lsd, tmp_path / "plain", *options)
    cut = prepare(small_lsd, tmp_path / "cut", *options, "--valid", 0.1)
    assert len(plain) == 431, "three copies and two files with different labels leave"
    assert (cut.split == "test").equals(plain.split == "test")
    assert (cut.split == "valid").sum() == 8 + 3 + 3 + 9 + 13 + 7
    assert json.loads((tmp_path / "cut" / "prepare.json").read_text())["validation"] == "cut"
    assert json.loads((tmp_path / "plain" / "prepare.json").read_text())["validation"] == "none"


# --- published splits ----------------------------------------------------------------------------
@pytest.fixture
def published_lsd(tmp_path):
    "Return LSD as released: 8 training and 3 validation images a class; a csv of OpenFace's."
    root = tmp_path / "LSD"
    number = 1000
    lines = ["img,label,confidence,AU01_r,AU04_r,AU12_r,AU25_r"]
    for label, folder in enumerate(FOLDERS.values()):
        for part, n in (("training_set_synthetic_images", 8), ("validation_set_real_images", 3)):
            for k in range(n):
                number += 1
                write_image(root / part / folder / f"{k}.png", number)
                if part.startswith("training") and k < 7:
                    confidence = 0.5 if k == 6 else 0.9
                    values = f"{k / 4},{label / 2},{0.5 + 0.1 * (k % 2)},0.2"
                    name = f"training_set_synthetic_images/{folder}/{k}.jpg"
                    lines.append(f"{name},{label},{confidence},{values}")
    lines.append("training_set_synthetic_images/FEAR/99.jpg,2,.9,1,1,1,1")
    units = tmp_path / "openface.csv"
    units.write_text("\n".join(lines) + "\n")
    return root, units


def test_au_cvt_with_openface_by_command(published_lsd, tmp_path, capsys):
    root, units = published_lsd
    out = tmp_path / "out"
    table = prepare(root, out, "--attach-units", units, "--valid", 0)
    # the published splits: what is called validation there is reported on here
    assert table.split.value_counts().to_dict() == dict(train=48, test=18)
    assert (table.split == "train").equals(table.image.str.startswith("training"))
    number = table.image.str.extract(r"/(\d+)\.png", expand=False).astype(int)
    label = table.expression.map(CLASSES.index)
    labelled = (table.split == "train") & (number < 6)
    expected = {"AU1": number / 4 > 0.5, "AU4": label / 2 > 0.5, "AU12": number % 2 == 1}
    for name, present in (expected | {"AU25": number < 0}).items():
        assert table[name][labelled].tolist() == present[labelled].astype(float).tolist()
        assert table[name][~labelled].isna().all()
    others = table[[c for c in au_columns() if c not in ("AU1", "AU4", "AU12", "AU25")]]
    assert others.isna().all(axis=None)
    dropped = pd.read_parquet(out / "dropped.parquet")
    assert dropped.reason.tolist() == [
        "line 44 of openface.csv: no image, or more than one, fits it"
    ]
    unknown = pd.read_parquet(out / "no_units.parquet")
    assert len(unknown) == 66 - 36
    assert unknown.reason.str.contains("confidence").sum() == 6
    assert "openface.csv gives action units to 36 of 66 images" in notes_of(out)

    # a run of the network on both labels of the same images; nothing chooses an epoch
    options = ("--preset", "small", "--epochs", 1, "--batch-size", 16, "--device", "cpu")
    run = ("train", "--data", out, "--out", tmp_path / "run", "--units", "openface", *options)
    capsys.readouterr()
    assert main([*map(str, run)]) == 0
    assert "the last epoch is kept, nothing was chosen" in capsys.readouterr().out
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["model"]["au_vocabulary"] == "openface"
    log = pd.read_csv(tmp_path / "run" / "log.csv")
    assert log.valid_macro_f1.isna().all()
    best, last = (tmp_path / "run" / f"{name}.safetensors" for name in ("best", "last"))
    assert best.read_bytes() == last.read_bytes()


def test_other_thresholds_are_other_settings(published_lsd, tmp_path, capsys):
    root, units = published_lsd
    out = tmp_path / "out"
    table = prepare(root, out, "--attach-units", units, "--confidence", 0.4, "--intensity", 1)
    assert table.AU1.notna().sum() == 42
    assert table.AU1.sum() == 6 * 2, "1.25 and 1.5 are above 1"
    where = ("--target", root, "--reader", "lsd", "--out", out, "--attach-units", units)
    assert main([*map(str, ("prepare", *where, *QUICK))]) == 1
    assert "attach_units" in capsys.readouterr().err


def test_one_image_teaches_expressions_and_units(published_lsd, tmp_path):
    root, units = published_lsd
    # OpenFace ran over all images of LSD, copied into a folder of its own
    measured = tmp_path / "measured"
    lines = ["img,confidence,AU01_r,AU12_r"]
    for number, path in enumerate(sorted(root.rglob("*.png"))):
        measured.mkdir(exist_ok=True)
        (measured / f"{number:03}.png").write_bytes(path.read_bytes())
        lines.append(f"{number:03}.png,.95,1,0")
    (measured / "units.csv").write_text("\n".join(lines))
    auxiliary = ("--auxiliary", measured, "--auxiliary-reader", "openface")
    table = prepare(root, tmp_path / "out", *auxiliary)
    target = table[table.role == "target"]
    shared = table[table.role == "auxiliary"]
    assert len(target) == 66
    assert target.split.value_counts().to_dict() == dict(train=42, test=18, valid=6)
    assert set(shared.split) == {"train"}
    assert set(shared.sha1) == set(target[target.split == "train"].sha1)
    assert len(shared) == 42
    dropped = pd.read_parquet(tmp_path / "out" / "dropped.parquet")
    reasons = dropped.reason.str.extract(r", (a \w+ image of the target)")[0].value_counts()
    assert reasons["a test image of the target"] == 18
    assert reasons["a valid image of the target"] == 6
    assert "42 training images of the target are auxiliary images as well" in notes_of(
        tmp_path / "out"
    )


def test_a_published_test_is_not_thinned(published_lsd, tmp_path):
    root, _ = published_lsd
    test = root / "validation_set_real_images"
    (test / "FEAR" / "copy.png").write_bytes((test / "FEAR" / "0.png").read_bytes())
    (test / "DISGUST" / "other.png").write_bytes((test / "FEAR" / "1.png").read_bytes())
    train = root / "training_set_synthetic_images" / "FEAR" / "0.png"
    train.write_bytes((test / "FEAR" / "2.png").read_bytes())
    table = prepare(root, tmp_path / "out")
    assert (table.split == "test").sum() == 20
    dropped = pd.read_parquet(tmp_path / "out" / "dropped.parquet")
    assert dropped.image.tolist() == ["training_set_synthetic_images/FEAR/0.png"]
    assert dropped.reason[0] == "duplicate of validation_set_real_images/FEAR/2.png"
    assert "2 test images are copies of another test image: they stay" in notes_of(tmp_path / "out")
    asked = prepare(root, tmp_path / "asked", "--exact-duplicates", "drop")
    assert (asked.split == "test").sum() == 17, "a copy, and both of different labels"


# --- auxiliary sets ------------------------------------------------------------------------------
@pytest.fixture
def with_raf_au(published_lsd, tmp_path):
    "Return LSD, and 40 images in the layout of RAF-AU."
    root, _ = published_lsd
    other = tmp_path / "RAF-AU"
    lines = []
    for k in range(40):
        write_image(other / "aligned" / f"{k:04}_aligned.png", 5000 + k)
        lines.append(f"{k:04}.jpg {('1+2', '12+25', 'null')[k % 3]}")
    (other / "RAFAU_label.txt").write_text("\n".join(lines))
    return root, ("--auxiliary", other, "--auxiliary-reader", "raf_au")


def test_an_auxiliary_set_is_used_whole(with_raf_au, tmp_path):
    root, auxiliary = with_raf_au
    table = prepare(root, tmp_path / "whole", *auxiliary)
    splits = table[table.role == "auxiliary"].split
    assert splits.value_counts().to_dict() == dict(train=40)
    table = prepare(root, tmp_path / "split", *auxiliary, "--auxiliary-split", "split")
    splits = table[table.role == "auxiliary"].split
    assert splits.value_counts().to_dict() == dict(train=28, valid=4, test=8)


def test_a_set_may_be_its_own_auxiliary(faces, tmp_path):
    auxiliary = ("--auxiliary", faces, "--auxiliary-reader", "faces", "--landmarks", "given")
    table = prepare(faces, tmp_path / "out", *auxiliary, reader="faces")
    target = table[table.role == "target"]
    shared = table[table.role == "auxiliary"]
    assert len(target) == 70
    assert set(target.split) == {"train", "valid", "test"}
    assert set(shared.split) == {"train"}
    assert set(shared.image) == set(target.image[target.split == "train"])
    assert not set(shared.subject) & set(target.subject[target.split != "train"])


def test_prepare_renders_nothing_unasked(published_lsd, tmp_path):
    root, _ = published_lsd
    table = prepare(root, tmp_path / "out")
    assert set(table.role) == {"target"}
    assert not (tmp_path / "out" / "faces").exists()


@pytest.mark.parametrize(
    "given, expected",
    [({}, "rendered"), ({"auxiliary": "none"}, "none"), ({"auxiliary": "x"}, "x")],
)
def test_the_main_job_asks_for_rendered_faces(monkeypatch, given, expected):
    found = {}

    def keep(target, out, *, config, **options):
        found["auxiliary"] = options.get("auxiliary", config.auxiliary)

    monkeypatch.setattr(main_job, "prepare", keep)
    monkeypatch.setattr(main_job, "train_all", lambda *arguments, **options: None)
    monkeypatch.setattr(main_job, "evaluate_all", lambda *arguments, **options: {})
    main_job.run("photos", "out", **given)
    assert found["auxiliary"] == expected
