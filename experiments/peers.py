"""Score the networks that anybody can install on the same photographs as our own network.

Peers: `fer` (PyPI, learned FER2013), face-api (npm, learned photographs), the mean of both, the
network that ships with this package, always the most frequent class, and chance. All read the same
faces: the boxes of our MTCNN; a photograph without a found face counts, with the middle box of the
others. Each peer cuts a face as its own code does (see peer_networks.py), or reads our aligned
crop. How wide the box is, and whether the mirror image is averaged in, is chosen for each peer on
the choosing half, by the mean of its macro F1 for six and for five classes. `fer, own boxes` is fer
with its own Haar cascade. Then both halves are scored, once: nothing else of a peer is chosen. The
scoring of the reporting half is entered in the ledger (see yardstick.py).
What it makes: OUT/real (crops), OUT/boxes.npz, OUT/peers.npz (probabilities of every photograph, to
compare with later) and OUT/peers.json; --results writes the same file for the lesson.
How far the peers are run as their authors run them was tested once, on 41 photographs of the
choosing half: face-api against the package itself in node (its CPU backend): probabilities differ
by less than 1e-5, boxes around its landmarks by less than 0.001 pixels; fer against fer.FER with
its own interpreter: by less than 0.005, which is how far fer rounds.
Licence: the packages are MIT; they are not part of this project and are read where they lie. The
photographs are the user's own.

    pip install --no-deps fer==25.10.3        # its dependencies (TensorFlow) are not needed
    pip install 'fer_course[peers]'           # ai-edge-litert, which runs its network
    npm pack @vladmandic/face-api@1.7.15 && tar xzf vladmandic-face-api-1.7.15.tgz
    python experiments/peers.py --out _runs/peers --real PHOTOS --face-api package
    python experiments/peers.py --out _runs/peers --real PHOTOS --face-api package \\
        --results nbs/results/peers.json
    python experiments/peers.py --out _runs/peers --real PHOTOS --face-api package --choose-only
"""

from harness import commit_of  # first: it sets the threads

import argparse, os, shlex, sys, time
from functools import partial
from pathlib import Path
import cv2
import numpy as np
import torch
from fer_course.align import MTCNN, choose_face, locate
from fer_course.core.cache import read_kept, write_kept
from fer_course.core.errors import CourseError
from fer_course.core.files import fingerprint, make_folder, write_json
from fer_course.core.terminal import progress, say
from fer_course.data import load_image
from fer_course.facs import SEVEN
from peer_networks import Fer, FaceApi, face_api_input, fer_folder, fer_input, haar_boxes
from photograph_crops import photographs
from yardstick import LEDGER, QUESTIONS, compared, count_scoring, entry_of, macro_scores
from yardstick import score_table, thin_words, yardstick

SCALES = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.45)  # of a box's sides; 1 = as MTCNN gives it
OURS = "ours (small, rendered faces only)"
BOTH = "mean of fer and face-api"
BASELINES = ("most frequent class", "chance")
CHANCES = 20  # seeds of chance
WHAT = "Peers, the shipped network and two baselines, each scored once; crops chosen on `choose`"
SEEN = {  # what a peer learned from, as far as its authors tell
    "fer": "FER2013 (its authors' README)",
    "face-api": "photographs: its README names public datasets and images from the web, and the "
    "author's training scripts (justadudewhohacks/inflatable-unicorns, train/faceExpressions) list "
    "the film actors of IMFDB and a set from Kaggle. Actors of films are among our photographs: "
    "these people, and perhaps these very photographs, may have been in its training set",
    OURS: "rendered faces only, no photograph",
}


# Boxes


def found_boxes(images: list) -> np.ndarray:  # (n, 4), NaN without a face
    "Return the face that alignment would choose in each photograph, by MTCNN."
    detector = MTCNN("cpu")
    boxes = np.full((len(images), 4), np.nan)
    for start in progress(range(0, len(images), 32), label="faces"):
        part = images[start : start + 32]
        for row, faces in enumerate(locate(part, detector), start):
            chosen = choose_face(faces)[0]
            if chosen is not None:
                boxes[row] = faces.boxes[chosen]
    return boxes


def filled(
    boxes: np.ndarray,  # (n, 4), NaN without a face
    sizes: np.ndarray,  # (n, 2) width and height of each photograph
    known: np.ndarray,  # (n,) bool: photographs that the middle box is taken from
) -> np.ndarray:
    "Return the boxes; a missing one is the median box of the others, relative to the image."
    relative = boxes / np.tile(sizes, 2)
    missing = np.isnan(boxes[:, 0])
    middle = np.median(relative[known & ~missing], axis=0)
    return np.where(missing[:, None], middle * np.tile(sizes, 2), boxes)


