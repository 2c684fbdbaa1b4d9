"`fer-course bias`: what it writes, marks and refuses, and that a killed command resumes."

import json
import re
import shutil
import numpy as np
import pandas as pd
import pytest
import torch
from fer_course.app import main
from fer_course.app.bias import compare_datasets
from fer_course.app.preparation import prepare
from fer_course.bias.report_sections import BIAS_SECTIONS
from fer_course.core.errors import CourseError
from fer_course.core.files import read_json, write_json, write_table
from fer_course.faces import SETS, render_dataset
from fer_course.facs import au_columns
from fer_course.models import create, save
from killing import in_fork

torch.set_num_threads(1)  # as the processes beside this one
QUICK = dict(repeats=100, device="cpu", workers=0)
DISTANCE_KEYS = {"a", "b", "expression", "distance", "low", "high", "n_a", "n_b"}
DISTANCE_KEYS |= {"p", "holm_p", "chance", "reading", "why", "reason"}
UNITS = [*au_columns(), "AU28", "AU43"]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    "Return a folder with two rendered sets of 70 faces, 64 px, and the same prepared"
    top = tmp_path_factory.mktemp("bias")
    for name, seed in (("here", 11), ("there", 12)):
        render_dataset(top / "faces" / name, 70, like=SETS["mini"], seed=seed, device="cpu")
        given = dict(reader="faces", landmarks="given", workers=0, device="cpu")
        prepare(top / "faces" / name, top / name, **given)
    return top


@pytest.fixture
def changed(places, tmp_path):
    "Return a copy of the second prepared set whose manifest a function has changed"

    def copy(change, name="changed"):
        folder = tmp_path / name
        shutil.copytree(places / "there", folder)
        table = pd.read_parquet(folder / "manifest.parquet")
        write_table(folder / "manifest.parquet", change(table))
        return folder

    return copy


def without_units(table):
    return table.assign(**{name: np.float32("nan") for name in UNITS if name in table})


def without_expressions(table):
    return table.assign(expression=None)


@pytest.fixture(scope="module")
def compared(places, tmp_path_factory):
    "Return the folder of a comparison in which a network gives units and expressions"
    out = tmp_path_factory.mktemp("compared") / "out"
    folders = [places / "here"]
    for name, change in (("no_units", without_units), ("no_labels", without_expressions)):
        folder = out.parent / name
        shutil.copytree(places / "there", folder)
        table = pd.read_parquet(folder / "manifest.parquet")
        half = table.index % 2 == (name == "no_units")  # different images
        table["role"] = np.where(half, "target", "auxiliary")
        write_table(folder / "manifest.parquet", change(table))
        folders.append(folder)
    return out, folders, compare_datasets(folders, out, **QUICK)


# ---- What is written ----


def test_bias_json_has_its_keys_and_no_nan(compared):
    out, _, found = compared
    text = (out / "bias.json").read_text(encoding="utf-8")
    assert found == json.loads(text)
    assert "NaN" not in text
    rows = found["distances"]
    assert len(rows) == 3 * 7
    for row in rows:
        assert DISTANCE_KEYS <= set(row)
        assert (row["distance"] is None) == (row["why"] is not None)
        if row["distance"] is None:
            assert row["reading"] == "no distance"
        if row["low"] is not None:
            assert 0 <= row["low"] <= row["distance"] <= row["high"] <= 1
    assert len(found["overall"]) == 3
    assert len(found["given_units"]) == 3
    assert found["recognition"][0]["chance"] == pytest.approx(1 / 3)
    assert set(found["mean_units"]) == {"here", "no_units", "no_labels"}
    assert list(found["mean_units"]["here"]["fear"]) == au_columns("common")
    assert "transfer" not in found, "it was not asked for"
    assert found["versions"]["torch"]
    assert str(out.parent) not in text, "no paths"


