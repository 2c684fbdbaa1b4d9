"""How datasets differ: mean images, action units per expression, dataset recognition."""

from ..core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "activation_faces": ".activation",
        "MeanImages": ".average_images",
        "difference_image": ".average_images",
        "mean_images": ".average_images",
        "recognise_datasets": ".recognition",
    },
)
