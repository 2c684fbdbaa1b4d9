"""The network that comes with the package is small, described, and works on new faces."""

from pathlib import Path
import numpy as np
import pytest
import fer_course
from fer_course.facs import SEVEN
from fer_course.core.files import digest, read_json
from fer_course.models.checkpoints import load
from fer_course.train import predict

FOLDER = Path(fer_course.__file__).parent / "checkpoints" / "small"


def test_it_is_small_and_its_card_belongs_to_it():
    card = read_json(FOLDER / "card.json")
    weights = FOLDER / "model.safetensors"
    assert sum(p.stat().st_size for p in FOLDER.iterdir()) < 6e6
    assert card["bytes"] == weights.stat().st_size
    assert card["sha256"] == digest(weights, "sha256")
    assert card["licence"] == "Apache-2.0"
    assert card["command"].startswith("python experiments/make_checkpoint.py")
    assert "rendered" in card["warning"]
    assert {"course", "shifted", "hidden"} <= set(card["scores"])
    for score in card["scores"].values():
        assert score["low"] <= score["macro_f1"] <= score["high"]
    assert sum(p.numel() for p in load(FOLDER).parameters()) == card["parameters"]


def test_it_reads_new_faces_as_its_card_says():
    from fer_course.align import align_face
    from fer_course.faces import Renderer, sample

    drawn = sample(70, seed=4711)
    crops = []
    for k in range(0, 70, 14):
        faces = Renderer(128, "cpu").render(drawn[slice(k, k + 14)])
        crops += [align_face(image, points) for image, points in zip(faces.images, faces.points)]
    crops = np.stack(crops)
    model = load(FOLDER)
    expressions, units = predict(model, crops, device="cpu")
    assert model.config.expressions == SEVEN
    assert units.shape == (70, 21)
    assert not model.training
    right = np.mean([SEVEN[i] == name for i, name in zip(expressions.argmax(1), drawn.expressions)])
    claimed = read_json(FOLDER / "card.json")["scores"]["course"]["accuracy"]
    assert right > claimed - 0.15, (
        f"{right:.2f} of 70 new faces, the card says {claimed:.2f} of all"
    )
