"""Data preparation side by side in one run: hashing, alignment, noise, reading a packed epoch, memory of `fer-course prepare`.

    python tests/bench_data.py [--only scan align noise epoch memory] [--rounds 3] [--images DIR] [--n 10000 100000]

Both sides of a ratio do the same job on the same files, which the system has in its cache, in turn, A B A B, each in a fresh process; the medians of the ratios pair by pair are compared with the bars.
* scan: `fer_course.core.files.digests` against `find | xargs sha1sum`, which is one process; a second row gives it two (`-P2`). Both list the folder themselves; the start of Python is not
  counted, that of `sha1sum` is (about a millisecond). 20,000 files of 4 kB, the size of a small face, and 64 of 8 MB. CPU seconds beside it tell how busy the machine was with other things.
* align: files in, packed 112 x 112 crops out, photographs of 350 x 350: `fer_course.align.align_manifest` against a loop over the package `mtcnn` (TensorFlow) and against facenet-pytorch in
  batches of 16, with our decoding, choice of a face, warp and packing; smallest face 20 px, thresholds .6 .7 .7, factor .709 for all. Each has a throw-away environment, `_bench/mtcnn` (1.7 GB) and
  `_bench/facenet`. The boxes are compared: share of the sure faces (score above .9) of one that overlap with a face of the other by more than .9 (intersection over union). The cascade is facenet-pytorch's, so
  the bar of 99% is for that; the two packages do not agree with one another, which a row of its own shows.
* noise: report S's three noises through `fer_course.augment.balance.noisy_images` against a plain loop over `skimage.util.random_noise`; the pixels must be equal.
* epoch: shuffled batches of 64, normalised floats, from the packed uint8 memory map through `fer_course.train.Batches` against torchvision's ImageFolder over the same crops as JPEG, DataLoader with 2 workers
  that have been started before.
* memory: `fer-course prepare` over so many small images, the fewest of them once with the detector and all with landmarks given (`--detect`: all with the detector): the proportional set size of the whole process tree, looked at ten times a second, must stay below 2 GiB, also where the growth between the sizes is
  carried on to 300,000.

Everything lies in `_bench/`. Without `--images`, faces are rendered onto larger backgrounds; with it, photographs of another size than 350 x 350 are left out."""

import argparse, hashlib, json, os, shutil, statistics, subprocess, sys, tempfile, time
from pathlib import Path
from bench_faces import row
from bench_mtcnn import HERE, environment, overlap, photographs

# --- what runs in fresh processes: a dict in, a dict out


def ours_scan(given):
    from fer_course.core.files import digests

    start, busy = time.perf_counter(), time.process_time()
    paths = [
        os.path.join(folder, name)
        for folder, _, names in os.walk(given["folder"])
        for name in names
    ]
    found = dict(zip(paths, digests(paths)))
    return dict(
        seconds=time.perf_counter() - start,
        busy=time.process_time() - busy,
        result=_summary(f"{found[p]}  {p}" for p in sorted(found)),
    )


