"Scores by occlusion and pose, on several folders; the report of three models."

import json
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from fer_course.app import evaluate_run, prepare, training_pool
from fer_course.app.cli import main
from fer_course.app.plans import carry_out
from fer_course.app.testing import evaluate_all
from fer_course.core.errors import CourseError

N = 60
CPU = dict(device="cpu", workers=0)
# RAF-DB's numbers of the classes, less one, as RAN's lists count
IDS = dict(surprise=0, fear=1, disgust=2, happiness=3, sadness=4, anger=5, neutral=6)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    "Return images named as in RAF-DB, and RAN's lists of their test images"
    from fer_course.faces import FaceSet, Renderer

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("photos")
    drawn = FaceSet(n=N, size=64, seed=2).parameters(0, N)
    images = Renderer(64, "cpu").render(drawn).images
    target = folder / "RAF"
    for number, (expression, image) in enumerate(zip(drawn.expressions, images)):
        (target / expression).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(target / expression / f"test_{number:04}_aligned.png")
    # half of the images are turned by more than 30 degrees, a fifth by more than 45
    names = [(IDS[e], f"test_{k:04}_aligned") for k, e in enumerate(drawn.expressions)]
    lists = dict(
        val_raf_db_list_30=[f"{i}/{name}.jpg" for i, name in names[::2]],
        val_raf_db_list_45=[f"{i}/{name}.jpg" for i, name in names[::10]],
        rafdb_occlusion_list=[f"{name} {i} {1 + i % 2}" for i, name in names[::3]],
    )
    paths = []
    for name, lines in lists.items():
        paths.append(folder / f"{name}.txt")
        paths[-1].write_text("\r\n".join(lines))
    return target, paths


@pytest.fixture(scope="module")
def job(photos, tmp_path_factory):
    "Return the folder of a main job in which three models were trained for one epoch"
    target, lists = photos
    out = tmp_path_factory.mktemp("job") / "raf"
    shares = dict(valid=0.2, test=0.5)
    prepare(target, out, auxiliary="none", reader="folder", lists=lists, **shares, **CPU)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(training_pool.MODELS, "fine-tuned", dict(units="none"))
        patch.setattr(training_pool, "model_names", lambda _: ["CVT", "AU-CVT"])
        patch.setitem(training_pool.MODELS, "AU-CVT", dict(units="none"))
        patch.setattr(training_pool, "train_jobs", train_here)
        training_pool.train_all(out, epochs=1, batch_size=16, repeats=2, device="cpu")
    return out


def train_here(jobs, log):
    "Train in this process; return the scores on the validation images"
    for job in jobs:
        carry_out(job.plan, job.out, device="cpu")
    return [0.1] * len(jobs)


@pytest.fixture(scope="module")
def run(job):
    "Return one of the training runs"
    return job / "models" / "fine-tuned-seed0"


def expected_sizes(out):
    "Return how many test images each group has, from the manifest"
    manifest = pd.read_parquet(out / "manifest.parquet")
    test = manifest[manifest.split == "test"]
    number = test.image.str.extract(r"test_(\d+)", expand=False).astype(int)
    turned = dict(
        pose={
            "30 to 45": ((number % 2 == 0) & (number % 10 > 0)).sum(),
            "45 and more": (number % 10 == 0).sum(),
            "30 and more": (number % 2 == 0).sum(),
            "unknown": (number % 2 == 1).sum(),
        }
    )
    ids = test.expression.map(IDS)
    hidden = number % 3 == 0
    types = {f"type {k}": (hidden & (1 + ids % 2 == k)).sum() for k in (1, 2)}
    return turned | dict(occlusion=types | dict(unknown=(~hidden).sum()))


def test_groups_have_the_images_of_the_lists(job, run, capsys):
    done = main(["evaluate", str(run), "--on", str(job), "--by", "occlusion,pose,expression"])
    assert done == 0
    printed = capsys.readouterr().out
    assert "by occlusion:" in printed
    assert "no interval: too few" in printed
    scores = json.loads((run / "evaluated-raf-test.json").read_text())
    for column, sizes in expected_sizes(job).items():
        found = {name: group["n"] for name, group in scores["by"][column].items()}
        assert found == sizes, column
    assert sum(group["n"] for group in scores["by"]["expression"].values()) == scores["n"]
    group = scores["by"]["pose"]["30 and more"]
    assert {"n", "people", "macro_f1", "accuracy", "interval"} <= set(group)
    answers = pd.read_parquet(run / "answers-raf-test.parquet")
    assert answers.pose.eq(45).sum() == expected_sizes(job)["pose"]["45 and more"]


