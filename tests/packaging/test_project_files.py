"""What must agree between pyproject.toml, the lock files, the docs and the program."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from server import __version__
from server.config import setting_fields
from server.db.conditions import OPERATORS

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "packaging").glob("*.lock"))
PEER_LOCKS = sorted((ROOT / "packaging" / "peers").glob("*.lock"))
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["project"]["version"] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_there_are_five_lock_files() -> None:
    assert [path.stem for path in LOCKS] == ["bench", "desktop", "dev", "qt", "requirements"]


@pytest.mark.parametrize("path", [*LOCKS, *PEER_LOCKS], ids=lambda path: path.stem)
def test_a_lock_is_exact_hashed_and_names_no_index(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert requirements
    assert all(re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+ ", line) for line in requirements)
    assert text.count("--hash=sha256:") >= len(requirements)


def test_the_lock_of_the_npm_peers_has_a_sum_for_every_package_and_names_no_registry() -> None:
    packages = json.loads((ROOT / "packaging" / "peers" / "package-lock.json").read_text("utf-8"))["packages"]
    assert all(package.get("integrity", "").startswith("sha512-") for name, package in packages.items() if name)
    assert not any("resolved" in package for package in packages.values())


def test_a_package_has_one_version_in_all_locks() -> None:
    versions: dict[str, set[str]] = {}
    for path in LOCKS:
        for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", path.read_text("utf-8"), re.MULTILINE):
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_operators_guide_has_every_setting_as_it_is() -> None:
    spec = importlib.util.spec_from_file_location("settings_table", ROOT / "packaging" / "settings_table.py")
    assert spec is not None and spec.loader is not None
    settings_table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(settings_table)
    guide = (ROOT / "docs" / "operators.md").read_text("utf-8")
    assert guide == settings_table.with_table(guide, setting_fields()), "run `python packaging/settings_table.py`"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_links_lead_to_files_and_headings_that_are_there(guide: Path) -> None:
    lost = []
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", guide.read_text("utf-8")):
        file, _, heading = link.partition("#")
        target = guide.parent / file if file else guide
        if not target.exists() or (heading and heading not in headings(target.read_text("utf-8"))):
            lost.append(link)
    assert lost == []


def headings(text: str) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_filters_of_the_docs_use_operators_that_exist(guide: Path) -> None:
    used = re.findall(r"[?&][a-z_]*[a-z]__([a-z_]+)=", guide.read_text("utf-8"))
    assert [operator for operator in used if operator not in OPERATORS] == []


def test_the_map_of_the_house_names_every_room_in_the_order_of_its_layers() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = [re.findall(r"`([a-z_]+)(?:\.py)?`", row) for row in re.findall(r"^\| (`.+?) \| ", text, re.MULTILINE)]
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    floor = {part.strip(): at for at, layer in enumerate(layers) for part in re.split(r"[|:]", layer)}
    rows = [row for row in rows if row and set(row) <= set(floor)]
    rooms = {path.parent.name for path in (ROOT / "server").glob("*/__init__.py")}
    assert rooms - {name for row in rows for name in row} == set()
    for above, below in pairwise(rows):
        assert max(floor[name] for name in above) <= min(floor[name] for name in below), below


def test_every_file_that_the_map_of_the_house_names_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    part = text[text.index("## The house") : text.index("## Changes")]
    for name in re.findall(r"`([\w/]+\.(?:py|js|css|toml)|[\w/]+/)`", part):
        assert any((ROOT / place / name).exists() for place in ("", "server", "gridbear_desktop", "assets/ui")), name
