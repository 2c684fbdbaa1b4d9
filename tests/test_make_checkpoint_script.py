"The command experiments/make_checkpoint.py: runs of transfer.py, a view, one half."

import argparse
import sys
from pathlib import Path
import numpy as np
import pandas as pd
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))
import make_checkpoint as script
import transfer
from fer_course.core.errors import CourseError
from fer_course.core.cache import read_kept, write_kept
from fer_course.core.files import make_folder, read_json, write_json
from fer_course.facs import SEVEN
from fer_course.models import create, load
from harness import train_and_store
from transfer_rows import ROWS
from yardstick import QUESTIONS, SIX, yardstick


def arguments_of(out, *words):
    "Return the arguments of the command line."
    return script.parser().parse_args(["--out", str(out), "--real", "x", *map(str, words)])


def some_photographs(people=24, each=6, seed=0):
    "Return a manifest of photographs in two halves, and crops that hold their number."
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        dict(
            expression=rng.permutation(np.resize(SIX, people * each)).astype(object),
            subject=np.repeat([f"person {i:02}" for i in range(people)], each),
            half=np.repeat(np.where(np.arange(people) % 2, "report", "choose"), each),
        )
    )
    crops = np.arange(len(table), dtype=np.uint8)[:, None, None, None]
    return table, np.broadcast_to(crops, (len(table), 112, 112, 3))


@pytest.fixture
def scored(monkeypatch):
    "Replace photographs and network by stand-ins; return the rows that were predicted."
    table, crops = some_photographs()
    rows_seen = []

    def predict(model, images, *, rows, device, flip):
        rows_seen.extend(rows)
        rng = np.random.default_rng(0)
        return rng.dirichlet(np.ones(7), len(rows)), None

    lost = dict(detection=dict(anger=dict(photographs=9, no_face=2)))
    monkeypatch.setattr(script, "read_photographs", lambda out, real: (table, crops, lost))
    monkeypatch.setattr("fer_course.train.predict", predict)
    return table, rows_seen


def source_with(table, layer="raw", out="x"):
    "Return a source whose photographs are scored, without runs."
    return script.Source(Path(out), layer, table, run=None, group=(), valid={})


def test_the_runs_are_those_of_transfer(tmp_path):
    arguments = arguments_of(tmp_path, "--row", "base")
    words = ["--out", str(tmp_path), "--real", "x", "--rows", "base"]
    others = transfer.EXPERIMENT.parser().parse_args(words)
    (run,) = transfer.runs(others, 2)
    (ours,) = transfer.runs(script.of_transfer(arguments, ("base",)), 2)
    assert ours.folder(tmp_path) == run.folder(tmp_path)


def test_what_is_missing_is_named_with_its_command(tmp_path):
    with pytest.raises(CourseError) as caught:
        script.finished_runs(arguments_of(tmp_path, "--row", "medium", "--seeds", 0, 2))
    for row in ("medium", *script.TEACHERS):
        assert f"{row}, seeds 0 2" in str(caught.value)
    command = "transfer.py --out OUT --real PHOTOGRAPHS --rows medium base 'changes first'"
    assert command in caught.value.remedy
    assert caught.value.remedy.endswith("--seeds 0 2 --faces 8000 --epochs 8")
    write_answers(tmp_path, "medium", 0, valid=0.5)
    words = ("--row", "medium", "--layer", "counted", "--seeds")
    with pytest.raises(CourseError, match="not finished: medium, seeds 2"):
        script.finished_runs(arguments_of(tmp_path, *words, 0, 2))
    assert list(script.finished_runs(arguments_of(tmp_path, *words, 0))) == [0]


def write_answers(out, row, seed, *, valid, photographs=144):
    "Finish a run without training it."
    (run,) = transfer.runs(script.of_transfer(arguments_of(out), (row,)), seed)
    make_folder(run.folder(out))
    answers = dict(valid=np.array(valid), raw=np.zeros((photographs, 7)))
    write_kept(run.folder(out) / "answers.npz", answers)


def test_the_seed_is_chosen_by_validation(scored, tmp_path):
    for seed, valid in enumerate((0.5, 0.6, 0.4)):
        write_answers(tmp_path, "base", seed, valid=valid)
    source = script.source_of(arguments_of(tmp_path, "--row", "base", "--layer", "raw"))
    assert source.run.seed == 1
    assert source.valid == {0: 0.5, 1: 0.6, 2: 0.4}
    assert source.group == ()


def test_other_photographs_are_refused(scored, tmp_path):
    write_answers(tmp_path, "base", 0, valid=0.5, photographs=9)
    words = ("--row", "base", "--layer", "raw", "--seeds", 0)
    with pytest.raises(CourseError, match="x: holds 144 photographs.*have read 9"):
        script.source_of(arguments_of(tmp_path, *words))


def test_a_shipped_network_has_the_weights_and_a_view():
    torch.manual_seed(0)
    trained = create("small", expressions=SEVEN, size=64)
    shipped = script.with_view(trained, "small")
    assert (shipped.config.size, shipped.config.view) == (112, "inner")
    assert torch.equal(shipped.classify.weight, trained.classify.weight)
    assert not shipped.training