def test_predictions_are_marked(compared):
    out, _, found = compared
    sets = {one["name"]: one for one in found["sets"]}
    origins = {n: (one["expressions_by"], one["units_by"]) for n, one in sets.items()}
    assert origins == dict(
        here=("labels", "labels"),
        no_units=("labels", "network of the package"),
        no_labels=("network of the package", "labels"),
    )
    assert sets["here"]["people"] == 14
    assert sets["no_units"]["images"] == 35
    assert sets["no_units"]["left_out"] == {"auxiliary images": 35}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "no_units†" in page
    assert "no_labels‡" in page
    assert "† action units predicted by network of the package, not labelled" in page
    assert "35 images left out" in page
    assert any("threshold 0.5, not calibrated" in note for note in found["notes"])
    assert any("difference of these tools" in note for note in found["notes"])
    assert "†" not in found["summary"]
    assert "‡" not in found["summary"]
    assert "action units of no_units; expressions of no_labels" in found["summary"]
    assert any("were predicted by network of the package" in note for note in found["notes"])


def test_the_report_has_every_section_and_loads_nothing(compared):
    page = (compared[0] / "report.html").read_text(encoding="utf-8")
    for name in BIAS_SECTIONS:
        if name != "transfer":
            assert f'<section id="{name}">' in page, name
    for uri in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert uri.startswith(("data:image/", "#"))
    assert page.count("<img ") >= 3 * 3 * 7
    assert "units come from one tool (--predict units)" in page
    assert "<script" not in page
    assert str(compared[0].parent) not in page


