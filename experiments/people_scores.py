"""Scores of several training runs on the same people, with intervals."""

import numpy as np
import pandas as pd
from fer_course.facs import SEVEN
from fer_course.metrics import compare, confusion_scores


class Scorer:
    "Scores of several runs on the same test people, and on the same people drawn repeatedly."

    def __init__(self, truth, people, classes=SEVEN, repeats=1000):
        self.classes = classes
        self.truth = np.array([classes.index(name) for name in truth])
        self.people = pd.factorize(np.asarray(people))[0]
        n = self.people.max() + 1
        drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=repeats)
        self.weights = np.vstack([np.ones(n), drawn])  # row 0: the people as they are

    def counts(self, answers, truth=None):
        "Return confusion counts (1 + repeats, S, C, C) of class numbers (S, n)."
        answers = np.asarray(answers)
        truth = self.truth if truth is None else truth
        classes = len(self.classes)
        cells = np.zeros((self.weights.shape[1], len(answers), classes, classes))
        for s, answer in enumerate(answers):
            np.add.at(cells[:, s], (self.people, truth, answer), 1)
        return np.tensordot(self.weights, cells, 1)

    def scores(self, answers, truth=None):
        "Return macro F1 (1 + repeats, S) of class numbers (S, n)."
        return confusion_scores(self.counts(answers, truth))["macro_f1"]


def over_people(values):
    "Return estimate, spread over seeds and 95% interval over people from (1 + repeats, S)."
    low, high = np.quantile(values[1:].mean(1), [0.025, 0.975])
    each = values[0]
    return dict(
        estimate=float(each.mean()),
        each=each.tolist(),
        sd=float(each.std(ddof=1)) if len(each) > 1 else None,
        low=float(low),
        high=float(high),
        over="people",
    )


def over_seeds(values, reference):
    """Return the same with a t interval over the seeds, for networks that were trained apart.

    One seed shows nothing: its interval is unbounded. `reference` = scores (1 + repeats, S) of the
    better network.
    """
    zero = [dict(macro_f1=0.0)] * len(values)
    found = compare(zero, [dict(macro_f1=float(value)) for value in values])
    low, high = found["low"], found["high"]
    if low is None:
        low, high = -1e9, 1e9
    return dict(
        estimate=float(np.mean(values)),
        each=[float(value) for value in values],
        sd=found["sd"],
        low=low,
        high=high,
        over="seeds",
        reference=float(reference[0].mean()),
    )


def over_both(values, reference, people):
    """Return the same with an interval over seeds and people, as `compare_people` does.

    `values` = differences (1 + repeats, S) on test faces of so many `people`. The variance over
    seeds and that over drawn people are added; the degrees of freedom are Satterthwaite's.
    """
    from scipy.stats import t

    found = over_people(values)
    seeds = values.shape[1]
    if seeds < 2:
        return found | over_seeds(values[0], reference)
    variances = np.array([found["sd"] ** 2 / seeds, values[1:].mean(1).var()])
    freedoms = np.array([seeds - 1, people - 1])
    half, freedom = 0.0, freedoms[0]
    if variances.any():
        freedom = variances.sum() ** 2 / (variances**2 / freedoms).sum()
        half = float(t.ppf(0.975, freedom) * variances.sum() ** 0.5)
    estimate = found["estimate"]
    return found | dict(
        low=estimate - half,
        high=estimate + half,
        over="seeds and people",
        freedom=float(freedom),
        reference=float(reference[0].mean()),
    )


def corrected(row, claims, level=0.95):
    """Return (low, high) of a claim if `claims` claims are to be right together (Bonferroni).

    The interval is widened as a t interval would be (a normal one, if it was drawn over people).
    The range of a few repeated measurements has no level and stays.
    """
    from scipy.stats import t

    if row["over"] == "repeats":
        return row["low"], row["high"]
    if row["over"] == "seeds":
        freedom = len(row["each"]) - 1
    else:
        freedom = row.get("freedom", np.inf)
    alone, together = (t.ppf(1 - (1 - level) / 2 / n, freedom) for n in (1, claims))
    estimate = row["estimate"]
    return tuple(estimate + (row[end] - estimate) * together / alone for end in ("low", "high"))


def level_row(level, values):
    "Return a row of a table: macro F1 at a level, with spread and interval."
    found = over_people(values)
    row = dict(level=level, macro_f1=found["estimate"])
    return row | {key: found[key] for key in ("sd", "low", "high", "each")}


def variances(x):
    "Return the shares of persons, expressions and the rest in x (persons, expressions, ...)."
    n_persons, n_expressions, _ = x.shape
    mean = x.mean((0, 1))
    persons = n_expressions * ((x.mean(1) - mean) ** 2).sum()
    expressions = n_persons * ((x.mean(0) - mean) ** 2).sum()
    total = ((x - mean) ** 2).sum()
    return np.array([persons, expressions, total - persons - expressions]) / total


def ratio_of(x, repeats=300):
    "Return the variance of persons over that of expressions, (1 + repeats, 1)."
    n_persons, n_expressions = x.shape[:2]
    rng = np.random.default_rng(0)
    drawn = [np.arange(n_persons)]
    drawn += [rng.integers(0, n_persons, n_persons) for _ in range(repeats)]
    ratios = []
    for rows in drawn:
        persons, expressions, _ = variances(x[rows])
        between_persons = persons / (n_expressions * (n_persons - 1))
        between_expressions = expressions / (n_persons * (n_expressions - 1))
        ratios.append([between_persons / between_expressions])
    return np.array(ratios)


def fleiss(labels, classes=SEVEN):
    "Return Fleiss' kappa of labels (annotators, faces)."
    counts = np.stack([(np.asarray(labels) == c).sum(0) for c in classes], 1)
    n = len(labels)
    agreement = ((counts**2).sum(1) - n) / (n * (n - 1))
    chance = ((counts.sum(0) / counts.sum()) ** 2).sum()
    return float((agreement.mean() - chance) / (1 - chance))
