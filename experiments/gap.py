"""Measure where the gap between rendered faces and photographs is: a standing diagnosis.

What it makes: a table of what each stage loses on photographs, from geometry to predictions, in
macro F1 over six classes and over five (without disgust, which one actor shows in the choosing
half): points -> units -> meaning or instrument -> appearance -> prior. Units of photographs come
from two estimators: a regression from MediaPipe's points to intensities, learned on rendered faces
whose units are independent, and the AU branch of our network. "Meaning" is the score of classes
decided around a renderer's mean intensities, "units" that around the photographs' own means from
other people. These differ in meaning, *or* in the instrument: own means absorb what the regression
reads wrongly in photographs, too. Means count all people of a label the same; the zero of both
sides is that of gap_zero.py.
gap.json is written into OUT and, with --results, into that folder, where gap_history.json gets one
entry a run. OUT/means.csv holds mean and SD of the units of each label of the choosing half.
Only the choosing half is looked at. With --report its means are scored on the reporting half, too,
which counts as a scoring of that half (nbs/results/report_half.json).
Licences: the photographs are the user's own; MediaPipe's network is read from its npm package
(Apache-2.0; see experiments/mesh_points.py), which is needed only here.

    python experiments/gap.py --real PHOTOS --mesh PACKAGE --out _runs/gap --label before \\
        --results nbs/results
    python experiments/gap.py --real PHOTOS --mesh PACKAGE --out _runs/gap --label wild \\
        --tables wild=wild_means.csv
    python experiments/gap.py --real PHOTOS --mesh PACKAGE --out _runs/gap --label counted \\
        --counted counted=counted_means.csv
"""

from harness import command_of, commit_of  # first: it sets the threads

import argparse, os, sys, time
from pathlib import Path
import numpy as np
import pandas as pd
import gap_tables as tables
from counted_head import isin
from fer_course.core.errors import CourseError
from fer_course.core.files import atomic, make_folder, read_json, write_json
from fer_course.core.terminal import say
from fer_course.faces import FaceSet, RandomFaces
from fer_course.faces.meanings import LATEST, MEANINGS
from fer_course.models.checkpoints import shipped
from fer_course.train import balance_predictions, only
from fer_course.facs import SEVEN
from gap_faces import INDEPENDENT, POSED, PSEUDO, UNITS, digest
from gap_faces import read_photographs, read_rendered, units_of_set
from gap_parts import QUESTIONS, UnitSpace, correlations, decided_around, decided_by_own
from gap_parts import learn_units, own_means_score, patterns_of, reading_of, scored
from gap_parts import standardised, unit_space_score, units_of_others
from gap_zero import labels_of
from mesh_points import MeshPoints, mean_face, mesh_network, normalised
from photograph_crops import photographs

FACES = 2100  # faces that a renderer's mean units are counted on
# How means are taken; an entry of the history with another rule cannot be compared in its units
RULE = "people of a label equal, zero of the labels that five people show"
LEARNED = "learned by the network"  # the faces that the network of the package learned from
STEPS = (
    ("points", "units", "what units do not hold, or the regression does not read"),
    ("units", "meaning", "meaning or instrument"),
    ("units", "meaning the network learned", "meaning or instrument"),
    ("meaning the network learned", "network", "appearance in place of points"),
    ("network", "network, balanced", "prior"),
)


# What is compared


def logits(probabilities: np.ndarray) -> np.ndarray:
    "Return log odds, limited to what probabilities of 0.0001 have."
    p = np.clip(np.asarray(probabilities, float), 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))


def counted_faces(faces):
    "Return the photographs of the labels that enough people show."
    return faces.rows(isin(faces.expression, labels_of(faces.expression, faces.subject, SEVEN)))


def shape_features(faces, like=None) -> np.ndarray:
    "Return standardised shapes of faces; reference, mean and SD are those of `like`."
    like = faces if like is None else like
    reference = mean_face(like.points)
    given = normalised(like.points, reference=reference)
    return standardised(normalised(faces.points, reference=reference), like=given)


def points_space(faces, like, rendered) -> tuple:
    "Return the unit space of MediaPipe's points, and the rendered faces' estimates."
    features = shape_features(rendered)
    estimates = units_of_others(features, rendered.units, rendered.subject)
    regression = learn_units(features, rendered.units)
    space = UnitSpace(
        estimates=regression.predict(shape_features(faces, like)),
        truth=faces.expression,
        people=faces.subject,
        reading=reading_of(rendered.units, estimates),
        units=tuple(UNITS),
    )
    return space, estimates


