"Each dataset's script, on a small tree that is built like the set: it verifies, says what is not as published, and prepares anyway when told to."

import os, subprocess, sys
from pathlib import Path
import pandas as pd, pytest
from PIL import Image
from conftest import QUIET

SCRIPTS = sorted((Path(__file__).resolve().parents[1] / "data_scripts").glob("prepare_*.py"))
IDS = dict(surprise=1, fear=2, disgust=3, happiness=4, sadness=5, anger=6, neutral=7)


def call(name, *arguments):
    script = next(s for s in SCRIPTS if s.stem == f"prepare_{name}")
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        text=True,
        capture_output=True,
        env={**QUIET, "PYTHONPATH": str(script.parents[1])},
    )


def test_every_published_set_has_a_script():
    from fer_course.data import READERS

    assert {s.stem.removeprefix("prepare_") for s in SCRIPTS} == set(READERS) - {
        "folder",
        "csv",
        "faces",
        "openface",
    }
    for script in SCRIPTS:
        assert all(
            word in script.read_text()
            for word in ("Where:", "Licence:", "Layout", "A good run", "--out")
        )


@pytest.fixture
def small_rafdb(faces, tmp_path):
    "Seventy rendered faces as RAF-DB is laid out"
    root = tmp_path / "basic"
    (root / "EmoLabel").mkdir(parents=True)
    (root / "Image" / "aligned").mkdir(parents=True)
    table = pd.read_parquet(faces / "manifest.parquet")
    lines = []
    for k, (name, expression) in enumerate(zip(table.image, table.expression)):
        stem = f"test_{k:04}" if k % 5 == 0 else f"train_{k:05}"
        Image.open(faces / name).resize((100, 100)).save(
            root / "Image" / "aligned" / f"{stem}_aligned.jpg", quality=95
        )
        lines.append(f"{stem}.jpg {IDS[expression]}")
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines))
    return tmp_path


def test_a_small_rafdb_is_not_as_published_and_can_be_prepared_anyway(small_rafdb, tmp_path):
    done = call("rafdb", small_rafdb, "--out", tmp_path / "out", "--device", "cpu")
    assert done.returncode == 1
    assert "12,271" not in done.stderr
    assert "Not as published" in done.stdout
    assert "--anyway" in done.stderr
    assert not (tmp_path / "out").exists(), done.stderr
    done = call(
        "rafdb",
        small_rafdb,
        "--out",
        tmp_path / "out",
        "--anyway",
        "--auxiliary",
        "none",
        "--device",
        "cpu",
        "--images",
        "aligned",
        "--workers",
        "0",
    )
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(tmp_path / "out" / "manifest.parquet")
    assert len(table) == 70
    assert (table[table.image.str.contains("test_")].split == "test").all()
    assert (table.split == "valid").any()


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    for name in ("lsd", "affectnet", "raf_au"):
        done = call(name, tmp_path / "nowhere", "--out", tmp_path / "out")
        assert done.returncode == 1
        assert "nowhere" in done.stderr
        assert "Traceback" not in done.stderr
