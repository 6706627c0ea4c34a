"""Uploads and downloads over REST: what goes in comes out, in parts as well, and nothing of it runs or leaks."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Bear, running_bear
from tests.server.rest_api.tests_files_support import HTML, PNG, URL, bytes_kept, upload, uploaded

pytestmark = pytest.mark.anyio


async def test_a_file_of_a_form_comes_out_as_it_went_in(bear: Bear, member: httpx2.AsyncClient) -> None:
    data = PNG + bytes(range(256)) * 5000
    answer = await upload(member, data, "Bär im Schnee.png", "image/png")
    assert answer.status_code == 201
    row = answer.json()["data"]
    assert answer.headers["location"] == f"{URL}/{row['id']}"
    assert {name: row[name] for name in ("name", "content_type", "size", "sha256", "owner_id")} == {
        "name": "Bär im Schnee.png", "content_type": "image/png", "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(), "owner_id": bear.ids["max"],
    }  # fmt: skip
    assert (await member.get(answer.headers["location"])).json()["data"] == row
    content = await member.get(f"{URL}/{row['id']}/content")
    assert content.content == data
    assert content.headers["content-type"] == "image/png"
    assert content.headers["etag"] == f'"{row["sha256"]}"'
    assert content.headers["content-disposition"].startswith('attachment; filename="B_r im Schnee.png"; ')
    assert content.headers["content-disposition"].endswith("filename*=UTF-8''B%C3%A4r%20im%20Schnee.png")
    assert (await member.get(URL)).json()["data"] == [row]
    assert bytes_kept(bear) == {row["sha256"]}


async def test_the_bytes_alone_are_a_body_too(member: httpx2.AsyncClient) -> None:
    for query, headers in (
        ("?name=photo.png", {"content-type": "image/png"}),
        # What `curl --data-binary` sends unasked.
        ("?name=photo.png", {"content-type": "application/x-www-form-urlencoded"}),
        ("", {"content-disposition": 'attachment; filename="photo.png"'}),
        ("", {"content-disposition": "attachment; filename=\"x\"; filename*=UTF-8''photo.png"}),
    ):
        answer = await member.post(f"{URL}{query}", content=PNG, headers=headers)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["data"]["name"], answer.json()["data"]["content_type"]) == ("photo.png", "image/png")


@pytest.mark.parametrize("deed", ["disabled", "forbidden"])
async def test_who_loses_the_right_while_the_bytes_come_in_leaves_nothing(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, deed: str
) -> None:
    async def coming() -> AsyncIterator[bytes]:
        yield PNG[:20]
        if deed == "disabled":
            answer = await admin.patch(f"/api/v1/users/{bear.ids['max']}", json={"is_active": False})
        else:
            rule = {"role": "member", "model": "files", "verb": "create", "extent": "none"}
            answer = await admin.post("/api/v1/access_rules", json=rule)
        assert answer.status_code in (200, 201), answer.text
        yield PNG[20:]

    answer = await member.post(f"{URL}?name=photo.png", content=coming(), headers={"content-type": "image/png"})
    assert (answer.status_code, answer.json().get("code")) == (403, "forbidden"), answer.text
    assert (await admin.get(URL)).json()["count"] == 0 and bytes_kept(bear) == set()


async def test_a_form_may_name_the_file_and_an_empty_file_is_one(member: httpx2.AsyncClient) -> None:
    answer = await member.post(URL, files={"anything": ("a.txt", b"", "text/plain")}, data={"name": "b.txt"})
    assert answer.status_code == 201, answer.text
    row = answer.json()["data"]
    assert (row["name"], row["size"]) == ("b.txt", 0)
    content = await member.get(f"{URL}/{row['id']}/content")
    assert (content.status_code, content.content, content.headers["content-length"]) == (200, b"", "0")
    assert (await member.get(f"{URL}/{row['id']}/content", headers={"range": "bytes=0-"})).status_code == 416


BODIES: list[tuple[str, bytes, str]] = [
    ("multipart/form-data", b"x", "invalid_form"),
    ("multipart/form-data; boundary=b", b"no form", "invalid_form"),
    ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhalf',
     "invalid_form"),
    ("multipart/form-data; boundary=b", b"--b--\r\n", "validation_error"),
    ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--b--\r\n',
     "validation_error"),
    ("multipart/form-data; boundary=b",
     b'--b\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\n\r\n--b--\r\n', "validation_error"),
    ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--\r\n',
     "validation_error"),
    ("multipart/form-data; boundary=b",
     b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n1\r\n--b\r\n'
     b'Content-Disposition: form-data; name="g"; filename="b"\r\n\r\n2\r\n--b--\r\n', "validation_error"),
    ("multipart/form-data; boundary=b", b"--b\r\n" + b"A: b\r\n" * 500 + b"\r\nx\r\n--b--\r\n", "invalid_form"),
    ("image/png", PNG, "validation_error"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "code"), BODIES, ids=range(len(BODIES)))
async def test_a_body_that_is_no_file_is_refused_and_leaves_nothing(
    bear: Bear, member: httpx2.AsyncClient, kind: str, body: bytes, code: str
) -> None:
    answer = await member.post(URL, content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["code"]) in ((400, code), (422, code)), answer.text
    assert (await member.get(URL)).json()["count"] == 0
    assert bytes_kept(bear) == set()


async def test_equal_bytes_lie_there_once_and_nobody_learns_of_it(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    mine, yours = await uploaded(member, PNG), await uploaded(other, PNG)
    assert mine["id"] != yours["id"]
    assert {**mine, "id": 0, "owner_id": 0, "created_at": 0, "updated_at": 0} == {
        **yours, "id": 0, "owner_id": 0, "created_at": 0, "updated_at": 0
    }  # fmt: skip
    assert bytes_kept(bear) == {mine["sha256"]}
    assert (await other.get(URL)).json()["count"] == 1
    assert (await other.get(f"{URL}?sha256={mine['sha256']}")).json()["count"] == 1
    assert (await other.get(f"{URL}/{mine['id']}/content")).status_code == 404
    assert (await member.delete(f"{URL}/{mine['id']}")).status_code == 200
    assert (await other.get(f"{URL}/{yours['id']}/content")).content == PNG


RANGES = [
    ("bytes=0-9", 206, 0, 10), ("bytes=10-", 206, 10, 1000), ("bytes=-7", 206, 993, 1000),
    ("bytes=-5000", 206, 0, 1000), ("bytes=990-5000", 206, 990, 1000), ("bytes=999-999", 206, 999, 1000),
    ("Bytes = 0 - 0", 206, 0, 1), ("bytes=5-4", 200, 0, 1000), ("bytes=0-1,5-6", 200, 0, 1000),
    ("bytes=a-b", 200, 0, 1000), ("bytes=-", 200, 0, 1000), ("lines=0-1", 200, 0, 1000), ("", 200, 0, 1000),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "status", "first", "end"), RANGES)
async def test_a_part_is_what_was_asked_for(
    member: httpx2.AsyncClient, asked: str, status: int, first: int, end: int
) -> None:
    data = bytes(number % 251 for number in range(1000))
    address = f"{URL}/{(await uploaded(member, data, 'x.bin', ''))['id']}/content"
    for method in ("GET", "HEAD"):
        answer = await member.request(method, address, headers={"range": asked})
        assert answer.status_code == status
        assert answer.headers["content-length"] == str(end - first)
        assert answer.headers.get("content-range") == (f"bytes {first}-{end - 1}/1000" if status == 206 else None)
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.content == (data[first:end] if method == "GET" else b"")


async def test_a_part_beyond_the_end_and_one_of_another_version(member: httpx2.AsyncClient) -> None:
    row = await uploaded(member, b"0123456789", "x.bin", "")
    address = f"{URL}/{row['id']}/content"
    for asked in ("bytes=10-", "bytes=-0", "bytes=9223372036854775807-"):
        answer = await member.get(address, headers={"range": asked})
        assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
        assert answer.headers["content-range"] == "bytes */10"
    part = {"range": "bytes=2-3"}
    assert (await member.get(address, headers={**part, "if-range": f'"{row["sha256"]}"'})).content == b"23"
    for stale in ('"other"', "Wed, 25 Nov 2026 00:00:00 GMT", f'W/"{row["sha256"]}"'):
        answer = await member.get(address, headers={**part, "if-range": stale})
        assert (answer.status_code, answer.content) == (200, b"0123456789")
    known = await member.get(address, headers={"if-none-match": f'"{row["sha256"]}"'})
    assert (known.status_code, known.content) == (304, b"")
    assert "content-length" not in known.headers


async def test_nothing_that_was_uploaded_can_run_here(member: httpx2.AsyncClient) -> None:
    svg = b"<?xml version='1.0'?><!-- x --><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    disguised: list[tuple[bytes, str, str, str]] = [
        (HTML, "page.html", "text/html", "text/html"), (HTML, "photo.png", "image/png", "text/html"),
        (HTML, "x", "", "text/html"), (b"\xef\xbb\xbf \n" + HTML, "x.gif", "image/gif", "text/html"),
        (b"\xff\xfe" + HTML.decode().encode("utf-16-le"), "x.jpg", "image/jpeg", "text/html"),
        (svg, "x.svg", "image/svg+xml", "image/svg+xml"), (svg, "x.png", "image/png", "image/svg+xml"),
        (b"alert(1)", "x.png", "image/png", "application/octet-stream"),
        (b"alert(1)", "x.xhtml", "application/xhtml+xml", "text/html"),
        (b"MZ\x90\x00", "photo.jpg", "image/jpeg", "application/vnd.microsoft.portable-executable"),
        (HTML, "x.txt", "", "text/plain"), (HTML, "x.txt", "text/plain", "text/plain"),
    ]  # fmt: skip
    for data, name, told, kept in disguised:
        headers = {"content-type": told} if told else {}
        answer = await member.post(URL, params={"name": name}, content=data, headers=headers)
        assert answer.status_code == 201, answer.text
        row = answer.json()["data"]
        assert row["content_type"] == kept, (name, told)
        for query in ("", "?inline=true"):
            content = await member.get(f"{URL}/{row['id']}/content{query}")
            assert content.content == data
            assert content.headers["x-content-type-options"] == "nosniff"
            policy = content.headers["content-security-policy"]
            assert policy.startswith("sandbox; default-src 'none';")
            assert "script" not in policy and "allow-" not in policy
            inline = kept == "text/plain" and query
            assert content.headers["content-disposition"].startswith("inline" if inline else "attachment"), name


async def test_pictures_are_shown_inline_when_asked(member: httpx2.AsyncClient) -> None:
    row = await uploaded(member, PNG)
    for query, shown in (("", "attachment"), ("?inline=true", "inline"), ("?inline=false", "attachment")):
        content = await member.get(f"{URL}/{row['id']}/content{query}")
        assert content.headers["content-disposition"].startswith(shown)


NAMES = [
    ("../../etc/passwd", "passwd"), ("C:\\Users\\x\\photo.png", "photo.png"), ("/", "file"), ("..", "file"),
    ('a"b<c>.txt', "a_b_c_.txt"), ("photo\u202egpj.exe", "photogpj.exe"), ("con.txt", "_con.txt"), ("  . ", "file"),
    ("a\u0000b\u0007.txt", "ab.txt"), ("e\u0301.txt", "\u00e9.txt"), (".profile", ".profile"), ("a. . ", "a"),
    ("x" * 900 + ".png", "x" * 236 + ".png"), ("\U0001f43b" * 200 + ".png", "\U0001f43b" * 59 + ".png"),
    ("x\r\nSet-Cookie: a=b", "x  Set-Cookie_ a=b"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "kept"), NAMES)
async def test_a_hostile_name_is_made_harmless(member: httpx2.AsyncClient, sent: str, kept: str) -> None:
    answer = await member.post(URL, params={"name": sent}, content=b"x")
    assert answer.status_code == 201, answer.text
    assert answer.json()["data"]["name"] == kept
    content = await member.get(f"{URL}/{answer.json()['data']['id']}/content")
    assert content.status_code == 200
    assert "set-cookie" not in content.headers


async def test_a_quoted_name_of_a_form_is_read_as_browsers_write_it(member: httpx2.AsyncClient) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a%22b%0D%0A 100%25.txt"\r\n\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = await member.post(URL, content=head + b"x\r\n--b--\r\n", headers=headers)
    assert answer.json()["data"]["name"] == "a_b   100%25.txt"


async def test_too_much_is_refused_before_and_while_it_comes(tmp_path: Path, anyio_backend: str) -> None:
    async with running_bear(tmp_path / "data", upload_body_bytes=10_000, upload_types="image/*, text/plain") as bear:
        member = await bear.person("max")
        reads = 0

        async def counted(size: int) -> Any:
            nonlocal reads
            for _ in range(size // 1000):
                reads += 1
                yield b"x" * 1000

        answer = await member.post(f"{URL}?name=a.txt", content=counted(20_000), headers={"content-length": "20000"})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert "upload_body_bytes" in answer.json()["error"]
        answer = await member.post(f"{URL}?name=a.txt", content=counted(50_000))
        assert answer.status_code == 413
        assert (await upload(member, b"x" * 10_001, "a.txt", "text/plain")).status_code == 413
        assert (await upload(member, b"x" * 10_000, "a.txt", "text/plain")).status_code == 201
        refused = await upload(member, b"PK\x03\x04", "a.zip", "application/zip")
        assert (refused.status_code, refused.json()["fields"]["file"]["code"]) == (422, "type_not_allowed")
        assert (await upload(member, HTML, "a.png", "image/png")).status_code == 422
        assert (await upload(member, PNG, "a.png", "image/png")).status_code == 201
        assert len(bytes_kept(bear)) == 2
        assert list((tmp_path / "data" / "tmp").iterdir()) == []


async def test_who_may_see_a_file_of_one_s_own(
    member: httpx2.AsyncClient, other: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient,
    admin: httpx2.AsyncClient,
) -> None:  # fmt: skip
    row = await uploaded(member, b"my diary", "diary.txt", "text/plain")
    address = f"{URL}/{row['id']}"
    for client, status in ((other, 404), (guest_role, 404), (nobody, 401)):
        for path in (address, f"{address}/content", f"{address}/content?inline=true"):
            for method in ("GET", "HEAD"):
                answer = await client.request(method, path, headers={"if-none-match": f'"{row["sha256"]}"'})
                assert answer.status_code == status
                assert "diary" not in answer.text + str(answer.headers)
                assert row["sha256"] not in answer.text + str(answer.headers)
        listed = await client.get(URL)
        assert listed.status_code == (401 if client is nobody else 200)
        assert "diary" not in listed.text
        deleted = await client.delete(address)
        assert deleted.status_code == {other: 404, guest_role: 403, nobody: 401}[client]
    assert (await other.get(f"{URL}/99999")).json()["error"].replace("99999", "1") == (
        (await other.get(address)).json()["error"].replace(str(row["id"]), "1")
    )
    assert (await upload(guest_role, b"x")).status_code == 403
    assert (await upload(nobody, b"x")).status_code == 401
    assert (await admin.get(f"{address}/content")).content == b"my diary"
    assert (await member.get(f"{address}/content")).content == b"my diary"
    assert (await admin.get(URL)).json()["count"] == 1
    assert (await admin.delete(address)).status_code == 200
    assert (await member.get(address)).status_code == 404


async def test_a_token_that_only_reads_uploads_and_deletes_nothing(bear: Bear, member: httpx2.AsyncClient) -> None:
    row = await uploaded(member, PNG)
    reader = await bear.person("max", scopes=["api:read"])
    assert (await reader.get(f"{URL}/{row['id']}/content")).status_code == 200
    assert (await upload(reader, PNG)).status_code == 403
    assert (await reader.delete(f"{URL}/{row['id']}")).status_code == 403


async def test_rows_of_files_are_made_and_changed_in_no_other_way(
    member: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    row = await uploaded(member, PNG)
    forged = {"name": "x", "content_type": "text/html", "size": 1, "sha256": "0" * 64}
    for client in (member, admin):
        for values in ({}, forged):
            operation = {"verb": "create", "model": "files", "values": values}
            answer = await client.post("/api/v1/batch", json={"operations": [operation]})
            assert answer.status_code == 422, answer.text
        operation = {"verb": "update", "model": "files", "id": row["id"], "values": {"name": "y"}}
        assert (await client.post("/api/v1/batch", json={"operations": [operation]})).status_code == 403
        assert (await client.patch(f"{URL}/{row['id']}", json={"name": "y"})).status_code == 405
        assert (await client.put(f"{URL}/{row['id']}", json=forged)).status_code == 405
        assert (await client.post("/api/v1/files/import", content=b"name\nx\n")).status_code == 422
    assert (await member.get(f"{URL}/{row['id']}")).json()["data"] == row


async def test_a_deleted_file_comes_back_with_its_bytes(member: httpx2.AsyncClient, other: httpx2.AsyncClient) -> None:
    row = await uploaded(member, PNG)
    etag = (await member.get(f"{URL}/{row['id']}")).headers["etag"]
    assert (await member.delete(f"{URL}/{row['id']}", headers={"if-match": '"x"'})).status_code == 412
    assert (await member.delete(f"{URL}/{row['id']}", headers={"if-match": etag})).status_code == 200
    assert (await member.get(f"{URL}/{row['id']}/content")).status_code == 404
    assert (await other.post(f"{URL}/{row['id']}/restore")).status_code == 404
    assert (await member.get(f"{URL}/deleted")).json()["data"][0]["before"]["name"] == "photo.png"
    assert (await member.post(f"{URL}/{row['id']}/restore")).status_code == 200
    assert (await member.get(f"{URL}/{row['id']}/content")).content == PNG
    assert (await member.post(f"{URL}/{row['id']}/restore")).json()["code"] == "not_deleted"
    assert (await member.post(f"{URL}/{row['id']}/restore?before=1")).json()["code"] == "not_deleted"


async def test_lost_bytes_are_told_as_such(bear: Bear, member: httpx2.AsyncClient) -> None:
    row = await uploaded(member, PNG)
    next((bear.app.records.shelf.store.path.parent / "files").rglob(row["sha256"])).unlink()
    answer = await member.get(f"{URL}/{row['id']}/content")
    assert (answer.status_code, answer.json()["code"]) == (404, "content_missing")
    assert (await uploaded(member, PNG))["sha256"] == row["sha256"]
    assert (await member.get(f"{URL}/{row['id']}/content")).content == PNG


async def test_addresses_are_described(nobody: httpx2.AsyncClient) -> None:
    paths = (await nobody.get("/api/openapi.json")).json()["paths"]
    assert set(paths["/api/v1/files"]) == {"get", "post"}
    assert set(paths["/api/v1/files"]["post"]["requestBody"]["content"]) == {"multipart/form-data", "*/*"}
    assert set(paths["/api/v1/files/{id}"]) == {"get", "delete", "parameters"}
    assert set(paths["/api/v1/files/{file_id}/content"]) == {"get", "head"}
