"""Face detection, alignment and packed crops."""

from importlib import import_module

_NAMES = {
    "BOX": ".crops",
    "BOXES": ".crops",
    "EYES": ".crops",
    "MOUTH": ".crops",
    "POINTS": ".crops",
    "POLICIES": ".crops",
    "PROPORTION": ".crops",
    "RULES": ".crops",
    "Rule": ".crops",
    "SURE": ".crops",
    "TEMPLATE": ".crops",
    "align_face": ".crops",
    "align_manifest": ".crops",
    "alignment": ".crops",
    "alignment_table": ".crops",
    "box_of": ".crops",
    "choose_face": ".crops",
    "eye_angle": ".crops",
    "fate": ".crops",
    "fate_table": ".crops",
    "five_point": ".crops",
    "five_points": ".crops",
    "level_box": ".crops",
    "level_image": ".crops",
    "locate": ".crops",
    "rule_named": ".crops",
    "through": ".crops",
    "whole_image": ".crops",
    "write_packed": ".crops",
    "CascadeNet": ".mtcnn",
    "Detections": ".mtcnn",
    "LAYERS": ".mtcnn",
    "MTCNN": ".mtcnn",
    "MaxPool": ".mtcnn",
    "SHA256": ".mtcnn",
    "crops": ".mtcnn",
    "level": ".mtcnn",
    "load_weights": ".mtcnn",
    "move": ".mtcnn",
    "no_faces": ".mtcnn",
    "propose": ".mtcnn",
    "pyramid_scales": ".mtcnn",
    "square": ".mtcnn",
    "stage": ".mtcnn",
    "summed_area": ".mtcnn",
    "suppress": ".mtcnn",
    "suppress_inner": ".mtcnn",
    "weights_folder": ".mtcnn",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
