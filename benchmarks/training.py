"""Training: speed and memory, side by side in one run.

    python benchmarks/training.py [--only step loop input processes busy start gpu] [--toy]
    python benchmarks/training.py --results nbs/results/bench_training.json

Both sides of a ratio do the same work. The jobs are in benchmarks/training_jobs.py.
* step: one training step of the preset `released` against the authors' network and step
  (benchmarks/plain_network.py). The course's network gets the very weights through `load_released`,
  and both must give the same logits. Peak memory is that of the whole process. A row of its own
  shows the step in bfloat16, as `fit(half=True)` runs it.
* loop: `fit` as the main job runs it on `small` (batches of 48, Adam, the paper's augmentation),
  images a second of the epochs after the first, and what the loop costs over the bare step.
* input: batches are read, normalised and augmented, and no network learns from them, against the
  bare step of the model.
* processes: `fit` in two processes with one thread each against one: `small`, the same batch, which
  the two share (gloo). Also two independent training runs side by side: the most that the machine
  allows, because virtual CPUs are often the two halves of one core.
* busy: `fit` with a thread a core while other programs keep every core busy: with the course's
  setting of PyTorch's threads (they soon sleep when they wait) and with that of the GNU library.
* start: from the start of `fer-course train` to the end of its first step, on a prepared folder of
  rendered faces.
* gpu: `fit` on `released` with loading, augmentation, validation and checkpoints, against the plain
  step in fp32 with its batch in GPU memory (of 256: 512 in fp32 would need most of 80 GB), and the
  share of the GPU's arithmetic that is used (bfloat16, without sparsity).

Prepared faces are kept in `_bench/`.
"""

import socket, subprocess, sys, tempfile
import torch
import fer_course  # noqa: F401, sets how PyTorch's threads wait, in the processes started here too
import bench
from bench import finish_job, in_turn, rate, ratio, row, run_job, start_job
from options import common_options, job_runner, median, unless_toy
from training_jobs import JOBS


def against(side, other):
    "Return two speeds as text."
    return f"{rate(side):.1f} images/s against {rate(other):.1f}"


def speeds(results):
    "Return the images per second of each round."
    return [round(1 / result["seconds"], 1) for result in results]


def step(given):
    "Yield the rows on one training step."
    run = job_runner(given, __file__, jobs=JOBS)
    logits = run("compare_logits", threads=given.threads, batch=unless_toy(given, 4, toy=1))
    difference = logits["difference"]
    text = "largest difference to the logits of the plain network"
    yield row(text, difference, "logit", at_most=1e-4)
    steps = unless_toy(given, given.steps, toy=1)
    batch = unless_toy(given, 8, toy=2)
    common = dict(threads=given.threads, batch=batch, steps=steps, device="cpu", toy=given.toy)
    course, plain, half = in_turn(
        given.rounds,
        lambda: run("course_step", preset="released", half=False, **common),
        lambda: run("plain_step", **common),
        lambda: run("course_step", preset="released", half=True, **common),
    )
    yield row(
        f"step of `released`, batch {batch}, {given.threads} cores: speed over the plain step",
        **ratio(plain, course),
        unit="times",
        at_least=unless_toy(given, 1.3),
        note=f"{rate(course):.2f} images/s against {rate(plain):.2f}",
    )
    yield row(
        "peak memory over that of the plain step",
        **ratio(course, plain, key="peak"),
        unit="times",
        at_most=unless_toy(given, 1.0),
        note=f"{median(course, 'peak'):.0f} MiB against {median(plain, 'peak'):.0f}",
    )
    yield row(
        "the same in bfloat16 (autocast): speed over the plain step",
        **ratio(plain, half),
        unit="times",
        note=f"{rate(half):.2f} images/s, peak {median(half, 'peak'):.0f} MiB",
    )


