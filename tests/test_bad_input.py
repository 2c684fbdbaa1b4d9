"Every kind of bad input on one pile, through `prepare`: each is named, counted, and costs nothing but itself."

import numpy as np, pandas as pd, pytest
from PIL import Image
from skimage.data import astronaut
from fer_course.core.errors import CourseError
from fer_course.app import prepare


def photograph(i):
    "A face, a little different each time"
    return np.ascontiguousarray(np.roll(astronaut()[:220, 120:340], i, 1))


@pytest.fixture
def pile(tmp_path):
    "A csv dataset with all of issue 2's bad input; returns its folder and the reason expected for each name"
    root = tmp_path / "pile of photos"
    (root / "images").mkdir(parents=True)
    images = root / "images"
    rows = ["image,emotion"]
    for i in range(24):
        name = f"person{'abcdefgh'[i % 8]}_{i:04}.jpg"
        Image.fromarray(photograph(i)).save(images / name, quality=95)
        rows.append(f"{name},{('Happy', 'SAD', 'anger')[i % 3]}")
    good = Image.fromarray(photograph(40))
    good.convert("CMYK").save(images / "persona_cmyk_1.jpg")
    Image.fromarray(photograph(41).mean(2).astype(np.uint16) * 257).save(
        images / "persona_deep_2.png"
    )
    good.save(images / "personä mit Leerzeichen 顔_3.jpg")
    whole = (images / "persona_0000.jpg").read_bytes()
    (images / "cut_1.jpg").write_bytes(whole[: len(whole) // 2])
    (images / "empty_1.jpg").touch()
    (images / "text_1.jpg").write_text("dear diary")
    Image.new("RGB", (1, 1)).save(images / "dot_1.png")
    (images / "copy_1.jpg").write_bytes(whole)
    good.save(images / "odd_1.jpg")
    rows += [
        f"{n},happy"
        for n in (
            "persona_cmyk_1.jpg",
            "persona_deep_2.png",
            "personä mit Leerzeichen 顔_3.jpg",
            "cut_1.jpg",
            "empty_1.jpg",
            "text_1.jpg",
            "dot_1.png",
            "copy_1.jpg",
            "gone_1.jpg",
        )
    ]
    rows += ["odd_1.jpg,bored", "personb_0001.jpg,fear"]
    (root / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    return root, {
        "cut_1.jpg": "truncated",
        "empty_1.jpg": "0 bytes",
        "text_1.jpg": "no image",
        "dot_1.png": "too small (1 x 1",
        "gone_1.jpg": "no such file",
        "odd_1.jpg": 'unknown label "bored"',
        "personb_0001.jpg": "listed before",
    }


def test_the_whole_pile(pile, tmp_path):
    root, expected = pile
    said = []
    manifest = prepare(
        root, tmp_path / "out", reader="csv", auxiliary="none", device="cpu", log=said.append
    )
    dropped = pd.read_parquet(tmp_path / "out" / "dropped.parquet")
    assert {"image", "reason", "step"} <= set(dropped.columns)
    reasons = {i.removeprefix("images/"): r for i, r in zip(dropped.image, dropped.reason)}
    for name, says in expected.items():
        assert says in reasons[name], (name, reasons.get(name))
    copies = {"copy_1.jpg", "persona_0000.jpg"} & set(reasons)
    assert len(copies) == 1 and "duplicate of" in reasons[copies.pop()], (
        "one of two equal files stays"
    )
    kept = set(manifest.image.str.removeprefix("images/"))
    assert {"persona_cmyk_1.jpg", "persona_deep_2.png", "personä mit Leerzeichen 顔_3.jpg"} <= kept
    assert len(manifest) + len(dropped) == 35 and len(
        np.load(tmp_path / "out" / "images.npy")
    ) == len(manifest)
    assert manifest.groupby("subject").split.nunique().max() == 1 and any(
        "dropped" in line for line in said
    )


def test_an_empty_class_and_an_unlabelled_folder_are_told(tmp_path):
    root = tmp_path / "classes"
    for i in range(20):
        folder = root / ("happy", "sad")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(i)).save(folder / f"{i}.png")
    (root / "fear").mkdir()
    (root / "mystery").mkdir()
    Image.fromarray(photograph(50)).save(root / "mystery" / "x.png")
    prepare(root, tmp_path / "out", reader="folder", auxiliary="none", device="cpu")
    reasons = dict(
        pd.read_parquet(tmp_path / "out" / "dropped.parquet")[["image", "reason"]].itertuples(
            index=False
        )
    )
    assert (
        reasons["fear/"] == "the class folder is empty"
        and 'unknown label "mystery"' in reasons["mystery/x.png"]
    )


def test_nothing_usable_is_an_error_with_the_reasons(tmp_path):
    root = tmp_path / "broken" / "happy"
    root.mkdir(parents=True)
    for i in range(3):
        (root / f"{i}.jpg").write_text("no image")
    with pytest.raises(CourseError, match="no image is left.*3 x this is no image"):
        prepare(tmp_path / "broken", tmp_path / "out", auxiliary="none", device="cpu")


def test_a_folder_that_may_not_be_written(tmp_path, monkeypatch):
    import errno, os

    root = tmp_path / "happy"
    root.mkdir()
    Image.fromarray(photograph(1)).save(root / "1.png")

    def refuse(*_):
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(CourseError, match="may not be written.*--out"):
        prepare(tmp_path, tmp_path / "_out", auxiliary="none", device="cpu")
