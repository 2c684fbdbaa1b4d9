"""Parts of the experiment hypotheses that measure faces: factors, pairs, people."""

from dataclasses import replace
from itertools import combinations
import numpy as np
from claims import HYPOTHESES
from factors import FACTORS, SHRUNK, at_level, resized, shrunk
from fer_course.faces import sample
from fer_course.facs import SEVEN
from fer_course.train import inner_face, standardise
from harness import MEANING
from laboratory import drawn, predicted, probabilities
from people_scores import level_row, over_people, ratio_of, variances


LEVELS = {name: levels for name, (_, levels, _) in FACTORS.items()} | dict(resolution=SHRUNK)


def scene_answers(lab, seed):
    "Train the judge of a seed; return its class numbers (n,) at every level of every factor."
    size = lab.sizes.judge[0]
    judge = lab.judge(seed)

    def keep(crops):
        return inner_face(crops, size)

    answers = {}
    for factor, levels in LEVELS.items():
        for level in levels:
            if factor == "resolution":
                crops = keep(shrunk(lab.crops, level))
            else:
                parameters = at_level(lab.test, factor, level)
                crops = drawn(lab.work, f"{factor}-{level}", parameters, keep=keep)
            answers[f"{factor}|{level}"] = predicted(judge, crops)
    parameters = lab.test.frontal()
    first = {name: v[:1].expand_as(v).clone() for name, v in parameters.scene.items()}
    crops = drawn(lab.work, "plain", replace(parameters, scene=first), keep=keep)
    answers["logits"] = np.log(probabilities(judge, crops).clip(1e-4))
    return answers


def drop(scores, claim):
    "Return the estimate of a drop of the macro F1, with its interval over people."
    easy = scores[claim["factor"], claim["easy"]]
    hard = np.mean([scores[claim["factor"], level] for level in claim["hard"]], 0)
    return over_people(easy - hard) | dict(reference=float(easy[0].mean()))


def scene_numbers(lab, answers_of_seeds):
    "Return tables and claims: what one factor of the test faces does to judges trained once."
    answers = {}
    for factor, levels in LEVELS.items():
        for level in levels:
            found = [of_seed[f"{factor}|{level}"] for of_seed in answers_of_seeds]
            answers[factor, level] = np.array(found)
    logits = [found["logits"] for found in answers_of_seeds]
    scores = {key: lab.scorer.scores(found) for key, found in answers.items()}
    units = {name: unit for name, (_, _, unit) in FACTORS.items()} | dict(resolution="pixels")
    factors = {}
    for name, unit in units.items():
        levels = [level_row(level, v) for (factor, level), v in scores.items() if factor == name]
        factors[name] = dict(unit=unit, levels=levels)
    found = {key: drop(scores, claim) for key, claim in HYPOTHESES.items() if "easy" in claim}
    unhidden = answers["occluder", "none"]
    numbers = dict(
        judge=level_row("judge", lab.scorer.scores(unhidden)),
        confusion=lab.scorer.counts(unhidden)[0].sum(0).tolist(),
        factors=factors,
    )
    pairs, found["similar"] = similar_classes(lab, unhidden)
    variance, found["people"] = people_and_expressions(lab, logits)
    return numbers | dict(pairs=pairs, variance=variance), found


def similar_classes(lab, answers):
    "Return distance and confusion of each pair of classes, and the claim about both."
    from scipy.stats import spearmanr

    parameters = sample(lab.sizes.train, seed=100, meaning=MEANING)
    units = parameters.action_units.mean(2).numpy() / 5
    names = np.array(parameters.expressions)
    means = np.stack([units[names == c].mean(0) for c in SEVEN])
    counts = lab.scorer.counts(answers).sum(1)  # (1 + repeats, 7, 7)
    share = counts / counts.sum(-1, keepdims=True).clip(1)
    pairs = list(combinations(range(len(SEVEN)), 2))
    distances = [float(np.linalg.norm(means[a] - means[b])) for a, b in pairs]
    confused = np.stack([(share[:, a, b] + share[:, b, a]) / 2 for a, b in pairs], 1)
    correlations = np.array([[-spearmanr(distances, row)[0]] for row in confused])
    rows = [
        dict(pair=[SEVEN[a], SEVEN[b]], distance=distance, confused=float(value))
        for (a, b), distance, value in zip(pairs, distances, confused[0])
    ]
    return rows, over_people(correlations)


def people_and_expressions(lab, logits):
    "Return how much of the variance, in one scene, persons and expressions explain."
    crops = drawn(lab.work, "plain", None)  # made by `scene_answers`

    def by_person(x):
        return x.reshape(len(x) // len(SEVEN), len(SEVEN), -1).astype(np.float64)

    pixels = by_person(resized(crops, 32))
    views = {
        "pixels": pixels,
        "pixels without light and skin": by_person(resized(standardise(np.array(crops)), 32)),
        "answers of the judge": by_person(np.concatenate(logits, 1)),
    }
    shares = {}
    for name, x in views.items():
        parts = dict(zip(("person", "expression", "rest"), variances(x).tolist()))
        shares[name] = parts | dict(ratio=over_people(ratio_of(x))["estimate"])
    return shares, over_people(ratio_of(pixels))
