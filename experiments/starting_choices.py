"""Does it pay to start from the shipped network, and how should it learn on?

The measured choices behind `fer-course train --start pretrained`. On a prepared folder of labelled
photographs, people apart, each seed trains: CVT and AU-CVT from random weights as the main job
does; the shipped network fine-tuned by the schedule `finetune`; the same without the action units,
with a frozen stem, and with learning rates that fall by .75 from one layer to the one below. HOG
features with an SVM are the baseline without a network; validation chooses its settings.
Validation chooses the epoch of each run; the test split reports.
What it makes: OUT/prepared (a copy), OUT/runs and OUT/starting_choices.json; --results writes that
file for the lesson. Finished runs are skipped. Licence: of the photographs.

    fer-course prepare --target REAL --reader csv --out PREPARED
    python experiments/starting_choices.py --real PREPARED --out _runs/choices
"""

import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch
import numpy as np
import pandas as pd
from fer_course.app.plans import read_data
from fer_course.core.files import make_folder
from fer_course.core.random import seed_everything
from fer_course.core.terminal import say
from fer_course.metrics import compare, expression_metrics
from fer_course.models import create, create_from, pretrained
from fer_course.train import SCHEDULES, augmentation, learners
from harness import Experiment, Run
from people_scores import Scorer

ROWS = {  # name -> how it begins and learns
    "HOG + SVM": dict(features="hog"),
    "CVT, from nothing": dict(start=None, schedule="small", units=None),
    "AU-CVT, from nothing": dict(start=None, schedule="small", units="raf_au"),
    "fine-tuned": dict(start="pretrained", schedule="finetune", units="raf_au"),
    "fine-tuned, no units": dict(start="pretrained", schedule="finetune", units=None),
    "frozen stem": dict(start="pretrained", schedule="finetune", units="raf_au", frozen=True),
    "layer decay .75": dict(start="pretrained", schedule="finetune", units="raf_au", decay=0.75),
}
PENALTIES = (0.01, 0.1, 1.0, 10.0)  # C of the SVM
KERNELS = (dict(kernel="linear"), dict(kernel="rbf", gamma="scale"))
REFERENCE = "fine-tuned"  # what the other rows are compared with


def split_rows(table, split):
    "Return the rows of the labelled target images of a split."
    is_target = (table.role == "target") & table.expression.notna()
    return np.flatnonzero(is_target & (table.split == split))


def hog_features(images):
    "Return histograms of oriented gradients of crops (n, 112, 112, 3)."
    from skimage.color import rgb2gray
    from skimage.feature import hog

    options = dict(orientations=8, pixels_per_cell=(14, 14), cells_per_block=(2, 2))
    return np.stack([hog(rgb2gray(image), **options) for image in images])


def hog_svm(table, images, classes):
    "Return the class numbers of HOG + SVM on the test split; validation chooses C and kernel."
    from sklearn.metrics import f1_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    rows = {split: split_rows(table, split) for split in ("train", "valid", "test")}
    x = {split: hog_features(images[found]) for split, found in rows.items()}
    numbers = table.expression.map({name: i for i, name in enumerate(classes)})
    y = {split: numbers.iloc[found].to_numpy(int) for split, found in rows.items()}
    best = (-1.0, None)
    for kernel in KERNELS:
        for penalty in PENALTIES:
            svm = SVC(C=penalty, class_weight="balanced", **kernel)
            svm = make_pipeline(StandardScaler(), svm).fit(x["train"], y["train"])
            score = f1_score(y["valid"], svm.predict(x["valid"]), average="macro")
            if score > best[0]:
                best = (score, svm)
    return dict(test=best[1].predict(x["test"]), valid_macro_f1=np.array(best[0]))


def freeze_stem(model):
    "Keep the weights and the batch statistics of the stem as they are."
    model.stem.requires_grad_(False)
    model.stem.eval()
    model.stem.train = lambda mode=True: model.stem


def depth_of(name):
    "Return how far a parameter of `small` is from the pixels, 0-4."
    if name.startswith("stem."):
        return 0
    if name.startswith(("embedding.", "position")):
        return 1
    if name.startswith("stages.0."):
        return 2
    return 3 if name.startswith(("stages.1.", "merging.")) else 4


@contextmanager
def layer_decay(model, decay):
    "Make optimizers whose learning rate falls by `decay` from one layer to the one below."
    make = learners.make_optimizer
    factors = {id(p): decay ** (4 - depth_of(name)) for name, p in model.named_parameters()}

    def made(*arguments, **options):
        whole = make(*arguments, **options)
        groups = []
        for group in whole.param_groups:
            for factor in sorted({factors[id(p)] for p in group["params"]}):
                chosen = [p for p in group["params"] if factors[id(p)] == factor]
                groups.append(group | dict(params=chosen, factor=factor))
        optimizer = type(whole)(groups, lr=options["lr"])
        optimizer.register_step_pre_hook(lambda opt, *_: scale(opt, 1))
        optimizer.register_step_post_hook(lambda opt, *_: scale(opt, -1))
        return optimizer

    def scale(optimizer, power):
        for group in optimizer.param_groups:
            group["lr"] *= group["factor"] ** power

    with patch.object(learners, "make_optimizer", made):
        yield


