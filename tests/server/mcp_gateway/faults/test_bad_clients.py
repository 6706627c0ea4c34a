"""Clients that send what they should not: each is told so, nobody else notices, and nothing breaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
import pytest
from faulty_site import FaultySite
from tests_mcp_support import House
from tests_wire_support import ACCEPT, LEGACY, META, MODERN, Stream, Wire, message

from server.mcp_gateway.endpoint import sdk_sessions

pytestmark = [pytest.mark.anyio]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
WAYS = ["short", "sdk"]
IN_USE = -32600


IDS: list[Any] = [True, None, 1.5, [1], {"a": 1}, 2**70, -1, 0, "", "x" * 100_000]
BODIES = [
        b"[]",
        b'[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]',
        b"null",
        b'"text"',
        b"",
        b"\x00",
        b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}',
        b'{"id":1,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","id":1,"method":7}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":{}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good__echo","arguments":[]}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good__echo","_meta":7}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good__echo","_meta":{"progressToken":[]}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"no/such"}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good__echo","arguments":{"text":'
        + b"[" * 5000 + b"]" * 5000 + b"}}}",
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good__echo","arguments":{"text":"\\ud800"}}}',
    ]  # fmt: skip


def raw(era: str, number: str, arguments: str) -> bytes:
    """A call of `good__echo`, of parts that need not be what they should."""
    meta: dict[str, Any] = {}
    if era == MODERN:
        meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
    params = f'{{"name":"good__echo","_meta":{json.dumps(meta)},"arguments":{arguments}}}'
    return f'{{"jsonrpc":"2.0","id":{number},"method":"tools/call","params":{params}}}'.encode()


def headers(wire: Wire) -> dict[str, str]:
    sent = {"accept": ACCEPT, "content-type": "application/json", "mcp-protocol-version": wire.era}
    if wire.era == MODERN:
        sent |= {"mcp-method": "tools/call", "mcp-name": "good__echo"}
    return sent | ({"mcp-session-id": wire.session} if wire.session else {})


@dataclass
class Open:
    """The gateway with one server (`good`), and bob's client."""

    house: House
    site: FaultySite
    http: httpx2.AsyncClient

    async def is_well(self, wire: Wire) -> None:
        params = {"name": "good__echo", "arguments": {"text": "well"}}
        assert message(await wire.ask("tools/call", params, "check"))["result"]["content"][0]["text"] == "well"


@pytest.fixture
async def gateway(make_house: MakeHouse) -> AsyncIterator[Open]:
    async with make_house(mcp_rate_burst=100_000) as house, FaultySite().serving() as site, house.http("bob") as http:
        url = f"http://127.0.0.1:{site.port}/mcp"
        await house.add("good", transport="http", url=url, visibility="everyone")
        assert message(await Wire(http, MODERN).ask("tools/list", {}))["result"]["tools"]
        yield Open(house, site, http)


def waiting(way: str, name: str = "good__wait") -> dict[str, Any]:
    return {"name": name, "arguments": {}, **({"_meta": {"progressToken": 1}} if way == "sdk" else {})}


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
@pytest.mark.parametrize("same", [(7, 7), ("a", "a"), (7, "7")])
async def test_an_id_in_use_is_refused_on_every_way_and_free_again_afterwards(
    gateway: Open, first: str, second: str, same: tuple[Any, Any]
) -> None:
    wire = await Wire(gateway.http, LEGACY).open()
    call = asyncio.create_task(wire.ask("tools/call", waiting(first), same[0]))
    await gateway.site.waiting.wait()
    refused = message(await wire.ask("tools/call", waiting(second), same[1]))
    assert (refused["error"]["code"], refused["id"]) == (IN_USE, same[1])
    assert "still running" in refused["error"]["message"]
    other = await Wire(gateway.http, LEGACY).open()
    await gateway.is_well(other)
    gateway.site.go_on.set()
    assert message(await call)["result"]["content"][0]["text"] == "done"
    assert "result" in message(await wire.ask("tools/call", waiting(second), same[1]))


