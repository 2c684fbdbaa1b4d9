"The command data_scripts/hypotheses.py: one factor at a time, and verdicts that follow from numbers."

import json, subprocess, sys
from pathlib import Path
import numpy as np, pytest, torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "data_scripts"))
import hypotheses as lab
from fer_course.facs import BASIC, SEVEN
from fer_course.faces import ACTION_UNITS

MAY_CHANGE = dict(  # factor -> the only parameters that its levels may change
    yaw={"yaw"},
    pitch={"pitch"},
    roll={"roll"},
    light={"light_side", "light_height", "key", "fill", "ambient"},
    exposure={"exposure"},
    occluder={"occluder", "occluder_place"},
    background={"background", "background2", "background_shape"},
    wrinkles={"wrinkles"},
    complexion={"skin", "lips"},
    intensity={"action_units"},
    still={"action_units"},
)


def tensors(parameters):
    return (
        parameters.identity
        | parameters.scene
        | dict(action_units=parameters.action_units, persons=parameters.persons)
    )


def same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and a.numpy().tobytes() == b.numpy().tobytes()


@pytest.mark.parametrize("factor", lab.FACTORS)
def test_a_level_changes_its_factor_and_not_one_byte_else(factor):
    faces = lab.base(3)
    before = tensors(faces)
    levels, versions = lab.FACTORS[factor][1], []
    for level in levels:
        after = tensors(changed := lab.at_level(faces, factor, level))
        assert (
            set(after) == set(before)
            and {k for k in before if not same(before[k], after[k])} <= MAY_CHANGE[factor]
        )
        assert changed.expressions == faces.expressions
        versions.append(after)
    for a, b in zip(versions, versions[1:]):
        assert any(not same(a[k], b[k]) for k in MAY_CHANGE[factor]), "two levels are the same"
    assert all(same(before[k], v) for k, v in tensors(lab.base(3)).items()), (
        "the faces that were given have changed"
    )


def test_every_person_shows_every_expression_and_nothing_hides_it():
    faces = lab.base(4)
    assert [faces.expressions[i : i + 7] for i in range(0, 28, 7)] == [list(SEVEN)] * 4
    assert (
        faces.persons.tolist() == np.repeat(range(4), 7).tolist()
        and not faces.scene["occluder"].any()
    )


def test_levels_are_what_they_say():
    faces = lab.base(3)
    assert (lab.at_level(faces, "yaw", 45).scene["yaw"].abs() == 45).all() and torch.equal(
        lab.at_level(faces, "yaw", 45).scene["yaw"] < 0, faces.scene["yaw"] < 0
    )
    lit = lab.at_level(faces, "light", 8).scene
    assert torch.allclose(lit["key"] / lit["ambient"], torch.tensor(8.0))
    still = lab.at_level(faces, "still", "forehead").action_units
    mouth = ACTION_UNITS.index(12)
    assert torch.equal(still[:, mouth], faces.action_units[:, mouth]) and torch.allclose(
        still[:, ACTION_UNITS.index(4)], 0.2 * faces.action_units[:, ACTION_UNITS.index(4)]
    )
    half = lab.at_level(faces, "still", "one half").action_units
    jaw = ACTION_UNITS.index(26)
    assert (
        not half[:, mouth, 0].any()
        and torch.equal(half[:, :, 1], faces.action_units[:, :, 1])
        and torch.equal(half[:, jaw], faces.action_units[:, jaw])
    )


@pytest.mark.parametrize("supports,refutes", [(0.10, 0.03), (0.03, 0.10), (0.02, -0.02)])
def test_a_verdict_needs_the_bar_and_the_interval(supports, refutes):
    sign = np.sign(supports - refutes)
    beyond, short, wide = supports + 0.01 * sign, refutes - 0.01 * sign, 1.0
    tight = lambda x: (x, x - 0.001, x + 0.001)
    loose = lambda x: (x, x - wide, x + wide)
    bars = dict(supports=supports, refutes=refutes)
    assert (
        lab.verdict(*tight(beyond), **bars) == "held"
        and lab.verdict(*tight(short), **bars) == "not held"
    )
    assert lab.verdict(*tight((supports + refutes) / 2), **bars) == "undecided"
    assert lab.verdict(*loose(beyond), **bars) == lab.verdict(*loose(short), **bars) == "undecided"
    for x in (beyond, short):
        assert (
            lab.verdict(*tight(x), **bars, reference=0.5)
            == "undecided"
            != lab.verdict(*tight(x), **bars, reference=0.9)
        )