def scaled(box: np.ndarray, factor: float, *, square: bool = False) -> np.ndarray:
    "Return a box (4,) with sides of this factor and the same middle, perhaps as a square."
    middle, half = (box[:2] + box[2:]) / 2, factor * (box[2:] - box[:2]) / 2
    half = np.full(2, half.max()) if square else half
    return np.r_[middle - half, middle + half]


def stored_boxes(out, folder, table, images):
    "Return {detector: boxes (n, 4), NaN without a face}, found once."
    path, mark = Path(out) / "boxes.npz", fingerprint(table.sha1.tolist())
    kept = read_kept(path, "mtcnn", "haar", mark=mark)
    if kept is None:
        kept = dict(mtcnn=found_boxes(images), haar=haar_boxes(images, folder))
        write_kept(path, kept, mark=mark)
    return kept


# Probabilities of each peer, crop by crop


def with_mirror(network, inputs: np.ndarray) -> dict:
    "Return {'': probabilities, ', mirrored': their mean with those of the mirror images}."
    plain = network(inputs)
    return {"": plain, ", mirrored": (plain + network(inputs[:, :, ::-1].copy())) / 2}


def crops_of(cut, images, boxes) -> np.ndarray:
    "Return the input of each photograph."
    return np.stack([cut(image, box) for image, box in zip(images, boxes)])


def candidates(network, cut, images, views) -> dict:
    "Return {crop: probabilities (n, 7)} of a peer for views {name: box -> box}."
    found = {}
    for name, view in progress(list(views.items()), label="crops"):
        inputs = crops_of(cut, images, view)
        found |= {name + how: p for how, p in with_mirror(network, inputs).items()}
    return found


def aligned_candidates(network, inputs) -> dict:
    "Return the same for our aligned crops, as a network reads them."
    return {f"aligned crop{how}": p for how, p in with_mirror(network, inputs).items()}


def views_of(boxes: np.ndarray, *, square: bool) -> dict:
    "Return {name: boxes (n, 4)} of every scale."
    shape = "square" if square else "box"
    return {
        f"{shape} x {factor}": np.stack([scaled(box, factor, square=square) for box in boxes])
        for factor in SCALES
    }


def fer_candidates(arguments, images, boxes, crops):
    "Return the candidates of fer on our boxes and crops, and on boxes of its own cascade."
    network = Fer(arguments.fer)
    ours = candidates(network, fer_input, images, views_of(boxes["mtcnn"], square=True))
    grey = np.stack([cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops])
    small = np.stack([cv2.resize(crop, (64, 64)) for crop in grey])
    ours |= aligned_candidates(network, small.astype(np.float32) / 127.5 - 1)
    own = candidates(network, fer_input, images, {"box x 1.0": boxes["haar"]})
    return {"fer": ours, "fer, own boxes": {"box x 1.0": own["box x 1.0"]}}


def face_api_candidates(arguments, images, boxes, crops):
    "Return the candidates of face-api: boxes, squares, box around its landmarks, our crops."
    network = FaceApi(arguments.face_api)
    views = views_of(boxes["mtcnn"], square=False) | views_of(boxes["mtcnn"], square=True)
    aligned = [network.aligned_box(image, box) for image, box in zip(images, boxes["mtcnn"])]
    views["its own landmarks"] = np.stack(aligned)
    found = candidates(network, face_api_input, images, views)
    return {"face-api": found | aligned_candidates(network, np.asarray(crops, np.float32))}


def our_candidates(crops):
    "Return the candidates of the network that ships with the package, on aligned crops."
    from fer_course.models import pretrained
    from fer_course.train import predict

    network = partial(predict, pretrained("small"), device="cpu")
    return {OURS: aligned_candidates(lambda inputs: network(inputs)[0], np.asarray(crops))}


def baselines(table) -> dict:  # {name: [probabilities (n, 7), one for each seed]}
    "Return the most frequent class of the choosing half, and chance."
    counts = table.expression[table.half == "choose"].value_counts()
    most = np.tile([float(name == counts.idxmax()) for name in SEVEN], (len(table), 1))
    chance = [np.random.default_rng(seed).random(most.shape) for seed in range(CHANCES)]
    return dict(zip(BASELINES, ([most], chance)))


# Choosing a crop


def choosing_score(table, probabilities) -> dict:
    "Return macro F1 of six and of five classes on the choosing half, and their mean."
    found = yardstick(table, [probabilities], "choose", repeats=1)
    scores = {question: found[question]["by_photograph"]["macro_f1"] for question in QUESTIONS}
    return scores | dict(mean=float(np.mean(list(scores.values()))))


def choose(table, found: dict) -> tuple:  # (name of the best crop, {crop: scores})
    "Return the crop with the best mean score on the choosing half, and all scores."
    scores = {name: choosing_score(table, p) for name, p in found.items()}
    return max(scores, key=lambda name: scores[name]["mean"]), scores


