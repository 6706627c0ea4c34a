"""io.modelcontextprotocol/tasks over HTTP: handles for clients that know them, results for all others."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from tests_shop_support import Shop, opened

from tests.conftest import Bear

pytestmark = pytest.mark.anyio
VERSION, EXTENSION = "2026-07-28", "io.modelcontextprotocol/tasks"


async def ask(
    client: httpx2.AsyncClient, method: str, params: dict[str, Any], *, extension: bool = True,
    name: str | None = None, path: str = "/mcp",
) -> dict[str, Any]:  # fmt: skip
    """One request of the protocol of 2026-07-28; the whole JSON-RPC answer."""
    capabilities = {"extensions": {EXTENSION: {}}} if extension else {}
    meta = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": VERSION, "mcp-method": method}
    said = name if name is not None else params.get("name", params.get("taskId"))
    if said:
        headers["mcp-name"] = said
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    answer = await client.post(path, json=body, headers=headers)
    if answer.headers["content-type"].startswith("text/event-stream"):
        return dict(json.loads(answer.text.split("data: ", 1)[1].split("\n")[0]))
    return dict(answer.json())


async def start(client: httpx2.AsyncClient, tool: str, **how: Any) -> dict[str, Any]:
    call = {"name": "async_run_tool", "arguments": {"tool_name": tool, "arguments": {"text": "hi"}}}
    result: dict[str, Any] = (await ask(client, "tools/call", call, **how))["result"]
    return result


async def get(client: httpx2.AsyncClient, key: str, **how: Any) -> dict[str, Any]:
    return await ask(client, "tasks/get", {"taskId": key}, **how)


async def ended(bear: Bear, client: httpx2.AsyncClient, key: str) -> dict[str, Any]:
    """What tasks/get answers once the task has ended: its changes are waited for."""
    changed = asyncio.Event()
    end = bear.app._bus.subscribe(lambda _event: changed.set(), ("tasks",))
    try:
        async with asyncio.timeout(30):
            while (found := (await get(client, key))["result"])["status"] == "working":
                await changed.wait()
                changed.clear()
            return dict(found)
    finally:
        end()


@pytest.fixture
def shop(bear: Bear) -> Shop:
    return opened(bear)


async def test_the_extension_is_declared_and_only_those_who_declare_it_get_handles(
    bear: Bear, member: httpx2.AsyncClient, shop: Shop
) -> None:
    discovered = (await ask(member, "server/discover", {}))["result"]
    assert discovered["capabilities"]["extensions"][EXTENSION] == {}
    handle = await start(member, "shop__wait")
    assert handle["resultType"] == "task" and handle["status"] == "working" and handle["ttlMs"] is None
    assert len(handle["taskId"]) > 32 and handle["pollIntervalMs"] > 0 and handle["createdAt"].endswith("Z")
    assert (await get(member, handle["taskId"]))["result"]["status"] == "working", "it is durable before the answer"
    plain = await start(member, "shop__echo", extension=False)
    assert plain["resultType"] == "complete" and plain["structuredContent"]["task_id"].startswith("task-")
    refused = await get(member, handle["taskId"], extension=False)
    assert refused["error"]["code"] == -32021
    assert refused["error"]["data"] == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}


async def test_a_handle_ends_with_the_result_the_error_or_cancelled(
    bear: Bear, member: httpx2.AsyncClient, shop: Shop
) -> None:
    done = await ended(bear, member, (await start(member, "shop__echo"))["taskId"])
    assert done["resultType"] == "complete" and done["status"] == "completed"
    assert done["result"]["content"] == [{"type": "text", "text": "hi"}] and "error" not in done
    failed = await ended(bear, member, (await start(member, "shop__fail"))["taskId"])
    assert failed["status"] == "completed" and failed["result"]["isError"]
    broken = await ended(bear, member, (await start(member, "shop__break"))["taskId"])
    assert broken["status"] == "failed" and "result" not in broken and broken["statusMessage"]
    assert broken["error"] == {"code": -32004, "message": "The shop burnt down.", "data": {"server": "shop"}}
    waiting = (await start(member, "shop__wait"))["taskId"]
    await shop.waiting.wait()
    ended_ = await ask(member, "tasks/cancel", {"taskId": waiting})
    assert {**ended_["result"], "_meta": None} == {"resultType": "complete", "_meta": None}
    assert (await ended(bear, member, waiting))["status"] == "cancelled"
    assert "error" not in await ask(member, "tasks/cancel", {"taskId": waiting}), "asking twice is no error"
    assert "error" not in await ask(member, "tasks/update", {"taskId": waiting, "inputResponses": {"x": {}}})


async def test_a_handle_is_its_persons_alone_and_its_name_stands_in_the_header(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, shop: Shop
) -> None:
    key = (await start(member, "shop__wait"))["taskId"]
    for method, more in (("tasks/get", {}), ("tasks/cancel", {}), ("tasks/update", {"inputResponses": {}})):
        hers = await ask(other, method, {"taskId": key, **more})
        never = await ask(other, method, {"taskId": "task-0", **more})
        assert hers["error"]["code"] == never["error"]["code"] == -32602
        assert hers["error"]["message"].replace(key, "task-0") == never["error"]["message"]
        mismatch = await ask(member, method, {"taskId": key, **more}, name="task-0")
        assert mismatch["error"]["code"] == -32020
        missing = await ask(member, method, {"taskId": key, **more}, name="")
        assert missing["error"]["code"] == -32020
        assert (await ask(member, method, {}, name="x"))["error"]["code"] == -32602
    assert (await get(member, key))["result"]["status"] == "working"


async def test_a_refusal_is_an_error_at_once_and_no_handle(bear: Bear, member: httpx2.AsyncClient, shop: Shop) -> None:
    shop.closed_to.add("max")
    call = {"name": "async_run_tool", "arguments": {"tool_name": "shop__echo"}}
    answer = await ask(member, "tools/call", call)
    assert answer["error"] == {"code": -32602, "message": "Unknown tool: shop__echo"}
    wrong = await ask(member, "tools/call", {"name": "async_run_tool", "arguments": {}})
    assert wrong["result"]["isError"] and wrong["result"]["resultType"] == "complete"


async def test_in_search_mode_only_the_gateways_own_tools_are_listed_and_others_still_pass_policy(
    bear: Bear, member: httpx2.AsyncClient, shop: Shop
) -> None:
    small, all_ = "/mcp?mode=search", "/mcp?mode=all"
    listed = {path: {tool["name"] for tool in (await ask(member, "tools/list", {}, path=path))["result"]["tools"]}
              for path in (small, all_, "/mcp")}  # fmt: skip
    assert listed[all_] == listed["/mcp"] > listed[small]
    assert "search_tools" in listed[small] and not any("__" in name for name in listed[small])
    call = {"name": "shop__echo", "arguments": {"text": "hi"}}
    assert (await ask(member, "tools/call", call, path=small))["result"]["content"][0]["text"] == "hi"
    shop.closed_to.add("max")
    assert (await ask(member, "tools/call", call, path=small))["error"]["code"] == -32602
    unknown = await member.post("/mcp?mode=tiny", json={})
    assert unknown.status_code == 422 and unknown.json()["fields"]["mode"]["code"] == "unknown_mode"