def test_every_claim_has_two_bars_and_levels_that_exist():
    for name, h in lab.HYPOTHESES.items():
        assert (
            h["supports"] != h["refutes"]
            and h["claim"]
            and h["source"]
            and h["measure"]
            and h["part"] in lab.PARTS
        ), name
        levels = (
            lab.SHRUNK
            if h.get("factor") == "resolution"
            else lab.FACTORS[h["factor"]][1]
            if "factor" in h
            else ()
        )
        assert not levels or (
            {h["easy"], *h["hard"]} <= set(levels) and h["easy"] not in h["hard"]
        ), name


def test_scores_of_drawn_people_surround_the_score_and_pairs_share_the_people():
    rng = np.random.default_rng(0)
    truth = list(SEVEN) * 20
    people = np.repeat(range(20), 7)
    scorer = lab.Scorer(truth, people)
    right = np.tile(range(7), 20)
    wrong = np.where(rng.random((3, 140)) < 0.3, rng.integers(0, 7, (3, 140)), right)
    found = lab.over_people(scorer.scores(wrong))
    assert found["low"] < found["estimate"] < found["high"] and len(found["each"]) == 3
    assert np.allclose(scorer.scores([right]), 1) and lab.over_people(
        scorer.scores(wrong) - scorer.scores(wrong)
    ) == dict(estimate=0.0, each=[0.0] * 3, sd=0.0, low=0.0, high=0.0, over="people")
    from fer_course.metrics import expression_metrics

    assert np.isclose(
        scorer.scores(wrong)[0, 1], expression_metrics(truth, np.eye(7)[wrong[1]])["macro_f1"]
    )


def test_one_seed_shows_nothing():
    found = lab.over_seeds([0.2], np.full((3, 1), 0.9))
    assert (
        lab.verdict(found["estimate"], found["low"], found["high"], 0.1, 0.03, 0.9) == "undecided"
    )


def test_variance_is_found_where_it_was_put():
    rng = np.random.default_rng(0)
    person, expression = rng.normal(size=(200, 1, 50)), rng.normal(size=(1, 7, 50))
    assert np.allclose(lab.variances(person + 0 * expression), [1, 0, 0]) and np.allclose(
        lab.variances(0 * person + expression), [0, 1, 0]
    )
    assert np.isclose(lab.variances(person + expression + rng.normal(size=(200, 7, 50))).sum(), 1)
    assert 3 < lab.ratio_of(2 * person + expression, repeats=2)[0, 0] < 5


def test_fleiss_is_1_for_agreement_and_0_for_chance():
    rng = np.random.default_rng(0)
    one = rng.choice(SEVEN, 5000)
    assert (
        np.isclose(lab.fleiss([one] * 3), 1)
        and abs(lab.fleiss(rng.choice(SEVEN, (3, 5000)))) < 0.02
    )


def test_mixes_have_the_size_and_the_proportions():
    for mix, shares in lab.MIXES.items():
        counts = lab.proportions(shares, 1500)
        assert (
            sum(counts.values()) == 1500 and min(counts.values()) >= 1 and set(counts) == set(BASIC)
        )
        exact = {c: 1500 * v / sum(shares.values()) for c, v in shares.items()}
        assert all(abs(counts[c] - exact[c]) <= 1 for c in BASIC), mix


