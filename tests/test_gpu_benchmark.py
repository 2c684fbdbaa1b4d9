"The GPU benchmark runs on a CPU with toy sizes, so that it does not fail on a GPU."

import json, os, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_gpu_command_measures_each_part_with_toy_sizes(tmp_path):
    results = tmp_path / "gpu.json"
    command = [sys.executable, "benchmarks/gpu.py", "--device", "cpu", "--toy"]
    done = subprocess.run(
        [*command, "--results", str(results)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = {row["what"]: row for row in json.loads(results.read_text())["rows"]}
    expected = (
        "rendered faces, 128 px",
        "the authors' step in fp32, written plainly",
        "training `released` with fit, cpu",
        "that over the plain fp32 step",
        "training `paper` with fit, cpu",
        "input pipeline alone",
        "that over what `released` consumes",
    )
    for what in expected:
        assert rows[what]["value"] > 0, what
    for what, row in rows.items():
        assert row["reached"] is None, f"toy sizes have no bar: {what}"


def test_parts_that_no_longer_fit_are_listed(tmp_path):
    command = [sys.executable, "benchmarks/gpu.py", "--device", "cpu", "--toy", "--minutes", "0"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("not measured") == 4
