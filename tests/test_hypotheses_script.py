"experiments/hypotheses.py: one factor at a time, verdicts that follow from numbers."

import json, subprocess, sys
from pathlib import Path
import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "experiments"))
import hypotheses as lab
import report_parts as report
from fer_course.align.geometry import alignment, eye_angle, middles, through
from fer_course.facs import BASIC, SEVEN
from fer_course.faces import ACTION_UNITS
from laboratory import AUGMENT, Lab, Sizes, photographed, turned_points
from people_scores import corrected, over_both

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
    "Return every tensor of the faces by name."
    units = dict(action_units=parameters.action_units, persons=parameters.persons)
    return parameters.identity | parameters.scene | units


def same(a, b):
    "Return whether two tensors agree to the byte."
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return a.numpy().tobytes() == b.numpy().tobytes()


@pytest.mark.parametrize("factor", lab.FACTORS)
def test_a_level_changes_its_factor_and_not_one_byte_else(factor):
    faces = lab.base(3)
    before = tensors(faces)
    versions = []
    for level in lab.FACTORS[factor][1]:
        changed = lab.at_level(faces, factor, level)
        after = tensors(changed)
        assert set(after) == set(before)
        assert {k for k in before if not same(before[k], after[k])} <= MAY_CHANGE[factor]
        assert changed.expressions == faces.expressions
        versions.append(after)
    for a, b in zip(versions, versions[1:]):
        assert any(not same(a[k], b[k]) for k in MAY_CHANGE[factor]), "two levels are the same"
    for name, value in tensors(lab.base(3)).items():
        assert same(before[name], value), f"the faces that were given have changed: {name}"


def test_every_person_shows_every_expression_and_nothing_hides_it():
    faces = lab.base(4)
    assert [faces.expressions[i : i + 7] for i in range(0, 28, 7)] == [list(SEVEN)] * 4
    assert faces.persons.tolist() == np.repeat(range(4), 7).tolist()
    assert not faces.scene["occluder"].any()


def test_a_turned_head_keeps_its_side():
    faces = lab.base(3)
    turned = lab.at_level(faces, "yaw", 45).scene["yaw"]
    assert (turned.abs() == 45).all()
    assert torch.equal(turned < 0, faces.scene["yaw"] < 0)


def test_the_key_light_is_as_strong_as_asked():
    scene = lab.at_level(lab.base(3), "light", 8).scene
    assert torch.allclose(scene["key"] / scene["ambient"], torch.tensor(8.0))


def test_still_muscles_rest_and_the_others_move():
    faces = lab.base(3)
    mouth, brow, jaw = (ACTION_UNITS.index(unit) for unit in (12, 4, 26))
    before = faces.action_units
    forehead = lab.at_level(faces, "still", "forehead").action_units
    assert torch.equal(forehead[:, mouth], before[:, mouth])
    assert torch.allclose(forehead[:, brow], 0.2 * before[:, brow])
    half = lab.at_level(faces, "still", "one half").action_units
    assert not half[:, mouth, 0].any()
    assert torch.equal(half[:, :, 1], before[:, :, 1])
    assert torch.equal(half[:, jaw], before[:, jaw])


@pytest.mark.parametrize("supports,refutes", [(0.10, 0.03), (0.03, 0.10), (0.02, -0.02)])
def test_a_verdict_needs_the_bar_and_the_interval(supports, refutes):
    sign = np.sign(supports - refutes)
    beyond = supports + 0.01 * sign
    short = refutes - 0.01 * sign

    def verdict(estimate, width, **more):
        low, high = estimate - width, estimate + width
        return lab.verdict(estimate, low, high, supports=supports, refutes=refutes, **more)

    assert verdict(beyond, 0.001) == "held"
    assert verdict(short, 0.001) == "not held"
    assert verdict((supports + refutes) / 2, 0.001) == "undecided"
    for estimate in (beyond, short):
        assert verdict(estimate, 1.0) == "undecided"
        assert verdict(estimate, 0.001, reference=0.5) == "undecided"
        assert verdict(estimate, 0.001, reference=0.9) != "undecided"


def levels_of(claim):
    "Return the levels of a claim's factor."
    if claim["factor"] == "resolution":
        return set(lab.SHRUNK)
    return set(lab.FACTORS[claim["factor"]][1])


