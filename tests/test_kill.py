"Kill -9 in the middle of every step, then the same command again: the same bytes as a run that nobody disturbed."

import hashlib, os, resource, signal, subprocess, sys, time
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


def digests(folder, names=None):
    folder = Path(folder)
    files = (
        [folder / n for n in names]
        if names
        else sorted(p for p in folder.rglob("*") if p.is_file() and ".render" not in p.parts)
    )
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


def killed(command, when, patience=120):
    "Start a command, kill it as soon as `when()`; returns whether it was still at work then"
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


@pytest.fixture(scope="module")
def whole_run(faces, fer_course, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "run"
    done = fer_course(
        "run",
        "--target",
        faces,
        "--reader",
        "faces",
        "--out",
        out,
        "--epochs",
        2,
        "--repeats",
        1,
        "--batch-size",
        16,
        "--device",
        "cpu",
    )
    assert done.returncode == 0, done.stderr
    return out, done


def test_a_run_leaves_what_it_promises(whole_run):
    import json

    out, done = whole_run
    assert (
        all((out / name).exists() for name in RESULTS) and str(out / "report.html") in done.stdout
    )
    metrics = json.loads((out / "metrics.json").read_text())
    assert set(metrics["models"]) == {"CVT", "AU-CVT"} and all(
        0 <= m["macro_f1"] <= 1 and 0 <= m["accuracy"] <= 1 for m in metrics["models"].values()
    )
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "AU-CVT" in page and "data:image" in page and 'src="http' not in page


def test_the_same_command_again_does_nothing(whole_run, faces, fer_course):
    out, _ = whole_run
    before = {n: (out / n).stat().st_mtime_ns for n in RESULTS}
    again = fer_course(
        "run",
        "--target",
        faces,
        "--reader",
        "faces",
        "--out",
        out,
        "--epochs",
        2,
        "--repeats",
        1,
        "--batch-size",
        16,
        "--device",
        "cpu",
    )
    assert again.returncode == 0 and before == {n: (out / n).stat().st_mtime_ns for n in RESULTS}


def test_other_settings_are_refused(whole_run, faces, fer_course):
    out, _ = whole_run
    before = digests(out, RESULTS)
    other = fer_course(
        "run",
        "--target",
        faces,
        "--reader",
        "faces",
        "--out",
        out,
        "--epochs",
        3,
        "--repeats",
        1,
        "--batch-size",
        16,
        "--device",
        "cpu",
    )
    assert (
        other.returncode == 1
        and "epochs: 2 -> 3" in other.stderr
        and "--overwrite" in other.stderr
        and "Traceback" not in other.stderr
    )
    assert digests(out, RESULTS) == before


def test_threads_change_no_byte(whole_run, faces, fer_course, tmp_path):
    out = tmp_path / "run"
    done = fer_course(
        "run",
        "--target",
        faces,
        "--reader",
        "faces",
        "--out",
        out,
        "--epochs",
        2,
        "--repeats",
        1,
        "--batch-size",
        16,
        "--device",
        "cpu",
        env={**QUIET, "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
    )  # QUIET says 1
    assert done.returncode == 0, done.stderr
    names = ("manifest.parquet", "images.npy", "model.safetensors")
    assert digests(out, names) == digests(whole_run[0], names)


def test_killed_in_every_step_it_ends_in_the_same_bytes(whole_run, faces, fer_course, tmp_path):
    out = tmp_path / "run"
    command = (
        "run",
        "--target",
        faces,
        "--reader",
        "faces",
        "--out",
        out,
        "--epochs",
        2,
        "--repeats",
        1,
        "--batch-size",
        16,
        "--device",
        "cpu",
    )
    moments = (
        (out / ".steps" / "prepare.begun.json").exists,
        (out / ".align").exists,
        (out / "models" / "cvt-seed0" / "checkpoint.pt").exists,
        (out / "models" / "au-cvt-seed0").exists,
        (out / ".steps" / "evaluate.begun.json").exists,
    )
    assert sum(killed(command, moment) for moment in moments) >= 4, (
        "most kills must hit a process at work"
    )
    time.sleep(1)  # the workers of a killed run notice that their parent is gone
    done = fer_course(*command)
    assert done.returncode == 0, done.stderr
    assert digests(out, RESULTS) == digests(whole_run[0], RESULTS)
    assert not [p for p in out.rglob(".*.tmp")], "no leftovers"


def test_rendering_killed_ends_in_the_same_bytes(fer_course, tmp_path):
    command = lambda out: ("faces", "--n", 40, "--size", 64, "--out", out, "--device", "cpu")
    assert fer_course(*command(tmp_path / "a")).returncode == 0
    killed(command(tmp_path / "b"), lambda: any((tmp_path / "b" / "images").glob("*.png")))
    assert not (tmp_path / "b" / "manifest.parquet").exists()
    assert fer_course(*command(tmp_path / "b")).returncode == 0 and digests(
        tmp_path / "a"
    ) == digests(tmp_path / "b")


def test_a_full_disk_loses_nothing(faces, fer_course, whole_run, tmp_path):
    out = tmp_path / "run"
    command = ("prepare", "--target", faces, "--reader", "faces", "--out", out, "--device", "cpu")
    full = fer_course(
        *command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
    )  # no file may grow beyond half a megabyte
    assert (
        full.returncode == 1
        and "Remedy" in full.stderr
        and "Traceback" not in full.stderr
        and not (out / "images.npy").exists()
    )
    again = fer_course(*command)
    assert again.returncode == 0, again.stderr
    names = ("manifest.parquet", "dropped.parquet", "images.npy")
    assert digests(out, names) == digests(whole_run[0], names)


@pytest.fixture(scope="module")
def many_faces(tmp_path_factory):
    "300 rendered faces, 48 px: several chunks for every step of `prepare`"
    from fer_course.faces import render_dataset

    folder = tmp_path_factory.mktemp("many") / "faces"
    render_dataset(folder, 300, size=48, device="cpu")
    return folder


def test_prepare_killed_twenty_times_at_random_moments_ends_in_the_same_bytes(
    many_faces, fer_course, tmp_path
):
    import random

    command = lambda out: (
        "prepare",
        "--target",
        many_faces,
        "--reader",
        "faces",
        "--out",
        out,
        "--landmarks",
        "given",
        "--workers",
        2,
        "--device",
        "cpu",
    )
    start = time.time()
    done = fer_course(*command(tmp_path / "whole"))
    whole = time.time() - start
    assert done.returncode == 0, done.stderr
    moments, hits = random.Random(0), 0
    for _ in range(20):
        end = time.time() + moments.uniform(0.1, 0.9) * whole
        hits += killed(command(tmp_path / "killed"), lambda end=end: time.time() > end)
    assert hits >= 10, f"most kills must hit a process at work, {hits} of 20 did"
    done = fer_course(*command(tmp_path / "killed"))
    assert done.returncode == 0, done.stderr
    names = ("manifest.parquet", "dropped.parquet", "images.npy")
    assert digests(tmp_path / "killed", names) == digests(tmp_path / "whole", names)
    assert (
        not [p for p in (tmp_path / "killed").rglob(".*.tmp")]
        and not (tmp_path / "killed" / ".check").exists()
    ), "no leftovers"
