"""Image files in, packed 112 x 112 crops out, against two other detectors.

    python benchmarks/alignment.py [--images DIR] [--fast 400] [--slow 100] [--toy]

`fer_course.align.align_manifest` against a plain loop over the package `mtcnn` (TensorFlow) and
against facenet-pytorch in batches of 16, with the course's decoding, choice of a face, warp and
packing. Smallest face 20 px, thresholds .6 .7 .7, pyramid factor .709 for all. Each peer has an
environment of its own (benchmarks/peer_environments.py). The photographs have 350 x 350 pixels:
rendered faces on larger backgrounds, or those of --images of this size.

The boxes are compared: the share of the sure faces (score above .9) of one detector that overlap
with a face of the other by more than .9 (intersection over union). The cascade is that of
facenet-pytorch, so the bar of 99% is for that. The two packages do not agree with one another,
which a row of its own shows.
"""

import os, shutil, statistics, sys, time
from pathlib import Path
import bench
from boxes import best_overlaps
from bench import in_turn, rate, ratio, row
from inputs import common_folder, photographs
from options import common_options, job_runner, unless_toy
from peer_environments import peer_python

BARS = dict(mtcnn=(10, None), facenet=(1.5, 0.99))  # peer -> of the speed, of the agreement
SIDE = 350  # pixels of a photograph
WARM = 4  # images before the clock starts


def as_lists(found):
    "Return the boxes and scores of a detection as lists."
    return found.boxes.tolist(), found.scores.tolist()


def course_align(given):
    "Align as `fer-course prepare` does."
    from fer_course.align import align_manifest
    from fer_course.data import make_manifest

    root = common_folder(given["files"])
    rows = []
    for i, file in enumerate(given["files"]):
        rows.append(dict(image=os.path.relpath(file, root), sha1=f"{i}"))
    table = make_manifest(rows, "photographs")
    out = Path(given["out"])

    def align(part, folder):
        align_manifest(part, dict(photographs=root), out=folder, device=given["device"])

    align(table.iloc[:WARM], out / "warm")
    start = time.perf_counter()
    align(table, out / "course")
    return dict(seconds=(time.perf_counter() - start) / len(table))


def course_boxes(given):
    "Find the faces with the course, untimed."
    from fer_course.align import MTCNN
    from fer_course.data import load_image

    images = [load_image(file) for file in given["files"]]
    return dict(found=[as_lists(found) for found in MTCNN(given["device"]).detect(images)])


def plain_loop(given, detect, *, batch):
    "Decode, detect, choose, align and pack in a plain loop around a detector."
    import numpy as np
    from fer_course.align import align_face, choose_face, whole_image, write_packed
    from fer_course.data import load_image

    def crop(image, found):
        best, _ = choose_face(found)
        return whole_image(image) if best is None else align_face(image, found.points[best])

    def align(files, folder):
        crops = []
        detections = []
        for start in range(0, len(files), batch):
            images = [load_image(file) for file in files[start : start + batch]]
            for image, found in zip(images, detect(images)):
                detections.append(as_lists(found))
                crops.append(crop(image, found))
        shape = (len(crops), 112, 112, 3)
        write_packed(folder / "images.npy", shape, pieces=[np.stack(crops)])
        return detections

    out = Path(given["out"])
    align(given["files"][:WARM], out / "warm")
    start = time.perf_counter()
    detections = align(given["files"], out / "peer")
    seconds = (time.perf_counter() - start) / len(detections)
    return dict(seconds=seconds, found=detections)


