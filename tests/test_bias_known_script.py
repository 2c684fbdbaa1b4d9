"The command experiments/bias_known.py: worlds with a known answer, the paper's numbers."

import json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "experiments"))
import bias_known as lab
import bias_readings as paper
import bias_tables as tables
import bias_worlds as worlds
from fer_course.core.errors import CourseError
from fer_course.faces import ANNOTATORS, PROFILES

pytestmark = pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
TOY = "--seeds 0 --worlds 2 --n 120 --few 60 --pool 600 --population 60 --grids 1 --repeats 10"


# Worlds


def test_the_sets_are_the_five_datasets_of_the_paper():
    assert len(worlds.PAIRS) == 10
    assert set(worlds.NAMES) == set(paper.COLUMNS)
    assert len(worlds.UNITS) == 13
    assert len(worlds.MANY) == 21


def test_people_are_drawn_whole_and_once():
    subjects = np.repeat(np.arange(20), 5)
    first = worlds.some_people(subjects, 50, np.random.default_rng(1))
    second = worlds.some_people(subjects, 50, np.random.default_rng(1), skip=50)
    assert np.bincount(subjects[first], minlength=20).tolist().count(5) == 10
    assert not set(subjects[first]) & set(subjects[second])


def test_equal_annotators_have_no_bias_and_others_have():
    people = worlds.population(40)
    for kind in ("equal", "same"):
        overall, each = worlds.truth(lab.annotators_of(3, kind), people)
        assert (overall == 0).all()
        assert (each == 0).all()
    overall, each = worlds.truth(lab.annotators_of(3, "random"), people)
    assert (overall > 0).all()
    assert (each <= 1).all()


def test_the_true_bias_is_that_of_the_library():
    from fer_course.faces.annotators import annotator_distance

    people = worlds.population(40)
    annotators = lab.annotators_of(5, "stand-ins")
    overall, _ = worlds.truth(annotators, people)
    expected = annotator_distance(people, annotators[0], annotators[1]).mean()
    assert overall[0] == pytest.approx(expected)


def test_labels_follow_the_chances_of_the_annotator():
    table, sides = worlds.pool("RAF-DB", 600)
    found = worlds.labelled(table, sides, ANNOTATORS["reader"], np.random.default_rng(0))
    chances = worlds.label_chances(sides, ANNOTATORS["reader"], classes=worlds.CLASSES)
    assert found.expression.tolist() == [worlds.CLASSES[i] for i in chances.argmax(1)]
    noisy = replace(ANNOTATORS["reader"], noise=1.0)
    found = worlds.labelled(table, sides, noisy, np.random.default_rng(0))
    assert set(found.expression) == set(worlds.CLASSES)


# Detectors


def test_the_detector_is_worse_on_harder_images():
    names = ("course", "grey", "web", "shifted", "film")
    hard = [worlds.difficulty(PROFILES[name]) for name in names]
    assert hard == sorted(hard)
    assert hard[0] == pytest.approx(0)
    assert hard[-1] == pytest.approx(1)
    true, false = zip(*[worlds.rates(PROFILES[name]) for name in names])
    assert (np.diff(true, axis=0) < 0).all()
    assert (np.diff(false, axis=0) > 0).all()


def test_a_detector_without_errors_gives_the_exact_units():
    units = worlds.pool("RAF-DB", 600)[0][worlds.UNITS].to_numpy()
    rng = np.random.default_rng(0)
    assert (worlds.detected(units, *worlds.rates(PROFILES["film"], 0), rng) == units).all()


def test_units_are_detected_at_the_rates_asked_for():
    units = (np.random.default_rng(1).random((40_000, 13)) < 0.5).astype(float)
    rates = worlds.rates(PROFILES["web"])
    found = worlds.detected(units, *rates, np.random.default_rng(0))
    for measured, expected in zip(worlds.error_rates(units, found), rates):
        assert measured == pytest.approx(expected, abs=0.02)


def test_a_detector_that_reads_all_sets_alike_has_one_rate():
    ones = {
        name: pd.DataFrame(np.ones((20_000, 13)), columns=worlds.UNITS) for name in worlds.NAMES
    }
    for alike in (True, False):
        read = lab.detector_of(0, alike=alike)
        found = [read(name, table).mean() for name, table in ones.items()]
        assert (np.ptp(found) < 0.02) == alike


