"""Parts of the experiment hypotheses about how the reports prepare and label faces.

Each part trains the network of the part `again`, with the same faces and as many steps, and
changes one thing. The network `meant` of that part is the common reference: it sees aligned crops
without noise, values in [-1, 1] and the labels that were meant.
"""

from dataclasses import dataclass
import numpy as np
import torch
from factors import everybody
from fer_course.augment import Augment
from fer_course.augment.copies import AS_IT_IS, NOISES, changed
from fer_course.facs import SEVEN
from laboratory import AUGMENT, photographed, predicted
from people_scores import Scorer, level_row, over_both
from training_parts import labels_by

TILTS = (0, 1, 4)  # shares of the photograph's tilt that are left in the crop
VARIANCES = (0, 0.0006, 0.0025, 0.01, 0.04)  # of Gaussian noise on light from 0 to 1
SMALL = 0.0025  # a quarter of the variance that report S trains with
RATES = (2e-3, 5e-4, 8e-3)  # learning rates; the first is that of the experiment
VALUES = ("unit", "bytes")  # what the first layer sees: [0, 1] or [0, 255]
SETS = ("lab", "web")  # profiles: posed in even light, and found by keyword


def plain(lab, seed):
    "Return (crops, names) to train and to validate, and the network `meant`."
    train, valid = lab.photographs(seed)
    train = (train.crops(), train.names)
    valid = (valid.crops(), valid.names)
    return train, valid, lab.small("meant", seed, train, valid)


# Alignment: the same crops with and without the tilt of the head


def tilt_answers(lab, seed, tilts):
    "Train at some tilts; return the class numbers of each network at each tested tilt."
    train, valid = lab.photographs(seed)
    test = photographed(lab.work, "photographs-test", lab.test)
    views = {tilt: lab.view(test.crops(tilt)) for tilt in TILTS}
    answers = {}
    for tilt in tilts:
        name = f"tilt-{tilt}" if tilt else "meant"
        model = lab.small(
            name, seed, (train.crops(tilt), train.names), (valid.crops(tilt), valid.names)
        )
        for seen, view in views.items():
            answers[f"{tilt}|{seen}"] = predicted(model, view)
    return answers


def aligned_answers(lab, seed):
    "Train with level eyes and with the tilt of the photograph."
    return tilt_answers(lab, seed, TILTS[:2])


def tilted_answers(lab, seed):
    "Train at all tilts; what `aligned` trained is read back."
    return tilt_answers(lab, seed, TILTS)


def tilt_rows(lab, answers_of_seeds):
    "Return the scores of networks by the tilt learned and the tilt tested, and their table."
    scores = scores_of(lab.scorer, answers_of_seeds)
    return scores, [level_row(key.split("|"), values) for key, values in scores.items()]


def aligned_numbers(lab, answers_of_seeds):
    "Return the table of tilts and the claim."
    scores, rows = tilt_rows(lab, answers_of_seeds)
    found = over_both(scores["0|0"] - scores["1|1"], scores["0|0"], lab.sizes.people)
    return dict(tilt=dict(rows=rows)), dict(aligned=found)


def tilted_numbers(lab, answers_of_seeds):
    "Return the table of all tilts, and what alignment gains where heads are tilted much."
    scores, rows = tilt_rows(lab, answers_of_seeds)
    gap = scores["0|0"] - scores["4|4"]
    return dict(tilt=dict(rows=rows, much=over_both(gap, scores["0|0"], lab.sizes.people))), {}


def scores_of(scorer, answers_of_seeds):
    "Return {name: macro F1 (1 + repeats, S)} of the answers of all seeds."
    names = answers_of_seeds[0]
    return {k: scorer.scores([found[k] for found in answers_of_seeds]) for k in names}


# Noise: report S adds it last, to images of the size that the network sees


@dataclass(frozen=True)
class WithNoise:
    "An augmentation, and behind it one of report S's noises, or none, for each image."

    before: Augment = AUGMENT

    def __call__(self, x, generator):
        "Return the batch (B, 3, H, W) in [-1, 1] with other noise each time."
        x = self.before(x, generator)
        seeds = torch.randint(2**31, (len(x),), generator=generator).tolist()
        kinds = (AS_IT_IS, *NOISES)
        images = ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
        noisy = [changed(i, kinds[seed % len(kinds)], seed=seed) for i, seed in zip(images, seeds)]
        return torch.from_numpy(np.stack(noisy)).float() / 127.5 - 1


def with_gaussian(images, variance):
    "Return images (n, H, W, 3) uint8 with Gaussian noise of a variance of the light (0-1)."
    rng = np.random.default_rng(0)
    light = images / 255 + rng.normal(0, variance**0.5, images.shape)
    return np.rint(255 * light.clip(0, 1)).astype(np.uint8)