def test_without_report_the_reporting_half_is_not_predicted(scored, tmp_path):
    table, rows_seen = scored
    ledger = tmp_path / "ledger.json"
    source = source_with(table)
    found = script.photograph_scores(arguments_of(tmp_path), source, None, ledger=ledger)
    assert "report" not in found
    assert found["without_face"] == 2
    assert set(table.half.iloc[rows_seen]) == {"choose"}
    assert len(rows_seen) == (table.half == "choose").sum()
    assert not ledger.exists()
    assert set(found["choose"]) == {*QUESTIONS, "peers", "answered_by"}


def test_the_choosing_half_is_answered_in_folds(scored, monkeypatch, tmp_path):
    table, rows_seen = scored
    truth = np.eye(7)[[SEVEN.index(name) for name in table.expression]]
    asked = []

    def taught_again(out, run, real, runs):
        asked.append((out, run, runs))
        return dict(several=truth, counted=truth[::-1])

    monkeypatch.setattr(script.teachers, "taught_again", taught_again)
    source = source_with(table, "several")
    ledger = tmp_path / "ledger.json"
    arguments = arguments_of(tmp_path, "--report")
    found = script.photograph_scores(arguments, source, None, ledger=ledger)
    assert found["choose"]["six"]["by_photograph"]["macro_f1"] == 1
    assert "folds of people" in found["choose"]["answered_by"]
    assert asked == [(source.out, None, ())]
    assert found["report"]["six"]["by_photograph"]["macro_f1"] < 0.5
    assert found["report"]["answered_by"] == script.ITSELF
    assert set(table.half.iloc[rows_seen]) == {"report"}, "by the shipped network itself"


def test_the_reporting_half_is_counted_once(scored, tmp_path):
    table, _ = scored
    ledger = tmp_path / "ledger.json"
    arguments = arguments_of(tmp_path, "--report")
    for _ in range(2):
        found = script.photograph_scores(arguments, source_with(table), None, ledger=ledger)
    entries = read_json(ledger)
    assert len(entries) == 1
    score = entries[0]["scores"]["six"]["shipped network, photographs"]
    assert round(score, 4) == found["report"]["six"]["by_photograph"]["macro_f1"]


def of_half(table, crops, half):
    "Return the scores of the stand-in on one half."
    return yardstick(table, [script.predicted(table, crops, None, half)], half)


def test_peers_are_shown_beside_the_same_photographs_alone(scored, tmp_path):
    table, _ = scored
    _, crops = some_photographs()
    found = of_half(table, crops, "choose")
    peers = dict(
        command="python",
        commit="1",
        time="now",
        seen={"fer": "FER2013", "ours (small)": "rendered"},
        scores=dict(choose={"fer": found, "ours (small)": found}),
    )
    write_json(tmp_path / "peers.json", peers)
    beside = script.peer_scores(found, "choose", tmp_path / "peers.json")
    assert list(beside["macro_f1"]) == ["fer"]
    assert list(beside["learned_from"]) == ["fer"]
    six = beside["macro_f1"]["fer"]["six"]["by_person"]
    assert six == round(found["six"]["by_person"]["macro_f1"], 4)
    other = of_half(table, crops, "report")
    assert script.peer_scores(other, "choose", tmp_path / "peers.json") is None
    assert script.peer_scores(found, "choose", tmp_path / "none.json") is None


