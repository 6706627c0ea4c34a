"""What was taken from npm is committed, unchanged, licensed, and names no registry. Needs no Node."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "assets" / "ui"
VENDOR = ROOT / "packaging" / "ui-vendor"
LOCKS = [(UI, UI / "vendor" / "vendor.lock.json"), (ROOT / "tests" / "e2e" / "vendor", None)]


def read_lock(base: Path, path: Path | None) -> dict[str, Any]:
    lock: dict[str, Any] = json.loads((path or base / "vendor.lock.json").read_text("utf-8"))
    return lock


@pytest.mark.parametrize(("base", "path"), LOCKS, ids=["ui", "tests"])
def test_every_vendored_file_has_the_sum_and_size_of_the_lock(base: Path, path: Path | None) -> None:
    lock = read_lock(base, path)
    for name, entry in lock["files"].items():
        content = (base / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], name
        assert len(content) == entry["bytes"], name


@pytest.mark.parametrize(("base", "path"), LOCKS, ids=["ui", "tests"])
def test_every_file_below_a_vendor_folder_is_in_the_lock(base: Path, path: Path | None) -> None:
    folders = [base / "vendor", base / "fonts"] if path else [base]
    present = {file.relative_to(base).as_posix() for folder in folders for file in folder.rglob("*") if file.is_file()}
    ours = ("vendor.lock.json", ".d.ts")
    assert {name for name in present if not name.endswith(ours)} == set(read_lock(base, path)["files"])


@pytest.mark.parametrize(("base", "path"), LOCKS, ids=["ui", "tests"])
def test_every_vendored_package_has_the_version_and_integrity_of_the_npm_lock(base: Path, path: Path | None) -> None:
    npm = json.loads((VENDOR / "package-lock.json").read_text("utf-8"))["packages"]
    wanted = json.loads((VENDOR / "package.json").read_text("utf-8"))["dependencies"]
    lock = read_lock(base, path)
    for name, package in lock["packages"].items():
        assert package["version"] == wanted[name], f"{name}: exact versions only"
        assert package["integrity"] == npm[f"node_modules/{name}"]["integrity"]
        assert package["licence"] in {"MIT", "Apache-2.0", "OFL-1.1", "MPL-2.0"}
        slug = name.removeprefix("@").replace("/", "-")
        assert any(file.endswith(f"licences/{slug}.txt") for file in lock["files"]), f"{name}: licence text missing"


def test_the_npm_lock_names_no_registry() -> None:
    packages = json.loads((VENDOR / "package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and not package.get("integrity")] == []


ELSEWHERE = re.compile(r"""(?:src|href)=["']?https?:|url\(["']?https?:|from ["']https?:|@import(?! "[a-z_]+\.css";)""")


def test_no_page_loads_anything_from_elsewhere() -> None:
    for path in UI.rglob("*"):
        if path.suffix in {".html", ".css", ".js"} and "vendor" not in path.parts:
            assert ELSEWHERE.findall(path.read_text("utf-8")) == [], path
