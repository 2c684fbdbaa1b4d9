"The doctor where something is broken, the Makefile that asks it, and install.py."

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))
import install

OLD_PYTHON = """
import runpy, sys
sys.version_info = (3, 9, 18, "final", 0)
sys.argv = ["fer-course", *sys.argv[1:]]
runpy.run_module("fer_course", run_name="__main__", alter_sys=True)
"""
READ_BY_OLD_PYTHONS = (
    "__init__.py",
    "__main__.py",
    "app/__init__.py",
    "app/doctor.py",
    "app/findings.py",
    "app/machine.py",
    "app/machine_findings.py",
    "app/readings.py",
    "app/requirements.py",
    "app/torch_reading.py",
    "core/__init__.py",
    "core/lazy.py",
)
FULL_DISK = """
import shutil
from collections import namedtuple
usage = namedtuple("usage", "total used free")
shutil.disk_usage = lambda path: usage(10**12, 10**12 - 10**9, 10**9)
"""


def python(code, *arguments, **variables):
    "Run a piece of Python beside the library; return what subprocess.run does"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, text=True, capture_output=True, env=environment)


def doctor_beside(folder):
    "Return (exit status, findings by topic) of the doctor with a folder's modules in front"
    code = "import sys\nfrom fer_course.app.doctor import main\nsys.exit(main(['--json']))"
    done = python(code, PYTHONPATH=f"{folder}{os.pathsep}{ROOT}")
    assert done.stderr == ""
    findings = json.loads(done.stdout)["findings"]
    return done.returncode, {finding["topic"]: finding for finding in findings}


def write_torch(folder, code):
    "Write a package torch that does something else"
    (folder / "torch").mkdir()
    (folder / "torch" / "__init__.py").write_text(code)
    return folder


def raise_interrupt(*_):
    raise KeyboardInterrupt


def doctor_in(folder, *arguments, program=sys.executable, **options):
    "Run `fer-course doctor` in a folder; return what subprocess.run does"
    code = "import sys\nfrom fer_course.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("variables", {})}
    command = [program, "-c", code, "doctor", *map(str, arguments)]
    given = dict(cwd=folder, text=True, capture_output=True, env=environment)
    return subprocess.run(command, **given, **options)


@pytest.mark.parametrize("name", READ_BY_OLD_PYTHONS)
def test_old_pythons_can_read_what_the_doctor_needs(name):
    path = ROOT / "fer_course" / name
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    annotated = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.returns]
    later = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    assert later or not annotated or name == "__main__.py"


def test_the_doctor_names_an_old_python():
    done = python(OLD_PYTHON, "doctor")
    assert done.returncode == 1
    assert "3.9.18 is too old: fer_course needs 3.10 or newer" in done.stdout
    assert "Remedy: install Python 3.12" in done.stdout
    assert "Traceback" not in done.stderr


def test_every_verb_names_an_old_python():
    done = python(OLD_PYTHON, "run", "--out", "nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("fer-course: Python 3.9 is too old")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "code, words",
    [
        ("raise OSError('libcudart.so.13: cannot open shared object file')", "libcudart.so.13"),
        ("import os\nos.abort()", "the process ended with status -6"),
        ("raise ImportError('DLL load failed')", "DLL load failed"),
        ("__version__ = '2.9'", "has no attribute 'ones'"),
    ],
)
def test_a_broken_torch_is_a_problem_and_no_crash(tmp_path, code, words):
    status, findings = doctor_beside(write_torch(tmp_path, code))
    assert status == 1
    assert findings["torch"]["state"] == "problem"
    assert words in findings["torch"]["found"]
    assert "pip uninstall -y torch torchvision" in findings["torch"]["remedy"]


def test_a_broken_torchvision_is_a_note_on_a_machine_without_a_gpu(tmp_path):
    (tmp_path / "torchvision").mkdir()
    message = "operator torchvision::nms does not exist"
    (tmp_path / "torchvision" / "__init__.py").write_text(f"raise RuntimeError({message!r})")
    _, findings = doctor_beside(tmp_path)
    gpu = findings["GPU"]["state"] == "ok" and "none" not in findings["GPU"]["found"]
    assert findings["torch"]["state"] == "ok"
    assert findings["torchvision"]["state"] == ("problem" if gpu else "note")
    assert (message in findings["torchvision"]["found"]) == gpu


