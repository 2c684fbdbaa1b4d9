"""The 468 points of MediaPipe's face mesh on aligned crops, and their shape without pose.

The network face_landmark.tflite (Google, Apache-2.0) is read out of the npm package
@mediapipe/face_mesh and run by the PyPI package ai-edge-litert. Both are optional and neither is
copied here. Points are pixels of the 112-pixel crop; z has the same unit, towards the camera < 0.

    npm pack @mediapipe/face_mesh@0.4.1657299874
    tar xzf mediapipe-face_mesh-0.4.1657299874.tgz
    pip install ai-edge-litert
    python experiments/mesh_points.py --mesh package --crops OUT/real/images.npy --to points.npz
"""

import argparse, sys
from pathlib import Path
import cv2
import numpy as np
from fer_course.core.cache import read_kept, write_kept
from fer_course.core.errors import CourseError
from fer_course.core.terminal import progress, say

NPM = "npm pack @mediapipe/face_mesh@0.4.1657299874, unpack it and give its folder"
PIP = "pip install ai-edge-litert"
ASSETS = "face_mesh_solution_packed_assets.data"
MARK = b"TFL3"  # bytes 4 to 7 of a TensorFlow Lite file
SIZES = (1_000_000, 2_000_000)  # bytes; the mesh with attention is larger and needs other operators
PADDING = 0.2  # of the crop, on each side: the network expects a quarter of the face around it
# Points that expressions move little: nasal bridge, eye corners, temples, forehead
STABLE = (168, 6, 197, 195, 5, 33, 133, 362, 263, 127, 356, 234, 454, 10, 109, 338)
EYES = (33, 263)  # outer corners


def mesh_network(
    package: str | Path,  # the unpacked npm package @mediapipe/face_mesh
) -> bytes:  # face_landmark.tflite, perhaps with bytes behind its end
    """Return the network that is packed into the assets of the npm package.

    Raises `CourseError` with the remedy if the package or the network in it is missing.
    """
    path = Path(package) / ASSETS
    if not path.is_file():
        raise CourseError("there are no assets of MediaPipe's face mesh", path, NPM)
    data = path.read_bytes()
    starts = []
    found = data.find(MARK)
    while found >= 0:
        starts.append(found - 4)
        found = data.find(MARK, found + 1)
    pieces = [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)])]
    fitting = [piece for piece in pieces if SIZES[0] < len(piece) < SIZES[1]]
    if len(fitting) != 1:
        problem = f"holds {len(fitting)} networks of 1 to 2 MB, not one"
        raise CourseError(problem, path, NPM)
    return fitting[0]


class MeshPoints:
    "MediaPipe's face mesh on aligned crops, one thread."

    def __init__(
        self,
        package: str | Path,  # the unpacked npm package @mediapipe/face_mesh
    ):
        "Load the network; raises `CourseError` with the remedy if a package is missing."
        model = mesh_network(package)
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise CourseError("ai-edge-litert is not installed", remedy=PIP) from error
        self._network = Interpreter(model_content=model, num_threads=1)
        self._network.allocate_tensors()
        entry = self._network.get_input_details()[0]
        self._input = entry["index"]
        self._side = int(entry["shape"][1])
        outputs = self._network.get_output_details()
        sizes = {int(np.prod(one["shape"])): one["index"] for one in outputs}
        if not {468 * 3, 1} <= sizes.keys():
            raise CourseError(f"has outputs of sizes {sorted(sizes)}", package, NPM)
        self._points = sizes[468 * 3]
        self._presence = sizes[1]

    def _one(self, crop, padding):
        "Return points (468, 3) in pixels of the crop, and the score that a face is there."
        side = len(crop)
        border = int(side * padding)
        image = cv2.copyMakeBorder(
            np.ascontiguousarray(crop), *[border] * 4, borderType=cv2.BORDER_REPLICATE
        )
        image = cv2.resize(image, (self._side, self._side), interpolation=cv2.INTER_LINEAR)
        self._network.set_tensor(self._input, image[None].astype(np.float32) / 255)
        self._network.invoke()
        points = self._network.get_tensor(self._points).reshape(468, 3)
        scale = (side + 2 * border) / self._side
        presence = float(self._network.get_tensor(self._presence).reshape(-1)[0])
        return points * scale - [border, border, 0], presence

    def points_of(
        self,
        crops: np.ndarray,  # (n, s, s, 3) uint8 RGB, aligned
        *,
        padding: float = PADDING,  # border, in sides of the crop; the edge's pixels fill it
    ) -> tuple:  # (n, 468, 3) float32 in pixels of the crop; (n,) logit that a face is there
        "Return the points of each crop, and a score above 0 if the network sees a face there."
        points = np.zeros((len(crops), 468, 3), np.float32)
        presence = np.zeros(len(crops), np.float32)
        for i, crop in enumerate(progress(crops, label="mesh points")):
            points[i], presence[i] = self._one(crop, padding)
        return points, presence


