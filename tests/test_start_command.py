"`train --start` and `--auxiliary`: kept weights, refusals, resumed to the same bytes."

import json
import shutil
import pandas as pd
import pytest
import torch
from fer_course.app import carry_out, main, make_plan, plan_of_run
from fer_course.core.cache import settings_of
from fer_course.core.errors import CourseError
from fer_course.core.files import digest
from fer_course.models import create, load, pretrained, save
from fer_course.models.starting import weights_of
from fer_course.train import SCHEDULES, list_runs, load_run, read_config
from test_train_command import result

torch.set_num_threads(1)  # as the processes beside this one
SHORT = ("--epochs", 2, "--batch-size", 32, "--device", "cpu")
QUICK = dict(epochs=2, batch_size=32)


@pytest.fixture
def here(capsys):
    "Run the command line in this process: (exit status, stdout, stderr)"

    def call(*arguments):
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture(scope="module")
def source(prepared, tmp_path_factory):
    "Return a finished run that began with the shipped network, trained for one epoch"
    out = tmp_path_factory.mktemp("source") / "run"
    plan = make_plan(prepared, out, start="pretrained", epochs=1, batch_size=32)
    carry_out(plan, out, device="cpu")
    return out


def test_the_shipped_network_is_kept_by_class_and_unit(source):
    config = read_config(source)
    start = config["start"]
    assert config["preset"] == "small"
    assert config["schedule"] == "finetune"
    assert config["training"]["lr"] == SCHEDULES["finetune"].config.lr
    assert start["what"] == "pretrained"
    assert {"stem", "stages", "anger", "AU12"} <= set(start["kept"])
    assert start["new"] == []
    assert "rendered faces alone" in start["relation"]


def test_a_start_from_the_same_data_is_named(source, prepared, here, tmp_path):
    out = tmp_path / "run"
    command = ("train", "--data", prepared, "--start", source, *SHORT, "--units", "none")
    status, printed, error = here(*command, "--out", out)
    assert status == 0, error
    assert "a run on the same data" in printed
    assert "left out AU1" in printed
    start = read_config(out)["start"]
    assert start["same_data"] is True
    assert "a run on the same data" in start["relation"]
    assert list_runs(tmp_path).start[0].endswith("(same data)")


def test_a_stopped_fine_tuning_resumes_to_the_same_bytes(source, prepared, tmp_path):
    for name, stops in (("whole", (None,)), ("stopped", (1, None))):
        for stop_after in stops:
            plan = make_plan(prepared, tmp_path / name, start=source, **QUICK)
            carry_out(plan, tmp_path / name, device="cpu", stop_after=stop_after)
    assert result(tmp_path / "whole") == result(tmp_path / "stopped")
    again = tmp_path / "deeper" / "again"
    carry_out(plan_of_run(tmp_path / "whole", again), again, device="cpu")
    assert result(again) == result(tmp_path / "whole")