def loop(given):
    "Yield the rows on `fit` and `predict`."
    run = job_runner(given, __file__, jobs=JOBS)
    batch = unless_toy(given, 48, toy=4)
    n = 10 * batch
    common = dict(threads=given.threads, batch=batch, device="cpu", preset="small", toy=given.toy)
    steps = unless_toy(given, 20, toy=1)
    epochs = unless_toy(given, 4, toy=2)
    course, bare, predictions = in_turn(
        given.rounds,
        lambda: run("fit_epochs", n=n, epochs=epochs, **common),
        lambda: run("course_step", steps=steps, half=False, **common),
        lambda: run("predict_images", n=n, **common),
    )
    text = f"training `small` with `fit`, {given.threads} cores"
    bar = unless_toy(given, 120)
    yield row(text, rate(course), "img/s", at_least=bar, rounds=speeds(course))
    note = f"bare step {rate(bare):.1f} images/s (SGD)"
    yield row(
        "time of that loop over the bare step", **ratio(course, bare), unit="times", note=note
    )
    yield row("prediction with `small`", rate(predictions), "img/s")


def input_alone(given):
    "Yield the row on the input pipeline."
    run = job_runner(given, __file__, jobs=JOBS)
    cuda = given.device.startswith("cuda")
    preset, batch = ("released", 512) if cuda else ("small", 48)
    batch = unless_toy(given, batch, toy=4)
    steps = unless_toy(given, 20, toy=1)
    common = dict(threads=given.threads, batch=batch, device=given.device, toy=given.toy)
    feed, bare = in_turn(
        given.rounds,
        lambda: run("read_batches", n=batch * steps, **common),
        lambda: run("course_step", steps=steps, half=cuda, preset=preset, **common),
    )
    yield row(
        f"input pipeline alone over what `{preset}` consumes ({given.device})",
        **ratio(bare, feed),
        unit="times",
        at_least=unless_toy(given, 2) if cuda else None,
        note=f"{rate(feed):.0f} images/s against {rate(bare):.0f}",
    )


def run_side_by_side(given, job, *, each):
    "Run a job for each dict of values at the same time, one thread each; toy jobs one by one."
    if given.toy:
        return [JOBS[job](values) for values in each]
    started = [start_job(__file__, job, threads=1, **values) for values in each]
    return [finish_job(process) for process in started]


def train_together(given, world, **values):
    "Train in several processes that share the batches."
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        values["port"] = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as out:
        values |= dict(world=world, out=f"{out}/run")
        each = [values | dict(rank=rank) for rank in range(world)]
        results = run_side_by_side(given, "fit_rank", each=each)
    return dict(seconds=max(result["seconds"] for result in results))


def train_independently(given, runs, **values):
    "Train several networks side by side that share nothing; return the seconds for one image."
    results = run_side_by_side(given, "fit_epochs", each=[values] * runs)
    return dict(seconds=max(result["seconds"] for result in results) / runs)


