"""`gridbear service`, against a stand-in for systemctl that remembers what it was told; systemd reads the unit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gridbear_desktop.commands import run
from server.cli.user_unit import unit_text

STAND_IN = """#!{python}
import json, os, sys
from pathlib import Path
place = Path(os.environ["STAND_IN"])
state = json.loads(place.read_text()) if place.exists() else {{"calls": [], "enabled": False, "active": "inactive"}}
words = sys.argv[2:]
state["calls"].append(words)
if words[0] == state.get("refuses"):
    print("Failed to connect to bus", file=sys.stderr)
    sys.exit(1)
if words[0] == "enable": state["enabled"] = True
if words[0] == "restart": state["active"] = "active"
if words[0] == "disable": state.update(enabled=False, active="inactive")
place.write_text(json.dumps(state))
if words[0] == "is-active": print(state["active"])
if words[0] == "is-enabled": print("enabled" if state["enabled"] else "disabled")
"""


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl of its own, whose memory is the file that is given; loginctl knows nobody."""
    if sys.platform != "linux":
        pytest.skip("gridbear service writes a unit of systemd, which only Linux has")
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("systemctl", "loginctl"):
        (folder / name).write_text(STAND_IN.format(python=sys.executable))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("STAND_IN", str(tmp_path / "state.json"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in [name for name in os.environ if name.startswith("GRIDBEAR_")]:
        monkeypatch.delenv(name)
    return tmp_path / "state.json"


def unit(tmp_path: Path) -> Path:
    return tmp_path / "config" / "systemd" / "user" / "gridbear.service"


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["service", *words, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_it_is_installed_read_back_and_removed_and_the_data_stay(
    systemd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / 'my "data" 50% $HOME'
    data.mkdir()
    monkeypatch.setenv("GRIDBEAR_PORT", "8123")
    monkeypatch.setenv("GRIDBEAR_INTERNAL_SECRET", "not for a file")
    found = told(capsys, "install", "--data-dir", str(data))
    assert (found["state"], found["at_login"], found["data_dir"]) == ("running", True, str(data))
    text = unit(tmp_path).read_text()
    assert 'Environment="GRIDBEAR_PORT=8123"' in text and "not for a file" not in text
    assert json.loads(systemd.read_text())["calls"][:4] == [
        ["show", "--property=Version"],
        ["daemon-reload"], ["enable", "gridbear.service"], ["restart", "gridbear.service"],
    ]  # fmt: skip
    assert told(capsys, "status")["state"] == "running"
    # Once more: the unit is ours, and takes what holds now.
    monkeypatch.delenv("GRIDBEAR_PORT")
    told(capsys, "install")
    assert "8123" not in unit(tmp_path).read_text()
    assert told(capsys, "remove") == {"removed": True}
    assert not unit(tmp_path).exists() and data.exists()
    assert ["disable", "--now", "gridbear.service"] in json.loads(systemd.read_text())["calls"]
    assert told(capsys, "status", code=3)["state"] == "absent"
    assert told(capsys, "remove") == {"removed": False}


def test_a_unit_that_somebody_else_wrote_is_left_alone(
    systemd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unit(tmp_path).parent.mkdir(parents=True)
    unit(tmp_path).write_text("[Service]\nExecStart=/my/own\n")
    for words in (["install"], ["remove"]):
        assert run(["service", *words]) == 3
        assert "was not written by GridBear" in capsys.readouterr().err
    assert not systemd.exists() and "/my/own" in unit(tmp_path).read_text()
    assert told(capsys, "install", "--replace")["state"] == "running"
    kept = unit(tmp_path).with_name("gridbear.service.before-gridbear")
    assert "/my/own" in kept.read_text()


def test_what_systemd_refuses_is_said(systemd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    systemd.write_text(json.dumps({"calls": [], "enabled": False, "active": "inactive", "refuses": "enable"}))
    assert run(["service", "install"]) == 2
    assert "Failed to connect to bus" in capsys.readouterr().err


def test_where_nobody_answers_for_a_session_nothing_is_left_and_the_way_out_is_said(
    systemd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    systemd.write_text(json.dumps({"calls": [], "enabled": False, "active": "inactive", "refuses": "show"}))
    assert run(["service", "install"]) == 2
    assert "by ssh" in capsys.readouterr().err
    assert not unit(tmp_path).exists()


def test_without_systemd_it_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["service", "status"]) == 2
    assert "gridbear serve" in capsys.readouterr().err


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="asks systemd-analyze about the unit, which this computer lacks"
)
def test_systemd_reads_the_unit_without_a_complaint(tmp_path: Path) -> None:
    text = unit_text(tmp_path / "50% $HOME", {"GRIDBEAR_LOG_LEVEL": "debug", "GRIDBEAR_MDNS": 'a "b"'})
    assert complaints(tmp_path, text) == []
    [complaint] = complaints(tmp_path, text.replace("RestartSec=", "Bogus="))
    assert "Bogus" in complaint, "the check itself works"


def complaints(folder: Path, text: str) -> list[str]:
    place = folder / "gridbear.service"
    place.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", "--recursive-errors=no", str(place)],
        capture_output=True, text=True, env={**os.environ, "XDG_RUNTIME_DIR": str(folder)}, check=False,
    )  # fmt: skip
    return sorted({line for line in done.stderr.splitlines() if line.strip()})
