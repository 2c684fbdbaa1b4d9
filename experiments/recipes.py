"""Recipes of the experiment rendered_to_real: what a network learns from, and how."""

from dataclasses import dataclass, replace
import numpy as np
import pandas as pd
from face_crops import rendered
from fer_course.augment import Augment
from fer_course.data import split
from fer_course.faces import RandomFaces
from fer_course.facs import BASIC, SEVEN
from fer_course.train import inner_face, standardise
from harness import MEANING
from yardstick import FIVE, SIX

# Classes that are scored; Ekman's six have fear for neutral
QUESTIONS = dict(six=SIX, five=FIVE, basic=BASIC)


def grey(images):
    "Return images standardised as a whole, without windows."
    return standardise(images, (None,) * 3)


def colour(images):
    "Return images as they are."
    return images


VIEWS = dict(windows=standardise, grey=grey, colour=colour)
MOVED = Augment(
    grayscale=0.0,
    blur=0.3,
    geometric=0.8,
    photometric=0.8,
    rotation=12,
    zoom=0.12,
    shift=0.06,
    brightness=0.2,
    contrast=0.4,
)
TRAINING = dict(
    batch_size=48,
    lr=2e-3,
    warmup=0.25,
    smoothing=0.1,
    pos_weight="balanced",
    augment=MOVED,
    expressions=SEVEN,
)
INFORMATION = dict(
    epochs=5, lr=1e-4, diversity=2.0, augment=MOVED, among=[SEVEN.index(c) for c in SIX]
)
FURTHER = dict(
    epochs=3,
    repeat=2,
    batch_size=48,
    lr=5e-4,
    warmup=0.1,
    smoothing=0.1,
    pos_weight="balanced",
    augment=MOVED,
)


@dataclass(frozen=True)
class Recipe:
    "What one network learns from, and how."

    faces: RandomFaces = RandomFaces(n=10_000, size=112, profile="photographs", meaning=MEANING)
    # a second set to learn from, in the other style
    drawn: RandomFaces | None = RandomFaces(
        n=10_000, size=112, profile="photographs", style="drawn", seed=3, meaning=MEANING
    )
    points: str = "true"  # faces are aligned by these points, or by those "found", as photographs
    look: str = "windows"  # a key of `VIEWS`
    size: int = 64  # side of the network's input
    epochs: int = 12  # passes over the faces
    units: bool = True  # an AU branch, and its loss
    adapted: bool = False  # self-training too


FULL = Recipe(adapted=True)


def without(**changes):
    "Return the full recipe, not adapted, with changes of both sets of faces."
    faces = replace(FULL.faces, **changes)
    return replace(FULL, adapted=False, faces=faces, drawn=replace(FULL.drawn, **changes))


RECIPES = {
    "full": FULL,
    "no wrinkles": without(wrinkles=0.0),
    "one light": without(profile="photographs, one light"),
    "no domain randomisation": without(profile="photographs, one camera", shapes=0.0),
    "prototypes only": without(mouths=0.0, traces=0.0),
    "no AU loss": replace(FULL, adapted=False, units=False),
    "no standardisation": replace(FULL, adapted=False, look="colour"),
    "no drawn faces": replace(FULL, adapted=False, drawn=None),
    "found points": replace(FULL, adapted=False, points="found"),
}


def smaller(recipe: Recipe, n: int) -> Recipe:
    "Return the recipe with n faces, the drawn ones in the same proportion."
    faces = replace(recipe.faces, n=n)
    if recipe.drawn is None:
        return replace(recipe, faces=faces)
    drawn = max(1, n * recipe.drawn.n // recipe.faces.n)
    return replace(recipe, faces=faces, drawn=replace(recipe.drawn, n=drawn))


def sets_of(recipe: Recipe) -> list:
    "Return the sets of faces of a recipe."
    return [what for what in (recipe.faces, recipe.drawn) if what is not None]


def view(images: np.ndarray, recipe: Recipe) -> np.ndarray:
    "Return crops as the network of a recipe sees them."
    return VIEWS[recipe.look](inner_face(images, recipe.size))


def training_faces(out, recipe: Recipe) -> tuple:
    "Return manifest (with a split) and network input of the faces of a recipe."
    parts = [rendered(out, what, recipe.points) for what in sets_of(recipe)]
    table = pd.concat([table for table, _ in parts], ignore_index=True)
    # `split` sorts the rows
    table = split(table.assign(split=None, row=np.arange(len(table))), valid=0.06, test=0.0)
    images = np.concatenate([view(images, recipe) for _, images in parts])
    return table, images[table.row.to_numpy()]
