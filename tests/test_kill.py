"A run killed (-9) in any step and started again gives the bytes of an uninterrupted run."

import hashlib
import json
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
import pytest
from conftest import QUIET

RESULTS = (
    "manifest.parquet",
    "dropped.parquet",
    "images.npy",
    "model.safetensors",
    "config.json",
    "metrics.json",
    "predictions.parquet",
    "report.html",
)
PREPARED = ("manifest.parquet", "dropped.parquet", "images.npy")
SMALL = ("--repeats", 1, "--batch-size", 16, "--device", "cpu")


def digests(folder, names=None):
    "Return the SHA-256 of the named files; by default of all but an unfinished rendering's"
    folder = Path(folder)
    if names is None:
        files = (path for path in folder.rglob("*") if path.is_file())
        names = [path.relative_to(folder) for path in files if ".render" not in path.parts]
    return {
        Path(name).as_posix(): hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in names
    }


def killed(command, when, patience=120):
    "Start a command and kill it as soon as `when()`; return whether it was still at work then"
    process = subprocess.Popen(
        [sys.executable, "-m", "fer_course", *map(str, command)],
        env=QUIET,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.time() + patience
    while process.poll() is None and not when() and time.time() < end:
        time.sleep(0.01)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return alive


def job(faces, out, epochs=2):
    "Return the command of a small main job"
    return ("run", "--target", faces, "--reader", "faces", "--out", out, "--epochs", epochs, *SMALL)


@pytest.fixture(scope="module")
def whole_run(faces, fer_course, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "run"
    done = fer_course(*job(faces, out))
    assert done.returncode == 0, done.stderr
    return out, done


def test_a_run_leaves_its_results(whole_run):
    out, done = whole_run
    for name in RESULTS:
        assert (out / name).exists(), name
    assert str(out / "report.html") in done.stdout
    metrics = json.loads((out / "metrics.json").read_text())
    assert set(metrics["models"]) == {"CVT", "AU-CVT"}
    for model in metrics["models"].values():
        assert 0 <= model["macro_f1"] <= 1
        assert 0 <= model["accuracy"] <= 1
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "AU-CVT" in page
    assert "data:image" in page
    assert 'src="http' not in page


def test_the_same_command_again_does_nothing(whole_run, faces, fer_course):
    out, _ = whole_run
    before = {name: (out / name).stat().st_mtime_ns for name in RESULTS}
    again = fer_course(*job(faces, out))
    assert again.returncode == 0, again.stderr
    assert before == {name: (out / name).stat().st_mtime_ns for name in RESULTS}


def test_other_settings_are_refused(whole_run, faces, fer_course):
    out, _ = whole_run
    before = digests(out, RESULTS)
    other = fer_course(*job(faces, out, epochs=3))
    assert other.returncode == 1
    assert "epochs: 2 -> 3" in other.stderr
    assert "--overwrite" in other.stderr
    assert "Traceback" not in other.stderr
    assert digests(out, RESULTS) == before


def test_threads_change_no_byte(whole_run, faces, fer_course, tmp_path):
    out = tmp_path / "run"
    two = {**QUIET, "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}  # QUIET has one thread
    done = fer_course(*job(faces, out), env=two)
    assert done.returncode == 0, done.stderr
    names = ("manifest.parquet", "images.npy", "model.safetensors")
    assert digests(out, names) == digests(whole_run[0], names)


def test_killed_in_every_step_it_ends_in_the_same_bytes(whole_run, faces, fer_course, tmp_path):
    out = tmp_path / "run"
    command = job(faces, out)
    moments = (
        (out / ".steps" / "prepare.begun.json").exists,
        (out / ".align").exists,
        (out / "models" / "cvt-seed0" / "checkpoint.pt").exists,
        (out / "models" / "au-cvt-seed0").exists,
        (out / ".steps" / "evaluate.begun.json").exists,
    )
    hits = sum(killed(command, moment) for moment in moments)
    assert hits >= 4, "most kills must hit a process at work"
    time.sleep(1)  # the workers of a killed run notice that their parent has ended
    done = fer_course(*command)
    assert done.returncode == 0, done.stderr
    assert digests(out, RESULTS) == digests(whole_run[0], RESULTS)
    assert list(out.rglob(".*.tmp")) == []


def test_rendering_killed_ends_in_the_same_bytes(fer_course, tmp_path):
    def command(out):
        return ("faces", "--n", 40, "--size", 64, "--out", out, "--device", "cpu")

    whole = tmp_path / "a"
    broken = tmp_path / "b"
    assert fer_course(*command(whole)).returncode == 0
    killed(command(broken), lambda: any((broken / "images").glob("*.png")))
    assert not (broken / "manifest.parquet").exists()
    assert fer_course(*command(broken)).returncode == 0
    assert digests(whole) == digests(broken)


def limit_files_to_half_a_megabyte():
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))


def test_a_full_disk_loses_nothing(faces, fer_course, whole_run, tmp_path):
    out = tmp_path / "run"
    command = ("prepare", "--target", faces, "--reader", "faces", "--out", out, "--device", "cpu")
    full = fer_course(*command, preexec_fn=limit_files_to_half_a_megabyte)
    assert full.returncode == 1
    assert "Remedy" in full.stderr
    assert "Traceback" not in full.stderr
    assert not (out / "images.npy").exists()
    again = fer_course(*command)
    assert again.returncode == 0, again.stderr
    assert digests(out, PREPARED) == digests(whole_run[0], PREPARED)


@pytest.fixture(scope="module")
def many_faces(tmp_path_factory):
    "Return 300 rendered faces, 48 px: several chunks for every step of `prepare`"
    from fer_course.faces import render_dataset

    folder = tmp_path_factory.mktemp("many") / "faces"
    render_dataset(folder, 300, size=48, device="cpu")
    return folder


def test_prepare_killed_twenty_times_at_random_moments_ends_in_the_same_bytes(
    many_faces, fer_course, tmp_path
):
    def command(out):
        source = ("--target", many_faces, "--reader", "faces", "--landmarks", "given")
        return ("prepare", *source, "--out", out, "--workers", 2, "--device", "cpu")

    whole = tmp_path / "whole"
    broken = tmp_path / "killed"
    start = time.time()
    done = fer_course(*command(whole))
    seconds = time.time() - start
    assert done.returncode == 0, done.stderr
    moments = random.Random(0)
    hits = 0
    for _ in range(20):
        end = time.time() + moments.uniform(0.1, 0.9) * seconds
        hits += killed(command(broken), lambda end=end: time.time() > end)
    assert hits >= 10, f"most kills must hit a process at work, {hits} of 20 did"
    done = fer_course(*command(broken))
    assert done.returncode == 0, done.stderr
    assert digests(broken, PREPARED) == digests(whole, PREPARED)
    assert list(broken.rglob(".*.tmp")) == []
    assert not (broken / ".check").exists()
