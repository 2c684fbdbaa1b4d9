"""MTCNN against facenet-pytorch's, side by side in one run: images/s, peak memory, agreement of the detections.

    python tests/bench_mtcnn.py [--images DIR] [--n 120] [--rounds 3] [--threads 2] [--device cpu]

facenet-pytorch pins torch<2.3 and so cannot live in this project's environment. It gets one of its own, `_bench/facenet`, without its pins, and sees
the torch of the running environment through a .pth line: both detectors run on the same torch, or the comparison would be one of torch versions.
Both get the same photographs, thresholds (.6 .7 .7), smallest face (20 px) and pyramid factor (.709); reading the files is not timed. The two run in turn, A B A B, each in a fresh process, and
the medians are compared. Without `--images`, faces are rendered onto larger backgrounds into `_bench/photos_250`."""

import argparse, json, os, resource, statistics, subprocess, sys, time
from pathlib import Path

HERE = Path("_bench")


def environment(name="facenet", packages=("facenet-pytorch",), options=("--no-deps",)):
    "The python of a throw-away environment, made if it is missing: the packages, and behind them what the running environment has. RuntimeError if they cannot be installed"
    folder = HERE / name
    python = folder / "bin" / "python"
    if (folder / ".ready").exists():
        return python
    print(f"making {folder} ...", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    own = subprocess.check_output(
        [python, "-c", 'import sysconfig; print(sysconfig.get_path("purelib"))'], text=True
    ).strip()
    here = subprocess.check_output(
        [sys.executable, "-c", 'import sysconfig; print(sysconfig.get_path("purelib"))'], text=True
    ).strip()
    done = subprocess.run(
        [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *options,
            *packages,
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(packages)} cannot be installed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
        )
    Path(own, "same_torch.pth").write_text(here + "\n")
    (folder / ".ready").touch()
    return python


def photographs(folder, n, side=250, face=128):
    "Up to `n` image files; without a folder, rendered faces of `face` pixels in the middle of pictures of `side` pixels"
    if folder:
        return sorted(
            str(p) for p in Path(folder).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png")
        )[:n]
    import cv2, numpy as np
    from fer_course.faces import Renderer, sample

    out, border = HERE / f"photos_{side}", (side - face) // 2
    out.mkdir(parents=True, exist_ok=True)
    for start in range(0, n, 16):
        if (out / f"{min(start + 16, n) - 1:04}.png").exists():
            continue
        for i, drawn in enumerate(
            Renderer(face, "cpu").render(sample(min(16, n - start), seed=7, start=start)).images
        ):
            wide = cv2.copyMakeBorder(
                drawn, *[border] * 4, cv2.BORDER_REPLICATE
            )  # a mirrored border would show half faces
            cv2.imwrite(str(out / f"{start + i:04}.png"), np.ascontiguousarray(wide[..., ::-1]))
    return sorted(map(str, out.glob("*.png")))[:n]


def detect(name, files, device, threads):
    "One run in this process: seconds, peak memory in MiB above the start, detections"
    import numpy as np, torch
    from PIL import Image

    torch.set_num_threads(threads)
    images = [np.asarray(Image.open(f).convert("RGB")) for f in files]
    if name == "ours":
        from fer_course.align import MTCNN

        detector = MTCNN(device)
        look = lambda batch: [(f.boxes.tolist(), f.scores.tolist()) for f in detector.detect(batch)]
    else:
        from facenet_pytorch import MTCNN

        detector = MTCNN(
            image_size=160,
            min_face_size=20,
            thresholds=[0.6, 0.7, 0.7],
            factor=0.709,
            post_process=False,
            keep_all=True,
            device=device,
        )

        def look(batch):
            groups, found = {}, [None] * len(batch)  # it batches images of one size, and so do we
            for i, image in enumerate(batch):
                groups.setdefault(image.shape, []).append(i)
            for members in groups.values():
                for start in range(0, len(members), 16):
                    part = members[start : start + 16]
                    boxes, scores = detector.detect([batch[i] for i in part])
                    for i, b, s in zip(part, boxes, scores):
                        found[i] = (
                            ([], [])
                            if b is None
                            else (np.asarray(b, float).tolist(), np.asarray(s, float).tolist())
                        )
            return found

    look(images[:4])
    base, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    found = look(images)
    return dict(
        seconds=time.perf_counter() - start,
        memory=(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024,
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        found=found,
    )


def overlap(a, b):
    "Intersection over union of two boxes"
    w, h = (max(0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    area = lambda q: (q[2] - q[0]) * (q[3] - q[1])
    return w * h / (area(a) + area(b) - w * h)


def agreement(a, b, sure=0.9):
    "Share of a's sure faces that b finds too, with an overlap above one half"
    pairs = [
        any(overlap(box, other) > 0.5 for other in there[0])
        for here, there in zip(a, b)
        for box, score in zip(*here)
        if score > sure
    ]
    return sum(pairs), len(pairs)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images")
    parser.add_argument("--n", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--child", choices=("ours", "facenet"))
    args = parser.parse_args()
    if args.child:
        return print(
            json.dumps(detect(args.child, json.load(sys.stdin), args.device, args.threads))
        )
    try:
        other = environment()
    except RuntimeError as error:
        sys.exit(f"not measured: {error}")
    files, runs = photographs(args.images, args.n), dict(ours=[], facenet=[])
    if not files:
        sys.exit(f"{args.images}: no image found. Remedy: give a folder with jpg or png files.")
    for _ in range(args.rounds):
        for name, python in (("ours", sys.executable), ("facenet", other)):
            command = [
                python,
                __file__,
                "--child",
                name,
                "--device",
                args.device,
                "--threads",
                str(args.threads),
            ]
            done = subprocess.run(
                command,
                input=json.dumps(files),
                text=True,
                capture_output=True,
                env={**os.environ, "PYTHONPATH": "."},
            )
            if done.returncode:
                sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    speed = {
        name: len(files) / statistics.median(r["seconds"] for r in rs) for name, rs in runs.items()
    }
    ratios = [f["seconds"] / o["seconds"] for o, f in zip(runs["ours"], runs["facenet"])]
    for name, rs in runs.items():
        print(
            f"{name:8} {speed[name]:7.1f} images/s   peak memory {max(r['peak'] for r in rs):6.0f} MiB, of which detection added {max(r['memory'] for r in rs):5.0f}"
        )
    print(
        f"ratio of the speeds, pair by pair: {', '.join(f'{r:.2f}' for r in ratios)}; median {statistics.median(ratios):.2f} (bar: 1.5)"
    )
    a, b = runs["ours"][0]["found"], runs["facenet"][0]["found"]
    for x, y, text in (
        (a, b, "our faces that facenet-pytorch finds"),
        (b, a, "its faces that we find"),
    ):
        hit, n = agreement(x, y)
        print(f"{text}: {hit} of {n}")


if __name__ == "__main__":
    main()
