"""The jobs of benchmarks/training.py, which runs them in fresh processes.

A job takes a dict and returns a dict; `seconds` are for one image. The images are random: speed
does not depend on what they show. With `toy` a network has one block in each stage.
"""

import json, os, resource, sys, tempfile, time
import torch
import fer_course  # noqa: F401, sets how PyTorch's threads wait, in the processes of these jobs too
from plain_network import DEPTHS, Plain, plain_training_step, random_batch

RECIPES = dict(
    small=dict(optimizer="adam", lr=2e-3, warmup=0.25, pos_weight="balanced"),
    released=dict(optimizer="sgd", lr=1e-3, warmup=0.0),
)


def wait(device):
    "Wait until the device has done what it was given."
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def network(given):
    "Return the network of a preset."
    from fer_course.models import AUCVT, configure, create, shallow

    if given.get("toy"):
        return AUCVT(shallow(configure(given["preset"])))
    return create(given["preset"])


def timed_steps(step, given):
    "Return seconds for one image, after a step that allocates, and this process's peak in MiB."
    step()
    wait(given["device"])
    start = time.perf_counter()
    for _ in range(given["steps"]):
        step()
    wait(given["device"])
    seconds = (time.perf_counter() - start) / given["steps"] / given["batch"]
    return dict(seconds=seconds, peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def plain_step(given):
    "Time the authors' training step."
    depths = (1, 1, 1) if given.get("toy") else DEPTHS
    step = plain_training_step(given["batch"], given["device"], depths=depths)
    return timed_steps(step, given)


def course_step(given):
    "Time the same step with the parts of the course; the batch stays on the device."
    from fer_course.core.device import no_denormals
    from fer_course.train import JointLoss, make_optimizer

    torch.manual_seed(0)
    device = given["device"]
    model = network(given).to(device).train()
    criterion = JointLoss().to(device)
    optimizer = make_optimizer(model, "sgd", lr=1e-3)
    x, y, units = random_batch(given["batch"], device)

    def step():
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=given["half"]):
            prediction = model(x)
        criterion(prediction, y, units).backward()
        optimizer.step()
        optimizer.zero_grad()

    with no_denormals():
        return timed_steps(step, given)


def compare_logits(given):
    "Return the largest difference of logits between the plain network and the course's."
    from fer_course.models.released import load_released

    torch.manual_seed(0)
    plain = Plain()
    x = random_batch(given["batch"], "cpu")[0]
    with torch.no_grad():
        plain.train()(x)  # the running statistics are no longer 0 and 1
        with tempfile.TemporaryDirectory() as folder:
            torch.save(plain.state_dict(), f"{folder}/plain.pth")
            course = load_released(f"{folder}/plain.pth")
        pairs = zip(plain.eval()(x), course(x))
        return dict(difference=max(float((a - b).abs().max()) for a, b in pairs))


def fit_epochs(given):
    "Time `fit`: the median of the epochs after the first."
    import numpy as np
    from fer_course.train import fit
    from gpu import random_set

    table, images = random_set(given["n"], 16)
    ends = []
    with tempfile.TemporaryDirectory() as own:
        fit(
            network(given),
            table,
            images,
            given.get("out", own),
            epochs=given["epochs"],
            batch_size=given["batch"],
            seed=0,
            device=given["device"],
            own_norms=given.get("own_norms", False),
            log_epoch=lambda row: ends.append(time.perf_counter()),
            **RECIPES[given["preset"]],
        )
    if not ends:  # only the first of several processes logs its epochs
        return dict(seconds=0.0)
    return dict(seconds=float(np.median(np.diff(ends))) / given["n"])


def predict_images(given):
    "Time `predict`."
    from fer_course.train import predict
    from gpu import random_set

    model = network(given)
    _, images = random_set(given["n"], 16)
    predict(model, images[:16], device=given["device"])
    start = time.perf_counter()
    predict(model, images, device=given["device"])
    return dict(seconds=(time.perf_counter() - start) / len(images))


def read_batches(given):
    "Time batches that no network learns from: the second pass."
    from fer_course.augment import PAPER
    from fer_course.train import Batches, labels
    from gpu import random_set

    table, images = random_set(given["n"], 0)
    device = given["device"]
    expression, units = labels(table)
    batches = Batches(
        images if device == "cpu" else torch.from_numpy(images).to(device),
        expression,
        action_units=units,
        target=range(len(table)),
        batch_size=given["batch"],
        augment=PAPER,
        seed=0,
        device=device,
    )
    for _ in range(2):
        start = time.perf_counter()
        for _ in batches:
            pass
        wait(device)
    return dict(seconds=(time.perf_counter() - start) / len(table))


def fit_rank(given):
    "Time `fit` in one of several processes that train together and share each batch."
    os.environ.update(
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(given["port"]),
        WORLD_SIZE=str(given["world"]),
        RANK=str(given["rank"]),
        LOCAL_RANK=str(given["rank"]),
    )
    return fit_epochs(given)


def first_step(given):
    "Print the seconds from `began` to the first step of `fer-course train`, and leave."
    from torch.optim.optimizer import register_optimizer_step_post_hook

    def leave(*_):
        print(json.dumps(dict(seconds=time.time() - given["began"])), flush=True)
        os._exit(0)

    register_optimizer_step_post_hook(leave)
    from fer_course.app import main

    command = ["train", "--data", given["prepared"], "--out", given["out"]]
    command += ["--preset", "small", "--epochs", "1", "--device", "cpu"]
    sys.exit(main(command) or 1)


JOBS = dict(
    plain_step=plain_step,
    course_step=course_step,
    compare_logits=compare_logits,
    fit_epochs=fit_epochs,
    predict_images=predict_images,
    read_batches=read_batches,
    fit_rank=fit_rank,
    first_step=first_step,
)
