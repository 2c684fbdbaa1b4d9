"""The course's MTCNN against facenet-pytorch's: speed, peak memory, agreement.

    python benchmarks/detector.py [--images DIR] [--n 120] [--rounds 3] [--threads 2] [--toy]

facenet-pytorch has an environment of its own, with the torch of this one
(benchmarks/peer_environments.py).
Both get the same photographs, thresholds (.6 .7 .7), smallest face (20 px) and pyramid factor
(.709). Reading the files is not timed. Without --images, faces are rendered onto larger
backgrounds in `_bench/photos_250`.
"""

import resource, sys, time
import bench
from boxes import best_overlaps
from bench import in_turn, rate, ratio, row
from inputs import photographs
from options import common_options, job_runner, median, unless_toy
from peer_environments import peer_python

BATCH = 16  # images that facenet-pytorch gets at a time
WARM = 4  # images before the clock starts


def peak():
    "Return the peak memory of this process in MiB."
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed_detection(given, detect):
    "Return seconds for one image, peak memory, what detection added to it, and the faces."
    import numpy as np
    from PIL import Image

    images = [np.asarray(Image.open(file).convert("RGB")) for file in given["files"]]
    detect(images[:WARM])
    before = peak()
    start = time.perf_counter()
    found = detect(images)
    seconds = (time.perf_counter() - start) / len(images)
    return dict(seconds=seconds, added=peak() - before, peak=peak(), found=found)


def course_detector(given):
    "Detect with the course."
    from fer_course.align import MTCNN

    detector = MTCNN(given["device"])

    def detect(images):
        return [(f.boxes.tolist(), f.scores.tolist()) for f in detector.detect(images)]

    return timed_detection(given, detect)


def facenet_detector(given):
    "Detect with facenet-pytorch."
    import numpy as np
    from facenet_pytorch import MTCNN

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
        groups = {}  # it takes images of one size together, as the course does
        for i, image in enumerate(images):
            groups.setdefault(image.shape, []).append(i)
        found = [None] * len(images)
        for members in groups.values():
            for start in range(0, len(members), BATCH):
                part = members[start : start + BATCH]
                boxes, scores = detector.detect([images[i] for i in part])
                for i, b, s in zip(part, boxes, scores):
                    if b is None:
                        found[i] = [], []
                    else:
                        found[i] = np.asarray(b, float).tolist(), np.asarray(s, float).tolist()
        return found

    return timed_detection(given, detect)


JOBS = dict(course_detector=course_detector, facenet_detector=facenet_detector)


def rows_of(name, results):
    "Yield the rows on the speed and the memory of one detector."
    rounds = [round(1 / result["seconds"], 1) for result in results]
    yield row(f"detection, {name}", rate(results), "images/s", rounds=rounds)
    largest = max(result["peak"] for result in results)
    added = max(result["added"] for result in results)
    note = f"of which detection added {added:.0f}"
    yield row(f"peak memory, {name}", largest, "MiB", note=note)


def agreement(text, detections, others):
    "Return the row on the share of sure faces that the other detector finds, too."
    best = best_overlaps(detections, others)
    hits = sum(overlap > 0.5 for overlap in best)
    return row(text, hits / max(len(best), 1), "share", note=f"{hits} of {len(best)}")


def detection(given):
    "Yield the rows on both detectors."
    n = unless_toy(given, given.n, toy=4)
    files = photographs(given.images, n, work=given.work)
    if not files:
        sys.exit(f"{given.images}: no image found. Remedy: give a folder with jpg or png files.")
    run = job_runner(given, __file__, jobs=JOBS)
    common = dict(files=files, device=given.device, threads=given.threads)
    sides = [lambda: run("course_detector", **common)]
    missing = None
    try:
        python = peer_python("facenet", given.work, install=not given.toy)
        sides.append(lambda: run("facenet_detector", python=python, **common))
    except RuntimeError as error:
        missing = f"detection against facenet-pytorch: not measured, {error}"
    ours, *others = in_turn(given.rounds, *sides)
    yield from rows_of("the course", ours)
    if missing:
        yield row(missing, None, "")
        return
    other = others[0]
    yield from rows_of("facenet-pytorch", other)
    bar = unless_toy(given, 1.5)
    yield row(
        "detection, speed over that of facenet-pytorch",
        **ratio(other, ours),
        unit="times",
        at_least=bar,
        note=f"{rate(ours):.1f} images/s against {rate(other):.1f}",
    )
    memory = ratio(ours, other, key="peak")
    note = f"{median(ours, 'peak'):.0f} MiB against {median(other, 'peak'):.0f}"
    yield row("peak memory over that of facenet-pytorch", **memory, unit="times", note=note)
    course, facenet = ours[0]["found"], other[0]["found"]
    yield agreement("our faces that facenet-pytorch finds", course, facenet)
    yield agreement("faces of facenet-pytorch that we find", facenet, course)


def options(parser):
    "Add all arguments."
    common_options(parser)
    parser.add_argument("--images", help="a folder of photographs (default: rendered faces)")
    parser.add_argument("--n", type=int, default=120, help="photographs")
    parser.set_defaults(threads=2)


if __name__ == "__main__":
    bench.main(__doc__, dict(detection=detection), jobs=JOBS, options=options)
