"""Five rendered sets in the roles of AU-ViT's datasets, and the two tools that label them.

Shared by the experiments bias_chain and bias_known. The profile of a set decides its images, an
annotator of a given strength its expressions. The sets `like_raf_au` and `like_emotionet` have
exact action units and no expressions; the other three have expressions and no units. What is
missing comes from two networks, as in AU-ViT section III.A: a detector of action units in the role
of OpenFace, and a predictor of expressions in the role of deepface. Both learned from rendered
faces of other people.
"""

from harness import Run, train_and_store  # first: it sets the threads

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
import numpy as np
import pandas as pd
from face_crops import rendered
from fer_course.core.files import atomic, fingerprint, make_folder, write_table
from fer_course.faces import ANNOTATORS, PROFILES, SETS, Annotator, FaceSet, annotate
from fer_course.faces.mixed_profiles import between
from fer_course.facs import SEVEN, au_columns

SIZE = 48  # side of the network's input in pixels
TARGETS = ("like_rafdb", "like_ferplus", "like_affectnet")
UNIT_SETS = ("like_raf_au", "like_emotionet")
AUXILIARY = (*TARGETS, *UNIT_SETS)
PAPER_NAMES = dict(
    like_rafdb="RAF-DB",
    like_ferplus="FERPlus",
    like_affectnet="AffectNet",
    like_raf_au="RAF-AU",
    like_emotionet="EmotioNet",
)
COUNTS = dict(train=2000, valid=400, test=1500)
# What the dose-response turns: an annotator whose every habit differs from `reader`
STRONG = replace(
    ANNOTATORS["folk"],
    confusions={
        ("fear", "surprise"): 0.5,
        ("disgust", "anger"): 0.5,
        ("sadness", "neutral"): 0.4,
        ("anger", "disgust"): 0.3,
    },
)
DOSES = (0.0, 1 / 3, 2 / 3, 1.0)
for _share in DOSES:
    PROFILES[f"web to film {_share:.2f}"] = between(PROFILES["web"], PROFILES["film"], _share)


@dataclass(frozen=True)
class Labelled:
    "A set of aligned faces with its labels."

    table: pd.DataFrame  # manifest; `meant` = the posed expression
    images: np.ndarray  # (n, SIZE, SIZE, 3) uint8
    units: np.ndarray  # (n, units, 2) exact intensities, 0-5


def annotator_of(name: str) -> Annotator:
    "Return the annotator of a set, or that of the network which names expressions."
    if name in UNIT_SETS:
        return ANNOTATORS["crowd"]  # it labelled what the predictor learned from
    what = SETS[name]
    return replace(ANNOTATORS[what.annotator], strength=what.strength)


def face_set(name: str, split: str, counts: dict) -> FaceSet:
    "Return a part of a set; each part has other people. Labels are written later."
    what = SETS[name]
    seed = what.seed + 100 * list(COUNTS).index(split)
    return replace(
        what, n=counts[split], size=112, seed=seed, split=split, annotator="meant", strength=1.0
    )


@lru_cache(maxsize=40)
def faces(out: str, what: FaceSet) -> Labelled:
    "Return rendered faces as the networks see them: the inner face in colour. Made once."
    from fer_course.train import inner_face

    table, crops = rendered(out, what)
    mark = fingerprint([asdict(what), asdict(PROFILES[what.profile]), SIZE])[:12]
    path = make_folder(Path(out) / "seen") / f"{mark}.npy"
    if not path.exists():
        with atomic(path) as temporary, open(temporary, "wb") as file:
            np.save(file, inner_face(crops, SIZE))
    units = what.parameters(0, what.n).action_units.numpy()
    return Labelled(table, np.load(path, mmap_mode="r"), units)


def labels_of(part: Labelled, annotator: Annotator, seed: int) -> np.ndarray:
    "Return the expressions that an annotator writes for some faces."
    return annotate(part.units, annotator, classes=SEVEN, seed=seed)


# The two tools

TOOL_SETS = dict(
    detector=FaceSet(n=3000, size=112, seed=61, independent=0.4),
    predictor=FaceSet(n=3000, size=112, seed=62, annotator="crowd"),
)
TOOL_TRAINING = dict(epochs=14, batch_size=48, lr=2e-3, warmup=0.25, pos_weight="balanced")


def train_tool(out: str | Path, run: Run) -> dict:
    "Train the detector or the predictor; return the scores of validation."
    from fer_course.core.random import seed_everything
    from fer_course.models import create
    from fer_course.train import fit

    what = TOOL_SETS[run.row]
    part = faces(str(out), replace(what, n=run.settings["faces"]))
    seed_everything(run.seed)
    units = dict(detector="openface", predictor=None)[run.row]
    model = create("small", size=SIZE, au_vocabulary=units)
    settings = TOOL_TRAINING | dict(epochs=run.settings["epochs"], seed=run.seed)
    history = fit(model, part.table, part.images, run.folder(out), device="cpu", **settings)
    return {k: history[k].to_numpy(float) for k in history if k.startswith("valid_")}


def tool_run(name: str, settings: dict) -> Run:
    "Return the training run of a tool."
    wanted = dict(faces=3000, epochs=TOOL_TRAINING["epochs"]) | settings
    training = {k: str(v) for k, v in (TOOL_TRAINING | dict(what=TOOL_SETS[name])).items()}
    return Run(name, 100, wanted | dict(training=training, size=SIZE))


def tool(out: str | Path, name: str, settings: dict):
    "Return a tool as a trained network, made once; `settings` may shrink it for tests."
    from fer_course.train import load_run

    run = tool_run(name, settings)
    if not run.finished(out):
        train_and_store(train_tool, out, run)
    return load_run(run.folder(out))


def pseudo_units(out: str | Path, part: Labelled, settings: dict) -> pd.DataFrame:
    "Return the units that the detector sees, 0 or 1, and how sure it is; columns `AU..`."
    from fer_course.train import choose_thresholds, predict

    network = tool(out, "detector", settings)
    own = faces(
        str(out), replace(TOOL_SETS["detector"], n=tool_run("detector", settings).settings["faces"])
    )
    rows = (own.table.split == "valid").to_numpy()
    columns = au_columns("openface")
    probabilities = predict(network, own.images, rows=rows, device="cpu")[1]
    thresholds = choose_thresholds(own.table.loc[rows, columns], probabilities)
    found = predict(network, part.images, device="cpu")[1]
    return pd.DataFrame((found > thresholds.to_numpy()).astype(np.float32), columns=columns)


def predicted_names(out: str | Path, part: Labelled, settings: dict) -> np.ndarray:
    "Return the expressions that the predictor names, (n,)."
    from fer_course.train import predict

    chances = predict(tool(out, "predictor", settings), part.images, device="cpu")[0]
    return np.array(SEVEN)[chances.argmax(1)]


def write_pseudo(out: str | Path, counts: dict, settings: dict) -> None:
    """Write OUT/pseudo/<set>.parquet for each set: its manifest and what the detector sees.

    The columns `AU.._pseudo` are 0 or 1; experiments/bias_known.py --pseudo reads these files.
    """
    for name in AUXILIARY:
        path = make_folder(Path(out) / "pseudo") / f"{name}.parquet"
        if not path.exists():
            part = faces(str(out), face_set(name, "train", counts))
            pseudo = pseudo_units(out, part, settings).add_suffix("_pseudo")
            write_table(path, pd.concat([part.table, pseudo], axis=1))
