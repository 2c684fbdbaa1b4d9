"Options of `prepare`: alignment, balance, near copies, splits of the reports, lists."

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from fer_course.app import PrepareConfig, prepare
from fer_course.core.errors import CourseError
from fer_course.data import split_report_k

QUICK = dict(reader="faces", auxiliary="none", device="cpu", landmarks="given", workers=0)


def packed(folder):
    images = np.load(folder / "images.npy", mmap_mode="r")
    return pd.read_parquet(folder / "manifest.parquet"), images


def copy_dataset(faces, folder, table):
    "Write the images of a dataset and another manifest into a new folder"
    (folder / "images").mkdir(parents=True)
    for name in pd.read_parquet(faces / "manifest.parquet").image:
        (folder / name).write_bytes((faces / name).read_bytes())
    table.to_parquet(folder / "manifest.parquet")


def test_a_config_and_keywords_are_the_same_settings(faces, tmp_path):
    settings = {k: v for k, v in QUICK.items() if k not in ("device", "workers")}
    cost = dict(device="cpu", workers=0)
    config = PrepareConfig(**settings, seed=3)
    shown = []
    first = prepare(faces, tmp_path / "out", config, log=shown.append, **cost)
    notes = [line for line in shown if line.startswith("   note: ")]
    assert len(notes) == len(set(notes)) > 0
    lines = []
    second = prepare(faces, tmp_path / "out", log=lines.append, **settings, seed=3, **cost)
    pd.testing.assert_frame_equal(first, second)
    assert "-- prepare: done before" in lines
    assert not set(notes) & set(lines), "a main job that goes on does not repeat them"
    with pytest.raises(CourseError, match="seed: 3 -> 4"):
        prepare(faces, tmp_path / "out", config, seed=4, **cost)


def test_a_balanced_set_changes_training_images_only(faces, tmp_path):
    prepare(faces, tmp_path / "plain", **QUICK)
    prepare(faces, tmp_path / "noisy", balance="report_s", **QUICK)
    plain, images = packed(tmp_path / "plain")
    noisy, noisy_images = packed(tmp_path / "noisy")
    assert len(noisy) == len(noisy_images)
    assert len(noisy) > len(plain)
    replaced = (plain.expression == "sadness").sum()
    assert (noisy.change[: len(plain)] == "").sum() >= len(plain) - replaced
    assert (noisy[noisy.change != ""].split == "train").all()
    assert set(noisy.change) == {"", "poisson", "speckle", "gaussian"}
    same = np.flatnonzero(noisy.change == "")
    assert (noisy_images[same] == images[noisy.source[same]]).all()
    assert not (tmp_path / "noisy" / ".whole").exists()
    assert "balanced by report_s" in (tmp_path / "noisy" / "prepare.json").read_text()


@pytest.mark.parametrize("rule, size", [("s", 96), ("k", 96), ("oadn", 224), ("course", 112)])
def test_each_rule_gives_crops_of_its_size(faces, tmp_path, rule, size):
    prepare(faces, tmp_path, align=rule, **QUICK)
    table, images = packed(tmp_path)
    assert images.shape == (len(table), size, size, 3)
    assert table.aligned.all()


def test_the_test_set_is_that_of_the_report(faces, tmp_path):
    table = pd.read_parquet(faces / "manifest.parquet").assign(split=None, subject=None)
    copy_dataset(faces, tmp_path / "free", table)
    prepare(tmp_path / "free", tmp_path / "k", split="report_k", **QUICK)
    prepare(tmp_path / "free", tmp_path / "cut", split="report_k", valid=0.1, **QUICK)
    done, _ = packed(tmp_path / "k")
    expected = split_report_k(done.expression, test=0.25, seed=0) == "test"
    assert ((done.split == "test") == expected).all()
    assert set(done.split) == {"train", "test"}, "the reports have no validation set"
    cut, _ = packed(tmp_path / "cut")
    assert ((cut.split == "test") == expected).all(), "it is cut from training"
    assert (cut.split == "valid").sum() == 7


@pytest.fixture
def with_copies(faces, tmp_path):
    "Return (dataset with three near copies of training images in the test, their names, rows)"
    table = pd.read_parquet(faces / "manifest.parquet")
    train = table[table.split == "train"]
    copies = train.head(3).assign(split="test", subject="another person")
    copies["image"] = [f"images/copy{k}.jpg" for k in range(3)]
    folder = tmp_path / "both"
    copy_dataset(faces, folder, pd.concat([table, copies], ignore_index=True))
    for name, source in zip(copies.image, train.image):
        Image.open(faces / source).save(folder / name, quality=60)
    return folder, set(copies.image), len(table)


def test_near_copies_are_reported(with_copies, tmp_path):
    folder, copies, n = with_copies
    out = tmp_path / "reported"
    prepare(folder, out, near_duplicates="report", **QUICK)
    assert copies <= set(pd.read_parquet(out / "leaks.parquet").image)
    assert len(packed(out)[0]) == n + 3
    assert "Near copies" in (out / "prepare.json").read_text()


def test_near_copies_are_dropped(with_copies, tmp_path):
    folder, copies, n = with_copies
    out = tmp_path / "dropped"
    prepare(folder, out, near_duplicates="drop", **QUICK)
    kept, _ = packed(out)
    assert copies <= set(kept.image), "the copy in the test stays"
    assert len(kept) <= n, "the copy in training is dropped"
    reasons = pd.read_parquet(out / "dropped.parquet").reason
    assert reasons.str.startswith("near duplicate of images/copy").sum() == 3


