"""Rendered faces: how many a second, in how much memory, and does a detector that was trained on photographs take them for faces?

    python tests/bench_faces.py [--n 640] [--rounds 3] [--device cpu] [--faces 400] [--results FILE]

Speed and memory: a whole dataset is written, images, manifest and landmarks, each time in a fresh process; the median of the rounds is compared with the bars
(two CPU cores: 60 faces/s at 128 px, 100 at 96 px, less than 2 GiB; GPU: 5,000 faces/s at 128 px). The large set's memory is that of joining 277,251 faces.
Detection: MTCNN (chapter 04) on loose crops of the `course` profile, the eyes a fifth of the image apart, at 160 and 256 px; a face is found where the score is above 0.9 and the box
overlaps the true one by more than half (intersection over union). The last rows are the illustrator's portraits, the far domain: there is no bar for them. The chapter 01_faces_datasets shows the rows of `--results nbs/results/bench_faces.json`."""

import argparse, json, os, resource, shutil, statistics, subprocess, sys, tempfile, time
from pathlib import Path


def rendered(n, size, device, style="modelled"):
    "One run in this process: seconds and peak memory in MiB"
    from fer_course.faces import render_dataset

    with tempfile.TemporaryDirectory() as place:
        render_dataset(Path(place) / "warm", 16, size=size, device=device, style=style)
        start = time.perf_counter()
        render_dataset(Path(place) / "faces", n, size=size, device=device, style=style)
        return dict(
            seconds=time.perf_counter() - start,
            peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )


