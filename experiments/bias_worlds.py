"""Worlds with a known annotator bias: faces, annotators, tools for units, and measures.

The parts of experiments/bias_known.py. A world is five sets of faces, the stand-ins of
`faces.sets.SETS` for the datasets of AU-ViT (their people, expressions and action units; nothing is
rendered), an annotator for each, and a tool that gives each set its action units:
`exact` = the units that the renderer would show, `pseudo` = those of a detector with errors for all
five sets, `mixed` = pseudo for the three expression sets and exact for the two action unit sets, as
in the paper (OpenFace there, manual labels here).
"""

import harness  # noqa: F401  first: it sets the threads

from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path
import numpy as np
import pandas as pd
from fer_course.bias.vectors import cosine_rows, mean_units
from fer_course.core.errors import CourseError
from fer_course.core.files import read_json, read_table
from fer_course.faces import ANNOTATORS, PROFILES, SETS
from fer_course.faces.annotators import label_chances
from fer_course.faces.profiles import ACTION_UNITS, PRESENT
from fer_course.facs import AU_VOCABULARIES, SEVEN, au_columns

DATASETS = {  # dataset of the paper -> its stand-in among `SETS`
    "RAF-DB": "like_rafdb",
    "FERPlus": "like_ferplus",
    "AffectNet": "like_affectnet",
    "RAF-AU": "like_raf_au",
    "EmotioNet": "like_emotionet",
}
NAMES = tuple(DATASETS)
UNIT_SETS = NAMES[3:]  # annotated with action units; a network names the expressions
PAIRS = tuple(combinations(range(len(NAMES)), 2))
PAIR_NAMES = [f"{NAMES[a]} - {NAMES[b]}" for a, b in PAIRS]
CLASSES = SEVEN
UNITS = au_columns("common")
MANY = au_columns("raf_au")  # the 21 units that RAF-AU labels
MEASURES = ("cosine", "basic", "l1", "single", "shares", "label13", "label21")
EACH = ("cosine", "l1")  # measures with a value for each expression
TOOLS = ("exact", "pseudo", "mixed")
POOL = 15_000  # faces of each set, from whose people the worlds are drawn
POPULATION = 1000  # faces of each set in the population that defines the truth
ITERATIONS = 100  # at most, of a logistic regression
NETWORK_NOISE = 0.25  # share of the network's labels that are any class; assumed
# scenario -> faces ("five" profiles or "one"), cast of annotators, tool; a last "few" = few faces
SCENARIOS = {
    "random": ("five", "random", "exact"),
    "random, few faces": ("five", "random", "exact", "few"),
    "random, one profile": ("one", "random", "exact"),
    "random, pseudo": ("five", "random", "pseudo"),
    "random, mixed": ("five", "random", "mixed"),
    "equal": ("five", "equal", "exact"),
    "equal, few faces": ("five", "equal", "exact", "few"),
    "equal, one profile": ("one", "equal", "exact"),
    "equal, pseudo": ("five", "equal", "pseudo"),
    "equal, mixed": ("five", "equal", "mixed"),
    "same": ("five", "same", "exact"),
    "stand-ins": ("five", "stand-ins", "exact"),
    "stand-ins, pseudo": ("five", "stand-ins", "pseudo"),
    "stand-ins, mixed": ("five", "stand-ins", "mixed"),
    "network": ("five", "network", "exact"),
    "network, mixed": ("five", "network", "mixed"),
}
DETECTED = {  # with the units of a real detector; modelled = errors at its rates, independent
    f"detected: {cast}, {tool}": (cast, tool)
    for cast in ("random", "equal", "stand-ins")
    for tool in ("exact", "pseudo", "mixed", "modelled")
}
CASTS = ("random", "equal", "same", "stand-ins", "network")
HABITS = dict(
    threshold="strict", confusions="confused", noise="hasty", prototypes="folk", several="crowd"
)
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)  # strengths of a habit, shares of the film profile
ERRORS = (0.0, 0.5, 1.0, 1.5, 2.0)  # factors of the detector's errors
DOSE_TOOLS = ("pseudo", "mixed", "alike")  # alike: the same rates of errors in all sets
HAPPY = (1 / 7, 0.4, 0.6, 0.8)  # shares of happiness among EmotioNet's faces
# who names the expressions -> the annotator of the expression sets, of the unit sets
NAMERS = {
    "reader everywhere": ("reader", "reader"),
    "hasty everywhere": ("hasty", "hasty"),
    "network everywhere": ("network", "network"),
    "network in the unit sets": ("reader", "network"),
}
# Errors of the detector: see `rates`
ANCHOR = Path(__file__).resolve().parents[1] / "nbs" / "results" / "pseudo_labels.json"
GAP = 1.0  # logits that separate the film profile from the course profile; assumed

