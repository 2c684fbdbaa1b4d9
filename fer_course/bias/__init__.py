"""Dataset bias: how far the units, the labels and the images of datasets differ."""

from ..core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "cosine_distance": ".vectors",
        "mean_units": ".vectors",
        "compare_distances": ".distances",
        "cosine_distances": ".distances",
        "overall_distances": ".distances",
        "paper_reading": ".distances",
        "label_distances": ".given_units",
    },
)
