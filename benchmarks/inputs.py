"""Images that the benchmarks work on: rendered faces, made once and kept in the work folder.

The names of files and folders hold the number of images, so toy sizes do not replace full ones.
"""

import os
from pathlib import Path
import cv2
import numpy as np

BATCH = 16  # faces rendered at a time
DIFFERENT = 128  # different faces in a large set; noise makes the other images different


def rendered_faces(
    n: int,  # faces
    size: int,  # pixels of a side
    *,
    seed: int,  # of the people and expressions
    start: int = 0,  # number of the first face
) -> tuple:  # images (n, size, size, 3) uint8, five points of each (n, 5, 2)
    "Return rendered faces and their landmarks."
    from fer_course.faces import Renderer, sample

    renderer = Renderer(size, device="cpu")
    images = []
    points = []
    for first in range(start, start + n, BATCH):
        count = min(BATCH, start + n - first)
        faces = renderer.render(sample(count, seed=seed, start=first))
        images.append(faces.images)
        points.append(faces.points)
    return np.concatenate(images), np.concatenate(points)


def with_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    "Return the image with a little noise, so that no two files are equal."
    noise = rng.integers(-6, 7, (*image.shape[:2], 1))
    return (image.astype(np.int16) + noise).clip(0, 255).astype(np.uint8)


def _image_files(folder):
    "Return the image files below a folder, sorted."
    endings = (".jpg", ".jpeg", ".png")
    return sorted(str(path) for path in Path(folder).rglob("*") if path.suffix.lower() in endings)


def photographs(
    folder: str | Path | None,  # of real photographs; None = rendered faces
    n: int,  # photographs at most
    *,
    work: Path,  # folder for the rendered ones
    side: int = 250,  # pixels of a rendered photograph
    face: int = 128,  # pixels of the face in its middle
) -> list:  # paths
    "Return up to n image files; without a folder, faces in the middle of a larger background."
    if folder:
        return _image_files(folder)[:n]
    out = work / f"photos_{side}"
    out.mkdir(parents=True, exist_ok=True)
    border = (side - face) // 2
    for start in range(0, n, BATCH):
        end = min(start + BATCH, n)
        if (out / f"{end - 1:04}.png").exists():
            continue
        images, _ = rendered_faces(end - start, face, seed=7, start=start)
        for number, image in enumerate(images, start):
            # a mirrored border would show half faces
            wide = cv2.copyMakeBorder(image, *[border] * 4, cv2.BORDER_REPLICATE)
            cv2.imwrite(str(out / f"{number:04}.png"), np.ascontiguousarray(wide[..., ::-1]))
    return _image_files(out)[:n]


def packed_crops(
    n: int,  # faces
    work: Path,  # folder for them
) -> tuple:  # path of the packed file, folder of JPEG files in seven class folders
    "Return n packed faces of 112 pixels and the same as JPEG files, made if missing."
    from fer_course.core.files import atomic

    packed = work / f"crops_{n}.npy"
    folder = work / f"crops_{n}"
    if packed.exists():
        return packed, folder
    faces, _ = rendered_faces(min(DIFFERENT, n), 112, seed=3)
    rng = np.random.default_rng(0)
    images = np.empty((n, 112, 112, 3), np.uint8)
    for i in range(n):
        images[i] = with_noise(faces[i % len(faces)], rng)
        place = folder / f"{i % 7}"
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{i:06}.jpg"), images[i][..., ::-1])
    with atomic(packed) as temporary, open(temporary, "wb") as file:
        np.save(file, images)
    return packed, folder


def small_dataset(
    n: int,  # images
    work: Path,  # folder for it
) -> Path:  # folder of the dataset
    "Return a dataset of n JPEG files of 64 pixels with landmarks, made if missing."
    from fer_course.core.files import write_table
    from fer_course.data import make_manifest
    from fer_course.facs import SEVEN

    out = work / f"many_{n}"
    if (out / "manifest.parquet").exists():
        return out
    faces, points = rendered_faces(min(DIFFERENT, n), 64, seed=5)
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n):
        k = i % len(faces)
        path = out / f"images/{i // 1000:03}/{i:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = with_noise(faces[k], rng)
        quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
        path.write_bytes(cv2.imencode(".jpg", image[..., ::-1], quality)[1].tobytes())
        row = dict(image=str(path.relative_to(out)), expression=SEVEN[i % 7], subject=f"p{i % 997}")
        for j, (x, y) in enumerate(points[k]):
            row |= {f"point_x{j}": x, f"point_y{j}": y}
        rows.append(row)
    write_table(out / "manifest.parquet", make_manifest(rows, "many"))
    return out


def random_files(
    folder: Path,  # made if missing
    n: int,  # files
    *,
    size: int,  # bytes of each
) -> Path:  # the folder
    "Return a folder of n files of random bytes, a thousand in each of its folders."
    if (folder / ".ready").exists():
        return folder
    rng = np.random.default_rng(0)
    for i in range(n):
        path = folder / f"{i // 1000:02}" / f"{i:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.bytes(size))
    (folder / ".ready").touch()
    return folder


def common_folder(paths: list) -> str:
    "Return the folder below which all files lie."
    return os.path.commonpath([os.path.dirname(path) for path in paths])
