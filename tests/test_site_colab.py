"""Test the copies of lessons for Google Colab, without Sphinx and without a network."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))
from course_site import colab  # noqa: E402

LESSONS = sorted(ROOT.glob(colab.LESSONS))
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
RECORDER = "import json, sys\njson.dump(sys.argv[1:], open({file!r}, 'w'))\n"


def read(path):
    "Return a notebook."
    return json.loads(Path(path).read_text(encoding="utf-8"))


def source(cell):
    "Return the source of a cell."
    return "".join(cell["source"])


def code(notebook):
    "Return the sources of the code cells."
    return [source(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def notebook(*sources):
    "Return a notebook of code cells."
    return dict(cells=[dict(cell_type="code", source=text) for text in sources])


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    "Write the copies of all lessons once; they lie under their lessons' names"
    folder = tmp_path_factory.mktemp("site") / "colab"
    return {path.name: read(path) for path in colab.write_copies(ROOT, folder)}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
class TestLesson:
    "What holds for the copy of each lesson"

    def test_valid(self, copies, path):
        nbformat.validate(nbformat.from_dict(copies[path.name]))

    def test_code_stays_as_it_is(self, copies, path):
        assert code(copies[path.name])[1:] == code(read(path))

    def test_texts_stay_but_for_links(self, copies, path):
        def labels(nb, skip):
            cells = [c for c in nb["cells"] if c["cell_type"] == "markdown" and c["id"] != skip]
            return [re.sub(r"\]\([^)]*\)", "]", source(cell)) for cell in cells]

        assert labels(copies[path.name], "colab-start") == labels(read(path), None)

    def test_starts_with_the_installation(self, copies, path):
        first = code(copies[path.name])[0]
        assert "git" in first and "pip" in first
        assert copies[path.name]["cells"][0]["id"] == read(path)["cells"][0]["id"]

    def test_has_no_outputs(self, copies, path):
        cells = [cell for cell in copies[path.name]["cells"] if cell["cell_type"] == "code"]
        assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)

    def test_kernel(self, copies, path):
        assert copies[path.name]["metadata"]["kernelspec"]["name"] == "python3"

    def test_links_are_addresses(self, copies, path):
        texts = [source(c) for c in copies[path.name]["cells"] if c["cell_type"] == "markdown"]
        targets = re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", "\n".join(texts))
        assert all(target.startswith(("http://", "https://", "#")) for target in targets)

    def test_imports_are_installed(self, copies, path):
        further = colab.further_packages(read(path))
        first = code(copies[path.name])[0]
        assert all(json.dumps(name) in first for name in further)


def test_every_lesson_has_a_copy(copies):
    assert list(copies) == [path.name for path in LESSONS]


def test_a_gpu_is_asked_for_where_a_lesson_trains(copies):
    asked = {name for name, copy in copies.items() if copy["metadata"].get("accelerator") == "GPU"}
    assert "17_training.ipynb" in asked
    assert asked == {path.name for path in LESSONS if colab.trains(read(path))}


@pytest.mark.parametrize(
    "text, answer",
    [
        ("history = fit(model, table, images, out)", True),
        ("history = fit(model, table, images, out, device='cpu')", False),
        ("try:\n    fit(None, None, None, None)\nexcept CourseError:\n    pass", False),
        ("found = SVC().fit(x, y)", False),
        ("%time x = 1", False),
    ],
)
def test_what_training_is(text, answer):
    assert colab.trains(notebook(text)) is answer


def test_missing_package_is_installed():
    lesson = notebook("import fancy_plots.core\nimport numpy, os\nfrom . import a")
    assert colab.further_packages(lesson) == ["fancy_plots"]
    cell = colab.install_source(colab.settings(), ["fancy_plots"])
    assert '"--quiet", folder, "fancy_plots"]' in cell


def test_imports_of_experiments_count(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/first.py").write_text("import second")
    (tmp_path / "experiments/second.py").write_text("import first, fancy_plots")
    lesson = notebook("import first\nimport fer_course.core")
    assert colab.imported_modules(lesson, tmp_path) == {"fancy_plots"}


def test_address_follows_the_settings():
    config = dict(git_url="https://github.com/somewhere/else.git/")
    address = colab.colab_address("09_detection", config)
    assert address.endswith("/github/somewhere/else/blob/gh-pages/colab/09_detection.ipynb")


def test_badge_is_a_link_without_pictures():
    text = colab.badge("09_detection")
    address = colab.colab_address("09_detection", colab.settings())
    assert f'href="{address}"' in text
    assert "<img" not in text and "\n\n" not in text


@pytest.mark.parametrize(
    "link, address",
    [
        ("[a](10_alignment.ipynb)", "SITE/nbs/10_alignment.html"),
        ("[a](library/core.files.ipynb#x)", "SITE/nbs/library/core.files.html#x"),
        ("[a](../CONTRIBUTING.md)", "SITE/CONTRIBUTING.html"),
        ("[a](../experiments/gap.py)", "REPOSITORY/blob/main/experiments/gap.py"),
        ("[a](https://example.org/x.ipynb)", "https://example.org/x.ipynb"),
        ("[a](#below)", "#below"),
    ],
)
def test_links(link, address):
    config = dict(doc_host="SITE", doc_baseurl="", git_url="REPOSITORY", branch="main")
    cell = dict(cell_type="markdown", id="a", metadata={}, source=link)
    assert colab._colab_cell(cell, config)["source"] == f"[a]({address})"


def repository(folder):
    "Return a git repository that holds the files that the first cell needs."
    for name in ("pyproject.toml", "nbs/results/balancing.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    subprocess.run([*GIT, "init", "--quiet", "--initial-branch", "main", folder], check=True)
    subprocess.run([*GIT, "-C", folder, "add", "."], check=True)
    subprocess.run([*GIT, "-C", folder, "commit", "--quiet", "-m", "all"], check=True)
    return folder


def run_cell(folder, origin, record):
    "Run the first cell as a script, with a recorder in place of pip; return what it prints."
    config = dict(git_url=origin.as_uri(), branch="main")
    cell = colab.install_source(config, ["fancy_plots"], str(folder))
    modules = record.parent / "modules"
    modules.mkdir(exist_ok=True)
    (modules / "pip.py").write_text(RECORDER.format(file=str(record)))
    after = "\nprint(len(open('results/balancing.json').read()), os.getcwd())"
    done = subprocess.run(
        [sys.executable, "-c", cell + after],
        env={**os.environ, "PYTHONPATH": str(modules)},
        capture_output=True,
        text=True,
        cwd=record.parent,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_first_cell_clones_installs_and_changes_folder(tmp_path):
    clone, record = tmp_path / "course", tmp_path / "pip.json"
    printed = run_cell(clone, repository(tmp_path / "origin"), record)
    assert read(record) == ["install", "--quiet", str(clone), "fancy_plots"]
    assert printed.split()[1] == str(clone / "nbs")
    assert (clone / "pyproject.toml").read_bytes() == (ROOT / "pyproject.toml").read_bytes()


def test_first_cell_runs_again_with_the_clone_that_is_there(tmp_path):
    clone, record = tmp_path / "course", tmp_path / "pip.json"
    origin = repository(tmp_path / "origin")
    first = run_cell(clone, origin, record)
    shutil.rmtree(origin)
    assert run_cell(clone, origin, record) == first
