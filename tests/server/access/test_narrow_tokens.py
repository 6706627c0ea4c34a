"""A token for one model at every door: what it was made for comes, and nothing of what lies beside it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, cast

import httpx2
import pytest

from server.access.actor import SYSTEM, Actor
from server.errors import ValidationFailed
from server.events.log import EventLog
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from server.rest_api.event_stream import EventStreams
from tests.conftest import Bear

pytestmark = pytest.mark.anyio

PLACES = {"name": "places", "label": "Place", "label_plural": "Places", "fields": [
    {"name": "label", "type": "text", "required": True, "unique": "global", "searchable": True}]}  # fmt: skip
TRIPS = {"name": "trips", "label": "Trip", "label_plural": "Trips", "fields": [
    {"name": "title", "type": "text", "required": True, "searchable": True},
    {"name": "place", "type": "relation", "references": "places"},
    {"name": "photo", "type": "file"}]}  # fmt: skip
CANARY = "canary"
READING = ["api:read:trips", "mcp"]
URL = "/api/v1/trips"


@dataclass
class Scene:
    """Max has a trip to a place, with a photo; and a file, a note and a notification that are nobody's business."""

    bear: Bear
    max: httpx2.AsyncClient
    place: int
    trip: int
    photo: int
    letter: int

    async def token(self, *scopes: str) -> httpx2.AsyncClient:
        return await self.bear.person("max", scopes=list(scopes))

    def actor(self, client: httpx2.AsyncClient) -> Actor:
        given = client.headers["authorization"].encode()
        scope = {"type": "http", "headers": [(b"authorization", given)], "client": ("127.0.0.1", 1)}
        return self.bear.app.authenticator.actor_for(cast(Any, scope))


async def made(client: httpx2.AsyncClient, path: str, **sent: Any) -> int:
    answer = await client.post(f"/api/v1/{path}", **sent)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["data"]["id"])


def alike(hidden: httpx2.Response, never: httpx2.Response, number: int) -> None:
    """What may not be seen is refused as what is not there (4711) is."""
    assert hidden.status_code == never.status_code in (409, 422), hidden.text
    assert hidden.json()["error"].replace(f" {number}", " 4711") == never.json()["error"]


