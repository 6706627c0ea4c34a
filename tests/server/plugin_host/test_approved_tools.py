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
