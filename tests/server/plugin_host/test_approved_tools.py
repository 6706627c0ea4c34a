"""A person's approval of a plugin's tool is for the plugin as it was: another version of it asks again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM, Actor
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import APPROVAL_NEEDED, CallFailed
from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import on, switch, write

pytestmark = pytest.mark.anyio
TOOLS = '''
from server.plugin_api import tool

@tool()
async def mail(to: str) -> str:
    """Sends a mail."""
    return to
'''


async def call(house: Bear) -> dict[str, Any]:
    caller = Caller(actor=Actor("token", house.ids["max"], "max", "member"))
    return await house.app.gateway.gateway.call(caller, "post__mail", {"to": "olga"})


async def asked(house: Bear) -> int:
    with pytest.raises(CallFailed) as refused:
        await call(house)
    assert refused.value.code == APPROVAL_NEEDED and refused.value.data is not None
    return int(refused.value.data["approval"])


async def test_always_ends_with_the_version_of_the_plugin_and_not_with_its_restart(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "post", files={"tools.py": TOOLS}, permissions=["mcp_tools"])
    await on(ada, "post", "mcp_tools")
    await house.person("max")
    rule = {"subject": "programs", "effect": "ask"}
    await house.app.records.create(SYSTEM, "mcp_rules", rule)
    first = await asked(house)
    session = await house.signed_in("max")
    url = "/api/v1/gateway/approvals"
    assert (await session.post(f"{url}/{first}/approve", json={"lasts": "always"})).status_code == 200
    assert not (await call(house)).get("isError")
    await switch(ada, "post", "disable")
    await on(ada, "post", "mcp_tools")
    assert not (await call(house)).get("isError")

    await switch(ada, "post", "disable")
    write(folder, "post", files={"tools.py": TOOLS}, permissions=["mcp_tools"], version="2")
    await on(ada, "post", "mcp_tools")
    assert await asked(house) != first


RESOURCES = """
from server.plugin_api import Resource, ResourceContent, list_resources, read_resource

@list_resources
async def listed():
    return [Resource("log", "Log")]

@read_resource
async def read(path: str):
    return ResourceContent("text/plain", text="sent")
"""
SKILL = {"name": "how", "file": "how.md"}
THINGS = [
    ("resource", {"uri": "gridbear://post/log"}),
    ("resource", {"uri": "skill://post/how"}),
    ("prompt", {"name": "post__how"}),
]


@pytest.mark.parametrize(("kind", "params"), THINGS)
async def test_a_yes_to_what_is_no_tool_ends_with_the_version_of_the_plugin_too(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, kind: str, params: dict[str, Any]
) -> None:
    (folder / "post" / "skills").mkdir(parents=True)
    files = {"resources.py": RESOURCES, "skills/how.md": "Write, then send."}
    write(folder, "post", files=files, permissions=["mcp_tools"], context_skills=[SKILL])
    await on(ada, "post", "mcp_tools")
    await house.person("max")
    await house.app.records.create(SYSTEM, "mcp_rules", {"subject": "programs", "effect": "ask"})
    caller = Caller(actor=Actor("token", house.ids["max"], "max", "member"))

    async def asks() -> int:
        with pytest.raises(CallFailed) as refused:
            await getattr(house.app.gateway.relay, kind)(caller, params, None)
        assert refused.value.code == APPROVAL_NEEDED and refused.value.data is not None
        return int(refused.value.data["approval"])

    first = await asks()
    session = await house.signed_in("max")
    url = f"/api/v1/gateway/approvals/{first}/approve"
    assert (await session.post(url, json={"lasts": "always"})).status_code == 200
    assert await getattr(house.app.gateway.relay, kind)(caller, params, None)

    await switch(ada, "post", "disable")
    write(folder, "post", files=files, permissions=["mcp_tools"], context_skills=[SKILL], version="2")
    await on(ada, "post", "mcp_tools")
    assert await asks() != first
