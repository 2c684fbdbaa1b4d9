"The command experiments/gap.py, on simulated data: units, decisions, tables, points."

import importlib.util, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "experiments"))
import count_units
import gap
import gap_faces
import gap_parts as parts
import gap_tables as tables
import gap_zero as zero
import mesh_points as mesh
from fer_course.core.errors import CourseError
from fer_course.core.files import read_json
from fer_course.faces import FaceSet
from gap_faces import PSEUDO, UNITS, Read, renderer_mark, units_of_set

CLASSES = ("anger", "happiness", "neutral")


def meaning(rng):
    "Return mean intensities of three classes, far apart."
    means = np.zeros((len(CLASSES), len(UNITS)))
    means[0, UNITS.index("AU4")] = 4
    means[0, UNITS.index("AU25")] = 3
    means[1, UNITS.index("AU12")] = 4
    return pd.DataFrame(means, pd.Index(CLASSES, name="expression"), UNITS)


def simulated(seed=0, n=240, offset=0.0, noise=0.3):
    "Return a unit space whose photographs follow `meaning`, and these means."
    rng = np.random.default_rng(seed)
    means = meaning(rng)
    slope = 0.3 * np.eye(len(UNITS)) + 0.02 * rng.normal(size=(len(UNITS), len(UNITS)))
    truth = np.array(CLASSES)[np.arange(n) % 3]
    people = np.array([f"p{k // 6}" for k in range(n)])
    units = np.clip(means.loc[truth].to_numpy() + rng.normal(0, 0.5, (n, len(UNITS))), 0, 5)
    estimates = units @ slope + offset + rng.normal(0, noise, (n, len(UNITS)))
    reading = parts.Reading(slope, np.zeros(len(UNITS)), noise**2 * np.eye(len(UNITS)))
    space = parts.UnitSpace(
        estimates=estimates, truth=truth, people=people, reading=reading, units=tuple(UNITS)
    )
    return space, means


# The instrument


def test_standardised_features_have_mean_0_and_sd_1():
    features = np.random.default_rng(0).normal(3, 2, (50, 4))
    found = parts.standardised(features)
    assert found.mean(0) == pytest.approx(np.zeros(4), abs=1e-9)
    assert found.std(0) == pytest.approx(np.ones(4))
    assert parts.standardised(features[:5], like=features) == pytest.approx(found[:5])


def test_folds_share_no_person_and_cover_every_row_once():
    people = np.repeat(np.arange(12), 3)
    tested = []
    for train, test in parts.people_folds(people):
        assert not set(people[train]) & set(people[test])
        tested += test.tolist()
    assert sorted(tested) == list(range(36))


def test_units_are_read_from_features_that_show_them_and_not_from_noise():
    rng = np.random.default_rng(1)
    units = rng.uniform(0, 5, (300, 3))
    people = np.arange(300) // 5
    shown = np.column_stack([units[:, :2], rng.normal(size=300)])
    found = parts.correlations(parts.units_of_others(shown, units, people, strength=1.0), units)
    assert found[:2].min() > 0.95
    assert abs(found[2]) < 0.3


def test_the_correlation_of_a_unit_that_never_changes_is_missing():
    found = parts.correlations(np.random.default_rng(0).normal(size=(9, 2)), np.zeros((9, 2)))
    assert np.isnan(found).all()


def test_the_reading_is_recovered():
    rng = np.random.default_rng(2)
    units = rng.uniform(0, 5, (2000, 3))
    slope = rng.normal(size=(3, 4))
    found = parts.reading_of(units, 1.5 + units @ slope + rng.normal(0, 0.1, (2000, 4)))
    assert found.slope == pytest.approx(slope, abs=0.02)
    assert found.offset == pytest.approx(np.full(4, 1.5), abs=0.05)
    assert np.diag(found.noise) == pytest.approx(np.full(4, 0.01), rel=0.2)
    assert found.expected(units[:2]) == pytest.approx(1.5 + units[:2] @ slope, abs=0.1)


# Decisions in unit space


