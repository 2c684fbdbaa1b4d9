"The command line as a student meets it."

import subprocess, sys
import numpy as np
from PIL import Image


def test_import_is_light():
    code = 'import sys, fer_course; heavy = {"torch", "pandas", "numpy", "fastai", "matplotlib"} & set(sys.modules); assert not heavy, heavy; print(fer_course.__version__)'
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip()


def test_help_is_quick_and_speaks(fer_course):
    top = fer_course("--help")
    assert top.returncode == 0 and all(
        verb in top.stdout for verb in ("run", "prepare", "train", "evaluate", "predict", "faces")
    )
    code = 'import sys\nfrom fer_course.app.cli import main\ntry: main(["run", "--help"])\nexcept SystemExit: pass\nassert "torch" not in sys.modules'
    assert "--target DIR" in subprocess.check_output([sys.executable, "-c", code], text=True)


def test_errors_are_one_sentence(fer_course, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for arguments, says in (
        (("--target", tmp_path / "nowhere", "--out", tmp_path / "o"), "nowhere"),
        (("--target", tmp_path / "empty", "--out", tmp_path / "o"), "no image was found"),
        (
            ("--target", tmp_path / "empty", "--out", tmp_path / "file" / "o"),
            "a file stands where a folder",
        ),
        (
            ("--target", tmp_path / "empty", "--out", tmp_path / "o", "--device", "quantum"),
            "Remedy",
        ),
        (
            ("--target", tmp_path / "empty", "--out", tmp_path / "o", "--expressions", "joy,rage"),
            "choose from anger",
        ),
    ):
        done = fer_course("prepare", *arguments)
        assert (
            done.returncode == 1
            and says in done.stderr
            and "Remedy" in done.stderr
            and "Traceback" not in done.stderr
        ), done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert fer_course("prepare", "--reader", "zip", "--out", tmp_path).returncode == 2


def test_predict_draws_every_face_and_names_what_it_cannot_read(fer_course, tmp_path):
    import torch
    from skimage.data import astronaut
    from fer_course.models.au_cvt import create
    from fer_course.models.checkpoints import save

    torch.manual_seed(0)
    save(create("small"), tmp_path / "model")
    Image.fromarray(astronaut()).save(tmp_path / "Eileen ü.jpg")
    (tmp_path / "text.jpg").write_text("no image")
    Image.fromarray(np.full((80, 80, 3), 90, np.uint8)).save(tmp_path / "blank.png")
    done = fer_course(
        "predict",
        tmp_path / "Eileen ü.jpg",
        tmp_path / "text.jpg",
        tmp_path / "blank.png",
        "--model",
        tmp_path / "model",
        "--out",
        tmp_path / "out",
        "--device",
        "cpu",
    )
    assert (
        done.returncode == 1
        and "text.jpg" in done.stderr
        and "1 of 3" in done.stderr
        and "no face found" in done.stdout
    )
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "Eileen ü.predicted.png",
        "blank.predicted.png",
    ]
    assert np.asarray(Image.open(tmp_path / "out" / "Eileen ü.predicted.png")).shape[1] > 700
    lost = fer_course("predict", tmp_path / "blank.png", "--model", tmp_path / "nowhere")
    assert lost.returncode == 1 and "config.json: is missing" in lost.stderr
