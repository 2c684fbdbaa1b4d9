"""Train on rendered faces alone, test on photographs: the experiment of chapter nbs/12_rendered_to_real.ipynb.

What it makes: OUT/real and OUT/sets (aligned crops), OUT/trainings (one folder each) and OUT/results.json with every number, its settings and
the images lost at detection; --results writes the same file for the chapter. OUT/mistakes.json names the surest mistakes. A training that is finished is skipped, so the same command goes on
after any interruption. The people of the photographs are cut into two halves: choose a recipe with the scores of the choosing half (the default),
and give --report once, at the end, to score the other half too.
Licence: rendered faces as in make_faces.py; the photographs are the user's own (a folder with a csv of labels, see chapter 03 on readers).

    python data_scripts/rendered_to_real.py --real PHOTOGRAPHS --out _runs/rendered_to_real
    python data_scripts/rendered_to_real.py --real PHOTOGRAPHS --out _runs/rendered_to_real --ablation --report --results nbs/results/rendered_to_real.json
    python data_scripts/rendered_to_real.py --real PHOTOGRAPHS --out _runs/rendered_to_real --recipe full 'no wrinkles' --seeds 0
"""

import argparse, os, sys, threading, time

os.environ.setdefault("OMP_NUM_THREADS", "1")  # trainings run side by side, one thread each
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
import numpy as np, pandas as pd
from fer_course.data import halves
from fer_course.train import adapt_norms, balance, confident, estimate_prior, inner_face
from fer_course.faces import MOUTHS, RandomFaces
from fer_course.train import maximise_information, only, reweigh, self_train
from fer_course.faces import SHAPES, TRACES
from fer_course.train import standardise
from fer_course.align import align_face, align_manifest, write_packed
from fer_course.augment import Augment
from fer_course.data import check_images, load_image
from fer_course.metrics import bootstrap_interval, expression_metrics
from fer_course.facs import BASIC, SEVEN
from fer_course.faces import PROFILES
from fer_course.faces import json_ready, render_dataset
from fer_course.faces.datasets import _VERSION
from fer_course.core.errors import CourseError
from fer_course.core.files import atomic, fingerprint, make_folder, read_json
from fer_course.core.terminal import progress
from fer_course.core.files import read_table, write_json, write_table
from fer_course.core.terminal import say
from fer_course.data import read
from fer_course.data import split

SIX = (
    "anger",
    "disgust",
    "happiness",
    "sadness",
    "surprise",
    "neutral",
)  # the six with more than a hundred photographs; fear has a dozen
QUESTIONS = dict(
    six=SIX, basic=BASIC
)  # what is scored: the six above, and Ekman's six (fear for neutral)
LOOKS = dict(windows=standardise, grey=lambda x: standardise(x, (None,) * 3), colour=lambda x: x)
MOVED = Augment(
    grayscale=0.0,
    blur=0.3,
    geometric=0.8,
    photometric=0.8,
    rotation=12,
    zoom=0.12,
    shift=0.06,
    brightness=0.2,
    contrast=0.4,
)
TRAINING = dict(
    batch_size=48,
    lr=2e-3,
    warmup=0.25,
    smoothing=0.1,
    pos_weight="balanced",
    augment=MOVED,
    expressions=SEVEN,
)
INFORMATION = dict(
    epochs=5, lr=1e-4, diversity=2.0, augment=MOVED, among=[SEVEN.index(c) for c in SIX]
)
FURTHER = dict(
    epochs=3,
    repeat=2,
    batch_size=48,
    lr=5e-4,
    warmup=0.1,
    smoothing=0.1,
    pos_weight="balanced",
    augment=MOVED,
)


@dataclass(frozen=True)
class Recipe:
    "What one training is made of"

    faces: RandomFaces = RandomFaces(n=10_000, size=112, profile="photographs")
    drawn: RandomFaces | None = RandomFaces(
        n=10_000, size=112, profile="photographs", style="drawn", seed=3
    )  # a second set to learn from, in the other style
    points: str = "true"  # the faces are aligned by these points, or by those that are 'found', as photographs must be
    look: str = "windows"  # a key of `LOOKS`
    size: int = 64  # side of the network's input
    epochs: int = 12  # passes over the faces
    units: bool = True  # an AU branch, and its loss
    adapted: bool = False  # self-training too


