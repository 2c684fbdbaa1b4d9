"""Time and memory of `fer-course bias` on two large prepared sets.

    python benchmarks/bias.py [--images 50000] [--toy]

Two prepared folders hold half of the images each (random pixels, 112 x 112), with labels of
expressions and action units, and 10,000 people. The command then measures everything except
--transfer. Its whole process tree must stay below 2 GiB and end within a minute. CPU seconds are
shown beside the time, since other programs slow the time and not the work. The folders are removed.
"""

import resource, shutil, sys
from pathlib import Path
import bench
import numpy as np
from bench import row
from memory import LIMIT, peak_memory
from options import common_options, unless_toy

SECONDS = 60
PEOPLE = 10_000
SIDE = 112
CHUNK = 1000  # images written at a time


def prepared_set(folder, n, *, seed):
    "Write a prepared folder of n images of noise with labels of 7 expressions and 21 units."
    import pandas as pd
    from fer_course.core.files import write_json, write_table
    from fer_course.core.packed import write_packed
    from fer_course.data import make_manifest
    from fer_course.facs import SEVEN, au_columns

    rng = np.random.default_rng(seed)
    expressions = rng.integers(0, len(SEVEN), n)
    # as in labelled sets: an expression shows about a fifth of the units, and others rarely
    chances = np.where(rng.random((len(SEVEN), len(au_columns()))) < 0.2, 0.7, 0.03)
    table = pd.DataFrame(
        (rng.random((n, len(au_columns()))) < chances[expressions]).astype("float32"),
        columns=au_columns(),
    )
    people = rng.integers(0, PEOPLE // 2, n)
    table["image"] = [f"{i:06}.jpg" for i in range(n)]
    table["expression"] = np.array(SEVEN, dtype=object)[expressions]
    table["subject"] = [f"p{person}" for person in people]
    table["sha1"] = [f"{seed}-{i}" for i in range(n)]
    table["split"] = "train"
    pieces = (_noise(rng, min(CHUNK, n - start)) for start in range(0, n, CHUNK))
    write_packed(folder / "images.npy", (n, SIDE, SIDE, 3), pieces=pieces)
    write_json(folder / "prepare.json", dict(expressions=list(SEVEN), notes=[]))
    write_table(
        folder / "manifest.parquet", make_manifest(table, folder.name).assign(role="target")
    )
    return folder


def _noise(rng, n):
    "Return n images of random bytes."
    pixels = np.frombuffer(rng.bytes(n * SIDE * SIDE * 3), np.uint8)
    return pixels.reshape(n, SIDE, SIDE, 3)


def compare(given):
    "Yield the rows on time, memory and CPU seconds of one comparison."
    if not Path("/proc/self/smaps_rollup").exists():
        yield row("bias: not measured, this system has no /proc/PID/smaps_rollup", None, "")
        return
    n = unless_toy(given, given.images, toy=140)
    top = given.work / "bias"
    shutil.rmtree(top, ignore_errors=True)
    folders = [prepared_set(top / name, n // 2, seed=seed) for seed, name in enumerate(("a", "b"))]
    command = [sys.executable, "-m", "fer_course", "bias", *folders, "--out", top / "out"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    peaks = peak_memory([*command, "--device", "cpu"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(top)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    what = f"comparing two sets, {n:,} images in all"
    yield row(f"{what}: time", peaks["seconds"], "s", at_most=unless_toy(given, SECONDS))
    yield row(f"{what}: CPU time", spent, "s")
    yield row(f"{what}: peak memory", peaks["tree"], "MiB", at_most=unless_toy(given, LIMIT))


def options(parser):
    "Add all arguments."
    common_options(parser)
    parser.add_argument("--images", type=int, default=50_000, help="images of both sets together")


if __name__ == "__main__":
    bench.main(__doc__, dict(compare=compare), options=options)
