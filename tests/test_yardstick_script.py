"The module experiments/yardstick.py on simulated tables: weights, people, ledger."

import json
import sys
from multiprocessing import get_context
from pathlib import Path
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))
import yardstick as script
from fer_course.core.errors import CourseError
from fer_course.facs import SEVEN
from fer_course.metrics import expression_metrics


def simulated(people=40, each=6, seed=0):
    "Return a table of two halves; in `choose` one person shows all the disgust."
    rng = np.random.default_rng(seed)
    subject = np.repeat([f"person {i:02}" for i in range(people)], each)
    half = np.repeat(np.where(np.arange(people) % 2, "report", "choose"), each)
    expression = rng.choice(script.SIX, people * each).astype(object)
    alone = (half == "choose") & (expression == "disgust")
    subject = np.where(alone, "the actor", subject)
    return pd.DataFrame(dict(expression=expression, subject=subject, half=half))


def answered(table, share, seed):
    "Return probabilities (n, 7) of a predictor that is right for a share of the photographs."
    rng = np.random.default_rng(seed)
    truth = table.expression.map(SEVEN.index).to_numpy()
    right = rng.random(len(table)) < share
    codes = np.where(right, truth, rng.integers(0, 7, len(table)))
    return 0.9 * np.eye(7)[codes] + 0.1 * rng.dirichlet(np.ones(7), len(table))


def test_scores_by_photograph_are_those_of_the_library():
    table = simulated()
    runs = [answered(table, 0.6, seed) for seed in range(3)]
    found = script.yardstick(table, runs, "report")
    for question, classes in script.QUESTIONS.items():
        mask = ((table.half == "report") & table.expression.isin(classes)).to_numpy()
        columns = [SEVEN.index(name) for name in classes]
        truth = table.expression[mask].tolist()
        metrics = [
            expression_metrics(truth, run[mask][:, columns], classes=classes) for run in runs
        ]
        scores = found[question]["by_photograph"]
        assert scores["each"] == pytest.approx([m["macro_f1"] for m in metrics])
        assert scores["accuracy"] == pytest.approx(np.mean([m["accuracy"] for m in metrics]))
        f1 = {row["class"]: row["f1"] for row in metrics[0]["per_class"]}
        assert scores["f1"].keys() == f1.keys()
        assert found[question]["photographs"] == mask.sum()
        assert scores["low"] < scores["macro_f1"] < scores["high"]
        assert json.dumps(found, allow_nan=False)


def test_a_class_of_one_person_is_named_and_has_no_interval():
    table = simulated()
    found = script.yardstick(table, [answered(table, 0.6, 0)], "choose")
    assert found["six"]["thin"] == ["disgust"]
    assert found["six"]["counts"]["disgust"]["people"] == 1
    for kind in script.WEIGHTS:
        assert found["six"][kind]["low"] is None
        assert "too few people in disgust (1)" in found["six"][kind]["reason"]
        assert found["five"][kind]["low"] is not None
    assert found["five"]["thin"] == []
    assert "disgust" not in found["five"]["counts"]
    assert "disgust show 1 person" in script.thin_words(found)[0]
    assert "the actor" not in json.dumps(found)
    assert script.thin_words(script.yardstick(table, [answered(table, 0.6, 0)], "report")) == []


def test_copies_of_a_persons_photographs_change_no_score_by_person():
    table = simulated()
    runs = [answered(table, 0.6, 0)]
    copies = np.where(table.subject == "person 01", 15, 1)
    rows = np.repeat(np.arange(len(table)), copies)
    once = script.yardstick(table, runs, "report")
    often = script.yardstick(table.iloc[rows], [runs[0][rows]], "report")
    for name in ("macro_f1", "accuracy", "low", "high"):
        assert often["six"]["by_person"][name] == pytest.approx(once["six"]["by_person"][name])
    changed = [found["six"]["by_photograph"]["macro_f1"] for found in (once, often)]
    assert abs(changed[0] - changed[1]) > 0.001


def test_recall_by_person_is_the_mean_of_peoples_recalls():
    truth = ["anger"] * 5 + ["neutral"] * 2
    people = ["a", "a", "a", "a", "b", "c", "d"]
    predicted = np.array([["anger"] * 4 + ["neutral"] * 3], dtype=object)
    weights = script.weights_of("by_person", truth, people)
    f1 = script.class_f1(truth, predicted, ("anger", "neutral"), weights)
    # a: recall 1, b: recall 0; neutral: two people right, b's face is one false alarm
    assert f1[0] == pytest.approx([2 * 1 / (2 + 1), 2 * 2 / (2 + 3)])
    assert script.weights_of("by_photograph", truth, people) is None


