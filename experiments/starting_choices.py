"""How should a network learn on that starts from the network that ships?

The measured choices behind the schedule `finetune` of `fer-course train --start`. On a prepared
folder of labelled photographs, people apart, each seed trains the shipped network by that schedule,
and with one thing changed: the learning rate 3e-4, without the action units, with a frozen stem,
and with learning rates that fall by .75 from one layer to the one below. AU-CVT from random weights
stands beside them, as the main job trains it. Validation chooses the epoch of each run and among
the rows; the test split reports.
What it makes: OUT/prepared (a copy), OUT/runs and OUT/starting_choices.json; --results writes that
file for the lesson. Finished runs are skipped. Licence: of the photographs.

    fer-course prepare --target REAL --reader csv --auxiliary rendered --out PREPARED
    python experiments/starting_choices.py --real PREPARED --out _runs/choices
"""

import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch
import numpy as np
from fer_course.app.plans import read_data
from fer_course.core.files import make_folder
from fer_course.core.random import seed_everything
from fer_course.core.terminal import say
from fer_course.metrics import compare, correct, expression_metrics
from fer_course.models import create, create_from, pretrained
from fer_course.train import SCHEDULES, augmentation, learners
from harness import Experiment, Run, command_of, commit_of, readable
from yardstick import LEDGER, count_scoring, entry_of

_SHIPPED = dict(start="pretrained", schedule="finetune", units="raf_au")
ROWS = {  # name -> how it begins and learns
    "finetune": _SHIPPED,
    "lr 3e-4": _SHIPPED | dict(lr=3e-4),
    "no units": _SHIPPED | dict(units=None),
    "frozen stem": _SHIPPED | dict(frozen=True),
    "layer decay .75": _SHIPPED | dict(decay=0.75),
    "AU-CVT from nothing": dict(start=None, schedule="small", units="raf_au"),
}
REFERENCE = "finetune"  # what the other rows are compared with


def split_rows(table, split):
    "Return the rows of the labelled target images of a split."
    is_target = (table.role == "target") & table.expression.notna()
    return np.flatnonzero(is_target & (table.split == split))


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
    seed_everything(run.seed)
    model = network_of(settings, classes)
    if settings.get("frozen"):
        freeze_stem(model)
    config = SCHEDULES[settings["schedule"]].config
    config = replace(config, augment=augmentation(config.augment), expressions=classes)
    config = replace(config, lr=settings.get("lr", config.lr))
    with layer_decay(model, settings.get("decay", 1.0)):
        options = dict(config=config, seed=run.seed, device="cpu")
        history = fit(model, table, images, run.folder(out) / "run", **options)
    found = predict(model, images, rows=split_rows(table, "test"), device="cpu")
    return dict(test=found[0].argmax(1), valid_macro_f1=np.array(history.valid_macro_f1.max()))


def runs(arguments, seed):
    "Return the runs of a seed."
    recipe = readable(vars(SCHEDULES["finetune"].config))
    chosen = {row: ROWS[row] for row in arguments.rows}
    return [Run(row, seed, dict(recipe=recipe, **settings)) for row, settings in chosen.items()]


def prepare(arguments):
    "Copy the prepared photographs into the folder of the experiment, once."
    folder = make_folder(Path(arguments.out) / "prepared")
    for name in ("manifest.parquet", "images.npy", "prepare.json"):
        if not (folder / name).exists():
            shutil.copy(Path(arguments.real) / name, folder / name)


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


def against(rows):
    "Return the paired differences of each row to the reference, by the validation score."
    runs = {
        row["row"]: [
            dict(valid_macro_f1=score, seed=seed)
            for score, seed in zip(row["valid_macro_f1"], row["seeds"])
        ]
        for row in rows
    }
    reference = runs.pop(REFERENCE, [])
    seeds = [run["seed"] for run in reference]
    return correct(
        compare(reference, runs[name], metric="valid_macro_f1", names=(REFERENCE, name))
        for name in runs
        if [run["seed"] for run in runs[name]] == seeds
    )


def results(arguments, finished):
    "Return what the lesson shows: the scores of each row, and their differences on validation."
    out = Path(arguments.out)
    table, _, classes = read_data(out / "prepared")
    truth = table.iloc[split_rows(table, "test")].expression.tolist()
    groups = {}
    for run in finished:
        groups.setdefault(run.row, []).append(run)
    rows = [row_of(group, out, truth, classes) for group in groups.values()]
    target = table[table.role == "target"]
    return dict(
        classes=list(classes),
        images=target.split.value_counts().to_dict(),
        rows=rows,
        comparisons=against(rows),
    )


def counted_results(arguments, finished):
    "Return the results; enter the mean scores in the ledger, once all seeds are finished."
    found = results(arguments, finished)
    if {run.seed for run in finished} >= set(arguments.seeds):
        means = {row["row"]: float(np.mean(row["macro_f1"])) for row in found["rows"]}
        what = "Lesson 17: ways to start from the shipped network, photographs of both halves"
        command = command_of("starting_choices", arguments)
        entry = entry_of(command, commit_of(), what, scores=dict(seven=means))
        count_scoring(LEDGER, entry)
    return found


def show(found):
    "Print a line for each row and each comparison."
    for row in found["rows"]:
        means = [np.mean(row[name]) for name in ("valid_macro_f1", "macro_f1", "accuracy")]
        say("{:20} validation {:.3f}  test {:.3f}  accuracy {:.3f}".format(row["row"], *means))
    for difference in found["comparisons"]:
        say(difference["verdict"])


def options(parser):
    "Add the prepared folder and the rows."
    parser.add_argument("--real", required=True, help='folder of "fer-course prepare"')
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="what to train")


EXPERIMENT = Experiment(
    name="starting_choices",
    description=__doc__,
    runs=runs,
    train=train,
    results=counted_results,
    show=show,
    prepare=prepare,
    options=options,
)

if __name__ == "__main__":
    EXPERIMENT.main()