@pytest.mark.parametrize("name", lab.HYPOTHESES)
def test_every_claim_has_two_bars_and_levels_that_exist(name):
    claim = lab.HYPOTHESES[name]
    assert claim["supports"] != claim["refutes"]
    assert claim["part"] in lab.PARTS
    for text in ("claim", "source", "measure"):
        assert claim[text]
    if "factor" in claim:
        assert {claim["easy"], *claim["hard"]} <= levels_of(claim)
        assert claim["easy"] not in claim["hard"]


def test_scores_of_drawn_people_surround_the_score_and_pairs_share_the_people():
    from fer_course.metrics import expression_metrics

    rng = np.random.default_rng(0)
    truth = list(SEVEN) * 20
    scorer = lab.Scorer(truth, np.repeat(range(20), 7))
    right = np.tile(range(7), 20)
    wrong = np.where(rng.random((3, 140)) < 0.3, rng.integers(0, 7, (3, 140)), right)
    scores = scorer.scores(wrong)
    found = lab.over_people(scores)
    assert found["low"] < found["estimate"] < found["high"]
    assert len(found["each"]) == 3
    assert np.allclose(scorer.scores([right]), 1)
    nothing = dict(estimate=0.0, each=[0.0] * 3, sd=0.0, low=0.0, high=0.0, over="people")
    assert lab.over_people(scores - scores) == nothing
    metrics = expression_metrics(truth, np.eye(7)[wrong[1]])
    assert np.isclose(scores[0, 1], metrics["macro_f1"])


def test_one_seed_shows_nothing():
    found = lab.over_seeds([0.2], np.full((3, 1), 0.9))
    numbers = (found["estimate"], found["low"], found["high"])
    assert lab.verdict(*numbers, 0.1, 0.03, 0.9) == "undecided"


def test_variance_is_found_where_it_was_put():
    rng = np.random.default_rng(0)
    person = rng.normal(size=(200, 1, 50))
    expression = rng.normal(size=(1, 7, 50))
    assert np.allclose(lab.variances(person + 0 * expression), [1, 0, 0])
    assert np.allclose(lab.variances(0 * person + expression), [0, 1, 0])
    noisy = person + expression + rng.normal(size=(200, 7, 50))
    assert np.isclose(lab.variances(noisy).sum(), 1)
    assert 3 < lab.ratio_of(2 * person + expression, repeats=2)[0, 0] < 5


def test_fleiss_is_1_for_agreement_and_0_for_chance():
    rng = np.random.default_rng(0)
    labels = rng.choice(SEVEN, 5000)
    assert np.isclose(lab.fleiss([labels] * 3), 1)
    assert abs(lab.fleiss(rng.choice(SEVEN, (3, 5000)))) < 0.02


@pytest.mark.parametrize("mix", lab.MIXES)
def test_mixes_have_the_size_and_the_proportions(mix):
    shares = lab.MIXES[mix]
    counts = lab.proportions(shares, 1500)
    assert sum(counts.values()) == 1500
    assert min(counts.values()) >= 1
    assert set(counts) == set(BASIC)
    for name in BASIC:
        exact = 1500 * shares[name] / sum(shares.values())
        assert abs(counts[name] - exact) <= 1, name


def test_regions_are_covered():
    crops = np.random.default_rng(0).integers(0, 255, (2, 128, 128, 3)).astype(np.uint8)
    row = round(lab.CUT * 128)
    mouth, eyes = lab.only(crops, "mouth"), lab.only(crops, "eyes")
    assert (mouth[:, :row] == 127).all()
    assert (mouth[:, row:] == crops[:, row:]).all()
    assert (eyes[:, row:] == 127).all()
    assert (eyes[:, :row] == crops[:, :row]).all()
    assert (lab.only(crops, "face") == crops).all()


def test_fewer_pixels_hold_less_detail():
    crops = np.random.default_rng(0).integers(0, 255, (2, 128, 128, 3)).astype(np.uint8)
    assert (lab.shrunk(crops, 128) == crops).all()
    details = []
    for pixels in lab.SHRUNK:
        image = lab.shrunk(crops, pixels).astype(int)
        details.append(np.abs(np.diff(image, axis=1)).mean())
    assert details == sorted(details, reverse=True)


