"""Records as tools: everything within a person's rights, nothing beyond them, and no surprise for the careless."""

from __future__ import annotations

from typing import Any

import httpx2
import jsonschema
import pytest
from tests_wire_support import MODERN, Wire, message

from server.access.actor import SYSTEM, Actor
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.failures import CallFailed
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
ALL = frozenset(("api", "mcp"))


def actor(bear: Bear, name: str, role: Any = "member", scopes: frozenset[str] = ALL, **more: Any) -> Actor:
    return Actor(kind="token", user_id=bear.ids[name], username=name, role=role, scopes=scopes, **more)


async def listed(bear: Bear, who: Actor) -> dict[str, Tool]:
    return {tool.public_name: tool for tool in await bear.app.gateway.gateway.tools(who)}


async def done(bear: Bear, who: Actor, name: str, **given: Any) -> dict[str, Any]:
    """The structured answer of a call that must be good."""
    answer = await bear.app.gateway.gateway.call(Caller(actor=who), f"records__{name}", given)
    assert not answer["isError"], answer
    found: dict[str, Any] = answer["structuredContent"]
    return found


async def refused(bear: Bear, who: Actor, name: str, **given: Any) -> dict[str, Any]:
    """The structured answer of a call that must be refused."""
    answer = await bear.app.gateway.gateway.call(Caller(actor=who), f"records__{name}", given)
    assert answer["isError"], answer
    found: dict[str, Any] = answer["structuredContent"]
    return found


