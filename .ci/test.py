"All checks, one after the other: what `make test` and CI run. Stops at the first that fails."

import filecmp, os, shutil, subprocess, sys, tempfile
from pathlib import Path

ROOT, BIN = Path(__file__).resolve().parents[1], Path(sys.executable).parent
GENERATED = (".py", ".ipynb", ".md")
TREES = ("nbs", "fer_course", "tests")


def in_sync():
    "Export, extract, clean and render in a copy of the project; anything that changes was out of sync"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / ROOT.name
        copy.mkdir()
        for name in TREES:
            shutil.copytree(
                ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
            )
        shutil.copytree(ROOT / ".ci", copy / ".ci")
        for name in ("settings.ini", "pyproject.toml", "index.ipynb", "README.md"):
            shutil.copy(ROOT / name, copy)
        for tree in ("index_files",):
            if (ROOT / tree).exists():
                shutil.copytree(ROOT / tree, copy / tree)
        commands = (
            [BIN / "nbdev_export"],
            [BIN / "nbdev_clean"],
            [sys.executable, ".ci/export_tests.py"],
            [sys.executable, ".ci/readme.py"],
        )
        for command in commands:
            subprocess.run(
                command,
                cwd=copy,
                check=True,
                env={**os.environ, "PYTHONPATH": str(copy)},
                stdout=subprocess.DEVNULL,
            )
        mine, new = (
            {
                p.relative_to(top)
                for t in (*TREES, ".")
                for p in (top / t).glob("*" if t == "." else "**/*")
                if p.suffix in GENERATED
                and "__pycache__" not in p.parts
                and not p.name.startswith(".")
            }
            for top in (ROOT, copy)
        )
        mine = {p for p in mine if p.parts[0] in TREES or p.name in ("index.ipynb", "README.md")}
        stale = sorted(
            str(p)
            for p in mine | new
            if not (
                (ROOT / p).exists()
                and (copy / p).exists()
                and filecmp.cmp(ROOT / p, copy / p, shallow=False)
            )
        )
    if stale:
        sys.exit(
            "Not in sync with the notebooks, or not clean:\n  "
            + "\n  ".join(stale)
            + "\nRemedy: make export, then nbdev_clean."
        )
    print(f"{len(mine)} files in sync and clean")


def main():
    threads = dict(
        OMP_NUM_THREADS="1",
        MKL_NUM_THREADS="1",
        PYTHONWARNINGS="ignore::FutureWarning,ignore::DeprecationWarning",
        FER_PROGRESS="0",
    )
    if sys.argv[1:] == ["sync"]:
        return in_sync()
    steps = {
        "Style": [BIN / "ruff", "check", "."],
        "Format": [BIN / "ruff", "format", "--check", "--quiet", ".", ".ci"],
        "In sync and clean": [sys.executable, __file__, "sync"],
        "Notebooks run": [BIN / "nbdev_test", "--n_workers", "2"],
        "Tests": [sys.executable, "-m", "pytest", "-q", "tests", "--durations=8"],
    }
    for title, command in steps.items():
        command = [sys.executable, ".ci/step.py", title, "--", *map(str, command)]
        if subprocess.call(command, cwd=ROOT, env={**os.environ, **threads}):
            sys.exit(1)


if __name__ == "__main__":
    main()
