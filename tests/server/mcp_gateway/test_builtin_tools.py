"""The gateway's own tools: they find, run and remember, and open no door that a direct call does not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest
from tests_shop_support import opened, tool

from server.access.actor import SYSTEM, Actor
from server.mcp_gateway.builtin_tools.definitions import PAGE_BYTES, TOOLS
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio


def actor(bear: Bear, name: str, role: Any = "member") -> Actor:
    return Actor(kind="user", user_id=bear.ids[name], username=name, role=role)


async def said(bear: Bear, who: Actor, name: str, **given: Any) -> dict[str, Any]:
    """The structured answer of a call that must be good."""
    answer = await bear.app.gateway.builtins.call(Caller(actor=who), name, given)
    assert not answer["isError"], answer
    found: dict[str, Any] = answer["structuredContent"]
    return found


async def refused(bear: Bear, who: Actor, name: str, **given: Any) -> dict[str, Any]:
    """The structured answer of a call that must be refused."""
    answer = await bear.app.gateway.builtins.call(Caller(actor=who), name, given)
    assert answer["isError"], answer
    found: dict[str, Any] = answer["structuredContent"]
    return found


async def ended(bear: Bear, who: Actor, key: str) -> dict[str, Any]:
    """The state of a task once it has ended: its changes are waited for."""
    changed = asyncio.Event()
    end = bear.app._bus.subscribe(lambda _event: changed.set(), ("tasks",))
    try:
        async with asyncio.timeout(30):
            while (row := await said(bear, who, "async_task_status", task_id=key))["status"] in ("queued", "running"):
                await changed.wait()
                changed.clear()
            return row
    finally:
        end()


async def test_search_finds_what_the_caller_may_use_and_nothing_else(bear: Bear, member: httpx2.AsyncClient,
                                                                     other: httpx2.AsyncClient) -> None:  # fmt: skip
    shop, max_, olga = opened(bear), actor(bear, "max"), actor(bear, "olga")
    shop.raw.append(tool("convertTime", "Converts a moment into the zone of another place."))
    shop.closed_to.add("olga")
    found = (await said(bear, max_, "search_tools", query="convert TIMEZONE of a moment"))["tools"]
    assert found[0]["name"] == "shop__convertTime" and found[0]["inputSchema"]["type"] == "object"
    assert (await said(bear, max_, "search_tools", query="zones", server="records"))["tools"] == []
    assert len((await said(bear, max_, "search_tools", query="shop", limit=3))["tools"]) == 3
    assert (await said(bear, olga, "search_tools", query="convert time zone shop echo"))["tools"] == []
    notes = (await said(bear, olga, "search_tools", query="find my notes"))["tools"]
    assert notes[0]["name"] == "records__search_notes"
    shop.raw.append(tool("brew", "Brews mead."))
    assert (await said(bear, max_, "search_tools", query="mead"))["tools"][0]["name"] == "shop__brew", "at once"


async def test_the_index_is_made_again_only_when_the_set_of_tools_changes(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    discovery = bear.app.gateway.builtins._discovery
    max_, olga = actor(bear, "max"), actor(bear, "olga")
    for who in (max_, olga, max_):
        await asyncio.gather(*(said(bear, who, "search_tools", query="note") for _ in range(5)))
    assert len(discovery._indexes) == 1, "two people with the same rights see the same tools"


async def test_a_discovered_tool_answers_as_itself_and_is_refused_as_itself(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    shop, max_, olga = opened(bear), actor(bear, "max"), actor(bear, "olga")
    shop.closed_to.add("olga")
    builtins, gateway = bear.app.gateway.builtins, bear.app.gateway.gateway
    given = {"tool_name": "shop__echo", "arguments": {"text": "hi"}}
    assert await builtins.call(Caller(actor=max_), "execute_discovered_tool", given) == await gateway.call(
        Caller(actor=max_), "shop__echo", {"text": "hi"}
    )
    assert (await builtins.call(Caller(actor=max_), "execute_discovered_tool", {"tool_name": "shop__fail"}))["isError"]
    for name in ("shop__echo", "nothing__echo"):
        for way in ("execute_discovered_tool", "async_run_tool"):
            with pytest.raises(CallFailed) as error:
                await builtins.call(Caller(actor=olga), way, {"tool_name": name, "arguments": {}})
            assert error.value.message == f"Unknown tool: {name}"
    assert {name for name, *_ in shop.called} == {"max"}
    for name in TOOLS:
        told = await refused(bear, max_, "execute_discovered_tool", tool_name=name)
        assert "directly" in told["error"], "no tool of ours runs another of ours"


async def test_wrong_arguments_are_results_that_say_what_is_wanted(bear: Bear, member: httpx2.AsyncClient) -> None:
    max_ = actor(bear, "max")
    for name, given, told in (
        ("search_tools", {}, "query is missing"),
        ("search_tools", {"query": 7}, "query must be of the type string"),
        ("search_tools", {"query": "x", "limit": 0}, "limit must be from 1 to 50"),
        ("gridbear_help", {"server": "nothing"}, "no MCP server"),
        ("gridbear_help", {"nope": 1}, "no argument nope"),
        ("async_list_tasks", {"status": "done"}, "one of queued"),
        ("async_task_status", {"task_id": "task-0"}, "no task"),
        ("async_task_status", {"task_id": "task-0", "page": True}, "type integer"),
        ("async_cancel_task", {"task_id": "\x00\ud800"}, ""),
        ("async_run_tool", {"tool_name": "x", "arguments": []}, "type object"),
    ):
        answer = await refused(bear, max_, name, **given)
        assert told in answer["error"] and answer["code"] != "internal_error", (name, given, answer)


async def test_a_background_call_is_stored_runs_and_keeps_its_whole_result(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    shop, max_, olga = opened(bear), actor(bear, "max"), actor(bear, "olga")
    started = await said(bear, max_, "async_run_tool", tool_name="shop__wait", arguments={})
    await shop.waiting.wait()
    assert (await said(bear, max_, "async_task_status", task_id=started["task_id"]))["status"] == "running"
    for name in ("async_task_status", "async_cancel_task"):
        assert (await refused(bear, olga, name, task_id=started["task_id"]))["code"] == "not_found"
    assert (await said(bear, olga, "async_list_tasks")) == {"tasks": [], "count": 0}
    assert (await said(bear, max_, "async_cancel_task", task_id=started["task_id"]))["status"] == "cancelled"
    echo = await said(bear, max_, "async_run_tool", tool_name="shop__echo", arguments={"text": "hi"})
    done = await ended(bear, max_, echo["task_id"])
    assert done["status"] == "completed" and done["result"]["content"][0]["text"] == "hi"
    fail = await said(bear, max_, "async_run_tool", tool_name="shop__fail")
    failed = await ended(bear, max_, fail["task_id"])
    assert failed["status"] == "completed" and failed["result"]["isError"], "a tool's own error is its result"
    for name, words in (("break", "burnt"), ("ask", "directly")):
        broken = await said(bear, max_, "async_run_tool", tool_name=f"shop__{name}")
        row = await ended(bear, max_, broken["task_id"])
        assert row["status"] == "failed" and words in row["error"] and row["error_details"]["code"] == -32004
    listed = await said(bear, max_, "async_list_tasks", limit=2, page=2)
    assert listed["count"] == 5 and len(listed["tasks"]) == 2 and "result" not in listed["tasks"][0]
    assert (await said(bear, max_, "async_list_tasks", status="failed"))["count"] == 2


async def test_a_program_gets_at_the_background_calls_of_others_only_where_it_may_read_the_tasks_of_its_person(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    opened(bear)
    person = actor(bear, "max")

    def program(credential: int, *scopes: str, resource: str | None = None) -> Actor:
        held = frozenset(scopes)
        return replace(person, kind="token", scopes=held, credential_id=credential, resource=resource)

    keys = {}
    asking = {"person": person, "own": program(1, "mcp"), "app": program(1, "mcp", resource="http://bear/mcp")}
    for name, who in asking.items():
        started = await said(bear, who, "async_run_tool", tool_name="shop__echo", arguments={"text": f"canary {name}"})
        keys[name] = started["task_id"]
        await ended(bear, who, keys[name])
    seen = {
        "own": program(1, "mcp"),
        "app": program(1, "mcp", resource="http://bear/mcp"),
        "": program(2, "mcp:shop:echo"),
    }
    for name, who in seen.items():
        listed = await said(bear, who, "async_list_tasks")
        assert [one["task_id"] for one in listed["tasks"]] == ([keys[name]] if name else [])
        assert listed["count"] == len(listed["tasks"])
        for other, key in keys.items():
            if other == name:
                told = await said(bear, who, "async_task_status", task_id=key)
                assert name == "app" or f"canary {name}" in str(told), "an app without a permission runs nothing"
                continue
            for tool_name in ("async_task_status", "async_cancel_task"):
                answer = await refused(bear, who, tool_name, task_id=key)
                assert answer["code"] == "not_found" and "canary" not in str(answer)
            with pytest.raises(CallFailed, match="You have no task"):
                await bear.app.gateway.builtins.calls.handle(who, key)
            with pytest.raises(CallFailed, match="You have no task"):
                await bear.app.gateway.builtins.calls.ask_to_end(who, key)
    for who in (person, program(3, "mcp", "api:read")):
        assert (await said(bear, who, "async_list_tasks"))["count"] == 3
        assert "canary own" in str(await said(bear, who, "async_task_status", task_id=keys["own"]))
    assert (await said(bear, program(1, "mcp"), "async_list_tasks", page=2))["tasks"] == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tool": "shop__fail"}, None),
        ({"tool": "shop__fail", "arguments": None}, None),
        ({"tool": "shop__fail", "arguments": [1]}, "arguments: an object is wanted"),
        ({"tool": 5}, "tool: the name of a tool is wanted"),
        ({"arguments": {}}, "tool: the name of a tool is wanted"),
        (None, "tool: the name of a tool is wanted"),
    ],
)
async def test_a_schedule_of_a_tool_may_leave_out_arguments_and_is_told_what_else_it_wants(
    bear: Bear, member: httpx2.AsyncClient, given: Any, words: str | None
) -> None:
    opened(bear)
    schedule = {"name": "s", "task": "mcp_tool", "input": given, "every_seconds": 1000}
    made = (await member.post("/api/v1/schedules", json=schedule)).json()["data"]
    begun = (await member.post(f"/api/v1/schedules/{made['id']}/run")).json()["data"]
    row = await ended(bear, actor(bear, "max"), begun["key"])
    assert (row["status"] == "completed") == (words is None)
    assert (words or "") in (row["error"] or "")


@pytest.mark.parametrize(
    ("odd", "kept"),
    [("a\0b", "a\ufffdb"), ("a\ud800b", "a\ufffdb"), (2**63, float(2**63)), (-(2**70), float(-(2**70))),
     (10**400, str(10**400)), (True, True),
     ({"\0": ["\0", {"\ud800": 2**64}]}, {"\ufffd": ["\ufffd", {"\ufffd": 2.0**64}]})],
)  # fmt: skip
async def test_a_result_that_no_record_takes_is_kept_as_near_to_it_as_can_be(
    bear: Bear, member: httpx2.AsyncClient, odd: Any, kept: Any
) -> None:
    shop, max_ = opened(bear), actor(bear, "max")
    shop.raw = [*shop.raw, tool("answer")]
    shop.answer = {"content": [], "structuredContent": {"odd": odd, "plain": "häh"}}
    row = await ended(bear, max_, (await said(bear, max_, "async_run_tool", tool_name="shop__answer"))["task_id"])
    assert row["status"] == "completed" and row["error"] is None
    assert row["result"]["structuredContent"] == {"odd": kept, "plain": "häh"}
    assert (row["log"] is None) == (odd is True) and (odd is True or "were replaced" in row["log"])


async def test_a_large_result_comes_whole_in_pages(bear: Bear, member: httpx2.AsyncClient) -> None:
    opened(bear)
    max_ = actor(bear, "max")
    started = await said(bear, max_, "async_run_tool", tool_name="shop__much")
    row = await ended(bear, max_, started["task_id"])
    assert "result" not in row and row["pages"] == 5 and row["page"] == 1
    parts = [
        (await said(bear, max_, "async_task_status", task_id=started["task_id"], page=page))["result_part"]
        for page in range(1, row["pages"] + 1)
    ]
    assert all(len(part.encode()) <= PAGE_BYTES + 1 for part in parts)
    assert json.loads("".join(parts))["content"][0]["text"] == "häh" * 100_000
    assert len("".join(parts).encode()) == row["result_bytes"]
    beyond = await refused(bear, max_, "async_task_status", task_id=started["task_id"], page=6)
    assert "5 pages" in beyond["error"]


async def test_the_limit_is_asked_at_once_and_again_when_the_call_runs(tmp_path: Path) -> None:
    async with running_bear(tmp_path, mcp_rate_burst=1, mcp_rate_per_minute=0.001) as bear:
        await bear.person("ada", "admin")
        await bear.person("max")
        shop, max_ = opened(bear), actor(bear, "max")
        first = await said(bear, max_, "async_run_tool", tool_name="shop__echo")
        second = await said(bear, max_, "async_run_tool", tool_name="shop__echo")
        states = [(await ended(bear, max_, one["task_id"])) for one in (first, second)]
        assert [row["status"] for row in states] == ["completed", "failed"], "asking takes nothing away"
        assert states[1]["error_details"]["data"]["limit"] == "mcp_rate_per_minute"
        with pytest.raises(CallFailed, match="Rate limit"):
            await said(bear, max_, "async_run_tool", tool_name="shop__echo")
        assert len(shop.called) == 1


async def test_who_lost_a_tool_meanwhile_does_not_run_it_in_the_background(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    shop, max_ = opened(bear), actor(bear, "max")
    started = await said(bear, max_, "async_run_tool", tool_name="shop__echo")
    shop.closed_to.add("max")
    row = await ended(bear, max_, started["task_id"])
    assert row["status"] == "failed" and row["error"] == "Unknown tool: shop__echo" and not shop.called


async def test_a_restart_keeps_results_and_ends_what_ran_as_interrupted(tmp_path: Path) -> None:
    async with running_bear(tmp_path) as bear:
        await bear.person("ada", "admin")
        await bear.person("max")
        shop, max_ = opened(bear), actor(bear, "max")
        done = await said(bear, max_, "async_run_tool", tool_name="shop__echo", arguments={"text": "kept"})
        await ended(bear, max_, done["task_id"])
        ran = await said(bear, max_, "async_run_tool", tool_name="shop__wait")
        await shop.waiting.wait()
    async with running_bear(tmp_path) as bear:
        kept = await said(bear, max_, "async_task_status", task_id=done["task_id"])
        assert kept["status"] == "completed" and kept["result"]["content"][0]["text"] == "kept"
        lost = await said(bear, max_, "async_task_status", task_id=ran["task_id"])
        assert lost["status"] == "interrupted" and "stopped" in lost["error"]


async def test_help_names_the_servers_one_sees(bear: Bear, member: httpx2.AsyncClient,
                                               guest_role: httpx2.AsyncClient) -> None:  # fmt: skip
    opened(bear)
    help_ = await said(bear, actor(bear, "max"), "gridbear_help")
    assert {"name": "shop", "tools": 6} in help_["servers"] and {"name": "records", "tools": 4} in help_["servers"]
    assert [it["name"] for it in help_["servers"]] == ["records", "shop"]
    tools = await said(bear, actor(bear, "max"), "gridbear_help", server="shop")
    assert tools["tools"][0]["name"] == "shop__echo"
    gus = await said(bear, actor(bear, "gus", "guest"), "gridbear_help")
    assert [it["name"] for it in gus["servers"]] == ["shop"]
    assert (await refused(bear, actor(bear, "gus", "guest"), "gridbear_help", server="records"))["code"] == "not_found"


def test_every_tool_of_ours_has_a_valid_schema_and_says_what_it_does() -> None:
    for name, one in TOOLS.items():
        jsonschema.Draft202012Validator.check_schema(one["inputSchema"])
        assert one["name"] == name and one["title"] and one["description"]
        for wanted in one["inputSchema"]["properties"].values():
            assert wanted["type"] in ("string", "object", "integer")


async def test_a_person_who_is_deleted_takes_their_tasks_along(bear: Bear, member: httpx2.AsyncClient) -> None:
    shop, max_ = opened(bear), actor(bear, "max")
    await said(bear, max_, "async_run_tool", tool_name="shop__wait")
    await shop.waiting.wait()
    await bear.app.records.delete(SYSTEM, "users", bear.ids["max"])
    shop.go_on.set()
    assert await bear.app.records.find(SYSTEM, "tasks") == []
