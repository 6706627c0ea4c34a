"""The guard: hosts, foreign sites, headers, the base path, and what nobody may reach."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from server.web.dispatch import ANONYMOUS_ADDRESSES
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("entry", "good", "bad"), [
    ("bear.lan", ("bear.lan", "bear.lan:8088", "BEAR.lan:8088"), ("bear.lan:9", "lan:8088")),
    ("[fd00::2]", ("[fd00::2]", "[fd00::2]:8088"), ("[fd00::3]:8088",)),
    ("bear.lan:9", ("bear.lan:9",), ("bear.lan", "bear.lan:8088", "bear.lan:9:8088")),
])  # fmt: skip
async def test_an_allowed_name_without_a_port_counts_with_our_own_port_too(
    tmp_path: Path, entry: str, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    async with running_bear(tmp_path, allowed_hosts=entry) as bear:
        client = await bear.client()
        for hosts, status in ((good, 200), (bad, 403)):
            for host in hosts:
                assert (await client.get("/healthz", headers={"host": host})).status_code == status, host


async def test_a_foreign_host_name_is_refused_everywhere(bear: Bear, nobody: httpx2.AsyncClient) -> None:
    for host in ("evil.example", "127.0.0.1", "127.0.0.1:9999", "localhost.evil.example:8088"):
        for address in ("/", "/healthz", "/ui/main.js", "/api/webhook-inbox/", "/mcp", "/api/v1/notes"):
            answer = await nobody.get(address, headers={"host": host})
            assert answer.status_code == 403 and answer.json()["code"] == "host_not_allowed", (host, address)
    for host in ("127.0.0.1:8088", "localhost:8088", "LOCALHOST:8088", "[::1]:8088"):
        assert (await nobody.get("/healthz", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"origin": "http://127.0.0.1:8088"}, True),
        ({"origin": "http://127.0.0.1:8088", "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": "null"}, False),
        ({"origin": "https://127.0.0.1:8088"}, False),
        ({"origin": "http://127.0.0.1:9999"}, False),
        ({"origin": "http://localhost:8088"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": "http://127.0.0.1:8088", "sec-fetch-site": "cross-site"}, False),
    ],
)
async def test_another_site_can_not_write_with_the_cookie(
    bear: Bear, admin: httpx2.AsyncClient, headers: dict[str, str], passes: bool
) -> None:
    client = await bear.signed_in("ada")
    answer = await client.post("/api/v1/notes", json={"title": "x"}, headers=headers)
    assert answer.status_code == (201 if passes else 403), answer.text
    if not passes:
        assert answer.json()["code"] == "cross_site"
        assert (await admin.get("/api/v1/notes")).json()["count"] == 0
    token = await admin.post("/api/v1/notes", json={"title": "x"}, headers=headers)
    assert token.status_code == 201, "a token is never sent by a browser on its own"


async def test_every_answer_carries_the_headers_and_an_id(bear: Bear, nobody: httpx2.AsyncClient) -> None:
    for address in ("/", "/healthz", "/api/v1/notes", "/ui/main.js", "/nope", "/mcp", "/api/docs"):
        headers = (await nobody.get(address)).headers
        policy = headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and len(headers["x-request-id"]) == 16, address
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert ("data:" in policy) == (address == "/api/docs")


async def test_nobody_reaches_anything_but_the_listed_addresses(bear: Bear, admin: httpx2.AsyncClient) -> None:
    assert len(ANONYMOUS_ADDRESSES) == 20, "a new open address is a decision: state it here"
    nobody = await bear.client()
    paths = (await nobody.get("/api/openapi.json")).json()["paths"]
    tried = 0
    for path, operations in paths.items():
        if path in ANONYMOUS_ADDRESSES or path.startswith("/api/webhook-inbox"):
            continue
        for method in operations:
            if method == "parameters":
                continue
            answer = await nobody.request(method.upper(), path.replace("{id}", "1").replace("{", "").replace("}", ""))
            assert answer.status_code == 401, (method, path, answer.text)
            assert method == "head" or "data" not in answer.json()
            tried += 1
    assert tried > 40


async def test_a_base_path_is_in_every_address_that_is_made(tmp_path: Path) -> None:
    async with running_bear(tmp_path, base_path="/bear") as bear:
        admin = await bear.person("ada", "admin")
        page = (await admin.get("/")).text
        assert "/bear/ui/" in page and '"/ui/' not in page
        made = await admin.post("/api/v1/notes", json={"title": "x"})
        assert made.headers["location"] == "/bear/api/v1/notes/1"
        assert (await admin.get("/api/openapi.json")).json()["servers"] == [{"url": "/bear"}]
        client = await bear.signed_in("ada")
        assert (await client.get("/auth/me")).status_code == 200
        outside = httpx2.AsyncClient(transport=httpx2.ASGITransport(bear.app), base_url="http://127.0.0.1:8088")
        async with outside:
            login = {"username": "ada", "password": "correct horse battery"}
            cookie = (await outside.post("/bear/auth/login", data=login)).headers["set-cookie"]
            assert "path=/bear" in cookie.lower()
            assert (await outside.get("/healthz")).status_code == 404
