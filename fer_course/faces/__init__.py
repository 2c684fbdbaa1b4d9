"""Faces drawn from facial action units, with exact labels."""

from importlib import import_module

_NAMES = {
    "ANNOTATORS": ".annotators",
    "Annotator": ".annotators",
    "UNITS": ".annotators",
    "annotate": ".annotators",
    "disagreement": ".annotators",
    "evidence": ".annotators",
    "seen": ".annotators",
    "transitions": ".annotators",
    "CONDITIONS": ".conditions",
    "under": ".conditions",
    "FaceSet": ".sets",
    "SETS": ".sets",
    "face_set": ".sets",
    "json_ready": ".sets",
    "render_dataset": ".datasets",
    "Illustrator": ".drawings",
    "Parameters": ".parameters",
    "sample": ".parameters",
    "ACTION_UNITS": ".profiles",
    "OCCLUDERS": ".profiles",
    "PLACES": ".profiles",
    "PRESENT": ".profiles",
    "PROFILES": ".profiles",
    "Profile": ".profiles",
    "Faces": ".renderer",
    "Renderer": ".renderer",
    "grey_crops": ".renderer",
    "MOUTHS": ".variations",
    "RandomFaces": ".variations",
    "SHAPES": ".variations",
    "TRACES": ".variations",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
