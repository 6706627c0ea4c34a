"""Servers that lie, die, flood or fall silent: what the client sees, and that others are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from faulty_site import FaultySite
from tests_mcp_support import House
from tests_wire_support import LEGACY, MODERN, Wire, message

from server.mcp_gateway.upstreams import http_connection, line_reader
from tests.http_site import QuietHandler, site_of

pytestmark = [pytest.mark.anyio]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
Reply = dict[str, Any]
PROGRAM = Path(__file__).with_name("faulty_program.py")
PIPES = pytest.param("pipes", marks=pytest.mark.slow)
SDK_HTTP = pytest.param("sdk http", marks=pytest.mark.slow)
TRANSPORTS = [PIPES, "http", "sse", SDK_HTTP]
"""How the gateway speaks to the server; `sdk http` by way of the SDK, as it does for https and sign-ins."""
WAYS = ["short", "sdk"]
"""How the client's call goes through the gateway; one that wants progress is the SDK's."""
MEANWHILE = 20
"""Calls of the good server, at most, while the bad one is called."""
FAILED, TIMEOUT, UNKNOWN = -32004, -32005, -32602


class Faulty:
    """The gateway with a bad server (`bad`) and a good one (`good`), and a client of both."""

    def __init__(self, house: House, site: FaultySite, good: FaultySite, wire: Wire, way: str) -> None:
        self.house, self.site, self.good, self.wire, self.way = house, site, good, wire, way
        self._numbers = iter(range(1000, 10**9))

    async def call(self, name: str, arguments: dict[str, Any] | None = None, server: str = "bad") -> Reply:
        """The reply to a call of a tool."""
        params: dict[str, Any] = {"name": f"{server}__{name}", "arguments": arguments or {}}
        if self.way == "sdk":
            params["_meta"] = {"progressToken": next(self._numbers)}
        return message(await self.wire.ask("tools/call", params, next(self._numbers)))

    async def beside(self, name: str, arguments: dict[str, Any] | None = None) -> Reply:
        """The same, and the good server has answered meanwhile. The two take turns: it never waits for the bad one."""
        call = asyncio.create_task(self.call(name, arguments))
        for answered in range(MEANWHILE):
            if answered and call.done():
                break
            assert text(await self.call("echo", {"text": "fine"}, server="good")) == "fine"
        return await call

    async def is_well(self) -> None:
        """The bad server serves a call, connected anew if need be."""
        assert text(await self.call("echo", {"text": "well"})) == "well"

    async def state(self) -> dict[str, Any]:
        return await self.house.state("bad")


@pytest.fixture
def make_faulty(make_house: MakeHouse) -> Callable[..., AbstractAsyncContextManager[Faulty]]:
    @contextlib.asynccontextmanager
    async def make(transport: str, way: str, *arguments: str, **settings: Any) -> AsyncIterator[Faulty]:
        async with (
            make_house(mcp_rate_burst=1_000_000, **settings) as house,
            FaultySite().serving() as site,
            FaultySite().serving() as good,
            house.http("ann") as http,
        ):
            if transport == "pipes":
                await house.add("bad", command=sys.executable, args=["-S", str(PROGRAM), *arguments])
            else:
                headers = {"accept-encoding": "identity"} if transport == "sdk http" else {}
                kind, path = ("sse", "sse") if transport == "sse" else ("http", "mcp")
                await house.add("bad", transport=kind, url=f"http://127.0.0.1:{site.port}/{path}", headers=headers)
            await house.add("good", transport="http", url=f"http://127.0.0.1:{good.port}/mcp")
            wire = Wire(http, MODERN)
            listed = message(await wire.ask("tools/list", {}))["result"]["tools"]
            assert {"bad__echo", "good__echo"} <= {tool["name"] for tool in listed}
            yield Faulty(house, site, good, wire, way)

    return make


def text(reply: Reply) -> str:
    assert "result" in reply, reply
    return str(reply["result"]["content"][0]["text"])


def error(reply: Reply) -> tuple[int, str]:
    assert "error" in reply, str(reply)[:500]
    return reply["error"]["code"], reply["error"]["message"]


MakeFaulty = Callable[..., AbstractAsyncContextManager[Faulty]]
everywhere = [pytest.mark.parametrize("transport", TRANSPORTS), pytest.mark.parametrize("way", WAYS)]


def on_every_way(test: Any) -> Any:
    for mark in everywhere:
        test = mark(test)
    return test


@on_every_way
async def test_silence_ends_in_an_error_that_names_the_limit(make_faulty: MakeFaulty, transport: str, way: str) -> None:
    async with make_faulty(transport, way, mcp_call_timeout_seconds=0.5) as faulty:
        code, words = error(await faulty.beside("hang"))
        assert code == TIMEOUT and "0.5 s (mcp_call_timeout_seconds)" in words
        await faulty.is_well()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_a_program_that_reads_nothing_more_is_silent_however_much_is_sent_to_it(
    make_faulty: MakeFaulty, way: str
) -> None:
    async with make_faulty("pipes", way, mcp_call_timeout_seconds=0.5) as faulty, asyncio.timeout(60):
        assert text(await faulty.call("deafen")) == "done"
        for _ in range(2):
            # More than a pipe holds: nothing else can be written behind it, not even that the call was given up.
            code, words = error(await faulty.beside("echo", {"text": "x" * 1_000_000}))
            assert code == TIMEOUT and "0.5 s (mcp_call_timeout_seconds)" in words
        async with faulty.house.http("ann") as http:
            bad = (await faulty.state())["id"]
            assert (await http.post(f"/api/v1/gateway/{bad}/restart")).status_code == 200
        await faulty.is_well()


@on_every_way
async def test_a_death_in_the_middle_of_a_call_is_said_and_the_next_call_is_served(
    make_faulty: MakeFaulty, transport: str, way: str
) -> None:
    async with make_faulty(transport, way) as faulty:
        code, words = error(await faulty.beside("die"))
        assert code == FAILED and "may have had its effect" in words
        assert faulty.site.calls.count("die") == (transport != "pipes"), "a call is never sent again"
        await faulty.is_well()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_a_program_that_closes_its_stdout_and_lives_on_is_ended_and_started_again(
    make_faulty: MakeFaulty, way: str
) -> None:
    async with make_faulty("pipes", way) as faulty:
        code, words = error(await faulty.beside("close"))
        assert code == FAILED and "may have had its effect" in words
        await faulty.is_well()


@on_every_way
async def test_a_flood_of_notices_delays_nobody_else_and_the_answer_is_found_in_it(
    make_faulty: MakeFaulty, transport: str, way: str
) -> None:
    async with make_faulty(transport, way, mcp_call_timeout_seconds=120) as faulty:
        assert text(await faulty.beside("flood", {"text": "after all"})) == "after all"
        await faulty.is_well()


@on_every_way
async def test_fifty_megabytes_come_whole(make_faulty: MakeFaulty, transport: str, way: str) -> None:
    async with make_faulty(transport, way, mcp_call_timeout_seconds=120) as faulty:
        assert len(text(await faulty.beside("big", {"bytes": 50_000_000}))) == 50_000_000
        await faulty.is_well()


@pytest.mark.parametrize("transport", [PIPES, "http", "sse"])
@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_over_the_limit_is_refused_by_name_and_the_connection_lives(
    make_faulty: MakeFaulty, transport: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_reader, "MAX_LINE_BYTES", 1 << 20)
    monkeypatch.setattr(http_connection, "MAX_BYTES", 1 << 20)
    async with make_faulty(transport, way) as faulty:
        code, words = error(await faulty.beside("big", {"bytes": 2_000_000}))
        assert code == FAILED and "larger than 1 MB" in words
        assert text(await faulty.call("big", {"bytes": 1_000_000})) == "x" * 1_000_000
        await faulty.is_well()


@pytest.mark.parametrize("transport", [PIPES, "http", "sse"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lie", ["unknown", "odd", "twice"])
async def test_answers_with_ids_of_nobody_are_not_taken_for_others(
    make_faulty: MakeFaulty, transport: str, way: str, lie: str
) -> None:
    async with make_faulty(transport, way) as faulty:
        for word in ("one", "two"):
            assert text(await faulty.beside(lie, {"text": word})) == word
        await faulty.is_well()


@pytest.mark.parametrize("transport", [PIPES, "http", "sse"])
@pytest.mark.parametrize("way", WAYS)
async def test_lines_that_are_no_json_do_not_stand_in_the_way_of_the_answer(
    make_faulty: MakeFaulty, transport: str, way: str
) -> None:
    async with make_faulty(transport, way) as faulty:
        assert text(await faulty.beside("garbage", {"text": "found"})) == "found"
        await faulty.is_well()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lie", ["odd", "garbage"])
async def test_by_way_of_the_sdk_what_is_no_answer_ends_the_call_and_nothing_else(
    make_faulty: MakeFaulty, way: str, lie: str
) -> None:
    async with make_faulty("sdk http", way) as faulty:
        code, words = error(await faulty.beside(lie))
        assert code == FAILED and "no valid MCP" in words
        await faulty.is_well()


@on_every_way
@pytest.mark.parametrize("shape", ["neither", "shapeless"])
async def test_an_answer_that_is_none_is_said_to_be_none(
    make_faulty: MakeFaulty, transport: str, way: str, shape: str
) -> None:
    async with make_faulty(transport, way, mcp_call_timeout_seconds=5) as faulty:
        code, words = error(await faulty.beside(shape))
        assert code == FAILED and "no valid MCP" in words
        await faulty.is_well()


@pytest.mark.slow
async def test_what_a_program_says_before_the_handshake_is_shown_and_skipped(make_faulty: MakeFaulty) -> None:
    async with make_faulty("pipes", "short", "noisy") as faulty:
        await faulty.is_well()
        assert "stdout: Welcome!" in (await faulty.state())["stderr"]


@on_every_way
@pytest.mark.parametrize("approval", [True, False])
async def test_a_tool_that_comes_in_the_middle_is_known_at_once_and_called_by_the_rules(
    make_faulty: MakeFaulty, transport: str, way: str, approval: bool
) -> None:
    async with make_faulty(transport, way, mcp_tool_approval=approval) as faulty:
        assert text(await faulty.beside("change")) == "done"
        async with asyncio.timeout(30):
            while (reply := await faulty.call("changed")).get("error", {}).get("code") == UNKNOWN:
                pass
        if approval:
            assert "waits for the approval" in error(reply)[1]
        else:
            assert text(reply) == "done"


@pytest.mark.parametrize("transport", ["http", "sse", SDK_HTTP])
@pytest.mark.parametrize("way", WAYS)
async def test_a_login_that_is_wanted_is_said_and_nothing_is_tried_again(
    make_faulty: MakeFaulty, transport: str, way: str
) -> None:
    async with make_faulty(transport, way) as faulty:
        faulty.site.status = 401
        assert "sign in" in error(await faulty.beside("echo"))[1].lower()
        assert (await faulty.state())["state"] == "needs_login"
        faulty.site.status = None
        assert "sign in" in error(await faulty.call("echo"))[1].lower()
        assert faulty.site.calls == []


@pytest.mark.parametrize("transport", ["http", "sdk http"])
@pytest.mark.parametrize("others", [(2, 0), (0, 2), (1, 1)])
async def test_a_login_that_is_wanted_is_said_though_other_calls_are_answered_at_the_same_moment(
    make_faulty: MakeFaulty, transport: str, others: tuple[int, int]
) -> None:
    async with make_faulty(transport, "short") as faulty:
        names = ["wait"] * others[0] + ["forbidden"] + ["wait"] * others[1]
        calls = [asyncio.create_task(faulty.call(name)) for name in names]
        async with asyncio.timeout(10):
            while faulty.site.waits < len(names):
                await asyncio.sleep(0)
        faulty.site.go_on.set()
        answers = await asyncio.gather(*calls)
        assert "sign in" in error(answers[others[0]])[1].lower()
        assert (await faulty.state())["state"] == "needs_login"


@pytest.mark.parametrize("transport", ["http", "sse", SDK_HTTP])
@pytest.mark.parametrize("way", WAYS)
async def test_a_server_that_was_restarted_gets_a_new_session_and_no_call_twice(
    make_faulty: MakeFaulty, transport: str, way: str
) -> None:
    async with make_faulty(transport, way) as faulty:
        await faulty.is_well()
        faulty.site.session = "second"
        code, words = error(await faulty.beside("echo"))
        assert code == FAILED and "The call was not run; try it again." in words
        await faulty.is_well()
        assert faulty.site.calls == ["echo", "echo"]


@pytest.mark.parametrize("transport", ["http", "sse", SDK_HTTP])
@pytest.mark.parametrize("status", [302, 403, 429, 500, 503])
async def test_a_status_that_is_no_answer_is_named(make_faulty: MakeFaulty, transport: str, status: int) -> None:
    async with make_faulty(transport, "short") as faulty:
        faulty.site.status = status
        code, words = error(await faulty.beside("echo"))
        assert code == FAILED and (f"HTTP {status}" in words or status == 302)
        faulty.site.status = None
        await faulty.is_well()


async def test_a_client_of_the_handshake_eras_sees_the_same(make_faulty: MakeFaulty) -> None:
    async with make_faulty("http", "short", mcp_call_timeout_seconds=0.5) as faulty:
        faulty.wire = await Wire(faulty.wire.http, LEGACY).open()
        assert error(await faulty.call("hang"))[0] == TIMEOUT
        assert error(await faulty.call("die"))[0] == FAILED
        assert text(await faulty.call("unknown", {"text": "mine"})) == "mine"


async def test_a_stream_that_ends_while_nobody_calls_is_no_failure_and_costs_no_call(make_faulty: MakeFaulty) -> None:
    async with make_faulty("sse", "short") as faulty:
        await faulty.is_well()
        assert faulty.site.stream is not None
        faulty.site.stream.close()
        async with asyncio.timeout(30):
            while faulty.house.app.gateway.gateway.standing()[0][1] == "ready":
                await asyncio.sleep(0)
        assert (await faulty.state())["state"] == "stopped" and (await faulty.state())["error"] is None
        await faulty.is_well()
        assert (await faulty.state())["breaker"] == "closed"


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [("http://example.com/messages", "sent to another server"), ("//127.0.0.1:1/x", "sent to another server")],
)
async def test_messages_and_their_headers_go_to_the_server_alone(
    make_house: MakeHouse, endpoint: str, words: str
) -> None:
    async with make_house() as house, FaultySite().serving() as site:
        site.endpoint = endpoint
        await house.add("bad", transport="sse", url=f"http://127.0.0.1:{site.port}/sse", headers={"x-key": "value"})
        async with house.http("ann") as http:
            assert message(await Wire(http, MODERN).ask("tools/list", {}))["result"]["tools"]
        assert words in (await house.state("bad"))["error"]


@pytest.mark.parametrize(("path", "words"), [("nowhere", "answers 405"), ("mcp", "answers 405")])
async def test_an_address_that_has_no_stream_is_explained(make_house: MakeHouse, path: str, words: str) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("ann") as http:
        await house.add("bad", transport="sse", url=f"http://127.0.0.1:{site.port}/{path}")
        assert message(await Wire(http, MODERN).ask("tools/list", {}))["result"]["tools"]
        assert words in (await house.state("bad"))["error"]


async def test_a_list_whose_pages_are_too_much_together_is_refused(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.mcp_gateway.upstreams.sdk_client.MAX_LINE_BYTES", 1 << 20)
    asked: list[str] = []

    class Endless(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if "id" not in message:
                return self.reply(202)
            info = {"name": "endless", "version": "1"}
            found: dict[str, Any] = {"protocolVersion": LEGACY, "capabilities": {"tools": {}}, "serverInfo": info}
            if message["method"] != "initialize":
                asked.append(message["method"])
                tool = {"name": f"t{len(asked)}", "description": "x" * 400_000, "inputSchema": {"type": "object"}}
                found = {"tools": [tool], "nextCursor": "more"}
            return self.reply(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": found}).encode())

        def do_GET(self) -> None:
            self.reply(405)

        do_DELETE = do_GET

    with site_of(Endless) as url:
        async with make_house() as house:
            await house.add("endless", transport="http", url=f"{url}/mcp")
            async with house.http("ann") as http:
                wire = await Wire(http, LEGACY).open()
                listed = message(await wire.ask("tools/list", {}))["result"]["tools"]
            assert not [tool for tool in listed if tool["name"].startswith("endless__")]
            assert "is larger than 1 MB" in str(await house.state("endless"))
    assert asked.count("tools/list") == 3
