"Fixtures that several test files share: a small rendered dataset and the command line."

import os
import subprocess
import sys
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")

QUIET = {**os.environ, "OMP_NUM_THREADS": "1", "FER_PROGRESS": "0", "PYTHONWARNINGS": "ignore"}


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    "Return a dataset folder of 70 rendered faces, 64 px"
    from fer_course.faces import render_dataset

    folder = tmp_path_factory.mktemp("data") / "small faces ü"
    render_dataset(folder, 70, size=64, device="cpu")
    return folder


@pytest.fixture(scope="session")
def fer_course():
    "Run the command line in a process of its own; return what subprocess.run does"

    def call(*arguments, **options):
        return subprocess.run(
            [sys.executable, "-m", "fer_course", *map(str, arguments)],
            text=True,
            capture_output=True,
            **{"env": QUIET, **options},
        )

    return call


@pytest.fixture(scope="session")
def prepared(faces, fer_course, tmp_path_factory):
    "Return what `fer-course prepare` makes of these faces"
    out = tmp_path_factory.mktemp("prepared") / "small"
    source = ("--target", faces, "--reader", "faces", "--auxiliary", "none")
    cost = ("--landmarks", "given", "--workers", 0, "--device", "cpu")
    done = fer_course("prepare", *source, *cost, "--out", out)
    assert done.returncode == 0, done.stderr
    return out