# Faces


def faces_of(parameters, name):
    """Return a table of faces without labels, and the intensities (n, units, 2) of both sides.

    The table has the columns subject and meant, and those of `MANY` (1 or 0).
    """
    sides = parameters.action_units.numpy()
    present = sides.max(2) >= PRESENT
    columns = [ACTION_UNITS.index(number) for number in AU_VOCABULARIES["raf_au"]]
    table = pd.DataFrame(present[:, columns].astype(float), columns=MANY)
    table["subject"] = [f"{name}-{person}" for person in parameters.persons.tolist()]
    table["meant"] = np.array(parameters.expressions, object)
    return table, sides


@lru_cache(maxsize=None)
def pool(name, n, more=0):
    "Return table and intensities (n, units, 2) of the first n faces of a stand-in."
    record = SETS[DATASETS[name]]
    record = replace(record, n=n, seed=record.seed + more)
    return faces_of(record.parameters(0, n), name)


@lru_cache(maxsize=None)
def population(n=POPULATION):
    "Return intensities (5n, units, 2) of other people, in equal parts of the five sets."
    return np.concatenate([pool(name, n, 500)[1] for name in NAMES])


def some_people(subjects, n, rng, skip=0):
    "Return the rows of people in a random order: n faces behind the first `skip`."
    codes, people = pd.factorize(np.asarray(subjects))
    order = rng.permutation(len(people))[codes]
    return np.argsort(order, kind="stable")[skip : skip + n]


# Annotators


def weaker(name, strength):
    "Return an annotator of `ANNOTATORS` with a strength."
    return replace(ANNOTATORS[name], strength=float(strength))


def network():
    "Return the annotator in the role of the network that names expressions (deepface)."
    return replace(ANNOTATORS["crowd"], noise=ANNOTATORS["crowd"].noise + NETWORK_NOISE)


def random_annotator(rng):
    "Return an annotator other than `reader`, of any strength."
    return weaker(rng.choice([name for name in ANNOTATORS if name != "reader"]), rng.uniform())


def cast(kind, rng):
    """Return the annotators of the five sets.

    `random`: any of `ANNOTATORS` but reader, strength uniform 0-1. `equal`: reader everywhere.
    `same`: one annotator of `ANNOTATORS` at full strength everywhere. `stand-ins`: those of `SETS`
    for the expression sets and the network for the unit sets. `network`: random ones for the
    expression sets and the network for the unit sets.
    """
    drawn = [random_annotator(rng) for _ in NAMES]
    if kind == "random":
        return drawn
    if kind == "same":
        return [replace(drawn[0], strength=1.0)] * len(NAMES)
    if kind == "equal":
        return [ANNOTATORS["reader"]] * len(NAMES)
    found = drawn
    if kind == "stand-ins":
        records = [SETS[key] for key in DATASETS.values()]
        found = [
            weaker("reader" if r.annotator == "meant" else r.annotator, r.strength) for r in records
        ]
    return [network() if name in UNIT_SETS else one for name, one in zip(NAMES, found)]


def truth(annotators, intensities):
    """Return the known bias of each pair: (pairs,) over all labels, (pairs, classes) for each.

    The first is the mean total variation distance of the labels, as `annotator_distance`. The
    second asks how much of what either would call by that name the other would not: the mean of
    |P_a - P_b| over the mean of max(P_a, P_b), 0-1.
    """
    chances = [label_chances(intensities, one, classes=CLASSES) for one in annotators]
    overall = []
    each = []
    for first, second in combinations(chances, 2):
        difference = abs(first - second)
        overall.append(difference.sum(1).mean() / 2)
        most = np.maximum(first, second).mean(0)
        each.append(difference.mean(0) / np.maximum(most, 1e-12))
    return np.array(overall), np.array(each)


# Detectors


def difficulty(profile):
    """Return how hard a detector finds the images of a profile: 0 = course, 1 = film.

    The mean of three numbers of the profile: darkness (middle of the exposure), yaw (standard
    deviation) and weakness (middle of the intensity, and the share of weak expressions), each
    relative to the step from course to film.
    """

    def numbers(one):
        middle = np.mean(one.intensity) * (1 - 0.6 * one.weak)
        return np.array([-np.mean(one.exposure), one.yaw, -middle])

    course, film, own = (numbers(p) for p in (PROFILES["course"], PROFILES["film"], profile))
    return float(((own - course) / (film - course)).mean())