def test_a_column_that_is_missing_is_named_with_those_that_exist(job, run):
    with pytest.raises(CourseError, match="no column weather.*choose from image.*occlusion, pose"):
        evaluate_run(run, job, by="weather")


def test_several_folders_are_tested_one_by_one(photos, job, run, tmp_path):
    target, _ = photos
    other = tmp_path / "again"
    prepare(target, other, auxiliary="none", reader="folder", seed=5, **CPU)
    status = main(["evaluate", str(run), "--on", str(job), str(other), "--by", "pose"])
    assert status == 0
    both = evaluate_run(run, [job, other], by=["pose"])
    assert list(both) == ["raf", "again"]
    assert list(both["again"]["by"]["pose"]) == ["unknown"]
    for name, scores in both.items():
        assert json.loads((run / f"evaluated-{name}-test.json").read_text()) == scores
    assert evaluate_run(run, other) == evaluate_run(run, [other])["again"]
    with pytest.raises(CourseError, match="two folders are called raf"):
        evaluate_run(run, [job, job])


def test_three_models_are_compared_and_one_is_recommended(job):
    recommendation = {
        "model": "fine-tuned",
        "by": "mean validation macro F1 over the seeds",
        "scores": {"CVT": [0.1, 0.2], "AU-CVT": [0.2, 0.2], "fine-tuned": [0.3, 0.4]},
        "saved": "models/fine-tuned-seed0",
    }
    (job / "recommendation.json").write_text(json.dumps(recommendation))
    lines = []
    names = ["CVT", "AU-CVT", "fine-tuned"]
    metrics = evaluate_all(job, "cpu", log=lines.append)
    assert list(metrics["models"]) == names
    pairs = [comparison["names"] for comparison in metrics["comparisons"]]
    assert pairs == [["CVT", "AU-CVT"], ["CVT", "fine-tuned"], ["AU-CVT", "fine-tuned"]]
    assert all(comparison["claims"] == 3 for comparison in metrics["comparisons"])
    same = metrics["comparisons"][0]  # the same network, trained twice
    assert same["verdict"].startswith("AU-CVT and CVT score the same")
    assert same["shown"] is False
    for model in metrics["models"].values():
        assert set(model["by"]) == {"occlusion", "pose"}
        assert np.isclose(model["macro_f1"], np.mean([run["macro_f1"] for run in model["runs"]]))
    page = (job / "report.html").read_text()
    assert "Recommended by validation: fine-tuned, test macro F1" in page
    assert "CVT, AU-CVT and fine-tuned" in page
    assert "most confident mistakes of fine-tuned, seed 0." in page
    assert "fine-tuned began with a network that had learned" in page
    assert "The dot is the epoch with the best validation score" in page
    assert "--auxiliary none --lists LIST1.txt,LIST2.txt,LIST3.txt --valid 0.2 --test 0.5" in page
    assert "Scores by occlusion" in page
    assert "Scores by pose" in page
    assert sum("score the same" in line for line in lines) == 3


def test_images_that_taught_the_run_are_named_loudly(photos, job, run, tmp_path, capsys):
    from fer_course.app import table_of_runs

    target, _ = photos
    other = tmp_path / "other_split"
    prepare(target, other, auxiliary="none", reader="folder", seed=5, test=0.4, **CPU)
    taught = pd.read_parquet(job / "manifest.parquet").query("split == 'train'")
    tested = pd.read_parquet(other / "manifest.parquet").query("split == 'test'")
    n = int(tested.sha1.isin(taught.sha1).sum())
    assert n > 0
    capsys.readouterr()
    assert main(["evaluate", str(run), "--on", str(other)]) == 0
    words = f"{n} of {len(tested)} images taught the run"
    assert f"LEAK: {words}" in capsys.readouterr().out
    scores = json.loads((run / "evaluated-other_split-test.json").read_text())
    assert scores["leaks"]["images"] == n
    assert scores["leaks"]["complete"] is True
    lines = []
    table_of_runs(job, log=lines.append)
    assert any(words in line for line in lines)
    assert "leaks" not in evaluate_run(run, other, split="train")
    own = evaluate_run(run)["leaks"]
    assert own == dict(n=own["n"], images=0, people=0, chosen=0, complete=True)


def test_a_main_job_is_told_from_its_runs(job, capsys):
    assert main(["evaluate", str(job)]) == 1
    assert "models/cvt-seed0" in capsys.readouterr().err
