"""The verbs of the command line: prepare, train, evaluate, run, predict."""

from ..core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "BiasConfig": ".bias",
        "compare_datasets": ".bias",
        "main": ".cli",
        "parser": ".cli",
        "prepare_published": ".cli",
        "run": ".main_job",
        "File": ".options",
        "Folder": ".options",
        "declared": ".options",
        "find_leaks": ".held_out",
        "carry_out": ".plans",
        "make_plan": ".plans",
        "plan_of_run": ".plans",
        "predict_photographs": ".prediction",
        "prepare": ".preparation",
        "read_prepared": ".preparation",
        "PrepareConfig": ".preparation_config",
        "READER_NAMES": ".preparation_config",
        "ReaderOptions": ".preparation_config",
        "render_faces": ".sources",
        "RESULTS": ".steps",
        "evaluate_all": ".testing",
        "evaluate_run": ".testing",
        "table_of_runs": ".testing",
        "train_run": ".training",
        "MODELS": ".training_pool",
        "folder_of": ".training_pool",
        "train_all": ".training_pool",
        "VERBS": ".verbs",
        "verify_folder": ".verification",
    },
)