@pytest.fixture
async def scene(bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> Scene:
    for model in (PLACES, TRIPS):
        assert (await admin.post("/api/v1/models", json=model)).status_code == 201
    place = await made(member, "places", json={"label": f"{CANARY} place"})
    photo = await made(member, "files?name=photo.txt", content=b"a photo")
    letter = await made(member, f"files?name={CANARY}.txt", content=CANARY.encode())
    trip = await made(member, "trips", json={"title": "by train", "place": place, "photo": photo})
    await made(member, "notes", json={"title": f"{CANARY} note"})
    told = {"owner_id": bear.ids["max"], "title": f"{CANARY} notification"}
    await bear.app.records.create(SYSTEM, "notifications", told)
    return Scene(bear, member, place, trip, photo, letter)


async def test_reading_one_model_tells_nothing_of_what_its_records_lead_to(scene: Scene) -> None:
    reader = await scene.token(*READING)
    for path in (
        "trips?expand=place,photo,owner_id", f"trips/{scene.trip}?expand=place", "trips?q=canary", "trips?q=train",
        "trips/aggregate?group_by=place", "trips/export?format=csv", "trips/export?format=jsonl",
        f"trips/{scene.trip}/history", "trips/deleted", "models", "models/trips", "places", f"places/{scene.place}",
        "places/aggregate", "places/export", f"places/{scene.place}/history", "places/deleted", "models/places",
        "notifications", "notes?q=canary", "files", f"files/{scene.letter}", f"files/{scene.letter}/content",
        "trips?place.label=canary", 'trips?domain=[["place.label","ilike","%25canary%25"]]', "trips?sort=place.label",
        f"access/explain?model=places&verb=read&id={scene.place}", "gateway", "import/running", "server",
        "plugins/manifest/schema", "gateway/metrics",
    ):  # fmt: skip
        answer = await reader.get(f"/api/v1/{path}")
        whole = await scene.max.get(f"/api/v1/{path}")
        assert CANARY not in answer.text.replace("q=canary", ""), path
        if path.startswith("trips") and whole.status_code == 200:
            assert answer.status_code == 200, (path, answer.text)
        elif not path.startswith(("models", "access/")):
            assert answer.status_code in (401, 403, 404, 422), (path, answer.text)
    assert (await scene.max.get("/api/v1/trips?expand=place")).text.count(CANARY) == 1


async def test_files_come_with_the_records_that_hold_them_and_no_others(scene: Scene) -> None:
    reader, of_files = await scene.token("api:read:trips"), await scene.token("api:read:files")
    notes = await scene.token("api:read:notes")
    photo, letter = f"/api/v1/files/{scene.photo}/content", f"/api/v1/files/{scene.letter}/content"
    assert (await reader.get(photo)).text == "a photo"
    assert (await reader.get(letter)).status_code == 404
    assert (await notes.get(photo)).status_code == (await notes.get(letter)).status_code == 404
    assert (await of_files.get(letter)).text == CANARY
    for client in (reader, of_files, notes):
        assert (await client.post("/api/v1/files?name=x.txt", content=b"x")).status_code == 403
        assert (await client.delete(f"/api/v1/files/{scene.letter}")).status_code in (403, 404)
    assert (await scene.max.get(letter)).text == CANARY


async def test_writing_one_model_can_not_try_out_what_lies_beside_it(scene: Scene) -> None:
    writer = await scene.token("api:trips")
    hidden = await writer.post(URL, json={"title": "x", "place": scene.place})
    never = await writer.post(URL, json={"title": "x", "place": 4711})
    alike(hidden, never, scene.place)
    file = await writer.post(URL, json={"title": "x", "photo": scene.letter})
    assert file.status_code in (409, 422), file.text
    rows = f"title,place\nx,{scene.place}\n".encode()
    imported = await writer.post(f"{URL}/import", content=rows)
    assert imported.status_code == 422, imported.text
    hidden, never = [
        await writer.patch(f"{URL}/bulk?id={scene.trip}", json={"photo": it}) for it in (scene.letter, 4711)
    ]
    alike(hidden, never, scene.letter)
    for operation in (
        {"verb": "update", "model": "places", "id": scene.place, "values": {"label": "x"}},
        {"verb": "delete", "model": "places", "id": scene.place},
        {"verb": "create", "model": "places", "values": {"label": "x"}},
    ):
        sent = {"operations": [{"verb": "create", "model": "trips", "values": {"title": "y"}}, operation]}
        refused = await writer.post("/api/v1/batch", json=sent)
        assert refused.status_code in (403, 404) and CANARY not in refused.text
    for method, path in (
        ("POST", "places"), ("PATCH", f"places/{scene.place}"), ("PUT", f"places/{scene.place}"),
        ("DELETE", f"places/{scene.place}"), ("PATCH", "places/bulk?label=x"), ("DELETE", "places/bulk?label=x"),
        ("POST", "places/import"), ("POST", f"places/{scene.place}/restore"), ("POST", "places?upsert=label"),
    ):  # fmt: skip
        answer = await writer.request(method, f"/api/v1/{path}", json={"label": f"{CANARY} place"})
        assert answer.status_code in (403, 404), (method, path, answer.text)
        assert f"{CANARY} place" not in answer.text
    assert (await scene.max.get(URL)).json()["count"] == 1
    assert (await writer.patch(f"{URL}/{scene.trip}", json={"title": "by ship"})).json()["data"]["title"] == "by ship"


async def test_its_event_stream_tells_of_that_model_alone(scene: Scene) -> None:
    reader = await scene.token("api:read:trips")
    app = scene.bear.app
    log, is_still = EventLog(app._bus, 100), app.authenticator.is_still
    streams = EventStreams(app.records, log, time.monotonic, is_still, heartbeat_seconds=0.05)
    actor = scene.actor(reader)
    for name in ("places", "notes", "users", "trips,places"):
        with pytest.raises(ValidationFailed):
            streams.open(actor, name, None)
        assert (await reader.get(f"/api/v1/events?models={name}")).status_code == 422
    stream = streams.open(actor, "", None)
    assert (await asyncio.wait_for(anext(stream), 30)).startswith(b"retry: 2000\n")
    await scene.max.patch(f"/api/v1/places/{scene.place}", json={"label": "elsewhere"})
    await scene.max.post("/api/v1/notes", json={"title": "x"})
    await scene.max.post("/api/v1/files?name=x.txt", content=b"x")
    assert await asyncio.wait_for(anext(stream), 30) == b": still here\n\n"
    await scene.max.patch(f"{URL}/{scene.trip}", json={"title": "x"})
    told = await asyncio.wait_for(anext(stream), 30)
    assert b'"model":"trips"' in told and told.count(b"event: change") == 1


async def test_its_record_tools_are_those_of_that_model_alone(scene: Scene) -> None:
    gateway = scene.bear.app.gateway.gateway
    reader = scene.actor(await scene.token(*READING))
    listed = {tool.public_name for tool in await gateway.tools(reader)}
    assert {it for it in listed if it.startswith("records__")} == {"records__search_trips", "records__get_trips"}
    found = await gateway.call(Caller(actor=reader), "records__search_trips", {"expand": ["place"], "q": "train"})
    assert CANARY not in str(found) and found["structuredContent"]["count"] == 1
    for name, given in (("search_places", {}), ("get_places", {"id": scene.place}),
                        ("update_trips", {"id": scene.trip, "values": {"title": "x"}}),
                        ("create_trips", {"values": {"title": "x"}}), ("search_notes", {})):  # fmt: skip
        with pytest.raises(CallFailed):
            await gateway.call(Caller(actor=reader), f"records__{name}", given)
        for way in ("execute_discovered_tool", "async_run_tool"):
            with pytest.raises(CallFailed):
                sent = {"tool_name": f"records__{name}", "arguments": given}
                await scene.bear.app.gateway.builtins.call(Caller(actor=reader), way, sent)
    found = await scene.bear.app.gateway.builtins.call(
        Caller(actor=reader), "search_tools", {"query": "find my places and notes"}
    )
    assert "records__search_trips" in str(found) and "places" not in str(found["structuredContent"]["tools"])
    without_tools = scene.actor(await scene.token("api:read:trips"))
    assert not [it for it in await gateway.tools(without_tools) if it.public_name.startswith("records__")]
    http = await scene.token("api:trips", "mcp")
    asked = {"tool": "records__get_places", "arguments": {"id": scene.place}}
    assert (await http.post("/api/v1/gateway/call", json=asked)).status_code == 403


async def test_the_document_and_the_list_of_models_name_that_model_alone(scene: Scene) -> None:
    reader, whole = await scene.token("api:read:trips"), scene.max
    told, all_ = [(await it.get("/api/openapi.json")).json()["paths"] for it in (reader, whole)]
    assert "/api/v1/trips" in told and "/api/v1/places" not in told and "/api/v1/places" in all_
    models = [it["name"] for it in (await reader.get("/api/v1/models")).json()["data"]]
    assert models == ["trips"]
    hidden, never = await reader.get("/api/v1/models/places"), await reader.get("/api/v1/models/nothing")
    assert hidden.status_code == never.status_code == 404
    assert hidden.json()["error"].replace("places", "nothing") == never.json()["error"]
