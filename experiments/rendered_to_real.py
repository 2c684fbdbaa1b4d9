"""Train on rendered faces alone, test on photographs.

The experiment of lesson nbs/23_rendered_to_real.ipynb.
What it makes: OUT/real and OUT/sets (aligned crops), OUT/runs (one folder each) and
OUT/rendered_to_real.json with every number, its settings and the images lost at detection;
--results writes the same file for the lesson. OUT/mistakes.json names the most confident mistakes.
A run that is finished is skipped. The people of the photographs are divided into two halves: choose
a recipe with the scores of the choosing half (the default), and give --report once, at the end, to
score the other half too. It is scored when the runs of all seeds are finished, and every scoring is
entered in nbs/results/report_half.json (see yardstick.py).
Licence: rendered faces as in make_faces.py; the photographs are the user's own (a folder with a csv
of labels, see nbs/library/data.readers.csv_list.ipynb).

    python experiments/rendered_to_real.py --real PHOTOS --out _runs/real
    python experiments/rendered_to_real.py --real PHOTOS --out _runs/real --ablation --report \
        --results nbs/results/rendered_to_real.json
    python experiments/rendered_to_real.py --real PHOTOS --out _runs/real \
        --recipe full 'no wrinkles' --seeds 0
"""

from harness import Experiment, Run, command_of, commit_of, readable  # first: it sets the threads

from dataclasses import asdict, replace
from pathlib import Path
import numpy as np
import pandas as pd
from face_crops import folder_of_set, rendered
from fer_course.core.files import write_json
from fer_course.core.random import seed_everything
from fer_course.core.terminal import say
from fer_course.facs import SEVEN
from fer_course.metrics import bootstrap_interval, expression_metrics
from fer_course.train import adapt_norms, balance_predictions, confident, estimate_prior
from fer_course.train import maximise_information, only, reweigh, self_train
from photograph_crops import photographs
from recipes import FURTHER, INFORMATION, QUESTIONS, RECIPES, SIX, TRAINING
from recipes import sets_of, smaller, training_faces, view
from yardstick import LEDGER, count_scoring, entry_of

HALVES = ("choose", "report")
OTHER = dict(choose="report", report="choose")


def real_photographs(out):
    "Return manifest and crops of the photographs, which were aligned before."
    table, crops, _ = photographs(None, Path(out) / "real")
    return table, crops


# One run


def predictions(model, images):
    "Return the expression probabilities (n, 7), mean of each image and its mirror image."
    from fer_course.train import predict

    return predict(model, images, device="cpu", flip=True)[0]


def confident_labels(probabilities, share=0.7):
    "Return pseudo labels among `SEVEN` from balanced predictions among `SIX`; -1 = none."
    codes = np.array([SEVEN.index(c) for c in SIX])
    pseudo = confident(balance_predictions(only(probabilities, SEVEN, among=SIX)), share)
    return np.where(pseudo >= 0, codes[pseudo], -1)


def recipe_of(run):
    "Return the recipe of a run."
    return chosen_recipe(run.row, run.settings["epochs"], run.settings["faces"])


def chosen_recipe(name, epochs, faces):
    "Return a recipe with the command line's epochs and number of faces."
    recipe = RECIPES[name]
    if epochs:
        recipe = replace(recipe, epochs=epochs)
    return smaller(recipe, faces) if faces else recipe


def adapt(model, recipe, part, photos, faces, run, folder):
    "Return the predictions for all photographs after adapting to those of one half."
    adapted_to = photos[faces["half"] == part]
    norms = adapt_norms(model, adapted_to, device="cpu")
    informed = maximise_information(model, adapted_to, seed=run.seed, device="cpu", **INFORMATION)
    found = {
        f"norms_{part}": predictions(norms, photos),
        f"information_{part}": predictions(informed, photos),
    }
    if recipe.adapted:
        pseudo = confident_labels(predictions(norms, adapted_to))
        further = self_train(
            model,
            faces["table"][::3],
            images=faces["images"][::3],
            target=adapted_to,
            out=folder / f"further-{part}",
            pseudo=pseudo,
            expressions=SEVEN,
            seed=run.seed,
            device="cpu",
            **FURTHER,
        )
        found[f"further_{part}"] = predictions(further, photos)
    return found


def train(out, run):
    "Train on faces, adapt to each half; return the probabilities (n, 7) of all photographs."
    from fer_course.models import create
    from fer_course.train import fit

    recipe = recipe_of(run)
    folder = run.folder(out)
    real, crops = real_photographs(out)
    photos = view(crops, recipe)
    table, images = training_faces(out, recipe)
    seed_everything(run.seed)
    changes = {} if recipe.units else dict(au_vocabulary=None)
    model = create("small", expressions=SEVEN, size=recipe.size, **changes)
    settings = TRAINING | dict(epochs=recipe.epochs, seed=run.seed)
    history = fit(model, table, images, folder / "source", device="cpu", **settings)
    answers = dict(raw=predictions(model, photos), valid=np.array(history.valid_macro_f1.max()))
    faces = dict(table=table, images=images, half=real.half.to_numpy())
    for part in HALVES:  # what is adapted to one half is scored on both
        answers |= adapt(model, recipe, part, photos, faces, run, folder)
    return answers


