"""Rendered faces and photographs as the diagnosis `gap` reads them: points, units, people.

A set of rendered faces is rendered in memory, aligned and read by two networks; only what they read
is kept, with the true units. The file's mark holds a digest of the first faces, so a change of the
renderer that changes these renders the set again. The mark of what was read of photographs holds a
digest of their crops. Both hold those of the two networks.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
import numpy as np
import pandas as pd
from fer_course.align import align_face
from fer_course.core.cache import read_kept, write_kept
from fer_course.core.files import as_json, fingerprint
from fer_course.core.terminal import progress
from fer_course.faces import FaceSet
from fer_course.faces.profiles import ACTION_UNITS
from fer_course.faces.sets import STYLES
from fer_course.facs import AU_VOCABULARIES, SEVEN
from mesh_points import MeshPoints

CHUNK = 50  # faces rendered at a time
FIRST = 40  # faces whose bytes name the renderer; each unit occurs in some of them
UNITS = [f"AU{unit}" for unit in ACTION_UNITS]  # columns of tables of intensities, 0-5
PSEUDO = [f"AU{unit}" for unit in AU_VOCABULARIES["raf_au"]]  # the AU branch of the network
INDEPENDENT = FaceSet(n=3000, profile="photographs", seed=61, independent=1.0)
POSED = FaceSet(n=2100, profile="photographs", seed=62)


@dataclass(frozen=True, kw_only=True)
class Read:
    "What two networks read of n faces, and what is known about these."

    points: np.ndarray  # (n, 468, 3)
    presence: np.ndarray  # (n,) > 0: MediaPipe's network finds a face
    au: np.ndarray  # (n, 21) probabilities of the AU branch
    probabilities: np.ndarray  # (n, 7) of `SEVEN`
    expression: np.ndarray  # (n,) names; "" = none
    subject: np.ndarray  # (n,) people
    units: np.ndarray | None = None  # (n, 23) true intensities 0-5, mean of left and right

    def __len__(self):
        return len(self.points)

    def rows(
        self,
        mask: np.ndarray,  # (n,) mask or row numbers
    ) -> "Read":
        "Return some of the faces."
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return replace(self, **{k: v if v is None else v[mask] for k, v in values.items()})


def digest(data: bytes) -> str:
    "Return the first 16 digits of the SHA-256 of bytes."
    return hashlib.sha256(data).hexdigest()[:16]


def rendered_crops(what: FaceSet, start: int, count: int) -> tuple:
    "Return aligned crops (count, 112, 112, 3) and parameters of some faces of a set."
    parameters = what.parameters(start, count)
    faces = STYLES[what.style](what.size, "cpu").render(parameters)
    crops = [align_face(image, five) for image, five in zip(faces.images, faces.points)]
    return np.stack(crops), parameters


def renderer_mark(what: FaceSet) -> str:
    "Return a digest of a set's record and of its first faces."
    crops, parameters = rendered_crops(what, 0, min(FIRST, what.n))
    found = hashlib.sha256(crops.tobytes())
    found.update(parameters.action_units.numpy().tobytes())
    return f"{fingerprint(as_json(what))} {found.hexdigest()[:16]}"


def read_crops(crops: np.ndarray, mesh: MeshPoints, network) -> dict:
    "Return what both networks read of aligned crops, as arrays."
    from fer_course.train import predict

    points, presence = mesh.points_of(crops)
    probabilities, au = predict(network, crops, device="cpu", flip=True)
    return dict(points=points, presence=presence, au=au, probabilities=probabilities)


def joined(parts: list) -> dict:
    "Return the arrays of several parts, one behind the other."
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def read_rendered(
    what: FaceSet,  # the set
    folder: str | Path,  # keeps what was read
    *,
    mesh: MeshPoints,  # reads the points
    network,  # reads units and expressions
    readers: str,  # names both networks; part of the mark
) -> Read:
    "Render a set of faces and read them, once for each version of the renderer."
    path = Path(folder) / f"rendered-{fingerprint(as_json(what))[:8]}.npz"
    mark = f"{renderer_mark(what)} {readers}"
    kept = read_kept(path, mark=mark)
    if kept is None:
        parts = []
        for start in progress(range(0, what.n, CHUNK), label="rendering"):
            crops, drawn = rendered_crops(what, start, min(CHUNK, what.n - start))
            part = read_crops(crops, mesh, network)
            part["units"] = drawn.action_units.mean(2).numpy()
            part["expression"] = np.array([name or "" for name in drawn.expressions], "U16")
            part["subject"] = drawn.persons.numpy()
            parts.append(part)
        kept = joined(parts)
        write_kept(path, kept, mark=mark)
    return Read(**kept)


def read_photographs(
    table: pd.DataFrame,  # manifest with `expression` and `subject`
    crops: np.ndarray,  # (n, 112, 112, 3) uint8, aligned
    folder: str | Path,  # keeps what was read
    *,
    mesh: MeshPoints,  # reads the points
    network,  # reads units and expressions
    readers: str,  # names both networks; part of the mark
) -> Read:
    "Read the photographs' crops, once for each alignment and for each pair of networks."
    path = Path(folder) / "photographs.npz"
    names = fingerprint(table.image.tolist())
    pixels = digest(np.ascontiguousarray(crops).tobytes())
    mark = f"{len(table)} photographs {names} {pixels} {readers}"
    kept = read_kept(path, mark=mark)
    if kept is None:
        kept = read_crops(crops, mesh, network)
        write_kept(path, kept, mark=mark)
    expression = np.array([name or "" for name in table.expression], "U16")
    return Read(**kept, expression=expression, subject=table.subject.to_numpy(str))


def units_of_set(
    what: FaceSet,  # faces of expressions
) -> pd.DataFrame:  # index expression, columns `UNITS`: intensities 0-5
    "Return the units that a set poses, without rendering it."
    drawn = what.parameters(0, what.n)
    values = drawn.action_units.mean(2).numpy()
    table = pd.DataFrame(values, columns=UNITS, index=pd.Index(drawn.expressions))
    return table[table.index.isin(SEVEN)].rename_axis("expression")