def noise_answers(lab, seed):
    "Train with and without noise; return the class numbers at each strength and kind of noise."
    train, valid, model = plain(lab, seed)
    noisy = lab.small("noise", seed, train, valid, augment=WithNoise())
    view = lab.view(lab.crops)
    tests = {str(variance): with_gaussian(view, variance) for variance in VARIANCES}
    for kind in NOISES:
        tests[kind] = np.stack([changed(i, kind, seed=k) for k, i in enumerate(view)])
    networks = dict(without=model, noises=noisy)
    return {
        f"{name}|{test}": predicted(network, images)
        for name, network in networks.items()
        for test, images in tests.items()
    }


def noise_numbers(lab, answers_of_seeds):
    "Return the table of noises and the claim."
    scores = scores_of(lab.scorer, answers_of_seeds)
    rows = [level_row(key.split("|"), values) for key, values in scores.items()]
    better = scores[f"noises|{SMALL}"]
    gap = better - scores[f"without|{SMALL}"]
    found = over_both(gap, scores["without|0"], lab.sizes.people)
    return dict(noise=rows), dict(noise=found)


# Values: what the first layer sees


def networks_of_rates(lab, seed, rates):
    "Train with both ranges of values; return class numbers and validation scores."
    train, valid, _ = plain(lab, seed)
    scorer = Scorer(valid[1], np.arange(len(valid[1])), repeats=1)
    answers = {}
    for values in VALUES:
        for rate in rates:
            name = f"values-{values}-{rate:g}"
            model = lab.small(name, seed, train, valid, network=dict(values=values), lr=rate)
            answers[f"{values}|{rate:g}"] = predicted(model, lab.view(lab.crops))
            chosen = scorer.scores([predicted(model, lab.view(valid[0]))])[0]
            answers[f"valid|{values}|{rate:g}"] = chosen
    return answers


def values_answers(lab, seed):
    "Train with both ranges of values at the rate of the experiment."
    return networks_of_rates(lab, seed, RATES[:1])


def rates_answers(lab, seed):
    "Train with both ranges of values at all rates; what `values` trained is read back."
    return networks_of_rates(lab, seed, RATES)


def rate_rows(lab, answers_of_seeds):
    "Return rows of values and learning rates: the score, and that of the validation faces."
    names = [name for name in answers_of_seeds[0] if not name.startswith("valid")]
    rows = []
    for name in names:
        found = [answers[name] for answers in answers_of_seeds]
        chosen = [float(answers[f"valid|{name}"][0]) for answers in answers_of_seeds]
        rows.append(level_row(name.split("|"), lab.scorer.scores(found)) | dict(valid=chosen))
    return rows


def values_numbers(lab, answers_of_seeds):
    "Return the table of values and the claim, at one learning rate."
    unit, whole = (
        lab.scorer.scores([answers[f"{values}|{RATES[0]:g}"] for answers in answers_of_seeds])
        for values in VALUES
    )
    found = over_both(unit - whole, unit, lab.sizes.people)
    return dict(values=rate_rows(lab, answers_of_seeds)), dict(values=found)


def rates_numbers(lab, answers_of_seeds):
    "Return the table of all rates, and each range of values at its best rate by validation."
    rows = rate_rows(lab, answers_of_seeds)
    best, scores = {}, {}
    for values in VALUES:
        own = [row for row in rows if row["level"][0] == values]
        chosen = max(own, key=lambda row: np.mean(row["valid"]))["level"]
        answers = [found["|".join(chosen)] for found in answers_of_seeds]
        scores[values] = lab.scorer.scores(answers)
        best[values] = level_row(chosen, scores[values])
    unit, whole = scores.values()
    difference = over_both(unit - whole, unit, lab.sizes.people)
    return dict(rates=dict(rows=rows, best=best, difference=difference)), {}


# Sets: posed faces in even light, and faces that were found by keyword


def wild_answers(lab, seed):
    "Train on each set; return the class numbers on the test faces of each set."
    tests = {}
    for name in SETS:
        faces = photographed(lab.work, f"photographs-test-{name}", test_faces(lab, name))
        tests[name] = lab.view(faces.crops())
    answers = {}
    for learned in SETS:
        train, valid = lab.photographs(seed, learned)
        model = lab.small(
            f"set-{learned}", seed, (train.crops(), train.names), (valid.crops(), valid.names)
        )
        for tested, view in tests.items():
            answers[f"{learned}|{tested}"] = predicted(model, view)
    return answers


def test_faces(lab, profile):
    "Return the test faces of a profile, with the occluders that belong to it."
    return everybody(lab.sizes.people, profile)


