"""What clients of /mcp and their people are told when they are refused at the door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx2
import orjson
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from starlette.types import Message, Receive, Scope, Send
from tests_mcp_support import House
from tests_rich_support import add, result, sending
from tests_wire_support import LEGACY, MODERN, Wire

from server.access.actor import SYSTEM

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
BOTH = {"accept": "application/json, text/event-stream"}
REFUSALS = [
    (401, None, "/mcp", "unauthorized"),
    (403, "reader", "/mcp", "forbidden"),
    (404, "bob", "/mcp/nothing", "not_found"),
    (422, "bob", "/mcp?mode=odd", "validation_error"),
    (422, "bob", "/mcp?read_onyl=1", "validation_error"),
    (503, "bob", "/mcp", "busy"),
]
"""The last when the program stops."""


def why(error: BaseException) -> str:
    """What the official client raises: the innermost of its groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, MCPError), error
    return error.message


async def test_a_client_gets_a_json_rpc_error_and_everybody_else_the_one_error_shape(make_house: MakeHouse) -> None:
    async with make_house() as house:
        for status, who, address, code in REFUSALS:
            if status == 503:
                house.app.gateway.endpoint.end()
            async with house.http(who) as http:
                told = await http.post(address, json=CALL, headers=BOTH)
                plain = await http.post(address, json=CALL)
            assert told.status_code == plain.status_code == status, (told.text, plain.text)
            body, shape = told.json(), plain.json()
            assert body.keys() == shape.keys() | {"jsonrpc", "id"} and body["ok"] is False and body["code"] == code
            assert body["jsonrpc"] == "2.0" and body["id"] is None
            error: dict[str, Any] = body["error"]
            assert error["code"] == -32010 and error["message"] == shape["error"]
            assert error["data"]["code"] == shape["code"] == code
            assert error["data"].keys() == shape.keys() - {"ok", "error"}
            assert error["data"]["request_id"] == told.headers["x-request-id"]
            for name in ("www-authenticate", "retry-after", "cache-control", "content-type"):
                assert told.headers.get(name) == plain.headers.get(name), name
        # What is no message of a client has the one shape, however it asks.
        async with house.http() as http:
            for answer in (await http.get("/mcp", headers=BOTH), await http.post("/api/v1/notes", headers=BOTH)):
                assert answer.status_code == 401 and answer.json()["ok"] is False


@pytest.mark.parametrize("era", ["auto", "legacy", "2026-07-28"])
async def test_the_official_client_tells_its_person_why_it_was_refused(make_house: MakeHouse, era: str) -> None:
    async with make_house() as house:
        for who, path, reason in (
            (None, "/mcp", "Sign in, or send a token"),
            ("reader", "/mcp", "a token with the scope mcp is wanted"),
            ("bob", "/mcp/nothing", "There is no MCP server 'nothing'"),
        ):
            with pytest.raises((MCPError, BaseExceptionGroup)) as refused:
                async with house.http(who) as http:
                    transport = streamable_http_client(f"http://127.0.0.1:8088{path}", http_client=http)
                    async with Client(transport, mode=era, cache=None) as client:
                        await client.list_tools()
            assert reason in why(refused.value)


@pytest.mark.parametrize("era", [LEGACY, MODERN])
async def test_a_call_that_the_end_of_the_program_cuts_off_is_told_why(make_house: MakeHouse, era: str) -> None:
    sent: list[Message] = []
    async with make_house() as house:
        await house.add("up")

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            async def noting(message: Message) -> None:
                sent.append(message)
                await send(message)

            await house.app(scope, receive, noting)

        transport = httpx2.ASGITransport(watched)
        headers = {"authorization": f"Bearer {house.tokens['ann']}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8088", headers=headers) as http:
            wire = await Wire(http, era).open()
            assert "hello" in (await wire.call("up__echo", {"text": "hello"})).text
            sent.clear()
            cut_off = asyncio.create_task(wire.call("up__slow", {"seconds": 60}))
            while not house.app.gateway.activity.meters.of("up").in_flight:
                await asyncio.sleep(0)
            house.app.stop_streams()
            # As uvicorn does to what is not answered in time.
            cut_off.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cut_off
    assert sent[0]["status"] == 503
    error = orjson.loads(sent[1]["body"])["error"]
    assert error["message"] == "The server is stopping." and error["data"]["retry_after"] == 2.0


