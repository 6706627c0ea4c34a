"""What can't be stored is refused at every entrance, with the same code, and nothing is written."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import Actor
from server.errors import ValidationFailed
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio

URL = "/api/v1/vals"
JSON = {"content-type": "application/json"}
SECRET = "the internal secret of the tests"
FIELDS: list[dict[str, Any]] = [
    {"name": "code", "type": "text", "unique": True},
    {"name": "text", "type": "text"},
    {"name": "n", "type": "integer"},
    {"name": "x", "type": "number"},
    {"name": "j", "type": "json"},
    {"name": "t", "type": "tags"},
    {"name": "flag", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "at", "type": "datetime"},
    {"name": "raw", "type": "bytes", "max_length": 6},
]
KINDS = {it["name"]: it["type"] for it in FIELDS}
HUGE = "1" + "0" * 400

BAD = [
    ("x", "NaN", "not_finite"), ("x", "Infinity", "not_finite"), ("x", "-Infinity", "not_finite"),
    ("x", "1e999", "not_finite"), ("x", "-1e999", "not_finite"), ("x", HUGE, "not_finite"),
    ("x", '"1"', "wrong_type"), ("x", "true", "wrong_type"),
    ("n", "NaN", "wrong_type"), ("n", "1.0", "wrong_type"), ("n", "1e3", "wrong_type"), ("n", "false", "wrong_type"),
    ("n", str(2**63), "out_of_range"), ("n", str(-(2**63) - 1), "out_of_range"), ("n", str(2**64), "out_of_range"),
    ("n", HUGE, "out_of_range"),
    ("text", r'"\ud800"', "lone_surrogate"), ("text", r'"a\udfffb"', "lone_surrogate"),
    ("text", r'"a\u0000b"', "nul_character"), ("text", "7", "wrong_type"), ("text", "[]", "wrong_type"),
    ("j", '{"a": [NaN]}', "not_finite"), ("j", "[1e999]", "not_finite"), ("j", "-Infinity", "not_finite"),
    ("j", rf'{{"a": {2**63}}}', "out_of_range"), ("j", f"[{-(2**63) - 1}]", "out_of_range"),
    ("j", f"[{HUGE}]", "out_of_range"),
    ("j", r'["\ud800"]', "lone_surrogate"), ("j", r'{"\ud800": 1}', "lone_surrogate"),
    ("j", r'"\u0000"', "nul_character"), ("j", r'{"\u0000": 1}', "nul_character"),
    ("j", "[" * 150 + "]" * 150, "too_deep"),
    ("t", r'["\ud800"]', "lone_surrogate"), ("t", r'["\u0000"]', "nul_character"), ("t", "[1]", "wrong_type"),
    ("flag", "1", "wrong_type"), ("flag", "NaN", "wrong_type"),
    ("day", '"2026-02-30"', "wrong_form"), ("day", '"2026-01-02T03:04:05Z"', "wrong_form"), ("day", "7", "wrong_type"),
    ("at", '"yesterday"', "wrong_form"), ("at", '"0001-01-01T00:00:00+23:00"', "wrong_form"),
    ("at", r'"2026-01-02T03:04:05Z\u0000"', "nul_character"),
    ("raw", '"a"', "wrong_form"), ("raw", '"YQ"', "wrong_form"), ("raw", '"YR=="', "wrong_form"),
    ("raw", '"YQ==\\n"', "wrong_form"), ("raw", '"YQ==YQ=="', "wrong_form"), ("raw", '"ä"', "wrong_form"),
    ("raw", "[1]", "wrong_type"), ("raw", '"YWJjZGVmZw=="', "too_long"),
    ("nope", "1", "unknown_field"), ("id", "7", "read_only"), ("owner_id", "1", "read_only"),
    ("created_at", '"2026-01-02T03:04:05Z"', "read_only"),
]  # fmt: skip
DEFAULTS = [it for it in BAD if it[0] in KINDS and it[2] != "too_long"]
BROKEN = [(b'{"text": "\xff"}', 422, "invalid_utf8"), (b'{"text": "\xed\xa0\x80"}', 422, "validation_error"),
          (b'{"text": "\xc0\x80"}', 422, "invalid_utf8"), (b'{"text": }', 400, "invalid_json"),
          (b'{"n": 1,}', 400, "invalid_json"), (b"{'n': 1}", 400, "invalid_json"), (b'{"n": 01}', 400, "invalid_json"),
          (b'\xff\xfe{\x00}\x00', 422, "invalid_utf8"), (b'{"j": ' + b"[" * 100_000, 400, "invalid_json")]  # fmt: skip


class Vals:
    """A model with every kind of field and one record in it, which must stay the only one, and as it is."""

    def __init__(self, bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
        self.bear, self.admin, self.member = bear, admin, member
        self.row: dict[str, Any] = {}

    async def begin(self) -> None:
        definition = {"name": "vals", "label": "Val", "fields": FIELDS}
        assert (await self.admin.post("/api/v1/models", json=definition)).status_code == 201
        made = await self.member.post(URL, json={"code": "c", "text": "kept", "n": 1, "x": 1.5, "j": {"a": 1}})
        self.row = made.json()["data"]

    async def unchanged(self) -> None:
        assert (await self.admin.get(URL)).json()["data"] == [self.row]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def vals(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Vals]:
    folder = tmp_path_factory.mktemp("vals") / "data"
    async with running_bear(folder, internal_api_secret=SECRET) as bear:
        found = Vals(bear, await bear.person("ada", "admin"), await bear.person("max"))
        await found.begin()
        yield found


def body(field: str, literal: str) -> bytes:
    return b'{"%s": %s}' % (field.encode(), literal.encode())


def batch(operation: str) -> Callable[[bytes], bytes]:
    return lambda values: b'{"operations": [{%s, "model": "vals", "values": %s}]}' % (operation.encode(), values)


# Name, verb, address, how the body is made from the values, and what stands before the field's name in the refusal.
JSON_DOORS: list[tuple[str, str, str, Callable[[bytes], bytes], str]] = [
    ("create", "POST", URL, bytes, ""),
    ("replace", "PUT", f"{URL}/1", bytes, ""),
    ("change", "PATCH", f"{URL}/1", bytes, ""),
    ("upsert", "POST", f"{URL}?upsert=code", bytes, ""),
    ("bulk", "PATCH", f"{URL}/bulk?all=true", bytes, ""),
    ("batch create", "POST", "/api/v1/batch", batch('"verb": "create"'), "operations.0."),
    ("batch update", "POST", "/api/v1/batch", batch('"verb": "update", "id": 1'), "operations.0."),
    ("batch replace", "POST", "/api/v1/batch", batch('"verb": "replace", "id": 1'), "operations.0."),
    ("batch upsert", "POST", "/api/v1/batch", batch('"verb": "upsert", "key": "code"'), "operations.0."),
    ("import of lines", "POST", f"{URL}/import?format=jsonl", bytes, "1."),
    ("import of an array", "POST", f"{URL}/import?format=json", lambda values: b"[%s]" % values, "1."),
]


@pytest.mark.parametrize("door", JSON_DOORS, ids=[door[0] for door in JSON_DOORS])
async def test_a_bad_value_is_refused_by_its_fields_name(vals: Vals, door: tuple[Any, ...]) -> None:
    name, verb, address, wrapped, prefix = door
    imports = name.startswith("import")
    for field, literal, code in BAD:
        if imports and code == "read_only":
            continue
        answer = await vals.member.request(verb, address, content=wrapped(body(field, literal)), headers=JSON)
        told = answer.json()
        assert answer.status_code == 422, (field, literal[:40], told)
        problem = told["fields"].get(f"{prefix}{field}") or told["fields"].get(field)
        assert problem is not None and problem["code"] == code, (field, literal[:40], told)
    await vals.unchanged()


@pytest.mark.parametrize("door", JSON_DOORS[:9], ids=[door[0] for door in JSON_DOORS[:9]])
async def test_a_broken_body_is_refused_whole(vals: Vals, door: tuple[Any, ...]) -> None:
    _, verb, address, wrapped, _ = door
    for broken, status, code in BROKEN:
        answer = await vals.member.request(verb, address, content=wrapped(broken), headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (broken[:40], answer.text)
    await vals.unchanged()


@pytest.mark.parametrize("door", JSON_DOORS, ids=[door[0] for door in JSON_DOORS])
async def test_of_two_values_under_one_name_the_last_counts_everywhere(vals: Vals, door: tuple[Any, ...]) -> None:
    _, verb, address, wrapped, _ = door
    doubled = wrapped(b'{"text": "fine", "text": 7}')
    answer = await vals.member.request(verb, address, content=doubled, headers=JSON)
    assert answer.status_code == 422, answer.text
    doubled = wrapped(b'{"j": {"a": [NaN], "a": 1}, "n": 1, "n": NaN}')
    answer = await vals.member.request(verb, address, content=doubled, headers=JSON)
    assert answer.status_code == 422 and '"not_finite"' not in answer.text
    await vals.unchanged()


CELLS = [
    ("x", b"NaN", "not_finite"), ("x", b"inf", "not_finite"), ("x", b"-Infinity", "not_finite"),
    ("x", b"1e999", "not_finite"), ("x", HUGE.encode(), "not_finite"), ("x", b"0x10", "wrong_type"),
    ("x", "１".encode(), "wrong_type"), ("x", b"1_0", "wrong_type"),
    ("n", b"9223372036854775808", "out_of_range"), ("n", b"-9223372036854775809", "out_of_range"),
    ("n", HUGE.encode(), "wrong_type"), ("n", b"1.0", "wrong_type"), ("n", b"1_0", "wrong_type"),
    ("text", b"a\x00b", "nul_character"), ("text", b"\xff", "invalid_utf8"), ("text", b"\xed\xa0\x80", "invalid_utf8"),
    ("j", b"NaN", "not_finite"), ("j", b"[1e999]", "not_finite"), ("j", b'"[9223372036854775808]"', "out_of_range"),
    ("j", b"{", "invalid_json"), ("t", b'"[1]"', "wrong_type"), ("flag", b"maybe", "wrong_type"),
    ("day", b"2026-02-30", "wrong_form"), ("at", b"yesterday", "wrong_form"),
]  # fmt: skip


async def test_a_bad_cell_of_a_csv_is_refused_by_row_and_field(vals: Vals) -> None:
    for field, cell, code in CELLS:
        content = b"code,%s\nother,%s\n" % (field.encode(), cell)
        answer = await vals.member.post(f"{URL}/import?format=csv", content=content)
        assert answer.status_code == 422, (field, cell[:40], answer.text)
        assert answer.json()["fields"][f"1.{field}"]["code"] == code, (field, cell[:40], answer.text)
    answer = await vals.member.post(f"{URL}/import?format=csv", content=b"code,nope\nx,1\n")
    assert answer.json()["fields"]["nope"]["code"] == "unknown_field"
    await vals.unchanged()


SQLITE_CELLS = [
    ("x", "9e999", "not_finite"), ("x", "'NaN'", "not_finite"), ("n", "1.5", "wrong_type"),
    ("n", "9223372036854775808", "wrong_type"), ("text", "x'00ff'", "wrong_type"), ("n", "x'01'", "wrong_type"),
    ("raw", "'?'", "wrong_form"), ("raw", "x'00112233445566'", "too_long"), ("raw", "7", "wrong_type"),
    ("text", "CAST(x'ff' AS TEXT)", "invalid_utf8"), ("text", "'a' || char(0)", "nul_character"),
    ("j", "'[1e999]'", "not_finite"), ("flag", "2", "wrong_type"), ("day", "20260102", "wrong_type"),
]  # fmt: skip


async def test_a_bad_cell_of_a_sqlite_file_is_refused_by_row_and_field(vals: Vals, tmp_path: Path) -> None:
    for number, (field, expression, code) in enumerate(SQLITE_CELLS):
        path = tmp_path / f"{number}.db"
        file = sqlite3.connect(path)
        file.execute(f"CREATE TABLE vals (code, {field})")
        file.execute(f"INSERT INTO vals VALUES ('other', {expression})")
        file.commit()
        file.close()
        answer = await vals.member.post(f"{URL}/import", content=path.read_bytes())
        assert answer.status_code == 422, (field, expression, answer.text)
        assert answer.json()["fields"][f"1.{field}"]["code"] == code, (field, expression, answer.text)
    await vals.unchanged()


QUERIES = [
    ("x", "nan", "not_finite"), ("x", "inf", "not_finite"), ("x", "1e999", "not_finite"),
    ("x__gt", "-Infinity", "not_finite"),
    ("x__in", "1,nan", "not_finite"), ("x", "１", "wrong_type"), ("x", "1_0", "wrong_type"), ("x", "", "wrong_type"),
    ("n", str(2**63), "out_of_range"), ("n", HUGE, "wrong_type"), ("n__in", f"1,{2**63}", "out_of_range"),
    ("n", "１", "wrong_type"), ("n", "1.0", "wrong_type"), ("text", "a\x00b", "nul_character"),
    ("text__like", "%\x00", "nul_character"), ("text__in", "a,b\x00", "nul_character"),
    ("q", "a\x00b", "nul_character"),
    ("flag", "yes", "wrong_type"), ("day", "2026-02-30", "wrong_form"), ("at", "soon", "wrong_form"),
    ("nope", "1", "unknown_field"), ("text__near", "x", "unknown_operator"), ("j", "1", "not_filterable"),
    ("raw", "a", "wrong_form"), ("raw__in", "YQ==", "wrong_operator"), ("raw__like", "a", "wrong_operator"),
    ("raw__gt", "YQ==", "wrong_operator"), ("sort", "raw", "not_sortable"),
    ("id", str(2**63), "out_of_range"), ("limit", str(2**63), "out_of_range"), ("offset", "-1", "out_of_range"),
    ("sort", "nope", "unknown_field"), ("sort", "text\x00", "unknown_field"), ("fields", "nope", "unknown_field"),
    ("cursor", "\x00", "bad_cursor"), ("cursor", "é", "bad_cursor"), ("cursor", "W10", "bad_cursor"),
    ("domain", '[["x", "=", NaN]]', "not_finite"), ("domain", '[["x", "=", 1e999]]', "not_finite"),
    ("domain", f'[["x", "=", {HUGE}]]', "not_finite"), ("domain", f'[["n", "=", {2**63}]]', "out_of_range"),
    ("domain", f'[["n", "in", [{2**64}]]]', "out_of_range"),
    ("domain", r'[["text", "=", "\ud800"]]', "lone_surrogate"),
    ("domain", r'[["text", "in", ["a", "\u0000"]]]', "nul_character"),
    ("domain", r'[["\ud800", "=", 1]]', "unknown_field"),
    ("domain", "[" + '"!",' * 4000 + "[]]", "too_many"),
    ("domain", "[" * 30 + "]" * 30, "too_deep"),
    ("domain", "[" + '"!","&",["flag","=",true],' * 20 + '["flag","=",true]]', "too_deep"),
    ("domain", "[" + '"|",[],"&",[],' * 20 + "[]]", "too_deep"), ("domain", "[" * 9000, "invalid_json"),
    ("domain", "{", "invalid_json"),
    ("domain", '[["text", "=", {}]]', "wrong_type"), ("domain", '[["text", {}, 1]]', "wrong_form"),
]  # fmt: skip


@pytest.mark.parametrize("verb", ["list", "aggregate", "bulk", "export"])
async def test_a_bad_parameter_is_refused_by_its_name(vals: Vals, verb: str) -> None:
    address = {"list": URL, "aggregate": f"{URL}/aggregate", "bulk": f"{URL}/bulk", "export": f"{URL}/export"}[verb]
    for name, value, code in QUERIES:
        if verb != "list" and name in ("limit", "offset", "sort", "fields", "cursor"):
            continue
        if name == "q" and verb != "list":
            continue
        method = "DELETE" if verb == "bulk" else "GET"
        answer = await vals.member.request(method, address, params={name: value})
        assert answer.status_code == 422, (name, value[:40], answer.text)
        assert answer.json()["fields"][name]["code"] == code, (name, value[:40], answer.text)
    await vals.unchanged()


@pytest.mark.parametrize("query", ["text=%FF", "text=%ED%A0%80", "q=%C0%80", "domain=%FF", "%FF=1", "cursor=%FF"])
async def test_a_query_that_is_no_utf8_is_refused(vals: Vals, query: str) -> None:
    for path in (URL, f"{URL}/aggregate", f"{URL}/export"):
        assert (await vals.member.get(f"{path}?{query}")).status_code == 422


@pytest.mark.parametrize(
    ("field", "literal", "code"), [it for it in BAD if it[0] in KINDS and it[2] != "too_long"], ids=lambda it: it[:9]
)
async def test_a_default_of_an_own_model_is_a_value_like_any_other(
    vals: Vals, field: str, literal: str, code: str
) -> None:
    sent = '{"name": "others", "label": "Other", "fields": [{"name": "f", "type": "%s", "default": %s}]}'
    content = (sent % (KINDS[field], literal)).encode()
    answer = await vals.admin.post("/api/v1/models", content=content, headers=JSON)
    assert answer.status_code == 422, answer.text
    assert (await vals.admin.get("/api/v1/models/others")).status_code == 404


@pytest.mark.parametrize(
    "literal", ["NaN", "1e999", "-Infinity", str(2**63), r'"\ud800"', r'"\u0000"', HUGE, '{"a": NaN}']
)
@pytest.mark.parametrize(
    "name", ["rest_rate_burst", "rest_rate_per_second", "allowed_hosts", "nope", r"\u0000", r"\ud800"]
)
async def test_a_bad_setting_is_refused(vals: Vals, name: str, literal: str) -> None:
    content = f'{{"name": "{name}", "value": {literal}}}'.encode()
    answer = await vals.admin.post("/api/v1/settings", content=content, headers=JSON)
    assert answer.status_code == 422, answer.text
    assert (await vals.admin.get("/api/v1/settings")).json()["count"] == 0


@pytest.mark.parametrize("text", [r"\ud800", r"a\u0000b"])
async def test_the_internal_api_refuses_the_same_texts(vals: Vals, text: str) -> None:
    program = await vals.bear.client(authorization=f"Bearer {SECRET}")
    content = f'{{"title": "{text}"}}'.encode()
    answer = await program.post("/api/internal/notifications", content=content, headers=JSON)
    assert answer.status_code == 422, answer.text
    broken = await program.post("/api/internal/notifications", content=b'{"title": "\xff"}', headers=JSON)
    assert (broken.status_code, broken.json()["code"]) == (422, "invalid_utf8")
    assert (await vals.admin.get("/api/v1/notifications")).json()["count"] == 0


PYTHON_VALUES = [
    ("x", float("nan")), ("x", float("inf")), ("x", 10**400), ("n", 2**63), ("n", -(2**63) - 1), ("n", 1.5),
    ("text", "\ud800"), ("text", "a\x00b"), ("text", b"bytes"), ("j", {"a": float("nan")}), ("j", {1: 2}),
    ("j", {"\ud800": 1}), ("j", [2**63]), ("j", object()), ("t", ["\x00"]), ("t", "abc"), ("flag", 1),
    ("nope", 1), ("id", 7), ("owner_id", 1),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), PYTHON_VALUES, ids=range(len(PYTHON_VALUES)))
async def test_a_plugin_stores_nothing_that_rest_would_refuse(vals: Vals, field: str, value: Any) -> None:
    records = vals.bear.app.records
    actor = Actor(kind="user", user_id=vals.bear.ids["max"], username="max", role="member")
    with pytest.raises(ValidationFailed):
        await records.create(actor, "vals", {field: value})
    with pytest.raises(ValidationFailed):
        await records.update(actor, "vals", 1, {field: value})
    if field not in ("id", "owner_id", "t"):
        with pytest.raises(ValidationFailed):
            await records.find(actor, "vals", where={field: value})
    await vals.unchanged()


async def test_ids_beyond_64_bits_are_no_records(vals: Vals) -> None:
    for wrong in (str(2**63), HUGE, "-1", "1.0", "NaN", "%00", "%FF", "１"):
        for verb in ("GET", "PUT", "PATCH", "DELETE"):
            answer = await vals.member.request(verb, f"{URL}/{wrong}", json={"text": "x"})
            assert answer.status_code == 404, (verb, wrong, answer.text)
    for number in (2**63, -1, True, 1.0, "1"):
        operation = {"verb": "delete", "model": "vals", "id": number}
        answer = await vals.member.post("/api/v1/batch", json={"operations": [operation]})
        assert answer.status_code == 422, (number, answer.text)
    await vals.unchanged()


ODD = [
    ("POST", "/api/v1/models", r'{"name": "odd", "label": "\ud800", "fields": [{"name": "f", "type": "text"}]}', 422),
    ("POST", "/api/v1/models", r'{"name": "odd", "label": "a\u0000", "fields": [{"name": "f", "type": "text"}]}', 422),
    ("POST", "/api/v1/models",
     r'{"name": "odd", "label": "a", "fields": [{"name": "f", "type": "choice", "choices": ["\ud800"]}]}', 422),
    ("POST", "/api/v1/models",
     r'{"name": "odd", "label": "a", "fields": [{"name": "f", "type": "text", "help": "\u0000"}]}', 422),
    ("POST", "/api/v1/models",
     '{"name": "odd", "label": "a", "fields": [{"name": "f", "type": "number", "minimum": NaN}]}', 422),
    ("POST", "/api/v1/models",
     '{"name": "odd", "label": "a", "fields": [{"name": "f", "type": "number", "maximum": 1e999}]}', 422),
    ("POST", "/api/v1/models",
     f'{{"name": "odd", "label": "a", "fields": [{{"name": "f", "type": "integer", "minimum": {2**70}}}]}}', 422),
    ("POST", "/api/v1/models", r'{"\ud800": 1}', 422),
    ("PATCH", "/api/v1/models/vals", r'{"label": "\ud800"}', 422),
    ("PATCH", "/api/v1/models/vals", r'{"fields": [{"name": "text", "type": "text", "was": "\ud800"}]}', 422),
    ("POST", "/api/v1/batch", r'{"operations": [{"verb": "\ud800", "model": "vals"}]}', 422),
    ("POST", "/api/v1/batch", r'{"operations": [{"verb": "create", "model": "\ud800", "values": {}}]}', 404),
    ("POST", "/api/v1/batch",
     r'{"operations": [{"verb": "upsert", "model": "vals", "key": "\ud800", "values": {}}]}', 422),
    ("POST", "/api/v1/batch", r'{"operations": [{"\ud800": 1}]}', 422),
    ("POST", "/api/v1/batch",
     r'{"operations": [{"verb": "update", "model": "vals", "id": 1, "values": {}, "if_match": "\ud800"}]}', 412),
    ("POST", "/api/v1/batch",
     r'{"operations": [{"verb": "update", "model": "vals", "id": {"$ref": "\ud800"}, "values": {}}]}', 422),
    ("POST", "/api/v1/undo", f'{{"first": {2**70}, "last": {2**70}}}', 422),
    ("POST", "/api/v1/undo", f'{{"entries": [{2**70}, {2**70}]}}', 422),
    ("POST", f"{URL}/import?format=csv&owner={2**63}", "text\na\n", 422),
    ("POST", f"{URL}/import?format=csv&owner=%00", "text\na\n", 422),
    ("POST", f"{URL}/import?format=csv&mapping=%7B%22text%22%3A%22%5Cud800%22%7D", "text\na\n", 422),
    ("POST", f"/api/v1/gateway/{2**63}/restart", "{}", 422),
    ("POST", "/api/v1/tasks/%00/cancel", "{}", 404),
    ("GET", f"{URL}/{2**63}/history", "", 422),
    ("GET", f"{URL}/1/history?until={2**63}", "", 422),
    ("GET", f"{URL}/deleted?offset={2**63}", "", 422),
    ("GET", f"/api/v1/access/explain?model=vals&verb=read&id={2**63}", "", 422),
    ("GET", "/api/v1/access/explain?model=%00&verb=read", "", 404),
    ("GET", "/api/v1/events?models=%00", "", 422),
    ("GET", "/api/v1/%00", "", 404),
    ("GET", "/api/v1/models/%ED%A0%80", "", 404),
    ("POST", f"{URL}?upsert=%00", "{}", 422),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "address", "content", "status"), ODD, ids=range(len(ODD)))
async def test_everything_around_the_values_is_refused_as_clearly(
    vals: Vals, verb: str, address: str, content: str, status: int
) -> None:
    answer = await vals.admin.request(verb, address, content=content.encode(), headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.json()["ok"] is False
    await vals.unchanged()
