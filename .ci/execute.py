"""Run notebooks in a fresh kernel each, keep their outputs, clean them.

    python .ci/execute.py [-j 2] [notebook ...]

Cells marked with one of settings.ini's `tst_flags` or with `#| eval: false` are skipped and keep
their old output. A notebook is written only if it ran to its end. Without names: all notebooks.
"""

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
TABLE = re.compile(r"\bT_[0-9a-f]{5}\b")


def skipped(source, flags):
    "Return whether a cell is not to be run"
    found = dict(DIRECTIVE.findall(source))
    return found.get("eval", "").strip() == "false" or bool(flags & found.keys())


def tidy(output):
    "Return an output without what differs from run to run, or None if nothing remains"
    if "execution_count" in output:
        output["execution_count"] = None
    html = "".join(output.get("data", {}).get("text/html", ""))
    if not html:
        return output
    if not re.sub(r"<style.*?</style>|</?div>|\s", "", html, flags=re.S):
        return None
    # pandas gives styled tables random names
    name = "T_" + hashlib.sha1(TABLE.sub("", html).encode()).hexdigest()[:5]
    output["data"]["text/html"] = TABLE.sub(name, html)
    return output


def leak(cells):
    "Return the first output that holds a traceback or a path of this machine, or None"
    folders = [re.escape(f) for f in (str(ROOT), sys.prefix, str(Path.home())) if len(f) > 1]
    pattern = re.compile("|".join([r"Traceback \(most recent", *folders]))
    for cell in cells:
        for output in cell.outputs:
            text = json.dumps(output)
            if pattern.search(text):
                return text[:2000]
    return None


def store(notebook, cells, path):
    "Write an executed notebook; return None, or why it was not written"
    for cell in cells:
        cell.metadata = nbformat.NotebookNode()
        cell.execution_count = None
        tidied = [tidy(output) for output in cell.outputs]
        cell.outputs = [output for output in tidied if output is not None]
    if text := leak(cells):
        return f"an output holds a traceback or a path of this machine, nothing was stored: {text}"
    nbformat.write(notebook, path)
    return None


def execute(path, flags):
    "Run one notebook and store it; return (path, seconds, error or None)"
    start = time.time()
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in cells:
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
    return path, time.time() - start, store(notebook, cells, path)


def main():
    "Execute the notebooks that the command line names; exit with status 1 if one failed"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", type=int, default=2, help="notebooks at a time")
    parser.add_argument("notebooks", nargs="*")
    arguments = parser.parse_args()
    flags = set(get_config().tst_flags.split())
    paths = arguments.notebooks or [str(p) for p in nbglob(as_path=True)]
    failed = False
    with ThreadPoolExecutor(arguments.j) as pool:
        for path, seconds, error in pool.map(lambda p: execute(p, flags), paths):
            state = "FAILED" if error else "ok"
            print(f"{state}  {seconds:6.1f} s  {os.path.relpath(path)}", flush=True)
            if error:
                print(error, flush=True)
                failed = True
    subprocess.run([Path(sys.executable).parent / "nbdev_clean"], check=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
