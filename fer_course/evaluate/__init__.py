"""Figures, overlays and the report of a run."""

from importlib import import_module

_NAMES = {
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
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
