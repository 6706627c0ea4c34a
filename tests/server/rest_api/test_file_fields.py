"""Records that refer to files: whoever reads the record in a field that they see reads the file, and nobody else."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import Bear
from tests.server.rest_api.tests_files_support import PNG, URL, bytes_kept, upload, uploaded

pytestmark = pytest.mark.anyio
BOOKS: dict[str, Any] = {
    "name": "books",
    "label": "Book",
    "fields": [
        {"name": "title", "type": "text", "required": True},
        {"name": "cover", "type": "file", "accept": ["image/*"], "max_bytes": 100_000},
        {"name": "contract", "type": "file"},
    ],
}


async def make(admin: httpx2.AsyncClient, **changes: Any) -> None:
    answer = await admin.post("/api/v1/models", json={**BOOKS, **changes})
    assert answer.status_code == 201, answer.text


async def book(client: httpx2.AsyncClient, **values: Any) -> int:
    answer = await client.post("/api/v1/books", json={"title": "Bears", **values})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["data"]["id"])


async def rule(admin: httpx2.AsyncClient, **values: Any) -> None:
    answer = await admin.post("/api/v1/access_rules", json={"model": "books", "verb": "any", **values})
    assert answer.status_code == 201, answer.text


async def reads(client: httpx2.AsyncClient, file_id: int) -> bool:
    """Whether a client reads a file; its two addresses agree."""
    row, content = await client.get(f"{URL}/{file_id}"), await client.get(f"{URL}/{file_id}/content")
    assert row.status_code == content.status_code
    assert row.status_code in (200, 404)
    return row.status_code == 200


async def test_the_field_is_described_and_expands_to_the_file(admin: httpx2.AsyncClient, member: Any) -> None:
    await make(admin)
    described = (await member.get("/api/v1/models/books")).json()["data"]["fields"]
    cover = next(field for field in described if field["name"] == "cover")
    assert (cover["type"], cover["references"]) == ("file", "files")
    assert (cover["accept"], cover["max_bytes"]) == (["image/*"], 100_000)
    schema = (await member.get("/api/openapi.json")).json()["components"]["schemas"]["books_create"]
    assert schema["properties"]["cover"]["type"] == ["integer", "null"]
    row = await uploaded(member, PNG)
    await book(member, cover=row["id"])
    expected = {
        "id": row["id"], "name": "photo.png", "content_type": "image/png", "size": len(PNG),
        "address": f"{URL}/{row['id']}/content",
    }  # fmt: skip
    for address in ("/api/v1/books?expand=cover,contract", "/api/v1/books/1?expand=cover,contract"):
        data = (await member.get(address)).json()["data"]
        found = data[0] if isinstance(data, list) else data
        assert (found["cover"], found["contract"]) == (row["id"], None)
        assert found["expand"] == {"cover": expected, "contract": None}
    assert (await member.get(expected["address"])).content == PNG
    assert (await member.get(f"/api/v1/books?cover={row['id']}")).json()["count"] == 1
    assert (await member.get("/api/v1/books?contract__is_null=true")).json()["count"] == 1


async def test_a_field_takes_what_it_accepts_alone(admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
    await make(admin)
    text = await uploaded(member, b"x", "a.txt", "text/plain")
    large = await uploaded(member, PNG + b"x" * 100_000)
    fits = await uploaded(member, PNG)
    record = await book(member, cover=fits["id"], contract=text["id"])
    for file, code in ((text, "type_not_accepted"), (large, "too_large")):
        for answer in (
            await member.post("/api/v1/books", json={"title": "x", "cover": file["id"]}),
            await member.patch(f"/api/v1/books/{record}", json={"cover": file["id"]}),
            await member.put(f"/api/v1/books/{record}", json={"title": "x", "cover": file["id"]}),
        ):
            assert (answer.status_code, answer.json()["fields"]["cover"]["code"]) == (422, code)
    wrong: tuple[Any, ...] = ("1", 1.5, True, [1], {})
    for bad in wrong:
        answer = await member.post("/api/v1/books", json={"title": "x", "cover": bad})
        assert (answer.status_code, list(answer.json()["fields"])) == (422, ["cover"])
    assert (await member.get("/api/v1/books")).json()["count"] == 1


async def test_a_file_of_somebody_else_answers_like_a_missing_one(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await make(admin)
    foreign = await uploaded(other, b"x" * 200_000, "a.txt", "text/plain")
    missing = 99_999
    for field in ("cover", "contract"):
        answers: list[tuple[int, str | bool]] = []
        for file_id in (foreign["id"], missing):
            answer = await member.post("/api/v1/books", json={"title": "x", field: file_id})
            answers.append((answer.status_code, answer.text.replace(str(file_id), "#").split("request_id")[0]))
            csv = f"title,{field}\nx,{file_id}\n".encode()
            for query in ("", "?dry_run=true"):
                imported = await member.post(f"/api/v1/books/import{query}", content=csv)
                answers.append((imported.status_code, "no_such_record" in imported.text))
        assert answers[:3] == answers[3:]
        assert answers[0][0] == 409
    operations = [{"verb": "create", "model": "books", "values": {"title": "x", "contract": foreign["id"]}}]
    assert (await member.post("/api/v1/batch", json={"operations": operations})).status_code == 409
    assert (await member.get("/api/v1/books")).json()["count"] == 0


async def test_reading_a_record_is_reading_its_files(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient,
    guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient,
) -> None:  # fmt: skip
    await make(admin)
    file_id = (await uploaded(member, PNG))["id"]
    record = await book(member, cover=file_id)
    assert [await reads(client, file_id) for client in (member, admin, other, guest_role)] == [True, True, False, False]
    await rule(admin, role="guest", extent="all")
    assert await reads(guest_role, file_id)
    assert not await reads(other, file_id)
    assert (await nobody.get(f"{URL}/{file_id}/content")).status_code == 401
    await rule(admin, role="member", extent="all", hidden_fields=["cover"])
    assert not await reads(other, file_id)
    row = (await other.get(f"/api/v1/books/{record}")).json()["data"]
    assert "cover" not in row
    assert (await other.get("/api/v1/books?expand=cover")).status_code == 422
    assert await reads(member, file_id), "its owner needs no record"
    group = (await admin.post("/api/v1/groups", json={"name": "editors"})).json()["data"]["id"]
    await admin.post("/api/v1/group_members", json={"group_id": group, "user_id": bear.ids["olga"]})
    await rule(admin, group_id=group, extent="all")
    assert await reads(other, file_id)
    # The reader may refer to it, and reads on through their own record, but can't delete it.
    await book(other, cover=file_id)
    assert (await other.delete(f"{URL}/{file_id}")).status_code == 404
    await admin.patch(f"/api/v1/books/{record}", json={"cover": None})
    await admin.delete(f"/api/v1/groups/{group}")
    assert not await reads(other, file_id)


async def test_listing_alone_tells_nothing_of_files(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await make(admin)
    file_id = (await uploaded(member, PNG, "secret plan.png"))["id"]
    await book(member, cover=file_id)
    await rule(admin, role="member", extent="own")
    listing = {"role": "member", "model": "books", "verb": "list", "extent": "all"}
    assert (await admin.post("/api/v1/access_rules", json=listing)).status_code == 201
    answer = await other.get("/api/v1/books?expand=cover")
    assert answer.json()["data"][0]["expand"] == {"cover": None}
    assert "secret plan" not in answer.text
    assert not await reads(other, file_id)


async def test_a_file_in_use_stays(admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
    await make(admin)
    row = await uploaded(member, PNG)
    record = await book(member, cover=row["id"])
    for client in (member, admin):
        answer = await client.delete(f"{URL}/{row['id']}")
        assert (answer.status_code, answer.json()["code"]) == (409, "reference_conflict")
        assert (await client.request("DELETE", f"{URL}/bulk?all=true")).status_code == 409
    assert (await member.get(f"{URL}/{row['id']}/content")).content == PNG
    await member.patch(f"/api/v1/books/{record}", json={"cover": None})
    assert (await member.delete(f"{URL}/{row['id']}")).status_code == 200


async def test_undo_and_restore_bring_the_file_back_also_one_of_somebody_else(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await make(admin, members="all")
    mine, yours = (await uploaded(member, PNG))["id"], (await uploaded(other, PNG + b"x"))["id"]
    record = await book(member, cover=mine)
    assert (await other.patch(f"/api/v1/books/{record}", json={"cover": yours})).status_code == 200
    assert not await reads(other, mine)
    entry = (await other.get(f"/api/v1/books/{record}/history")).json()["data"][0]
    assert (entry["before"], entry["after"]) == ({"cover": mine}, {"cover": yours})
    assert (await other.post(f"/api/v1/books/{record}/restore?before={entry['id']}")).status_code == 200
    assert await reads(other, mine)
    assert (await other.delete(f"/api/v1/books/{record}")).status_code == 200
    assert not await reads(other, mine)
    answer = await other.post(f"/api/v1/books/{record}/restore")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["cover"] == mine
    assert await reads(other, mine)
    # A file that was deleted itself comes back first.
    await other.delete(f"/api/v1/books/{record}")
    assert (await member.delete(f"{URL}/{mine}")).status_code == 200
    refused = await other.post(f"/api/v1/books/{record}/restore")
    assert (refused.status_code, refused.json()["fields"]["cover"]["code"]) == (409, "no_such_record")
    assert (await member.post(f"{URL}/{mine}/restore")).status_code == 200
    assert (await other.post(f"/api/v1/books/{record}/restore")).status_code == 200


async def test_exports_and_imports_carry_the_id(admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
    await make(admin)
    fits, text = await uploaded(member, PNG), await uploaded(member, b"x", "a.txt", "text/plain")
    await book(member, cover=fits["id"], contract=text["id"])
    await book(member)
    rows = (await member.get("/api/v1/books/export?format=json&fields=title,cover,contract")).json()
    assert [row["cover"] for row in rows] == [fits["id"], None]
    for format_ in ("csv", "json", "jsonl"):
        exported = await member.get(f"/api/v1/books/export?format={format_}&fields=title,cover,contract&id__lte=2")
        answer = await member.post(f"/api/v1/books/import?format={format_}", content=exported.content)
        assert (answer.status_code, answer.json()["data"]["imported"]) == (200, 2)
    assert (await member.get(f"/api/v1/books?cover={fits['id']}&contract={text['id']}")).json()["count"] == 4
    bad = f"title,cover\na,{text['id']}\nb,{fits['id']}\nc,\nd,x\n".encode()
    for query, imported in (("?dry_run=true&mode=skip_bad", 2), ("?mode=skip_bad", 2)):
        report = (await member.post(f"/api/v1/books/import{query}", content=bad)).json()["data"]
        assert report["imported"] == imported
        assert sorted(error["code"] for error in report["errors"]) == ["type_not_accepted", "wrong_type"]


async def test_new_rules_of_a_field_hold_for_the_files_that_are_there(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await make(admin)
    await book(member, contract=(await uploaded(member, b"x", "a.txt", "text/plain"))["id"])

    def changed(**field: Any) -> dict[str, Any]:
        return {"fields": [*BOOKS["fields"][:2], {"name": "contract", **field}]}

    for field in ({"type": "file", "accept": ["image/*"]}, {"type": "file", "accept": ["text/plain"], "required": True,
                  "max_bytes": 1, "unique": "global"}):  # fmt: skip
        answer = await admin.patch("/api/v1/models/books?confirm=true", json=changed(**field))
        assert answer.status_code == (409 if field.get("accept") == ["image/*"] else 200), answer.text
    answer = await admin.patch("/api/v1/models/books?confirm=true", json=changed(type="integer"))
    assert answer.status_code == 200, answer.text
    assert (await member.get("/api/v1/books")).json()["data"][0]["contract"] == 1
    await member.patch("/api/v1/books/1", json={"contract": 77})
    answer = await admin.patch("/api/v1/models/books?confirm=true", json=changed(type="file"))
    assert answer.status_code == 409, "there is no file 77"


@pytest.mark.parametrize(
    "field",
    [
        {"type": "file", "accept": ["pictures"]}, {"type": "file", "accept": ["IMAGE/*"]},
        {"type": "file", "accept": ["image/*' OR 1 --"]}, {"type": "file", "max_bytes": 0},
        {"type": "text", "accept": ["image/*"]}, {"type": "file", "default": 1}, {"type": "file", "searchable": True},
        {"type": "file", "on_delete": "cascade"}, {"type": "file", "references": "notes"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_field_that_makes_no_sense_is_refused(admin: httpx2.AsyncClient, field: dict[str, Any]) -> None:
    definition = {"name": "x", "label": "x", "fields": [{"name": "a", **field}]}
    assert (await admin.post("/api/v1/models", json=definition)).status_code == 422


async def test_deleting_a_person_leaves_files_to_the_records(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await make(admin, owned=False, members="all")
    row = await uploaded(member, PNG)
    record = await book(member, cover=row["id"])
    other = await bear.person("olga")
    assert (await admin.delete(f"/api/v1/users/{bear.ids['max']}")).status_code == 200
    seen = (await other.get(f"/api/v1/books/{record}?expand=cover")).json()["data"]
    assert seen["expand"]["cover"]["size"] == len(PNG)
    assert (await other.get(f"{URL}/{row['id']}/content")).content == PNG
    assert (await other.get(URL)).json()["count"] == 0
    assert bytes_kept(bear) == {row["sha256"]}


async def test_events_of_files_reach_their_owner_alone(bear: Bear, member: Any, other: Any) -> None:
    told: list[Any] = []
    bear.app._bus.subscribe(told.append)
    row = (await upload(member, PNG)).json()["data"]
    assert [(event.model, event.verb, event.record_id, event.owner_id) for event in told] == [
        ("files", "create", row["id"], bear.ids["max"])
    ]