def test_the_same_command_again_does_nothing(compared):
    out, folders, found = compared
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    lines = []
    assert compare_datasets(folders, out, log=lines.append, **QUICK) == found
    assert times == {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert "-- compare: done before" in lines
    assert found["summary"] in lines


def test_other_settings_are_refused_and_overwritten(compared, tmp_path):
    done, folders, found = compared
    out = tmp_path / "out"
    shutil.copytree(done, out)
    before = (out / "bias.json").read_bytes()
    with pytest.raises(CourseError, match="seed: 0 -> 1.*--overwrite"):
        compare_datasets(folders, out, seed=1, **QUICK)
    assert (out / "bias.json").read_bytes() == before
    again = compare_datasets(folders, out, seed=1, overwrite=True, **QUICK)
    assert again["settings"]["seed"] == 1
    assert [r["distance"] for r in again["distances"]] == [
        r["distance"] for r in found["distances"]
    ]
    assert (out / "bias.json").read_bytes() != before


def test_one_tool_for_all_units(places, tmp_path):
    folders = [places / "here", places / "there"]
    found = compare_datasets(folders, tmp_path / "out", predict="units", **QUICK)
    assert {one["units_by"] for one in found["sets"]} == {"network of the package"}
    assert {one["expressions_by"] for one in found["sets"]} == {"labels"}
    assert not any("difference of these tools" in note for note in found["notes"])
    assert (found["mean_units"]["here"]["fear"]["AU1"] or 0) > 0


# ---- Sets that are prepared first ----


def test_rendered_faces_and_published_sets_are_prepared_alike(places, tmp_path):
    photographs = tmp_path / "photographs"
    shutil.copytree(places / "faces" / "there" / "images", photographs)
    table = pd.read_parquet(places / "faces" / "there" / "manifest.parquet")
    listed = pd.DataFrame(
        dict(file=table.image.str.removeprefix("images/"), label=table.expression)
    )
    listed.to_csv(photographs / "labels.csv", index=False)
    sets = ["faces", f"csv:{photographs}"]
    sets[0] = str(places / "faces" / "here")
    out = tmp_path / "out"
    status = main(
        ["bias", *sets, "--out", str(out), "--repeats", "100", "--device", "cpu", "--workers", "0"]
    )
    assert status == 0
    found = read_json(out / "bias.json")
    assert [one["name"] for one in found["sets"]] == ["here", "photographs"]
    assert {one["crop"]["align"] for one in found["sets"]} == {"course"}
    assert found["sets"][1]["units_by"] == "network of the package", "a list of labels has no units"
    assert found["sets"][1]["people"] is None
    assert any("each of them counts as a person" in note for note in found["notes"])
    assert found["recognition"]
    assert found["command"] == "fer-course bias here csv:photographs --out OUT --repeats 100"
    assert (out / "prepared" / "photographs" / "images.npy").exists()


# ---- What cannot be compared ----


def test_sets_that_cannot_be_named_write_nothing(places, tmp_path, capsys):
    here = str(places / "here")
    out = tmp_path / "out"
    (tmp_path / "link").symlink_to(places / "here")
    (tmp_path / "empty").mkdir()
    refused = {
        "name a second one": [here],
        "is the same folder as": [here, str(tmp_path / "link")],
        "is not a folder": [here, str(tmp_path / "nowhere")],
        'no reader "rafbd"': [here, "rafbd:datasets/RAF-DB"],
        "is no prepared folder": [here, str(tmp_path / "empty")],
    }
    for words, sets in refused.items():
        assert main(["bias", *sets, "--out", str(out)]) == 1
        error = capsys.readouterr().err
        assert words in error
        assert "Remedy" in error
        assert "Traceback" not in error
    assert not out.exists()


def test_a_reader_is_advised_as_this_command_names_it(places, tmp_path):
    (tmp_path / "loose").mkdir()
    shutil.copy(next((places / "faces" / "here" / "images").iterdir()), tmp_path / "loose")
    sets = [places / "here", f"folder:{tmp_path / 'loose'}"]
    with pytest.raises(CourseError, match="or use csv:FOLDER"):
        compare_datasets(sets, tmp_path / "out", **QUICK)


def test_the_same_images_in_another_folder_are_refused(places, changed, tmp_path):
    copy = changed(lambda table: table.assign(subject="x"))
    with pytest.raises(CourseError, match="holds the same images"):
        compare_datasets([places / "there", copy], tmp_path / "out", **QUICK)
    half = changed(lambda table: table.assign(sha1=["x", *table.sha1[1:]]), "half")
    found = compare_datasets([places / "there", half], tmp_path / "out", **QUICK)
    assert any(
        note.startswith("69 files of there (70) are in half (70) as well")
        for note in found["notes"]
    )


def test_disjoint_classes_are_refused_and_leave_the_folder_free(places, changed, tmp_path):
    table = pd.read_parquet(places / "here" / "manifest.parquet")
    other = changed(lambda table: table.assign(expression="contempt"))
    assert "contempt" not in set(table.expression)
    out = tmp_path / "out"
    with pytest.raises(CourseError, match="no two sets share an expression"):
        compare_datasets([places / "here", other], out, **QUICK)
    assert not out.exists()
    found = compare_datasets([places / "here", places / "there"], out, **QUICK)
    assert found["sets"], "a refused command leaves no settings behind"


def test_disjoint_units_and_rare_classes_have_reasons(places, changed, tmp_path):
    def change(table):
        labelled = {name: table[name] for name in ("AU27", "AU12")}
        table = without_units(table).assign(**labelled)
        rare = table.index[table.expression == "fear"]
        table.loc[rare[1:], "expression"] = None
        return table

    found = compare_datasets([places / "here", changed(change)], tmp_path / "out", **QUICK)
    assert any("has no labels of AU1, AU2," in note for note in found["notes"])
    rows = {row["expression"]: row for row in found["distances"]}
    assert {row["units"] for row in rows.values() if row["distance"] is not None} <= {1}
    assert rows["fear"]["n_b"] == 1
    assert rows["fear"]["low"] is None
    assert rows["fear"]["reason"] or rows["fear"]["why"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "No distance:" in page or "No interval:" in page

    only_27 = changed(lambda t: without_units(t).assign(AU27=t.AU27, AU1=np.float32("nan")), "b")
    found = compare_datasets(
        [places / "here", only_27], tmp_path / "predicted", units="common", **QUICK
    )
    assert found["sets"][1]["units_by"] == "network of the package", (
        "AU27 is none of the common units"
    )


def test_sets_cropped_by_different_rules_are_compared_by_labels_alone(places, changed, tmp_path):
    other = changed(lambda table: table)
    settings = read_json(other / ".steps" / "prepare.json")
    write_json(other / ".steps" / "prepare.json", settings | dict(align="k"))
    found = compare_datasets([places / "here", other], tmp_path / "out", **QUICK)
    assert found["recognition"] == []
    assert any(row["distance"] is not None for row in found["distances"])
    reasons = {row["what"]: row["why"] for row in found["left_out"]}
    assert "not cropped alike" in reasons["mean images"]
    assert "not cropped alike" in reasons["dataset recognition"]
    assert "not cropped alike" in found["summary"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "by the rule k" in page


def test_a_split_without_images_is_refused(places, changed, tmp_path):
    other = changed(lambda table: table.assign(split="train"))
    with pytest.raises(CourseError, match="no image of the split test"):
        compare_datasets([places / "here", other], tmp_path / "out", split="test", **QUICK)
    found = compare_datasets([places / "here", other], tmp_path / "out", split="train", **QUICK)
    train = pd.read_parquet(places / "here" / "manifest.parquet").split == "train"
    assert found["sets"][0]["images"] == train.sum()


def test_a_network_without_the_au_branch_is_refused_and_leaves_the_folder_free(
    places, changed, tmp_path
):
    network = create("small", au_vocabulary=None)
    save(network, tmp_path / "plain")
    sets = [places / "here", changed(without_units)]
    out = tmp_path / "out"
    with pytest.raises(CourseError, match="network plain has no AU branch.*--model"):
        compare_datasets(sets, out, model=tmp_path / "plain", **QUICK)
    with pytest.raises(CourseError, match="epochs cannot be 0"):
        compare_datasets(sets, out, transfer=True, epochs=0, **QUICK)
    with pytest.raises(CourseError, match='unknown setting "repeat"'):
        compare_datasets(sets, out, repeat=300, device="cpu")
    with pytest.raises(CourseError, match="--align changes preparations"):
        compare_datasets(sets, out, align="k", **QUICK)
    assert not out.exists()
    found = compare_datasets(sets, out, **QUICK)
    assert found["sets"][1]["units_by"] == "network of the package"


def test_a_network_in_a_folder_named_small_is_not_that_of_the_package(places, changed, tmp_path):
    save(create("small"), tmp_path / "small")
    sets = [places / "here", changed(without_units)]
    found = compare_datasets(sets, tmp_path / "out", model=tmp_path / "small", **QUICK)
    assert found["sets"][1]["units_by"] == "network small"
    assert found["command"].endswith("--model MODEL")
    assert found["settings"]["model"] == "small"
    shipped = compare_datasets(sets, tmp_path / "shipped", **QUICK)
    assert shipped["sets"][1]["units_by"] == "network of the package"
    assert "--model" not in shipped["command"]


# ---- Train here, test there ----


def test_transfer_is_a_matrix_with_reasons_and_resumes(places, changed, tmp_path):
    bare = changed(without_expressions, "bare")
    table = pd.read_parquet(bare / "manifest.parquet")
    write_table(bare / "manifest.parquet", table.assign(sha1=[f"x{i}" for i in range(len(table))]))
    sets = [places / "here", places / "there", bare]
    out = tmp_path / "out"
    options = ("--repeats", 100, "--device", "cpu", "--workers", 0, "--epochs", 1, "--transfer")
    command = ("bias", *sets, "--out", out, *options)
    assert in_fork(command, nth=1, of="out/transfer.json") == str(out / "transfer.json")
    metrics = out / "transfer" / "there" / "metrics.json"
    trained = metrics.stat().st_mtime_ns
    assert not (out / "bias.json").exists()
    assert in_fork(command) is None
    assert metrics.stat().st_mtime_ns == trained, "finished training runs are used again"
    found = read_json(out / "bias.json")
    scores = {(row["train"], row["test"]): row for row in found["transfer"]}
    assert len(scores) == 9
    for train in ("here", "there"):
        for test in ("here", "there"):
            assert 0 <= scores[train, test]["macro_f1"] <= 1
            assert scores[train, test]["why"] is None
        assert scores[train, "bare"]["macro_f1"] is None
        assert "no expression labels" in scores[train, "bare"]["why"]
    assert len(found["transfer_classes"]) == 7
    page = (out / "report.html").read_text(encoding="utf-8")
    section = page.split('<section id="transfer">')[1].split("</section>")[0]
    assert "bare" in section
    assert "‡" not in section, "all labels there are those of annotators"
    assert "bare‡" in page


# ---- Kills ----


def test_killed_before_each_of_its_files_it_ends_in_the_same_bytes(compared, tmp_path):
    whole, folders, _ = compared
    out = tmp_path / "out"
    command = ("bias", *folders, "--out", out, "--repeats", 100, "--device", "cpu")
    files = ("predicted/no_units/000000.npz", "bias.json", "report.html", ".steps/compare.json")
    for name in files:
        assert in_fork(command, nth=1, of=name) == str(out / name)
        assert not (out / name).exists()
    assert in_fork(command) is None
    for name in ("bias.json", "report.html"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert list(out.rglob(".*.tmp")) == []
