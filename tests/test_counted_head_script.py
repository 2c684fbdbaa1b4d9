"""The last layer learned from a table of counted labels (experiments/counted_head.py)."""

import sys
from pathlib import Path
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))
import counted_head as script  # noqa: E402
from fer_course.core.errors import CourseError  # noqa: E402

CLASSES = ("anger", "happiness", "neutral")


# The units of two teachers: those of the network, each in its own measure
SCALES = (np.array([1.0, 0.2, 1.0, 3.0]), np.array([0.3, 1.0, 2.0, -1.0]))


def simulated(n=300, seed=0, shift=0.0):
    "Return labels, people, and units (n, 4) in which each label has a direction of its own."
    rng = np.random.default_rng(seed)
    truth = np.array(CLASSES)[np.arange(n) % 3]
    centres = dict(zip(CLASSES, 2.0 * np.eye(4)[:3]))
    units = np.stack([centres[name] for name in truth]) + rng.normal(0, 1, (n, 4)) + shift
    people = np.array([f"person {i // 3}" for i in range(n)])
    return truth, people, units


def table_of(units, truth, people, **options):
    "Return the table of the labels that enough people show."
    labels = script.counted_labels(truth, people, classes=CLASSES)
    return script.count(units, truth, people, labels=labels, **options)


def case(n=120, chosen=90):
    "Return rendered faces, photographs, and the other arguments of `layer_answers`."
    truth, people, units = simulated(n=n)
    posed, _, faces = simulated(n=600, seed=1, shift=3.0)
    choose = np.arange(n) < chosen
    options = dict(truth=truth, people=people, choose=choose, posed=posed, classes=CLASSES)
    return script.Read(faces, faces), script.Read(units, units), options


def taught_by_two(rendered, photographs, options):
    "Return answers of all kinds, with two teachers who read different units"
    group = [script.Teacher(rendered.units * f, photographs.units * f) for f in SCALES]
    return script.layer_answers(
        rendered, photographs, kinds=script.LABELS, teachers=group, **options
    )


def actor_case():
    "Return the case in which one person is all of anger, and which photographs these are."
    rendered, photographs, options = case()
    mine = options["truth"] == "anger"
    options["people"] = np.where(mine, "actor", options["people"])
    return rendered, photographs, options, mine


# The table


def test_the_table_holds_the_means_of_labels_with_enough_people():
    truth, people, units = simulated()
    table = table_of(units, truth, people)
    assert table.labels == CLASSES
    for name, mean in zip(table.labels, table.means):
        assert np.allclose(mean, units[truth == name].mean(0))
    few = np.where(truth == "anger", "one person", people)
    assert table_of(units, truth, few).labels == ("happiness", "neutral")


def test_a_person_with_many_photographs_counts_as_one():
    truth, people, units = simulated(n=60)
    first = np.flatnonzero(truth == "anger")[0]
    rows = np.r_[np.arange(60), np.repeat(first, 50)]
    once, often = (table_of(units[r], truth[r], people[r]) for r in (np.arange(60), rows))
    assert np.allclose(once.means, often.means)
    assert np.allclose(once.spreads, often.spreads)
    assert once.people == often.people


def test_spreads_are_those_within_labels():
    truth, people, units = simulated(n=3000)
    people = np.array([f"{i}" for i in range(3000)])
    table = table_of(units, truth, people)
    parts = [units[truth == name] - units[truth == name].mean(0) for name in CLASSES]
    expected = np.sqrt((np.concatenate(parts) ** 2).sum(0) / (3000 - len(CLASSES)))
    assert np.allclose(table.spreads, expected)
    assert table.correlations is None


def test_a_full_table_holds_correlations():
    truth, people, units = simulated(n=3000)
    units = np.column_stack([units, units[:, 3]])
    table = table_of(units, truth, people, full=True)
    assert table.correlations[3, 4] == pytest.approx(1 - script.SHRINKAGE)
    assert np.allclose(np.diag(table.correlations), 1)