def chosen_peers(table, found: dict) -> tuple:  # ({peer: [(n, 7)]}, {peer: crop and all scores})
    "Return the probabilities of every peer with its chosen crop, and what was chosen."
    peers, chosen = {}, {}
    for peer, crops in found.items():
        best, scores = choose(table, crops)
        peers[peer] = [crops[best]]
        chosen[peer] = dict(crop=best, scores=scores)
    if {"fer", "face-api"} <= peers.keys():
        peers[BOTH] = [(peers["fer"][0] + peers["face-api"][0]) / 2]
    return peers | baselines(table), chosen


# Results


def comparisons(table, peers, half):
    "Return the paired differences of every peer and our shipped network."
    others = [name for name in peers if name not in (OURS, *BASELINES)]
    return {
        name: compared(table, peers[OURS], peers[name], half, names=(OURS, name)) for name in others
    }


def predictions(arguments) -> tuple:  # (manifest, {peer: [(n, 7)]}, what was chosen, no face)
    "Return the probabilities of all peers, with the crops chosen on the choosing half."
    fer = fer_folder(arguments.fer)  # a missing package is named before the work begins
    FaceApi(arguments.face_api)
    table, crops, _ = photographs(arguments.real, Path(arguments.out) / "real")
    images = [load_image(Path(arguments.real) / name) for name in table.image]
    boxes = stored_boxes(arguments.out, fer, table, images)
    missing = {name: np.isnan(found[:, 0]) for name, found in boxes.items()}
    sizes = np.array([image.shape[1::-1] for image in images], float)
    known = (table.half == "choose").to_numpy()
    boxes = {name: filled(found, sizes, known) for name, found in boxes.items()}
    found = fer_candidates(arguments, images, boxes, crops)
    found |= face_api_candidates(arguments, images, boxes, crops)
    found |= our_candidates(crops)
    peers, chosen = chosen_peers(table, found)
    without = {
        name: {half: int(m[(table.half == half).to_numpy()].sum()) for half in ("choose", "report")}
        for name, m in missing.items()
    }
    return table, peers, chosen, without


def results(arguments, command, commit) -> dict:
    "Return what the lesson shows; write OUT/peers.npz, and count the scoring."
    table, peers, chosen, without = predictions(arguments)
    names = table.image.to_numpy(str)
    arrays = {name: np.stack(runs) for name, runs in peers.items()}
    write_kept(Path(arguments.out) / "peers.npz", dict(image=names) | arrays)
    halves = ("choose",) if arguments.choose_only else ("choose", "report")
    scores = {
        half: {name: yardstick(table, runs, half) for name, runs in peers.items()}
        for half in halves
    }
    if "report" in scores:
        entry = entry_of(command, commit, WHAT, scores=macro_scores(scores["report"]))
        count_scoring(arguments.ledger, entry)
    return dict(
        seen=SEEN,
        chosen=chosen,
        without_face=without,
        scores=scores,
        comparisons={half: comparisons(table, peers, half) for half in halves},
    )


def command_words(arguments) -> str:
    "Return the command without the names of this machine's folders."
    hidden = ("out", "real", "face_api", "fer", "ledger")
    names = {str(getattr(arguments, key)): key.upper() for key in hidden}
    words = [names.get(word, word) for word in sys.argv[1:]]
    return " ".join(["python experiments/peers.py", *map(shlex.quote, words)])


def show(found):
    "Print the scores of each half, and the classes of fewer than five people."
    for half, scores in found["scores"].items():
        say(f"-- {half}")
        say(score_table(scores).to_string())
        for line in thin_words(next(iter(scores.values()))):
            say(f"   {line}")


def parser():
    "Return the command line."
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", required=True, help="folder of the experiment")
    parser.add_argument("--real", required=True, help="photographs with a csv of labels")
    parser.add_argument("--face-api", required=True, help="folder of @vladmandic/face-api")
    parser.add_argument("--fer", help="folder of the package fer (default: where pip put it)")
    parser.add_argument("--choose-only", action="store_true", help="score the choosing half alone")
    parser.add_argument("--results", help="write the results into this file, too")
    parser.add_argument("--ledger", default=LEDGER, help="default: nbs/results/report_half.json")
    return parser


def main():
    "Score the peers from the command line."
    arguments = parser().parse_args()
    os.environ.setdefault("FER_PROGRESS", "1")
    torch.set_num_threads(1)
    made = dict(command=command_words(arguments), commit=commit_of())
    made |= dict(time=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))
    try:
        make_folder(arguments.out)
        found = made | results(arguments, made["command"], made["commit"])
        for path in (Path(arguments.out) / "peers.json", arguments.results):
            if path:
                write_json(path, found)
    except CourseError as error:
        sys.exit(str(error))
    show(found)


if __name__ == "__main__":
    main()
