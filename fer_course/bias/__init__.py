"""Dataset bias: how far the units, the labels and the images of datasets differ."""

from ..core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "cosine_distance": ".vectors",
        "mean_units": ".vectors",
        "compare_distances": ".distances",
        "both_distances": ".distances",
        "cosine_distances": ".distances",
        "overall_distances": ".distances",
        "paper_reading": ".distances",
        "label_distances": ".given_units",
        "activation_faces": ".activation",
        "MeanImages": ".average_images",
        "difference_image": ".average_images",
        "mean_images": ".average_images",
        "recognise_datasets": ".recognition",
        "Estimate": ".figures",
        "forest_figure": ".figures",
        "profile_figure": ".figures",
        "recognition_figure": ".figures",
        "BiasReport": ".report",
        "render_bias_report": ".report",
        "write_bias_report": ".report",
    },
)
