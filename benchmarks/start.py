"""How long a student waits for the first line: bench_start.py [--rounds 9]

Start of the interpreter alone, `import fer_course`, `fer-course --help` and `import fer_course.app.main_job`, in turn in fresh processes; medians, and what each adds to
the bare interpreter. Bars: `import fer_course` adds less than 0.3 s, and torch is not loaded by the first three."""

import argparse, statistics, subprocess, sys, time

CODES = {
    "python alone": "pass",
    "import fer_course": "import fer_course",
    "fer-course --help": 'from fer_course.app.cli import main\ntry: main(["--help"])\nexcept SystemExit: pass',
    "import fer_course.app.main_job": "import fer_course.app.main_job",
}
TORCH = '\nimport sys; sys.exit("torch" in sys.modules)'


def seconds(code):
    "Time of a fresh process, and whether it loaded torch"
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code + TORCH], stdout=subprocess.DEVNULL)
    return time.perf_counter() - start, bool(done.returncode)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    times = {name: [] for name in CODES}
    for _ in range(args.rounds):
        for name, code in CODES.items():
            times[name].append(seconds(code))
    bare = statistics.median(t for t, _ in times["python alone"])
    for name, rounds in times.items():
        median = statistics.median(t for t, _ in rounds)
        print(
            f"{name:28}{median:7.3f} s   adds {median - bare:6.3f} s   {'loads torch' if rounds[0][1] else 'without torch'}"
        )


if __name__ == "__main__":
    main()
