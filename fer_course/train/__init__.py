"""Losses, batches, schedules and the training loop."""

from importlib import import_module

_NAMES = {
    "adapt_norms": ".adapt",
    "balance": ".adapt",
    "confident": ".adapt",
    "estimate_prior": ".adapt",
    "information_loss": ".adapt",
    "inner_face": ".adapt",
    "maximise_information": ".adapt",
    "only": ".adapt",
    "reweigh": ".adapt",
    "self_train": ".adapt",
    "standardise": ".adapt",
    "Batches": ".batches",
    "Stacked": ".batches",
    "joint_batches": ".batches",
    "labels": ".batches",
    "Average": ".callbacks",
    "LOOK": ".callbacks",
    "validation_scores": ".callbacks",
    "TrainConfig": ".config",
    "agree": ".distributed",
    "bare": ".distributed",
    "barrier": ".distributed",
    "gather": ".distributed",
    "group": ".distributed",
    "mean": ".distributed",
    "rank_and_world": ".distributed",
    "wrap": ".distributed",
    "Half": ".learners",
    "learner": ".learners",
    "fit": ".loop",
    "JOINT": ".losses",
    "JointLoss": ".losses",
    "balanced_weights": ".losses",
    "positive_weights": ".losses",
    "predict": ".prediction",
    "as_intensity": ".pseudo_labelling",
    "certainty": ".pseudo_labelling",
    "choose_thresholds": ".pseudo_labelling",
    "openface_table": ".pseudo_labelling",
    "pseudo_labels": ".pseudo_labelling",
    "write_openface": ".pseudo_labelling",
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
    "WEIGHTS": ".sampling",
    "balanced_sampler": ".sampling",
    "class_weights": ".sampling",
    "sampling_weights": ".sampling",
    "OPTIMIZERS": ".schedules",
    "SCHEDULES": ".schedules",
    "Schedule": ".schedules",
    "augmentation": ".schedules",
    "find_schedule": ".schedules",
    "make_optimizer": ".schedules",
    "schedule": ".schedules",
    "norm_statistics": ".shared_norms",
    "share_norms": ".shared_norms",
    "unshare_norms": ".shared_norms",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
