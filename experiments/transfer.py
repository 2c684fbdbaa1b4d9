"""What training on rendered faces alone carries over to photographs: one change at a time.

A network learns from rendered faces and never sees a photograph. The base recipe is near
to that of rendered_to_real, at a smaller number of faces and with expressions of version 2: `small`
at 64 pixels, half of the faces modelled and half drawn, the changes `MOVED` after the images are
standardised. Each row changes one thing:

    changes first       MOVED comes before the images are standardised, see augment.contrast
    TRANSFER            then with the stronger changes of appearance, augment.TRANSFER
    independent units   half of the faces have units drawn without an expression, and no label
    intensities         action units are learned as intensities / 5, not as present or absent
    EMA                 the weights are an exponential moving average
    modelled only       as many faces, all of them modelled
    medium              the larger network
    an annotator        its labels in place of the expressions that were posed, on the same images
    untrained           random weights: what the probe below reads from any network

Some rows change several: `together` has independent units, intensities, TRANSFER and EMA;
`shipped` has independent units, the changes first and three times as many faces. The labels of
`wild_counted` were made from the choosing half: its score there is in-sample, and chooses nothing.

Scores are those of the *choosing half* of the photographs (see yardstick.py): as they come out,
with balanced predictions, and after adapting to that half without labels. `probe` is a linear
reading of the network's features (LDA on 40 principal components, five classes), learned on the
people of four fifths of the choosing half and scored on the others: what the features hold,
whatever the classifier makes of it. Random weights score high there, too (`untrained`): only what
exceeds that was learned.

Rows that teach have more answers, all with the last layer learned again:

    published       from labels by published statistics, without a label of a photograph
    posed           from the expressions that were posed
    counted         from labels that a table of the photographs' mean units gives to the rendered
                    faces (counted_head.py), in folds of people on the choosing half
    several         from the mean of the labels that all networks of the rows `TEACHERS` give,
                    each by its own table (teachers.py)
    several_posed   the same with tables of the posed faces
    recalibrated    not a layer: a logistic regression on the network's own seven probabilities,
                    learned from the same labels in the same folds

The layers differ in the labels that they learn from; those of `several` are softer, too. All seeds
of a row have the same teachers, its own networks among them if the row teaches: the spread over
seeds is that of students, not of teachers.

The reporting half is scored with --report alone, one row and one way that were chosen before, and
entered in nbs/results/report_half.json.
Licence: rendered faces as in make_faces.py; the photographs are the user's own.

    python experiments/transfer.py --real PHOTOS --out _runs/transfer
    python experiments/transfer.py --real PHOTOS --out _runs/transfer --seeds 0 --rows base TRANSFER
    python experiments/transfer.py --real PHOTOS --out _runs/transfer --workers 2 \\
        --results nbs/results/transfer.json
"""

from harness import Experiment, Run, command_of, commit_of, readable  # first: it sets the threads

import argparse
from dataclasses import asdict
from pathlib import Path
import numpy as np
import pandas as pd
from counted_head import Read, log_odds
from face_crops import folder_of_set, rendered
from fer_course.augment import Standardised
from fer_course.core.errors import CourseError
from fer_course.core.cache import write_kept
from fer_course.core.random import seed_everything
from fer_course.core.terminal import progress, say
from fer_course.faces import ANNOTATORS
from fer_course.facs import SEVEN
from fer_course.metrics import correct, detectable
from fer_course.train import adapt_norms, balance_predictions, inner_face, maximise_information
from fer_course.train import only, standardise
from photograph_crops import photographs
from recipes import INFORMATION, TRAINING
from teachers import HALF, READS, TAUGHT, recalibrated, taught_again, taught_rows
from transfer_rows import REFERENCES, ROWS, TEACHERS, Row, known_rows, sets_of, training_faces
from yardstick import FIVE, LEDGER, QUESTIONS, asked, compared, count_scoring, entry_of
from yardstick import macro_scores, predicted_classes, weighted_scores, yardstick

