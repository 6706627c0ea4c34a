"""Creates with an `Idempotency-Key`: sent twice, made once, and told again to nobody who may not know."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import Actor
from server.asgi.request_key import RequestKey
from server.errors import Conflict
from server.records import kept_keys
from server.records.idempotency import KeyedCreates
from server.records.kept_keys import expire_keys
from tests.conftest import CONTROL_TOKEN, Bear, running_bear
from tests.server.rest_api.tests_key_support import kept, refused

pytestmark = pytest.mark.anyio
NOTES = "/api/v1/notes"
KEY = "5f0c6a0e-2d3b-4a1e-9a77-6f1f0f0e1d2c"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def sent(client: httpx2.AsyncClient, key: str = KEY, *, to: str = NOTES, **values: Any) -> httpx2.Response:
    return await client.post(
        to, json={"title": "a note", **values} if to == NOTES else values, headers={"idempotency-key": key}
    )


async def titled(client: httpx2.AsyncClient, title: str = "a note") -> int:
    return int((await client.get(NOTES, params={"title": title})).json()["count"])


@pytest.mark.parametrize("who", ["admin", "member", "guest"])
async def test_what_is_sent_twice_is_made_once_and_told_twice(bear: Bear, who: str) -> None:
    client = await bear.person("pat", who)
    if who == "guest":
        admin = await bear.person("ada", "admin")
        rule = {"role": "guest", "group_id": None, "model": "notes", "verb": "any", "extent": "own"}
        assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    first, second = await sent(client), await sent(client)
    assert (first.status_code, second.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers and second.headers["idempotency-replayed"] == "true"
    assert first.content == second.content
    assert (first.headers["location"], first.headers["etag"]) == (second.headers["location"], second.headers["etag"])
    assert await titled(client) == 1
    assert (await sent(client, "another")).json()["data"]["id"] != first.json()["data"]["id"]


async def test_two_that_come_at_once_make_one_record(bear: Bear, member: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(sent(member) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await titled(member) == 1 and len(kept(bear)) == 1


async def test_two_at_once_with_a_unique_value_do_not_stand_in_each_others_way(admin: httpx2.AsyncClient) -> None:
    values = {"username": "nina", "password": "correct horse battery", "role": "member"}
    answers = await asyncio.gather(*(sent(admin, to="/api/v1/users", **values) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1


async def test_the_answer_survives_a_restart(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        first = await sent(await bear.person("ada", "admin"))
    async with running_bear(tmp_path / "data") as bear:
        client = await bear.client()
        token = (await bear.app.people.create_token("ada"))["token"]
        client.headers["authorization"] = f"Bearer {token}"
        again = await sent(client)
        assert again.headers["idempotency-replayed"] == "true" and again.content == first.content
        assert await titled(client) == 1


async def test_a_key_is_its_persons_alone(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    machine = await bear.client(authorization=f"Bearer {CONTROL_TOKEN}")
    answers = [await sent(client) for client in (member, other, admin, machine)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["data"]["id"] for answer in answers}) == 4
    assert (await sent(machine)).json() == answers[3].json()
    # The other person learns nothing from a key of max with another body either.
    assert (await sent(other, "of-max")).status_code == 201
    assert (await sent(member, "of-max", priority=2)).status_code == 201


async def test_another_body_or_model_with_the_same_key_is_refused(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await sent(admin)
    refused(await sent(admin, priority=3), 422, "idempotency_key_reused")
    refused(await sent(admin, to="/api/v1/groups", name="readers"), 422, "idempotency_key_reused")
    assert await titled(admin) == 1 and len(kept(bear)) == 1
    assert (await admin.get("/api/v1/groups?name=readers")).json()["count"] == 0


@pytest.mark.parametrize("key", [b"", b"two words", b"x" * 256, "schl\u00fcssel".encode(), b"tab\t", b"\x7f"])
async def test_what_can_be_no_key_is_refused(bear: Bear, member: httpx2.AsyncClient, key: bytes) -> None:
    answer = await member.post(NOTES, json={"title": "a note"}, headers=[(b"idempotency-key", key)])
    assert "UUID" in refused(answer, 400, "idempotency_key_invalid")["error"]
    assert await titled(member) == 0 and kept(bear) == []


async def test_the_longest_key_works_and_an_upsert_wants_none(member: httpx2.AsyncClient) -> None:
    longest = "~" * 255
    assert (await sent(member, longest)).content == (await sent(member, longest)).content
    answer = await sent(member, to="/api/v1/preferences?upsert=key", key="theme", value="dark")
    assert answer.status_code == 422 and set(answer.json()["fields"]) == {"upsert"}


async def test_a_create_that_fails_keeps_nothing(
    bear: Bear, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    assert (await sent(member, title="")).status_code == 422
    assert (await sent(member, owner_id=1)).status_code == 422
    assert (await sent(guest_role)).status_code == 403
    assert (await sent(nobody)).status_code == 401
    assert (await sent(member, to="/api/v1/idempotency_keys")).status_code in (403, 405)
    assert (await sent(member, to="/api/v1/nothing")).status_code == 404
    assert kept(bear) == []
    assert "idempotency-replayed" not in (await sent(member)).headers


async def test_a_key_that_cant_be_written_takes_its_record_along(
    bear: Bear, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = bear.app.records.shelf.models["idempotency_keys"]
    insert = prepared.insert
    monkeypatch.setattr(prepared, "insert", insert.replace("INSERT INTO", "INSERT INTO no_such_table --"))
    assert (await sent(member)).status_code >= 500
    assert await titled(member) == 0 and kept(bear) == []
    monkeypatch.setattr(prepared, "insert", insert)
    assert "idempotency-replayed" not in (await sent(member)).headers
    assert await titled(member) == 1


async def test_what_is_gone_or_somebody_elses_by_now_is_not_told(
    bear: Bear, member: httpx2.AsyncClient, admin: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    for name in ("deleted", "given"):
        await sent(member, name, title=f"secret {name}")
    deleted, given = (await member.get(NOTES, params={"sort": "id"})).json()["data"]
    assert (await member.delete(f"{NOTES}/{deleted['id']}")).status_code == 200
    with closing(sqlite3.connect(bear.app.records.shelf.store.path)) as connection, connection:
        connection.execute("UPDATE notes SET owner_id = ? WHERE id = ?", (bear.ids["olga"], given["id"]))
    told = [await sent(member, name, title=f"secret {name}") for name in ("deleted", "given")]
    bodies = [refused(answer, 409, "idempotency_record_gone") for answer in told]
    # Which of both it is, is not told; nor is anything of the record.
    assert bodies[0]["error"] == bodies[1]["error"] and "secret" not in told[1].text
    assert str(given["id"]) not in bodies[1]["error"]


async def test_whoever_may_make_no_more_and_read_no_more_is_told_nothing(
    bear: Bear, member: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    note = (await sent(member, body="canary")).json()["data"]["id"]
    rules = [
        {"role": "member", "group_id": None, "model": "notes", "verb": verb, "extent": "none"}
        for verb in ("read", "create")
    ]
    assert (await admin.post("/api/v1/access_rules", json=rules[0])).status_code == 201
    unread = await sent(member, body="canary")
    assert (unread.status_code, unread.json()["data"]) == (201, {"id": note})
    assert (await admin.post("/api/v1/access_rules", json=rules[1])).status_code == 201
    refused(await sent(member, body="canary"), 403, "forbidden")


async def test_a_field_that_is_hidden_by_now_is_not_told(member: httpx2.AsyncClient, admin: httpx2.AsyncClient) -> None:
    await sent(member, body="canary")
    rule = {
        "role": "member",
        "group_id": None,
        "model": "notes",
        "verb": "any",
        "extent": "own",
        "hidden_fields": ["body"],
    }
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    again = await sent(member, body="canary")
    assert again.status_code == 201 and "canary" not in again.text


SCRIPT: dict[str, Any] = {"name": "script", "scopes": ["api"]}
TOKENS = "/api/v1/api_tokens"


async def test_what_is_told_once_is_told_again_to_a_browser_that_lost_the_answer_and_lies_nowhere(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("max")
    first, again = await sent(session, to=TOKENS, **SCRIPT), await sent(session, to=TOKENS, **SCRIPT)
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert first.content == again.content and first.json()["data"]["token"] not in str(kept(bear))
    other_session = await bear.signed_in("max")
    for client in (other_session, member, await bear.person("max", scopes=["api"])):
        body = refused(await sent(client, to=TOKENS, **SCRIPT), 409, "idempotency_told_once")
        assert first.json()["data"]["token"] not in str(body) and str(first.json()["data"]["id"]) in body["error"]
    assert (await session.patch(first.headers["location"], json={"name": "renamed"})).status_code == 200
    refused(await sent(session, to=TOKENS, **SCRIPT), 409, "idempotency_told_once")
    await session.delete(first.headers["location"])
    refused(await sent(session, to=TOKENS, **SCRIPT), 409, "idempotency_record_gone")


async def test_what_is_told_once_is_soon_forgotten_and_never_much_of_it(bear: Bear, member: httpx2.AsyncClient) -> None:
    moment = NOW
    creates = KeyedCreates(bear.app.records, lambda: moment)
    max_ = Actor("user", bear.ids["max"], "max", "member")

    async def make(key: str) -> str:
        made = await creates.create_row(max_, "api_tokens", SCRIPT, RequestKey.of(key.encode(), "api_tokens", b""))
        return made.text

    first = await make("0")
    moment += timedelta(seconds=119)
    assert await make("0") == first
    moment += timedelta(seconds=1)
    with pytest.raises(Conflict, match="told only once"):
        await make("0")
    texts = [await make(str(number)) for number in range(1, 102)]
    assert await make("101") == texts[-1]
    with pytest.raises(Conflict, match="told only once"):
        await make("1")


async def test_neither_key_nor_content_lies_in_the_file(bear: Bear, member: httpx2.AsyncClient) -> None:
    await sent(member, body="canary")
    assert len(kept(bear)) == 1 and KEY not in str(kept(bear)) and "canary" not in str(kept(bear))


async def test_a_token_of_another_scope_gets_no_answer_by_a_known_key(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await sent(admin, title="canary")
    for scopes, status in ((["api:notes"], 201), (["api:read"], 403), (["api:read:notes"], 403), (["api:groups"], 403)):
        answer = await sent(await bear.person("ada", scopes=scopes), title="canary")
        assert answer.status_code == status, (scopes, answer.text)
        assert ("canary" in answer.text) == (status == 201)


async def test_a_key_holds_for_a_day_and_is_cleared_then(bear: Bear, member: httpx2.AsyncClient) -> None:
    moment = NOW
    records = bear.app.records
    keyed = KeyedCreates(records, lambda: moment)
    actor = Actor("user", user_id=bear.ids["max"], username="max", role="member")
    key = RequestKey.of(b"key", "notes", b"body")

    async def create() -> tuple[int, bool]:
        made = await keyed.create_row(actor, "notes", {"title": "a note"}, key)
        return made.record_id, made.replayed

    first, _ = await create()
    moment = NOW + timedelta(hours=24)
    assert await create() == (first, True)
    assert await expire_keys(records.shelf, lambda: moment) == 0
    moment += timedelta(seconds=1)
    # Before anybody has cleared up, too.
    second, replayed = await create()
    assert second != first and not replayed and len(kept(bear)) == 1
    assert await create() == (second, True)
    moment += timedelta(hours=25)
    assert await expire_keys(records.shelf, lambda: moment) == 1
    assert kept(bear) == []


async def test_a_person_keeps_so_many_and_all_together_so_many(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_keys, "MOST_OF_A_PERSON", 3)
    await sent(other, "hers")
    for number in range(5):
        await sent(member, f"key-{number}")
    assert len(kept(bear)) == 4
    assert "idempotency-replayed" in (await sent(other, "hers")).headers
    assert "idempotency-replayed" in (await sent(member, "key-2")).headers
    assert "idempotency-replayed" not in (await sent(member, "key-1")).headers
    monkeypatch.setattr(kept_keys, "MOST", 2)
    monkeypatch.setattr(kept_keys, "_LOOKED_AT_EVERY", 1)
    await sent(other, "newest")
    assert len(kept(bear)) == 2
    assert "idempotency-replayed" in (await sent(other, "newest")).headers


async def test_keys_go_with_their_person_and_with_their_model(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await bear.person("max")
    leaver = await bear.person("max")
    await sent(leaver)
    made = await admin.post(
        "/api/v1/models",
        json={
            "name": "things",
            "label": "Thing",
            "label_plural": "Things",
            "fields": [{"name": "name", "type": "text", "label": "Name"}],
        },
    )
    assert made.status_code == 201, made.text
    assert (await sent(admin, to="/api/v1/things", name="one")).status_code == 201
    assert len(kept(bear)) == 2
    gone = await admin.delete("/api/v1/models/things?confirm=true")
    assert gone.status_code == 200, gone.text
    assert len(kept(bear)) == 1
    left = await admin.post(f"/auth/users/{bear.ids['max']}/leave", json={"trash": True})
    assert left.status_code == 200, left.text
    assert {line["model"] for line in left.json()["data"]} == {"api_tokens", "notes"}
    assert kept(bear) == []


async def test_without_a_key_nothing_is_kept_and_nobody_lists_keys(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    for _ in range(2):
        assert (await member.post(NOTES, json={"title": "a note"})).status_code == 201
    assert await titled(member) == 2 and kept(bear) == []
    await sent(member)
    for client in (admin, member):
        assert (await client.get("/api/v1/idempotency_keys")).status_code in (403, 405)
        assert "idempotency_keys" not in (await client.get("/api/v1/models")).text
