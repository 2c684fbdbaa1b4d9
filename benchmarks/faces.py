"""Rendered faces: how many a second, in how much memory, and how many a detector finds.

    python benchmarks/faces.py [--only speed detection] [--n 640] [--faces 400] [--toy]
    python benchmarks/faces.py --results nbs/results/bench_faces.json
    git worktree add ../before COMMIT
    python benchmarks/faces.py --only beside --beside ../before --rounds 8

* speed: a whole dataset is written, images, manifest and landmarks, each time in a fresh process.
  The median of the rounds is compared with the bars. Two CPU cores: 60 faces/s at 128 px, 100 at
  96 px, less than 2 GiB. GPU: 5,000 faces/s at 128 px. The memory of the large set is that of
  joining 277,251 faces.
* detection: the share of faces that MTCNN, trained on photographs, takes for faces. Loose crops of
  the profile `course`, the eyes a fifth of the image apart, at 160 and 256 px. A face is found if
  the score is above 0.9 and the box overlaps the true one by more than half (intersection over
  union). The last rows are on the drawn portraits, the far domain, and have no bar.
* beside: the speed of this checkout over that of a second working tree, such as the commit before
  the renderer changed. Whole datasets are written, with labels, all cores, in turn A B A B. On a
  busy machine the ratio of CPU times varies less than that of speeds.

The library reference faces.datasets shows the rows.
"""

import resource, shutil, sys, tempfile, time
from functools import partial
from pathlib import Path
import bench
from boxes import SURE, overlap
from bench import in_turn, mean_ratio, rate, row, run_job
from options import common_options, job_runner, median, unless_toy

LIMIT = 2048  # MiB
CHUNK = 64  # faces of a chunk on disk


