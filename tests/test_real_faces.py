"Read, check and split 1,303 photographs, if ../shared/real_faces holds them."

from pathlib import Path
import numpy as np
import pytest
from fer_course.data import check_images, check_split, drop_duplicates, read, split, split_table

REAL = Path(__file__).resolve().parents[2] / "shared" / "real_faces"
SEVEN = {"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"}
pytestmark = pytest.mark.skipif(
    not (REAL / "legend.csv").exists(), reason="the photographs are not on this machine"
)


def test_every_photograph_is_accounted_for():
    listed = len((REAL / "legend.csv").read_text().strip().splitlines()) - 1
    table, dropped = read("csv", REAL)
    assert set(table.expression) == SEVEN
    assert dropped.reason.str.contains("contempt").all()
    table, bad = check_images(table, REAL)
    table, copies = drop_duplicates(table)
    assert len(table) + len(dropped) + len(bad) + len(copies) == listed
    assert table.subject.nunique() > 500
    assert (table.subject == "George_W_Bush").sum() > 50


def test_no_person_is_in_two_splits():
    table, _ = read("csv", REAL)
    table, _ = check_images(table, REAL)
    table, _ = drop_duplicates(table)
    table = check_split(split(table))
    counts = split_table(table)
    assert (counts.loc["test"] > 0).all()
    assert (counts.loc["train"] > counts.loc["test"]).all()
    assert 0.15 < (table.split == "test").mean() < 0.25


def test_nearly_every_face_is_found_and_leaves_upright():
    from fer_course.align import align_face, choose_face, eye_angle, locate
    from fer_course.align import MTCNN
    from fer_course.data import load_image

    names = sorted((REAL / "images").iterdir())[::26]
    images = [load_image(name) for name in names]
    detector = MTCNN("cpu")
    crops = []
    for image, faces in zip(images, locate(images, detector)):
        chosen = choose_face(faces)[0]
        if chosen is not None:
            crops.append(align_face(image, faces.points[chosen]))
    assert len(crops) >= 0.94 * len(images)
    padded = [np.pad(crop, ((20, 20), (20, 20), (0, 0)), mode="edge") for crop in crops]
    angles = []
    for faces in locate(padded, detector):
        if len(faces):
            angles.append(abs(eye_angle(faces.points[choose_face(faces)[0]])))
    assert len(angles) >= 0.9 * len(crops)
    assert np.median(angles) < 3