def test_the_right_meaning_scores_high_and_a_wrong_one_low():
    space, means = simulated()
    right = parts.unit_space_score(means, space, classes=CLASSES, repeats=20)
    wrong = means.set_axis(["happiness", "neutral", "anger"])
    assert right["macro_f1"] > 0.9
    assert right["low"] <= right["macro_f1"] <= right["high"]
    found = parts.unit_space_score(wrong, space, classes=CLASSES, repeats=20)
    assert found["macro_f1"] < 0.2


def test_an_offset_of_the_domain_is_no_meaning():
    near, means = simulated()
    far, _ = simulated(offset=np.linspace(-3, 3, len(UNITS)))
    options = dict(classes=CLASSES, repeats=2)
    expected = parts.unit_space_score(means, near, **options)["macro_f1"]
    centred = parts.unit_space_score(means, far, **options)["macro_f1"]
    assert centred == pytest.approx(expected)
    moved = parts.unit_space_score(means, far, centred=False, **options)["macro_f1"]
    assert moved < expected - 0.2


def test_more_photographs_of_one_class_do_not_move_the_zero():
    space, means = simulated()
    often = np.r_[np.arange(240), np.tile(np.flatnonzero(space.truth == "anger"), 3)]
    wide = space.rows(often)
    options = dict(classes=CLASSES, repeats=2)
    once = parts.unit_space_score(means, space, **options)
    assert parts.unit_space_score(means, wide, **options)["f1"] == pytest.approx(
        once["f1"], abs=0.1
    )
    labels = zero.labels_of(wide.truth, wide.people, CLASSES)
    given = dict(labels=labels)
    first = zero.even_moments(space.estimates, space.truth, space.people, **given)
    again = zero.even_moments(wide.estimates, wide.truth, wide.people, **given)
    assert again.mean == pytest.approx(first.mean)


def test_zero_and_sd_are_those_of_labels_with_enough_people():
    values = np.array([[1.0]] * 5 + [[3.0]] * 5 + [[99.0]])
    truth = np.array(["anger"] * 5 + ["neutral"] * 5 + ["disgust"])
    people = np.array([f"{k}" for k in range(11)])
    classes = ("anger", "disgust", "neutral")
    labels = zero.labels_of(truth, people, classes)
    assert labels == ("anger", "neutral")
    moments = zero.even_moments(values, truth, people, labels=labels)
    assert moments.mean == pytest.approx([2.0])
    assert moments.sd == pytest.approx([1.0], abs=1e-5)
    with pytest.raises(CourseError, match="too few people"):
        zero.labels_of(truth[:4], people[:4], classes)


def test_means_count_people_and_not_photographs():
    values = np.array([[0.0], [0.0], [0.0], [6.0]])
    assert zero.mean_by_person(values, np.array(["a", "a", "a", "b"])) == pytest.approx([3.0])
    space, _ = simulated()
    often = space.rows(np.r_[np.arange(240), np.repeat(0, 60)])
    once = parts.own_patterns(space).means[0]
    assert np.abs(parts.own_patterns(often).means[0] - once).max() < 0.1


def test_the_covariance_within_classes_is_unbiased():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(2000), 2)
    found = parts.pooled_covariance(rng.normal(0, 2, (4000, 1)), truth)
    assert found[0, 0] == pytest.approx(4, rel=0.1)


def test_several_patterns_of_a_class_are_one_class():
    space, means = simulated()
    twice = pd.concat([means, means.loc[["anger"]]])
    options = dict(classes=CLASSES, repeats=2)
    expected = parts.unit_space_score(means, space, **options)
    assert parts.unit_space_score(twice, space, **options) == expected
    silent = pd.concat([means, means.loc[["happiness"]].set_axis(["anger"])])
    found = parts.unit_space_score(silent, space, weights=[1, 1, 1, 0], **options)
    assert found == expected


def test_a_pattern_adds_what_the_mean_of_its_class_misses():
    space, means = simulated()
    shouting = space.truth == "anger"
    shouting &= np.arange(len(shouting)) % 2 == 0
    other = means.loc[["anger"]].copy()
    other[:] = 0.0
    other["AU27"] = 5.0
    moved = space.estimates.copy()
    moved[shouting] += (other - means.loc["anger"]).to_numpy() @ space.reading.slope
    space = parts.UnitSpace(
        estimates=moved,
        truth=space.truth,
        people=space.people,
        reading=space.reading,
        units=space.units,
    )
    options = dict(classes=CLASSES, repeats=2, centred=False)
    one = parts.unit_space_score(means, space, **options)["f1"]["anger"]
    both = parts.unit_space_score(pd.concat([means, other]), space, **options)["f1"]["anger"]
    assert both > one


