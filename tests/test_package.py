"What wheel and sdist hold, and the wheel in use beside its requirements alone."

import sys
import pytest
import packages

HEAVY = ("tests/", "nbs/", "experiments/", "benchmarks/", "docs/", ".ci/")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    "Return (sdist, the wheel made from it, the wheel made from the sources)"
    folder = tmp_path_factory.mktemp("build")
    source = packages.copy_sources(folder / "source")
    (sdist,), (wheel,) = packages.build(source, folder / "by sdist")
    _, (direct,) = packages.build(source, folder / "direct", "--wheel")
    return sdist, wheel, direct


@pytest.fixture(scope="module")
def used(built, tmp_path_factory):
    "Return what the wheel does in an environment with its requirements and nothing else"
    folder = tmp_path_factory.mktemp("use")
    python = packages.bare_environment(folder / "environment")
    needed = packages.closure(packages.requirements(built[1]))
    site = next((folder / "environment").glob("lib/python*/site-packages"))
    packages.link(needed, site)
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
    packages.run(*pip, "--no-deps", "--no-index", "--disable-pip-version-check", built[1])
    return (*packages.use(python, folder), folder)


def names_of(built):
    "Return the names in the wheel"
    return set(packages.contents(built[1]))


def test_the_sdist_makes_the_same_wheel_as_the_sources(built):
    _, wheel, direct = built
    assert wheel.name == direct.name
    by_sdist, by_sources = packages.contents(wheel), packages.contents(direct)
    assert set(by_sdist) == set(by_sources)
    assert [name for name in by_sdist if by_sdist[name] != by_sources[name]] == []


def test_the_wheel_holds_every_file_of_the_package(built):
    names = set(packages.contents(built[1]))
    here = packages.ROOT / "fer_course"
    skipped = ("__pycache__", ".ipynb_checkpoints")
    files = [p for p in here.rglob("*") if p.is_file() and not set(skipped) & set(p.parts)]
    assert {p.relative_to(packages.ROOT).as_posix() for p in files} - names == set()


@pytest.mark.parametrize(
    "name",
    [
        "checkpoints/small/model.safetensors",
        "checkpoints/photographs/card.json",
        "evaluate/report.html.j2",
        "evaluate/report.css",
        "bias/bias_report.html.j2",
    ],
)
def test_the_wheel_holds_networks_templates_and_styles(built, name):
    assert f"fer_course/{name}" in names_of(built)


def test_the_wheel_holds_the_licence_and_nothing_foreign(built):
    names = names_of(built)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    tops = {name.split("/")[0] for name in names}
    assert len(tops) == 2
    assert "fer_course" in tops
    assert [name for name in names if name.endswith(".ipynb")] == []


def test_the_sdist_holds_neither_tests_nor_notebooks(built):
    names = packages.names_in(built[0])
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names
    assert [name for name in names if name.startswith(HEAVY)] == []


def test_the_wheel_needs_no_notebook_tools(built):
    needs = packages.requirements(built[1])
    plain = [need.lower() for need in needs if "extra" not in need]
    assert len(plain) > 10
    foreign = ("nbdev", "jupyter", "ipython", "ipykernel", "nbclient", "notebook", "execnb")
    assert [need for need in plain if need.startswith(foreign)] == []


def test_what_the_wheel_needs_needs_no_notebook_tools(used):
    *_, script, folder = used
    assert script.strip().endswith("2 []")


def test_doctor_finds_all_packages_of_the_wheel(used):
    findings, *_ = used
    assert findings["packages"]["state"] == "ok", findings["packages"]
    assert findings["torch"]["state"] == "ok", findings["torch"]
    assert findings["networks"]["state"] == "ok", findings["networks"]


def test_predict_works_from_the_wheel(used):
    _, predicted, _, folder = used
    assert "astronaut.png" in predicted
    assert (folder / "seen" / "astronaut.predicted.png").stat().st_size > 10_000


def test_the_versions_agree():
    import configparser
    import fer_course

    settings = configparser.ConfigParser(interpolation=None)
    settings.read(packages.ROOT / "settings.ini")
    assert settings["DEFAULT"]["version"] == fer_course.__version__