def rates(profile, errors=1.0, gap=GAP):
    """Return the detector's true and false positive rate of each unit, (13,) each.

    In the profile `course` every unit has as many false as missed detections, and the F1 of the
    detector of lesson 19 (experiments/pseudo_labels.py, "target, .5": learned on web faces, tested
    on `course`). In other profiles the logits move by `gap` times their difficulty: down for the
    true positive rate, up for the false positive rate. `errors` multiplies both kinds of error.
    """
    known = read_json(ANCHOR)
    share = np.array([known["prevalence"][unit] for unit in UNITS])
    f1 = np.array([known["pseudo"]["f1"]["target, .5"][unit] for unit in UNITS])
    false = share * (1 - f1) / (1 - share)
    shift = gap * difficulty(profile)

    def moved(rate, by):
        return 1 / (1 + (1 / rate - 1) * np.exp(-by))

    missed = np.minimum(errors * (1 - moved(f1, -shift)), 1)
    return 1 - missed, np.minimum(errors * moved(false, shift), 1)


def detected(units, true_rate, false_rate, rng):
    "Return the units (n, 13) of a detector whose errors are independent of each other."
    chance = np.where(units == 1, true_rate, false_rate)
    return (rng.random(units.shape) < chance).astype(float)


def error_rates(exact, pseudo):
    "Return the true and false positive rates (13,) of units that a detector gave."
    exact = np.asarray(exact) == 1
    pseudo = np.asarray(pseudo) == 1
    with np.errstate(invalid="ignore"):
        true = (exact & pseudo).sum(0) / exact.sum(0)
        false = (~exact & pseudo).sum(0) / (~exact).sum(0)
    return true, false


def real_faces(folder, name):
    """Return table and intensities (n, units) of a set that was rendered and read by a detector.

    Reads FOLDER/<stand-in>.parquet, see experiments/bias_known.py. The table has the columns of
    `faces_of` and `AU1_pseudo` ... Raises CourseError if the file or a value is missing.
    """
    path = Path(folder) / f"{DATASETS[name]}.parquet"
    if not path.exists():
        remedy = "write one file for each of " + ", ".join(DATASETS.values())
        raise CourseError("there are no detected units of this set", path, remedy)
    table = read_table(path)
    pseudo = [f"{unit}_pseudo" for unit in UNITS]
    wanted = [*UNITS, *pseudo, *(f"AU{number}_intensity" for number in ACTION_UNITS)]
    for column in ("subject", *wanted):
        if column not in table:
            raise CourseError(f"the column {column} is missing", path, "see bias_known.py --help")
        if table[column].isna().any():
            raise CourseError(f"values of {column} are missing", path, "drop these images")
    for unit in MANY:  # a file may have the 13 common units alone
        table[unit] = (table[f"{unit}_intensity"] >= PRESENT).astype(float)
    intensities = table[wanted[2 * len(UNITS) :]].to_numpy(float)
    return table[["subject", *MANY, *pseudo]], intensities


# Worlds


def labelled(table, intensities, annotator, rng):
    "Return the table with the labels of an annotator in the column `expression`."
    chances = label_chances(intensities, annotator, classes=CLASSES).cumsum(1)
    written = (rng.random(len(chances))[:, None] >= chances[:, :-1]).sum(1)
    return table.assign(expression=np.array(CLASSES)[written])


def with_tool(tables, tool, read):
    """Return the tables with the units that a tool gives; `read(name, table)` -> pseudo (n, 13).

    Pseudo units are those of `UNITS` alone: the other columns are dropped.
    """
    found = {}
    for name, table in tables.items():
        if tool == "pseudo" or (tool == "mixed" and name not in UNIT_SETS):
            table = table.drop(columns=MANY).assign(**dict(zip(UNITS, read(name, table).T)))
        found[name] = table
    return found


# Measures


def mean_vectors(table):
    "Return the mean units (classes, 13) of the labels; NaN for a class without faces."
    return mean_units(table).reindex(list(CLASSES)).to_numpy()


def by_label(table):
    "Return P(label | unit) of each unit on its own, (13, classes); NaN if no face shows it."
    units = table[UNITS].to_numpy()
    codes = pd.Categorical(table.expression, CLASSES).codes
    with np.errstate(invalid="ignore"):
        return units.T @ np.eye(len(CLASSES))[codes] / units.sum(0)[:, None]


def fit(table, columns, rows):
    "Return P(label | units) fitted to some rows of a table: a function of units (n, columns)."
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=ITERATIONS)
    model.fit(table[columns].to_numpy()[rows], table.expression.to_numpy()[rows])
    at = [CLASSES.index(name) for name in model.classes_]

    def chances(units):
        found = np.zeros((len(units), len(CLASSES)))
        found[:, at] = model.predict_proba(units)
        return found

    return chances