def test_equal_spreads_change_nothing():
    space, means = simulated()
    options = dict(classes=CLASSES, repeats=2)
    equal = parts.unit_space_score(means, space, spreads=0 * means + 0.2, **options)
    assert equal == parts.unit_space_score(means, space, **options)


def test_the_right_spreads_help():
    space, means = simulated(n=900)
    means = 0.25 * means  # hard to tell apart by the means alone
    varied = np.flatnonzero(space.truth == "anger")
    rng = np.random.default_rng(8)
    more = rng.normal(0, 3, len(varied))[:, None] * space.reading.slope[UNITS.index("AU9")]
    estimates = space.estimates.copy()
    estimates[varied] += more
    space = parts.UnitSpace(
        estimates=estimates,
        truth=space.truth,
        people=space.people,
        reading=space.reading,
        units=space.units,
    )
    spreads = 0 * means + 0.5
    spreads.loc["anger", "AU9"] = 3.0
    options = dict(classes=CLASSES, repeats=2)
    blind = parts.unit_space_score(means, space, **options)["f1"]["anger"]
    assert parts.unit_space_score(means, space, spreads=spreads, **options)["f1"]["anger"] > blind


def test_a_table_without_a_class_is_refused():
    space, means = simulated()
    with pytest.raises(CourseError, match="no row for neutral"):
        parts.unit_space_score(means.drop("neutral"), space, classes=CLASSES)


def test_a_class_whose_patterns_weigh_nothing_is_refused():
    space, means = simulated()
    with pytest.raises(CourseError, match="weigh nothing"):
        parts.unit_space_score(means, space, classes=CLASSES, weights=[0, 1, 1])


def test_own_means_come_from_other_people():
    space, _ = simulated()
    found = parts.own_means_score(space, classes=CLASSES, repeats=2)
    assert found["macro_f1"] > 0.9
    assert len(found["deals"]) == parts.DEALS
    assert min(found["deals"]) > 0.8
    alone = space.people == "p0"
    truth = np.where(alone, "surprise", space.truth)
    space = parts.UnitSpace(
        estimates=space.estimates,
        truth=truth,
        people=space.people,
        reading=space.reading,
        units=space.units,
    )
    classes = (*CLASSES, "surprise")
    decided = parts.decided_by_own(space, classes=classes)
    assert (decided[alone, 3] == 0).all()  # nobody else shows it
    own = parts.own_means_score(space, classes=classes, repeats=2)
    assert own["unanswered"] == ["surprise"]
    assert own["f1"]["surprise"] == 0
    assert found["unanswered"] == []


def test_probabilities_sum_to_1_and_covariances_have_a_floor():
    space, means = simulated()
    patterns = parts.patterns_of(means, space, classes=CLASSES)
    decided = parts.decided_around(patterns, space, classes=CLASSES)
    assert decided.sum(1) == pytest.approx(np.ones(len(decided)))
    assert np.linalg.eigvalsh(parts.floored(np.diag([1.0, 0.0, -0.5]), 0.1)).min() > 0


def test_what_is_learned_from_one_half_is_applied_to_the_other():
    space, means = simulated()
    first = np.arange(len(space.truth)) < 120
    options = dict(classes=CLASSES, learn=space.rows(first), repeats=2)
    found = parts.unit_space_score(means, space.rows(~first), **options)
    assert found["n"] == 120
    assert found["macro_f1"] > 0.9


# Tables


