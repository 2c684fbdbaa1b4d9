"The command experiments/starting_choices.py: what its rows change, and only that."

import sys
from argparse import Namespace
from pathlib import Path
import numpy as np
import pandas as pd
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))
import starting_choices as choices
from fer_course.core.cache import write_kept
from fer_course.core.files import write_json, write_table
from fer_course.models import create
from fer_course.train import learners
from harness import ANSWERS


def test_layer_decay_makes_smaller_steps_near_the_pixels():
    torch.manual_seed(0)
    model = create("small")
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    with choices.layer_decay(model, 0.5):
        optimizer = learners.make_optimizer(model, "sgd", lr=1.0, weight_decay=0.0)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    moved = {name: float((before[name] - p.detach()).max()) for name, p in model.named_parameters()}
    assert moved["classify.bias"] == pytest.approx(1.0)
    assert moved["stages.1.0.norm1.bias"] == pytest.approx(1 / 2)
    assert moved["stages.0.0.norm1.bias"] == pytest.approx(1 / 4)
    assert moved["embedding.bias"] == pytest.approx(1 / 8)
    assert moved["stem.body.0.res_layer.4.bias"] == pytest.approx(1 / 16)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1.0] * 10)


def test_a_frozen_stem_keeps_weights_and_statistics():
    model = create("small")
    choices.freeze_stem(model)
    before = {name: t.clone() for name, t in model.stem.state_dict().items()}
    model.train()
    model(torch.rand(4, 3, 112, 112))[0].sum().backward()
    after = model.stem.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.grad is None for p in model.stem.parameters())
    assert model.classify.weight.grad is not None


def test_the_rows_are_compared_by_their_validation_scores(tmp_path):
    names = ["anger", "fear"]
    split = ["test"] * 4
    table = pd.DataFrame(dict(image=list("abcd"), expression=names * 2, split=split))
    table = table.assign(role="target", dataset="photos", subject=list("wxyz"), sha1=list("abcd"))
    write_table(tmp_path / "prepared" / "manifest.parquet", table)
    write_json(tmp_path / "prepared" / "prepare.json", dict(expressions=names))
    np.save(tmp_path / "prepared" / "images.npy", np.zeros((4, 8, 8, 3), np.uint8))
    arguments = Namespace(out=tmp_path, rows=["lr 3e-4", "finetune"])
    finished = [run for seed in (0, 1) for run in choices.runs(arguments, seed)]
    for run in finished:
        best = run.row == "finetune"
        valid = np.array(0.9 if best else 0.5)
        answers = dict(test=np.array([0, 1, 0, 0 if best else 1]), valid_macro_f1=valid)
        write_kept(run.folder(tmp_path) / ANSWERS, answers | dict(seconds=np.array(1.0)))
    found = choices.results(arguments, finished)
    scores = {row["row"]: row for row in found["rows"]}
    assert scores["lr 3e-4"]["macro_f1"] == [1.0, 1.0]
    assert scores["finetune"]["accuracy"] == [0.75, 0.75]
    comparison = found["comparisons"][0]
    assert comparison["names"] == ["finetune", "lr 3e-4"]
    assert comparison["mean"] == pytest.approx(-0.4), "validation, not the test, is compared"
