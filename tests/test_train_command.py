"`fer-course train`, `evaluate`, `runs`: runs resumed, killed, repeated, on a full disk."

import json
import resource
import shutil
from pathlib import Path
import numpy as np
import pandas as pd
import pytest
import torch
from fer_course.app import main
from fer_course.train.selection import IMAGES_SEEN
from fer_course.train import FILES, read_config, read_log, without_timing
from killing import in_fork, kill, killed_in_a_row

torch.set_num_threads(1)  # as the processes beside this one
CPU = ("--device", "cpu")
SHORT = ("--epochs", 3, "--batch-size", 16, *CPU)


def result(run):
    "Return what two equal runs share: weights and metrics to the byte, all scores of the log"
    names = ("best.safetensors", "last.safetensors", "metrics.json")
    files = {name: (Path(run) / name).read_bytes() for name in names}
    return files | dict(log=without_timing(read_log(run)).to_csv())


@pytest.fixture
def here(capsys):
    "Run the command line in this process: (exit status, stdout, stderr)"

    def call(*arguments):
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture(scope="module")
def straight(prepared, fer_course, tmp_path_factory):
    "Return (run, stdout) of an uninterrupted training run in a process of its own"
    out = tmp_path_factory.mktemp("straight") / "run"
    done = fer_course("train", "--data", prepared, *SHORT, "--out", out)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


@pytest.fixture
def run_copy(straight, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(straight[0], run)
    return run


def test_a_run_has_its_files_and_lines(straight):
    out, printed = straight
    assert {path.name for path in out.iterdir()} == {*FILES, IMAGES_SEEN}
    assert "best: epoch" in printed
    assert printed.count("images/s") == 3


def test_a_run_has_a_log_and_metrics(straight):
    out, _ = straight
    log = read_log(out)
    metrics = json.loads((out / "metrics.json").read_text())
    assert log.epoch.tolist() == [1, 2, 3]
    scores = {"lr", "train_loss", "valid_loss", "valid_macro_f1"}
    assert scores | {"seconds", "images_per_second", "memory"} <= set(log)
    assert metrics["valid_macro_f1"] == log.valid_macro_f1.max()
    assert metrics["best_epoch"] == log.epoch[log.valid_macro_f1.idxmax()]


def test_the_config_names_settings_and_relative_paths(straight, prepared):
    out, _ = straight
    config = read_config(out)
    assert config["preset"] == "small"
    assert config["schedule"] == "small"
    assert config["training"]["seed"] == 0
    assert config["training"]["epochs"] == 3
    assert (out / config["data"]["target"]).resolve() == prepared.resolve()
    assert str(prepared) not in (out / "config.json").read_text(), "paths are relative to the run"


def test_the_same_command_does_nothing_for_a_finished_run(straight, prepared, here):
    out, _ = straight
    command = ("train", "--data", prepared, *SHORT, "--out", out)
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in out.iterdir()}
    status, printed, _ = here(*command)
    assert status == 0
    assert "images/s" not in printed
    assert before == {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in out.iterdir()}
    status, _, error = here(*command, "--seed", 1)
    assert status == 1
    assert "seed: 0 -> 1" in error
    assert "another folder" in error


def test_killed_before_each_of_its_files_it_ends_the_same(straight, prepared, tmp_path):
    run = tmp_path / "run"
    command = ("train", "--data", prepared, *SHORT, "--out", run)
    kill(command, of="config.json")
    first_epoch = ("best.safetensors", "last.safetensors", "checkpoint.pt", "log.csv")
    for name in (*first_epoch, "checkpoint.pt", "metrics.json"):
        assert in_fork(command, nth=1, of=name) == str(run / name)
    assert read_log(run).epoch.tolist() == [1, 2, 3], "finished epochs are kept"
    assert (run / "checkpoint.pt").exists()
    assert in_fork(command, nth=1, of="checkpoint.pt"), "before it is removed"
    assert in_fork(command) is None
    assert result(run) == result(straight[0])
    assert list(run.glob(".*")) == []


def test_killed_at_a_later_change_each_time_it_ends_the_same(straight, prepared, tmp_path):
    run = tmp_path / "run"
    kills = killed_in_a_row(("train", "--data", prepared, *SHORT, "--out", run))
    assert len(kills) >= 6
    assert result(run) == result(straight[0])
    assert list(run.glob(".*")) == []


def test_evaluate_killed_at_each_change_ends_the_same(run_copy, prepared, straight, tmp_path):
    whole = tmp_path / "whole"
    shutil.copytree(straight[0], whole)
    options = ("--on", prepared, *CPU)
    assert in_fork(("evaluate", whole, *options)) is None
    kills = killed_in_a_row(("evaluate", run_copy, *options))
    assert len(kills) >= 4
    for path in whole.iterdir():
        assert (run_copy / path.name).read_bytes() == path.read_bytes(), path.name


def test_repeated_from_its_own_config(straight, here, tmp_path):
    again = tmp_path / "deeper" / "again"
    status, _, error = here("train", "--again", straight[0], "--out", again, *CPU)
    assert status == 0, error
    assert result(again) == result(straight[0])