def wild_numbers(lab, answers_of_seeds):
    "Return the table of sets, learned against tested, and the claim."
    scores = {}
    for name in SETS:
        faces = test_faces(lab, name)
        scorer = Scorer(faces.expressions, faces.persons.numpy())
        found = [{k: v for k, v in a.items() if k.endswith(f"|{name}")} for a in answers_of_seeds]
        scores |= scores_of(scorer, found)
    rows = [level_row(key.split("|"), values) for key, values in scores.items()]
    lab_lacks = scores["web|web"] - scores["lab|web"]
    wild_lacks = scores["lab|lab"] - scores["web|lab"]
    own = (scores["lab|lab"] + scores["web|web"]) / 2
    people = lab.sizes.people
    gaps = dict(lab=over_both(lab_lacks, own, people), web=over_both(wild_lacks, own, people))
    found = over_both(lab_lacks - wild_lacks, own, people)
    return dict(wild=dict(rows=rows, gaps=gaps)), dict(wild=found)


# Annotators: one label a face, all labels, or a latent truth behind them

TWO, THREE = ("folk", "crowd"), ("reader", "folk", "crowd")
CLAIMED = {  # name -> annotators, one label a face?, do the transition matrices learn?
    "majority of two": (TWO, True, False),
    "latent truth of two": (TWO, False, True),
}
FURTHER = {
    "all labels of two": (TWO, False, False),
    "majority of three": (THREE, True, False),
    "latent truth of three": (THREE, False, True),
}


def majority(labels, seed):
    """Return the most frequent label of each face, (n, 1), from class numbers (n, K).

    Where several are equally frequent, as if two annotators differ, it is a random one of them.
    """
    rng = np.random.default_rng(seed)
    votes = np.stack([(labels == c).sum(1) for c in range(len(SEVEN))], 1)  # (n, C)
    return (votes + 0.5 * rng.random(votes.shape)).argmax(1)[:, None]


def labels_of(annotators, parameters, seed):
    "Return the class numbers (n, K) that annotators wrote."
    written = [labels_by(who, parameters, seed + k) for k, who in enumerate(annotators)]
    return np.array([[SEVEN.index(name) for name in names] for names in written]).T


def label_answers(lab, seed, arms):
    "Train from the labels of annotators; return class numbers, matrices, right shares."
    from annotator_training import learned_from  # takes the second that fastai takes to load

    (crops, _), _, model = plain(lab, seed)
    images, view = lab.view(crops), lab.view(lab.crops)
    parameters = lab.parameters(seed)[list(range(len(images)))]
    meant = labels_of(["meant"], parameters, seed)
    answers = dict(meant=predicted(model, view))
    for name, (annotators, one, learned) in arms.items():
        labels = labels_of(annotators, parameters, seed)
        if one:
            labels = majority(labels, seed)
        network, matrices = learned_from(lab, seed, images, labels, learned)
        answers[name] = predicted(network, view)
        answers[f"right|{name}"] = (labels == meant).mean(0)
        if learned:
            answers[f"found|{name}"] = matrices
            answers[f"true|{name}"] = counted(labels, meant[:, 0])
    return answers


def counted(labels, meant):
    "Return P(written | meant) of each annotator as counted on the training faces, (K, C, C)."
    tables = np.zeros((labels.shape[1], len(SEVEN), len(SEVEN)))
    for table, written in zip(tables, labels.T):
        np.add.at(table, (meant, written), 1)
    return tables / tables.sum(2, keepdims=True)


def label_tables(lab, answers_of_seeds, arms):
    "Return the scores, and the tables: a row for each arm, the matrices of the first seed."
    names = ("meant", *arms)
    scores = scores_of(lab.scorer, [{k: found[k] for k in names} for found in answers_of_seeds])
    first = answers_of_seeds[0]
    rows = [
        level_row(name, values) | dict(right=first.get(f"right|{name}", np.ones(1)).tolist())
        for name, values in scores.items()
    ]
    matrices = {
        name: dict(found=first[f"found|{name}"].tolist(), true=first[f"true|{name}"].tolist())
        for name, (_, _, learned) in arms.items()
        if learned
    }
    return scores, dict(rows=rows, matrices=matrices)


def latent_answers(lab, seed):
    "Train from two annotators: from their majority, and with a latent truth."
    return label_answers(lab, seed, CLAIMED)


def latent_numbers(lab, answers_of_seeds):
    "Return the tables of two annotators and the claim."
    scores, tables = label_tables(lab, answers_of_seeds, CLAIMED)
    gap = scores["latent truth of two"] - scores["majority of two"]
    return dict(latent=tables), dict(latent=over_both(gap, scores["meant"], lab.sizes.people))


def annotators_answers(lab, seed):
    "Train from all labels of two annotators, and from three annotators."
    return label_answers(lab, seed, FURTHER)


def annotators_numbers(lab, answers_of_seeds):
    "Return the tables of further annotators, and what the latent truth of three gains."
    scores, tables = label_tables(lab, answers_of_seeds, FURTHER)
    gap = scores["latent truth of three"] - scores["majority of three"]
    three = over_both(gap, scores["meant"], lab.sizes.people)
    return dict(further=tables | dict(three=three)), {}
