"""`gridbear uninstall`: what was on the disk before GridBear came is there again, and nothing besides what it said."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gridbear_process import Gridbear, run_info

from gridbear_desktop.commands import run
from gridbear_desktop.instance import Instance
from server.data_folder import DataFolder
from server.secrets import key_store, keychain

CLIENTS = ("claude-desktop", "claude-code", "cursor", "vscode", "codex", "gemini")
DATED = re.compile(r"\.gridbear-\d{4}-\d\d-\d\d-\d{6}-\d{6}\.bak$")

SYSTEMCTL = """#!/bin/sh
folder="$HOME/.config/systemd/user"
case "$2" in
  enable) mkdir -p "$folder/default.target.wants"; ln -sf ../gridbear.service "$folder/default.target.wants/";;
  disable) rm -f "$folder/default.target.wants/gridbear.service";;
  is-active) echo inactive; exit 3;;
  is-enabled) echo enabled;;
esac
"""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the service is one of systemd")]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with files of AI clients in it, which have entries and comments of their own."""
    place = tmp_path / "home"
    for name in ("CODEX_HOME", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME",
                 "XDG_STATE_HOME", "GRIDBEAR_DATA_DIR", "DISPLAY", "WAYLAND_DISPLAY"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("USERPROFILE", str(place))
    monkeypatch.setenv("GRIDBEAR_KEY_STORE", "file")
    other = {"command": "other", "args": ["--loud"]}
    # A systemd that says yes to everything, and does what `enable` and `disable` do to files.
    stand_in = tmp_path / "bin" / "systemctl"
    stand_in.parent.mkdir()
    stand_in.write_text(SYSTEMCTL, "utf-8")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}")
    files = {
        ".config/Claude/claude_desktop_config.json": json.dumps({"mcpServers": {"other": other}, "theme": "dark"}),
        ".claude.json": json.dumps({"projects": {"x": 1}, "mcpServers": {"other": other}}),
        ".cursor/mcp.json": '{\n  // mine\n  "mcpServers": {"other": {"command": "other"},},\n}\n',
        ".config/Code/User/mcp.json": '{"servers": {"other": {"type": "stdio", "command": "other"}}}',
        ".codex/config.toml": '# mine\nmodel = "x"\n\n[mcp_servers.other]\ncommand = "other"\n',
        ".gemini/settings.json": '{"mcpServers": {"other": {"command": "other"}}}',
        "letter.txt": "Dear bear",
    }
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, "utf-8")
    return place


@pytest.fixture
def gridbear(home: Path) -> Iterator[Gridbear]:
    """Its data folder is the platform's own, in that home."""
    running = Gridbear(home / ".local" / "share" / "gridbear-desktop")
    yield running
    running.end()


