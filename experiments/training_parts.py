"""Parts of the experiment hypotheses that train again: one change of the training set each."""

import time
import numpy as np
import torch
from factors import only, resized
from fer_course.core.terminal import say
from fer_course.faces import ANNOTATORS, annotate, sample
from fer_course.facs import BASIC, SEVEN
from fer_course.train import inner_face
from harness import MEANING
from laboratory import drawn, predicted, probabilities, trained
from people_scores import Scorer, fleiss, level_row, over_people, over_seeds

LSD = dict(  # class counts as the HSEmotion notebook prints them; their sum: AU-CVT, section 4.1
    anger=18_286, disgust=15_150, fear=10_923, happiness=73_285, sadness=144_631, surprise=14_976
)
MIXES = dict(equal={c: 1 for c in BASIC}, LSD=LSD, squared={c: n**2 for c, n in LSD.items()})
TEST_SEED, TEST_START = 900, 10**6
SIDES = (96, 128)  # pixels of a whole crop


def proportions(counts, n):
    "Return whole numbers that add up to n in the proportions of `counts`, at least 1 each."
    total = sum(counts.values())
    exact = {name: n * count / total for name, count in counts.items()}
    result = {name: max(1, int(value)) for name, value in exact.items()}
    missing = n - sum(result.values())
    for name in sorted(exact, key=lambda k: result[k] - exact[k])[:missing]:
        result[name] += 1
    return result


