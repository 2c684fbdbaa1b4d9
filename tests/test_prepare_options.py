"What `prepare` can be asked for beyond its defaults: rules of alignment, balance, near copies, splits of the reports."

import numpy as np, pandas as pd, pytest
from PIL import Image
from fer_course.core.errors import CourseError
from fer_course.app import prepare
from fer_course.data import split_report_k

QUICK = dict(reader="faces", auxiliary="none", device="cpu", landmarks="given", workers=0)


def packed(folder):
    return pd.read_parquet(folder / "manifest.parquet"), np.load(
        folder / "images.npy", mmap_mode="r"
    )


def test_a_balanced_set_changes_training_images_only(faces, tmp_path):
    prepare(faces, tmp_path / "plain", **QUICK)
    prepare(faces, tmp_path / "noisy", balance="report_s", **QUICK)
    (plain, images), (noisy, more) = packed(tmp_path / "plain"), packed(tmp_path / "noisy")
    assert (
        len(noisy) == len(more) > len(plain)
        and (noisy.change[: len(plain)] == "").sum()
        >= len(plain) - (plain.expression == "sadness").sum()
    )
    assert (noisy[noisy.change != ""].split == "train").all() and set(noisy.change) == {
        "",
        "poisson",
        "speckle",
        "gaussian",
    }
    same = np.flatnonzero(noisy.change == "")
    assert (more[same] == images[noisy.source[same]]).all()
    assert (
        not (tmp_path / "noisy" / ".whole").exists()
        and "balanced by report_s" in (tmp_path / "noisy" / "prepare.json").read_text()
    )


@pytest.mark.parametrize("rule, size", [("s", 96), ("k", 96), ("oadn", 224), ("course", 112)])
def test_each_rule_gives_crops_of_its_size(faces, tmp_path, rule, size):
    prepare(faces, tmp_path, align=rule, **QUICK)
    table, images = packed(tmp_path)
    assert images.shape == (len(table), size, size, 3) and table.aligned.all()


def test_the_test_set_is_the_reports(faces, tmp_path):
    free = tmp_path / "free"
    (free / "images").mkdir(parents=True)
    table = pd.read_parquet(faces / "manifest.parquet").assign(split=None, subject=None)
    table.to_parquet(free / "manifest.parquet")
    for name in table.image:
        (free / name).write_bytes((faces / name).read_bytes())
    prepare(free, tmp_path / "k", split="report_k", test=0.25, **QUICK)
    done, _ = packed(tmp_path / "k")
    assert (
        (done.split == "test") == (split_report_k(done.expression, 0.25, 0) == "test")
    ).all() and (done.split == "valid").any()


def test_near_copies_are_reported_or_dropped(faces, tmp_path):
    both = tmp_path / "both"
    (both / "images").mkdir(parents=True)
    table = pd.read_parquet(faces / "manifest.parquet")
    for name in table.image:
        (both / name).write_bytes((faces / name).read_bytes())
    copies = table[table.split == "train"].head(3).assign(split="test", subject="someone else")
    copies["image"] = [f"images/copy{k}.jpg" for k in range(3)]
    for name, source in zip(copies.image, table[table.split == "train"].image):
        Image.open(faces / source).save(both / name, quality=60)
    pd.concat([table, copies], ignore_index=True).to_parquet(both / "manifest.parquet")
    prepare(both, tmp_path / "told", near_duplicates="report", **QUICK)
    found = pd.read_parquet(tmp_path / "told" / "leaks.parquet")
    assert (
        set(copies.image) <= set(found.image)
        and len(packed(tmp_path / "told")[0]) == len(table) + 3
        and "Near copies" in (tmp_path / "told" / "prepare.json").read_text()
    )
    prepare(both, tmp_path / "gone", near_duplicates="drop", **QUICK)
    kept, _ = packed(tmp_path / "gone")
    assert set(copies.image) <= set(kept.image) and len(kept) <= len(table), (
        "the copy in the test stays, the one in training goes"
    )
    assert (
        pd.read_parquet(tmp_path / "gone" / "dropped.parquet")
        .reason.str.startswith("near duplicate of images/copy")
        .sum()
        == 3
    )


def test_choices_that_are_none(faces, tmp_path):
    for wrong in (
        dict(balance="all"),
        dict(near_duplicates="maybe"),
        dict(align="upside down"),
        dict(no_face="smile"),
        dict(split="by mood"),
    ):
        with pytest.raises(CourseError, match="choose"):
            prepare(faces, tmp_path / "out", **QUICK, **wrong)


