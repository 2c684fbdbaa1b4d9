"""Expression and action unit scores, bootstrap intervals and paired comparison."""

from importlib import import_module

_NAMES = {
    "action_unit_metrics": ".scores",
    "as_runs": ".scores",
    "class_codes": ".scores",
    "confusion_scores": ".scores",
    "expression_metrics": ".scores",
    "finite_or_none": ".scores",
    "bootstrap_interval": ".bootstrap",
    "compare": ".comparison",
    "summarise": ".comparison",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
