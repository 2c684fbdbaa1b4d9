"""Expression and action unit scores, bootstrap intervals and paired comparison."""

from ..core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "action_unit_metrics": ".scores",
        "as_runs": ".scores",
        "class_codes": ".scores",
        "confusion_scores": ".scores",
        "expression_metrics": ".scores",
        "finite_or_none": ".scores",
        "bootstrap_interval": ".bootstrap",
        "Draws": ".bootstrap",
        "draw_scores": ".bootstrap",
        "equal_people": ".bootstrap",
        "people_weights": ".bootstrap",
        "weight_blocks": ".bootstrap",
        "compare": ".comparison",
        "compare_all": ".comparison",
        "compare_people": ".comparison",
        "correct": ".comparison",
        "detectable": ".comparison",
        "holm": ".comparison",
        "summarise": ".comparison",
    },
)
