"""The .mcpb for Claude Desktop, and entries by address."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from pathlib import Path

import httpx2
import pytest

from server.errors import NotFound, ValidationFailed
from server.mcp_gateway.clients.by_address import address_of, entry_by_address
from server.mcp_gateway.clients.config_file import change_of, entry_of
from server.mcp_gateway.clients.known_clients import CLIENTS
from tests.conftest import CONTROL_TOKEN, Bear

BUNDLE = "/api/v1/gateway/clients/claude-desktop/bundle"
REQUIRED = {"manifest_version", "name", "version", "description", "author", "server"}
"""By the specification of MCP bundles."""
KNOWN = REQUIRED | {"display_name", "long_description", "icon", "tools_generated", "prompts_generated", "compatibility"}


@pytest.mark.anyio
async def test_the_bundle_is_as_the_specification_wants_it_and_starts_the_bridge_by_its_whole_path(
    bear: Bear, admin: httpx2.AsyncClient, tmp_path: Path
) -> None:
    answer = await admin.get(BUNDLE)
    assert answer.status_code == 200 and 'filename="gridbear.mcpb"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.read(manifest["icon"]).startswith(b"\x89PNG")
    assert set(manifest) >= REQUIRED and set(manifest) <= KNOWN
    assert re.fullmatch(r"[a-z0-9-]+", manifest["name"]) and re.fullmatch(r"\d+\.\d+\.\d+\S*", manifest["version"])
    server = manifest["server"]
    assert server["type"] == "binary" and server["entry_point"] in names
    config = server["mcp_config"]
    assert set(config) == {"command", "args", "env"} and all(isinstance(word, str) for word in config["args"])
    assert os.path.isabs(config["command"]) and os.access(config["command"], os.X_OK)
    assert config["args"][-3:] == ["mcp", "--data-dir", str(tmp_path / "data")]
    assert b"http" not in json.dumps(config).encode() and CONTROL_TOKEN.encode() not in answer.content
    assert (await admin.get(BUNDLE)).content == answer.content


@pytest.mark.anyio
async def test_only_admins_on_this_computer_get_the_bundle(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient, tmp_path: Path,
) -> None:  # fmt: skip
    away = await bear.client("192.168.1.9", authorization=admin.headers["authorization"])
    for client, status in ((member, 403), (guest_role, 403), (away, 403), (nobody, 401)):
        answer = await client.get(BUNDLE)
        assert answer.status_code == status and str(tmp_path) not in answer.text


def test_entries_by_address_have_the_form_of_each_client_and_are_read_back(tmp_path: Path) -> None:
    address = "http://127.0.0.1:8088/mcp"
    headers = {"Authorization": "Bearer gb_0123456789abcdefgh"}
    wanted = {
        "claude-code": {"type": "http", "url": address, "headers": headers},
        "cursor": {"url": address, "headers": headers},
        "vscode": {"type": "http", "url": address, "headers": headers},
        "codex": {"url": address, "http_headers": headers},
        "gemini": {"httpUrl": address, "headers": headers},
    }
    for name, expected in wanted.items():
        client = CLIENTS[name]
        entry = entry_by_address(client, address, "gb_0123456789abcdefgh")
        assert entry == expected
        change = change_of(client, tmp_path / name, entry)
        assert "gb_0123456789abcdefgh" not in change.diff() and "gb_..." in change.diff()
        change.write()
        assert entry_of(client, tmp_path / name) == expected
        # An entry without a token shows nothing of the one that goes.
        again = change_of(client, tmp_path / name, entry_by_address(client, address, None))
        assert "gb_0123456789abcdefgh" not in again.diff()
        again.write()
        assert "gb_" not in (tmp_path / name).read_text()


def test_claude_desktop_never_gets_an_address(tmp_path: Path) -> None:
    with pytest.raises(ValidationFailed, match="--bundle"):
        entry_by_address(CLIENTS["claude-desktop"], "http://127.0.0.1:8088/mcp", None)


def test_without_a_running_server_there_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Start it first"):
        address_of(tmp_path)