def rendered_stand_in(n=42, size=112, seed=0):
    "Return a manifest of rendered faces with their split, and crops."
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        dict(
            image=[f"{i}.png" for i in range(n)],
            dataset="rendered",
            subject=[f"p{i // 6}" for i in range(n)],
            expression=np.resize(SEVEN, n).astype(object),
            split=np.where(np.arange(n) < n - 12, "train", "valid"),
            role="target",
            aligned=True,
        )
    )
    table["posed"] = table.expression
    for unit in create("small").config.action_units:
        table[f"AU{unit}"] = rng.integers(0, 2, n).astype(float)
    return table, rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def training_faces(out, row, *, faces, size):
    "Return random images in place of the faces of a row."
    return rendered_stand_in(size=size, seed=len(row.styles))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    "Return the folder of runs of transfer.py that learned for an epoch from random images."
    out = tmp_path_factory.mktemp("transfer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "training_faces", training_faces)
        patch.setattr(script.teachers, "training_faces", training_faces)
        patch.setitem(transfer.TRAINING, "batch_size", 8)
        patch.setattr(transfer, "maximise_information", lambda model, *_, **__: model)
        patch.setattr(script, "TEACHERS", TEACH)
        patch.setattr(transfer, "TEACHERS", TEACH)
        patch.setattr(transfer, "photographs", lambda *_: photographs_stand_in())
        chosen = script.of_transfer(arguments_of(out, *SIZES), TEACH)
        for seed in (0, 1):
            for run in transfer.runs(chosen, seed):
                train_and_store(transfer.train, out, run)
        yield out


TEACH = ("base", "changes first")
SIZES = ("--faces", 42, "--epochs", 1, "--seeds", 0, 1)


def photographs_stand_in():
    "Return photographs of random pixels."
    table, _ = some_photographs()
    crops = np.random.default_rng(1).integers(0, 256, (len(table), 112, 112, 3), dtype=np.uint8)
    return table, crops, dict(detection=dict(anger=dict(photographs=9, no_face=2)))


@pytest.fixture
def stand_ins(trained, monkeypatch):
    "Replace images by random ones; return the folder of the runs."
    monkeypatch.setattr(script, "training_faces", training_faces)
    monkeypatch.setattr(script, "prepared", lambda out, what: rendered_stand_in())
    published = dict(published=np.zeros((144, 7)))
    monkeypatch.setattr(script.teachers, "published_answers", lambda *_: published)
    monkeypatch.setattr(script, "read_photographs", lambda out, real: photographs_stand_in())
    return trained


@pytest.mark.parametrize("layer", script.LAYERS)
def test_the_last_layer_answers_as_the_one_that_was_scored(stand_ins, layer):
    arguments = arguments_of(stand_ins, *SIZES, "--row", "base", "--layer", layer)
    source = script.source_of(arguments)
    shipped, counted = script.shipped_network(source)
    trained = script.teachers.network_of(stand_ins, source.run)
    kept = script.teachers.read_of(read_kept(source.run.folder(stand_ins) / "reads.npz"), "photo")
    with torch.no_grad():
        features = torch.from_numpy(kept.features)
        found = shipped.classify(features).softmax(1).numpy()
        own = trained.classify(features).softmax(1).numpy()
    if layer == "raw":
        assert torch.equal(shipped.classify.weight, trained.classify.weight)
        assert counted == {}
        return
    choose = np.flatnonzero((source.real.half == "choose").to_numpy())
    expected = script.counted_head.answers_of(
        kept.features, source.lesson().layers([choose])[0][layer]
    )
    assert np.allclose(found, expected, atol=1e-5)
    assert not np.allclose(found, own, atol=1e-2)
    assert set(counted) == set(SIX)
    assert min(counted.values()) >= script.counted_head.LEAST
    for name, weights in trained.state_dict().items():
        same = torch.equal(shipped.state_dict()[name], weights)
        assert same or name.startswith("classify."), name


def test_a_checkpoint_is_made_and_made_again(stand_ins, tmp_path):
    words = (*SIZES, "--row", "base", "--checkpoint", tmp_path / "package")
    made = script.make(arguments_of(stand_ins, *words))
    assert {path.name for path in (tmp_path / "package").iterdir()} == set(script.FILES)
    card = read_json(tmp_path / "package" / "card.json")
    assert card == made
    weights = tmp_path / "package" / "model.safetensors"
    assert card["bytes"] == weights.stat().st_size
    seeds = card["valid_macro_f1_of_seeds"]
    assert seeds[str(card["seed"])] == max(seeds.values())
    assert len(card["teachers"]) == 4, "two rows of two seeds"
    assert card["preset"] == "small"
    assert (card["row"], card["layer"]) == ("base", "several")
    assert "people mean who label photographs" in card["labels_mean"]
    assert "no image trained the network" in card["of_photographs"]
    assert set(card["photographs"]) == {"what", "without_face", "choose"}
    model = load(tmp_path / "package")
    assert model(torch.zeros(1, 3, 112, 112))[0].shape == (1, 7)
    before = weights.read_bytes()
    script.make(arguments_of(stand_ins, *words))
    assert weights.read_bytes() == before


def test_too_large_a_network_is_refused(stand_ins, monkeypatch, tmp_path):
    monkeypatch.setattr(script, "LARGEST", 1000)
    words = (*SIZES, "--row", "base", "--layer", "raw", "--checkpoint", tmp_path / "package")
    with pytest.raises(CourseError, match="the package takes 1000"):
        script.make(arguments_of(stand_ins, *words))
    assert not (tmp_path / "package").exists()


def test_a_share_of_the_test_faces():
    whole = script.test_sets(2)
    small = script.test_sets(2, 0.1)
    assert {name: what.n for name, what in small.items()} == {
        name: round(0.1 * what.n) for name, what in whole.items()
    }
    assert all(what.split == "test" for what in whole.values())
    learned = {what.seed for what in script.sets_of(ROWS[script.ROW], 100)}
    assert not learned & {what.seed for what in whole.values()}, "other people"


def test_the_command_line_has_defaults(tmp_path):
    arguments = arguments_of(tmp_path)
    assert isinstance(arguments, argparse.Namespace)
    assert arguments.seeds == [0, 1, 2]
    assert (arguments.row, arguments.layer) == (script.ROW, "several")
    assert arguments.name == "photographs"
    assert not arguments.report
    assert arguments_of(tmp_path, "--seed", 3).seeds == [3]
