"""Scores of predictions on the photographs: two questions, two weights, one ledger.

`yardstick` scores predictors on one half of the photographs, for six classes and for five (without
disgust): macro F1 by photograph and by person, with spread over seeds and an interval over people,
F1 of each class, and the classes that fewer than five people show. `compared` is the paired
difference of two predictors. Nothing here reads an image or trains a network.

By person, an image counts one divided by the person's number of photographs *of its class*
(`metrics.equal_people`): the recall of a class is the mean of its people's recalls. One person with
99 photographs then weighs as much as one with a single photograph, and a smile does not count
less because the same person was photographed frowning, too.

The reporting half (`half == "report"`) is looked at rarely, and every time is counted: what scores
it calls `count_scoring`, which appends to nbs/results/report_half.json. `python
experiments/yardstick.py` prints that ledger.
"""

import argparse, json, os, sys, time
from contextlib import contextmanager
from pathlib import Path
import numpy as np
import pandas as pd
from fer_course.core.errors import CourseError
from fer_course.core.files import make_folder, read_json, write_json
from fer_course.core.terminal import say
from fer_course.facs import SEVEN
from fer_course.metrics import bootstrap_interval, compare_people, correct
from fer_course.metrics import equal_people
from fer_course.metrics.bootstrap import LEAST

# The six classes with more than a hundred photographs; fear has a dozen.
SIX = ("anger", "disgust", "happiness", "sadness", "surprise", "neutral")
FIVE = tuple(name for name in SIX if name != "disgust")
QUESTIONS = dict(six=SIX, five=FIVE)
WEIGHTS = ("by_photograph", "by_person")
LEDGER = Path(__file__).resolve().parents[1] / "nbs" / "results" / "report_half.json"
ENTRY = ("date", "command", "commit", "what", "scores")  # what every entry of the ledger holds


# Which photographs are asked about, and what was answered


def asked(
    table: pd.DataFrame,  # manifest with `half` and `expression`
    half: str | None,  # "choose", "report"; None = all photographs
    classes: tuple,  # the classes of the question
) -> np.ndarray:  # (n,) bool
    "Return which photographs a question is about."
    mask = table.expression.isin(classes).to_numpy()
    return mask if half is None else mask & (table.half == half).to_numpy()


def predicted_classes(
    probabilities_by_seed: list,  # of (n, C), one for each seed
    classes: tuple,  # names of the C columns
    *,
    among: tuple,  # classes that may be predicted
) -> np.ndarray:  # (S, n) names
    "Return the most probable class of each photograph among those of a question."
    columns = [list(classes).index(name) for name in among]
    stacked = np.stack([np.asarray(p, float)[:, columns] for p in probabilities_by_seed])
    if np.isnan(stacked).any():
        raise ValueError("some probabilities are NaN")
    return np.array(among, dtype=object)[stacked.argmax(2)]


def weights_of(kind: str, truth: list, people: list) -> np.ndarray | None:
    "Return what each photograph counts in a kind of `WEIGHTS`, None if all count the same."
    return equal_people(truth, people) if kind == "by_person" else None


# Scores of one predictor


def class_f1(truth, predicted, classes, weights) -> np.ndarray:
    "Return the F1 (S, C) of each class from names (n,) and (S, n); NaN without photographs."
    place = {name: i for i, name in enumerate(classes)}
    rows = np.array([place[name] for name in truth])
    confusion = np.zeros((len(predicted), len(classes), len(classes)))
    for counts, answers in zip(confusion, predicted):
        np.add.at(counts, (rows, [place[name] for name in answers]), weights)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    support = confusion.sum(2)
    with np.errstate(invalid="ignore"):
        return np.where(support > 0, 2 * hits / (support + confusion.sum(1)), np.nan)


def spread(values) -> dict:
    "Return mean, SD over seeds (None for one seed) and the values themselves."
    values = [float(value) for value in values]
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return dict(mean=float(np.mean(values)), sd=sd, each=values)


def mean_and_sd(values) -> dict:
    "Return mean and SD over seeds."
    found = spread(values)
    return dict(mean=found["mean"], sd=found["sd"])


