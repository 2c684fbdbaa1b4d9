"""One prepared command of at most six minutes for the day when a GPU is at hand.

    python benchmarks/gpu.py --results gpu.json                     on a GPU
    python benchmarks/gpu.py --device cpu --toy --minutes 1         the same code, toy sizes

It needs torch, torchvision, timm, fastai, pandas, scikit-learn and scikit-image, but no dataset.
* render: rendered faces per second at 128 pixels, nothing written.
* plain: the authors' training step in fp32 (benchmarks/plain_network.py), its batch in GPU memory.
* train: `fit` on the presets `released` and `paper`, with loading, augmentation, loss, optimizer,
  validation and checkpoints; bfloat16 on a GPU. Speed over the plain step, and the share of the
  GPU's arithmetic that is used (model FLOP utilisation, bfloat16 without sparsity).
* input: the input pipeline alone, over what `released` consumes.

Parts that no longer fit into --minutes are left out and listed as not measured.
"""

import tempfile, time
import numpy as np
import pandas as pd
import torch
import fer_course  # noqa: F401, sets how PyTorch's threads wait
import bench
from bench import row
from plain_network import DEPTHS, plain_training_step, random_batch

BARS = dict(render=5000, released=6000, over_plain=5, input=2)  # on one H200
PEAK = dict(  # FLOP per second in bfloat16 without sparsity, of the makers' data sheets
    H200=989e12, H100=989e12, A100=312e12, L40S=362e12, L4=121e12
)
LSD_TRAINING = 277_251 * 10  # images of LSD's training set in ten epochs


def wait(device):
    "Wait until the device has done what it was given."
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def seconds_of(work, device):
    "Return the seconds that a function takes on the device."
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


def random_set(train, valid, size=112):
    "Return a manifest and packed random images, `train` and `valid` of them."
    from fer_course.facs import SEVEN, au_columns

    rng = np.random.default_rng(0)
    n = train + valid
    table = pd.DataFrame(dict(split=["train"] * train + ["valid"] * valid))
    table["expression"] = [SEVEN[i % 7] for i in range(n)]
    for column in au_columns():
        table[column] = rng.integers(0, 2, n).astype(float)
    return table, rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def flop_per_image(preset):
    "Return the floating point operations of a forward and backward pass for one image."
    from fer_course.models import create
    from torch.utils.flop_counter import FlopCounterMode

    model = create(preset).train()
    x = random_batch(2, "cpu")[0]
    with FlopCounterMode(display=False) as counter:
        sum(z.sum() for z in model(x)).backward()
    return counter.get_total_flops() / len(x)


def render(given):
    "Yield the row on rendered faces."
    from fer_course.faces import Renderer, sample

    renderer = Renderer(128, given.device)
    chunk = 4 if given.toy else 512
    parameters = sample(chunk * (2 if given.toy else 8))
    renderer.render(parameters[slice(0, chunk)])  # allocates

    def work():
        for start in range(0, len(parameters), chunk):
            renderer.render(parameters[slice(start, start + chunk)])

    speed = len(parameters) / seconds_of(work, given.device)
    bar = None if given.toy else BARS["render"]
    yield row("rendered faces, 128 px", speed, "faces/s", at_least=bar)


def plain(given):
    "Yield the row on the authors' step in fp32, and keep its speed for the ratio."
    batch, steps = (2, 1) if given.toy else (256, 10)
    depths = (1, 1, 1) if given.toy else DEPTHS
    step = plain_training_step(batch, given.device, depths=depths)
    step()  # allocates

    def work():
        for _ in range(steps):
            step()

    given.plain_speed = batch * steps / seconds_of(work, given.device)
    yield row("the authors' step in fp32, written plainly", given.plain_speed, "images/s")


def training_speed(preset, given):
    "Return the images per second of `fit`, all epochs but the first."
    from fer_course.models import AUCVT, configure, shallow
    from fer_course.train import fit

    config = configure(preset)
    batch, steps = 512, 24
    if given.toy:
        config = shallow(config)  # one block per stage
        batch, steps = 4, 2
    table, images = random_set(batch * steps, batch)
    with tempfile.TemporaryDirectory() as out:
        history = fit(
            AUCVT(config),
            table,
            images,
            out,
            epochs=3,
            batch_size=batch,
            optimizer="sgd",
            warmup=0.0,
            seed=0,
            device=given.device,
        )
    ends = history.seconds.to_numpy()[1:]
    return batch * steps / float(np.median(ends))


def train(given):
    "Yield the rows on training `released` and `paper`."
    name = torch.cuda.get_device_name() if given.device.startswith("cuda") else given.device
    peak = next((value for key, value in PEAK.items() if key in name), None)
    for preset in ("released", "paper"):
        speed = training_speed(preset, given)
        minutes = LSD_TRAINING / speed / 60
        note = "toy sizes" if given.toy else f"LSD, ten epochs: {minutes:.1f} minutes"
        bar = BARS["released"] if preset == "released" and not given.toy else None
        yield row(
            f"training `{preset}` with fit, {name}", speed, "images/s", at_least=bar, note=note
        )
        if preset == "released":
            given.released_speed = speed
            if given.plain_speed:
                times = speed / given.plain_speed
                bar = None if given.toy else BARS["over_plain"]
                yield row("that over the plain fp32 step", times, "times", at_least=bar)
        if peak:
            used = flop_per_image(preset) * speed / peak
            note = f"{flop_per_image(preset) / 1e9:.1f} GFLOP an image, {peak / 1e12:.0f} TFLOP/s"
            yield row(f"model FLOP utilisation of `{preset}`", used, "share", note=note)


def input_alone(given):
    "Yield the row on the input pipeline: batches that no network learns from."
    from fer_course.augment import PAPER
    from fer_course.train import Batches, labels

    batch, steps = (4, 2) if given.toy else (512, 40)
    table, images = random_set(batch * steps, 0)
    packed = images if given.device == "cpu" else torch.from_numpy(images).to(given.device)
    expression, units = labels(table)
    batches = Batches(
        packed,
        expression,
        action_units=units,
        target=range(len(table)),
        batch_size=batch,
        augment=PAPER,
        seed=0,
        device=given.device,
    )

    def work():
        for _ in batches:
            pass

    work()  # starts threads, fills caches
    speed = len(table) / seconds_of(work, given.device)
    yield row("input pipeline alone", speed, "images/s")
    if given.released_speed:
        bar = None if given.toy else BARS["input"]
        times = speed / given.released_speed
        yield row("that over what `released` consumes", times, "times", at_least=bar)


PARTS = dict(render=render, plain=plain, train=train, input=input_alone)


def within_time(part, name):
    "Return a part that is left out, and listed, if the time is used up."

    def limited(given):
        if time.time() - given.started > 60 * given.minutes:
            yield row(f"{name}: not measured, {given.minutes} minutes were used up", None, "")
            return
        yield from part(given)

    return limited


def options(parser):
    "Add this benchmark's own arguments."
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--toy", action="store_true", help="toy sizes, to try the command")
    parser.add_argument(
        "--minutes", type=float, default=6, help="no part begins later (default: 6)"
    )
    parser.set_defaults(started=time.time(), plain_speed=None, released_speed=None)


if __name__ == "__main__":
    limited = {name: within_time(part, name) for name, part in PARTS.items()}
    bench.main(__doc__, limited, options=options)
