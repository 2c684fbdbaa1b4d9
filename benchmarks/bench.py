"""What the benchmarks share: jobs in fresh processes, paired rounds, rows with bars.

A benchmark is a script with *jobs* and *parts*. A job is a function from a dict to a dict of
numbers. It runs in a process of its own, so that no cache or thread of an earlier job helps it. A
part yields rows; a row is a measured value with its bars. Both sides of a ratio run in turn,
A B A B, and the median of the ratios, pair by pair, is compared with the bar: a busy machine slows
both sides.
"""

import argparse, json, math, os, platform, statistics, subprocess, sys, time
from pathlib import Path

WORK = Path("_bench")  # what is worth keeping between two runs: images, environments of peers


def row(
    what: str,  # what was measured
    value: float | None,  # None = it could not be measured
    unit: str,  # "" = the row is a remark
    *,
    at_least: float | None = None,  # bar from below
    at_most: float | None = None,  # bar from above
    **facts,  # shown beside it: note, rounds, ...
) -> dict:  # with `reached`: True, False, or None without a bar
    "Return a measured value with its bars."
    reached = None
    if value is not None and (at_least is not None or at_most is not None):
        above = at_least is None or value >= at_least
        below = at_most is None or value <= at_most
        reached = above and below
    bars = dict(at_least=at_least, at_most=at_most, reached=reached)
    return dict(what=what, value=value, unit=unit) | bars | facts


def in_turn(
    rounds: int,  # how often each side runs
    *sides,  # functions without arguments
) -> list:  # one list of results for each side
    "Run the sides A B A B and return the results of each."
    results = [[] for _ in sides]
    for _ in range(rounds):
        for side, found in zip(sides, results):
            found.append(side())
    return results


def ratio(
    above: list,  # results of one side, dicts
    below: list,  # results of the other side, in the same order
    *,
    key: str = "seconds",  # which number of the results
    each: tuple = (1, 1),  # images that each side worked on
) -> dict:  # value = median of the ratios, rounds = the ratios
    "Return how many times as large a number is on one side, pair by pair."
    ratios = [(a[key] / each[0]) / (b[key] / each[1]) for a, b in zip(above, below)]
    return dict(value=statistics.median(ratios), rounds=[round(r, 2) for r in ratios])


def mean_ratio(
    above: list,  # results of one side, dicts
    below: list,  # results of the other side, in the same order
    *,
    key: str = "seconds",  # which number of the results
) -> dict:  # value, low, high (None for one pair), rounds
    """Return the geometric mean of the ratios, pair by pair, with a 95% interval over pairs.

    The interval is that of Student's t for the logarithms of the ratios.
    """
    from scipy.stats import t

    ratios = [a[key] / b[key] for a, b in zip(above, below)]
    logs = [math.log(r) for r in ratios]
    middle, n = statistics.mean(logs), len(logs)
    found = dict(value=math.exp(middle), low=None, high=None)
    if n > 1:
        half = t.ppf(0.975, n - 1) * statistics.stdev(logs) / n**0.5
        found |= dict(low=math.exp(middle - half), high=math.exp(middle + half))
    return found | dict(rounds=[round(r, 2) for r in ratios])


def rate(results: list) -> float:
    "Return images per second from results whose `seconds` are for one image."
    return 1 / statistics.median(r["seconds"] for r in results)


def start_job(
    script: str,  # `__file__` of the benchmark
    job: str,  # name of the job
    *,
    python: str = sys.executable,  # of another environment, for peers
    threads: int | None = None,  # OpenMP and MKL threads; None = as the system has it
    environment: dict | None = None,  # further variables
    **given,  # what the job gets; paths become str
) -> subprocess.Popen:
    "Start a job in a process of its own."
    variables = {**os.environ, "PYTHONPATH": ".", "FER_PROGRESS": "0", **(environment or {})}
    if threads is not None:
        given["threads"] = threads
        variables |= dict(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    process = subprocess.Popen(
        [str(python), "-W", "ignore", script, "--job", job],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=variables,
    )
    process.stdin.write(json.dumps(given | dict(began=time.time()), default=str))
    process.stdin.close()
    process.stdin = None  # communicate() would flush it
    return process


def finish_job(process: subprocess.Popen) -> dict:
    "Wait for a job and return its result; end this program with the job's error if it failed."
    output, error = process.communicate()
    if process.returncode:
        sys.exit(f"{process.args[-1]} failed with status {process.returncode}:\n{error[-3000:]}")
    return json.loads(output.strip().splitlines()[-1])


def run_job(script: str, job: str, **given) -> dict:
    "Run one job in a process of its own; arguments as `start_job`."
    return finish_job(start_job(script, job, **given))


def processor() -> str:
    "Return the name of the processor."
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def machine() -> str:
    "Return what computes: processor, cores, GPU, PyTorch, and how busy the machine was before."
    import torch

    parts = [processor(), f"{os.cpu_count()} CPUs"]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    parts += [f"torch {torch.__version__}", f"load before {os.getloadavg()[0]:.1f}"]
    return ", ".join(parts)


def shown(found: dict) -> str:
    "Return a row as one line of text."
    words = [f"{found['what']:76}"]
    if found["unit"]:
        words.append(f"{found['value']:10.4g} {found['unit']:8}")
    for key in ("at_least", "at_most"):
        if found[key] is not None:
            words.append(f"{key.replace('_', ' ')} {found[key]}:")
    if found["reached"] is not None:
        words.append("reached" if found["reached"] else "NOT reached")
    if found.get("low") is not None:
        words.append(f"95% interval {found['low']:.3f} to {found['high']:.3f}")
    if "rounds" in found:
        words.append(f"rounds {found['rounds']}")
    words.append(str(found.get("note", "")))
    return " ".join(words).rstrip()


def measure(given: argparse.Namespace, parts: dict) -> list:
    "Run the chosen parts, print each row when it is known, and return the rows."
    rows = []
    for name in given.only:
        for found in parts[name](given):
            rows.append(found)
            print(shown(found), flush=True)
    return rows


def main(
    description: str,  # the docstring of the benchmark
    parts: dict,  # name -> generator of rows, called with the arguments
    *,
    jobs: dict | None = None,  # name -> function from a dict to a dict
    options=None,  # called with the parser, adds the benchmark's own arguments
) -> None:
    "Run a benchmark from the command line: all parts, some of them, or one job."
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts), help="some parts")
    parser.add_argument("--rounds", type=int, default=3, help="times that each side runs")
    parser.add_argument("--results", help="write the rows into this JSON file, too")
    parser.add_argument("--job", choices=jobs or {}, help=argparse.SUPPRESS)
    if options:
        options(parser)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(jobs[given.job](json.load(sys.stdin))))
        return
    WORK.mkdir(exist_ok=True)
    computer = machine()
    print(computer)
    rows = measure(given, parts)
    if given.results:
        from fer_course.core.files import write_json

        command = f"python benchmarks/{Path(sys.argv[0]).name} {' '.join(sys.argv[1:])}".strip()
        measured = [found for found in rows if found["unit"]]
        write_json(given.results, dict(command=command, machine=computer, rows=measured))