COMPONENTS = 40  # principal components that the probe reads
FOLDS = 5  # of people
WAYS = ("raw", "norms", "information", "recalibrated", "published", "posed", "several_posed")
WAYS += ("counted", "several")
TAUGHT_ROWS = TEACHERS  # rows whose last layer is learned again
CLAIMS = ("raw", "several")  # the ways in which rows are compared
CONTROLS = ("raw", "posed", "several_posed", "recalibrated")  # compared with `several`


# One run


def features(model, images, batch: int = 200) -> np.ndarray:
    "Return the classifier's input (n, D), mean of each image and its mirror image."
    import torch
    from fer_course.augment import normalise

    found = []
    hook = model.classify.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    model.eval()
    means = []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            x = normalise(torch.from_numpy(np.ascontiguousarray(images[start : start + batch])))
            found.clear()
            model(x)
            model(x.flip(-1))
            means.append(sum(found) / 2)
    hook.remove()
    return torch.cat(means).numpy()


def probe(
    read: np.ndarray,  # (n, D) features of the photographs
    real: pd.DataFrame,  # manifest with `half`, `expression`, `subject`
    half: str = "choose",
    *,
    classes: tuple = FIVE,
) -> (
    np.ndarray
):  # (n, 7) probabilities (equal priors) in the order of SEVEN; NaN outside of half and classes
    "Return a linear reading of features, each photograph read by what other people taught."
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    mask = asked(real, half, classes)
    x, truth = read[mask], real.expression[mask].to_numpy(str)
    people = real.subject[mask].to_numpy(str)
    codes = [SEVEN.index(name) for name in sorted(classes)]
    found = np.full((len(x), len(SEVEN)), 0.0)
    even = np.full(len(classes), 1 / len(classes))
    for taught, tested in GroupKFold(FOLDS).split(x, truth, people):
        components = min(COMPONENTS, len(taught) - 1, x.shape[1])
        reader = make_pipeline(
            StandardScaler(),
            PCA(components, random_state=0),
            LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1, priors=even),
        )
        reader.fit(x[taught], truth[taught])
        found[np.ix_(tested, codes)] = reader.predict_proba(x[tested])
    whole = np.full((len(real), len(SEVEN)), np.nan)
    whole[mask] = found
    return whole


def predictions(model, images):
    "Return the expression probabilities (n, 7), mean of each image and its mirror image."
    from fer_course.train import predict

    return predict(model, images, device="cpu", flip=True)[0]


def read_by(model, images) -> tuple:
    "Return expressions (n, 7) and what `counted_head` reads; each image with its mirror image."
    from fer_course.train import predict

    expressions, units = predict(model, images, device="cpu", flip=True)
    return expressions, Read(features(model, images), log_odds(units))


def keep_reads(path, model, images, *, posed, photos):
    "Keep what a network reads of the photographs and of some faces; return its expressions."
    chosen = taught_rows(len(images))
    faces = read_by(model, images[chosen])[1]
    expressions, photographs = read_by(model, photos)
    shown = ["" if name is None else name for name in posed[chosen]]
    arrays = dict(posed=np.array(shown), face_units=faces.units, photo_units=photographs.units)
    arrays["face_features"] = faces.features.astype(np.float16)
    arrays["photo_features"] = photographs.features.astype(np.float16)
    write_kept(path, arrays)
    return expressions


def settings_of(row: Row, *, epochs: int, seed: int) -> dict:
    "Return the settings of `fit`."
    changes = Standardised(row.changes) if row.first else row.changes
    of_row = dict(augment=changes, ema=row.ema, intensities=row.intensities)
    return TRAINING | of_row | dict(epochs=epochs, seed=seed)


def fitted(model, table, *, images, out, **settings) -> dict:
    "Train a network in place; return the validation scores of the epoch that is kept."
    from fer_course.train import fit

    history = fit(model, table, images, out, device="cpu", **settings)
    return history.loc[history.valid_macro_f1.idxmax()].to_dict()


