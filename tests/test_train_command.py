"`fer-course train`, `evaluate` and `runs` from outside: one training, continued, killed at any moment, done again, on a full disk."

import json, os, random, resource, shutil, time
from pathlib import Path
import numpy as np, pandas as pd, pytest, torch
from fer_course.app import main
from fer_course.train import FILES, read_config, read_log, without_timing
from test_kill import killed

torch.set_num_threads(1)  # as the processes beside this one
SHORT = ("--epochs", 3, "--batch-size", 16, "--device", "cpu")


def result(run):
    "What two runs must have alike: weights and metrics to the byte, the scores of the log to the last digit"
    return {
        name: (Path(run) / name).read_bytes()
        for name in ("best.safetensors", "last.safetensors", "metrics.json")
    } | dict(log=without_timing(read_log(run)).to_csv())


@pytest.fixture
def here(capsys):
    "The command line in this process: (exit status, what it printed, what it complained of)"

    def call(*arguments):
        status = main([str(a) for a in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture(scope="module")
def straight(prepared, fer_course, tmp_path_factory):
    "A training that nobody disturbed, in a process of its own"
    out = tmp_path_factory.mktemp("straight") / "run"
    done = fer_course("train", "--data", prepared, *SHORT, "--out", out)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def test_a_run_holds_what_it_promises(straight, prepared):
    out, said = straight
    assert (
        {p.name for p in out.iterdir()} == set(FILES)
        and "best: epoch" in said
        and said.count("images/s") == 3
    )
    log, metrics, config = (
        read_log(out),
        json.loads((out / "metrics.json").read_text()),
        read_config(out),
    )
    assert log.epoch.tolist() == [1, 2, 3] and {
        "lr",
        "train_loss",
        "valid_loss",
        "valid_macro_f1",
        "seconds",
        "images_per_second",
        "memory",
    } <= set(log)
    assert (
        metrics["valid_macro_f1"] == log.valid_macro_f1.max()
        and metrics["best_epoch"] == log.epoch[log.valid_macro_f1.idxmax()]
    )
    assert (
        config["preset"],
        config["schedule"],
        config["training"]["seed"],
        config["training"]["epochs"],
    ) == ("small", "small", 0, 3)
    assert (out / config["data"]["target"]).resolve() == prepared.resolve() and str(
        prepared
    ) not in (out / "config.json").read_text(), "paths are relative to the run"


def test_the_same_command_does_nothing_for_a_finished_run(straight, prepared, here):
    out, _ = straight
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in out.iterdir()}
    status, said, _ = here("train", "--data", prepared, *SHORT, "--out", out)
    assert (
        status == 0
        and "images/s" not in said
        and before == {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in out.iterdir()}
    )
    status, _, error = here("train", "--data", prepared, *SHORT, "--out", out, "--seed", 1)
    assert status == 1 and "seed: 0 -> 1" in error and "another folder" in error


def test_killed_at_random_moments_it_ends_the_same(straight, prepared, fer_course, tmp_path):
    command, moments = (
        ("train", "--data", prepared, *SHORT, "--out", tmp_path / "run"),
        random.Random(0),
    )
    hits = killed(command, (tmp_path / "run" / "config.json").exists)
    hits += killed(command, (tmp_path / "run" / "checkpoint.pt").exists)  # after the first epoch
    hits += killed(
        command,
        lambda: (
            (tmp_path / "run" / "log.csv").exists()
            and len(read_log(tmp_path / "run")) == 2
            and time.sleep(moments.uniform(0, 0.3)) is None
        ),
    )
    assert hits >= 2, "most kills must hit a process at work"
    assert len(read_log(tmp_path / "run")) >= 2, "finished epochs are kept"
    done = fer_course(*command)
    assert done.returncode == 0, done.stderr
    assert result(tmp_path / "run") == result(straight[0]) and not list(
        (tmp_path / "run").glob(".*")
    )


def test_done_again_from_its_own_config(straight, here, tmp_path):
    status, _, error = here(
        "train", "--again", straight[0], "--out", tmp_path / "deeper" / "again", "--device", "cpu"
    )
    assert status == 0, error
    assert result(tmp_path / "deeper" / "again") == result(straight[0])
    moved = tmp_path / "further" / "away" / "moved"
    shutil.copytree(straight[0], moved)
    status, _, error = here("train", "--again", moved, "--out", tmp_path / "x", "--device", "cpu")
    assert status == 1 and "manifest.parquet: is missing" in error, (
        "a run that was moved alone has lost its data, and says which file"
    )


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
    status, _, error = here("train", "--again", run, "--out", tmp_path / "x", "--device", "cpu")
    assert status == 1 and "other images or labels" in error


def test_evaluate_and_list(straight, prepared, here, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(straight[0], run)
    status, said, error = here(
        "evaluate", run, "--on", prepared, "--split", "test", "--device", "cpu"
    )
    assert status == 0, error
    name = f"{prepared.name}-test"
    scores = json.loads((run / f"evaluated-{name}.json").read_text())
    answers = pd.read_parquet(run / f"answers-{name}.parquet")
    assert (
        f"macro F1 {scores['macro_f1']:.3f}" in said
        and scores["n"] == len(answers) == scores["interval"]["n"]
        and scores["interval"]["unit"] == "people"
    )
    best = (
        answers[[c for c in answers if c.startswith("p_") and not c.startswith("p_AU")]]
        .to_numpy()
        .argmax(1)
    )
    assert (
        scores["accuracy"]
        == pytest.approx(
            np.mean([scores["classes"][k] == t for k, t in zip(best, answers.expression)])
        )
        and scores["action_units"]["macro_f1"] is not None
    )
    status, said, _ = here("runs", tmp_path)
    assert (
        status == 0
        and f"{name} {scores['macro_f1']:.3f}" in said
        and "done" in said
        and "small" in said
    )
    status, _, error = here(
        "evaluate", run, "--on", prepared, "--split", "night", "--device", "cpu"
    )
    assert status == 1 and "no labelled image in the split night" in error
    status, _, error = here("runs", tmp_path / "nowhere")
    assert status == 1 and "holds no run" in error


def test_a_full_disk_keeps_the_old_checkpoint(straight, prepared, fer_course, tmp_path):
    command = ("train", "--data", prepared, *SHORT, "--out", tmp_path / "run")
    killed(command, (tmp_path / "run" / "log.csv").exists)
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    full = fer_course(
        *command,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) - 1000,) * 2),
    )  # weights fit, the checkpoint does not
    assert (
        full.returncode == 1
        and "Remedy" in full.stderr
        and "checkpoint.pt" in full.stderr
        and "Traceback" not in full.stderr
    )
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before
    done = fer_course(*command)
    assert done.returncode == 0, done.stderr
    assert result(tmp_path / "run") == result(straight[0])


