"""Calling a tool over REST: the same way, the same refusals."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
CALL = "/api/v1/gateway/call"


async def test_a_tool_is_called_for_its_person_and_the_call_is_logged(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    made = {"tool": "records__create_notes", "arguments": {"values": {"title": "by a tool"}}}
    answer = await member.post(CALL, json=made)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert not data["result"].get("isError") and data["took_ms"] > 0
    [note] = (await member.get("/api/v1/notes")).json()["data"]
    assert note["title"] == "by a tool" and note["owner_id"] == bear.ids["max"]
    await bear.app.gateway.activity.log.flush()
    [row] = (await member.get("/api/v1/tool_calls")).json()["data"]
    assert row["client"] == "REST" and row["outcome"] == "ok" and row["user_name"] == "max"
    assert row["request_id"] == answer.headers["x-request-id"]


async def test_what_is_wrong_is_said_as_everywhere_in_rest(bear: Bear, member: httpx2.AsyncClient) -> None:
    assert (await member.post(CALL, json={"tool": "nothing__here"})).status_code == 404
    assert (await member.post(CALL, json={"tool": 7})).status_code == 422
    assert (await member.post(CALL, json={"tool": "a__b", "argument": {}})).status_code == 422
    for wrong in (b'{"\\ud800": 1}', b'{"sort": "\\ud800"}', b'{"limit": 99999999999999999999}'):
        body = b'{"tool": "records__search_notes", "arguments": ' + wrong + b"}"
        answer = await member.post(CALL, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422 and "arguments" in answer.json()["fields"], answer.text
    for scopes in (["api"], ["mcp"], ["api:read", "mcp"]):
        client = await bear.person("max", scopes=scopes)
        assert (await client.post(CALL, json={"tool": "records__search_notes"})).status_code == 403


async def test_over_the_limit_it_says_when_to_try_again(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", mcp_rate_burst=1, mcp_rate_per_minute=1) as bear:
        admin = await bear.person("ada", "admin")
        assert (await admin.post(CALL, json={"tool": "records__search_notes"})).status_code == 200
        refused = await admin.post(CALL, json={"tool": "records__search_notes"})
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 50