# Scores


def ways(answers, part, classes):
    """Return the predictions (n, C) of every way to adapt.

    `elsewhere` = adapted to the images of the other half, which shows other people.
    """
    other = OTHER[part]
    cut = {key: only(value, SEVEN, among=classes) for key, value in answers.items()}
    prior = len(classes) * estimate_prior(cut["raw"])
    found = {
        "raw": cut["raw"],
        "EM prior": reweigh(cut["raw"], prior),
        "balanced": balance_predictions(cut["raw"]),
        "norms": cut[f"norms_{part}"],
        "norms, balanced": balance_predictions(cut[f"norms_{part}"]),
        "norms elsewhere": cut[f"norms_{other}"],
        "information": cut[f"information_{part}"],
        "information, balanced": balance_predictions(cut[f"information_{part}"]),
        "information elsewhere": cut[f"information_{other}"],
    }
    if f"further_{part}" in cut:
        found["self-trained"] = cut[f"further_{part}"]
        found["self-trained elsewhere"] = cut[f"further_{other}"]
    return found


def rows_of(answers, mask):
    "Return the probabilities of some photographs."
    return {key: value[mask] for key, value in answers.items() if value.ndim}


def summary(truth, probabilities, classes, people, seeds, *, whole):
    """Return mean, spread and interval over people of the macro F1; `whole` = every metric, too.

    With fewer than five people in a class the interval is missing and `reason` names the class.
    """
    metrics = [
        expression_metrics(truth, p, classes=classes) | dict(seed=seed)
        for p, seed in zip(probabilities, seeds)
    ]
    values = [found["macro_f1"] for found in metrics]
    predicted = [[classes[i] for i in p.argmax(1)] for p in probabilities]
    interval = bootstrap_interval(truth, predicted, groups=people)
    return dict(
        macro_f1=float(np.mean(values)),
        sd=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        low=interval["low"],
        high=interval["high"],
        reason=interval["reason"],
        each=values,
        accuracy=float(np.mean([found["accuracy"] for found in metrics])),
        runs=metrics if whole else None,
    )


def recipe_scores(out, runs, part, question):
    "Return {way: scores} of the runs of one recipe, photographs without a found face included."
    real, _ = real_photographs(out)
    classes = QUESTIONS[question]
    mask = ((real.half == part) & real.expression.isin(classes)).to_numpy()
    truth, people = real.expression[mask].tolist(), real.subject[mask].tolist()
    found = {}
    for run in runs:
        answers = rows_of(run.answers(out), mask)
        for way, probabilities in ways(answers, part, classes).items():
            found.setdefault(way, []).append(probabilities)
    whole = runs[0].row == "full" and question == "six"
    seeds = [run.seed for run in runs]
    return {
        way: summary(truth, probabilities, classes, people, seeds, whole=whole)
        for way, probabilities in found.items()
    }


def scores(out, runs, part):
    "Return {question: {recipe: {way: scores}}} on one half."
    recipes = {}
    for run in runs:
        recipes.setdefault(run.row, []).append(run)
    return {
        question: {
            name: recipe_scores(out, group, part, question) for name, group in recipes.items()
        }
        for question in QUESTIONS
    }


def confident_mistakes(out, run, part, way="information", n=16):
    "Return the most confident mistakes of one run among six classes."
    real, _ = real_photographs(out)
    mask = ((real.half == part) & real.expression.isin(SIX)).to_numpy()
    p = ways(rows_of(run.answers(out), mask), part, SIX)[way]
    table = real[mask].assign(predicted=[SIX[i] for i in p.argmax(1)], probability=p.max(1))
    wrong = table[table.predicted != table.expression]
    wrong = wrong.sort_values("probability", ascending=False).head(n)
    return [
        dict(
            image=row.image,
            truth=row.expression,
            predicted=row.predicted,
            probability=round(row.probability, 3),
        )
        for row in wrong.itertuples()
    ]


def mean_images(table, images):
    "Return the mean image of each of the six classes."
    return {c: images[(table.expression == c).to_numpy()].mean(0) for c in SIX}


def distances(a, b):
    "Return the root mean square difference of mean images, class by class, in grey levels."
    return {c: float(np.sqrt(((a[c] - b[c]) ** 2).mean())) for c in SIX}