def result_since(start, faces):
    "Return seconds for one face since the start, and the peak of this process in MiB."
    seconds = (time.perf_counter() - start) / faces
    return dict(seconds=seconds, peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def cpu_seconds():
    "Return the CPU time of this process and of its children that have ended."
    sides = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(side.ru_utime + side.ru_stime for side in sides)


def write_set(given):
    "Render a set of faces and write it, with labels."
    from fer_course.faces import render_dataset
    from fer_course.faces.datasets import RENDERER_VERSION

    n = given["n"]
    chosen = {key: given[key] for key in ("size", "device", "style")}
    with tempfile.TemporaryDirectory() as folder:
        render_dataset(Path(folder) / "warm", min(16, n), **chosen)
        start, used = time.perf_counter(), cpu_seconds()
        render_dataset(Path(folder) / "faces", n, **chosen)
        found = result_since(start, n)
        return found | dict(cpu=(cpu_seconds() - used) / n, renderer=RENDERER_VERSION)


def render_only(given):
    "Render faces and write nothing."
    from fer_course.faces import sample
    from fer_course.faces.datasets import STYLES

    n = given["n"]
    renderer = STYLES[given["style"]](given["size"], given["device"])
    parameters = sample(n)
    batch = 16 if given["device"] == "cpu" else 512
    renderer.render(parameters[slice(0, batch)])
    start = time.perf_counter()
    for first in range(0, n, batch):
        renderer.render(parameters[slice(first, first + batch)])
    return result_since(start, n)


def join_large_set(given):
    "Join the chunks of a large set: one chunk is rendered, the others are its copies."
    from fer_course.faces import render_dataset
    from fer_course.faces.datasets import join_chunks

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "faces"
        render_dataset(
            out, CHUNK, size=32, device=given["device"], profile="synthetic", chunk=CHUNK
        )
        starts = range(0, given["n"], CHUNK)
        parts = out / ".render"
        for first in starts[1:]:
            for ending in ("parquet", "npy"):
                shutil.copy(parts / f"{0:06d}.{ending}", parts / f"{first:06d}.{ending}")
        start = time.perf_counter()
        join_chunks(out, starts)
        return result_since(start, given["n"])


def find_face(found, box):
    "Return the number of the sure detection that overlaps a box by more than half, or None."
    for number, (other, score) in enumerate(zip(found.boxes, found.scores)):
        if score > SURE and overlap(other, box) > 0.5:
            return number
    return None


def point_error(points, true_points):
    "Return the mean error of five points as a share of the distance between the eyes."
    import numpy as np

    eyes = np.linalg.norm(true_points[0] - true_points[1])
    return np.linalg.norm(points - true_points, axis=1).mean() / eyes


def detect_faces(given):
    """Count the faces that MTCNN finds behind each occluder, (found, all).

    Also the median error of its five points on faces in full view, in distances between the eyes.
    """
    import numpy as np
    from fer_course.align import MTCNN
    from fer_course.faces import OCCLUDERS, sample
    from fer_course.faces.datasets import STYLES

    renderer = STYLES[given["style"]](given["size"], given["device"])
    detector = MTCNN(given["device"])
    counts = {}
    errors = []
    for kind, name in enumerate(OCCLUDERS):
        hits = []
        n = given["n"] if name is None else given["n"] // 4
        for start in range(0, n, given["batch"]):
            parameters = sample(given["batch"], seed=11, start=start)
            faces = renderer.render(parameters.with_scene(occluder=kind, eye_distance=0.2))
            for i, found in enumerate(detector.detect(list(faces.images))):
                best = find_face(found, faces.boxes[i])
                hits.append(best is not None)
                if best is not None and name is None:
                    errors.append(point_error(found.points[best], faces.points[i]))
        counts[name or "nothing"] = (sum(hits), len(hits))
    return dict(counts=counts, error=float(np.median(errors)))


JOBS = dict(
    write_set=write_set,
    render_only=render_only,
    join_large_set=join_large_set,
    detect_faces=detect_faces,
)


def speed(given):
    "Yield the rows on speed and memory."
    run = job_runner(given, __file__, jobs=JOBS)
    n = unless_toy(given, given.n, toy=4)
    on_cpu = given.device == "cpu"
    measured = (  # text, job, pixels, bar on a CPU, bar on a GPU
        ("rendered and written, all cores", "write_set", 128, 60, None),
        ("rendered and written, all cores", "write_set", 96, 100, None),
        ("rendered only, one thread", "render_only", 128, None, 5000),
        ("rendered only, one thread", "render_only", 96, None, None),
    )
    peaks = []
    for text, job, size, cpu_bar, gpu_bar in measured:
        common = dict(n=n, size=size, device=given.device, style="modelled")
        results = [run(job, **common) for _ in range(given.rounds)]
        peaks += [result["peak"] for result in results]
        yield row(
            f"{text}, {size} px",
            1 / median(results),
            "faces/s",
            at_least=unless_toy(given, cpu_bar if on_cpu else gpu_bar),
            rounds=[round(1 / result["seconds"], 1) for result in results],
        )
    limit = unless_toy(given, LIMIT)
    yield row("peak memory while rendering", max(peaks), "MiB", at_most=limit)
    large = unless_toy(given, 277_251, toy=256)
    peak = run("join_large_set", n=large, device=given.device)["peak"]
    yield row(f"peak memory of joining {large:,} faces", peak, "MiB", at_most=limit)
    drawn = run("write_set", n=n, size=128, device="cpu", style="drawn")
    text = "drawn portraits, rendered and written, all cores, 128 px"
    yield row(text, 1 / drawn["seconds"], "faces/s")


def beside(given):
    "Yield the rows on the speed over that of a second working tree, if one is named."
    if given.beside is None:
        return
    tree = given.beside.resolve()
    if not (tree / "fer_course").is_dir():
        sys.exit(f"{given.beside} is no working tree of the course: name one with --beside")
    n = unless_toy(given, given.n, toy=4)
    for style in ("modelled", "drawn"):
        common = dict(n=n, size=128, device=given.device, style=style)
        ours = partial(run_job, __file__, "write_set", **common)
        theirs = partial(ours, environment=dict(PYTHONPATH=str(tree)))
        here, there = in_turn(given.rounds, ours, theirs)
        versions = [side[0]["renderer"] for side in (here, there)]
        for what, key, bar in (("speed", "seconds", 1), ("the same by CPU time", "cpu", None)):
            yield row(
                f"{style} faces rendered and written, 128 px, {what}",
                **mean_ratio(there, here, key=key),
                unit="times",
                at_least=unless_toy(given, bar),
                renderers=versions,
                note=f"{rate(here):.0f} faces/s of renderer {versions[0]}, "
                f"{rate(there):.0f} of renderer {versions[1]} in the tree beside",
            )


def rows_of_style(given, style, size, *, result):
    "Yield the rows on the faces of one style and size."
    counts = dict(result["counts"])
    in_view = counts.pop("nothing")
    behind_any = [sum(pair[k] for pair in counts.values()) for k in (0, 1)]
    groups = [("in full view", in_view, 0.98, None), ("behind any occluder", behind_any, 0.75, 0.9)]
    groups += [(f"behind {name}", pair, None, None) for name, pair in counts.items()]
    has_bars = style == "modelled" and not given.toy
    for name, (hits, n), at_least, at_most in groups:
        yield row(
            f"MTCNN finds {style} faces {name}, {size} px",
            hits / n,
            "share",
            at_least=at_least if has_bars else None,
            at_most=at_most if has_bars else None,
            faces=n,
        )
    yield row(
        f"MTCNN, error of the five points of {style} faces, {size} px",
        result["error"],
        "eye distances",
        at_most=0.06 if has_bars else None,
    )


def detection(given):
    "Yield the rows on the detector."
    run = job_runner(given, __file__, jobs=JOBS)
    n = unless_toy(given, given.faces, toy=4)
    batch = unless_toy(given, 16, toy=1)
    for style in ("modelled", "drawn"):
        for size in (160, 256):
            common = dict(n=n, batch=batch, size=size, style=style, device=given.device)
            yield from rows_of_style(given, style, size, result=run("detect_faces", **common))


def options(parser):
    "Add all arguments."
    common_options(parser)
    parser.add_argument("--n", type=int, default=640, help="speed: faces")
    parser.add_argument("--beside", type=Path, help="a second working tree, timed in turn")
    parser.add_argument("--faces", type=int, default=400, help="detection: faces in full view")


if __name__ == "__main__":
    parts = dict(speed=speed, detection=detection, beside=beside)
    bench.main(__doc__, parts, jobs=JOBS, options=options)
