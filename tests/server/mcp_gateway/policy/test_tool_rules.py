"""Rules for tools, by every way that leads to one: list, search, both eras, one server's address, REST, background."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from tests_shop_support import Shop, opened, tool
from tests_wire_support import LEGACY, MODERN, Wire, message

from server.access.actor import SYSTEM
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
RULES = "/api/v1/mcp_rules"
READS, WRITES_, KILLS = {"readOnlyHint": True}, {"destructiveHint": False}, {"destructiveHint": True}


@pytest.fixture
def shop(bear: Bear) -> Shop:
    """With a tool of each kind: `look` reads, `add` writes, `drop` destroys, `echo` says nothing of itself."""
    shop = opened(bear)
    shop.raw = [
        tool("echo", "Plain words."),
        tool("look", "Plain words.", annotations=READS),
        tool("add", "Plain words.", annotations=WRITES_),
        tool("drop", "Plain words.", annotations=KILLS),
    ]
    return shop


async def rule(bear: Bear, effect: str, subject: str = "everyone", **values: Any) -> int:
    row = {"subject": subject, "effect": effect, "own_server": "shop", **values}
    return int((await bear.app.records.create(SYSTEM, "mcp_rules", row))["id"])


async def listed(client: httpx2.AsyncClient, path: str = "/mcp", era: str = MODERN) -> set[str]:
    """The shop's tools in a list, by their own names."""
    wire = await Wire(client, era, path).open()
    tools = message(await wire.ask("tools/list", {}))["result"]["tools"]
    names = {one["name"] for one in tools}
    return {name.removeprefix("shop__") for name in names if name.startswith("shop__") or path.startswith("/mcp/")}


async def searched(client: httpx2.AsyncClient, path: str = "/mcp") -> set[str]:
    wire = Wire(client, MODERN, path)
    found = message(await wire.call("search_tools", {"query": "plain words", "server": "shop", "limit": 50}))
    return {one["name"].removeprefix("shop__") for one in found["result"]["structuredContent"]["tools"]}


async def helped(client: httpx2.AsyncClient) -> set[str]:
    found = message(await Wire(client, MODERN).call("gridbear_help", {"server": "shop"}))["result"]
    told = found["structuredContent"]
    return set() if found["isError"] else {one["name"].removeprefix("shop__") for one in told["tools"]}


LISTS: dict[str, Callable[[httpx2.AsyncClient], Any]] = {
    "list": listed,
    "list of the older era": lambda client: listed(client, era=LEGACY),
    "list of one server": lambda client: listed(client, "/mcp/shop"),
    "search": searched,
    "help": helped,
}


async def _by_wire(client: httpx2.AsyncClient, name: str, era: str, path: str = "/mcp") -> str:
    wire = await Wire(client, era, path).open()
    answer = await wire.call(name if path.startswith("/mcp/") else f"shop__{name}", {"text": "hi"})
    return _told(message(answer)) if answer.status_code != 404 else "unknown"


async def _through(client: httpx2.AsyncClient, name: str, builtin: str) -> str:
    given = {"tool_name": f"shop__{name}", "arguments": {"text": "hi"}}
    return _told(message(await Wire(client, MODERN).call(builtin, given)))


def _told(found: dict[str, Any]) -> str:
    if "error" in found:
        text = found["error"]["message"]
        return "unknown" if text.startswith("Unknown tool: ") and found["error"]["code"] == -32602 else text
    return "done" if not found["result"].get("isError") else str(found["result"])


async def _by_rest(client: httpx2.AsyncClient, name: str) -> str:
    answer = await client.post("/api/v1/gateway/call", json={"tool": f"shop__{name}", "arguments": {"text": "hi"}})
    text = answer.json().get("error", "")
    return "done" if answer.status_code == 200 else "unknown" if text.startswith("Unknown tool: ") else text


CALLS: dict[str, Callable[[httpx2.AsyncClient, str], Any]] = {
    "call": lambda client, name: _by_wire(client, name, MODERN),
    "call of the older era": lambda client, name: _by_wire(client, name, LEGACY),
    "call at one server": lambda client, name: _by_wire(client, name, MODERN, "/mcp/shop"),
    "REST": _by_rest,
    "discovered": lambda client, name: _through(client, name, "execute_discovered_tool"),
    "background": lambda client, name: _through(client, name, "async_run_tool"),
}