def network_space(faces, like, rendered) -> tuple:
    "Return the unit space of the AU branch's log odds, and those of the rendered faces."
    estimates = standardised(logits(rendered.au))
    space = UnitSpace(
        estimates=standardised(logits(faces.au), like=logits(like.au)),
        truth=faces.expression,
        people=faces.subject,
        reading=reading_of(rendered.units, estimates),
        units=tuple(UNITS),
    )
    return space, estimates


SPACES = dict(points=(points_space, UNITS), network=(network_space, PSEUDO))


def mean_tables(arguments) -> dict:
    "Return {name: (means, spreads or None, weights or None)} of the meanings compared."
    sets = {
        f"meaning {k}": FaceSet(n=FACES, profile="photographs", seed=63, meaning=k)
        for k in MEANINGS
    }
    learned = read_json(shipped() / "card.json")["meaning"]
    sets[LEARNED] = RandomFaces(n=FACES, profile="photographs", seed=63, meaning=learned)
    found = {}
    for name, what in sets.items():
        found[name] = (units_of_set(what).groupby(level=0).mean(), None, None)
    for text in [*arguments.tables, *arguments.counted]:
        name, _, path = text.partition("=")
        if not path:
            raise CourseError(f'"{text}" names no file', remedy="give NAME=FILE.csv")
        found[name] = read_means(path)
    return found


def read_means(path: str | Path) -> tuple:
    """Return means, spreads (or None) and weights (or None) of a table of classes.

    Columns: expression, AU1, ... (0-5); weight and stat ("mean" or "sd") may be absent. Several
    rows of a class are several patterns. Raises `CourseError` if a column is missing, or if a mean
    is not an intensity: means in SDs of photographs cannot be drawn.
    """
    if not Path(path).is_file():
        raise CourseError("there is no such table", path, "give a csv of mean intensities")
    table = pd.read_csv(path)
    known = [unit for unit in UNITS if unit in table]
    if "expression" not in table or not known:
        raise CourseError("has no columns expression, AU1, ...", path, "see gap.read_means")
    if not table[known].fillna(0).stack().between(0, 5).all():
        raise CourseError("holds numbers below 0 or above 5", path, "give mean intensities, 0-5")
    table = table.set_index("expression")
    stat = table["stat"] if "stat" in table else pd.Series("mean", table.index)
    means, spreads = (table[(stat == one).to_numpy()] for one in ("mean", "sd"))
    if len(spreads) and list(spreads.index) != list(means.index):
        raise CourseError("the rows of sd are not those of mean", path, "give both in one order")
    weights = means["weight"].to_numpy(float) if "weight" in table else None
    return means[known], (spreads[known] if len(spreads) else None), weights


# Measures


def meaning_scores(space, means: dict, *, repeats: int, learn=None) -> dict:
    "Return {question: {meaning: {centred, not centred}}}, and the photographs' own means."
    found = {}
    for question, classes in QUESTIONS.items():
        options = dict(classes=classes, repeats=repeats)
        rows = {}
        for name, (table, spreads, weights) in means.items():
            given = options | dict(weights=weights, learn=learn)
            rows[name] = {
                "centred": unit_space_score(table, space, **given),
                "not centred": unit_space_score(table, space, centred=False, **given),
            }
            if spreads is not None:
                rows[name]["centred, with spreads"] = unit_space_score(
                    table, space, spreads=spreads, **given
                )
        if learn is None:
            rows["own means"] = own_means_score(space, **options)
        else:
            own = decided_by_own(space.of(classes), classes=classes, learn=learn)
            part = space.of(classes)
            rows["means of the choosing half"] = scored(own, part.truth, part.people, **options)
        found[question] = rows
    return found


