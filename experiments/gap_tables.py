"""Tables of the diagnosis `gap`: probes, label vectors, cosine distances, intensities."""

import numpy as np
import pandas as pd
from scipy.optimize import lsq_linear
from fer_course.bias import cosine_distance, cosine_distances
from fer_course.metrics import draw_scores, equal_people
from fer_course.metrics.bootstrap import LEAST
from counted_head import Moments
from gap_faces import PSEUDO
from gap_parts import SIX, UnitSpace, people_folds
from gap_zero import even_moments, labels_of

COMPONENTS = 40  # principal components of the points that the probes use
SHRINKAGE = 0.1  # of the covariance of the discriminant analysis


# Geometry: probes that learn labels from photographs


def probe(
    features: np.ndarray,  # (n, F) standardised
    space: UnitSpace,  # the same photographs
    *,
    kind: str,  # "discriminant" or "logistic"
    classes: tuple,  # names of the columns
    learn: tuple | None = None,  # (features, UnitSpace) to learn from; None = other people's folds
) -> np.ndarray:  # (n, C)
    "Return class probabilities of a linear probe that learned other people's photographs."
    folds = people_folds(space.people) if learn is None else [(None, slice(None))]
    found = np.zeros((len(space.truth), len(classes)))
    for train, test in folds:
        given = (features[train], space.truth[train]) if learn is None else (learn[0], learn[1])
        model = linear_probe(kind, *given)
        columns = [classes.index(name) for name in model[-1].classes_]
        part = np.zeros((len(features[test]), len(classes)))
        part[:, columns] = model.predict_proba(features[test])
        found[test] = part
    return found


def linear_probe(kind: str, features: np.ndarray, truth: np.ndarray):
    "Return a fitted pipeline of principal components and a linear classifier, equal priors."
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    count = len(np.unique(truth))
    if kind == "logistic":
        last = LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced")
        return make_pipeline(PCA(COMPONENTS, random_state=0), StandardScaler(), last).fit(
            features, truth
        )
    last = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=SHRINKAGE, priors=np.full(count, 1 / count)
    )
    return make_pipeline(PCA(COMPONENTS, random_state=0), last).fit(features, truth)


# Mean unit vectors of the labels


def drawn_people(people: np.ndarray, repeats: int, seed: int = 0) -> np.ndarray:
    "Return how often each row counts (repeats, n) when the people are drawn again."
    codes, names = pd.factorize(people)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=repeats)
    return draws[:, codes]


def zero_of(space: UnitSpace, classes: tuple) -> Moments:
    "Return mean and SD of the photographs' estimates, of the labels that enough people show."
    labels = labels_of(space.truth, space.people, classes)
    return even_moments(space.estimates, space.truth, space.people, labels=labels)


def class_vectors(
    space: UnitSpace,  # labelled photographs
    names: list,  # of the k estimates
    *,
    classes: tuple = SIX,
    repeats: int = 1000,  # bootstrap draws of the people
    seed: int = 0,
) -> dict:  # {expression: n, people, few, by_photograph, low, high, by_person: {unit: SDs}}
    """Return each label's mean estimates in SDs of the photographs, with 95% intervals.

    Zero and SD are those of gap_zero.py: of the labels that enough people show. `few` = fewer than
    five people: no interval, and the vector is that of these people rather than of the label. The
    interval is that of `by_person`, where all people of a label count the same.
    """
    values = zero_of(space, classes).standardised(space.estimates)
    found = {}
    for c in classes:
        rows = space.truth == c
        part, people = values[rows], space.people[rows]
        count = len(set(people))
        even = equal_people([c] * len(people), people.tolist())
        own = np.average(part, axis=0, weights=even)
        entry = dict(n=int(rows.sum()), people=count, few=count < LEAST)
        entry["by_photograph"] = dict(zip(names, part.mean(0).tolist()))
        entry["by_person"] = dict(zip(names, own.tolist()))
        entry["low"] = entry["high"] = None
        if count >= LEAST:
            weights = drawn_people(people, repeats, seed) * even
            drawn = weights @ part / weights.sum(1, keepdims=True)
            low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
            entry |= dict(low=dict(zip(names, low.tolist())), high=dict(zip(names, high.tolist())))
        found[c] = entry
    return found


def rendered_vectors(
    table: pd.DataFrame,  # index expression, columns units: mean intensities of the renderer
    space: UnitSpace,  # the photographs
    names: list,  # of the k estimates
    *,
    classes: tuple = SIX,
) -> dict:  # {expression: {unit: SDs}}
    """Return a renderer's class means as the instrument reads them, in the photographs' SDs.

    Both sides have the mean 0 over the labels that enough people show, each counting the same: only
    differences between classes are compared, no offset between the domains.
    """
    read = space.reading.expected(table.loc[list(classes)].to_numpy(float))
    labels = labels_of(space.truth, space.people, classes)
    centre = read[[classes.index(c) for c in labels]].mean(0)
    away = (read - centre) / zero_of(space, classes).sd
    return {c: dict(zip(names, row.tolist())) for c, row in zip(classes, away)}


def vector_distances(photographs: dict, rendered: dict) -> dict:
    """Return the cosine distance of two vectors of signed SDs, each label; 1 = unrelated.

    `photographs` as `class_vectors`, `rendered` as `rendered_vectors`. 0-2, unlike for shares.
    """
    return {
        c: cosine_distance(list(found["by_person"].values()), list(rendered[c].values()))
        for c, found in photographs.items()
    }


def pseudo_manifest(read, name: str, threshold: float = 0.5) -> pd.DataFrame:
    "Return a manifest with the units that the network's AU branch finds (1, 0)."
    table = pd.DataFrame((read.au > threshold).astype(float), columns=PSEUDO)
    people = [f"{name} {subject}" for subject in read.subject]
    return table.assign(expression=read.expression, subject=people, dataset=name)


