"""A baseline without a network: HOG features and a support vector machine."""

from itertools import product
import numpy as np
from sklearn.metrics import f1_score
from sklearn.svm import SVC

COSTS = (0.1, 1.0, 10.0, 100.0)  # C of the machine
KERNELS = ("linear", "rbf")
WEIGHTS = (None, "balanced")  # of the classes


def hog_features(
    images: np.ndarray,  # uint8 (n, S, S, 3), aligned faces
    *,
    cell: int = 14,  # side of a cell in pixels
    orientations: int = 8,  # bins of the histogram of a cell
) -> np.ndarray:  # (n, features) float32
    "Return the HOG features of grey faces (Dalal and Triggs 2005), 2 x 2 cells a block."
    from skimage.color import rgb2gray
    from skimage.feature import hog

    options = dict(orientations=orientations, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))
    return np.stack([hog(rgb2gray(image), **options) for image in images]).astype(np.float32)


def fit_hog_svm(
    features: np.ndarray,  # (n, F) of the training images
    codes: np.ndarray,  # (n,) class numbers
    *,
    valid: tuple,  # features and class numbers of the validation images
) -> tuple[SVC, float]:  # the machine, and its macro F1 on validation
    "Return the machine whose kernel, cost and class weights are best on validation."
    best, best_score = None, -1.0
    for kernel, cost, weights in product(KERNELS, COSTS, WEIGHTS):
        machine = SVC(kernel=kernel, C=cost, class_weight=weights).fit(features, codes)
        predicted = machine.predict(valid[0])
        present = np.unique(valid[1])
        score = f1_score(valid[1], predicted, labels=present, average="macro", zero_division=0)
        if score > best_score:
            best, best_score = machine, score
    return best, float(best_score)