FULL = Recipe(adapted=True)


def _without(**changes):
    return replace(
        FULL,
        adapted=False,
        faces=replace(FULL.faces, **changes),
        drawn=replace(FULL.drawn, **changes),
    )


RECIPES = {
    "full": FULL,
    "no wrinkles": _without(wrinkles=0.0),
    "one light": _without(profile="photographs, one light"),
    "no domain randomisation": _without(profile="photographs, one camera", shapes=0.0),
    "prototypes only": _without(mouths=0.0, traces=0.0),
    "no AU loss": replace(FULL, adapted=False, units=False),
    "no standardisation": replace(FULL, adapted=False, look="colour"),
    "no drawn faces": replace(FULL, adapted=False, drawn=None),
    "found points": replace(FULL, adapted=False, points="found"),
}

# ---- data: the photographs once, every set of rendered faces once ----


def photographs(folder, out, classes=SEVEN):
    "Aligned crops of the photographs: (manifest with `half` and `aligned`, images, what was lost). Made once"
    out = Path(out)
    if not (out / "lost.json").exists():
        table, gone = read("csv", folder, "photographs", expressions=classes)
        table, bad = check_images(table, folder)
        table, damaged = align_manifest(table, dict(photographs=folder), out, device="cpu")
        write_table(out / "manifest.parquet", table.assign(half=halves(table)))
        reasons = (
            pd.concat([gone, bad, damaged])
            .reason.str.replace(r"\(.*", "", regex=True)
            .str.strip()
            .value_counts()
            .to_dict()
        )
        found = table.groupby("expression").aligned.agg(["size", "sum"])
        write_json(
            out / "lost.json",
            dict(
                left_out=reasons,
                detection={
                    c: dict(photographs=int(n), no_face=int(n - f))
                    for c, (n, f) in found.iterrows()
                },
            ),
        )
    return (
        read_table(out / "manifest.parquet"),
        np.load(out / "images.npy", mmap_mode="r"),
        read_json(out / "lost.json"),
    )


def folder_of_set(out, what):
    "Where a set lives; a folder of the experiment belongs to one version of the renderer, and of the variety of `RandomFaces`"
    variety = repr((SHAPES, MOUTHS, TRACES)) if isinstance(what, RandomFaces) else None
    return (
        Path(out)
        / "sets"
        / fingerprint([json_ready(what), asdict(PROFILES[what.profile]), _VERSION, variety])
    )


def rendered(out, what, points="true"):
    "Aligned crops of a set of rendered faces: (manifest, images). Made once; by points that are found, a face without is left out"
    folder = folder_of_set(out, what)
    packed = make_folder(folder / points)
    if not (packed / "packed.parquet").exists():
        table, faces = render_dataset(folder / "faces", like=what, device="cpu"), folder / "faces"
        if points == "found":
            table, _ = align_manifest(
                table,
                {name: faces for name in table.dataset.unique()},
                packed,
                device="cpu",
                no_face="drop",
            )
        else:
            pack(table, faces, packed)
        write_table(packed / "packed.parquet", table)
    return read_table(packed / "packed.parquet"), np.load(packed / "images.npy", mmap_mode="r")


def pack(table, faces, packed):
    "Aligned crops by the true points, as PACKED/images.npy"
    points = (
        table[[f"point_{axis}{j}" for j in range(5) for axis in "xy"]]
        .to_numpy(float)
        .reshape(-1, 5, 2)
    )
    crops = (
        align_face(load_image(faces / name), five)[None]
        for name, five in zip(progress(table.image, label="aligning"), points)
    )
    write_packed(packed / "images.npy", (len(table), 112, 112, 3), crops)


def seen(images, recipe):
    return LOOKS[recipe.look](inner_face(images, recipe.size))


def learned_from(out, recipe):
    "What a network learns from: (manifest with a split, images as it sees them)"
    parts = [rendered(out, what, recipe.points) for what in (recipe.faces, recipe.drawn) if what]
    table = pd.concat([table for table, _ in parts], ignore_index=True)
    table = split(
        table.assign(split=None, row=np.arange(len(table))), valid=0.06, test=0.0
    )  # it sorts the rows
    return table, np.concatenate([seen(images, recipe) for _, images in parts])[
        table.row.to_numpy()
    ]