def test_label_vectors_have_intervals_over_people_unless_these_are_few():
    space, means = simulated()
    rare = parts.UnitSpace(
        estimates=space.estimates,
        truth=np.where(space.people == "p1", "disgust", space.truth),
        people=space.people,
        reading=space.reading,
        units=space.units,
    )
    found = tables.class_vectors(rare, UNITS, classes=(*CLASSES, "disgust"), repeats=50)
    assert found["disgust"]["few"]
    assert found["disgust"]["low"] is None
    own = found["happiness"]
    assert not own["few"]
    assert own["low"]["AU12"] < own["by_person"]["AU12"] < own["high"]["AU12"]
    assert own["low"]["AU12"] > 0
    rendered = tables.rendered_vectors(means, space, UNITS, classes=CLASSES)
    distances = tables.vector_distances(
        tables.class_vectors(space, UNITS, classes=CLASSES, repeats=2), rendered
    )
    assert max(distances.values()) < 0.5
    turned = {c: {u: -v for u, v in row.items()} for c, row in rendered.items()}
    away = tables.vector_distances(
        tables.class_vectors(space, UNITS, classes=CLASSES, repeats=2), turned
    )
    assert min(away.values()) > 1.5


def test_vectors_of_both_sides_have_the_same_zero():
    space, means = simulated()
    uneven = space.rows(np.r_[np.arange(240), np.flatnonzero(space.truth == "anger")])
    own = tables.class_vectors(uneven, UNITS, classes=CLASSES, repeats=2)
    rendered = tables.rendered_vectors(means, uneven, UNITS, classes=CLASSES)
    for unit in UNITS:
        assert sum(row["by_person"][unit] for row in own.values()) == pytest.approx(0, abs=1e-9)
        assert sum(row[unit] for row in rendered.values()) == pytest.approx(0, abs=1e-9)


def test_people_are_drawn_with_all_their_rows():
    drawn = tables.drawn_people(np.repeat(["a", "b", "c"], 2), 30)
    assert (drawn[:, 0::2] == drawn[:, 1::2]).all()
    assert (drawn.sum(1) == 6).all()


def test_the_table_of_means_explains_the_estimates():
    space, means = simulated(n=600)
    rng = np.random.default_rng(4)
    units = rng.uniform(0, 5, (400, len(UNITS)))
    table = tables.table_of_means(space, units, units @ space.reading.slope, classes=CLASSES)
    chosen = table[(table.scale == "intensity") & (table.by == "photograph")]
    found = chosen[chosen.stat == "mean"].set_index("expression")[UNITS]
    assert found.to_numpy().min() >= 0
    assert found.to_numpy().max() <= 5
    assert found.loc["happiness", "AU12"] == pytest.approx(means.loc["happiness", "AU12"], abs=0.7)
    assert found.loc["neutral", "AU12"] < 0.5
    score = parts.unit_space_score(found, space, classes=CLASSES, repeats=2)
    assert score["macro_f1"] > 0.9
    assert set(table.people) == {100}


def test_probes_learn_from_other_people():
    space, _ = simulated()
    rng = np.random.default_rng(5)
    features = np.column_stack([space.estimates, rng.normal(size=(240, 30))])
    for kind in ("discriminant", "logistic"):
        decided = tables.probe(features, space, kind=kind, classes=CLASSES)
        score = parts.scored(decided, space.truth, space.people, classes=CLASSES, repeats=2)
        assert score["macro_f1"] > 0.8


def test_losses_are_paired_differences():
    space, means = simulated()
    right = parts.decided_by_own(space, classes=CLASSES)
    same = np.full_like(right, 1 / 3)
    steps = (("units", "units again", "nothing"), ("units", "nothing", "everything"))
    stages = {"units": right, "units again": right, "nothing": same}
    none, loss = tables.losses(stages, steps, space, classes=CLASSES, repeats=50)
    assert none["change"] == 0
    assert none["low"] == none["high"] == 0
    assert loss["high"] < 0
    assert loss["what"] == "everything"


def read_of(seed, n=70, people=14):
    "Return random readings of labelled faces."
    rng = np.random.default_rng(seed)
    return Read(
        points=rng.normal(size=(n, 468, 3)),
        presence=np.ones(n),
        au=rng.uniform(size=(n, len(PSEUDO))),
        probabilities=rng.dirichlet(np.ones(7), n),
        expression=np.array(["anger", "happiness"])[np.arange(n) % 2],
        subject=np.array([f"s{k % people}" for k in range(n)]),
    )


