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
from fer_course.core.files import read_json, write_json
from fer_course.facs import SEVEN
from fer_course.models import create, load
from transfer_rows import ROWS
from yardstick import QUESTIONS, SIX


def arguments_of(out, *words):
    "Return the arguments of the command line."
    return script.parser().parse_args(["--out", str(out), *map(str, words)])


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


def test_the_training_runs_are_those_of_transfer(tmp_path):
    for preset, name in script.NAMES.items():
        arguments = arguments_of(tmp_path, "--preset", preset)
        words = ["--out", str(tmp_path), "--real", "x", "--rows", name]
        others = transfer.EXPERIMENT.parser().parse_args(words)
        (run,) = transfer.runs(others, 2)
        assert script.run_of(arguments, 2).folder(tmp_path) == run.folder(tmp_path)
        assert ROWS[name].preset == preset
        assert ROWS[name].first, "the view standardises what was not standardised before"


def test_a_shipped_network_has_the_weights_and_a_view():
    for preset in script.NAMES:
        torch.manual_seed(0)
        trained = create(preset, expressions=SEVEN, size=64)
        shipped = script.with_view(trained, preset)
        assert (shipped.config.size, shipped.config.view) == (112, "inner")
        assert torch.equal(shipped.classify.weight, trained.classify.weight)
        assert not shipped.training
        assert sum(p.numel() for p in shipped.parameters()) < 6e6


def test_the_seed_is_chosen_by_validation():
    trained = {
        seed: (None, pd.DataFrame(dict(valid_macro_f1=f1)))
        for seed, f1 in ((0, [0.5, 0.4]), (1, [0.3, 0.6]), (2, [0.6, 0.1]))
    }
    assert script.chosen_run(trained) == 1


def test_without_report_the_reporting_half_is_not_predicted(scored, tmp_path):
    table, rows_seen = scored
    ledger = tmp_path / "ledger.json"
    arguments = arguments_of(tmp_path, "--real", "x")
    found = script.photograph_scores(arguments, None, ledger=ledger)
    assert "report" not in found
    assert found["without_face"] == 2
    assert set(table.half.iloc[rows_seen]) == {"choose"}
    assert len(rows_seen) == (table.half == "choose").sum()
    assert not ledger.exists()
    assert set(found["choose"]) == {*QUESTIONS, "peers"}
    assert script.photograph_scores(arguments_of(tmp_path), None, ledger=ledger) is None


def test_the_reporting_half_is_counted_once(scored, tmp_path):
    ledger = tmp_path / "ledger.json"
    arguments = arguments_of(tmp_path, "--real", "x", "--report")
    for _ in range(2):
        found = script.photograph_scores(arguments, None, ledger=ledger)
    entries = read_json(ledger)
    assert len(entries) == 1
    score = entries[0]["scores"]["six"]["shipped network, small"]
    assert round(score, 4) == found["report"]["six"]["by_photograph"]["macro_f1"]


def test_peers_are_shown_beside_the_same_photographs_alone(scored, tmp_path):
    table, _ = scored
    _, crops = some_photographs()
    found = script.of_half(table, crops, None, "choose")
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
    other = script.of_half(table, crops, None, "report")
    assert script.peer_scores(other, "choose", tmp_path / "peers.json") is None
    assert script.peer_scores(found, "choose", tmp_path / "none.json") is None


def rendered_stand_in(n=42, size=112):
    "Return a manifest of rendered faces with their split, and crops."
    rng = np.random.default_rng(0)
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
    for unit in create("small").config.action_units:
        table[f"AU{unit}"] = rng.integers(0, 2, n).astype(float)
    return table, rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8)


@pytest.fixture
def stand_ins(monkeypatch):
    "Replace rendered faces by random images; return how often training faces were made."
    made = []

    def training_faces(out, row, *, faces, size):
        made.append(row)
        return rendered_stand_in(size=size)

    monkeypatch.setattr(script, "training_faces", training_faces)
    monkeypatch.setattr(script, "prepared", lambda out, what: rendered_stand_in())
    monkeypatch.setitem(transfer.TRAINING, "batch_size", 8)
    return made


def test_a_checkpoint_is_made_and_made_again(stand_ins, tmp_path):
    words = ("--faces", 42, "--epochs", 1, "--seeds", 0, 1, "--checkpoint", tmp_path / "package")
    made = script.make(arguments_of(tmp_path / "out", *words))
    assert {path.name for path in (tmp_path / "package").iterdir()} == set(script.FILES)
    card = read_json(tmp_path / "package" / "card.json")
    assert card == made
    weights = tmp_path / "package" / "model.safetensors"
    assert card["bytes"] == weights.stat().st_size
    assert card["seed"] in (0, 1)
    seeds = card["valid_macro_f1_of_seeds"]
    assert seeds[str(card["seed"])] == max(seeds.values())
    assert card["photographs"] is None
    model = load(tmp_path / "package")
    assert model(torch.zeros(1, 3, 112, 112))[0].shape == (1, 7)
    before = weights.read_bytes()
    log = next((tmp_path / "out").glob("runs/*/source/log.csv"))
    written = log.stat().st_mtime_ns
    script.make(arguments_of(tmp_path / "out", *words))
    assert weights.read_bytes() == before
    assert log.stat().st_mtime_ns == written, "a finished run is not trained again"


def test_too_large_a_network_is_refused(stand_ins, monkeypatch, tmp_path):
    monkeypatch.setattr(script, "LARGEST", 1000)
    words = ("--epochs", 1, "--seeds", 0, "--checkpoint", tmp_path / "package")
    with pytest.raises(CourseError, match="the package takes 1000"):
        script.make(arguments_of(tmp_path / "out", *words))
    assert not (tmp_path / "package").exists()


def test_a_share_of_the_test_faces():
    whole = script.test_sets(2)
    small = script.test_sets(2, 0.1)
    assert {name: what.n for name, what in small.items()} == {
        name: round(0.1 * what.n) for name, what in whole.items()
    }
    assert all(what.split == "test" for what in whole.values())
    learned = {what.seed for what in script.sets_of(ROWS["shipped"], 100)}
    assert not learned & {what.seed for what in whole.values()}, "other people"


def test_the_command_line_has_defaults(tmp_path):
    arguments = arguments_of(tmp_path)
    assert isinstance(arguments, argparse.Namespace)
    assert arguments.seeds == [0, 1, 2]
    assert arguments.preset == "small"
    assert not arguments.report
    assert arguments_of(tmp_path, "--seed", 3).seeds == [3]
