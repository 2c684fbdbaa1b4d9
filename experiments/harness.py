"""What the experiments share: training runs that resume, one results file, one command line.

An experiment declares its `runs` (a row of the comparison and a seed each), how one run is trained,
and how its answers are scored. The harness does the rest: finished runs are skipped, so the same
command continues after any interruption; several runs train side by side, one thread each; the
results are written after every seed into OUT/<name>.json and, with --results, into the file that
the lesson reads, together with the command that makes them.

    EXPERIMENT = Experiment(
        name="balancing", description=__doc__, runs=runs, train=train, results=results
    )
    if __name__ == "__main__":
        EXPERIMENT.main()
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # runs train side by side, one thread each

import argparse, shlex, subprocess, sys, time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
import numpy as np
from fer_course.core.cache import read_kept, write_kept
from fer_course.core.errors import CourseError
from fer_course.core.files import as_json, fingerprint, make_folder, write_json
from fer_course.core.parallel import end_with_parent
from fer_course.core.terminal import progress

ANSWERS = "answers.npz"
MEANING = 1  # version of the expressions that the results in nbs/results were made with


@dataclass(frozen=True)
class Run:
    "One training run: a row of the comparison, a seed, and all that its result depends on."

    row: str  # name of what is compared, such as "class weights"
    seed: int
    settings: dict = field(default_factory=dict)  # other settings are another run

    def folder(self, out: str | Path) -> Path:
        "Return the folder of the run; its name holds row, seed and a fingerprint of the settings."
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in self.row)
        mark = fingerprint(as_json(self.settings))[:8]
        return Path(out) / "runs" / f"{name}-seed{self.seed}-{mark}"

    def finished(self, out: str | Path) -> bool:
        "Return whether the answers of the run are stored."
        return (self.folder(out) / ANSWERS).exists()

    def answers(self, out: str | Path) -> dict:
        "Return the stored arrays of a finished run, name -> array."
        return read_kept(self.folder(out) / ANSWERS)


def train_and_store(train: Callable, out: str | Path, run: Run) -> None:
    "Train one run and store its answers and CPU seconds in one piece."
    import torch

    torch.set_num_threads(1)
    folder = make_folder(run.folder(out))
    start = time.process_time()
    answers = train(out, run)
    seconds = np.array(time.process_time() - start)
    write_kept(folder / ANSWERS, {"seconds": seconds} | answers)


def side_by_side(
    work: Callable,  # a function of a module, so that processes can find it
    tasks: Iterable,  # tuples of its arguments
    *,
    workers: int = 1,  # processes; 1 = this one
    label: str = "",  # of the progress bar
) -> None:
    "Call `work` on every task, in several processes; the first error cancels the rest."
    tasks = list(tasks)
    if workers < 2 or len(tasks) < 2:
        for task in progress(tasks, label=label):
            work(*task)
        return
    pool = ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=end_with_parent, initargs=(os.getpid(),)
    )
    try:
        futures = [pool.submit(work, *task) for task in tasks]
        for future in progress(as_completed(futures), len(futures), label):
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def train_all(train: Callable, out: str | Path, runs: Iterable, *, workers: int, label: str):
    "Train the runs that are not finished."
    pending = [(train, out, run) for run in runs if not run.finished(out)]
    side_by_side(train_and_store, pending, workers=workers, label=label)


def command_of(
    name: str, arguments: argparse.Namespace, hidden: Iterable = ("out", "real", "pseudo")
) -> str:
    "Return the command that was typed, without the names of this machine's folders."
    names = {str(getattr(arguments, key, None)): key.upper() for key in hidden}
    words = [names.get(word, word) for word in sys.argv[1:]]
    return " ".join([f"python experiments/{name}.py", *map(shlex.quote, words)])


def commit_of(folder: str | Path = Path(__file__).parent) -> str | None:
    "Return the commit of the code, with `+` if a script or the library was changed since."

    def git(*words):
        found = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
        )
        return found.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", ".", "../fer_course")
        return git("rev-parse", "--short=12", "HEAD") + "+" * bool(changed)
    except (OSError, subprocess.CalledProcessError):
        return None  # no git, or a copy of the code without its history


def readable(settings: dict) -> dict:
    "Return settings for a results file: numbers and text as they are, objects as their `repr`."
    plain = (int, float, str, type(None))
    return {key: v if isinstance(v, plain) else repr(v) for key, v in settings.items()}


@dataclass(frozen=True, kw_only=True)
class Experiment:
    "One comparison: rows, seeds, command, results file; a stopped experiment continues."

    name: str  # of the script and of the results file
    description: str  # docstring of the script: question, method, what is written, licence
    runs: Callable  # (arguments, seed) -> the `Run`s of a seed
    train: Callable  # (out, run) -> {name: array}, the answers that the scores are made from
    results: Callable  # (arguments, finished runs) -> dict for the results file
    show: Callable = lambda results: None  # prints a short table
    prepare: Callable = lambda arguments: None  # makes what all runs share, once
    options: Callable = lambda parser: None  # adds the experiment's own arguments
    seeds: tuple = (0, 1, 2)

    def parser(self) -> argparse.ArgumentParser:
        "Return the command line of the experiment."
        parser = argparse.ArgumentParser(
            description=self.description, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument("--out", required=True, help="folder of the experiment")
        parser.add_argument(
            "--seeds",
            type=int,
            nargs="+",
            default=list(self.seeds),
            help="one run of each row for each seed (default: %(default)s)",
        )
        parser.add_argument("--workers", type=int, default=1, help="runs side by side")
        parser.add_argument("--results", help="write the results into this file, too")
        self.options(parser)
        return parser

    def write(self, arguments: argparse.Namespace, runs: list) -> dict:
        "Score the finished runs, write the results file, and return the results."
        out = Path(arguments.out)
        results = self.results(arguments, [run for run in runs if run.finished(out)])
        made = dict(command=command_of(self.name, arguments), commit=commit_of())
        results = made | dict(time=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())) | results
        for path in (out / f"{self.name}.json", arguments.results):
            if path:
                write_json(path, results)
        return results

    def run(self, arguments: argparse.Namespace) -> dict:
        "Train seed by seed; write the results after each seed, and return them."
        out = make_folder(arguments.out)
        self.prepare(arguments)
        every = {seed: list(self.runs(arguments, seed)) for seed in arguments.seeds}
        results = {}
        for seed, runs in every.items():
            label = f"seed {seed}"
            train_all(self.train, out, runs, workers=arguments.workers, label=label)
            results = self.write(arguments, [run for group in every.values() for run in group])
        return results

    def main(self) -> None:
        "Run the experiment from the command line."
        arguments = self.parser().parse_args()
        os.environ.setdefault("FER_PROGRESS", "1")
        try:
            self.show(self.run(arguments))
        except CourseError as error:
            sys.exit(str(error))
