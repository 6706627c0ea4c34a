"""Exports and imports over REST: nothing is lost on the way, nobody gets what is not theirs."""

from __future__ import annotations

import csv
import io
import json

import httpx2
import pytest

from tests.conftest import Bear
from tests.server.rest_api.tests_transfer_support import (
    NOTES,
    done,
    exported,
    make_nasty,
    refused,
    rows,
    sent,
    without_ids,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("format_", ["csv", "json", "jsonl"])
async def test_what_is_exported_and_imported_again_is_equal(
    member: httpx2.AsyncClient, other: httpx2.AsyncClient, format_: str
) -> None:
    made = await make_nasty(member)
    text = await exported(member, f"?format={format_}")
    report = await done(other, text)
    assert (report["format"], report["rows"], report["imported"]) == (format_, len(made), len(made))
    assert without_ids(await rows(other)) == without_ids(made)


@pytest.mark.parametrize("format_", ["csv", "json", "jsonl"])
async def test_an_admin_keeps_ids_times_and_owners(
    member: httpx2.AsyncClient, admin: httpx2.AsyncClient, format_: str
) -> None:
    made = await make_nasty(member)
    text = await exported(member, f"?format={format_}")
    taken = await refused(admin, 422, text, keep_ids="true")
    assert taken["fields"]["1.id"]["code"] == "not_unique"
    for row in made:
        await member.delete(f"{NOTES}/{row['id']}")
    await done(admin, text, keep_ids="true")
    assert await rows(member) == made
    assert (await refused(member, 422, text, keep_ids="true"))["fields"]["keep_ids"]["code"] == "not_possible"


async def test_a_kept_id_leaves_room_for_those_that_follow(
    member: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    for number in (2**63 - 1, 2**52 + 1):
        text = f"id,title,created_at,updated_at\n{number},a,2026-01-02T03:04:05Z,2026-01-02T03:04:05Z\n"
        assert (await refused(admin, 422, text, keep_ids="true"))["fields"]["1.id"]["code"] == "too_large"
    await done(admin, text.replace(str(number), str(2**52)), keep_ids="true")
    answer = await member.post(NOTES, json={"title": "next"})
    assert answer.status_code == 201 and answer.json()["data"]["id"] == 2**52 + 1


async def test_a_csv_export_says_what_is_null_and_what_is_empty(member: httpx2.AsyncClient) -> None:
    await member.post(NOTES, json={"title": 'a "b"', "body": ""})
    await member.post(NOTES, json={"title": "c", "done": True, "priority": 7})
    text = await exported(member, "?fields=title,body,priority,done,tags")
    assert text == (
        'title,body,priority,done,tags\r\n"a ""b""","",,false,"[]"\r\n"c",,7,true,"[]"\r\n'
    )  # fmt: skip
    assert list(csv.reader(io.StringIO(text)))[1][0] == 'a "b"'
    assert (await exported(member, "?bom=true&fields=title")).startswith("\ufefftitle\r\n")


async def test_an_export_names_its_file_and_type(member: httpx2.AsyncClient) -> None:
    answer = await member.get(f"{NOTES}/export?format=jsonl")
    assert answer.headers["content-disposition"] == 'attachment; filename="notes.jsonl"'
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.content == b""
    assert (await member.get(f"{NOTES}/export?format=json")).json() == []


async def test_an_export_filters_sorts_and_searches_as_a_list_does(member: httpx2.AsyncClient) -> None:
    for number in range(12):
        await member.post(NOTES, json={"title": f"note {number % 5}", "priority": number, "body": "find me"})
    for query in ("?priority__gte=5", "?sort=-title,priority", "?q=find&sort=-priority", "?title=note 1",
                  '?domain=[["priority","in",[3,9]]]'):  # fmt: skip
        listed = await rows(member, f"{query}&limit=500")
        assert json.loads(await exported(member, f"{query}&format=json")) == listed
    for query in ("?limit=5", "?offset=1", "?nope=1", "?format=xml", "?bom=maybe", "?fields=nope", "?expand=owner_id"):
        answer = await member.get(f"{NOTES}/export{query}")
        assert answer.status_code == 422
        assert list(answer.json()["fields"]) == [query[1:].partition("=")[0]]


async def test_everybody_exports_only_what_they_may_list(
    member: httpx2.AsyncClient,
    other: httpx2.AsyncClient,
    admin: httpx2.AsyncClient,
    guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
) -> None:
    await member.post(NOTES, json={"title": "secret"})
    assert "secret" in await exported(member) and "secret" in await exported(admin)
    assert "secret" not in await exported(other)
    assert (await guest_role.get(f"{NOTES}/export")).status_code == 403
    assert (await nobody.get(f"{NOTES}/export")).status_code == 401
    assert (await sent(guest_role, "title\nx")).status_code == 403
    assert (await sent(nobody, "title\nx")).status_code == 401
    for model in ("users", "api_tokens", "sessions"):
        text = (await admin.get(f"/api/v1/{model}/export")).text
        assert not {"password", "token_hash"} & set(text.splitlines()[0].split(","))
    assert (await admin.get("/api/v1/nope/export")).status_code == 404


async def test_hidden_fields_are_neither_exported_nor_imported(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    rule = {"role": "member", "model": "notes", "verb": "any", "extent": "own", "hidden_fields": ["body"]}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    assert "body" not in (await exported(member)).splitlines()[0]
    assert (await member.get(f"{NOTES}/export?fields=body")).status_code == 422
    for text in ("title,body\na,b\n", '{"title":"a","body":"b"}\n'):
        found = await refused(member, 422, text)
        assert {problem["code"] for problem in found["fields"].values()} == {"unknown_field"}
    assert await rows(member) == []


async def test_a_scope_for_reading_exports_and_does_not_import(bear: Bear, admin: httpx2.AsyncClient) -> None:
    reader = await bear.person("rita", scopes=["api:read"])
    assert (await reader.get(f"{NOTES}/export")).status_code == 200
    assert (await sent(reader, "title\nx")).status_code == 403


async def test_rows_become_the_callers_unless_an_admin_names_another(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await done(member, "title\nmine\n")
    await done(admin, "title\ngiven\n", owner="olga")
    assert [row["title"] for row in await rows(member)] == ["mine"]
    assert [row["title"] for row in await rows(other)] == ["given"]
    assert (await refused(admin, 422, "title\nx\n", owner="who"))["fields"]["owner"]["code"] == "unknown_user"
    assert (await sent(member, "title\nx\n", owner="olga")).status_code == 403


async def test_of_several_fields_the_one_that_is_not_there_is_named(member: httpx2.AsyncClient) -> None:
    for query in ("sort=-priority,titel", "fields=title,titel", 'domain=["|", ["done", "=", true], ["titel", "=", 1]]'):
        for address in (NOTES, f"{NOTES}/export"):
            answer = await member.get(f"{address}?{query}")
            assert answer.status_code == 422 and "no such field as 'titel'" in answer.json()["error"], query
    answer = await member.get(NOTES, params={"sort": "x" * 5000})
    assert answer.status_code == 422 and len(answer.json()["error"]) < 400
