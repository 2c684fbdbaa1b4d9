"""Augmentation of batches and balancing of training sets."""

from ..core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "RECIPES": ".balance",
        "Recipe": ".balance",
        "apply": ".balance",
        "balance_note": ".balance",
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
    },
)
