"The command of the report repeats the settings of the run, whatever they were."

import shlex
import pandas as pd
import pytest
from fer_course.app.cli import parser
from fer_course.app.main_job import _with_rendered_faces
from fer_course.app.preparation import given_settings, recorded_settings
from fer_course.app.preparation_config import PrepareConfig
from fer_course.app.repeating import run_command
from fer_course.app.reporting import _headline
from fer_course.app.sources import find_sources
from fer_course.core.cache import quiet
from fer_course.core.files import as_json, digest
from fer_course.train.schedules import find_schedule

NOT_OF_PREPARE = ("verb", "target", "out", "preset", "schedule", "epochs", "batch_size")
NOT_OF_PREPARE += ("repeats", "ir50")
COMMANDS = [
    "",
    "--auxiliary none --expressions neutral,fear,anger",
    "--split report_s --align s --size 112 --attach-units UNITS.csv --confidence 0.7 --by presence",
    "--split report_k --valid 0.1 --exact-duplicates drop --balance report_k --several drop",
    "--split report_k --exact-duplicates keep --test 0.25 --no-face drop-train",
    "--auxiliary AUXILIARY --auxiliary-reader openface --auxiliary-split split --low drop",
    "--near-duplicates drop --exact-duplicates keep --lists LIST1.txt,LIST2.txt --seed 3",
    "--label-column mood --csv 'my labels.csv' --valid 0.2 --test 0.4",
    "--preset small_cvt --epochs 3 --batch-size 16 --repeats 1",
    "--schedule finetune --epochs 10",
]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    "Return placeholder -> path of a file or folder"
    folder = tmp_path_factory.mktemp("places")
    names = ("TARGET", "AUXILIARY", "UNITS.csv", "LIST1.txt", "LIST2.txt")
    for name in names:
        if "." in name:
            (folder / name).write_text(name)
        else:
            (folder / name).mkdir()
    return {name: folder / name for name in names}


def settings_of(words, places):
    "Return the recorded settings of both steps, and config.json of two models"
    given = vars(parser("run").parse_args(["run", *words]))
    options = {name: given[name] for name in given if name not in NOT_OF_PREPARE}
    config, options = _with_rendered_faces(PrepareConfig(), options)
    config, options = given_settings(config, options)
    at = {name: places[value] for name, value in vars(config).items() if value in list(places)}
    at["lists"] = [places[name] for name in config.lists]
    config = config.__class__(**vars(config) | at)
    target = places[given["target"]]
    sources = find_sources(target, config, out=target, options=options, device="cpu", log=quiet)
    lists = {digest(path): None for path in config.lists}
    prepared = as_json(recorded_settings(config, sources, lists=lists))
    preset = given.get("preset", "small")
    runs = []
    for schedule in (given.get("schedule"), "finetune"):
        name, recipe = find_schedule(schedule, preset)
        training = {name: given.get(name) or getattr(recipe.config, name) for name in _KNOBS}
        runs.append(dict(schedule=name, training=training))
    trained = dict(preset=preset, schedule=runs[0]["schedule"], seed=config.seed)
    return prepared, trained | dict(repeats=given.get("repeats", 3)), runs


_KNOBS = ("epochs", "batch_size")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_printed_command_gives_the_recorded_settings(command, places):
    words = ["--target", "TARGET", "--out", "RUN", *shlex.split(command)]
    prepared, trained, runs = settings_of(words, places)
    printed, placeholders = run_command(prepared, trained, runs=runs, is_rendered=False)
    first, verb, *again = shlex.split(printed)
    assert (first, verb) == ("fer-course", "run")
    assert settings_of(again, places) == (prepared, trained, runs)
    used = {name for word in again for name in word.split(",") if name in places}
    assert used | {"RUN"} == set(placeholders)


def test_the_command_names_the_weights_and_no_path(places):
    prepared, trained, runs = settings_of(["--target", "TARGET", "--out", "RUN"], places)
    trained["ir50"] = "0123456789"
    command, placeholders = run_command(prepared, trained, runs=runs, is_rendered=True)
    assert command.endswith("--ir50 IR50")
    assert "01234567" in placeholders["IR50"]
    assert "TARGET" not in command
    assert str(places["TARGET"]) not in command


def test_people_and_images_of_the_headline_belong_together():
    columns = dict(role=["target"] * 3 + ["auxiliary"] * 2, subject=["p", "p", "q", "r", "s"])
    manifest = pd.DataFrame(columns).assign(aligned=True)
    headline = _headline(manifest, [])
    assert headline["images"] == 3
    assert headline["people in them"] == 2
    assert headline["auxiliary images"] == 2
    unknown = _headline(manifest[:3].assign(subject=None), [])
    assert unknown["people in them"] is None
    assert "auxiliary images" not in unknown