def content(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def used(gridbear: Gridbear) -> None:
    """Use everything that leaves something: clients, the service, a move, a running server."""
    gridbear.create_user("maja")
    for client in CLIENTS:
        done = gridbear.cli("connect", client, "--yes")
        assert done.returncode == 0, done.stderr
    done = gridbear.cli("service", "install")
    assert done.returncode == 0, done.stderr
    assert gridbear.cli("autostart", "on").returncode == 0
    gridbear.ready(gridbear.serve("--port", "0"))
    done = gridbear.cli("connect", "gemini", "--by-url", "--token", "--yes")
    assert done.returncode == 0, done.stderr


def test_nothing_is_left_besides_the_data_and_dated_copies(gridbear: Gridbear, home: Path) -> None:
    before = content(home)
    used(gridbear)
    while_used = content(home)
    planned = json.loads(gridbear.cli("uninstall", "--dry-run", "--json").stdout)
    assert content(home).keys() == while_used.keys() and run_info(gridbear.data_dir) is not None
    assert [one["kind"] for one in planned["items"]] == ["service", "start at login", *["client"] * len(CLIENTS)]
    info = run_info(gridbear.data_dir)
    assert info is not None and planned["server"] == {"pid": info["pid"], "url": info["url"]} and not planned["tray"]
    shown = gridbear.cli("uninstall", "--dry-run").stdout
    assert f"Its server runs (process {info['pid']}, {info['url']}) and is ended first." in shown
    assert f"The data in {gridbear.data_dir} stay; a last backup is made among them." in shown

    done = gridbear.cli("uninstall", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert all(one["removed"] for one in told["items"])
    assert [(one["kind"], one["path"]) for one in told["items"]] == [
        (one["kind"], one["path"]) for one in planned["items"]
    ]
    assert run_info(gridbear.data_dir) is None

    after = content(home)
    data = str(gridbear.data_dir.relative_to(home))
    left = {name for name in after if not name.startswith(data)} - before.keys()
    copies = {str(Path(one["note"].removesuffix(" is as it was before")).relative_to(home)) for one in told["items"]
              if one["kind"] == "client"}  # fmt: skip
    # Each change of a client's file has kept a copy: when it was connected, connected anew, and taken out.
    assert copies <= left
    assert {DATED.sub("", name) for name in left} <= before.keys(), left
    for name, was in before.items():
        # Where all stood on one line, a line break of our entry may be left.
        assert b"".join(after[name].split()) == b"".join(was.split()), name
    assert not (home / ".config" / "systemd").exists()
    assert Path(told["last_backup"]).is_file() and Path(told["last_backup"]).parent == gridbear.data_dir / "backups"
    # The data work on, and the token that stood in a file does not.
    assert "maja" in gridbear.cli("user", "list").stdout
    assert gridbear.cli("export", "api_tokens", "--format", "json").stdout.count('"id"') == 0


def test_with_the_data_only_the_last_backup_and_the_copies_are_left(gridbear: Gridbear, home: Path) -> None:
    before = content(home)
    gridbear.create_user("maja")
    former = gridbear.data_dir
    gridbear.data_dir = home / "elsewhere" / "bear"
    assert gridbear.cli("data", "move", str(gridbear.data_dir), "--yes", "--data-dir", str(former)).returncode == 0
    inside = gridbear.cli("uninstall", "--remove-data", "--yes", "--last-backup", str(gridbear.data_dir / "last.zip"))
    assert inside.returncode == 1 and "elsewhere" in inside.stderr and gridbear.data_dir.is_dir()
    inside = gridbear.cli("uninstall", "--remove-data", "--dry-run", "--last-backup", str(gridbear.data_dir / "l.zip"))
    assert inside.returncode == 1 and "elsewhere" in inside.stderr
    backup = home / "last.zip"
    shown = gridbear.cli("uninstall", "--remove-data", "--dry-run", "--last-backup", str(backup)).stdout
    assert f"A last backup is written to {backup} first." in shown and "runs" not in shown and not backup.exists()
    done = gridbear.cli("uninstall", "--remove-data", "--yes", "--last-backup", str(backup))
    assert done.returncode == 0, done.stderr
    after = content(home)
    assert after.keys() - before.keys() == {"last.zip"}
    assert not gridbear.data_dir.exists() and not former.exists()
    assert gridbear.cli("uninstall", "--remove-data", "--yes", "--last-backup", str(backup)).returncode == 3
    # It is all in there.
    assert gridbear.cli("import", str(backup), "--yes", "--without-secrets").returncode == 0
    assert "maja" in gridbear.cli("user", "list").stdout


def test_nothing_happens_without_a_yes_or_beside_a_tray(gridbear: Gridbear, home: Path) -> None:
    assert gridbear.cli("connect", "cursor", "--yes").returncode == 0
    gridbear.create_user("maja", role="member")
    before = content(home)
    refused = gridbear.cli("uninstall")
    assert refused.returncode == 1 and "--yes" in refused.stderr
    tray, guest = Instance(gridbear.data_dir / "run", ":0"), Instance(gridbear.data_dir / "run", ":1")
    assert tray.acquire() and guest.acquire()
    for left in (tray, guest):
        shown = gridbear.cli("uninstall", "--dry-run")
        assert shown.returncode == 0 and "runs in the tray, and nothing is removed while it does" in shown.stdout
        assert json.loads(gridbear.cli("uninstall", "--dry-run", "--json").stdout)["tray"] is True
        refused = gridbear.cli("uninstall", "--yes")
        left.release()
        assert refused.returncode == 2 and "Quit" in refused.stderr
    after = content(home)
    assert {name: text for name, text in after.items() if "/run/launcher" not in name} == before


def test_entries_of_another_gridbear_and_broken_files_are_left_alone(gridbear: Gridbear, home: Path) -> None:
    other = home / "other data"
    assert gridbear.cli("connect", "cursor", "--yes", "--data-dir", str(other)).returncode == 0
    (home / ".gemini" / "settings.json").write_text('{"mcpServers": {"gridbear": ', "utf-8")
    (home / ".claude.json").write_text('{"mcpServers": {', "utf-8")
    before = content(home)
    done = gridbear.cli("uninstall", "--yes", "--json")
    assert done.returncode == 1
    [broken] = json.loads(done.stdout)["items"]
    assert broken["removed"] is False and "by hand" in broken["note"] and ".gemini" in broken["path"]
    assert content(home) == before


def test_a_unit_of_somebody_else_or_for_other_data_stays(gridbear: Gridbear, home: Path) -> None:
    unit = home / ".config" / "systemd" / "user" / "gridbear.service"
    assert gridbear.cli("service", "install", "--data-dir", str(home / "other data")).returncode == 0
    assert gridbear.cli("autostart", "on", "--data-dir", str(home / "other data")).returncode == 0
    assert gridbear.cli("uninstall", "--yes").returncode == 0
    assert unit.exists() and (home / ".config" / "autostart" / "gridbear-desktop.desktop").exists()
    unit.write_text("[Service]\nExecStart=/bin/mine\n", "utf-8")
    assert gridbear.cli("uninstall", "--yes").returncode == 0
    assert unit.read_text("utf-8").startswith("[Service]")


class Drawer:
    """A keychain in memory."""

    kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def test_the_key_leaves_the_keychain_and_goes_with_the_data_that_stay(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawer = Drawer()
    drawer.kept.clear()
    monkeypatch.setattr(keychain, "_best_backend", lambda: drawer)
    monkeypatch.setenv("GRIDBEAR_KEY_STORE", "keychain")
    monkeypatch.setattr("server.cli.commands._password", lambda _: "a calm bear in a den")
    assert run(["user", "create", "maja", "--admin"]) == 0
    assert len(drawer.kept) == 1
    folder = DataFolder(home / ".local" / "share" / "gridbear-desktop")
    ring = key_store.KeyStore(folder.secrets).load()
    capsys.readouterr()
    assert run(["uninstall", "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in told["items"]] == ["keychain"] and "is in" in told["items"][0]["note"]
    assert drawer.kept == {}
    after = key_store.KeyStore(folder.secrets).load()
    assert ring is not None and after is not None and after.ids == ring.ids
    assert folder.secrets.joinpath("key-ring").stat().st_mode & 0o777 == 0o600

    monkeypatch.setenv("GRIDBEAR_KEY_STORE", "keychain")
    assert run(["user", "create", "otto", "--data-dir", str(home / "second")]) == 0
    assert len(drawer.kept) == 1
    assert run(["uninstall", "--yes", "--remove-data", "--data-dir", str(home / "second")]) == 0
    assert drawer.kept == {} and not (home / "second").exists()