def mean_differences(out, recipe):
    """How far the mean images of rendered faces are from those of the photographs of the choosing half, as the network sees them, in grey levels (root mean
    square over pixels and windows): {set: {class: value}}; `photographs` = every second photograph against the others, what chance alone does"""
    real, photos, _ = photographs(None, Path(out) / "real")
    mine = (real.half == "choose") & real.aligned
    result = {}

    def means(table, images):
        return {c: images[(table.expression == c).to_numpy()].mean(0) for c in SIX}

    def differences(a, b):
        return {c: float(np.sqrt(((a[c] - b[c]) ** 2).mean())) for c in SIX}

    table, images = real[mine], seen(photos[mine.to_numpy()], recipe)
    wanted = means(table, images)
    for what in filter(None, (recipe.faces, recipe.drawn)):
        faces, crops = rendered(out, what, recipe.points)
        result[what.style] = differences(means(faces, seen(crops, recipe)), wanted)
    return result | dict(
        photographs=differences(means(table[::2], images[::2]), means(table[1::2], images[1::2]))
    )


# ---- one training ----


def predictions(model, images):
    from fer_course.train import predict

    return predict(model, images, device="cpu", flip=True)[0]


def train_one(out, name, recipe, seed):
    "Train, adapt, and store the probabilities (n, 7) of all photographs as predictions.npz; skipped where that is there"
    import torch
    from fer_course.models.au_cvt import create
    from fer_course.core.random import seed_everything
    from fer_course.train import fit

    torch.set_num_threads(1)
    folder = folder_of_training(out, name, recipe, seed)
    if (folder / "predictions.npz").exists():
        return
    real, photos, _ = photographs(None, Path(out) / "real")
    photos, half = seen(photos, recipe), real.half.to_numpy()
    table, faces = learned_from(out, recipe)
    seed_everything(seed)
    model = create(
        "small",
        expressions=SEVEN,
        size=recipe.size,
        **({} if recipe.units else dict(au_vocabulary=None)),
    )
    history = fit(
        model,
        table,
        faces,
        folder / "source",
        epochs=recipe.epochs,
        seed=seed,
        device="cpu",
        **TRAINING,
    )
    result = dict(raw=predictions(model, photos), valid=np.array(history.valid_macro_f1.max()))
    for part in ("choose", "report"):  # what is adapted to one half is scored on both
        mine = photos[half == part]
        norms = adapt_norms(model, mine, device="cpu")
        result[f"norms_{part}"] = predictions(norms, photos)
        result[f"information_{part}"] = predictions(
            maximise_information(model, mine, seed=seed, device="cpu", **INFORMATION), photos
        )
        if recipe.adapted:
            pseudo = believed(predictions(norms, mine))
            further = self_train(
                model,
                table[::3],
                faces[::3],
                mine,
                folder / f"further-{part}",
                pseudo,
                SEVEN,
                seed=seed,
                device="cpu",
                **FURTHER,
            )
            result[f"further_{part}"] = predictions(further, photos)
    with atomic(folder / "predictions.npz") as temporary, open(temporary, "wb") as file:
        np.savez(file, **result)


def believed(probabilities, share=0.7):
    "Pseudo labels among `SEVEN` from balanced answers among `SIX`"
    codes = np.array([SEVEN.index(c) for c in SIX])
    pseudo = confident(balance(only(probabilities, SEVEN, SIX)), share)
    return np.where(pseudo >= 0, codes[pseudo], -1)


def folder_of_training(out, name, recipe, seed):
    settings = [
        folder_of_set(out, recipe.faces).name,
        recipe.drawn and folder_of_set(out, recipe.drawn).name,
        replace(recipe, faces=None, drawn=None).__repr__(),
        repr(TRAINING),
        repr(FURTHER),
        repr(INFORMATION),
    ]
    return (
        Path(out) / "trainings" / f"{name.replace(' ', '-')}-seed{seed}-{fingerprint(settings)[:8]}"
    )


# ---- scores ----


