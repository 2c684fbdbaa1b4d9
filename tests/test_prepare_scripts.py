"The scripts of the published datasets, on small trees that are built like the sets."

import subprocess, sys
from pathlib import Path
import pandas as pd
import pytest
from PIL import Image
from conftest import QUIET
from fer_course.data import READERS

SCRIPTS = sorted((Path(__file__).resolve().parents[1] / "data_scripts").glob("prepare_*.py"))
IDS = dict(surprise=1, fear=2, disgust=3, happiness=4, sadness=5, anger=6, neutral=7)  # RAF-DB's
OWN_LAYOUTS = {"folder", "csv", "faces", "openface"}  # readers that belong to no published set


def call(name, *arguments):
    "Run the script of a dataset in a process of its own."
    script = next(s for s in SCRIPTS if s.stem == f"prepare_{name}")
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        text=True,
        capture_output=True,
        env={**QUIET, "PYTHONPATH": str(script.parents[1])},
    )


def test_every_published_set_has_a_script():
    assert {s.stem.removeprefix("prepare_") for s in SCRIPTS} == set(READERS) - OWN_LAYOUTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_script_describes_its_set(script):
    text = script.read_text()
    for word in ("Where:", "Licence:", "Layout", "A good run", "--out"):
        assert word in text, word


def test_help_shows_the_set_and_the_shared_notes():
    done = call("raf_au", "--help")
    assert done.returncode == 0
    assert "4,601 faces" in done.stdout
    assert "OUT/manifest.parquet" in done.stdout


@pytest.fixture
def small_rafdb(faces, tmp_path):
    "Return a folder with seventy rendered faces in the layout of RAF-DB."
    root = tmp_path / "basic"
    (root / "EmoLabel").mkdir(parents=True)
    (root / "Image" / "aligned").mkdir(parents=True)
    table = pd.read_parquet(faces / "manifest.parquet")
    lines = []
    for k, (name, expression) in enumerate(zip(table.image, table.expression)):
        stem = f"test_{k:04}" if k % 5 == 0 else f"train_{k:05}"
        path = root / "Image" / "aligned" / f"{stem}_aligned.jpg"
        Image.open(faces / name).resize((100, 100)).save(path, quality=95)
        lines.append(f"{stem}.jpg {IDS[expression]}")
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines))
    return tmp_path


def test_a_small_rafdb_is_not_as_published(small_rafdb, tmp_path):
    done = call("rafdb", small_rafdb, "--out", tmp_path / "out", "--device", "cpu")
    assert done.returncode == 1, done.stderr
    assert "12,271" not in done.stderr
    assert "Not as published" in done.stdout
    assert "--anyway" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_small_rafdb_is_prepared_anyway(small_rafdb, tmp_path):
    options = "--anyway --auxiliary none --device cpu --images aligned --workers 0".split()
    done = call("rafdb", small_rafdb, "--out", tmp_path / "out", *options)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(tmp_path / "out" / "manifest.parquet")
    assert len(table) == 70
    assert (table[table.image.str.contains("test_")].split == "test").all()
    assert (table.split == "valid").any()


@pytest.mark.parametrize("name", ("lsd", "affectnet", "raf_au"))
def test_a_missing_folder_is_one_sentence(name, tmp_path):
    done = call(name, tmp_path / "nowhere", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
