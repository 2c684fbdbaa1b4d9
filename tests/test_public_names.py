"Names that code outside of the course relies on stay importable from their packages."

from importlib import import_module
import pytest

NAMES = {
    "align": "MTCNN align_face choose_face five_points locate write_packed",
    "evaluate": "annotate au_figure confusion_figure curves_figure per_class_figure "
    "action_unit_metrics bootstrap_interval class_codes compare expression_metrics summarise",
    "faces": "ACTION_UNITS PROFILES Renderer render_dataset sample",
    "metrics": "bootstrap_interval compare expression_metrics summarise",
    "models": "AUCVT PRESETS create load load_ir50 load_released load_resnet50 pretrained save",
    "train": "Batches JointLoss TrainConfig fit predict",
}


@pytest.mark.parametrize("package", NAMES)
def test_names_stay_importable(package):
    module = import_module(f"fer_course.{package}")
    for name in NAMES[package].split():
        assert hasattr(module, name), name