def kept_points(
    path: str | Path,  # the .npz file that keeps the points
    crops: np.ndarray,  # (n, 112, 112, 3) uint8, aligned
    *,
    package: str | Path | None = None,  # the npm package; not needed if the points are kept
    mark: str = "",  # names the crops; points with a different mark are computed again
) -> tuple:  # points (n, 468, 3) and presence (n,)
    "Return the points of crops from a file, or compute and keep them."
    mark = f"{len(crops)} crops, padding {PADDING}, {mark}"
    kept = read_kept(path, "points", "presence", mark=mark)
    if kept is None:
        if package is None:
            raise CourseError("these mesh points were not computed yet", path, NPM)
        points, presence = MeshPoints(package).points_of(crops)
        kept = dict(points=points, presence=presence)
        write_kept(path, kept, mark=mark)
    return kept["points"], kept["presence"]


def aligned_to(
    points: np.ndarray,  # (n, 468, 3)
    reference: np.ndarray,  # (468, 3)
) -> np.ndarray:  # (n, 468, 3)
    """Return the points after the similarity transform that brings `STABLE` to the reference.

    Least squares over rotation, scale and shift in three dimensions (Umeyama 1991, eq. 40-42).
    """
    stable = list(STABLE)
    target = reference[stable] - reference[stable].mean(0)
    centre = points[:, stable].mean(1, keepdims=True)
    source = points[:, stable] - centre  # (n, stable, 3)
    left, size, right = np.linalg.svd(source.transpose(0, 2, 1) @ target)
    turned = np.ones_like(size)
    turned[:, 2] = np.sign(np.linalg.det(left @ right))  # a rotation, no mirror image
    rotation = (left * turned[:, None]) @ right
    scale = (size * turned).sum(1) / (source**2).sum((1, 2))
    return scale[:, None, None] * ((points - centre) @ rotation)


def mean_face(
    points: np.ndarray,  # (n, 468, 3)
    *,
    rounds: int = 3,  # of aligning all faces to their mean
) -> np.ndarray:  # (468, 3), 1 = distance of the outer eye corners
    "Return the mean of faces that are aligned to each other."
    points = np.asarray(points, float)
    reference = points.mean(0)
    for _ in range(rounds):
        reference = aligned_to(points, reference).mean(0)
        reference /= np.linalg.norm(reference[EYES[0]] - reference[EYES[1]])
    return reference


def normalised(
    points: np.ndarray,  # (n, 468, 3)
    *,
    reference: np.ndarray | None = None,  # (468, 3); None = the mean of these faces
) -> np.ndarray:  # (n, 936) x and y of each point; 1 = distance of the outer eye corners
    "Return the shape of faces without position, size and pose of the head."
    points = np.asarray(points, float)
    if reference is None:
        reference = mean_face(points)
    return aligned_to(points, reference)[:, :, :2].reshape(len(points), -1)


def main():
    "Write the points of the crops in a .npy file."
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mesh", required=True, help="the unpacked npm package")
    parser.add_argument("--crops", required=True, help=".npy file of aligned crops, uint8")
    parser.add_argument("--to", required=True, help=".npz file for points and presence")
    arguments = parser.parse_args()
    crops = np.load(arguments.crops, mmap_mode="r")
    try:
        _, presence = kept_points(arguments.to, crops, package=arguments.mesh)
    except CourseError as error:
        sys.exit(str(error))
    say(f"{len(presence)} crops, {(presence > 0).sum()} with a face")


if __name__ == "__main__":
    main()
