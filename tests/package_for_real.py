"""The wheel, installed by pip into an empty environment without a compiler.

`make test-package` runs it, and pytest does not collect it by itself: it downloads PyTorch, some
minutes and up to 7 GB. PIP_* variables are passed on: PIP_CONSTRAINT with a version of PyTorch, or
an index of builds for CPUs.
"""

import time
import packages


def test_the_wheel_in_an_empty_environment(tmp_path):
    source = packages.copy_sources(tmp_path / "source")
    _, (wheel,) = packages.build(source, tmp_path / "built")
    python = packages.bare_environment(tmp_path / "environment")
    environment = packages.environment_variables(python, tmp_path)
    packages.run(python, "-m", "ensurepip", "--default-pip", env=environment)
    begun = time.time()
    packages.run(python, "-m", "pip", "install", "--quiet", wheel, env=environment, cwd=tmp_path)
    seconds = time.time() - begun
    files = (tmp_path / "environment").rglob("*")
    size = sum(path.lstat().st_blocks * 512 for path in files) / 1e9
    findings, predicted, script = packages.use(python, tmp_path)
    print(f"\ninstalled in {seconds:.0f} s, {size:.2f} GB; {findings['torch']['found']}; {script}")
    assert findings["packages"]["state"] == "ok", findings["packages"]
    assert findings["torch"]["state"] == "ok", findings["torch"]
    assert "astronaut.png" in predicted
    assert script.strip().endswith("2 []")
