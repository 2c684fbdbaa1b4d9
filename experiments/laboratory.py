"""What the parts of the experiment hypotheses share: faces and networks, each made once."""

from dataclasses import dataclass, replace
from pathlib import Path
import numpy as np
import pandas as pd
from factors import base
from fer_course.align import align_face
from fer_course.align.geometry import eye_angle, middles
from fer_course.augment import Augment
from fer_course.core.cache import read_kept, write_kept
from fer_course.core.files import atomic, fingerprint, make_folder
from fer_course.core.random import seed_everything
from fer_course.core.terminal import progress
from fer_course.faces import Renderer, sample
from fer_course.faces.datasets import RENDERER_VERSION
from fer_course.facs import SEVEN
from fer_course.train import inner_face
from harness import MEANING
from people_scores import Scorer

AUGMENT = Augment(
    grayscale=0.0,
    blur=0.2,
    geometric=0.8,
    photometric=0.5,
    rotation=12,
    zoom=0.12,
    shift=0.06,
    brightness=0.2,
    contrast=0.4,
)
TRAINING = dict(lr=2e-3, warmup=0.25, smoothing=0.1, augment=AUGMENT)


@dataclass(frozen=True)
class Sizes:
    "How large the experiment is."

    train: int = 3000  # faces that the judge learns from, five of a person
    small: int = 1500  # faces that the other networks learn from
    valid: int = 300  # faces that choose the epoch
    people: int = 70  # of the test sets; each shows all seven expressions
    judge: tuple = (64, 12, 48)  # side of the input in pixels, epochs, batch
    again: tuple = (48, 12, 32)  # the same for the networks that are trained again
    # faces, epochs, batch, lr of the networks that see 96 or 128 pixels: at 2e-3 their loss rises
    whole: tuple = (1500, 12, 24, 6e-4)
    # how many people a training set of `small` faces may have, beside small/5
    persons: tuple = (10,)
    mixes: tuple = ("equal", "LSD")  # keys of `MIXES`


QUICK = Sizes(
    train=210,
    small=210,
    valid=35,
    people=5,
    judge=(32, 1, 32),
    again=(32, 1, 32),
    whole=(105, 1, 32, 6e-4),
    persons=(3, 10),
)


def unchanged(crops):
    "Return crops as they are."
    return crops


def drawn(work, name, parameters, side=128, keep=unchanged):
    "Return aligned crops of faces, `keep` applied: uint8 (n, h, w, 3), made once."
    path = Path(work) / "faces" / f"{name}.npy"
    if not path.exists():
        renderer = Renderer(side, "cpu")
        crops = []
        for start in progress(range(0, len(parameters), 16), label=name):
            rows = list(range(start, min(start + 16, len(parameters))))
            faces = renderer.render(parameters[rows])
            for image, points in zip(faces.images, faces.points):
                crops.append(align_face(image, points, size=side))
        with atomic(path) as temporary, open(temporary, "wb") as file:
            np.save(file, keep(np.stack(crops)))
    return np.load(path, mmap_mode="r")


@dataclass(frozen=True)
class Photographs:
    "Rendered photographs that are not cropped, with their true points and expressions."

    images: np.ndarray  # (n, S, S, 3) uint8
    points: np.ndarray  # (n, 5, 2)
    names: np.ndarray  # (n,)

    def crops(self, tilt=0):
        """Return crops of the faces, uint8 (n, S, S, 3).

        `tilt` = how much of the tilt of the photograph is left: 0 = the eyes are level (the same
        crops as those of `drawn`), 1 = the face as it was photographed, 4 = tilted four times as
        much. Place and size of the face in the crop are the same at every tilt.
        """
        found = []
        for image, points in zip(self.images, self.points):
            taken_for_level = turned_points(points, -tilt * eye_angle(points))
            found.append(align_face(image, taken_for_level, size=image.shape[0]))
        return np.stack(found)


def turned_points(points, angle):
    "Return landmarks (5, 2) rotated about the middle of eyes and mouth, in degrees."
    eyes, mouth, _ = middles(points)
    centre = (eyes + mouth) / 2
    angle = np.radians(angle)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points - centre) @ rotation.T + centre


