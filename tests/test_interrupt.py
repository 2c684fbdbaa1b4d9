"Ctrl-C, which a terminal sends to all processes of a command, ends in one sentence"

import subprocess
import sys
from pathlib import Path
import pytest
from killing import COMMAND, ENVIRONMENT

STEP = Path(__file__).resolve().parents[1] / ".ci" / "step.py"
STOPPED = "fer-course: stopped. Give the same command again to resume it.\n"
AT_AN_EPOCH = """
import os, signal, sys
from fer_course.app.epoch_bar import EpochBar
EpochBar.reached = lambda *_: os.killpg(0, signal.SIGINT)
from fer_course.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
LONG = ("--auxiliary", "none", "--epochs", 1000, "--repeats", 2, "--batch-size", 16)


def as_step(*command):
    "Run a command as `make run` does, in a process group of its own; return what it did"
    words = [sys.executable, STEP, "Main job", "--", sys.executable, "-c", *command]
    options = dict(text=True, capture_output=True, env=ENVIRONMENT, start_new_session=True)
    return subprocess.run([str(word) for word in words], **options)


def assert_one_sentence(done):
    "Assert that the output of a step ends with one sentence, and without a traceback"
    assert done.stderr == STOPPED
    assert done.returncode == 130
    assert "Traceback" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("== Main job: stopped in ")


def test_ctrl_c_while_runs_are_trained(faces, tmp_path):
    job = ("run", "--target", faces, "--reader", "faces", "--out", tmp_path, "--device", "cpu")
    cost = ("--landmarks", "given", "--workers", 0)
    assert_one_sentence(as_step(AT_AN_EPOCH, *job, *cost, *LONG))


@pytest.mark.parametrize("of", ["manifest.parquet", "images.npy"])
def test_ctrl_c_while_images_are_prepared(faces, tmp_path, of):
    job = ("prepare", "--target", faces, "--reader", "faces", "--out", tmp_path, "--workers", 2)
    cost = ("--landmarks", "given", "--auxiliary", "none", "--device", "cpu")
    assert_one_sentence(as_step(COMMAND, 1, of, "group", *job, *cost))


def test_a_step_tells_a_stop_from_a_failure():
    done = as_step("raise SystemExit(3)")
    assert done.returncode == 3
    assert "FAILED (3)" in done.stdout
    done = as_step("import os, signal\nos.kill(os.getpid(), signal.SIGINT)")
    assert done.returncode == 130, "the command alone was interrupted"
    assert "stopped in" in done.stdout
