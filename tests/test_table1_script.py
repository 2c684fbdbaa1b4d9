"The command experiments/table1.py: what is held equal between the rows is equal."

import sys
from pathlib import Path
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))
import table1 as lab
from fer_course.facs import BASIC, au_columns

CASES = [(500, 10_000), (500, 8000), (2000, 8000), (8000, 10_000), (7, 3)]


@pytest.mark.parametrize("n, passes", CASES)
def test_an_epoch_shows_each_image_as_often_as_any_other(n, passes):
    rows = 10 + np.arange(n)
    counts = np.bincount(lab.dealt(rows, passes, seed=3), minlength=10 + n)
    assert counts.sum() == passes
    assert not counts[:10].any()
    assert np.ptp(counts[10:]) <= 1


@pytest.mark.parametrize("n, passes", CASES)
def test_an_epoch_depends_on_the_seed_alone(n, passes):
    rows = np.arange(n)
    assert (lab.dealt(rows, passes, seed=3) == lab.dealt(rows, passes, seed=3)).all()
    if passes % n:  # otherwise every image comes equally often, whatever the seed
        assert (lab.dealt(rows, passes, seed=3) != lab.dealt(rows, passes, seed=4)).any()


def faces(n, split, seed):
    "Return a manifest of n faces, and images that name their row in every pixel."
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(dict(image=[f"{seed}-{i}.png" for i in range(n)], split=split))
    table["expression"] = [BASIC[i % 6] for i in range(n)]
    for column in au_columns():
        table[column] = rng.integers(0, 2, n).astype(float)
    images = np.full((n, 8, 8, 3), seed, np.uint8)
    return table, images + np.arange(n, dtype=np.uint8)[:, None, None, None]


@pytest.fixture
def parts(monkeypatch, tmp_path):
    "Return (sets, folder, pseudo labels): every label inverted, every fourth row unknown."
    found = dict(
        target=faces(40, "train", 100),
        valid=faces(6, "valid", 150),
        auxiliary=faces(10, ["train"] * 8 + ["valid"] * 2, 200),
    )
    monkeypatch.setattr(lab, "data", lambda out, names=None: {name: found[name] for name in names})
    pseudo = found["target"][0][["image", *lab.UNITS]].copy()
    pseudo[lab.UNITS] = 1 - pseudo[lab.UNITS]
    pseudo.iloc[::4, 1:] = np.nan
    pseudo.to_parquet(tmp_path / "pseudo.parquet")
    return found, tmp_path, pseudo


@pytest.mark.parametrize("row", lab.ROWS)
def test_rows_see_the_same_images(parts, row):
    found, out, _ = parts
    target = found["target"][0]
    table, pictures = lab.training_set(out, row, 20, seed=1, passes=50)
    auxiliary = lab.ROWS[row][1] == "auxiliary"
    own = ((table.split == "train") & (table.role == "target")).to_numpy()
    assert len(table) == len(pictures)
    assert (table.split == "valid").sum() == 6
    assert own.sum() == (40 if auxiliary else 50)
    assert (table.role == "auxiliary").sum() == (8 if auxiliary else 0)
    assert set(table.image[own]) == set(target.image[20:40]), "seed 1 has the second twenty"
    numbers = [100 + int(Path(name).stem.split("-")[1]) for name in table.image[own]]
    assert pictures[own, 0, 0, 0].tolist() == numbers, "images and rows belong together"


@pytest.mark.parametrize("row", lab.ROWS)
def test_rows_differ_in_their_teacher(parts, row):
    found, out, pseudo = parts
    table, _ = lab.training_set(out, row, 20, seed=1, passes=50)
    own = table[(table.split == "train") & (table.role == "target")].set_index("image")
    teacher = lab.ROWS[row][1]
    if teacher == "true":
        truth = found["target"][0].set_index("image").loc[own.index]
        assert (own[au_columns()] == truth[au_columns()]).all(axis=None)
    elif teacher == "pseudo":
        labels = pseudo.set_index("image").loc[own.index, lab.UNITS]
        pd.testing.assert_frame_equal(own[lab.UNITS], labels)
        assert labels.notna().any(axis=None)
    else:
        assert own[au_columns()].isna().all(axis=None), "the units of the target stay unknown"


def test_two_networks_without_units_see_the_same_rows(parts):
    _, out, _ = parts
    cvt, _ = lab.training_set(out, "CVT", 20, seed=1, passes=50)
    resnet, _ = lab.training_set(out, "ResNet", 20, seed=1, passes=50)
    assert cvt.image.tolist() == resnet.image.tolist()


def scored(row, seed, f1):
    "Return the scores of one run."
    return dict(row=row, images=500, seed=seed, macro_f1=f1, own_macro_f1=f1)


def test_differences_pair_by_seed_and_skip_what_is_missing():
    rows = [scored("CVT", seed, f1) for seed, f1 in ((0, 0.5), (1, 0.6), (2, 0.7))]
    rows += [scored("ViT", seed, f1) for seed, f1 in ((2, 0.71), (0, 0.51))]
    rows += [scored("ResNet", 0, 0.4)]
    found = lab.differences(rows)
    expected = [("ViT", "macro_f1", 2), ("ViT", "own_macro_f1", 2)]
    assert [(d["row"], d["metric"], d["n"]) for d in found] == expected
    assert found[0]["mean"] == pytest.approx(0.01)


def test_all_rows_are_networks_of_one_size():
    from fer_course.models import create

    sizes = []
    for preset, _, vocabulary in lab.ROWS.values():
        network = create(preset, size=lab.SIZE, expressions=BASIC, au_vocabulary=vocabulary)
        sizes.append(sum(p.numel() for p in network.parameters()))
    assert max(sizes) < 1.2 * min(sizes)