def train(out, run):
    "Train on faces, adapt to the choosing half; return probabilities of all photographs."
    from fer_course.models import create

    row, sizes = ROWS[run.row], run.settings
    real, crops, _ = photographs(None, Path(out) / "real")
    photos = standardise(inner_face(crops, sizes["size"]))
    table, images = training_faces(out, row, faces=sizes["faces"], size=sizes["size"])
    seed_everything(run.seed)
    model = create(row.preset, expressions=SEVEN, size=sizes["size"])
    valid = {}
    if row.trained:
        settings = settings_of(row, epochs=sizes["epochs"], seed=run.seed)
        valid = fitted(model, table, images=images, out=run.folder(out) / "source", **settings)
    target = photos[(real.half == HALF).to_numpy()]
    raw = keep_reads(
        run.folder(out) / READS,
        model,
        standardise(images) if row.first else images,
        posed=table.posed.to_numpy(object),
        photos=photos,
    )
    norms = adapt_norms(model, target, device="cpu")
    informed = maximise_information(model, target, seed=run.seed, device="cpu", **INFORMATION)
    return dict(
        raw=raw,
        norms=predictions(norms, photos),
        information=predictions(informed, photos),
        probe=probe(features(model, photos), real),
        valid=np.array(valid.get("valid_macro_f1", np.nan)),
        valid_units=np.array(valid.get("valid_au_macro_f1", np.nan)),
        faces=np.array(len(table)),
    )


# Scores


def balanced(p: np.ndarray, mask: np.ndarray, among: tuple) -> np.ndarray:
    "Return probabilities (n, 7) with equally frequent classes among the photographs asked."
    found = np.zeros_like(p)
    codes = [SEVEN.index(name) for name in among]
    found[np.ix_(mask, codes)] = balance_predictions(only(p[mask], SEVEN, among=among))
    return found


def balanced_scores(table, probabilities, half, *, repeats):
    "Return the scores of balanced predictions; what is balanced depends on the question."
    found = {}
    for question, among in QUESTIONS.items():
        mask = asked(table, half, among)
        even = [balanced(p, mask, among) for p in probabilities]
        found[question] = yardstick(table, even, half, repeats=repeats)[question]
    return found


def probe_scores(table, probabilities, half, *, repeats):
    "Return the scores of the probe, by photograph and by person."
    mask = asked(table, half, FIVE)
    truth, people = table.expression[mask].tolist(), table.subject[mask].tolist()
    predicted = predicted_classes([p[mask] for p in probabilities], SEVEN, among=FIVE)
    return {
        kind: weighted_scores(truth, predicted, people, FIVE, kind=kind, repeats=repeats)
        for kind in ("by_photograph", "by_person")
    }


def row_scores(table, answers, half, *, repeats=200):
    "Return {way: scores} of the runs of one row on a half."
    found = {}
    for way in [way for way in WAYS if way in answers[0]]:
        each = [answer[way] for answer in answers]
        found[way] = yardstick(table, each, half, repeats=repeats)
        found[f"{way}, balanced"] = balanced_scores(table, each, half, repeats=repeats)
    return found


def number(value) -> float | None:
    "Return a number for JSON, None for NaN."
    return None if np.isnan(value) else float(value)


def summary(table, answers, *, repeats=200):
    "Return what the results file holds of one row: scores on the choosing half, and costs."
    each = [answer["probe"] for answer in answers]
    return dict(
        scores=row_scores(table, answers, HALF, repeats=repeats),
        probe=probe_scores(table, each, HALF, repeats=repeats),
        valid=[number(answer["valid"]) for answer in answers],
        valid_units=[number(answer["valid_units"]) for answer in answers],
        seconds=[float(answer["seconds"]) for answer in answers],
        faces=int(answers[0]["faces"]),
    )


def comparisons(table, by_row, *, repeats=1000):
    "Return {row: paired differences from the row it is compared with}, over seeds and people."
    found = {}
    for name, group in by_row.items():
        reference = REFERENCES.get(name, "base")
        if name == reference or reference not in by_row:
            continue
        seeds = sorted(set(group) & set(by_row[reference]))
        if not seeds:
            continue
        found[name] = dict(to=reference, seeds=seeds)
        for way in [way for way in CLAIMS if way in group[seeds[0]]]:
            pair = [[runs[s][way] for s in seeds] for runs in (by_row[reference], group)]
            options = dict(names=(reference, name), repeats=repeats)
            found[name][way] = compared(table, *pair, HALF, **options)
    return found


