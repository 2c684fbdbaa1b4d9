"""Figures, overlays and the report of a run."""

from ..core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "PALETTE": ".figures",
        "au_figure": ".figures",
        "confusion_figure": ".figures",
        "curves_figure": ".figures",
        "per_class_figure": ".figures",
        "annotate": ".overlay",
        "Report": ".report",
        "counts_table": ".report",
        "headline_sentence": ".report",
        "render_report": ".report",
        "write_report": ".report",
        "SECTIONS": ".report_sections",
        "bootstrap_interval": "..metrics.bootstrap",
        "compare": "..metrics.comparison",
        "summarise": "..metrics.comparison",
        "action_unit_metrics": "..metrics.scores",
        "class_codes": "..metrics.scores",
        "expression_metrics": "..metrics.scores",
    },
)