def test_mixed_tools_leave_the_unit_sets_exact():
    sets = lab.faces_of_world(dict(pool=600), 0, "five", 100)
    whole = {name: table for name, (table, _) in sets.items()}
    found = worlds.with_tool(whole, "mixed", lab.detector_of(0))
    for name in worlds.NAMES:
        same = (found[name][worlds.UNITS] == whole[name][worlds.UNITS]).all(axis=None)
        assert same == (name in worlds.UNIT_SETS)


# Measures


def two_sets(strength, n=500):
    "Return two sets of other people of one profile; the second has the annotator folk."
    settings = dict(pool=2500)
    found = list(lab.faces_of_world(settings, 1, "one", n).items())
    annotators = [ANNOTATORS["reader"], worlds.weaker("folk", strength)]
    return lab.with_labels(dict(found[:2]), 1, annotators)


def test_measures_grow_with_the_habits_of_an_annotator():
    weak, strong = (worlds.measured(two_sets(strength)) for strength in (0, 1))
    for measure in worlds.MEASURES:
        # the vectors of neutral are short: their cosine is noisy, with any annotator
        least = 1.0 if measure == "cosine" else 1.5
        assert worlds.overall(strong, measure)[0] > least * worlds.overall(weak, measure)[0]


def test_the_distance_of_a_set_from_itself_is_zero():
    table = next(iter(two_sets(1.0).values()))
    found = worlds.measured(dict(a=table, b=table))
    for measure in ("cosine", "basic", "l1", "single", "shares"):
        assert worlds.overall(found, measure)[0] == pytest.approx(0, abs=1e-9)
    # the two halves of the people leave noise in the others
    assert found["label13"][0] < 0.1
    assert found["label21"][0] < 0.1


def test_the_cosine_is_that_of_the_library():
    from fer_course.bias import cosine_distances

    sets = two_sets(1.0)
    found = cosine_distances(sets, repeats=2).set_index("expression").distance
    assert worlds.measured(sets, ())["cosine"][0] == pytest.approx(found[list(worlds.CLASSES)])


def test_one_model_of_all_sets_sees_no_bias_where_there_is_none():
    found = lab.faces_of_world(dict(pool=2500), 0, "one", 300)
    units = [sides.mean(2) / 5 for _, sides in found.values()]
    reader = [ANNOTATORS["reader"]] * 5
    labels = [t.expression.to_numpy() for t in lab.with_labels(found, 0, reader).values()]
    assert worlds.pooled_distance(units, labels).max() < 0.06


# Tables


def test_rank_correlations_and_intervals():
    assert tables.rho(np.arange(5.0), np.arange(5.0) ** 3) == pytest.approx(1)
    assert np.isnan(tables.rho(np.array([1, 2, 3, np.nan]), np.arange(4.0)))
    assert np.isnan(tables.rho(np.ones(5), np.arange(5.0)))
    found = tables.summary([1.0, 2.0, 3.0, np.nan])
    assert found["n"] == 3
    assert found["mean"] == pytest.approx(2)
    assert found["low"] == pytest.approx(2 - 4.3027 / 3**0.5, abs=1e-3)
    assert tables.share([True] * 10)["low"] == pytest.approx(0.722, abs=1e-3)


@pytest.mark.parametrize("factor", ["image", "annotator", "interaction", "worlds"])
def test_the_variance_of_a_grid_is_explained_by_its_factor(factor):
    steps = np.arange(5.0)
    grids = dict(
        image=np.tile(steps[None, :, None], (3, 1, 5)),
        annotator=np.tile(steps[None, None, :], (3, 5, 1)),
        interaction=np.tile(np.outer(steps - 2, steps - 2), (3, 1, 1)),
        worlds=np.tile(steps[:3, None, None], (1, 5, 5)),
    )
    found = tables.explained(grids[factor])
    assert found[factor] == pytest.approx(1)
    assert sum(found.values()) == pytest.approx(1)


def test_distances_above_the_limits_are_counted_without_neutral():
    distances = np.zeros((10, 7))
    distances[:5, 0] = 0.4
    distances[:, worlds.CLASSES.index("neutral")] = 0.9
    found = tables.above([{"equal|cosine": distances}], ["equal"])[0]
    assert found["n"] == 60
    assert found["above_0.3"] == pytest.approx(5 / 60, abs=1e-4)
    assert found["above_0.5"] == 0