async def everywhere(client: httpx2.AsyncClient) -> set[str]:
    """The tools that a caller has: by all lists and all calls alike."""
    seen = {way: await see(client) for way, see in LISTS.items()} if await reaches_shop(client) else {}
    called = {
        way: {name for name in ("echo", "look", "add", "drop") if await call(client, name) == "done"}
        for way, call in CALLS.items()
    }
    found = {frozenset(names) for names in (*seen.values(), *called.values())}
    assert len(found) == 1, (seen, called)
    return set(found.pop())


async def reaches_shop(client: httpx2.AsyncClient) -> bool:
    return (await Wire(client, MODERN, "/mcp/shop").ask("tools/list", {})).status_code != 404


async def test_without_rules_whoever_sees_a_server_has_all_its_tools(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient
) -> None:
    assert await everywhere(member) == {"echo", "look", "add", "drop"}


@pytest.mark.parametrize("subject", ["everyone", "programs", "role", "group", "user", "token"])
async def test_what_a_rule_forbids_is_nowhere_for_its_subject_and_everywhere_for_others(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, subject: str
) -> None:
    second = await bear.person("max")
    group = await bear.app.records.create(SYSTEM, "groups", {"name": "crew"})
    who = {"group_id": group["id"], "user_id": bear.ids["max"]}
    await bear.app.records.create(SYSTEM, "group_members", who)
    tokens = await bear.app.records.find(SYSTEM, "api_tokens", where={"owner_id": bear.ids["max"]})
    named: dict[str, dict[str, Any]] = {
        "role": {"role": "member"},
        "group": {"group_id": group["id"]},
        "user": {"user_id": bear.ids["max"]},
        "token": {"token_id": tokens[0]["id"]},
    }
    number = await rule(bear, "deny", subject, tool="echo", **named.get(subject, {}))
    left = {"look", "add", "drop"}
    assert await everywhere(member) == left
    assert await everywhere(second) == (left | {"echo"} if subject == "token" else left)
    assert await everywhere(guest_role) == (left if subject in ("everyone", "programs") else left | {"echo"})
    assert ("max", "echo") not in {call[:2] for call in shop.called if subject != "token"}
    await bear.app.records.delete(SYSTEM, "mcp_rules", number)
    assert await everywhere(member) == left | {"echo"}


async def test_a_rule_for_programs_leaves_people_who_are_signed_in_alone(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient
) -> None:
    await rule(bear, "deny", "programs")
    assert await everywhere(member) == set()
    session = await bear.signed_in("max")
    assert await _by_rest(session, "echo") == "done"


async def test_a_server_that_is_forbidden_whole_answers_like_none(
    bear: Bear, shop: Shop, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await rule(bear, "deny", "role", role="member")
    wire = Wire(member, MODERN)
    for server in ("shop", "nothing"):
        there = (await Wire(member, MODERN, f"/mcp/{server}").ask("tools/list", {})).json()
        told = message(await wire.call("gridbear_help", {"server": server}))["result"]["structuredContent"]
        assert (there["error"]["message"], told["error"]) == (f"There is no MCP server '{server}'.",) * 2
    helped_ = message(await wire.call("gridbear_help", {}))["result"]["structuredContent"]
    assert "shop" not in str(helped_) and "shop" not in (await member.get("/api/v1/gateway/metrics")).text
    assert await searched(member) == set()
    assert await everywhere(admin) == {"echo", "look", "add", "drop"}


async def test_a_forbidden_tool_and_one_that_is_not_there_answer_alike(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient
) -> None:
    await rule(bear, "deny", tool="echo")
    for era, path in itertools.product((MODERN, LEGACY), ("/mcp", "/mcp/shop")):
        wire = await Wire(member, era, path).open()
        start = "" if path == "/mcp/shop" else "shop__"
        answers = [await wire.call(f"{start}{name}", {"text": "hi"}) for name in ("echo", "nope")]
        told = [(answer.status_code, answer.headers["content-type"], message(answer)) for answer in answers]
        assert told[0] == _renamed(told[1], f"{start}nope", f"{start}echo")
    by_rest = [await member.post("/api/v1/gateway/call", json={"tool": f"shop__{name}"}) for name in ("echo", "nope")]
    first, second = ({**one.json(), "request_id": ""} for one in by_rest)
    assert by_rest[0].status_code == by_rest[1].status_code == 404 and first == _renamed(second, "nope", "echo")


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, dict):
        return {key: _renamed(item, old, new) for key, item in value.items()}
    return tuple(_renamed(item, old, new) for item in value) if isinstance(value, tuple) else value


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ([("deny", {"tools": "read_only"})], {"echo", "add", "drop"}),
        ([("deny", {"tools": "writing"})], {"look"}),
        ([("deny", {"tools": "destructive"})], {"look", "add"}),
        ([("deny", {"tools": "destructive", "tool": "drop"})], {"echo", "look", "add"}),
        # Whatever allows, what forbids wins.
        ([("deny", {}), ("allow", {"tool": "look"})], set()),
        ([("allow", {"tool": "look"}), ("deny", {"tool": "look"})], {"echo", "add", "drop"}),
        ([("deny", {"own_server": None})], set()),
        ([("deny", {"own_server": "records"})], {"echo", "look", "add", "drop"}),
    ],
)
async def test_rules_by_kind_of_tool(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient, rules: list[tuple[str, dict[str, Any]]], left: set[str]
) -> None:
    for effect, values in rules:
        await rule(bear, effect, **values)
    assert await everywhere(member) == left


