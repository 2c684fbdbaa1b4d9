"""Training: the bars of speed and memory, side by side in one run.

    python tests/bench_training.py [--only step loop input processes busy start gpu] [--rounds 3] [--threads 2] [--device cpu] [--results FILE]

Both sides of a ratio do the same work in turn, A B A B, each in a fresh process; the medians of the ratios pair by pair are compared with the bars. Images are made up: speed does not ask what they show.
* step: one training step of the preset `released` against the authors' network and loop written out plainly (`Plain`, `plain_step`; what their code does stands in FORMATS of the course, section D): the same layers, fp32, the
  default layout of memory, attention as softmax(q k) v, SGD parameter by parameter, loss and accuracy asked for with `.item()` each step. The 51 million parameters that their checkpoint carries unused are left
  out, which is to their advantage. Ours gets the very weights through `load_released`, and both must give the same answers. Peak memory is that of the whole process. A row of its own shows ours in bfloat16, as `fit(half=True)` has it.
* loop: `fit` as the main job runs it on `small` (batches of 48, Adam, the paper's augmentation), images a second of the epochs after the first, and what the loop costs over the bare step.
* input: batches cut, normalised and augmented with nobody to learn from them, against the bare step of the model.
* processes: `fit` in two processes with one thread each against one: `small`, the same batch, which the two share (gloo); and two trainings side by side that share nothing, the most that the machine allows (virtual CPUs are often the two halves of one core).
* busy: `fit` with a thread a core while other programs keep every core busy, as the course sets PyTorch's threads (they sleep when they wait for long) and as the GNU library has them by default.
* start: from the start of `fer-course train` to the end of its first step, on a prepared folder of rendered faces.
* gpu: `fit` on `released` with all that belongs to it, against the plain loop in fp32 with its batch at hand (of 256: 512 in fp32 would need most of 80 GB), and the share of the GPU's arithmetic that is used (bfloat16, without sparsity).

What needs to be kept lies in `_bench/`."""

import argparse, json, os, platform, resource, statistics, subprocess, sys, tempfile, time
from pathlib import Path
import torch
import torch.nn as nn
import torch.nn.functional as F
import fer_course  # noqa: F401, sets how PyTorch's threads wait, for the processes started here as well
from bench_data import in_turn, ratio
from bench_faces import row
from bench_mtcnn import HERE

# --- the authors' network and loop, plainly; names as in their checkpoints


