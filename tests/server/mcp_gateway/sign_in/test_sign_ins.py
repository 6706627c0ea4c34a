"""Signing in to a remote MCP server that really wants it: another GridBear, with its own people and OAuth server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
import uvicorn
from mcp.shared.exceptions import MCPError
from tests_mcp_support import House

from server.access.actor import SYSTEM
from server.mcp_gateway.sign_in.sign_ins import SignIns
from tests.conftest import Bear, running_bear

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
HELP = "remote__gridbear_help"


class Remote:
    """The other GridBear: its address, and a person of it in a browser."""

    def __init__(self, bear: Bear, origin: str, person: httpx2.AsyncClient) -> None:
        self.bear = bear
        self.url = f"{origin}/mcp"
        self.person = person

    async def says_yes(self, address: str) -> str:
        """The person opens the address, allows it, and is sent on to what this returns."""
        assert address.startswith(self.url.removesuffix("/mcp") + "/oauth/authorize?")
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["code_challenge_method"] == "S256" and asked["resource"] == self.url
        answer = await self.person.post("/oauth/consent/decide", data={**asked, "decision": "allow"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["redirect"])

    async def tokens(self) -> list[dict[str, Any]]:
        return await self.bear.app.records.find(SYSTEM, "oauth_tokens")


class _Served(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(app: Any, port: socket.socket) -> AsyncIterator[None]:
    """`app` at a real port of this computer."""
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
    server = _Served(config)
    task = asyncio.create_task(server.serve([port]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def remote(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Remote]:
    port = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{port.getsockname()[1]}"
    origin = f"http://{host}"
    folder = tmp_path_factory.mktemp("remote")
    async with running_bear(folder, allowed_hosts=host) as bear, served(bear.app, port):
        await bear.person("ada", "admin")
        answers = await bear.signed_in("ada")
        async with httpx2.AsyncClient(base_url=origin, cookies=answers.cookies) as person:
            yield Remote(bear, origin, person)


async def sign_in(house: House, remote: Remote, server: int, who: str = "ann") -> httpx2.Response:
    async with house.http(who) as http:
        begun = await http.post(f"/api/v1/gateway/{server}/sign-in")
        assert begun.status_code == 200, begun.text
        assert begun.json()["data"]["host"] == "127.0.0.1"
        back = await remote.says_yes(begun.json()["data"]["address"])
        assert back.startswith("http://127.0.0.1:8088/oauth/callback?")
        async with house.http() as browser:
            return await browser.get(back)


async def help_of(house: House, who: str = "ann") -> str:
    async with house.mcp(who) as client:
        return str((await client.call_tool(HELP, {})).content)


async def test_a_server_that_wants_a_sign_in_says_so_is_left_alone_and_works_after_it(
    make_house: MakeHouse, remote: Remote, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with make_house() as house:
        server = await house.add("remote", transport="http", url=remote.url, visibility="everyone")
        await house.add("up")
        async with house.mcp("ann") as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            assert "up__echo" in names and HELP not in names, "the others are unaffected"
            for _ in range(3):
                with pytest.raises(MCPError, match="wants a sign-in"):
                    await client.call_tool(HELP, {})
        assert (await house.state("remote"))["state"] == "needs_login"
        assert "401" in (await house.state("remote", "bob"))["error"]
        assert await remote.tokens() == []

        page = await sign_in(house, remote, server)
        assert page.status_code == 200 and "Signed in to remote" in page.text
        assert "servers" in await help_of(house)
        assert "servers" in await help_of(house, "bob"), "it is for everybody"
        assert (await house.state("remote"))["state"] == "ready"
        async with house.http("ann") as http:
            shown = await http.get("/api/v1/mcp_sign_ins")
            row = shown.json()["data"][0]
            assert row["shared"] is True and row["issuer"] + "/mcp" == remote.url and "tokens" not in row
            exported = (await http.get("/api/v1/mcp_sign_ins/export?format=jsonl")).text
        kept = (await house.app.records.reveal(SYSTEM, "mcp_sign_ins", row["id"]))["tokens"]
        secret = kept.split('"access_token": "')[1].split('"')[0]
        assert len(secret) > 20
        log = "\n".join(record.getMessage() for record in caplog.records)
        for where in (shown.text, exported, log):
            assert secret not in where
        for path in tmp_path.rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes(), "sealed on disk"


async def test_signing_out_ends_the_tokens_there_and_the_connection_here(make_house: MakeHouse, remote: Remote) -> None:
    async with make_house() as house:
        server = await house.add("remote", transport="http", url=remote.url)
        await sign_in(house, remote, server)
        await help_of(house)
        assert len(await remote.tokens()) == 1
        async with house.http("ann") as http:
            assert (await http.post(f"/api/v1/gateway/{server}/sign-out")).status_code == 200
            assert (await http.post(f"/api/v1/gateway/{server}/sign-out")).status_code == 404
        assert await remote.tokens() == []
        with pytest.raises(BaseExceptionGroup) as refused:
            await help_of(house)
        assert refused.group_contains(MCPError, match="sign-in|Unknown tool")


async def test_a_token_that_ran_out_or_was_taken_back_is_renewed_once_and_then_a_person_is_asked(
    make_house: MakeHouse, remote: Remote
) -> None:
    async with make_house() as house:
        server = await house.add("remote", transport="http", url=remote.url)
        await sign_in(house, remote, server)
        records = house.app.records
        async with house.mcp("ann") as client:
            await client.call_tool(HELP, {})
            before = (await records.reveal(SYSTEM, "mcp_sign_ins", 1))["tokens"]
            (row,) = await remote.tokens()
            await remote.bear.app.records.update(
                SYSTEM, "oauth_tokens", row["id"], {"access_expires_at": "2020-01-01T00:00:00.000Z"}
            )
            await client.call_tool(HELP, {})
            after = (await records.reveal(SYSTEM, "mcp_sign_ins", 1))["tokens"]
            assert after != before, "the new ones are kept"
            assert (await house.state("remote"))["state"] == "ready"
            await remote.bear.app.records.delete(SYSTEM, "oauth_tokens", row["id"])
            with pytest.raises(MCPError, match="wants a sign-in"):
                await client.call_tool(HELP, {})
            assert (await house.state("remote"))["state"] == "needs_login"
            assert (await house.state("remote"))["breaker"] == "closed"


async def test_with_a_sign_in_for_each_everybody_has_their_own(make_house: MakeHouse, remote: Remote) -> None:
    async with make_house() as house:
        server = await house.add("remote", transport="http", url=remote.url, visibility="everyone", sign_in="each")
        assert (await sign_in(house, remote, server, "bob")).status_code == 200
        assert "servers" in await help_of(house, "bob")
        assert (await house.state("remote", "bob"))["state"] == "ready"
        with pytest.raises(BaseExceptionGroup) as refused:
            await help_of(house, "eve")
        assert refused.group_contains(MCPError, match="wants a sign-in")
        assert (await house.state("remote", "eve"))["state"] == "needs_login"
        async with house.http("eve") as http:
            assert (await http.get("/api/v1/mcp_sign_ins")).json()["data"] == []
            assert (await http.delete("/api/v1/mcp_sign_ins/1")).status_code == 404
        async with house.http("bob") as http:
            assert len((await http.get("/api/v1/mcp_sign_ins")).json()["data"]) == 1
            assert (await http.delete("/api/v1/mcp_sign_ins/1")).status_code == 200
        with pytest.raises(BaseExceptionGroup) as refused:
            await help_of(house, "bob")
        assert refused.group_contains(MCPError, match="wants a sign-in|Unknown tool")


async def test_who_may_not_use_a_server_or_is_no_admin_begins_no_sign_in(make_house: MakeHouse, remote: Remote) -> None:
    async with make_house() as house:
        private = await house.add("private", transport="http", url=remote.url, sign_in="each")
        shared = await house.add("shared", transport="http", url=remote.url, visibility="everyone")
        program = await house.add("program")
        for who in ("bob", "eve"):
            async with house.http(who) as http:
                assert (await http.post(f"/api/v1/gateway/{private}/sign-in")).status_code == 404
                assert (await http.post(f"/api/v1/gateway/{shared}/sign-in")).status_code == 403
                assert (await http.post(f"/api/v1/gateway/{shared}/sign-out")).status_code == 403
        async with house.http("ann") as http:
            assert (await http.post(f"/api/v1/gateway/{program}/sign-in")).status_code == 409
        async with house.http() as http:
            assert (await http.post(f"/api/v1/gateway/{shared}/sign-in")).status_code == 401


async def test_an_answer_that_was_not_asked_for_is_refused_and_one_is_good_once(
    make_house: MakeHouse, remote: Remote
) -> None:
    async with make_house() as house:
        server = await house.add("remote", transport="http", url=remote.url)
        async with house.http("ann") as http:
            begun = (await http.post(f"/api/v1/gateway/{server}/sign-in")).json()["data"]["address"]
        back = await remote.says_yes(begun)
        async with house.http() as browser:
            for query in ("", "?code=x", "?code=x&state=y", "?state=<script>"):
                answer = await browser.get(f"/oauth/callback{query}")
                assert answer.status_code == 400 and "Begin it again" in answer.text and "<script" not in answer.text
            wrong_issuer = back.replace("iss=http", "iss=https")
            assert wrong_issuer != back
            assert (await browser.get(wrong_issuer)).status_code == 400
            assert (await browser.get(back)).status_code == 400, "used up"
        async with house.http("ann") as http:
            assert (await http.get("/api/v1/mcp_sign_ins")).json()["data"] == []


async def test_a_sign_in_that_somebody_else_began_takes_nobodys_account(make_house: MakeHouse, remote: Remote) -> None:
    async with make_house() as house:
        server = await house.add("remote", transport="http", url=remote.url, sign_in="each", visibility="everyone")
        async with house.http("bob") as bob:

            async def said_yes() -> str:
                begun = await bob.post(f"/api/v1/gateway/{server}/sign-in")
                return await remote.says_yes(begun.json()["data"]["address"])

            sent = await said_yes()
            async with house.session("ann") as browser:
                answer = await browser.get(sent)
                assert answer.status_code == 400 and "Somebody else has begun" in answer.text, answer.text
            async with house.session("bob") as browser:
                assert (await browser.get(sent)).status_code == 400, "used up"
                assert (await bob.get("/api/v1/mcp_sign_ins")).json()["data"] == []
                assert (await browser.get(await said_yes())).status_code == 200
            assert len((await bob.get("/api/v1/mcp_sign_ins")).json()["data"]) == 1


async def test_a_person_who_says_no_or_comes_too_late_signs_nobody_in(make_house: MakeHouse, remote: Remote) -> None:
    now = 100.0
    async with make_house() as house:
        sign_ins = SignIns(house.app.records, clock=lambda: now)
        server = await house.add("remote", transport="http", url=remote.url)
        config = house.app.gateway.gateway.config_for(SYSTEM, server)
        begun = await sign_ins.begin(SYSTEM, config, "http://127.0.0.1:8088/oauth/callback")
        state = dict(parse_qsl(urlsplit(begun["address"]).query))["state"]
        with pytest.raises(Exception, match=r"refused \(access_denied\)"):
            await sign_ins.finish(state, None, None, "access_denied")
        begun = await sign_ins.begin(SYSTEM, config, "http://127.0.0.1:8088/oauth/callback")
        back = dict(parse_qsl(urlsplit(await remote.says_yes(begun["address"])).query))
        now += 601
        with pytest.raises(Exception, match="is over"):
            await sign_ins.finish(back["state"], back["code"], back.get("iss"), None)
        sign_ins.stop()
