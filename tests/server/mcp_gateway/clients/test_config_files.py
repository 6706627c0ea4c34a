"""Foreign configuration files: our entry alone changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Conflict, ValidationFailed
from server.mcp_gateway.clients import json_text
from server.mcp_gateway.clients.config_file import change_of, entry_of
from server.mcp_gateway.clients.known_clients import CLIENTS, config_path

ENTRY = {"command": "/opt/gridbear", "args": ["mcp"]}
JSON_CLIENTS = [client for client in CLIENTS.values() if client.form == "json"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    rest=st.dictionaries(st.text(), VALUES, max_size=4),
    servers=st.none() | st.dictionaries(st.text(), VALUES, max_size=4),
    indent=st.sampled_from([None, 1, 2, 4, "\t"]),
    crlf=st.booleans(),
)
def test_nothing_but_our_member_changes_and_removing_it_brings_the_rest_back(
    rest: dict[str, Any], servers: dict[str, Any] | None, indent: Any, crlf: bool
) -> None:
    whole = {**rest, **({} if servers is None else {"mcpServers": servers})}
    if not isinstance(whole.get("mcpServers", {}), dict):
        return
    text = json.dumps(whole, indent=indent)
    text = text.replace("\n", "\r\n") if crlf else text
    path = ("mcpServers", "gridbear")
    after = json_text.set_member(text, path, ENTRY, comments=False)
    expected = json.loads(text)
    expected.setdefault("mcpServers", {})["gridbear"] = ENTRY
    assert json.loads(after) == expected
    del expected["mcpServers"]["gridbear"]
    assert json.loads(json_text.remove_member(after, path, comments=False)) == expected


def test_comments_order_trailing_commas_bom_and_line_ends_of_vs_code_stay(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    lines = ["\ufeff// mine", "{", '\t"inputs": [], // none', '\t"servers": {']
    text = "\r\n".join([*lines, '\t\t"a": {"command": "x"}, // last', "\t},", "}", ""])
    path.write_bytes(text.encode())
    client = CLIENTS["vscode"]
    change = change_of(client, path, ENTRY)
    after = change.after.decode()
    for part in ("\ufeff// mine\r\n", '"inputs": [], // none', '"a": {"command": "x"}, // last'):
        assert part in after
    assert "\n" not in after.replace("\r\n", "")
    assert change.write() is not None
    assert entry_of(client, path) == ENTRY
    change_of(client, path, None).write()
    assert path.read_bytes().decode() == text
    assert len(list(tmp_path.glob("*.bak"))) == 2


def test_toml_of_codex_keeps_its_comments_and_other_tables(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    text = '# mine\nmodel = "x"  # best\n\n[mcp_servers.a]\ncommand = "y"\n'
    path.write_text(text)
    change = change_of(CLIENTS["codex"], path, ENTRY)
    assert change.after.decode().startswith(text)
    change.write()
    assert entry_of(CLIENTS["codex"], path) == ENTRY
    change_of(CLIENTS["codex"], path, {**ENTRY, "args": ["mcp", "--mode", "search"]}).write()
    assert path.read_text().count("[mcp_servers.gridbear]") == 1
    change_of(CLIENTS["codex"], path, None).write()
    assert path.read_text().rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize("client", JSON_CLIENTS, ids=lambda client: client.id)
def test_a_broken_file_is_refused_with_line_and_column_and_left_alone(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{\n  "a": 1\n  "b": 2\n}')
    with pytest.raises(ValidationFailed, match="line 3, column 3"):
        change_of(client, path, ENTRY)
    assert path.read_text() == '{\n  "a": 1\n  "b": 2\n}'


def test_a_link_and_its_mode_stay_and_a_file_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("{}")
    real.chmod(0o600)
    link.symlink_to(real)
    client = CLIENTS["cursor"]
    change_of(client, link, ENTRY).write()
    assert link.is_symlink() and real.stat().st_mode & 0o777 == 0o600 and entry_of(client, real) == ENTRY
    change = change_of(client, link, None)
    real.write_text('{"other": 1}')
    with pytest.raises(Conflict):
        change.write()
    assert real.read_text() == '{"other": 1}'


@pytest.mark.parametrize(
    ("client", "platform", "env", "place"),
    [
        ("claude-desktop", "linux", {}, ".config/Claude/claude_desktop_config.json"),
        ("claude-desktop", "darwin", {}, "Library/Application Support/Claude/claude_desktop_config.json"),
        ("claude-desktop", "win32", {}, "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("vscode", "linux", {}, ".config/Code/User/mcp.json"),
        ("vscode", "darwin", {}, "Library/Application Support/Code/User/mcp.json"),
        ("claude-code", "linux", {}, ".claude.json"),
        ("codex", "darwin", {}, ".codex/config.toml"),
        ("cursor", "win32", {}, ".cursor/mcp.json"),
        ("gemini", "linux", {}, ".gemini/settings.json"),
    ],
)
def test_each_client_has_its_place(client: str, platform: str, env: dict[str, str], place: str) -> None:
    assert config_path(client, platform, env, Path("/home/ada")) == Path("/home/ada") / place