def network_of(settings, classes):
    "Return the network of a row before it learns."
    if settings["start"]:
        return create_from(pretrained(), expressions=classes, au_vocabulary=settings["units"])
    return create("small", expressions=classes, au_vocabulary=settings["units"])


def train(out, run):
    "Train one row; return the class numbers of the test split and the best validation score."
    from fer_course.train import fit, predict

    settings = ROWS[run.row]
    table, images, classes = read_data(Path(out) / "prepared")
    if "features" in settings:
        return hog_svm(table, images, classes)
    seed_everything(run.seed)
    model = network_of(settings, classes)
    if settings.get("frozen"):
        freeze_stem(model)
    config = SCHEDULES[settings["schedule"]].config
    config = replace(config, augment=augmentation(config.augment), expressions=classes)
    with layer_decay(model, settings.get("decay", 1.0)):
        options = dict(config=config, seed=run.seed, device="cpu")
        history = fit(model, table, images, run.folder(out) / "run", **options)
    found = predict(model, images, rows=split_rows(table, "test"), device="cpu")
    return dict(test=found[0].argmax(1), valid_macro_f1=np.array(history.valid_macro_f1.max()))


def runs(arguments, seed):
    "Return the runs of a seed."
    return [Run(row, seed, settings) for row, settings in ROWS.items()]


def prepare(arguments):
    "Copy the prepared photographs into the folder of the experiment, once."
    folder = make_folder(Path(arguments.out) / "prepared")
    for name in ("manifest.parquet", "images.npy", "prepare.json"):
        if not (folder / name).exists():
            shutil.copy(Path(arguments.real) / name, folder / name)


def interval(drawn):
    "Return estimate and 95% interval of values (1 + repeats,), the first without drawing."
    low, high = np.quantile(drawn[1:], [0.025, 0.975])
    return dict(estimate=float(drawn[0]), low=float(low), high=float(high))


def row_of(finished, out, truth, classes):
    "Return the scores of the runs of one row."
    answers = [run.answers(out) for run in finished]
    eye = np.eye(len(classes))
    found = [expression_metrics(truth, eye[a["test"]], classes=classes) for a in answers]
    return dict(
        row=finished[0].row,
        seeds=[run.seed for run in finished],
        macro_f1=[each["macro_f1"] for each in found],
        accuracy=[each["accuracy"] for each in found],
        valid_macro_f1=[float(a["valid_macro_f1"]) for a in answers],
    )


def against(rows, reference, drawn):
    "Return paired differences of the reference to each other row: over seeds, and over people."
    found = []
    for row in rows:
        if row["row"] == reference["row"] or row["seeds"] != reference["seeds"]:
            continue
        scores = [
            [dict(macro_f1=score, seed=seed) for score, seed in zip(r["macro_f1"], r["seeds"])]
            for r in (row, reference)
        ]
        names = (row["row"], reference["row"])
        difference = drawn[reference["row"]].mean(1) - drawn[row["row"]].mean(1)
        found.append(
            dict(compare(*scores, names=names), names=list(names), people=interval(difference))
        )
    return found


def results(arguments, finished):
    "Return what the lesson shows: the scores of each row, and their differences."
    out = Path(arguments.out)
    table, _, classes = read_data(out / "prepared")
    test = table.iloc[split_rows(table, "test")]
    truth = test.expression.tolist()
    scorer = Scorer(truth, test.subject, classes)
    groups = {}
    for run in finished:
        groups.setdefault(run.row, []).append(run)
    rows = [row_of(group, out, truth, classes) for group in groups.values()]
    drawn = {
        row: scorer.scores([run.answers(out)["test"] for run in group])
        for row, group in groups.items()
    }
    reference = next((row for row in rows if row["row"] == REFERENCE), None)
    target = table[table.role == "target"]
    return dict(
        classes=list(classes),
        images=target.split.value_counts().to_dict(),
        people=test.groupby("expression").subject.nunique().to_dict(),
        rows=rows,
        comparisons=against(rows, reference, drawn) if reference else [],
    )


def show(found):
    "Print a line for each row and each comparison."
    table = pd.DataFrame(found["rows"])
    for row in table.itertuples():
        macro_f1, accuracy = np.mean(row.macro_f1), np.mean(row.accuracy)
        say(f"{row.row:22} macro F1 {macro_f1:.3f} accuracy {accuracy:.3f}")
    for difference in found["comparisons"]:
        people = difference["people"]
        say(difference["verdict"])
        say(f"   over people [{people['low']:.3f}, {people['high']:.3f}]")


def options(parser):
    "Add the prepared folder."
    parser.add_argument("--real", required=True, help='folder of "fer-course prepare"')


EXPERIMENT = Experiment(
    name="starting_choices",
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