def conv(a, b, kernel, stride=1):
    return nn.Conv2d(a, b, kernel, stride, kernel // 2, bias=False)


class PlainIR(nn.Module):
    "A block of face.evoLVe's IR50"

    def __init__(self, a, b, stride):
        super().__init__()
        self.shortcut_layer = (
            nn.MaxPool2d(1, stride)
            if a == b
            else nn.Sequential(conv(a, b, 1, stride), nn.BatchNorm2d(b))
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(a), conv(a, b, 3), nn.PReLU(b), conv(b, b, 3, stride), nn.BatchNorm2d(b)
        )

    def forward(self, x):
        return self.shortcut_layer(x) + self.res_layer(x)


class PlainAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = (
            heads,
            nn.Linear(width, 3 * width),
            nn.Linear(width, width),
        )

    def forward(self, x):
        B, N, C = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        attention = ((q @ k.transpose(-2, -1)) * (C // self.heads) ** -0.5).softmax(-1)
        return self.proj((attention @ v).transpose(1, 2).reshape(B, N, C))


class PlainMLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class PlainBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.attn, self.norm2, self.mlp = (
            nn.LayerNorm(width, eps=1e-6),
            PlainAttention(width, 16),
            nn.LayerNorm(width, eps=1e-6),
            PlainMLP(width),
        )

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


PATCHES = dict(
    AU11=(slice(0, 7), slice(0, 7), 4),
    AU13=(slice(0, 7), slice(7, 14), 4),
    AU12=(slice(0, 7), slice(4, 10), 1),
    AU21=(slice(5, 12), slice(0, 6), 1),
    AU23=(slice(5, 12), slice(8, 14), 1),
    AU22=(slice(4, 10), slice(4, 10), 1),
    AU3=(slice(6, 14), slice(0, 14), 14),
)  # rows, columns, action units


class PlainViT(nn.Module):
    def __init__(self, width=512, classes=7):
        super().__init__()
        self.patch_embed, self.pos_embed = (
            nn.Conv2d(256, width, 3, padding=1),
            nn.Parameter(0.02 * torch.randn(1, 196, width)),
        )
        self.transformers = nn.ModuleList([nn.Module(), nn.Module()])
        for stage, depth in zip(self.transformers, (4, 2)):
            stage.blocks = nn.ModuleList([PlainBlock(width) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, classes)
        for name, (*_, units) in PATCHES.items():
            setattr(self, f"norm_{name}", nn.LayerNorm(width, eps=1e-6))
            setattr(self, f"head_{name}", nn.Linear(width, units))

    def units(self, x):
        image = x.transpose(1, 2).reshape(len(x), -1, 14, 14)
        seen = {}
        for name, (rows, columns, _) in PATCHES.items():
            pooled = image[:, :, rows, columns].mean((2, 3))
            seen[name] = getattr(self, f"head_{name}")(getattr(self, f"norm_{name}")(pooled))
        eyes, brows, cheeks = (
            torch.max(seen["AU11"], seen["AU13"]),
            seen["AU12"],
            torch.max(seen["AU21"], seen["AU23"]),
        )
        return torch.cat(
            [eyes[:, :2], brows, eyes[:, 2:3], cheeks, eyes[:, 3:], seen["AU22"], seen["AU3"]], 1
        )  # 1 2 4 5 6 7 9, then the mouth's

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2) + self.pos_embed
        for block in self.transformers[0].blocks:
            x = block(x)
        units = self.units(x)
        for block in self.transformers[1].blocks:
            x = block(x)
        return self.head(self.norm(x.mean(1))), units


class Plain(nn.Module):
    "The authors' network: images (B, 3, 112, 112) -> expression logits (B, 7), logits of RAF-AU's 21 action units"

    def __init__(self):
        super().__init__()
        widths, depths = (64, 64, 128, 256), (3, 4, 14)
        self.cnn, self.vit = nn.Module(), PlainViT()
        self.cnn.input_layer = nn.Sequential(conv(3, 64, 3), nn.BatchNorm2d(64), nn.PReLU(64))
        self.cnn.body = nn.Sequential(
            *[
                PlainIR(a if i == 0 else b, b, 2 if i == 0 else 1)
                for a, b, n in zip(widths, widths[1:], depths)
                for i in range(n)
            ]
        )

    def forward(self, x):
        return self.vit(self.cnn.body(self.cnn.input_layer(x)))


def made_up(batch, device):
    "A batch: network input, expressions, action units"
    g = torch.Generator().manual_seed(0)
    return [
        t.to(device)
        for t in (
            torch.rand(batch, 3, 112, 112, generator=g) * 2 - 1,
            torch.randint(7, (batch,), generator=g),
            torch.randint(2, (batch, 21), generator=g).float(),
        )
    ]


def timed(step, given):
    "Seconds of `steps` calls after one that allocates, and the peak of this process in MiB"
    wait = torch.cuda.synchronize if given["device"].startswith("cuda") else (lambda: None)
    step()
    wait()
    start = time.perf_counter()
    for _ in range(given["steps"]):
        step()
    wait()
    return dict(
        seconds=(time.perf_counter() - start) / given["steps"] / given["batch"],
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


# --- what runs in fresh processes: a dict in, a dict out; `seconds` are for one image


def plain_step(given):
    "The authors' loop"
    torch.manual_seed(0)
    model = Plain().to(given["device"]).train()
    x, y, units = made_up(given["batch"], given["device"])
    told = []
    optimizer = torch.optim.SGD(
        model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, foreach=False
    )

    def step():
        z, z_au = model(x)
        loss = F.cross_entropy(z, y) + F.binary_cross_entropy_with_logits(z_au, units)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        told.append((loss.item(), (z.argmax(1) == y).float().mean().item()))

    return timed(step, given)


def ours_step(given):
    "The same step with our parts, the batch at hand as there"
    from fer_course.models.au_cvt import create
    from fer_course.core.device import no_denormals
    from fer_course.train import JointLoss, make_optimizer

    torch.manual_seed(0)
    device = given["device"]
    model, criterion = create(given["preset"]).to(device).train(), JointLoss().to(device)
    optimizer, (x, y, units) = make_optimizer(model, "sgd", 1e-3), made_up(given["batch"], device)

    def step():
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=given["half"]):
            prediction = model(x)
        criterion(prediction, y, units).backward()
        optimizer.step()
        optimizer.zero_grad()

    with no_denormals():
        return timed(step, given)


def same_answers(given):
    "Largest difference between the answers of the plain network and of ours with its weights"
    from fer_course.models.released import load_released

    torch.manual_seed(0)
    plain, (x, *_) = Plain(), made_up(4, "cpu")
    with torch.no_grad():
        plain.train()(x)  # the running statistics are no longer 0 and 1
        with tempfile.TemporaryDirectory() as folder:
            torch.save(plain.state_dict(), f"{folder}/plain.pth")
            ours = load_released(f"{folder}/plain.pth")
        return dict(
            difference=max(float((a - b).abs().max()) for a, b in zip(plain.eval()(x), ours(x)))
        )


def some(n, valid=16):
    "Manifest and packed images of made-up faces: n to learn from, and next to none to validate with"
    import numpy as np, pandas as pd
    from fer_course.facs import au_columns, SEVEN

    rng, all_ = np.random.default_rng(0), n + valid
    table = pd.DataFrame(
        dict(
            split=["train"] * n + ["valid"] * valid, expression=[SEVEN[i % 7] for i in range(all_)]
        )
    )
    return table.assign(
        **{c: rng.integers(0, 2, all_).astype(float) for c in au_columns()}
    ), rng.integers(0, 256, (all_, 112, 112, 3), dtype=np.uint8)


OPTIONS = dict(
    small=dict(optimizer="adam", lr=2e-3, warmup=0.25, pos_weight="balanced"),
    released=dict(optimizer="sgd", lr=1e-3, warmup=0.0),
)


def ours_loop(given):
    "`fit`: median of the epochs after the first"
    import numpy as np
    from fer_course.models.au_cvt import create
    from fer_course.train import fit

    table, images = some(given["n"])
    ends = []
    with tempfile.TemporaryDirectory() as own:
        fit(
            create(given["preset"]),
            table,
            images,
            given.get("out", own),
            epochs=given["epochs"],
            batch_size=given["batch"],
            seed=0,
            device=given["device"],
            own_norms=given.get("own_norms", False),
            said=lambda row: ends.append(time.perf_counter()),
            **OPTIONS[given["preset"]],
        )
    return (
        dict(seconds=float(np.median(np.diff(ends))) / given["n"]) if ends else dict(seconds=0.0)
    )  # the first of several processes is told alone


def ours_predict(given):
    from fer_course.models.au_cvt import create
    from fer_course.train import predict

    model, (_, images) = create(given["preset"]), some(given["n"])
    predict(model, images[:16], device=given["device"])
    start = time.perf_counter()
    predict(model, images, device=given["device"])
    return dict(seconds=(time.perf_counter() - start) / len(images))


def ours_input(given):
    "Batches with nobody to learn from them: the second pass"
    from fer_course.augment import PAPER
    from fer_course.train import Batches, labels

    table, images = some(given["n"], 0)
    device = given["device"]
    batches = Batches(
        torch.from_numpy(images).to(device) if device != "cpu" else images,
        *labels(table),
        range(len(table)),
        batch_size=given["batch"],
        augment=PAPER,
        seed=0,
        device=device,
    )
    for _ in range(2):
        start = time.perf_counter()
        for _ in batches:
            pass
        if device != "cpu":
            torch.cuda.synchronize()
    return dict(seconds=(time.perf_counter() - start) / len(table))


def rank(given):
    "One of `world` processes that train together with `fit`, the batch shared among them; median of the epochs after the first"
    os.environ.update(
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(given["port"]),
        WORLD_SIZE=str(given["world"]),
        RANK=str(given["rank"]),
        LOCAL_RANK=str(given["rank"]),
    )
    return ours_loop(given)


def trained(given):
    "Seconds since `began` when the first step of `fer-course train` has ended"
    from torch.optim.optimizer import register_optimizer_step_post_hook

    def leave(*_):
        print(json.dumps(dict(seconds=time.time() - given["began"])), flush=True)
        os._exit(0)

    register_optimizer_step_post_hook(leave)
    from fer_course.app import main

    sys.exit(
        main(
            [
                "train",
                "--data",
                given["prepared"],
                "--preset",
                "small",
                "--epochs",
                "1",
                "--device",
                "cpu",
                "--out",
                given["out"],
            ]
        )
        or 1
    )


JOBS = {
    job.__name__: job
    for job in (
        plain_step,
        ours_step,
        same_answers,
        ours_loop,
        ours_predict,
        ours_input,
        rank,
        trained,
    )
}


def begin(job, threads, spin=None, **given):
    "Start a job in a process of its own; `spin` = how often its threads look before they sleep, None as the course has it"
    quiet = {
        **os.environ,
        "PYTHONPATH": ".",
        "FER_PROGRESS": "0",
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        **({} if spin is None else {"GOMP_SPINCOUNT": spin}),
    }
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__, "--job", job],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=quiet,
    )
    process.stdin.write(json.dumps(dict(given, began=time.time()), default=str))
    process.stdin.close()
    process.stdin = None
    return process


def answer(process):
    out, error = process.communicate()
    if process.returncode:
        sys.exit(f"{process.args[-1]} failed with status {process.returncode}:\n{error[-3000:]}")
    return json.loads(out.strip().splitlines()[-1])


def apart(job, threads, **given):
    return answer(begin(job, threads, **given))


def rate(answers):
    return 1 / statistics.median(a["seconds"] for a in answers)


# --- the rows


def step(given):
    worst = apart("same_answers", given.threads)["difference"]
    yield row(
        "largest difference to the answers of the plain network", worst, "logit", at_most=1e-4
    )
    common = dict(
        threads=given.threads, batch=8, steps=given.steps, device="cpu", preset="released"
    )
    ours, plain, half = in_turn(
        given.rounds,
        lambda: apart("ours_step", half=False, **common),
        lambda: apart("plain_step", **common),
        lambda: apart("ours_step", half=True, **common),
    )
    said = f"{rate(ours):.2f} images/s against {rate(plain):.2f}"
    yield row(
        f"step of `released`, batch 8, {given.threads} cores: speed over the plain one",
        **ratio(plain, ours),
        unit="times",
        at_least=1.3,
        note=said,
    )
    peaks = [statistics.median(a["peak"] for a in side) for side in (ours, plain, half)]
    yield row(
        "peak memory over that of the plain one",
        **ratio(ours, plain, "peak"),
        unit="times",
        at_most=1.0,
        note=f"{peaks[0]:.0f} MiB against {peaks[1]:.0f}",
    )
    yield row(
        "the same in bfloat16 (autocast): speed over the plain one",
        **ratio(plain, half),
        unit="times",
        note=f"{rate(half):.2f} images/s, peak {peaks[2]:.0f} MiB",
    )


def loop(given):
    common = dict(threads=given.threads, batch=48, device="cpu", preset="small")
    run, bare, answers = in_turn(
        given.rounds,
        lambda: apart("ours_loop", n=480, epochs=4, **common),
        lambda: apart("ours_step", steps=20, half=False, **common),
        lambda: apart("ours_predict", n=480, **common),
    )
    yield row(
        f"training `small` with `fit`, {given.threads} cores",
        rate(run),
        "img/s",
        at_least=120,
        rounds=[round(1 / a["seconds"], 1) for a in run],
    )
    yield row(
        "time of that loop over the bare step",
        **ratio(run, bare),
        unit="times",
        note=f"bare step {rate(bare):.1f} images/s (SGD)",
    )
    yield row("prediction with `small`", rate(answers), "img/s")


def input(given):
    cuda = given.device.startswith("cuda")
    preset, batch = ("released", 512) if cuda else ("small", 48)
    common = dict(threads=given.threads, batch=batch, device=given.device)
    feed, bare = in_turn(
        given.rounds,
        lambda: apart("ours_input", n=batch * 20, **common),
        lambda: apart("ours_step", steps=20, half=cuda, preset=preset, **common),
    )
    yield row(
        f"input pipeline alone over what `{preset}` takes ({given.device})",
        **ratio(bare, feed),
        unit="times",
        at_least=2 if cuda else None,
        note=f"{rate(feed):.0f} images/s against {rate(bare):.0f}",
    )


def together(world, **given):
    "So many processes side by side, one thread each"
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with tempfile.TemporaryDirectory() as out:
        answers = [
            answer(p)
            for p in [
                begin("rank", 1, world=world, rank=r, port=port, out=f"{out}/run", **given)
                for r in range(world)
            ]
        ]
    return dict(seconds=max(a["seconds"] for a in answers))


def strangers(n_processes, **given):
    "So many trainings at a time, one thread each, which share nothing; seconds an image of all"
    return dict(
        seconds=max(
            answer(p)["seconds"]
            for p in [begin("ours_loop", 1, **given) for _ in range(n_processes)]
        )
        / n_processes
    )


def busy(given):
    common = dict(threads=given.threads, n=240, epochs=3, batch=48, device="cpu", preset="small")
    others = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(given.threads)
    ]
    try:
        ours, default = in_turn(
            given.rounds,
            lambda: apart("ours_loop", **common),
            lambda: apart("ours_loop", spin="300000", **common),
        )
    finally:
        [other.kill() for other in others]
    yield row(
        f"training beside {given.threads} busy programs, {given.threads} threads: over the same with threads that spin",
        **ratio(default, ours),
        unit="times",
        note=f"{rate(ours):.1f} images/s against {rate(default):.1f}",
    )