def test_regions_are_covered_and_pixels_are_lost():
    crops = np.random.default_rng(0).integers(0, 255, (2, 128, 128, 3)).astype(np.uint8)
    row = round(lab.CUT * 128)
    mouth, eyes = lab.only(crops, "mouth"), lab.only(crops, "eyes")
    assert (
        (mouth[:, :row] == 127).all()
        and (mouth[:, row:] == crops[:, row:]).all()
        and (eyes[:, row:] == 127).all()
        and (eyes[:, :row] == crops[:, :row]).all()
    )
    assert (lab.only(crops, "face") == crops).all() and (lab.shrunk(crops, 128) == crops).all()
    detail = [
        np.abs(np.diff(lab.shrunk(crops, pixels).astype(int), axis=1)).mean()
        for pixels in lab.SHRUNK
    ]
    assert detail == sorted(detail, reverse=True)


def test_faces_are_drawn_once(tmp_path):
    faces = lab.base(1)[[0, 3]]
    first = np.array(lab.drawn(tmp_path, "two", faces, side=64))
    stamp = (tmp_path / "faces" / "two.npy").stat().st_mtime_ns
    assert first.shape == (2, 64, 64, 3) and (first[0] != first[1]).any()
    assert (
        np.array_equal(lab.drawn(tmp_path, "two", None), first)
        and (tmp_path / "faces" / "two.npy").stat().st_mtime_ns == stamp
    )


def test_the_results_follow_from_the_bars_in_the_script():
    path = ROOT / "nbs" / "results" / "hypotheses.json"
    if not path.exists():
        pytest.skip("no results: data_scripts/hypotheses.py writes them")
    for key, h in json.loads(path.read_text(encoding="utf-8"))["hypotheses"].items():
        bars = lab.HYPOTHESES[key]
        assert (h["supports"], h["refutes"], h["claim"]) == (
            bars["supports"],
            bars["refutes"],
            bars["claim"],
        )
        assert h["verdict"] == lab.verdict(
            h["estimate"], h["low"], h["high"], h["supports"], h["refutes"], h.get("reference")
        ), key


def test_help_names_the_sizes_of_the_work():
    done = subprocess.run(
        [sys.executable, str(ROOT / "data_scripts" / "hypotheses.py"), "--help"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "--quick" in done.stdout and "--seeds" in done.stdout


def test_parts_that_were_measured_are_kept_and_the_verdicts_follow(tmp_path, monkeypatch, capsys):
    number = lambda value: dict(
        estimate=value, low=value - 0.01, high=value + 0.01, each=[value], sd=None, over="people"
    )
    calls = []

    def part(name, found):
        return lambda measured: (calls.append(name), (dict([(name, 1)]), found))[1]

    monkeypatch.setattr(
        lab,
        "PARTS",
        dict(
            scene=part("scene", dict(pose=number(0.2))),
            again=part("again", dict(disagree=number(0.97))),
        ),
    )

    def command(*parts):
        monkeypatch.setattr(
            sys,
            "argv",
            [
                "hypotheses.py",
                "--work",
                str(tmp_path),
                "--quick",
                "--seeds",
                "0",
                "--results",
                str(tmp_path / "r.json"),
                "--parts",
                *parts,
            ],
        )
        lab.main()
        return json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))

    first, both, again = command("scene"), command("again"), command("again")
    assert (
        calls == ["scene", "again", "again"]
        and list(first["hypotheses"]) == ["pose"]
        and both["scene"] == both["again"] == 1
    )
    assert {k: h["verdict"] for k, h in both["hypotheses"].items()} == dict(
        pose="held", disagree="not held"
    ) and again["hypotheses"] == both["hypotheses"]
    assert "held" in capsys.readouterr().out
    for path in tmp_path.rglob("*-*.json"):
        path.unlink()  # the work is gone: what the results hold stays
    kept = command("again")
    assert kept["hypotheses"] == both["hypotheses"] and set(kept["cpu_seconds"]) == {
        "scene",
        "again",
    }
    old = tmp_path / "r.json"
    old.write_text(
        old.read_text(encoding="utf-8").replace(f'"renderer": {lab._VERSION}', '"renderer": 0'),
        encoding="utf-8",
    )
    for path in tmp_path.rglob("*-*.json"):
        path.unlink()
    assert list(command("again")["hypotheses"]) == ["disagree"], (
        "results of other faces are not taken over"
    )