def test_what_pytorch_prints_is_no_answer(tmp_path):
    noise = "print('{not json}')\nprint({'error': 1})\nraise ImportError('no libcudart')"
    status, findings = doctor_beside(write_torch(tmp_path, noise))
    assert status == 1
    assert "no libcudart" in findings["torch"]["found"]


def test_a_torch_py_in_the_current_folder_is_named(tmp_path):
    (tmp_path / "torch.py").write_text("def ones(): pass")
    done = doctor_in(tmp_path, "--json")
    found = {finding["topic"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert found["modules"]["state"] == "problem"
    assert found["modules"]["remedy"] == f"rename {tmp_path / 'torch.py'}"
    assert found["torch"]["state"] == "ok", "the one that is hidden works"


def test_a_deleted_current_folder_is_a_problem_and_no_traceback(tmp_path):
    (tmp_path / "left").mkdir()
    code = "import os\nos.rmdir(os.getcwd())\nfrom fer_course.app.doctor import main\n"
    code += "raise SystemExit(main(['--before-installation']))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    given = dict(cwd=tmp_path / "left", text=True, capture_output=True, env=environment)
    done = subprocess.run([sys.executable, "-c", code], **given)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "this folder      . cannot be written: it was deleted" in done.stdout
    code = code.replace("'--before-installation'", "'--json'")
    (tmp_path / "left").mkdir()
    done = subprocess.run([sys.executable, "-c", code], **given)
    assert json.loads(done.stdout)["readings"]["failed"] == []


def test_a_full_disk_for_temporary_files_is_a_problem_and_no_traceback(tmp_path):
    broken = "import errno, tempfile\ndef none(*_, **__):\n"
    broken += "    raise OSError(errno.ENOSPC, 'No space left on device')\n"
    broken += "tempfile.gettempdir = tempfile.TemporaryFile = none\n"
    (tmp_path / "sitecustomize.py").write_text(broken)
    path = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = doctor_in(tmp_path, "--before-installation", variables=path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout.count("cannot be written: its disk is full") == 2
    assert "permissions" not in done.stdout


def test_the_reader_of_the_report_may_end_first(tmp_path):
    code = "from fer_course.app.doctor import main\nmain(['--before-installation', '--json'])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=environment)
    os.close(writing)
    assert done.stderr == b""


def test_ctrl_c_in_the_doctor_is_one_sentence():
    code = "import fer_course.app.doctor as doctor, fer_course.__main__ as program\n"
    code += "def stop(*_): raise KeyboardInterrupt\ndoctor.main = stop\n"
    done = python(code + "raise SystemExit(program.main(['doctor']))")
    assert done.returncode == 130
    assert done.stderr == "fer-course: stopped. Give the same command again to resume it.\n"


def test_training_and_alignment_do_not_import_torchvision():
    code = "import sys\nsys.modules['torchvision'] = None\n"
    code += "import fer_course.train.loop, fastai.learner\n"
    code += "from fer_course.align import MTCNN, locate\nMTCNN('cpu')\nprint('imported')"
    done = python(code)
    assert done.stdout.strip() == "imported", done.stderr


def make(folder, *arguments, **variables):
    "Run make in a clone that has no environment; return what subprocess.run does"
    for name in ("fer_course", ".ci"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    unwanted = ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    command = ["make", f"PYTHON={sys.executable}", *arguments]
    environment = {**kept, **variables}
    return subprocess.run(command, cwd=folder, text=True, capture_output=True, env=environment)


def test_make_doctor_works_without_an_environment(tmp_path):
    done = make(tmp_path, "doctor")
    assert "Python" in done.stdout, done.stderr
    assert "What to do next" in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_make_doctor_knows_which_torch_is_wanted(tmp_path):
    bare = f"PYTHON={sys.executable} -S"  # without site-packages the course is not installed
    heavy = make(tmp_path / "a", bare, "doctor")
    light = make(tmp_path / "b", bare, "doctor", "TORCH=cpu")
    assert ".venv 1.8" in light.stdout
    if sys.platform == "linux" and os.uname().machine == "x86_64":
        assert ".venv 6.6" in heavy.stdout


def test_make_run_stops_at_once_on_a_full_disk(tmp_path):
    patched = tmp_path / "patched"
    patched.mkdir()
    (patched / "sitecustomize.py").write_text(FULL_DISK)
    clone = tmp_path / "clone"
    clone.mkdir()
    done = make(clone, "run", PYTHONPATH=str(patched))
    assert done.returncode == 2
    assert "has 1.0 GB free, the installation needs" in done.stdout
    assert "Remedy: free some space, or make run TORCH=cpu" in done.stdout
    assert not (clone / ".venv").exists()


@pytest.fixture
def calls(monkeypatch, tmp_path):
    "Return the list of pip's arguments; pip is not run"
    found = []
    monkeypatch.setattr(install, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(install.subprocess, "call", lambda command, **_: found.append(command) or 0)
    return found


def test_an_installed_torch_is_kept(calls, monkeypatch, tmp_path):
    monkeypatch.setattr(install, "installed_torch", lambda: ("2.13.0+cpu", False))
    install.install_course(["dev"])
    assert calls[0][-4:] == ["--editable", ".[dev]", "--constraint", str(tmp_path / "kept.txt")]
    assert (tmp_path / "kept.txt").read_text() == "torch==2.13.0+cpu\n"


def test_without_a_torch_nothing_is_kept(calls, monkeypatch):
    monkeypatch.setattr(install, "installed_torch", lambda: None)
    install.install_course([])
    assert calls[0][-2:] == ["--editable", "."]


def test_a_torch_that_fits_no_other_package_has_a_remedy(calls, monkeypatch):
    monkeypatch.setattr(install, "installed_torch", lambda: ("2.3.0", False))
    conflict = "ERROR: Cannot install torch>=2.4 because these package versions have conflicting"
    monkeypatch.setattr(install, "pip_install", lambda *_: conflict)
    with pytest.raises(SystemExit, match="PyTorch 2.3.0 of .* was kept"):
        install.install_course([])


def test_another_failure_of_pip_blames_no_torch(calls, monkeypatch):
    monkeypatch.setattr(install, "installed_torch", lambda: ("2.13.0", False))
    monkeypatch.setattr(install, "pip_install", lambda *_: "ERROR: no route to host")
    with pytest.raises(SystemExit, match="Not installed. Remedy: see pip's messages"):
        install.install_course([])


def test_a_torch_for_cpus_comes_from_the_index_that_is_given(calls, monkeypatch):
    monkeypatch.setattr(install, "installed_torch", lambda: None)
    install.install_cpu_torch("https://mirror.example/cpu")
    wanted = ["--index-url", "https://mirror.example/cpu", "torch", "torchvision"]
    assert calls[0][-4:] == wanted


def test_an_installed_torch_for_cpus_is_not_replaced(calls, monkeypatch):
    monkeypatch.setattr(install, "installed_torch", lambda: ("2.13.0+cpu", False))
    install.install_cpu_torch("https://mirror.example/cpu")
    assert calls == []


def test_a_torch_for_gpus_is_not_mixed_with_one_for_cpus(calls, monkeypatch, tmp_path):
    monkeypatch.setattr(install, "installed_torch", lambda: ("2.13.0", True))
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "ENVIRONMENT", tmp_path / ".venv")
    with pytest.raises(SystemExit, match="Remedy: rm -rf .venv, then the same command again"):
        install.install_cpu_torch("https://mirror.example/cpu")
    assert calls == []


def test_no_other_environment_is_to_be_deleted(calls, monkeypatch):
    monkeypatch.setattr(install, "installed_torch", lambda: ("2.13.0", True))
    with pytest.raises(SystemExit) as ended:
        install.install_cpu_torch("https://mirror.example/cpu")
    assert "rm -rf" not in str(ended.value)
    assert "Remedy: make a new environment" in str(ended.value)


@pytest.mark.parametrize("room", [True, False])
def test_downloads_are_kept_only_if_there_is_room(calls, monkeypatch, room):
    monkeypatch.setattr(install, "keeps_downloads", lambda *_, **__: room)
    monkeypatch.setattr(install, "installed_torch", lambda: None)
    install.install_course([])
    assert ("--no-cache-dir" in calls[0]) != room


def test_ctrl_c_in_the_installation_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(install.sys, "argv", ["install.py"])
    monkeypatch.setattr(install, "install_course", raise_interrupt)
    with pytest.raises(SystemExit) as ended:
        install.main()
    assert ended.value.code == 130
    assert capsys.readouterr().out == install.STOPPED + "\n"


def test_the_address_of_the_builds_for_cpus_stands_in_one_place():
    found = [ROOT / "Makefile", *(ROOT / ".ci").glob("*"), *(ROOT / "fer_course").rglob("*.py")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in found if path.is_file()}
    assert [name for name, text in texts.items() if install.CPU_WHEELS in text] == ["findings.py"]
