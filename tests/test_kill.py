"A run killed (-9) in any step and started again gives the bytes of an uninterrupted run."

import hashlib
import json
import resource
from pathlib import Path
import pytest
from conftest import QUIET
from killing import in_fork, kill, kill_when, killed_in_a_row

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
    first = out / "models" / "cvt-seed0"
    kill(command, of=".align/000000.npz")
    kill_when(command, (first / "checkpoint.pt").exists, before="model.safetensors")
    kill(command, of="train.json")
    kill(command, of="report.html")
    done = fer_course(*command)
    assert done.returncode == 0, done.stderr
    assert digests(out, RESULTS) == digests(whole_run[0], RESULTS)
    assert list(out.rglob(".*.tmp")) == []


def rendering(out, n):
    "Return the command that renders n small faces"
    return ("faces", "--n", n, "--size", 48, "--out", out, "--device", "cpu")


def test_rendering_killed_ends_in_the_same_bytes(tmp_path):
    whole = tmp_path / "a"
    broken = tmp_path / "b"
    in_fork(rendering(whole, 40))
    images = broken / "images"
    kill_when(rendering(broken, 40), lambda: any(images.glob("*.png")), before="manifest.parquet")
    assert not (broken / "manifest.parquet").exists()
    in_fork(rendering(broken, 40))
    assert digests(whole) == digests(broken)


def test_rendering_killed_again_and_again_ends_in_the_same_bytes(tmp_path):
    whole = tmp_path / "a"
    broken = tmp_path / "b"
    in_fork(rendering(whole, 8))
    kills = killed_in_a_row(rendering(broken, 8))
    assert len(kills) >= 10
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


def preparation(faces, out, *further):
    "Return the command that prepares rendered faces without a detector"
    source = ("--target", faces, "--reader", "faces", "--landmarks", "given")
    return ("prepare", *source, "--out", out, "--device", "cpu", *further)


def assert_same_preparation(broken, whole):
    assert digests(broken, PREPARED) == digests(whole, PREPARED)
    assert list(broken.rglob(".*.tmp")) == []
    assert not (broken / ".check").exists()
    assert not (broken / ".align").exists()


@pytest.fixture(scope="module")
def whole_preparation(faces, tmp_path_factory):
    "Return the folder of an uninterrupted preparation"
    out = tmp_path_factory.mktemp("prepared") / "whole"
    in_fork(preparation(faces, out, "--workers", 0))
    return out


def test_prepare_killed_at_a_later_change_each_time_ends_in_the_same_bytes(
    faces, whole_preparation, tmp_path
):
    out = tmp_path / "killed"
    kills = killed_in_a_row(preparation(faces, out, "--workers", 0))
    assert len(kills) >= 20
    assert_same_preparation(out, whole_preparation)


def test_prepare_killed_before_each_of_its_files_ends_in_the_same_bytes(
    faces, whole_preparation, tmp_path
):
    out = tmp_path / "killed"
    command = preparation(faces, out, "--workers", 0)
    for name in (".check/target/000000.npz", ".align/000000.npz", *PREPARED, "prepare.json"):
        assert in_fork(command, nth=1, of=name) == str(out / name)
    assert in_fork(command) is None
    assert_same_preparation(out, whole_preparation)


@pytest.fixture(scope="module")
def many_faces(tmp_path_factory):
    "Return 300 rendered faces, 48 px: several chunks for every step of `prepare`"
    folder = tmp_path_factory.mktemp("many") / "faces"
    in_fork(rendering(folder, 300))
    return folder


def test_prepare_killed_with_workers_ends_in_the_same_bytes(many_faces, fer_course, tmp_path):
    whole = tmp_path / "whole"
    broken = tmp_path / "killed"
    in_fork(preparation(many_faces, whole, "--workers", 0))
    command = preparation(many_faces, broken, "--workers", 2)
    kill(command, of=".align/000001.npz")
    kill_when(command, (broken / ".align" / "000001.npz").exists, before="images.npy")
    kill(command, of="images.npy")
    done = fer_course(*command)
    assert done.returncode == 0, done.stderr
    assert_same_preparation(broken, whole)