def test_an_auxiliary_folder_and_the_options(prepared, here, tmp_path):
    status, _, error = here(
        "train",
        "--data",
        prepared,
        "--auxiliary",
        prepared,
        "--schedule",
        "au_vit_affectnet",
        "--epochs",
        1,
        "--batch-size",
        16,
        "--ratio",
        2,
        "--ema",
        0.9,
        "--patience",
        5,
        "--class-weights",
        "balanced",
        "--joint",
        "both",
        "--units",
        "common",
        "--deterministic",
        "--device",
        "cpu",
        "--out",
        tmp_path / "run",
    )
    assert status == 0, error
    training = read_config(tmp_path / "run")["training"]
    assert (
        training["ratio"],
        training["ema"],
        training["patience"],
        training["joint"],
        training["optimizer"],
        training["sampling"],
        training["deterministic"],
    ) == (2, 0.9, 5, "both", "sgd", 1.0, True)
    assert (
        read_config(tmp_path / "run")["model"]["au_vocabulary"] == "common"
        and read_config(tmp_path / "run")["data"]["auxiliary"]
    )
    for arguments, says in (
        (("--data", prepared, "--preset", "huge"), "huge"),
        (("--data", prepared, "--schedule", "magic"), "au_cvt"),
        ((), "--again RUN"),
        (("--data", tmp_path / "nowhere"), "is missing"),
    ):
        status, _, error = here("train", *arguments, "--out", tmp_path / "other", "--device", "cpu")
        assert status == 1 and says in error and "Remedy" in error