def test_moments_count_labels_equally_and_people_within_them():
    values = np.array([[0.0], [0.0], [6.0], [1.0]])
    truth = np.array(["anger", "anger", "anger", "neutral"])
    within = script.equal_people(truth.tolist(), ["a", "a", "b", "c"])
    weights = script.equal_labels(truth, within)
    assert weights.sum() == pytest.approx(2)
    assert script.moments_of(values, weights).mean[0] == pytest.approx((3 + 1) / 2)


def test_chances_are_those_of_normal_distributions():
    truth, people, units = simulated()
    table = table_of(units, truth, people, full=True)
    chances = table.chances(units)
    assert np.allclose(chances.sum(1), 1)
    assert (table.chances(table.means).argmax(1) == np.arange(3)).all()
    covariance = table.correlations * np.outer(table.spreads, table.spreads)
    away = units[:, None] - table.means
    distance = np.einsum("ncu,uv,ncv->nc", away, np.linalg.inv(covariance), away)
    expected = np.exp(-0.5 * distance)
    assert np.allclose(chances, expected / expected.sum(1, keepdims=True))


def test_a_row_that_was_not_counted_comes_from_posed_faces_and_is_as_weak():
    truth, people, units = simulated(n=3000)
    posed = np.repeat(4 * np.stack([2.0 * np.eye(4)[i] for i in range(3)]), 2, axis=0)
    posed += np.tile([[0.1], [-0.1]], (3, 1))
    names = np.repeat(CLASSES, 2)
    counted = table_of(units, truth, np.where(truth == "anger", "one person", people))
    whole = script.completed(counted, posed, names, classes=CLASSES)
    assert whole.labels == CLASSES
    assert whole.people[0] == 0
    assert np.allclose(whole.means[1:], counted.means)
    assert np.allclose(whole.means[0], posed[:2].mean(0) / 4, atol=0.1)


def test_correlations_that_were_not_counted_come_from_rendered_faces():
    truth, people, units = simulated()
    posed, _, faces = simulated(n=600, seed=1)
    faces[:, 3] = faces[:, 0] - 2.0 * (posed == "anger")
    table = table_of(units, truth, people)
    whole = script.completed(table, faces, posed, classes=CLASSES)
    assert whole.correlations[0, 3] == pytest.approx(1 - script.SHRINKAGE, abs=0.01)
    assert np.array_equal(whole.spreads, table.spreads)


# The layer


def test_the_layer_learns_the_labels_of_rendered_faces():
    truth, people, units = simulated()
    chances = table_of(units, truth, people).chances(units)
    answers = script.answers_of(units, script.learn_layers(units, chances[None])[0])
    assert np.allclose(answers.sum(1), 1, atol=1e-6)
    assert (answers.argmax(1) == chances.argmax(1)).mean() > 0.9


def test_the_layer_is_at_the_minimum_of_its_loss():
    truth, people, units = simulated()
    chances = table_of(units, truth, people).chances(units)

    def loss(layer):
        likely = np.log(script.answers_of(units, layer))
        return -(chances * likely).sum(1).mean() + script.RIDGE * (layer[0] ** 2).sum()

    weights, biases = script.learn_layers(units, chances[None])[0]
    least = loss((weights, biases))
    rng = np.random.default_rng(0)
    for _ in range(20):
        step = 0.1 * rng.normal(size=weights.shape)
        assert loss((weights + step, biases)) > least


def test_the_folded_layer_answers_as_the_layer_of_standardised_features():
    truth, people, units = simulated()
    moments = script.moments_of(units + 5, np.ones(len(units)))
    layer = script.learn_layers(units, table_of(units, truth, people).chances(units)[None])[0]
    one = script.answers_of(moments.standardised(units), layer)
    assert np.allclose(one, script.answers_of(units, script.folded(layer, moments)))


# From end to end


def test_the_labels_of_a_photograph_do_not_decide_its_own_answer():
    rendered, photographs, options = case()
    truth, choose = options["truth"], options["choose"]
    answers = script.counted_answers(rendered, photographs, **options)
    assert (np.array(CLASSES)[answers.argmax(1)] == truth).mean() > 0.7
    mine = options["people"] == "person 0"
    changed = options | dict(truth=np.where(mine, np.roll(truth, 1), truth))
    again = script.counted_answers(rendered, photographs, **changed)
    assert np.array_equal(answers[mine], again[mine])
    assert not np.allclose(answers[~choose], again[~choose])


