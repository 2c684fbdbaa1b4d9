"experiments/balancing.py: noise at the final size, images changed before detection."

import sys
from pathlib import Path
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "experiments"))
import balancing as lab
from fer_course.align import MTCNN, choose_face, locate
from fer_course.augment import changed, noisy, plan
from fer_course.faces import FaceSet, Renderer


def grey_part(n):
    "Return grey images of fear and sadness, in which nothing varies."
    crops = np.full((n, lab.SIZE, lab.SIZE, 3), 120, np.uint8)
    images = np.full((n, lab.IMAGE, lab.IMAGE, 3), 120, np.uint8)
    names = np.array(["fear", "sadness"] * (n // 2), object)
    return lab.Part(images, expression=names, crops=crops, faces=np.ones(n, int))


def test_noise_is_added_at_the_final_size():
    sets = dict(train=grey_part(20), test=grey_part(4))
    manifest, images, account = lab.balanced(sets, "report_s", "crops", 0)
    assert images.shape == (len(manifest), lab.SIZE, lab.SIZE, 3)
    assert account == dict(added=30, replaced=3, copies_dropped=0, originals_dropped=0)
    planned = plan(manifest[:24], "report_s", seed=0)
    for image, row in zip(images, planned.itertuples()):
        expected = np.full(image.shape, 120, np.uint8)
        if row.change:
            expected = noisy(expected, row.change, rng=np.random.default_rng(row.seed))
        assert np.array_equal(image, expected)
    variances = (images[planned.change == "gaussian"] / 255).var(axis=(1, 2, 3))
    assert np.allclose(variances, 0.01, rtol=0.05)


@pytest.fixture(scope="module")
def with_grey_images():
    "Return rendered faces and grey images, one part to train and one to test."
    renderer = Renderer(lab.IMAGE, "cpu")
    parts = {}
    for seed, name in enumerate(("train", "test")):
        drawn = FaceSet(n=6, size=lab.IMAGE, seed=seed).parameters(0, 6)
        images = renderer.render(drawn).images
        images = np.concatenate([images, np.full((2, *images.shape[1:]), 120, np.uint8)])
        names = np.array(["fear"] * 2 + ["sadness"] * 4 + ["fear", "sadness"], object)
        crops, faces = lab.aligned(images, MTCNN("cpu"))
        parts[name] = lab.Part(images, expression=names, crops=crops, faces=faces)
    return parts


def test_originals_and_copies_without_exactly_one_face_leave(with_grey_images):
    sets = with_grey_images
    manifest, images, account = lab.balanced(sets, "report_k", "images", 0)
    before = lab.balanced(sets, None, None, 0)[0]
    copies = plan(before, "report_k", seed=0)[len(before) :]
    rendered = np.concatenate([part.images for part in sets.values()])
    made = [changed(rendered[r.row], r.change, seed=r.seed) for r in copies.itertuples()]
    found = [choose_face(faces)[1] for faces in locate(made, MTCNN("cpu"), again=False)]
    lost = int((sets["train"].faces != 1).sum())
    assert lost >= 2, "the grey images"
    assert account["originals_dropped"] == lost
    assert account["added"] == found.count(1)
    assert account["copies_dropped"] == len(copies) - found.count(1)
    assert (manifest.split == "test").sum() == 8, "test images stay"
    assert len(images) == len(manifest) == 16 - lost + found.count(1)
