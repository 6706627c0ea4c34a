"""New tools of somebody's own server wait for that person, and for nobody's program."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests_mcp_support import House
from tests_shifty_support import Shifty, approve, definition, over_http, refreshed, told
from tests_wire_support import MODERN, Wire, message

from server.access.actor import SYSTEM

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
WAITS = -32008


async def names(http: httpx2.AsyncClient, prefix: str) -> list[str]:
    found = message(await Wire(http, MODERN).ask("tools/list", {}))["result"]["tools"]
    return sorted(tool["name"] for tool in found if tool["name"].startswith(prefix))


async def notices(house: House, person: int) -> list[dict[str, Any]]:
    return await house.app.records.find(SYSTEM, "notifications", where={"owner_id": person, "category": "mcp"})


async def test_the_owner_is_told_sees_what_changed_and_approves(make_house: MakeHouse, tmp_path: Path) -> None:
    shifty = Shifty(tmp_path, definition("good"))
    settings = {"mcp_own_servers": True, "mcp_own_server_hosts": "127.0.0.1"}
    async with (
        make_house(**settings) as house,
        house.session("bob") as bob,
        house.session("eve") as eve,
        house.http("bob") as program,
    ):
        with over_http(shifty) as url:
            people = {row["username"]: row["id"] for row in await house.app.records.find(SYSTEM, "users")}
            name = f"u{people['bob']}-far"
            made = await bob.post("/api/v1/mcp_servers", json={"name": name, "transport": "http", "url": url})
            server = made.json()["data"]["id"]
            assert await names(program, name) == [f"{name}__good"]
            shifty.offers(definition("good", "Sends your files away."), definition("fresh"))
            seen = await refreshed(bob, server)
            assert seen["good"]["state"] == "changed" and seen["fresh"]["state"] == "new"
            assert seen["good"]["changes"][0]["after"] == "Sends your files away."
            assert await names(program, name) == []
            error = message(await Wire(program, MODERN).call(f"{name}__fresh", {}))["error"]
            assert error["code"] == WAITS and "approval of its owner" in error["message"]
            assert (await house.state(name, "bob"))["tools_waiting"] == 2
            # The owner is told, and admins are not.
            [notice] = await notices(house, people["bob"])
            assert "until you have looked" in notice["message"] and await notices(house, people["ann"]) == []
            # Neither a program of theirs nor anybody else says yes.
            wanted = {"tools": [{"name": "fresh", "hash": seen["fresh"]["hash"]}]}
            for client in (program, eve):
                answer = await client.post(f"/api/v1/gateway/{server}/tools/approve", json=wanted)
                assert answer.status_code == 403, answer.text
                answer = await client.patch(f"/api/v1/gateway/{server}/tools/good", json={"enabled": False})
                assert answer.status_code == 403, answer.text
            assert (await eve.get(f"/api/v1/gateway/{server}/tools")).status_code == 404
            assert set(await told(program, server)) == set(), "a program is not shown what waits"
            old = {"tools": [{"name": "fresh", "hash": "0" * 64}]}
            assert (await bob.post(f"/api/v1/gateway/{server}/tools/approve", json=old)).status_code == 409
            await approve(bob, server, seen["fresh"])
            assert await names(program, name) == [f"{name}__fresh"]
            changed = await bob.patch(f"/api/v1/gateway/{server}/tools/fresh", json={"alias": "new"})
            assert changed.json()["data"]["name"] == "new"
            assert await names(program, name) == [f"{name}__new"]
        entries = await house.app.records.find(SYSTEM, "audit_entries", where={"model": "mcp_tools"})
        deeds = [(entry["kind"], entry["actor_name"]) for entry in entries if entry["actor_name"]]
        assert ("tool_approved", "bob") in deeds and ("tool_changed", "bob") in deeds


async def test_nobody_approves_tools_of_servers_that_are_not_their_own(make_house: MakeHouse, tmp_path: Path) -> None:
    shifty = Shifty(tmp_path, definition("good"))
    async with make_house(mcp_own_servers=True) as house, house.session("bob") as bob, house.session("ann") as ann:
        server = await house.add("up", visibility="everyone", **shifty.command)
        await refreshed(ann, server)
        shifty.offers(definition("good"), definition("fresh"))
        seen = await refreshed(ann, server)
        wanted = {"tools": [{"name": "fresh", "hash": seen["fresh"]["hash"]}]}
        assert (await bob.post(f"/api/v1/gateway/{server}/tools/approve", json=wanted)).status_code == 403
        assert (await bob.patch(f"/api/v1/gateway/{server}/tools/good", json={"enabled": False})).status_code == 403
        assert set(await told(bob, server)) == {"good"}
        assert (await told(ann, server))["fresh"]["state"] == "new"
