"""The last layer learned from a table of counted labels (experiments/counted_head.py)."""

import sys
from pathlib import Path
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))
import counted_head as script  # noqa: E402

CLASSES = ("anger", "happiness", "neutral")


def simulated(n=300, seed=0, shift=0.0):
    "Return labels, people, and units (n, 4) in which each label has a direction of its own."
    rng = np.random.default_rng(seed)
    truth = np.array(CLASSES)[np.arange(n) % 3]
    centres = dict(zip(CLASSES, 2.0 * np.eye(4)[:3]))
    units = np.stack([centres[name] for name in truth]) + rng.normal(0, 1, (n, 4)) + shift
    people = np.array([f"person {i // 3}" for i in range(n)])
    return truth, people, units


def test_the_table_holds_the_means_of_labels_with_enough_people():
    truth, people, units = simulated()
    table = script.count(units, truth, people)
    assert table.labels == CLASSES
    for name, mean in zip(table.labels, table.means):
        assert np.allclose(mean, units[truth == name].mean(0))
    few = np.where(truth == "anger", "one person", people)
    assert script.count(units, truth, few).labels == ("happiness", "neutral")


def test_chances_add_up_to_one_and_prefer_the_nearest_mean():
    truth, people, units = simulated()
    table = script.count(units, truth, people)
    chances = table.chances(units)
    assert np.allclose(chances.sum(1), 1)
    assert (table.chances(table.means).argmax(1) == np.arange(3)).all()
    assert (np.array(CLASSES)[chances.argmax(1)] == truth).mean() > 0.7


def test_a_row_that_was_not_counted_comes_from_posed_faces_and_is_as_weak():
    truth, people, units = simulated(n=3000)
    posed = 4 * np.stack([2.0 * np.eye(4)[i] for i in range(3)])
    names = np.array(CLASSES)
    counted = script.count(units, truth, np.where(truth == "anger", "one person", people))
    whole = script.completed(counted, posed, names, classes=CLASSES)
    assert whole.labels == CLASSES
    assert whole.people[0] == 0
    assert np.allclose(whole.means[1:], counted.means)
    assert np.allclose(whole.means[0], posed[0] / 4, atol=0.1)


def test_the_layer_learns_the_labels_of_rendered_faces():
    truth, people, units = simulated()
    table = script.count(units, truth, people)
    layer = script.learn_layer(units, table.chances(units))
    answers = script.answers_of(units, layer)
    assert np.allclose(answers.sum(1), 1, atol=1e-6)
    assert (answers.argmax(1) == table.chances(units).argmax(1)).mean() > 0.9


def test_the_labels_of_a_photograph_do_not_decide_its_own_answer():
    truth, people, units = simulated(n=120)
    posed, _, faces = simulated(n=600, seed=1, shift=3.0)
    rendered = script.Read(faces, faces)
    photographs = script.Read(units, units)
    choose = np.arange(len(truth)) < 90
    options = dict(people=people, choose=choose, posed=posed, classes=CLASSES)
    answers = script.counted_answers(rendered, photographs, truth=truth, **options)
    assert (np.array(CLASSES)[answers.argmax(1)] == truth).mean() > 0.7
    # Labels of the reporting half change nothing.
    other = np.where(choose, truth, "anger")
    assert np.array_equal(
        answers, script.counted_answers(rendered, photographs, truth=other, **options)
    )
    # A person's own labels do not teach the layer that answers this person.
    mine = people == "person 0"
    changed = np.where(mine, np.roll(truth, 1), truth)
    again = script.counted_answers(rendered, photographs, truth=changed, **options)
    assert np.allclose(answers[mine], again[mine])
    assert not np.allclose(answers[~choose], again[~choose])


def test_log_odds_are_finite():
    assert np.isfinite(script.log_odds(np.array([0.0, 0.5, 1.0]))).all()
    assert script.log_odds(np.array([0.5]))[0] == pytest.approx(0)