def test_five_classes_leave_photographs_and_answers_of_disgust_out():
    table = simulated()
    always = np.tile(np.eye(7)[SEVEN.index("disgust")] + 0.1 * np.eye(7)[0], (len(table), 1))
    found = script.yardstick(table, [always], None)
    assert found["six"]["by_photograph"]["f1"]["disgust"]["mean"] > 0
    assert found["five"]["by_photograph"]["macro_f1"] > 0, "the next best class is answered"
    assert found["five"]["photographs"] == (table.expression != "disgust").sum()
    with pytest.raises(ValueError, match="NaN"):
        script.yardstick(table, [always * np.nan], None)
    with pytest.raises(ValueError, match="length"):
        script.yardstick(table, [always[1:]], None)


def test_two_predictors_are_compared_over_seeds_and_people():
    table = simulated(people=60)
    weak = [answered(table, 0.4, seed) for seed in range(3)]
    strong = [answered(table, 0.8, seed + 9) for seed in range(3)]
    found = script.compared(table, weak, strong, "report", names=("weak", "strong"))
    for question in script.QUESTIONS:
        for kind in script.WEIGHTS:
            assert found[question][kind]["shown"] is True
            assert found[question][kind]["claims"] == 4
            assert found[question][kind]["verdict"].startswith("strong is ")
    alone = script.compared(table, strong[:1], weak, "report", names=("peer", "ours"))
    assert alone["five"]["by_person"]["n"] == 3, "one network is set against every seed"
    assert alone["five"]["by_person"]["mean"] < 0
    chosen = script.compared(table, weak, strong, "choose")
    assert "disgust (1)" in chosen["six"]["by_person"]["reason"]
    with pytest.raises(ValueError, match="do not pair"):
        script.compared(table, weak[:2], strong, "report")


def test_the_table_shows_both_questions_and_both_weights():
    table = simulated()
    scores = {"a": script.yardstick(table, [answered(table, 0.6, s) for s in (0, 1)], "report")}
    shown = script.score_table(scores)
    assert shown.shape == (1, 4)
    assert "±" in shown.loc["a", "five by person"]
    assert "[" in shown.loc["a", "five by person"]


# The ledger


def entry(what="first", score=0.3):
    scores = dict(six=dict(raw=score, balanced=None), five=dict(raw=score + 0.1))
    return script.entry_of("python x.py --report", "abc", what, scores=scores)


def test_the_ledger_grows_and_repeats_nothing(tmp_path):
    path = tmp_path / "folder" / "ledger.json"
    assert len(script.count_scoring(path, entry())) == 1
    again = entry() | dict(date="another day", commit="other")
    assert len(script.count_scoring(path, again)) == 1, "the same numbers were printed again"
    assert len(script.count_scoring(path, entry(score=0.31))) == 2
    assert len(script.count_scoring(path, entry("second"))) == 3
    entries = json.loads(path.read_text())
    assert [e["what"] for e in entries] == ["first", "first", "second"]
    shown = script.ledger_table(entries)
    assert shown.scores.tolist() == [2, 2, 2]
    assert shown["best five"].tolist() == pytest.approx([0.4, 0.41, 0.4])
    assert [p.name for p in path.parent.iterdir()] == ["ledger.json"], "no lock is left"


def test_the_ledger_refuses_what_it_cannot_count(tmp_path):
    path = tmp_path / "ledger.json"
    with pytest.raises(CourseError, match="scores"):
        script.count_scoring(path, {k: v for k, v in entry().items() if k != "scores"})
    assert not path.exists()
    path.write_text("[{")
    with pytest.raises(CourseError, match="readable"):
        script.count_scoring(path, entry())
    assert path.read_text() == "[{"


def append(path, number):
    script.count_scoring(path, entry(f"process {number}"))


def test_processes_that_append_together_lose_no_entry(tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "ledger.json"
    context = get_context("fork")
    processes = [context.Process(target=append, args=(path, k)) for k in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    names = {e["what"] for e in json.loads(path.read_text())}
    assert names == {f"process {k}" for k in range(8)}


def test_the_ledger_of_the_course_is_complete():
    entries = json.loads(script.LEDGER.read_text())
    assert all(set(script.ENTRY) <= e.keys() for e in entries)
    assert all(e["commit"] or "note" in e for e in entries)
    assert len(script.ledger_table(entries)) == len(entries)
    shown = {e["commit"] for e in entries}
    assert {"2d01faa", "fcd6d49", "34a0fc4", "65a46a4"} <= shown
