"""What the benchmarks share beside `bench`: arguments and toy sizes.

With --toy a benchmark runs in seconds, to try the command: few images, jobs in the same process,
nothing installed, no bars of speed or memory. Its numbers mean nothing.
"""

import argparse, json, os, statistics
from functools import partial
from pathlib import Path
from bench import WORK, run_job


def common_options(parser: argparse.ArgumentParser) -> None:
    "Add the arguments that several benchmarks have."
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="PyTorch's threads")
    parser.add_argument("--toy", action="store_true", help="toy sizes, to try the command")
    parser.add_argument(
        "--work", type=Path, default=WORK, help="folder of images and environments that are kept"
    )


def unless_toy(
    given: argparse.Namespace,  # the arguments
    value: object,  # a bar, or the size of a measurement
    *,
    toy: object = None,  # None = no bar
) -> object:
    "Return a bar or a size, or its value for toy sizes."
    return toy if given.toy else value


def job_runner(
    given: argparse.Namespace,  # the arguments
    script: str,  # `__file__` of the benchmark
    *,
    jobs: dict,  # name -> function from a dict to a dict
) -> partial:  # run(job, **values) -> the result
    """Return a function that runs a job in a process of its own and returns its result.

    A toy job runs in this process, because the start of a process takes longer than the job. A job
    for the Python of a different environment always has its own process.
    """
    if given.toy:
        return partial(_run_toy_job, script, jobs)
    return partial(run_job, script)


def _run_toy_job(script, jobs, job, *, python=None, environment=None, **values):
    "Run a job here, with values that went through JSON as they do between processes."
    if python:
        return run_job(script, job, python=python, environment=environment, **values)
    values = json.loads(json.dumps(values, default=str))
    return json.loads(json.dumps(jobs[job](values)))


def median(
    results: list,  # dicts
    key: str = "seconds",  # which number of the results
) -> float:
    "Return the median of a number over the results."
    return statistics.median(result[key] for result in results)