@pytest.mark.parametrize(
    ("scopes", "left"),
    [
        (["api", "mcp"], {"echo", "look", "add", "drop"}),
        (["api", "mcp:shop"], {"echo", "look", "add", "drop"}),
        (["api", "mcp:shop:look", "mcp:shop:add"], {"look", "add"}),
        (["api", "mcp:records"], set()),
        (["api", "mcp:shop:nope"], set()),
    ],
)
async def test_a_token_reaches_what_its_scopes_name(
    bear: Bear, shop: Shop, admin: httpx2.AsyncClient, scopes: list[str], left: set[str]
) -> None:
    client = await bear.person("max", scopes=scopes)
    assert await everywhere(client) == left
    names = await listed(client, "/mcp/records") if "mcp:records" in scopes else set()
    assert bool(names) == ("mcp:records" in scopes)
    others = message(await Wire(client, MODERN).ask("tools/list", {}))["result"]["tools"]
    assert any(one["name"].startswith("records__") for one in others) == bool({"mcp", "mcp:records"} & set(scopes))


async def test_a_narrow_token_makes_none_that_is_wider(bear: Bear, admin: httpx2.AsyncClient) -> None:
    narrow = await bear.person("ada", scopes=["api", "mcp:time", "mcp:shop:look"])
    for scopes, status in (
        (["mcp:time"], 201),
        (["mcp:time:get_time"], 201),
        (["mcp:shop:look"], 201),
        (["mcp"], 422),
        (["mcp:shop"], 422),
        (["mcp:shop:add"], 422),
        (["mcp:other"], 422),
    ):
        answer = await narrow.post("/api/v1/api_tokens", json={"name": "t", "scopes": scopes})
        assert answer.status_code == status, (scopes, answer.text)
    for scope in ("mcp:", "mcp:A", "mcp:time:", "mcp:*", "mcp:time:*", "mcp:time:a b"):
        answer = await admin.post("/api/v1/api_tokens", json={"name": "t", "scopes": [scope]})
        assert answer.status_code == 422 and answer.json()["fields"]["scopes"]["code"] == "unknown_scope", scope