def weighted_scores(truth, predicted, people, classes, *, kind, repeats):
    "Return macro F1 with its interval over people, accuracy and F1 of each class."
    weights = weights_of(kind, truth, people)
    options = dict(groups=people, weights=weights, repeats=repeats)
    interval = bootstrap_interval(truth, predicted, **options)
    each = class_f1(truth, predicted, classes, np.ones(len(truth)) if weights is None else weights)
    macro = spread(np.nanmean(each, 1))
    right = (predicted == np.array(truth, dtype=object)).astype(float)
    return dict(
        macro_f1=macro["mean"],
        sd=macro["sd"],
        low=interval["low"],
        high=interval["high"],
        reason=interval["reason"],
        each=macro["each"],
        accuracy=float(np.average(right.mean(0), weights=weights)),
        f1={c: mean_and_sd(each[:, i]) for i, c in enumerate(classes) if c in truth},
    )


def class_counts(truth, people) -> dict:
    "Return the number of photographs and of people of each class; no person is named."
    counts = {}
    for name, rows in pd.DataFrame(dict(truth=truth, person=people)).groupby("truth"):
        counts[name] = dict(photographs=len(rows), people=int(rows.person.nunique()))
    return counts


def yardstick(
    table: pd.DataFrame,  # manifest of n photographs: `expression`, `subject`, `half`
    probabilities_by_seed: list,  # of (n, C) in the order of the table, one for each seed
    half: str | None,  # "choose" or "report" (then call `count_scoring`); None = all
    *,
    classes: tuple = SEVEN,  # names of the C columns
    repeats: int = 1000,  # test sets drawn for an interval
) -> dict:  # {question: photographs, people, counts, thin, by_photograph, by_person}; for JSON
    """Return the scores of one predictor on one half, for six classes and for five.

    `by_photograph` and `by_person` hold macro F1 (mean, SD over seeds, 95% interval over people,
    stratified), accuracy and F1 of each class. `thin` lists the classes of fewer than five people:
    they allow no interval, and `reason` names them. A predictor answers among the classes of the
    question only. Raises `ValueError` if probabilities are NaN or lengths differ.
    """
    if any(len(p) != len(table) for p in probabilities_by_seed):
        raise ValueError("table and probabilities differ in length")
    found = {}
    for question, among in QUESTIONS.items():
        mask = asked(table, half, among)
        truth, people = table.expression[mask].tolist(), table.subject[mask].tolist()
        cut = [np.asarray(p)[mask] for p in probabilities_by_seed]
        predicted = predicted_classes(cut, classes, among=among)
        counts = class_counts(truth, people)
        found[question] = dict(
            photographs=len(truth),
            people=len(set(people)),
            counts=counts,
            thin=[name for name, count in counts.items() if count["people"] < LEAST],
        )
        for kind in WEIGHTS:
            found[question][kind] = weighted_scores(
                truth, predicted, people, among, kind=kind, repeats=repeats
            )
    return found


# Two predictors


def compared(
    table: pd.DataFrame,  # manifest of n photographs
    a: list,  # of (n, C), one for each seed, or a single one: a network that is not ours
    b: list,  # the same of the second predictor, in the same order of seeds
    half: str | None,  # "choose" or "report" (then call `count_scoring`); None = all
    *,
    classes: tuple = SEVEN,  # names of the C columns
    names: tuple = ("A", "B"),  # of the predictors in the verdict
    repeats: int = 1000,  # test sets drawn
) -> dict:  # {question: {by_photograph, by_person}} of `metrics.compare_people`
    """Return the paired differences b - a over seeds and people, corrected for their number.

    A single predictor is set against each seed of the other. Raises `ValueError` if the seeds do
    not pair.
    """
    seeds = max(len(a), len(b))
    a, b = (list(p) * seeds if len(p) == 1 else list(p) for p in (a, b))
    found = []
    for among in QUESTIONS.values():
        mask = asked(table, half, among)
        truth, people = table.expression[mask].tolist(), table.subject[mask].tolist()
        pair = [
            predicted_classes([np.asarray(p)[mask] for p in runs], classes, among=among)
            for runs in (a, b)
        ]
        for kind in WEIGHTS:
            options = dict(weights=weights_of(kind, truth, people), repeats=repeats)
            found.append(compare_people(truth, *pair, groups=people, names=names, **options))
    found = iter(correct(found))
    return {question: {kind: next(found) for kind in WEIGHTS} for question in QUESTIONS}


