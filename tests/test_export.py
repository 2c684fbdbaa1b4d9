"""Every preset, with one block per stage, leaves Python with the same outputs.

As one graph for torch.compile, and as an ONNX file (by torch.export) for any batch size.
"""

import shutil
import sys
import numpy as np
import pytest
import torch
from fer_course.core.errors import CourseError
from fer_course.models.au_cvt import AUCVT, create, shallow
from fer_course.models.presets import PRESETS
from fer_course.models.export import to_onnx

DISTINCT = {}  # presets that become one network when they are shallow are tested once
for name, config in PRESETS.items():
    DISTINCT.setdefault(shallow(config), []).append(name)


@pytest.fixture(params=DISTINCT, ids=lambda c: "=".join(DISTINCT[c]))
def network(request):
    "Return a shallow network, three images, its outputs"
    torch.manual_seed(0)
    model = AUCVT(request.param).eval()
    size = request.param.size
    x = torch.randn(3, 3, size, size)
    with torch.no_grad():
        return model, x, tensors(model(x))


def tensors(outputs):
    "Return the outputs that are not None"
    return [output for output in outputs if output is not None]


def check_agreement(outputs, expected):
    "Assert that two lists of outputs are equal to rounding"
    assert len(outputs) == len(expected)
    for output, reference in zip(outputs, expected):
        assert output.shape == reference.shape
        assert np.abs(np.asarray(output) - np.asarray(reference)).max() <= 1e-4


def test_onnxruntime_agrees(network, tmp_path):
    import onnxruntime

    model, x, expected = network
    to_onnx(model, tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(
        str(tmp_path / "a.onnx"), providers=["CPUExecutionProvider"]
    )
    check_agreement(session.run(None, {"images": x.numpy()}), expected)
    first = session.run(None, {"images": x[:1].numpy()})
    check_agreement(first, [output[:1] for output in expected])


def test_without_onnx_the_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(CourseError, match=r"fer_course\[onnx\]"):
        to_onnx(create("small", size=32), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_it_is_one_graph(network):
    model, x, expected = network
    torch._dynamo.reset()
    with torch.no_grad():
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        check_agreement(tensors(compiled(x)), expected)


@pytest.mark.parametrize("preset", ["paper", "released", "vit_au_token", "small_resnet"])
def test_export_and_aot_agree(preset):
    torch.manual_seed(0)
    model = AUCVT(shallow(PRESETS[preset])).eval()
    x = torch.randn(3, 3, model.config.size, model.config.size)
    torch._dynamo.reset()
    batch = ({0: torch.export.Dim("batch", max=1 << 20)},)
    program = torch.export.export(model, (x[:2],), dynamic_shapes=batch, strict=False).module()
    with torch.no_grad():
        expected = tensors(model(x))
        for run in (program, torch.compile(model, backend="aot_eager", fullgraph=True)):
            check_agreement(tensors(run(x)), expected)


@pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")),
    reason="torch.compile needs a C++ compiler on the CPU",
)
def test_machine_code_agrees():
    torch.manual_seed(0)
    model = create("small_vit", size=32, depths=(1,), au_vocabulary="raf_au", au_after=1).eval()
    x = torch.randn(4, 3, 32, 32)
    torch._dynamo.reset()
    with torch.no_grad():
        check_agreement(torch.compile(model)(x), model(x))
