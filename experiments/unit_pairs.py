"""Tell each action unit of the renderer from the same face without it.

A person is rendered without a unit and with it: same scene, same other units, the unit at 2.5 to 5.
A linear discriminant, learned on half of the people, says of single faces of the other half whether
the unit is there; then the halves change places. It reads our 68 landmarks, HOG features of our
aligned crops, or both. Also: each unit against the units that are mistaken for it, and one-sided
units against their mirror image.
What it makes: OUT/<style>-....npz (features of the faces; rendered again if the renderer draws the
first person differently) and OUT/unit_pairs.json; --results writes the same file for the lesson. It
has F1 with an interval over people for landmarks, crops and both, of each unit alone and among
others, and lists the units whose F1, or whose lower limit, does not pass the bar.
Licence: everything is drawn by this project; no photograph and no other data.

    python experiments/unit_pairs.py --out _runs/units
    python experiments/unit_pairs.py --out _runs/units --results nbs/results/unit_pairs.json
    python experiments/unit_pairs.py --out _runs/units --styles modelled --people 60
"""

from harness import command_of, commit_of  # first: it sets the threads

import argparse, hashlib, time
from dataclasses import replace
from pathlib import Path
import cv2
import numpy as np
import torch
from fer_course.align import align_face
from fer_course.core.cache import read_kept, write_kept
from fer_course.core.files import make_folder, read_json, write_json
from fer_course.core.terminal import progress, say
from fer_course.faces import ACTION_UNITS, sample
from fer_course.faces.datasets import RENDERER_VERSION
from fer_course.faces.parameters import MIDDLE_UNITS
from fer_course.faces.points import MIRRORED
from fer_course.faces.sets import STYLES
from fer_course.facs import is_possible

# Units that are mistaken for each other
NEAR = ((12, 14), (23, 24), (24, 28), (23, 28), (18, 22), (15, 17), (4, 9), (6, 7), (26, 27))
NEAR += ((16, 25), (16, 20), (10, 9), (1, 2), (12, 20), (14, 20), (10, 15))
SHRINK = dict(landmarks=1e-3, crops=0.1, both=0.01)  # of the covariance, by kind of features
KINDS = tuple(SHRINK)
BAR = 0.9
STEADY = (36, 39, 42, 45, 27, 28)  # landmarks that hardly any unit moves: corners of the eyes, root
COMPONENTS = 250  # of the HOG features


def states(people: int, seed: int) -> list:
    "Return (state, faces): at rest, each unit alone, and with and without it among others."
    faces = sample(people, seed=seed, per_identity=1, independent=1.0).with_scene(occluder=0)
    levels = 2.5 + 2.5 * np.random.default_rng([seed, 7]).random((people, len(ACTION_UNITS)))
    alone = faces.with_units({})
    found = [("rest", alone)]
    for k, unit in enumerate(ACTION_UNITS):
        level = torch.tensor(levels[:, k, None], dtype=torch.float32)
        found.append((f"{unit}", _with(alone, k, level)))
        others = _with(_possible(faces, unit), k, 0 * level)
        found += [(f"{unit} off", others), (f"{unit} on", _with(others, k, level))]
    return found


def _with(faces, column, level):
    "Return the faces with one unit at a level (n, 1)"
    units = faces.action_units.clone()
    units[:, column] = level
    return replace(faces, action_units=units)


def _possible(faces, unit):
    "Return the faces without the units that one face cannot show together with a unit"
    units = faces.action_units.clone()
    for k, other in enumerate(ACTION_UNITS):
        if not is_possible((unit, other)):
            units[:, k] = 0
    return replace(faces, action_units=units)


# Features


def steady(points: np.ndarray) -> np.ndarray:
    "Return landmarks (n, 68, 2) moved, turned and scaled so that the steady ones agree."
    z = points[..., 0] + 1j * points[..., 1]
    fixed = z[:, STEADY]
    target = fixed.mean(0) - fixed.mean()
    centred = fixed - fixed.mean(1, keepdims=True)
    turn = (centred.conj() * target).sum(1) / (abs(centred) ** 2).sum(1)
    z = (z - fixed.mean(1, keepdims=True)) * turn[:, None]
    return np.concatenate([z.real, z.imag], 1).astype(np.float32)


def hog_of(images: np.ndarray, points: np.ndarray) -> np.ndarray:
    "Return HOG features of the aligned crops."
    hog = cv2.HOGDescriptor((112, 112), (16, 16), (8, 8), (8, 8), 9)
    crops = (align_face(image, five) for image, five in zip(images, points))
    rows = [hog.compute(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)).ravel() for crop in crops]
    return np.stack(rows).astype(np.float16)


