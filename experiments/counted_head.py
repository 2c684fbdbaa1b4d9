"""Teach a network what labels of photographs mean, from a table of means and no photograph.

A network that learned from rendered faces reads action units of photographs better than it names
their expressions: the labels mean something else. Here the units that the network itself reads of
labelled photographs are averaged for each label. Rendered faces are then labelled by this table,
by the units that the same network reads of *them*, and the network's last layer is learned again
from these labels. All other weights stay as they were. Beside the table, the covariance of the
units within a label and mean and SD of the photographs' units and features are used: this is
adaptation to the choosing half, and no image trains the network.

Known weakness: the zero of the table is the mean of all photographs, those of labels that are not
counted included. The counted rows therefore say something about these by omission. On the
choosing half, where one actor is all of disgust, the score of disgust rises by that alone (by
about .4 in one run, .3 in another). Compare five classes.

Units are log odds. Rendered faces and photographs are standardised apart, without labels: a
constant difference of the domains is not meaning.
Source: linear discriminant analysis (Fisher 1936) gives the labels; the last layer is a multinomial
logistic regression on them.
"""

from dataclasses import dataclass
import numpy as np

RIDGE = 3e-3  # weight of the squared weights in the loss of the last layer
SHRINKAGE = 0.1  # of the covariance towards its diagonal
FOLDS = 5  # of people
LEAST = 5  # people, below which a label is not counted


def standardised(values: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    "Return columns with mean 0 and SD 1 over some rows (None = all)."
    chosen = values if rows is None else values[rows]
    return (values - chosen.mean(0)) / (chosen.std(0) + 1e-6)


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    "Return the log odds of probabilities, which are cut at 1e-4 and 1 - 1e-4."
    p = np.clip(probabilities, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))


@dataclass(frozen=True)
class LabelMeans:
    "What remains of the photographs: mean units of each label, and their covariance within it."

    labels: tuple  # C names
    means: np.ndarray  # (C, units)
    covariance: np.ndarray  # (units, units)
    people: tuple  # C numbers of people; 0 = the row is that of posed faces

    def chances(self, units: np.ndarray) -> np.ndarray:  # (n, units) -> (n, C)
        "Return the probabilities of the labels, with equal priors; each row adds up to 1."
        difference = units[:, None] - self.means  # (n, C, units)
        distances = np.einsum(
            "ncu,uv,ncv->nc", difference, np.linalg.inv(self.covariance), difference
        )
        shifted = np.exp(-0.5 * (distances - distances.min(1, keepdims=True)))
        return shifted / shifted.sum(1, keepdims=True)


def count(
    units: np.ndarray,  # (n, units) of photographs, standardised
    truth: np.ndarray,  # n labels
    people: np.ndarray,  # n keys of the people shown
    *,
    least: int = LEAST,  # people of a label, below which it is left out
) -> LabelMeans:
    "Return the table of means of some labelled photographs."
    means, rests, labels, numbers = [], [], [], []
    for name in sorted(set(truth)):
        rows = truth == name
        number = len(set(people[rows]))
        if number < least:
            continue
        mean = units[rows].mean(0)
        means.append(mean)
        rests.append(units[rows] - mean)
        labels.append(name)
        numbers.append(number)
    within = np.cov(np.concatenate(rests).T)
    covariance = (1 - SHRINKAGE) * within + SHRINKAGE * np.diag(np.diag(within))
    return LabelMeans(tuple(labels), np.stack(means), covariance, tuple(numbers))


def completed(
    table: LabelMeans,
    units: np.ndarray,  # (n, units) of rendered faces, standardised
    posed: np.ndarray,  # n labels that were posed
    *,
    classes: tuple,  # C names
) -> LabelMeans:  # with a row for each of the classes, in their order
    """Return the table with the rows of labels that were not counted, from posed faces.

    These rows are made as weak as counted rows are beside those of faces posed with their labels
    (a least-squares factor), so that strong poses do not attract the faces of all other labels.
    """
    of_posed = {name: units[posed == name].mean(0) for name in classes}
    rows = dict(zip(table.labels, table.means))
    people = dict(zip(table.labels, table.people))
    pairs = [(rows[name], of_posed[name]) for name in table.labels if name in of_posed]
    scale = sum(a @ b for a, b in pairs) / sum(b @ b for _, b in pairs)
    means = [rows.get(name, scale * of_posed[name]) for name in classes]
    numbers = tuple(people.get(name, 0) for name in classes)
    return LabelMeans(tuple(classes), np.stack(means), table.covariance, numbers)


def learn_layer(
    features: np.ndarray,  # (n, D) of rendered faces, standardised
    chances: np.ndarray,  # (n, C) labels as probabilities
    *,
    steps: int = 60,  # of L-BFGS
) -> tuple:  # weights (D, C) and biases (C,)
    "Return a last layer that gives rendered faces their labels; all labels weigh the same."
    import torch

    x = torch.tensor(features, dtype=torch.float32)
    y = torch.tensor(chances, dtype=torch.float32)
    balance = 1 / (y.mean(0) * y.shape[1]).clamp(min=1e-4)
    weights = torch.zeros(x.shape[1], y.shape[1], requires_grad=True)
    biases = torch.zeros(y.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, biases], max_iter=steps)

    def loss():
        optimizer.zero_grad()
        logits = (x @ weights + biases).log_softmax(1)
        value = -(y * balance * logits).sum(1).mean() + RIDGE * (weights**2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach().numpy(), biases.detach().numpy()


def answers_of(features: np.ndarray, layer: tuple) -> np.ndarray:
    "Return the probabilities (n, C) of a last layer."
    logits = features @ layer[0] + layer[1]
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


@dataclass(frozen=True)
class Read:
    "What one network reads of n images."

    features: np.ndarray  # (n, D), the input of its last layer
    units: np.ndarray  # (n, units), log odds


def counted_answers(
    rendered: Read,
    photographs: Read,
    *,
    truth: np.ndarray,  # n labels of the photographs
    people: np.ndarray,  # n keys of the people
    choose: np.ndarray,  # (n,) bool: the half whose labels may be counted
    posed: np.ndarray,  # labels of the rendered faces as posed, for rows that are not counted
    classes: tuple,  # C names, the order of the answers
    folds: int = FOLDS,
) -> np.ndarray:  # (n, C)
    """Return the answers of the network with a last layer that was learned from counted labels.

    A photograph of the choosing half is answered by a layer that other people's labels taught (in
    folds of people); any other photograph by the layer that the whole choosing half taught.
    """
    from sklearn.model_selection import GroupKFold

    units = standardised(photographs.units, choose)
    features = standardised(photographs.features, choose)
    faces = Read(standardised(rendered.features), standardised(rendered.units))
    found = np.zeros((len(truth), len(classes)))
    given = np.where(choose & np.isin(truth, classes))[0]
    parts = [(given[a], given[b]) for a, b in GroupKFold(folds).split(given, groups=people[given])]
    others = np.setdiff1d(np.arange(len(truth)), given)
    if len(others):
        parts.append((given, others))
    for taught, answered in parts:
        table = count(units[taught], truth[taught], people[taught])
        table = completed(table, faces.units, posed, classes=classes)
        layer = learn_layer(faces.features, table.chances(faces.units))
        found[answered] = answers_of(features[answered], layer)
    return found
