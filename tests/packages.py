"Build the package, install it, and use it: what the tests of the package share."

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path
from email import message_from_string
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "CITATION.cff", "CHANGELOG.md")
FOREIGN = ("nbdev", "IPython", "jupyterlab", "nbformat", "notebook", "pytest")
PREDICT = ("predict", "astronaut.png", "--model", "pretrained-photographs", "--device", "cpu")
SCRIPT = """
import importlib.util, sys
import fer_course
from fer_course.faces import Renderer, sample
faces = Renderer(size=32, device="cpu").render(sample(2, seed=1))
found = [name for name in sys.argv[1:] if importlib.util.find_spec(name)]
print(fer_course.__version__, faces.images.shape[0], found)
"""


def run(*command, **options):
    "Run a command, and raise an error with its output if it fails"
    done = subprocess.run(list(map(str, command)), text=True, capture_output=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copy_sources(folder):
    "Copy what the package is built from, without what earlier builds left"
    folder.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    shutil.copytree(ROOT / "fer_course", folder / "fer_course", ignore=ignored)
    for name in SOURCES:
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, folder)
    return folder


def build(source, out, *kinds):
    "Build without a network; by default the sdist, then the wheel from it"
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, *kinds, source)
    return sorted(out.glob("*.tar.gz")), sorted(out.glob("*.whl"))


def contents(wheel):
    "Return {name: bytes} of a wheel, without the list of checksums"
    with zipfile.ZipFile(wheel) as file:
        names = [name for name in file.namelist() if not name.endswith("RECORD")]
        return {name: file.read(name) for name in names}


def names_in(sdist):
    "Return the paths in an sdist, relative to its only folder"
    with tarfile.open(sdist) as file:
        return {member.name.partition("/")[2] for member in file.getmembers() if member.isfile()}


def requirements(wheel):
    "Return the requirements in the metadata of a wheel"
    text = next(data for name, data in contents(wheel).items() if name.endswith("/METADATA"))
    return message_from_string(text.decode()).get_all("Requires-Dist")


def closure(needs):
    "Return the installed distributions that requirements need, and those that these need"
    found, waiting = {}, [(need, ()) for need in needs]
    while waiting:
        text, extras = waiting.pop()
        need = Requirement(text)
        environments = [{"extra": extra} for extra in ("", *extras)]
        if need.marker and not any(need.marker.evaluate(e) for e in environments):
            continue
        key = need.name.lower().replace("_", "-"), frozenset(need.extras)
        if key not in found:
            found[key] = distribution(need.name)
            waiting += [(line, tuple(need.extras)) for line in found[key].requires or ()]
    return list(found.values())


def link(found: list[Distribution], site):
    "Link distributions into a folder of packages"
    for one in found:
        tops = {path.parts[0] for path in one.files if path.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(one.locate_file(top))


def bare_environment(folder):
    "Make an environment without any package, not even pip; return its Python"
    venv.create(folder, symlinks=True, with_pip=False)
    return folder / "bin" / "python"


def environment_variables(python, home):
    "Return variables for the programs of an environment: no compiler, a new home"
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    path = f"{python.parent}"
    return {**kept, "PATH": path, "HOME": str(home), "CC": "false", "OMP_NUM_THREADS": "1"}


def use(python, folder):
    "Use the package; return (findings by topic, output of predict, output of a script)"
    from PIL import Image
    from skimage.data import astronaut

    Image.fromarray(astronaut()).save(folder / "astronaut.png")
    options = {"cwd": folder, "env": environment_variables(python, folder)}
    command = python.parent / "fer-course"
    done = subprocess.run([command, "doctor", "--json"], capture_output=True, **options)
    findings = json.loads(done.stdout)["findings"]
    predicted = run(command, *PREDICT, "--out", "seen", **options)
    (folder / "script.py").write_text(SCRIPT)
    script = run(python, "script.py", *FOREIGN, **options)
    return {finding["topic"]: finding for finding in findings}, predicted, script
