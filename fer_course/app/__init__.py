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
    "GIB_EACH": ".main_job",
    "MODELS": ".main_job",
    "evaluate": ".main_job",
    "evaluate_all": ".main_job",
    "folder_of": ".main_job",
    "predict": ".main_job",
    "run": ".main_job",
    "runs": ".main_job",
    "train": ".main_job",
    "train_all": ".main_job",
    "verify": ".main_job",
    "RESULTS": ".preparation",
    "faces": ".preparation",
    "forget": ".preparation",
    "packed": ".preparation",
    "prepare": ".preparation",
    "quiet": ".preparation",
    "step": ".preparation",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
