"""Data preparation, all parts in one run with one file of results.

    python benchmarks/data.py [--only scan align noise epoch memory] [--rounds 3] [--toy]
    python benchmarks/data.py --results nbs/results/bench_data.json

Both sides of a ratio do the same job on the same files, which the system has in its cache. Each
part is described in a file of its own, which also runs alone:
* scan: hashing files against sha1sum (benchmarks/hashing.py),
* align: files to packed crops against two other detectors (benchmarks/alignment.py),
* noise: report S's noises against a plain loop (benchmarks/noise.py),
* epoch: packed batches against torchvision's ImageFolder (benchmarks/epoch.py),
* memory: peak memory of `fer-course prepare` (benchmarks/memory.py).

Images and environments lie in `_bench/`.
"""

import alignment, bench, epoch, hashing, memory, noise
from options import common_options

PARTS = dict(
    scan=hashing.scan,
    align=alignment.align,
    noise=noise.noise,
    epoch=epoch.epoch,
    memory=memory.memory,
)


def options(parser):
    "Add the arguments of all parts."
    common_options(parser)
    for part in (alignment, epoch, memory):
        part.own_options(parser)


if __name__ == "__main__":
    bench.main(__doc__, PARTS, options=options)