def test_faces_are_drawn_once(tmp_path):
    faces = lab.base(1)[[0, 3]]
    path = tmp_path / "faces" / "two.npy"
    first = np.array(lab.drawn(tmp_path, "two", faces, side=64))
    stamp = path.stat().st_mtime_ns
    assert first.shape == (2, 64, 64, 3)
    assert (first[0] != first[1]).any()
    assert np.array_equal(lab.drawn(tmp_path, "two", None), first)
    assert path.stat().st_mtime_ns == stamp


def test_the_results_follow_from_the_bars_in_the_script():
    path = ROOT / "nbs" / "results" / "hypotheses.json"
    if not path.exists():
        pytest.skip("no results: experiments/hypotheses.py writes them")
    stored = json.loads(path.read_text(encoding="utf-8"))["hypotheses"]
    assert stored
    for key, row in stored.items():
        for name in ("supports", "refutes", "claim"):
            assert row[name] == lab.HYPOTHESES[key][name], key
        bars = (row["supports"], row["refutes"], row.get("reference"))
        assert row["verdict"] == lab.verdict(row["estimate"], row["low"], row["high"], *bars), key


def test_help_names_the_sizes_of_the_work():
    command = [sys.executable, str(ROOT / "experiments" / "hypotheses.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0
    assert "--quick" in done.stdout
    assert "--seeds" in done.stdout


def number(value):
    "Return what a part finds about a claim."
    low, high = value - 0.01, value + 0.01
    return dict(estimate=value, low=low, high=high, each=[value], sd=None, over="people")


@pytest.fixture
def command(tmp_path, monkeypatch):
    "Run hypotheses.py with two parts that only count their calls; return the results."
    calls = []

    def part(name, found):
        def answers(lab, seed):
            calls.append(name)
            return dict(answer=np.array(seed))

        def numbers(lab, answers_of_seeds):
            assert [int(of_seed["answer"]) for of_seed in answers_of_seeds] == [0]
            return {name: 1}, found

        return lab.Part(answers, numbers)

    scene = part("scene", dict(pose=number(0.2)))
    again = part("again", dict(disagree=number(0.97)))
    monkeypatch.setattr(lab, "PARTS", dict(scene=scene, again=again))
    results = tmp_path / "r.json"

    def run(*parts):
        given = ["--out", str(tmp_path), "--quick", "--seeds", "0", "--results", str(results)]
        monkeypatch.setattr(sys, "argv", ["hypotheses.py", *given, "--parts", *parts])
        lab.EXPERIMENT.main()
        return json.loads(results.read_text(encoding="utf-8"))

    run.calls = calls
    run.results = results
    run.folder = tmp_path
    return run


def forget_work(folder):
    "Remove the answers of all runs; the results file stays."
    for path in folder.rglob("answers.npz"):
        path.unlink()


def test_parts_that_were_measured_are_kept_and_the_verdicts_follow(command, capsys):
    first, both, repeated = command("scene"), command("again"), command("again")
    assert command.calls == ["scene", "again"], "what is finished is not trained again"
    assert list(first["hypotheses"]) == ["pose"]
    assert both["scene"] == 1
    assert both["again"] == 1
    verdicts = {key: row["verdict"] for key, row in both["hypotheses"].items()}
    assert verdicts == dict(pose="held", disagree="not held")
    assert repeated["hypotheses"] == both["hypotheses"]
    assert "held" in capsys.readouterr().out
    forget_work(command.folder)
    kept = command("again")
    assert kept["hypotheses"] == both["hypotheses"]
    assert set(kept["cpu_seconds"]) == {"scene", "again"}


def test_results_of_another_renderer_are_not_taken_over(command):
    command("scene")
    text = command.results.read_text(encoding="utf-8")
    stored = f'"renderer": {lab.RENDERER_VERSION}'
    assert stored in text
    command.results.write_text(text.replace(stored, '"renderer": 0'), encoding="utf-8")
    forget_work(command.folder)
    assert list(command("again")["hypotheses"]) == ["disagree"]


# What the reports say about preparing and labelling faces

TINY = Sizes(train=28, small=28, valid=7, people=2, judge=(32, 1, 16), again=(32, 1, 16))


@pytest.mark.parametrize("tilt", report.TILTS)
def test_a_crop_keeps_so_much_of_the_tilt_and_nothing_else_moves(tilt):
    points = np.array([[40.0, 50.0], [80.0, 58.0], [58.0, 72.0], [42.0, 92.0], [70.0, 96.0]])
    angle = eye_angle(points)
    seen = through(alignment(turned_points(points, -tilt * angle), 128), points)
    level = through(alignment(points, 128), points)
    assert np.isclose(eye_angle(seen), tilt * angle)
    assert np.allclose(sum(middles(seen)[:2]), sum(middles(level)[:2]))
    assert np.isclose(middles(seen)[2], middles(level)[2])


def test_photographs_give_the_crops_of_the_other_parts(tmp_path):
    faces = lab.base(1)[[0, 3]]
    found = photographed(tmp_path, "two", faces, side=64)
    assert np.array_equal(found.crops(), lab.drawn(tmp_path, "two", faces, side=64))
    assert (found.crops(tilt=4) != found.crops()).any()
    assert found.names.tolist() == faces.expressions


def test_gaussian_noise_has_the_variance_that_its_name_says():
    grey = np.full((4, 48, 48, 3), 128, np.uint8)
    assert np.array_equal(report.with_gaussian(grey, 0), grey)
    noise = report.with_gaussian(grey, report.SMALL) / 255.0 - grey / 255.0
    assert np.isclose(noise.var(), report.SMALL, rtol=0.05)
    assert abs(noise.mean()) < 0.005


def test_noise_comes_last_and_spares_a_quarter():
    x = torch.zeros(200, 3, 16, 16)
    augment = report.WithNoise(before=lambda x, generator: x)
    noisy = augment(x, torch.Generator().manual_seed(0))
    again = augment(x, torch.Generator().manual_seed(0))
    assert torch.equal(noisy, again)
    assert noisy.min() >= -1
    assert noisy.max() <= 1
    spared = (noisy.flatten(1).std(1) == 0).float().mean()
    assert 0.15 < spared < 0.35


def test_a_majority_is_a_label_that_was_given():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, (300, 3))
    found = report.majority(labels, 0)
    votes = (labels == found).sum(1)
    most = max((labels == labels[:, [k]]).sum(1).max() for k in range(3))
    assert found.shape == (300, 1)
    assert (votes >= 1).all()
    assert votes.max() == most
    agreed = (labels[:, 0] == labels[:, 1]) | (labels[:, 0] == labels[:, 2])
    assert np.array_equal(found[agreed, 0], labels[agreed, 0])


def test_where_two_annotators_differ_each_wins_about_as_often():
    labels = np.tile([2, 5], (2000, 1))
    found = report.majority(labels, 0)
    assert set(found[:, 0]) == {2, 5}
    assert abs((found == 2).mean() - 0.5) < 0.05


def test_counted_confusions_are_the_shares_of_each_class():
    meant = np.repeat(np.arange(7), 4)
    labels = np.stack([meant, np.where(meant == 2, [5, 2, 2, 2] * 7, meant)], 1)
    tables = report.counted(labels, meant)
    assert np.array_equal(tables[0], np.eye(7))
    assert tables[1, 2, 5] == 0.25
    assert np.allclose(tables.sum(2), 1)


def test_an_interval_over_both_is_that_of_the_rule_for_comparisons():
    from fer_course.metrics import compare_people

    rng = np.random.default_rng(0)
    truth = list(SEVEN) * 40
    people = np.repeat(range(40), 7)
    right = np.tile(range(7), 40)
    answers = [
        np.where(rng.random((3, 280)) < p, rng.integers(0, 7, 280), right) for p in (0.3, 0.2)
    ]
    scorer = lab.Scorer(truth, people)
    first, second = (scorer.scores(found) for found in answers)
    found = over_both(second - first, second, people=40)
    rule = compare_people(right, *answers, groups=people)
    assert np.isclose(found["estimate"], rule["mean"])
    assert np.isclose(found["low"], rule["low"], atol=0.01)
    assert np.isclose(found["high"], rule["high"], atol=0.01)


def test_several_claims_widen_an_interval_and_a_range_stays():
    seeds = dict(estimate=0.1, low=0.05, high=0.15, each=[0.1] * 3, over="seeds")
    assert np.allclose(corrected(seeds, 1), (0.05, 0.15))
    drawn = seeds | dict(over="people")
    for row in (seeds, drawn, drawn | dict(over="seeds and people", freedom=8.0)):
        low, high = corrected(row, 30)
        assert low < 0.05
        assert high > 0.15
        assert np.isclose(high - 0.1, 0.1 - low)
    assert corrected(seeds, 30)[0] < corrected(drawn, 30)[0], "three seeds leave more open"
    assert corrected(seeds | dict(over="repeats"), 30) == (0.05, 0.15)


class Untrained(Lab):
    "A laboratory whose networks know nothing; what is asked of them is kept."

    def small(self, name, seed, train, valid, classes=SEVEN, network=None, **changes):
        from fer_course.models import create

        self.asked[name] = dict(network=network, **changes)
        images = np.stack([self.view(faces)[0] for faces in (train[0], valid[0])])
        assert images.shape == (2, 32, 32, 3)
        torch.manual_seed(len(self.asked))
        return create("small", size=32, au_vocabulary=None, **network or {})

    asked = {}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    "Return a laboratory of a few faces."
    return Untrained(tmp_path_factory.mktemp("lab"), [0, 1], TINY)


ASKED = dict(  # part -> its networks and what differs from `meant`
    aligned=dict(meant={}, **{"tilt-1": {}}),
    noise=dict(meant={}, noise=dict(augment=report.WithNoise(AUGMENT))),
    wild={"set-lab": {}, "set-web": {}},
    values={
        "meant": {},
        "values-unit-0.002": dict(network=dict(values="unit"), lr=2e-3),
        "values-bytes-0.002": dict(network=dict(values="bytes"), lr=2e-3),
    },
)


@pytest.mark.parametrize("part", ASKED)
def test_a_part_changes_one_thing_and_answers_its_claim(tiny, part):
    tiny.asked.clear()
    answers = [lab.PARTS[part].answers(tiny, seed) for seed in (0, 1)]
    expected = {name: dict(network=None) | changes for name, changes in ASKED[part].items()}
    assert tiny.asked == expected
    tables, claims = lab.PARTS[part].numbers(tiny, answers)
    assert list(claims) == [part]
    assert claims[part]["over"] == "seeds and people"
    assert claims[part]["low"] <= claims[part]["estimate"] <= claims[part]["high"]
    assert len(claims[part]["each"]) == 2
    json.dumps(tables)


def test_annotators_teach_with_and_without_a_latent_truth(tiny):
    answers = lab.PARTS["latent"].answers(tiny, 0)
    found = answers["found|latent truth of two"]
    assert found.shape == (2, 7, 7)
    assert np.allclose(found.sum(2), 1)
    for name in report.CLAIMED:
        assert answers[name].shape == (len(tiny.truth),)
    _, claims = lab.PARTS["latent"].numbers(tiny, [answers, answers])
    assert list(claims) == ["latent"]


@pytest.mark.parametrize("learned", [True, False])
def test_matrices_move_only_if_they_may_learn(tiny, learned):
    from annotator_training import learned_from

    train, _ = tiny.photographs(0)
    labels = np.zeros((len(train.names), 2), int)
    images = tiny.view(train.crops())
    _, matrices = learned_from(tiny, 0, images, labels, learned)
    is_as_it_was = np.allclose(matrices.diagonal(axis1=1, axis2=2), 0.9, atol=1e-6)
    assert is_as_it_was != learned


def test_a_correction_never_turns_a_verdict_around():
    import hypotheses_figures as figures

    path = ROOT / "nbs" / "results" / "hypotheses.json"
    if not path.exists():
        pytest.skip("no results: experiments/hypotheses.py writes them")
    stored = json.loads(path.read_text(encoding="utf-8"))
    found = figures.corrected_verdicts(stored)
    assert set(found) == set(stored["hypotheses"])
    for key, row in stored["hypotheses"].items():
        assert found[key] in (row["verdict"], "undecided"), key