def ways(p, part, classes):
    "The answers (n, C) of every way to adapt; `elsewhere` = adapted to the images of the other half, whose people are others"
    other = dict(choose="report", report="choose")[part]
    cut = {key: only(p[key], SEVEN, classes) for key in p}
    result = {
        "raw": cut["raw"],
        "EM prior": reweigh(cut["raw"], len(classes) * estimate_prior(cut["raw"])),
        "balanced": balance(cut["raw"]),
        "norms": cut[f"norms_{part}"],
        "norms, balanced": balance(cut[f"norms_{part}"]),
        "norms elsewhere": cut[f"norms_{other}"],
        "information": cut[f"information_{part}"],
        "information, balanced": balance(cut[f"information_{part}"]),
        "information elsewhere": cut[f"information_{other}"],
    }
    if f"further_{part}" in p:
        result |= {
            "self-trained": cut[f"further_{part}"],
            "self-trained elsewhere": cut[f"further_{other}"],
        }
    return result


def scores(out, recipes, seeds, part):
    "{question: {recipe: {way: dict(macro_f1, sd, low, high, runs)}}} on the photographs of one half, those without a found face included"
    real, _, _ = photographs(None, Path(out) / "real")
    result = {}
    for question, classes in QUESTIONS.items():
        mine = ((real.half == part) & real.expression.isin(classes)).to_numpy()
        truth, people = real.expression[mine].tolist(), real.subject[mine].tolist()
        for name, recipe in recipes.items():
            answers = {}
            for seed in seeds:
                with np.load(
                    folder_of_training(out, name, recipe, seed) / "predictions.npz"
                ) as stored:
                    p = {k: stored[k][mine] for k in stored.files if stored[k].ndim}
                for way, answer in ways(p, part, classes).items():
                    answers.setdefault(way, []).append(answer)
            whole = name == "full" and question == "six"
            result.setdefault(question, {})[name] = {
                way: summary(truth, runs, classes, people, seeds, whole)
                for way, runs in answers.items()
            }
    return result


def summary(truth, runs, classes, people, seeds, whole):
    "Mean, spread and bootstrap interval over people of the macro F1 of some seeds; with `whole`, the confusion counts and scores per class too"
    metrics = [
        expression_metrics(truth, p, classes) | dict(seed=seed) for p, seed in zip(runs, seeds)
    ]
    values = [m["macro_f1"] for m in metrics]
    said = [[classes[i] for i in p.argmax(1)] for p in runs]
    interval = bootstrap_interval(truth, said, people)
    return dict(
        macro_f1=float(np.mean(values)),
        sd=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        low=interval["low"],
        high=interval["high"],
        each=values,
        accuracy=float(np.mean([m["accuracy"] for m in metrics])),
        runs=metrics if whole else None,
    )


def surest_mistakes(out, recipe, seed, part, way="information", n=16):
    "The most confident mistakes of one training among six classes: dicts image, truth, said, probability"
    real, _, _ = photographs(None, Path(out) / "real")
    mine = ((real.half == part) & real.expression.isin(SIX)).to_numpy()
    with np.load(folder_of_training(out, "full", recipe, seed) / "predictions.npz") as stored:
        p = ways({k: stored[k][mine] for k in stored.files if stored[k].ndim}, part, SIX)[way]
    table = real[mine].assign(said=[SIX[i] for i in p.argmax(1)], probability=p.max(1))
    wrong = (
        table[table.said != table.expression].sort_values("probability", ascending=False).head(n)
    )
    return [
        dict(image=r.image, truth=r.expression, said=r.said, probability=round(r.probability, 3))
        for r in wrong.itertuples()
    ]


# ---- the command ----


def end_with(parent):
    "End this process when its parent has ended, however that was: a worker that goes on alone would write into the folders of the next run"

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def in_parallel(work, calls, workers, label):
    "Do all calls in processes of their own, one progress bar; the first error ends it"
    with ProcessPoolExecutor(workers, get_context("spawn"), end_with, (os.getpid(),)) as pool:
        waiting = [pool.submit(work, *call) for call in calls]
        try:
            for done in progress(as_completed(waiting), len(waiting), label):
                done.result()
        except BaseException:
            for one in waiting:
                one.cancel()
            raise