def stage_predictions(
    faces, shapes, spaces: dict, means: dict, *, classes: tuple, learn: dict | None = None
) -> dict:
    "Return {stage: probabilities (n, C)} of the photographs of some classes."
    asked = np.isin(faces.expression, classes)
    space, units = (spaces[name].rows(asked) for name in ("points", "network"))
    raw = only(faces.probabilities[asked], SEVEN, among=classes)
    given = dict(classes=classes)
    of = learn or dict(points=None, network=None, shapes=None)
    latest, first = (
        patterns_of(means[name][0], space, classes=classes)
        for name in (f"meaning {LATEST}", LEARNED)
    )
    known = None
    if learn:
        rows = np.isin(learn["points"].truth, classes)
        known = learn["shapes"][rows], learn["points"].truth[rows]
    return {
        "points": tables.probe(shapes[asked], space, kind="discriminant", learn=known, **given),
        "points, logistic": tables.probe(
            shapes[asked], space, kind="logistic", learn=known, **given
        ),
        "units": decided_by_own(space, learn=of["points"], **given),
        "meaning": decided_around(latest, space, learn=of["points"], **given),
        "meaning the network learned": decided_around(first, space, learn=of["points"], **given),
        "meaning, balanced": balance_predictions(
            decided_around(latest, space, learn=of["points"], **given)
        ),
        "network's units": decided_by_own(units, learn=of["network"], **given),
        "network": raw,
        "network, balanced": balance_predictions(raw),
    }


def stage_scores(faces, shapes, spaces, means, *, repeats: int, learn=None) -> dict:
    "Return {question: stages and losses}."
    found = {}
    for question, classes in QUESTIONS.items():
        stages = stage_predictions(faces, shapes, spaces, means, classes=classes, learn=learn)
        space = spaces["points"].of(classes)
        rows = {
            name: scored(p, space.truth, space.people, classes=classes, repeats=repeats)
            for name, p in stages.items()
        }
        steps = tables.losses(stages, STEPS, space, classes=classes, repeats=repeats)
        found[question] = dict(stages=rows, losses=steps)
    return found


def label_vectors(spaces: dict, means: dict, *, repeats: int) -> dict:
    "Return the labels' mean units by estimator: photographs, renderer, cosine distances."
    found = {}
    for name, (_, columns) in SPACES.items():
        space = spaces[name]
        own = tables.class_vectors(space, columns, repeats=repeats)
        rendered, distances = {}, {}
        for meaning, (table, _, weights) in means.items():
            table = mean_of_patterns(table, weights)
            rendered[meaning] = tables.rendered_vectors(table, space, columns)
            distances[meaning] = tables.vector_distances(own, rendered[meaning])
        found[name] = dict(photographs=own, rendered=rendered, distances=distances)
    return found


def mean_of_patterns(table: pd.DataFrame, weights) -> pd.DataFrame:
    "Return one row a class: the weighted mean of its patterns, all `UNITS`."
    weights = pd.Series(1.0 if weights is None else weights, table.index)
    share = weights / weights.groupby(level=0).transform("sum")
    means = table.mul(share, axis=0).groupby(level=0).sum()
    return means.reindex(columns=UNITS).fillna(0.0)


def instrument_row(estimates: np.ndarray, rendered, columns: list) -> dict:
    "Return how well the units of rendered faces are read, by unit and on average."
    true = rendered.units[:, [UNITS.index(name) for name in columns]]
    each = correlations(estimates, true)
    return dict(
        mean=float(np.nanmean(each)),
        each=dict(zip(columns, each.tolist())),
        faces=len(true),
        people=len(set(rendered.subject)),
    )


# The run


def faces_of(arguments) -> dict:
    "Return manifest, photographs, rendered faces: read by both networks, kept in OUT."
    from fer_course.models import pretrained

    crops_folder = arguments.crops or Path(arguments.out) / "real"
    table, crops, _ = photographs(arguments.real, crops_folder)
    network = pretrained(arguments.network)
    options = dict(mesh=MeshPoints(arguments.mesh), network=network)
    options["readers"] = f"{network.card['sha256'][:12]} {digest(mesh_network(arguments.mesh))}"
    kept = make_folder(Path(arguments.out) / "read")
    return dict(
        table=table,
        photographs=read_photographs(table, crops, kept, **options),
        independent=read_rendered(INDEPENDENT, kept, **options),
        posed=read_rendered(POSED, kept, **options),
        network=dict(name=arguments.network, sha256=network.card["sha256"]),
    )


def half_of(given: dict, half: str):
    "Return the photographs of one half."
    return given["photographs"].rows((given["table"].half == half).to_numpy())