def test_a_source_that_changed_is_refused(source, prepared, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(source, copy)
    config = read_config(copy)
    config["data"]["target"] = str(prepared)
    (copy / "config.json").write_text(json.dumps(config))
    out = tmp_path / "run"
    carry_out(make_plan(prepared, out, start=copy, **QUICK), out, device="cpu", stop_after=1)
    weights = copy / "best.safetensors"
    other = pretrained()
    torch.nn.init.zeros_(other.classify.bias)
    save(other, tmp_path / "other")
    shutil.copy(tmp_path / "other" / "model.safetensors", weights)
    with pytest.raises(CourseError, match="other settings .start: "):
        carry_out(make_plan(prepared, out, start=copy, **QUICK), out, device="cpu")
    with pytest.raises(CourseError, match="other weights than those"):
        carry_out(plan_of_run(out, tmp_path / "again"), tmp_path / "again", device="cpu")


def test_a_source_that_learned_from_the_test_is_refused(source, prepared, here, tmp_path):
    other = tmp_path / "data"
    shutil.copytree(prepared, other)
    table = pd.read_parquet(other / "manifest.parquet")
    swapped = table.split.map(dict(train="test", test="train", valid="valid"))
    table.assign(split=swapped).to_parquet(other / "manifest.parquet")
    status, _, error = here("train", "--data", other, "--start", source, "--out", tmp_path / "run")
    assert status == 1
    assert "has learned from images or people in the validation or test" in error
    assert "measure memory" in error


def test_a_file_of_another_network_gets_the_list_of_keys(prepared, here, tmp_path):
    file = tmp_path / "weights.pt"
    torch.save({"fc.weight": torch.zeros(7, 3)}, file)
    command = ("train", "--data", prepared, "--start", file, "--out", tmp_path / "run")
    status, _, error = here(*command)
    assert status == 1
    assert "names no architecture" in error
    status, _, error = here(*command, "--preset", "small")
    assert status == 1
    assert "unexpected 1: fc.weight" in error
    assert "missing" in error
    torch.save(create("small", view="inner").state_dict(), file)
    status, _, error = here(*command, "--preset", "small")
    assert status == 1
    assert "put the network's config.json beside the file" in error
    torch.save(create("small").state_dict(), file)
    plan = make_plan(prepared, tmp_path / "run", start=file, preset="small")
    assert plan["start"]["what"] == "../weights.pt"
    assert {"anger", "AU12"} <= set(plan["start"]["new"]), "the file does not name its answers"
    assert {"stem", "stages"} <= set(plan["start"]["kept"])
    assert not {"anger", "AU12"} & set(plan["start"]["kept"])


def test_contradictions_are_refused(prepared, here, tmp_path):
    save(create("small", size=64), tmp_path / "small64")
    (tmp_path / "ir50.pt").write_bytes(b"weights")
    for options, message in (
        (("--start", "pretrained", "--preset", "paper"), "holds the network small, not paper"),
        (("--start", "pretrained", "--preset", "typo"), 'unknown preset "typo"'),
        (("--start", tmp_path / "small64"), "prepare them with --size 64"),
        (("--start", "pretrained", "--ir50", tmp_path / "ir50.pt"), "leave out --ir50"),
        (("--start", "pretrained", "--values", "unit"), "leave out --values"),
        (("--start", tmp_path / "none"), "no such run or file"),
        (("--joint", "expressions"), "no auxiliary image of the training split has one"),
        (("--auxiliary", prepared), "of its images leak"),
    ):
        command = ("train", "--data", prepared, *options, *SHORT, "--out", tmp_path / "run")
        status, _, error = here(*command)
        assert status == 1, options
        assert message in error
        assert "Remedy" in error


def test_leaking_images_teach_nothing_if_they_are_dropped(prepared, tmp_path):
    given = dict(auxiliary=prepared, joint="both")
    plan = make_plan(prepared, tmp_path / "run", leaks="drop", **given)
    assert plan["data"]["leaks"] == "drop"
    assert plan["data"]["auxiliary_rows"] == "all"
    assert plan["data"]["left_out"] > 0


def test_values_and_a_vision_transformer_reach_the_network(prepared, here, tmp_path):
    plan = make_plan(prepared, tmp_path / "run", values="unit")
    assert plan["model"]["values"] == "unit"
    (tmp_path / "vit.pt").write_bytes(b"weights")
    plan = make_plan(prepared, tmp_path / "run", preset="vit_base", vit=tmp_path / "vit.pt")
    assert plan["weights"]["vit"]["file"] == "../vit.pt"
    with pytest.raises(CourseError, match="vit.pt: cannot be read as weights"):
        carry_out(plan, tmp_path / "run", device="cpu")


def test_other_classes_get_a_new_classifier(prepared, tmp_path):
    save(create("small", expressions=("anger", "fear")), tmp_path / "two")
    assert load(tmp_path / "two").config.classes == 2
    plan = make_plan(prepared, tmp_path / "run", start=tmp_path / "two")
    assert "happiness" in plan["start"]["new"]
    assert "stem" in plan["start"]["kept"]
    assert "cannot be checked" in plan["start"]["relation"]


def test_a_network_with_a_view_keeps_it(faces, prepared, here, tmp_path):
    torch.manual_seed(0)
    save(create("small", view="inner"), tmp_path / "view")
    for name, stops in (("whole", (None,)), ("stopped", (1, None))):
        for stop_after in stops:
            plan = make_plan(prepared, tmp_path / name, start=tmp_path / "view", **QUICK)
            assert plan["preset"] == "small"
            carry_out(plan, tmp_path / name, device="cpu", stop_after=stop_after)
    assert result(tmp_path / "whole") == result(tmp_path / "stopped")
    model = load_run(tmp_path / "whole")
    assert (model.config.size, model.config.view, model.config.view_size) == (112, "inner", 64)
    for command in (("evaluate", tmp_path / "whole"), ("predict", "--model", tmp_path / "whole")):
        images = sorted((faces / "images").glob("*"))[:2] if command[0] == "predict" else ()
        status, printed, error = here(*command, *images, "--device", "cpu")
        assert status == 0, error
        assert printed


@pytest.fixture(scope="module")
def photographs(faces, tmp_path_factory):
    "Return rendered faces as a user's photographs: a list of expressions, nothing else"
    folder = tmp_path_factory.mktemp("photos") / "photos"
    shutil.copytree(faces / "images", folder / "images")
    table = pd.read_parquet(faces / "manifest.parquet")
    names = table.image.str.removeprefix("images/")
    listed = pd.DataFrame(dict(image=names, emotion=table.expression))
    listed.to_csv(folder / "legend.csv", index=False)
    return folder


def test_the_main_job_recommends_a_model_for_photographs(photographs, here, tmp_path):
    out = tmp_path / "job"
    cheap = ("--epochs", 1, "--batch-size", 32, "--repeats", 1, "--device", "cpu")
    prepared = ("--auxiliary", "none", "--workers", 0)
    command = ("run", "--target", photographs, "--reader", "csv", *prepared, *cheap, "--out", out)
    status, printed, error = here(*command)
    assert status == 0, error
    metrics = json.loads((out / "metrics.json").read_text())
    found = json.loads((out / "recommendation.json").read_text())
    assert set(metrics["models"]) == {"CVT", "fine-tuned"}
    assert set(found["scores"]) == {"CVT", "fine-tuned"}
    assert found["by"] == "mean validation macro F1 over the seeds"
    run = out / found["saved"]
    assert torch.equal(load(out).position, load_run(run).position)
    assert "fine-tuned: begins with the network of this package" in printed
    settings = settings_of(out, "train")
    recipe = settings["recipes"]["fine-tuned"]
    assert recipe["schedule"] == "finetune"
    assert recipe["lr"] == SCHEDULES["finetune"].config.lr
    assert recipe["lr"] != settings["lr"]
    assert recipe["start"]["sha1"] == digest(weights_of("pretrained"))
    report = (out / "report.html").read_text()
    assert f"schedule finetune, lr {recipe['lr']}, starts from pretrained (sha1 " in report


def test_a_begun_run_goes_on_without_its_source(source, prepared, here, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(source, copy)
    config = read_config(copy)
    config["data"]["target"] = str(prepared)
    (copy / "config.json").write_text(json.dumps(config))
    out = tmp_path / "run"
    whole = tmp_path / "whole"
    carry_out(make_plan(prepared, whole, start=copy, **QUICK), whole, device="cpu")
    carry_out(make_plan(prepared, out, start=copy, **QUICK), out, device="cpu", stop_after=1)
    copy.rename(tmp_path / "moved")
    command = ("train", "--data", prepared, "--start", copy, *SHORT)
    for _ in ("stopped", "finished"):
        status, _, error = here(*command, "--out", out)
        assert status == 0, error
    assert result(out) == result(whole)
    status, _, error = here(*command, "--units", "none", "--out", out)
    assert status == 1
    assert "other settings" in error
    status, _, error = here(*command, "--out", tmp_path / "new")
    assert status == 1
    assert "no such run or file" in error
