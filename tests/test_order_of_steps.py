"The order of steps of reports S and K, by command: what changes when, what is dropped."

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.util import img_as_ubyte, random_noise
from fer_course.align import MTCNN, align_face, choose_face, locate
from fer_course.app import prepare
from fer_course.augment import RECIPES, changed, plan
from fer_course.core.errors import CourseError
from fer_course.faces import FaceSet, Renderer

COUNTS = dict(fear=4, sadness=8, surprise=4)  # rendered faces of each class
PLAIN = dict(auxiliary="none", device="cpu", workers=0)
OPTIONS = ("--auxiliary", "none", "--device", "cpu", "--workers", 0)


def write(image, path):
    "Write an image; make its folder."
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    "Return a folder of rendered faces, with images of no face and of two faces in each class."
    folder = tmp_path_factory.mktemp("order") / "photographs"
    n = sum(COUNTS.values())
    drawn = FaceSet(n=n, size=128, seed=5, expressions=tuple(COUNTS.items())).parameters(0, n)
    images = Renderer(128, "cpu").render(drawn).images
    for number, (name, image) in enumerate(zip(drawn.expressions, images)):
        write(image, folder / name / f"{number:02}.png")
    for number, name in enumerate(COUNTS):
        for grey in (90, 110, 130):
            write(np.full((128, 128, 3), grey + number, np.uint8), folder / name / f"{grey}.png")
        both = np.concatenate([images[number], images[number + 3]], 1)
        write(both, folder / name / "two.png")
    return folder


@pytest.fixture(scope="module")
def by_hand(photographs, tmp_path_factory):
    """Return (manifest before alignment, plan, faces found in each planned image, crops).

    The images are read, changed, detected in eights and cut here.
    """
    out = tmp_path_factory.mktemp("plain")
    kept = dict(no_face="keep", several="largest")
    manifest = prepare(photographs, out, align="k", split="report_k", **kept, **PLAIN)
    planned = plan(manifest, "report_k", seed=0)
    images = []
    for row in planned.itertuples():
        image = np.asarray(Image.open(photographs / manifest.image[row.row]))
        images.append(changed(image, row.change, seed=row.seed))
    detector = MTCNN("cpu")
    eights = [images[start : start + 8] for start in range(0, len(images), 8)]
    found = [faces for eight in eights for faces in locate(eight, detector, again=False)]
    numbers, crops = [], []
    for image, faces in zip(images, found):
        best, n = choose_face(faces)
        numbers.append(n)
        if best is None:
            crops.append(None)
        else:
            crops.append(align_face(image, faces.points[best], rule="k", box=faces.boxes[best]))
    return manifest, planned, np.array(numbers), crops


