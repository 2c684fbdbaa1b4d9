"The command data_scripts/table1.py: what is held equal between the rows is equal."

import sys
from pathlib import Path
import numpy as np, pandas as pd, pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data_scripts"))
import table1 as lab
from fer_course.facs import au_columns, BASIC


@pytest.mark.parametrize(
    "n, passes", [(500, 10_000), (500, 8000), (2000, 8000), (8000, 10_000), (7, 3)]
)
def test_an_epoch_shows_each_image_as_often_as_any_other(n, passes):
    rows = 10 + np.arange(n)
    seen = np.bincount(lab.dealt(rows, passes, seed=3), minlength=10 + n)
    assert seen.sum() == passes and not seen[:10].any() and np.ptp(seen[10:]) <= 1
    assert (lab.dealt(rows, passes, 3) == lab.dealt(rows, passes, 3)).all() and (
        passes % n == 0 or (lab.dealt(rows, passes, 3) != lab.dealt(rows, passes, 4)).any()
    )


def faces(n, split, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        dict(
            image=[f"{seed}-{i}.png" for i in range(n)],
            split=split,
            expression=[BASIC[i % 6] for i in range(n)],
        )
    ).assign(**{c: rng.integers(0, 2, n).astype(float) for c in au_columns()}), np.full(
        (n, 8, 8, 3), seed, np.uint8
    ) + np.arange(n, dtype=np.uint8)[:, None, None, None]


@pytest.fixture
def parts(monkeypatch, tmp_path):
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


def test_rows_see_the_same_images_and_differ_in_their_teacher(parts):
    (target, images), out, pseudo = parts[0]["target"], *parts[1:]
    passes = 50
    sets = {row: lab.training_set(out, row, 20, 1, passes) for row in lab.ROWS}
    for row, (table, pictures) in sets.items():
        mine = ((table.split == "train") & (table.role == "target")).to_numpy()
        teacher = lab.ROWS[row][1]
        assert len(table) == len(pictures) and (table.split == "valid").sum() == 6
        assert mine.sum() == (40 if teacher == "auxiliary" else 50) and set(
            table.image[mine]
        ) == set(target.image[20:40]), "seed 1 has the second twenty"
        assert (
            pictures[mine, 0, 0, 0]
            == [100 + int(Path(name).stem.split("-")[1]) for name in table.image[mine]]
        ).all(), "images and rows belong together"
        units = table.loc[mine].set_index("image")
        truth = target.set_index("image").loc[units.index]
        if teacher == "true":
            assert (units[au_columns()] == truth[au_columns()]).all(axis=None)
        elif teacher == "pseudo":
            pd.testing.assert_frame_equal(
                units[lab.UNITS], pseudo.set_index("image").loc[units.index, lab.UNITS]
            )
        else:
            assert units[au_columns()].isna().all(axis=None), "the units of the target stay unseen"
        assert (table.role == "auxiliary").sum() == (8 if teacher == "auxiliary" else 0)
    assert sets["CVT"][0].image.tolist() == sets["ResNet"][0].image.tolist()


def test_differences_pair_by_seed_and_skip_what_is_missing():
    run = lambda row, seed, f1: dict(row=row, images=500, seed=seed, macro_f1=f1, own_macro_f1=f1)
    rows = (
        [run("CVT", s, f) for s, f in ((0, 0.5), (1, 0.6), (2, 0.7))]
        + [run("ViT", s, f) for s, f in ((2, 0.71), (0, 0.51))]
        + [run("ResNet", 0, 0.4)]
    )
    found = lab.differences(rows)
    assert [(d["row"], d["metric"], d["n"]) for d in found] == [
        ("ViT", "macro_f1", 2),
        ("ViT", "own_macro_f1", 2),
    ] and found[0]["mean"] == pytest.approx(0.01)


def test_all_rows_are_networks_of_one_size():
    from fer_course.models.au_cvt import create

    sizes = [
        sum(
            p.numel()
            for p in create(
                preset, size=lab.SIZE, expressions=BASIC, au_vocabulary=vocabulary
            ).parameters()
        )
        for preset, _, vocabulary in lab.ROWS.values()
    ]
    assert max(sizes) < 1.2 * min(sizes)
