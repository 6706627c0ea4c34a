"""Servers of the older eras that ask for the folders of a client: told on a person's own connection alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
import pytest
from faulty_site import FaultySite
from tests_mcp_support import House
from tests_rich_support import sending
from tests_wire_support import LEGACY, Wire

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
CALL = {"name": "far__roots", "arguments": {}}
FOLDERS = {"roots": [{"uri": "file:///home/bob/work", "name": "work"}]}


async def far(house: House, site: FaultySite, **values: Any) -> None:
    row = {"transport": "sse", "url": f"http://127.0.0.1:{site.port}/sse", "visibility": "everyone", **values}
    await house.add("far", **row)


def told(answer: dict[str, Any]) -> Any:
    return orjson.loads(answer["result"]["content"][0]["text"])


async def test_on_a_connection_of_their_own_a_person_is_asked_for_their_folders(make_house: MakeHouse) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site, sign_in="each")
        wire = await Wire(http, LEGACY).open({"roots": {"listChanged": True}})
        await wire.ask("tools/list", {})
        assert site.server.client["roots"] == {"listChanged": False}, "it asks again, and keeps no old folders"
        async with sending(house, wire, "bob", "tools/call", CALL) as stream:
            question = await stream.next()
            assert question["method"] == "roots/list"
            await wire.post({"jsonrpc": "2.0", "id": question["id"], "result": FOLDERS})
            assert told(await stream.next()) == FOLDERS
        # A client that has none is not asked, and the server hears why.
        bare = await Wire(http, LEGACY).open()
        async with sending(house, bare, "bob", "tools/call", CALL) as stream:
            answer = await stream.next()
        assert "does not take questions of this kind (roots)" in told(answer)["message"]


async def test_on_a_shared_connection_nobodys_folders_are_told(make_house: MakeHouse) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site)
        wire = await Wire(http, LEGACY).open({"roots": {}})
        await wire.ask("tools/list", {})
        assert "roots" not in site.server.client and "elicitation" in site.server.client
        async with sending(house, wire, "bob", "tools/call", CALL) as stream:
            answer = await stream.next()
        assert "folders of one are not opened for all" in told(answer)["message"]
