"""How long the first line of the course takes.

    python benchmarks/start.py [--rounds 9]

The start of the interpreter alone, `import fer_course`, `fer-course --help` and
`import fer_course.app.main_job`, in turn, each in a fresh process: medians, and the time that each
adds to the bare interpreter. Bars: `import fer_course` adds less than 0.3 s, and the first three do
not load torch.
"""

import subprocess, sys, time
from functools import partial
import bench
from bench import in_turn, row
from options import median

HELP = """
from fer_course.app.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
"""
CODES = {  # name -> code, bar of the seconds that it adds, bar of loading torch (0 = not)
    "python alone": ("pass", None, 0),
    "import fer_course": ("import fer_course", 0.3, 0),
    "fer-course --help": (HELP, None, 0),
    "import fer_course.app.main_job": ("import fer_course.app.main_job", None, None),
}
LOADS_TORCH = 10  # exit status


def run_code(code):
    "Run code in a fresh process; return its seconds and whether it loaded torch."
    code += f"\nimport sys; sys.exit({LOADS_TORCH} if 'torch' in sys.modules else 0)"
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, LOADS_TORCH):
        sys.exit(f"this code failed with status {done.returncode}:\n{code}")
    return dict(seconds=seconds, torch=done.returncode == LOADS_TORCH)


def first_line(given):
    "Yield the rows on each way to start."
    sides = [partial(run_code, code) for code, *_ in CODES.values()]
    results = in_turn(given.rounds, *sides)
    bare = median(results[0])
    for (name, (_, bar, torch_bar)), found in zip(CODES.items(), results):
        seconds = median(found)
        rounds = [round(result["seconds"], 2) for result in found]
        yield row(f"{name}: time", seconds, "s", rounds=rounds)
        if found is not results[0]:
            yield row(f"{name}: added to python alone", seconds - bare, "s", at_most=bar)
        loads = float(found[0]["torch"])
        yield row(f"{name}: imports of torch", loads, "imports", at_most=torch_bar)


def options(parser):
    "Set the number of rounds."
    parser.set_defaults(rounds=9)


if __name__ == "__main__":
    bench.main(__doc__, dict(start=first_line), options=options)
