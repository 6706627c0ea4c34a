"""Start at login on the three systems: written, read back, switched off elsewhere, mended and removed."""

from __future__ import annotations

import json
import os
import plistlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gridbear_desktop.autostart import APPROVED_KEY, RUN_KEY, Autostart, LaunchAgent, LoginItem, RunValue, XdgEntry
from gridbear_desktop.autostart_commands import autostart
from server.errors import StartupError

STRANGE = ["/opt/Grid Bear/gridbear", "tray", "--data-dir", '/home/möp/50% "off" $HOME\\here `x`']


class StandInRegistry:
    """The part of `winreg` that is used, over a dict."""

    HKEY_CURRENT_USER, REG_SZ, KEY_SET_VALUE = "HKCU", 1, 2

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}

    def CreateKey(self, _root: str, name: str) -> Key:
        return Key(self.keys.setdefault(name, {}))

    def OpenKey(self, _root: str, name: str, *_more: int) -> Key:
        if name not in self.keys:
            raise FileNotFoundError(name)
        return Key(self.keys[name])

    def QueryValueEx(self, key: Key, name: str) -> tuple[Any, int]:
        if name not in key.values:
            raise FileNotFoundError(name)
        return key.values[name], 1

    def SetValueEx(self, key: Key, name: str, _zero: int, _kind: int, value: Any) -> None:
        key.values[name] = value

    def DeleteValue(self, key: Key, name: str) -> None:
        if name not in key.values:
            raise FileNotFoundError(name)
        del key.values[name]


class Key:
    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __enter__(self) -> Key:
        return self

    def __exit__(self, *_error: object) -> None:
        pass


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


ITEMS: list[Callable[[], LoginItem]] = [XdgEntry, LaunchAgent, lambda: RunValue(StandInRegistry())]


@pytest.mark.parametrize("make", ITEMS)
def test_what_is_written_reads_back_and_goes_without_a_trace(home: Path, make: Callable[[], LoginItem]) -> None:
    item = make()
    assert item.command() is None and not item.remove()
    path = r"C:\Program Files\Grid Bear\gridbear.exe"
    command = [path, "tray", "--data-dir", r"D:\my data"] if isinstance(item, RunValue) else STRANGE
    item.write(command)
    assert item.command() == command
    assert item.remove() and item.command() is None
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_the_desktop_entry_starts_what_it_says(home: Path) -> None:
    item = XdgEntry()
    script = home / "folder with spaces & $signs" / "show"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\nimport json, sys; print(json.dumps(sys.argv[1:]))\n")
    script.chmod(0o755)
    item.write([str(script), *STRANGE[1:]])
    # Of GLib, which reads desktop entries for most desktops.
    gio = pytest.importorskip("gi.repository.Gio", reason="the system has no GLib for Python")
    shown = gio.DesktopAppInfo.new_from_filename(item.place)
    assert shown is not None and shown.get_name() == "GridBear Desktop"
    glib = pytest.importorskip("gi.repository.GLib")
    done, words = glib.shell_parse_argv(shown.get_commandline().replace("%%", "%"))
    assert done
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == STRANGE[1:]


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_a_desktop_that_switched_it_off_is_believed(home: Path, line: str) -> None:
    item = XdgEntry()
    item.write(STRANGE)
    path = Path(item.place)
    path.write_text(path.read_text("utf-8").replace("X-GNOME-Autostart-enabled=true", line), "utf-8")
    assert item.command() is None
    item.write(STRANGE)
    assert item.command() == STRANGE


def test_macos_and_the_task_manager_are_believed_too(home: Path) -> None:
    agent = LaunchAgent()
    agent.write(STRANGE)
    Path(agent.place).write_bytes(plistlib.dumps({"RunAtLoad": True, "Disabled": True, "ProgramArguments": STRANGE}))
    assert agent.command() is None
    Path(agent.place).write_bytes(b"no property list")
    assert agent.command() is None
    registry = StandInRegistry()
    value = RunValue(registry)
    value.write(["gridbear.exe"])
    registry.keys[APPROVED_KEY] = {"GridBear Desktop": b"\x03" + bytes(11)}
    assert value.command() is None
    value.write(["gridbear.exe"])
    assert value.command() == ["gridbear.exe"] and registry.keys[RUN_KEY] and not registry.keys[APPROVED_KEY]


def test_an_entry_whose_program_is_gone_is_pointed_at_this_one_with_its_own_folder(home: Path) -> None:
    item = XdgEntry()
    item.write(["/gone/gridbear", "tray", "--minimized", "--data-dir", "/home/me/bear"])
    assert Autostart(item=item).mend()
    mended = item.command()
    assert mended is not None
    assert mended[0] == sys.executable and mended[-4:] == ["tray", "--minimized", "--data-dir", "/home/me/bear"]
    assert not Autostart(item=item).mend(), "this program is there"
    item.remove()
    assert not Autostart(item=item).mend() and item.command() is None, "what is off stays off"


class Stubborn:
    """A system that takes nothing."""

    place = "nowhere"

    def command(self) -> list[str] | None:
        return None

    def write(self, command: Sequence[str]) -> None:
        pass

    def remove(self) -> bool:
        return False


def test_what_was_not_taken_is_told(home: Path) -> None:
    with pytest.raises(StartupError, match="nowhere was changed, and reads as before"):
        Autostart(item=Stubborn()).switch(True)
    (home / ".config").write_text("no folder")
    with pytest.raises(StartupError, match=r"gridbear-desktop\.desktop can't be changed"):
        Autostart(item=XdgEntry()).switch(True)


@pytest.mark.skipif(
    sys.platform != "linux",
    reason="reads the .desktop file of Linux; the entries of Windows and macOS have tests of their own above",
)
def test_the_commands_switch_it_on_tell_it_and_switch_it_off(home: Path) -> None:
    runner = CliRunner()
    told = json.loads(runner.invoke(autostart, ["on", "--data-dir", "bear", "--json"]).stdout)
    assert told["on"] and told["command"][-4:] == ["tray", "--minimized", "--data-dir", os.path.abspath("bear")]
    assert Path(told["place"]).is_relative_to(home)
    assert "starts at login" in runner.invoke(autostart, ["status"]).stdout
    assert "does not start at login" in runner.invoke(autostart, ["off"]).stdout
    assert not Path(told["place"]).exists()


@pytest.mark.parametrize("kind", [XdgEntry, LaunchAgent])
@pytest.mark.parametrize("in_the_way", ["folder", "file above"])
def test_an_entry_that_can_not_be_read_is_none_and_hinders_no_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Callable[[], LoginItem], in_the_way: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    place = Path(kind().place)
    if in_the_way == "folder":
        place.mkdir(parents=True)
    else:
        place.parent.parent.mkdir(parents=True)
        place.parent.write_text("", "utf-8")
    autostart_of = Autostart(item=kind())
    assert (autostart_of.is_on, autostart_of.mend()) == (False, False)
    with pytest.raises(StartupError, match="can't be changed"):
        autostart_of.switch(True)
