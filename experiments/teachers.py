"""Labels of rendered faces by several networks: the way `several` of transfer.py.

Each teacher is a finished run of transfer.py. It reads the action units of a student's rendered
faces and of the photographs; its own table of the photographs' labels (counted_head.py) gives
these faces labels as probabilities. The student's last layer learns from the mean of all teachers'
labels. No image of a photograph trains a network, and nothing else of the student changes.
"""

from collections.abc import Sequence
from pathlib import Path
import counted_head
import numpy as np
from counted_head import (
    FOLDS,
    SPLITS,
    Faces,
    Moments,
    Read,
    Teacher,
    answers_of,
    folded,
    layer_answers,
)
from counted_head import counted_labels, learn_layers, log_odds, parts_of
from fer_course.core.cache import read_kept, write_kept
from fer_course.core.files import digest, fingerprint
from fer_course.core.terminal import progress
from fer_course.faces import ANNOTATORS
from fer_course.faces.annotators import label_chances
from fer_course.facs import SEVEN
from fer_course.train import standardise
from transfer_rows import ROWS, training_faces, units_shown

TAUGHT = 8000  # rendered faces, at most, that teach the last layer again
READS = "reads.npz"
STRENGTH = 0.05  # inverse of the penalty of `recalibrated`
PUBLISHED = "wild_patterns"  # the annotator of the way `published`
HALF = "choose"  # the half of the photographs whose labels may be counted


def taught_rows(n: int) -> np.ndarray:
    "Return the numbers of the faces that teach the last layer."
    return np.linspace(0, n - 1, min(TAUGHT, n)).round().astype(int)


def network_of(out: Path, run):
    "Return the network of a finished run, with the weights of its best epoch."
    from fer_course.models import create
    from fer_course.models.weights import fill, read_weights

    path = run.folder(out) / "source" / "best.safetensors"
    model = create(ROWS[run.row].preset, expressions=SEVEN, size=run.settings["size"])
    fill(model, read_weights(path), path=path)
    return model.eval()


def student_faces(out: Path, run) -> np.ndarray:
    "Return the rendered faces that teach the last layer of a run, standardised."
    row, sizes = ROWS[run.row], run.settings
    _, images = training_faces(out, row, faces=sizes["faces"], size=sizes["size"])
    images = images[taught_rows(len(images))]
    return standardise(images) if row.first else images


def read_of(kept: dict, who: str) -> Read:
    "Return what `keep_reads` of transfer.py kept of the faces (`face`) or of the photographs."
    return Read(kept[f"{who}_features"].astype(np.float32), kept[f"{who}_units"])


def units_read(out: Path, teacher, student, faces) -> np.ndarray:  # (n, units) log odds
    """Return the units that a teacher reads of a student's faces, each with its mirror image.

    `faces` is a function that returns them; it is called if they were not read before. Runs with
    the same sets of faces share one file.
    """
    from fer_course.train import predict

    first = ROWS[student.row].first
    mark = fingerprint([student.settings["sets"], first, TAUGHT])
    path = teacher.folder(out) / f"units-{mark[:8]}.npz"
    kept = read_kept(path, mark=mark)
    if kept is None:
        units = log_odds(predict(network_of(out, teacher), faces(), device="cpu", flip=True)[1])
        kept = dict(units=units)
        write_kept(path, kept, mark=mark)
    return kept["units"]


def teachers_of(out: Path, student, runs: Sequence) -> list:
    "Return each run of some finished ones as the `Teacher` of a student."
    made = []

    def faces():
        "Return the faces of the student, made once"
        made[:] = made or [student_faces(out, student)]
        return made[0]

    found = []
    for run in progress(runs, label="teachers"):
        units = units_read(out, run, student, faces)
        found.append(
            Teacher(units, read_kept(run.folder(out) / READS, "photo_units")["photo_units"])
        )
    return found


