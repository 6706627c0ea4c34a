"""Batches and uploads with an `Idempotency-Key`: sent again, done once."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Bear, running_bear
from tests.server.rest_api.tests_files_support import PNG, URL, bytes_kept
from tests.server.rest_api.tests_key_support import kept, refused

pytestmark = pytest.mark.anyio
KEY = {"idempotency-key": "key"}


def create(title: str, **values: Any) -> dict[str, Any]:
    return {"verb": "create", "model": "notes", "values": {"title": title, **values}}


async def send(client: httpx2.AsyncClient, *operations: Any, key: str = "key", **parameters: str) -> httpx2.Response:
    headers = {"idempotency-key": key}
    return await client.post("/api/v1/batch", json={"operations": operations}, params=parameters, headers=headers)


async def upload(client: httpx2.AsyncClient, data: bytes = PNG, name: str = "photo.png") -> httpx2.Response:
    return await client.post(URL, files={"file": (name, data, "image/png")}, headers=KEY)


async def count(client: httpx2.AsyncClient, model: str = "notes") -> int:
    return int((await client.get(f"/api/v1/{model}")).json()["count"])


async def test_a_batch_that_is_sent_again_is_done_once_and_told_from_the_records(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    operations = (
        create("one", body="canary"),
        create("two"),
        {"verb": "update", "model": "notes", "id": {"$ref": "0.id"}, "values": {"priority": 3}},
        {"verb": "delete", "model": "notes", "id": {"$ref": "1.id"}},
    )
    answers = await asyncio.gather(*(send(member, *operations) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}, answers[0].text
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 3
    assert await count(member) == 1 and len(kept(bear)) == 1 and "canary" not in str(kept(bear))
    again = (await send(member, *operations)).json()["data"]
    # As they are now: the first has changed since, the second is gone.
    assert [(one["status"], one["data"] and one["data"]["priority"]) for one in again] == [
        (201, 3), (201, None), (200, 3), (200, None),
    ]  # fmt: skip


async def test_batches_with_a_unique_value_do_not_stand_in_each_others_way(admin: httpx2.AsyncClient) -> None:
    group = {"verb": "create", "model": "groups", "values": {"name": "readers"}}
    answers = await asyncio.gather(*(send(admin, group) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    refused(await send(admin, group, key="another"), 409, "conflict")


async def test_what_a_batch_may_not_do_keeps_no_key_and_a_dry_run_takes_none(
    bear: Bear, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    assert (await send(member, create("one"), create(""))).status_code == 422
    assert (await send(member, create("one"), dry_run="true")).json()["dry_run"] is True
    assert (await send(guest_role, create("one"))).status_code == 403
    assert (await send(nobody, create("one"))).status_code == 401
    refused(await send(member, create("one"), key="two words"), 400, "idempotency_key_invalid")
    assert kept(bear) == [] and await count(member) == 0


async def test_a_key_of_a_batch_is_its_persons_and_its_contents(
    member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await send(member, create("one"))
    refused(await send(member, create("two")), 422, "idempotency_key_reused")
    refused(await member.post("/api/v1/notes", json={"title": "x"}, headers=KEY), 422, "idempotency_key_reused")
    assert "idempotency-replayed" not in (await send(other, create("one"))).headers
    assert (await count(member), await count(other)) == (1, 1)


async def test_what_is_told_only_once_is_not_told_again(bear: Bear, admin: httpx2.AsyncClient) -> None:
    session = await bear.signed_in("ada")
    token = {"verb": "create", "model": "api_tokens", "values": {"name": "script", "scopes": ["api"]}}
    first = (await send(session, token)).json()["data"][0]["data"]["token"]
    assert first not in str(refused(await send(session, token), 409, "idempotency_told_once")) + str(kept(bear))


async def test_a_record_that_is_not_theirs_to_read_any_more_is_not_told(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await send(member, create("secret"))
    with closing(sqlite3.connect(bear.app.records.shelf.store.path)) as connection, connection:
        connection.execute("UPDATE notes SET owner_id = ?", (bear.ids["olga"],))
    again = await send(member, create("secret"))
    assert again.json()["data"][0]["data"] is None and "secret" not in again.text


async def test_a_file_that_is_sent_again_is_one_file(bear: Bear, member: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(upload(member) for _ in range(4)))
    answers.append(
        await member.post(f"{URL}?name=photo.png", content=PNG, headers={**KEY, "content-type": "image/png"})
    )
    assert {answer.status_code for answer in answers} == {201}, answers[0].text
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 4
    assert await count(member, "files") == 1 and len(bytes_kept(bear)) == 1


async def test_a_key_of_a_file_is_its_persons_its_name_and_its_bytes(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    await upload(member)
    refused(await upload(member, PNG + b"more"), 422, "idempotency_key_reused")
    refused(await upload(member, name="another.png"), 422, "idempotency_key_reused")
    # What was refused has left no bytes behind.
    assert len(bytes_kept(bear)) == 1
    assert "idempotency-replayed" not in (await upload(other)).headers
    refused(await upload(guest_role), 403, "forbidden")
    bad = await member.post(URL, files={"file": ("a.png", PNG, "image/png")}, headers={"idempotency-key": "two words"})
    refused(bad, 400, "idempotency_key_invalid")
    assert await count(member, "files") == 1


THINGS = {
    "name": "things",
    "label": "Thing",
    "label_plural": "Things",
    "fields": [{"name": "name", "type": "text", "label": "Name"}],
}


@pytest.mark.parametrize("first", ["notes", "things"])
async def test_a_batch_tells_nothing_of_a_later_model_of_the_same_name(admin: httpx2.AsyncClient, first: str) -> None:
    assert (await admin.post("/api/v1/models", json=THINGS)).status_code == 201
    thing = {"verb": "create", "model": "things", "values": {"name": "old"}}
    both = [create("a note"), thing] if first == "notes" else [thing, create("a note")]
    assert (await send(admin, *both, key="both")).status_code == 200
    assert (await send(admin, thing, key="things")).status_code == 200
    assert (await admin.delete("/api/v1/models/things?confirm=true")).status_code == 200
    assert (await admin.post("/api/v1/models", json=THINGS)).status_code == 201
    for _ in range(2):
        assert (await admin.post("/api/v1/things", json={"name": "another secret"})).status_code == 201
    again = await send(admin, *both, key="both")
    assert again.status_code == 200 and "another secret" not in again.text
    told = {operation["model"]: part["data"] for operation, part in zip(both, again.json()["data"], strict=True)}
    assert told["things"] is None and told["notes"]["title"] == "a note"
    assert await count(admin) == 1 and await count(admin, "things") == 2
    anew = await send(admin, thing, key="things")
    assert anew.json()["data"][0]["data"]["name"] == "old" and await count(admin, "things") == 3


async def test_a_file_that_was_deleted_is_not_made_again_by_its_key(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        member = await bear.person("max")
        made = (await upload(member)).json()["data"]["id"]
        assert (await member.delete(f"{URL}/{made}")).status_code == 200
        refused(await upload(member), 409, "idempotency_record_gone")
        assert await count(member, "files") == 0
