"""Dataset bias: mean images, mean action units, distances, and the dataset behind an image."""

from ..core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "activation_faces": ".activation",
        "MeanImages": ".average_images",
        "difference_image": ".average_images",
        "mean_images": ".average_images",
        "recognise_datasets": ".recognition",
        "cosine_distance": ".vectors",
        "mean_units": ".vectors",
        "compare_distances": ".distances",
        "cosine_distances": ".distances",
        "overall_distances": ".distances",
        "paper_reading": ".distances",
    },
)
