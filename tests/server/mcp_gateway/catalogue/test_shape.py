"""Definitions that no client could read: they harm themselves alone, and never the list of all servers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from mcp_types.methods import validate_server_result
from tests_mcp_support import ERAS, House
from tests_shifty_support import Shifty, definition, told

from server.mcp_gateway.catalogue.shape import for_older_clients, readable_item, readable_tool

MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
SCHEMA = {"type": "object"}
WHOLE = definition(
    "whole",
    title="Whole",
    icons=[{"src": "data:,x", "sizes": ["any"], "theme": "dark", "x": 1}],
    annotations={"title": "W", "readOnlyHint": True, "x-ours": 1},
    outputSchema={"type": "array", "items": True},
    execution={"taskSupport": "optional"},
    _meta={"a": [1]},
    inputSchema={"type": "object", "properties": {"a": True, "b": {"type": ["string", "null"]}}, "required": ["a"]},
    **{"x-ours": {"deep": [None]}},
)
ODD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (definition("odd", annotations="x"), definition("odd")),
    (definition("odd", annotations=[1]), definition("odd")),
    (
        definition("odd", annotations={"readOnlyHint": "yes", "title": "T"}),
        definition("odd", annotations={"title": "T"}),
    ),
    (definition("odd", title=5, description=None), {"name": "odd", "inputSchema": SCHEMA}),
    (definition("odd", icons=[{"src": "a"}, {"src": None}]), definition("odd")),
    (definition("odd", icons={"src": "a"}, _meta=[], execution="now", outputSchema=True), definition("odd")),
    (definition("odd", execution={"taskSupport": ["required"]}), definition("odd")),
    (definition("odd", inputSchema={}), definition("odd")),
    (definition("odd", inputSchema={"properties": [], "required": "a"}), definition("odd")),
    ({"name": "odd"}, {"name": "odd", "inputSchema": SCHEMA}),
]
NONSENSE: list[Any] = [
    definition("odd", inputSchema="x"),
    definition("odd", inputSchema=None),
    definition("odd", inputSchema={"type": "string"}),
    definition("odd", inputSchema={"type": ["object"]}),
]


def test_a_definition_that_can_be_read_stays_as_its_server_wrote_it() -> None:
    assert readable_tool(WHOLE) is WHOLE
    prompt = {"name": "p", "title": "P", "arguments": [{"name": "a", "required": True, "x": 1}], "_meta": {}, "x": [1]}
    assert readable_item("prompts", "name", prompt) is prompt
    resource = {"uri": "x://1", "name": "r", "size": 1.5, "annotations": {"audience": ["user"], "priority": 1, "x": 2}}
    assert readable_item("resources", "uri", resource) is resource


@pytest.mark.parametrize(("raw", "made"), ODD)
def test_what_can_not_be_read_is_left_out_of_a_tool(raw: dict[str, Any], made: dict[str, Any]) -> None:
    assert readable_tool(raw) == made


@pytest.mark.parametrize("raw", NONSENSE)
def test_a_tool_whose_arguments_are_none_is_left_out_whole(raw: dict[str, Any]) -> None:
    assert readable_tool(raw) == "its inputSchema is no schema of an object"


def test_what_can_not_be_read_is_left_out_of_prompts_and_resources() -> None:
    odd: dict[str, Any] = {"name": "p", "title": 1, "icons": "x"}
    assert readable_item("prompts", "name", {**odd, "arguments": [{"name": "a", "required": "yes"}]}) == {
        "name": "p",
        "arguments": [{"name": "a"}],
    }
    for arguments in ("a", [1], [{"title": "no name"}]):
        assert readable_item("prompts", "name", {**odd, "arguments": arguments}) == {"name": "p"}
    assert readable_item("resources", "uri", {"uri": "x://1", "size": "big", "mimeType": 1}) == {
        "uri": "x://1",
        "name": "x://1",
    }
    shown = {"audience": ["everyone"], "priority": 7, "lastModified": "2026"}
    assert readable_item("templates", "uriTemplate", {"uriTemplate": "x://{a}", "name": 1, "annotations": shown}) == {
        "uriTemplate": "x://{a}",
        "name": "x://{a}",
        "annotations": {"lastModified": "2026"},
    }
    for nothing in ({}, {"name": ""}, {"name": 5}):
        assert readable_item("prompts", "name", nothing) is None


def test_clients_before_2026_get_only_schemas_that_they_know() -> None:
    older = for_older_clients(dict(WHOLE))
    assert "outputSchema" not in older
    assert older["inputSchema"]["properties"] == {"a": {}, "b": {"type": ["string", "null"]}}
    plain = definition("plain", outputSchema={"type": "object", "properties": {"a": False}})
    assert for_older_clients(plain)["outputSchema"] == {"type": "object", "properties": {"a": {"not": {}}}}
    same = definition("same", outputSchema={"type": "object"})
    assert for_older_clients(same) is same
    for version, tool in (("2025-11-25", older), ("2026-07-28", WHOLE)):
        envelope = {} if version == "2025-11-25" else {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        validate_server_result("tools/list", version, {"tools": [tool], **envelope})


@pytest.mark.anyio
@pytest.mark.slow
async def test_one_server_with_bad_definitions_spoils_no_list_no_search_and_no_page(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    odd = [{**raw, "name": f"odd{number}"} for number, (raw, _) in enumerate(ODD)]
    bad = [{**raw, "name": f"bad{number}"} for number, raw in enumerate(NONSENSE)]
    shifty = Shifty(tmp_path, *odd, *bad, WHOLE)
    left = [one["name"] for one in (*odd, WHOLE)]
    async with make_house() as house:
        server = await house.add("up", visibility="everyone", **shifty.command)
        for mode in ERAS:
            async with house.mcp("bob", mode) as client:
                listed = [tool.name for tool in (await client.list_tools()).tools]
                assert [name for name in listed if name.startswith("up__")] == [f"up__{name}" for name in left]
                assert "records__search_notes" in listed
                found = (await client.call_tool("search_tools", {"query": "odd", "limit": 50})).structured_content
                assert found is not None and len(found["tools"]) >= len(odd)
                helped = (await client.call_tool("gridbear_help", {"server": "up"})).structured_content
                assert helped is not None and [one["name"] for one in helped["tools"]] == [
                    f"up__{name}" for name in left
                ]
                result = await client.call_tool("up__odd0", {})
                assert not result.is_error
        async with house.http("ann") as http:
            assert list(await told(http, server)) == left