def share_distances(photographs, posed, *, repeats: int = 200, seed: int = 0) -> list:
    """Return the cosine distances (lesson 13) of photographs and posed faces, a row a label.

    Both sets have the units that the same network reads, because units from two sources
    differ even for equal labels (lesson 13).
    """
    sets = dict(
        photographs=pseudo_manifest(photographs, "photographs"),
        rendered=pseudo_manifest(posed, "rendered"),
    )
    table = cosine_distances(sets, vocabulary="raf_au", expressions=SIX, repeats=repeats, seed=seed)
    columns = ["expression", "distance", "low", "high", "chance", "holm_p", "n_a", "people_a"]
    columns += ["reason"]
    rows = table[columns].astype(object)
    return rows.where(rows.notna(), None).to_dict("records")


# Intensities


def label_moments(
    space: UnitSpace,  # labelled photographs
    *,
    classes: tuple,
    by: str,  # "photograph", or "person": each person counts the same
) -> tuple:  # means (C, k), SDs (C, k; NaN for one person), counts [(photographs, people)]
    "Return mean and SD of the estimates of each label, over photographs or over people."
    means, spreads, counts = [], [], []
    for c in classes:
        rows = space.truth == c
        part = pd.DataFrame(space.estimates[rows])
        counts.append((len(part), len(set(space.people[rows]))))
        if by == "person":
            part = part.groupby(space.people[rows]).mean()
        means.append(part.mean().to_numpy())
        spreads.append(part.std().to_numpy())
    return np.stack(means), np.stack(spreads), counts


def table_of_means(
    space: UnitSpace,  # labelled photographs; as many estimates as units, in the same order
    intensities: np.ndarray,  # (n, U) of the rendered faces of the instrument
    rendered: np.ndarray,  # (n, U) their estimates
    *,
    classes: tuple | None = None,  # None = all of `SIX` that occur
    strength: float = 0.02,  # of the pull of every mean intensity towards 0
) -> pd.DataFrame:  # expression, scale, by, stat, photographs, people, "AU1", ...
    """Return mean and SD of the units of each label, in SDs and in intensities.

    Scale "sd": estimates with the zero and the SD of gap_zero.py. Scale "intensity", means:
    those of 0 to 5, as small as the estimates allow, that explain the mean estimates through the
    instrument, with one offset between the domains common to all labels (bounded least squares).
    Scale "intensity", SDs: the SD of the estimates, in units in which the estimates of rendered
    faces have the SD of their true intensities: a matched spread, not a measured one.
    """
    classes = classes or tuple(c for c in SIX if (space.truth == c).any())
    zero = zero_of(space, classes)
    matched = intensities.std(0) / rendered.std(0)
    rows = []
    for by in ("photograph", "person"):
        means, spreads, counts = label_moments(space, classes=classes, by=by)
        tables = {
            ("sd", "mean"): zero.standardised(means),
            ("sd", "sd"): spreads / zero.sd,
            ("intensity", "mean"): bounded_means(means, space, zero.sd, strength),
            ("intensity", "sd"): spreads * matched,
        }
        for (name, stat), table in tables.items():
            for c, count, values in zip(classes, counts, table):
                row = dict(expression=c, scale=name, by=by, stat=stat)
                row |= dict(photographs=count[0], people=count[1])
                rows.append(row | dict(zip(space.units, values.tolist())))
    return pd.DataFrame(rows)


def bounded_means(
    means: np.ndarray, space: UnitSpace, scale: np.ndarray, strength: float
) -> np.ndarray:
    "Return intensities (C, U) of 0 to 5 that explain mean estimates (C, k) up to an offset."
    slope = space.reading.slope
    classes, units = len(means), slope.shape[0]
    design = np.zeros((classes, len(scale), classes * units + len(scale)))
    for c in range(classes):
        design[c, :, c * units : (c + 1) * units] = (slope / scale).T
        design[c, :, classes * units :] = np.eye(len(scale))
    design = design.reshape(classes * len(scale), -1)
    pull = np.eye(classes * units, design.shape[1]) * strength**0.5
    target = np.concatenate([(means / scale).ravel(), np.zeros(classes * units)])
    low = np.r_[np.zeros(classes * units), np.full(len(scale), -np.inf)]
    high = np.r_[np.full(classes * units, 5.0), np.full(len(scale), np.inf)]
    found = lsq_linear(np.vstack([design, pull]), target, bounds=(low, high))
    return found.x[: classes * units].reshape(classes, units)


# Losses


def losses(
    stages: dict,  # {stage: (n, C) probabilities} of the same photographs
    steps: tuple,  # (from, to, what the step stands for)
    space: UnitSpace,  # the photographs, with `truth` and `people`
    *,
    classes: tuple,  # names of the columns
    repeats: int = 1000,
) -> list:  # start, end, what, change of macro F1, low, high (None if a class has too few people)
    "Return the change of macro F1 between stages, with intervals over the same drawn people."
    names = list(stages)
    predicted = [np.array(classes, dtype=object)[stages[name].argmax(1)] for name in names]
    draws = draw_scores(space.truth, predicted, groups=space.people, repeats=repeats)
    found = []
    for a, b, what in steps:
        i, j = names.index(a), names.index(b)
        row = dict(start=a, end=b, what=what, change=float(draws.scores[j] - draws.scores[i]))
        row |= dict(low=None, high=None, reason=draws.reason)
        if draws.drawn is not None:
            change = draws.drawn[:, j] - draws.drawn[:, i]
            low, high = np.quantile(change, [0.025, 0.975])
            row |= dict(low=float(low), high=float(high))
        found.append(row)
    return found
