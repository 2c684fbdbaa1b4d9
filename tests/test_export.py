"Every preset, one block per stage, leaves Python: as one graph for torch.compile, and as an ONNX file (by way of torch.export) for any batch; the answers stay."

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
    "A shallow network, three images, its answers"
    torch.manual_seed(0)
    model = AUCVT(request.param).eval()
    size = request.param.size
    x = torch.randn(3, 3, size, size)
    with torch.no_grad():
        return model, x, [a for a in model(x) if a is not None]


def agree(answers, wanted):
    return all(
        a.shape == b.shape and np.abs(np.asarray(a) - np.asarray(b)).max() <= 1e-4
        for a, b in zip(answers, wanted, strict=True)
    )


def test_onnxruntime_agrees(network, tmp_path):
    import onnxruntime

    model, x, wanted = network
    to_onnx(model, tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(
        str(tmp_path / "a.onnx"), providers=["CPUExecutionProvider"]
    )
    assert agree(session.run(None, {"images": x.numpy()}), wanted)
    assert agree(session.run(None, {"images": x[:1].numpy()}), [w[:1] for w in wanted])


def test_without_onnx_the_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(CourseError, match=r"fer_course\[onnx\]"):
        to_onnx(create("small", size=32), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_it_is_one_graph(network):
    model, x, wanted = network
    torch._dynamo.reset()
    with torch.no_grad():
        assert agree(
            [a for a in torch.compile(model, backend="eager", fullgraph=True)(x) if a is not None],
            wanted,
        )


@pytest.mark.parametrize("preset", ["paper", "released", "vit_au_token", "small_resnet"])
def test_export_and_aot_agree(preset):
    torch.manual_seed(0)
    model = AUCVT(shallow(PRESETS[preset])).eval()
    x = torch.randn(3, 3, model.config.size, model.config.size)
    torch._dynamo.reset()
    program = torch.export.export(
        model, (x[:2],), dynamic_shapes=({0: torch.export.Dim("batch", max=1 << 20)},), strict=False
    ).module()
    with torch.no_grad():
        wanted = [a for a in model(x) if a is not None]
        for run in (program, torch.compile(model, backend="aot_eager", fullgraph=True)):
            assert agree([a for a in run(x) if a is not None], wanted)


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
        assert agree(torch.compile(model)(x), model(x))
