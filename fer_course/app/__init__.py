"""The verbs of the command line: prepare, train, evaluate, run, predict."""

from importlib import import_module

_NAMES = {
    "ARGUMENTS": ".cli",
    "DATA": ".cli",
    "FINE": ".cli",
    "OPTIONS": ".cli",
    "READER_NAMES": ".cli",
    "READING": ".cli",
    "TRAINING": ".cli",
    "VERBS": ".cli",
    "main": ".cli",
    "parser": ".cli",
    "prepare_published": ".cli",
    "run": ".main_job",
    "predict": ".prediction",
    "faces": ".preparation",
    "packed": ".preparation",
    "prepare": ".preparation",
    "evaluate": ".testing",
    "evaluate_all": ".testing",
    "runs": ".testing",
    "GIB_EACH": ".training",
    "MODELS": ".training",
    "folder_of": ".training",
    "train": ".training",
    "train_all": ".training",
    "verify": ".verification",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
