"""/mcp and /mcp/{server} as clients of both protocol eras and people of every role see them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import psutil
import pytest
from mcp.shared.exceptions import MCPError
from tests_mcp_support import ERAS, House, call_text

from server.access.actor import SYSTEM
from server.mcp_gateway.builtin_tools.definitions import TOOLS

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
OWN = set(TOOLS)
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
POST_HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


async def test_tools_of_a_configured_server_are_listed_and_called_in_both_eras(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await house.add("up")
        for era in ERAS:
            async with house.mcp("ann", era) as client:
                names = {tool.name for tool in (await client.list_tools()).tools}
                assert names >= OWN | {"up__echo", "up__fail"}
                assert await call_text(client, "up__echo", {"text": era}) == era
                structured = await client.call_tool("up__add", {"first": 2, "second": 3})
                assert structured.structured_content == {"sum": 5}
                failed = await client.call_tool("up__fail", {})
                assert failed.is_error, "what the tool calls an error stays a result"


async def test_the_endpoint_of_one_server_has_its_tools_unprefixed_and_no_others(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await house.add("up")
        for era in ERAS:
            async with house.mcp("ann", era, "/mcp/up") as client:
                names = {tool.name for tool in (await client.list_tools()).tools}
                assert "echo" in names
                assert not names & OWN
                assert not any("__" in name for name in names)
                assert await call_text(client, "echo", {"text": "hi"}) == "hi"


async def test_a_member_neither_sees_nor_calls_what_is_for_admins(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await house.add("private")
        await house.add("shared", visibility="everyone")
        async with house.mcp("ann") as client:
            await client.list_tools()
        for who in ("bob", "eve"):
            for era in ERAS:
                async with house.mcp(who, era) as client:
                    names = {tool.name for tool in (await client.list_tools()).tools}
                    assert "shared__echo" in names
                    assert not any(name.startswith("private") for name in names)
                    assert await call_text(client, "shared__echo", {"text": "hi"}) == "hi"
                    with pytest.raises(MCPError) as hidden:
                        await client.call_tool("private__echo", {"text": "hi"})
                    with pytest.raises(MCPError) as absent:
                        await client.call_tool("nothing__echo", {"text": "hi"})
                    told = hidden.value.message.replace("private", "nothing")
                    assert (hidden.value.code, told) == (absent.value.code, absent.value.message)
            async with house.http(who) as http:
                closed = await http.post("/mcp/private", json=LIST, headers=POST_HEADERS)
                missing = await http.post("/mcp/nothing", json=LIST, headers=POST_HEADERS)
                assert closed.status_code == missing.status_code == 404
                assert [server["name"] for server in (await _gateway(http))] == ["shared"]
                assert (await http.post("/api/v1/gateway/1/restart")).status_code == 403
                assert (await http.get("/api/v1/gateway/1/tools")).status_code == 404
                assert (await http.get("/api/v1/gateway/99/tools")).status_code == 404
                described = (await http.get("/api/v1/gateway/2/tools")).json()["data"]
                [echo] = [tool for tool in described if tool["name"] == "echo"]
                assert echo["public_name"] == "shared__echo" and "text" in echo["input_schema"]["properties"]


async def test_without_a_token_or_its_scope_nobody_enters(make_house: MakeHouse) -> None:
    async with make_house() as house:
        async with house.http() as http:
            for headers in ({}, {"authorization": "Bearer gb_nonsense"}):
                refused = await http.post("/mcp", json=LIST, headers=POST_HEADERS | headers)
                assert refused.status_code == 401
                assert refused.headers["www-authenticate"].startswith("Bearer")
                assert refused.json()["ok"] is False
        async with house.http("reader") as http:
            assert (await http.post("/mcp", json=LIST, headers=POST_HEADERS)).status_code == 403


async def test_a_session_of_the_older_protocol_works_with_its_own_credential_only(make_house: MakeHouse) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    async with make_house() as house:
        async with house.http("ann") as http:
            opened = await http.post("/mcp", json=hello, headers=POST_HEADERS)
            session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-06-18"}
            assert (await http.post("/mcp", json=LIST, headers=POST_HEADERS | session)).status_code == 200
        async with house.http("bob") as http:
            assert (await http.post("/mcp", json=LIST, headers=POST_HEADERS | session)).status_code == 404


async def test_two_people_at_once_each_get_their_own_list(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await house.add("private")
        await house.add("shared", visibility="everyone")

        async def many(who: str, era: str) -> set[frozenset[str]]:
            async with house.mcp(who, era) as client:
                lists = await asyncio.gather(*(client.list_tools() for _ in range(10)))
            return {frozenset(tool.name.partition("__")[0] for tool in one.tools) - OWN - {"records"} for one in lists}

        ann, bob, ann_old, bob_old = await asyncio.gather(*(many(who, era) for era in ERAS for who in ("ann", "bob")))
        assert ann == ann_old == {frozenset({"private", "shared"})}
        assert bob == bob_old == {frozenset({"shared"})}


async def test_a_server_that_fails_is_shown_with_its_stderr_and_the_others_work(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await house.add("broken", command=sys.executable, args=["-c", "import sys; sys.exit('no such key')"])
        await house.add("missing", command="/no/such/program")
        await house.add("up")
        async with house.mcp("ann") as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            assert "up__echo" in names
            with pytest.raises(MCPError, match="broken"):
                await client.call_tool("broken__anything", {})
            assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"
        broken = await house.state("broken")
        assert broken["state"] == "failed"
        assert broken["stderr"][-1] == "no such key"
        assert "not found" in (await house.state("missing"))["error"]
        assert (await house.state("up"))["state"] == "ready"


async def test_over_the_limit_is_refused_with_the_limits_name_and_the_time_to_wait(make_house: MakeHouse) -> None:
    async with make_house(mcp_rate_burst=2, mcp_rate_per_minute=6) as house:
        await house.add("up", visibility="everyone")
        await house.add("other")
        async with house.mcp("ann") as client:
            for _ in range(2):
                await client.call_tool("up__echo", {"text": "hi"})
            with pytest.raises(MCPError) as refused:
                await client.call_tool("up__echo", {"text": "hi"})
            assert refused.value.code == -32001
            assert 0 < refused.value.data["retry_after"] <= 10
            assert "per minute" in refused.value.message
            await client.call_tool("other__echo", {"text": "another server, another bucket"})
        async with house.mcp("bob") as client:
            await client.call_tool("up__echo", {"text": "another person, another bucket"})


async def test_a_body_over_the_limit_is_413(make_house: MakeHouse) -> None:
    async with make_house(mcp_body_bytes=2000) as house, house.http("ann") as http:
        large = await http.post("/mcp", json=LIST | {"params": {"x": "y" * 3000}}, headers=POST_HEADERS)
        assert large.status_code == 413


async def test_changes_of_a_server_take_effect_without_a_restart(make_house: MakeHouse) -> None:
    async with make_house() as house:
        server = await house.add("up")
        async with house.mcp("ann") as client:
            await call_text(client, "up__echo", {"text": "hi"})
            for values, name in (({"name": "renamed"}, "renamed__echo"), ({"enabled": False}, None)):
                await house.app.records.update(SYSTEM, "mcp_servers", server, values)
                names = {
                    tool.name for tool in (await client.list_tools()).tools if not tool.name.startswith("records__")
                } - OWN
                assert (name in names) if name else not names
            await house.app.records.delete(SYSTEM, "mcp_servers", server)
            left = {tool.name for tool in (await client.list_tools()).tools}
            assert {name for name in left if not name.startswith("records__")} == OWN


async def _gateway(http: Any) -> list[dict[str, Any]]:
    servers: list[dict[str, Any]] = (await http.get("/api/v1/gateway")).json()["data"]["servers"]
    return servers


async def test_a_secret_reaches_the_process_by_its_environment_and_a_changed_one_at_the_next_call(
    make_house: MakeHouse,
) -> None:
    async with make_house() as house:
        await house.add("up", env={"KEY": "<${secret:weather}>"})
        async with house.mcp("ann") as client:
            with pytest.raises(MCPError, match=r"secret 'weather' is not there"):
                await client.call_tool("up__variable", {"name": "KEY"})
        secret = (await house.app.records.create(SYSTEM, "secrets", {"name": "weather", "value": "canary-1"}))["id"]
        async with house.mcp("ann") as client:
            assert await call_text(client, "up__variable", {"name": "KEY"}) == "<canary-1>"
            children = psutil.Process().children(recursive=True)
            assert any("upstream_server.py" in " ".join(child.cmdline()) for child in children)
            assert not any("canary" in " ".join(child.cmdline()) for child in children)
        await house.app.records.update(SYSTEM, "secrets", secret, {"value": "canary-2"})
        async with house.mcp("ann") as client:
            assert await call_text(client, "up__variable", {"name": "KEY"}) == "<canary-2>"
        assert "canary" not in str(await house.state("up"))
