"""Install the course into this Python's environment: install.py [--torch cpu] [EXTRA ...]

A PyTorch that is there already is kept. Only the standard library is used. The modules are not
compiled in advance, which saves a fifth of the disk; Python compiles those that are used.
"""

import argparse, re, subprocess, sys, time
from importlib.metadata import PackageNotFoundError, distribution
from importlib.machinery import PathFinder
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from fer_course.app.findings import CPU_WHEELS  # noqa: E402
from fer_course.app.machine_findings import keeps_downloads  # noqa: E402
from fer_course.app.readings import read_machine  # noqa: E402

ENVIRONMENT = Path(sys.prefix)
PIP = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile")
KEPT = """The PyTorch {version} of {folder} was kept, and the other packages must fit it.
Remedy: {anew}: it installs a PyTorch that fits."""
GPU_BUILD = """{folder} has PyTorch {version}, a build for GPUs, and TORCH=cpu asks for one without.
Remedy: {anew}."""
STOPPED = "== Installation: stopped. Give the same command again to go on."


def explained(message, version):
    "Return a message with the remedy; an environment other than .venv is not to be deleted"
    anew = "make a new environment, and give the same command with its Python"
    if ENVIRONMENT == ROOT / ".venv" and not ENVIRONMENT.is_symlink():
        anew = "rm -rf .venv, then the same command again"
    return message.format(version=version, folder=ENVIRONMENT, anew=anew)


def installed_torch():
    "Return (version, whether it is a build for GPUs) of the installed PyTorch, or None"
    try:
        found = distribution("torch")
    except PackageNotFoundError:
        return None
    source = Path(found.locate_file("torch/version.py"))
    text = source.read_text(encoding="utf-8") if source.exists() else ""
    built = re.search(r"^(?:cuda|hip)\b[^=\n]*= *['\"]", text, re.M)
    return found.version, bool(built)


def pip_install(*arguments, cpu=False):
    """Run pip; return '' if it succeeds, or else the end of its messages, which are shown too

    The downloads are kept if the disk has room for them.
    """
    if not keeps_downloads(read_machine(installation=False), cpu=cpu):
        arguments = ("--no-cache-dir", *arguments)
    if not PathFinder.find_spec("pip"):  # environments that uv makes have none
        subprocess.call([sys.executable, "-m", "ensurepip", "--upgrade"])
    log = ENVIRONMENT / "pip.log"
    with open(log, "w", encoding="utf-8") as file:
        code = subprocess.call([*PIP, "--quiet", *arguments], cwd=ROOT, stderr=file)
    if not code:
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("WARNING:"))[-4000:]
    print(text)
    return text or "pip failed"


def install_cpu_torch(index):
    "Install PyTorch and torchvision without GPU libraries, unless a PyTorch is there already"
    found = installed_torch()
    if found and found[1]:
        sys.exit(explained(GPU_BUILD, found[0]))
    wanted = ("--index-url", index, "torch", "torchvision")
    if not found and pip_install(*wanted, cpu=True):
        sys.exit(f"No PyTorch from {index}. Remedy: see above, or CPU_WHEELS=ADDRESS of a mirror")


def install_course(extras):
    "Install the course with these extras; the installed PyTorch stays as it is"
    wanted = f".[{','.join(extras)}]" if extras else "."
    found = installed_torch()
    arguments = ["--editable", wanted]
    if found:
        constraints = ENVIRONMENT / "kept.txt"
        constraints.write_text(f"torch=={found[0]}\n", encoding="utf-8")
        arguments += ["--constraint", str(constraints)]
    failed = pip_install(*arguments)
    if found and "conflict" in failed:
        sys.exit(explained(KEPT, found[0]))
    if failed:
        sys.exit("Not installed. Remedy: see pip's messages above, then the same command again")


def main():
    "Install; without extras, show what `fer-course doctor` finds and exit with its status"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("extras", nargs="*", help="of pyproject.toml, such as dev")
    parser.add_argument("--torch", choices=("", "cpu"), default="", help="cpu: no GPU libraries")
    parser.add_argument("--index", default=CPU_WHEELS, help="address of the builds for CPUs")
    given = parser.parse_args()
    start = time.time()
    try:
        if given.torch == "cpu":
            install_cpu_torch(given.index)
        install_course(given.extras)
    except KeyboardInterrupt:  # pip has stopped as well
        print(STOPPED, flush=True)
        sys.exit(130)
    print(f"== Installed in {time.time() - start:.0f} s", flush=True)
    if not given.extras:
        sys.exit(subprocess.call([sys.executable, "-m", "fer_course", "doctor"], cwd=ROOT))


if __name__ == "__main__":
    main()
