"""Environments of the detectors that the course is compared with.

facenet-pytorch pins torch<2.3, so this project's environment cannot hold it. Each peer gets a
throw-away environment in the work folder: `facenet` without the pins, `mtcnn` with TensorFlow
(1.7 GB). Behind its own packages it has those of the running environment, by a .pth file. Both
sides therefore run on the same torch; otherwise two versions of torch would be compared.
"""

import subprocess, sys
from pathlib import Path

PACKAGES = dict(  # peer -> the packages to install; the next choice if one cannot be installed
    mtcnn=(("mtcnn==1.0.0", "tensorflow-cpu"), ("mtcnn==1.0.0", "tensorflow")),
    facenet=(("facenet-pytorch",),),
)
OPTIONS = dict(mtcnn=(), facenet=("--no-deps",))  # of pip


def _packages_folder(python):
    "Return the folder in which a Python has its packages."
    code = 'import sysconfig; print(sysconfig.get_path("purelib"))'
    return subprocess.check_output([python, "-c", code], text=True).strip()


def _make_environment(folder, packages, options):
    "Make an environment with packages; raise `RuntimeError` if they cannot be installed."
    print(f"making {folder} ...", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *options, *packages], capture_output=True, text=True)
    if done.returncode:
        reasons = done.stderr.strip().splitlines() or ["no reason given"]
        raise RuntimeError(f"{' '.join(packages)} cannot be installed: {reasons[-1]}")
    behind = Path(_packages_folder(python), "same_torch.pth")
    behind.write_text(_packages_folder(sys.executable) + "\n")
    (folder / ".ready").touch()


def peer_python(
    peer: str,  # a key of `PACKAGES`
    work: Path,  # folder of the environments
    *,
    install: bool = True,  # make the environment if it is missing
) -> Path:  # its Python
    "Return the Python of a peer's environment; raise `RuntimeError` if it is missing."
    folder = work / peer
    python = folder / "bin" / "python"
    if (folder / ".ready").exists():
        return python
    if not install:
        raise RuntimeError(f"{folder} is missing and toy sizes install nothing")
    choices = PACKAGES[peer]
    for number, packages in enumerate(choices, 1):
        try:
            _make_environment(folder, packages, OPTIONS[peer])
            return python
        except RuntimeError:
            if number == len(choices):
                raise