def measured(given: dict, means: dict, *, repeats: int) -> dict:
    "Return every measure of the choosing half."
    faces = half_of(given, "choose")
    rendered, like = given["independent"], counted_faces(faces)
    spaces, instrument = {}, {}
    for name, (make, columns) in SPACES.items():
        spaces[name], estimates = make(faces, like, rendered)
        instrument[name] = instrument_row(estimates, rendered, columns)
        if name == "points":
            given["means"] = tables.table_of_means(spaces[name], rendered.units, estimates)
    shapes = shape_features(faces, like)
    meaning = {k: meaning_scores(v, means, repeats=repeats) for k, v in spaces.items()}
    return dict(
        photographs=len(faces),
        people=len(set(faces.subject)),
        network=given["network"],
        instrument=instrument,
        stages=stage_scores(faces, shapes, spaces, means, repeats=repeats),
        meaning=meaning,
        notes=notes_of(meaning),
        vectors=label_vectors(spaces, means, repeats=repeats),
        share_distances=tables.share_distances(faces, given["posed"]),
        means={name: table.to_dict("index") for name, table in plain_means(means).items()},
    )


def notes_of(meaning: dict) -> list:
    "Return what a reader of the scores has to know."
    notes = [
        "units and own means are decided around photographs' means, which absorb what the"
        " instrument reads wrongly: they differ from the rows of meanings in meaning or instrument"
    ]
    for question, rows in meaning["points"].items():
        absent = rows["own means"]["unanswered"]
        if absent:
            notes.append(
                f"{question}: F1 of {', '.join(absent)} is 0 by construction in points, units,"
                " network's units and own means, as one person shows it; the rows of meanings may"
                " predict it: compare in five classes"
            )
    return notes


def plain_means(means: dict) -> dict:
    "Return one rounded table of means for each meaning."
    return {name: mean_of_patterns(one[0], one[2]).round(3) for name, one in means.items()}


def reported(given: dict, means: dict, *, repeats: int) -> dict:
    "Return the scores of the reporting half; all that is learned comes from the choosing half."
    faces, known = (half_of(given, half) for half in ("report", "choose"))
    rendered, like = given["independent"], counted_faces(known)
    spaces, learn = {}, {}
    for name, (make, _) in SPACES.items():
        spaces[name], _ = make(faces, like, rendered)
        learn[name], _ = make(known, like, rendered)
    learn["shapes"] = shape_features(known, like)
    shapes = shape_features(faces, like)
    return dict(
        photographs=len(faces),
        stages=stage_scores(faces, shapes, spaces, means, repeats=repeats, learn=learn),
        meaning={
            name: meaning_scores(space, means, repeats=repeats, learn=learn[name])
            for name, space in spaces.items()
        },
    )


def headline(found: dict) -> dict:
    "Return the numbers of the history: {name: value rounded to four digits}."
    numbers = {f"instrument, {k}": v["mean"] for k, v in found["instrument"].items()}
    for question, part in found["stages"].items():
        for stage, row in part["stages"].items():
            numbers[f"{question}: {stage}"] = row["macro_f1"]
    for question, rows in found["meaning"]["points"].items():
        for meaning, row in rows.items():
            meaning += ", in sample" * (meaning in found.get("in_sample", []))
            if "macro_f1" in row:
                numbers[f"{question}: {meaning}"] = row["macro_f1"]
                numbers[f"{question}: {meaning}, half of the people"] = np.mean(row["deals"])
                continue
            for kind, one in row.items():
                numbers[f"{question}: {meaning}, {kind}"] = one["macro_f1"]
    for row in found["share_distances"]:
        numbers[f"cosine: {row['expression']}"] = row["distance"]
    return {name: round(float(value), 4) for name, value in numbers.items()}


def write_history(path: str | Path, entry: dict) -> list:
    "Append an entry (date, commit, label, rule, numbers); return all; equal labels may repeat."
    path = Path(path)
    entries = read_json(path) if path.exists() else []
    entries.append(entry)
    write_json(path, entries)
    return entries


def count_report(arguments, found: dict) -> None:
    "Write the scoring of the reporting half into the ledger."
    from yardstick import LEDGER, count_scoring, entry_of

    rows = {
        question: {name: row["macro_f1"] for name, row in part["stages"].items()}
        for question, part in found["stages"].items()
    }
    for question, by_meaning in found["meaning"]["points"].items():
        rows[question] |= {
            f"{name}, {kind}": one["macro_f1"]
            for name, row in by_meaning.items()
            if "macro_f1" not in row
            for kind, one in row.items()
        }
    command = command_of("gap", arguments, hidden=("out", "real", "mesh", "crops"))
    what = f"diagnosis {arguments.label}: stages and meanings, means of the choosing half"
    count_scoring(LEDGER, entry_of(command, commit_of(), what, scores=rows))


