"The rows of transfer.py: what one network learns from, and the faces that it takes."

from dataclasses import dataclass, replace
from pathlib import Path
import numpy as np
import pandas as pd
from face_crops import rendered
from fer_course.augment import TRANSFER, Augment
from fer_course.data import split
from fer_course.faces import ACTION_UNITS, ANNOTATORS, RandomFaces
from fer_course.faces.manifest_rows import written_labels
from fer_course.train import inner_face, standardise
from recipes import MOVED

WILD = ("wild_published", "wild_patterns", "wild_counted")  # read statistics of faces in the wild
SEEDS_OF_STYLES = dict(modelled=0, drawn=3)


@dataclass(frozen=True)
class Row:
    "What one network learns from, and how."

    preset: str = "small"
    styles: tuple = ("modelled", "drawn")  # share the number of faces evenly
    times: int = 1  # as many faces as the other rows, or a multiple
    independent: float = 0.0  # share of the faces whose units have no expression, and no label
    meaning: int = 2  # version of the expressions
    intensities: bool = False  # the units are learned as intensities
    changes: Augment = MOVED
    first: bool = False  # the changes come before the images are standardised
    ema: float | None = None
    annotator: str = "meant"  # who labels the faces that show an expression
    trained: bool = True  # False: random weights, for what the probe reads from those


BASE = Row()
FIRST = replace(BASE, first=True)
TOGETHER = Row(independent=0.5, intensities=True, changes=TRANSFER, first=True, ema=0.99)
INDEPENDENT = replace(BASE, independent=0.5)
SHIPPED = replace(INDEPENDENT, first=True, times=3)
ROWS = {
    "base": BASE,
    "changes first": FIRST,
    "TRANSFER": replace(FIRST, changes=TRANSFER),
    "independent units": INDEPENDENT,
    "intensities": replace(BASE, intensities=True),
    "EMA": replace(BASE, ema=0.99),
    "modelled only": replace(BASE, styles=("modelled",)),
    "meaning 3": replace(BASE, meaning=3),
    "medium": replace(BASE, preset="medium"),
    "untrained": replace(BASE, trained=False),
    **{name: replace(BASE, annotator=name) for name in WILD},
    "together": TOGETHER,
    "together, 3 x faces": replace(TOGETHER, times=3),
    "shipped": SHIPPED,
    "shipped, medium": replace(SHIPPED, preset="medium"),
}
# row -> what it is compared with, if not with the base
REFERENCES = {
    "TRANSFER": "changes first",
    "together, 3 x faces": "together",
    "shipped, medium": "shipped",
}
# rows of small networks whose labels the way `several` takes together
TEACHERS = ("base", "changes first", "TRANSFER", "independent units", "modelled only")
SEVERAL = ("together", "shipped")  # rows that differ from their reference in more than one thing


def known_rows() -> list:
    "Return the names of the rows whose annotators exist in this version of the course."
    return [name for name, row in ROWS.items() if row.annotator in ("meant", *ANNOTATORS)]


def sets_of(row: Row, faces: int) -> list:
    "Return the sets of rendered faces of a row."
    return [
        RandomFaces(
            n=row.times * faces // len(row.styles),
            size=112,
            profile="photographs",
            style=style,
            seed=SEEDS_OF_STYLES[style],
            independent=row.independent,
            meaning=row.meaning,
        )
        for style in row.styles
    ]


def labels_by(what: RandomFaces, table: pd.DataFrame, annotator: str, chunk: int = 1000) -> list:
    """Return the labels that an annotator writes for a set that was rendered with other labels.

    Faces whose units were drawn without an expression have no label.
    """
    if annotator == "meant":
        return table.expression.tolist()
    record = replace(what, annotator=annotator)
    labels = []
    for start in range(0, what.n, chunk):
        parameters = record.parameters(start, min(chunk, what.n - start))
        labels += written_labels(record, parameters, start=start)
    numbers = table.image.str.extract(r"(\d+)")[0].astype(int)
    posed = table.expression.notna()
    return [labels[number] if shows else None for number, shows in zip(numbers, posed)]


def units_shown(row: Row, table: pd.DataFrame, *, faces: int) -> np.ndarray:  # (n, units, 2), 0-5
    "Return the intensities of the units in the faces of a table of `training_faces`."
    found = np.empty((len(table), len(ACTION_UNITS), 2))
    numbers = table.image.str.extract(r"(\d+)")[0].astype(int).to_numpy()
    for place, what in enumerate(sets_of(row, faces)):
        rows = np.flatnonzero(table.set == place)
        found[rows] = what.parameters(0, what.n).action_units.numpy()[numbers[rows]]
    return found


def training_faces(out: str | Path, row: Row, *, faces: int, size: int) -> tuple:
    "Return manifest (split, set, `posed` = the expression shown) and network input of a row."
    tables, crops = [], []
    for number, what in enumerate(sets_of(row, faces)):
        table, images = rendered(out, what)
        written = labels_by(what, table, row.annotator)
        tables.append(table.assign(posed=table.expression, expression=written, set=number))
        small = inner_face(images, size)
        crops.append(small if row.first else standardise(small))
    table = pd.concat(tables, ignore_index=True)
    # `split` sorts the rows
    table = split(table.assign(split=None, row=np.arange(len(table))), valid=0.06, test=0.0)
    return table, np.concatenate(crops)[table.row.to_numpy()]
