"""The zero that photographs and rendered faces share in the diagnosis `gap`.

On both sides it is the mean of the labels that at least five people show, and each of these labels
counts the same; on the side of the photographs, so does each person of a label. Photographs of
labels with fewer people decide neither the zero nor the SD: what they look like cannot be told from
the other labels' rows by omission.
"""

import numpy as np
from fer_course.core.errors import CourseError
from fer_course.metrics import equal_people
from counted_head import Moments, counted_labels, equal_labels, isin, moments_of, require


def labels_of(truth: np.ndarray, people: np.ndarray, classes: tuple) -> tuple:
    "Return the labels that enough people show; raises `CourseError` without such a label."
    labels = counted_labels(truth, people, classes=classes)
    if not labels:
        remedy = "give labelled photographs of at least five people"
        raise CourseError(f"too few people show any of {', '.join(classes)}", remedy=remedy)
    return labels


def even_moments(
    values: np.ndarray,  # (n, k)
    truth: np.ndarray,  # n labels
    people: np.ndarray,  # n people
    *,
    labels: tuple,  # those that decide, see `labels_of`
) -> Moments:
    "Return mean and SD of some labels' rows; labels weigh the same, and so do their people."
    require(labels, truth, "no photograph of these people shows")
    rows = isin(truth, labels)
    truth, people = truth[rows], people[rows]
    weights = equal_labels(truth, equal_people(truth.tolist(), people.tolist()))
    return moments_of(values[rows], weights)


def mean_by_person(values: np.ndarray, people: np.ndarray) -> np.ndarray:
    "Return the mean (k,) of the people's means of rows (n, k)."
    weights = equal_people([""] * len(people), people.tolist())
    return np.average(values, axis=0, weights=weights)
