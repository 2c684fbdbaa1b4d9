"The command experiments/transfer.py: one change a row, and the choosing half alone."

import sys
from dataclasses import asdict, replace
from pathlib import Path
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))
import teachers
import transfer as script
import transfer_rows
from fer_course.core.files import make_folder, read_json, write_json, write_table
from fer_course.faces import ANNOTATORS
from fer_course.facs import SEVEN
from yardstick import FIVE, SIX

SIZES = dict(faces=140, epochs=1, size=32)


def simulated(people=24, each=6, seed=0):
    "Return a manifest of photographs in two halves."
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        dict(
            expression=rng.permutation(np.resize(SIX, people * each)).astype(object),
            subject=np.repeat([f"person {i:02}" for i in range(people)], each),
            half=np.repeat(np.where(np.arange(people) % 2, "report", "choose"), each),
            aligned=True,
        )
    )


def differences(row, other):
    "Return the fields in which two rows differ."
    a, b = asdict(row), asdict(other)
    return {name for name in a if a[name] != b[name]}


def test_each_row_differs_from_its_reference_in_one_thing():
    for name, row in script.ROWS.items():
        reference = script.REFERENCES.get(name, "base")
        changed = differences(row, script.ROWS[reference])
        if name != "base" and name not in transfer_rows.SEVERAL:
            assert len(changed) == 1, name
    assert differences(transfer_rows.TOGETHER, transfer_rows.BASE) == {
        "independent",
        "intensities",
        "changes",
        "first",
        "ema",
    }


def test_rows_of_unknown_annotators_are_left_out():
    known = script.known_rows()
    assert "base" in known
    for name in set(script.ROWS) - set(known):
        assert script.ROWS[name].annotator not in ANNOTATORS, name


def test_every_row_has_the_same_number_of_faces():
    for row in script.ROWS.values():
        sets = script.sets_of(row, 1000)
        assert sum(what.n for what in sets) == 1000 * row.times
        assert {what.meaning for what in sets} == {row.meaning}


def test_an_annotator_labels_the_images_that_were_rendered(tmp_path):
    row = script.ROWS["base"]
    what = script.sets_of(row, 40)[0]
    table, _ = transfer_rows.rendered(tmp_path, what)
    assert transfer_rows.labels_by(what, table, "meant") == table.expression.tolist()
    written = transfer_rows.labels_by(what, table, "folk", chunk=7)
    again = transfer_rows.written_labels(
        replace(what, annotator="folk"), what.parameters(0, what.n), start=0
    )
    assert written == again, "in pieces as in one"
    shuffled = table.sample(frac=1, random_state=0)
    assert transfer_rows.labels_by(what, shuffled, "folk") == [written[i] for i in shuffled.index]
    assert written != table.expression.tolist()


def test_faces_without_an_expression_stay_without_a_label(tmp_path):
    row = replace(transfer_rows.INDEPENDENT, annotator="folk", styles=("drawn",))
    table, _ = script.training_faces(tmp_path, row, faces=60, size=16)
    assert 15 < table.posed.isna().sum() < 45, "half of the units have no expression"
    assert (table.expression.isna() == table.posed.isna()).all()
    assert (table.expression != table.posed)[table.posed.notna()].any()


def test_the_probe_is_read_by_other_people_in_the_choosing_half():
    real = simulated()
    rng = np.random.default_rng(0)
    codes = real.expression.map(SEVEN.index).to_numpy()
    person = np.unique(real.subject, return_inverse=True)[1]
    useful = np.eye(7)[codes] + 0.1 * rng.normal(size=(len(real), 7))
    found = script.probe(useful, real)
    asked = ((real.half == "choose") & real.expression.isin(FIVE)).to_numpy()
    assert np.isnan(found[~asked]).all(), "nothing is read outside of the question"
    assert np.allclose(found[asked].sum(1), 1)
    assert (found[asked].argmax(1) == codes[asked]).mean() > 0.95
    # what tells people apart is of no use for people who taught nothing
    own = np.eye(24)[person] * 9
    blind = script.probe(own, real)[asked]
    assert (blind.argmax(1) == codes[asked]).mean() < 0.5


def test_balanced_predictions_use_all_classes_of_the_question_equally():
    real = simulated()
    p = np.random.default_rng(0).dirichlet(np.ones(7), len(real))
    p[:, 0] += 2
    p /= p.sum(1, keepdims=True)
    mask = script.asked(real, "choose", FIVE)
    even = script.balanced(p, mask, FIVE)
    columns = [SEVEN.index(name) for name in FIVE]
    assert np.allclose(even[mask][:, columns].mean(0), 1 / 5, atol=0.02)
    assert (even[~mask] == 0).all()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    "Return the folder of a tiny experiment of two rows and its results."
    out = tmp_path_factory.mktemp("transfer")
    folder = make_folder(out / "real")
    real = simulated()
    rng = np.random.default_rng(1)
    images = rng.integers(0, 255, (len(real), 112, 112, 3), dtype=np.uint8)
    np.save(folder / "images.npy", images)
    write_table(folder / "manifest.parquet", real)
    write_json(folder / "lost.json", dict(left_out={}, detection={}))
    words = ["--real", "photos", "--out", str(out), "--seeds", "0", "--rows", "base", "together"]
    for name, value in SIZES.items():
        words += [f"--{name}", str(value)]
    arguments = script.EXPERIMENT.parser().parse_args(words)
    return out, script.EXPERIMENT.run(arguments), arguments


