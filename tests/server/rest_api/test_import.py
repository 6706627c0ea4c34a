"""Imports over REST: bad rows, odd files, and what they leave behind."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM, Actor
from server.events.bus import RecordChanged
from server.records.import_plan import ImportOptions
from tests.conftest import Bear
from tests.server.rest_api.tests_transfer_support import (
    NOTES,
    done,
    exported,
    left_behind,
    refused,
    rows,
)

pytestmark = pytest.mark.anyio


BAD_CSV = (
    "title,priority,done,due_at,tags\n"
    "good,1,true,2026-01-02,a\n"
    ",1,true,,\n"
    "x,1.5,true,,\n"
    "x,9223372036854775808,true,,\n"
    "x,1,perhaps,,\n"
    "x,1,true,soon,\n"
    "x,1,true,,[1]\n"
    "too,few\n"
    'x"y,"a"b,true,,\n'
    "also good,,no,2026-01-02T03:04:05+02:00,\n"
)


async def test_bad_rows_are_listed_by_number_field_and_reason_and_nothing_is_kept(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    found = await refused(member, 422, BAD_CSV)
    assert found["code"] == "rows_refused" and "8 rows" in found["error"]
    assert {name: problem["code"] for name, problem in found["fields"].items()} == {
        "2.title": "required", "3.priority": "wrong_type", "4.priority": "out_of_range", "5.done": "wrong_type",
        "6.due_at": "wrong_form", "7.tags": "wrong_type", "8": "wrong_columns", "9": "broken_row",
    }  # fmt: skip
    assert await rows(member) == []
    assert left_behind(bear) == []


async def test_skip_bad_keeps_the_good_rows_and_lists_the_others(bear: Bear, member: httpx2.AsyncClient) -> None:
    report = await done(member, BAD_CSV, mode="skip_bad")
    assert (report["rows"], report["imported"], report["refused"]) == (10, 2, 8)
    assert [error["row"] for error in report["errors"]] == [2, 3, 4, 5, 6, 7, 8, 9]
    kept = await rows(member)
    assert [(row["title"], row["priority"], row["done"], row["due_at"], row["tags"]) for row in kept] == [
        ("good", 1, True, "2026-01-02T00:00:00.000Z", ["a"]),
        ("also good", None, False, "2026-01-02T01:04:05.000Z", []),
    ]
    assert left_behind(bear) == []


async def test_a_dry_run_tells_everything_and_keeps_nothing(bear: Bear, member: httpx2.AsyncClient) -> None:
    report = await done(member, BAD_CSV, dry_run="true", mode="skip_bad")
    assert (report["imported"], report["refused"], len(report["errors"])) == (2, 8, 8)
    assert (await done(member, BAD_CSV, dry_run="true"))["imported"] == 0
    good = await done(member, "title,priority\na,1\nb,2\n", dry_run="true")
    assert (good["imported"], good["refused"], good["dry_run"]) == (2, 0, True)
    assert good["columns"][1] == {"column": "priority", "field": "priority", "type": "integer"}
    assert await rows(member) == []
    assert left_behind(bear) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"title":"a","priority":NaN}', "wrong_type"),
        ('{"title":"a","priority":Infinity}', "wrong_type"),
        ('{"title":"\\ud800"}', "lone_surrogate"),
        ('{"title":"\\u0000"}', "nul_character"),
        ('{"title":"a","priority":9223372036854775808}', "out_of_range"),
        ('{"title":"a","done":1}', "wrong_type"),
        ('{"title":7}', "wrong_type"),
        ('{"title":null}', "required"),
        ('{"body":"no title"}', "required"),
        ('{"title":"a","nope":1}', "unknown_field"),
        ('{"title":"a","tags":"b"}', "wrong_type"),
    ],
)
async def test_a_bad_json_row_is_refused_as_over_rest(member: httpx2.AsyncClient, line: str, code: str) -> None:
    for text in (f'{{"title":"good"}}\n{line}\n', f'[{{"title":"good"}},\n {line}]'):
        found = await refused(member, 422, text)
        [(name, problem)] = found["fields"].items()
        assert (name.partition(".")[0], problem["code"]) == ("2", code)
    assert await rows(member) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_file"),
        (b"\n\n", "empty_file"),
        ("title\nx\n".encode("utf-16"), "invalid_utf8"),
        ("title\nx\n".encode("utf-16-le"), "invalid_utf8"),
        (b"title,title\na,b\n", "bad_header"),
        (b"title,\na,b\n", "validation_error"),
        (b"t\xeftle\na\n", "bad_header"),
        (b"[1", "invalid_json"),
        (b"[{]", "invalid_json"),
        (b'[{"title":"a"}{"title":"b"}]', "invalid_json"),
        (b'[{"title":"a"}] more', "invalid_json"),
        (b'[{"title":"a"}', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"SQLite format 3\x00 but it is not", "bad_file"),
    ],
)
async def test_a_broken_file_is_refused_with_a_reason(
    bear: Bear, member: httpx2.AsyncClient, body: bytes, code: str
) -> None:
    for mode in ("all", "skip_bad"):
        assert (await refused(member, 422, body, mode=mode))["code"] == code
    assert await rows(member) == []
    assert left_behind(bear) == []


async def test_bytes_that_are_no_utf8_are_refused_with_their_row_and_a_hint(member: httpx2.AsyncClient) -> None:
    found = await refused(member, 422, "title\ngood\nStraße\n".encode("latin-1"))
    assert found["fields"]["2.title"]["code"] == "invalid_utf8"
    assert "Latin-1" in found["fields"]["2.title"]["message"]
    found = await refused(member, 422, b'{"title":"a"}\n{"title":"\xff"}\n')
    assert found["fields"]["2"]["code"] == "invalid_utf8"
    assert (await refused(member, 422, b"title\nok\na\x00b\n"))["fields"]["2.title"]["code"] == "nul_character"


async def test_columns_are_mapped_left_out_or_refused(member: httpx2.AsyncClient) -> None:
    text = "Name,Junk\na,b\n"
    assert set((await refused(member, 422, text))["fields"]) == {"Name", "Junk"}
    assert set((await refused(member, 422, text, ignore_unknown="true"))["fields"] or {}) == {"title"}
    report = await done(member, text, mapping='{"Name":"title","Junk":null}')
    assert report["ignored"] == ["Junk"]
    assert (await done(member, text, mapping='{"Name":"title"}', ignore_unknown="true"))["imported"] == 1
    assert (await done(member, '{"Name":"a","Junk":1}', mapping='{"Name":"title","Junk":null}'))["imported"] == 1
    for mapping in ("[]", "{", '{"Name":1}', '{"nope":"title"}', '{"Name":"title","Junk":"title"}',
                    '{"Name":"title","Junk":"token_hash"}'):  # fmt: skip
        await refused(member, 422, text, mapping=mapping)
    assert len(await rows(member)) == 3


async def test_every_bad_parameter_is_named(member: httpx2.AsyncClient) -> None:
    for name, value in {"mode": "x", "format": "xml", "dry_run": "x", "nope": "1", "delimiter": "ab"}.items():
        assert list((await refused(member, 422, "title\nx\n", **{name: value}))["fields"]) == [name]


async def test_a_table_of_a_sqlite_file_comes_in(member: httpx2.AsyncClient, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE things (title, priority INTEGER, done INTEGER, due_at TEXT, tags)")
        database.execute("CREATE TABLE empty (x)")
        database.execute("CREATE VIEW danger AS SELECT 1 AS title")
        database.execute(
            "INSERT INTO things VALUES ('a', 5, 1, '2026-01-02 03:04:05', '[\"t\"]'), (7, NULL, 0, NULL, '')"
        )
    database.close()
    content = path.read_bytes()
    for table in ({}, {"table": "danger"}, {"table": "sqlite_schema"}):
        assert "things" in (await refused(member, 422, content, **table))["fields"]["table"]["message"]
    assert (await done(member, content, table="things"))["imported"] == 2
    found = [(r["title"], r["priority"], r["done"], r["due_at"], r["tags"]) for r in await rows(member)]
    assert found == [("a", 5, True, "2026-01-02T03:04:05.000Z", ["t"]), ("7", None, False, None, [])]
    damaged = content[:1000] + b"\xff" * 3000 + content[4000:]
    assert (await refused(member, 422, damaged, table="things"))["code"] == "bad_file"


async def test_blobs_and_broken_texts_of_a_sqlite_file_are_row_errors(
    member: httpx2.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE things (title)")
        database.execute("INSERT INTO things VALUES ('a'), (x'00ff'), (CAST(x'ff41' AS TEXT))")
    database.close()
    found = await refused(member, 422, path.read_bytes())
    assert {name: problem["code"] for name, problem in found["fields"].items()} == {
        "2.title": "wrong_type", "3.title": "invalid_utf8",
    }  # fmt: skip


async def test_taken_values_and_lost_references_are_row_errors(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await admin.post("/api/v1/groups", json={"name": "old"})
    groups = "name\nnew\nold\ntwice\ntwice\n"
    answer = await admin.post("/api/v1/groups/import", content=groups.encode())
    assert {name: p["code"] for name, p in answer.json()["fields"].items()} == {
        "2.name": "not_unique", "4.name": "not_unique",
    }  # fmt: skip
    assert (await admin.get("/api/v1/groups")).json()["count"] == 1
    dry = await admin.post("/api/v1/groups/import?dry_run=true&mode=skip_bad", content=groups.encode())
    assert (dry.json()["data"]["imported"], dry.json()["data"]["refused"]) == (2, 2)
    some = await admin.post("/api/v1/groups/import?mode=skip_bad", content=groups.encode())
    assert (some.json()["data"]["imported"], some.json()["data"]["refused"]) == (2, 2)
    members = f"group_id,user_id\n1,{bear.ids['ada']}\n1,99\n"
    answer = await admin.post("/api/v1/group_members/import", content=members.encode())
    assert {name: p["code"] for name, p in answer.json()["fields"].items()} == {"2.user_id": "no_such_record"}


async def test_people_are_made_one_by_one_and_tokens_not_at_all(bear: Bear, admin: httpx2.AsyncClient) -> None:
    text = "username,role,password\nzoe,member,a calm bear in a den\nada,member,\nyan,boss,\npat,guest,short\n"
    answer = await admin.post("/api/v1/users/import?mode=skip_bad", content=text.encode())
    report = answer.json()["data"]
    assert (report["imported"], report["refused"]) == (1, 3)
    assert "calm bear" not in answer.text
    signed = await (await bear.client(accept="application/json")).post(
        "/auth/login", data={"username": "zoe", "password": "a calm bear in a den"}
    )
    assert signed.status_code == 200
    failed = await admin.post("/api/v1/users/import", content=b"username\nkim\nada\n")
    assert failed.json()["fields"]["2.username"]["code"] == "not_unique"
    assert (await admin.get("/api/v1/users?username=kim")).json()["count"] == 0
    assert (await admin.post("/api/v1/api_tokens/import", content=b"name\nx\n")).json()["code"] == "not_importable"
    assert (await admin.post("/api/v1/sessions/import", content=b"device\nx\n")).status_code == 403


async def test_an_import_is_one_change_in_the_history_and_one_event(bear: Bear, member: httpx2.AsyncClient) -> None:
    events: list[RecordChanged] = []
    bear.app._bus.subscribe(events.append)
    await done(member, "title\n" + "x\n" * 3)
    assert [(event.verb, event.record_id > 0) for event in events if event.model == "notes"] == [("create", True)] * 3
    for mode in ("all", "skip_bad"):
        events.clear()
        await done(member, "title\n" + "x\n" * 3000, mode=mode)
        told = [(event.verb, event.record_id, event.owner_id) for event in events if event.model == "notes"]
        assert told == [("import", 0, bear.ids["max"])]
    entries = await bear.app.records.find(SYSTEM, "history", where={"model": "notes"})
    assert [(entry["verb"], entry["after"]["rows"]) for entry in entries] == [
        ("import", 3), ("import", 3000), ("import", 3000),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["all", "skip_bad"])
async def test_imported_rows_are_found_by_full_text(member: httpx2.AsyncClient, mode: str) -> None:
    lines = "".join(f"needle{number} hay\n" for number in range(12_000))
    await done(member, f"title\n{lines}", mode=mode)
    found = await rows(member, "?q=needle11999")
    assert [row["title"] for row in found] == ["needle11999 hay"]
    assert (await member.get(f"{NOTES}?q=hay&limit=1")).json()["count"] == 12_000
    await member.patch(f"{NOTES}/{found[0]['id']}", json={"title": "gone"})
    assert await rows(member, "?q=needle11999") == []


async def test_a_very_long_text_comes_through(member: httpx2.AsyncClient) -> None:
    text = ('long "text", ' * 80_000)[:1_000_000]
    await done(member, json.dumps([{"title": "a", "body": text}]))
    await done(member, await exported(member))
    assert [row["body"] for row in await rows(member)] == [text, text]
    found = await refused(member, 422, f"title,body\na,{'x' * 1_000_001}\n")
    assert found["fields"]["1.body"]["code"] == "too_long"


async def test_a_missing_quotation_mark_does_not_swallow_the_file(member: httpx2.AsyncClient) -> None:
    found = await refused(member, 422, 'title\n"never closed\n' + "line\n" * 1000)
    assert found["fields"]["1"]["code"] == "broken_row"


async def test_a_file_over_its_limit_is_413(bear: Bear, member: httpx2.AsyncClient) -> None:
    current = bear.app.settings.current
    bear.app.settings.publish(current.model_copy(update={"import_body_bytes": 2048}))
    await refused(member, 413, "title\n" + "x\n" * 2000)

    async def unannounced() -> Any:
        for _ in range(40):
            yield b"title\n" * 20

    answer = await member.post(f"{NOTES}/import", content=unannounced())
    assert answer.status_code == 413
    assert left_behind(bear) == []


async def test_a_client_that_goes_away_while_sending_leaves_nothing(bear: Bear, member: httpx2.AsyncClient) -> None:
    class Gone(Exception):
        pass

    async def breaking() -> Any:
        yield b"title\nx\n"
        raise Gone

    with pytest.raises(Gone):
        await bear.app.transfers.import_stream(SYSTEM, "notes", ImportOptions(), breaking())
    assert await rows(member) == []
    assert left_behind(bear) == []


async def test_how_far_an_import_is_is_told_to_whoever_runs_it(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("title\n" + "note\n" * 20_000, "utf-8")
    transfers = bear.app.transfers
    one, two = (Actor(kind="user", user_id=number, username="x", role="member") for number in (2, 3))
    seen: list[Any] = []

    def look(_bytes: int) -> None:
        seen.extend(transfers.running(one))
        assert transfers.running(two) == []

    await transfers.import_file(one, "notes", ImportOptions(), path, look)
    assert {found.phase for found in seen} == {"reading"}
    assert seen[-1].rows == 20_000 and 0.9 < seen[-1].part <= 1.0
    assert transfers.running(one) == []


async def test_running_imports_are_for_who_is_signed_in(member: httpx2.AsyncClient, nobody: httpx2.AsyncClient) -> None:
    assert (await member.get("/api/v1/import/running")).json() == {"ok": True, "data": []}
    assert (await nobody.get("/api/v1/import/running")).status_code == 401


async def test_a_guess_makes_a_model_of_any_header(admin: httpx2.AsyncClient) -> None:
    header = ["Limit", "limit", "Sort", "id", "12", "A" * 90, "A" * 91, "état", "path"]
    rows = [",".join(["1"] * 8 + ["C:\\x"])] * 12
    answer = await admin.post(
        "/api/v1/import/guess?name=" + "m" * 90, content="\n".join([",".join(header), *rows]).encode()
    )
    assert answer.status_code == 200, answer.text
    made = await admin.post("/api/v1/models", json=answer.json()["data"]["model"])
    assert made.status_code == 201, made.text


@pytest.mark.parametrize("row", ['{"x": "\\ud800"}', '{"\\ud800": 1}'])
async def test_a_guess_refuses_half_characters_by_column(member: httpx2.AsyncClient, row: str) -> None:
    answer = await member.post("/api/v1/import/guess?name=f.jsonl", content=row.encode())
    assert (answer.status_code, answer.json()["code"]) == (422, "lone_surrogate"), answer.text
    assert "Column 1" in answer.json()["error"]


async def test_a_guess_takes_the_first_table_of_many_and_names_the_others(
    member: httpx2.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as shop:
        shop.executescript("CREATE TABLE b(y TEXT); CREATE TABLE a(x INTEGER); INSERT INTO a VALUES (1)")
    guess = (await member.post("/api/v1/import/guess", content=path.read_bytes())).json()["data"]
    assert (guess["table"], guess["tables"]) == ("a", ["a", "b"])
    assert guess["model"]["fields"][0]["name"] == "x"
    other = await member.post("/api/v1/import/guess?table=b", content=path.read_bytes())
    assert other.json()["data"]["columns"][0]["name"] == "y"


async def test_a_guess_names_types_and_a_model(member: httpx2.AsyncClient, nobody: httpx2.AsyncClient) -> None:
    lines = [
        f'{n},{n}.5,{"true" if n % 2 else "false"},2026-01-{n + 1:02},2026-01-02T03:04:{n:02}Z,"{{""a"":{n}}}",'
        f'a{n}@example.org,https://example.org/{n},{"red" if n % 2 else "blue"},Name {n},"long {"x" * 300}",0{n}'
        for n in range(25)
    ]
    header = "Count,Price,Ok,Day,At,Data,Mail,Site,Colour,Full Name,Story,Post code"
    answer = await member.post("/api/v1/import/guess?name=My things", content="\n".join([header, *lines]).encode())
    guess = answer.json()["data"]
    assert [column["type"] for column in guess["columns"]] == [
        "integer", "number", "boolean", "date", "datetime", "json", "email", "url", "choice", "text", "long_text",
        "text",
    ]  # fmt: skip
    assert guess["model"]["name"] == "my_things"
    assert [field["name"] for field in guess["model"]["fields"]][-3:] == ["full_name", "story", "post_code"]
    typed = await member.post("/api/v1/import/guess", content=b'{"a":1,"b":[1]}\n{"a":2,"c":true}\n')
    assert {c["name"]: c["type"] for c in typed.json()["data"]["columns"]} == {
        "a": "integer", "b": "json", "c": "boolean",
    }  # fmt: skip
    cut = await member.post("/api/v1/import/guess", content=b"[" + b'{"a":1},' * 300_000)
    assert cut.json()["data"]["columns"][0]["type"] == "integer"
    assert (await nobody.post("/api/v1/import/guess", content=b"a\n1\n")).status_code == 401


async def test_both_are_in_the_document_of_the_api(admin: httpx2.AsyncClient) -> None:
    paths = (await admin.get("/api/openapi.json")).json()["paths"]
    asked = [parameter["name"] for parameter in paths["/api/v1/{model}/import"]["post"]["parameters"]]
    assert {"mode", "dry_run", "mapping", "model"} <= set(asked)
    assert "text/csv" in paths["/api/v1/{model}/export"]["get"]["responses"]["200"]["content"]
    assert "/api/v1/import/guess" in paths
