"""Measures of the diagnosis `gap`: units read from points, decisions in unit space.

Everything works on arrays and tables; nothing renders, reads an image or trains a network.
`unit_space_score` is the measure of the bar "in unit space": it takes any table of mean intensities
of the classes, such as those of an annotator profile, and decides the photographs around them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold, GroupShuffleSplit
from fer_course.core.errors import CourseError
from gap_zero import even_moments, labels_of, mean_by_person
from yardstick import FIVE, SIX, weighted_scores

RIDGE = 300.0  # strength, for about a thousand standardised coordinates and 3,000 faces
FLOOR = 0.05  # share of the mean variance that is added to each variance
FOLDS = 5
DEALS = 4  # ways to deal the people into two halves
QUESTIONS = dict(six=SIX, five=FIVE)


# The instrument: units from points


def standardised(
    features: np.ndarray,  # (n, F)
    *,
    like: np.ndarray | None = None,  # (m, F) whose mean and SD are used; None = the features
) -> np.ndarray:  # (n, F)
    "Return features with mean 0 and SD 1 in their domain; no label is needed."
    like = features if like is None else like
    return (features - like.mean(0)) / (like.std(0) + 1e-9)


def people_folds(people: np.ndarray, folds: int = FOLDS) -> list:
    "Return (training rows, test rows) of folds that share no person."
    rows = np.arange(len(people))
    folds = min(folds, len(set(people)))
    return list(GroupKFold(folds).split(rows, groups=people))


def learn_units(features: np.ndarray, units: np.ndarray, strength: float = RIDGE) -> Ridge:
    "Return a ridge regression from standardised features to intensities."
    return Ridge(strength).fit(features, units)


def units_of_others(
    features: np.ndarray,  # (n, F) standardised
    units: np.ndarray,  # (n, U) intensities, 0-5
    people: np.ndarray,  # (n,)
    *,
    strength: float = RIDGE,  # of the ridge regression
) -> np.ndarray:  # (n, U)
    "Return the intensities that a regression learned on other people gives."
    found = np.zeros(units.shape)
    for train, test in people_folds(people):
        found[test] = learn_units(features[train], units[train], strength).predict(features[test])
    return found


def correlations(
    estimates: np.ndarray,  # (n, U)
    units: np.ndarray,  # (n, U)
) -> np.ndarray:  # (U,) NaN for a unit that never changes
    "Return the correlation of each unit with its estimate."
    a = estimates - estimates.mean(0)
    b = units - units.mean(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(0) / np.sqrt((a * a).sum(0) * (b * b).sum(0))


@dataclass(frozen=True)
class Reading:
    "How true intensities appear in estimates: estimate = offset + intensities @ slope + noise."

    slope: np.ndarray  # (U, k)
    offset: np.ndarray  # (k,)
    noise: np.ndarray  # (k, k) covariance

    def expected(
        self,
        units: np.ndarray,  # (m, U) intensities 0-5
    ) -> np.ndarray:  # (m, k)
        "Return the estimates that intensities have on average."
        return self.offset + np.asarray(units, float) @ self.slope


def reading_of(units: np.ndarray, estimates: np.ndarray) -> Reading:
    """Return the linear reading of rendered faces, by least squares.

    `estimates` (n, k) belong to people the estimator did not learn from: else the slopes are too
    large.
    """
    design = np.column_stack([np.ones(len(units)), units])
    weights = np.linalg.lstsq(design, estimates, rcond=None)[0]
    noise = np.cov((estimates - design @ weights).T)
    return Reading(slope=weights[1:], offset=weights[0], noise=noise)


# Decisions in unit space


@dataclass(frozen=True, kw_only=True)
class UnitSpace:
    "Estimated units of labelled photographs, and how true intensities appear in them."

    estimates: np.ndarray  # (n, k)
    truth: np.ndarray  # (n,) expressions
    people: np.ndarray  # (n,)
    reading: Reading
    units: tuple  # names of the U intensities, such as "AU1"

    def rows(self, mask: np.ndarray) -> "UnitSpace":
        "Return some of the photographs."
        return UnitSpace(
            estimates=self.estimates[mask],
            truth=self.truth[mask],
            people=self.people[mask],
            reading=self.reading,
            units=self.units,
        )

    def of(self, classes: Iterable) -> "UnitSpace":
        "Return the photographs of some expressions."
        return self.rows(np.isin(self.truth, list(classes)))


@dataclass(frozen=True)
class Patterns:
    "What classes look like in unit space: one pattern a class, or several."

    classes: np.ndarray  # (P,) the class of each pattern
    means: np.ndarray  # (P, k) in the space of the estimates
    weights: np.ndarray  # (P,) share of each pattern in its class
    spread: np.ndarray | None = None  # (P, k, k) covariance that a pattern's intensities cause
    shift: np.ndarray = field(default=0.0)  # (k,) added to every mean

    def __post_init__(self):
        for name in np.unique(self.classes):
            if self.weights[self.classes == name].sum() <= 0:
                raise CourseError(f"the patterns of {name} weigh nothing")


def pooled_covariance(estimates: np.ndarray, truth: np.ndarray) -> np.ndarray:
    "Return the covariance (k, k) of estimates around the means of their C classes, from n - C."
    names = np.unique(truth)
    away = np.concatenate([estimates[truth == c] - estimates[truth == c].mean(0) for c in names])
    return away.T @ away / max(1, len(away) - len(names))


def floored(covariance: np.ndarray, least: float) -> np.ndarray:
    "Return a covariance without negative variances, `least` added to each variance."
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return (vectors * (np.clip(values, 0, None) + least)) @ vectors.T


def shares(patterns: Patterns) -> np.ndarray:
    "Return the share (P,) of each pattern in its class."
    sums = {c: patterns.weights[patterns.classes == c].sum() for c in np.unique(patterns.classes)}
    return patterns.weights / np.array([sums[c] for c in patterns.classes])


def covariances(patterns: Patterns, covariance: np.ndarray) -> np.ndarray:
    """Return the covariance (P, k, k) of each pattern.

    With spreads, what these cause on average is taken from the common covariance, and what the
    spread of the pattern itself causes is added.
    """
    least = FLOOR * np.trace(covariance) / len(covariance)
    if patterns.spread is None:
        return np.repeat(floored(covariance, least)[None], len(patterns.classes), axis=0)
    mean = np.average(patterns.spread, axis=0, weights=shares(patterns))
    return floored(covariance - mean, least) + patterns.spread


def posterior(
    estimates: np.ndarray,  # (n, k)
    patterns: Patterns,
    covariance: np.ndarray,  # (k, k) within the classes
    classes: tuple,  # names of the columns
) -> np.ndarray:  # (n, C), rows sum to 1
    "Return the probability of each class: normal around each pattern, equal prior of classes."
    scores = np.full((len(estimates), len(patterns.classes)), -np.inf)
    each = zip(patterns.means + patterns.shift, covariances(patterns, covariance), shares(patterns))
    for p, (mean, own, share) in enumerate(each):
        away = estimates - mean
        distance = (away * np.linalg.solve(own, away.T).T).sum(1)
        if share > 0:
            scores[:, p] = np.log(share) - (distance + np.linalg.slogdet(own)[1]) / 2
    each = [np.logaddexp.reduce(scores[:, patterns.classes == c], axis=1) for c in classes]
    found = np.stack(each, 1)
    found = np.exp(found - found.max(1, keepdims=True))
    return found / found.sum(1, keepdims=True)


def patterns_of(
    class_means: pd.DataFrame,  # index expressions (repeated = several patterns), columns units
    space: UnitSpace,
    *,
    classes: tuple,  # the classes to keep
    spreads: pd.DataFrame | None = None,  # SDs, rows as `class_means`
    weights: Iterable | None = None,  # of the rows; None = equal
) -> Patterns:
    "Return a table of intensities as patterns in the space of the estimates."
    absent = [c for c in classes if c not in class_means.index]
    if absent:
        raise CourseError(f"the table has no row for {', '.join(absent)}", remedy="add its means")
    keep = class_means.index.isin(classes)
    table = class_means[keep].reindex(columns=list(space.units)).fillna(0.0)
    weights = np.ones(len(class_means)) if weights is None else np.asarray(weights, float)
    weights = weights[keep]
    names = table.index.to_numpy(str)
    spread = None
    if spreads is not None:
        wide = spreads[keep].reindex(columns=list(space.units)).fillna(0.0).to_numpy(float)
        slope = space.reading.slope
        spread = np.einsum("uk,pu,ul->pkl", slope, wide**2, slope)
    return Patterns(names, space.reading.expected(table.to_numpy(float)), weights, spread)


def class_centre(patterns: Patterns, labels: Iterable) -> np.ndarray:
    "Return the mean (k,) of some classes' means, each class counting the same."
    means = [
        np.average(
            patterns.means[patterns.classes == c],
            axis=0,
            weights=patterns.weights[patterns.classes == c],
        )
        for c in labels
    ]
    return np.mean(means, axis=0)


def decided_around(
    patterns: Patterns,
    space: UnitSpace,
    *,
    classes: tuple,  # names of the columns
    centred: bool = True,  # shift the patterns so that their mean meets that of the photographs
    learn: UnitSpace | None = None,  # gives covariance and centre; None = the other people's folds
) -> np.ndarray:  # (n, C)
    """Return class probabilities around given patterns; covariances come from other people.

    The mean of both sides is that of gap_zero.py, over the labels that enough people show.
    """
    known = (space if learn is None else learn).of(classes)
    labels = labels_of(known.truth, known.people, classes)
    folds = people_folds(space.people) if learn is None else [(None, slice(None))]
    found = np.zeros((len(space.truth), len(classes)))
    for train, test in folds:
        others = space.rows(train) if learn is None else learn.of(classes)
        moved = patterns
        if centred:
            zero = even_moments(others.estimates, others.truth, others.people, labels=labels)
            shift = zero.mean - class_centre(patterns, labels)
            moved = Patterns(
                patterns.classes, patterns.means, patterns.weights, patterns.spread, shift
            )
        covariance = pooled_covariance(others.estimates, others.truth)
        found[test] = posterior(space.estimates[test], moved, covariance, classes)
    return found


def own_patterns(space: UnitSpace) -> Patterns:
    "Return the means of the photographs' classes; all people of a class count the same."
    names = np.unique(space.truth)
    rows = [space.truth == name for name in names]
    means = np.stack([mean_by_person(space.estimates[r], space.people[r]) for r in rows])
    return Patterns(names, means, np.ones(len(names)))


def decided_by_own(
    space: UnitSpace,
    *,
    classes: tuple,  # names of the columns
    learn: UnitSpace | None = None,  # gives means and covariance; None = the other people's folds
) -> np.ndarray:  # (n, C); 0 for a class that the other people do not show
    "Return the classes' probabilities around the means of other people's photographs."
    folds = people_folds(space.people) if learn is None else [(None, slice(None))]
    found = np.zeros((len(space.truth), len(classes)))
    for train, test in folds:
        others = space.rows(train) if learn is None else learn.of(classes)
        covariance = pooled_covariance(others.estimates, others.truth)
        shown = [c for c in classes if (others.truth == c).any()]
        columns = [classes.index(c) for c in shown]
        part = posterior(space.estimates[test], own_patterns(others), covariance, tuple(shown))
        full = np.zeros((len(part), len(classes)))
        full[:, columns] = part
        found[test] = full
    return found


def scored(
    probabilities: np.ndarray,  # (n, C)
    truth: np.ndarray,  # (n,)
    people: np.ndarray,  # (n,)
    *,
    classes: tuple,  # names of the columns
    repeats: int = 1000,  # test sets drawn
) -> dict:  # macro_f1, low, high, reason, by_person, f1, n, people
    "Return macro F1 by photograph with its interval over people, and by person."
    predicted = np.array(classes, dtype=object)[probabilities.argmax(1)][None]
    kinds = {
        kind: weighted_scores(
            truth.tolist(), predicted, people.tolist(), classes, kind=kind, repeats=repeats
        )
        for kind in ("by_photograph", "by_person")
    }
    found = kinds["by_photograph"]
    return dict(
        macro_f1=found["macro_f1"],
        low=found["low"],
        high=found["high"],
        reason=found["reason"],
        by_person=kinds["by_person"]["macro_f1"],
        f1={name: value["mean"] for name, value in found["f1"].items()},
        n=len(truth),
        people=len(set(people)),
    )


def unit_space_score(
    class_means: pd.DataFrame,  # index expressions (repeated = several patterns), columns "AU1"...
    space: UnitSpace,  # photographs of the choosing half
    *,
    classes: tuple = SIX,  # the classes to tell apart
    centred: bool = True,  # shift the means so that their mean meets that of the photographs
    spreads: pd.DataFrame | None = None,  # SDs in intensities, rows as `class_means`; None = equal
    weights: Iterable | None = None,  # share of each row in its class; None = equal
    learn: UnitSpace | None = None,  # gives covariance and centre; None = other people's folds
    repeats: int = 1000,  # test sets drawn for the interval
) -> dict:  # macro_f1, low, high, reason, by_person, f1, n, people
    """Return the score of the photographs' classes around given mean intensities.

    Mean intensities (0-5) are taken through the instrument, so that both sides have its errors.
    `centred` moves all classes by the same vector: the photographs' labels decide nothing but this
    vector and the covariance within the classes. Not centred, a constant offset between the domains
    (another resting face, another camera) counts as if it were meaning.
    """
    space = space.of(classes)
    patterns = patterns_of(class_means, space, classes=classes, spreads=spreads, weights=weights)
    found = decided_around(patterns, space, classes=classes, centred=centred, learn=learn)
    return scored(found, space.truth, space.people, classes=classes, repeats=repeats)


def own_means_score(
    space: UnitSpace,  # photographs of the choosing half
    *,
    classes: tuple = SIX,  # the classes to tell apart
    repeats: int = 1000,  # test sets drawn for the interval
) -> dict:  # as `unit_space_score`, and `deals`, `unanswered`
    """Return the score of the photographs' own class means: another meaning, or the instrument.

    The means are those of the other people: of four folds of five, and, in `deals`, of half of
    the people, scored on the other half, `DEALS` times. They absorb what the instrument reads
    wrongly in photographs, too. A class of one person is `unanswered`: no other people show it, so
    its F1 is 0 by construction.
    """
    space = space.of(classes)
    shown = {c: len(set(space.people[space.truth == c])) for c in classes}
    found = decided_by_own(space, classes=classes)
    result = scored(found, space.truth, space.people, classes=classes, repeats=repeats)
    dealt = GroupShuffleSplit(DEALS, test_size=0.5, random_state=0)
    deals = []
    for train, test in dealt.split(space.truth, groups=space.people):
        part = space.rows(test)
        found = decided_by_own(part, classes=classes, learn=space.rows(train))
        predicted = np.array(classes)[found.argmax(1)]
        deals.append(float(f1_score(part.truth, predicted, average="macro")))
    return result | dict(deals=deals, unanswered=[c for c, count in shown.items() if count == 1])
