"""What the parts of the experiment hypotheses share: faces and networks, each made once."""

from dataclasses import dataclass, replace
from pathlib import Path
import numpy as np
import pandas as pd
from factors import base
from fer_course.align import align_face
from fer_course.augment import Augment
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


def trained(work, name, seed, *, train, valid, size, epochs, batch, classes=SEVEN, **changes):
    "Return a network that learned from (images, names) and chose its epoch by others."
    from fer_course.models import create
    from fer_course.train import fit

    splits = ["train"] * len(train[1]) + ["valid"] * len(valid[1])
    table = pd.DataFrame(dict(expression=[*train[1], *valid[1]], split=splits))
    seed_everything(seed)
    model = create("small", expressions=classes, size=size, au_vocabulary=None)
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

    def pool(self, seed):
        "Return (crops, names) to train, (crops, names) to validate, and the parameters of both."
        n = self.sizes.train
        parameters = sample(n + self.sizes.valid, seed=100 + seed, meaning=MEANING)
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

    def small(self, name, seed, train, valid, classes=SEVEN):
        "Return a small network that learned from (crops, names)."
        size, epochs, batch = self.sizes.again
        return trained(
            self.work,
            name,
            seed,
            train=(inner_face(train[0], size), train[1]),
            valid=(inner_face(valid[0], size), valid[1]),
            size=size,
            epochs=epochs,
            batch=batch,
            classes=classes,
        )