@pytest.fixture(scope="module")
def by_command(photographs, fer_course, tmp_path_factory):
    "Return the folder that `prepare --align k --balance report_k --split report_k` fills."
    out = tmp_path_factory.mktemp("command") / "k"
    recipe = ("--align", "k", "--balance", "report_k", "--split", "report_k")
    done = fer_course("prepare", "--target", photographs, *recipe, *OPTIONS, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def expected_rows(by_hand):
    "Return which planned images stay: not in training, or exactly one face."
    manifest, planned, numbers, _ = by_hand
    train = (manifest.split == "train").to_numpy()[planned.row]
    return ~train | (numbers == 1)


def test_k_oversamples_before_a_face_is_looked_for(by_hand, by_command):
    manifest, planned, _, crops = by_hand
    stays = expected_rows(by_hand)
    done = pd.read_parquet(by_command / "manifest.parquet")
    images = np.load(by_command / "images.npy")
    rows = planned[stays]
    assert done.image.tolist() == manifest.image[rows.row].tolist()
    assert done.change.tolist() == rows.change.tolist()
    assert (done.change == "turned").any()
    assert images.shape[1:] == (96, 96, 3)
    expected = np.stack([crops[i] for i in rows.index[done.aligned]])
    assert np.array_equal(images[done.aligned], expected)


def test_k_drops_originals_and_copies_without_exactly_one_face(by_hand, by_command):
    manifest, planned, numbers, _ = by_hand
    lost = planned[~expected_rows(by_hand)]
    reasons = np.where(numbers[lost.index] == 0, "no face found", "several faces found")
    reasons = [f"turned copy: {r}" if c else r for c, r in zip(lost.change, reasons)]
    dropped = pd.read_parquet(by_command / "dropped.parquet")
    assert set(dropped.step) == {"align"}
    assert dropped.image.tolist() == manifest.image[lost.row].tolist()
    assert dropped.reason.tolist() == reasons
    assert {"no face found", "turned copy: no face found"} <= set(reasons)
    done = pd.read_parquet(by_command / "manifest.parquet")
    assert done[done.split == "train"].n_faces.eq(1).all()
    held_out = manifest[manifest.split != "train"].image
    assert held_out.tolist() == done[done.split != "train"].image.tolist()


def test_k_reports_what_was_made_and_dropped(by_hand, by_command):
    manifest, planned, _, _ = by_hand
    lost = planned[~expected_rows(by_hand)]
    made = (planned.change == "turned").sum()
    copies = (lost.change == "turned").sum()
    largest = manifest[manifest.split == "train"].expression.value_counts().max()
    text = (by_command / "prepare.json").read_text()
    assert f"{made} changed copies were made" in text
    assert f"{3 * largest} training images in all" in text
    assert f"{largest} fear, {largest} sadness, {largest} surprise" in text
    assert f"dropped {copies} copies and {len(lost) - copies} originals" in text


def test_the_source_of_a_copy_is_the_row_of_its_original(by_command):
    done = pd.read_parquet(by_command / "manifest.parquet")
    copies = done[(done.change != "") & (done.source >= 0)]
    assert len(copies)
    assert done.image[copies.source].tolist() == copies.image.tolist()
    assert (done.change[copies.source] == "").all()
    lost = done[done.source < 0].image
    assert not set(lost) & set(done[done.change == ""].image)


def test_a_killed_balance_of_whole_images_gives_the_same_bytes(
    photographs, by_command, tmp_path, monkeypatch
):
    from fer_course.app import preparation

    def killed(*_):
        raise KeyboardInterrupt

    given = dict(align="k", balance="report_k", split="report_k", **PLAIN)
    with monkeypatch.context() as patch:
        patch.setattr(preparation, "write_table", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare(photographs, tmp_path, **given)
    prepare(photographs, tmp_path, **given)
    for name in ("manifest.parquet", "dropped.parquet", "images.npy"):
        assert (tmp_path / name).read_bytes() == (by_command / name).read_bytes(), name


def test_given_landmarks_do_not_fit_turned_images(faces, tmp_path):
    given = dict(reader="faces", landmarks="given", balance="report_k", **PLAIN)
    with pytest.raises(CourseError, match="before a face is looked for.*--landmarks mtcnn"):
        prepare(faces, tmp_path, **given)


def test_s_adds_noise_last_at_96_pixels(photographs, tmp_path):
    prepare(photographs, tmp_path, align="s", balance="report_s", **PLAIN)
    plain = prepare(photographs, tmp_path / "plain", align="s", **PLAIN)
    crops = np.load(tmp_path / "plain" / "images.npy")
    planned = plan(plain, "report_s", seed=0)
    images = np.load(tmp_path / "images.npy")
    assert images.shape == (len(planned), 96, 96, 3)
    assert {"poisson", "speckle", "gaussian"} <= set(planned.change)
    for image, row in zip(images, planned.itertuples()):
        expected = crops[row.row]
        if row.change:
            rng = np.random.default_rng(row.seed)
            expected = img_as_ubyte(random_noise(expected, row.change, rng=rng))
        assert np.array_equal(image, expected), row


def test_the_noise_of_a_prepared_copy_has_the_variance_that_s_asked_for(tmp_path):
    "Grey photographs stay as they are, so that nothing but the noise varies in them"
    for number in range(40):
        write(np.full((128, 128, 3), 100 + number, np.uint8), tmp_path / f"in/fear/{number}.png")
    for number in range(10):
        write(np.full((128, 128, 3), 50 + number, np.uint8), tmp_path / f"in/anger/{number}.png")
    out = tmp_path / "out"
    done = prepare(tmp_path / "in", out, align="s", balance="report_s", **PLAIN)
    images = np.load(out / "images.npy")[done.change == "gaussian"] / 255
    assert len(images) > 10
    assert np.allclose(images.var(axis=(1, 2, 3)), 0.01, rtol=0.05)


def test_report_k_is_for_images_and_report_s_for_crops():
    assert RECIPES["report_k"].when == "images"
    assert RECIPES["report_s"].when == "crops"
    assert RECIPES["report_s_printed"].when == "crops"
