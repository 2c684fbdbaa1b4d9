"CITATION.cff agrees with the package, and names the five papers."

import configparser
from pathlib import Path
import yaml

ROOT = Path(__file__).resolve().parents[1]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def settings():
    "Return the settings of the project"
    found = configparser.ConfigParser(interpolation=None)
    found.read(ROOT / "settings.ini")
    return found["DEFAULT"]


def test_title_and_version_are_those_of_the_package():
    assert CITATION["title"] == settings()["title"]
    assert str(CITATION["version"]) == settings()["version"]
    assert CITATION["repository-code"] == settings()["git_url"]


def test_what_the_schema_requires_is_there():
    assert str(CITATION["cff-version"]) == "1.2.0"
    assert CITATION["message"]
    assert CITATION["authors"]
    for reference in CITATION["references"]:
        assert reference["type"] in ("article", "report")
        assert reference["title"]
        assert reference["authors"]


def test_the_five_papers_are_named_once():
    notes = " ".join(reference["notes"] for reference in CITATION["references"])
    for paper in ("AU-CVT", "AU-ViT", "OADN", "report S", "report K"):
        assert notes.count(paper) == 1, paper
