"""Test CHANGELOG.md: versions, dates, order, links."""

import re
from configparser import ConfigParser
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
VERSIONS = re.findall(r"^## (\d+)\.(\d+)\.(\d+) \((\d{4}-\d\d-\d\d)\)$", TEXT, flags=re.M)
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_newest_entry_is_the_version_of_the_package():
    settings = ConfigParser()
    settings.read(ROOT / "settings.ini", encoding="utf-8")
    assert ".".join(VERSIONS[0][:3]) == settings["DEFAULT"]["version"]


def test_every_heading_is_a_version():
    assert len(VERSIONS) == len(re.findall(r"^## ", TEXT, flags=re.M))


def test_newest_first():
    numbers = [tuple(map(int, version[:3])) for version in VERSIONS]
    dates = [date.fromisoformat(version[3]) for version in VERSIONS]
    assert numbers == sorted(numbers, reverse=True)
    assert dates == sorted(dates, reverse=True)


def test_kinds_of_changes():
    assert set(re.findall(r"^### (.+)$", TEXT, flags=re.M)) <= KINDS


def test_links_lead_to_files():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", TEXT)
    assert targets
    assert [target for target in targets if not (ROOT / target).is_file()] == []