def mean_differences(out, recipe):
    """Return how far the mean images of rendered faces are from those of the photographs.

    {set: {class: grey levels}} on the choosing half, as the network sees them; `photographs` =
    every second photograph against the others, which is what chance alone does.
    """
    real, crops = real_photographs(out)
    mask = (real.half == "choose") & real.aligned
    table, images = real[mask], view(crops[mask.to_numpy()], recipe)
    target = mean_images(table, images)
    found = {}
    for what in sets_of(recipe):
        faces, face_crops = rendered(out, what, recipe.points)
        found[what.style] = distances(mean_images(faces, view(face_crops, recipe)), target)
    every_second = [mean_images(table[k::2], images[k::2]) for k in (0, 1)]
    return found | dict(photographs=distances(*every_second))


def class_counts(table):
    "Return photographs and people of each class."
    return {
        c: dict(photographs=len(rows), people=int(rows.subject.nunique()))
        for c, rows in table.groupby("expression")
    }


def results(arguments, runs):
    "Return what the lesson shows."
    out = arguments.out
    real, _, lost = photographs(arguments.real, Path(out) / "real")
    scored = scored_halves(arguments, runs)
    recipes = {run.row: recipe_of(run) for run in runs}
    found = dict(
        seeds=arguments.seeds,
        lost=lost,
        counts={half: class_counts(part) for half, part in real.groupby("half")},
        settings=dict(
            training=readable(TRAINING),
            further=readable(FURTHER),
            information=readable(INFORMATION),
            recipes={name: asdict(recipe) for name, recipe in recipes.items()},
        ),
        seconds=round(sum(float(run.answers(out)["seconds"]) for run in runs)),
        scores={half: scores(out, runs, half) for half in scored},
    )
    if "report" in scored:
        count_report(arguments, found["scores"]["report"])
    full = [run for run in runs if run.row == "full"]
    if full:
        found["mean_differences"] = mean_differences(out, recipes["full"])
        # names of photographs: this file is not for publication
        mistakes = confident_mistakes(out, full[0], scored[-1])
        write_json(Path(out) / "mistakes.json", mistakes)
    return found


def scored_halves(arguments, runs):
    "Return the halves to score: the reporting half once the runs of all seeds are finished."
    finished = {run.seed for run in runs} >= set(arguments.seeds)
    return HALVES if arguments.report and finished else ("choose",)


def count_report(arguments, scores, *, ledger=LEDGER):
    "Enter every macro F1 of the reporting half in the ledger."
    values = {
        question: {
            f"{recipe}, {way}": found["macro_f1"]
            for recipe, ways_of_recipe in recipes.items()
            for way, found in ways_of_recipe.items()
        }
        for question, recipes in scores.items()
    }
    what = f"Lesson 23, rendered to real, seeds {', '.join(map(str, arguments.seeds))}"
    command = command_of("rendered_to_real", arguments)
    count_scoring(ledger, entry_of(command, commit_of(), what, scores=values))


def runs(arguments, seed):
    "Return one run of each chosen recipe."
    found = []
    for name in RECIPES if arguments.ablation else arguments.recipe:
        recipe = chosen_recipe(name, arguments.epochs, arguments.faces)
        settings = dict(
            epochs=arguments.epochs,
            faces=arguments.faces,
            sets=[folder_of_set(arguments.out, what).name for what in sets_of(recipe)],
            recipe=repr(replace(recipe, faces=None, drawn=None)),
            training=[repr(TRAINING), repr(FURTHER), repr(INFORMATION)],
        )
        found.append(Run(name, seed, settings))
    return found


def prepare(arguments):
    "Align the photographs and render every set."
    say("-- photographs")
    photographs(arguments.real, Path(arguments.out) / "real")
    say("-- rendered faces")
    for run in runs(arguments, arguments.seeds[0]):
        training_faces(arguments.out, recipe_of(run))


def options(parser):
    "Add the photographs, the recipes and the sizes."
    parser.add_argument("--real", required=True, help="photographs with a csv of labels")
    parser.add_argument(
        "--faces", type=int, help="rendered faces of a set (default: the recipe's 10,000)"
    )
    parser.add_argument("--epochs", type=int, help="passes over them (default: 12)")
    parser.add_argument("--recipe", nargs="+", choices=list(RECIPES), default=["full"])
    parser.add_argument("--ablation", action="store_true", help="all recipes")
    parser.add_argument(
        "--report", action="store_true", help="score the reporting half too: once, at the end"
    )


def show(found):
    "Print a row for each recipe and way."
    rows = [
        dict(half=half, question=question, recipe=recipe, way=way)
        | {key: s[key] for key in ("macro_f1", "sd", "low", "high")}
        for half, questions in found["scores"].items()
        for question, recipes in questions.items()
        for recipe, by_way in recipes.items()
        for way, s in by_way.items()
    ]
    say(pd.DataFrame(rows).round(3).to_string(index=False))


EXPERIMENT = Experiment(
    name="rendered_to_real",
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