async def test_a_member_works_with_their_notes_and_no_others(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    max_, olga = actor(bear, "max"), actor(bear, "olga")
    made = await done(bear, max_, "create_notes", values={"title": "honey", "priority": 3})
    number = made["record"]["id"]
    over_rest = (await member.get(f"/api/v1/notes/{number}")).json()["data"]
    got = await done(bear, max_, "get_notes", id=number)
    assert got["record"] == over_rest == made["record"] and got["etag"] == made["etag"]
    await done(bear, max_, "create_notes", values={"title": "wax", "done": True})
    found = await done(bear, max_, "search_notes", domain=[["done", "=", False]], fields=["title"], sort="-id")
    assert found == {"records": [{"title": "honey"}], "count": 1}
    assert (await done(bear, max_, "search_notes", q="wax"))["count"] == 1
    first = await done(bear, max_, "search_notes", limit=1)
    assert [it["title"] for it in first["records"]] == ["honey"]
    second = await done(bear, max_, "search_notes", limit=1, cursor=first["next"])
    assert [it["title"] for it in second["records"]] == ["wax"] and "next" not in second
    changed = await done(bear, max_, "update_notes", id=number, values={"title": "more honey"}, etag=got["etag"])
    assert changed["record"]["title"] == "more honey" and changed["record"]["priority"] == 3
    late = await refused(bear, max_, "update_notes", id=number, values={"title": "late"}, etag=got["etag"])
    assert late["code"] == "precondition_failed"
    assert await done(bear, olga, "search_notes") == {"records": [], "count": 0}
    for name, given in (("get", {}), ("update", {"values": {"title": "mine now"}})):
        hers = await refused(bear, olga, f"{name}_notes", id=number, **given)
        never = await refused(bear, olga, f"{name}_notes", id=4711, **given)
        assert hers["error"].replace(str(number), "4711") == never["error"] and hers["code"] == "not_found"


async def test_what_is_wrong_is_a_result_that_says_so(bear: Bear, member: httpx2.AsyncClient) -> None:
    max_ = actor(bear, "max")
    for name, given, told in (
        ("get_notes", {}, "id is missing"),
        ("get_notes", {"id": "7"}, "id must be of the type integer"),
        ("get_notes", {"id": True}, "id must be of the type integer"),
        ("get_notes", {"id": 1, "nope": 1}, "no argument nope"),
        ("search_notes", {"limit": 101}, "from 1 to 100"),
        ("search_notes", {"domain": [["nope", "=", 1]]}, "nope"),
        ("search_notes", {"domain": ["&"]}, "domain"),
        ("search_notes", {"sort": "nope"}, "sort: "),
        ("search_notes", {"fields": ["nope", 7]}, "fields: "),
        ("search_notes", {"cursor": "nope"}, "cursor"),
        ("create_notes", {"values": {}}, "title"),
        ("create_notes", {"values": {"title": 7}}, "title"),
        ("create_notes", {"values": {"title": "x", "owner_id": 1}}, "owner_id"),
        ("create_notes", {"values": "title"}, "values must be of the type object"),
        ("update_notes", {"id": 2**70, "values": {}}, str(2**70)),
        ("get_notes", {"id": -(2**70)}, "-"),
        ("get_notes", {"id": 1, "\ud800": 1}, "no argument ?"),
        ("create_notes", {"values": {"title": "\ud800"}}, "surrogate"),
        ("create_notes", {"values": {"title": "x", "\ud800": 1}}, "?"),
        ("search_notes", {"domain": [["title", "=", "\ud800"]]}, "surrogate"),
        ("search_notes", {"q": "\ud800"}, "surrogate"),
        ("search_notes", {"sort": "\ud800"}, "no such field"),
        ("search_notes", {"fields": ["\ud800"]}, "no such field"),
    ):
        answer = await refused(bear, max_, name, **given)
        assert told in answer["error"], (name, given, answer)
        assert answer["code"] != "internal_error"
    with pytest.raises(CallFailed, match="Unknown tool"):
        await done(bear, max_, "get_nothing", id=1)


async def test_an_argument_that_is_null_is_one_that_is_left_out_and_a_field_that_is_null_is_emptied(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    wire = Wire(member, MODERN)

    async def answer(tool: str, **given: Any) -> dict[str, Any]:
        found: dict[str, Any] = message(await wire.call(tool, given))["result"]["structuredContent"]
        return found

    note = (await answer("records__create_notes", values={"title": "one", "body": "text"}))["record"]
    optional: dict[str, Any] = dict.fromkeys(("domain", "q", "sort", "fields", "limit", "cursor", "expand"))
    assert (await answer("records__search_notes", **optional))["records"] == [note]
    assert (await answer("records__get_notes", id=note["id"], fields=None))["record"]["title"] == "one"
    changed = await answer("records__update_notes", id=note["id"], values={"body": None}, etag=None)
    assert changed["record"]["body"] is None and changed["record"]["title"] == "one"
    assert "limit" not in (await answer("search_tools", query="notes", server=None, limit=None)).get("error", "")
    for tool, given in (("records__get_notes", {"id": None}), ("records__create_notes", {"values": None})):
        assert (await answer(tool, **given))["code"] == "invalid_arguments", "what is wanted can't be null"


async def test_a_page_too_large_for_any_context_is_refused_by_name(bear: Bear, member: httpx2.AsyncClient) -> None:
    max_ = actor(bear, "max")
    for _ in range(2):
        await done(bear, max_, "create_notes", values={"title": "long", "body": "x" * 600_000})
    large = await refused(bear, max_, "search_notes")
    assert large["code"] == "too_large" and "fields" in large["error"]
    assert (await done(bear, max_, "search_notes", fields=["title"]))["count"] == 2


async def test_tools_are_there_for_what_one_may_do_and_a_token_covers(
    bear: Bear, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    reading = {"records__search_notes", "records__get_notes"}
    writing = {"records__create_notes", "records__update_notes"}
    for who, expected in (
        (actor(bear, "max"), reading | writing),
        (actor(bear, "max", scopes=frozenset(("api:read", "mcp"))), reading),
        (actor(bear, "max", scopes=frozenset(("mcp",))), set()),
        (actor(bear, "max", scopes=frozenset(("api",))), set()),
        (actor(bear, "gus", "guest"), set()),
        (actor(bear, "ada", "admin"), reading | writing),
        (actor(bear, "ada", "admin", resource="http://127.0.0.1:8088/mcp"), reading | writing),
    ):
        names = {name for name in await listed(bear, who) if name.endswith("_notes")}
        assert names == expected, who
        assert bear.app.gateway.gateway.serves(who, "records") == bool(expected)
        for name in (reading | writing) - expected:
            with pytest.raises(CallFailed) as error:
                await bear.app.gateway.gateway.call(Caller(actor=who), name, {"id": 1, "values": {}})
            assert error.value.message == f"Unknown tool: {name}"


async def test_nothing_that_signs_people_in_or_decides_is_ever_a_tool(bear: Bear, admin: httpx2.AsyncClient) -> None:
    ada = actor(bear, "ada", "admin")
    offered = {spec.name: spec.tools for spec in bear.app.records.registry}
    never = {name for name, tools in offered.items() if tools == "never"}
    assert never >= {
        "users", "sessions", "api_tokens", "oauth_tokens", "oauth_clients", "secrets", "settings", "access_rules",
        "groups", "group_members", "mcp_servers", "audit_entries", "second_factors", "recovery_codes", "record_tools",
        "account_links", "own_models", "history", "files",
    }  # fmt: skip
    for name in never:
        told = await admin.post("/api/v1/record_tools", json={"model": name, "reading": True})
        assert told.status_code == 422 and told.json()["fields"]["model"]["code"] == "never_tools", name
    assert (await admin.post("/api/v1/record_tools", json={"model": "nothing"})).status_code == 422
    # Even a row that came in by another way opens nothing.
    await bear.app.records.create(SYSTEM, "record_tools", {"model": "notes"})
    bear.app.gateway.records_server._switches._decided["secrets"] = bear.app.gateway.records_server._switches.of(
        bear.app.records.registry.get("notes")
    )
    assert not any("secrets" in name for name in await listed(bear, ada))


async def test_a_switch_per_model_takes_effect_at_once_and_only_admins_have_it(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    max_ = actor(bear, "max")
    assert (await member.post("/api/v1/record_tools", json={"model": "notes"})).status_code == 403
    made = (await admin.post("/api/v1/record_tools", json={"model": "notes", "writing": False})).json()["data"]
    assert set(await listed(bear, max_)) == {"records__search_notes", "records__get_notes"}
    url = f"/api/v1/record_tools/{made['id']}"
    assert (await admin.patch(url, json={"reading": False})).status_code == 200
    assert await listed(bear, max_) == {}
    assert (await admin.patch(url, json={"model": "tasks"})).status_code == 422
    assert (await admin.delete(url)).status_code == 200
    assert len(await listed(bear, max_)) == 4
    assert (await admin.post("/api/v1/record_tools", json={"model": "tasks"})).status_code == 201
    assert "records__search_tasks" in await listed(bear, max_), "off by default, but not for ever"
    audited = (await admin.get("/api/v1/audit_entries?model=record_tools")).json()["data"]
    assert len(audited) >= 4


async def test_deleting_is_off_by_default_needs_the_version_and_ends_in_the_trash(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    max_ = actor(bear, "max")
    made = await done(bear, max_, "create_notes", values={"title": "honey"})
    number = made["record"]["id"]
    with pytest.raises(CallFailed, match="Unknown tool"):
        await done(bear, max_, "delete_notes", id=number, etag=made["etag"])
    await admin.post("/api/v1/record_tools", json={"model": "notes", "deleting": True})
    await done(bear, max_, "update_notes", id=number, values={"done": True})
    for etag, code in (({}, "invalid_arguments"), ({"etag": made["etag"]}, "precondition_failed"),
                       ({"etag": "*"}, "precondition_failed")):  # fmt: skip
        assert (await refused(bear, max_, "delete_notes", id=number, **etag))["code"] == code
    now = await done(bear, max_, "get_notes", id=number)
    assert await done(bear, max_, "delete_notes", id=number, etag=now["etag"]) == {"deleted": number}
    assert (await member.get(f"/api/v1/notes/{number}")).status_code == 404
    assert (await member.post(f"/api/v1/notes/{number}/restore")).json()["data"]["title"] == "honey"
    # Where there is no trash, nothing is deleted by a tool.
    await admin.post("/api/v1/record_tools", json={"model": "notifications", "deleting": True})
    names = await listed(bear, max_)
    assert "records__update_notifications" in names and "records__delete_notifications" not in names


async def test_a_model_made_at_run_time_has_tools_at_once_and_hidden_fields_have_no_name_in_them(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    fields = [
        {"name": "title", "type": "text", "required": True, "searchable": True},
        {"name": "mood", "type": "choice", "choices": ["good", "bad"]},
    ]
    model = {"name": "hives", "label": "Hive", "label_plural": "Hives", "owned": True, "members": "own"}
    assert (await admin.post("/api/v1/models", json={**model, "fields": fields})).status_code == 201
    max_ = actor(bear, "max")
    tools = await listed(bear, max_)
    assert "records__search_hives" in tools
    values = tools["records__create_hives"].raw["inputSchema"]["properties"]["values"]
    assert values["required"] == ["title"] and values["properties"]["mood"]["enum"] == ["good", "bad", None]
    row = await done(bear, max_, "create_hives", values={"title": "one", "mood": "good"})
    assert row["record"]["mood"] == "good"
    hidden = {"role": "member", "model": "hives", "verb": "any", "extent": "own", "hidden_fields": ["mood"]}
    assert (await admin.post("/api/v1/access_rules", json=hidden)).status_code == 201
    assert "mood" not in str({name: tool.raw for name, tool in (await listed(bear, max_)).items()})
    assert "mood" not in str(await done(bear, max_, "search_hives"))


async def test_a_relation_says_to_which_model_it_leads_where_one_may_know_of_it(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    title, hive = {"name": "title", "type": "text"}, {"name": "hive", "type": "relation", "references": "hives"}
    for name, label, members, fields in (("hives", "Hive", "none", [title]), ("bees", "Bee", "all", [title, hive])):
        model = {"name": name, "label": label, "label_plural": f"{label}s", "members": members, "fields": fields}
        answer = await admin.post("/api/v1/models", json=model)
        assert answer.status_code == 201, answer.text
    told = {who: await listed(bear, actor(bear, who, role)) for who, role in (("ada", "admin"), ("max", "member"))}
    values = told["ada"]["records__create_bees"].raw["inputSchema"]["properties"]["values"]["properties"]
    assert values["hive"]["description"] == "The id of a record of hives."
    assert "hive (relation to hives)" in told["ada"]["records__search_bees"].raw["description"]
    assert "hive (relation)" in told["max"]["records__search_bees"].raw["description"]
    assert "hives" not in str({name: tool.raw for name, tool in told["max"].items()})


async def test_schemas_are_valid_and_say_what_a_call_does(bear: Bear, admin: httpx2.AsyncClient) -> None:
    ada = actor(bear, "ada", "admin")
    for model in ("notes", "tasks", "notifications"):
        await admin.post("/api/v1/record_tools", json={"model": model, "deleting": True})
    tools = await listed(bear, ada)
    assert len(tools) >= 9
    for name, tool in tools.items():
        schema = tool.raw["inputSchema"]
        jsonschema.Draft202012Validator.check_schema(schema)
        hints = tool.raw["annotations"]
        assert hints["readOnlyHint"] == (tool.name.split("_")[0] in ("search", "get"))
        assert hints["readOnlyHint"] or hints["destructiveHint"] == (not tool.name.startswith("create"))
        assert len(name) <= 64 and tool.raw["title"] and tool.raw["description"]
    good = {"values": {"title": "honey", "due_at": None, "tags": ["a"]}}
    jsonschema.validate(good, tools["records__create_notes"].raw["inputSchema"])
    await done(bear, ada, "create_notes", **good)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"values": {"nope": 1}}, tools["records__create_notes"].raw["inputSchema"])


async def test_calls_of_data_tools_count_against_the_limit_like_others(bear: Bear, member: httpx2.AsyncClient) -> None:
    max_ = actor(bear, "max")
    burst = bear.app.settings.current.mcp_rate_burst
    for _ in range(burst):
        await done(bear, max_, "search_notes")
    with pytest.raises(CallFailed, match="MCP server records"):
        await done(bear, max_, "search_notes")


async def test_the_name_of_the_programs_own_server_is_taken(bear: Bear, admin: httpx2.AsyncClient) -> None:
    told = await admin.post("/api/v1/mcp_servers", json={"name": "records", "transport": "stdio", "command": "x"})
    assert told.status_code == 422 and told.json()["fields"]["name"]["code"] == "reserved"


async def test_what_was_switched_for_a_dropped_model_is_not_in_force_for_the_next_of_its_name(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    model = {"name": "hives", "label": "Hive", "owned": True, "members": "own",
             "fields": [{"name": "title", "type": "text"}]}  # fmt: skip
    max_ = actor(bear, "max")
    for _ in range(2):
        assert (await admin.post("/api/v1/models", json=model)).status_code == 201
        assert "records__delete_hives" not in await listed(bear, max_)
        assert (await admin.post("/api/v1/record_tools", json={"model": "hives", "deleting": True})).status_code == 201
        assert "records__delete_hives" in await listed(bear, max_)
        assert (await admin.delete("/api/v1/models/hives?confirm=true")).status_code == 200
        assert not any("hives" in name for name in await listed(bear, max_))
