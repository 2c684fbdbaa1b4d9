<<<<<<< HEAD
"""Dataset bias: how far the units, the labels and the images of datasets differ."""
=======
"""How datasets differ: mean images, action units per expression, dataset recognition."""
>>>>>>> w-images

from ..core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
<<<<<<< HEAD
        "cosine_distance": ".vectors",
        "mean_units": ".vectors",
        "compare_distances": ".distances",
        "cosine_distances": ".distances",
        "overall_distances": ".distances",
        "paper_reading": ".distances",
=======
        "activation_faces": ".activation",
        "MeanImages": ".average_images",
        "difference_image": ".average_images",
        "mean_images": ".average_images",
        "recognise_datasets": ".recognition",
>>>>>>> w-images
    },
)