async def test_another_session_may_use_the_same_id(gateway: Open) -> None:
    wires = [await Wire(gateway.http, LEGACY).open() for _ in range(2)]
    calls = [
        asyncio.create_task(wire.ask("tools/call", waiting(way), 7)) for wire, way in zip(wires, WAYS, strict=True)
    ]
    while gateway.site.calls.count("wait") < 2:
        await asyncio.sleep(0)
    gateway.site.go_on.set()
    assert ["result" in message(await call) for call in calls] == [True, True]


@pytest.mark.parametrize("way", WAYS)
async def test_a_body_without_a_length_is_held_to_the_same(gateway: Open, way: str) -> None:
    wire = await Wire(gateway.http, LEGACY).open()
    call = asyncio.create_task(wire.ask("tools/call", waiting(way), 7))
    await gateway.site.waiting.wait()

    async def in_pieces() -> AsyncIterator[bytes]:
        body = orjson.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": waiting("sdk")})
        yield body[:10]
        yield body[10:]

    sent = {"accept": ACCEPT, "content-type": "application/json", "mcp-session-id": wire.session or ""}
    answer = await gateway.http.post("/mcp", content=in_pieces(), headers=sent)
    assert message(answer)["error"]["code"] == IN_USE
    gateway.site.go_on.set()
    assert "result" in message(await call)


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_body_without_a_length_has_its_limit(make_house: MakeHouse, era: str) -> None:
    async with make_house(mcp_body_bytes=2000) as house, house.http("bob") as http:

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b" " * 1000

        sent = {"accept": ACCEPT, "content-type": "application/json", "mcp-protocol-version": era}
        answer = await http.post("/mcp", content=endless(), headers=sent)
        assert answer.status_code == 413


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_an_id_of_any_type_is_answered_or_refused_and_never_breaks(gateway: Open, era: str) -> None:
    wire = await Wire(gateway.http, era).open()
    for number in IDS:
        answer = await gateway.http.post("/mcp", content=raw(era, json.dumps(number), "{}"), headers=headers(wire))
        assert answer.status_code in (200, 202, 400), (number, answer.text)
        if answer.status_code == 200 and "result" in answer.text:
            assert isinstance(number, (int, str)) and not isinstance(number, bool)
            assert message(answer)["id"] == number
        await gateway.is_well(wire)


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_what_is_no_proper_message_is_refused_and_the_session_lives(gateway: Open, era: str) -> None:
    wire = await Wire(gateway.http, era).open()
    for body in BODIES:
        answer = await gateway.http.post("/mcp", content=body, headers=headers(wire))
        assert answer.status_code in (200, 202, 400, 404), (body, answer.text)
        if answer.status_code == 200:
            assert "error" in message(answer) or b"ud800" in body, body
        await gateway.is_well(wire)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_an_answer_that_is_hard_to_write_is_relayed_or_refused(gateway: Open, way: str, era: str) -> None:
    wire = await Wire(gateway.http, era).open()
    for depth in (100, 300, 1020, 5000):
        for tool in ("deep", "half"):
            params = {**waiting(way, f"good__{tool}"), "arguments": {"depth": depth}}
            answer = await wire.ask("tools/call", params)
            assert answer.status_code == 200, answer.text
            reply = message(answer)
            if tool == "deep" and depth == 100:
                assert reply["result"]["structuredContent"]["a"]["a"]
            elif tool == "half":
                assert "half a pair" in reply["result"]["content"][0]["text"]
            elif "error" in reply:
                assert "nested too deeply" in reply["error"]["message"]
            await gateway.is_well(wire)
    async with gateway.house.http("bob") as http:
        log = gateway.house.app.gateway.gateway._activity.log
        async with asyncio.timeout(20):
            while log.written < 16:
                await asyncio.sleep(0)
        assert not log.dropped
        logged = (await http.get("/api/v1/tool_calls?limit=100")).json()["data"]
        assert {"deep", "half", "echo"} <= {call["tool"] for call in logged}


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_arguments_that_are_nested_deeply_are_passed_on_or_refused(gateway: Open, era: str) -> None:
    wire = await Wire(gateway.http, era).open()
    for depth in (200, 300, 1000, 3000):
        arguments = '{"a":' * depth + "1" + "}" * depth
        answer = await gateway.http.post("/mcp", content=raw(era, "1", arguments), headers=headers(wire))
        assert answer.status_code in (200, 400), answer.text
        assert "gateway failed" not in answer.text and "Internal" not in answer.text
        await gateway.is_well(wire)


