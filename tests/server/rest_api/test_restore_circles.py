"""Bringing back one record of several that refer to each other in a circle, so that none could be the first."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.anyio


async def model(admin: httpx2.AsyncClient, name: str, *fields: dict[str, Any], **more: Any) -> None:
    definition = {"name": name, "label": name.title(), "fields": list(fields), "members": "own", **more}
    answer = await admin.post("/api/v1/models", json=definition)
    assert answer.status_code == 201, answer.text


def relation(name: str, to: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "relation", "references": to, "on_delete": "cascade", **more}


async def circle(client: httpx2.AsyncClient, length: int) -> list[int]:
    """Nodes of which each refers to the next, and the last to the first."""
    ids = [(await client.post("/api/v1/nodes", json={"name": f"n{at}"})).json()["data"]["id"] for at in range(length)]
    for one, other in zip(ids, ids[1:] + ids[:1], strict=True):
        assert (await client.patch(f"/api/v1/nodes/{one}", json={"parent": other})).status_code == 200
    return ids


async def nodes(client: httpx2.AsyncClient) -> dict[int, int | None]:
    return {row["id"]: row["parent"] for row in (await client.get("/api/v1/nodes?limit=500")).json()["data"]}


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_one_record_of_a_circle_comes_back_with_the_others(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, length: int
) -> None:
    await model(admin, "nodes", {"name": "name", "type": "text"}, relation("parent", "nodes"))
    ids = await circle(member, length)
    whole = await nodes(member)
    assert (await member.delete(f"/api/v1/nodes/{ids[0]}")).status_code == 200
    assert await nodes(member) == {}
    answer = await member.post(f"/api/v1/nodes/{ids[-1]}/restore")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["id"] == ids[-1]
    assert answer.json()["data"]["parent"] == whole[ids[-1]]
    assert await nodes(member) == whole
    assert answer.json()["data"] == (await member.get(f"/api/v1/nodes/{ids[-1]}")).json()["data"]


async def test_a_circle_comes_back_whichever_reference_may_not_be_empty(admin: httpx2.AsyncClient) -> None:
    await model(admin, "houses", {"name": "name", "type": "text"})
    await model(admin, "rooms", relation("house", "houses", required=True))
    more = [{"name": "name", "type": "text"}, relation("best_room", "rooms")]
    assert (await admin.patch("/api/v1/models/houses", json={"fields": more})).status_code == 200
    for restored in ("houses", "rooms"):
        house = (await admin.post("/api/v1/houses", json={"name": "den"})).json()["data"]["id"]
        room = (await admin.post("/api/v1/rooms", json={"house": house})).json()["data"]["id"]
        assert (await admin.patch(f"/api/v1/houses/{house}", json={"best_room": room})).status_code == 200
        assert (await admin.delete(f"/api/v1/houses/{house}")).status_code == 200
        wanted = {"houses": house, "rooms": room}[restored]
        answer = await admin.post(f"/api/v1/{restored}/{wanted}/restore")
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"] == (await admin.get(f"/api/v1/{restored}/{wanted}")).json()["data"]
        assert (await admin.get(f"/api/v1/houses/{house}")).json()["data"]["best_room"] == room
        assert (await admin.get(f"/api/v1/rooms/{room}")).json()["data"]["house"] == house


async def test_what_is_beside_a_circle_stays_in_the_trash(admin: httpx2.AsyncClient) -> None:
    await model(admin, "nodes", {"name": "name", "type": "text"}, relation("parent", "nodes"))
    ids = await circle(admin, 2)
    child = (await admin.post("/api/v1/nodes", json={"parent": ids[0]})).json()["data"]["id"]
    assert (await admin.delete(f"/api/v1/nodes/{ids[0]}")).status_code == 200
    # A chain still says what is missing, and brings nothing else back.
    answer = await admin.post(f"/api/v1/nodes/{child}/restore")
    assert (answer.status_code, list(answer.json()["fields"])) == (409, ["parent"])
    assert await nodes(admin) == {}
    assert (await admin.post(f"/api/v1/nodes/{ids[0]}/restore")).status_code == 200
    assert set(await nodes(admin)) == set(ids)
    assert (await admin.post(f"/api/v1/nodes/{child}/restore")).status_code == 200


async def test_nobody_brings_back_by_a_circle_what_they_may_not(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await model(admin, "nodes", {"name": "name", "type": "text"}, relation("parent", "nodes"))
    ids = await circle(admin, 2)
    theirs = (await member.post("/api/v1/nodes", json={"name": "mine"})).json()["data"]["id"]
    # An admin ties the member's record into a circle with their own.
    assert (await admin.patch(f"/api/v1/nodes/{ids[1]}", json={"parent": theirs})).status_code == 200
    assert (await admin.patch(f"/api/v1/nodes/{theirs}", json={"parent": ids[0]})).status_code == 200
    assert (await member.delete(f"/api/v1/nodes/{theirs}")).status_code in (200, 409)
    if await nodes(admin):
        assert (await admin.delete(f"/api/v1/nodes/{theirs}")).status_code == 200
    alone = await member.post(f"/api/v1/nodes/{theirs}/restore")
    assert alone.status_code in (404, 409), alone.text
    assert await nodes(admin) == {}
    assert (await admin.post(f"/api/v1/nodes/{theirs}/restore")).status_code == 200
    assert set(await nodes(admin)) == {*ids, theirs}