def way_comparisons(table, by_row, *, repeats=1000):
    "Return {row: {way: paired differences of `several` from it}}, of the same networks."
    found = {}
    for name, group in by_row.items():
        if name not in TAUGHT_ROWS:
            continue
        if any("several" not in answers for answers in group.values()):
            continue  # no teacher is finished
        after = [answers["several"] for answers in group.values()]
        found[name] = {}
        for way in CONTROLS:
            before = [answers[way] for answers in group.values()]
            options = dict(names=(way, "several"), repeats=repeats)
            found[name][way] = compared(table, before, after, HALF, **options)
    return found


def correct_together(*groups):
    "Correct the claims of nested dicts for their number, all together, in place."
    places = []

    def collect(node):
        "Find the dicts that hold a claim"
        for key, value in node.items():
            if isinstance(value, dict) and "p" in value:
                places.append((node, key))
            elif isinstance(value, dict):
                collect(value)

    for group in groups:
        collect(group)
    for (node, key), corrected in zip(places, correct([node[key] for node, key in places])):
        node[key] = corrected
    return len(places)


def power(found, n, *, claims):
    "Return what difference n seeds would show with probability 0.8, {row: macro F1}."
    return {
        name: {
            question: detectable(kinds["by_photograph"]["sd"], n, claims=claims)
            for question, kinds in row["raw"].items()
        }
        for name, row in found.items()
        if len(row["seeds"]) > 1
    }


def ensemble(table, by_row):
    "Return the scores of the mean of all teachers' answers, {way: scores}."
    runs = [answers for name in TEACHERS for answers in by_row.get(name, {}).values()]
    ways = [way for way in ("raw", "several") if runs and all(way in run for run in runs)]
    means = {way: np.mean([run[way] for run in runs], axis=0) for way in ways}
    return {way: yardstick(table, [mean], HALF) for way, mean in means.items()}


def teacher_runs(arguments, out):
    "Return the finished runs of the rows that teach, of all seeds."
    chosen = argparse.Namespace(**{**vars(arguments), "rows": [*TEACHERS]})
    found = [run for seed in arguments.seeds for run in runs(chosen, seed)]
    return [run for run in found if run.finished(out)]


def results(arguments, runs):
    "Return what the lesson shows."
    out = Path(arguments.out)
    table, _, lost = photographs(arguments.real, out / "real")
    by_row = {}
    group = teacher_runs(arguments, out)
    for run in progress(runs, label="scores"):
        answers = run.answers(out)
        if run.row in TAUGHT_ROWS:
            answers |= taught_again(out, run, table, group)
            answers["recalibrated"] = recalibrated(answers["raw"], table)
        by_row.setdefault(run.row, {})[run.seed] = answers
    differences, ways = comparisons(table, by_row), way_comparisons(table, by_row)
    claims = correct_together(differences, ways)
    found = dict(
        seeds=arguments.seeds,
        lost=lost,
        half=HALF,
        settings=dict(
            faces=arguments.faces,
            epochs=arguments.epochs,
            size=arguments.size,
            training=readable(TRAINING),
            information=readable(INFORMATION),
            rows={name: asdict(ROWS[name]) for name in by_row},
        ),
        rows={name: summary(table, list(group.values())) for name, group in by_row.items()},
        teachers=[run.folder(out).name for run in group],
        ensemble=ensemble(table, by_row),
        claims=claims,
        compared=differences,
        compared_ways=ways,
        detectable=power(differences, len(arguments.seeds), claims=claims),
    )
    if arguments.report:
        found["report"] = report_scores(arguments, table, by_row, group=group)
    return found


