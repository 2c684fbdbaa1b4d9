"The structure of the library obeys .ci/house.py, and the check finds what it is for."

import ast, sys
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))
import house

MODULE = ROOT / "fer_course" / "data" / "splits.py"


def complaints(check, text):
    "Return what a check says about a module with this text."
    tree = ast.parse(text)
    arguments = (MODULE, tree, text) if check is house.check_sizes else (MODULE, tree)
    return [words for _, words in check(*arguments)]


def test_the_library_has_no_complaint(capsys):
    assert house.main([]) == 0, capsys.readouterr().out


def test_every_public_argument_has_a_type(capsys):
    assert house.main(["--types"]) == 0, capsys.readouterr().out


def test_exceptions_are_few_and_have_reasons():
    assert len(house.EXCEPTIONS) < 10
    for name, reason in house.EXCEPTIONS.items():
        assert len(reason) > 20, name


def test_a_long_function_is_found():
    body = "\n".join(f"    x{i} = {i}" for i in range(60))
    assert complaints(house.check_sizes, f"def long():\n{body}\n") == [
        "long has 61 lines, at most 50"
    ]


def test_a_long_module_is_found():
    text = "x = 1\n" * 400
    assert complaints(house.check_sizes, text) == ["400 lines, at most 350"]


@pytest.mark.parametrize(
    "line, words",
    [
        ("from ..align.crops import align_manifest", "imports align.crops, which is above it"),
        ("from ..core.files import _private", "takes the private name _private of core.files"),
        ("def f():\n    from fer_course.train import fit", "imports train, which is above it"),
    ],
)
def test_imports_upward_and_private_names_are_found(line, words):
    assert complaints(house.check_imports, line) == [words]


def test_imports_downward_are_fine():
    assert complaints(house.check_imports, "from ..core.files import atomic") == []


@pytest.mark.parametrize("phrase", ["somebody", "a training that is over", "whoever", "is no file"])
def test_slips_of_english_are_found(phrase):
    text = f'def f():\n    "Return what {phrase} gives."\n'
    assert len(complaints(house.check_docstrings, text)) == 1


def test_a_training_run_is_no_slip():
    text = 'def f():\n    "Return the folder of a training run."\n'
    assert complaints(house.check_docstrings, text) == []


def test_a_missing_type_is_found():
    text = "def f(a: int, b) -> int:\n    return a\n"
    assert complaints(house.check_types, text) == ["f: no type for b"]