def tables(results):
    "What to read on the screen: one row per recipe and way"
    rows = [
        dict(
            half=half,
            question=question,
            recipe=name,
            way=way,
            macro_f1=s["macro_f1"],
            sd=s["sd"],
            low=s["low"],
            high=s["high"],
        )
        for half, questions in results["scores"].items()
        for question, recipes in questions.items()
        for name, found in recipes.items()
        for way, s in found.items()
    ]
    return pd.DataFrame(rows).round(3)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--real", required=True, help="folder of the photographs with a csv of labels"
    )
    parser.add_argument("--out", required=True, help="folder of the experiment")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--faces", type=int, help="rendered faces of a set (default: the recipe's 10,000)"
    )
    parser.add_argument("--epochs", type=int, help="passes over them (default: 12)")
    parser.add_argument("--recipe", nargs="+", choices=list(RECIPES), default=["full"])
    parser.add_argument("--ablation", action="store_true", help="all recipes")
    parser.add_argument(
        "--report", action="store_true", help="score the reporting half too: once, at the end"
    )
    parser.add_argument("--results", help="write the results here too")
    parser.add_argument(
        "--workers", type=int, default=min(2, os.cpu_count() or 1), help="trainings side by side"
    )
    args = parser.parse_args()
    os.environ.setdefault("FER_PROGRESS", "1")
    try:
        experiment(args)
    except CourseError as error:
        sys.exit(str(error))


def experiment(args):
    start, out = time.time(), make_folder(args.out)
    recipes = {name: RECIPES[name] for name in (RECIPES if args.ablation else args.recipe)}
    if args.epochs:
        recipes = {name: replace(r, epochs=args.epochs) for name, r in recipes.items()}
    if args.faces:
        recipes = {name: smaller(r, args.faces) for name, r in recipes.items()}
    say("-- photographs")
    real, _, lost = photographs(args.real, out / "real")
    sets = {
        (folder_of_set(out, r.faces), r.drawn and folder_of_set(out, r.drawn), r.points): r
        for r in recipes.values()
    }
    say(f"-- {len(sets)} sets of rendered faces")
    for recipe in sets.values():
        learned_from(out, recipe)
    jobs = [(out, name, recipe, seed) for seed in args.seeds for name, recipe in recipes.items()]
    fresh = not any(
        (folder_of_training(*job) / "predictions.npz").exists() for job in jobs
    )  # else the time would be that of a part
    say(f"-- {len(jobs)} trainings")
    in_parallel(train_one, jobs, args.workers, "trainings")
    halves_scored = ("choose", "report") if args.report else ("choose",)
    results = dict(
        command=said("rendered_to_real", args),
        seeds=args.seeds,
        lost=lost,
        counts={
            half: {
                c: dict(photographs=len(t), people=int(t.subject.nunique()))
                for c, t in part.groupby("expression")
            }
            for half, part in real.groupby("half")
        },
        settings=dict(
            training=_plain(TRAINING),
            further=_plain(FURTHER),
            information=_plain(INFORMATION),
            recipes={name: asdict(r) for name, r in recipes.items()},
        ),
        seconds=round(time.time() - start) if fresh else None,
        scores={half: scores(out, recipes, args.seeds, half) for half in halves_scored},
    )
    if "full" in recipes:
        results["mean_differences"] = mean_differences(out, recipes["full"])
    if "full" in recipes:
        write_json(
            out / "mistakes.json",
            surest_mistakes(out, recipes["full"], args.seeds[0], halves_scored[-1]),
        )  # names of photographs: not for publication
    for path in filter(None, (out / "results.json", args.results)):
        write_json(path, results)
    say(tables(results).to_string(index=False))


def smaller(recipe, n):
    "The recipe with another number of faces, the drawn ones in the same proportion"
    return replace(
        recipe,
        faces=replace(recipe.faces, n=n),
        drawn=recipe.drawn
        and replace(recipe.drawn, n=max(1, n * recipe.drawn.n // recipe.faces.n)),
    )


def said(script, args):
    "The command without the names of this machine's folders"
    names = {str(getattr(args, name, None)): name.upper() for name in ("real", "out")}
    return f"python data_scripts/{script}.py " + " ".join(
        names.get(word, word) for word in sys.argv[1:]
    )


def _plain(settings):
    return {
        k: v if isinstance(v, (int, float, str, type(None))) else repr(v)
        for k, v in settings.items()
    }


if __name__ == "__main__":
    main()
