"""Losses, batches, schedules and the training loop."""

from importlib import import_module

_NAMES = {
    "MOUTHS": ".adapt",
    "RandomFaces": ".adapt",
    "SHAPES": ".adapt",
    "TRACES": ".adapt",
    "adapt_norms": ".adapt",
    "balance": ".adapt",
    "confident": ".adapt",
    "estimate_prior": ".adapt",
    "halves": ".adapt",
    "information_loss": ".adapt",
    "inner_face": ".adapt",
    "maximise_information": ".adapt",
    "only": ".adapt",
    "reweigh": ".adapt",
    "self_train": ".adapt",
    "standardise": ".adapt",
    "Batches": ".batches",
    "JOINT": ".batches",
    "JointLoss": ".batches",
    "Stacked": ".batches",
    "balanced_weights": ".batches",
    "joint_batches": ".batches",
    "labels": ".batches",
    "positive_weights": ".batches",
    "seed_everything": ".batches",
    "stream": ".batches",
    "agree": ".distributed",
    "bare": ".distributed",
    "barrier": ".distributed",
    "gather": ".distributed",
    "group": ".distributed",
    "mean": ".distributed",
    "norm_statistics": ".distributed",
    "rank_and_world": ".distributed",
    "share_norms": ".distributed",
    "unshare_norms": ".distributed",
    "wrap": ".distributed",
    "Average": ".loop",
    "Half": ".loop",
    "LOOK": ".loop",
    "fit": ".loop",
    "learner": ".loop",
    "predict": ".loop",
    "validation_scores": ".loop",
    "FILES": ".runs",
    "TIMING": ".runs",
    "begin": ".runs",
    "best_of": ".runs",
    "check": ".runs",
    "finish": ".runs",
    "finished": ".runs",
    "keep_epoch": ".runs",
    "list_runs": ".runs",
    "load_network": ".runs",
    "load_run": ".runs",
    "read_config": ".runs",
    "read_log": ".runs",
    "resume": ".runs",
    "versions": ".runs",
    "without_timing": ".runs",
    "write_log": ".runs",
    "OPTIMIZERS": ".schedules",
    "SCHEDULES": ".schedules",
    "Schedule": ".schedules",
    "augmentation": ".schedules",
    "find_schedule": ".schedules",
    "make_optimizer": ".schedules",
    "schedule": ".schedules",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
