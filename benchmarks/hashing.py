"""SHA-1 of the files of a folder, against sha1sum.

    python benchmarks/hashing.py [--rounds 3] [--toy]

`fer_course.core.files.digests` against `find | xargs sha1sum`, which is one process; a second row
gives it two (`-P2`). Both list the folder themselves. The start of Python is not counted, that of
`sha1sum` is (about a millisecond). 20,000 files of 4 kB, the size of a small face, and 64 of 8 MB;
the system has them in its cache. CPU seconds show how busy the machine was with other programs.
"""

import hashlib, os, resource, subprocess, time
import bench
from bench import in_turn, ratio, row
from inputs import random_files
from options import common_options, job_runner, median, unless_toy


def digest_of(lines):
    "Return one digest of the lines of a listing, to compare listings."
    return hashlib.sha1("\n".join(lines).encode()).hexdigest()


def course_digests(given):
    "Digest the files of a folder with the course."
    from fer_course.core.files import digests

    start = time.perf_counter()
    cpu_start = time.process_time()
    paths = []
    for folder, _, names in os.walk(given["folder"]):
        paths += [os.path.join(folder, name) for name in names]
    found = dict(zip(paths, digests(paths)))
    seconds = time.perf_counter() - start
    cpu_seconds = time.process_time() - cpu_start
    listing = digest_of(f"{found[path]}  {path}" for path in sorted(found))
    return dict(seconds=seconds, cpu_seconds=cpu_seconds, listing=listing)


def cpu_seconds_of_children():
    "Return the CPU seconds of all child processes that have ended."
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def sha1sum_digests(given):
    "Digest the files of a folder with find, xargs and sha1sum."
    start = time.perf_counter()
    cpu_start = cpu_seconds_of_children()
    find = subprocess.Popen(
        ["find", given["folder"], "-type", "f", "-print0"], stdout=subprocess.PIPE
    )
    done = subprocess.run(
        ["xargs", "-0", *given["options"], "sha1sum"],
        stdin=find.stdout,
        check=True,
        capture_output=True,
        text=True,
    )
    find.wait()
    seconds = time.perf_counter() - start
    cpu_seconds = cpu_seconds_of_children() - cpu_start
    lines = sorted(done.stdout.splitlines(), key=lambda line: line.split("  ", 1)[1])
    return dict(seconds=seconds, cpu_seconds=cpu_seconds, listing=digest_of(lines))


JOBS = dict(course_digests=course_digests, sha1sum_digests=sha1sum_digests)


def hash_files(given, name, *, n, size):
    "Yield the rows on n files of so many bytes."
    folder = random_files(given.work / f"{name}_files_{n}", n, size=size)
    run = job_runner(given, __file__, jobs=JOBS)

    def course():
        return run("course_digests", folder=folder)

    def one_process():
        return run("sha1sum_digests", folder=folder, options=["-P1"])

    def two_processes():
        return run("sha1sum_digests", folder=folder, options=["-P2", "-n", str(max(n // 8, 1))])

    course()  # the system's cache is warm
    ours, *others = in_turn(given.rounds, course, one_process, two_processes)
    for processes, other in enumerate(others, 1):
        cpu = ratio(ours, other, key="cpu_seconds")["value"] if median(other, "cpu_seconds") else 0
        seconds = f"{median(ours):.3f} s against {median(other):.3f} s"
        yield row(
            f"SHA-1 of {n:,} {name} files, time over that of sha1sum -P{processes}",
            **ratio(ours, other),
            unit="times",
            at_most=unless_toy(given, 1.3) if processes == 1 else None,
            note=f"{seconds}; CPU seconds {cpu:.2f} times",
        )
    listings = {result["listing"] for side in (ours, *others) for result in side}
    same = float(len(listings) == 1)
    yield row(f"the same digests as sha1sum, {name} files", same, "share", at_least=1)


def scan(given):
    "Yield the rows on many small files and on few large ones."
    small = unless_toy(given, 20_000, toy=40)
    large = unless_toy(given, 64, toy=8)
    size = unless_toy(given, 8_000_000, toy=100_000)
    yield from hash_files(given, "small", n=small, size=4_000)
    yield from hash_files(given, "large", n=large, size=size)


if __name__ == "__main__":
    bench.main(__doc__, dict(scan=scan), jobs=JOBS, options=common_options)