def test_labels_and_units_of_the_reporting_half_change_no_answer_of_the_choosing_half():
    rendered, photographs, options = case()
    choose = options["choose"]
    answers = taught_by_two(rendered, photographs, options)
    other = options | dict(truth=np.where(choose, options["truth"], "anger"))
    for kind, same in taught_by_two(rendered, photographs, other).items():
        assert np.array_equal(answers[kind], same)
    noise = np.where(choose[:, None], photographs.units, 7.0)
    again = taught_by_two(rendered, script.Read(noise, noise), options)
    for kind in script.LABELS:
        assert np.array_equal(answers[kind][choose], again[kind][choose])


def test_a_label_of_one_person_says_nothing_by_omission():
    rendered, photographs, options, mine = actor_case()
    answers = taught_by_two(rendered, photographs, options)
    rng = np.random.default_rng(3)
    noise = np.where(mine[:, None], 9 + rng.normal(size=photographs.units.shape), 0)
    other = script.Read(photographs.features + noise, photographs.units - noise)
    again = taught_by_two(rendered, other, options)
    for kind in script.LABELS:
        assert np.array_equal(answers[kind][~mine], again[kind][~mine])
        assert not np.allclose(answers[kind][mine], again[kind][mine])


def test_a_label_of_one_person_is_answered_from_posed_faces():
    rendered, photographs, options, mine = actor_case()
    answers = script.counted_answers(rendered, photographs, **options)
    assert (answers[mine].argmax(1) == CLASSES.index("anger")).mean() > 0.6
    found = np.array(CLASSES)[answers.argmax(1)]
    assert (found[~mine] == options["truth"][~mine]).mean() > 0.7


def test_a_label_of_few_people_is_counted_in_all_folds_or_in_none():
    truth = np.array(["anger"] * 5 + ["neutral"] * 5)
    people = np.array([f"{i}" for i in range(10)])
    assert script.counted_labels(truth, people, classes=CLASSES) == ("anger", "neutral")
    units = np.random.default_rng(0).normal(size=(10, 4))
    four = np.arange(1, 10)
    table = script.count(units[four], truth[four], people[four], labels=("anger", "neutral"))
    assert table.labels == ("anger", "neutral")
    assert table.people == (4, 5)


def test_a_counted_label_that_a_fold_does_not_show_is_refused():
    truth, people, units = simulated(n=30)
    kept = truth != "anger"
    with pytest.raises(CourseError, match="no photograph of these people shows anger"):
        script.count(units[kept], truth[kept], people[kept], labels=CLASSES)


def test_a_class_that_nobody_poses_is_refused():
    rendered, photographs, options = case()
    posed = np.where(options["posed"] == "happiness", "neutral", options["posed"])
    with pytest.raises(CourseError, match="happiness"):
        script.layer_answers(rendered, photographs, **options | dict(posed=posed))


def test_faces_without_a_label_change_no_answer():
    rendered, photographs, options = case()
    alone = script.layer_answers(rendered, photographs, **options)
    more = np.full((200, 4), 50.0)
    posed = list(options["posed"]) + [None] * 100 + [float("nan")] * 100
    wide = script.Read(np.r_[rendered.features, more], np.r_[rendered.units, more])
    given = options | dict(posed=posed)
    for kind, same in script.layer_answers(wide, photographs, **given).items():
        assert np.array_equal(alone[kind], same)


def test_only_the_labels_of_the_control_differ():
    rendered, photographs, options = case()
    both = script.layer_answers(rendered, photographs, **options)
    for kind in script.LABELS[:2]:
        one = script.counted_answers(rendered, photographs, labels=kind, **options)
        assert np.array_equal(both[kind], one)
    assert not np.allclose(both["counted"], both["posed"])
    # The control uses no label of a photograph but for the zero of the features.
    faces = script.Read(rendered.features, rendered.units[:, ::-1])
    again = script.counted_answers(faces, photographs, labels="posed", **options)
    assert np.array_equal(both["posed"], again)


def test_log_odds_are_finite():
    assert np.isfinite(script.log_odds(np.array([0.0, 0.5, 1.0]))).all()
    assert script.log_odds(np.array([0.5]))[0] == pytest.approx(0)


