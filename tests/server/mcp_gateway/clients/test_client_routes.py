"""/api/v1/gateway/clients on a home folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from server.mcp_gateway.clients.connections import MEMORY
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
CLIENTS = "/api/v1/gateway/clients"


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


async def test_repairing_or_leaving_a_client_ends_the_token_that_was_made_for_its_entry(
    home: Path, bear: Bear, admin: httpx2.AsyncClient, tmp_path: Path
) -> None:
    for deed in ("connect", "disconnect"):
        made = await bear.app.people.create_token("ada", name="Cursor", scopes=["mcp"])
        (tmp_path / "data" / MEMORY).write_text(json.dumps({"cursor": made["id"], "gemini": None}))
        assert (await admin.post(f"{CLIENTS}/cursor/{deed}?dry_run=true")).status_code == 200
        assert (await admin.get(f"/api/v1/api_tokens/{made['id']}")).status_code == 200
        assert (await admin.post(f"{CLIENTS}/cursor/{deed}")).status_code == 200
        assert (await admin.get(f"/api/v1/api_tokens/{made['id']}")).status_code == 404


async def test_clients_that_were_remembered_before_there_were_tokens_are_still_known(
    home: Path, admin: httpx2.AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "data" / MEMORY).write_text('["cursor"]')
    states = {one["client"]: one for one in (await admin.get(CLIENTS)).json()["data"]}
    assert states["cursor"]["lost"] and not states["gemini"]["lost"]
    for broken in ("5", "{", '{"cursor": "x"}', "[5]"):
        (tmp_path / "data" / MEMORY).write_text(broken)
        assert (await admin.get(CLIENTS)).status_code == 200
