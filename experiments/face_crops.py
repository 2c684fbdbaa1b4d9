"""Sets of rendered faces as aligned crops, shared by all experiments of one folder."""

from dataclasses import asdict
from pathlib import Path
import numpy as np
import pandas as pd
from fer_course.align import align_face, align_manifest, write_packed
from fer_course.core.files import as_json, fingerprint, make_folder, read_table, write_table
from fer_course.core.terminal import progress
from fer_course.data import load_image
from fer_course.faces import MOUTHS, PROFILES, SHAPES, TRACES, FaceSet, RandomFaces, render_dataset
from fer_course.faces.datasets import RENDERER_VERSION
from fer_course.train import inner_face, standardise

CROP = 112  # pixels
POINT_COLUMNS = [f"point_{axis}{j}" for j in range(5) for axis in "xy"]


def folder_of_set(out: str | Path, what: FaceSet) -> Path:
    "Return where a set lives: one folder for each set, profile and version of the renderer."
    variety = repr((SHAPES, MOUTHS, TRACES)) if isinstance(what, RandomFaces) else None
    settings = [as_json(what), asdict(PROFILES[what.profile]), RENDERER_VERSION, variety]
    return Path(out) / "sets" / fingerprint(settings)


def pack(table: pd.DataFrame, faces: Path, packed: Path) -> None:
    "Align the faces by their true points and write the crops as PACKED/images.npy."
    points = table[POINT_COLUMNS].to_numpy(float).reshape(-1, 5, 2)
    names = progress(table.image, label="aligning")
    crops = (align_face(load_image(faces / n), five)[None] for n, five in zip(names, points))
    write_packed(packed / "images.npy", (len(table), CROP, CROP, 3), pieces=crops)


def rendered(
    out: str | Path,  # folder of the experiment
    what: FaceSet,  # the set
    points: str = "true",  # align by the true points, or by those that MTCNN "found"
) -> tuple:  # (manifest, crops (n, 112, 112, 3) as a memory map)
    "Return a set of rendered faces as aligned crops, made once; faces not found are dropped."
    folder = folder_of_set(out, what)
    packed = make_folder(folder / points)
    if not (packed / "packed.parquet").exists():
        faces = folder / "faces"
        table = render_dataset(faces, like=what, device="cpu")
        if points == "found":
            roots = {name: faces for name in table.dataset.unique()}
            table, _ = align_manifest(table, roots, out=packed, device="cpu", no_face="drop")
        else:
            pack(table, faces, packed)
        write_table(packed / "packed.parquet", table)
    return read_table(packed / "packed.parquet"), np.load(packed / "images.npy", mmap_mode="r")


def network_view(images: np.ndarray, size: int = 64) -> np.ndarray:
    "Return crops as the networks of the experiments see them: the inner face, standardised."
    return standardise(inner_face(images, size))
