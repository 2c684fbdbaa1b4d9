"""Report S's three noises, against a plain loop.

    python benchmarks/noise.py [--rounds 3] [--toy]

`fer_course.augment.noisy_images` with two threads and with one, against a plain loop over
`skimage.util.random_noise`, on 2,000 packed faces. The pixels must be equal.
"""

import hashlib, time
import bench
from bench import in_turn, rate, ratio, row
from inputs import packed_crops
from options import common_options, job_runner, unless_toy

MODES = ("poisson", "speckle", "gaussian")
WARM = 8  # images before the clock starts


def noise_input(given):
    "Return the images, the noise of each and the seed of each."
    import numpy as np

    images = np.load(given["images"])
    modes = [MODES[i % 3] for i in range(len(images))]
    return images, modes, list(range(len(images)))


def result_of(images, seconds):
    "Return the seconds for one image and a digest of all pixels."
    pixels = b"".join(image.tobytes() for image in images)
    return dict(seconds=seconds / len(images), digest=hashlib.sha1(pixels).hexdigest())


def course_noise(given):
    "Add the noises with the course."
    from fer_course.augment import noisy_images

    images, modes, seeds = noise_input(given)
    workers = given["workers"]
    noisy_images(images[:WARM], modes[:WARM], seeds=seeds[:WARM], workers=workers)
    start = time.perf_counter()
    noisy = noisy_images(images, modes, seeds=seeds, workers=workers)
    return result_of(noisy, time.perf_counter() - start)


def plain_noise(given):
    "Add the noises in a plain loop."
    from skimage.util import img_as_ubyte, random_noise

    work = list(zip(*noise_input(given)))

    def loop(part):
        return [img_as_ubyte(random_noise(image, mode, rng=seed)) for image, mode, seed in part]

    loop(work[:WARM])
    start = time.perf_counter()
    noisy = loop(work)
    return result_of(noisy, time.perf_counter() - start)


JOBS = dict(course_noise=course_noise, plain_noise=plain_noise)


def noise(given):
    "Yield the rows on the noises."
    images, _ = packed_crops(unless_toy(given, 2000, toy=16), given.work)
    run = job_runner(given, __file__, jobs=JOBS)
    two, one, plain = in_turn(
        given.rounds,
        lambda: run("course_noise", images=images, workers=2),
        lambda: run("course_noise", images=images, workers=1),
        lambda: run("plain_noise", images=images),
    )
    for name, side, bar in (("two threads", two, 1.5), ("one thread", one, None)):
        yield row(
            f"report S's noises, {name}, speed over that of a plain loop",
            **ratio(plain, side),
            unit="times",
            at_least=unless_toy(given, bar),
            note=f"{rate(side):.0f} images/s",
        )
    same = len({result["digest"] for result in two + one + plain}) == 1
    yield row("the same pixels as the plain loop", float(same), "share", at_least=1)


if __name__ == "__main__":
    bench.main(__doc__, dict(noise=noise), jobs=JOBS, options=common_options)
