"""Teach a network what labels of photographs mean, from a table of means and spreads.

A network that learned from rendered faces reads action units of photographs better than it names
their expressions: the labels mean something else. Here the units that the network itself reads of
labelled photographs are averaged for each label. Rendered faces are then labelled by this table,
from the units that the same network reads of *them*, and the network's last layer is learned again
from these labels (`labels="counted"`). All other weights stay as they were. The control learns the
same layer, with the same moments, from the labels that were posed (`labels="posed"`): only the
labels differ. `labels="several"` takes the mean of the labels that several networks give to the
same faces, each by its own table: what one network reads wrongly weighs less then. Its control,
`labels="several_posed"`, takes the mean in the same way, but every table is that of the posed
faces: no label of a photograph.

What remains of the photographs of the choosing half:

    the table             a mean of each unit for each counted label, and one spread of each unit
    adaptation            the mean of each feature, folded into the biases of the last layer

Both come from photographs of *counted* labels alone, those of at least `LEAST` people. Labels weigh
the same, and so do the people of a label. A label that is not counted has the row of posed faces;
its photographs change neither the table, nor the layer, nor another photograph's answer. How units
vary together within a label, and the SD of the features, are those of rendered faces. No image
trains the network. experiments/transfer.py scores both layers.

Units are log odds. Photographs and rendered faces are standardised apart, over the same labels with
equal weights: a constant difference of the domains is not meaning.
Source: linear discriminant analysis (Fisher 1936) gives the labels; the last layer is a multinomial
logistic regression on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from fer_course.core.errors import CourseError, one_of
from fer_course.metrics import equal_people

RIDGE = 3e-3  # weight of the squared weights in the loss of the last layer
SHRINKAGE = 0.1  # of a full covariance towards its diagonal
CURVATURE = 0.1  # of the loss in a logit, for the steps of L-BFGS alone
STEPS = 60  # of L-BFGS
FOLDS = 5  # of people
SPLITS = 3  # into folds; an answer is the mean over them
LEAST = 5  # people, below which a label is not counted
LABELS = ("counted", "posed", "several", "several_posed")  # what the last layer can learn from


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    "Return the log odds of probabilities, which are cut at 1e-4 and 1 - 1e-4."
    p = np.clip(probabilities, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))


@dataclass(frozen=True)
class Read:
    "What one network reads of n images."

    features: np.ndarray  # (n, D), the input of its last layer
    units: np.ndarray  # (n, units), log odds

    def rows(
        self,
        chosen: np.ndarray,  # mask or row numbers
    ) -> "Read":
        "Return what was read of some of the images."
        return Read(self.features[chosen], self.units[chosen])


# Moments


@dataclass(frozen=True)
class Moments:
    "Mean and SD of columns."

    mean: np.ndarray  # (columns,)
    sd: np.ndarray  # (columns,)

    def standardised(self, values: np.ndarray) -> np.ndarray:
        "Return values (n, columns) in SDs from the mean."
        return (values - self.mean) / self.sd


def moments_of(values: np.ndarray, weights: np.ndarray) -> Moments:
    "Return weighted mean and SD of the columns of values (n, columns)."
    shares = weights / weights.sum()
    mean = shares @ values
    variance = shares @ (values - mean) ** 2
    return Moments(mean, np.sqrt(variance) + 1e-6)


def equal_labels(labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    "Return weights (n,) with which all labels count the same, from weights within a label."
    weights = np.ones(len(labels)) if weights is None else weights
    _, codes = np.unique(labels.astype(str), return_inverse=True)
    return weights / np.bincount(codes, weights)[codes]


def isin(labels: Sequence, names: tuple) -> np.ndarray:
    "Return which labels are among the names; None is not."
    return np.array([label in names for label in labels], bool)


# The table


def counted_labels(
    truth: np.ndarray,  # n labels of the photographs that may be counted
    people: np.ndarray,  # n keys of the people shown
    *,
    classes: tuple,  # names
    least: int = LEAST,  # people of a label, below which it is not counted
) -> tuple:  # names, in the order of the classes
    "Return the labels that enough people show: decided once, for all folds."
    return tuple(name for name in classes if len(set(people[truth == name])) >= least)


@dataclass(frozen=True)
class LabelMeans:
    "Mean units of each label of photographs, and the spread of each unit within a label."

    labels: tuple  # C names
    means: np.ndarray  # (C, units), in SDs of the photographs
    spreads: np.ndarray  # (units,) SDs within a label
    people: tuple  # C numbers of people; 0 = the row is that of posed faces
    correlations: np.ndarray | None = None  # (units, units) within a label; None = none

    def chances(
        self,
        units: np.ndarray,  # (n, units), in SDs of faces of the same domain
    ) -> np.ndarray:  # (n, C), each row adds up to 1
        "Return the probabilities of the labels, with equal priors: the only balance of labels."
        correlations = np.eye(len(self.spreads)) if self.correlations is None else self.correlations
        covariance = correlations * self.spreads * self.spreads[:, None]
        slopes = np.linalg.solve(covariance, self.means.T)  # (units, C)
        offsets = 0.5 * (self.means.T * slopes).sum(0)
        return softmax(units @ slopes - offsets, axis=1)


def posed_table(units: np.ndarray, posed: np.ndarray, *, classes: tuple) -> LabelMeans:
    "Return the table of posed faces from their units (n, units), standardised."
    means = np.stack([units[posed == name].mean(0) for name in classes])
    away = units - means[[classes.index(name) for name in posed]]
    within = away.T @ away / (len(units) - len(classes))
    spreads = np.sqrt(np.diag(within))
    return LabelMeans(tuple(classes), means, spreads, (0,) * len(classes), correlations_of(within))


def correlations_of(covariance: np.ndarray) -> np.ndarray:
    "Return correlations, shrunk towards none, from a covariance."
    sd = np.sqrt(np.diag(covariance))
    found = (1 - SHRINKAGE) * covariance / (sd * sd[:, None])
    return found + SHRINKAGE * np.eye(len(sd))


def count(
    units: np.ndarray,  # (n, units) of photographs, standardised
    truth: np.ndarray,  # n labels
    people: np.ndarray,  # n keys of the people shown
    *,
    labels: tuple,  # those counted, see `counted_labels`
    full: bool = False,  # count the correlations of the units within a label, too
) -> LabelMeans:
    """Return the table of means of labelled photographs.

    All people of a label count the same, and photographs of other labels are not used. Raises
    `CourseError` if no photograph shows one of the labels.
    """
    require(labels, truth, "no photograph of these people shows")
    chosen = isin(truth, labels)
    units, truth, people = units[chosen], truth[chosen], people[chosen]
    weights = equal_people(truth.tolist(), people.tolist())
    means = np.stack([np.average(units[truth == a], 0, weights[truth == a]) for a in labels])
    away = units - means[[labels.index(name) for name in truth]]
    # Each person of a label counts as one; N - C, as the C means are estimated, too
    within = (away * weights[:, None]).T @ away / (weights.sum() - len(labels))
    numbers = tuple(len(set(people[truth == name])) for name in labels)
    correlations = correlations_of(within) if full else None
    return LabelMeans(labels, means, np.sqrt(np.diag(within)), numbers, correlations)


def require(labels: tuple, seen: Sequence, problem: str) -> None:
    "Raise `CourseError` if a label is not among those seen."
    missing = [name for name in labels if name not in set(seen)]
    if missing:
        raise CourseError(
            f"{problem} {', '.join(missing)}",
            remedy="leave the class out, or give faces and folds in which it occurs",
        )


def completed(
    table: LabelMeans,
    units: np.ndarray,  # (n, units) of rendered faces, standardised
    posed: np.ndarray,  # n labels that were posed
    *,
    classes: tuple,  # C names
) -> LabelMeans:  # with a row for each of the classes, in their order
    """Return the table with what was not counted, from posed faces: rows, and correlations.

    The rows are made as weak as counted rows are beside those of faces posed with their labels
    (a least-squares factor), so that strong poses do not attract the faces of all other labels.
    """
    of_posed = {name: units[posed == name].mean(0) for name in classes}
    rows = dict(zip(table.labels, table.means))
    people = dict(zip(table.labels, table.people))
    pairs = [(rows[name], of_posed[name]) for name in table.labels]
    weakness = sum(a @ b for a, b in pairs) / sum(b @ b for _, b in pairs)
    correlations = table.correlations
    if correlations is None:
        away = [units[posed == name] - of_posed[name] for name in classes]
        correlations = correlations_of(np.cov(np.concatenate(away).T))
    return LabelMeans(
        labels=tuple(classes),
        means=np.stack([rows.get(name, weakness * of_posed[name]) for name in classes]),
        spreads=table.spreads,
        people=tuple(people.get(name, 0) for name in classes),
        correlations=correlations,
    )


# The layer


def learn_layers(
    features: np.ndarray,  # (n, D) of rendered faces, standardised
    chances: np.ndarray,  # (tasks, n, C) labels as probabilities
    *,
    steps: int = STEPS,  # of L-BFGS at most
) -> list:  # for each task weights (D, C) and biases (C,)
    """Return the last layers that give rendered faces their labels; all faces weigh the same.

    The weights are searched in coordinates in which the loss has about the same curvature in all
    directions, so that few steps suffice. The tasks share them, and no task changes another one.
    """
    x = np.asarray(features, np.float32)
    n, size = x.shape
    curvature = CURVATURE * (x.T @ x).astype(float) / n + 2 * RIDGE * np.eye(size)
    away = solve_triangular(cholesky(curvature, lower=True), np.eye(size), lower=True).T
    z = x @ away.astype(np.float32)
    ridge = (RIDGE * away.T @ away).astype(np.float32)

    def layer_of(y):
        "Return weights and biases for labels (n, C)"

        def loss(values):
            layer = values.reshape(size + 1, -1).astype(np.float32)
            likely = log_softmax(z @ layer[:-1] + layer[-1], axis=1)
            error = (np.exp(likely) - y) / n
            drawn = ridge @ layer[:-1]
            value = -(y * likely).sum(dtype=float) / n + (layer[:-1] * drawn).sum(dtype=float)
            return value, np.vstack([z.T @ error + 2 * drawn, error.sum(0)]).astype(float).ravel()

        # The line search of L-BFGS-B keeps the strong Wolfe conditions: the loss cannot rise
        options = dict(maxiter=steps, ftol=1e-8)
        start = np.zeros((size + 1) * y.shape[1])
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
        found = found.reshape(size + 1, -1)
        return away @ found[:-1], found[-1]

    return [layer_of(np.asarray(y, np.float32)) for y in chances]


def folded(layer: tuple, moments: Moments) -> tuple:  # weights (D, C) and biases (C,)
    "Return the layer of features as they are from the layer of standardised ones."
    weights = layer[0] / moments.sd[:, None]
    return weights, layer[1] - moments.mean @ weights


def answers_of(features: np.ndarray, layer: tuple) -> np.ndarray:
    "Return the probabilities (n, C) of a last layer."
    return softmax(features @ layer[0] + layer[1], axis=1)


# Answers


@dataclass(frozen=True)
class Faces:
    "Rendered faces, standardised, with the labels that were posed."

    read: Read  # features and units in SDs of the faces posed with counted labels
    posed: np.ndarray  # n labels
    classes: tuple  # C names
    feature_sd: np.ndarray  # (D,) before they were standardised

    @classmethod
    def of(cls, rendered: Read, posed: np.ndarray, *, labels: tuple, classes: tuple) -> "Faces":
        """Return the faces that were posed with one of the classes, standardised.

        Mean and SD are those of the faces posed with some labels, which all count the same.
        """
        known = isin(posed, classes)
        rendered, posed = rendered.rows(known), posed[known]
        counted = isin(posed, labels)
        like, weights = rendered.rows(counted), equal_labels(posed[counted])
        features, units = moments_of(like.features, weights), moments_of(like.units, weights)
        read = Read(features.standardised(rendered.features), units.standardised(rendered.units))
        return cls(read, posed, classes, features.sd)

    def posed_chances(self) -> np.ndarray:  # (n, C)
        "Return the labels that were posed, as probabilities."
        return (self.posed[:, None] == np.array(self.classes, object)).astype(float)


@dataclass(frozen=True)
class Teacher:
    "Units, as log odds, that one network reads."

    faces: np.ndarray  # (n, units) of the rendered faces
    photographs: np.ndarray  # (m, units)

    def kept(self, posed: np.ndarray, *, labels: tuple, classes: tuple) -> "Teacher":
        "Return the teacher with the faces posed with one of the classes, standardised."
        known = isin(posed, classes)
        units, posed = self.faces[known], posed[known]
        counted = isin(posed, labels)
        moments = moments_of(units[counted], equal_labels(posed[counted]))
        return Teacher(moments.standardised(units), self.photographs)

    def chances(
        self,
        taught: np.ndarray,  # rows of photographs with counted labels
        names: np.ndarray,  # their labels
        people: np.ndarray,  # their people
        *,
        faces: Faces,  # the same faces, in the same order
        labels: tuple,
        full: bool = False,  # see `count`
    ) -> np.ndarray:  # (n, C)
        "Return the labels that this network's table gives to the faces."
        weights = equal_labels(names, equal_people(names.tolist(), people.tolist()))
        read = self.photographs[taught]
        units = moments_of(read, weights).standardised(read)
        table = count(units, names, people, labels=labels, full=full)
        whole = completed(table, self.faces, faces.posed, classes=faces.classes)
        return whole.chances(self.faces)

    def posed_chances(self, faces: Faces) -> np.ndarray:  # (n, C)
        "Return the labels that the table of the posed faces themselves gives to them."
        table = posed_table(self.faces, faces.posed, classes=faces.classes)
        return table.chances(self.faces)


def parts_of(choose: np.ndarray, people: np.ndarray, folds: int, splits: int) -> list:
    """Return (rows that teach, rows answered): splits into folds of people, then all not chosen.

    Raises `CourseError` if there are fewer people than folds.
    """
    from sklearn.model_selection import GroupKFold

    chosen = np.where(choose)[0]
    if len(set(people[choose])) < folds:
        problem = f"the choosing half shows {len(set(people[choose]))} people"
        raise CourseError(problem, remedy=f"{folds} folds need as many: give more photographs")
    parts = []
    for seed in range(splits):
        folder = GroupKFold(folds, shuffle=True, random_state=seed)
        parts += [(chosen[a], chosen[b]) for a, b in folder.split(chosen, groups=people[chosen])]
    return parts if choose.all() else parts + [(chosen, np.where(~choose)[0])]


@dataclass(frozen=True)
class Lesson:
    "What teaches the last layer of one network: rendered faces, photographs' labels, teachers."

    faces: Faces
    features: np.ndarray  # (m, D) of the photographs
    truth: np.ndarray  # m labels
    people: np.ndarray  # m keys of the people
    labels: tuple  # those that are counted
    given: dict  # {kind: labels (n, C) of the faces} that no label of a photograph changes
    groups: dict  # {kind: list of `Teacher`}, their faces standardised
    full: bool = False  # see `count`

    def labels_of_faces(self, rows: np.ndarray) -> dict:  # {kind: (n, C)}
        "Return the labels that the labels of some photographs give to the rendered faces."
        taught = self.taught(rows)
        options = dict(faces=self.faces, labels=self.labels, full=self.full)
        found = {}
        for kind, group in self.groups.items():
            names, people = self.truth[taught], self.people[taught]
            found[kind] = np.mean([t.chances(taught, names, people, **options) for t in group], 0)
        return found

    def taught(self, rows: np.ndarray) -> np.ndarray:
        "Return those of some photographs whose labels are counted."
        return rows[isin(self.truth[rows], self.labels)]

    def moments(self, rows: np.ndarray) -> Moments:
        "Return mean (of some photographs) and SD (of rendered faces) of the features."
        taught = self.taught(rows)
        names, people = self.truth[taught], self.people[taught]
        weights = equal_labels(names, equal_people(names.tolist(), people.tolist()))
        return Moments(moments_of(self.features[taught], weights).mean, self.faces.feature_sd)

    def layers(self, parts: list) -> list:  # for each part {kind: (weights (D, C), biases (C,))}
        "Return the layers that parts of the photographs teach, for features as they are."
        labels = [self.labels_of_faces(rows) for rows in parts]
        tasks = [("given", kind) for kind in self.given]
        tasks += [(place, kind) for place in range(len(parts)) for kind in self.groups]
        chances = [self.given[k] if p == "given" else labels[p][k] for p, k in tasks]
        learned = dict(zip(tasks, learn_layers(self.faces.read.features, np.stack(chances))))
        found = []
        for place, rows in enumerate(parts):
            moments = self.moments(rows)
            of_part = {k: learned[p, k] for p, k in tasks if p in ("given", place)}
            found.append({kind: folded(layer, moments) for kind, layer in of_part.items()})
        return found


def lesson_of(
    rendered: Read,
    photographs: Read,
    *,
    truth: np.ndarray,  # n labels of the photographs
    people: np.ndarray,  # n keys of the people
    choose: np.ndarray,  # (n,) bool: the half whose labels may be counted
    posed: Sequence,  # labels of the rendered faces as posed; None or NaN = no label
    classes: tuple,  # C names, the order of the answers
    kinds: tuple = LABELS[:2],  # what the last layer learns from
    teachers: Sequence[Teacher] = (),  # of "several"; units of the same faces and photographs
    full: bool = False,  # see `count`
) -> Lesson:
    """Return what teaches the last layer, from each kind of labels.

    Which labels are counted is decided once, by the whole choosing half. All kinds learn from the
    faces that were posed with a label. Raises `CourseError` if a class was not posed, or if
    "several" has no teacher.
    """
    posed = np.asarray(posed, object)
    require(classes, posed, "no rendered face was posed with the label")
    labels = counted_labels(truth[choose], people[choose], classes=classes)
    faces = Faces.of(rendered, posed, labels=labels, classes=classes)
    own = Teacher(rendered.units, photographs.units)
    groups = dict(counted=[own], several=list(teachers), several_posed=list(teachers))
    groups = {kind: groups[kind] for kind in kinds if kind in groups}
    if not all(groups.values()):
        raise CourseError('"several" has no teacher', remedy="train the rows of TEACHERS first")
    options = dict(labels=labels, classes=classes)
    groups = {k: [t.kept(posed, **options) for t in group] for k, group in groups.items()}
    given = dict(posed=faces.posed_chances()) if "posed" in kinds else {}
    if "several_posed" in groups:
        chances = [teacher.posed_chances(faces) for teacher in groups.pop("several_posed")]
        given["several_posed"] = np.mean(chances, axis=0)
    return Lesson(
        faces=faces,
        features=photographs.features,
        truth=truth,
        people=people,
        labels=labels,
        given=given,
        groups=groups,
        full=full,
    )


def layer_answers(
    rendered: Read,
    photographs: Read,
    *,
    choose: np.ndarray,  # (n,) bool: the half whose labels may be counted
    folds: int = FOLDS,
    splits: int = SPLITS,  # into folds of people
    **options,  # those of `lesson_of`
) -> dict:  # {kind: (n, C) probabilities}
    """Return the answers of the network with its last layer learned from each kind of labels.

    A photograph of the choosing half is answered by layers that other people's labels taught (in
    folds of people), the mean over several splits into folds; any other photograph by the layer
    that the whole choosing half taught. Raises `CourseError` as `lesson_of` and `parts_of`, or if
    all people of a counted label are in one fold.
    """
    lesson = lesson_of(rendered, photographs, choose=choose, **options)
    parts = parts_of(choose, lesson.people, folds, splits)
    answers = {}
    for (_, answered), layers in zip(parts, lesson.layers([taught for taught, _ in parts])):
        share = 1 / np.where(choose[answered], splits, 1)[:, None]
        for kind, layer in layers.items():
            answers.setdefault(kind, np.zeros((len(choose), len(layer[1]))))
            answers[kind][answered] += share * answers_of(lesson.features[answered], layer)
    return answers


def counted_answers(
    rendered: Read,
    photographs: Read,
    *,
    labels: str = "counted",  # one of `LABELS`; "posed" is the control
    **options,  # those of `layer_answers`
) -> np.ndarray:  # (n, C) probabilities
    "Return the answers of the network with a last layer learned from one kind of labels."
    one_of(labels, LABELS, "kind of labels")
    return layer_answers(rendered, photographs, kinds=(labels,), **options)[labels]
