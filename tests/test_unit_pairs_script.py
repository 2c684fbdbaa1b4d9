"experiments/unit_pairs.py: states that differ in one unit, landmarks, F1, mirror images."

import sys
from pathlib import Path
import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "experiments"))
import unit_pairs as lab
from fer_course.faces import ACTION_UNITS, sample
from fer_course.facs import is_possible


def test_two_states_differ_in_one_unit():
    states = dict(lab.states(8, seed=0))
    for k, unit in enumerate(ACTION_UNITS):
        for off, on in (("rest", f"{unit}"), (f"{unit} off", f"{unit} on")):
            change = states[on].action_units - states[off].action_units
            assert (change[:, k] >= 2.5).all()
            assert not np.delete(change.numpy(), k, 1).any()
        shown = (states[f"{unit} on"].action_units[..., 0] > 0).numpy()
        for row in shown:
            others = [other for other, is_on in zip(ACTION_UNITS, row) if is_on]
            assert all(is_possible((unit, other)) for other in others)


def test_steady_landmarks_do_not_depend_on_the_camera():
    points = np.random.default_rng(0).normal(0, 20, (3, 68, 2))
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    moved = points.copy()
    moved[1] = 1.7 * points[1] @ turn + [5, -9]
    shape = lab.steady(np.stack([points[1], points[1]]))
    same = lab.steady(np.stack([points[1], moved[1]]))
    assert np.allclose(same[0], same[1], atol=1e-3)
    assert np.allclose(shape[0], shape[1], atol=1e-3)


def test_f1_of_answers():
    assert lab.f1(np.array([[False, False], [True, True]])) == 1
    assert lab.f1(np.array([[True, True], [True, True]])) == pytest.approx(2 / 3)


def test_a_mirror_image_of_a_mirror_image_is_the_face():
    faces = sample(4, seed=3)
    twice = lab.mirrored(lab.mirrored(faces))
    assert torch.equal(twice.action_units, faces.action_units)
    for group in ("identity", "scene"):
        for name, value in getattr(faces, group).items():
            assert torch.equal(getattr(twice, group)[name], value), name


@pytest.mark.parametrize("style", ["modelled", "drawn"])
def test_one_sided_units_are_mirror_images(style):
    errors = lab.mirror_errors(style, seed=0, people=2)
    for unit, row in errors.items():
        assert row["landmarks"] < 0.3, unit
        assert row["unexplained"] < 0.5, unit
        assert row["unexplained"] < row["unexplained_by_the_wrong_side"], unit


def test_the_units_below_the_bar_are_those_of_f1_or_of_its_lower_limit():
    row = dict(f1=0.95, low=0.85, high=0.99)
    kinds = dict.fromkeys(lab.KINDS, row)
    scores = {f"{unit}{end}": kinds for unit in ACTION_UNITS for end in ("", " among others")}
    weak = dict(f1=0.9, low=0.7, high=0.95)
    scores["12"] = dict(kinds, crops=weak)
    assert lab.below(scores) == dict(landmarks=[], crops=[12], both=[])
    assert lab.below(scores, " among others")["crops"] == []
    assert lab.below(scores, " among others", "low")["both"] == list(ACTION_UNITS)


def test_kept_faces_are_rendered_again_if_the_renderer_changes(tmp_path, monkeypatch):
    size = [0.0]

    def read(style, *, people, seed):
        return {"landmarks/rest": np.full((people, 68, 2), size[0])}

    monkeypatch.setattr(lab, "read_states", read)
    first, mark = lab.rendered_states(tmp_path, "modelled", people=3, seed=0)
    assert (first["landmarks/rest"] == 0).all()
    assert lab.rendered_states(tmp_path, "modelled", people=3, seed=0)[1] == mark
    size[0] = 1.0
    again, other = lab.rendered_states(tmp_path, "modelled", people=3, seed=0)
    assert (again["landmarks/rest"] == 1).all()
    assert other != mark
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]
