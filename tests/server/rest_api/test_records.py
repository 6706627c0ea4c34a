"""The six verbs over REST: what they keep, what they refuse, and how every refusal looks."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests.conftest import Bear

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


def refused(answer: httpx2.Response, status: int, *fields: str) -> dict[str, Any]:
    """The error of `answer`, in the one shape."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert body["ok"] is False
    assert body["code"] == body["code"].lower() and body["error"] and len(body["request_id"]) == 16
    assert set(body) <= {"ok", "error", "code", "fields", "request_id", "retry_after"}
    assert set(body.get("fields", {})) == set(fields)
    for problem in body.get("fields", {}).values():
        assert set(problem) == {"code", "message"}
    return body


async def made(client: httpx2.AsyncClient, **values: Any) -> dict[str, Any]:
    answer = await client.post("/api/v1/notes", json={"title": "a note", **values})
    assert answer.status_code == 201, answer.text
    row: dict[str, Any] = answer.json()["data"]
    return row


async def test_a_record_lives_through_the_six_verbs(member: httpx2.AsyncClient) -> None:
    answer = await member.post("/api/v1/notes", json={"title": "one", "tags": ["a"], "priority": 2**63 - 1})
    assert answer.status_code == 201
    row = answer.json()["data"]
    assert answer.headers["location"] == f"/api/v1/notes/{row['id']}"
    assert row["priority"] == 2**63 - 1 and row["done"] is False and row["tags"] == ["a"]
    read = await member.get(answer.headers["location"])
    assert read.json() == {"ok": True, "data": row}
    patched = await member.patch(answer.headers["location"], json={"done": True})
    assert patched.json()["data"] == {**row, "done": True, "updated_at": patched.json()["data"]["updated_at"]}
    replaced = (await member.put(answer.headers["location"], json={"title": "two"})).json()["data"]
    assert (replaced["title"], replaced["priority"], replaced["done"], replaced["tags"]) == ("two", None, False, [])
    assert (await member.get("/api/v1/notes")).json() == {"ok": True, "data": [replaced], "count": 1}
    gone = await member.delete(answer.headers["location"])
    assert (gone.status_code, gone.json()) == (200, {"ok": True, "data": None})
    refused(await member.get(answer.headers["location"]), 404)
    refused(await member.put(answer.headers["location"], json={"title": "x"}), 404)


async def test_an_id_is_never_given_again(member: httpx2.AsyncClient) -> None:
    first = (await made(member))["id"]
    await member.delete(f"/api/v1/notes/{first}")
    assert (await made(member))["id"] > first


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        (b"", 400, []),
        (b"{", 400, []),
        (b"[]", 422, []),
        (b'"text"', 422, []),
        (b"{}", 422, ["title"]),
        (b'{"title": ""}', 422, ["title"]),
        (b'{"title": null}', 422, ["title"]),
        (b'{"title": 7}', 422, ["title"]),
        (b'{"title": "x", "nope": 1}', 422, ["nope"]),
        (b'{"title": "x", "id": 1}', 422, ["id"]),
        (b'{"title": "x", "owner_id": 1, "created_at": "now"}', 422, ["owner_id", "created_at"]),
        (b'{"title": "x", "priority": 1.5}', 422, ["priority"]),
        (b'{"title": "x", "priority": true}', 422, ["priority"]),
        (b'{"title": "x", "priority": NaN}', 422, ["priority"]),
        (b'{"title": "x", "priority": -Infinity}', 422, ["priority"]),
        (b'{"title": "x", "priority": 1e400}', 422, ["priority"]),
        (b'{"title": "x", "priority": 9223372036854775808}', 422, ["priority"]),
        (b'{"title": "x", "priority": ' + b"9" * 5000 + b"}", 400, []),
        (b'{"title": "x", "done": 1}', 422, ["done"]),
        (b'{"title": "x", "done": null}', 422, ["done"]),
        (b'{"title": "x", "due_at": "soon"}', 422, ["due_at"]),
        (b'{"title": "x", "due_at": "0001-01-01T00:00:00+14:00"}', 422, ["due_at"]),
        (b'{"title": "x", "tags": "a"}', 422, ["tags"]),
        (b'{"title": "x", "tags": [1]}', 422, ["tags"]),
        (b'{"title": "\\u0000"}', 422, ["title"]),
        (b'{"title": "\\ud800"}', 422, ["title"]),
        (b'{"\\ud800": 1, "title": "x"}', 422, ["\ud800"]),
        (b'{"title": "\xff"}', 422, []),
        (b'{"title": "\xed\xa0\x80"}', 422, ["title"]),
        (b"[" * 100_000, 400, []),
    ],
)
async def test_a_bad_body_is_refused_and_the_field_is_named(
    member: httpx2.AsyncClient, body: bytes, status: int, fields: list[str]
) -> None:
    refused(await member.post("/api/v1/notes", content=body, headers=JSON), status, *fields)
    assert (await member.get("/api/v1/notes")).json()["count"] == 0


