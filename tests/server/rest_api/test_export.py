"""GET /{model}/export: everything that the caller may list, whole and in order."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx2
import orjson
import pytest

from server.access.actor import Actor
from server.errors import Forbidden
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
URL = "/api/v1/notes/export"
NOTES: list[dict[str, Any]] = [
    {"title": 'a "quoted", text\nof two lines', "body": "", "priority": -(2**63), "tags": ["ü", "🐻"], "done": True},
    {"title": "=1+1", "body": None, "priority": 2**63 - 1, "due_at": "2026-01-02T03:04:05.678Z"},
    {"title": "plain", "body": "x" * 100_000, "priority": None},
]


async def fill(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    for note in NOTES:
        assert (await client.post("/api/v1/notes", json=note)).status_code == 201
    rows: list[dict[str, Any]] = (await client.get("/api/v1/notes?sort=id")).json()["data"]
    return rows


async def test_json_and_json_lines_are_the_rows_of_a_list(member: httpx2.AsyncClient) -> None:
    rows = await fill(member)
    whole = await member.get(f"{URL}?format=json")
    assert whole.json() == rows
    assert whole.headers["content-disposition"] == 'attachment; filename="notes.json"'
    lines = await member.get(f"{URL}?format=jsonl")
    assert [orjson.loads(line) for line in lines.text.splitlines()] == rows


async def test_csv_tells_every_value_apart(member: httpx2.AsyncClient) -> None:
    rows = await fill(member)
    answer = await member.get(URL)
    assert answer.headers["content-type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["title"] for row in found] == [note["title"] for note in NOTES]
    assert [int(row["priority"]) if row["priority"] else None for row in found] == [row["priority"] for row in rows]
    assert [orjson.loads(row["tags"]) for row in found] == [row["tags"] for row in rows]
    assert [row["done"] for row in found] == ["true", "false", "false"]
    first, second = answer.text.split("\r\n")[1:3]
    assert ',"",' in first, "an empty text is quoted"
    assert ',"",' not in second, "no value is nothing"
    assert (await member.get(f"{URL}?bom=true&fields=id")).content.startswith(b"\xef\xbb\xbfid\r\n")


async def test_filters_fields_order_and_text_choose(member: httpx2.AsyncClient) -> None:
    await fill(member)
    answer = await member.get(f"{URL}?format=jsonl&priority__is_null=false&sort=-priority&fields=title")
    assert [orjson.loads(line) for line in answer.text.splitlines()] == [
        {"title": "=1+1"},
        {"title": NOTES[0]["title"]},
    ]
    assert (await member.get(f"{URL}?format=json&q=plain&fields=title")).json() == [{"title": "plain"}]
    assert (await member.get(f"{URL}?format=json&title=nothing")).json() == []


async def test_many_rows_come_whole(member: httpx2.AsyncClient) -> None:
    for start in range(0, 3000, 1000):
        operations = [{"verb": "create", "model": "notes", "values": {"title": f"{start + n}"}} for n in range(1000)]
        assert (await member.post("/api/v1/batch", json={"operations": operations})).status_code == 200
    titles = [row["title"] for row in (await member.get(f"{URL}?format=json")).json()]
    assert titles == [str(n) for n in range(3000)]


async def test_others_and_hidden_fields_are_in_no_export(
    member: httpx2.AsyncClient, other: httpx2.AsyncClient, admin: httpx2.AsyncClient, guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
) -> None:  # fmt: skip
    await fill(member)
    assert (await other.get(f"{URL}?format=json")).json() == []
    assert len((await admin.get(f"{URL}?format=json")).json()) == 3
    assert (await guest_role.get(URL)).status_code == 403
    assert (await nobody.get(URL)).status_code == 401
    rule = {"role": "member", "model": "notes", "verb": "any", "extent": "own", "hidden_fields": ["body", "priority"]}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    text = (await member.get(URL)).text
    assert "xxx" not in text
    assert "priority" not in text
    assert (await member.get(f"{URL}?fields=body")).status_code == 422
    assert (await admin.get("/api/v1/users/export")).text.count("argon2") == 0


@pytest.mark.parametrize("query", ["format=xml", "limit=3", "cursor=x", "nope=1", "bom=perhaps", "sort=nope"])
async def test_bad_parameters_are_named(member: httpx2.AsyncClient, query: str) -> None:
    answer = await member.get(f"{URL}?{query}")
    assert answer.status_code == 422
    assert query.split("=")[0] in answer.json()["fields"]


async def test_a_field_that_is_called_like_a_parameter_is_filtered_by(admin: httpx2.AsyncClient) -> None:
    fields = [{"name": "title", "type": "text"}, {"name": "bom", "type": "boolean"}]
    assert (await admin.post("/api/v1/models", json={"name": "parts", "label": "Part", "fields": fields})).is_success
    for title, bom in (("with", True), ("without", False)):
        await admin.post("/api/v1/parts", json={"title": title, "bom": bom})
    assert (await admin.get("/api/v1/parts/export?bom=false&fields=title")).text == 'title\r\n"without"\r\n'


@pytest.mark.parametrize("deed", ["disabled", "demoted", "less shown", "nothing"])
async def test_who_loses_the_right_while_reading_gets_no_more(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, deed: str
) -> None:
    for _ in range(3):
        await member.post("/api/v1/notes", json={"title": "long", "body": "x" * 900_000})
    reader, transfers = Actor("user", bear.ids["max"], "max", "member"), bear.app.transfers
    chunks = transfers.chunks(transfers.plan_export(reader, "notes", [("format", "jsonl")]))
    read = len(await anext(chunks))
    rule = {"role": "member", "model": "notes", "verb": "list", "extent": "own", "hidden_fields": ["body"]}
    if deed == "less shown":
        assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    elif deed != "nothing":
        values = {"is_active": False} if deed == "disabled" else {"role": "guest"}
        assert (await admin.patch(f"/api/v1/users/{bear.ids['max']}", json=values)).status_code == 200
    if deed == "nothing":
        assert read + sum([len(chunk) async for chunk in chunks]) > 2_700_000
    else:
        with pytest.raises(Forbidden):
            await anext(chunks)
    assert read < 2_000_000 and transfers._exports == 0