def test_a_tiny_experiment_writes_scores_of_the_choosing_half(finished):
    out, found, _ = finished
    assert read_json(out / "transfer.json")["rows"].keys() == {"base", "together"}
    assert "report" not in found
    assert found["half"] == "choose"
    for name, row in found["rows"].items():
        assert row["faces"] == SIZES["faces"], name
        scores = row["scores"]["raw"]["six"]
        assert scores["photographs"] == 72, name
        assert 0 <= scores["by_person"]["macro_f1"] <= 1, name
        assert 0 <= row["probe"]["by_photograph"]["macro_f1"] <= 1, name
    assert found["compared"]["together"]["to"] == "base"
    assert found["detectable"] == {}, "one seed has no spread"


def test_a_finished_experiment_is_not_trained_again(finished):
    out, found, arguments = finished
    before = {path: path.stat().st_mtime_ns for path in out.rglob("answers.npz")}
    again = script.EXPERIMENT.run(arguments)
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("answers.npz")}
    assert again["rows"] == found["rows"]


def test_images_are_standardised_before_or_within_training(finished):
    out, _, _ = finished
    base = script.ROWS["base"]
    table, before = script.training_faces(out, base, faces=140, size=32)
    other, within = script.training_faces(out, replace(base, first=True), faces=140, size=32)
    assert other.image.equals(table.image)
    assert np.array_equal(script.standardise(within), before)
    settings = script.settings_of(script.ROWS["together"], epochs=1, seed=0)
    assert settings["augment"].change == transfer_rows.TRANSFER
    assert settings["intensities"]


def test_the_last_layer_is_taught_again_without_training_the_network_again(finished):
    out, _, arguments = finished
    run = script.runs(arguments, 0)[0]
    real = script.photographs("photos", out / "real")[0]
    group = script.teacher_runs(arguments, out)
    assert [teacher.row for teacher in group] == ["base"], "finished runs of the rows that teach"
    found = script.taught_again(out, run, real, group)
    assert found.keys() == {"posed", "counted", "several", "several_posed", "published"}
    for way, p in found.items():
        assert p.shape == (len(real), 7), way
        assert np.allclose(p.sum(1), 1, atol=1e-4), way
    assert np.allclose(found["several"], found["counted"], atol=1e-5), "one teacher: the network"
    kept = run.folder(out) / "taught_several.npz"
    before = kept.stat().st_mtime_ns
    script.taught_again(out, run, real, group)
    assert kept.stat().st_mtime_ns == before, "read, not made again"
    script.write_kept(kept, found, mark="other teachers")
    script.taught_again(out, run, real, group)
    assert teachers.read_kept(kept, mark="other teachers") is None


def test_a_teacher_reads_the_same_units_as_when_it_was_trained(finished):
    out, _, arguments = finished
    run = script.runs(arguments, 0)[0]
    taught = teachers.teachers_of(out, run, [run])[0]
    kept = teachers.read_kept(run.folder(out) / teachers.READS)
    assert np.allclose(taught.faces, kept["face_units"], atol=1e-4)
    assert np.array_equal(taught.photographs, kept["photo_units"])


def test_claims_of_all_rows_and_ways_are_corrected_together(finished):
    found = finished[1]
    assert list(found["compared"]) == ["together"]
    assert list(found["compared_ways"]) == ["base"], "the last layer of together is not taught"
    assert found["claims"] == 4 + 4 * 4, "two questions, two weights; raw, and four ways of base"
    claims = [found["compared"]["together"]["raw"]]
    claims += [found["compared_ways"]["base"][way] for way in script.CONTROLS]
    for questions in claims:
        for kinds in questions.values():
            assert {claim["claims"] for claim in kinds.values()} == {20}


def test_one_row_is_reported_and_entered_once(finished, tmp_path, monkeypatch):
    out, _, arguments = finished
    table = script.photographs("photos", out / "real")[0]
    by_row = {run.row: {0: run.answers(out)} for run in script.runs(arguments, 0)}
    monkeypatch.setattr(script, "commit_of", lambda: "abc")
    ledger = tmp_path / "ledger.json"
    arguments.report = ["base", "raw"]
    found = script.report_scores(arguments, table, by_row, ledger=ledger)
    assert found["scores"]["six"]["photographs"] == 72
    entries = read_json(ledger)
    assert [list(e["scores"]["six"]) for e in entries] == [["base, raw"]]
    for bad in (["base", "nothing"], ["medium", "raw"]):
        arguments.report = bad
        with pytest.raises(script.CourseError, match="not possible"):
            script.report_scores(arguments, table, by_row, ledger=ledger)
    assert read_json(ledger) == entries
    arguments.report = None


def test_recalibration_learns_what_a_network_confuses():
    real = simulated(people=60)
    codes = real.expression.map(SEVEN.index).to_numpy()
    p = np.full((len(real), 7), 0.02)
    p[np.arange(len(real)), np.roll(np.arange(7), 1)[codes]] = 0.88
    found = teachers.recalibrated(p, real)
    assert (found.argmax(1) == codes).mean() > 0.95
    assert np.allclose(found.sum(1), 1)
    other = real.assign(expression=np.where(real.half == "report", "anger", real.expression))
    assert np.array_equal(found, teachers.recalibrated(p, other))