async def test_a_date_of_the_first_century_is_kept(member: httpx2.AsyncClient) -> None:
    assert (await made(member, due_at="0044-03-15T12:00:00Z"))["due_at"] == "0044-03-15T12:00:00.000Z"


async def test_a_body_over_the_limit_is_413(member: httpx2.AsyncClient) -> None:
    refused(await member.post("/api/v1/notes", content=b" " * ((1 << 20) + 1), headers=JSON), 413)


@pytest.mark.parametrize(
    "parameter",
    [
        "limit=0", "limit=501", "limit=-1", "limit=99999999999999999999", "limit=x", "limit=", "offset=-1",
        "offset=9223372036854775808", "total=maybe", "sort=nope", "sort=-tags", "sort=title:x", "nope=1",
        "priority=x", "priority=9223372036854775808", "priority__nope=1", "priority__like=1", "done=yes",
        "tags=a", "title=%00", "due_at=soon", "title__in=" + "a," * 1001, "title__like=" + "%25" * 1_001,
        "token_hash=1", "priority=%D9%A1",
    ],
)  # fmt: skip
async def test_a_bad_parameter_is_422_and_named(member: httpx2.AsyncClient, parameter: str) -> None:
    await made(member)
    refused(await member.get(f"/api/v1/notes?{parameter}"), 422, parameter.partition("=")[0])


async def test_a_query_string_that_is_no_utf8_is_422(member: httpx2.AsyncClient) -> None:
    refused(await member.get("/api/v1/notes?title=%ff"), 422)


async def test_like_minds_the_case_and_ilike_does_not(member: httpx2.AsyncClient) -> None:
    await made(member, title="ÄRGER")
    assert (await member.get("/api/v1/notes?title__like=%25rger")).json()["count"] == 0
    assert (await member.get("/api/v1/notes?title__like=%25RGER")).json()["count"] == 1
    assert (await member.get("/api/v1/notes?title__ilike=%C3%A4%25")).json()["count"] == 1


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"%50\%%", ["50% off"]), (r"%\_%", ["a_b"]), (r"c:\\%", [r"c:\dir"]), (r"c:\dir", [r"c:\dir"]),
        ("%\\", ["end\\"]), (r"\\", []), (r"a\_b", ["a_b"]), ("a_b", ["a_b", "axb"]), (r"50\% OFF", ["50% off"]),
    ],
)  # fmt: skip
async def test_a_backslash_makes_the_signs_of_patterns_ordinary(
    member: httpx2.AsyncClient, pattern: str, found: list[str]
) -> None:
    for title in ("50% off", "500 off", "a_b", "axb", r"c:\dir", "end\\"):
        assert (await member.post("/api/v1/notes", json={"title": title})).status_code == 201
    by_domain = {"domain": json.dumps([["title", "ilike", pattern]])}
    for query in ({"title__ilike": pattern}, by_domain):
        rows = (await member.get("/api/v1/notes", params=query)).json()["data"]
        assert [row["title"] for row in rows] == found


