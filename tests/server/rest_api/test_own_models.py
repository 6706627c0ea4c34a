"""Models made at run time: at once in REST, OpenAPI, access and after a restart; nothing is lost unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.records.own_models import OwnModels
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
URL = "/api/v1/models"

BOOKS: dict[str, Any] = {
    "name": "books",
    "label": "Book",
    "label_plural": "Books",
    "fields": [
        {"name": "title", "type": "text", "required": True, "searchable": True, "unique": True},
        {"name": "story", "type": "long_text"},
        {"name": "year", "type": "integer", "indexed": True, "minimum": 0},
        {"name": "price", "type": "number", "default": 1.5},
        {"name": "read", "type": "boolean", "default": False},
        {"name": "bought", "type": "date"},
        {"name": "lent_at", "type": "datetime"},
        {"name": "state", "type": "choice", "choices": ["wanted", "mine"], "default": "wanted"},
        {"name": "extra", "type": "json"},
        {"name": "labels", "type": "tags", "default": []},
        {"name": "writer", "type": "email"},
        {"name": "page", "type": "url"},
        {"name": "note", "type": "relation", "references": "notes", "on_delete": "set_null"},
    ],
}
FULL: dict[str, Any] = {
    "title": "Bär", "story": "s" * 5000, "year": 2**62, "price": 0.1, "read": True, "bought": "2026-01-02",
    "lent_at": "2026-01-02T03:04:05.678Z", "state": "mine", "extra": {"a": [1, None]}, "labels": ["x"],
    "writer": "a@b.org", "page": "https://b.org/",
}  # fmt: skip


async def make(client: httpx2.AsyncClient, definition: dict[str, Any] = BOOKS) -> None:
    answer = await client.post(URL, json=definition)
    assert answer.status_code == 201, answer.text


def without(field: str) -> dict[str, Any]:
    return {"fields": [known for known in BOOKS["fields"] if known["name"] != field]}


def with_field(**field: Any) -> dict[str, Any]:
    return {"fields": [field if known["name"] == field["name"] else known for known in BOOKS["fields"]]}


async def test_a_new_model_works_at_once_with_every_type(admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
    await make(admin)
    note = (await member.post("/api/v1/notes", json={"title": "n"})).json()["data"]["id"]
    made = await member.post("/api/v1/books", json={**FULL, "note": note})
    assert made.status_code == 201, made.text
    row = (await member.get(f"/api/v1/books/{made.json()['data']['id']}?expand=note")).json()["data"]
    assert {name: row[name] for name in FULL} == FULL
    assert row["expand"]["note"]["title"] == "n"
    assert (await member.get("/api/v1/books?q=bar&year__gt=5")).json()["count"] == 1
    described = (await member.get(f"{URL}/books")).json()["data"]
    assert [field["name"] for field in described["fields"]][1:14] == [field["name"] for field in BOOKS["fields"]]
    defaults = (await member.post("/api/v1/books", json={"title": "plain"})).json()["data"]
    assert (defaults["price"], defaults["read"], defaults["state"], defaults["labels"]) == (1.5, False, "wanted", [])
    await member.delete(f"/api/v1/notes/{note}")
    assert (await member.get(f"/api/v1/books/{row['id']}")).json()["data"]["note"] is None


async def test_it_is_in_the_document_of_those_who_may_list_it_alone(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    await make(admin)
    for client, there in ((admin, True), (member, True), (guest_role, False), (nobody, False)):
        answer = await client.get("/api/openapi.json")
        assert ("/api/v1/books" in answer.json()["paths"]) is there
        assert ("/api/v1/books" in answer.text) is there
        assert answer.headers["vary"] == "Cookie, Authorization"
    hidden, unknown = await guest_role.get("/api/v1/books"), await guest_role.get("/api/v1/bears")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "unknown_model")
    assert hidden.json()["error"] == unknown.json()["error"].replace("bears", "books")
    assert (await nobody.get("/api/v1/books")).status_code == 401
    assert "books" not in [model["name"] for model in (await guest_role.get(URL)).json()["data"]]


async def test_unique_is_per_owner_unless_global(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await make(admin)
    assert (await member.post("/api/v1/books", json={"title": "same"})).status_code == 201
    assert (await other.post("/api/v1/books", json={"title": "same"})).status_code == 201
    answer = await member.post("/api/v1/books", json={"title": "same"})
    assert answer.status_code == 409
    assert list(answer.json()["fields"]) == ["title"]
    changed = await member.post("/api/v1/books?upsert=title", json={"title": "same", "year": 7})
    assert (changed.status_code, changed.json()["data"]["year"]) == (200, 7)
    await make(
        admin, {"name": "codes", "label": "Code", "fields": [{"name": "code", "type": "text", "unique": "global"}]}
    )
    assert (await member.post("/api/v1/codes", json={"code": "x"})).status_code == 201
    assert (await other.post("/api/v1/codes", json={"code": "x"})).status_code == 409


async def test_a_model_outlives_a_restart(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.person("ada", "admin")
        await make(admin)
        await make(admin, {"name": "shelves", "label": "Shelf", "fields": [
            {"name": "book", "type": "relation", "references": "books", "on_delete": "cascade"}]})  # fmt: skip
        book = (await admin.post("/api/v1/books", json=FULL)).json()["data"]
        await admin.post("/api/v1/shelves", json={"book": book["id"]})
    async with running_bear(tmp_path / "data") as bear:
        admin = await again(bear)
        assert (await admin.get(f"/api/v1/books/{book['id']}")).json()["data"] == book
        assert (await admin.delete(f"/api/v1/books/{book['id']}")).status_code == 200
        assert (await admin.get("/api/v1/shelves")).json()["count"] == 0


async def again(bear: Bear) -> httpx2.AsyncClient:
    bear.ids["ada"] = 1
    return await bear.person("ada", "admin")


async def test_an_icon_is_chosen_changed_and_taken_away(admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
    await make(admin, BOOKS | {"icon": "tag", "members": "all"})
    await member.post("/api/v1/books", json=FULL)
    assert (await member.get(f"{URL}/books")).json()["data"]["icon"] == "tag"
    for icon in ("calendar", None):
        changed = await admin.patch(f"{URL}/books", json={"icon": icon})
        assert changed.status_code == 200 and changed.json()["data"]["icon"] == icon
    refused = await admin.patch(f"{URL}/books", json={"icon": "../../etc"})
    assert refused.status_code == 422 and "icon" in refused.json()["fields"]
    assert (await member.get("/api/v1/books")).json()["count"] == 1
    assert (await member.get(f"{URL}/notes")).json()["data"]["icon"] is None


async def test_a_field_is_added_and_renamed_without_loss(admin: httpx2.AsyncClient) -> None:
    await make(admin)
    book = (await admin.post("/api/v1/books", json=FULL)).json()["data"]["id"]
    fields = [
        *[known for known in BOOKS["fields"] if known["name"] != "story"],
        {"name": "text", "was": "story", "type": "long_text", "searchable": True},
        {"name": "stars", "type": "integer", "default": 3},
    ]
    answer = await admin.patch(f"{URL}/books", json={"label": "Tome", "fields": fields})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["label"] == "Tome"
    row = (await admin.get(f"/api/v1/books/{book}")).json()["data"]
    assert (row["text"], row["stars"]) == (FULL["story"], 3)
    assert "story" not in row
    assert (await admin.get(f"/api/v1/books?q={'s' * 50}")).json()["count"] == 1
    made = (await admin.post("/api/v1/books", json={"title": "next"})).json()["data"]
    assert made["id"] > book


async def test_dropping_a_field_wants_a_confirmation_and_keeps_a_copy(
    bear: Bear, admin: httpx2.AsyncClient, tmp_path: Path
) -> None:
    await make(admin)
    await admin.post("/api/v1/books", json=FULL)
    preview = await admin.patch(f"{URL}/books?dry_run=true", json=without("story"))
    assert preview.json()["data"] == [{"field": "story", "change": "dropped", "records": 1}]
    refused = await admin.patch(f"{URL}/books", json=without("story"))
    assert (refused.status_code, refused.json()["code"]) == (409, "confirmation_needed")
    assert (await admin.get("/api/v1/books")).json()["data"][0]["story"] == FULL["story"]
    assert (await admin.patch(f"{URL}/books?confirm=true", json=without("story"))).status_code == 200
    assert "story" not in (await admin.get("/api/v1/books")).json()["data"][0]
    assert len(list((tmp_path / "data" / "backups").glob("before-change-*-books.db"))) == 1


async def test_values_that_do_not_fit_refuse_the_change(admin: httpx2.AsyncClient) -> None:
    await make(admin)
    await admin.post("/api/v1/books", json=FULL)
    bad = (
        with_field(name="title", type="integer"),
        with_field(name="title", type="email"),
        with_field(name="state", type="choice", choices=["wanted"]),
        with_field(name="story", type="long_text", max_length=10),
        with_field(name="note", type="relation", references="notes", required=True),
    )
    for change in bad:
        answer = await admin.patch(f"{URL}/books?confirm=true", json=change)
        assert answer.status_code in (409, 422), answer.text
        assert {name: (await admin.get("/api/v1/books")).json()["data"][0][name] for name in FULL} == FULL
    assert (await admin.post("/api/v1/books", json={"title": "still works"})).status_code == 201


@pytest.mark.parametrize("kind", ["choice", "date", "datetime", "boolean", "tags", "json", "url"])
async def test_values_that_do_not_fit_are_named_by_their_field(admin: httpx2.AsyncClient, kind: str) -> None:
    await make(admin)
    await admin.post("/api/v1/books", json=FULL)
    more = {"choices": ["only"]} if kind == "choice" else {}
    change = {"fields": [{"name": "title", "type": kind, "label": "Title", **more}]}
    answer = await admin.patch(f"{URL}/books?confirm=true", json=change)
    assert (answer.status_code, answer.json()["code"]) == (409, "does_not_fit"), answer.text
    assert "title" in answer.json()["error"] and "check" not in answer.json()["error"]


async def test_a_type_changes_where_every_value_fits(admin: httpx2.AsyncClient) -> None:
    await make(admin)
    await admin.post("/api/v1/books", json={"title": "12", "year": 12})
    change = with_field(name="year", type="text")
    assert (await admin.patch(f"{URL}/books?confirm=true", json=change)).status_code == 200
    assert (await admin.get("/api/v1/books")).json()["data"][0]["year"] == "12"


async def test_a_dropped_model_is_gone_and_leaves_nothing_to_its_successor(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await make(admin)
    rule = {"role": "guest", "model": "books", "verb": "any", "extent": "all"}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    book = (await member.post("/api/v1/books", json=FULL)).json()["data"]["id"]
    await member.delete(f"/api/v1/books/{book}")
    await member.post("/api/v1/books", json=FULL)
    assert (await admin.delete(f"{URL}/books")).json()["code"] == "confirmation_needed"
    looked = await admin.delete(f"{URL}/books?dry_run=true&confirm=true")
    assert looked.json()["data"] == {"records": 1}
    assert (await admin.delete(f"{URL}/books?confirm=true")).json()["data"] == {"records": 1}
    assert (await admin.get("/api/v1/books")).status_code == 404
    assert (await admin.get("/api/v1/access_rules")).json()["count"] == 0
    assert "/api/v1/books" not in (await admin.get("/api/openapi.json")).text
    await make(admin)
    assert (await member.get("/api/v1/books/deleted")).json()["count"] == 0
    assert (await member.get("/api/v1/books")).json()["count"] == 0


def as_it_is_done(monkeypatch: pytest.MonkeyPatch, client: httpx2.AsyncClient, path: str, body: Any) -> None:
    """Let `client` make a record when all has been looked at, and before a model is changed or dropped."""
    run = OwnModels._run

    async def meanwhile(*given: Any, **more: Any) -> None:
        monkeypatch.undo()
        answer = await client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        await run(*given, **more)

    monkeypatch.setattr(OwnModels, "_run", meanwhile)


@pytest.mark.parametrize("query", ["", "?confirm=true"])
async def test_a_record_that_comes_while_its_empty_model_is_dropped_is_not_lost(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    await make(admin)
    as_it_is_done(monkeypatch, member, "/api/v1/books", FULL)
    refused = await admin.delete(f"{URL}/books{query}")
    assert (refused.status_code, refused.json().get("code")) == (409, "confirmation_needed")
    assert [row["title"] for row in (await admin.get("/api/v1/books")).json()["data"]] == [FULL["title"]]
    assert (await admin.delete(f"{URL}/books?confirm=true")).json()["data"] == {"records": 1}


async def test_a_value_that_comes_while_its_empty_field_is_dropped_is_not_lost(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(admin)
    as_it_is_done(monkeypatch, member, "/api/v1/books", FULL)
    refused = await admin.patch(f"{URL}/books", json=without("story"))
    assert (refused.status_code, refused.json().get("code")) == (409, "confirmation_needed")
    assert (await admin.get("/api/v1/books")).json()["data"][0]["story"] == FULL["story"]
    assert (await admin.patch(f"{URL}/books?confirm=true", json=without("story"))).status_code == 200


async def test_a_rule_that_comes_while_its_model_is_dropped_goes_with_it(
    admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(admin)
    rule = {"role": "guest", "model": "books", "verb": "any", "extent": "all"}
    as_it_is_done(monkeypatch, admin, "/api/v1/access_rules", rule)
    assert (await admin.delete(f"{URL}/books")).status_code == 200
    assert (await admin.get("/api/v1/access_rules")).json()["count"] == 0


async def test_a_model_that_others_refer_to_stays(admin: httpx2.AsyncClient) -> None:
    await make(admin)
    await make(admin, {"name": "loans", "label": "Loan", "fields": [
        {"name": "book", "type": "relation", "references": "books"}]})  # fmt: skip
    answer = await admin.delete(f"{URL}/books?confirm=true")
    assert (answer.status_code, answer.json()["code"]) == (409, "referred_to")
    book = (await admin.post("/api/v1/books", json={"title": "kept"})).json()["data"]["id"]
    await admin.post("/api/v1/loans", json={"book": book})
    # A rebuild of the table must not touch what refers to it.
    assert (await admin.patch(f"{URL}/books", json=with_field(name="year", type="integer"))).status_code == 200
    assert (await admin.get("/api/v1/loans")).json()["count"] == 1
    assert (await admin.delete(f"/api/v1/books/{book}")).status_code == 409


FIELD = {"name": "a", "type": "text"}
BAD = [
    {}, {"name": "x"}, {"name": "Books", "label": "x", "fields": [FIELD]}, {"name": "notes", "label": "x",
    "fields": [FIELD]}, {"name": "models", "label": "x", "fields": [FIELD]}, {"name": "a__b", "label": "x",
    "fields": [FIELD]}, {"name": "sqlite_x", "label": "x", "fields": [FIELD]},
    {"name": "x", "label": "x", "fields": []},
    {"name": "x", "label": "x", "fields": [FIELD, FIELD]}, {"name": "x", "label": "x", "fields": [FIELD], "colour": 1},
    {"name": 'x"; DROP TABLE notes; --', "label": "x", "fields": [FIELD]},
    {"name": "x", "label": "x", "owned": False, "fields": [FIELD]},
    *[{"name": "x", "label": "x", "fields": [field]} for field in (
        {"name": "id", "type": "text"}, {"name": "limit", "type": "text"}, {"name": "a b", "type": "text"},
        {"name": "a__in", "type": "text"}, {"name": "a", "type": "blob"}, {"name": "a", "type": "choice"},
        {"name": "a", "type": "relation"}, {"name": "a", "type": "relation", "references": "birds"},
        {"name": "a", "type": "relation", "references": "sessions"},
        {"name": "a", "type": "integer", "default": "seven"}, {"name": "a", "type": "integer", "searchable": True},
        {"name": "a", "type": "json", "unique": True}, {"name": "a", "type": "text", "nope": 1},
        {"name": 'a") --', "type": "text"}, {"name": "rank", "type": "text", "searchable": True},
        {"name": "rowid", "type": "text", "searchable": True},
    )],
]  # fmt: skip


@pytest.mark.parametrize("definition", BAD, ids=range(len(BAD)))
async def test_a_bad_definition_is_refused_with_reasons(admin: httpx2.AsyncClient, definition: dict[str, Any]) -> None:
    before = (await admin.get(URL)).json()["count"]
    answer = await admin.post(URL, json=definition)
    assert answer.status_code in (409, 422), answer.text
    assert answer.json()["fields"]
    assert (await admin.get(URL)).json()["count"] == before
    await make(admin)


async def test_names_of_quotes_in_choices_and_defaults_are_only_text(admin: httpx2.AsyncClient) -> None:
    word = 'it\'s "so"; --'
    await make(admin, {"name": "words", "label": "W", "fields": [
        {"name": "kind", "type": "choice", "choices": [word, "%s", ":x"], "default": word}]})  # fmt: skip
    assert (await admin.post("/api/v1/words", json={})).json()["data"]["kind"] == word
    assert (await admin.post("/api/v1/words", json={"kind": ":x"})).status_code == 201


async def test_only_admins_make_change_and_drop(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    await make(admin)
    for client, status in ((member, 403), (guest_role, 403), (nobody, 401)):
        assert (await client.post(URL, json={**BOOKS, "name": "more"})).status_code == status
        assert (await client.patch(f"{URL}/books", json={"label": "x"})).status_code == status
        assert (await client.patch(f"{URL}/books?dry_run=true", json={"label": "x"})).status_code == status
        assert (await client.delete(f"{URL}/books?confirm=true")).status_code == status
        assert (await client.get(f"{URL}/books/definition")).status_code == status
        assert (await client.get("/api/v1/own_models")).status_code == status
    assert (await admin.delete(f"{URL}/notes?confirm=true")).json()["code"] == "not_an_own_model"
    assert (await admin.delete(f"{URL}/birds?confirm=true")).status_code == 404
    stored = (await admin.get(f"{URL}/books/definition")).json()["data"]
    assert [field["name"] for field in stored["fields"]] == [field["name"] for field in BOOKS["fields"]]