def test_shares_of_photographs_and_posed_faces_have_a_distance():
    rows = tables.share_distances(read_of(1), read_of(2), repeats=20)
    by_label = {row["expression"]: row for row in rows}
    assert set(by_label) == {"anger", "happiness"}
    assert 0 <= by_label["anger"]["distance"] < 0.3
    assert by_label["anger"]["low"] <= by_label["anger"]["distance"]


# The whole diagnosis


def simulated_faces(seed, n, people, expressions=("",), rendered=False):
    "Return readings of faces whose mouth opens with AU25 and, for labels, with the label."
    rng = np.random.default_rng(seed)
    names = np.array(expressions)[np.arange(n) % len(expressions)]
    units = (rng.uniform(size=(n, len(UNITS))) < 0.2) * rng.uniform(1, 5, (n, len(UNITS)))
    strength = np.arange(n) % len(expressions)
    shape = np.random.default_rng(99).normal(size=(468, 3))
    moves = np.random.default_rng(98).normal(size=(len(UNITS), 468, 3)) * 0.02
    moves[:, list(mesh.STABLE)] = 0
    points = shape + np.tensordot(units, moves, 1) + strength[:, None, None] * moves[0] * 3
    odds = rng.normal(size=(n, len(PSEUDO))) + strength[:, None] * 0.2
    return Read(
        points=points + rng.normal(0, 0.003, points.shape),
        presence=np.ones(n),
        au=1 / (1 + np.exp(-odds)),
        probabilities=rng.dirichlet(np.ones(7), n),
        expression=names,
        subject=np.array([f"q{k * people // n}" for k in range(n)]),
        units=units if rendered else None,
    )


@pytest.fixture(scope="module")
def simulated_sets():
    "Return what `faces_of` returns, and the means of three meanings."
    half = np.repeat(["choose", "report"], 168)
    given = dict(
        table=pd.DataFrame(dict(half=half)),
        photographs=simulated_faces(1, 336, 24, gap.SEVEN),
        independent=simulated_faces(2, 200, 40, rendered=True),
        posed=simulated_faces(3, 140, 20, gap.SEVEN, rendered=True),
        network=dict(name="none"),
    )
    rng = np.random.default_rng(4)
    index = pd.Index(gap.SEVEN, name="expression")
    names = (f"meaning {gap.LATEST}", gap.LEARNED, "wild")
    means = {
        name: (pd.DataFrame(rng.uniform(0, 3, (7, len(UNITS))), index, UNITS), None, None)
        for name in names
    }
    return given, means | {"spread": (means["wild"][0], means["wild"][0] * 0 + 1, None)}


@pytest.mark.filterwarnings("ignore")
def test_the_diagnosis_measures_the_choosing_half_only(simulated_sets):
    given, means = simulated_sets
    found = gap.measured(given, means, repeats=5)
    assert found["photographs"] == 168
    assert "report" not in found
    assert given["means"].photographs.max() == 24
    assert found["instrument"]["points"]["mean"] > 0.5
    assert found["stages"]["five"]["stages"]["points"]["macro_f1"] > 0.5
    numbers = gap.headline(found)
    assert np.isfinite(list(numbers.values())).all()
    assert "six: wild, centred" in numbers
    assert "five: own means, half of the people" in numbers
    hidden = dict(given, photographs=given["photographs"].rows(np.r_[:168, [0] * 168]))
    again = gap.measured(hidden, means, repeats=5)
    assert gap.headline(again) == numbers


@pytest.mark.filterwarnings("ignore")
def test_the_reporting_half_is_scored_with_the_means_of_the_choosing_half(simulated_sets):
    given, means = simulated_sets
    found = gap.reported(given, means, repeats=5)
    assert found["photographs"] == 168
    rows = found["meaning"]["points"]["six"]
    assert rows["means of the choosing half"]["macro_f1"] > 0.5
    assert rows["spread"]["centred, with spreads"]["n"] == 144
    assert found["stages"]["six"]["stages"]["points"]["macro_f1"] > 0.5


