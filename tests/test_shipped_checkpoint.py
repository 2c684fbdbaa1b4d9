"""The network that comes with the package is small, described, and works on new faces."""

import importlib
import sys
from pathlib import Path
import numpy as np
import pytest
import fer_course
from fer_course.facs import SEVEN
from fer_course.core.files import digest, read_json
from fer_course.faces import json_ready
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


def test_its_card_says_which_version_of_the_expressions_it_learned():
    card = read_json(FOLDER / "card.json")
    assert card["meaning"] == 1
    assert {record["meaning"] for record in card["data"].values()} == {1}
    for meaning in (1, 2):
        assert card["tests"][f"meaning {meaning}"]["meaning"] == meaning
        assert card["scores"][f"meaning {meaning}"]["faces"] > 1000


def test_the_script_makes_what_the_card_describes():
    sys.path.insert(0, str(FOLDER.parents[2] / "experiments"))
    script = importlib.import_module("make_checkpoint")
    card = read_json(FOLDER / "card.json")
    tests = script.TESTS | script.VERSIONS
    older = dict(strength=1.0)  # a field that sets have only had since this card was written
    data = {name: older | record for name, record in card["data"].items()}
    tested = {name: older | record for name, record in card["tests"].items()}
    assert data == {name: json_ready(what) for name, what in script.LEARN.items()}
    assert tested == {name: json_ready(what) for name, what in tests.items()}


def test_it_reads_new_faces_as_its_card_says():
    from fer_course.align import align_face
    from fer_course.faces import Renderer, sample

    card = read_json(FOLDER / "card.json")
    drawn = sample(70, seed=4711, meaning=card["meaning"])
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
    claimed = card["scores"]["course"]["accuracy"]
    assert right > claimed - 0.15, (
        f"{right:.2f} of 70 new faces, the card says {claimed:.2f} of all"
    )
