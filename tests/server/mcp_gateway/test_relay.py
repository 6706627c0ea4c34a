"""Prompts, resources, templates and completions on the wire: untouched, in both eras, and only for who may use them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
import pytest
from tests_mcp_support import House
from tests_peers_support import free_port, served
from tests_rich_support import ODD, PAIRS, RICH, add, refused, result
from tests_wire_support import LEGACY, MODERN, Wire, message

from server.access.actor import SYSTEM

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
ICONS = [{"src": "data:image/png;base64,AA==", "mimeType": "image/png", "theme": "dark"}]


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_the_address_of_a_server_relays_all_of_it_as_it_is(
    make_house: MakeHouse, client: str, upstream: str
) -> None:
    async with make_house() as house, house.http("bob") as http:
        await add(house, "rich", upstream)
        wire = await Wire(http, client, "/mcp/rich").open()

        (prompt,) = (await result(wire, "prompts/list"))["prompts"]
        assert prompt == {"name": "greet", "arguments": [{"name": "who", "required": True}], "icons": ICONS, **ODD}
        got = await result(wire, "prompts/get", name="greet", arguments={"who": "you"}, _meta={"theirs/key": 1})
        assert got["messages"][0]["content"] == {"type": "text", "text": "Hello from rich", **ODD}
        assert got["x-ours"] == ODD["x-ours"]
        asked = got["_meta"]["ours/seen"]["params"]
        assert (asked["name"], asked["arguments"], asked["_meta"]["theirs/key"]) == ("greet", {"who": "you"}, 1)

        resources = (await result(wire, "resources/list"))["resources"]
        assert [one["uri"] for one in resources] == ["note://rich/1", "note://both"]
        assert resources[0] == {"uri": "note://rich/1", "name": "one", "icons": ICONS, **ODD}
        templates = (await result(wire, "resources/templates/list"))["resourceTemplates"]
        assert templates == [{"uriTemplate": "rich://things/{id}", "name": "things", **ODD}]
        read = await result(wire, "resources/read", uri="ui://page/main.html")
        (content,) = read["contents"]
        assert content["_meta"] == {"ui": {"csp": {"connectDomains": ["https://example.org"]}}}
        assert (content["mimeType"], content["x-ours"]) == ("text/html;profile=mcp-app", ODD["x-ours"])

        ref = {"type": "ref/prompt", "name": "greet"}
        completed = await result(wire, "completion/complete", ref=ref, argument={"name": "who", "value": "y"})
        assert completed["completion"] == {"values": ["rich"], "total": 1, **ODD}

        tools = (await result(wire, "tools/list"))["tools"]
        link, app = tools[0], tools[-1]
        assert (link["icons"], link["x-ours"]) == (ICONS, ODD["x-ours"])
        assert app["_meta"] == {"ui": {"resourceUri": "ui://page/main.html"}}
        called = await result(wire, "tools/call", name="link", arguments={})
        assert called["structuredContent"] == [None, {"a": None}], "nulls are values"
        assert (called["content"][0]["x-ours"], called["x-ours"]) == (ODD["x-ours"], ODD["x-ours"])

        for answer in (got, read, resources and await result(wire, "resources/list")):
            assert ("resultType" in answer) == (client == MODERN)
        if client == MODERN:
            assert (read["ttlMs"], read["cacheScope"]) == (5 if upstream == MODERN else 0, "private")


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_the_address_of_all_servers_tells_prompts_apart_by_name_and_leaves_uris_as_they_are(
    make_house: MakeHouse, era: str
) -> None:
    async with make_house() as house, house.http("bob") as http:
        await add(house, "beta")
        await add(house, "alpha", LEGACY)
        wire = await Wire(http, era).open()
        names = [one["name"] for one in (await result(wire, "prompts/list"))["prompts"]]
        assert names == ["alpha__greet", "beta__greet"]
        for server in ("alpha", "beta"):
            got = await result(wire, "prompts/get", name=f"{server}__greet")
            assert got["messages"][0]["content"]["text"] == f"Hello from {server}"
            assert got["_meta"]["ours/seen"]["params"]["name"] == "greet"
            ref = {"type": "ref/prompt", "name": f"{server}__greet"}
            done = await result(wire, "completion/complete", ref=ref, argument={"name": "who", "value": ""})
            assert done["completion"]["values"] == [server]
            assert done["_meta"]["ours/seen"]["params"]["ref"] == {"type": "ref/prompt", "name": "greet"}
            of_template = {"type": "ref/resource", "uri": f"{server}://things/{{id}}"}
            done = await result(wire, "completion/complete", ref=of_template, argument={"name": "id", "value": ""})
            assert done["completion"]["values"] == [server]
            for uri in (f"note://{server}/1", f"{server}://things/7"):
                assert (await result(wire, "resources/read", uri=uri))["contents"][0]["text"] == server

        listed = (await result(wire, "resources/list"))["resources"]
        assert [one["uri"] for one in listed] == ["note://alpha/1", "note://both", "note://beta/1"]
        both = await result(wire, "resources/read", uri="note://both")
        assert both["contents"][0]["text"] == "alpha", "of two servers with one URI the first by name has it"
        own = await Wire(http, era, "/mcp/beta").open()
        assert (await result(own, "resources/read", uri="note://both"))["contents"][0]["text"] == "beta"


async def test_what_a_server_speaks_of_is_read_from_it_though_no_list_has_it(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http:
        await add(house, "alpha")
        await add(house, "beta")
        wire = await Wire(http, MODERN).open()
        assert (await refused(wire, "resources/read", uri="hidden://beta/made"))["code"] == -32602
        await result(wire, "tools/call", name="beta__link", arguments={})
        assert (await result(wire, "resources/read", uri="hidden://beta/made"))["contents"][0]["text"] == "beta"
        page = await result(wire, "resources/read", uri="ui://page/main.html")
        assert page["contents"][0]["text"] == "alpha", "the page of a tool leads to the first server with such a tool"


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_who_may_not_use_a_server_gets_nothing_of_its_prompts_and_resources(
    make_house: MakeHouse, era: str
) -> None:
    async with make_house() as house:
        await add(house, "secret", visibility="admins")
        await add(house, "open")
        async with house.http("ann") as http:
            admin = await Wire(http, era).open()
            assert len((await result(admin, "prompts/list"))["prompts"]) == 2
            assert (await result(admin, "resources/read", uri="note://secret/1"))["contents"][0]["text"] == "secret"
        for who in ("bob", "eve"):
            async with house.http(who) as http:
                wire = await Wire(http, era).open()
                assert [one["name"] for one in (await result(wire, "prompts/list"))["prompts"]] == ["open__greet"]
                uris = [one["uri"] for one in (await result(wire, "resources/list"))["resources"]]
                assert uris == ["note://open/1", "note://both"]
                templates = (await result(wire, "resources/templates/list"))["resourceTemplates"]
                assert [one["name"] for one in templates] == ["things"]
                for uri in ("note://secret/1", "secret://things/7", "hidden://secret/made"):
                    hidden = await refused(wire, "resources/read", uri=uri)
                    absent = await refused(wire, "resources/read", uri=uri.replace("secret", "nothing"))
                    assert hidden["message"].replace("secret", "nothing") == absent["message"]
                    assert hidden["code"] == absent["code"] == (-32602 if era == MODERN else -32002)
                guessed = await refused(wire, "prompts/get", name="secret__greet")
                assert guessed == {"code": -32602, "message": "Unknown prompt: secret__greet"}
                for ref in (
                    {"type": "ref/prompt", "name": "secret__greet"},
                    {"type": "ref/resource", "uri": "note://secret/1"},
                ):
                    argument = {"name": "who", "value": ""}
                    assert "error" in message(await wire.ask("completion/complete", {"ref": ref, "argument": argument}))
                door = Wire(http, MODERN, "/mcp/secret")
                assert (await door.ask("resources/read", {"uri": "note://secret/1"})).status_code == 404
        await house.app.gateway.activity.log.flush()
        rows = await house.app.records.find(SYSTEM, "tool_calls")
        told = {(row["user_name"], row["server"], row["tool"], row["outcome"]) for row in rows}
        assert ("ann", "secret", "resources/read note://secret/1", "ok") in told
        assert ("bob", None, "resources/read note://secret/1", "refused") in told
        assert ("eve", None, "prompts/get secret__greet", "refused") in told


async def test_an_endpoint_says_that_it_has_what_its_servers_have(make_house: MakeHouse) -> None:
    tiny = str(RICH.with_name("tiny_server.py"))
    async with make_house() as house, house.http("bob") as http:
        await house.add("tiny", visibility="everyone", command=sys.executable, args=[tiny])
        for era, path in ((MODERN, "/mcp/tiny"), (LEGACY, "/mcp/tiny")):
            assert set(await capabilities(http, era, path)) == {"tools"}
        wire = await Wire(http, MODERN).open()
        await result(wire, "tools/list")
        for era in (MODERN, LEGACY):
            assert set(await capabilities(http, era, "/mcp")) - {"extensions"} == {"tools"}
        await add(house, "rich")
        for era, path in ((MODERN, "/mcp"), (LEGACY, "/mcp"), (MODERN, "/mcp/rich"), (LEGACY, "/mcp/rich")):
            assert {"tools", "prompts", "resources", "completions"} <= set(await capabilities(http, era, path))


async def capabilities(http: Any, era: str, path: str) -> dict[str, Any]:
    wire = Wire(http, era, path)
    if era == MODERN:
        found: dict[str, Any] = (await result(wire, "server/discover"))["capabilities"]
        return found
    info = {"name": "wire", "version": "1"}
    params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": info}
    answer = await result(wire, "initialize", **params)
    return dict(answer["capabilities"])


async def test_a_server_without_prompts_and_one_that_is_dead_harm_no_list(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http:
        await add(house, "rich")
        await house.add(
            "tiny", visibility="everyone", command=sys.executable, args=[str(RICH.with_name("tiny_server.py"))]
        )
        await house.add("dead", visibility="everyone", command=sys.executable, args=["-c", "import sys; sys.exit(3)"])
        wire = await Wire(http, MODERN).open()
        assert [one["name"] for one in (await result(wire, "prompts/list"))["prompts"]] == ["rich__greet"]
        assert len((await result(wire, "resources/list"))["resources"]) == 2
        assert (await refused(wire, "prompts/get", name="tiny__greet"))["message"] == "Unknown prompt: tiny__greet"
        assert "dead" in (await refused(wire, "prompts/get", name="dead__greet"))["message"]


async def test_a_server_that_rests_is_not_started_for_a_list(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http:
        await add(house, "rich")
        wire = await Wire(http, MODERN).open()
        lists = ("prompts/list", "resources/list", "resources/templates/list")
        before = [await result(wire, method) for method in lists]
        (upstream,) = house.app.gateway.gateway.visible(SYSTEM)
        await upstream.stop()
        assert [await result(wire, method) for method in lists] == before
        assert "prompts" in await capabilities(http, MODERN, "/mcp/rich")
        assert upstream.state == "stopped"
        assert (await result(wire, "resources/read", uri="note://rich/1"))["contents"][0]["text"] == "rich"
        assert upstream.state == "ready"


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_no_token_of_a_client_reaches_a_server(make_house: MakeHouse, era: str) -> None:
    seen: list[tuple[dict[str, str], bytes]] = []
    answers: dict[str, Any] = {
        "initialize": {
            "protocolVersion": LEGACY,
            "capabilities": {"tools": {}, "prompts": {}, "resources": {"subscribe": True}},
            "serverInfo": {"name": "listening", "version": "1"},
        },
        "tools/list": {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]},
        "tools/call": {"content": []},
        "prompts/list": {"prompts": [{"name": "greet"}]},
        "prompts/get": {"messages": []},
        "resources/read": {"contents": []},
        "resources/subscribe": {},
    }

    async def upstream(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive()).get("body", b"") if scope["method"] == "POST" else b""
        seen.append(({name.decode(): value.decode() for name, value in scope["headers"]}, body))
        asked = orjson.loads(body) if body else {}
        found = answers.get(asked.get("method", ""))
        answer = {"result": found} if found is not None else {"error": {"code": -32601, "message": "no such method"}}
        said = orjson.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}) if "id" in asked else b""
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(said)).encode())]
        status = 405 if scope["method"] == "GET" else 200 if said else 202
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": said})

    async with make_house() as house, served(upstream, port := free_port()), house.http("bob") as http:
        await house.add("rich", transport="http", url=f"http://127.0.0.1:{port}/mcp", visibility="everyone")
        wire = await Wire(http, era, "/mcp/rich").open()
        meta = {"progressToken": "of this connection"}
        await result(wire, "tools/call", name="echo", arguments={}, _meta=meta)
        await result(wire, "prompts/get", name="greet")
        await result(wire, "resources/read", uri="note://one")
        methods = {orjson.loads(body).get("method") for _, body in seen if body}
        assert {"tools/call", "prompts/get", "resources/read"} <= methods
        for headers, body in seen:
            assert not {"authorization", "cookie"} & headers.keys()
            assert house.tokens["bob"] not in str(headers) + body.decode()
            assert b"of this connection" not in body