def drawn_on(n, size, device, style="modelled"):
    "The same for the renderer alone: nothing is written"
    from fer_course.faces.datasets import STYLES
    from fer_course.faces import sample

    renderer, parameters, at_once = (
        STYLES[style](size, device),
        sample(n),
        16 if device == "cpu" else 512,
    )
    renderer.render(parameters[slice(0, at_once)])
    start = time.perf_counter()
    for k in range(0, n, at_once):
        renderer.render(parameters[slice(k, k + at_once)])
    return dict(
        seconds=time.perf_counter() - start,
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def joined(n, size, device, style="modelled"):
    "Memory of joining the chunks of a set as large as `lsd`: one chunk is drawn, the others are its copies"
    from fer_course.faces import render_dataset, SETS
    from fer_course.faces.datasets import join_chunks

    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "faces"
        render_dataset(out, 512, size=32, device=device, profile="synthetic")
        starts = range(0, SETS["lsd"].n, 64)
        for start in starts[8:]:
            for ending in ("parquet", "npy"):
                shutil.copy(
                    out / ".render" / f"000000.{ending}", out / ".render" / f"{start:06d}.{ending}"
                )
        begin = time.perf_counter()
        join_chunks(out, starts)
        return dict(
            seconds=time.perf_counter() - begin,
            peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )


def overlap(a, b):
    "Intersection over union of two boxes"
    w, h = (max(0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    area = lambda q: (q[2] - q[0]) * (q[3] - q[1])
    return w * h / (area(a) + area(b) - w * h)


def detected(n, size, device, style="modelled"):
    "Share of the faces that MTCNN finds, by occluder, and the error of its five points as a share of the distance between the eyes"
    import numpy as np, torch
    from fer_course.faces.datasets import STYLES
    from fer_course.faces import OCCLUDERS, sample
    from fer_course.align import MTCNN

    renderer, detector, found, errors = STYLES[style](size, device), MTCNN(device), {}, []
    for kind, name in enumerate(OCCLUDERS):
        hits = []
        for start in range(0, n if kind == 0 else n // 4, 16):
            faces = renderer.render(
                sample(16, seed=11, start=start).with_scene(occluder=kind, eye_distance=0.2)
            )
            for k, seen in enumerate(detector.detect(list(faces.images))):
                best = [
                    j
                    for j, (box, score) in enumerate(zip(seen.boxes, seen.scores))
                    if score > 0.9 and overlap(box, faces.boxes[k]) > 0.5
                ]
                hits.append(bool(best))
                if best and kind == 0:
                    eyes = np.linalg.norm(faces.points[k, 0] - faces.points[k, 1])
                    errors.append(
                        np.linalg.norm(
                            np.asarray(seen.points[best[0]]) - faces.points[k], axis=1
                        ).mean()
                        / eyes
                    )
        found[name or "nothing"] = (sum(hits), len(hits))
    return dict(found=found, error=float(np.median(errors)))


JOBS = dict(rendered=rendered, drawn_on=drawn_on, joined=joined, detected=detected)


def apart(job, n, size, device, style="modelled"):
    "A job in a fresh process"
    done = subprocess.run(
        [
            sys.executable,
            __file__,
            "--job",
            job,
            "--n",
            str(n),
            "--size",
            str(size),
            "--device",
            device,
            "--style",
            style,
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def row(what, value, unit, at_least=None, at_most=None, **more):
    "A measured value, its bars, and whether it is within them (None without a bar)"
    within = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    return dict(
        what=what,
        value=value,
        unit=unit,
        at_least=at_least,
        at_most=at_most,
        reached=within if (at_least, at_most) != (None, None) else None,
        **more,
    )


def speed(given):
    "Rows on speed and memory"
    peaks, on_cpu = [], given.device == "cpu"
    bars = {
        ("rendered", 128): 60 if on_cpu else None,
        ("rendered", 96): 100 if on_cpu else None,
        ("drawn_on", 128): None if on_cpu else 5000,
        ("drawn_on", 96): None,
    }
    for (job, size), bar in bars.items():
        runs = [apart(job, given.n, size, given.device) for _ in range(given.rounds)]
        peaks += [r["peak"] for r in runs]
        label = dict(rendered="written, all cores", drawn_on="drawn, one thread")[job]
        yield row(
            f"{label}, {size} px",
            given.n / statistics.median(r["seconds"] for r in runs),
            "faces/s",
            bar,
            rounds=[round(given.n / r["seconds"], 1) for r in runs],
        )
    yield row("peak memory while drawing", max(peaks), "MiB", at_most=2048)
    yield row(
        "peak memory of joining 277,251 faces",
        apart("joined", 0, 32, given.device)["peak"],
        "MiB",
        at_most=2048,
    )
    yield row(
        "written by the illustrator, all cores, 128 px",
        given.n / apart("rendered", given.n, 128, "cpu", "drawn")["seconds"],
        "faces/s",
    )


def believed(given):
    "Rows on the detector: shares of faces found, and the error of the five points"
    bars = {
        ("modelled", "in full view"): (0.98, None),
        ("modelled", "behind any occluder"): (0.75, 0.90),
    }
    for style, size in (("modelled", 160), ("modelled", 256), ("drawn", 160), ("drawn", 256)):
        seen = apart("detected", given.faces, size, given.device, style)
        found = {"in full view": seen["found"].pop("nothing")}
        found["behind any occluder"] = [
            sum(pair[k] for pair in seen["found"].values()) for k in (0, 1)
        ]
        for name, (hits, of) in (
            found | {f"behind {name}": pair for name, pair in seen["found"].items()}
        ).items():
            yield row(
                f"MTCNN finds {style} faces {name}, {size} px",
                hits / of,
                "share",
                *bars.get((style, name), ()),
                faces=of,
            )
        yield row(
            f"MTCNN, five points of {style} faces, {size} px",
            seen["error"],
            "eye distances",
            at_most=0.06 if style == "modelled" else None,
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--faces", type=int, default=400)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--job", choices=JOBS)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--style", default="modelled")
    parser.add_argument("--results", help="write the rows here too, for the chapter")
    given = parser.parse_args()
    if given.job:
        return print(json.dumps(JOBS[given.job](given.n, given.size, given.device, given.style)))
    machine, rows = f"{os.cpu_count()} CPUs, device {given.device}", []
    print(machine)
    for part in (speed, believed):
        for r in part(given):
            rows.append(r)
            bars = ", ".join(
                f"{name} {r[key]}"
                for key, name in dict(at_least="at least", at_most="at most").items()
                if r[key] is not None
            )
            print(
                f"{r['what']:56} {r['value']:9.3f} {r['unit']:14}",
                f"{bars}: {'reached' if r['reached'] else 'NOT reached'}" if bars else "",
                flush=True,
            )
    if given.results:
        from fer_course.core.files import write_json

        write_json(
            given.results,
            dict(
                command="python tests/bench_faces.py " + " ".join(sys.argv[1:]),
                machine=machine,
                rows=rows,
            ),
        )


if __name__ == "__main__":
    main()
