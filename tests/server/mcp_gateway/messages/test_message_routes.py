"""Watching what passes to and from a server: over every transport, for admins alone, and said in the audit log."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx2
import pytest
from tests_mcp_support import House, serving

from server.access.actor import OWNER

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
SECRET = "sk-abcdefghijklmnopqrst"


async def call(http: httpx2.AsyncClient, tool: str, **arguments: Any) -> httpx2.Response:
    return await http.post("/api/v1/gateway/call", json={"tool": tool, "arguments": arguments})


async def seen(http: httpx2.AsyncClient, at: str, query: str = "") -> dict[str, Any]:
    answer = await http.get(f"{at}/messages{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


@contextlib.asynccontextmanager
async def reached(transport: str) -> AsyncIterator[dict[str, Any]]:
    """What a server's record says of a transport, over which the upstream of the tests runs meanwhile."""
    if transport == "stdio":
        yield {}
        return
    async with serving(transport) as port:
        path = "mcp" if transport == "http" else "sse"
        headers = {"X-Key": "header-never-shown-1"}
        yield {"transport": transport, "url": f"http://127.0.0.1:{port}/{path}", "headers": headers}


@pytest.mark.parametrize("transport", ["stdio", "http", "sse"])
async def test_all_that_passes_is_seen_on_every_transport(make_house: MakeHouse, transport: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        values = await stack.enter_async_context(reached(transport))
        house = await stack.enter_async_context(make_house())
        at = f"/api/v1/gateway/{await house.add('up', **values)}"
        http = await stack.enter_async_context(house.session("ann"))
        # The handshake too, when the watching begins before the server starts.
        assert (await http.put(f"{at}/messages/watch")).json()["data"]["watching"]
        assert (await call(http, "up__echo", text=f"hello {SECRET}")).status_code == 200
        assert (await call(http, "up__fail")).status_code == 200
        assert (await call(http, "up__steps", count=2, pause=0)).status_code == 200
        found = await seen(http, at)
        rows = found["messages"]
        told = [(row["direction"], row["kind"], row["method"], row["about"]) for row in rows]
        assert rows[0]["method"] in ("server/discover", "initialize") and rows[0]["direction"] == "to_server"
        assert ("to_server", "request", "tools/list", None) in told
        assert ("from_server", "answer", "tools/list", None) in told
        asked = next(row for row in rows if (row["kind"], row["about"]) == ("request", "echo"))
        [answer] = [row for row in rows if row["answers"] == asked["sequence"]]
        assert asked["message"]["params"]["arguments"] == {"text": "hello •••"}
        assert answer["message"]["result"]["content"][0]["text"] == "hello •••"
        assert answer["took_ms"] > 0 and answer["size"] > 0 and not answer["failed"]
        assert [row["failed"] for row in rows if row["kind"] == "answer" and row["about"] == "fail"] == [True]
        progress = [row for row in rows if row["method"] == "notifications/progress"]
        assert len(progress) == 2 and {row["direction"] for row in progress} == {"from_server"}
        assert progress[0]["message"]["params"]["progressToken"].startswith("gb-")
        assert [row["sequence"] for row in rows] == list(range(1, found["last"] + 1))
        whole = str(found)
        assert SECRET not in whole and "header-never-shown-1" not in whole and "uthorization" not in whole


@pytest.mark.parametrize("transport", ["stdio", "http", "sse"])
async def test_a_call_that_its_server_never_answers_is_shown_as_lost(make_house: MakeHouse, transport: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        values = await stack.enter_async_context(reached(transport))
        house = await stack.enter_async_context(make_house())
        at = f"/api/v1/gateway/{await house.add('up', **values)}"
        http = await stack.enter_async_context(house.session("ann"))
        await http.put(f"{at}/messages/watch")
        assert (await call(http, "up__leave")).status_code == 502
        rows = (await seen(http, at, "?method=leave"))["messages"]
        assert [row["kind"] for row in rows] == ["request", "lost"]
        assert rows[1]["answers"] == rows[0]["sequence"] and rows[1]["message"]["lost"]


async def test_nothing_is_kept_until_it_is_switched_on_and_nothing_after(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("ann") as http:
        at = f"/api/v1/gateway/{await house.add('up', visibility='everyone')}"
        await call(http, "up__echo", text="before")
        off = await seen(http, at)
        assert (off["watching"], off["since"], off["messages"], off["last"]) == (False, None, [], 0)
        begun = (await http.put(f"{at}/messages/watch")).json()["data"]
        assert begun["watching"] and 1700 < begun["seconds_left"] <= 1800
        assert ((await house.state("up"))["watched"], (await house.state("up", "bob"))["watched"]) == (True, False)
        await call(http, "up__echo", text="meanwhile")
        rows = (await seen(http, at))["messages"]
        assert "before" not in str(rows) and "meanwhile" in str(rows)
        assert (await http.delete(f"{at}/messages/watch")).json()["data"]["watching"] is False
        await call(http, "up__echo", text="later")
        off = await seen(http, at)
        assert (off["watching"], off["messages"]) == (False, [])
        await http.put(f"{at}/messages/watch")
        assert (await seen(http, at))["messages"] == []


async def test_messages_are_found_by_kind_method_and_words_and_read_on_from_a_sequence(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("ann") as http:
        at = f"/api/v1/gateway/{await house.add('up')}"
        await http.put(f"{at}/messages/watch")
        await call(http, "up__echo", text=f"Something {SECRET}")
        await call(http, "up__add", first=1, second=2)
        whole = await seen(http, at)
        sums = (await seen(http, at, "?method=ADD"))["messages"]
        assert [(row["kind"], row["about"]) for row in sums] == [("request", "add"), ("answer", "add")]
        assert len((await seen(http, at, "?kind=answer&kind=error&q=something"))["messages"]) == 1
        assert (await seen(http, at, "?q=abcdefghijklmnop"))["messages"] == []
        assert (await seen(http, at, "?method=add&limit=1"))["messages"] == sums[1:]
        assert (await seen(http, at, f"?method=add&after={sums[0]['sequence']}"))["messages"] == sums[1:]
        assert (await seen(http, at, f"?method=add&after={whole['last']}"))["messages"] == []
        await call(http, "up__fail")
        failed = (await seen(http, at, "?failed=true"))["messages"]
        assert [(row["kind"], row["about"]) for row in failed] == [("answer", "fail")]
        file = await http.get(f"{at}/messages/export?method=add")
        assert [json.loads(line) for line in file.text.splitlines()] == sums
        assert file.headers["content-disposition"] == 'attachment; filename="up-messages.jsonl"'
        assert file.headers["content-type"].startswith("application/x-ndjson") and SECRET not in file.text
        for wrong in ("?kind=nonsense", "?after=-1", "?limit=0", "?limit=100000", "?after=x"):
            assert (await http.get(f"{at}/messages{wrong}")).status_code == 422
        assert (await http.get("/api/v1/gateway/4711/messages")).status_code == 404
        assert (await http.put("/api/v1/gateway/own/nothing/messages/watch")).status_code == 404


async def test_members_and_guests_see_and_switch_nothing(make_house: MakeHouse) -> None:
    async with make_house() as house:
        at = f"/api/v1/gateway/{await house.add('up', visibility='everyone')}"
        own = "/api/v1/gateway/own/records"
        async with house.session("ann") as http:
            await http.put(f"{at}/messages/watch")
            await call(http, "up__echo", text="of an admin")
        for who in ("bob", "eve", None):
            async with house.http(who) as http:
                for place in (at, own, "/api/v1/gateway/4711"):
                    for verb, path in (("GET", ""), ("GET", "/export"), ("PUT", "/watch"), ("DELETE", "/watch")):
                        answer = await http.request(verb, f"{place}/messages{path}")
                        assert answer.status_code == (401 if who is None else 403)
                        assert "of an admin" not in answer.text and "echo" not in answer.text
        async with house.session("ann") as http:
            assert (await seen(http, at))["watching"]
            made = await http.post("/api/v1/api_tokens", json={"name": "reader", "scopes": ["api:read"]})
            headers = {"authorization": f"Bearer {made.json()['data']['token']}"}
            async with house.http() as reader:
                assert (await reader.put(f"{own}/messages/watch", headers=headers)).status_code == 403
                assert (await reader.delete(f"{at}/messages/watch", headers=headers)).status_code == 403


async def test_who_watches_and_who_looks_stands_in_the_audit_log(make_house: MakeHouse) -> None:
    async with make_house() as house:
        at = f"/api/v1/gateway/{await house.add('up')}"
        await house.app.people.create_user(OWNER, "cat", "long enough, really", role="admin")
        async with house.session("ann") as http, house.session("cat") as other:
            for _ in range(2):
                await http.put(f"{at}/messages/watch")
                await seen(http, at)
                await seen(other, at)
            for _ in range(2):
                await http.delete(f"{at}/messages/watch")
            rows = (await http.get("/api/v1/audit_entries?kind=messages_watched&sort=id")).json()["data"]
        told = [(row["actor_name"], row["about"], row["detail"]) for row in rows]
        assert told == [("ann", "up", "on"), ("cat", "up", "read"), ("ann", "up", "off")]


async def test_a_watching_outlives_a_change_of_the_server_and_ends_with_it(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("ann") as http:
        server = await house.add("up")
        at = f"/api/v1/gateway/{server}"
        await http.put(f"{at}/messages/watch")
        await call(http, "up__echo", text="one")
        assert (await http.patch(f"/api/v1/mcp_servers/{server}", json={"name": "down"})).status_code == 200
        assert (await call(http, "down__echo", text="two")).status_code == 200
        texts = str((await seen(http, at))["messages"])
        assert "'one'" in texts and "'two'" in texts
        assert (await http.delete(f"/api/v1/mcp_servers/{server}")).status_code in (200, 204)
        assert (await http.get(f"{at}/messages")).status_code == 404


async def test_calls_of_the_records_of_this_program_are_seen_too(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("ann") as http:
        at = "/api/v1/gateway/own/records"
        tools = (await http.get(f"{at}/tools")).json()["data"]
        assert tools
        await http.put(f"{at}/messages/watch")
        await call(http, tools[0]["public_name"])
        asked, answer = (await seen(http, at))["messages"]
        assert (asked["method"], asked["about"]) == ("tools/call", tools[0]["name"])
        assert answer["answers"] == asked["sequence"]