def mixed(lab, seed, counts):
    "Return `small` faces of six classes in given numbers: of the pool, and further sad faces."
    (crops, names), _, _ = lab.pool(seed)
    n = lab.sizes.small
    rows = {c: np.flatnonzero(names == c)[: counts[c]] for c in BASIC}
    missing = counts["sadness"] - len(rows["sadness"])
    chosen = np.sort(np.concatenate(list(rows.values())))
    images = np.asarray(crops[chosen])
    if missing > 0:
        given = dict(expressions=("sadness",), start=50_000, meaning=MEANING)
        more = sample(2 * n // 3, seed=100 + seed, **given)
        images = np.concatenate([images, drawn(lab.work, f"sad-{seed}", more)[:missing]])
    return images, np.concatenate([names[chosen], np.repeat("sadness", max(missing, 0))])


def labels_by(who, parameters, seed, start=0):
    "Return the labels that an annotator gives; 'meant' = the expressions that were posed."
    if who == "meant":
        return np.array(parameters.expressions)
    units = parameters.action_units.numpy()
    return annotate(units, ANNOTATORS[who], classes=SEVEN, seed=seed, start=start, meaning=MEANING)


class Retraining:
    "Networks that are trained again with one change, and their answers on the test faces."

    def __init__(self, lab):
        self.lab = lab
        size = lab.sizes.again[0]
        regions = ("face", "mouth", "eyes")
        self.tests = {region: inner_face(only(lab.crops, region), size) for region in regions}
        self.basic_rows = np.flatnonzero(np.isin(lab.test.expressions, BASIC))
        self.answers = {}  # change -> class numbers, one array a seed
        self.basic_answers = {}  # mix -> the same, of six classes
        self.chances = {}  # change -> probabilities
        self.mixes = {}  # mix -> counts

    def run(self, name, seed, train, valid, test="face"):
        "Train one network and keep its answers."
        model = self.lab.small(name, seed, train, valid)
        self.keep(name, probabilities(model, self.tests[test]))

    def keep(self, name, chance):
        "Keep the probabilities that a network gave the test faces."
        self.answers.setdefault(name, []).append(chance.argmax(1))
        self.chances.setdefault(name, []).append(chance)

    def seed(self, seed):
        "Train all networks of a seed; each learns from as many faces."
        n = self.lab.sizes.small
        (crops, names), valid, parameters = self.lab.pool(seed)
        crops, names = crops[:n], names[:n]
        self.run("meant", seed, (crops, names), valid)
        for region in ("mouth", "eyes"):
            part = (only(valid[0], region), valid[1])
            self.run(region, seed, (only(crops, region), names), part, test=region)
        for who in ("crowd", "folk"):
            given = labels_by(who, parameters, seed)
            self.run(who, seed, (crops, given[:n]), (valid[0], given[self.lab.sizes.train :]))
        half = n // 2
        folk = labels_by("folk", parameters, seed)[:n]
        self.run("half", seed, (crops[:half], names[:half]), valid)
        merged = np.concatenate([names[:half], folk[half:]])
        self.run("merged", seed, (crops, merged), valid)
        self.few_people(seed, valid)
        self.class_mixes(seed, valid)
        scores = {k: self.lab.scorer.scores([a[-1]])[0, 0] for k, a in self.answers.items()}
        shown = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
        say(f"trained again, seed {seed}: {shown}")

    def few_people(self, seed, valid):
        "Train on as many faces of fewer people."
        n = self.lab.sizes.small
        for persons in self.lab.sizes.persons:
            given = dict(per_identity=n // persons, meaning=MEANING)
            faces = sample(n, seed=1000 * persons + seed, **given)
            crops = drawn(self.lab.work, f"people-{persons}-{seed}", faces)
            self.run(f"people-{persons}", seed, (crops, np.array(faces.expressions)), valid)

    def class_mixes(self, seed, valid):
        "Train on six classes in other proportions."
        known = np.isin(valid[1], BASIC)
        valid = (valid[0][known], valid[1][known])
        for mix in self.lab.sizes.mixes:
            counts = proportions(MIXES[mix], self.lab.sizes.small)
            self.mixes[mix] = counts
            train = mixed(self.lab, seed, counts)
            model = self.lab.small(f"mix-{mix}", seed, train, valid, classes=BASIC)
            found = predicted(model, self.tests["face"][self.basic_rows])
            self.basic_answers.setdefault(mix, []).append(found)


def again_answers(lab, seed):
    "Train the networks of a seed, each with one change; return their answers."
    networks = Retraining(lab)
    networks.seed(seed)
    chances = {f"chance|{name}": found[0] for name, found in networks.chances.items()}
    return chances | {f"mix|{name}": found[0] for name, found in networks.basic_answers.items()}


def again_numbers(lab, answers_of_seeds):
    "Return tables and claims: what one change of the training set does."
    networks = Retraining(lab)
    for answers in answers_of_seeds:
        for key, found in answers.items():
            kind, _, name = key.partition("|")
            if kind == "chance":
                networks.keep(name, found)
            elif kind == "mix":
                networks.basic_answers.setdefault(name, []).append(found)
                networks.mixes[name] = proportions(MIXES[name], lab.sizes.small)
    return retraining_numbers(lab, networks)


def accuracy_of_pair(lab, networks, name, pair):
    "Return the accuracy of one class against another, (1 + repeats, S)."
    rows = np.flatnonzero(np.isin(lab.truth, pair))
    scorer = lab.scorer
    second = lab.truth[rows] == pair[1]
    right = [c[rows][:, pair].argmax(1) == second for c in networks.chances[name]]
    right = np.array(right, float)  # (S, faces)
    sums = np.zeros((scorer.weights.shape[1], len(right)))
    np.add.at(sums, scorer.people[rows], right.T)
    counts = np.bincount(scorer.people[rows], minlength=len(sums))
    return (scorer.weights @ sums) / (scorer.weights @ counts)[:, None]


def scores_against_annotators(lab, networks):
    "Return the scores against the labels of each annotator, of two networks each."
    own = {}
    for who in ("crowd", "folk"):
        names = labels_by(who, lab.test, TEST_SEED, TEST_START)
        truth = np.array([SEVEN.index(name) for name in names])
        own[who] = {by: lab.scorer.scores(networks.answers[by], truth) for by in ("meant", who)}
    return own


def retraining_numbers(lab, networks):
    "Return tables and claims of the networks that were trained again."
    scores = {name: lab.scorer.scores(found) for name, found in networks.answers.items()}
    people = lab.test.persons.numpy()[networks.basic_rows]
    basic = Scorer([lab.test.expressions[i] for i in networks.basic_rows], people, BASIC)
    mixes = {name: basic.scores(found) for name, found in networks.basic_answers.items()}
    own = scores_against_annotators(lab, networks)
    persons = [*lab.sizes.persons, lab.sizes.small // 5]
    by_people = {k: scores[f"people-{k}"] for k in persons[:-1]} | {persons[-1]: scores["meant"]}
    pair = [SEVEN.index("anger"), SEVEN.index("surprise")]
    apart = {
        name: accuracy_of_pair(lab, networks, name, pair) for name in ("mouth", "eyes", "meant")
    }
    agreement, disagree = annotators_agree()
    claims = claims_of(scores, mixes, own, by_people, apart) | dict(disagree=disagree)
    recall = {}
    for name, found in networks.basic_answers.items():
        counts = basic.counts(found)[0].sum(0)
        recall[name] = (np.diagonal(counts) / counts.sum(1)).tolist()
    tables = tables_of(scores, mixes, own, by_people, apart)
    for row in tables["imbalance"]:
        row |= dict(recall=recall[row["level"]], counts=networks.mixes[row["level"]])
    return dict(again=tables, agreement=agreement), claims


def claims_of(scores, mixes, own, by_people, apart):
    "Return the estimate of each claim about training, with its interval."
    first, *_, most = by_people.values()
    region = max(("mouth", "eyes"), key=lambda name: scores[name][0].mean())

    def difference(better, other):
        return over_seeds((better - other)[0], better)

    merging = over_seeds((scores["half"] - scores["merged"])[0], scores["merged"])
    folk = own["folk"]
    inherited = over_seeds((folk["folk"] - folk["meant"])[0], scores["meant"])
    return dict(
        mouth=over_people(apart["mouth"]),
        regions=difference(scores["meant"], scores[region]),
        more_people=difference(most, first),
        imbalance=difference(mixes["equal"], mixes["LSD"]),
        inconsistent=difference(scores["meant"], scores["crowd"]),
        inherited=inherited,
        merging=merging,
    )


def tables_of(scores, mixes, own, by_people, apart):
    "Return the tables of the lesson, a list of rows each."
    annotators = []
    for who in ("meant", "crowd", "folk"):
        own_row = level_row(who, own[who][who]) if who in own else None
        annotators.append(level_row(who, scores[who]) | dict(own=own_row))
    regions = [
        level_row(k, scores[k]) | dict(apart=level_row(k, apart[k]))
        for k in ("meant", "mouth", "eyes")
    ]
    return dict(
        people=[level_row(k, v) for k, v in by_people.items()],
        imbalance=[level_row(k, v) for k, v in mixes.items()],
        annotators=annotators,
        regions=regions,
        merging=[level_row(k, scores[k]) for k in ("half", "merged")],
    )


# The annotators of the experiment; those with statistics came later
PEOPLE = [name for name, annotator in ANNOTATORS.items() if annotator.statistics is None]


def annotators_agree(faces=2100, repeats=300):
    "Return kappa of all pairs of annotators, and of three that a project might hire."
    from sklearn.metrics import cohen_kappa_score

    parameters = sample(faces, seed=100, meaning=MEANING)
    labels = dict(meant=np.array(parameters.expressions))
    for number, who in enumerate(PEOPLE):
        labels[who] = labels_by(who, parameters, 7 + number)
    three = np.stack([labels[who] for who in ("reader", "folk", "crowd")])
    rng = np.random.default_rng(0)
    people = faces // 5
    values = [[fleiss(three)]]
    for _ in range(repeats):
        rows = 5 * rng.integers(0, people, people)[:, None] + np.arange(5)
        values.append([fleiss(three[:, rows.ravel()])])
    kappa = {a: {b: float(cohen_kappa_score(labels[a], labels[b])) for b in labels} for a in labels}
    everybody = fleiss(np.stack([labels[who] for who in PEOPLE]))
    return dict(kappa=kappa, fleiss_all=everybody), over_people(np.array(values))


def resolution_answers(lab, seed):
    "Train networks that see whole crops at 96 and at 128 pixels; return their class numbers."
    n, epochs, batch, lr = lab.sizes.whole
    (crops, names), (valid, valid_names), _ = lab.pool(seed)
    answers = {}
    for pixels in SIDES:
        model = trained(
            lab.work,
            f"whole-{pixels}",
            seed,
            train=(resized(crops[:n], pixels), names[:n]),
            valid=(resized(valid, pixels), valid_names),
            size=pixels,
            epochs=epochs,
            batch=batch,
            lr=lr,
        )
        answers[str(pixels)] = predicted(model, resized(lab.crops, pixels))
    return answers


def resolution_numbers(lab, answers_of_seeds):
    "Return the table and the claim about 96 and 128 pixels."
    scores = {}
    for pixels in SIDES:
        scores[pixels] = lab.scorer.scores([found[str(pixels)] for found in answers_of_seeds])
    rows = [level_row(pixels, values) for pixels, values in scores.items()]
    found = over_seeds((scores[128] - scores[96])[0], scores[128])
    return dict(resolution=rows), dict(resolution=found)


def step_time(pixels, batch=24):
    "Return the CPU seconds per face of a training step."
    from fer_course.models import create

    model = create("small", size=pixels, au_vocabulary=None)
    x = torch.randn(batch, 3, pixels, pixels)

    def step():
        model.zero_grad()
        model(x)[0].logsumexp(1).sum().backward()

    step()  # allocates
    start = time.process_time()
    step()
    return (time.process_time() - start) / batch


def speed_answers(lab, seed, repeats=5):
    "Return CPU seconds per face of training steps, (repeats, 2): at 96 and at 128 pixels."
    return dict(steps=np.array([[step_time(pixels) for pixels in SIDES] for _ in range(repeats)]))


def speed_numbers(lab, answers_of_seeds):
    "Return the times and the claim: a training step at 128 pixels over one at 96."
    steps = np.concatenate([found["steps"] for found in answers_of_seeds])
    ratio = steps[:, 1] / steps[:, 0]
    found = dict(
        estimate=float(np.median(ratio)),
        each=ratio.tolist(),
        sd=float(ratio.std(ddof=1)),
        low=float(ratio.min()),
        high=float(ratio.max()),
        over="repeats",
    )
    medians = 1000 * np.median(steps, 0)
    times = {pixels: float(value) for pixels, value in zip(SIDES, medians)}
    return dict(milliseconds_per_face=times), dict(speed=found)