async def test_a_token_that_a_rule_holds_back_makes_nothing_that_the_rule_is_not_about(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient
) -> None:
    free = await bear.person("max")
    [row, _] = await bear.app.records.find(SYSTEM, "api_tokens", where={"owner_id": bear.ids["max"]})
    given = {"tool": "shop__echo", "arguments": {}}
    made = {
        "/api/v1/api_tokens": {"name": "t", "scopes": ["mcp"]},
        "/api/v1/schedules": {"name": "s", "task": "mcp_tool", "every_seconds": 86_400, "input": given},
    }
    for effect, status in (("allow", 201), ("ask", 403), ("deny", 403)):
        number = await rule(bear, effect, "token", token_id=row["id"], tool="echo")
        for address, values in made.items():
            answer = await member.post(address, json=values)
            assert answer.status_code == status, answer.text
            if status == 403:
                assert answer.json()["code"] == "credential_ruled"
            assert (await free.post(address, json=values)).status_code == 201
        await bear.app.records.delete(SYSTEM, "mcp_rules", number)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("read_only=1", {"look"}),
        ("read_only=true&mode=all", {"look"}),
        ("destructive=0", {"look", "add"}),
        ("read_only=1&destructive=0", {"look"}),
        ("read_only=0&read_only=1", {"look"}),
        ("read_only=0&destructive=1", {"echo", "look", "add", "drop"}),
    ],
)
async def test_an_address_can_leave_tools_out_by_what_they_say_of_themselves(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient, query: str, left: set[str]
) -> None:
    all_ = {"echo", "look", "add", "drop"}
    for era in (MODERN, LEGACY):
        assert await listed(member, f"/mcp/shop?{query}", era) == left
        found = {n for n in all_ if await _by_wire(member, n, era, f"/mcp/shop?{query}") == "done"}
        assert found == left
    path = f"/mcp?{query}"
    assert await listed(member, path) == await searched(member, path) == left
    wire = Wire(member, MODERN, path)
    for builtin in ("execute_discovered_tool", "async_run_tool"):
        given = {name: {"tool_name": f"shop__{name}", "arguments": {"text": "hi"}} for name in all_}
        done = {name for name in all_ if _told(message(await wire.call(builtin, given[name]))) == "done"}
        assert done == left


async def test_an_option_that_is_not_understood_is_refused(bear: Bear, shop: Shop, member: httpx2.AsyncClient) -> None:
    for query in ("read_only=perhaps", "destructive="):
        answer = await member.post(f"/mcp?{query}", json={})
        assert answer.status_code == 422, answer.text
        assert answer.json()["fields"][query.partition("=")[0]]["code"] == "not_boolean"


async def test_a_rule_opens_a_server_that_is_for_admins_and_a_switched_off_one_stays_shut(
    make_house: Callable[..., Any],
) -> None:
    async with make_house() as house:
        number = await house.add("up")
        records = house.app.records
        people = {row["username"]: row["id"] for row in await records.find(SYSTEM, "users")}
        opening = {"subject": "user", "user_id": people["bob"], "server_id": number, "tool": "echo", "effect": "allow"}
        asking = {"subject": "everyone", "server_id": number, "effect": "ask", "tool": "add"}
        for row in (opening, asking):
            await records.create(SYSTEM, "mcp_rules", row)
        async with house.http("ann") as ann, house.http("bob") as bob, house.http("eve") as eve:
            assert {"echo", "add"} <= await listed(ann, "/mcp/up")
            for era in (MODERN, LEGACY):
                assert await listed(bob, "/mcp/up", era) == {"echo"}
                assert [_of(await _asked(bob, era, name)) for name in ("echo", "fail")] == [
                    "hi",
                    "Unknown tool: up__fail",
                ]
                assert _of(await _asked(eve, era, "echo")) == "Unknown tool: up__echo", "who is only asked gets nothing"
            [shown] = (await bob.get("/api/v1/gateway")).json()["data"]["servers"]
            assert [one["name"] for one in shown["tools"]] == ["echo"]
            tools = f"/api/v1/gateway/{number}/tools"
            assert [one["name"] for one in (await bob.get(tools)).json()["data"]] == ["echo"]
            assert (await eve.get(tools)).status_code == 404
            assert (await eve.get("/api/v1/gateway")).json()["data"]["servers"] == []
            await records.update(SYSTEM, "mcp_servers", number, {"enabled": False})
            assert (await Wire(bob, MODERN, "/mcp/up").ask("tools/list", {})).status_code == 404
            assert _of(await _asked(bob, MODERN, "echo")) == "Unknown tool: up__echo"


async def _asked(client: httpx2.AsyncClient, era: str, name: str) -> dict[str, Any]:
    return message(await (await Wire(client, era).open()).call(f"up__{name}", {"text": "hi"}))


def _of(found: dict[str, Any]) -> str:
    return str(found["error"]["message"] if "error" in found else found["result"]["content"][0]["text"])