@pytest.mark.parametrize(
    "name, value",
    [
        ("balance", "all"),
        ("near_duplicates", "maybe"),
        ("align", "upside down"),
        ("no_face", "smile"),
        ("split", "by mood"),
    ],
)
def test_invalid_choices(faces, tmp_path, name, value):
    with pytest.raises(CourseError, match="choose"):
        prepare(faces, tmp_path / "out", **QUICK, **{name: value})


def test_points_in_separate_files_are_given_points(faces, tmp_path):
    "AffectNet's pack of 2021 keeps landmarks beside the images; landmarks='given' reads them"
    table = pd.read_parquet(faces / "manifest.parquet").head(8)
    notes = tmp_path / "pack" / "train_set" / "annotations"
    images = tmp_path / "pack" / "train_set" / "images"
    notes.mkdir(parents=True)
    images.mkdir()
    for number, row in enumerate(table.itertuples()):
        (images / f"{number}.jpg").write_bytes((faces / row.image).read_bytes())
        points = np.zeros((68, 2))
        five = [[getattr(row, f"point_{axis}{j}") for axis in "xy"] for j in range(5)]
        points[36:42], points[42:48], points[30], points[48], points[54] = five
        values = dict(exp=str(number % 2), val=".5", aro=".5", lnd=points.ravel())
        for kind, value in values.items():
            np.save(notes / f"{number}_{kind}.npy", np.array(value))
    given = QUICK | dict(reader="affectnet")
    done = prepare(tmp_path / "pack", tmp_path / "out", valid=0, test=0, **given)
    assert len(done) == 8
    assert done.aligned.all()


def test_dropped_images_are_counted_by_reason_and_notes_are_logged(tmp_path):
    random = np.random.default_rng(0)
    photos = tmp_path / "photos"
    for number in range(24):
        name = ("happy", "sad")[number % 2]
        path = photos / name / f"{name}_{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 255, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    for number in range(2):
        original = photos / "sad" / f"sad_{2 * number + 1:03}.png"
        (photos / "sad" / f"copy_{number}.png").write_bytes(original.read_bytes())
    (photos / "sad" / "sad_099.png").symlink_to("/nowhere.png")
    lines = []
    given = dict(auxiliary="none", device="cpu", workers=0)
    done = prepare(photos, tmp_path / "out", log=lines.append, **given)
    text = "\n".join(lines)
    assert set(done.split) == {"train", "valid", "test"}
    assert done.subject.isna().all(), "a folder of a class is not a person"
    assert "dropped: 3 (2 x duplicate of another image; 1 x the file is missing)" in text
    assert "note: Few images of" in text


@pytest.fixture
def photos_with_lists(tmp_path):
    "Return 14 images named as in RAF-DB, and RAN's lists of turned and occluded faces"
    from fer_course.faces import FaceSet, Renderer

    drawn = FaceSet(n=14, size=64, seed=2).parameters(0, 14)
    images = Renderer(64, "cpu").render(drawn).images
    photos = tmp_path / "photos"
    lines = []
    for number, (expression, image) in enumerate(zip(drawn.expressions, images)):
        name = f"test_{number:04}_aligned.jpg"
        (photos / expression).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(photos / expression / name)
        lines.append(f"{number % 7}/{name}")
    turned = tmp_path / "val_raf_db_list_45.txt"
    turned.write_text("\n".join([*lines[::2], "0/test_0099_aligned.jpg"]))
    occluded = tmp_path / "rafdb_occlusion_list.txt"
    occluded.write_text("test_0001_aligned 3 2\n")
    return photos, turned, occluded


def test_lists_of_conditions_reach_the_manifest(photos_with_lists, tmp_path):
    photos, turned, occluded = photos_with_lists
    lines = []
    given = dict(target=photos, auxiliary="none", device="cpu", workers=0, out=tmp_path / "out")
    done = prepare(lists=[turned, occluded], log=lines.append, **given).set_index("image")
    number = done.index.str.extract(r"test_(\d+)", expand=False).astype(int)
    assert (done.pose.eq(45) == (number % 2 == 0)).all()
    assert done.occlusion[number == 1].tolist() == ["type 2"]
    assert done.occlusion[number != 1].isna().all()
    dropped = pd.read_parquet(tmp_path / "out" / "dropped.parquet")
    reasons = dropped[dropped.step == "conditions"].reason.tolist()
    assert len(reasons) == 1, "the line without an image is listed"
    assert "line 8 of val_raf_db_list_45.txt: no such image" in reasons[0]
    assert any("7 of its 8 images are in the manifest" in str(line) for line in lines)


def test_other_lists_are_other_settings(photos_with_lists, tmp_path):
    photos, turned, occluded = photos_with_lists
    given = dict(target=photos, auxiliary="none", device="cpu", workers=0)
    prepare(lists=[turned, occluded], out=tmp_path / "out", **given)
    with pytest.raises(CourseError, match="lists: .*--overwrite"):
        prepare(lists=[turned], out=tmp_path / "out", **given)
    with pytest.raises(CourseError, match="no.txt: the file is missing"):
        prepare(lists=[tmp_path / "no.txt"], out=tmp_path / "other", **given)
