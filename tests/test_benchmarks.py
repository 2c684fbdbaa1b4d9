"Each benchmark runs once with toy sizes and has its rows; no test depends on a speed."

import json, os, subprocess, sys
from argparse import Namespace
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parents[1]
QUIET = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@pytest.fixture
def run_benchmark(tmp_path):
    "Run a benchmark; return its rows by their texts, and what it printed."

    def run(name, *options):
        results = tmp_path / f"{name}.json"
        command = [sys.executable, "-W", "ignore", f"benchmarks/{name}.py", *options]
        done = subprocess.run(
            [*command, "--rounds", "1", "--results", str(results)],
            cwd=ROOT,
            env=QUIET,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found = json.loads(results.read_text(encoding="utf-8"))
        assert found["command"].startswith(f"python benchmarks/{name}.py --")
        rows = {row["what"]: row for row in found["rows"]}
        assert len(rows) == len(found["rows"]), "two rows have the same text"
        return rows, done.stdout

    return run


@pytest.fixture
def toy(tmp_path):
    "Arguments of a toy run that keeps nothing in the repository."
    return ["--toy", "--threads", "1", "--work", str(tmp_path / "work")]


@pytest.fixture
def benchmarks(monkeypatch):
    "Let a test import the modules of the benchmarks and start their jobs."
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.chdir(ROOT)  # as every benchmark


def check_rows(rows, expected):
    "Check that exactly these rows are there, in this order, each with a number."
    assert list(rows) == list(expected)
    for what, row in rows.items():
        assert isinstance(row["value"], float | int), what


SPEED_OVER = "speed over that of a plain loop"
DATA_ROWS = (
    "SHA-1 of 40 small files, time over that of sha1sum -P1",
    "SHA-1 of 40 small files, time over that of sha1sum -P2",
    "the same digests as sha1sum, small files",
    "SHA-1 of 8 large files, time over that of sha1sum -P1",
    "SHA-1 of 8 large files, time over that of sha1sum -P2",
    "the same digests as sha1sum, large files",
    "files to packed crops, the course alone",
    f"report S's noises, two threads, {SPEED_OVER}",
    f"report S's noises, one thread, {SPEED_OVER}",
    "the same pixels as the plain loop",
    "a packed epoch, speed over that of ImageFolder",
)
MEMORY_ROWS = (
    "peak memory of preparing 20 images, faces detected",
    "peak memory of preparing 20 images, landmarks given",
    "peak memory of preparing 40 images, landmarks given",
    "growth for each further 10,000 images",
    "carried on to 300,000 images",
)


def test_data(run_benchmark, toy):
    rows, printed = run_benchmark("data", *toy)
    has_memory = Path("/proc/self/smaps_rollup").exists()
    check_rows(rows, DATA_ROWS + (MEMORY_ROWS if has_memory else ()))
    for peer in ("mtcnn", "facenet"):
        assert f"alignment against {peer}: not measured" in printed
    for what, row in rows.items():
        if what.startswith("the same"):  # these are right with toy sizes, too
            assert row["reached"] is True, what
        else:
            assert row["reached"] is None, f"toy sizes have no bar: {what}"


def test_a_job_in_a_fresh_process_and_sha1sum_have_the_same_digests(benchmarks, tmp_path):
    from bench import run_job
    from inputs import random_files

    folder = random_files(tmp_path / "files", 3, size=100)
    course = run_job("benchmarks/hashing.py", "course_digests", folder=folder)
    other = run_job("benchmarks/hashing.py", "sha1sum_digests", folder=folder, options=["-P1"])
    assert course["listing"] == other["listing"]
    assert course["seconds"] > 0
    (folder / "00" / "00001.bin").write_bytes(b"different")
    changed = run_job("benchmarks/hashing.py", "course_digests", folder=folder)
    assert changed["listing"] != course["listing"]


def test_detector(run_benchmark, toy):
    rows, printed = run_benchmark("detector", *toy)
    check_rows(rows, ["detection, the course", "peak memory, the course"])
    assert "detection against facenet-pytorch: not measured" in printed


def test_faces(run_benchmark, toy):
    rows, _ = run_benchmark("faces", *toy)
    expected = [
        "rendered and written, all cores, 128 px",
        "rendered and written, all cores, 96 px",
        "rendered only, one thread, 128 px",
        "rendered only, one thread, 96 px",
        "peak memory while rendering",
        "peak memory of joining 256 faces",
        "drawn portraits, rendered and written, all cores, 128 px",
    ]
    hidden = ["behind any occluder"]
    hidden += [f"behind {name}" for name in ("sunglasses", "mask", "hand", "hair", "box")]
    for style in ("modelled", "drawn"):
        for size in (160, 256):
            for where in ("in full view", *hidden):
                expected.append(f"MTCNN finds {style} faces {where}, {size} px")
            expected.append(f"MTCNN, error of the five points of {style} faces, {size} px")
    check_rows(rows, expected)
    assert rows["MTCNN finds modelled faces in full view, 160 px"]["faces"] == 4
    assert rows["MTCNN finds modelled faces behind any occluder, 160 px"]["faces"] == 5


def test_faces_beside_a_second_working_tree(run_benchmark, toy):
    rows, printed = run_benchmark("faces", *toy, "--only", "beside", "--beside", str(ROOT))
    expected = [
        f"{style} faces rendered and written, 128 px, {what}"
        for style in ("modelled", "drawn")
        for what in ("speed", "the same by CPU time")
    ]
    check_rows(rows, expected)
    for row in rows.values():
        assert row["renderers"][0] == row["renderers"][1]
        assert row["low"] is None  # one pair has no interval
    rows, _ = run_benchmark("faces", *toy, "--only", "beside")
    assert rows == {}


def test_a_second_working_tree_is_the_one_that_runs(benchmarks, tmp_path):
    from bench import run_job

    package = tmp_path / "fer_course" / "faces"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").write_text("def render_dataset(*_, **__): pass\n")
    (package / "datasets.py").write_text("RENDERER_VERSION = -1\n")
    given = dict(n=2, size=128, device="cpu", style="modelled")
    environment = dict(PYTHONPATH=str(tmp_path))
    found = run_job("benchmarks/faces.py", "write_set", environment=environment, **given)
    assert found["renderer"] == -1


def test_a_mean_ratio_is_paired_and_has_an_interval(benchmarks):
    from bench import mean_ratio

    below = [dict(seconds=s) for s in (1.0, 5.0, 2.0)]  # the machine was busy in the second round
    above = [dict(seconds=2 * b["seconds"]) for b in below]
    found = mean_ratio(above, below)
    assert found["value"] == pytest.approx(2)
    assert found["low"] == pytest.approx(2)
    assert found["high"] == pytest.approx(2)
    uneven = mean_ratio([dict(seconds=s) for s in (2.0, 5.0, 8.0)], below)
    assert uneven["value"] == pytest.approx(2)
    assert uneven["low"] < 1 < 2 < uneven["high"]
    assert mean_ratio(above[:1], below[:1])["low"] is None


def test_bias(run_benchmark, toy):
    rows, printed = run_benchmark("bias", *toy)
    if not Path("/proc/self/smaps_rollup").exists():
        assert "bias: not measured" in printed
        return
    what = "comparing two sets, 140 images in all"
    check_rows(rows, [f"{what}: {part}" for part in ("time", "CPU time", "peak memory")])


def test_start(run_benchmark):
    rows, _ = run_benchmark("start")
    expected = ["python alone: time", "python alone: imports of torch"]
    for name in ("import fer_course", "fer-course --help", "import fer_course.app.main_job"):
        expected += [f"{name}: time", f"{name}: added to python alone", f"{name}: imports of torch"]
    check_rows(rows, expected)
    for name in ("python alone", "import fer_course", "fer-course --help"):
        assert rows[f"{name}: imports of torch"]["reached"] is True


def test_training(run_benchmark, toy):
    rows, printed = run_benchmark("training", *toy, "--device", "cpu")
    expected = (
        "largest difference to the logits of the plain network",
        "step of `released`, batch 2, 1 cores: speed over the plain step",
        "peak memory over that of the plain step",
        "the same in bfloat16 (autocast): speed over the plain step",
        "training `small` with `fit`, 1 cores",
        "time of that loop over the bare step",
        "prediction with `small`",
        "input pipeline alone over what `small` consumes (cpu)",
        "two processes over one, one thread each, batches of 4 in all, own norms",
        "the same with shared norms, with which two processes train exactly as one",
        "two independent training runs over one: the most that this machine allows",
        "training beside 1 busy programs, 1 threads: speed over that of threads that spin",
        "from the start of `fer-course train` to the end of its first step",
    )
    rows = {what: row for what, row in rows.items() if what in expected}  # without those of a GPU
    check_rows(rows, expected)
    assert rows["largest difference to the logits of the plain network"]["reached"] is True


def test_the_plain_loop_around_a_detector_makes_the_crops_of_the_course(benchmarks, tmp_path):
    import numpy as np
    import alignment
    from fer_course.align import MTCNN

    arguments = Namespace(images=None, fast=400, toy=True, work=tmp_path)
    files = alignment.square_photographs(arguments)
    assert len(files) == 4
    given = dict(files=files, device="cpu", out=str(tmp_path / "out"))
    alignment.course_align(given)
    plain = alignment.plain_loop(given, MTCNN("cpu").detect, batch=2)
    crops = np.load(tmp_path / "out" / "course" / "images.npy")
    assert crops.shape == (4, 112, 112, 3)
    assert np.array_equal(crops, np.load(tmp_path / "out" / "peer" / "images.npy"))
    found = alignment.course_boxes(given)["found"]
    row = alignment.agreement("the same boxes", found, plain["found"])
    assert row["value"] == 1


def test_overlaps_are_intersections_over_unions(benchmarks):
    from boxes import best_overlaps, overlap

    assert overlap([0, 0, 2, 2], [0, 0, 2, 2]) == 1
    assert overlap([0, 0, 2, 2], [1, 0, 3, 2]) == pytest.approx(1 / 3)
    assert overlap([0, 0, 1, 1], [2, 2, 3, 3]) == 0
    detections = [([[0, 0, 2, 2], [0, 0, 9, 9]], [0.95, 0.5]), ([[0, 0, 1, 1]], [0.99])]
    others = [([[5, 5, 6, 6], [1, 0, 3, 2]], [0.1, 0.2]), ([], [])]
    assert best_overlaps(detections, others) == pytest.approx([1 / 3, 0])


def test_the_memory_of_a_process_tree_includes_its_children(benchmarks, tmp_path, monkeypatch):
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("this system has no /proc/PID/smaps_rollup")
    import memory

    # The child ends after one whole measurement of its block.
    measured = [False]

    def process_tree(first):
        if measured[-1]:
            (tmp_path / "end").touch()
        measured.append((tmp_path / "allocated").exists())
        return tree_of(first)

    tree_of = memory.process_tree
    monkeypatch.setattr(memory, "process_tree", process_tree)
    child = (
        "import pathlib, sys, time\n"
        "block = bytearray(40 << 20)\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "(folder / 'allocated').touch()\n"
        "while not (folder / 'end').exists(): time.sleep(0.01)"
    )
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    peaks = memory.peak_memory([sys.executable, "-c", parent, child, str(tmp_path)])
    assert peaks["processes"] == 2
    assert peaks["tree"] > 40
    assert peaks["largest"] > 40
