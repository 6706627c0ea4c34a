"""Configuration files as they are found: doubled, odd, locked, huge, in other places, and changed by their people."""

from __future__ import annotations

import json
import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.errors import Conflict, ValidationFailed
from server.mcp_gateway.clients import json_text
from server.mcp_gateway.clients.config_file import change_of, entry_of
from server.mcp_gateway.clients.connections import Connections
from server.mcp_gateway.clients.known_clients import CLIENTS, config_path

ENTRY = {"command": "/opt/gridbear", "args": ["mcp"]}
ADDRESS = {"url": "http://127.0.0.1:8088/mcp"}
CODEX, CURSOR, GEMINI = CLIENTS["codex"], CLIENTS["cursor"], CLIENTS["gemini"]


def test_an_entry_that_stands_twice_stands_once_after_connecting_and_not_at_all_after_leaving(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    doubled = (
        '{\r\n  "mcpServers": {\r\n    "gridbear": {"command": "a"},\r\n    "b": {"command": "b"},\r\n'
        '    "gridbear": {"command": "c"}\r\n  }\r\n}\r\n'
    )
    path.write_bytes(doubled.encode())
    after = change_of(CURSOR, path, ENTRY).after.decode()
    assert after.count('"gridbear"') == 1 and "\n" not in after.replace("\r\n", "")
    assert json.loads(after)["mcpServers"] == {"b": {"command": "b"}, "gridbear": ENTRY}
    left = change_of(CURSOR, path, None).after.decode()
    assert json.loads(left) == {"mcpServers": {"b": {"command": "b"}}} and "gridbear" not in left


def test_what_its_person_added_to_our_entry_stays_and_what_switches_it_off_does_not(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    own = {"trust": True, "includeTools": ["a"], "timeout": 5, "env": {"LANG": "de"}, "disabled": True}
    path.write_text(json.dumps({"mcpServers": {"gridbear": {"command": "/old", "args": ["mcp"], **own}}}))
    change_of(GEMINI, path, ENTRY).write()
    kept = {name: own[name] for name in ("trust", "includeTools", "timeout")}
    assert entry_of(GEMINI, path) == {**ENTRY, **kept, "env": {"LANG": "de"}}
    assert not change_of(GEMINI, path, ENTRY).is_needed
    # A client refuses the environment of a program beside an address.
    change_of(GEMINI, path, ADDRESS).write()
    assert entry_of(GEMINI, path) == {**ADDRESS, **kept}


def test_the_approvals_that_codex_keeps_below_our_table_stay(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        'model = "x"\n[mcp_servers.gridbear]\ncommand = "/old"\nstartup_timeout_sec = 30.5\nenabled = false\n'
        "since = 2026-11-29\n"
        '[mcp_servers.gridbear.tools."notes__read it"]\napproval_mode = "approve"\n\n[mcp_servers.b]\ncommand = "y"\n'
    )
    change_of(CODEX, path, ENTRY).write()
    assert tomllib.loads(path.read_text()) == {
        "model": "x",
        "mcp_servers": {
            "b": {"command": "y"},
            "gridbear": {
                **ENTRY,
                "startup_timeout_sec": 30.5,
                "since": date(2026, 11, 29),
                "tools": {"notes__read it": {"approval_mode": "approve"}},
            },
        },
    }


def test_a_folder_named_with_signs_that_toml_and_json_write_differently_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    entry = {"command": "C:\\Bear 🐻\\ü\x7f\"'\t.exe", "args": ["mcp", "--data-dir", "/d/🐻"]}
    change_of(CODEX, path, entry).write()
    assert entry_of(CODEX, path) == entry


@pytest.mark.parametrize(
    "text",
    ['mcp_servers = { b = { command = "x" } }\n', '[mcp_servers]\nb = 1\ngridbear = { command = "old" }\n'],
)
def test_a_form_of_toml_that_has_no_room_for_our_table_is_named_as_such_and_left_alone(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ValidationFailed, match="Change it by hand"):
        change_of(CODEX, path, ENTRY)
    assert path.read_text() == text


def test_toml_that_is_nested_without_end_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("a = " + "[" * 100_000)
    with pytest.raises(ValidationFailed, match="broken and left alone"):
        entry_of(CODEX, path)


def test_a_file_that_was_made_read_only_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("{}")
    path.chmod(0o444)
    with pytest.raises(Conflict, match="read-only"):
        change_of(CURSOR, path, ENTRY).write()
    assert path.read_text() == "{}" and os.listdir(tmp_path) == ["mcp.json"]


async def _states(admin: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await admin.get("/api/v1/gateway/clients")
    assert answer.status_code == 200
    return {one["client"]: one for one in answer.json()["data"]}


@pytest.mark.anyio
async def test_a_client_whose_file_can_not_be_read_hides_no_other_client(home: Path, admin: httpx2.AsyncClient) -> None:
    (home / ".cursor" / "mcp.json").mkdir(parents=True)
    states = await _states(admin)
    assert "can't be read" in states["cursor"]["problem"] and not states["cursor"]["lost"]
    assert states["gemini"]["problem"] is None and not states["gemini"]["exists"]
    answer = await admin.post("/api/v1/gateway/clients/cursor/connect")
    assert answer.status_code == 422 and "can't be read" in answer.json()["error"]


@pytest.mark.anyio
async def test_an_entry_whose_program_has_moved_away_counts_as_lost_and_is_repaired(
    home: Path, admin: httpx2.AsyncClient
) -> None:
    assert (await admin.post("/api/v1/gateway/clients/cursor/connect")).status_code == 200
    path = home / ".cursor" / "mcp.json"
    path.write_text(json.dumps({"mcpServers": {"gridbear": {"command": str(home / "gone"), "args": ["mcp"]}}}))
    cursor = (await _states(admin))["cursor"]
    assert cursor["lost"] and not cursor["connected"]
    assert (await admin.post("/api/v1/gateway/clients/cursor/connect")).status_code == 200
    assert (await _states(admin))["cursor"]["connected"]


def test_whether_a_large_file_knows_us_is_told_without_reading_it_sign_by_sign(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home).mkdir()
    (home / ".claude.json").write_text(json.dumps({"history": ["x"] * 1000, "mcpServers": {"gridbear": ENTRY}}))
    monkeypatch.setattr(json_text, "parse", None)
    (claude,) = (one for one in Connections(tmp_path).listed() if one["client"] == "claude-code")
    assert claude["problem"] is None and claude["exists"]


def test_claude_desktop_as_a_windows_package_has_its_file_in_the_packages_own_folder(tmp_path: Path) -> None:
    def place() -> Path:
        return config_path("claude-desktop", "win32", {"LOCALAPPDATA": str(tmp_path), "APPDATA": "/r"}, Path("/h"))

    assert place() == Path("/r/Claude/claude_desktop_config.json")
    former, own = (tmp_path / "Packages" / f"Claude_{name}" / "LocalCache/Roaming/Claude" for name in ("a", "b"))
    own.mkdir(parents=True)
    assert place() == own / "claude_desktop_config.json"
    # Of two the one that has a file.
    former.mkdir(parents=True)
    (own / "claude_desktop_config.json").write_text("{}")
    assert place() == own / "claude_desktop_config.json"
