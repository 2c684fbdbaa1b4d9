"""Run notebooks in a fresh kernel each, keep their outputs, clean them: execute.py [-j 2] [notebook ...]

Cells marked with one of settings.ini's `tst_flags` or with `#| eval: false` are skipped and keep their old output. A notebook is written only when
it ran to its end. Without names: every notebook of the course."""

import argparse, hashlib, json, os, re, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import nbformat
from nbclient import NotebookClient
from nbdev.config import get_config
from nbdev.doclinks import nbglob

ROOT = Path(__file__).resolve().parents[1]
QUIET = dict(
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    PYTHONHASHSEED="0",
    FER_PROGRESS="0",
    TQDM_DISABLE="1",
    PYTHONWARNINGS="ignore::FutureWarning,ignore::DeprecationWarning",
)
DIRECTIVE = re.compile(r"^\s*#\s*\|\s*([\w-]+)\s*:?\s*(.*)$", re.M)


def skipped(source, flags):
    "Whether a cell is not to be run"
    found = dict(DIRECTIVE.findall(source))
    return found.get("eval", "").strip() == "false" or bool(flags & found.keys())


TABLE = re.compile(r"\bT_[0-9a-f]{5}\b")


def tidy(output):
    "Drop what differs from run to run without saying anything; None where nothing is left"
    if "execution_count" in output:
        output["execution_count"] = None
    html = "".join(output.get("data", {}).get("text/html", ""))
    if not html:
        return output
    if not re.sub(r"<style.*?</style>|</?div>|\s", "", html, flags=re.S):
        return None
    name = (
        "T_" + hashlib.sha1(TABLE.sub("", html).encode()).hexdigest()[:5]
    )  # pandas draws the names of styled tables at random
    output["data"]["text/html"] = TABLE.sub(name, html)
    return output


def told_too_much(cells):
    "The first output that holds a traceback on its side channel or a path of this machine, as text; None where there is none"
    for text in (json.dumps(o) for c in cells for o in c.outputs):
        if re.search(
            r"Traceback \(most recent|"
            + "|".join(
                re.escape(f) for f in (str(ROOT), sys.prefix, str(Path.home())) if len(f) > 1
            ),
            text,
        ):
            return text[:2000]


def execute(path, flags):
    "Run one notebook and store it; returns (path, seconds, error or None)"
    start, notebook = time.time(), nbformat.read(path, as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    for cell in code:
        if skipped(cell.source, flags):
            cell.metadata["tags"] = ["skip-execution"]
        else:
            cell.outputs = []
    client = NotebookClient(
        notebook,
        timeout=1800,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(Path(path).parent)}},
    )
    try:
        client.execute(env={**os.environ, **QUIET})
    except Exception as error:
        return path, time.time() - start, str(error)[-3000:]
    for cell in code:
        cell.metadata = nbformat.NotebookNode()
        cell.execution_count, cell.outputs = (
            None,
            [o for o in map(tidy, cell.outputs) if o is not None],
        )
    if said := told_too_much(code):
        return (
            path,
            time.time() - start,
            f"an output holds a traceback or a path of this machine, nothing was stored: {said}",
        )
    nbformat.write(notebook, path)
    return path, time.time() - start, None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-j", type=int, default=2, help="notebooks at a time")
    parser.add_argument("notebooks", nargs="*")
    args = parser.parse_args()
    failed = False
    flags = set(get_config().tst_flags.split())
    with ThreadPoolExecutor(args.j) as pool:
        for path, seconds, error in pool.map(
            lambda p: execute(p, flags), args.notebooks or [str(p) for p in nbglob(as_path=True)]
        ):
            print(
                f"{'FAILED' if error else 'ok'}  {seconds:6.1f} s  {os.path.relpath(path)}",
                *([error] if error else []),
                flush=True,
            )
            failed |= bool(error)
    subprocess.run([Path(sys.executable).parent / "nbdev_clean"], check=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