async def test_long_domains_of_connectors_are_answered(member: httpx2.AsyncClient) -> None:
    await made(member)
    leaf: list[Any] = ["done", "=", False]
    for domain, count in (
        (["!"] * 200 + [leaf], 1),
        (["!"] * 201 + [leaf], 0),
        (["|"] * 63 + [leaf] * 64, 1),
        (["&"] * 120 + [[]] * 121, 1),
        (["!", "&", leaf] * 8 + [leaf], 1),
    ):
        answer = await member.get("/api/v1/notes", params={"domain": json.dumps(domain, separators=(",", ":"))})
        assert answer.status_code == 200, answer.text
        assert answer.json()["count"] == count


async def test_every_wrong_address_and_verb_has_the_one_shape(member: httpx2.AsyncClient) -> None:
    for path in ("/api/v1/nope", "/api/v1/notes/abc", "/api/v1/notes/-1", "/api/v1/notes/9223372036854775808",
                 "/api/v1/notes/1/2", "/api/v1/notes/", "/api/nope", "/nope"):  # fmt: skip
        refused(await member.get(path), 404)
    answer = await member.put("/api/v1/notes", json={})
    refused(answer, 405)
    assert "POST" in answer.headers["allow"]
    refused(await member.request("PROPFIND", "/api/v1/notes/1"), 405)
    refused(await member.delete("/auth/me"), 405)


async def test_a_parameter_that_a_write_does_not_know_is_refused(member: httpx2.AsyncClient) -> None:
    row = await made(member)
    path = f"/api/v1/notes/{row['id']}"
    for verb in ("DELETE", "PUT", "PATCH"):
        body = None if verb == "DELETE" else {"title": "changed"}
        answer = await member.request(verb, f"{path}?dry_run=true", json=body)
        assert refused(answer, 422, "dry_run")["fields"]["dry_run"]["code"] == "unknown_parameter"
    assert (await member.get(path)).json()["data"] == row