@pytest.mark.parametrize("way", WAYS)
async def test_a_session_that_is_ended_twice_at_once_ends_its_calls_and_no_others(gateway: Open, way: str) -> None:
    wire, other = [await Wire(gateway.http, LEGACY).open() for _ in range(2)]
    call = asyncio.create_task(wire.ask("tools/call", waiting(way), 7))
    await gateway.site.waiting.wait()
    ending = {"mcp-session-id": wire.session or "", "accept": ACCEPT}
    answers = await asyncio.gather(*(gateway.http.delete("/mcp", headers=ending) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert {answer.status_code for answer in answers} <= {200, 404}
    gateway.site.go_on.set()
    with contextlib.suppress(StopIteration):
        message(await call)
    assert (await wire.ask("tools/list", {})).status_code == 404
    await gateway.is_well(other)


@pytest.mark.parametrize("way", WAYS)
async def test_a_session_that_ends_while_a_message_is_on_its_way_is_no_fault_of_ours(gateway: Open, way: str) -> None:
    wire = await Wire(gateway.http, LEGACY).open()
    first, rest = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        text = orjson.dumps({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": waiting(way)})
        yield text[:10]
        first.set()
        await rest.wait()
        yield text[10:]

    headers = {"mcp-session-id": wire.session or "", "accept": ACCEPT, "content-type": "application/json"}
    call = asyncio.create_task(gateway.http.post("/mcp", content=body(), headers=headers))
    await first.wait()
    assert (await gateway.http.delete("/mcp", headers=headers)).status_code == 200
    rest.set()
    assert (await call).status_code == 404


async def test_one_credential_has_so_many_sessions_and_the_one_unused_longest_ends(
    gateway: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk_sessions, "MAX_SESSIONS", 3)
    async with gateway.house.http("ann") as http:
        others = await Wire(http, LEGACY).open()
        wires = [await Wire(gateway.http, LEGACY).open() for _ in range(3)]
        await gateway.is_well(wires[0])
        wires.append(await Wire(gateway.http, LEGACY).open())
        states = [(await wire.ask("tools/list", {})).status_code for wire in wires]
        assert states == [200, 404, 200, 200]
        assert (await others.ask("tools/list", {})).status_code == 200


@pytest.mark.parametrize("oddity", ["a number that is none", "a header that stands there twice"])
async def test_a_session_that_is_opened_in_an_odd_way_counts_and_ends_with_its_credential(
    gateway: Open, monkeypatch: pytest.MonkeyPatch, oddity: str
) -> None:
    monkeypatch.setattr(sdk_sessions, "MAX_SESSIONS", 2)
    token = await gateway.house.token("bob", "mcp")
    params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "odd", "version": "1"}, "odd": None}
    body = orjson.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
    sent = [("accept", ACCEPT), ("content-type", "application/json"), ("authorization", f"Bearer {token}")]
    if oddity == "a number that is none":
        body = body.replace(b"null", b"NaN")
    else:
        sent.append(("accept", ACCEPT))
    async with gateway.house.http() as http:
        wires = [Wire(http, LEGACY) for _ in range(3)]
        for wire in wires:
            answer = await http.post("/mcp", content=body, headers=sent)
            wire.session = answer.headers["mcp-session-id"]
        http.headers["authorization"] = f"Bearer {token}"
        told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert [(await wire.post(told)).status_code for wire in wires] == [404, 202, 202]
    async with gateway.house.session("bob") as http:
        rows = (await http.get("/api/v1/api_tokens")).json()["data"]
        gone = next(row["id"] for row in rows if row["name"] == "watcher")
        assert (await http.delete(f"/api/v1/api_tokens/{gone}")).status_code in (200, 204)
    assert not gateway.house.app.gateway.endpoint._endpoints[None]._manager._server_instances


async def test_a_client_that_wants_to_take_up_an_old_stream_gets_a_new_one_and_of_its_own_session_alone(
    gateway: Open,
) -> None:
    wire = await Wire(gateway.http, LEGACY).open()
    assert wire.session is not None
    asked = {"mcp_session_id": wire.session, "mcp_protocol_version": LEGACY, "last_event_id": "1"}
    app, tokens = gateway.house.app, gateway.house.tokens
    async with Stream(app, tokens["bob"], "GET", "/mcp", **asked) as stream:
        assert stream.status == 200 and stream.headers["content-type"].startswith("text/event-stream")
    async with Stream(app, tokens["ann"], "GET", "/mcp", **asked) as stream:
        assert stream.status == 404
    await gateway.is_well(wire)


async def test_no_other_address_leads_to_a_server(gateway: Open) -> None:
    for path in ("/mcpgood", "/mcp/good/more", "/mcp/../mcp/nobody", "/mcp/%2e%2e", "/mcp/nobody"):
        answer = await Wire(gateway.http, MODERN, path).ask("tools/list", {})
        assert answer.status_code in (404, 405) and "good__" not in answer.text, path


async def test_a_version_that_nobody_knows_is_refused(gateway: Open) -> None:
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    for version in ("", "1999-01-01", "2026-07-28, 2025-11-25", "\x7f", "x" * 5000):
        sent = {"accept": ACCEPT, "content-type": "application/json", "mcp-protocol-version": version}
        assert (await gateway.http.post("/mcp", content=body, headers=sent)).status_code == 400, version


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_client_that_takes_no_answer_of_ours_is_told(gateway: Open, era: str) -> None:
    wire = await Wire(gateway.http, era).open()
    for accept in ("", "text/html", "application/json;q=0", "*/*"):
        answer = await wire.ask("tools/call", waiting("short", "good__echo"), accept=accept)
        if accept == "*/*":
            assert answer.status_code == 200, answer.text
        else:
            assert answer.status_code == 406 and "text/event-stream" in answer.text, (accept, answer.text)


async def test_an_id_that_is_used_again_and_again_is_free_as_soon_as_its_answer_is_whole(gateway: Open) -> None:
    wire = await Wire(gateway.http, LEGACY).open()
    app, again = gateway.house.app, list[asyncio.Task[httpx2.Response]]()

    async def sent_again_at_once(scope: Any, receive: Any, send: Any) -> None:
        async def watched(message: Any) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False) and not again:
                again.append(asyncio.create_task(wire.ask("tools/list", {"cursor": "odd"})))
                for _ in range(50):
                    # The next request is here before this one has been put away.
                    await asyncio.sleep(0)

        await app(scope, receive, watched)

    transport = httpx2.ASGITransport(sent_again_at_once)
    async with httpx2.AsyncClient(
        transport=transport, base_url=gateway.http.base_url, headers=gateway.http.headers
    ) as http:
        quick = Wire(http, LEGACY)
        quick.session = wire.session
        assert "result" in message(await quick.ask("tools/list", {"cursor": "odd"}))
    [answer] = again
    assert "result" in message(await answer), "one who uses an id anew waits for the last moments of the one before"