def processes(given):
    common = dict(epochs=3, device="cpu", preset="small")
    for batch, bar in ((48, 1.7), (96, None)):
        ways = dict(
            own=lambda: together(2, n=960, batch=batch, own_norms=True, **common),
            shared=lambda: together(2, n=960, batch=batch, **common),
            strangers=lambda: strangers(2, n=480, batch=batch // 2, **common),
        )
        one, *found = in_turn(
            given.rounds, lambda: together(1, n=960, batch=batch, **common), *ways.values()
        )
        found = dict(zip(ways, found))
        for name, what in dict(
            own=f"two processes over one, one thread each, batches of {batch} in all, own norms",
            shared="the same with shared norms, which two processes need to be the training of one",
            strangers="two trainings that know nothing of each other over one: what this machine allows",
        ).items():
            yield row(
                what,
                **ratio(one, found[name]),
                unit="times",
                at_least=bar if name == "own" else None,
                note=f"{rate(found[name]):.1f} images/s against {rate(one):.1f}",
            )


def prepared():
    "A prepared folder of rendered faces, made if missing"
    from fer_course.faces import FaceSet, render_dataset
    from fer_course.app import prepare

    if not (HERE / "prepared_faces" / "manifest.parquet").exists():
        render_dataset(HERE / "faces_to_prepare", like=FaceSet(n=420, size=112), device="cpu")
        prepare(
            HERE / "faces_to_prepare",
            HERE / "prepared_faces",
            "faces",
            auxiliary="none",
            landmarks="given",
        )
    return (HERE / "prepared_faces").absolute()


def start(given):
    where = prepared()

    def once():
        with tempfile.TemporaryDirectory() as out:
            return apart("trained", given.threads, prepared=where, out=f"{out}/run")

    once()
    (times,) = in_turn(given.rounds, once)  # files are in the system's cache
    yield row(
        "from the start of `fer-course train` to the end of its first step",
        statistics.median(a["seconds"] for a in times),
        "s",
        at_most=15,
        rounds=[round(a["seconds"], 1) for a in times],
    )


PEAK = dict(
    H200=989e12, H100=989e12, A100=312e12, L40S=362e12, L4=121e12
)  # bfloat16 without sparsity, of the makers' data sheets


def work_of(preset):
    "Floating point operations of forward and backward pass for one image"
    from fer_course.models.au_cvt import create
    from torch.utils.flop_counter import FlopCounterMode

    model, (x, *_) = create(preset).train(), made_up(2, "cpu")
    with FlopCounterMode(display=False) as counter:
        sum(z.sum() for z in model(x)).backward()
    return counter.get_total_flops() / len(x)


def gpu(given):
    if not torch.cuda.is_available():
        yield row("training on a GPU: not measured: no GPU", None, "")
        return
    common = dict(threads=given.threads, device="cuda", preset="released")
    ours, plain = in_turn(
        given.rounds,
        lambda: apart("ours_loop", batch=512, n=512 * 40, epochs=4, **common),
        lambda: apart("plain_step", batch=256, steps=10, **common),
    )
    speed, name = rate(ours), torch.cuda.get_device_name()
    peak = next((v for k, v in PEAK.items() if k in name), None)
    yield row(
        f"training `released` with `fit`, {name}",
        speed,
        "img/s",
        at_least=6000,
        note=f"277,251 images x 10 epochs in {2772510 / speed / 60:.1f} minutes",
    )
    yield row(
        "that over the plain loop in fp32",
        **ratio(plain, ours),
        unit="times",
        at_least=5,
        note=f"{speed:.0f} images/s against {rate(plain):.0f}",
    )
    if peak:
        yield row(
            "model FLOP utilisation (bfloat16)",
            work_of("released") * speed / peak,
            "share",
            note=f"{work_of('released') / 1e9:.1f} GFLOP an image, {peak / 1e12:.0f} TFLOP/s",
        )


PARTS = dict(
    step=step, loop=loop, input=input, processes=processes, busy=busy, start=start, gpu=gpu
)


def machine():
    "Name of what calculates"
    names = (
        [
            line.split(":")[1].strip()
            for line in open("/proc/cpuinfo")
            if line.startswith("model name")
        ]
        if Path("/proc/cpuinfo").exists()
        else []
    )
    gpus = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{(names or [platform.processor() or platform.machine()])[0]}, {os.cpu_count()} CPUs{gpus}, torch {torch.__version__}, load before {os.getloadavg()[0]:.1f}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu", help="of the part input"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4, help="step: steps in a round")
    parser.add_argument("--results", help="write the rows here too, as json")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        return print(json.dumps(JOBS[given.job](json.load(sys.stdin))))
    HERE.mkdir(exist_ok=True)
    rows, here = [], machine()
    print(here)
    for part in given.only:
        for r in PARTS[part](given):
            rows.append(r)
            bars = ", ".join(
                f"{name} {r[key]}"
                for key, name in dict(at_least="at least", at_most="at most").items()
                if r[key] is not None
            )
            value = f"{r['value']:10.4g} {r['unit']:6}" if r["unit"] else ""
            print(
                f"{r['what']:76} {value}",
                f"{bars}: {'reached' if r['reached'] else 'NOT reached'}" if bars else "",
                f"rounds {r['rounds']}" if "rounds" in r else "",
                r.get("note", ""),
                flush=True,
            )
    if given.results:
        from fer_course.core.files import write_json

        write_json(
            given.results,
            dict(
                command="python tests/bench_training.py " + " ".join(sys.argv[1:]),
                machine=here,
                rows=rows,
            ),
        )


if __name__ == "__main__":
    main()