def test_a_run_that_was_moved_alone_names_its_missing_data(straight, here, tmp_path):
    moved = tmp_path / "further" / "away" / "moved"
    shutil.copytree(straight[0], moved)
    status, _, error = here("train", "--again", moved, "--out", tmp_path / "x", *CPU)
    assert status == 1
    assert "manifest.parquet: is missing" in error


def test_other_data_are_noticed(straight, prepared, here, tmp_path):
    (tmp_path / "a").mkdir()
    copy = tmp_path / "a" / "data"
    shutil.copytree(prepared, copy)
    run = tmp_path / "a" / "run"
    shutil.copytree(straight[0], run)
    config = read_config(run)
    config["data"]["target"] = "../data"
    (run / "config.json").write_text(json.dumps(config))
    images = np.load(copy / "images.npy")
    np.save(copy / "images.npy", 255 - images)
    status, _, error = here("train", "--again", run, "--out", tmp_path / "x", *CPU)
    assert status == 1
    assert "images or labels differ" in error


def test_evaluate_writes_scores_and_predictions(run_copy, prepared, here):
    command = ("evaluate", run_copy, "--on", prepared, "--split", "test", *CPU)
    status, printed, error = here(*command)
    assert status == 0, error
    name = f"{prepared.name}-test"
    scores = json.loads((run_copy / f"evaluated-{name}.json").read_text())
    table = pd.read_parquet(run_copy / f"answers-{name}.parquet")
    assert f"macro F1 {scores['macro_f1']:.3f}" in printed
    assert scores["n"] == len(table)
    assert scores["interval"]["n"] == len(table)
    assert scores["interval"]["unit"] == "people"
    columns = [c for c in table if c.startswith("p_") and not c.startswith("p_AU")]
    predicted = [scores["classes"][k] for k in table[columns].to_numpy().argmax(1)]
    assert scores["accuracy"] == pytest.approx(np.mean(predicted == table.expression))
    assert scores["action_units"]["macro_f1"] is not None


def test_runs_lists_the_scores(run_copy, prepared, here, tmp_path):
    status, _, error = here("evaluate", run_copy, "--on", prepared, *CPU)
    assert status == 0, error
    name = f"{prepared.name}-test"
    scores = json.loads((run_copy / f"evaluated-{name}.json").read_text())
    status, printed, _ = here("runs", tmp_path)
    assert status == 0
    assert f"{name} {scores['macro_f1']:.3f}" in printed
    assert "done" in printed
    assert "small" in printed


def test_a_missing_split_and_a_missing_run_are_errors(run_copy, prepared, here, tmp_path):
    command = ("evaluate", run_copy, "--on", prepared, "--split", "night", *CPU)
    status, _, error = here(*command)
    assert status == 1
    assert "no labelled image in the split night" in error
    status, _, error = here("runs", tmp_path / "nowhere")
    assert status == 1
    assert "holds no run" in error


def test_a_full_disk_keeps_the_old_checkpoint(straight, prepared, fer_course, tmp_path):
    run = tmp_path / "run"
    command = ("train", "--data", prepared, *SHORT, "--out", run)
    in_fork(command, of="checkpoint.pt", nth=2)
    before = (run / "checkpoint.pt").read_bytes()
    size = len(before) - 1000  # the weights fit, the checkpoint does not

    def limit_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    full = fer_course(*command, preexec_fn=limit_files)
    assert full.returncode == 1
    assert "Remedy" in full.stderr
    assert "checkpoint.pt" in full.stderr
    assert "Traceback" not in full.stderr
    assert (run / "checkpoint.pt").read_bytes() == before
    done = fer_course(*command)
    assert done.returncode == 0, done.stderr
    assert result(run) == result(straight[0])


def test_an_auxiliary_folder_and_the_options(prepared, here, tmp_path):
    data = ("--data", prepared, "--auxiliary", prepared, "--auxiliary-rows", "train")
    recipe = ("--schedule", "au_vit_affectnet")
    size = ("--epochs", 1, "--batch-size", 16, "--ratio", 2)
    loss = ("--class-weights", "balanced", "--joint", "both", "--units", "common")
    loop = ("--ema", 0.9, "--patience", 5, "--deterministic")
    run = tmp_path / "run"
    status, _, error = here("train", *data, *recipe, *size, *loss, *loop, *CPU, "--out", run)
    assert status == 0, error
    config = read_config(run)
    training = config["training"]
    assert training["ratio"] == 2
    assert training["ema"] == 0.9
    assert training["patience"] == 5
    assert training["joint"] == "both"
    assert training["deterministic"] is True
    assert training["optimizer"] == "sgd", "of the schedule"
    assert training["sampling"] == 1.0, "of the schedule"
    assert config["model"]["au_vocabulary"] == "common"
    assert config["data"]["auxiliary"]


@pytest.mark.parametrize(
    "options, message",
    [
        (("--data", "PREPARED", "--preset", "huge"), "huge"),
        (("--data", "PREPARED", "--schedule", "magic"), "au_cvt"),
        ((), "--again RUN"),
        (("--data", "nowhere"), "is missing"),
    ],
)
def test_impossible_settings_are_errors(prepared, here, tmp_path, options, message):
    options = [prepared if option == "PREPARED" else option for option in options]
    status, _, error = here("train", *options, "--out", tmp_path / "other", *CPU)
    assert status == 1
    assert message in error
    assert "Remedy" in error
