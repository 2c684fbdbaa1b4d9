"""The networks that come with the package are small, described, and work on new faces."""

import sys
from pathlib import Path
import numpy as np
import pytest
import fer_course
from fer_course.facs import SEVEN
from fer_course.core.files import digest, read_json
from fer_course.faces import MEANINGS, json_ready
from fer_course.models.checkpoints import SHIPPED, load
from fer_course.train import predict

CHECKPOINTS = Path(fer_course.__file__).parent / "checkpoints"
FOLDERS = sorted(path.parent for path in CHECKPOINTS.glob("*/model.safetensors"))
LARGEST = 6e6  # bytes of all files
sys.path.insert(0, str(CHECKPOINTS.parents[1] / "experiments"))


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request):
    "Return the folder of each network"
    return request.param


def test_every_network_has_a_name_and_small_is_there():
    assert {path.name for path in FOLDERS} <= set(SHIPPED.values())
    assert CHECKPOINTS / "small" in FOLDERS


def test_it_is_small_and_its_card_belongs_to_it(folder):
    card = read_json(folder / "card.json")
    weights = folder / "model.safetensors"
    assert sum(p.stat().st_size for p in folder.iterdir()) < LARGEST
    assert card["bytes"] == weights.stat().st_size
    assert card["sha256"] == digest(weights, "sha256")
    assert card["licence"] == "Apache-2.0"
    script = "make_small" if folder.name == "small" else "make_checkpoint"
    assert card["command"].startswith(f"python experiments/{script}.py ")
    assert "rendered" in card["warning"]
    assert {"drawn", "shifted", "hidden"} <= set(card["scores"])
    for score in card["scores"].values():
        assert score["low"] <= score["macro_f1"] <= score["high"]
    assert sum(p.numel() for p in load(folder).parameters()) == card["parameters"]


def test_its_card_says_which_version_of_the_expressions_it_learned(folder):
    card = read_json(folder / "card.json")
    assert card["meaning"] in MEANINGS
    assert {record["meaning"] for record in card["data"].values()} == {card["meaning"]}
    for meaning in (1, 2):
        assert card["tests"][f"meaning {meaning}"]["meaning"] == meaning
        assert card["scores"][f"meaning {meaning}"]["faces"] > 1000


def test_make_small_makes_what_the_card_of_small_describes():
    import make_small as script

    card = read_json(CHECKPOINTS / "small" / "card.json")
    older = dict(strength=1.0)  # a field that sets have only had since this card was written
    data = {name: older | record for name, record in card["data"].items()}
    tested = {name: older | record for name, record in card["tests"].items()}
    assert data == {name: json_ready(what) for name, what in script.LEARN.items()}
    tests = script.TESTS | script.VERSIONS
    assert tested == {name: json_ready(what) for name, what in tests.items()}
    training = script.readable(script.TRAINING)
    assert card["training"].keys() == training.keys()
    same = training.keys() - {"augment"}  # augmentations have had more fields since
    assert {key: card["training"][key] for key in same} == {key: training[key] for key in same}


@pytest.mark.parametrize("folder", [path for path in FOLDERS if path.name != "small"])
def test_the_script_makes_what_the_card_describes(folder):
    import make_checkpoint as script

    card = read_json(folder / "card.json")
    row = script.ROWS[card["row"]]
    learned = script.sets_of(row, card["faces"])
    assert card["preset"] == row.preset
    assert script.VIEW.items() <= read_json(folder / "config.json").items()
    assert card["data"] == {what.style: json_ready(what) for what in learned}
    tests = script.test_sets(row.meaning)
    assert card["tests"] == {name: json_ready(what) for name, what in tests.items()}
    seeds = card["valid_macro_f1_of_seeds"]
    assert seeds[str(card["seed"])] == max(seeds.values())
    assert card["layer"] in script.LAYERS
    assert card["labels_mean"] == script.LABELS_MEAN[card["layer"]]
    assert card["of_photographs"] == script.USED[card["layer"]]
    assert all(people >= script.counted_head.LEAST for people in card["counted"].values())
    assert bool(card["counted"]) == (card["layer"] != "raw")
    taught = {name.rsplit("-seed", 1)[0] for name in card["teachers"]}
    rows = script.TEACHERS if card["layer"] == "several" else ()
    assert taught == {row.replace(" ", "-") for row in rows}
    assert len(card["teachers"]) == len(seeds) * len(rows)


def test_it_reads_new_faces_as_its_card_says(folder):
    from fer_course.align import align_face
    from fer_course.faces import Renderer, sample

    card = read_json(folder / "card.json")
    drawn = sample(70, seed=4711, meaning=card["meaning"])
    crops = []
    for k in range(0, 70, 14):
        faces = Renderer(128, "cpu").render(drawn[slice(k, k + 14)])
        crops += [align_face(image, points) for image, points in zip(faces.images, faces.points)]
    crops = np.stack(crops)
    model = load(folder)
    expressions, units = predict(model, crops, device="cpu")
    assert model.config.expressions == SEVEN
    assert units.shape == (70, 21)
    assert not model.training
    right = np.mean([SEVEN[i] == name for i, name in zip(expressions.argmax(1), drawn.expressions)])
    claimed = card["scores"][f"meaning {card['meaning']}"]["accuracy"]
    assert right > claimed - 0.15, (
        f"{right:.2f} of 70 new faces, the card says {claimed:.2f} of all"
    )
