"""An epoch of batches from packed images, against torchvision's ImageFolder.

    python benchmarks/epoch.py [--rounds 3] [--crops 6000] [--toy]

Shuffled batches of 64, normalised floats. One side reads the packed uint8 memory map through
`fer_course.train.Batches`, the other the same crops as JPEG through ImageFolder and a DataLoader
with 2 workers. The second epoch is timed: the first starts the workers and fills the caches.
"""

import time
import bench
from bench import in_turn, rate, ratio, row
from inputs import packed_crops
from options import common_options, job_runner, unless_toy

BATCH = 64


def second_epoch(batches, device):
    "Return the seconds for one image of the second epoch."
    import torch

    for _ in range(2):
        start = time.perf_counter()
        n = 0
        for x, *_ in batches:
            n += len(x.to(device, non_blocking=True))
        if device != "cpu":
            torch.cuda.synchronize()
    return dict(seconds=(time.perf_counter() - start) / n, n=n)


def course_epoch(given):
    "Read the packed images with the course."
    import numpy as np
    import torch
    from fer_course.train import Batches

    images = np.load(given["packed"], mmap_mode="r")
    n = len(images)
    batches = Batches(
        images,
        torch.zeros(n, dtype=torch.int64),
        action_units=torch.zeros(n, 21),
        target=range(n),
        batch_size=BATCH,
        seed=0,
        device=given["device"],
    )
    return second_epoch(batches, given["device"])


def folder_epoch(given):
    "Read the JPEG files with torchvision."
    import torch
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    normalise = transforms.Normalize([0.5] * 3, [0.5] * 3)
    transform = transforms.Compose([transforms.ToTensor(), normalise])
    loader = torch.utils.data.DataLoader(
        ImageFolder(given["folder"], transform),
        batch_size=BATCH,
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
    )
    return second_epoch(loader, given["device"])


JOBS = dict(course_epoch=course_epoch, folder_epoch=folder_epoch)


def epoch(given):
    "Yield the row on an epoch."
    packed, folder = packed_crops(unless_toy(given, given.crops, toy=16), given.work)
    run = job_runner(given, __file__, jobs=JOBS)
    common = dict(device=given.device, threads=given.threads)
    ours, other = in_turn(
        given.rounds,
        lambda: run("course_epoch", packed=packed, **common),
        lambda: run("folder_epoch", folder=folder, **common),
    )
    yield row(
        "a packed epoch, speed over that of ImageFolder",
        **ratio(other, ours),
        unit="times",
        at_least=unless_toy(given, 10),
        note=f"{rate(ours):.0f} images/s against {rate(other):.0f}",
    )


def own_options(parser):
    "Add the arguments of this benchmark alone."
    parser.add_argument("--crops", type=int, default=6000, help="epoch: images")


def options(parser):
    "Add all arguments."
    common_options(parser)
    own_options(parser)


if __name__ == "__main__":
    bench.main(__doc__, dict(epoch=epoch), jobs=JOBS, options=options)
