"""The gateway's own tools, its lists and looks at tasks have a limit for each person, as servers have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests_wire_support import MODERN, Wire, message

from server.access.actor import Actor
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import RATE_LIMITED, CallFailed
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
BURST = 10
"""Ten times that of a server, which is 1 here."""
LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")


def narrow(path: Path) -> Any:
    return running_bear(path, mcp_rate_burst=1, mcp_rate_per_minute=0.001)


async def used_up(bear: Bear, name: str) -> None:
    for _ in range(BURST):
        bear.app.gateway.gateway.limits.count_own(Actor(kind="user", user_id=bear.ids[name], username=name))


def refusal(reply: dict[str, Any]) -> str:
    error = reply["error"]
    assert error["code"] == RATE_LIMITED and error["data"]["retry_after"] > 0, error
    assert error["data"]["limit"] == "mcp_rate_per_minute"
    return str(error["message"])


@pytest.mark.parametrize("method", LISTS)
async def test_lists_are_limited_for_each_person(tmp_path: Path, method: str) -> None:
    async with narrow(tmp_path) as bear:
        await bear.person("ada", "admin")
        max_, olga = await bear.person("max"), await bear.person("olga")
        assert "result" in message(await Wire(max_, MODERN).ask(method, {}))
        await used_up(bear, "olga")
        assert "gridbear" in refusal(message(await Wire(olga, MODERN).ask(method, {})))
        for _ in range(BURST - 1):
            assert "result" in message(await Wire(max_, MODERN).ask(method, {}))
        refusal(message(await Wire(max_, MODERN).ask(method, {})))


@pytest.mark.parametrize("name", ["gridbear_help", "async_list_tasks", "async_task_status", "search_tools"])
async def test_own_tools_are_limited_and_what_they_lead_to_has_its_own_limit(tmp_path: Path, name: str) -> None:
    given = {"async_task_status": {"task_id": "none"}, "search_tools": {"query": "notes"}}.get(name, {})
    async with narrow(tmp_path) as bear:
        await bear.person("ada", "admin")
        max_ = await bear.person("max")
        await used_up(bear, "max")
        refusal(message(await Wire(max_, MODERN).call(name, given)))
        found = {"tool_name": "records__search_notes", "arguments": {}}
        assert "result" in message(await Wire(max_, MODERN).call("execute_discovered_tool", found))


async def test_looks_at_tasks_by_the_extension_are_limited(bear: Bear, member: httpx2.AsyncClient) -> None:
    who = Actor(kind="user", user_id=bear.ids["max"], username="max", role="member")
    limits = bear.app.gateway.gateway.limits
    with pytest.raises(CallFailed) as failed:
        while True:
            limits.count_own(who)
    assert failed.value.code == RATE_LIMITED
    for ask in (bear.app.gateway.builtins.calls.handle, bear.app.gateway.builtins.calls.ask_to_end):
        with pytest.raises(CallFailed) as failed:
            await ask(who, "task-of-nobody")
        assert failed.value.code == RATE_LIMITED and failed.value.data["retry_after"] > 0
    with pytest.raises(CallFailed):
        await bear.app.gateway.builtins.call(Caller(actor=who), "gridbear_help", {})
