"""The parts of the bundles that other systems build: the spec read as each of them, the installer, the workflow."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "bundles.yml").read_text("utf-8"))
INSTALLER = (PACKAGING / "windows" / "gridbear.iss").read_text("utf-8")
JOBS = sorted(WORKFLOW["jobs"])


class Recorder:
    """Stands for PyInstaller's classes: keeps what the spec asks for."""

    def __init__(self) -> None:
        self.asked: dict[str, list[dict[str, Any]]] = {}

    def __getitem__(self, kind: str) -> list[dict[str, Any]]:
        return self.asked.get(kind, [])

    def of(self, kind: str) -> Any:
        def make(*args: Any, **kwargs: Any) -> Any:
            self.asked.setdefault(kind, []).append({"args": args, **kwargs})
            return types.SimpleNamespace(pure=[], scripts=[], binaries=[], datas=[])

        return make


def read_spec(kind: str, system: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """What the spec file asks of PyInstaller on a system, without building."""
    hooks = types.ModuleType("PyInstaller.utils.hooks")
    nothing: dict[str, Any] = {
        "collect_data_files": lambda _name: [],
        "collect_submodules": lambda name, filter=None: [name],
        "copy_metadata": lambda _name: [],
    }
    for name, stand_in in nothing.items():
        setattr(hooks, name, stand_in)
    for name in ("PyInstaller", "PyInstaller.utils"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "PyInstaller.utils.hooks", hooks)
    monkeypatch.syspath_prepend(str(PACKAGING))
    monkeypatch.setattr(importlib.import_module("bundle_licences"), "collect", lambda _sources, _target: [])
    monkeypatch.setenv("GRIDBEAR_BUNDLE", kind)
    monkeypatch.setattr(sys, "platform", system)
    recorder = Recorder()
    names = {name: recorder.of(name) for name in ("Analysis", "PYZ", "EXE", "COLLECT", "BUNDLE")}
    places = {"SPECPATH": str(PACKAGING), "workpath": str(folder)}
    exec(compile((PACKAGING / "gridbear.spec").read_text("utf-8"), "gridbear.spec", "exec"), {**names, **places})
    return recorder


@pytest.mark.parametrize("kind", ["headless", "desktop"])
@pytest.mark.parametrize("system", ["linux", "win32", "darwin"])
def test_the_spec_is_right_on_every_system(
    kind: str, system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = read_spec(kind, system, tmp_path, monkeypatch)
    hidden = asked["Analysis"][0]["hiddenimports"]
    excluded = asked["Analysis"][0]["excludes"]
    assert ("uvloop" in hidden) is (system != "win32")
    assert not set(hidden) & set(excluded)
    assert ("webview" in excluded) is (kind == "headless")
    engine = {"linux": "qt", "win32": "winforms", "darwin": "cocoa"}[system]
    assert (f"webview.platforms.{engine}" in hidden) is (kind == "desktop")
    windowed = [program for program in asked["EXE"] if not program["console"]]
    assert bool(windowed) is (kind == "desktop" and system == "win32")
    assert not any(program["upx"] for program in asked["EXE"]) and not asked["COLLECT"][0]["upx"]
    for program in asked["EXE"]:
        assert (program["version"] is not None) is (system == "win32")
        assert program["version"] is None or "ProductVersion" in Path(program["version"]).read_text("utf-8")
        assert (program["icon"] is not None) is (system != "linux")
        assert program["icon"] is None or Path(program["icon"]).is_file()
    assert bool(asked["BUNDLE"]) is (kind == "desktop" and system == "darwin")
    assert all(app["info_plist"]["LSUIElement"] is True for app in asked["BUNDLE"])


def test_a_kind_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="headless or desktop"):
        read_spec("huge", "linux", tmp_path, monkeypatch)


def test_the_archives_are_named_by_what_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PACKAGING))
    bundle = importlib.import_module("dev_bundle")
    version = bundle.version()
    assert bundle.archive_name("headless", "linux", "x86_64") == f"gridbear-headless-{version}-linux-x86_64"
    assert bundle.archive_name("desktop", "win32", "AMD64") == f"gridbear-desktop-{version}-windows-x86_64"
    assert bundle.archive_name("desktop", "darwin", "arm64") == f"gridbear-desktop-{version}-macos-arm64"


def test_the_installer_takes_files_that_are_there_and_leaves_data_alone() -> None:
    setup = dict(re.findall(r"^(\w+)=(.*)$", INSTALLER, re.MULTILINE))
    for name in ("LicenseFile", "SetupIconFile"):
        assert (PACKAGING / "windows" / setup[name].replace("\\", "/")).resolve().is_file(), name
    assert setup["PrivilegesRequired"] == "lowest" and re.fullmatch(r"\{\{[0-9A-F-]{36}\}", setup["AppId"])
    [source] = re.findall(r'^Source: "([^"]+)"', INSTALLER, re.MULTILINE)
    assert source == r"..\..\dist\gridbear-desktop\*"
    assert '#define Program "gridbearw.exe"' in INSTALLER
    removed = re.findall(r'^Type: \w+; Name: "([^"]+)"', INSTALLER, re.MULTILINE)
    assert set(removed) == {r"{app}\_internal"}, "what is deleted is the program's alone"


def test_the_disk_image_is_made_of_an_app_whose_signature_was_checked() -> None:
    script = PACKAGING / "macos" / "dmg.sh"
    assert subprocess.run(["sh", "-n", str(script)], capture_output=True, check=False).returncode == 0
    text = script.read_text("utf-8")
    assert "set -eu" in text
    assert text.index("codesign --force") < text.index("codesign --verify --deep") < text.index("hdiutil create")


@pytest.mark.parametrize("job", JOBS)
def test_actions_are_pinned_to_a_commit_and_hold_no_rights(job: str) -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"} and "permissions" not in WORKFLOW["jobs"][job]
    used = [step["uses"] for step in WORKFLOW["jobs"][job]["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action) for action in used)
    assert WORKFLOW["jobs"][job]["timeout-minutes"] <= 60


@pytest.mark.parametrize("job", JOBS)
def test_the_files_that_a_step_names_are_there(job: str) -> None:
    for step in WORKFLOW["jobs"][job]["steps"]:
        script = str(step.get("run", "")).replace("\\", "/")
        for path in re.findall(r"(?:packaging|tests)/[\w./-]+\.(?:py|sh|iss)", script):
            assert (ROOT / path).is_file(), path
        if shutil.which("bash") and step.get("shell") != "pwsh" and job != "windows":
            checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stderr


def test_the_workflow_fails_where_the_signature_does_not_hold() -> None:
    steps = WORKFLOW["jobs"]["macos"]["steps"]
    [position] = [number for number, step in enumerate(steps) if "codesign --verify --deep" in step.get("run", "")]
    upload = next(number for number, step in enumerate(steps) if "upload-artifact" in step.get("uses", ""))
    assert position < upload and not any("continue-on-error" in step for step in steps)


@pytest.mark.parametrize("job", JOBS)
def test_every_file_to_download_has_its_sum(job: str) -> None:
    [upload] = [step for step in WORKFLOW["jobs"][job]["steps"] if "upload-artifact" in step.get("uses", "")]
    assert "dist/*.sha256" in upload["with"]["path"].split() and upload["with"]["if-no-files-found"] == "error"