def report_scores(arguments, table, by_row, *, group=(), ledger=LEDGER):
    """Score one row and way on the reporting half, and enter it in the ledger.

    Raises `CourseError` if a seed of the row, or a teacher, is not finished.
    """
    name, way = arguments.report
    missing = sorted(set(arguments.seeds) - set(by_row.get(name, {})))
    if missing or way not in next(iter(by_row[name].values())):
        known = f"ROW is one of {', '.join(by_row)}, WAY one of {', '.join(WAYS)}"
        problem = f"the report of {name!r}, {way!r} is not possible (seeds missing: {missing})"
        raise CourseError(problem, remedy=known)
    wanted = len(TEACHERS) * len(arguments.seeds)
    if way.startswith("several") and len(group) < wanted:
        problem = f"{len(group)} of {wanted} teachers are finished"
        raise CourseError(problem, remedy=f"run transfer.py --rows {' '.join(map(repr, TEACHERS))}")
    each = [by_row[name][seed][way] for seed in arguments.seeds]
    found = yardstick(table, each, "report", repeats=2000)
    scores = macro_scores({f"{name}, {way}": found})
    what = f"transfer: {name}, {way}, seeds {', '.join(map(str, arguments.seeds))}"
    if way.startswith("several"):
        what += f"; {len(group)} teachers"
    command = command_of("transfer", arguments)
    count_scoring(ledger, entry_of(command, commit_of(), what, scores=scores))
    return dict(row=name, way=way, scores=found)


def runs(arguments, seed):
    "Return one run of each chosen row."
    found = []
    for name in arguments.rows or known_rows():
        row = ROWS[name]
        settings = dict(
            faces=arguments.faces,
            epochs=arguments.epochs,
            size=arguments.size,
            row=repr(row),
            annotator=repr(ANNOTATORS.get(row.annotator)),
            sets=[folder_of_set(arguments.out, w).name for w in sets_of(row, arguments.faces)],
            training=[repr(TRAINING), repr(INFORMATION), COMPONENTS, FOLDS, TAUGHT],
        )
        run = Run(name, seed, settings)
        if not arguments.finished or run.finished(arguments.out):
            found.append(run)
    return found


def prepare(arguments):
    "Align the photographs and render every set."
    say("-- photographs")
    photographs(arguments.real, Path(arguments.out) / "real")
    say("-- rendered faces")
    for name in arguments.rows or known_rows():
        for what in sets_of(ROWS[name], arguments.faces):
            rendered(arguments.out, what)


def options(parser):
    "Add the photographs, the rows and the sizes."
    parser.add_argument("--real", required=True, help="photographs with a csv of labels")
    parser.add_argument("--rows", nargs="+", choices=known_rows(), help="default: all")
    parser.add_argument("--faces", type=int, default=8000, help="rendered faces of a row")
    parser.add_argument("--epochs", type=int, default=8, help="passes over them")
    parser.add_argument("--size", type=int, default=64, help="side of the network's input")
    parser.add_argument(
        "--finished", action="store_true", help="train nothing: score the runs that are finished"
    )
    parser.add_argument(
        "--report",
        nargs=2,
        metavar=("ROW", "WAY"),
        help="score this row on the reporting half too: once, chosen before, at the end",
    )


def show(found):
    "Print a line for each row: macro F1 on the choosing half."
    lines = []
    for name, row in found["rows"].items():
        line = dict(row=name, seeds=len(row["valid"]))
        for question in QUESTIONS:
            for way, scores in row["scores"].items():
                line[f"{question} {way}"] = scores[question]["by_photograph"]["macro_f1"]
            by_person = row["scores"]["raw"][question]["by_person"]
            line[f"{question} by person"] = by_person["macro_f1"]
        line["probe"] = row["probe"]["by_photograph"]["macro_f1"]
        line["seconds"] = np.mean(row["seconds"])
        lines.append(line)
    say(pd.DataFrame(lines).set_index("row").T.round(3).to_string())


EXPERIMENT = Experiment(
    name="transfer",
    description=__doc__,
    runs=runs,
    train=train,
    results=results,
    show=show,
    prepare=prepare,
    options=options,
)

if __name__ == "__main__":
    EXPERIMENT.main()