def sha1sum_scan(given):
    import resource

    start = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    find = subprocess.Popen(
        ["find", given["folder"], "-type", "f", "-print0"], stdout=subprocess.PIPE
    )
    lines = subprocess.run(
        ["xargs", "-0", *given["options"], "sha1sum"],
        stdin=find.stdout,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    find.wait()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return dict(
        seconds=seconds,
        busy=busy,
        result=_summary(sorted(lines.splitlines(), key=lambda line: line.split("  ", 1)[1])),
    )


def _summary(lines):
    return hashlib.sha1("\n".join(lines).encode()).hexdigest()


def ours_align(given):
    "The course's own: everything as `fer-course prepare` does it"
    import torch
    from fer_course.align import align_manifest
    from fer_course.data import make_manifest

    torch.set_num_threads(given["threads"])
    root = os.path.commonpath([os.path.dirname(f) for f in given["files"]])
    table = make_manifest(
        [dict(image=os.path.relpath(f, root), sha1=f"{i}") for i, f in enumerate(given["files"])],
        "photographs",
    )

    def work(rows, out):
        align_manifest(rows, dict(photographs=root), out, device=given["device"])

    work(table.iloc[:4], HERE / "out" / "warm")
    start = time.perf_counter()
    work(table, HERE / "out" / "ours")
    return dict(seconds=time.perf_counter() - start)


def boxes(given):
    "Our boxes, apart from any timing"
    from fer_course.data import load_image
    from fer_course.align import MTCNN

    return dict(
        found=[
            _plain(f)
            for f in MTCNN(given["device"]).detect([load_image(f) for f in given["files"]])
        ]
    )


def _plain(found):
    return found.boxes.tolist(), found.scores.tolist()


def mtcnn_align(given):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from fer_course.align import (
        Detections,
        no_faces,
    )  # before TensorFlow: torchvision crashes when it is loaded after it
    import numpy as np, tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(given["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(given["threads"])
    from mtcnn import MTCNN

    detector, names = (
        MTCNN(device="CPU:0"),
        ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right"),
    )

    def look(image):
        faces = detector.detect_faces(image, box_format="xyxy", threshold_onet=0.7) or []
        if not faces:
            return no_faces()
        return Detections(
            *(
                np.asarray([get(f) for f in faces], np.float32)
                for get in (
                    lambda f: f["box"],
                    lambda f: f["confidence"],
                    lambda f: [f["keypoints"][n] for n in names],
                )
            )
        )

    return _loop(given, lambda images: [look(image) for image in images], 1)


def facenet_align(given):
    import numpy as np, torch
    from facenet_pytorch import MTCNN
    from fer_course.align import Detections, no_faces

    torch.set_num_threads(given["threads"])
    detector = MTCNN(
        image_size=160,
        min_face_size=20,
        thresholds=[0.6, 0.7, 0.7],
        factor=0.709,
        post_process=False,
        keep_all=True,
        device=given["device"],
    )

    def look(images):
        answers = zip(*detector.detect(images, landmarks=True))
        return [
            no_faces()
            if b is None
            else Detections(*(np.asarray(a.tolist(), np.float32) for a in (b, s, p)))
            for b, s, p in answers
        ]

    return _loop(given, look, 16)


def _loop(given, look, at_once):
    "The job around another detector, in a plain loop: decode, find, choose, align, pack"
    import numpy as np
    from fer_course.align import align_face, choose_face, whole_image, write_packed
    from fer_course.data import load_image

    def work(files, out):
        crops, seen = [], []
        for k in range(0, len(files), at_once):
            images = [load_image(f) for f in files[k : k + at_once]]
            for image, found in zip(images, look(images)):
                best, _ = choose_face(found)
                seen.append(_plain(found))
                crops.append(
                    whole_image(image) if best is None else align_face(image, found.points[best])
                )
        write_packed(Path(out) / "images.npy", (len(crops), 112, 112, 3), [np.stack(crops)])
        return seen

    work(given["files"][:4], HERE / "out" / "warm")
    start = time.perf_counter()
    found = work(given["files"], HERE / "out" / "theirs")
    return dict(seconds=time.perf_counter() - start, found=found)


MODES = ("poisson", "speckle", "gaussian")


def _noise_input(given):
    import numpy as np

    images = np.load(given["images"])
    return images, [MODES[i % 3] for i in range(len(images))], list(range(len(images)))


def ours_noise(given):
    from fer_course.augment import noisy_images

    work = _noise_input(given)
    noisy_images(*(part[:8] for part in work), workers=given["workers"])
    start = time.perf_counter()
    found = noisy_images(*work, workers=given["workers"])
    return dict(
        seconds=time.perf_counter() - start,
        result=hashlib.sha1(b"".join(image.tobytes() for image in found)).hexdigest(),
    )


def plain_noise(given):
    from skimage.util import img_as_ubyte, random_noise

    work = list(zip(*_noise_input(given)))
    run = lambda work: [
        img_as_ubyte(random_noise(image, mode, rng=seed)) for image, mode, seed in work
    ]
    run(work[:8])
    start = time.perf_counter()
    found = run(work)
    return dict(
        seconds=time.perf_counter() - start,
        result=hashlib.sha1(b"".join(image.tobytes() for image in found)).hexdigest(),
    )


def ours_epoch(given):
    import numpy as np, torch
    from fer_course.train import Batches

    torch.set_num_threads(given["threads"])
    images = np.load(given["packed"], mmap_mode="r")
    n = len(images)
    batches = Batches(
        images,
        torch.zeros(n, dtype=torch.int64),
        torch.zeros(n, 21),
        range(n),
        batch_size=64,
        seed=0,
        device=given["device"],
    )
    return _epochs(batches, given["device"])


def folder_epoch(given):
    import torch
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    torch.set_num_threads(given["threads"])
    look = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)])
    loader = torch.utils.data.DataLoader(
        ImageFolder(given["folder"], look),
        batch_size=64,
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
    )
    return _epochs(loader, given["device"])