def run(arguments) -> dict:
    "Measure, write the results, the table of means and the history; return the results."
    made = dict(
        command=command_of("gap", arguments, hidden=("out", "real", "mesh", "crops")),
        commit=commit_of(),
        date=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        label=arguments.label,
        rule=RULE,
    )
    given = faces_of(arguments)
    means = mean_tables(arguments)
    found = made | measured(given, means, repeats=arguments.repeats)
    # Tables that the same people's labels made: no score of theirs is out of sample
    found["in_sample"] = [text.partition("=")[0] for text in arguments.counted]
    out = Path(arguments.out)
    if arguments.report:
        found["report"] = reported(given, means, repeats=arguments.repeats)
        count_report(arguments, found["report"])
    with atomic(out / "means.csv") as temporary:
        given["means"].round(4).to_csv(temporary, index=False)
    for folder in (out, arguments.results):
        if folder:
            write_json(Path(folder) / "gap.json", rounded(found))
            entry = {key: found[key] for key in ("date", "commit", "label", "rule")}
            entry["numbers"] = headline(found)
            write_history(Path(folder) / "gap_history.json", entry)
    return found


def rounded(value, digits: int = 4):
    "Return nested results with numbers of a few digits, None for NaN."
    if isinstance(value, dict):
        return {str(key): rounded(one, digits) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(one, digits) for one in value]
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else round(float(value), digits)
    return value


def largest_differences(found: dict, meaning: str, n: int = 16) -> pd.DataFrame:
    "Return the units in which a renderer's labels differ most from the photographs'."
    vectors = found["vectors"]["points"]
    rows = []
    for label, own in vectors["photographs"].items():
        for unit, value in own["by_person"].items():
            row = dict(label=label, unit=unit, photographs=value)
            row |= dict(rendered=vectors["rendered"][meaning][label][unit])
            if not own["few"]:
                row |= dict(low=own["low"][unit], high=own["high"][unit])
            rows.append(row)
    table = pd.DataFrame(rows)
    order = (table.photographs - table.rendered).abs().sort_values(ascending=False).index
    return table.loc[order].head(n)


def show(found: dict) -> None:
    "Print the numbers of the history, the losses and the largest differences."
    for name, value in headline(found).items():
        say(f"{value:6.3f}  {name}")
    for question, part in found["stages"].items():
        for step in part["losses"]:
            ends = [step[key] for key in ("low", "high")]
            words = "" if ends[0] is None else f" [{ends[0]:+.3f}, {ends[1]:+.3f}]"
            stages = f"{step['start']} -> {step['end']}"
            say(f"{question}: {stages} ({step['what']}): {step['change']:+.3f}{words}")
    for note in found["notes"]:
        say(note)
    say(largest_differences(found, f"meaning {LATEST}").round(2).to_string(index=False))


def main() -> None:
    "Run the diagnosis from the command line."
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", help="photographs with a csv of labels; not needed if aligned")
    parser.add_argument("--crops", help="folder of the aligned photographs (default: OUT/real)")
    parser.add_argument("--mesh", required=True, help="unpacked npm package @mediapipe/face_mesh")
    parser.add_argument("--out", required=True, help="folder of the diagnosis")
    parser.add_argument("--label", required=True, help="names the entry of the history")
    parser.add_argument("--network", default="small", help="a network of this package")
    parser.add_argument(
        "--tables", nargs="*", default=[], help="NAME=FILE.csv: mean intensities of the classes"
    )
    parser.add_argument(
        "--counted", nargs="*", default=[], help="the same, of the choosing half: in sample"
    )
    parser.add_argument("--repeats", type=int, default=1000, help="draws behind an interval")
    parser.add_argument("--results", help="folder for gap.json and gap_history.json, too")
    parser.add_argument(
        "--report", action="store_true", help="score the reporting half too: once, at the end"
    )
    arguments = parser.parse_args()
    os.environ.setdefault("FER_PROGRESS", "1")
    try:
        show(run(arguments))
    except CourseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