def label_distance(tables, columns=UNITS, *, of_pair=False):
    """Return the label distance of each pair: mean total variation distance, (pairs,), 0-1.

    P(label | units) is fitted in each set by logistic regression. The mean is over the faces of all
    sets, so that every pair is compared on the same faces; `of_pair`: over those of the two sets.
    The faces of half of the people are read by the model that learned from the other half.
    """
    halves = [pd.factorize(table.subject)[0] % 2 for table in tables]
    units = [table[columns].to_numpy() for table in tables]
    every = np.concatenate(units)
    starts = np.cumsum([0, *map(len, units)])
    chances = []
    for i, (table, half) in enumerate(zip(tables, halves)):
        first, second = (fit(table, columns, half == k)(every) for k in (0, 1))
        read = (first + second) / 2
        own = slice(starts[i], starts[i + 1])
        read[own] = np.where(half[:, None] == 0, second[own], first[own])
        chances.append(read)
    found = []
    for a, b in combinations(range(len(tables)), 2):
        distances = abs(chances[a] - chances[b]).sum(1) / 2
        if of_pair:
            own = [distances[starts[i] : starts[i + 1]] for i in (a, b)]
            distances = np.concatenate(own)
        found.append(distances.mean())
    return np.array(found)


def with_products(values):
    "Return values (n, k) and the products of each two columns, (n, k + k (k - 1) / 2)."
    first, second = np.triu_indices(values.shape[1], 1)
    return np.concatenate([values, values[:, first] * values[:, second]], axis=1)


def pooled_distance(units, labels, shrink=0.3):
    """Return the label distance of each pair from one model of all sets, (pairs,).

    P(label | units, set) is a logistic regression with weights that all sets share (units and
    products of two units) and weights of each set (units and constant). The latter are shrunk:
    their columns are multiplied by `shrink`. `units` and `labels` are lists, one for each set.
    """
    from sklearn.linear_model import LogisticRegression

    every = np.concatenate(units)
    names = np.concatenate(labels)
    which = np.repeat(np.arange(len(units)), [len(one) for one in units])
    own = np.concatenate([every, np.ones((len(every), 1))], axis=1) * shrink

    def features(sets):
        blocks = np.zeros((len(every), len(units), own.shape[1]))
        blocks[np.arange(len(every)), sets] = own
        return np.concatenate([with_products(every), blocks.reshape(len(every), -1)], axis=1)

    model = LogisticRegression(C=3.0, max_iter=ITERATIONS, tol=1e-3).fit(features(which), names)
    chances = [model.predict_proba(features(np.full(len(every), i))) for i in range(len(units))]
    return np.array([abs(a - b).sum(1).mean() / 2 for a, b in combinations(chances, 2)])


def measured(tables, only=MEASURES):
    """Return {measure: (pairs,)}, or (pairs, classes) for those of `EACH`.

    `cosine`: of the mean vectors, one for each expression (the paper's); `l1`: their mean absolute
    difference; `single`: total variation distance of P(label | unit), mean over single units;
    `shares`: total variation distance of the shares of the labels; `label13`, `label21`: the label
    distance given 13 or 21 units. `basic`, the mean cosine without neutral, follows from `cosine`.
    """
    tables = list(tables.values())
    pairs = list(combinations(range(len(tables)), 2))
    vectors = [mean_vectors(table) for table in tables]
    single = [by_label(table) for table in tables]
    shares = [table.expression.value_counts(normalize=True) for table in tables]
    shares = [one.reindex(list(CLASSES), fill_value=0).to_numpy() for one in shares]
    found = dict(
        cosine=np.array([cosine_rows(vectors[a], vectors[b]) for a, b in pairs]),
        l1=np.array([abs(vectors[a] - vectors[b]).mean(1) for a, b in pairs]),
        single=np.array([mean_known(abs(single[a] - single[b]).sum(1) / 2) for a, b in pairs]),
        shares=np.array([abs(shares[a] - shares[b]).sum() / 2 for a, b in pairs]),
    )
    if "label13" in only:
        found["label13"] = label_distance(tables)
    if "label21" in only and all(set(MANY) <= set(table) for table in tables):
        found["label21"] = label_distance(tables, MANY)
    return found


def mean_known(values, axis=None):
    "Return the mean of the numbers that are known, NaN where none is."
    values = np.asarray(values, float)
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis) / known.sum(axis)


def overall(found, measure):
    "Return one number per pair (pairs,) of what `measured` returned; NaN if not measured."
    if measure == "basic":
        return mean_known(found["cosine"][:, : len(CLASSES) - 1], axis=1)
    if measure not in found:
        return np.full(len(found["cosine"]), np.nan)
    return mean_known(found[measure], axis=1) if measure in EACH else found[measure]