def test_points_in_files_of_their_own_are_given_points(faces, tmp_path):
    "AffectNet's pack of 2021 keeps the landmarks beside the images; `landmarks='given'` reads them without another word"
    table = pd.read_parquet(faces / "manifest.parquet").head(8)
    notes = tmp_path / "pack" / "train_set" / "annotations"
    images = tmp_path / "pack" / "train_set" / "images"
    notes.mkdir(parents=True)
    images.mkdir()
    for k, row in enumerate(table.itertuples()):
        (images / f"{k}.jpg").write_bytes((faces / row.image).read_bytes())
        points = np.zeros((68, 2))
        five = [[getattr(row, f"point_{axis}{j}") for axis in "xy"] for j in range(5)]
        points[36:42], points[42:48], points[30], points[48], points[54] = five
        for kind, value in dict(exp=str(k % 2), val=".5", aro=".5", lnd=points.ravel()).items():
            np.save(notes / f"{k}_{kind}.npy", np.array(value))
    done = prepare(
        tmp_path / "pack", tmp_path / "out", valid=0, test=0, **(QUICK | dict(reader="affectnet"))
    )
    assert len(done) == 8 and done.aligned.all()


def test_what_left_is_told_by_kind_and_what_was_noted_is_told(tmp_path):
    rng, said = np.random.default_rng(0), []
    for k in range(24):
        path = (
            tmp_path / "photos" / ("happy", "sad")[k % 2] / f"{('happy', 'sad')[k % 2]}_{k:03}.png"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(path)
    for k in range(2):
        (tmp_path / "photos" / "sad" / f"copy_{k}.png").write_bytes(
            (tmp_path / "photos" / "sad" / f"sad_{2 * k + 1:03}.png").read_bytes()
        )
    (tmp_path / "photos" / "sad" / "sad_099.png").symlink_to("/nowhere.png")
    done = prepare(
        tmp_path / "photos",
        tmp_path / "out",
        log=said.append,
        auxiliary="none",
        device="cpu",
        workers=0,
    )
    text = "\n".join(said)
    assert set(done.split) == {"train", "valid", "test"} and done.subject.isna().all(), (
        "classes are no people"
    )
    assert (
        "dropped: 3 (2 x duplicate of another image; 1 x the file is missing)" in text
        and "note: Few images of" in text
    )


def test_lists_of_conditions_stay_in_the_manifest(tmp_path):
    "RAN's lists, attached to the target: pose and occlusion reach the manifest, what has no image is listed, another list is another preparation"
    from fer_course.faces import FaceSet
    from fer_course.faces import Renderer

    drawn = FaceSet(n=14, size=64, seed=2).parameters(0, 14)
    photos = tmp_path / "photos"
    lines = []
    for k, (expression, image) in enumerate(
        zip(drawn.expressions, Renderer(64, "cpu").render(drawn).images)
    ):
        place = photos / expression
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"test_{k:04}_aligned.jpg")
        lines.append(f"{k % 7}/test_{k:04}_aligned.jpg")
    turned, hidden = tmp_path / "val_raf_db_list_45.txt", tmp_path / "rafdb_occlusion_list.txt"
    turned.write_text("\n".join([*lines[::2], "0/test_0099_aligned.jpg"]))
    hidden.write_text("test_0001_aligned 3 2\n")
    given, said = (
        dict(
            target=photos,
            reader="folder",
            auxiliary="none",
            device="cpu",
            workers=0,
            out=tmp_path / "out",
        ),
        [],
    )
    done = prepare(lists=[turned, hidden], log=said.append, **given).set_index("image")
    number = done.index.str.extract(r"test_(\d+)", expand=False).astype(int)
    assert (
        (done.pose.eq(45) == (number % 2 == 0)).all()
        and done.occlusion[number == 1].tolist() == ["type 2"]
        and done.occlusion[number != 1].isna().all()
    )
    gone = pd.read_parquet(tmp_path / "out" / "dropped.parquet")
    assert gone[gone.step == "conditions"].reason.str.contains(
        "line 8 of val_raf_db_list_45.txt: no such image"
    ).tolist() == [True]
    assert any("7 of its 8 images are in the manifest" in str(line) for line in said)
    with pytest.raises(CourseError, match="lists: .*--overwrite"):
        prepare(lists=[turned], **given)
    with pytest.raises(CourseError, match="no.txt: the file is missing"):
        prepare(lists=[tmp_path / "no.txt"], **given | dict(out=tmp_path / "other"))