def mtcnn_align(given):
    "Align with the package mtcnn, one image at a time."
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    # before TensorFlow: torchvision crashes if it is loaded after it
    from fer_course.align import Detections, no_faces
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(given["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(given["threads"])
    from mtcnn import MTCNN

    detector = MTCNN(device="CPU:0")
    names = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")

    def detect_one(image):
        faces = detector.detect_faces(image, box_format="xyxy", threshold_onet=0.7)
        if not faces:
            return no_faces()
        boxes = [face["box"] for face in faces]
        scores = [face["confidence"] for face in faces]
        points = [[face["keypoints"][name] for name in names] for face in faces]
        return Detections(*(np.asarray(part, np.float32) for part in (boxes, scores, points)))

    return plain_loop(given, lambda images: [detect_one(image) for image in images], batch=1)


def facenet_align(given):
    "Align with facenet-pytorch in batches of 16."
    import numpy as np
    from facenet_pytorch import MTCNN
    from fer_course.align import Detections, no_faces

    detector = MTCNN(
        image_size=160,
        min_face_size=20,
        thresholds=[0.6, 0.7, 0.7],
        factor=0.709,
        post_process=False,
        keep_all=True,
        device=given["device"],
    )

    def detect(images):
        detections = []
        for parts in zip(*detector.detect(images, landmarks=True)):
            if parts[0] is None:
                detections.append(no_faces())
            else:
                arrays = [np.asarray(part.tolist(), np.float32) for part in parts]
                detections.append(Detections(*arrays))
        return detections

    return plain_loop(given, detect, batch=16)


JOBS = dict(
    course_align=course_align,
    course_boxes=course_boxes,
    mtcnn_align=mtcnn_align,
    facenet_align=facenet_align,
)


def square_photographs(given):
    "Return the photographs of 350 x 350 pixels; end the program without any."
    from PIL import Image

    wanted = unless_toy(given, given.fast, toy=4)
    n = 10**6 if given.images else wanted
    files = photographs(given.images, n, work=given.work, side=SIDE, face=180)
    files = [os.path.abspath(file) for file in files if Image.open(file).size == (SIDE, SIDE)]
    if not files:
        sys.exit(f"{given.images}: no photograph of 350 x 350. Remedy: give another folder.")
    return files[:wanted]


def agreement(text, detections, others, *, at_least=None):
    "Return the row on the share of sure faces that the other detector finds in the same place."
    best = best_overlaps(detections, others)
    hits = sum(overlap > 0.9 for overlap in best)
    note = f"{hits} of {len(best)}, median overlap {statistics.median(best or [0]):.3f}"
    share = hits / max(len(best), 1)
    return row(text, share, "share", at_least=at_least, note=note)


def compare_peer(given, peer, python, *, files, course_found, run):
    "Yield the rows on one peer; keep its detections in `given.detections`."
    peer_files = files[: unless_toy(given, given.slow, toy=2)] if peer == "mtcnn" else files
    out = given.work / "out"
    common = dict(device=given.device, threads=given.threads, out=out)
    ours, other = in_turn(
        given.rounds,
        lambda: run("course_align", files=files, **common),
        lambda: run(f"{peer}_align", python=python, files=peer_files, **common),
    )
    shutil.rmtree(out, ignore_errors=True)
    speed_bar, agreement_bar = BARS[peer]
    speed = f"{rate(ours):.1f} images/s ({len(files)} photographs)"
    yield row(
        f"files to packed crops, speed over that of {peer}",
        **ratio(other, ours),
        unit="times",
        at_least=unless_toy(given, speed_bar),
        note=f"{speed} against {rate(other):.1f} ({len(peer_files)})",
    )
    found = other[0]["found"]
    given.detections[peer] = found
    yield agreement(
        f"faces of {peer} where we have the same box", found, course_found, at_least=agreement_bar
    )
    some = course_found[: len(peer_files)]
    yield agreement(f"our faces where {peer} has the same box", some, found)


def align(given):
    "Yield the rows on both peers."
    files = square_photographs(given)
    run = job_runner(given, __file__, jobs=JOBS)
    given.detections = {}
    common = dict(device=given.device, threads=given.threads)
    course_found = run("course_boxes", files=files, **common)["found"]
    for peer in BARS:
        try:
            python = peer_python(peer, given.work, install=not given.toy)
        except RuntimeError as error:
            yield row(f"alignment against {peer}: not measured, {error}", None, "")
            continue
        yield from compare_peer(
            given, peer, python, files=files, course_found=course_found, run=run
        )
    if not given.detections:
        out = given.work / "out"
        alone = [run("course_align", files=files, out=out, **common) for _ in range(given.rounds)]
        shutil.rmtree(out, ignore_errors=True)
        yield row("files to packed crops, the course alone", rate(alone), "images/s")
    if len(given.detections) == len(BARS):
        yield agreement(
            "faces of mtcnn where facenet has the same box",
            given.detections["mtcnn"],
            given.detections["facenet"],
        )


def own_options(parser):
    "Add the arguments of this benchmark alone."
    parser.add_argument("--images", help="align: a folder of photographs")
    parser.add_argument(
        "--fast", type=int, default=400, help="align: photographs for all but mtcnn"
    )
    parser.add_argument("--slow", type=int, default=100, help="align: photographs for mtcnn")


def options(parser):
    "Add all arguments."
    common_options(parser)
    own_options(parser)


if __name__ == "__main__":
    bench.main(__doc__, dict(align=align), jobs=JOBS, options=options)