def photographed(work, name, parameters, side=128):
    "Return rendered faces as `Photographs`, made once."
    path = Path(work) / "faces" / f"{name}.npz"
    if not path.exists():
        renderer = Renderer(side, "cpu")
        parts = []
        for start in progress(range(0, len(parameters), 16), label=name):
            rows = list(range(start, min(start + 16, len(parameters))))
            faces = renderer.render(parameters[rows])
            parts.append((np.asarray(faces.images), np.asarray(faces.points)))
        images, points = (np.concatenate(part) for part in zip(*parts))
        write_kept(path, dict(images=images, points=points))
    found = read_kept(path)
    return Photographs(found["images"], found["points"], np.array(parameters.expressions))


def trained(
    work,
    name,
    seed,
    *,
    train,
    valid,
    size,
    epochs,
    batch,
    classes=SEVEN,
    network=None,  # fields of the network's `Config` that differ
    **changes,
):
    "Return a network that learned from (images, names) and chose its epoch by others."
    from fer_course.models import create
    from fer_course.train import fit

    splits = ["train"] * len(train[1]) + ["valid"] * len(valid[1])
    table = pd.DataFrame(dict(expression=[*train[1], *valid[1]], split=splits))
    seed_everything(seed)
    model = create("small", expressions=classes, size=size, au_vocabulary=None, **network or {})
    images = np.concatenate([train[0], valid[0]])
    folder = Path(work) / "models" / f"{name}-{seed}"
    settings = dict(epochs=epochs, batch_size=batch, seed=seed, expressions=classes)
    fit(model, table, images, folder, device="cpu", **settings | TRAINING | changes)
    return model


def probabilities(model, images):
    "Return the probabilities (n, C) of the expressions."
    from fer_course.train import predict

    return predict(model, images, device="cpu")[0]


def predicted(model, images):
    "Return the predicted class numbers (n,)."
    return probabilities(model, images).argmax(1)


class Lab:
    "What several parts need: training faces of a seed, test faces, networks, and their folder."

    def __init__(self, work, seeds, sizes):
        # these sizes add files and change none
        kept = replace(sizes, persons=(), mixes=(), whole=())
        mark = fingerprint([RENDERER_VERSION, repr(kept), repr(TRAINING)])[:8]
        self.work = make_folder(Path(work) / mark)
        self.seeds = seeds
        self.sizes = sizes
        self.test = base(sizes.people)
        self.truth = np.array([SEVEN.index(name) for name in self.test.expressions])
        self.scorer = Scorer(self.test.expressions, self.test.persons.numpy())
        self.crops = drawn(self.work, "test", self.test)

    def parameters(self, seed, profile="course"):
        "Return the faces that networks of a seed learn from, then those that choose the epoch."
        return sample(
            self.sizes.train + self.sizes.valid, profile, seed=100 + seed, meaning=MEANING
        )

    def pool(self, seed):
        "Return (crops, names) to train, (crops, names) to validate, and the parameters of both."
        n = self.sizes.train
        parameters = self.parameters(seed)
        crops = drawn(self.work, f"pool-{seed}", parameters)
        names = np.array(parameters.expressions)
        return (crops[:n], names[:n]), (crops[n:], names[n:]), parameters

    def judge(self, seed):
        "Return the network that the factors are tested with."
        size, epochs, batch = self.sizes.judge
        train, valid, _ = self.pool(seed)
        return trained(
            self.work,
            "judge",
            seed,
            train=(inner_face(train[0], size), train[1]),
            valid=(inner_face(valid[0], size), valid[1]),
            size=size,
            epochs=epochs,
            batch=batch,
        )

    def photographs(self, seed, profile="course"):
        "Return `Photographs` to train (the first `small` of the pool) and to validate."
        n = self.sizes.small
        parameters = self.parameters(seed, profile)
        rows = range(len(parameters))
        parameters = parameters[[*rows[:n], *rows[self.sizes.train :]]]
        found = photographed(self.work, f"photographs-{profile}-{seed}", parameters)
        whole = (found.images, found.points, found.names)
        return Photographs(*(a[:n] for a in whole)), Photographs(*(a[n:] for a in whole))

    def view(self, crops):
        "Return crops as the networks that are trained again see them."
        return inner_face(crops, self.sizes.again[0])

    def small(self, name, seed, train, valid, classes=SEVEN, **changes):
        "Return a small network that learned from (crops, names)."
        size, epochs, batch = self.sizes.again
        return trained(
            self.work,
            name,
            seed,
            train=(self.view(train[0]), train[1]),
            valid=(self.view(valid[0]), valid[1]),
            size=size,
            epochs=epochs,
            batch=batch,
            classes=classes,
            **changes,
        )
