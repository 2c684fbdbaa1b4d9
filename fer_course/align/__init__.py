"""Face detection, alignment and packed crops."""

from importlib import import_module

_NAMES = {
    "Detections": ".boxes",
    "cut_boxes": ".boxes",
    "level": ".boxes",
    "move": ".boxes",
    "no_faces": ".boxes",
    "propose": ".boxes",
    "pyramid_scales": ".boxes",
    "square": ".boxes",
    "summed_area": ".boxes",
    "suppress": ".boxes",
    "suppress_inner": ".boxes",
    "BOXES": ".crops",
    "POINTS": ".crops",
    "align_manifest": ".crops",
    "alignment_table": ".crops",
    "fate_table": ".crops",
    "BOX": ".geometry",
    "EYES": ".geometry",
    "MOUTH": ".geometry",
    "PROPORTION": ".geometry",
    "RULES": ".geometry",
    "Rule": ".geometry",
    "TEMPLATE": ".geometry",
    "align_face": ".geometry",
    "alignment": ".geometry",
    "box_of": ".geometry",
    "centred_square": ".geometry",
    "eye_angle": ".geometry",
    "five_point": ".geometry",
    "five_points": "..faces.points",
    "level_box": ".geometry",
    "level_image": ".geometry",
    "levelling_rotation": ".geometry",
    "middles": ".geometry",
    "rule_named": ".geometry",
    "through": ".geometry",
    "MTCNN": ".mtcnn",
    "CascadeNet": ".networks",
    "LAYERS": ".networks",
    "MaxPool": ".networks",
    "SHA256": ".networks",
    "load_weights": ".networks",
    "stage": ".networks",
    "weights_folder": ".networks",
    "POLICIES": ".selection",
    "SURE": ".selection",
    "choose_face": ".selection",
    "fate": ".selection",
    "locate": ".selection",
    "whole_image": ".selection",
    "AlignmentJob": ".workers",
    "AlignmentSettings": ".workers",
    "FINDINGS": ".workers",
    "align_in_parallel": ".workers",
    "write_packed": "..core.packed",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
