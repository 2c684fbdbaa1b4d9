"Bad input of every kind to `prepare`: each is named and counted, and drops only itself."

import errno, os
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.data import astronaut
from fer_course.app import prepare
from fer_course.core.errors import CourseError

OPTIONS = dict(auxiliary="none", device="cpu")
ODD_BUT_GOOD = {"persona_cmyk_1.jpg", "persona_deep_2.png", "personä mit Leerzeichen 顔_3.jpg"}
# name -> part of the reason
BAD = {
    "cut_1.jpg": "truncated",
    "empty_1.jpg": "0 bytes",
    "text_1.jpg": "no image",
    "dot_1.png": "too small (1 x 1",
    "gone_1.jpg": "no such file",
    "odd_1.jpg": 'unknown label "bored"',
    "personb_0001.jpg": "listed before",
}


def face(i):
    "Return a photograph of a face (220, 220, 3), a little different for each number."
    return np.ascontiguousarray(np.roll(astronaut()[:220, 120:340], i, 1))


def write_images(folder):
    "Write good, odd and bad images; return the names of the 24 plain ones."
    names = [f"person{'abcdefgh'[i % 8]}_{i:04}.jpg" for i in range(24)]
    for i, name in enumerate(names):
        Image.fromarray(face(i)).save(folder / name, quality=95)
    good = Image.fromarray(face(40))
    good.convert("CMYK").save(folder / "persona_cmyk_1.jpg")
    deep = face(41).mean(2).astype(np.uint16) * 257
    Image.fromarray(deep).save(folder / "persona_deep_2.png")
    good.save(folder / "personä mit Leerzeichen 顔_3.jpg")
    good.save(folder / "odd_1.jpg")
    whole = (folder / "persona_0000.jpg").read_bytes()
    (folder / "copy_1.jpg").write_bytes(whole)
    (folder / "cut_1.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty_1.jpg").touch()
    (folder / "text_1.jpg").write_text("dear diary")
    Image.new("RGB", (1, 1)).save(folder / "dot_1.png")
    return names


@pytest.fixture
def pile(tmp_path):
    "Write a csv dataset with all kinds of bad input; return its folder."
    root = tmp_path / "pile of photos"
    (root / "images").mkdir(parents=True)
    names = write_images(root / "images")
    rows = ["image,emotion"]
    rows += [f"{name},{('Happy', 'SAD', 'anger')[i % 3]}" for i, name in enumerate(names)]
    happy = (
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
    rows += [f"{name},happy" for name in happy]
    rows += ["odd_1.jpg,bored", "personb_0001.jpg,fear"]
    (root / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


def test_the_whole_pile(pile, tmp_path):
    out = tmp_path / "out"
    lines = []
    manifest = prepare(pile, out, reader="csv", log=lines.append, **OPTIONS)
    dropped = pd.read_parquet(out / "dropped.parquet")
    assert {"image", "reason", "step"} <= set(dropped.columns)
    reasons = dict(zip(dropped.image.str.removeprefix("images/"), dropped.reason))
    for name, reason in BAD.items():
        assert reason in reasons[name], name
    copies = {"copy_1.jpg", "persona_0000.jpg"} & set(reasons)
    assert len(copies) == 1, "one of two equal files stays"
    assert "duplicate of" in reasons[copies.pop()]
    assert ODD_BUT_GOOD <= set(manifest.image.str.removeprefix("images/"))
    assert len(manifest) + len(dropped) == 35
    assert len(np.load(out / "images.npy")) == len(manifest)
    assert manifest.groupby("subject").split.nunique().max() == 1
    assert any("dropped" in line for line in lines)


def test_an_empty_class_and_an_unlabelled_folder_are_reported(tmp_path):
    root = tmp_path / "classes"
    for name in ("happy", "sad", "fear", "mystery"):
        (root / name).mkdir(parents=True)
    for i in range(20):
        Image.fromarray(face(i)).save(root / ("happy", "sad")[i % 2] / f"{i}.png")
    Image.fromarray(face(50)).save(root / "mystery" / "x.png")
    prepare(root, tmp_path / "out", reader="folder", **OPTIONS)
    dropped = pd.read_parquet(tmp_path / "out" / "dropped.parquet")
    reasons = dict(zip(dropped.image, dropped.reason))
    assert reasons["fear/"] == "the class folder is empty"
    assert 'unknown label "mystery"' in reasons["mystery/x.png"]


def test_nothing_usable_is_an_error_with_the_reasons(tmp_path):
    root = tmp_path / "broken" / "happy"
    root.mkdir(parents=True)
    for i in range(3):
        (root / f"{i}.jpg").write_text("no image")
    with pytest.raises(CourseError, match="no image is left.*3 x this is no image"):
        prepare(tmp_path / "broken", tmp_path / "out", **OPTIONS)


def test_a_folder_that_may_not_be_written(tmp_path, monkeypatch):
    root = tmp_path / "happy"
    root.mkdir()
    Image.fromarray(face(1)).save(root / "1.png")

    def refuse(*_):
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(CourseError, match="may not be written.*--out"):
        prepare(tmp_path, tmp_path / "_out", **OPTIONS)
