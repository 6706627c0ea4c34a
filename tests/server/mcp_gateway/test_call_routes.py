"""Calling a tool over REST: the same way, the same refusals."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.errors import NotFound, UpstreamFailed
from server.mcp_gateway.call_routes import as_error
from server.mcp_gateway.failures import APPROVAL_NEEDED, INVALID_PARAMS, RATE_LIMITED, UPSTREAM_FAILED, CallFailed
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


async def test_a_body_that_is_sent_as_a_form_is_told_how_to_be_sent(bear: Bear, member: httpx2.AsyncClient) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = await member.post(CALL, content=b'{"tool": "records__search_notes"}', headers=form)
    assert answer.status_code == 422 and answer.json()["code"] == "json_wanted"
    assert "Content-Type: application/json" in answer.json()["error"]
    missing = (await member.post(CALL, json={})).json()
    assert missing["error"] == "tool: a value is required"


async def test_over_the_limit_it_says_when_to_try_again(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", mcp_rate_burst=1, mcp_rate_per_minute=1) as bear:
        admin = await bear.person("ada", "admin")
        assert (await admin.post(CALL, json={"tool": "records__search_notes"})).status_code == 200
        refused = await admin.post(CALL, json={"tool": "records__search_notes"})
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 50


def test_a_server_that_rests_says_when_and_its_own_errors_are_taken_for_none_of_ours() -> None:
    resting = as_error(CallFailed(UPSTREAM_FAILED, "It is tried again in 8 s.", {"retry_after": 7.2}))
    assert isinstance(resting, UpstreamFailed) and resting.retry_after == 7.2
    for code in (APPROVAL_NEEDED, RATE_LIMITED, -32603):
        for data in (None, {"state": 1, "retry_after": "soon"}, [1]):
            told = as_error(CallFailed(code, "as the server says", data, by_server=True))
            assert type(told) is UpstreamFailed and (told.message, told.retry_after) == ("as the server says", None)
    assert isinstance(as_error(CallFailed(INVALID_PARAMS, "no such tool", by_server=True)), NotFound)


def keyed(key: str, **arguments: str) -> dict[str, Any]:
    return {
        "json": {"tool": "records__create_notes", "arguments": {"values": {"title": "once", **arguments}}},
        "headers": {"idempotency-key": key},
    }


async def notes(client: httpx2.AsyncClient) -> int:
    return int((await client.get("/api/v1/notes?title=once")).json()["count"])


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_call_that_is_sent_again_with_its_key_is_made_once(
    bear: Bear, member: httpx2.AsyncClient, at_once: bool
) -> None:
    if at_once:
        answers = await asyncio.gather(*(member.post(CALL, **keyed("k")) for _ in range(7)))
    else:
        answers = [await member.post(CALL, **keyed("k")) for _ in range(7)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 6
    assert await notes(member) == 1
    await bear.app.gateway.activity.log.flush()
    assert (await member.get("/api/v1/tool_calls")).json()["count"] == 1


async def test_a_key_of_a_call_is_of_its_person_its_token_and_its_arguments(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    nobody = await bear.client()
    await member.post(CALL, **keyed("k"))
    assert (await member.post(CALL, **keyed("k", body="another"))).json()["code"] == "idempotency_key_reused"
    assert (await member.post(CALL, **keyed("two words"))).json()["code"] == "idempotency_key_invalid"
    assert (await other.post(CALL, **keyed("k"))).status_code == 200
    assert (await nobody.post(CALL, **keyed("k"))).status_code == 401
    # Another token, even of the same person, is told nothing of what the first one did.
    reading = await bear.person("max", scopes=["api:read", "mcp"])
    assert (await reading.post(CALL, **keyed("k"))).status_code == 403
    refused = await guest_role.post(CALL, **keyed("k"))
    assert "idempotency-replayed" not in refused.headers
    assert (await notes(member), await notes(other)) == (1, 1)


async def test_a_call_that_was_refused_may_come_again_with_its_key(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        await bear.person("ada", "admin")
        session = await bear.signed_in("ada")
        rule = {"subject": "everyone", "tool": "*", "tools": "any", "effect": "deny", "own_server": "records"}
        made = (await session.post("/api/v1/mcp_rules", json=rule)).json()
        assert (await session.post(CALL, **keyed("k"))).status_code == 404
        assert (await session.delete(f"/api/v1/mcp_rules/{made['data']['id']}")).status_code == 200
        assert (await session.post(CALL, **keyed("k"))).status_code == 200
        assert await notes(session) == 1


async def test_a_token_that_was_revoked_is_told_no_answer(bear: Bear, admin: httpx2.AsyncClient) -> None:
    member = await bear.person("max")
    assert (await member.post(CALL, **keyed("k"))).status_code == 200
    for row in (await admin.get(f"/api/v1/api_tokens?owner_id={bear.ids['max']}")).json()["data"]:
        assert (await admin.delete(f"/api/v1/api_tokens/{row['id']}")).status_code == 200
    again = await member.post(CALL, **keyed("k"))
    assert again.status_code == 401 and "once" not in again.text


async def test_an_invitation_is_made_once_and_the_document_says_where_keys_help(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("ada")
    invited = [
        await session.post("/auth/invites", json={"role": "member"}, headers={"idempotency-key": "i"}) for _ in "ab"
    ]
    assert invited[0].status_code == 201 and invited[0].content == invited[1].content
    # The document says where a key helps.
    paths = (await admin.get("/api/openapi.json")).json()["paths"]
    with_key = {
        path
        for path, operations in paths.items()
        if any(one["name"] == "Idempotency-Key" for one in operations.get("post", {}).get("parameters", ()))
    }
    assert {"/auth/invites", CALL, "/api/v1/notes", "/api/v1/undo"} <= with_key
    assert not with_key & {"/auth/login", "/auth/setup"}