def teacher_of(rendered, photographs, *, noise, seed):
    "Return a teacher who reads units with noise"
    rng = np.random.default_rng(seed)

    def disturbed(units):
        return units + noise * rng.normal(size=units.shape)

    return script.Teacher(disturbed(rendered.units), disturbed(photographs.units))


def test_the_mean_of_several_teachers_is_nearer_to_a_teacher_without_errors():
    rendered, photographs, options = case(n=600, chosen=450)
    names = dict(labels=CLASSES, classes=CLASSES)
    posed = np.asarray(options["posed"], object)
    faces = script.Faces.of(rendered, posed, **names)

    def labels_by(noise, seed):
        teacher = teacher_of(rendered, photographs, noise=noise, seed=seed)
        return teacher.kept(posed, **names).posed_chances(faces)

    exact = labels_by(0.0, 0).argmax(1)
    each = [labels_by(2.0, seed) for seed in range(1, 9)]
    right = [(labels.argmax(1) == exact).mean() for labels in each]
    assert (np.mean(each, axis=0).argmax(1) == exact).mean() > max(right) + 0.05


def test_one_teacher_who_is_the_network_itself_is_the_counted_layer():
    rendered, photographs, options = case()
    own = script.Teacher(rendered.units, photographs.units)
    found = script.layer_answers(
        rendered, photographs, kinds=("counted", "several"), teachers=[own], **options
    )
    assert np.allclose(found["counted"], found["several"])


def test_posed_tables_of_several_teachers_use_no_label_of_a_photograph():
    rendered, photographs, options = case()
    group = [teacher_of(rendered, photographs, noise=1.0, seed=seed) for seed in range(3)]
    settings = dict(kinds=("several_posed",), teachers=group)
    lesson = script.lesson_of(rendered, photographs, **options, **settings)
    other = options | dict(truth=np.roll(options["truth"], 1))
    again = script.lesson_of(rendered, photographs, **other, **settings)
    for mine, theirs in zip(lesson.given["several_posed"], again.given["several_posed"]):
        assert np.allclose(mine, theirs, atol=1e-6)


def test_several_without_a_teacher_is_refused():
    rendered, photographs, options = case()
    with pytest.raises(CourseError, match="no teacher"):
        script.layer_answers(rendered, photographs, kinds=("several",), **options)


def test_every_teacher_changes_the_answers():
    rendered, photographs, options = case()
    group = [teacher_of(rendered, photographs, noise=2.0, seed=seed) for seed in range(3)]
    for kind in ("several", "several_posed"):
        settings = dict(kinds=(kind,), **options)
        whole = script.layer_answers(rendered, photographs, teachers=group, **settings)[kind]
        for left_out in range(3):
            fewer = group[:left_out] + group[left_out + 1 :]
            found = script.layer_answers(rendered, photographs, teachers=fewer, **settings)[kind]
            assert not np.allclose(whole, found, atol=1e-3), (kind, left_out)


def test_posed_tables_name_faces_as_they_were_posed():
    rendered, photographs, options = case()
    group = [teacher_of(rendered, photographs, noise=0.2, seed=seed) for seed in range(3)]
    settings = dict(kinds=("several_posed",), teachers=group)
    lesson = script.lesson_of(rendered, photographs, **options, **settings)
    named = np.array(CLASSES)[lesson.given["several_posed"].argmax(1)]
    assert (named == options["posed"]).mean() > 0.8


def test_nobody_is_taught_by_his_own_photographs():
    people = np.random.default_rng(0).permutation(np.repeat([f"{i}" for i in range(12)], 5))
    choose = np.arange(60) < 50
    parts = script.parts_of(choose, people, 5, 2)
    assert len(parts) == 11
    for taught, answered in parts[:-1]:
        assert not set(people[taught]) & set(people[answered])
        assert choose[taught].all() and choose[answered].all()
    counts = np.bincount(np.concatenate([answered for _, answered in parts]), minlength=60)
    assert counts.tolist() == [2] * 50 + [1] * 10
    with pytest.raises(CourseError, match="folds need as many"):
        script.parts_of(choose, np.repeat("one", 60), 5, 2)