async def test_put_leaves_alone_what_its_sender_can_not_see(
    member: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    row = await made(member, body="kept", priority=4)
    rule = {"role": "member", "model": "notes", "verb": "read", "extent": "own", "hidden_fields": ["body"]}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    path = f"/api/v1/notes/{row['id']}"
    told = (await member.put(path, json={"title": "replaced"})).json()["data"]
    assert told["title"] == "replaced" and told["priority"] != 4 and "body" not in told
    assert (await admin.get(path)).json()["data"]["body"] == "kept"
    assert (await member.put(path, json={"title": "a", "body": "new"})).status_code == 200
    assert (await admin.get(path)).json()["data"]["body"] == "new"


async def test_a_tag_says_what_has_changed(member: httpx2.AsyncClient) -> None:
    path = f"/api/v1/notes/{(await made(member))['id']}"
    tag = (await member.get(path)).headers["etag"]
    unchanged = await member.get(path, headers={"if-none-match": f'"other", W/{tag}'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert "content-length" not in unchanged.headers, "uvicorn ends the connection over a length without bytes"
    assert (await member.patch(path, json={"done": True}, headers={"if-match": tag})).status_code == 200
    refused(await member.patch(path, json={"done": False}, headers={"if-match": tag}), 412)
    refused(await member.put(path, json={"title": "x"}, headers={"if-match": tag}), 412)
    refused(await member.delete(path, headers={"if-match": tag}), 412)
    new = (await member.get(path)).headers["etag"]
    assert (await member.delete(path, headers={"if-match": new})).status_code == 200


async def test_head_answers_as_get_without_a_body(member: httpx2.AsyncClient) -> None:
    path = f"/api/v1/notes/{(await made(member))['id']}"
    head = await member.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == (await member.get(path)).headers["etag"]


async def test_nobody_sees_or_changes_the_notes_of_others(
    member: httpx2.AsyncClient, other: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    row = await made(member, title="secret")
    path = f"/api/v1/notes/{row['id']}"
    tag = (await member.get(path)).headers["etag"]
    for query in ("", "?title=secret", f"?owner_id={row['owner_id']}", "?id__in=1,2,3", "?limit=500&sort=-title"):
        assert (await other.get(f"/api/v1/notes{query}")).json() == {"ok": True, "data": [], "count": 0}
    for headers in ({}, {"if-match": tag}, {"if-none-match": tag}):
        refused(await other.get(path, headers=headers), 404)
        refused(await other.patch(path, json={"title": "mine"}, headers=headers), 404)
        refused(await other.put(path, json={"title": "mine"}, headers=headers), 404)
        refused(await other.delete(path, headers=headers), 404)
    assert (await member.get(path)).json()["data"] == row
    assert (await admin.get("/api/v1/notes")).json()["count"] == 1


async def test_a_guest_may_not_touch_notes(guest_role: httpx2.AsyncClient) -> None:
    refused(await guest_role.get("/api/v1/notes"), 403)
    refused(await guest_role.post("/api/v1/notes", json={"title": "x"}), 403)


async def test_the_limit_of_one_person_is_429_with_a_time(bear: Bear, member: httpx2.AsyncClient) -> None:
    current = bear.app.settings.current
    bear.app.settings.publish(current.model_copy(update={"rest_rate_burst": 2, "rest_rate_per_second": 0.001}))
    answers = [await member.get("/api/v1/notes") for _ in range(3)]
    assert answers[-1].status_code == 429
    refused(answers[-1], 429)
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_page_that_was_read_before_is_never_stale(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    url = "/api/v1/notes?sort=id&fields=title"

    async def seen(client: httpx2.AsyncClient) -> list[str]:
        return [row.get("title", "") for row in (await client.get(url)).json()["data"]]

    assert await seen(member) == await seen(member) == []
    note = (await member.post("/api/v1/notes", json={"title": "a"})).json()["data"]["id"]
    assert await seen(member) == await seen(admin) == ["a"]
    await admin.patch(f"/api/v1/notes/{note}", json={"title": "b"})
    assert await seen(member) == ["b"]
    rule = {"role": "member", "model": "notes", "verb": "any", "extent": "none"}
    rule_id = (await admin.post("/api/v1/access_rules", json=rule)).json()["data"]["id"]
    assert (await member.get(url)).status_code == 403
    await admin.patch(f"/api/v1/access_rules/{rule_id}", json={"extent": "own", "hidden_fields": ["title"]})
    assert (await member.get(url)).status_code == 422
    await admin.delete(f"/api/v1/access_rules/{rule_id}")
    await admin.delete(f"/api/v1/notes/{note}")
    assert await seen(member) == []


async def test_a_page_of_one_person_is_not_shown_to_another(
    member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await member.post("/api/v1/notes", json={"title": "his"})
    assert (await member.get("/api/v1/notes")).json()["count"] == 1
    assert (await other.get("/api/v1/notes")).json() == {"ok": True, "data": [], "count": 0}


async def test_a_record_with_others_in_it_is_never_known_already(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    made = (await member.post("/api/v1/notes", json={"title": "mine"})).json()["data"]
    path = f"/api/v1/notes/{made['id']}?expand=owner_id"
    tag = (await admin.get(path)).headers["etag"]
    await admin.patch(f"/api/v1/users/{bear.ids['max']}", json={"display_name": "Max"})
    answer = await admin.get(path, headers={"if-none-match": tag})
    assert answer.status_code == 200
    assert answer.json()["data"]["expand"]["owner_id"]["display_name"] == "Max"
    # What was read with others is changed with its tag all the same.
    changed = await admin.patch(f"/api/v1/notes/{made['id']}", json={"title": "ours"}, headers={"if-match": tag})
    assert changed.status_code == 200, changed.text