@pytest.mark.parametrize("end", ["program", "server"])
async def test_a_call_of_a_session_whose_stream_is_cut_off_is_told_why(make_house: MakeHouse, end: str) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("ann") as http:
        # One that logs: its calls are answered on streams.
        server = await add(house, "rich", LEGACY)
        wire = await Wire(http, LEGACY, "/mcp/rich").open()
        await result(wire, "tools/list")
        call = {"name": "wait", "arguments": {"until": "never"}}
        async with sending(house, wire, "ann", "tools/call", call, number="mine") as stream:
            while not house.app.gateway.activity.meters.of("rich").in_flight:
                await asyncio.sleep(0)
            if end == "program":
                house.app.stop_streams()
            else:
                await house.app.records.update(SYSTEM, "mcp_servers", server, {"env": {"BEAR": "brown"}})
            told = await stream.next()
            await asyncio.wait_for(asyncio.shield(stream._task), 10)
            assert stream.heard() == [], "one answer is enough"
    assert stream.headers["content-type"].startswith("text/event-stream") and told["id"] == "mine"
    if end == "program":
        assert told["error"]["message"] == "The server is stopping." and told["error"]["data"]["retry_after"] == 2.0
    else:
        assert "rich was changed or switched off during the call" in told["error"]["message"]


async def test_a_begun_stream_without_a_session_that_the_end_of_the_program_cuts_off_is_told_why(
    make_house: MakeHouse,
) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("ann") as http:
        await add(house, "rich", LEGACY)
        wire = Wire(http, MODERN, "/mcp/rich")
        await result(wire, "tools/list")
        call = {"name": "wait", "arguments": {"until": "never", "reports": True}, "_meta": {"progressToken": "mine"}}
        async with sending(house, wire, "ann", "tools/call", call, number="mine") as stream:
            assert (await stream.next())["method"] == "notifications/progress"
            house.app.stop_streams()
            # As uvicorn does to what is not answered in time.
            stream._task.cancel()
            told = await stream.next()
            with pytest.raises(asyncio.CancelledError):
                await stream._task
            assert stream.heard() == [], "one answer is enough"
            stream._task = asyncio.create_task(asyncio.sleep(0))
    assert stream.headers["content-type"].startswith("text/event-stream") and told["id"] == "mine"
    assert told["error"]["message"] == "The server is stopping." and told["error"]["data"]["retry_after"] == 2.0


@pytest.mark.parametrize("era", [LEGACY, MODERN])
async def test_a_mistyped_parameter_of_the_address_leaves_nothing_open_and_is_told(
    make_house: MakeHouse, era: str
) -> None:
    async with make_house() as house, house.http("ann") as http:
        await house.add("up")
        for path in ("/mcp", "/mcp/up"):
            for query in ("read_onyl=1", "read_only=1&Destructive=0", "read_only=1&="):
                answer = await Wire(http, era, f"{path}?{query}").ask("tools/list", {})
                assert answer.status_code == 422, answer.text
                message = answer.json()["error"]["message"]
                assert "only destructive, mode, read_only are known here" in message
            assert (await http.get(f"{path}?read_onyl=1")).status_code == 422


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", None])
async def test_a_client_that_does_not_say_that_it_sends_json_is_told_so(
    make_house: MakeHouse, kind: str | None
) -> None:
    async with make_house() as house, house.http("ann") as http:
        await house.add("up")
        for path in ("/mcp", "/mcp/up"):
            for headers in (BOTH, {}):
                if kind is not None:
                    headers = headers | {"content-type": kind}
                answer = await http.post(path, content=orjson.dumps(CALL), headers=headers)
                assert answer.status_code == 400, answer.text
                body = answer.json()
                told = body["error"] if isinstance(body["error"], str) else body["error"]["message"]
                assert "Content-Type: application/json" in told and body["code"] == "json_wanted"
                assert ("jsonrpc" in body) is ("accept" in headers)