@pytest.mark.filterwarnings("ignore")
def test_a_label_of_one_person_decides_no_other_row_of_the_counted_table(simulated_sets):
    given, means = simulated_sets
    faces = given["photographs"]
    mine = faces.expression == "disgust"
    subject = np.where(mine, "actor", faces.subject)
    found = []
    for change in (0.0, 1.0):
        rng = np.random.default_rng(5)
        points = faces.points + change * mine[:, None, None] * rng.normal(0, 0.1, (468, 3))
        au = np.where(mine[:, None], (1 - change) * faces.au, faces.au)
        moved = replace(faces, points=points, au=au, subject=subject)
        result = gap.rounded(gap.measured(dict(given, photographs=moved), means, repeats=2), 12)
        found.append((result["vectors"], count_units.counted(result)))
    (vectors, table), (others, again) = found
    assert table == again
    assert "disgust" not in table["people"]
    for kind in gap.SPACES:
        for label, row in vectors[kind]["photographs"].items():
            assert (row == others[kind]["photographs"][label]) == (label != "disgust"), label
        assert vectors[kind]["rendered"] == others[kind]["rendered"]


@pytest.mark.filterwarnings("ignore")
def test_results_say_what_their_scores_cannot_tell(simulated_sets):
    given, means = simulated_sets
    faces = given["photographs"]
    subject = np.where(faces.expression == "disgust", "actor", faces.subject)
    found = gap.measured(dict(given, photographs=replace(faces, subject=subject)), means, repeats=2)
    assert "F1 of disgust is 0 by construction" in found["notes"][1]
    assert len(found["notes"]) == 2
    steps = [(row["start"], row["end"]) for row in found["stages"]["five"]["losses"]]
    assert ("units", "meaning the network learned") in steps
    found["in_sample"] = ["wild"]
    numbers = gap.headline(found)
    assert "six: wild, in sample, centred" in numbers
    assert "six: wild, centred" not in numbers


def test_the_rows_of_the_counted_table_are_those_of_people():
    gap_file = ROOT / "nbs" / "results" / "gap.json"
    table = count_units.counted(read_json(gap_file))
    stored = read_json(gap_file.with_name("counted_units.json"))
    assert table["means"] == stored["means"]
    assert table["people"] == stored["people"]
    assert min(table["people"].values()) >= count_units.LEAST
    for unit in table["centre"]:
        total = sum(table["means"][name][unit] for name in table["people"])
        assert total == pytest.approx(0, abs=0.03), unit


# Tables of users, history, sets


def test_a_table_of_means_is_read_with_patterns_spreads_and_weights(tmp_path):
    table = pd.DataFrame(
        dict(
            expression=["anger", "anger", "neutral"] * 2,
            stat=["mean"] * 3 + ["sd"] * 3,
            weight=[0.3, 0.7, 1.0] * 2,
            AU4=[1.0, 3.0, 0.5, 1.0, 1.0, 1.0],
        )
    )
    table.to_csv(tmp_path / "wild.csv", index=False)
    means, spreads, weights = gap.read_means(tmp_path / "wild.csv")
    assert list(means.index) == ["anger", "anger", "neutral"]
    assert list(spreads.AU4) == [1, 1, 1]
    assert list(weights) == [0.3, 0.7, 1.0]
    mean = gap.mean_of_patterns(means, weights)
    assert mean.loc["anger", "AU4"] == pytest.approx(0.3 + 2.1)
    assert mean.loc["anger", "AU12"] == 0


def test_damaged_tables_are_refused(tmp_path):
    with pytest.raises(CourseError, match="no such table"):
        gap.read_means(tmp_path / "absent.csv")
    (tmp_path / "odd.csv").write_text("label,AU4\nanger,1\n")
    with pytest.raises(CourseError, match="no columns"):
        gap.read_means(tmp_path / "odd.csv")
    (tmp_path / "half.csv").write_text(
        "expression,stat,AU4\nanger,mean,1\nneutral,mean,1\nanger,sd,1\n"
    )
    with pytest.raises(CourseError, match="rows of sd"):
        gap.read_means(tmp_path / "half.csv")


def test_the_history_keeps_every_run(tmp_path):
    for label in ("before", "after"):
        gap.write_history(tmp_path / "gap_history.json", dict(label=label, numbers={"a": 1.0}))
    assert [one["label"] for one in read_json(tmp_path / "gap_history.json")] == ["before", "after"]


