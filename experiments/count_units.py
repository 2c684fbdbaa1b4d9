"""Count what the labels of photographs mean: mean units of each label, as one small table.

Reads what experiments/gap.py measured on the choosing half (units of each photograph estimated
from MediaPipe's points and by the AU branch of the network in the package) and averages the two
estimators. All people of a label count the same. A label of fewer than five people is not counted:
its row is the mean of the course's own posed faces, made as weak as photographs are beside posed
faces. The zero of the table is the mean of the counted labels, each counting the same, on both
sides: the counted rows add up to 0 and say nothing about the other labels by omission. No image
leaves this script, and none trains a network: the result is a table of labels and units, and the
number of people behind each row.
What it makes: RESULTS/counted_units.json, from which `fer_course.faces.counted_units` holds a copy.
Licence: the table is under the licence of the project; the photographs are the user's own.

    python experiments/gap.py --crops CROPS --mesh MESH --out OUT \\
        --label 'renderer 7, counted people equal' \\
        --results nbs/results
    python experiments/count_units.py --results nbs/results
"""

import argparse
from pathlib import Path
import numpy as np
from fer_course.core.files import read_json, write_json
from fer_course.core.terminal import say
from fer_course.faces import ACTION_UNITS, RandomFaces
from fer_course.facs import SEVEN

LEAST = 5  # people, below which a label is not counted
ESTIMATORS = ("points", "network")
# Half posed, which give the means of labels, half with independent units: the SD of all of them
# stands for "rendered faces", as some units are never posed
POPULATION = RandomFaces(n=4000, profile="photographs", seed=81, independent=0.5)


def by_unit(found: dict) -> np.ndarray:
    "Return the values of the units in the order of the renderer; missing = NaN."
    return np.array([found.get(f"AU{unit}", np.nan) for unit in ACTION_UNITS])


def reliabilities(gap: dict) -> np.ndarray:
    "Return the correlation of each unit's estimate with the truth, mean of the estimators."
    each = [by_unit(gap["instrument"][name]["each"]) for name in ESTIMATORS]
    return np.nanmean(each, axis=0)  # (units,)


def counted_means(gap: dict) -> tuple:
    "Return {label: mean units (units,)} and {label: people}, for labels with enough people."
    means, people = {}, {}
    for name in SEVEN:
        rows = [gap["vectors"][kind]["photographs"].get(name) for kind in ESTIMATORS]
        if rows[0] is None or rows[0]["people"] < LEAST:
            continue
        means[name] = np.nanmean([by_unit(row["by_person"]) for row in rows], axis=0)
        people[name] = rows[0]["people"]
    return means, people


def rendered_moments(what: RandomFaces = POPULATION) -> tuple:
    "Return the SD (units,) of intensities of rendered faces, and {label: mean of posed ones}."
    drawn = what.parameters(0, what.n)
    units = drawn.action_units.mean(2).numpy()  # (n, units)
    posed = np.array([str(name) for name in drawn.expressions])
    labels = {name: units[posed == name].mean(0) for name in SEVEN}
    return units.std(0), labels


def table_of(values: np.ndarray, digits: int = 2) -> dict:
    "Return {unit: value}."
    return {str(unit): round(float(v), digits) for unit, v in zip(ACTION_UNITS, values)}


def relative_size(means: dict, posed: dict) -> float:
    """Return how large photographs' means are beside those of posed faces, over counted labels.

    It is the least-squares factor from the posed to the counted means. Without it the strong posed
    rows of labels that are not counted would attract the faces of all others.
    """
    pairs = [(means[name], posed[name]) for name in means]
    return float(sum(a @ b for a, b in pairs) / sum(b @ b for _, b in pairs))


def counted(gap: dict) -> dict:
    "Return the table: means of labels, people, reliability, zero and SD of rendered faces."
    reliability = reliabilities(gap)
    means, people = counted_means(gap)
    spread, labels = rendered_moments()
    centre = np.mean([labels[name] for name in means], axis=0)
    posed = {name: reliability * (labels[name] - centre) / spread for name in SEVEN}
    scale = relative_size(means, posed)
    for name in SEVEN:
        if name not in means:
            means[name] = scale * posed[name]
    return dict(
        means={name: table_of(means[name]) for name in SEVEN},
        people=people,
        scale=round(scale, 3),
        reliability=table_of(reliability),
        centre=table_of(centre, 3),
        spread=table_of(spread, 3),
    )


def main() -> None:
    "Write the table from the command line."
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", required=True, help="folder with gap.json")
    folder = Path(parser.parse_args().results)
    gap = read_json(folder / "gap.json")
    found = dict(gap=dict(command=gap["command"], commit=gap["commit"], date=gap["date"]))
    found |= counted(gap)
    write_json(folder / "counted_units.json", found)
    say(f"counted {', '.join(f'{n} ({k} people)' for n, k in found['people'].items())}")


if __name__ == "__main__":
    main()
