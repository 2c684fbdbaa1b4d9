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
