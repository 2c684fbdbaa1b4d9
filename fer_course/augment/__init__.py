"""Augmentation of batches and balancing of training sets."""

from importlib import import_module

_NAMES = {
    "RECIPES": ".balance",
    "Recipe": ".balance",
    "apply": ".balance",
    "balance_table": ".balance",
    "plan": ".balance",
    "write_balanced": ".balance",
    "Augment": ".batch",
    "PAPER": ".batch",
    "RELEASED": ".batch",
    "REPORT_K": ".batch",
    "REPORT_S": ".batch",
    "SMALL_DATA": ".batch",
    "add_noise": ".batch",
    "darken": ".batch",
    "gaussian_blur": ".batch",
    "grayscale": ".batch",
    "move": ".batch",
    "normalise": ".batch",
    "relight": ".batch",
    "AS_IT_IS": ".copies",
    "CHANGES": ".copies",
    "VARIANCE": ".copies",
    "changed": ".copies",
    "noisy": ".copies",
    "noisy_images": ".copies",
    "turned": ".copies",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
