"""/api/v1/gateway/clients on a home folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear

pytestmark = pytest.mark.anyio
CLIENTS = "/api/v1/gateway/clients"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CODEX_HOME", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path / "home"


async def test_a_client_is_connected_loses_its_entry_and_is_repaired(home: Path, admin: httpx2.AsyncClient) -> None:
    path = home / ".cursor" / "mcp.json"
    preview = (await admin.post(f"{CLIENTS}/cursor/connect?dry_run=true")).json()["data"]
    assert "gridbear" in preview["diff"] and preview["changed"] is False and not path.exists()
    assert (await admin.post(f"{CLIENTS}/cursor/connect")).json()["data"]["changed"] is True
    assert "mcp" in json.loads(path.read_text())["mcpServers"]["gridbear"]["args"]

    path.write_text('{"mcpServers": {"other": {"command": "x"}}}')
    states = {one["client"]: one for one in (await admin.get(CLIENTS)).json()["data"]}
    assert states["cursor"]["lost"] and not states["cursor"]["connected"] and not states["gemini"]["lost"]
    assert (await admin.post(f"{CLIENTS}/cursor/connect")).status_code == 200
    assert set(json.loads(path.read_text())["mcpServers"]) == {"other", "gridbear"}

    assert (await admin.post(f"{CLIENTS}/cursor/disconnect")).status_code == 200
    states = {one["client"]: one for one in (await admin.get(CLIENTS)).json()["data"]}
    assert not states["cursor"]["lost"] and not states["cursor"]["connected"]


async def test_only_admins_on_this_computer_see_or_change_clients(
    home: Path, bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    away = await bear.client("192.168.1.9", authorization=admin.headers["authorization"])
    for client in (member, away):
        for answer in (await client.get(CLIENTS), await client.post(f"{CLIENTS}/cursor/connect")):
            assert answer.status_code == 403
            assert ".cursor" not in answer.text
    assert (await admin.post(f"{CLIENTS}/nope/connect")).status_code == 404
    assert not home.exists()