def read_states(style: str, *, people: int, seed: int) -> dict:
    "Render all states; return landmarks and HOG features, {kind/state: (people, ...)}."
    renderer = STYLES[style](128, "cpu")
    arrays = {}
    for name, faces in progress(states(people, seed), label=style):
        for first in range(0, people, 16):
            done = renderer.render(faces[first : first + 16])
            arrays.setdefault(f"landmarks/{name}", []).append(done.landmarks)
            arrays.setdefault(f"crops/{name}", []).append(hog_of(done.images, done.points))
    return {name: np.concatenate(parts) for name, parts in arrays.items()}


def renderer_mark(style: str, seed: int) -> str:
    "Return a digest of what is read of one person: another renderer has another mark."
    found = hashlib.sha256()
    for name, values in read_states(style, people=1, seed=seed).items():
        found.update(name.encode() + np.ascontiguousarray(values).tobytes())
    return f"renderer {RENDERER_VERSION} {found.hexdigest()[:16]}"


def rendered_states(out: Path, style: str, *, people: int, seed: int) -> tuple:
    "Return landmarks and HOG features, rendered once for each renderer, and the mark."
    path = out / f"{style}-v{RENDERER_VERSION}-{people}-{seed}.npz"
    mark = renderer_mark(style, seed)
    kept = read_kept(path, mark=mark)
    if kept is None:
        kept = read_states(style, people=people, seed=seed)
        write_kept(path, kept, mark=mark)
    return kept, mark


# Discriminants