# Tables to print


def score_table(scores: dict) -> pd.DataFrame:  # {predictor: result of `yardstick`}
    "Return a row for each predictor: macro F1 of both questions, both weights, with intervals."
    rows = {}
    for name, found in scores.items():
        rows[name] = {
            f"{question} {kind.replace('_', ' ')}": score_words(found[question][kind])
            for question in QUESTIONS
            for kind in WEIGHTS
        }
    return pd.DataFrame(rows).T


def score_words(found: dict) -> str:
    "Return a macro F1 in words: mean, SD over seeds, interval over people."
    sd = "" if found["sd"] is None else f" ±{found['sd']:.3f}"
    interval = "" if found["low"] is None else f" [{found['low']:.3f}, {found['high']:.3f}]"
    return f"{found['macro_f1']:.3f}{sd}{interval}"


def thin_words(found: dict) -> list:  # result of `yardstick`
    "Return a sentence for each class of fewer than five people."
    counts = found["six"]["counts"]
    return [
        f"all {counts[name]['photographs']} photographs of {name} show "
        f"{counts[name]['people']} person(s)"
        for name in found["six"]["thin"]
    ]


# The ledger of the reporting half


def entry_of(
    command: str,  # as `harness.command_of` gives it
    commit: str | None,  # as `harness.commit_of` gives it
    what: str,  # what was scored, and why
    *,
    scores: dict,  # {question: {predictor: macro F1}}, see `macro_scores`
) -> dict:
    "Return an entry of the ledger, dated now."
    date = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return dict(date=date, command=command, commit=commit, what=what, scores=scores)


def macro_scores(scores: dict) -> dict:  # {predictor: result of `yardstick`}
    "Return {question: {predictor: macro F1 by photograph}} for the ledger."
    return {
        question: {
            name: found[question]["by_photograph"]["macro_f1"] for name, found in scores.items()
        }
        for question in QUESTIONS
    }


def count_scoring(
    path: str | Path,  # the ledger, such as `LEDGER`
    entry: dict,  # of `entry_of`; more keys may follow, such as `note` and `source`
) -> list:  # all entries
    """Append an entry to the ledger and return all entries; the file is replaced in one piece.

    An entry whose command, text and scores are those of an earlier one is not counted again: the
    same numbers were only printed once more. Raises `CourseError` if a key of `ENTRY` is missing,
    and if the ledger is damaged.
    """
    missing = [key for key in ENTRY if key not in entry]
    if missing:
        problem = f"an entry of the ledger lacks {', '.join(missing)}"
        raise CourseError(problem, path, "make it with entry_of")
    path = Path(path)
    make_folder(path.parent)
    with one_writer(path):
        entries = read_json(path) if path.exists() else []
        entry = json.loads(json.dumps(entry, allow_nan=False))
        same = ("command", "what", "scores")
        if not any(all(old[key] == entry[key] for key in same) for old in entries):
            entries.append(entry)
            write_json(path, entries)
    return entries


@contextmanager
def one_writer(path: Path):
    "Let one process at a time read and replace a file (on systems without flock: no lock)."
    try:
        import fcntl
    except ImportError:
        yield
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def ledger_table(entries: list) -> pd.DataFrame:
    "Return a row for each entry: date, commit, text, number of scores, best of each question."
    rows = []
    for entry in entries:
        found = {q: [v for v in by.values() if v is not None] for q, by in entry["scores"].items()}
        rows.append(
            dict(
                date=entry["date"],
                commit=entry["commit"],
                what=entry["what"],
                scores=sum(map(len, found.values())),
            )
            | {f"best {question}": max(values) for question, values in found.items() if values}
        )
    return pd.DataFrame(rows)


def main():
    "Print the ledger."
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ledger", default=LEDGER, help="default: nbs/results/report_half.json")
    try:
        entries = read_json(parser.parse_args().ledger)
    except CourseError as error:
        sys.exit(str(error))
    table = ledger_table(entries)
    say(table.round(3).to_string(index=False, na_rep=""))
    say(
        f"{len(table)} scorings with photographs of the reporting half, {table.scores.sum()} scores"
    )


if __name__ == "__main__":
    main()