def test_readings_of_a_world_that_is_as_the_paper_says():
    distances = np.full((10, 7), 0.25)
    distances[:, worlds.CLASSES.index("fear")] = 0.35
    distances[:, worlds.CLASSES.index("happiness")] = 0.1
    distances[tables.EMOTIONET] += 0.25
    distances[tables.EMOTIONET, worlds.CLASSES.index("happiness")] = 0.15
    found = paper.readings(distances, worlds.PAIRS, worlds.NAMES, worlds.CLASSES)
    assert not found.pop("neutral is more distant than fear")
    assert all(found.values())
    found = paper.readings(distances[:, ::-1], worlds.PAIRS, worlds.NAMES, worlds.CLASSES)
    assert not found["fear is the most distant expression"]


# The paper's numbers


def test_losses_are_the_differences_of_the_printed_accuracies():
    found = pd.DataFrame(paper.paper_tables()["rows"])
    assert len(found) == 12
    assert np.allclose(found.alone - found.accuracy, found.loss)
    assert (found.loss != found.printed_loss).sum() == 2
    assert (found.gain != found.printed_gain).sum() == 2
    losses = found.set_index(["target", "auxiliary"]).loss
    assert losses["RAF-DB", "RAF-AU"] == pytest.approx(4.58)
    assert losses["AffectNet", "FERPlus"] == pytest.approx(0.14)


def test_the_set_that_is_farthest_by_the_text_costs_least_often_most():
    found = pd.DataFrame(paper.paper_tables()["targets"]).set_index("target")
    assert found.largest_loss.to_dict() == {
        "RAF-DB": "RAF-AU",
        "FERPlus": "RAF-DB",
        "AffectNet": "RAF-DB",
    }
    assert found.concordant.sum() == 3
    assert found.pairs.sum() == 6


# The command


def command(out, *words):
    "Run the experiment with toy sizes and return its results."
    words = ["--out", str(out), *TOY.split(), *map(str, words)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bias_known.py", *words])
        patch.setattr(worlds, "ITERATIONS", 5)
        lab.EXPERIMENT.run(lab.EXPERIMENT.parser().parse_args(words))
    return json.loads((out / "bias_known.json").read_text())


def write_units(folder):
    "Write the units of a detector that reads every unit inverted, for each set."
    folder.mkdir()
    for name, key in worlds.DATASETS.items():
        table, sides = worlds.pool(name, 600)
        table = table.drop(columns=[c for c in worlds.MANY if c not in worlds.UNITS])
        for unit in worlds.UNITS:
            table[f"{unit}_pseudo"] = 1 - table[unit]
        for number, levels in zip(worlds.ACTION_UNITS, sides.max(2).T):
            table[f"AU{number}_intensity"] = levels
        table.to_parquet(folder / f"{key}.parquet")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    "Return (folder, results) of a toy run with the units of a detector."
    out = tmp_path_factory.mktemp("bias_known")
    write_units(out / "units")
    return out, command(out / "run", "--pseudo", out / "units")


def test_results_are_kept_with_command_commit_and_time(toy):
    out, found = toy
    assert found["command"].startswith("python experiments/bias_known.py --out OUT --seeds 0")
    assert str(out) not in found["command"]
    assert "commit" in found
    assert found["time"].endswith("UTC")


def test_every_claim_has_numbers_a_bar_and_a_verdict(toy):
    claims = toy[1]["claims"]
    assert {claim["question"] for claim in claims} == set("ABCD")
    for claim in claims:
        assert claim["low"] <= claim["estimate"] <= claim["high"]
        assert claim["verdict"] in ("held", "not held", "undecided")


def test_units_of_a_detector_are_used(toy):
    found = toy[1]
    scenarios = {row["scenario"] for row in found["levels"]}
    assert set(lab.DETECTED) <= scenarios
    assert all(row["true_rate"] == 0 for row in found["detectors"])
    assert all(row["false_rate"] == 1 for row in found["detectors"])


def test_a_finished_run_is_not_done_again(toy):
    out = toy[0]
    kept = sorted((out / "run" / "runs").rglob("answers.npz"))
    times = [path.stat().st_mtime_ns for path in kept]
    command(out / "run", "--pseudo", out / "units")
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_a_missing_table_of_a_detector_is_named(tmp_path):
    write_units(tmp_path / "units")
    path = tmp_path / "units" / "like_raf_au.parquet"
    worlds.real_faces(tmp_path / "units", "RAF-AU")
    table = pd.read_parquet(path)
    table.drop(columns="AU4_pseudo").to_parquet(path)
    with pytest.raises(CourseError, match="AU4_pseudo"):
        worlds.real_faces(tmp_path / "units", "RAF-AU")
    path.unlink()
    with pytest.raises(CourseError, match="no detected units"):
        worlds.real_faces(tmp_path / "units", "RAF-AU")