def _epochs(batches, device):
    "Time of the second epoch: the first one starts workers and fills caches"
    import torch

    for _ in range(2):
        start, n = time.perf_counter(), 0
        for x, *_ in batches:
            n += len(x.to(device, non_blocking=True))
        if device != "cpu":
            torch.cuda.synchronize()
    return dict(seconds=time.perf_counter() - start, n=n)


JOBS = {
    job.__name__: job
    for job in (
        ours_scan,
        sha1sum_scan,
        ours_align,
        boxes,
        mtcnn_align,
        facenet_align,
        ours_noise,
        plain_noise,
        ours_epoch,
        folder_epoch,
    )
}


def apart(job, python=sys.executable, **given):
    "A job in a fresh process"
    done = subprocess.run(
        [str(python), __file__, "--job", job],
        input=json.dumps(given, default=str),
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": ".", "FER_PROGRESS": "0"},
    )
    if done.returncode:
        sys.exit(f"{job} failed with status {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def in_turn(rounds, *sides):
    "A B A B: the answers of each side, a list per side; a side is a function without arguments"
    answers = [[] for _ in sides]
    for _ in range(rounds):
        for side, have in zip(sides, answers):
            have.append(side())
    return answers


def ratio(above, below, key="seconds", each=(1, 1)):
    "Median of the ratios, pair by pair, of the seconds for one image, and the ratios; `each` = how many images each side had"
    ratios = [a[key] / each[0] / (b[key] / each[1]) for a, b in zip(above, below)]
    return dict(value=statistics.median(ratios), rounds=[round(r, 2) for r in ratios])


# --- the rows


def scan(given):
    for name, n, size in (("small", 20_000, 4_000), ("large", 64, 8_000_000)):
        folder = HERE / name
        if not (folder / ".ready").exists():
            import numpy as np

            rng = np.random.default_rng(0)
            for i in range(n):
                (folder / f"{i // 1000:02}").mkdir(parents=True, exist_ok=True)
                (folder / f"{i // 1000:02}" / f"{i:05}.bin").write_bytes(rng.bytes(size))
            (folder / ".ready").touch()
        sides = [lambda: apart("ours_scan", folder=folder)] + [
            lambda options=options: apart("sha1sum_scan", folder=folder, options=options)
            for options in (["-P1"], ["-P2", "-n", str(n // 8)])
        ]
        sides[0]()  # the system's cache is warm
        ours, *others = in_turn(given.rounds, *sides)
        for processes, other in zip((1, 2), others):
            yield row(
                f"SHA-1 of {n:,} {name} files, time over that of sha1sum -P{processes}",
                **ratio(ours, other),
                unit="times",
                at_most=1.3 if processes == 1 else None,
                note=f"{statistics.median(a['seconds'] for a in ours):.3f} s against {statistics.median(a['seconds'] for a in other):.3f} s; CPU seconds {ratio(ours, other, 'busy')['value']:.2f} times",
            )
        yield row(
            f"the same digests as sha1sum, {name} files",
            float(len({a["result"] for a in sum(others, ours)}) == 1),
            "share",
            at_least=1,
        )


def agreement(text, here, there, least=None):
    "Row: share of the sure faces of one detector that another finds with an overlap above .9"
    best = [
        max((overlap(box, other) for other in b[0]), default=0)
        for a, b in zip(here, there)
        for box, score in zip(*a)
        if score > 0.9
    ]
    hits = sum(o > 0.9 for o in best)
    return row(
        text,
        hits / max(len(best), 1),
        "share",
        at_least=least,
        note=f"{hits} of {len(best)}, median overlap {statistics.median(best or [0]):.3f}",
    )


# package -> (what pip installs, its options, the bar of the speed, the bar of the agreement)
PEERS = dict(
    mtcnn=((("mtcnn==1.0.0", "tensorflow-cpu"), ("mtcnn==1.0.0", "tensorflow")), (), 10, None),
    facenet=((("facenet-pytorch",),), ("--no-deps",), 1.5, 0.99),
)


def python_of(peer):
    "The python of a peer's environment; RuntimeError if none can be made"
    choices, options, *_ = PEERS[peer]
    for last, packages in enumerate(choices, 1):
        try:
            return environment(peer, packages, options)
        except RuntimeError:
            if last == len(choices):
                raise


def align(given):
    from PIL import Image

    files = [
        os.path.abspath(f)
        for f in photographs(given.images, 10**6 if given.images else given.fast, 350, 180)
        if Image.open(f).size == (350, 350)
    ][: given.fast]
    if not files:
        sys.exit(f"{given.images}: no photograph of 350 x 350. Remedy: give another folder.")
    common = dict(device=given.device, threads=given.threads)
    found, seen = apart("boxes", files=files, **common)["found"], {}
    for peer, (*_, bar, least) in PEERS.items():
        try:
            python = python_of(peer)
        except RuntimeError as error:
            yield row(f"alignment against {peer}: not measured, {error}", float("nan"), "")
            continue
        some = files[: given.slow] if peer == "mtcnn" else files
        ours, theirs = in_turn(
            given.rounds,
            lambda: apart("ours_align", files=files, **common),
            lambda: apart(f"{peer}_align", python, files=some, **common),
        )
        speeds = [
            n / statistics.median(a["seconds"] for a in side)
            for n, side in ((len(files), ours), (len(some), theirs))
        ]
        yield row(
            f"files to packed crops, speed over that of {peer}",
            **ratio(theirs, ours, each=(len(some), len(files))),
            unit="times",
            at_least=bar,
            note=f"{speeds[0]:.1f} images/s ({len(files)} photographs) against {speeds[1]:.1f} ({len(some)})",
        )
        seen[peer] = theirs[0]["found"]
        yield agreement(f"faces of {peer} where we have the same box", seen[peer], found, least)
        yield agreement(f"our faces where {peer} has the same box", found[: len(some)], seen[peer])
    if len(seen) == len(PEERS):
        yield agreement(
            "faces of mtcnn where facenet has the same box", seen["mtcnn"], seen["facenet"]
        )
    shutil.rmtree(HERE / "out", ignore_errors=True)


def crops(n):
    "The file of n packed faces of 112 px, and a folder of the same as JPEG, made if missing; noise makes them differ"
    import cv2, numpy as np
    from fer_course.core.files import atomic

    packed, folder = HERE / f"crops_{n}.npy", HERE / f"crops_{n}"
    if packed.exists():
        return packed, folder
    from fer_course.faces import Renderer, sample

    faces = np.concatenate(
        [Renderer(112, "cpu").render(sample(16, seed=3, start=k)).images for k in range(0, 128, 16)]
    )
    rng = np.random.default_rng(0)
    images = np.empty((n, 112, 112, 3), np.uint8)
    for i in range(n):
        images[i] = (faces[i % 128].astype(np.int16) + rng.integers(-6, 7, (112, 112, 1))).clip(
            0, 255
        )
        place = folder / f"{i % 7}"
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{i:06}.jpg"), images[i][..., ::-1])
    with atomic(packed) as temporary, open(temporary, "wb") as file:
        np.save(file, images)
    return packed, folder


def noise(given):
    images, _ = crops(2000)
    two, one, plain = in_turn(
        given.rounds,
        *(
            lambda workers=workers: apart("ours_noise", images=images, workers=workers)
            for workers in (2, 1)
        ),
        lambda: apart("plain_noise", images=images),
    )
    same = len({answer["result"] for answer in two + one + plain}) == 1
    for name, side, bar in (("two threads", two, 1.5), ("one thread", one, None)):
        yield row(
            f"report S's noises, {name}, speed over that of a plain loop",
            **ratio(plain, side),
            unit="times",
            at_least=bar,
            note=f"{2000 / statistics.median(a['seconds'] for a in side):.0f} images/s",
        )
    yield row("the same pixels as the plain loop", float(same), "share", at_least=1)


def epoch(given):
    packed, folder = crops(given.crops)
    common = dict(device=given.device, threads=given.threads)
    ours, other = in_turn(
        given.rounds,
        lambda: apart("ours_epoch", packed=packed, **common),
        lambda: apart("folder_epoch", folder=folder, **common),
    )
    yield row(
        "a packed epoch, speed over that of ImageFolder",
        **ratio(other, ours),
        unit="times",
        at_least=10,
        note=f"{given.crops / statistics.median(a['seconds'] for a in ours):.0f} images/s against {given.crops / statistics.median(a['seconds'] for a in other):.0f}",
    )


def many(n):
    "A folder of n JPEG of 64 px with a manifest that knows the landmarks, made if missing"
    import cv2, numpy as np
    from fer_course.data import make_manifest
    from fer_course.facs import SEVEN
    from fer_course.faces import Renderer, sample
    from fer_course.core.files import write_table

    out = HERE / f"many_{n}"
    if (out / "manifest.parquet").exists():
        return out
    drawn = [Renderer(64, "cpu").render(sample(16, seed=5, start=k)) for k in range(0, 128, 16)]
    faces, points = (
        np.concatenate([d.images for d in drawn]),
        np.concatenate([d.points for d in drawn]),
    )
    rng, rows = np.random.default_rng(0), []
    for i in range(n):
        name, k = f"images/{i // 1000:03}/{i:06}.jpg", i % 128
        if i % 1000 == 0:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
        image = (
            (faces[k].astype(np.int16) + rng.integers(-6, 7, (64, 64, 1)))
            .clip(0, 255)
            .astype(np.uint8)
        )
        (out / name).write_bytes(
            cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
        )
        rows.append(
            dict(image=name, expression=SEVEN[i % 7], subject=f"p{i % 997}")
            | {f"point_{axis}{j}": points[k, j, a] for j in range(5) for a, axis in enumerate("xy")}
        )
    write_table(out / "manifest.parquet", make_manifest(rows, "many"))
    return out


def tree(first):
    "Process ids of `first` and all below it"
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            pass  # it has ended meanwhile
    found = [first]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def memory_of(command):
    "Peak over time of the proportional set size of a command and its children, and of the largest of its processes, MiB; seconds; processes"

    def field(pid, file, name):
        try:
            return next(
                int(line.split()[1]) / 1024
                for line in open(f"/proc/{pid}/{file}")
                if line.startswith(name)
            )
        except (OSError, StopIteration):
            return 0

    with tempfile.TemporaryFile("w+") as log:
        start, peak, largest, most = time.perf_counter(), 0, 0, 0
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": ".", "FER_PROGRESS": "0"},
        )
        while process.poll() is None:
            pids = tree(process.pid)
            peak, largest, most = (
                max(peak, sum(field(p, "smaps_rollup", "Pss:") for p in pids)),
                max(largest, *(field(p, "status", "VmHWM") for p in pids)),
                max(most, len(pids)),
            )
            time.sleep(0.1)
        if process.returncode:
            log.seek(0)
            sys.exit(f"{' '.join(map(str, command))} failed:\n{log.read()[-2000:]}")
        return dict(peak=peak, largest=largest, processes=most, seconds=time.perf_counter() - start)


def memory(given):
    if not Path("/proc/self/smaps_rollup").exists():
        yield row(
            "memory: not measured, this system has no /proc/PID/smaps_rollup", float("nan"), ""
        )
        return

    def prepared(n, *options):
        out = HERE / "prepared"
        shutil.rmtree(out, ignore_errors=True)
        seen = memory_of(
            [
                sys.executable,
                "-c",
                "import sys; from fer_course.app.cli import main; sys.exit(main())",
                "prepare",
                "--target",
                many(n),
                "--reader",
                "faces",
                "--auxiliary",
                "none",
                "--device",
                "cpu",
                "--out",
                out,
                *options,
            ]
        )
        shutil.rmtree(out)
        how = "landmarks given" if options else "faces looked for"
        return seen["peak"], row(
            f"peak memory of preparing {n:,} images, {how}",
            seen["peak"],
            "MiB",
            at_most=2048,
            note=f"{seen['processes']} processes, the largest {seen['largest']:.0f} MiB; {seen['seconds']:.0f} s, {n / seen['seconds']:.0f} images/s",
        )

    sizes, peaks = sorted(given.n), []
    if not given.detect:
        yield prepared(sizes[0])[1]
    for n in sizes:
        peak, shown = prepared(n, *[] if given.detect else ["--landmarks", "given"])
        peaks.append((n, peak))
        yield shown
    if len(peaks) > 1:
        (n0, low), *_, (n1, high) = peaks
        slope = (high - low) / (n1 - n0)
        yield row("growth for each further 10,000 images", slope * 10_000, "MiB", at_most=40)
        yield row(
            "carried on to 300,000 images", high + slope * (300_000 - n1), "MiB", at_most=2048
        )


PARTS = dict(scan=scan, align=align, noise=noise, epoch=epoch, memory=memory)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--images", help="align: a folder of photographs")
    parser.add_argument(
        "--fast", type=int, default=400, help="align: photographs for us and facenet-pytorch"
    )
    parser.add_argument("--slow", type=int, default=100, help="align: photographs for mtcnn")
    parser.add_argument("--crops", type=int, default=6000, help="epoch: images")
    parser.add_argument(
        "--n", type=int, nargs="+", default=[10_000, 100_000], help="memory: images"
    )
    parser.add_argument(
        "--detect", action="store_true", help="memory: look for the faces although that takes long"
    )
    parser.add_argument("--results", help="write the rows here too, as json")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        return print(json.dumps(JOBS[given.job](json.load(sys.stdin))))
    HERE.mkdir(exist_ok=True)
    machine, rows = (
        f"{os.cpu_count()} CPUs, device {given.device}, load before {os.getloadavg()[0]:.1f}",
        [],
    )
    print(machine)
    for part in given.only:
        for r in PARTS[part](given):
            rows.append(r)
            bars = ", ".join(
                f"{name} {r[key]}"
                for key, name in dict(at_least="at least", at_most="at most").items()
                if r[key] is not None
            )
            value = f"{r['value']:9.3f} {r['unit']:6}" if r["unit"] else ""
            print(
                f"{r['what']:72} {value}",
                f"{bars}: {'reached' if r['reached'] else 'NOT reached'}" if bars else "",
                f"rounds {r['rounds']}" if "rounds" in r else "",
                r.get("note", ""),
                flush=True,
            )
    if given.results:
        from fer_course.core.files import write_json

        write_json(
            given.results,
            dict(
                command="python tests/bench_data.py " + " ".join(sys.argv[1:]),
                machine=machine,
                rows=[r for r in rows if r["unit"]],
            ),
        )


if __name__ == "__main__":
    main()
