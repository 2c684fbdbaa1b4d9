"""Peak memory of `fer-course prepare` over many small images.

    python benchmarks/memory.py [--n 10000 100000] [--detect] [--toy]

The smallest number of images is prepared once with the detector, and all with landmarks given
(`--detect`: all with the detector). The proportional set size of the whole process tree, read ten
times a second, must stay below 2 GiB, also if the growth between the sizes goes on to 300,000.
"""

import os, shutil, subprocess, sys, tempfile, time
from pathlib import Path
import bench
from bench import row
from inputs import small_dataset
from options import common_options, unless_toy

LIMIT = 2048  # MiB
CARRIED_ON_TO = 300_000  # images


def process_tree(first):
    "Return the ids of a process and of all its descendants."
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            pass  # it has ended meanwhile
    found = [first]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def memory_field(process, file, name):
    "Return one line of a process's file in /proc in MiB, 0 if the process has ended."
    try:
        with open(f"/proc/{process}/{file}") as lines:
            for line in lines:
                if line.startswith(name):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


def peak_memory(command):
    """Return the peaks of a command: of its process tree, of its largest process, in MiB.

    Also the largest number of processes, and the seconds.
    """
    peaks = dict(tree=0, largest=0, processes=0)
    variables = {**os.environ, "PYTHONPATH": ".", "FER_PROGRESS": "0"}
    with tempfile.TemporaryFile("w+") as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=log, stderr=log, env=variables)
        while process.poll() is None:
            ids = process_tree(process.pid)
            now = dict(
                tree=sum(memory_field(i, "smaps_rollup", "Pss:") for i in ids),
                largest=max(memory_field(i, "status", "VmHWM") for i in ids),
                processes=len(ids),
            )
            peaks = {key: max(value, now[key]) for key, value in peaks.items()}
            time.sleep(0.1)
        if process.returncode:
            log.seek(0)
            sys.exit(f"{' '.join(map(str, command))} failed:\n{log.read()[-2000:]}")
        return peaks | dict(seconds=time.perf_counter() - start)


def prepare(given, n, *, detect):
    "Prepare n images in a process tree of its own; return the peaks and their row."
    out = given.work / "prepared"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "fer_course", "prepare"]
    command += ["--target", small_dataset(n, given.work), "--reader", "faces"]
    command += ["--auxiliary", "none", "--device", "cpu", "--out", out]
    if not detect:
        command += ["--landmarks", "given"]
    if given.toy:
        command += ["--workers", "0"]
    peaks = peak_memory(command)
    shutil.rmtree(out)
    how = "faces detected" if detect else "landmarks given"
    processes = f"{peaks['processes']} processes, the largest {peaks['largest']:.0f} MiB"
    seconds = peaks["seconds"]
    found = row(
        f"peak memory of preparing {n:,} images, {how}",
        peaks["tree"],
        "MiB",
        at_most=unless_toy(given, LIMIT),
        note=f"{processes}; {seconds:.0f} s, {n / seconds:.0f} images/s",
    )
    return peaks["tree"], found


def memory(given):
    "Yield the rows on the memory of each size, and on its growth."
    if not Path("/proc/self/smaps_rollup").exists():
        yield row("memory: not measured, this system has no /proc/PID/smaps_rollup", None, "")
        return
    sizes = sorted(unless_toy(given, given.n, toy=[20, 40]))
    if not given.detect:
        yield prepare(given, sizes[0], detect=True)[1]
    peaks = []
    for n in sizes:
        peak, found = prepare(given, n, detect=given.detect)
        peaks.append(peak)
        yield found
    if len(sizes) > 1:
        slope = (peaks[-1] - peaks[0]) / (sizes[-1] - sizes[0])
        large = peaks[-1] + slope * (CARRIED_ON_TO - sizes[-1])
        bar, limit = unless_toy(given, 40), unless_toy(given, LIMIT)
        yield row("growth for each further 10,000 images", slope * 10_000, "MiB", at_most=bar)
        yield row("carried on to 300,000 images", large, "MiB", at_most=limit)


def own_options(parser):
    "Add the arguments of this benchmark alone."
    sizes = [10_000, 100_000]
    parser.add_argument("--n", type=int, nargs="+", default=sizes, help="memory: images")
    parser.add_argument(
        "--detect", action="store_true", help="memory: detect all faces, which takes long"
    )


def options(parser):
    "Add all arguments."
    common_options(parser)
    own_options(parser)


if __name__ == "__main__":
    bench.main(__doc__, dict(memory=memory), options=options)
