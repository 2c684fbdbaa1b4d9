"The command experiments/starting.py: which images a way learns from, and what is compared."

import sys
from argparse import Namespace
from pathlib import Path
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))
import starting as lab
from fer_course.core.cache import write_kept
from fer_course.facs import SEVEN
from harness import ANSWERS
from hog_svm import fit_hog_svm, hog_features

TEST = 14  # images, two of each class


@pytest.fixture
def photographs(monkeypatch):
    "Return a manifest (300 to train, 7 valid, 14 test), its pixels, and arguments."
    rng = np.random.default_rng(0)
    split = ["train"] * 300 + ["valid"] * 7 + ["test"] * TEST
    rare = ["fear", *rng.choice([c for c in SEVEN if c != "fear"], 299)]
    table = pd.DataFrame(dict(expression=[*rare, *SEVEN, *SEVEN, *SEVEN], split=split))
    table["subject"] = [f"person {i}" for i in range(len(table))]
    images = np.zeros((len(table), 8, 8, 3), np.uint8)
    monkeypatch.setattr(lab, "data", lambda out, folder: (table, images))
    monkeypatch.setattr(lab, "untouched", lambda arguments: dict(photographs=0.3, shifted=0.6))
    monkeypatch.setattr(lab, "digest_of", lambda folder: "digest")
    arguments = Namespace(out="OUT", real="PREPARED", images=[50, 100], seeds=[0, 1, 3])
    return table, images, arguments


def test_a_larger_set_holds_the_smaller_one_and_every_class(photographs):
    table, _, _ = photographs
    few = lab.drawn(table, 50, seed=1)
    many = lab.drawn(table, 100, seed=1)
    train = (table.split == "train").to_numpy()
    assert (few & train).sum() == 50
    assert (many & train).sum() == 100
    assert not (few & ~many).any()
    assert set(table.expression[few & train]) == set(SEVEN)
    assert few[~train].all(), "validation and test are the same for every size"


def test_another_seed_draws_other_images(photographs):
    table, _, _ = photographs
    assert (lab.drawn(table, 50, seed=1) != lab.drawn(table, 50, seed=2)).any()


def test_the_first_seeds_run_the_curve_and_the_others_the_claims(photographs):
    _, _, arguments = photographs
    curve = lab.runs(arguments, 0)
    claims = lab.runs(arguments, lab.CURVE)
    assert len(curve) == 2 * 3 * len(lab.WAYS)
    assert "photographs, from nothing, 300 images" in [run.row for run in claims]
    assert "photographs, from nothing, 200 images" not in [run.row for run in claims]
    assert not any(run.row.startswith("shifted") for run in claims)
    assert {run.settings["real"] for run in curve} == {None, "PREPARED"}


def test_the_claims_are_paired_over_seeds_and_corrected_together(photographs, tmp_path):
    table, _, arguments = photographs
    arguments.out = tmp_path
    truth = table[table.split == "test"].expression.map(SEVEN.index).to_numpy()
    finished = [run for seed in (0, 1) for run in lab.runs(arguments, seed)]
    for run in finished:
        found = truth if lab.WAYS[-1] in run.row else np.roll(truth, 1)
        stored = dict(answers=found, valid=np.array(0.5), seconds=np.array(1.0))
        write_kept(run.folder(tmp_path) / ANSWERS, stored)
    results = lab.results(arguments, finished)
    scores = pd.DataFrame(results["rows"]).groupby("way").macro_f1.mean()
    assert scores[lab.WAYS[-1]] == 1
    assert scores[lab.WAYS[0]] == 0
    assert {row["claims"] for row in results["comparisons"]} == {len(results["comparisons"])}
    assert all(row["mean"] == 1 for row in results["comparisons"])


def test_the_machine_is_chosen_by_validation():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (40, 28, 28, 3), dtype=np.uint8)
    images[::2, :, ::7] = 255  # stripes
    codes = np.arange(40) % 2
    features = hog_features(images)
    machine, score = fit_hog_svm(features[:30], codes[:30], valid=(features[30:], codes[30:]))
    assert score == 1
    assert (machine.predict(features) == codes).all()