def teaching(out: Path, student, real) -> dict:
    "Return the arguments of `counted_head.lesson_of` for a run and a manifest of photographs."
    kept = read_kept(student.folder(out) / READS)
    return dict(
        rendered=read_of(kept, "face"),
        photographs=read_of(kept, "photo"),
        truth=real.expression.to_numpy(str),
        people=real.subject.to_numpy(str),
        choose=(real.half == HALF).to_numpy(),
        posed=np.array([name or None for name in kept["posed"].tolist()], object),
        classes=SEVEN,
    )


def published_answers(out: Path, student, real) -> dict:
    """Return {"published": answers} with a last layer that published statistics teach.

    The annotator `wild_patterns` labels the faces by the units that they show. Of the photographs,
    the mean features of the choosing half are used, without a label.
    """
    given = teaching(out, student, real)
    row, sizes = ROWS[student.row], student.settings
    table, _ = training_faces(out, row, faces=sizes["faces"], size=sizes["size"])
    table = table.iloc[taught_rows(len(table))]
    faces = Faces.of(given["rendered"], given["posed"], labels=SEVEN, classes=SEVEN)
    units = units_shown(row, table, faces=sizes["faces"])[table.posed.notna()]
    chances = label_chances(units, ANNOTATORS[PUBLISHED], meaning=row.meaning)
    layer = learn_layers(faces.read.features, chances[None])[0]
    mean = given["photographs"].features[given["choose"]].mean(0)
    layer = folded(layer, Moments(mean, faces.feature_sd))
    return dict(published=answers_of(given["photographs"].features, layer))


def made(out: Path, student, real, *, kinds: tuple, runs: Sequence) -> dict:
    "Return the answers of some ways of teaching, made anew."
    if kinds == ("published",):
        return published_answers(out, student, real)
    given = teachers_of(out, student, runs) if "several" in kinds else ()
    return layer_answers(**teaching(out, student, real), kinds=kinds, teachers=given)


def recalibrated(raw: np.ndarray, real) -> np.ndarray:  # (n, 7) -> (n, 7)
    """Return probabilities by a logistic regression on a network's own log probabilities.

    It learns from the counted labels of the choosing half in the same folds of people as the last
    layers: 40 numbers, and no unit. What a last layer gains beyond this is not recalibration.
    """
    from sklearn.linear_model import LogisticRegression

    truth, people = real.expression.to_numpy(str), real.subject.to_numpy(str)
    choose = (real.half == HALF).to_numpy()
    labels = counted_labels(truth[choose], people[choose], classes=SEVEN)
    logs = np.log(np.clip(raw, 1e-4, 1))
    found = np.zeros_like(raw)
    for taught, answered in parts_of(choose, people, FOLDS, SPLITS):
        taught = taught[np.isin(truth[taught], labels)]
        reader = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
        reader.fit(logs[taught], truth[taught])
        share = 1 / np.where(choose[answered], SPLITS, 1)[:, None]
        codes = [SEVEN.index(name) for name in reader.classes_]
        found[np.ix_(answered, codes)] += share * reader.predict_proba(logs[answered])
    return found


def taught_again(out: Path, student, real, runs: Sequence = ()) -> dict:  # {way: (n, 7)}
    """Return the answers with a last layer that was learned again, for each way of teaching.

    `posed`, `counted` and, if teachers are given, `several` and `several_posed` differ in the
    labels alone. `published` uses no label of a photograph, see `published_answers`. All are made
    from what was kept, and again if method or teachers change: no network is trained.
    """
    method = digest(Path(counted_head.__file__), "sha256")
    names = [run.folder(out).name for run in runs]
    known = real[["expression", "half", "subject"]]
    found = {}
    parts = {"counted": ((), counted_head.LABELS[:2]), "several": (names, counted_head.LABELS[2:])}
    parts["published"] = (repr(ANNOTATORS[PUBLISHED].statistics), ("published",))
    for name, (source, kinds) in parts.items():
        if name == "several" and not runs:
            continue
        mark = fingerprint([method, source, known.astype(str).to_csv()])
        path = student.folder(out) / f"taught_{name}.npz"
        kept = read_kept(path, mark=mark)
        if kept is None:
            kept = made(out, student, real, kinds=kinds, runs=runs)
            write_kept(path, kept, mark=mark)
        found |= kept
    return found