def test_results_have_no_nan():
    assert gap.rounded(dict(a=[float("nan"), np.float64(0.12345)], b=None)) == dict(
        a=[None, 0.1235], b=None
    )


def test_units_of_a_set_are_those_it_poses():
    table = units_of_set(FaceSet(n=14, profile="photographs"))
    assert list(table.columns) == UNITS
    assert len(table) == 14
    assert table.to_numpy().max() <= 5
    happy = table.loc["happiness"]
    assert (happy.AU12 > 0).all()


def test_the_mark_names_the_set():
    first, second = (renderer_mark(FaceSet(n=2, size=64, seed=seed)) for seed in (1, 2))
    assert first != second
    assert renderer_mark(FaceSet(n=2, size=64, seed=1)) == first


def test_photographs_are_read_again_for_other_crops_and_other_networks(tmp_path, monkeypatch):
    read = []

    def read_crops(crops, mesh, network):
        read.append(len(crops))
        zeros = np.zeros((len(crops), 1))
        return dict(points=zeros, presence=zeros, au=zeros, probabilities=zeros)

    monkeypatch.setattr(gap_faces, "read_crops", read_crops)
    table = pd.DataFrame(dict(image=["a", "b"], expression=["anger", "fear"], subject=["1", "2"]))
    crops = np.zeros((2, 4, 4, 3), np.uint8)
    options = dict(mesh=None, network=None)
    for _ in range(2):
        found = gap_faces.read_photographs(table, crops, tmp_path, readers="one", **options)
    assert read == [2]
    assert found.expression.tolist() == ["anger", "fear"]
    gap_faces.read_photographs(table, crops + 1, tmp_path, readers="one", **options)
    gap_faces.read_photographs(table, crops + 1, tmp_path, readers="two", **options)
    assert read == [2, 2, 2]


# Points


def test_shapes_lose_position_size_and_pose():
    rng = np.random.default_rng(6)
    face = rng.normal(size=(468, 3))
    angle = 0.3
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    moved = 7 * face @ turn + [3, -2, 9]
    both = mesh.aligned_to(np.stack([face, moved]), face)
    assert both[1] == pytest.approx(both[0])
    mirrored = mesh.aligned_to(face[None] * [-1, 1, 1], face)[0]
    assert np.abs(mirrored - both[0]).max() > 0.5
    found = mesh.normalised(np.stack([face, moved]), reference=face)
    assert found.shape == (2, 936)


def test_the_mean_face_has_eyes_at_distance_1():
    faces = np.random.default_rng(7).normal(size=(5, 468, 3))
    left, right = mesh.mean_face(faces)[list(mesh.EYES)]
    assert np.linalg.norm(left - right) == pytest.approx(1)


def test_missing_packages_are_named_with_the_remedy(tmp_path):
    with pytest.raises(CourseError, match="npm pack @mediapipe/face_mesh"):
        mesh.mesh_network(tmp_path)
    (tmp_path / mesh.ASSETS).write_bytes(b"abcdTFL3" + bytes(100))
    with pytest.raises(CourseError, match="0 networks"):
        mesh.mesh_network(tmp_path)
    with pytest.raises(CourseError, match="not computed yet"):
        mesh.kept_points(tmp_path / "points.npz", np.zeros((1, 112, 112, 3), np.uint8))


def test_the_network_is_cut_out_of_the_assets(tmp_path):
    small, wanted, large = (
        bytes(4) + mesh.MARK + bytes([k]) * size
        for k, size in ((1, 200_000), (2, 1_200_000), (3, 2_400_000))
    )
    (tmp_path / mesh.ASSETS).write_bytes(large + wanted + small)
    assert mesh.mesh_network(tmp_path) == wanted


@pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is not None, reason="ai-edge-litert is installed"
)
def test_a_missing_interpreter_is_named_with_the_remedy(tmp_path):
    (tmp_path / mesh.ASSETS).write_bytes(bytes(4) + mesh.MARK + bytes(1_200_000))
    with pytest.raises(CourseError, match="pip install ai-edge-litert"):
        mesh.MeshPoints(tmp_path)
