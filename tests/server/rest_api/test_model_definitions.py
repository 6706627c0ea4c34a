"""The definitions of own models as a file: written, looked at, taken over elsewhere, and refused by place."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import Bear

pytestmark = pytest.mark.anyio
FILE = "/api/v1/server/model-definitions"
TITLE = {"name": "title", "type": "text", "required": True}


def model(name: str, *fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "label": name[:-1], "label_plural": name, "fields": [TITLE, *fields], **more}


def refers(name: str, to: str) -> dict[str, Any]:
    return {"name": name, "type": "relation", "references": to, "on_delete": "set_null"}


def file_of(*models: Any) -> dict[str, Any]:
    return {"format": "gridbear-models", "version": 1, "models": list(models)}


BOOKS = model("books", refers("author", "authors"), {"name": "year", "type": "integer", "indexed": True}, members="all")
AUTHORS = model("authors")


async def taken(client: httpx2.AsyncClient, given: Any, query: str = "") -> list[dict[str, Any]]:
    reply = await client.post(f"{FILE}{query}", json=given)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


async def test_a_written_file_is_taken_over_whole_where_nothing_is(admin: httpx2.AsyncClient) -> None:
    steps = await taken(admin, file_of(BOOKS, AUTHORS))
    assert [(step["model"], step["action"]) for step in steps] == [("authors", "create"), ("books", "create")]
    written = await admin.get(FILE)
    assert written.headers["content-disposition"] == 'attachment; filename="gridbear-models.json"'
    assert [one["name"] for one in written.json()["models"]] == ["authors", "books"]
    for name in ("books", "authors"):
        assert (await admin.delete(f"/api/v1/models/{name}")).status_code == 200
    await taken(admin, written.json())
    assert (await admin.get(FILE)).content == written.content
    assert {step["action"] for step in await taken(admin, written.json())} == {"none"}
    one = (await admin.get(f"{FILE}?models=authors")).json()["models"]
    assert [each["name"] for each in one] == ["authors"]
    assert (await admin.get(f"{FILE}?models=bears")).status_code == 404


async def test_models_that_refer_in_a_circle_are_taken_over(admin: httpx2.AsyncClient) -> None:
    given = file_of(model("bosses", refers("team", "teams")), model("teams", refers("boss", "bosses")))
    await taken(admin, given)
    assert {step["action"] for step in await taken(admin, given)} == {"none"}


async def test_models_that_need_each_other_in_a_circle_are_taken_over(admin: httpx2.AsyncClient) -> None:
    needs = {"required": True, "on_delete": "restrict"}
    given = file_of(model("bosses", refers("team", "teams") | needs), model("teams", refers("boss", "bosses") | needs))
    await taken(admin, given)
    assert {step["action"] for step in await taken(admin, given)} == {"none"}


async def test_a_new_field_that_must_have_a_value_wants_a_default_only_where_there_are_records(
    admin: httpx2.AsyncClient,
) -> None:
    await taken(admin, file_of(AUTHORS))
    born = {"name": "born", "type": "integer", "required": True}
    await taken(admin, file_of(model("authors", born)))
    assert (await admin.post("/api/v1/authors", json={"title": "Johanna"})).status_code == 422
    assert (await admin.post("/api/v1/authors", json={"title": "Johanna", "born": 1827})).status_code == 201
    refused = await admin.post(FILE, json=file_of(model("authors", born, born | {"name": "died"})))
    assert (refused.status_code, refused.json()["code"]) == (409, "does_not_fit")
    assert (await admin.get("/api/v1/authors/1")).json()["data"]["born"] == 1827


async def test_a_look_tells_each_difference_and_changes_nothing(admin: httpx2.AsyncClient) -> None:
    await taken(admin, file_of(AUTHORS, BOOKS))
    assert (await admin.post("/api/v1/books", json={"title": "Heidi", "year": 1880})).status_code == 201
    title = TITLE | {"searchable": True}
    given = file_of(model("books", refers("author", "authors"), {"name": "read", "type": "boolean"}, members="own"))
    given["models"][0]["fields"][0] = title
    before = (await admin.get(FILE)).content
    [step] = await taken(admin, given, "?dry_run=true")
    assert step["action"] == "change" and step["parts"] == ["members"]
    assert step["fields"] == [
        {"name": "year", "change": "removed", "parts": []},
        {"name": "title", "change": "changed", "parts": ["searchable"]},
        {"name": "read", "change": "added", "parts": []},
    ]
    assert step["losses"] == [{"field": "year", "change": "dropped", "records": 1}]
    refused = await admin.post(FILE, json=given)
    assert (refused.status_code, refused.json()["code"]) == (409, "confirmation_needed")
    assert (await admin.get(FILE)).content == before
    await taken(admin, given, "?confirm=true")
    assert "year" not in (await admin.get("/api/v1/books/1")).json()["data"]
    assert (await admin.get("/api/v1/authors")).status_code == 200


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, "format"),
        (file_of() | {"version": 2}, "version"),
        (file_of(), "models"),
        (file_of(AUTHORS, 3), "models.1"),
        (file_of(model("authors", {"name": "born", "type": "dat"})), "models.0.fields.1.type"),
        (file_of(AUTHORS, AUTHORS), "models.1.name"),
        (file_of(BOOKS), "models.0.fields.1.references"),
        (file_of(model("users")), "models.0.name"),
        (file_of(model("authors", {"name": "born", "type": "date", "default": "soon"})), "models.0.fields.1.default"),
        (file_of(AUTHORS | {"rules": {}}), "models.0.rules"),
        (
            file_of(model("authors", {"name": "born", "type": "integer", "minimum": 2, "maximum": 1})),
            "models.0.fields.1",
        ),
    ],
)
async def test_a_wrong_file_is_refused_by_the_place_and_nothing_is_made(
    admin: httpx2.AsyncClient, given: dict[str, Any], place: str
) -> None:
    for query in ("?dry_run=true", ""):
        reply = await admin.post(f"{FILE}{query}", json=given)
        assert reply.status_code == 422, reply.text
        assert place in reply.json()["fields"]
    assert (await admin.get(FILE)).json()["models"] == []


async def test_a_model_keeps_whether_its_records_have_owners(admin: httpx2.AsyncClient) -> None:
    await taken(admin, file_of(AUTHORS))
    reply = await admin.post(FILE, json=file_of(AUTHORS | {"owned": False, "members": "all"}))
    assert "models.0.owned" in reply.json()["fields"]


async def test_values_that_do_not_fit_take_all_of_the_file_back(admin: httpx2.AsyncClient) -> None:
    await taken(admin, file_of(AUTHORS, model("shelves")))
    await admin.post("/api/v1/authors", json={"title": "A long name"})
    before = (await admin.get(FILE)).content
    short = AUTHORS | {"fields": [TITLE | {"max_length": 3}]}
    wider = model("shelves", {"name": "wide", "type": "boolean"}, refers("book", "books"))
    reply = await admin.post(FILE, json=file_of(wider, short, BOOKS))
    assert (reply.status_code, reply.json()["code"]) == (409, "does_not_fit")
    assert reply.json()["error"].startswith("authors: ") and reply.json()["error"].endswith("Nothing was changed.")
    assert (await admin.get(FILE)).content == before
    assert (await admin.get("/api/v1/books")).status_code == 404
    # Everything goes on as it was, and the file can be taken over once that is mended.
    assert (await admin.post("/api/v1/shelves", json={"title": "left"})).status_code == 201
    assert (await admin.patch("/api/v1/authors/1", json={"title": "Ann"})).status_code == 200
    await taken(admin, file_of(wider, short, BOOKS))
    made = await admin.post("/api/v1/books", json={"title": "Heidi", "author": 1})
    assert made.status_code == 201
    linked = await admin.patch("/api/v1/shelves/1", json={"wide": True, "book": made.json()["data"]["id"]})
    assert linked.status_code == 200, linked.text
    assert (await admin.get("/api/v1/authors/1")).json()["data"]["title"] == "Ann"


async def test_a_table_that_stands_in_the_way_of_the_last_model_leaves_nothing_of_the_others(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    store = bear.app.records.shelf.store
    await store.write(lambda transaction: transaction.execute("CREATE TABLE zebras (id INTEGER)"), ())
    reply = await admin.post(FILE, json=file_of(AUTHORS, BOOKS, model("zebras")))
    assert reply.status_code == 409 and reply.json()["error"].startswith("zebras: ")
    assert (await admin.get(FILE)).json()["models"] == []
    names = {row[0] for row in store.read_now("SELECT name FROM sqlite_master", {})}
    assert not names & {"authors", "books"}
    await store.write(lambda transaction: transaction.execute("DROP TABLE zebras"), ())
    await taken(admin, file_of(AUTHORS, BOOKS, model("zebras")))


async def test_a_circle_of_nothing_but_references_is_taken_over_whole(admin: httpx2.AsyncClient) -> None:
    def bare(name: str, to: str) -> dict[str, Any]:
        return {**model(name), "fields": [refers("other", to)]}

    given = file_of(bare("bosses", "teams"), bare("teams", "bosses"))
    await taken(admin, given)
    assert {step["action"] for step in await taken(admin, given)} == {"none"}
    boss = (await admin.post("/api/v1/bosses", json={})).json()["data"]["id"]
    team = await admin.post("/api/v1/teams", json={"other": boss})
    assert team.status_code == 201, team.text
    assert (await admin.post("/api/v1/teams", json={"other": 999})).status_code == 409
    assert (await admin.patch(f"/api/v1/bosses/{boss}", json={"other": team.json()["data"]["id"]})).status_code == 200


async def test_only_admins_write_and_take_over_definitions(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    await taken(admin, file_of(AUTHORS))
    for client in (member, guest_role, nobody):
        for reply in (await client.get(FILE), await client.post(FILE, json=file_of(BOOKS))):
            assert reply.status_code in (401, 403)
            assert "authors" not in reply.text
    assert "books" not in (await admin.get("/api/v1/models")).text
