"The command experiments/bias_chain.py: its runs, what a set teaches, and its claims."

import sys
from argparse import Namespace
from pathlib import Path
import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "experiments"))
import bias_chain as lab
import biased_sets as sets
from fer_course.facs import SEVEN, au_columns

TOY = Namespace(scale=0.02, epochs=1, seeds=[0, 1])


# Runs


def test_a_seed_has_both_tables_and_the_doses():
    runs = lab.every_run(TOY, 0)
    ways = pd.Series([run.settings["way"] for run in runs]).value_counts()
    assert ways["alone"] == 4
    assert ways["units"] == 12 + 2
    assert ways["naive"] == 12 + 7 + 3
    assert len({run.folder("x") for run in runs}) == len(runs)


def test_no_target_is_joined_with_itself():
    for run in lab.table_runs(TOY, 0):
        assert run.settings["target"] != run.settings["other"]


def test_settings_of_a_run_decide_its_folder():
    first = lab.run_of("alone", "like_rafdb", 0, TOY)
    other = lab.run_of("alone", "like_rafdb", 0, Namespace(scale=0.02, epochs=2))
    assert first.folder("x") != other.folder("x")


# What the sets teach


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tmp_path_factory.mktemp("bias_chain"))


def given(way, other, dose=0.0):
    "Return the settings of a run with the target RAF-DB."
    return lab.run_of(way, "like_rafdb", 0, TOY, other=other, dose=dose).settings


def test_a_target_teaches_expressions_alone(folder):
    table, images = lab.target_table(folder, "like_rafdb", "train", given("naive", "other"))
    assert len(table) == len(images)
    assert set(table.expression) <= set(SEVEN)
    assert table[au_columns()].isna().all(axis=None)


def test_a_naive_set_teaches_expressions_alone(folder):
    table, _ = lab.other_table(folder, given("naive", "other"))
    assert table.expression.notna().all()
    assert table[au_columns()].isna().all(axis=None)
    assert set(table.role) == {"auxiliary"}


def test_a_set_of_units_teaches_its_exact_units_alone(folder):
    table, part = lab.other_table(folder, given("units", "like_raf_au"))
    assert table.expression.isna().all()
    assert (table[au_columns()] == part.table[au_columns()]).all(axis=None)


def test_a_dose_of_zero_is_the_reader_and_a_full_one_is_not(folder):
    none, part = lab.other_table(folder, given("naive", "other", dose=0.0))
    full, _ = lab.other_table(folder, given("naive", "other", dose=1.0))
    assert (none.expression == sets.labels_of(part, lab.READER, seed=1)).all()
    assert (none.expression != full.expression).mean() > 0.1


def test_parts_of_a_set_have_other_people(folder):
    people = [set(lab.part_of(folder, "dose", s, TOY_COUNTS).table.subject) for s in TOY_COUNTS]
    assert not people[0] & people[1]
    assert not people[0] & people[2]
    assert not people[1] & people[2]


TOY_COUNTS = lab.run_of("alone", "like_rafdb", 0, TOY).settings["counts"]


# Claims


def table_with(loss):
    "Return scores of all pairs and two seeds; `loss` = function of target, other and way."
    rows = []
    for seed in (0, 1):
        for run in lab.every_run(TOY, seed):
            kept = {k: run.settings[k] for k in ("way", "target", "other", "dose", "ratio")}
            lost = 0 if kept["way"] == "alone" else loss(kept)
            rows.append(kept | dict(seed=seed, macro_f1=0.7 - lost, accuracy=0.8 - lost))
    return lab.losses(pd.DataFrame(rows))


def test_losses_are_against_the_same_target_alone():
    table = table_with(lambda run: 0.1)
    joint = table[table.way != "alone"]
    assert np.allclose(joint.loss, 0.1)
    assert np.allclose(joint.loss_accuracy, 0.1)
    assert np.allclose(lab.mean_over_pairs(table, "naive"), 0.1)


def test_a_loss_that_follows_the_distance_has_rank_correlation_one():
    rng = np.random.default_rng(0)
    pairs = [
        dict(target=run.settings["target"], other=run.settings["other"])
        for run in lab.table_runs(TOY, 0)
        if run.settings["way"] == "naive"
    ]
    distance = {(p["target"], p["other"]): rng.random() for p in pairs}
    for pair in pairs:
        pair |= dict.fromkeys(lab.MEASURES, distance[pair["target"], pair["other"]])
    table = table_with(lambda run: distance.get((run["target"], run["other"]), 0) / 10)
    found = lab.correlations(table, pd.DataFrame(pairs))
    for name in lab.MEASURES:
        assert found[name]["of_mean_loss"] == pytest.approx(1)
        assert found[name]["mean"] == pytest.approx(1)


def test_the_dose_claim_compares_the_full_doses_at_one_to_one():
    def loss(run):
        if run["ratio"] != 1:
            return 0.5
        return 0.2 * run["dose"] if run["other"] == "other" else 0.05

    assert np.allclose(lab.annotator_against_image(table_with(loss)), [0.15, 0.15])


def test_an_interval_over_seeds_holds_the_mean_and_excludes_a_far_bar():
    found = lab.over_seeds([0.10, 0.12, 0.11, 0.09, 0.10], claims=1)
    assert found["mean"] == pytest.approx(0.104)
    assert 0 < found["low"] < found["mean"] < found["high"]
    shifted = lab.over_seeds([0.10, 0.12, 0.11, 0.09, 0.10], bar=0.6, claims=1)
    assert shifted["low"] == pytest.approx(found["low"])
    assert lab.over_seeds([0.1])["low"] is None
