"""The public port: plugins with `public_api`, and not a word of anything else, whoever asks and whatever they bring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from server.plugin_api import sign_sha256
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import ROUTES, on, write
from tests.server.webhooks.tests_webhooks_support import receiving

pytestmark = pytest.mark.anyio
INBOX = "/api/webhook-inbox/"
TEST = "/api/v1/plugins/public-address/test"


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[tuple[Bear, httpx2.AsyncClient]]:
    """A server, and somebody who comes by the tunnel."""
    folder = tmp_path / "data" / "plugins"
    write(folder, "open", routes=ROUTES, public_api=True)
    write(folder, "shut", routes=ROUTES)
    async with running_bear(tmp_path / "data", public_port=1, public_url="https://hooks.example/bear") as bear:
        ada = await bear.person("ada", "admin")
        await on(ada, "open")
        await on(ada, "shut")
        transport = httpx2.ASGITransport(bear.app.public, client=("127.0.0.1", 5000), raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="https://hooks.example") as client:
            yield bear, client


async def test_only_public_plugins_are_there(outside: tuple[Bear, httpx2.AsyncClient]) -> None:
    _, client = outside
    assert (await client.get("/api/open/who")).json() == {"kind": "anonymous"}
    assert (await client.get("/bear/api/open/who")).status_code == 200
    paths = ("/", "/ui/app.js", "/auth/login", "/auth/setup", "/healthz", "/metrics", "/api/docs", "/api/openapi.json",
             "/api/v1/notes", "/api/v1/models", "/api/internal/health", "/mcp", "/oauth/authorize", "/_desktop/login",
             "/.well-known/oauth-authorization-server", "/api/shut/who", "/api/none/who", "/api/", "/api",
             "//api/open/who", "/api/open/../v1/notes", "/api/%6fpen/../shut/who", "/api/_reach/guess")  # fmt: skip
    answers = {path: await client.get(path) for path in paths}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 404)
    assert {answer.json()["error"] for answer in answers.values()} <= {"There is nothing here.", "Not Found"}


async def test_nothing_that_is_brought_along_signs_anybody_in(outside: tuple[Bear, httpx2.AsyncClient]) -> None:
    bear, client = outside
    token = (await bear.app.people.create_token("ada"))["token"]
    cookie = (await bear.signed_in("ada")).cookies["gridbear_session_token"]
    for headers in ({"authorization": f"Bearer {token}"}, {"cookie": f"gridbear_session_token={cookie}"}):
        assert (await client.get("/api/open/who", headers=headers)).json() == {"kind": "anonymous"}
        assert (await client.post(f"{INBOX}secret", headers=headers)).status_code == 401


async def test_a_webhook_comes_in_by_it_and_answers_carry_the_guards_headers(
    outside: tuple[Bear, httpx2.AsyncClient],
) -> None:
    bear, client = outside
    ada = await bear.person("ada")
    secret = (await ada.post(f"{INBOX}secret")).json()["data"]["secret"]
    answer = await client.post(INBOX, content=b"hi", headers={"x-hub-signature-256": sign_sha256(secret, b"hi")})
    assert answer.status_code == 201
    assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["x-request-id"]
    assert (await client.post(INBOX, content=b"x" * ((1 << 20) + 1))).status_code == 413
    failed = await client.get("/api/open/fails")
    assert failed.status_code == 500 and "private detail" not in failed.text


async def test_a_flood_is_answered_429_with_when_to_come_back(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", public_port=1, public_rate_per_second=0.1) as bear:
        transport = httpx2.ASGITransport(bear.app.public, client=("127.0.0.1", 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="https://hooks.example") as client:
            assert (await client.get("/x")).status_code == 404
            answer = await client.get("/x")
            assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0


async def test_the_self_test_says_when_the_address_leads_somewhere_else(
    tmp_path: Path, outside: tuple[Bear, httpx2.AsyncClient]
) -> None:
    async with receiving() as stranger, running_bear(tmp_path / "more", public_port=1, public_url=stranger.url) as bear:
        ada = await bear.person("ada", "admin")
        answer = (await ada.post(TEST)).json()["data"]
        assert answer["reached"] is False and "not from the public port" in answer["problem"]
        max_ = await bear.person("max")
        assert (await max_.post(TEST)).status_code == 403
        assert len(stranger.got) == 1
    async with running_bear(tmp_path / "none") as bear:
        ada = await bear.person("ada", "admin")
        assert (await ada.post(TEST)).json()["code"] == "not_public"


@pytest.mark.parametrize(
    "url", ["hooks.example", "ftp://hooks.example", "https://", "https://a@b.example", "https://a/?x"]
)
def test_a_public_address_is_one(url: str, tmp_path: Path) -> None:
    from server.config import Settings

    with pytest.raises(ValueError, match="https://hooks.example"):
        Settings(data_dir=tmp_path, public_url=url)
