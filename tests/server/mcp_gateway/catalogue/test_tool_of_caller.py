"""Where everybody has a list of their own, schemas and explanations are those of who is meant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from tests_mcp_support import House
from tests_shifty_support import Shifty, definition, over_http
from tests_wire_support import MODERN, Wire, message

from server.access.actor import SYSTEM, Actor
from server.mcp_gateway.gateway import Gateway

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]


def of(kind: str, **annotations: Any) -> dict[str, Any]:
    return definition("look", inputSchema={"type": "object", "properties": {kind: {}}}, annotations=annotations)


async def test_each_person_gets_the_schema_and_the_explanation_of_their_own_list(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    shifty = Shifty(tmp_path, of("for_ann", readOnlyHint=True))
    async with make_house(mcp_tool_approval=False) as house:
        with over_http(shifty) as url:
            people = {row["username"]: row["id"] for row in await house.app.records.find(SYSTEM, "users")}
            server = await house.add("far", transport="http", url=url, sign_in="each", visibility="everyone")
            gateway = house.app.gateway.gateway
            actors = {name: Actor("token", number, name, "member") for name, number in people.items()}
            await gateway.tools(actors["ann"], "far")
            shifty.offers(of("for_bob", destructiveHint=True))
            await gateway.tools(actors["bob"], "far")
            for who in ("ann", "bob"):
                for name, address in (("far__look", None), ("look", "far")):
                    known = gateway.known_tool(actors[who], name, address)
                    assert known is not None and known.input_schema is not None
                    assert list(known.input_schema["properties"]) == [f"for_{who}"]
            # Who has no list of their own yet is told nothing of another's.
            assert gateway.known_tool(actors["eve"], "far__look") is None
            row = {"subject": "everyone", "effect": "deny", "tools": "destructive", "server_id": server}
            await house.app.records.create(SYSTEM, "mcp_rules", row)
            effects = {}
            async with house.http("ann") as ann:
                for who in ("ann", "bob"):
                    url = f"/api/v1/gateway/{server}/explain?user={people[who]}&tool=look"
                    effects[who] = (await ann.get(url)).json()["data"]["program"]["effect"]
            assert effects == {"ann": "allow", "bob": "deny"}
            for who, wanted in (("ann", "result"), ("bob", "error")):
                async with house.http(who) as http:
                    assert wanted in message(await Wire(http, MODERN).call("far__look")), who


async def test_the_sdk_asks_for_the_schema_of_who_calls_and_lists_nothing_for_it(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_house() as house, house.http("bob") as http:
        asked: list[tuple[str, str, bool]] = []
        known_tool = Gateway.known_tool

        def seen(self: Gateway, actor: Actor, name: str, server: str | None = None) -> Any:
            found = known_tool(self, actor, name, server)
            asked.append((actor.username, name, found is not None))
            return found

        async def never(*_: Any) -> Any:
            raise AssertionError("the whole list, for one schema")

        monkeypatch.setattr(Gateway, "known_tool", seen)
        monkeypatch.setattr(Gateway, "tools", never)
        for path, name in (("/mcp", "records__search_notes"), ("/mcp/records", "search_notes")):
            wire = Wire(http, MODERN, path)
            answer = message(await wire.call(name, {"limit": 5}, _meta={"progressToken": 1}))
            assert answer["result"]["structuredContent"] == {"records": [], "count": 0}
            assert asked.pop() == ("bob", name, True) and not asked