def compare_processes(given, batch, *, bar):
    "Yield the rows on two processes with batches of this size."
    n = unless_toy(given, 960, toy=2 * batch)
    epochs = unless_toy(given, 3, toy=2)
    common = dict(epochs=epochs, device="cpu", preset="small", toy=given.toy)
    shared = dict(n=n, batch=batch) | common
    halves = dict(n=n // 2, batch=batch // 2) | common
    two = unless_toy(given, 2, toy=1)  # toy processes run one by one and could not meet
    one, *sides = in_turn(
        given.rounds,
        lambda: train_together(given, 1, **shared),
        lambda: train_together(given, two, own_norms=True, **shared),
        lambda: train_together(given, two, **shared),
        lambda: train_independently(given, two, **halves),
    )
    texts = (
        f"two processes over one, one thread each, batches of {batch} in all, own norms",
        "the same with shared norms, with which two processes train exactly as one",
        "two independent training runs over one: the most that this machine allows",
    )
    for text, side, at_least in zip(texts, sides, (bar, None, None)):
        note = against(side, one)
        yield row(text, **ratio(one, side), unit="times", at_least=at_least, note=note)


def processes(given):
    "Yield the rows on two processes."
    if given.toy:
        yield from compare_processes(given, 4, bar=None)
        return
    yield from compare_processes(given, 48, bar=1.7)
    yield from compare_processes(given, 96, bar=None)


def busy(given):
    "Yield the row on training beside busy programs."
    run = job_runner(given, __file__, jobs=JOBS)
    n, batch, epochs = unless_toy(given, (240, 48, 3), toy=(8, 4, 2))
    common = dict(n=n, batch=batch, epochs=epochs, threads=given.threads, device="cpu")
    common |= dict(preset="small", toy=given.toy)
    spin = dict(GOMP_SPINCOUNT="300000")  # the GNU library's default
    spinning = [sys.executable, "-c", "while True: pass"]
    programs = [subprocess.Popen(spinning) for _ in range(given.threads)]
    try:
        course, default = in_turn(
            given.rounds,
            lambda: run("fit_epochs", **common),
            lambda: run("fit_epochs", environment=spin, **common),
        )
    finally:
        for program in programs:
            program.kill()
    beside = f"training beside {given.threads} busy programs, {given.threads} threads"
    text = f"{beside}: speed over that of threads that spin"
    yield row(text, **ratio(default, course), unit="times", note=against(course, default))


def prepared_faces(given):
    "Return a prepared folder of rendered faces, made if missing."
    from fer_course.app import prepare
    from fer_course.faces import FaceSet, render_dataset

    n = unless_toy(given, 420, toy=21)
    faces = given.work / f"faces_to_prepare_{n}"
    prepared = given.work / f"prepared_faces_{n}"
    if not (prepared / "manifest.parquet").exists():
        render_dataset(faces, like=FaceSet(n=n, size=112), device="cpu")
        prepare(
            faces,
            prepared,
            reader="faces",
            auxiliary="none",
            landmarks="given",
            workers=unless_toy(given, None, toy=0),
        )
    return prepared.absolute()


def first_step(given):
    "Yield the row on the start of a training run."
    prepared = prepared_faces(given)

    def once():
        with tempfile.TemporaryDirectory() as out:
            values = dict(threads=given.threads, prepared=prepared, out=f"{out}/run")
            return run_job(__file__, "first_step", **values)

    if not given.toy:
        once()  # files are in the system's cache
    (results,) = in_turn(given.rounds, once)
    yield row(
        "from the start of `fer-course train` to the end of its first step",
        median(results),
        "s",
        at_most=unless_toy(given, 15),
        rounds=[round(result["seconds"], 1) for result in results],
    )


def gpu(given):
    "Yield the rows on a GPU."
    from gpu import LSD_TRAINING, PEAK, flop_per_image

    if not torch.cuda.is_available():
        yield row("training on a GPU: not measured, there is no GPU", None, "")
        return
    run = job_runner(given, __file__, jobs=JOBS)
    common = dict(threads=given.threads, device="cuda", preset="released", toy=given.toy)
    batch, n = unless_toy(given, (512, 512 * 40), toy=(4, 8))
    plain_batch, steps = unless_toy(given, (256, 10), toy=(2, 1))
    course, plain = in_turn(
        given.rounds,
        lambda: run("fit_epochs", batch=batch, n=n, epochs=4, **common),
        lambda: run("plain_step", batch=plain_batch, steps=steps, **common),
    )
    speed = rate(course)
    name = torch.cuda.get_device_name()
    note = f"277,251 images x 10 epochs in {LSD_TRAINING / speed / 60:.1f} minutes"
    bar = unless_toy(given, 6000)
    yield row(f"training `released` with `fit`, {name}", speed, "img/s", at_least=bar, note=note)
    yield row(
        "that over the plain step in fp32",
        **ratio(plain, course),
        unit="times",
        at_least=unless_toy(given, 5),
        note=f"{speed:.0f} images/s against {rate(plain):.0f}",
    )
    peak = next((value for key, value in PEAK.items() if key in name), None)
    if peak:
        flop = flop_per_image("released")
        note = f"{flop / 1e9:.1f} GFLOP an image, {peak / 1e12:.0f} TFLOP/s"
        yield row("model FLOP utilisation (bfloat16)", flop * speed / peak, "share", note=note)


PARTS = dict(
    step=step,
    loop=loop,
    input=input_alone,
    processes=processes,
    busy=busy,
    start=first_step,
    gpu=gpu,
)


def options(parser):
    "Add all arguments."
    common_options(parser)
    parser.add_argument("--steps", type=int, default=4, help="step: steps in a round")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parser.set_defaults(threads=2, device=device)  # the device of the part input


if __name__ == "__main__":
    bench.main(__doc__, PARTS, jobs=JOBS, options=options)