def _reduced(table, train):
    "Return the HOG features of all states in the principal components of the training people"
    rows = np.concatenate([values[train] for values in table.values()]).astype(np.float32)
    mean = rows.mean(0)
    rows = rows[:: max(1, len(rows) // 1500)] - mean
    _, _, directions = np.linalg.svd(rows, full_matrices=False)
    directions = directions[:COMPONENTS].T
    return {name: (values - mean) @ directions for name, values in table.items()}


def features_of(kept: dict, train: np.ndarray) -> dict:
    "Return kind -> state -> features (n, F): landmarks, crops and both."
    tables = {}
    for source in ("landmarks", "crops"):
        start = f"{source}/"
        tables[source] = {k[len(start) :]: v for k, v in kept.items() if k.startswith(start)}
    crops = _reduced(tables["crops"], train)
    points = {name: steady(values) for name, values in tables["landmarks"].items()}
    wide = np.std(crops["rest"], 0).mean() / np.std(points["rest"], 0)
    both = {name: np.concatenate([crops[name], wide * points[name]], 1) for name in points}
    return dict(landmarks=points, crops=crops, both=both)


def spread(table: dict, train: np.ndarray, shrink: float) -> np.ndarray:
    "Return the covariance of the features inside a state, shrunk towards equal variances."
    rows = np.concatenate([v[train] - v[train].mean(0) for v in table.values()])
    found = np.cov(rows.T)
    return found + shrink * np.trace(found) / len(found) * np.eye(len(found))


def answers(table: dict, pair: tuple, *, train: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    "Return whether faces of two states (2, n) are taken for the second one."
    means = [table[name][train].mean(0) for name in pair]
    direction = np.linalg.solve(covariance, means[1] - means[0])
    middle = (means[0] + means[1]) / 2
    return np.stack([(table[name] - middle) @ direction > 0 for name in pair])


def f1(said: np.ndarray) -> float:
    "Return F1 of the second state from answers (2, n)."
    hits = said[1].sum()
    return float(2 * hits / (2 * hits + said[0].sum() + (~said[1]).sum()))


def scored(said: np.ndarray, seed: int) -> dict:
    "Return F1 with the middle 95% over people drawn again."
    n = said.shape[1]
    draws = np.random.default_rng(seed).integers(0, n, (200, n))
    again = [f1(said[:, rows]) for rows in draws]
    low, high = np.quantile(again, (0.025, 0.975))
    return dict(f1=round(f1(said), 4), low=round(float(low), 4), high=round(float(high), 4))


def scores_of(kept: dict, people: int, seed: int) -> dict:
    "Return F1 of every unit, alone and among others, and of the near pairs, for each kind."
    pairs = {f"{u}": ("rest", f"{u}") for u in ACTION_UNITS}
    pairs |= {f"{u} among others": (f"{u} off", f"{u} on") for u in ACTION_UNITS}
    pairs |= {f"{a} or {b}": (f"{a}", f"{b}") for a, b in NEAR}
    first = np.arange(people) < people // 2
    said = {}
    for train in (first, ~first):
        for kind, table in features_of(kept, train).items():
            alone = {name: v for name, v in table.items() if " " not in name}
            mixed = {name: v for name, v in table.items() if " " in name}
            inside = {
                among: spread(states, train, SHRINK[kind])
                for among, states in ((False, alone), (True, mixed))
            }
            for name, pair in pairs.items():
                covariance = inside["among" in name]
                told = answers(table, pair, train=train, covariance=covariance)
                said.setdefault((name, kind), []).append(told[:, ~train])
    return {
        name: {kind: scored(np.concatenate(said[name, kind], 1), seed) for kind in KINDS}
        for name in pairs
    }


# Mirror images


def mirrored(faces):
    "Return people, scenes and units as a mirror shows them; textures and hair stay."
    swap = {name: v.flip(1) for name, v in faces.identity.items() if _has_sides(name, v)}
    identity = faces.identity | swap | dict(mouth_shift=-faces.identity["mouth_shift"])
    turned = {name: -faces.scene[name] for name in ("yaw", "roll", "light_side", "fill_side")}
    for name in ("shift", "gaze"):
        turned[name] = faces.scene[name] * torch.tensor([-1.0, 1.0])
    units = faces.action_units.flip(2)
    return replace(faces, identity=identity, action_units=units, scene=faces.scene | turned)


def _has_sides(name, value):
    "Return whether a number of the identity has a left and a right value"
    return value.ndim == 2 and value.shape[1] == 2 and name != "texture"


def _turned(done):
    "Return images and landmarks of rendered faces as a mirror shows them"
    points = done.landmarks[:, MIRRORED] * [-1, 1] + [done.images.shape[2], 0]
    return done.images[:, :, ::-1].astype(float), points


def mirror_errors(style: str, seed: int, people: int = 6) -> dict:
    """Return how far what a one-sided unit changes is from its mirror image.

    The share of the wrong side compares a unit on the left with one on the right, unmirrored.
    """
    faces = sample(people, seed=seed, per_identity=1).frontal().with_scene(light_side=0)
    render = STYLES[style](128, "cpu").render
    rest, rest_images = faces.with_units({}), {}
    rest_images[False] = render(rest)
    rest_images[True] = render(mirrored(rest))
    mirror, mirror_points = _turned(rest_images[True])
    found = {}
    for unit in ACTION_UNITS:
        if unit in MIDDLE_UNITS:
            continue
        left = faces.with_units({unit: (4.0, 0.0)})
        one, other = render(left), render(mirrored(left))
        turned, points = _turned(other)
        change = one.images - rest_images[False].images.astype(float)
        moved = one.landmarks - rest_images[False].landmarks
        error = abs(moved - (points - mirror_points)).max()
        of_mirror = turned - mirror
        wrong = of_mirror[:, :, ::-1]
        size = (change**2).sum()
        found[f"{unit}"] = dict(
            landmarks=round(float(error), 3),
            unexplained=round(float(((change - of_mirror) ** 2).sum() / size), 3),
            unexplained_by_the_wrong_side=round(float(((change - wrong) ** 2).sum() / size), 3),
        )
    return found


# Command


def below(scores: dict, ending: str = "", value: str = "f1") -> dict:
    "Return {kind: units whose F1, or lower limit of it, does not pass the bar}."
    return {
        kind: [u for u in ACTION_UNITS if scores[f"{u}{ending}"][kind][value] <= BAR]
        for kind in KINDS
    }


def results_of(out: Path, style: str, *, people: int, seed: int) -> dict:
    "Return what the results file holds of one style."
    kept, mark = rendered_states(out, style, people=people, seed=seed)
    scores = scores_of(kept, people, seed)
    others = " among others"
    return dict(
        rendered=mark,
        scores=scores,
        below_bar=below(scores),
        below_bar_among_others=below(scores, others),
        limit_below_bar=below(scores, value="low"),
        limit_below_bar_among_others=below(scores, others, value="low"),
        mirror=mirror_errors(style, seed),
    )


def main() -> None:
    "Measure from the command line."
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", required=True, help="folder of the experiment")
    parser.add_argument("--styles", nargs="+", default=list(STYLES), choices=list(STYLES))
    parser.add_argument("--people", type=int, default=160, help="half learn, half answer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--before", help="results of an earlier renderer, kept beside these")
    parser.add_argument("--results", help="write the results into this file, too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    out = make_folder(arguments.out)
    settings = dict(people=arguments.people, seed=arguments.seed)
    command = command_of("unit_pairs", arguments, hidden=("out", "before"))
    results = dict(command=command, commit=commit_of())
    results |= dict(time=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))
    results |= dict(settings, renderer=RENDERER_VERSION, bar=BAR, styles={})
    for style in arguments.styles:
        found = results["styles"][style] = results_of(out, style, **settings)
        for name, row in found["scores"].items():
            told = "  ".join(f"{kind} {row[kind]['f1']:.2f}" for kind in KINDS)
            say(f"{style:9s} {name:18s} {told}")
        for key in [key for key in found if "below_bar" in key]:
            counts = ", ".join(f"{kind} {len(units)}" for kind, units in found[key].items())
            say(f"{style:9s} {key} ({len(ACTION_UNITS)} units): {counts}")
    if arguments.before:
        results["before"] = read_json(arguments.before)
    for path in (out / "unit_pairs.json", arguments.results):
        if path:
            write_json(path, results)


if __name__ == "__main__":
    main()
