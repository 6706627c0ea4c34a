"""Reverse proxies and pages of other sites: who is believed, and who is told what."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from server.config import Settings
from server.errors import StartupError
from tests.conftest import CONTROL_TOKEN, PASSWORD, Bear, running_bear

pytestmark = pytest.mark.anyio

CONTROL = {"authorization": f"Bearer {CONTROL_TOKEN}"}
ORIGIN = "https://app.example"


async def addresses(bear: Bear, admin: httpx2.AsyncClient) -> list[str]:
    return [row["address"] for row in (await admin.get("/api/v1/sessions?sort=id")).json()["data"]]


async def test_forwarded_headers_of_an_unlisted_sender_are_not_believed(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await bear.signed_in("ada", **{"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"})
    assert await addresses(bear, admin) == ["unlisted proxy"]


@pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"])
async def test_what_only_this_computer_may_do_does_not_come_through_a_proxy(bear: Bear, name: str) -> None:
    client = await bear.client()
    assert (await client.post("/_desktop/ticket", headers=CONTROL)).status_code == 200
    assert (await client.post("/_desktop/ticket", headers={**CONTROL, name: "127.0.0.1"})).status_code == 401


async def test_a_listed_proxy_tells_address_and_scheme_and_a_liar_before_it_does_not(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", trusted_proxies="127.0.0.1, 10.0.0.0/8") as bear:
        admin = await bear.person("ada", "admin")
        client = await bear.client()
        answer = await client.post(
            "/auth/login",
            data={"username": "ada", "password": PASSWORD},
            headers={"accept": "application/json", "x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.1.2.3",
                     "x-forwarded-proto": "https"},
        )  # fmt: skip
        assert answer.status_code == 200
        assert "Secure" in answer.headers["set-cookie"]
        assert await addresses(bear, admin) == ["203.0.113.9"]
        outsider = await bear.client("203.0.113.77")
        await outsider.post(
            "/auth/login",
            data={"username": "ada", "password": PASSWORD},
            headers={"accept": "application/json", "x-forwarded-for": "127.0.0.1"},
        )
        assert (await addresses(bear, admin))[-1] == "unlisted proxy"
        local = await client.post("/_desktop/ticket", headers={**CONTROL, "x-forwarded-for": "203.0.113.9"})
        assert local.status_code == 401


async def test_behind_tls_the_own_origin_is_https(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", trusted_proxies="127.0.0.1") as bear:
        await bear.person("ada", "admin")
        client = await bear.signed_in("ada")
        client.headers["x-forwarded-proto"] = "https"
        client.headers["x-forwarded-for"] = "203.0.113.9"
        for origin, status in (("https://127.0.0.1:8088", 201), ("http://127.0.0.1:8088", 403)):
            answer = await client.post("/api/v1/notes", json={"title": "x"}, headers={"origin": origin})
            assert answer.status_code == status, origin


async def test_no_other_site_is_let_in_unless_it_is_listed(bear: Bear, admin: httpx2.AsyncClient) -> None:
    answer = await admin.get("/api/v1/notes", headers={"origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = {"origin": ORIGIN, "access-control-request-method": "GET"}
    assert (await (await bear.client()).options("/api/v1/notes", headers=asked)).status_code == 401


async def test_a_listed_site_may_use_a_token_and_never_the_cookie(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", cors_origins=ORIGIN) as bear:
        admin = await bear.person("ada", "admin")
        nobody = await bear.client()
        asked = {"origin": ORIGIN, "access-control-request-method": "PATCH",
                 "access-control-request-headers": "authorization,if-match,mcp-method,mcp-name"}  # fmt: skip
        preflight = await nobody.options("/api/v1/notes/1", headers=asked)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == ORIGIN
        answer = await admin.get("/api/v1/notes", headers={"origin": ORIGIN})
        assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-credentials" not in answer.headers
        other = await admin.get("/api/v1/notes", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        cookie = await bear.signed_in("ada")
        refused = await cookie.post("/api/v1/notes", json={"title": "x"}, headers={"origin": ORIGIN})
        assert refused.status_code == 403 and refused.json()["code"] == "cross_site"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trusted_proxies", "*"),
        ("trusted_proxies", "proxy.local"),
        ("cors_origins", "*"),
        ("cors_origins", "app.example"),
        ("cors_origins", "https://app.example/"),
    ],
)
def test_wildcards_and_names_that_mean_nothing_are_refused_at_the_start(name: str, value: str) -> None:
    with pytest.raises(StartupError) as refused:
        Settings.load({name: value}, env={})
    assert f"--{name.replace('_', '-')}" in refused.value.message
