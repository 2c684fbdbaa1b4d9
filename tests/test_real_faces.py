"1,303 real photographs, where they are at hand (../shared/real_faces): read, checked, split. The course itself never needs them."

from pathlib import Path
import numpy as np, pytest
from fer_course.data import check_images
from fer_course.data import drop_duplicates
from fer_course.data import read
from fer_course.data import check_split, split, split_table

REAL = Path(__file__).resolve().parents[2] / "shared" / "real_faces"
pytestmark = pytest.mark.skipif(
    not (REAL / "legend.csv").exists(), reason="the real photographs are not on this machine"
)


def test_every_photograph_is_accounted_for_and_nobody_stands_in_two_splits():
    listed = len((REAL / "legend.csv").read_text().strip().splitlines()) - 1
    table, gone = read("csv", REAL)
    assert set(table.expression) == {
        "anger",
        "disgust",
        "fear",
        "happiness",
        "sadness",
        "surprise",
        "neutral",
    }
    assert gone.reason.str.contains("contempt").all()
    table, bad = check_images(table, REAL)
    table, copies = drop_duplicates(table)
    assert len(table) + len(gone) + len(bad) + len(copies) == listed
    assert table.subject.nunique() > 500
    assert (table.subject == "George_W_Bush").sum() > 50
    done = check_split(split(table))
    counts = split_table(done)
    assert (counts.loc["test"] > 0).all()
    assert (counts.loc["train"] > counts.loc["test"]).all()
    assert 0.15 < (done.split == "test").mean() < 0.25


def test_nearly_every_face_is_found_and_leaves_upright():
    from fer_course.align import align_face, choose_face, eye_angle, locate
    from fer_course.data import load_image
    from fer_course.align import MTCNN

    names = sorted((REAL / "images").iterdir())[::26]
    images, detector = [load_image(n) for n in names], MTCNN("cpu")
    found = locate(images, detector)
    chosen = [choose_face(f)[0] for f in found]
    crops = [align_face(i, f.points[c]) for i, f, c in zip(images, found, chosen) if c is not None]
    assert len(crops) >= 0.94 * len(images)
    again = locate([np.pad(c, ((20, 20), (20, 20), (0, 0)), mode="edge") for c in crops], detector)
    angles = [abs(eye_angle(f.points[choose_face(f)[0]])) for f in again if len(f)]
    assert len(angles) >= 0.9 * len(crops)
    assert np.median(angles) < 3
