"The command line as a student meets it."

import subprocess
import sys
import numpy as np
import pytest
from PIL import Image

HEAVY = {"torch", "pandas", "numpy", "fastai", "matplotlib"}


def loaded_by(code):
    "Return the heavy packages that a piece of Python loads"
    report = f"import sys\n{code}\nprint(*({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", report], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split()), done.stdout


def test_import_is_light():
    heavy, version = loaded_by("import fer_course\nprint(fer_course.__version__)")
    assert not heavy
    assert version.strip()


def test_top_help_is_quick_and_names_the_verbs(fer_course):
    top = fer_course("--help")
    assert top.returncode == 0
    for verb in ("doctor", "run", "prepare", "train", "evaluate", "predict", "faces"):
        assert verb in top.stdout
    code = "from fer_course.app.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    heavy, _ = loaded_by(code)
    assert not heavy


@pytest.mark.parametrize(
    "verb, shown",
    [
        ("doctor", "--datasets DIR"),
        ("run", "--target DIR"),
        ("verify", "READER"),
        ("prepare", "--near-duplicates {report,drop}"),
        ("train", "--batch-size N"),
        ("evaluate", "--on DIR"),
        ("runs", "FOLDER"),
        ("predict", "IMAGE"),
        ("faces", "--conditions A,B,..."),
    ],
)
def test_help_of_a_verb_does_not_load_torch(verb, shown):
    code = f"from fer_course.app.cli import main\ntry: main([{verb!r}, '--help'])"
    heavy, text = loaded_by(code + "\nexcept SystemExit: pass")
    assert "torch" not in heavy
    assert "fastai" not in heavy
    assert shown in text


@pytest.mark.parametrize(
    "target, out, options, message",
    [
        ("nowhere", "o", (), "nowhere"),
        ("empty", "o", (), "no image was found"),
        ("empty", "file/o", (), "a file stands where a folder"),
        ("empty", "o", ("--device", "quantum"), "Remedy"),
        ("empty", "o", ("--expressions", "joy,rage"), "choose from anger"),
    ],
)
def test_errors_are_one_sentence(fer_course, tmp_path, target, out, options, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    done = fer_course("prepare", "--target", tmp_path / target, "--out", tmp_path / out, *options)
    assert done.returncode == 1, done.stderr
    assert message in done.stderr
    assert "Remedy" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_invalid_choice_is_a_usage_error(fer_course, tmp_path):
    done = fer_course("prepare", "--reader", "zip", "--out", tmp_path)
    assert done.returncode == 2
    assert "invalid choice: 'zip'" in done.stderr


def test_predict_draws_every_face_and_names_unreadable_files(fer_course, tmp_path):
    import torch
    from skimage.data import astronaut
    from fer_course.models.au_cvt import create
    from fer_course.models.checkpoints import save

    torch.manual_seed(0)
    model = tmp_path / "model"
    save(create("small"), model)
    Image.fromarray(astronaut()).save(tmp_path / "Eileen ü.jpg")
    (tmp_path / "text.jpg").write_text("no image")
    Image.fromarray(np.full((80, 80, 3), 90, np.uint8)).save(tmp_path / "blank.png")
    photographs = [tmp_path / name for name in ("Eileen ü.jpg", "text.jpg", "blank.png")]
    out = tmp_path / "out"
    done = fer_course("predict", *photographs, "--model", model, "--out", out, "--device", "cpu")
    assert done.returncode == 1
    assert "text.jpg" in done.stderr
    assert "1 of 3" in done.stderr
    assert "no face found" in done.stdout
    pictures = sorted(path.name for path in out.iterdir())
    assert pictures == ["Eileen ü.predicted.png", "blank.predicted.png"]
    assert np.asarray(Image.open(out / "Eileen ü.predicted.png")).shape[1] > 700


def test_predict_without_a_model_names_the_networks_that_there_are(fer_course, tmp_path):
    Image.fromarray(np.full((80, 80, 3), 90, np.uint8)).save(tmp_path / "blank.png")
    done = fer_course("predict", tmp_path / "blank.png", "--model", tmp_path / "nowhere")
    assert done.returncode == 1
    assert "there is no such training run" in done.stderr
    assert "pretrained-photographs" in done.stderr
